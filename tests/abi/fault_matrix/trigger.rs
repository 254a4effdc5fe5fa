//! How a fault is caused.

use std::any::Any;
use std::sync::Arc;

use b2_sandbox::Fault;

use super::fake_server::Serve;
use crate::support::api::Options;
use crate::support::fixture::Fixture;

/// The options for a call under faulty conditions. What was changed is undone when this is dropped.
pub struct Conditions {
    pub options: Options,
    _undo: Box<dyn Any>,
}

impl Conditions {
    pub fn new(options: Options, undo: impl Any) -> Self {
        Self { options, _undo: Box::new(undo) }
    }
}

/// Runs a function when it is dropped.
pub struct Undo<F: FnMut()>(pub F);

impl<F: FnMut()> Drop for Undo<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// Finds the server that takes the good server's place.
pub type Impostor = Arc<dyn Fn(&Fixture) -> Serve + Send + Sync>;
pub type Cause = dyn Fn(&Fixture, &Options) -> Conditions + Send + Sync;

/// How a fault is caused.
#[derive(Clone)]
pub enum Trigger {
    /// By the row itself.
    Custom,
    /// By the sandbox's response.
    Response(Box<Fault>),
    /// By something around the call.
    Conditions(Arc<Cause>),
    /// By another server in the place of the good one, over https or http.
    Impostor { https: bool, server: Impostor },
}

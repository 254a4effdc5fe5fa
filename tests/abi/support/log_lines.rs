//! The log that calls write, as a test reads it.

use std::sync::{Arc, Mutex};

use super::api::Options;

/// The lines that calls with some options have logged since the last look.
#[derive(Clone, Default)]
pub struct LogLines(Arc<Mutex<Vec<(i32, String)>>>);

impl LogLines {
    /// Makes calls with these options log here.
    pub fn capture(options: &Options) -> Self {
        let lines = Self::default();
        let sink = lines.clone();
        options.set_log(Some(Box::new(move |level, message| {
            sink.0.lock().expect("no panic with the lock").push((level, message.to_owned()));
        })));
        lines
    }

    /// Level and text of each line.
    pub fn take_with_levels(&self) -> Vec<(i32, String)> {
        std::mem::take(&mut self.0.lock().expect("no panic with the lock"))
    }

    pub fn take(&self) -> Vec<String> {
        self.take_with_levels().into_iter().map(|(_, line)| line).collect()
    }
}

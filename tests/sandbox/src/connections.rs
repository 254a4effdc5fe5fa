//! The open connections: how many there may be, and their end when the sandbox stops.

use std::collections::HashMap;
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use crate::sync::lock;

/// One thread each, so there is an end to it.
const MOST: usize = 4_096;
/// A thread that does not end by then is left behind.
const LONGEST_FAREWELL: Duration = Duration::from_secs(5);

#[derive(Debug, Default)]
pub(crate) struct Connections {
    state: Mutex<State>,
    fewer: Condvar,
}

#[derive(Debug, Default)]
struct State {
    last: u64,
    open: HashMap<u64, Arc<TcpStream>>,
}

/// One open connection; it is off the list when this goes.
#[derive(Debug)]
pub(crate) struct Open {
    pub(crate) number: u64,
    list: Arc<Connections>,
}

impl Connections {
    /// Lists a connection; `None` if there are too many.
    pub(crate) fn enter(list: &Arc<Self>, socket: &Arc<TcpStream>) -> Option<Open> {
        let mut state = lock(&list.state);
        if state.open.len() >= MOST {
            return None;
        }
        state.last += 1;
        let number = state.last;
        state.open.insert(number, Arc::clone(socket));
        Some(Open { number, list: Arc::clone(list) })
    }

    /// Ends them all, and waits for their threads.
    pub(crate) fn end(&self) {
        let state = lock(&self.state);
        for socket in state.open.values() {
            // One that is already closed needs no more.
            let _ = socket.shutdown(Shutdown::Both);
        }
        let busy = |state: &mut State| !state.open.is_empty();
        drop(self.fewer.wait_timeout_while(state, LONGEST_FAREWELL, busy));
    }

    pub(crate) fn count(&self) -> usize {
        lock(&self.state).open.len()
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        lock(&self.list.state).open.remove(&self.number);
        self.list.fewer.notify_all();
    }
}

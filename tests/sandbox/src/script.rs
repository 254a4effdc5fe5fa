//! Which fault comes next, per key id.

use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;

use serde::{Deserialize, Serialize};

use crate::body;
use crate::fault::Fault;
use crate::sync::lock;

/// The faults for one key id, or with `"*"` for all that have none of their own left.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Script {
    /// The key id as a client sends it, or `*`.
    pub key_id: String,
    /// One per authorize request, in order.
    pub faults: Vec<Fault>,
}

#[derive(Debug, Default)]
pub(crate) struct Scripts(Mutex<HashMap<String, VecDeque<Turn>>>);

#[derive(Debug)]
struct Turn {
    fault: Fault,
    /// How often it still applies; `None` is for ever.
    left: Option<u32>,
}

impl Scripts {
    /// Replaces what was scripted for this key id.
    pub(crate) fn set(&self, key_id: &str, faults: Vec<Fault>) {
        faults.iter().filter_map(|fault| fault.body.as_ref()).for_each(body::prepare);
        let turns =
            faults.into_iter().map(|fault| Turn { left: (fault.times != 0).then_some(fault.times), fault }).collect();
        lock(&self.0).insert(key_id.to_owned(), turns);
    }

    /// The fault for this request, if there is one: the key's own first, then everybody's.
    pub(crate) fn next(&self, key_id: &str) -> Option<Fault> {
        let mut scripts = lock(&self.0);
        [key_id, "*"].into_iter().find_map(|id| scripts.get_mut(id).and_then(take))
    }
}

fn take(turns: &mut VecDeque<Turn>) -> Option<Fault> {
    let turn = turns.front_mut()?;
    let fault = turn.fault.clone();
    if let Some(left) = &mut turn.left {
        *left -= 1;
        if *left == 0 {
            turns.pop_front();
        }
    }
    Some(fault)
}

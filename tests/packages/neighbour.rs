//! Another static library written in Rust, with a standard library of its own, as a host may have one beside b2auth.

use std::collections::HashMap;
use std::sync::Mutex;

static CALLS: Mutex<Vec<u32>> = Mutex::new(Vec::new());

/// How often it was called; a panic on the way is caught.
#[unsafe(no_mangle)]
pub extern "C" fn neighbour_count() -> u32 {
    std::panic::set_hook(Box::new(|_| {}));
    let caught = std::panic::catch_unwind(|| {
        CALLS.lock().expect("nobody panics while it is held").push(1);
        let map: HashMap<u32, u32> = HashMap::new();
        map[&7]
    });
    assert!(caught.is_err());
    CALLS.lock().expect("nobody panics while it is held").iter().sum()
}

//! For this project's own tests, in builds of their own.

use crate::process::test_hooks;

/// Moves the library's wall clock and boot clock by that many milliseconds.
#[unsafe(no_mangle)]
pub extern "C" fn b2_test_turn_clock(wall_ms: i64, boot_ms: i64) {
    test_hooks::turn_clock(wall_ms, boot_ms);
}

/// The next request panics.
#[unsafe(no_mangle)]
pub extern "C" fn b2_test_plant_panic() {
    test_hooks::plant_panic();
}

/// How often a file of the b2 tool was opened.
#[unsafe(no_mangle)]
pub extern "C" fn b2_test_database_reads() -> u64 {
    #[cfg(feature = "b2-tool")]
    return crate::credentials::b2_tool::count::get();
    #[cfg(not(feature = "b2-tool"))]
    return 0;
}

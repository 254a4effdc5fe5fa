//! For this project's own tests, in builds of their own.

#[cfg(feature = "b2-tool")]
use crate::credentials::b2_tool;
use crate::process;

/// Moves the library's wall clock and boot clock by that many milliseconds.
#[unsafe(no_mangle)]
pub extern "C" fn b2_test_turn_clock(wall_ms: i64, boot_ms: i64) {
    process::turned::turn(wall_ms, boot_ms);
}

/// The next request panics instead of being sent.
#[unsafe(no_mangle)]
pub extern "C" fn b2_test_plant_panic() {
    process::planted::plant();
}

/// How often a database of the b2 tool was opened.
#[unsafe(no_mangle)]
pub extern "C" fn b2_test_database_reads() -> u64 {
    #[cfg(feature = "b2-tool")]
    return b2_tool::count::get();
    #[cfg(not(feature = "b2-tool"))]
    return 0;
}

//! What this process has of the machine's: memory, descriptors, threads.

use std::fs;

/// One look at it.
#[derive(Clone, Copy, Default)]
pub struct Sample {
    /// Seconds since the storm began.
    pub at_s: u64,
    pub resident_kb: u64,
    /// What malloc has given out and not got back, by its own books; 0 where it can't tell.
    pub allocated_kb: u64,
    pub descriptors: u64,
    pub threads: u64,
}

pub fn sample(at_s: u64) -> Sample {
    let status = fs::read_to_string("/proc/self/status").expect("Linux has it");
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("Linux tells it");
        line.trim_start_matches(':').split_whitespace().next().and_then(|number| number.parse().ok()).expect("a number")
    };
    Sample {
        at_s,
        resident_kb: field("VmRSS"),
        allocated_kb: allocated_kb(),
        descriptors: descriptors(),
        threads: field("Threads"),
    }
}

/// The one through which they are counted is not.
pub fn descriptors() -> u64 {
    fs::read_dir("/proc/self/fd").expect("Linux has it").count() as u64 - 1
}

#[cfg(target_env = "gnu")]
fn allocated_kb() -> u64 {
    // SAFETY: it takes nothing, and answers plain numbers.
    let info = unsafe { libc::mallinfo2() };
    (info.uordblks as u64 + info.hblkhd as u64) / 1_024
}

#[cfg(not(target_env = "gnu"))]
fn allocated_kb() -> u64 {
    0
}

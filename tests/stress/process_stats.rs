//! The resources of this process: memory, descriptors, threads.

use std::fs;

/// One measurement.
#[derive(Clone, Copy, Default)]
pub struct Sample {
    /// Seconds since the start of the run.
    pub at_s: u64,
    pub resident_kb: u64,
    /// What malloc counts as allocated; 0 where it has no such count.
    pub allocated_kb: u64,
    pub descriptors: u64,
    pub threads: u64,
}

pub fn sample(at_s: u64) -> Sample {
    let status = fs::read_to_string("/proc/self/status").expect("Linux has it");
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("it is there");
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

/// Without the one that is open for the count.
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

//! How many descriptors this process may have open.

/// Raises the soft limit on open files to the hard one: a thousand connections need more than the
/// usual 1,024, as both ends of each count when client and sandbox share a process.
pub fn raise_open_file_limit() {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is a valid, writable rlimit for the length of the call.
    let read = unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) };
    if read != 0 {
        return;
    }
    // Some systems call the hard limit infinite and then refuse that for files.
    limit.rlim_cur = limit.rlim_max.min(65_536);
    // SAFETY: `limit` is a valid rlimit, only read by the call.
    unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &limit) };
}

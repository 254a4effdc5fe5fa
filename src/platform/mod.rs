//! What differs between operating systems, and the primitives that everything else stands on.

#[cfg(not(loom))]
pub(crate) mod blocking;
#[cfg(all(any(feature = "store-file", feature = "store-redis"), not(loom)))]
pub(crate) mod boot;
pub(crate) mod clock;
pub(crate) mod environment;
#[cfg(not(loom))]
pub(crate) mod file;
#[cfg(not(loom))]
#[cfg_attr(not(feature = "b2-tool"), allow(dead_code, reason = "the b2 tool's file needs all of it"))]
pub(crate) mod fingerprint;
#[cfg(all(feature = "store-file", not(loom)))]
pub(crate) mod folder;
#[cfg(all(feature = "b2-tool", not(loom)))]
pub(crate) mod fork_barrier;
pub(crate) mod fork_mutex;
#[cfg(all(feature = "b2-tool", not(loom)))]
pub(crate) mod home;
pub(crate) mod random;
#[cfg(not(loom))]
pub(crate) mod socket;
pub(crate) mod sync;
pub(crate) mod thread;
#[cfg(not(loom))]
pub(crate) mod trust_store;

/// True if the program runs with rights that its caller lacks, so that its environment is not to be trusted.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn has_raised_rights() -> bool {
    // SAFETY: getauxval only reads the process's auxiliary vector.
    unsafe { libc::getauxval(libc::AT_SECURE) != 0 }
}

#[cfg(all(unix, not(any(target_os = "linux", target_os = "android"))))]
pub(crate) fn has_raised_rights() -> bool {
    // SAFETY: these four only read the process's own identity.
    unsafe { libc::getuid() != libc::geteuid() || libc::getgid() != libc::getegid() }
}

#[cfg(not(unix))]
pub(crate) fn has_raised_rights() -> bool {
    false
}

/// Gives memory that was freed back to the operating system, where the C library keeps it otherwise.
#[cfg(all(target_os = "linux", target_env = "gnu", not(loom)))]
pub(crate) fn release_free_memory() {
    // SAFETY: it only reads and changes the allocator's own lists, under the allocator's own locks.
    unsafe { libc::malloc_trim(0) };
}

#[cfg(not(all(target_os = "linux", target_env = "gnu", not(loom))))]
pub(crate) fn release_free_memory() {}

/// Calls `prepare` before each fork of this process, `parent` and `child` after it on either side.
#[cfg(all(unix, not(loom)))]
pub(crate) fn at_fork(prepare: extern "C" fn(), parent: extern "C" fn(), child: extern "C" fn()) {
    // SAFETY: the three are plain functions that stay mapped as long as the library does, which is for ever.
    unsafe { libc::pthread_atfork(Some(prepare), Some(parent), Some(child)) };
}

#[cfg(all(not(unix), not(loom)))]
pub(crate) fn at_fork(_: extern "C" fn(), _: extern "C" fn(), _: extern "C" fn()) {}

/// Keeps the module that holds `inside` in memory until the process ends, whatever its host unloads: a look-up that outlived
/// its call would go on in unmapped memory. On other systems the linker sees to that.
#[cfg(windows)]
pub(crate) fn pin_module(inside: extern "C" fn()) {
    use windows_sys::Win32::System::LibraryLoader::{
        GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS, GET_MODULE_HANDLE_EX_FLAG_PIN, GetModuleHandleExW,
    };

    let mut module = std::ptr::null_mut();
    let flags = GET_MODULE_HANDLE_EX_FLAG_PIN | GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS;
    // SAFETY: with these flags the second argument is an address inside the module, and `module` a place for one handle.
    unsafe { GetModuleHandleExW(flags, inside as *const u16, &raw mut module) };
}

//! SQLite's memory, from an allocator that wipes what is freed: the page with the key is in it.
//!
//! SQLite has one allocator for the process, so only the C library sets it. In a Rust host the choice is the host's, which
//! may use the same SQLite.

use std::alloc::{Layout, alloc, dealloc, realloc};
use std::ffi::{c_int, c_void};
use std::ptr::null_mut;

use rusqlite::ffi;

/// Each block is preceded by its size, in a header that keeps the block aligned for any type.
const HEADER: usize = 16;

/// To be called before SQLite is first used. If it is in use already, this has no effect.
pub(super) fn install() {
    let methods = ffi::sqlite3_mem_methods {
        xMalloc: Some(take),
        xFree: Some(release),
        xRealloc: Some(resize),
        xSize: Some(size),
        xRoundup: Some(round_up),
        xInit: Some(start),
        xShutdown: Some(stop),
        pAppData: null_mut(),
    };
    // SAFETY: SQLite copies the table, and its functions keep to what SQLite asks of them.
    unsafe { ffi::sqlite3_config(ffi::SQLITE_CONFIG_MALLOC, &raw const methods) };
}

fn layout(size: c_int) -> Option<Layout> {
    let size = usize::try_from(size).ok()?.checked_add(HEADER)?;
    Layout::from_size_align(size, HEADER).ok()
}

unsafe extern "C" fn take(size: c_int) -> *mut c_void {
    let Some(layout) = layout(size) else { return null_mut() };
    // SAFETY: the layout is not empty, and holds the header.
    unsafe { with_header(alloc(layout), size) }
}

/// # Safety
/// `start` is NULL or the start of a block with room for the header.
unsafe fn with_header(start: *mut u8, size: c_int) -> *mut c_void {
    if start.is_null() {
        return null_mut();
    }
    // SAFETY: the header is the block's, and aligned as the block is.
    unsafe {
        start.cast::<c_int>().write(size);
        start.add(HEADER).cast()
    }
}

unsafe extern "C" fn size(block: *mut c_void) -> c_int {
    // SAFETY: SQLite passes NULL or what `with_header` returned.
    if block.is_null() { 0 } else { unsafe { block.cast::<u8>().sub(HEADER).cast::<c_int>().read() } }
}

unsafe extern "C" fn release(block: *mut c_void) {
    // SAFETY: as above, and with the layout that it was taken with.
    unsafe {
        if let (false, Some(layout)) = (block.is_null(), layout(size(block))) {
            dealloc(block.cast::<u8>().sub(HEADER), layout);
        }
    }
}

unsafe extern "C" fn resize(block: *mut c_void, new: c_int) -> *mut c_void {
    // SAFETY: as above. SQLite passes no NULL here, and no size below 1; both are taken as C's realloc does.
    unsafe {
        if block.is_null() {
            return take(new);
        }
        match (layout(size(block)), layout(new)) {
            (Some(old), Some(wanted)) => with_header(realloc(block.cast::<u8>().sub(HEADER), old, wanted.size()), new),
            _ => null_mut(),
        }
    }
}

unsafe extern "C" fn round_up(size: c_int) -> c_int {
    size.saturating_add(7) & !7
}

unsafe extern "C" fn start(_: *mut c_void) -> c_int {
    ffi::SQLITE_OK
}

unsafe extern "C" fn stop(_: *mut c_void) {}

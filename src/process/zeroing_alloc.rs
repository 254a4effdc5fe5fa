//! An allocator that wipes what it frees, for the libraries that C programs load.
//!
//! The HTTP and TLS crates free buffers that held the Basic header and the token, and wipe none of them. A hit frees
//! nothing, so it pays nothing for this.

use std::alloc::{GlobalAlloc, Layout, System};

struct ZeroingAllocator;

#[global_allocator]
static ALLOCATOR: ZeroingAllocator = ZeroingAllocator;

// SAFETY: everything is handed to the system's allocator as it came. `realloc` is the trait's own, which allocates anew,
// copies and calls `dealloc`: growing in place would leave the old block unwiped wherever it had to move.
unsafe impl GlobalAlloc for ZeroingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are the system allocator's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the block is the caller's to give up, and as large as its layout says.
        unsafe {
            std::ptr::write_bytes(block, 0, layout.size());
            // The block's next reader is out of the compiler's sight, so the wiping stays.
            std::arch::asm!("/* {0} */", in(reg) block, options(nostack, preserves_flags));
            System.dealloc(block, layout);
        }
    }
}

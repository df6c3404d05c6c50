//! An allocator may count in a hot kind, which itself allocates for the first recording of a thread.

#![allow(clippy::unwrap_used, reason = "a test says by it what must be there")]

use observe_core::metric::HotCounter;
use std::alloc::{GlobalAlloc, Layout, System};
use std::thread;

static ALLOCATIONS: HotCounter = HotCounter::new();

struct Counting;

// SAFETY: every call goes to the system's allocator as it came.
#[allow(unsafe_code, reason = "an allocator that counts cannot be written without")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.inc();
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

// Catches: a search for cells that is begun again by its own allocation, and overflows the stack or waits for itself.
#[test]
fn an_allocator_may_count() {
    let before = ALLOCATIONS.get();
    for _ in 0..8 {
        thread::spawn(|| drop(std::hint::black_box(vec![0_u8; 100]))).join().unwrap();
    }
    assert!(ALLOCATIONS.get() >= before + 8);
}

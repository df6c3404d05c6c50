//! An allocator that counts, for this thread: how often, and how much is held.
//!
//! `unsafe` because `GlobalAlloc` is: every call goes to the system's allocator unchanged.

#![allow(unsafe_code, reason = "a global allocator cannot be written without")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
    static BYTES: Cell<i64> = const { Cell::new(0) };
}

/// How many times this thread has asked for memory.
pub(crate) fn count() -> u64 {
    COUNT.try_with(Cell::get).unwrap_or(0)
}

/// How many bytes this thread has asked for, less those that it gave back.
pub(crate) fn bytes() -> i64 {
    BYTES.try_with(Cell::get).unwrap_or(0)
}

fn add(count: u64, bytes: i64) {
    let _ = COUNT.try_with(|cell| cell.set(cell.get() + count));
    let _ = BYTES.try_with(|cell| cell.set(cell.get() + bytes));
}

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: as the system's allocator, which does all the work; counting does not allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        add(1, layout.size() as i64);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        add(0, -(layout.size() as i64));
        // SAFETY: `at` came from the system's allocator, with this layout.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        add(1, size as i64 - layout.size() as i64);
        // SAFETY: as for `dealloc`, and the caller keeps the contract of `realloc`.
        unsafe { System.realloc(at, layout, size) }
    }
}

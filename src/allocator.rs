//! The program's allocator, libtorch's included, and its settings. In glibc's, libtorch spends more
//! time on page faults than on arithmetic.

#![allow(unsafe_code, reason = "allocates, writes to descriptors, and gives a static the name that jemalloc looks for")]

use std::alloc::{GlobalAlloc, Layout};
use std::io::{Cursor, Write};
use std::os::fd::{IntoRawFd, OwnedFd};
use std::sync::atomic::{AtomicI32, Ordering};

use tikv_jemallocator::Jemalloc;

#[global_allocator]
static ALLOCATOR: Reporting = Reporting;

/// The descriptor of the TraX client, or -1.
static CLIENT: AtomicI32 = AtomicI32::new(-1);

/// Has the TraX client at a descriptor told, should there be no more memory.
#[allow(dead_code, reason = "the benchmarks, which include this file, have no client")]
pub fn report_to(client: OwnedFd) {
    CLIENT.store(client.into_raw_fd(), Ordering::Relaxed);
}

/// jemalloc, that ends the program with a sentence where Rust's library would abort it, or wait
/// forever for the backtrace that it has no memory for. libtorch's allocations are no part of it:
/// their failures are errors of the tracker.
struct Reporting;

// SAFETY: every call is passed on to jemalloc with its arguments unchanged.
unsafe impl GlobalAlloc for Reporting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the conditions of this method, which are jemalloc's.
        checked(unsafe { Jemalloc.alloc(layout) }, layout.size())
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as in `alloc`.
        checked(unsafe { Jemalloc.alloc_zeroed(layout) }, layout.size())
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: as in `alloc`.
        unsafe { Jemalloc.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as in `alloc`.
        checked(unsafe { Jemalloc.realloc(memory, layout, size) }, size)
    }
}

/// The memory, if there is any.
fn checked(memory: *mut u8, bytes: usize) -> *mut u8 {
    if memory.is_null() {
        out_of_memory(bytes);
    }
    memory
}

/// Tells the client and standard error, without allocating anything.
#[cold]
fn out_of_memory(bytes: usize) -> ! {
    let client = CLIENT.load(Ordering::Relaxed);
    if client >= 0 {
        say(client, format_args!("@@TRAX:quit \"trax.reason=out of memory: {bytes} bytes cannot be allocated\" \n"));
    }
    say(2, format_args!("attrax: out of memory: {bytes} bytes cannot be allocated\n"));
    // SAFETY: the call has no conditions, and nothing runs after it.
    unsafe { libc::_exit(1) }
}

/// Writes a short line to a descriptor, as far as that can be done at once.
fn say(descriptor: i32, line: std::fmt::Arguments<'_>) {
    let mut text = Cursor::new([0u8; 160]);
    // A line that is too long is cut.
    let _ = text.write_fmt(line);
    let length = text.position() as usize;
    // SAFETY: so many bytes of `text` were written. A descriptor that is closed is an error of the
    // call.
    let _ = unsafe { libc::write(descriptor, text.get_ref().as_ptr().cast(), length) };
}

/// Read by jemalloc at the start of the program. A tracker allocates the same large tensors for
/// every frame. Memory is never given back to the kernel, which would return it zeroed, page fault
/// by page fault, a moment later. Large blocks are treated like small ones: a thread gets back what
/// it freed, which may still be in its caches. And there are few arenas, since each keeps what its
/// threads ever needed at a time. A free block may be cut for a request of any size: by default
/// jemalloc does not cut blocks that are more than 64 times as large, and free blocks grow together
/// without bound.
// SAFETY: no other static of the program has this name; jemalloc's own is weak and gives way. It is
// a pointer to a C string.
#[unsafe(export_name = "malloc_conf")]
#[used]
static SETTINGS: &[u8; 95] =
    b"dirty_decay_ms:-1,muzzy_decay_ms:-1,oversize_threshold:0,narenas:4,lg_extent_max_active_fit:40\0";

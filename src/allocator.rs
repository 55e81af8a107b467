//! The program's allocator, libtorch's included, and its settings. In glibc's, libtorch spends more time on page faults than on
//! arithmetic.

#![allow(unsafe_code, reason = "gives a static the name that jemalloc looks for")]

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Read by jemalloc at the start of the program. A tracker allocates the same large tensors for every frame. Memory is never
/// given back to the kernel, which would return it zeroed, page fault by page fault, a moment later. Large blocks are treated
/// like small ones: a thread gets back what it freed, which may still be in its caches. And there are few arenas, since each
/// keeps what its threads ever needed at a time. A free block may be cut for a request of any size: by default jemalloc leaves
/// one alone that is more than 64 times as large, and free blocks grow together without bound.
// SAFETY: no other static of the program has this name; jemalloc's own is weak and gives way. It is a pointer to a C string.
#[unsafe(export_name = "malloc_conf")]
#[used]
static SETTINGS: &[u8; 95] =
    b"dirty_decay_ms:-1,muzzy_decay_ms:-1,oversize_threshold:0,narenas:4,lg_extent_max_active_fit:40\0";

/* Two things that only C can ask of the process: settings of the allocator, and libtorch's other half. */
#include <dlfcn.h>

/* Read by jemalloc at the start of a program that is linked with it. A tracker allocates the same large tensors for every
 * frame. Memory is never given back to the kernel, which would return it zeroed, page fault by page fault, a moment later.
 * Large blocks are treated like small ones: a thread gets back what it freed, which may still be in its caches. And there
 * are few arenas, since each keeps what its threads ever needed at a time. A free block may be cut for a request of any size:
 * by default jemalloc leaves one alone that is more than 64 times as large, and free blocks grow together without bound. */
const char *malloc_conf =
    "dirty_decay_ms:-1,muzzy_decay_ms:-1,oversize_threshold:0,narenas:4,lg_extent_max_active_fit:40";

/* The linker drops libtorch_cuda, since nothing refers to it; loaded here, it registers itself with libtorch.
 * Returns 1 when it was loaded. */
int attrax_load_cuda(void)
{
    return dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL) != 0;
}

/* Two things that only C can ask of the C library, called once at start-up. */
#include <dlfcn.h>
#include <malloc.h>

/* glibc returns every large block to the kernel and takes it back zeroed, page fault by page fault, a moment later.
 * A tracker allocates the same large tensors for every frame: keeping them doubles the speed of the forward pass. */
void attrax_tune_allocator(void)
{
    mallopt(M_MMAP_THRESHOLD, 1 << 30);
    mallopt(M_TRIM_THRESHOLD, 2147483647);
    /* One arena for all threads: the others give their memory back whatever the thresholds say. */
    mallopt(M_ARENA_MAX, 1);
}

/* The linker drops libtorch_cuda, since nothing refers to it; loaded here, it registers itself with libtorch.
 * Returns 1 when it was loaded. */
int attrax_load_cuda(void)
{
    return dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL) != 0;
}

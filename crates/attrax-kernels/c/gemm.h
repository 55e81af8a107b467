/* Products of pixels with a matrix of weights, in tiles whose sums fill the registers. The data layout is
 * documented in docs/kernels.md.
 */
#ifndef ATTRAX_GEMM_H
#define ATTRAX_GEMM_H

#include "lanes.h"

/* Pixels in a tile: MR rows by two vectors of sums, two of weights, one value. */
#if LANES == 16
#define MR 14
#elif defined(__SSE2__) && !defined(__AVX2__)
/* Sixteen registers of four floats. */
#define MR 3
#else
#define MR 6
#endif

/* Channels in a panel of weights, but for the last panel of a matrix, which may be half as wide. */
#define PANEL (2 * LANES)

/* Adds to `acc` the product of `mr` pixels `a`, `stride` factors apart, with a panel of `vectors` vectors for each
 * of `depth` channels. */
#if ROUNDED
/* Two channels at a time: each 32 bits hold two factors. */
INLINE void gemm_tile(const int mr, const int vectors, lanes acc[MR][2], const factor *a, const long stride,
                      const factor *panel, const long depth) {
    for (long k = 0; k < depth; k += 2) {
        __m512bh weight[2];
#pragma GCC unroll 2
        for (int v = 0; v < vectors; v++)
            weight[v] = (__m512bh)_mm512_loadu_si512(panel + (k * vectors + 2 * v) * LANES);
#pragma GCC unroll 16
        for (int row = 0; row < mr; row++) {
            int32_t pair;
            memcpy(&pair, a + row * stride + k, sizeof pair);
            const __m512bh value = (__m512bh)_mm512_set1_epi32(pair);
#pragma GCC unroll 2
            for (int v = 0; v < vectors; v++)
                acc[row][v].parts[0] = (part)_mm512_dpbf16_ps((__m512)acc[row][v].parts[0], value, weight[v]);
        }
    }
}
#else
INLINE void gemm_tile(const int mr, const int vectors, lanes acc[MR][2], const factor *a, const long stride,
                      const factor *panel, const long depth) {
    for (long k = 0; k < depth; k++) {
        lanes weight[2];
#pragma GCC unroll 2
        for (int v = 0; v < vectors; v++) weight[v] = load(panel + (k * vectors + v) * LANES);
#pragma GCC unroll 16
        for (int row = 0; row < mr; row++) {
            const float value = a[row * stride + k];
#pragma GCC unroll 2
            for (int v = 0; v < vectors; v++) accumulate_scaled(&acc[row][v], &weight[v], value);
        }
    }
}
#endif

INLINE void init_acc(const int mr, const int vectors, lanes acc[MR][2], const float *bias) {
#pragma GCC unroll 16
    for (int row = 0; row < mr; row++) {
#pragma GCC unroll 2
        for (int v = 0; v < vectors; v++) acc[row][v] = bias ? load(bias + v * LANES) : zeros();
    }
}

/* A function of its own, so that the compiler finds registers for its sums alone. */
#define ALONE static __attribute__((noinline)) void

/* Calls a tile for `count` pixels, the largest tiles first. What is left at the end is a smaller tile, or once more
 * a large one that ends there: pixels that were done before get the same values again. */
#define IN_TILES(count, at, call)                   \
    long at = 0;                                    \
    for (; at + MR <= (count); at += MR) FULL(call); \
    IN_REST(count, at, call)
/* Once more a tile of `size` that ends there, where more than `least` are left. */
#define IN_LAST(count, at, call, size, least)           \
    if ((count) - at > (least) && (count) >= (size)) {  \
        at = (count) - (size);                          \
        call(size);                                     \
        at = (count);                                   \
    }
#define IN_FEW(count, at, call)                 \
    for (; at + 3 <= (count); at += 3) call(3); \
    for (; at < (count); at++) call(1);
#if MR == 14
#define FULL(call) call(14)
#define IN_REST(count, at, call)    \
    IN_LAST(count, at, call, 14, 7) \
    if ((count) - at >= 7) {        \
        call(7);                    \
        at += 7;                    \
    }                               \
    IN_LAST(count, at, call, 7, 3)  \
    IN_FEW(count, at, call)
#define FOR_TILES(define) \
    define(14, 1) define(14, 2) define(7, 1) define(7, 2) define(3, 1) define(3, 2) define(1, 1) define(1, 2)
#elif MR == 6
#define FULL(call) call(6)
#define IN_REST(count, at, call)   \
    IN_LAST(count, at, call, 6, 3) \
    IN_FEW(count, at, call)
#define FOR_TILES(define) define(6, 1) define(6, 2) define(3, 1) define(3, 2) define(1, 1) define(1, 2)
#else
#define FULL(call) call(3)
#define IN_REST(count, at, call) IN_FEW(count, at, call)
#define FOR_TILES(define) define(3, 1) define(3, 2) define(1, 1) define(1, 2)
#endif

#endif

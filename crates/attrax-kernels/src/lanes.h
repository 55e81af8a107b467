/* Vectors of floats, as wide as the processor that a file is compiled for has them.
 *
 * Each source is compiled once for every width, and its functions are named after it (NAME); which of them run is decided when the
 * program starts. Vectors are GCC's and clang's own; intrinsics
 * stand only where these have no word for it.
 */
#ifndef ATTRAX_LANES_H
#define ATTRAX_LANES_H

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#define PASTE(name, suffix) attrax_##name##_##suffix
#define PASTED(name, suffix) PASTE(name, suffix)
#define NAME(name) PASTED(name, ATTRAX_WIDTH)
#define INLINE static inline __attribute__((always_inline))

#if defined(__AVX512F__)
#define LANES 16
#else
#define LANES 8
#endif

/* Values may lie anywhere in memory. */
typedef float lanes __attribute__((vector_size(LANES * 4), aligned(4), may_alias));

INLINE lanes load(const float *from) { return *(const lanes *)from; }

/* The first `count` lanes. */
INLINE void store(float *to, lanes values, long count) {
    if (count >= LANES) {
        *(lanes *)to = values;
    } else {
        memcpy(to, &values, (size_t)count * sizeof(float));
    }
}

/* Between 0 and 6 (ReLU6). What is not a number stays so. */
INLINE lanes limited(lanes values) {
#if defined(__AVX512F__)
    return (lanes)_mm512_min_ps(_mm512_set1_ps(6.0f), _mm512_max_ps(_mm512_setzero_ps(), (__m512)values));
#else
    return (lanes)_mm256_min_ps(_mm256_set1_ps(6.0f), _mm256_max_ps(_mm256_setzero_ps(), (__m256)values));
#endif
}

/* A bit for each lane: whether its value is strictly between 0 and 6. */
INLINE void record(uint8_t *to, lanes values) {
#if defined(__AVX512F__)
    const __mmask16 above = _mm512_cmp_ps_mask((__m512)values, _mm512_setzero_ps(), _CMP_GT_OQ);
    const uint16_t bits = _mm512_mask_cmp_ps_mask(above, (__m512)values, _mm512_set1_ps(6.0f), _CMP_LT_OQ);
    memcpy(to, &bits, sizeof(bits));
#else
    const __m256 above = _mm256_cmp_ps((__m256)values, _mm256_setzero_ps(), _CMP_GT_OQ);
    const __m256 below = _mm256_cmp_ps((__m256)values, _mm256_set1_ps(6.0f), _CMP_LT_OQ);
    *to = (uint8_t)_mm256_movemask_ps(_mm256_and_ps(above, below));
#endif
}

/* The values whose bit is set, zero elsewhere. */
INLINE lanes masked(lanes values, const uint8_t *from) {
#if defined(__AVX512F__)
    uint16_t bits;
    memcpy(&bits, from, sizeof(bits));
    return (lanes)_mm512_maskz_mov_ps(bits, (__m512)values);
#else
    const __m256i places = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
    const __m256i set = _mm256_cmpeq_epi32(_mm256_and_si256(_mm256_set1_epi32(*from), places), places);
    return (lanes)_mm256_and_ps((__m256)values, (__m256)set);
#endif
}

#endif

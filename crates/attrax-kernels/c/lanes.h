/* Vectors of floats.
 *
 * Each source is compiled once for every vector width (build.rs), and its functions are named after the width
 * (NAME). The program chooses a width when it starts.
 *
 * `lanes` is the unit of all kernels: LANES floats in PARTS registers of PART floats each. Vectors are GCC's and
 * clang's own; intrinsics stand only where one instruction does what the portable form needs several for.
 */
#ifndef ATTRAX_LANES_H
#define ATTRAX_LANES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__AVX2__)
#include <immintrin.h>
#endif

#define PASTE(name, suffix) attrax_##name##_##suffix
#define PASTED(name, suffix) PASTE(name, suffix)
#define NAME(name) PASTED(name, ATTRAX_WIDTH)
#define INLINE static inline __attribute__((always_inline))
/* Unrolls a loop over the parts of a vector. */
#define EACH_PART(i) _Pragma("GCC unroll 4") for (int i = 0; i < PARTS; i++)

/* Floats in a register. */
#if defined(__AVX512F__)
#define PART 16
#elif defined(__AVX2__)
#define PART 8
#else
#define PART 4
#endif
/* Floats in a vector: ATTRAX_LANES, 8 or 16, is given by build.rs. */
#define LANES ATTRAX_LANES
#define PARTS (LANES / PART)

/* Values may be stored anywhere in memory. */
typedef float part __attribute__((vector_size(PART * 4), aligned(4), may_alias));
typedef int32_t part_mask __attribute__((vector_size(PART * 4)));

typedef struct {
    part parts[PARTS];
} lanes;

INLINE lanes load(const float *from) {
    lanes values;
    EACH_PART(i) values.parts[i] = *(const part *)(from + i * PART);
    return values;
}

INLINE lanes zeros(void) {
    lanes values;
    EACH_PART(i) values.parts[i] = (part){0};
    return values;
}

/* The first `count` lanes, all of them where `count` is larger. */
INLINE lanes load_some(const float *from, long count) {
    if (count >= LANES) return load(from);
    float padded[LANES] = {0};
    memcpy(padded, from, (size_t)count * sizeof(float));
    return load(padded);
}

INLINE void store(float *to, lanes values) {
    EACH_PART(i) *(part *)(to + i * PART) = values.parts[i];
}

/* The first `count` lanes, all of them where `count` is larger. */
INLINE void store_some(float *to, lanes values, long count) {
    if (count >= LANES) {
        store(to, values);
    } else {
        memcpy(to, &values, (size_t)count * sizeof(float));
    }
}

/* A factor of a product: float32, or rounded to bfloat16. */
#if defined(__AVX512BF16__)
#define ROUNDED 1
typedef uint16_t factor;
#else
#define ROUNDED 0
typedef float factor;
#endif

INLINE void store_factors(factor *to, lanes values) {
#if ROUNDED
    _mm256_storeu_si256((__m256i *)to, (__m256i)_mm512_cvtneps_pbh((__m512)values.parts[0]));
#else
    store(to, values);
#endif
}

INLINE lanes add(lanes a, lanes b) {
    EACH_PART(i) a.parts[i] += b.parts[i];
    return a;
}

/* Adds the products of two vectors. */
INLINE void accumulate(lanes *sum, const lanes *a, lanes b) {
    EACH_PART(i) sum->parts[i] += a->parts[i] * b.parts[i];
}

/* Adds a vector times a number. */
INLINE void accumulate_scaled(lanes *sum, const lanes *a, float b) {
    EACH_PART(i) sum->parts[i] += a->parts[i] * b;
}

/* ReLU6 of one register: between 0 and 6; NaN stays NaN. */
INLINE part part_relu6(part values) {
#if defined(__AVX512F__)
    return (part)_mm512_min_ps(_mm512_set1_ps(6.0f), _mm512_max_ps(_mm512_setzero_ps(), (__m512)values));
#elif defined(__AVX2__)
    return (part)_mm256_min_ps(_mm256_set1_ps(6.0f), _mm256_max_ps(_mm256_setzero_ps(), (__m256)values));
#else
    const part zero = {0}, six = zero + 6.0f;
    const part_mask below = values < zero, above = values > six;
    return (part)(((part_mask)values & ~(below | above)) | ((part_mask)six & above));
#endif
}

INLINE lanes relu6(lanes values) {
    EACH_PART(i) values.parts[i] = part_relu6(values.parts[i]);
    return values;
}

/* A bit for each lane, the lowest bit for the first lane: whether its value is strictly between 0 and 6. */
INLINE unsigned part_passes(part values) {
#if defined(__AVX512F__)
    const __mmask16 above = _mm512_cmp_ps_mask((__m512)values, _mm512_setzero_ps(), _CMP_GT_OQ);
    return _mm512_mask_cmp_ps_mask(above, (__m512)values, _mm512_set1_ps(6.0f), _CMP_LT_OQ);
#elif defined(__AVX2__)
    const __m256 above = _mm256_cmp_ps((__m256)values, _mm256_setzero_ps(), _CMP_GT_OQ);
    const __m256 below = _mm256_cmp_ps((__m256)values, _mm256_set1_ps(6.0f), _CMP_LT_OQ);
    return (unsigned)_mm256_movemask_ps(_mm256_and_ps(above, below));
#else
    const part zero = {0}, six = zero + 6.0f;
    const part_mask place = {1, 2, 4, 8};
    const part_mask set = (values > zero) & (values < six) & place;
    return (unsigned)(set[0] | set[1] | set[2] | set[3]);
#endif
}

INLINE void record(uint8_t *to, lanes values) {
    unsigned bits = 0;
    EACH_PART(i) bits |= part_passes(values.parts[i]) << (i * PART);
    for (int byte = 0; byte < LANES / 8; byte++) to[byte] = (uint8_t)(bits >> (8 * byte));
}

/* The values whose bit is set, zero elsewhere. */
INLINE part part_masked(part values, unsigned bits) {
#if defined(__AVX512F__)
    return (part)_mm512_maskz_mov_ps((__mmask16)bits, (__m512)values);
#elif defined(__AVX2__)
    const __m256i place = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
    const __m256i set = _mm256_cmpeq_epi32(_mm256_and_si256(_mm256_set1_epi32((int)bits), place), place);
    return (part)_mm256_and_ps((__m256)values, (__m256)set);
#else
    const part_mask place = {1, 2, 4, 8};
    const part_mask all = (part_mask){0} + (int32_t)bits;
    return (part)((part_mask)values & ((all & place) == place));
#endif
}

INLINE lanes masked(lanes values, const uint8_t *from) {
    unsigned bits = 0;
    for (int byte = 0; byte < LANES / 8; byte++) bits |= (unsigned)from[byte] << (8 * byte);
    EACH_PART(i) values.parts[i] = part_masked(values.parts[i], bits >> (i * PART));
    return values;
}

#endif

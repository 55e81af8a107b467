/* Rows of a bilinear crop: a blend of two lines of a frame, and of it blends of two pixels each. `crop.rs` documents
 * the arguments.
 *
 * Nothing is fused here, so that the numbers are those of Rust's loops.
 */
#include "lanes.h"

/* Floats of a group of pixels, three for each. */
#define GROUP 16

struct attrax_columns {
    const int32_t *start, *places;
    const float *left, *right;
    long groups, numbers, last;
};

struct attrax_line {
    const uint8_t *top, *bottom;
    float *row, *out;
    float above, below, mean;
    long length;
};

/* Sizes and offsets of the structures above, for a test of their twins in Rust. */
const size_t NAME(crop_layout)[] = {
    sizeof(struct attrax_columns), offsetof(struct attrax_columns, groups), offsetof(struct attrax_columns, last),
    sizeof(struct attrax_line), offsetof(struct attrax_line, above), offsetof(struct attrax_line, length),
};

/* The blend of two lines, to `row`. */
INLINE void blend_lines(const struct attrax_line *line) {
#if defined(__AVX512F__)
    const __m512 mean = _mm512_set1_ps(line->mean);
    const __m512 above = _mm512_set1_ps(line->above), below = _mm512_set1_ps(line->below);
    for (long i = 0; i < line->length; i += 16) {
        const long left = line->length - i;
        const __mmask16 some = left < 16 ? (__mmask16)((1u << left) - 1) : (__mmask16)0xffff;
        const __m512 top = _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(some, line->top + i)));
        const __m512 bottom = _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(some, line->bottom + i)));
        const __m512 blend =
            _mm512_add_ps(_mm512_mul_ps(above, _mm512_sub_ps(top, mean)), _mm512_mul_ps(below, _mm512_sub_ps(bottom, mean)));
        _mm512_storeu_ps(line->row + i, blend);
    }
#else
    for (long i = 0; i < line->length; i++)
        line->row[i] = line->above * ((float)line->top[i] - line->mean) + line->below * ((float)line->bottom[i] - line->mean);
#endif
}

/* A group of pixels, each a blend of two neighbours in `row`: the first `count` floats, to `out`. */
INLINE void blend_pixels(const struct attrax_columns *columns, const float *row, long group, long count, float *out) {
    const int32_t *places = columns->places + group * GROUP;
    const float *left = columns->left + group * GROUP, *right = columns->right + group * GROUP;
#if defined(__AVX512F__)
    const __m512 low = _mm512_loadu_ps(row), high = _mm512_loadu_ps(row + 16);
    const __m512i place = _mm512_loadu_si512(places);
    const __m512 first = _mm512_permutex2var_ps(low, place, high);
    const __m512 second = _mm512_permutex2var_ps(low, _mm512_add_epi32(place, _mm512_set1_epi32(3)), high);
    const __m512 sum =
        _mm512_add_ps(_mm512_mul_ps(_mm512_loadu_ps(left), first), _mm512_mul_ps(_mm512_loadu_ps(right), second));
    _mm512_mask_storeu_ps(out, (__mmask16)((1u << count) - 1), sum);
#else
    for (long i = 0; i < count; i++) out[i] = left[i] * row[places[i]] + right[i] * row[places[i] + 3];
#endif
}

void NAME(crop_row)(const struct attrax_columns *columns, const struct attrax_line *line) {
    blend_lines(line);
    float *out = line->out;
    for (long group = 0; group < columns->groups; group++, out += columns->numbers) {
        const long count = group + 1 < columns->groups ? columns->numbers : columns->last;
        blend_pixels(columns, line->row + columns->start[group], group, count, out);
    }
}

/* Rows of a bilinear crop: a blend of two lines of a frame, and of it blends of two pixels each. `crop.rs` tells what each argument is.
 *
 * Nothing is fused here, so that the numbers are those that Rust's loops give.
 */
#include "lanes.h"

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

void NAME(crop_row)(const struct attrax_columns *columns, const struct attrax_line *line) {
    const __m512 mean = _mm512_set1_ps(line->mean);
    const __m512 above = _mm512_set1_ps(line->above), below = _mm512_set1_ps(line->below);
    for (long i = 0; i < line->length; i += 16) {
        const long left = line->length - i;
        const __mmask16 some = left < 16 ? (__mmask16)((1u << left) - 1) : (__mmask16)0xffff;
        const __m512 top = _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(some, line->top + i)));
        const __m512 bottom = _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(some, line->bottom + i)));
        const __m512 blend = _mm512_add_ps(_mm512_mul_ps(above, _mm512_sub_ps(top, mean)), _mm512_mul_ps(below, _mm512_sub_ps(bottom, mean)));
        _mm512_storeu_ps(line->row + i, blend);
    }
    const __m512i next = _mm512_set1_epi32(3);
    float *out = line->out;
    for (long group = 0; group < columns->groups; group++, out += columns->numbers) {
        const float *row = line->row + columns->start[group];
        const __m512 low = _mm512_loadu_ps(row), high = _mm512_loadu_ps(row + 16);
        const __m512i places = _mm512_loadu_si512(columns->places + group * 16);
        const __m512 left = _mm512_permutex2var_ps(low, places, high);
        const __m512 right = _mm512_permutex2var_ps(low, _mm512_add_epi32(places, next), high);
        const __m512 sum = _mm512_add_ps(_mm512_mul_ps(_mm512_loadu_ps(columns->left + group * 16), left),
                                         _mm512_mul_ps(_mm512_loadu_ps(columns->right + group * 16), right));
        const long count = group + 1 < columns->groups ? columns->numbers : columns->last;
        _mm512_mask_storeu_ps(out, (__mmask16)((1u << count) - 1), sum);
    }
}

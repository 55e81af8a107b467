/* The first convolution, whose input has few channels: the taps of a row are one piece of memory, so that the
 * convolution is a product for each row of its kernel. `stem.rs` documents the arguments.
 */
#include "gemm.h"

struct attrax_stem {
    const float *weights, *bias;
    long input, output;
    long kernel, stride, padding;
    long rotated;
};

struct attrax_stem_pass {
    const float *input;
    float *output, *lines;
    long height, width, out_width;
    long begin, end;
    long side;
};

/* Sizes and offsets of the structures above, for a test of their twins in Rust. */
const size_t NAME(stem_layout)[] = {
    sizeof(struct attrax_stem), offsetof(struct attrax_stem, input), offsetof(struct attrax_stem, rotated),
    sizeof(struct attrax_stem_pass), offsetof(struct attrax_stem_pass, height), offsetof(struct attrax_stem_pass, side),
};

/* A row of the input with its zeros, the pixels in reverse order where the input is rotated. */
static void line(const struct attrax_stem *stem, const struct attrax_stem_pass *pass, long row, float *to) {
    const long channels = stem->input, after = pass->side - stem->padding;
    const long used = after < pass->width ? after : pass->width;
    memset(to, 0, (size_t)(pass->side * channels) * sizeof(float));
    if (row < 0 || row >= pass->height) return;
    to += stem->padding * channels;
    if (!stem->rotated) {
        memcpy(to, pass->input + row * pass->width * channels, (size_t)(used * channels) * sizeof(float));
        return;
    }
    const float *from = pass->input + ((pass->height - row) * pass->width - 1) * channels;
    for (long x = 0; x < used; x++, from -= channels, to += channels) {
        if (channels == 3) {
            const float a = from[0], b = from[1], c = from[2];
            to[0] = a, to[1] = b, to[2] = c;
        } else {
            memcpy(to, from, (size_t)channels * sizeof(float));
        }
    }
}

INLINE void stem_tile(const int mr, const int vectors, const struct attrax_stem *stem,
                      const struct attrax_stem_pass *pass, const float *panel, long channel, long pixel, float *to) {
    lanes acc[MR][2];
    const long depth = stem->kernel * stem->input, step = stem->stride * stem->input;
    init_acc(mr, vectors, acc, stem->bias + channel);
    for (long ky = 0; ky < stem->kernel; ky++)
        gemm_tile(mr, vectors, acc, pass->lines + ky * pass->side * stem->input + pixel * step, step,
                  panel + ky * depth * vectors * LANES, depth);
    to += pixel * stem->output + channel;
#pragma GCC unroll 16
    for (int row = 0; row < mr; row++) {
#pragma GCC unroll 2
        for (int v = 0; v < vectors; v++) {
            const long left = stem->output - channel - v * LANES;
            if (left > 0) store_some(to + row * stem->output + v * LANES, acc[row][v], left);
        }
    }
}

#define STEM(rows, vectors)                                                                                                       \
    ALONE stem_##rows##_##vectors(const struct attrax_stem *stem, const struct attrax_stem_pass *pass, const float *panel,        \
                                  long channel, long pixel, float *to) {                                                          \
        stem_tile(rows, vectors, stem, pass, panel, channel, pixel, to);                                                          \
    }
FOR_TILES(STEM)

/* Rows [begin, end) of the output of one plane, which `output` begins with. */
void NAME(stem)(const struct attrax_stem *stem, const struct attrax_stem_pass *pass) {
    const long depth = stem->kernel * stem->kernel * stem->input;
    for (long row = pass->begin; row < pass->end; row++) {
        const long length = pass->side * stem->input;
        /* Rows that the output's row before had too. */
        const long kept = row > pass->begin && stem->kernel > stem->stride ? stem->kernel - stem->stride : 0;
        memmove(pass->lines, pass->lines + (stem->kernel - kept) * length, (size_t)(kept * length) * sizeof(float));
        for (long ky = kept; ky < stem->kernel; ky++)
            line(stem, pass, row * stem->stride + ky - stem->padding, pass->lines + ky * length);
        float *to = pass->output + (row - pass->begin) * pass->out_width * stem->output;
        for (long channel = 0; channel < stem->output; channel += PANEL) {
            const float *panel = stem->weights + channel * depth;
            if (channel + LANES < stem->output) {
#define CALL(rows) stem_##rows##_2(stem, pass, panel, channel, at, to)
                IN_TILES(pass->out_width, at, CALL)
#undef CALL
            } else {
#define CALL(rows) stem_##rows##_1(stem, pass, panel, channel, at, to)
                IN_TILES(pass->out_width, at, CALL)
#undef CALL
            }
        }
    }
}

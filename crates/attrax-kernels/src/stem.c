/* The first convolution, whose input has few channels: the taps of a row are one piece of memory, so that it is a product for each row
 * of its kernel. `stem.rs` tells what each argument is.
 */
#include "product.h"

struct attrax_stem {
    const float *weights, *bias;
    long input, output;
    long kernel, stride, padding;
    long turned;
};

struct attrax_stem_pass {
    const float *input;
    float *output, *lines;
    long height, width, out_width;
    long begin, end;
    long side;
};

/* A row of the input with its zeros, the pixels in turned order where the network lies so. */
static void line(const struct attrax_stem *stem, const struct attrax_stem_pass *pass, long row, float *to) {
    const long channels = stem->input, after = pass->side - stem->padding;
    const long used = after < pass->width ? after : pass->width;
    memset(to, 0, (size_t)(pass->side * channels) * sizeof(float));
    if (row < 0 || row >= pass->height) return;
    to += stem->padding * channels;
    if (!stem->turned) {
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

INLINE void stem_tile(const int rows, const int vectors, const struct attrax_stem *stem, const struct attrax_stem_pass *pass,
                      const float *panel, long channel, long pixel, float *to) {
    lanes sums[TILE][2];
    const long depth = stem->kernel * stem->input, step = stem->stride * stem->input;
    begin(rows, vectors, sums, stem->bias + channel);
    for (long ky = 0; ky < stem->kernel; ky++)
        multiply(rows, vectors, sums, pass->lines + ky * pass->side * stem->input + pixel * step, step,
                 panel + ky * depth * vectors * LANES, depth);
    to += pixel * stem->output + channel;
#pragma GCC unroll 16
    for (int row = 0; row < rows; row++) {
#pragma GCC unroll 2
        for (int v = 0; v < vectors; v++) {
            const long left = stem->output - channel - v * LANES;
            if (left > 0) store(to + row * stem->output + v * LANES, sums[row][v], left);
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

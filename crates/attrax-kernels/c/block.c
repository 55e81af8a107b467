/* An inverted residual block (Sandler et al., CVPR 2018) in one pass: a product that expands the channels, ReLU6, a
 * depthwise convolution, ReLU6, and a product that projects them. What is between them never leaves the
 * core's cache.
 *
 * The same pass serves the block's derivative, where masks take the place of ReLU6 and there is no bias, and its
 * adjoint, where in addition the products change places and the depthwise convolution is transposed. `block.rs`
 * documents the arguments, docs/kernels.md the data layout.
 *
 * Everything is dense NHWC. A plane is worked on in strips of rows. In a strip, a panel of channels at a time goes
 * through the expansion into `expanded`, with zeros around the plane, and from there through the depthwise convolution
 * into `filtered`, where the projection finds it, panel by panel.
 */
#include "gemm.h"

/* Sums of the depthwise convolution that are made at a time. */
#if LANES == 16
#define SIDE 7
#elif MR == 6
#define SIDE 4
#else
#define SIDE 2
#endif

enum { RELU6, RELU6_RECORDED, MASK };

struct attrax_block {
    const factor *expand;
    const float *expand_bias, *depthwise, *depthwise_bias;
    const factor *project;
    const float *project_bias;
    long input, middle, output;
    long kernel, stride, dilation, padding;
    long transposed, residual;
};

struct attrax_pass {
    const float *input;
    float *output, *expanded;
    factor *filtered, *rounded;
    uint8_t *expanded_bits, *filtered_bits;
    long height, width, out_width;
    long begin, end;
    long top, rows;
    long left, side;
    long mode;
};

/* Sizes and offsets of the structures above, for a test of their twins in Rust. */
const size_t NAME(block_layout)[] = {
    sizeof(struct attrax_block), offsetof(struct attrax_block, input), offsetof(struct attrax_block, residual),
    sizeof(struct attrax_pass), offsetof(struct attrax_pass, expanded_bits), offsetof(struct attrax_pass, height),
    offsetof(struct attrax_pass, mode),
};

/* Where a sum of the depthwise convolution takes its values from. */
struct tap {
    const float *from;
    const float *weight;
};

/* ReLU6, recorded or not, or the mask that it left. There may be no bits where nothing is recorded or masked, so
 * their address is computed nowhere else. */
INLINE lanes activated(lanes values, uint8_t *bits, long offset, const long mode) {
    if (mode == MASK) return masked(values, bits + offset);
    if (mode == RELU6_RECORDED) record(bits + offset, values);
    return relu6(values);
}

/* The expansion of the pixels [pixel, pixel + mr) of the strip, counted through its rows, and of the channels from
 * `channel` on. */
INLINE void expand_tile(const int mr, const int vectors, const struct attrax_block *block,
                        const struct attrax_pass *pass, const factor *panel, long channel, long pixel) {
    lanes acc[MR][2];
    const long depth = block->input, plane_pixel = pass->top * pass->width + pixel;
    init_acc(mr, vectors, acc, block->expand_bias ? block->expand_bias + channel : 0);
#if ROUNDED
    gemm_tile(mr, vectors, acc, pass->rounded + pixel * depth, depth, panel, depth);
#else
    gemm_tile(mr, vectors, acc, pass->input + plane_pixel * depth, depth, panel, depth);
#endif
    long x = pixel % pass->width;
    float *to = pass->expanded + (pixel / pass->width * pass->side + pass->left + x) * PANEL;
    long offset = (plane_pixel * block->middle + channel) / 8;
#pragma GCC unroll 16
    for (int row = 0; row < mr; row++) {
#pragma GCC unroll 2
        for (int v = 0; v < vectors; v++)
            store(to + v * LANES, activated(acc[row][v], pass->expanded_bits, offset + v * LANES / 8, pass->mode));
        offset += block->middle / 8;
        to += PANEL;
        if (++x == pass->width) {
            x = 0;
            to += (pass->side - pass->width) * PANEL;
        }
    }
}

/* The projection of pixels of a strip of the output. */
INLINE void project_tile(const int mr, const int vectors, const struct attrax_block *block,
                         const struct attrax_pass *pass, const factor *panel, long channel, long pixel) {
    lanes acc[MR][2];
    init_acc(mr, vectors, acc, block->project_bias ? block->project_bias + channel : 0);
    const long pixels = (pass->end - pass->begin) * pass->out_width;
    const factor *from = pass->filtered + pixel * PANEL;
    for (long left = block->middle; left > 0; left -= PANEL) {
        const long depth = left < PANEL ? left : PANEL;
        gemm_tile(mr, vectors, acc, from, PANEL, panel, depth);
        from += pixels * PANEL;
        panel += depth * vectors * LANES;
    }
    float *to = pass->output + pixel * block->output + channel;
    const float *residual = pass->input + (pass->begin * pass->out_width + pixel) * block->output + channel;
    const long count = block->output - channel;
#pragma GCC unroll 16
    for (int row = 0; row < mr; row++) {
#pragma GCC unroll 2
        for (int v = 0; v < vectors; v++) {
            const long left = count - v * LANES;
            if (left <= 0) continue;
            lanes values = acc[row][v];
            if (block->residual) values = add(values, load_some(residual + v * LANES, left));
            store_some(to + v * LANES, values, left);
        }
        to += block->output;
        residual += block->output;
    }
}

#define EXPAND(rows, vectors)                                                                                                      \
    ALONE expand_##rows##_##vectors(const struct attrax_block *block, const struct attrax_pass *pass, const factor *panel, long channel, \
                                   long pixel) {                                                                                  \
        expand_tile(rows, vectors, block, pass, panel, channel, pixel);                                                            \
    }
FOR_TILES(EXPAND)

/* Rows [from, to) of the strip. */
static void expand(const struct attrax_block *block, const struct attrax_pass *pass, long channel, int vectors, long from, long to) {
    const factor *panel = block->expand + channel * block->input;
    const long before = from * pass->width, pixels = (to - from) * pass->width;
    if (vectors == 2) {
#define CALL(rows) expand_##rows##_2(block, pass, panel, channel, before + at)
        IN_TILES(pixels, at, CALL)
#undef CALL
    } else {
#define CALL(rows) expand_##rows##_1(block, pass, panel, channel, before + at)
        IN_TILES(pixels, at, CALL)
#undef CALL
    }
}

/* Without a first product the input's own channels are taken. */
ALONE copy_input(const struct attrax_block *block, const struct attrax_pass *pass, long channel, int vectors, long begin, long end) {
    for (long y = begin; y < end; y++) {
        const long plane_pixel = (pass->top + y) * pass->width;
        const float *from = pass->input + plane_pixel * block->input + channel;
        long offset = (plane_pixel * block->middle + channel) / 8;
        float *to = pass->expanded + (y * pass->side + pass->left) * PANEL;
        for (long x = 0; x < pass->width; x++) {
            for (int v = 0; v < vectors; v++)
                store(to + v * LANES,
                      activated(load(from + v * LANES), pass->expanded_bits, offset + v * LANES / 8, pass->mode));
            from += block->input;
            offset += block->middle / 8;
            to += PANEL;
        }
    }
}

/* Sums of the depthwise convolution side by side, one vector of channels each, and where they go. */
struct sums {
    factor *to;
    uint8_t *bits;
    long offset, step, bits_step, mode;
};

INLINE void finish(const int count, const struct sums *out, long at, const lanes *sums) {
    factor *to = out->to + at * out->step;
    long offset = out->offset + at * out->bits_step;
#pragma GCC unroll 16
    for (int i = 0; i < count; i++) {
        store_factors(to, activated(sums[i], out->bits, offset, out->mode));
        to += out->step;
        offset += out->bits_step;
    }
}

/* `count` sums from any taps, `step` numbers from one sum's values to the next one's. */
INLINE void dwconv_taps(const int count, const struct tap *taps, long n, long step, lanes bias, const struct sums *out, long at) {
    lanes sums[MR];
#pragma GCC unroll 16
    for (int i = 0; i < count; i++) sums[i] = bias;
    for (long tap = 0; tap < n; tap++) {
        const lanes weight = load(taps[tap].weight);
        const float *from = taps[tap].from + at * step;
#pragma GCC unroll 16
        for (int i = 0; i < count; i++) accumulate(&sums[i], &weight, load(from + i * step));
    }
    finish(count, out, at, sums);
}

/* The same where the taps are `n` rows of `kernel` neighbours, whose weights are `step` numbers apart: each value is loaded once for all
 * sums that it is in. */
INLINE void dwconv_rows(const int count, const int kernel, const int stride, const struct tap *rows, long n, long step, lanes bias,
                     const struct sums *out, long at) {
    lanes sums[MR];
#pragma GCC unroll 16
    for (int i = 0; i < count; i++) sums[i] = bias;
    for (long row = 0; row < n; row++) {
        const float *from = rows[row].from + at * stride * PANEL;
        lanes values[(MR - 1) * 2 + 5];
#pragma GCC unroll 32
        for (int i = 0; i < (count - 1) * stride + kernel; i++) values[i] = load(from + i * PANEL);
#pragma GCC unroll 8
        for (int kx = 0; kx < kernel; kx++) {
            const lanes weight = load(rows[row].weight + kx * step);
#pragma GCC unroll 16
            for (int i = 0; i < count; i++) accumulate(&sums[i], &weight, values[i * stride + kx]);
        }
    }
    finish(count, out, at, sums);
}

/* A row of sums. */
#define DWCONV(kernel, stride)                                                                                                      \
    ALONE dwconv_##kernel##x##kernel##s##stride(const struct tap *rows, long n, long step, lanes bias, long count, const struct sums *out) {     \
        long at = 0;                                                                                                              \
        for (; at + SIDE <= count; at += SIDE) dwconv_rows(SIDE, kernel, stride, rows, n, step, bias, out, at);                      \
        for (; at < count; at++) dwconv_rows(1, kernel, stride, rows, n, step, bias, out, at);                                       \
    }
DWCONV(3, 1)
DWCONV(3, 2)
DWCONV(5, 1)
DWCONV(5, 2)

ALONE dwconv_any(const struct tap *taps, long n, long step, lanes bias, long count, const struct sums *out) {
#define CALL(size) dwconv_taps(size, taps, n, step, bias, out, at)
    IN_TILES(count, at, CALL)
#undef CALL
}

INLINE long floor_divided(long a, long b) { return a >= 0 ? a / b : -((-a + b - 1) / b); }

/* The row of the input's plane (or, likewise, the column) that a tap of an output's row reads, or none. */
INLINE int source(const struct attrax_block *block, long place, long tap, long *from) {
    if (!block->transposed) {
        *from = place * block->stride + tap * block->dilation - block->padding;
        return 1;
    }
    const long shifted = place + block->padding - tap;
    *from = block->stride == 1 ? shifted : floor_divided(shifted, block->stride);
    return *from * block->stride == shifted;
}

/* The last row of the input's plane that an output's row reads. */
INLINE long last_source(const struct attrax_block *block, long row) {
    if (block->transposed) return floor_divided(row + block->padding, block->stride);
    return row * block->stride + (block->kernel - 1) * block->dilation - block->padding;
}

/* The row `y` of the strip: the pixel `x`, and from there on the others. */
INLINE const float *strip_pixel(const struct attrax_pass *pass, long y, long x) {
    return pass->expanded + ((y - pass->top) * pass->side + pass->left + x) * PANEL;
}

/* The depthwise convolution of one output row, for `vectors` vectors of channels from `channel` on; `to` is its first pixel, and
 * `pixel` numbers lie between two. */
ALONE dwconv(const struct attrax_block *block, const struct attrax_pass *pass, long channel, int vectors, long row, factor *to,
               long pixel) {
    struct tap taps[49];
    const long offset = (row * pass->out_width * block->middle + channel) / 8;
    const long phases = block->transposed ? block->stride : 1, stride = block->transposed ? 1 : block->stride;
    const int by_rows = block->dilation == 1 && phases == 1 && stride <= 2 && (block->kernel == 3 || block->kernel == 5);
    for (long phase = 0; phase < phases && phase < pass->out_width; phase++) {
        long n = 0;
        for (long ky = 0; ky < block->kernel; ky++) {
            long y, x;
            if (!source(block, row, ky, &y) || y < 0 || y >= pass->height) continue;
            const float *weights = block->depthwise + ky * block->kernel * block->middle + channel;
            if (by_rows) {
                /* Transposed, the last tap reads the first pixel. */
                const long first = block->transposed ? block->kernel - 1 : 0;
                source(block, 0, first, &x);
                taps[n].from = strip_pixel(pass, y, x);
                taps[n++].weight = weights + first * block->middle;
                continue;
            }
            for (long kx = 0; kx < block->kernel; kx++) {
                if (!source(block, phase, kx, &x)) continue;
                taps[n].from = strip_pixel(pass, y, x);
                taps[n++].weight = weights + kx * block->middle;
            }
        }
        const long count = (pass->out_width - phase + phases - 1) / phases;
        const long step = block->transposed ? -block->middle : block->middle;
        for (int v = 0; v < vectors; v++) {
            const lanes bias = block->depthwise_bias ? load(block->depthwise_bias + channel + v * LANES) : zeros();
            const struct sums out = {
                .to = to + phase * pixel + v * LANES,
                .bits = pass->filtered_bits,
                .offset = offset + (phase * block->middle + v * LANES) / 8,
                .step = phases * pixel,
                .bits_step = phases * block->middle / 8,
                .mode = pass->mode,
            };
            if (!by_rows) {
                dwconv_any(taps, n, stride * PANEL, bias, count, &out);
            } else if (block->kernel == 3 && stride == 1) {
                dwconv_3x3s1(taps, n, step, bias, count, &out);
            } else if (block->kernel == 3) {
                dwconv_3x3s2(taps, n, step, bias, count, &out);
            } else if (stride == 1) {
                dwconv_5x5s1(taps, n, step, bias, count, &out);
            } else {
                dwconv_5x5s2(taps, n, step, bias, count, &out);
            }
            for (long tap = 0; tap < n; tap++) {
                taps[tap].from += LANES;
                taps[tap].weight += LANES;
            }
        }
    }
}

#define PROJECT(rows, vectors)                                                                                                     \
    ALONE project_##rows##_##vectors(const struct attrax_block *block, const struct attrax_pass *pass, const factor *panel,          \
                                    long channel, long pixel) {                                                                   \
        project_tile(rows, vectors, block, pass, panel, channel, pixel);                                                           \
    }
FOR_TILES(PROJECT)

INLINE void project(const int vectors, const struct attrax_block *block, const struct attrax_pass *pass, long channel) {
    const factor *panel = block->project + channel * block->middle;
    const long pixels = (pass->end - pass->begin) * pass->out_width;
    if (vectors == 2) {
#define CALL(rows) project_##rows##_2(block, pass, panel, channel, at)
        IN_TILES(pixels, at, CALL)
#undef CALL
    } else {
#define CALL(rows) project_##rows##_1(block, pass, panel, channel, at)
        IN_TILES(pixels, at, CALL)
#undef CALL
    }
}

/* Rows [begin, end) of the output of one plane, which `output` begins with. */
void NAME(block)(const struct attrax_block *block, const struct attrax_pass *pass) {
    for (long y = 0; y < pass->rows; y++) {
        float *line = pass->expanded + y * pass->side * PANEL;
        memset(line, 0, (size_t)pass->left * PANEL * sizeof(float));
        const long filled = pass->left + pass->width;
        memset(line + filled * PANEL, 0, (size_t)(pass->side - filled) * PANEL * sizeof(float));
    }
#if ROUNDED
    if (block->expand) {
        const float *from = pass->input + pass->top * pass->width * block->input;
        const long count = pass->rows * pass->width * block->input;
        for (long at = 0; at < count; at += LANES) {
            if (count - at < LANES) {
                factor last[LANES];
                store_factors(last, load_some(from + at, count - at));
                memcpy(pass->rounded + at, last, (size_t)(count - at) * sizeof(factor));
            } else {
                store_factors(pass->rounded + at, load(from + at));
            }
        }
    }
#endif
    const long pixels = (pass->end - pass->begin) * pass->out_width;
    for (long channel = 0; channel < block->middle; channel += PANEL) {
        const int vectors = channel + LANES < block->middle ? 2 : 1;
        /* Without a second product the sums are the output; a rounded block has one. */
        factor *to = block->project ? pass->filtered + channel * pixels : (factor *)pass->output + channel;
        const long pixel = block->project ? PANEL : block->middle;
        /* Rows of the strip are made when the first row of sums needs them, a tile at least, and are still in the cache then. */
        const long some = (MR + pass->width - 1) / pass->width;
        long made = 0;
        for (long row = pass->begin; row < pass->end; row++, to += pass->out_width * pixel) {
            long last = last_source(block, row) - pass->top;
            if (last >= made) {
                last = last + 1 > made + some ? last + 1 : made + some;
                last = last > pass->rows ? pass->rows : last;
                if (block->expand) {
                    expand(block, pass, channel, vectors, made, last);
                } else {
                    copy_input(block, pass, channel, vectors, made, last);
                }
                made = last;
            }
            dwconv(block, pass, channel, vectors, row, to, pixel);
        }
    }
    for (long channel = 0; block->project && channel < block->output; channel += PANEL) {
        if (channel + LANES < block->output) {
            project(2, block, pass, channel);
        } else {
            project(1, block, pass, channel);
        }
    }
}

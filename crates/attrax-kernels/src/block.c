/* An inverted residual block (Sandler et al., CVPR 2018) in one pass: a product that widens the channels, ReLU6, a depthwise
 * convolution, ReLU6, and a product that narrows them. What lies between them never leaves the core's cache.
 *
 * The same pass serves the block's derivative, where masks stand for ReLU6 and there is no bias, and its adjoint, where in addition
 * the products change places and the depthwise convolution is transposed. `block.rs` tells what each argument is.
 *
 * Everything is in channels-last order. A plane is worked on in strips of rows; in a strip, a few channels at a time go through the
 * first product into `wide`, with zeros beside the plane, and from there through the depthwise convolution into `narrow`, where the
 * second product finds them, panel by panel.
 */
#include "product.h"

/* Sums of the depthwise convolution that are made at a time. */
#if LANES == 16
#define SIDE 7
#else
#define SIDE 4
#endif

enum { LIMIT, LIMIT_AND_RECORD, MASK };

struct attrax_block {
    const float *first, *first_bias, *depthwise, *depthwise_bias, *second, *second_bias;
    long input, middle, output;
    long kernel, stride, dilation, padding;
    long transposed, residual;
};

struct attrax_pass {
    const float *input;
    float *output, *wide, *narrow;
    uint8_t *wide_bits, *narrow_bits;
    long height, width, out_width;
    long begin, end;
    long top, rows;
    long left, side;
    long mode;
};

/* Where a sum of the depthwise convolution takes its values from. */
struct tap {
    const float *from;
    const float *weight;
};

/* ReLU6, or the mask that it left. */
INLINE lanes rectified(lanes values, uint8_t *bits, const long mode) {
    if (mode == MASK) return masked(values, bits);
    if (mode == LIMIT_AND_RECORD) record(bits, values);
    return limited(values);
}

/* The first product for the pixels [pixel, pixel + rows) of the strip, counted through its rows, and the channels from `channel` on. */
INLINE void widen_tile(const int rows, const int vectors, const struct attrax_block *block, const struct attrax_pass *pass,
                       const float *panel, long channel, long pixel) {
    lanes sums[TILE][2];
    const long depth = block->input, plane_pixel = pass->top * pass->width + pixel;
    begin(rows, vectors, sums, block->first_bias ? block->first_bias + channel : 0);
    multiply(rows, vectors, sums, pass->input + plane_pixel * depth, depth, panel, depth);
    long x = pixel % pass->width;
    float *to = pass->wide + (pixel / pass->width * pass->side + pass->left + x) * PANEL;
    uint8_t *bits = pass->wide_bits + (plane_pixel * block->middle + channel) / 8;
#pragma GCC unroll 16
    for (int row = 0; row < rows; row++) {
#pragma GCC unroll 2
        for (int v = 0; v < vectors; v++)
            *(lanes *)(to + v * LANES) = rectified(sums[row][v], bits + v * LANES / 8, pass->mode);
        bits += block->middle / 8;
        to += PANEL;
        if (++x == pass->width) {
            x = 0;
            to += (pass->side - pass->width) * PANEL;
        }
    }
}

/* The second product for pixels of a strip of the output. */
INLINE void narrow_tile(const int rows, const int vectors, const struct attrax_block *block, const struct attrax_pass *pass,
                        const float *panel, long channel, long pixel) {
    lanes sums[TILE][2];
    begin(rows, vectors, sums, block->second_bias ? block->second_bias + channel : 0);
    const long pixels = (pass->end - pass->begin) * pass->out_width;
    const float *from = pass->narrow + pixel * PANEL;
    for (long left = block->middle; left > 0; left -= PANEL) {
        const long depth = left < PANEL ? left : PANEL;
        multiply(rows, vectors, sums, from, PANEL, panel, depth);
        from += pixels * PANEL;
        panel += depth * vectors * LANES;
    }
    float *to = pass->output + pixel * block->output + channel;
    const float *add = pass->input + (pass->begin * pass->out_width + pixel) * block->output + channel;
    const long count = block->output - channel;
#pragma GCC unroll 16
    for (int row = 0; row < rows; row++) {
#pragma GCC unroll 2
        for (int v = 0; v < vectors; v++) {
            const long left = count - v * LANES;
            lanes values = sums[row][v];
            if (left <= 0) continue;
            if (block->residual) {
                lanes other = {0};
                if (left >= LANES) {
                    other = load(add + v * LANES);
                } else {
                    memcpy(&other, add + v * LANES, (size_t)left * sizeof(float));
                }
                values += other;
            }
            store(to + v * LANES, values, left);
        }
        to += block->output;
        add += block->output;
    }
}

#define WIDEN(rows, vectors)                                                                                                      \
    ALONE widen_##rows##_##vectors(const struct attrax_block *block, const struct attrax_pass *pass, const float *panel, long channel, \
                                   long pixel) {                                                                                  \
        widen_tile(rows, vectors, block, pass, panel, channel, pixel);                                                            \
    }
FOR_TILES(WIDEN)

/* Rows [from, to) of the strip. */
static void widen(const struct attrax_block *block, const struct attrax_pass *pass, long channel, int vectors, long from, long to) {
    const float *panel = block->first + channel * block->input;
    const long before = from * pass->width, pixels = (to - from) * pass->width;
    if (vectors == 2) {
#define CALL(rows) widen_##rows##_2(block, pass, panel, channel, before + at)
        IN_TILES(pixels, at, CALL)
#undef CALL
    } else {
#define CALL(rows) widen_##rows##_1(block, pass, panel, channel, before + at)
        IN_TILES(pixels, at, CALL)
#undef CALL
    }
}

/* Without a first product the input's own channels are taken. */
ALONE take(const struct attrax_block *block, const struct attrax_pass *pass, long channel, int vectors, long begin, long end) {
    for (long y = begin; y < end; y++) {
        const long plane_pixel = (pass->top + y) * pass->width;
        const float *from = pass->input + plane_pixel * block->input + channel;
        uint8_t *bits = pass->wide_bits + (plane_pixel * block->middle + channel) / 8;
        float *to = pass->wide + (y * pass->side + pass->left) * PANEL;
        for (long x = 0; x < pass->width; x++) {
            for (int v = 0; v < vectors; v++)
                *(lanes *)(to + v * LANES) = rectified(load(from + v * LANES), bits + v * LANES / 8, pass->mode);
            from += block->input;
            bits += block->middle / 8;
            to += PANEL;
        }
    }
}

/* Sums of the depthwise convolution side by side, one vector of channels each, and where they go. */
struct sums {
    float *to;
    uint8_t *bits;
    long step, bits_step, mode;
};

INLINE void finish(const int count, const struct sums *out, long at, const lanes *sums) {
    float *to = out->to + at * out->step;
    uint8_t *bits = out->bits + at * out->bits_step;
#pragma GCC unroll 16
    for (int i = 0; i < count; i++) {
        *(lanes *)to = rectified(sums[i], bits, out->mode);
        to += out->step;
        bits += out->bits_step;
    }
}

/* `count` sums from any taps, `step` numbers from one sum's values to the next one's. */
INLINE void sum_taps(const int count, const struct tap *taps, long n, long step, lanes bias, const struct sums *out, long at) {
    lanes sums[TILE];
#pragma GCC unroll 16
    for (int i = 0; i < count; i++) sums[i] = bias;
    for (long tap = 0; tap < n; tap++) {
        const lanes weight = load(taps[tap].weight);
        const float *from = taps[tap].from + at * step;
#pragma GCC unroll 16
        for (int i = 0; i < count; i++) sums[i] += weight * load(from + i * step);
    }
    finish(count, out, at, sums);
}

/* The same where the taps are `n` rows of `kernel` neighbours, whose weights are `step` numbers apart: each value is loaded once for all
 * sums that it is in. */
INLINE void sum_rows(const int count, const int kernel, const int stride, const struct tap *rows, long n, long step, lanes bias,
                     const struct sums *out, long at) {
    lanes sums[TILE];
#pragma GCC unroll 16
    for (int i = 0; i < count; i++) sums[i] = bias;
    for (long row = 0; row < n; row++) {
        const float *from = rows[row].from + at * stride * PANEL;
        lanes values[(TILE - 1) * 2 + 5];
#pragma GCC unroll 32
        for (int i = 0; i < (count - 1) * stride + kernel; i++) values[i] = load(from + i * PANEL);
#pragma GCC unroll 8
        for (int kx = 0; kx < kernel; kx++) {
            const lanes weight = load(rows[row].weight + kx * step);
#pragma GCC unroll 16
            for (int i = 0; i < count; i++) sums[i] += weight * values[i * stride + kx];
        }
    }
    finish(count, out, at, sums);
}

/* A row of sums. */
#define ROWS(kernel, stride)                                                                                                      \
    ALONE sum_##kernel##_##stride(const struct tap *rows, long n, long step, lanes bias, long count, const struct sums *out) {     \
        long at = 0;                                                                                                              \
        for (; at + SIDE <= count; at += SIDE) sum_rows(SIDE, kernel, stride, rows, n, step, bias, out, at);                      \
        for (; at < count; at++) sum_rows(1, kernel, stride, rows, n, step, bias, out, at);                                       \
    }
ROWS(3, 1)
ROWS(3, 2)
ROWS(5, 1)
ROWS(5, 2)

ALONE sum_any(const struct tap *taps, long n, long step, lanes bias, long count, const struct sums *out) {
#define CALL(size) sum_taps(size, taps, n, step, bias, out, at)
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
    return pass->wide + ((y - pass->top) * pass->side + pass->left + x) * PANEL;
}

/* The depthwise convolution of one output row, for `vectors` vectors of channels from `channel` on; `to` is its first pixel, and
 * `pixel` numbers lie between two. */
ALONE convolve(const struct attrax_block *block, const struct attrax_pass *pass, long channel, int vectors, long row, float *to,
               long pixel) {
    struct tap taps[49];
    uint8_t *bits = pass->narrow_bits + (row * pass->out_width * block->middle + channel) / 8;
    const long phases = block->transposed ? block->stride : 1, stride = block->transposed ? 1 : block->stride;
    const int rows = block->dilation == 1 && phases == 1 && stride <= 2 && (block->kernel == 3 || block->kernel == 5);
    for (long phase = 0; phase < phases && phase < pass->out_width; phase++) {
        long n = 0;
        for (long ky = 0; ky < block->kernel; ky++) {
            long y, x;
            if (!source(block, row, ky, &y) || y < 0 || y >= pass->height) continue;
            const float *weights = block->depthwise + ky * block->kernel * block->middle + channel;
            if (rows) {
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
            const lanes bias = block->depthwise_bias ? load(block->depthwise_bias + channel + v * LANES) : (lanes){0};
            const struct sums out = {to + phase * pixel + v * LANES, bits + (phase * block->middle + v * LANES) / 8, phases * pixel,
                                     phases * block->middle / 8, pass->mode};
            if (!rows) {
                sum_any(taps, n, stride * PANEL, bias, count, &out);
            } else if (block->kernel == 3 && stride == 1) {
                sum_3_1(taps, n, step, bias, count, &out);
            } else if (block->kernel == 3) {
                sum_3_2(taps, n, step, bias, count, &out);
            } else if (stride == 1) {
                sum_5_1(taps, n, step, bias, count, &out);
            } else {
                sum_5_2(taps, n, step, bias, count, &out);
            }
            for (long tap = 0; tap < n; tap++) {
                taps[tap].from += LANES;
                taps[tap].weight += LANES;
            }
        }
    }
}

#define NARROW(rows, vectors)                                                                                                     \
    ALONE narrow_##rows##_##vectors(const struct attrax_block *block, const struct attrax_pass *pass, const float *panel,          \
                                    long channel, long pixel) {                                                                   \
        narrow_tile(rows, vectors, block, pass, panel, channel, pixel);                                                           \
    }
FOR_TILES(NARROW)

INLINE void narrow(const int vectors, const struct attrax_block *block, const struct attrax_pass *pass, long channel) {
    const float *panel = block->second + channel * block->middle;
    const long pixels = (pass->end - pass->begin) * pass->out_width;
    if (vectors == 2) {
#define CALL(rows) narrow_##rows##_2(block, pass, panel, channel, at)
        IN_TILES(pixels, at, CALL)
#undef CALL
    } else {
#define CALL(rows) narrow_##rows##_1(block, pass, panel, channel, at)
        IN_TILES(pixels, at, CALL)
#undef CALL
    }
}

/* Rows [begin, end) of the output of one plane, which `output` begins with. */
void NAME(block)(const struct attrax_block *block, const struct attrax_pass *pass) {
    for (long y = 0; y < pass->rows; y++) {
        float *line = pass->wide + y * pass->side * PANEL;
        memset(line, 0, (size_t)pass->left * PANEL * sizeof(float));
        const long filled = pass->left + pass->width;
        memset(line + filled * PANEL, 0, (size_t)(pass->side - filled) * PANEL * sizeof(float));
    }
    const long pixels = (pass->end - pass->begin) * pass->out_width;
    for (long channel = 0; channel < block->middle; channel += PANEL) {
        const int vectors = channel + LANES < block->middle ? 2 : 1;
        /* Without a second product the sums are the output. */
        float *to = block->second ? pass->narrow + channel * pixels : pass->output + channel;
        const long pixel = block->second ? PANEL : block->middle;
        /* Rows of the strip are made when the first row of sums needs them, a tile at least, and are still in the cache then. */
        const long some = (TILE + pass->width - 1) / pass->width;
        long made = 0;
        for (long row = pass->begin; row < pass->end; row++, to += pass->out_width * pixel) {
            long last = last_source(block, row) - pass->top;
            if (last >= made) {
                last = last + 1 > made + some ? last + 1 : made + some;
                last = last > pass->rows ? pass->rows : last;
                if (block->first) {
                    widen(block, pass, channel, vectors, made, last);
                } else {
                    take(block, pass, channel, vectors, made, last);
                }
                made = last;
            }
            convolve(block, pass, channel, vectors, row, to, pixel);
        }
    }
    for (long channel = 0; block->second && channel < block->output; channel += PANEL) {
        if (channel + LANES < block->output) {
            narrow(2, block, pass, channel);
        } else {
            narrow(1, block, pass, channel);
        }
    }
}

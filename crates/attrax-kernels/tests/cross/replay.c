/* Runs the kernels of one vector width on pseudo-random cases. Writes their numbers to standard
 * output, and the recorded bits to the file that the argument names. Programs of other processors,
 * compilers or vector widths with as many lanes write the same but for rounding.
 *
 * Weights are random in the kernels' own layout, which depends on the number of lanes alone.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../../c/block.c"
#include "../../c/crop.c"
#include "../../c/stem.c"

static uint32_t state;
static FILE *recorded;

/* An integer from `low` to `high`. */
static long draw(long low, long high) {
    state = state * 1664525u + 1013904223u;
    return low + (long)((state >> 8) % (uint32_t)(high - low + 1));
}

static float *numbers(long count, float reach) {
    float *list = aligned_alloc(64, (size_t)(count + 64) * sizeof(float) / 64 * 64);
    for (long i = 0; i < count; i++) list[i] = reach * ((float)draw(-1000000, 1000000) / 1000000.0f);
    return list;
}

static long up_to(long count, long whole) { return (count + whole - 1) / whole * whole; }

static void write_floats(const float *from, long count) { fwrite(from, sizeof(float), (size_t)count, stdout); }

/* Output rows [begin, end) of a block, as `Kernel::run` asks for them. */
static void run_block(const struct attrax_block *block, struct attrax_pass pass, long out_height) {
    const long last = pass.out_width - 1, span = (block->kernel - 1) * block->dilation;
    long left = block->padding, right = last * block->stride + span - block->padding + 1 - pass.width;
    long first = pass.begin * block->stride - block->padding;
    long bottom = (pass.end - 1) * block->stride + span - block->padding + 1;
    if (block->transposed) {
        left = -floor_divided(block->padding - block->kernel + 1 + block->stride - 1, block->stride);
        right = floor_divided(last + block->padding, block->stride) + 1 - pass.width;
        first = floor_divided(pass.begin + block->padding - block->kernel + 1 + block->stride - 1, block->stride);
        bottom = floor_divided(pass.end - 1 + block->padding, block->stride) + 1;
    }
    pass.left = left > 0 ? left : 0;
    pass.side = pass.left + pass.width + (right > 0 ? right : 0);
    pass.top = first < 0 ? 0 : first > pass.height ? pass.height : first;
    bottom = bottom < pass.top ? pass.top : bottom > pass.height ? pass.height : bottom;
    pass.rows = bottom - pass.top;
    pass.expanded = numbers((pass.rows + 1) * pass.side * PANEL, 1.0f);
    pass.filtered = numbers(out_height * pass.out_width * up_to(block->middle, PANEL), 1.0f);
    NAME(block)(block, &pass);
    free(pass.expanded);
    free(pass.filtered);
}

static void block_case(void) {
    struct attrax_block block = {
        .middle = 16 * draw(1, 4), .output = 8 * draw(1, 4), .kernel = 1 + 2 * draw(0, 3), .stride = draw(1, 3), .dilation = 1,
    };
    const int expands = draw(0, 4) > 0;
    block.input = expands ? 8 * draw(1, 4) : block.middle;
    if (draw(0, 3) == 0) block.dilation = 2;
    if (draw(0, 2) == 0) block.stride = 1, block.residual = 1, block.output = block.input;
    const long span = (block.kernel - 1) * block.dilation;
    block.padding = block.residual ? span / 2 : draw(0, span / 2);
    const long height = span + 1 + draw(0, 5), width = span + 1 + draw(0, 20);
    const long out_height = (height + 2 * block.padding - span - 1) / block.stride + 1;
    const long out_width = (width + 2 * block.padding - span - 1) / block.stride + 1;
    block.expand = expands ? numbers(up_to(block.middle, PANEL) * block.input, 0.5f) : NULL;
    block.expand_bias = expands ? numbers(up_to(block.middle, PANEL), 2.0f) : NULL;
    block.depthwise = numbers(up_to(block.kernel * block.kernel * block.middle, PANEL), 1.0f);
    block.depthwise_bias = numbers(up_to(block.middle, PANEL), 2.0f);
    block.project = numbers(up_to(block.output, PANEL) * block.middle, 0.2f);
    block.project_bias = numbers(up_to(block.output, PANEL), 1.0f);
    const long inputs = height * width * block.input, outputs = out_height * out_width * block.output;
    uint8_t *bits[2] = {calloc((size_t)(height * width * block.middle), 1), calloc((size_t)(out_height * out_width * block.middle), 1)};
    struct attrax_pass pass = {
        .input = numbers(inputs, 2.0f), .output = numbers(outputs, 0.0f), .height = height, .width = width,
        .out_width = out_width, .end = out_height, .mode = RELU6_RECORDED, .expanded_bits = bits[0], .filtered_bits = bits[1],
    };
    run_block(&block, pass, out_height);
    write_floats(pass.output, outputs);
    fwrite(bits[0], 1, (size_t)(height * width * block.middle / 8), recorded);
    fwrite(bits[1], 1, (size_t)(out_height * out_width * block.middle / 8), recorded);
    pass.mode = RELU6;
    run_block(&block, pass, out_height);
    write_floats(pass.output, outputs);
    /* The derivative through masks of random bits, two rows at a time. */
    for (long i = 0; i < height * width * block.middle; i++) bits[0][i] = (uint8_t)draw(0, 255);
    for (long i = 0; i < out_height * out_width * block.middle; i++) bits[1][i] = (uint8_t)draw(0, 255);
    struct attrax_block derivative = block;
    derivative.expand_bias = derivative.depthwise_bias = derivative.project_bias = NULL;
    pass.mode = MASK;
    float *whole = pass.output;
    for (long row = 0; row < out_height; row += 2) {
        pass.begin = row, pass.end = row + 2 < out_height ? row + 2 : out_height;
        pass.output = whole + row * out_width * block.output;
        run_block(&derivative, pass, out_height);
    }
    write_floats(whole, outputs);
    /* An adjoint: the convolution transposed, from the output's plane to the input's. */
    if (expands && block.dilation == 1) {
        struct attrax_block adjoint = derivative;
        adjoint.input = block.output, adjoint.output = block.input, adjoint.transposed = 1;
        adjoint.expand = numbers(up_to(block.middle, PANEL) * adjoint.input, 0.5f);
        adjoint.project = numbers(up_to(adjoint.output, PANEL) * block.middle, 0.2f);
        struct attrax_pass back = {
            .input = whole, .output = numbers(inputs, 0.0f), .height = out_height, .width = out_width, .out_width = width,
            .end = height, .mode = MASK, .expanded_bits = bits[1], .filtered_bits = bits[0],
        };
        run_block(&adjoint, back, height);
        write_floats(back.output, inputs);
    }
}

static void stem_case(void) {
    const struct attrax_stem stem = {
        .input = draw(1, 4), .output = draw(1, 40), .kernel = draw(1, 7), .stride = draw(1, 3), .padding = draw(0, 2),
        .rotated = draw(0, 1),
        .weights = numbers(48 * 7 * 7 * 4, 0.5f), .bias = numbers(64, 1.0f),
    };
    const long height = stem.kernel + draw(0, 6), width = stem.kernel + draw(0, 25);
    const long out_height = (height + 2 * stem.padding - stem.kernel) / stem.stride + 1;
    const long out_width = (width + 2 * stem.padding - stem.kernel) / stem.stride + 1;
    const long widest = stem.kernel > stem.padding ? stem.kernel : stem.padding, side = (out_width - 1) * stem.stride + widest;
    struct attrax_stem_pass pass = {
        .input = numbers(height * width * stem.input, 2.0f), .output = numbers(out_height * out_width * stem.output, 0.0f),
        .lines = numbers(stem.kernel * side * stem.input + 16, 1.0f), .height = height, .width = width, .out_width = out_width,
        .end = out_height, .side = side,
    };
    NAME(stem)(&stem, &pass);
    write_floats(pass.output, out_height * out_width * stem.output);
}

static void crop_case(void) {
    enum { GROUPS = 5, PIXELS = 4, LENGTH = 160 };
    uint8_t lines[2][LENGTH];
    int32_t start[GROUPS], places[GROUPS * GROUP] = {0};
    for (int i = 0; i < 2 * LENGTH; i++) lines[i / LENGTH][i % LENGTH] = (uint8_t)draw(0, 255);
    for (int i = 0; i < GROUPS; i++) start[i] = (int32_t)draw(0, LENGTH - 32);
    for (int i = 0; i < GROUPS * GROUP; i++) places[i] = (int32_t)draw(0, 28);
    const struct attrax_columns columns = {
        .start = start, .places = places, .left = numbers(GROUPS * GROUP, 1.0f), .right = numbers(GROUPS * GROUP, 1.0f),
        .groups = GROUPS, .numbers = 3 * PIXELS, .last = 3 * draw(1, PIXELS),
    };
    const struct attrax_line line = {
        .top = lines[0], .bottom = lines[1], .row = numbers(LENGTH + 32, 1.0f), .out = numbers(GROUPS * 3 * PIXELS, 0.0f),
        .above = 0.3f, .below = 0.7f, .mean = 127.0f, .length = LENGTH,
    };
    NAME(crop_row)(&columns, &line);
    write_floats(line.out, (GROUPS - 1) * 3 * PIXELS + columns.last);
}

int main(int count, char **arguments) {
    if (count != 2 || !(recorded = fopen(arguments[1], "wb"))) return 2;
    for (state = 1; state <= 60;) {
        const uint32_t seed = state;
        block_case();
        stem_case();
        crop_case();
        state = seed + 1;
    }
    return fclose(recorded) || fflush(stdout);
}

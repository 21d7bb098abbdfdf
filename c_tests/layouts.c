/*
 * Random layouts on both sides (permuted, turned, spread, repeated, misaligned), converted or not, small and large enough
 * for tiles, streams and threads: each byte of the destination's memory is what a plain loop over the elements makes it.
 */
#include "check.h"

static uint64_t seed = 20;

static int64_t below(int64_t n)
{
    return (int64_t)(next_random(&seed) % (uint64_t)n);
}

/* A number from 0 to 100 as float16. */
static uint16_t half_of(double real)
{
    unsigned number = (unsigned)real, exponent = 0;
    while (number >> exponent > 1) {
        exponent++;
    }
    return (uint16_t)(number == 0 ? 0 : (exponent + 15) << 10 | (number << (10 - exponent) & 0x3ff));
}

/* Numbers from 0 to 100, which every dtype here holds. */
static void put(uint8_t *at, DLDataType dtype, double real, double imaginary)
{
#define AS(type, number)                                                                                               \
    do {                                                                                                               \
        type value = (type)(number);                                                                                   \
        memcpy(at, &value, sizeof value);                                                                              \
    } while (0)
    switch (dtype.code * 1000 + dtype.bits) {
    case kDLInt * 1000 + 8: AS(int8_t, real); break;
    case kDLInt * 1000 + 16: AS(int16_t, real); break;
    case kDLInt * 1000 + 32: AS(int32_t, real); break;
    case kDLInt * 1000 + 64: AS(int64_t, real); break;
    case kDLUInt * 1000 + 8: AS(uint8_t, real); break;
    case kDLUInt * 1000 + 16: AS(uint16_t, real); break;
    case kDLUInt * 1000 + 64: AS(uint64_t, real); break;
    case kDLFloat * 1000 + 32: AS(float, real); break;
    case kDLFloat * 1000 + 64: AS(double, real); break;
    case kDLBool * 1000 + 8: AS(uint8_t, real != 0 || imaginary != 0); break;
    case kDLBfloat * 1000 + 16: {
        /* Integers up to 256 have no more bits than bfloat16. */
        float value = (float)real;
        uint32_t bits;
        memcpy(&bits, &value, sizeof bits);
        AS(uint16_t, bits >> 16);
        break;
    }
    case kDLComplex * 1000 + 32: {
        uint16_t pair[2] = {half_of(real), half_of(imaginary)};
        memcpy(at, pair, sizeof pair);
        break;
    }
    case kDLComplex * 1000 + 64: {
        float pair[2] = {(float)real, (float)imaginary};
        memcpy(at, pair, sizeof pair);
        break;
    }
    default: {
        double pair[2] = {real, imaginary};
        memcpy(at, pair, sizeof pair);
    }
    }
}

static int is_complex(DLDataType dtype)
{
    return dtype.code == kDLComplex;
}

/* The number of an element, by where it is in the source: the same for elements that a stride of 0 repeats. */
static void number_at(int64_t offset, int wide, double *real, double *imaginary)
{
    uint64_t mixed = (uint64_t)offset * 0x9e3779b97f4a7c15u;
    *real = (double)(mixed >> 40) / (1 << 24) < 0.2 ? 0 : (double)(int)((mixed >> 33) % 101);
    *imaginary = wide ? (double)(int)((mixed >> 50) % 3) : 0;
}

typedef struct {
    int64_t strides[6], first, extent;
} placement;

/* Strides in a random order of dimensions, some turned, some with gaps; some repeated, in a source. */
static placement place(int ndim, const int64_t *shape, int is_source, int plain)
{
    placement out = {{0}, 0, 0};
    int order[6];
    int64_t stride = plain ? 1 : 1 + below(4) / 3;
    for (int i = 0; i < ndim; i++) {
        order[i] = i;
    }
    if (!plain) {
        for (int i = ndim - 1; i > 0; i--) {
            int j = (int)below(i + 1), kept = order[i];
            order[i] = order[j];
            order[j] = kept;
        }
    }
    for (int i = ndim - 1; i >= 0; i--) {
        int dim = order[i];
        if (is_source && !plain && below(8) == 0) {
            continue;
        }
        out.strides[dim] = stride;
        if (!plain && below(5) == 0) {
            out.strides[dim] = -stride;
            out.first += (shape[dim] - 1) * stride;
        }
        stride *= shape[dim] + (!plain && below(4) == 0 ? below(3) : 0);
    }
    out.extent = stride + 1;
    return out;
}

#define U8 {kDLUInt, 8, 1}
#define U16 {kDLUInt, 16, 1}
#define U64 {kDLUInt, 64, 1}
#define F32 {kDLFloat, 32, 1}
#define F64 {kDLFloat, 64, 1}
#define C128 {kDLComplex, 128, 1}
#define C64 {kDLComplex, 64, 1}
#define C32 {kDLComplex, 32, 1}
#define I64 {kDLInt, 64, 1}
#define I32 {kDLInt, 32, 1}
#define I16 {kDLInt, 16, 1}
#define I8 {kDLInt, 8, 1}
#define BOOL {kDLBool, 8, 1}
#define BF16 {kDLBfloat, 16, 1}
static const DLDataType pairs[][2] = {
    {U8, U8}, {U16, U16}, {F32, F32}, {F64, F64}, {C128, C128}, {U8, F32}, {F32, U8}, {I64, I32}, {F32, F64},
    {F64, I8}, {I8, F64}, {C64, C128}, {C128, C64}, {F32, C64}, {C64, F32}, {C64, BOOL}, {U16, C128},
    {I16, BF16}, {BF16, I64}, {F32, BF16}, {U64, BOOL}, {U8, C32}, {C32, U16},
    {C32, BOOL}, {F64, C64}, {C128, I32}, {C128, U8},
};
enum { PAIRS = sizeof pairs / sizeof *pairs };

static void *memory_of(int64_t bytes)
{
    void *memory = malloc((size_t)bytes);
    if (!memory) {
        abort();
    }
    return memory;
}

/* Copies between two placements, so many bytes from where elements are aligned. */
static void placed(DLDataType from, DLDataType to, int ndim, const int64_t *shape, placement source, int64_t from_skew,
                   placement target, int64_t to_skew)
{
    int64_t from_size = from.bits / 8, to_size = to.bits / 8, numel = 1;
    int64_t source_bytes = source.extent * from_size + from_skew, target_bytes = target.extent * to_size + to_skew;
    uint8_t *source_memory = memory_of(source_bytes), *target_memory = memory_of(target_bytes),
            *expected = memory_of(target_bytes);
    memset(source_memory, 0, (size_t)source_bytes);
    memset(target_memory, 0xa5, (size_t)target_bytes);
    memset(expected, 0xa5, (size_t)target_bytes);
    int64_t index[6] = {0};
    for (int i = 0; i < ndim; i++) {
        numel *= shape[i];
    }
    for (int64_t n = 0; n < numel; n++) {
        int64_t at = source.first, into = target.first;
        double real, imaginary;
        for (int i = 0; i < ndim; i++) {
            at += index[i] * source.strides[i];
            into += index[i] * target.strides[i];
        }
        number_at(at, is_complex(from), &real, &imaginary);
        put(source_memory + from_skew + at * from_size, from, real, imaginary);
        put(expected + to_skew + into * to_size, to, real, imaginary);
        for (int i = ndim - 1; i >= 0 && ++index[i] == shape[i]; i--) {
            index[i] = 0;
        }
    }
    DLTensor data = describe(source_memory + from_skew, from, ndim, (int64_t *)shape, source.strides);
    DLTensor destination = describe(target_memory + to_skew, to, ndim, (int64_t *)shape, target.strides);
    data.byte_offset = (uint64_t)(source.first * from_size);
    destination.byte_offset = (uint64_t)(target.first * to_size);
    tensor_t *tensor = NULL;
    CHECK_OK(tensor_as_tensor(&destination, NULL, &tensor));
    CHECK_OK(tensor_copy_into(tensor, &data, NULL));
    if (memcmp(target_memory, expected, (size_t)target_bytes) != 0) {
        CHECK(!"the destination is as expected");
        fprintf(stderr, "  %d.%d to %d.%d, shape", from.code, from.bits, to.code, to.bits);
        for (int i = 0; i < ndim; i++) {
            fprintf(stderr, " %lld (%lld, %lld)", (long long)shape[i], (long long)source.strides[i],
                    (long long)target.strides[i]);
        }
        fprintf(stderr, "\n");
    }
    tensor_release(tensor);
    /* Into memory of its own. */
    tensor_options_t options = default_options();
    tensor_t *copy = NULL;
    options.dtype = &to;
    CHECK_OK(tensor_copy(&data, &options, &copy));
    int64_t zero[6] = {0};
    if (copy) {
        uint8_t *values = (uint8_t *)tensor_view(copy)->data;
        int same = 1;
        memcpy(index, zero, sizeof index);
        for (int64_t n = 0; n < numel; n++) {
            int64_t into = target.first;
            for (int i = 0; i < ndim; i++) {
                into += index[i] * target.strides[i];
            }
            same &= memcmp(values + n * to_size, expected + to_skew + into * to_size, (size_t)to_size) == 0;
            for (int i = ndim - 1; i >= 0 && ++index[i] == shape[i]; i--) {
                index[i] = 0;
            }
        }
        CHECK(same);
    }
    tensor_release(copy);
    free(source_memory);
    free(target_memory);
    free(expected);
}

static void one(DLDataType from, DLDataType to, int ndim, const int64_t *shape, int plain)
{
    placement source = place(ndim, shape, 1, plain), target = place(ndim, shape, 0, plain);
    int64_t from_skew = plain ? 0 : below(2) * below(9), to_skew = plain ? 0 : below(2) * below(9);
    placed(from, to, ndim, shape, source, from_skew, target, to_skew);
}

/** Sizes that have the edges of squares, blocks and tiles. */
static int64_t size(int64_t most)
{
    static const int64_t edges[] = {1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 31, 33, 63, 64, 65, 128, 130, 257};
    int64_t chosen = below(3) == 0 ? 1 + below(most) : edges[below(sizeof edges / sizeof *edges)];
    return chosen < most ? chosen : most;
}

static void random_layouts(int count, int64_t most)
{
    for (int n = 0; n < count; n++) {
        int ndim = 1 + (int)below(5);
        int64_t shape[6], left = most;
        for (int i = 0; i < ndim; i++) {
            shape[i] = size(left);
            left /= shape[i];
        }
        const DLDataType *pair = pairs[below(PAIRS)];
        one(pair[0], pair[1], ndim, shape, 0);
    }
}

/** Destinations that do not fit the cache. */
static void beyond_the_cache(void)
{
    static const DLDataType large[][2] = {{F64, F64}, {F32, F64}, {I64, C128}, {C128, C64}};
    for (int i = 0; i < 4; i++) {
        int64_t run[1] = {(20 << 20) / (large[i][1].bits / 8) + 5}, sheet[2] = {1031, run[0] / 1000};
        one(large[i][0], large[i][1], 1, run, 1);
        one(large[i][0], large[i][1], 2, sheet, 0);
        sheet[0] = 3;
        sheet[1] = run[0] / 3;
        one(large[i][0], large[i][1], 2, sheet, 0);
    }
}

/** A plane that is streamed, and whose source begins inside of a line. */
static void large_plane(DLDataType from, DLDataType to, int64_t rows)
{
    int64_t shape[2] = {rows, 8192}, all = shape[0] * shape[1];
    placement source = {{1, shape[0]}, 0, all}, target = {{shape[1], 1}, 0, all};
    placed(from, to, 2, shape, source, 24, target, below(65));
}

/** Planes that are streamed, of so many columns, whose rows do not begin with lines, and follow each other or are apart. */
static void unaligned_planes(DLDataType from, DLDataType to, int64_t rows, int64_t columns, int64_t gap)
{
    int64_t bytes = from.bits / 8 + to.bits / 8, plane = rows * columns, row = columns + gap;
    /* More than any cache is taken to have room for. */
    int64_t shape[3] = {(34 << 20) / bytes / plane + 1, rows, columns};
    placement source = {{plane, 1, rows}, 0, shape[0] * plane};
    placement target = {{rows * row, row, 1}, 0, shape[0] * rows * row};
    placed(from, to, 3, shape, source, below(9), target, below(65));
}

/** Elements of which each comes `count` times, one after the other; to rows with a gap or without one. */
static void repeated(DLDataType from, DLDataType to, int64_t rows, int64_t count, int64_t gap, int64_t step)
{
    int64_t shape[2] = {rows, count};
    placement source = {{step, 0}, step < 0 ? (rows - 1) * -step : 0, (rows - 1) * (step < 0 ? -step : step) + 1};
    placement target = {{count + gap, 1}, 0, rows * (count + gap)};
    placed(from, to, 2, shape, source, below(2) * below(9), target, below(2) * below(9));
}

static void repeated_elements(int large)
{
    static const int64_t counts[] = {2, 3, 4, 5, 7, 8, 12, 16, 17, 31, 32, 33, 63, 64, 100, 257, 1000, 4097};
    for (size_t p = 0; p < PAIRS; p++) {
        DLDataType from = pairs[p][0], to = pairs[p][1];
        for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
            /* Few enough for the cache; some so many that they are asked for before they are written. */
            int far = large && (p + i) % 6 == 0;
            int64_t many = ((far ? 9 << 17 : 1 << 11) * 8 / to.bits) / counts[i];
            repeated(from, to, 3, counts[i], 0, 1);
            repeated(from, to, 1 + many, counts[i], below(2) * below(4), below(5) - 2);
        }
        if (large && p % 8 == 4) {
            /* More than any cache is taken to have room for. */
            int64_t all = (34 << 20) * 8 / to.bits;
            repeated(from, to, all / 7, 7, 0, 1);
            repeated(from, to, all / 1000, 1000, below(2), 3);
        }
    }
}

/** Some rows, each of which comes again and again; to rows with a gap or without one. */
static void repeated_each(DLDataType from, DLDataType to, int64_t some, int64_t rows, int64_t count, int64_t gap)
{
    int64_t shape[3] = {some, rows, count}, all = rows * (count + gap);
    placement source = {{count, 0, 1}, 0, some * count}, target = {{all, count + gap, 1}, 0, some * all};
    placed(from, to, 3, shape, source, below(2) * below(9), target, below(2) * below(65));
}

static void repeated_row(DLDataType from, DLDataType to, int64_t rows, int64_t count, int64_t gap)
{
    repeated_each(from, to, 1, rows, count, gap);
}

static void repeated_rows(int large)
{
    static const int64_t counts[] = {1,   2,   3,   5,   7,   8,   10,  16,   17,   33,   50,   64,   99,   128,
                                     199, 250, 333, 500, 512, 513, 700, 1000, 1024, 1500, 2048, 4099, 9000, 24580};
    for (size_t p = 0; p < PAIRS; p++) {
        DLDataType from = pairs[p][0], to = pairs[p][1];
        for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
            int64_t some = (1 << 14) * 8 / to.bits / counts[i];
            repeated_row(from, to, 2 + some + below(7), counts[i], 0);
            repeated_row(from, to, 2 + below(some + 2), counts[i], 0);
            repeated_row(from, to, 2 + below(7), counts[i], below(2) * below(4));
            repeated_each(from, to, 1 + below(20), 2 + below(below(2) ? 5 : 30), counts[i], below(2) * below(4));
            if (large && (p + i) % 6 == 0) {
                repeated_row(from, to, (9 << 17) * 8 / to.bits / counts[i], counts[i], below(2));
            }
        }
        if (large && p % 8 == 4) {
            /* More than any cache is taken to have room for. */
            int64_t all = (34 << 20) * 8 / to.bits;
            repeated_row(from, to, all / 7, 7, 0);
            repeated_row(from, to, all / 1000, 1000, below(2));
        }
    }
}

/** Loops of which some repeat in the source, anywhere among the others, which follow each other there in any order. */
static void repeated_loops(int count, int64_t most)
{
    for (int n = 0; n < count; n++) {
        const DLDataType *pair = pairs[below(PAIRS)];
        int ndim = 2 + (int)below(4), repeats = (int)below(ndim);
        int64_t shape[6], left = most;
        for (int i = 0; i < ndim; i++) {
            shape[i] = i == repeats ? 2 + below(below(3) ? 5 : 70) : size(left);
            left = 1 + left / shape[i];
        }
        placement source = place(ndim, shape, 1, below(2) == 0), target = place(ndim, shape, 0, below(4) != 0);
        for (int i = 0; i < ndim; i++) {
            if (i == repeats || below(4) == 0) {
                source.first -= source.strides[i] < 0 ? (shape[i] - 1) * -source.strides[i] : 0;
                source.strides[i] = 0;
            }
        }
        placed(pair[0], pair[1], ndim, shape, source, below(2) * below(9), target, below(2) * below(65));
    }
}

/** The pixels of an image, of so many colours: some of more, or with some between them; turned round in any way. */
static void image(DLDataType from, DLDataType to, int64_t height, int64_t width, int64_t colours)
{
    int64_t shape[3] = {height, width, colours};
    placement sides[2];
    for (int side = 0; side < 2; side++) {
        int64_t apart = colours + (below(3) == 0 ? below(2 * colours + 3) : 0);
        int64_t row = width * apart + (below(3) == 0 ? below(5) : 0), strides[3] = {row, apart, 1};
        sides[side] = (placement){{0}, 0, height * row + 1};
        for (int dim = 0; dim < 3; dim++) {
            int turned = below(3) == 0;
            sides[side].strides[dim] = turned ? -strides[dim] : strides[dim];
            sides[side].first += turned ? (shape[dim] - 1) * strides[dim] : 0;
        }
    }
    placed(from, to, 3, shape, sides[0], below(2) * below(9), sides[1], below(2) * below(65));
}

/** Rows in the opposite order, of which some go at once: any number may be left over. */
static void turned_rows(DLDataType from, DLDataType to, int64_t count)
{
    for (int64_t rows = 1; rows < 100; rows++) {
        int64_t shape[3] = {2, rows, count}, all = rows * count;
        placement source = {{all, -count, 1}, all - count, 2 * all};
        placement target = {{all + 3, count, 1}, 0, 2 * all + 3};
        placed(from, to, 3, shape, source, 0, target, below(2) * below(9));
    }
}

static void images(int large)
{
    static const int64_t colours[] = {1, 2, 3, 3, 3, 4, 4, 5, 6, 7, 8, 10, 12, 15, 16, 20, 24, 33, 41, 80};
    for (size_t p = 0; p < PAIRS; p++) {
        if (large || p % 9 == 0) {
            turned_rows(pairs[p][0], pairs[p][1], 5);
            turned_rows(pairs[p][0], pairs[p][1], 24);
        }
        for (size_t i = 0; i < sizeof colours / sizeof *colours; i++) {
            for (int times = 0; times < (large ? 3 : 1); times++) {
                image(pairs[p][0], pairs[p][1], 1 + below(7), 1 + below(300), colours[i]);
            }
            if (large && (p + i) % 5 == 0) {
                image(pairs[p][0], pairs[p][1], 1 + below(50), (1 << 14) / colours[i] + below(30), colours[i]);
            }
        }
    }
}

/** Elements of many lanes that do not fit the cache: to memory that is there, and to memory of their own. */
static void large_elements(void)
{
    static const uint16_t lanes[] = {3, 16, 40, 128, 256, 1024, 5000};
    enum { BYTES = 36 << 20 };
    uint8_t *source = memory_of(BYTES), *target = memory_of(BYTES);
    for (int64_t i = 0; i < BYTES; i++) {
        source[i] = (uint8_t)(i * 7 + i / 4099);
    }
    for (size_t i = 0; i < sizeof lanes / sizeof *lanes; i++) {
        DLDataType dtype = F32;
        dtype.lanes = lanes[i];
        int64_t count[1] = {BYTES / (4 * lanes[i])};
        size_t bytes = (size_t)count[0] * 4 * lanes[i];
        DLTensor data = describe(source, dtype, 1, count, NULL), destination = describe(target, dtype, 1, count, NULL);
        tensor_t *tensor = NULL, *copy = NULL;
        CHECK_OK(tensor_as_tensor(&destination, NULL, &tensor));
        memset(target, 0, BYTES);
        CHECK_OK(tensor_copy_into(tensor, &data, NULL));
        CHECK(memcmp(source, target, bytes) == 0);
        CHECK_OK(tensor_copy(&data, NULL, &copy));
        CHECK(copy && memcmp(source, tensor_view(copy)->data, bytes) == 0);
        tensor_release(copy);
        tensor_release(tensor);
    }
    free(source);
    free(target);
}

int main(int argc, char **argv)
{
    int tiny = argc > 1 && strcmp(argv[1], "tiny") == 0;
    for (int threads = 1; threads <= 3; threads++) {
        CHECK_OK(tensor_set_num_threads(threads));
        random_layouts(tiny ? 60 : 800, 5000);
        random_layouts(tiny ? 2 : 15, tiny ? 20000 : 1 << 19);
        repeated_loops(tiny ? 40 : 400, 1 << 12);
        repeated_loops(tiny ? 2 : 5, tiny ? 20000 : 1 << 20);
    }
    repeated_elements(!tiny);
    repeated_rows(!tiny);
    images(!tiny);
    if (!tiny) {
        beyond_the_cache();
        /* Few elements in a line of the source, and many in one of the destination; as many in both. */
        large_plane((DLDataType)F64, (DLDataType)I8, 2112);
        large_plane((DLDataType)I16, (DLDataType)BF16, 2112);
        large_plane((DLDataType)F32, (DLDataType)I32, 1024);
        unaligned_planes((DLDataType)U8, (DLDataType)F32, 120, 1021, 0);
        unaligned_planes((DLDataType)U16, (DLDataType)U16, 333, 1501, 0);
        unaligned_planes((DLDataType)F64, (DLDataType)F64, 70, 509, 0);
        unaligned_planes((DLDataType)F32, (DLDataType)BF16, 140, 2500, 1);
        repeated_loops(2, 1 << 23);
        for (int threads = 1; threads <= 2; threads++) {
            CHECK_OK(tensor_set_num_threads(threads));
            large_elements();
        }
    }
    return check_result();
}

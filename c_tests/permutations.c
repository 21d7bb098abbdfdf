/* Copies between layouts of many dimensions, each with its own order in memory, steps, gaps, and directions; among them those of
   which every loop is short. Every byte of the destination is looked at. */
#include "elements.h"

enum { MOST_DIMS = 24 };

/** One side: where its elements are in a buffer of so many. */
typedef struct {
    int64_t strides[MOST_DIMS], first, count;
} side_t;

/** What a side may have besides an order of its own. */
typedef struct {
    int gaps, steps, turns, repeats;
} odds_t;

static uint64_t state = 5;

static int64_t up_to(int64_t most)
{
    return (int64_t)(next_random(&state) % (uint64_t)(most + 1));
}

static int one_in(int odds)
{
    return odds && up_to(odds - 1) == 0;
}

/** Lays dimensions out, the innermost of `order` first. */
static side_t lay_out(int ndim, const int64_t *shape, const int *order, odds_t odds)
{
    side_t side = {{0}, up_to(9), 1};
    for (int i = 0; i < ndim; i++) {
        int dim = order[i];
        if (one_in(odds.repeats)) {
            continue; /* stride 0 */
        }
        int64_t stride = side.count * (one_in(odds.steps) ? 2 + up_to(2) : 1);
        side.count = stride * shape[dim] + (one_in(odds.gaps) ? 1 + up_to(15) : 0);
        side.strides[dim] = stride;
        if (one_in(odds.turns)) {
            side.first += stride * (shape[dim] - 1);
            side.strides[dim] = -stride;
        }
    }
    side.count += side.first + 16;
    return side;
}

static void *allocated(size_t size, int byte)
{
    void *memory = malloc(size);
    if (!memory) {
        abort();
    }
    memset(memory, byte, size);
    return memory;
}

static void copy(element_t from, element_t to, int ndim, int64_t *shape, side_t source, side_t target)
{
    size_t source_size = (size_t)source.count * from.size, target_size = (size_t)target.count * to.size;
    uint8_t *data = allocated(source_size, 0), *into = allocated(target_size, 0xee), *expected = allocated(target_size, 0xee);
    for (int64_t i = 0; i < source.count; i++) {
        element_put(from, data + (size_t)i * from.size, (double)((i * 7 + i / 251) % (from.dtype.code == kDLBool ? 2 : 251)));
    }
    int64_t index[MOST_DIMS] = {0}, s = source.first, t = target.first;
    for (int dim = ndim; dim >= 0;) {
        element_put(to, expected + (size_t)t * to.size, element_get(from, data + (size_t)s * from.size));
        for (dim = ndim - 1; dim >= 0; dim--) {
            if (++index[dim] < shape[dim]) {
                s += source.strides[dim];
                t += target.strides[dim];
                break;
            }
            s -= source.strides[dim] * (shape[dim] - 1);
            t -= target.strides[dim] * (shape[dim] - 1);
            index[dim] = 0;
        }
    }
    DLTensor described = describe(data, from.dtype, ndim, shape, source.strides);
    DLTensor destination = describe(into, to.dtype, ndim, shape, target.strides);
    described.byte_offset = (uint64_t)source.first * from.size;
    destination.byte_offset = (uint64_t)target.first * to.size;
    tensor_t *tensor = NULL;
    CHECK_OK(tensor_as_tensor(&destination, NULL, &tensor));
    CHECK_OK(tensor_copy_into(tensor, &described, NULL));
    int right = memcmp(into, expected, target_size) == 0;
    CHECK(right);
    if (!right) {
        fprintf(stderr, "code %d bits %d -> code %d bits %d:", from.dtype.code, from.dtype.bits, to.dtype.code, to.dtype.bits);
        for (int dim = 0; dim < ndim; dim++) {
            fprintf(stderr, " %d x (%d, %d)", (int)shape[dim], (int)source.strides[dim], (int)target.strides[dim]);
        }
        fprintf(stderr, "\n");
    }
    tensor_release(tensor);
    free(data);
    free(into);
    free(expected);
}

/** Orders of both sides at random. */
static void shuffled(element_t from, element_t to, int ndim, int64_t *shape, odds_t source, odds_t target)
{
    int orders[2][MOST_DIMS];
    for (int side = 0; side < 2; side++) {
        for (int i = 0; i < ndim; i++) {
            int other = (int)up_to(i);
            orders[side][i] = orders[side][other];
            orders[side][other] = i;
        }
    }
    side_t one = lay_out(ndim, shape, orders[0], source);
    copy(from, to, ndim, shape, one, lay_out(ndim, shape, orders[1], target));
}

/** The last dimension is the first in memory, and so on. */
static void turned_round(element_t from, element_t to, int ndim, int64_t *shape)
{
    int up[MOST_DIMS], down[MOST_DIMS];
    for (int i = 0; i < ndim; i++) {
        up[i] = i;
        down[i] = ndim - 1 - i;
    }
    const odds_t none = {0, 0, 0, 0};
    side_t source = lay_out(ndim, shape, up, none);
    copy(from, to, ndim, shape, source, lay_out(ndim, shape, down, none));
}

/** Planes of `size[0]` by `size[2]` elements, which are turned round, `size[1]` of them: on each side they are one after the other, or
    woven into each other. Most odd layouts are near these, so gaps are small. */
static void small_planes(element_t from, element_t to, int64_t *size, int woven_from, int woven_to, int gap, int turn)
{
    const int64_t a = size[0], n = size[1], b = size[2];
    const int64_t run = woven_from ? n * b + gap : b + (gap & 1), row = woven_to ? n * a + gap : a + (gap & 2) / 2;
    const int64_t next_from = woven_from ? b : a * run + gap, next_to = woven_to ? a : b * row + gap;
    side_t source = {{run, next_from, 1}, 1, 0}, target = {{1, next_to, row}, gap, 0};
    source.count = (a - 1) * run + (n - 1) * next_from + b + 8;
    target.count = (b - 1) * row + (n - 1) * next_to + a + 8;
    if (turn) {
        source.first += (n - 1) * next_from;
        source.strides[1] = -next_from;
    }
    copy(from, to, 3, size, source, target);
}

/** Both sides in orders of their own, from the outermost dimension on. */
static void ordered(element_t from, element_t to, int ndim, int64_t *shape, const int *order, odds_t target)
{
    int up[MOST_DIMS], outer_first[MOST_DIMS];
    for (int i = 0; i < ndim; i++) {
        up[i] = ndim - 1 - i;
        outer_first[i] = order[ndim - 1 - i];
    }
    const odds_t none = {0, 0, 0, 0};
    side_t source = lay_out(ndim, shape, up, none);
    copy(from, to, ndim, shape, source, lay_out(ndim, shape, outer_first, target));
}

int main(int argc, char **argv)
{
    const int tiny = argc > 1 && strcmp(argv[1], "tiny") == 0;
    static const element_t u8 = {{kDLUInt, 8, 1}, 1}, u16 = {{kDLUInt, 16, 1}, 2}, u32 = {{kDLUInt, 32, 1}, 4},
                           f32 = {{kDLFloat, 32, 1}, 4}, f64 = {{kDLFloat, 64, 1}, 8}, truth = {{kDLBool, 8, 1}, 1},
                           c64 = {{kDLComplex, 64, 1}, 8}, c128 = {{kDLComplex, 128, 1}, 16},
                           f32x3 = {{kDLFloat, 32, 3}, 12}, f64x3 = {{kDLFloat, 64, 3}, 24}, f64x9 = {{kDLFloat, 64, 9}, 72};
    const element_t pairs[][2] = {
        {u8, u8},   {u16, u16}, {f32, f32},   {f64, f64},  {c128, c128}, {f32, u8},   {u8, f32},       {u16, u8},
        {u32, f64}, {f64, f32}, {f64, u8},    {c64, c128}, {c128, c64},  {truth, f64}, {f32, truth},    {f32, c64},
        {c128, f32}, {c64, truth}, {f32x3, f32x3}, {f32x3, f64x3}, {f64x9, f64x9}, {u8, c128}};
    const int pair_count = (int)(sizeof pairs / sizeof *pairs);
    static const int64_t sizes[] = {1, 2, 2, 3, 3, 4, 5, 7, 8, 9, 12, 16, 17, 31, 33, 64, 100, 130, 700};
    static const int64_t most[] = {40, 600, 5000, 30000};
    const int rounds = tiny ? 150 : 4000;
    for (int round = 0; round < rounds; round++) {
        const element_t *pair = pairs[up_to(pair_count - 1)];
        int64_t shape[MOST_DIMS], left = most[tiny ? up_to(1) : up_to(3)];
        int ndim = 0;
        while (ndim < 8 && left > 1) {
            int64_t size = sizes[up_to(18)];
            shape[ndim] = size < left ? size : left;
            left /= shape[ndim++];
        }
        const odds_t source = {one_in(3) ? 3 : 0, one_in(3) ? 3 : 0, one_in(3) ? 2 : 0, one_in(4) ? 3 : 0};
        const odds_t target = {one_in(3) ? 3 : 0, one_in(5) ? 4 : 0, one_in(4) ? 3 : 0, 0};
        shuffled(pair[0], pair[1], ndim, shape, source, target);
    }
    for (int round = 0; round < (tiny ? 200 : 1500); round++) {
        const element_t *pair = pairs[up_to(pair_count - 1)];
        const int64_t most_side = one_in(3) ? 70 : 20, most_count = tiny ? 20 : one_in(20) ? 700 : 40;
        int64_t size[3] = {2 + up_to(most_side), 2 + up_to(most_count), 2 + up_to(most_side)};
        small_planes(pair[0], pair[1], size, one_in(2), one_in(2), one_in(2) ? 0 : (int)up_to(5), one_in(6));
    }
    /* Rows of large elements that go in rounds, of which the last is shorter. */
    int64_t rows[3] = {5, 2, 199};
    const side_t apart = {{410, 203, 1}, 1, 5 * 410 + 16}, closer = {{400, 200, 1}, 0, 5 * 400};
    copy(f32x3, f32x3, 3, rows, apart, closer);
    copy(f32x3, f64x3, 3, rows, apart, closer);
    /* Short rows whose lines share a few places in the source, by several that follow each other there, of which the last are fewer. */
    int64_t lost[4] = {2, 64, 125, 16};
    const side_t pages = {{64 * 2048, 2048, 16, 1}, 2, 2 * 64 * 2048 + 16}, joined = {{125 * 64 * 16, 16, 64 * 16, 1}, 3, 2 * 125 * 64 * 16 + 16};
    copy(u16, u16, 4, lost, pages, joined);
    copy(f32, f32, 4, lost, pages, joined);
    const int small = tiny ? 2 : 3;
    for (int p = 0; p < pair_count; p++) {
        for (int size = 2; size <= 5; size++) {
            int64_t shape[MOST_DIMS], count = 1;
            int ndim = 0;
            while (count < (size == small ? 20000 : 3000)) {
                count *= size;
                shape[ndim++] = size;
            }
            turned_round(pairs[p][0], pairs[p][1], ndim, shape);
        }
    }
    /* What becomes larger, of which few elements follow each other in the destination: slices of all loops, of some steps of one, and
       those that gaps are between. */
    const odds_t no_gaps = {0, 0, 0, 0}, some_gaps = {3, 0, 0, 0};
    int64_t slices[][4] = {{35, 4, 7, 34}, {9, 61, 5, 33}, {50, 12, 3, 107}, {3, 100, 16, 41}, {2, 2, 90, 60}};
    static const int orders[][4] = {{3, 2, 1, 0}, {1, 3, 0, 2}, {2, 3, 1, 0}, {0, 3, 2, 1}};
    for (int i = 0; i < (tiny ? 3 : 20); i++) {
        ordered(u8, f32, 4, slices[i % 5], orders[i % 4], i < 10 ? no_gaps : some_gaps);
        ordered(u16, f32, 4, slices[i % 5], orders[(i + 1) % 4], no_gaps);
        ordered(f32, f64, 4, slices[i % 5], orders[(i + 2) % 4], no_gaps);
    }
    /* Few bytes that are permuted at once: in one run on both sides, in several, in rounds of which the last have fewer, or one step; and
       several planes, of which rows are a page apart, or not. */
    int64_t short_loops[][5] = {{13, 12, 20, 6, 1}, {5, 7, 12, 5, 3}, {4, 6, 100, 5, 2}, {3, 7, 2, 50, 43}, {5, 5, 19, 6, 12}, {3, 37, 7, 4, 33}, {8, 1, 512, 9, 1}, {7, 17, 21, 11, 1}};
    static const int short_orders[][5] = {{0, 1, 4, 3, 2}, {1, 0, 4, 3, 2}, {3, 1, 0, 4, 2}, {0, 3, 1, 4, 2}, {4, 1, 2, 0, 3}, {4, 2, 3, 1, 0}, {3, 2, 1, 0, 4}, {1, 3, 2, 0, 4}};
    const element_t few_bytes[][2] = {{u8, u8}, {u16, u16}, {u8, u16}, {u16, u8}, {f32, u8}, {u8, f64}, {u16, f32}, {c64, truth}, {f32, c64}};
    const int few_pairs = (int)(sizeof few_bytes / sizeof *few_bytes);
    for (int i = 0; i < (tiny ? few_pairs : 16 * few_pairs); i++) {
        const element_t *pair = few_bytes[i % few_pairs];
        /* Where there are few, bytes go by the shapes of several planes. */
        const int turn = tiny ? i + 6 : i / 2;
        ordered(pair[0], pair[1], 5, short_loops[turn % 8], short_orders[turn % 8], i < 8 * few_pairs ? no_gaps : some_gaps);
        shuffled(pair[0], pair[1], 5, short_loops[i / few_pairs % 8], i % 2 ? no_gaps : some_gaps, no_gaps);
    }
    /* Windows that slide over the source: two dimensions go on by as much there. */
    int64_t windows[3] = {64, 9, 50};
    for (int i = 0; i < few_pairs; i++) {
        const side_t sliding = {{1, 1, 80}, 2, 50 * 80 + 16}, stepped = {{9, 1, 700}, 1, 50 * 700 + 16};
        const side_t apart_in = {{50, 64 * 50, 1}, 3, 64 * 9 * 50 + 16}, one_run = {{9, 1, 64 * 9}, 1, 64 * 9 * 50 + 16};
        copy(few_bytes[i][0], few_bytes[i][1], 3, windows, sliding, apart_in);
        copy(few_bytes[i][0], few_bytes[i][1], 3, windows, sliding, one_run);
        copy(few_bytes[i][0], few_bytes[i][1], 3, windows, stepped, apart_in);
    }
    if (!tiny) {
        /* More than any cache is taken to have room for, and so that several threads take part. */
        for (int threads = 1; threads <= 2; threads++) {
            CHECK_OK(tensor_set_num_threads(threads));
            int64_t twos[24], fours[11] = {4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4}, mixed[5] = {23, 70, 5, 66, 11}, heads[4] = {40, 12, 170, 64};
            for (int i = 0; i < 24; i++) {
                twos[i] = 2;
            }
            turned_round(u8, u8, 24, twos);
            turned_round(f32, f32, 11, fours);
            turned_round(u8, f32, 5, mixed);
            turned_round(f64, u8, 5, mixed);
            /* Planes whose rows are parts of what others write as well; streamed, though no row is a line. */
            int64_t woven[3] = {8, 4, 9001}, parts[2] = {16, 130001};
            const side_t planes = {{4 * 9001, 9001, 1}, 3, 8 * 4 * 9001 + 16}, rows_of_8 = {{1, 11, 44}, 1, 9001 * 44 + 16};
            const side_t runs = {{130001, 1}, 0, 16 * 130001}, rows_of_16 = {{1, 19}, 0, 130001 * 19};
            copy(f64, f64, 3, woven, planes, rows_of_8);
            copy(u8, f64, 3, woven, planes, rows_of_8);
            copy(f64, f32, 3, woven, planes, rows_of_8);
            copy(f64, f64, 2, parts, runs, rows_of_16);
            int64_t blocks[3] = {16, 50001, 15};
            small_planes(f32, f32, blocks, threads == 1, threads == 1, 0, 0);
            small_planes(f64, f32, blocks, threads == 1, threads != 1, 0, 0);
            small_planes(u8, f32, blocks, threads != 1, threads == 1, 0, 0);
            /* Short loops that are permuted in blocks, and small planes, each of them one run. */
            int64_t far_blocks[5] = {40, 64, 2, 50, 50}, far_pages[5] = {150, 16, 20, 16, 2}, far_planes[3] = {300001, 3, 5};
            static const int blocks_order[5] = {0, 3, 1, 4, 2}, pages_order[5] = {2, 1, 0, 4, 3}, planes_order[3] = {0, 2, 1};
            ordered(u8, u8, 5, far_blocks, blocks_order, no_gaps);
            ordered(u16, u16, 5, far_pages, pages_order, no_gaps);
            ordered(u8, f32, 3, far_planes, planes_order, no_gaps);
            ordered(f32, f32, 3, far_planes, planes_order, no_gaps);
            const odds_t none = {0, 0, 0, 0}, some = {4, 6, 4, 6}, gaps = {4, 0, 0, 0};
            static const int mixed_order[5] = {0, 1, 4, 3, 2};
            for (int i = 0; i < 2; i++) {
                shuffled(f32, f32, 4, heads, none, none);
                shuffled(u16, f64, 4, heads, some, gaps);
                shuffled(f64, f32, 5, mixed, gaps, none);
                ordered(u8, f64, 5, mixed, mixed_order, none);
            }
        }
    }
    return check_result();
}

/* Planes whose two sides run along different axes: of every size of unit, at any place, small, in the cache, and too large for it. */
#include "elements.h"

static void *allocated(size_t size)
{
    uint8_t *memory = aligned_alloc(64, (size + 63) / 64 * 64);
    if (!memory) {
        abort();
    }
    memset(memory, 0xee, size);
    return memory;
}

enum { TO_LINE = -1, TO_PAGE = -2, PAGE = 4096 };

/** Where a plane lies. Elements from one row to the next beyond its length, or so many that rows begin where lines or pages do if
    the first one does; and before the first. */
typedef struct {
    int64_t source_gap, source_first, target_gap, target_first;
    int64_t step; /* elements of the source from one to the next */
} place_t;

/** Elements from one row to the next. */
static int64_t row_of(int64_t length, int64_t gap, element_t element)
{
    int64_t elements = gap == TO_PAGE ? PAGE / (int64_t)element.size : 64;
    return gap < 0 ? (length + elements - 1) / elements * elements : length + gap;
}

/** Copies the one to the other, whose memory, so many bytes, is as expected then. */
static void copy(const DLTensor *data, const DLTensor *into, const uint8_t *memory, const uint8_t *expected, size_t size)
{
    tensor_t *tensor = NULL;
    CHECK_OK(tensor_as_tensor(into, NULL, &tensor));
    CHECK_OK(tensor_copy_into(tensor, data, NULL));
    CHECK(memcmp(memory, expected, size) == 0);
    tensor_release(tensor);
}

/** Copies `outer` planes of `rows` columns each of `columns` numbers, turned round, and looks at every byte of the target. */
static void plane(element_t from, element_t to, int64_t outer, int64_t rows, int64_t columns, place_t place)
{
    int64_t source_row = row_of(columns * place.step, place.source_gap, from);
    int64_t target_row = row_of(rows, place.target_gap, to);
    size_t source_size = (size_t)(place.source_first + outer * rows * source_row) * from.size;
    size_t target_size = (size_t)(place.target_first + outer * columns * target_row + 16) * to.size;
    uint8_t *source = allocated(source_size), *target = allocated(target_size), *expected = allocated(target_size);
    for (int64_t o = 0; o < outer; o++) {
        for (int64_t r = 0; r < rows; r++) {
            for (int64_t c = 0; c < columns; c++) {
                int64_t at = place.source_first + (o * rows + r) * source_row + c * place.step;
                element_put(from, source + (size_t)at * from.size, (double)((o * 3 + r * 7 + c * 11 + r * c) % 251));
            }
        }
    }
    for (int64_t row = 0; row < outer * rows; row += 32) { /* a few at a time, which the cache holds */
        for (int64_t c = 0; c < columns; c++) {
            for (int64_t r = row; r < row + 32 && r < outer * rows; r++) {
                int64_t at = place.source_first + r * source_row + c * place.step;
                int64_t there = place.target_first + (r / rows * columns + c) * target_row + r % rows;
                element_put(to, expected + (size_t)there * to.size, element_get(from, source + (size_t)at * from.size));
            }
        }
    }
    int64_t shape[3] = {outer, columns, rows};
    int64_t source_strides[3] = {rows * source_row, place.step, source_row};
    int64_t target_strides[3] = {columns * target_row, target_row, 1};
    DLTensor data = describe(source, from.dtype, 3, shape, source_strides);
    DLTensor into = describe(target, to.dtype, 3, shape, target_strides);
    data.byte_offset = (uint64_t)place.source_first * from.size;
    into.byte_offset = (uint64_t)place.target_first * to.size;
    copy(&data, &into, target, expected, target_size);
    free(source);
    free(target);
    free(expected);
}

/** Turns all loops of a block round. Of lengths that are powers of two, its lines share places of the cache. */
static void turned(element_t from, element_t to, const int64_t *shape, int64_t source_first, int64_t target_first)
{
    int64_t count = shape[0] * shape[1] * shape[2] * shape[3];
    size_t source_size = (size_t)(source_first + count) * from.size;
    size_t target_size = (size_t)(target_first + count + 16) * to.size;
    uint8_t *source = allocated(source_size), *target = allocated(target_size), *expected = allocated(target_size);
    int64_t into_shape[4], strides[4] = {1, shape[3], shape[2] * shape[3], shape[1] * shape[2] * shape[3]};
    for (int i = 0; i < 4; i++) {
        into_shape[i] = shape[3 - i];
    }
    for (int64_t i = 0; i < count; i++) {
        element_put(from, source + (size_t)(source_first + i) * from.size, (double)((i + i / 251 * 7) % 251));
    }
    for (int64_t i = 0; i < count; i++) {
        int64_t at = source_first, rest = i;
        for (int axis = 3; axis >= 0; axis--) {
            at += rest % into_shape[axis] * strides[axis];
            rest /= into_shape[axis];
        }
        uint8_t *there = expected + (size_t)(target_first + i) * to.size;
        element_put(to, there, element_get(from, source + (size_t)at * from.size));
    }
    DLTensor data = describe(source, from.dtype, 4, into_shape, strides), into = describe(target, to.dtype, 4, into_shape, NULL);
    data.byte_offset = (uint64_t)source_first * from.size;
    into.byte_offset = (uint64_t)target_first * to.size;
    copy(&data, &into, target, expected, target_size);
    free(source);
    free(target);
    free(expected);
}

/** Exchanges two loops over rows of bytes, which stay whole, between such bytes of two blocks. */
static void rows(int64_t outer, int64_t inner, int64_t bytes, int64_t source_first, int64_t target_first)
{
    size_t count = (size_t)(outer * inner * bytes), source_first_byte = (size_t)source_first;
    uint8_t *source = allocated(count + source_first_byte), *target = allocated(count + (size_t)target_first + 16);
    uint8_t *expected = allocated(count + (size_t)target_first + 16);
    for (size_t i = 0; i < count; i++) {
        source[source_first_byte + i] = (uint8_t)(i * 7 + i / 251);
    }
    for (int64_t i = 0; i < outer * inner; i++) {
        const uint8_t *from = source + source_first + (i % outer * inner + i / outer) * bytes;
        memcpy(expected + target_first + i * bytes, from, (size_t)bytes);
    }
    int64_t shape[3] = {inner, outer, bytes}, source_strides[3] = {bytes, inner * bytes, 1};
    DLTensor data = describe(source, DTYPE_U8, 3, shape, source_strides), into = describe(target, DTYPE_U8, 3, shape, NULL);
    data.byte_offset = (uint64_t)source_first;
    into.byte_offset = (uint64_t)target_first;
    copy(&data, &into, target, expected, count + (size_t)target_first + 16);
    free(source);
    free(target);
    free(expected);
}

int main(int argc, char **argv)
{
    int tiny = argc > 1 && strcmp(argv[1], "tiny") == 0;
    static const element_t u8 = {{kDLUInt, 8, 1}, 1}, u16 = {{kDLUInt, 16, 1}, 2}, bf16 = {{kDLBfloat, 16, 1}, 2}, f32 = {{kDLFloat, 32, 1}, 4},
                           f64 = {{kDLFloat, 64, 1}, 8}, c64 = {{kDLComplex, 64, 1}, 8}, c128 = {{kDLComplex, 128, 1}, 16};
    const element_t pairs[][2] = {{u8, u8},   {u16, u16}, {f32, f32}, {f64, f64}, {c128, c128}, {f32, u8},   {u8, f32},
                                  {u16, u8},  {u8, u16},  {f32, f64}, {f64, f32}, {f64, u8},    {c64, c128}, {c128, c64},
                                  {u16, f32},  {u16, bf16}};
    static const place_t places[] = {
        {0, 0, 0, 0, 1},             /* as they come */
        {TO_LINE, 0, TO_LINE, 0, 1}, /* rows that begin where lines do */
        {TO_LINE, 3, TO_LINE, 5, 1}, /* all rows begin as far inside a line */
        {3, 1, 5, 1, 1},             /* every row elsewhere */
        {1, 1, TO_LINE, 0, 2},       /* every second element */
        {TO_PAGE, 3, TO_LINE, 5, 1}, /* rows of the source that share the same lines of the cache */
        {TO_LINE, 5, TO_PAGE, 3, 1}, /* rows of the target that do */
        {TO_PAGE, 3, TO_PAGE, 5, 1}, /* both */
        {3, 0, TO_PAGE, 0, 2},       /* and every second element of the source */
    };
    /* Small planes whose runs and rows go on along one loop or two, of few columns or more than go together, and of many bytes. */
    static const int64_t shapes[][4] = {{64, 16, 1, 64}, {32, 8, 8, 32}, {16, 4, 16, 16}, {130, 32, 1, 64}, {4, 64, 1, 64},
                                        {64, 64, 1, 4},  {64, 32, 1, 41}, {33, 64, 1, 32}, {64, 8, 2, 64},
                                        {6, 256, 1, 50}, {3, 500, 1, 4},   {7, 90, 1, 5},    {8, 2001, 1, 8}};
    CHECK_OK(tensor_set_num_threads(1));
    for (size_t p = 0; p < sizeof pairs / sizeof *pairs; p++) {
        element_t from = pairs[p][0], to = pairs[p][1];
        for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
            if (!tiny || i == 1 || i == 4 || i == 11) {
                turned(from, to, shapes[i], 0, 0);
                turned(from, to, shapes[i], 3, 1);
            }
        }
        for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
            plane(from, to, 1, 5, 9, places[i]);
            plane(from, to, 3, 67, 131, places[i]);
            plane(from, to, 1, 200, 33, places[i]);
            /* Narrow on either side. */
            for (int64_t few = 2; few < 8; few++) {
                plane(from, to, 5, 70, few, places[i]);
                plane(from, to, 5, few, 61, places[i]);
                plane(from, to, 30, 13, few, places[i]);
            }
            if (!tiny) {
                plane(from, to, 120, 300, 5, places[i]);
                plane(from, to, 2, 411, 515, places[i]);
                plane(from, to, 1, 70, 6001, places[i]);
            }
            if (!tiny && ((i > 0 && i < 4) || (i == 5 && from.size == 4 && to.size >= 4))) {
                /* More than any cache is taken to have room for. */
                int64_t elements = (17 << 20) / (int64_t)to.size, columns = 1027;
                plane(from, to, 1, elements / columns, columns, places[i]);
            }
        }
    }
    if (!tiny) {
        /* A few runs woven into one, and one taken apart into a few, that are streamed: one plane, and many of a few lines, which begin and
           end inside of lines. */
        const struct {
            element_t from, to;
            int64_t rows, columns; /* 0: as many as it takes */
        } few[] = {
            {u8, u8, 3, 0},       {u8, u8, 301, 5}, {u16, u16, 0, 7}, {u16, f32, 250, 3}, {f32, f32, 5, 300},  {f32, f32, 0, 6},
            {f32, u8, 3, 100000}, {f64, f64, 8, 0}, {f64, f64, 101, 3}, {c128, c128, 3, 50}, {c128, c128, 4096, 5},
        };
        for (size_t i = 0; i < sizeof few / sizeof *few; i++) {
            const int64_t all = (17 << 20) / (int64_t)few[i].to.size;
            const int64_t rows = few[i].rows ? few[i].rows : all / few[i].columns;
            const int64_t columns = few[i].columns ? few[i].columns : all / rows;
            const place_t inside = {i % 3 == 1 ? 5 : 0, 3, 0, (int64_t)(16 / few[i].to.size), 1}; /* some runs with gaps between */
            plane(few[i].from, few[i].to, all / (rows * columns) + 1, rows, columns, inside);
        }
        /* A little more than there is room for, with what keeps rows apart; and a few runs that are woven anew, streamed. */
        static const int64_t shape[4] = {100, 256, 1, 81}, anew[4] = {4, 1200001, 1, 4};
        turned(f32, f32, shape, 0, 0);
        turned(u8, u8, anew, 3, 1);
    }
    /* Rows that are lines, parts of them, and neither, in caches and out of them. */
    static const int64_t row_bytes[] = {16, 24, 40, 64, 100, 128, 192, 256, 300, 576, 4096, 4160};
    for (size_t i = 0; i < sizeof row_bytes / sizeof *row_bytes; i++) {
        for (int64_t total = 20000; total <= (tiny ? 20000 : 20000000); total *= 1000) {
            int64_t outer = 1 + total / row_bytes[i] / 50;
            rows(outer, 50, row_bytes[i], 0, 0);
            rows(outer, 50, row_bytes[i], 5, 16);
        }
        if (!tiny) {
            rows(1 + 2000000 / row_bytes[i] / 50, 50, row_bytes[i], 1, 3);
        }
    }
    return check_result();
}

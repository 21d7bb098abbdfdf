/* Copies large enough for threads: the same bytes with one thread and with several, neighbours' bits and overlap included. */
#include "check.h"

static uint8_t *filled(size_t size, uint64_t seed)
{
    uint8_t *bytes = malloc(size);
    if (!bytes) {
        abort();
    }
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (uint8_t)next_random(&seed);
    }
    return bytes;
}

static unsigned get(const uint8_t *base, int64_t bit, int bits)
{
    unsigned value = 0;
    for (int i = 0; i < bits; i++) {
        value |= (unsigned)(base[(bit + i) / 8] >> ((bit + i) % 8) & 1) << i;
    }
    return value;
}

static void put(uint8_t *base, int64_t bit, int bits, unsigned value)
{
    for (int i = 0; i < bits; i++) {
        int64_t at = bit + i;
        base[at / 8] = (uint8_t)((base[at / 8] & ~(1u << (at % 8))) | (value >> i & 1) << (at % 8));
    }
}

/** Packed elements, spread with gaps or turned: bits between them stay, wherever the threads' parts end. */
static void packed(int tiny)
{
    static const DLDataType dtypes[] = {{kDLUInt, 1, 1}, {kDLInt, 4, 1}, {kDLFloat6_e2m3fn, 6, 1}, {kDLUInt, 2, 3}};
    int64_t rows = tiny ? 37 : 4001, columns = tiny ? 53 : 4999;
    for (int i = 0; i < 4; i++) {
        for (int kind = 0; kind < 4; kind++) {
            int bits = dtypes[i].bits * dtypes[i].lanes;
            int64_t shape[2] = {rows, columns}, from[2] = {columns, 1}, to[2] = {columns, 1};
            if (kind == 1) {
                to[0] = 2 * columns + 1, to[1] = 2;
            } else if (kind == 2) {
                to[0] = 1, to[1] = rows;
            } else if (kind == 3) {
                to[0] = columns + 3;
            }
            size_t size = (size_t)(2 * rows * columns + 4 * rows + 64) * (size_t)bits / 8 + 64;
            uint8_t *source = filled(size, 5), *target = filled(size, 6), *expected = filled(size, 6);
            for (int64_t r = 0; r < rows; r++) {
                for (int64_t c = 0; c < columns; c++) {
                    put(expected, 24 + (r * to[0] + c * to[1]) * bits, bits,
                        get(source, (r * from[0] + c * from[1]) * bits, bits));
                }
            }
            DLTensor data = describe(source, dtypes[i], 2, shape, from);
            DLTensor place = describe(target + 3, dtypes[i], 2, shape, to);
            tensor_t *tensor = NULL;
            CHECK_OK(tensor_as_tensor(&place, NULL, &tensor));
            CHECK_OK(tensor_copy_into(tensor, &data, NULL));
            CHECK(memcmp(target, expected, size) == 0);
            tensor_release(tensor);
            free(source);
            free(target);
            free(expected);
        }
    }
}

/** Shifted by a little, both ways, backwards, and with a change of width over the same memory. */
static void overlapping(int tiny)
{
    int64_t length = tiny ? 3000 : 3000000, shape[1] = {length}, forwards[1] = {1}, backwards[1] = {-1};
    static const int64_t shifts[] = {-4096, -17, -1, 0, 1, 3, 64, 4095};
    for (int i = 0; i < 8; i++) {
        for (int kind = 0; kind < 3; kind++) {
            size_t size = (size_t)length * 4 + 20000;
            uint8_t *memory = filled(size, 9), *expected = filled(size, 9), *before = filled(size, 9);
            DLDataType wide = DTYPE_I32, narrow = DTYPE_I16;
            DLTensor from = describe(memory + 8192, kind == 2 ? narrow : wide, 1, shape, forwards);
            DLTensor to = describe(memory + 8192 + shifts[i], wide, 1, shape, forwards);
            if (kind == 1) {
                to.strides = backwards;
                to.byte_offset = (uint64_t)(4 * (length - 1));
            }
            for (int64_t n = 0; n < length; n++) {
                int32_t value;
                if (kind == 2) {
                    int16_t half;
                    memcpy(&half, before + 8192 + 2 * n, 2);
                    value = half;
                } else {
                    memcpy(&value, before + 8192 + 4 * n, 4);
                }
                memcpy(expected + 8192 + shifts[i] + 4 * (kind == 1 ? length - 1 - n : n), &value, 4);
            }
            tensor_t *tensor = NULL;
            CHECK_OK(tensor_as_tensor(&to, NULL, &tensor));
            CHECK_OK(tensor_copy_into(tensor, &from, NULL));
            CHECK(memcmp(memory, expected, size) == 0);
            tensor_release(tensor);
            free(memory);
            free(expected);
            free(before);
        }
    }
}

/** One element that would not survive, first, in the middle or last: it is named, and nothing is written. */
static void exact(int tiny)
{
    int64_t length = tiny ? 1000 : 2000000, shape[1] = {length};
    const int64_t places[] = {0, length / 2, length - 1};
    int32_t *source = malloc((size_t)length * sizeof *source);
    uint8_t *target = filled((size_t)length, 1), *expected = filled((size_t)length, 1);
    if (!source) {
        abort();
    }
    DLTensor from = describe(source, DTYPE_I32, 1, shape, NULL), to = describe(target, DTYPE_U8, 1, shape, NULL);
    tensor_options_t options = default_options();
    tensor_t *tensor = NULL, *copy = NULL;
    DLDataType u8 = DTYPE_U8;
    CHECK_OK(tensor_as_tensor(&to, NULL, &tensor));
    for (int i = 0; i < 3; i++) {
        char text[64];
        for (int64_t n = 0; n < length; n++) {
            source[n] = (int32_t)(n % 256);
        }
        source[places[i]] = 1234567;
        if (places[i] + 5 < length) {
            source[places[i] + 5] = -1; /* the first is named, not a later one that another thread meets sooner */
        }
        options = default_options();
        options.casting = TENSOR_CASTING_EXACT;
        CHECK_STATUS(tensor_copy_into(tensor, &from, &options), TENSOR_ERROR_INEXACT);
        snprintf(text, sizeof text, "[%lld]", (long long)places[i]);
        CHECK_MESSAGE(text);
        CHECK_MESSAGE("1234567");
        CHECK(memcmp(target, expected, (size_t)length) == 0);
        options.dtype = &u8;
        CHECK_STATUS(tensor_as_tensor(&from, &options, &copy), TENSOR_ERROR_INEXACT);
        CHECK(copy == NULL);
        CHECK_MESSAGE("1234567");
        source[places[i]] = 7;
        if (places[i] + 5 < length) {
            source[places[i] + 5] = 8;
        }
        CHECK_OK(tensor_as_tensor(&from, &options, &copy));
        tensor_release(copy);
    }
    /* In place and overlapping: the check comes before any write. */
    memset(source, 0, (size_t)length * 4);
    source[length - 1] = 300;
    DLTensor over = describe(source, DTYPE_U8, 1, shape, NULL);
    int32_t *before = malloc((size_t)length * 4);
    if (!before) {
        abort();
    }
    memcpy(before, source, (size_t)length * 4);
    tensor_t *same = NULL;
    options = default_options();
    options.casting = TENSOR_CASTING_EXACT;
    CHECK_OK(tensor_as_tensor(&over, NULL, &same));
    CHECK_STATUS(tensor_copy_into(same, &from, &options), TENSOR_ERROR_INEXACT);
    CHECK(memcmp(before, source, (size_t)length * 4) == 0);
    tensor_release(same);
    tensor_release(tensor);
    free(before);
    free(source);
    free(target);
    free(expected);
}

int main(int argc, char **argv)
{
    int tiny = argc > 1 && strcmp(argv[1], "tiny") == 0;
    static const int32_t counts[] = {5, 1, 2};
    for (int i = 0; i < 3; i++) {
        CHECK_OK(tensor_set_num_threads(counts[i]));
        if (tiny || i == 0) {
            packed(tiny);
        }
        overlapping(tiny);
        exact(tiny);
    }
    return check_result();
}

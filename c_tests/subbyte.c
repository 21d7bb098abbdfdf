/* Elements smaller than a byte: packed streams, their neighbours, views that would start inside a byte, padding. */
#include "check.h"

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

static const struct {
    DLDataType dtype;
} widths[] = {{{kDLUInt, 1, 1}}, {{kDLInt, 1, 1}}, {{kDLUInt, 2, 1}}, {{kDLInt, 4, 1}}, {{kDLFloat6_e3m2fn, 6, 1}},
              {{kDLFloat4_e2m1fn, 4, 1}}, {{kDLFloat4_e2m1fn, 4, 2}}, {{kDLUInt, 2, 3}}, {{kDLFloat6_e2m3fn, 6, 3}}};

/** Random layouts of packed elements, filled from random ones: every bit that is not an element's stays. */
static void neighbours_stay(void)
{
    uint64_t state = 11;
    for (int round = 0; round < 5000; round++) {
        uint8_t source[1024], target[1024], expected[1024];
        DLDataType dtype = widths[next_random(&state) % 9].dtype;
        int bits = dtype.bits * dtype.lanes;
        int64_t shape[2] = {1 + (int64_t)(next_random(&state) % 5), 1 + (int64_t)(next_random(&state) % 9)};
        int64_t inner = 1 + (int64_t)(next_random(&state) % 2), row = inner * shape[1] + (int64_t)(next_random(&state) % 3);
        int64_t from_strides[2] = {row, inner}, to_strides[2] = {inner, inner * shape[0]};
        if (next_random(&state) % 2) {
            to_strides[0] = -to_strides[0];
        }
        for (int i = 0; i < 1024; i++) {
            source[i] = (uint8_t)next_random(&state);
            target[i] = expected[i] = (uint8_t)next_random(&state);
        }
        DLTensor from = describe(source, dtype, 2, shape, from_strides);
        DLTensor to = describe(target + 400, dtype, 2, shape, to_strides);
        tensor_t *tensor = NULL, *copy = NULL;
        CHECK_OK(tensor_as_tensor(&to, NULL, &tensor));
        CHECK_OK(tensor_copy_into(tensor, &from, NULL));
        CHECK_OK(tensor_copy(&from, NULL, &copy));
        CHECK(tensor_nbytes(copy) == (shape[0] * shape[1] * bits + 7) / 8);
        const uint8_t *copied = tensor_view(copy)->data;
        int same = 1;
        for (int64_t i = 0; i < shape[0]; i++) {
            for (int64_t j = 0; j < shape[1]; j++) {
                unsigned value = get(source, (i * from_strides[0] + j * from_strides[1]) * bits, bits);
                put(expected, 3200 + (i * to_strides[0] + j * to_strides[1]) * bits, bits, value);
                same &= get(copied, (i * shape[1] + j) * bits, bits) == value;
            }
        }
        CHECK(same);
        CHECK(memcmp(target, expected, sizeof target) == 0);
        tensor_release(copy);
        tensor_release(tensor);
    }
}

static void views_start_at_bytes(void)
{
    uint8_t nibbles[6] = {0x21, 0x43, 0x65, 0x87, 0xa9, 0xcb};
    int64_t shape[2] = {3, 4}, flat[1] = {12};
    DLTensor data = describe(nibbles, DTYPE_U4, 2, shape, NULL);
    DLDataType u8 = DTYPE_U8;
    tensor_options_t options = default_options();
    tensor_t *tensor = NULL, *view = NULL, *wide = NULL;
    CHECK_OK(tensor_as_tensor(&data, NULL, &tensor));
    CHECK(tensor_nbytes(tensor) == 6);
    CHECK_OK(tensor_select(tensor, 0, 1, &view));
    CHECK(tensor_view(view)->data == nibbles + 2);
    tensor_release(view);
    CHECK_STATUS(tensor_select(tensor, 1, 1, &view), TENSOR_ERROR_UNSUPPORTED);
    CHECK_MESSAGE("4 bits inside a byte");
    CHECK(view == NULL);
    CHECK_STATUS(tensor_slice(tensor, 1, 3, INT64_MIN, -1, &view), TENSOR_ERROR_UNSUPPORTED);
    CHECK_OK(tensor_select(tensor, 1, 2, &view));
    options.dtype = &u8;
    CHECK_OK(tensor_to(view, &options, &wide));
    static const uint8_t column[3] = {3, 7, 11};
    CHECK(memcmp(tensor_view(wide)->data, column, 3) == 0);
    tensor_release(wide);
    tensor_release(view);
    CHECK_OK(tensor_transpose(tensor, 0, 1, &view));
    CHECK_OK(tensor_reshape(view, 1, flat, TENSOR_COPY_IF_NEEDED, &wide));
    static const uint8_t turned[6] = {0x51, 0x29, 0xa6, 0x73, 0x4b, 0xc8};
    CHECK(memcmp(tensor_view(wide)->data, turned, 6) == 0);
    tensor_release(wide);
    tensor_release(view);
    CHECK_OK(tensor_view_dtype(tensor, &u8, &view));
    CHECK(tensor_view(view)->shape[1] == 2 && ((uint8_t *)tensor_view(view)->data)[5] == 0xcb);
    tensor_release(view);
    tensor_release(tensor);
}

static void padded_and_packed(void)
{
    uint8_t bytes[5] = {0xf1, 0x72, 0x03, 0xa4, 0x55};
    int64_t shape[1] = {5};
    DLTensor data = describe(bytes, DTYPE_U4, 1, shape, NULL);
    tensor_options_t options = default_options();
    tensor_t *padded = NULL, *packed = NULL, *again = NULL;
    DLDataType u4 = DTYPE_U4;
    options.flags = TENSOR_FLAG_SUBBYTE_PADDED;
    CHECK_OK(tensor_as_tensor(&data, &options, &padded));
    CHECK(tensor_is_subbyte_padded(padded) && tensor_nbytes(padded) == 5);
    CHECK(tensor_view(padded)->data == bytes);
    CHECK_OK(tensor_empty(&u4, NULL, 1, shape, &packed));
    CHECK(tensor_nbytes(packed) == 3);
    memset(tensor_view(packed)->data, 0xff, 3);
    CHECK_OK(tensor_assign(packed, padded, NULL));
    static const uint8_t expected[3] = {0x21, 0x43, 0xf5};
    CHECK(memcmp(tensor_view(packed)->data, expected, 3) == 0);
    CHECK_OK(tensor_to(packed, &options, &again));
    static const uint8_t low[5] = {1, 2, 3, 4, 5};
    CHECK(memcmp(tensor_view(again)->data, low, 5) == 0);
    tensor_plan_t origin = TENSOR_PLAN_INIT;
    CHECK_OK(tensor_origin(again, &origin));
    CHECK(origin.action == TENSOR_ACTION_COPY && origin.reasons == TENSOR_REASON_DTYPE);
    tensor_release(again);
    tensor_release(packed);
    /* Padded elements start at bytes, so any view of them can. */
    CHECK_OK(tensor_select(padded, 0, 3, &again));
    CHECK(tensor_view(again)->data == bytes + 3);
    tensor_release(again);
    tensor_release(padded);
    CHECK(bytes[0] == 0xf1);
}

int main(void)
{
    neighbours_stay();
    views_start_at_bytes();
    padded_and_packed();
    return check_result();
}

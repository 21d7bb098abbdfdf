/* tensor_from_value: what shape and dtype values get, what is refused, and where the message says it is. */
#include "check.h"

#include <limits.h>
#include <math.h>

typedef tensor_value_t V;

static tensor_t *made(const V *value, const DLDataType *dtype)
{
    tensor_t *tensor = NULL;
    tensor_options_t options = default_options();
    options.dtype = dtype;
    CHECK_OK(tensor_from_value(value, &options, &tensor));
    return tensor;
}

/** The dtype and shape of a value, as text: "float32(2, 3)". */
static const char *kind_of(const V *value)
{
    static char text[256];
    char name[32] = "";
    tensor_t *tensor = made(value, NULL);
    if (!tensor) {
        return "";
    }
    const DLTensor *view = tensor_view(tensor);
    CHECK_OK(tensor_dtype_name(&view->dtype, name, sizeof name, NULL));
    size_t length = (size_t)snprintf(text, sizeof text, "%s(", name);
    for (int32_t i = 0; i < view->ndim; i++) {
        length += (size_t)snprintf(text + length, sizeof text - length, i ? ", %d" : "%d", (int)view->shape[i]);
    }
    snprintf(text + length, sizeof text - length, ")");
    CHECK(tensor_is_contiguous(tensor));
    tensor_release(tensor);
    return text;
}

#define CHECK_KIND(value, expected) CHECK_TEXT(kind_of(&(value)), expected)
#define CHECK_TEXT(found, expected)                                                                                    \
    do {                                                                                                               \
        const char *check_found = (found);                                                                             \
        CHECK(strcmp(check_found, (expected)) == 0);                                                                   \
        if (strcmp(check_found, (expected)) != 0) {                                                                    \
            fprintf(stderr, "    found %s, not %s\n", check_found, (expected));                                       \
        }                                                                                                              \
    } while (0)

static void refuse(const V *value, const DLDataType *dtype, tensor_status_t status, const char *message)
{
    tensor_t *out = (tensor_t *)&status;
    tensor_options_t options = default_options();
    options.dtype = dtype;
    CHECK_STATUS(tensor_set_num_threads(-7), TENSOR_ERROR_ARGUMENT);
    CHECK_STATUS(tensor_from_value(value, &options, &out), status);
    CHECK(out == NULL);
    CHECK_MESSAGE(message);
}

#define LIST(...) TENSOR_VALUE_LIST(__VA_ARGS__)
#define ITEM(value) (*(tensor_value_t[1]){value})
#define EMPTY tensor_value_list(NULL, 0)
#define B ITEM(tensor_value_bool(true))
#define I TENSOR_VALUE(2)
#define R TENSOR_VALUE(2.5)
#define C ITEM(tensor_value_complex(1, 2))

static void dtypes_are_inferred(void)
{
    CHECK_KIND(B, "bool()");
    CHECK_KIND(I, "int64()");
    CHECK_KIND(R, "float32()");
    CHECK_KIND(C, "complex64()");
    CHECK_KIND(LIST(B, B), "bool(2)");
    CHECK_KIND(LIST(B, I), "int64(2)");
    CHECK_KIND(LIST(B, I, R), "float32(3)");
    CHECK_KIND(LIST(R, I, B), "float32(3)");
    CHECK_KIND(LIST(B, C), "complex64(2)");
    CHECK_KIND(LIST(C, R), "complex64(2)");
    CHECK_KIND(LIST(LIST(I, I), LIST(I, R)), "float32(2, 2)");
    V empty = EMPTY;
    CHECK_KIND(empty, "float32(0)");
    CHECK_KIND(LIST(EMPTY, EMPTY), "float32(2, 0)");
    CHECK_KIND(LIST(LIST(EMPTY), LIST(EMPTY)), "float32(2, 1, 0)");
    CHECK_KIND(LIST(tensor_value_unsigned(7)), "int64(1)");
    CHECK_KIND(LIST(tensor_value_unsigned(UINT64_MAX), R), "float32(2)");

    static const struct {
        DLDataType dtype;
        const char *real, *of_two;
    } defaults[] = {
        {{kDLFloat, 64, 1}, "float64()", "complex128()"},
        {{kDLFloat, 16, 1}, "float16()", "complex32()"},
        {{kDLBfloat, 16, 1}, "bfloat16()", "complex64()"},
        {{kDLFloat, 32, 1}, "float32()", "complex64()"},
    };
    for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++) {
        CHECK_OK(tensor_set_default_dtype(&defaults[i].dtype));
        DLDataType found = tensor_default_dtype();
        CHECK(memcmp(&found, &defaults[i].dtype, sizeof found) == 0);
        CHECK_KIND(R, defaults[i].real);
        CHECK_KIND(C, defaults[i].of_two);
        CHECK_KIND(I, "int64()");
        CHECK_KIND(B, "bool()");
    }
    CHECK_STATUS(tensor_set_default_dtype(NULL), TENSOR_ERROR_NULL);
    CHECK_STATUS(tensor_set_default_dtype(&DTYPE_I32), TENSOR_ERROR_DTYPE);
    CHECK_MESSAGE("int32 cannot be the default dtype");
    CHECK_STATUS(tensor_set_default_dtype(&(DLDataType){99, 8, 1}), TENSOR_ERROR_DTYPE);
    CHECK(tensor_default_dtype().bits == 32);
}

static void memory_keeps_its_dtype(void)
{
    int8_t bytes[3] = {1, -2, 3};
    double doubles[3] = {1.5, 2.5, 1e300};
    double matrix[2][3] = {{1, 2, 3}, {4, 5, 6}};
    uint64_t naturals[3] = {1, 2, UINT64_MAX};
    float floats[3] = {1, 2, 3};
    CHECK_KIND(TENSOR_VALUE_ARRAY(bytes), "int8(3)");
    CHECK_KIND(TENSOR_VALUE_ARRAY(doubles), "float64(3)");
    CHECK_KIND(TENSOR_VALUE_MATRIX(matrix), "float64(2, 3)");
    CHECK_KIND(TENSOR_VALUE_ARRAY(naturals), "uint64(3)");
    CHECK_KIND(LIST(TENSOR_VALUE_ARRAY(bytes), TENSOR_VALUE_ARRAY(bytes)), "int8(2, 3)");
    CHECK_KIND(LIST(TENSOR_VALUE_ARRAY(bytes), LIST(B, B, B)), "int8(2, 3)");
    CHECK_KIND(LIST(TENSOR_VALUE_ARRAY(bytes), LIST(I, I, I)), "int64(2, 3)");
    CHECK_KIND(LIST(TENSOR_VALUE_ARRAY(bytes), LIST(R, I, I)), "float32(2, 3)");
    CHECK_KIND(LIST(LIST(I, I, R), TENSOR_VALUE_ARRAY(doubles)), "float64(2, 3)");
    CHECK_KIND(LIST(LIST(I, I, C), TENSOR_VALUE_ARRAY(doubles)), "complex128(2, 3)");
    CHECK_KIND(LIST(TENSOR_VALUE_ARRAY(bytes), TENSOR_VALUE_ARRAY(floats)), "float32(2, 3)");
    CHECK_KIND(LIST(TENSOR_VALUE_MATRIX(matrix), LIST(TENSOR_VALUE_ARRAY(bytes), LIST(I, I, I))), "float64(2, 2, 3)");
    V none = tensor_value_run(NULL, DTYPE_I8, 0);
    CHECK_KIND(none, "int8(0)");
    CHECK_KIND(LIST(none, none), "int8(2, 0)");
    refuse(&LIST(TENSOR_VALUE_ARRAY(naturals), LIST(I, I, I)), NULL, TENSOR_ERROR_DTYPE, "uint64");
    refuse(&LIST(TENSOR_VALUE_ARRAY(naturals), TENSOR_VALUE_ARRAY(bytes)), NULL, TENSOR_ERROR_DTYPE, "int8");

    /* Tensors and descriptors, wherever their elements are. */
    tensor_t *tensor = NULL, *column = NULL, *both;
    CHECK_OK(tensor_from_value(&TENSOR_VALUE_MATRIX(matrix), NULL, &tensor));
    CHECK_OK(tensor_select(tensor, 1, 1, &column));
    both = made(&LIST(TENSOR_VALUE(column), LIST(TENSOR_VALUE(8.0), TENSOR_VALUE(9))), NULL);
    const double *values = tensor_view(both)->data;
    CHECK(values[0] == 2 && values[1] == 5 && values[2] == 8 && values[3] == 9);
    CHECK(tensor_use_count(tensor) == 2);
    tensor_release(both);
    tensor_release(column);
    int64_t two[1] = {2}, backwards[1] = {-2};
    DLTensor described = describe(bytes + 2, DTYPE_I8, 1, two, backwards);
    both = made(&LIST(TENSOR_VALUE(&described), LIST(I, I)), &DTYPE_I16);
    const int16_t *small = tensor_view(both)->data;
    CHECK(small[0] == 3 && small[1] == 1 && small[2] == 2 && small[3] == 2);
    tensor_release(both);

    /* A list of numbers is copied as one. */
    float *many = malloc(1000000 * sizeof *many);
    for (int i = 0; i < 1000000; i++) {
        many[i] = (float)i;
    }
    both = made(&LIST(tensor_value_run(many, DTYPE_F32, 500000), tensor_value_run(many + 500000, DTYPE_F32, 500000)), &DTYPE_F64);
    CHECK(((double *)tensor_view(both)->data)[999999] == 999999 && ((double *)tensor_view(both)->data)[499999] == 499999);
    tensor_release(both);
    free(many);
    tensor_release(tensor);

    /* Lanes, and bits that mean nothing, are kept. */
    V lanes = tensor_value_run(floats, (DLDataType){kDLFloat, 32, 3}, 1);
    V handles = tensor_value_run(floats, (DLDataType){kDLOpaqueHandle, 32, 1}, 3);
    CHECK_KIND(lanes, "float32x3(1)");
    CHECK_KIND(handles, "opaque32(3)");
    refuse(&LIST(lanes, LIST(R)), NULL, TENSOR_ERROR_DTYPE, "float32x3");
    refuse(&R, &(DLDataType){kDLFloat, 32, 2}, TENSOR_ERROR_DTYPE, "numbers of lanes");
    refuse(&R, &(DLDataType){kDLOpaqueHandle, 32, 1}, TENSOR_ERROR_DTYPE, "opaque");

    DLTensor cuda = describe(bytes, DTYPE_I8, 1, two, NULL);
    cuda.device.device_type = kDLCUDA;
    refuse(&TENSOR_VALUE(&cuda), NULL, TENSOR_ERROR_DEVICE, "cuda:0");
}

/** The one number of a value of a dtype, read as bits. */
static uint64_t bits_of(const V *value, DLDataType dtype)
{
    uint64_t bits = 0;
    tensor_t *tensor = made(value, &dtype);
    if (tensor) {
        memcpy(&bits, tensor_view(tensor)->data, (size_t)tensor_nbytes(tensor));
    }
    tensor_release(tensor);
    return bits;
}

static void numbers_are_converted_with_a_check(void)
{
    static const struct {
        uint8_t bits, code;
        int64_t low;
        uint64_t high;
    } integers[] = {
        {1, kDLInt, -1, 0}, {2, kDLInt, -2, 1}, {4, kDLInt, -8, 7}, {8, kDLInt, -128, 127},
        {16, kDLInt, -32768, 32767}, {32, kDLInt, INT32_MIN, INT32_MAX}, {64, kDLInt, INT64_MIN, INT64_MAX},
        {1, kDLUInt, 0, 1}, {2, kDLUInt, 0, 3}, {4, kDLUInt, 0, 15}, {8, kDLUInt, 0, 255},
        {16, kDLUInt, 0, UINT16_MAX}, {32, kDLUInt, 0, UINT32_MAX}, {64, kDLUInt, 0, UINT64_MAX},
    };
    for (size_t i = 0; i < sizeof integers / sizeof *integers; i++) {
        DLDataType dtype = {integers[i].code, integers[i].bits, 1};
        uint64_t mask = integers[i].bits == 64 ? UINT64_MAX : ((uint64_t)1 << integers[i].bits) - 1;
        double low = (double)integers[i].low, end = 1, below;
        for (int bit = integers[i].code == kDLInt; bit < integers[i].bits; bit++) {
            end *= 2;
        }
        uint64_t pattern;
        memcpy(&pattern, &end, sizeof end);
        pattern--;
        memcpy(&below, &pattern, sizeof end);
        CHECK(bits_of(&TENSOR_VALUE(integers[i].low), dtype) == ((uint64_t)integers[i].low & mask));
        CHECK(bits_of(&TENSOR_VALUE(integers[i].high), dtype) == integers[i].high);
        CHECK(bits_of(&TENSOR_VALUE(low), dtype) == ((uint64_t)integers[i].low & mask));
        CHECK(bits_of(&TENSOR_VALUE(-0.0), dtype) == 0);
        CHECK(bits_of(&TENSOR_VALUE(0.75), dtype) == 0);
        if (integers[i].bits < 53) {
            CHECK(bits_of(&TENSOR_VALUE(below), dtype) == integers[i].high);
            refuse(&TENSOR_VALUE(low - 0.25), &dtype, TENSOR_ERROR_OVERFLOW, "element [] = ");
        }
        refuse(&TENSOR_VALUE(end), &dtype, TENSOR_ERROR_OVERFLOW, "is out of range for ");
        refuse(&LIST(TENSOR_VALUE(0), TENSOR_VALUE(NAN)), &dtype, TENSOR_ERROR_OVERFLOW, "element [1] = nan is");
        refuse(&LIST(TENSOR_VALUE((double)INFINITY)), &dtype, TENSOR_ERROR_OVERFLOW, "element [0] = inf is");
        if (integers[i].low > INT64_MIN) {
            refuse(&TENSOR_VALUE(integers[i].low - 1), &dtype, TENSOR_ERROR_OVERFLOW, "is out of range for ");
        }
        if (integers[i].high < UINT64_MAX) {
            refuse(&TENSOR_VALUE(integers[i].high + 1), &dtype, TENSOR_ERROR_OVERFLOW, "is out of range for ");
        }
        CHECK(bits_of(&ITEM(tensor_value_bool(false)), dtype) == 0);
    }
    refuse(&LIST(LIST(I, TENSOR_VALUE(300))), &DTYPE_I8, TENSOR_ERROR_OVERFLOW, "element [0, 1] = 300 is out of range for int8");
    refuse(&LIST(tensor_value_unsigned((uint64_t)1 << 63)), NULL, TENSOR_ERROR_OVERFLOW, "out of range for int64");
    int64_t far[4] = {0, 1, 2, 300};
    refuse(&LIST(TENSOR_VALUE_ARRAY(far)), &DTYPE_I8, TENSOR_ERROR_OVERFLOW, "element [0, 3] = 300 is out of range for int8");
    int64_t shape[2] = {2, 2}, strides[2] = {1, 2};
    DLTensor turned = describe(far, DTYPE_I64, 2, shape, strides);
    refuse(&TENSOR_VALUE(&turned), &DTYPE_U8, TENSOR_ERROR_OVERFLOW, "element [1, 1] = 300");
    far[3] = 3;
    CHECK(bits_of(&TENSOR_VALUE_ARRAY(far), DTYPE_I8) == 0x03020100);

    /* To bool, and to floats: any number, rounded once. */
    CHECK(bits_of(&TENSOR_VALUE(NAN), DTYPE_BOOL) == 1 && bits_of(&TENSOR_VALUE(0.5), DTYPE_BOOL) == 1);
    CHECK(bits_of(&ITEM(tensor_value_complex(0, 1)), DTYPE_BOOL) == 1 && bits_of(&ITEM(tensor_value_complex(0, -0.0)), DTYPE_BOOL) == 0);
    CHECK(bits_of(&ITEM(tensor_value_unsigned(UINT64_MAX)), DTYPE_BOOL) == 1);
    CHECK(bits_of(&TENSOR_VALUE(1e300), DTYPE_F32) == 0x7f800000);
    CHECK(bits_of(&TENSOR_VALUE(1.00048828125000022), DTYPE_F16) == 0x3c01);
    CHECK(bits_of(&TENSOR_VALUE(500), ((DLDataType){kDLFloat8_e4m3fn, 8, 1})) == 0x7e);
    CHECK(bits_of(&TENSOR_VALUE(((int64_t)1 << 62) + ((int64_t)1 << 38) + 1), DTYPE_F32) == 0x5e800001);
    /* No imaginary part is dropped, not even zero. */
    refuse(&ITEM(tensor_value_complex(1, 0)), &DTYPE_F32, TENSOR_ERROR_DTYPE, "complex64 cannot be converted to float32");
    refuse(&LIST(C), &DTYPE_I32, TENSOR_ERROR_DTYPE, "imaginary");

    /* Real numbers in a list of complex ones. */
    tensor_t *tensor = made(&LIST(C, I, R, B), NULL);
    const float *parts = tensor_view(tensor)->data;
    static const float expected[8] = {1, 2, 2, 0, 2.5, 0, 1, 0};
    CHECK(memcmp(parts, expected, sizeof expected) == 0);
    tensor_release(tensor);

    /* Packed integers, numbers and memory that begins inside a byte. */
    int8_t bytes[3] = {5, -6, 7};
    tensor = made(&LIST(LIST(TENSOR_VALUE(1), TENSOR_VALUE(-2.0), TENSOR_VALUE(3)), TENSOR_VALUE_ARRAY(bytes)), &DTYPE_I4);
    CHECK(memcmp(tensor_view(tensor)->data, "\xe1\x53\x7a", 3) == 0);
    tensor_options_t options = default_options();
    tensor_t *again = NULL;
    V packed = TENSOR_VALUE_LIST(TENSOR_VALUE(tensor), TENSOR_VALUE(tensor));
    CHECK_OK(tensor_from_value(&packed, NULL, &again));
    CHECK(memcmp(tensor_view(again)->data, "\xe1\x53\x7a\xe1\x53\x7a", 6) == 0);
    tensor_release(again);
    options.flags = TENSOR_FLAG_SUBBYTE_PADDED | TENSOR_FLAG_READ_ONLY;
    CHECK_OK(tensor_from_value(&packed, &options, &again));
    CHECK(tensor_nbytes(again) == 12 && tensor_is_read_only(again) && tensor_is_subbyte_padded(again));
    tensor_release(again);
    tensor_release(tensor);
    uint8_t bits[9] = {1, 1, 0, 1, 0, 1, 1, 0, 1};
    tensor = made(&LIST(TENSOR_VALUE_ARRAY(bits), TENSOR_VALUE_ARRAY(bits)), &(DLDataType){kDLUInt, 1, 1});
    CHECK(memcmp(tensor_view(tensor)->data, "\x6b\xd7\x02", 3) == 0);
    tensor_release(tensor);
}

static void shapes_that_do_not_fit_are_named(void)
{
    int8_t bytes[3] = {1, 2, 3};
    refuse(&LIST(LIST(I, I), LIST(I)), NULL, TENSOR_ERROR_SHAPE, "expected 2 items at [1], found 1");
    refuse(&LIST(LIST(LIST(I), LIST(I)), LIST(LIST(I), LIST(I, I))), NULL, TENSOR_ERROR_SHAPE, "expected 1 items at [1, 1], found 2");
    refuse(&LIST(LIST(I, I), I), NULL, TENSOR_ERROR_SHAPE, "expected a list of 2 items at [1], found a scalar");
    refuse(&LIST(I, LIST(I, I, I)), NULL, TENSOR_ERROR_SHAPE, "expected a scalar at [1], found a list of 3 items");
    refuse(&LIST(EMPTY, LIST(I)), NULL, TENSOR_ERROR_SHAPE, "expected 0 items at [1], found 1");
    refuse(&LIST(EMPTY, I), NULL, TENSOR_ERROR_SHAPE, "expected a list of 0 items at [1], found a scalar");
    refuse(&LIST(LIST(I, I), TENSOR_VALUE_ARRAY(bytes)), NULL, TENSOR_ERROR_SHAPE, "expected 2 items at [1], found 3");
    refuse(&LIST(TENSOR_VALUE_ARRAY(bytes), LIST(I, I, LIST(I))), NULL, TENSOR_ERROR_SHAPE, "expected a scalar at [1, 2], found a list of 1 items");
    refuse(&LIST(LIST(LIST(I), LIST(I), LIST(I)), TENSOR_VALUE_ARRAY(bytes)), NULL, TENSOR_ERROR_SHAPE, "expected a list of 1 items at [1, 0], found a scalar");

    /* Depth: 64 lists are a shape, 65 are not, and a list in itself is any number. */
    enum { MOST = 64 };
    V nested[MOST + 2];
    nested[0] = R;
    for (int i = 1; i <= MOST + 1; i++) {
        nested[i] = tensor_value_list(&nested[i - 1], 1);
    }
    tensor_t *deep = made(&nested[MOST], NULL);
    CHECK(deep && tensor_view(deep)->ndim == MOST && *(float *)tensor_view(deep)->data == 2.5f);
    tensor_release(deep);
    refuse(&nested[MOST + 1], NULL, TENSOR_ERROR_SHAPE, "deeper than 64");
    nested[0] = tensor_value_list(NULL, 0);
    deep = made(&nested[MOST - 1], NULL);
    CHECK(deep && tensor_view(deep)->ndim == MOST && tensor_numel(deep) == 0);
    tensor_release(deep);
    V self;
    self = tensor_value_list(&self, 1);
    refuse(&self, NULL, TENSOR_ERROR_SHAPE, "contains itself");
    V loop[3];
    loop[0] = R;
    loop[1] = tensor_value_list(loop, 3);
    loop[2] = R;
    refuse(&loop[1], NULL, TENSOR_ERROR_SHAPE, "expected a scalar at [1], found a list of 3 items");
    loop[0] = loop[2] = loop[1];
    refuse(&loop[1], NULL, TENSOR_ERROR_SHAPE, "deeper than 64");
    int64_t ones[64], wide[1] = {1};
    for (int i = 0; i < 64; i++) {
        ones[i] = 1;
    }
    DLTensor high = describe(bytes, DTYPE_I8, 64, ones, NULL), low = describe(bytes, DTYPE_I8, 1, wide, NULL);
    CHECK_KIND(TENSOR_VALUE(&low), "int8(1)");
    refuse(&LIST(TENSOR_VALUE(&high)), NULL, TENSOR_ERROR_SHAPE, "deeper than 64");

    /* Few lists, more items than there is memory for, or can be counted: refused before they are visited. */
    V twice[64][2];
    twice[0][0] = twice[0][1] = I;
    for (int i = 1; i < 64; i++) {
        twice[i][0] = twice[i][1] = tensor_value_list(twice[i - 1], 2);
    }
    refuse(&LIST(tensor_value_list(twice[62], 2)), NULL, TENSOR_ERROR_SHAPE, "past 2^63");
    V most = tensor_value_list(twice[61], 2);
    refuse(&most, &DTYPE_I8, TENSOR_ERROR_OUT_OF_MEMORY, "out of memory");
    twice[0][0] = twice[0][1] = EMPTY;
    refuse(&most, NULL, TENSOR_ERROR_SHAPE, "the value has more than 268435456 lists");
    twice[0][0] = twice[0][1] = tensor_value_run(NULL, DTYPE_I8, 0);
    refuse(&most, NULL, TENSOR_ERROR_SHAPE, "the value has more than 268435456 lists");
    most = tensor_value_list(twice[9], 2);
    CHECK_KIND(most, "int8(2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 0)");
    twice[0][0] = twice[0][1] = I;
    most = tensor_value_list(twice[51], 2);
    refuse(&most, NULL, TENSOR_ERROR_OUT_OF_MEMORY, "out of memory");
}

static void nodes_that_are_none_are_refused(void)
{
    V value;
    memset(&value, 0, sizeof value);
    refuse(NULL, NULL, TENSOR_ERROR_NULL, "value is NULL");
    CHECK_STATUS(tensor_from_value(&R, NULL, NULL), TENSOR_ERROR_NULL);
    static const int32_t kinds[] = {0, -1, 10, 1 << 30, INT32_MIN};
    for (int i = 0; i < 5; i++) {
        char text[64];
        value.kind = kinds[i];
        snprintf(text, sizeof text, "value.kind = %d", (int)kinds[i]);
        refuse(&value, NULL, TENSOR_ERROR_ARGUMENT, text);
        refuse(&LIST(R, value), NULL, TENSOR_ERROR_ARGUMENT, text);
    }
    value = tensor_value_list(NULL, 1);
    refuse(&value, NULL, TENSOR_ERROR_NULL, "value.as.list.items is NULL");
    value = tensor_value_list(&value, -1);
    refuse(&value, NULL, TENSOR_ERROR_ARGUMENT, "value.as.list.count = -1");
    value = tensor_value_list(&value, INT64_MAX);
    refuse(&value, NULL, TENSOR_ERROR_ARGUMENT, "value.as.list.count = 9223372036854775807");
    value = tensor_value_run(NULL, DTYPE_I8, 1);
    refuse(&value, NULL, TENSOR_ERROR_NULL, "data is NULL");
    value = tensor_value_run(&value, DTYPE_I8, -3);
    refuse(&value, NULL, TENSOR_ERROR_SHAPE, "-3");
    value = tensor_value_run(&value, DTYPE_F64, INT64_MAX);
    refuse(&value, NULL, TENSOR_ERROR_OVERFLOW, "9223372036854775807");
    value = tensor_value_run(&value, (DLDataType){kDLInt, 7, 1}, 1);
    refuse(&value, NULL, TENSOR_ERROR_DTYPE, "bits = 7");
    value = tensor_value_descriptor(NULL);
    refuse(&value, NULL, TENSOR_ERROR_NULL, "value.as.descriptor is NULL");
    value = tensor_value_tensor(NULL);
    refuse(&value, NULL, TENSOR_ERROR_NULL, "value.as.tensor is NULL");
}

static void options_mean_what_they_say(void)
{
    tensor_t *out = NULL;
    tensor_options_t options = default_options();
    options.alignment = 4096;
    CHECK_OK(tensor_from_value(&R, &options, &out));
    CHECK((uintptr_t)tensor_view(out)->data % 4096 == 0);
    tensor_plan_t plan = TENSOR_PLAN_INIT;
    CHECK_OK(tensor_origin(out, &plan));
    CHECK(plan.action == TENSOR_ACTION_COPY && plan.reasons == TENSOR_REASON_REQUESTED && plan.bytes_moved == 4);
    tensor_release(out);
    options = default_options();
    options.copy = TENSOR_COPY_NEVER;
    CHECK_STATUS(tensor_from_value(&R, &options, &out), TENSOR_ERROR_COPY_NEEDED);
    options.copy = TENSOR_COPY_ALWAYS;
    options.flags = TENSOR_FLAG_CONTIGUOUS;
    CHECK_OK(tensor_from_value(&R, &options, &out));
    tensor_release(out);
    options = default_options();
    options.nbytes = 8;
    CHECK_STATUS(tensor_from_value(&R, &options, &out), TENSOR_ERROR_ARGUMENT);
    CHECK_MESSAGE("nbytes has no meaning for tensor_from_value");
    options = default_options();
    DLDevice device = {kDLCUDA, 1};
    options.device = &device;
    CHECK_STATUS(tensor_from_value(&R, &options, &out), TENSOR_ERROR_DEVICE);
    CHECK_MESSAGE("cuda:1");
    device.device_type = kDLCPU;
    CHECK_OK(tensor_from_value(&R, &options, &out));
    tensor_release(out);

    options = default_options();
    options.casting = TENSOR_CASTING_SAFE;
    options.dtype = &DTYPE_I8;
    CHECK_STATUS(tensor_from_value(&I, &options, &out), TENSOR_ERROR_CASTING);
    CHECK_MESSAGE("int64");
    options.dtype = NULL;
    CHECK_OK(tensor_from_value(&LIST(I, R), &options, &out));
    tensor_release(out);
    options.casting = TENSOR_CASTING_EXACT;
    CHECK_STATUS(tensor_from_value(&LIST(R, TENSOR_VALUE(0.1)), &options, &out), TENSOR_ERROR_INEXACT);
    CHECK_MESSAGE("element [1] = 0.1 is not representable in float32");
    CHECK(out == NULL);
    double tenths[2] = {0.5, 0.1};
    options.dtype = &DTYPE_F32;
    CHECK_STATUS(tensor_from_value(&TENSOR_VALUE_ARRAY(tenths), &options, &out), TENSOR_ERROR_INEXACT);
    CHECK_MESSAGE("element [1]");
    options.dtype = &DTYPE_I8;
    CHECK_STATUS(tensor_from_value(&R, &options, &out), TENSOR_ERROR_INEXACT);
    CHECK_OK(tensor_from_value(&LIST(TENSOR_VALUE(-4.0)), &options, &out));
    tensor_release(out);
    options = default_options();
    options.overflow = TENSOR_OVERFLOW_SATURATE;
    options.dtype = &DTYPE_F16;
    CHECK_OK(tensor_from_value(&TENSOR_VALUE(1e9), &options, &out));
    CHECK(*(uint16_t *)tensor_view(out)->data == 0x7bff);
    tensor_release(out);
}

static void every_arithmetic_type_makes_a_node(void)
{
    char letter = 'a';
    signed char s = -3;
    unsigned char u = 200;
    short h = -300;
    unsigned short uh = 60000;
    long l = -5;
    unsigned long ul = ULONG_MAX;
    long long ll = LLONG_MIN;
    unsigned long long ull = ULLONG_MAX;
    float f = 1.5f;
    _Bool b = 1;
    CHECK(TENSOR_VALUE(letter).kind == TENSOR_KIND_SIGNED && TENSOR_VALUE(letter).as.integer == 'a');
    CHECK(TENSOR_VALUE(s).as.integer == -3 && TENSOR_VALUE(h).as.integer == -300 && TENSOR_VALUE(l).as.integer == -5);
    CHECK(TENSOR_VALUE(u).kind == TENSOR_KIND_UNSIGNED && TENSOR_VALUE(u).as.natural == 200);
    CHECK(TENSOR_VALUE(uh).as.natural == 60000 && TENSOR_VALUE(7u).as.natural == 7);
    CHECK(TENSOR_VALUE(ul).as.natural == ULONG_MAX && TENSOR_VALUE(ull).as.natural == UINT64_MAX);
    CHECK(TENSOR_VALUE(ll).as.integer == INT64_MIN);
    CHECK(TENSOR_VALUE(f).kind == TENSOR_KIND_REAL && TENSOR_VALUE(f).as.real == 1.5);
    CHECK(TENSOR_VALUE(b).kind == TENSOR_KIND_BOOL && TENSOR_VALUE(b).as.integer == 1);
    double parts[2] = {1, 2};
    double _Complex z;
    memcpy(&z, parts, sizeof z);
    float _Complex zf = 3.0f;
    CHECK(TENSOR_VALUE(z).kind == TENSOR_KIND_COMPLEX && TENSOR_VALUE(z).as.complex_parts[1] == 2);
    CHECK(TENSOR_VALUE(zf).as.complex_parts[0] == 3 && TENSOR_VALUE(zf).as.complex_parts[1] == 0);
    float _Complex pair[2] = {0};
    _Bool truths[2] = {0};
    unsigned short shorts[2] = {0};
    CHECK_KIND(TENSOR_VALUE_ARRAY(pair), "complex64(2)");
    CHECK_KIND(TENSOR_VALUE_ARRAY(truths), "bool(2)");
    CHECK_KIND(TENSOR_VALUE_ARRAY(shorts), "uint16(2)");
}

/** Leaves in the order of memory, whatever their kinds, through more than one block. */
static void long_lists_keep_their_order(void)
{
    enum { COUNT = 5000 };
    V *items = malloc(COUNT * sizeof *items);
    uint64_t state = 5;
    for (int i = 0; i < COUNT; i++) {
        switch (next_random(&state) % 4) {
        case 0: items[i] = tensor_value_signed(i); break;
        case 1: items[i] = tensor_value_unsigned((uint64_t)i); break;
        default: items[i] = tensor_value_real(i);
        }
    }
    V value = tensor_value_list(items, COUNT);
    tensor_t *tensor = made(&value, NULL), *small = made(&value, &DTYPE_I16);
    tensor_t *complex_one = made(&value, &(DLDataType){kDLComplex, 128, 1});
    for (int i = 0; tensor && small && complex_one && i < COUNT; i++) {
        const double *parts = tensor_view(complex_one)->data;
        CHECK(((float *)tensor_view(tensor)->data)[i] == (float)i && ((int16_t *)tensor_view(small)->data)[i] == i);
        CHECK(parts[2 * i] == i && parts[2 * i + 1] == 0);
    }
    tensor_release(tensor);
    tensor_release(small);
    tensor_release(complex_one);
    free(items);
}

int main(void)
{
    dtypes_are_inferred();
    memory_keeps_its_dtype();
    numbers_are_converted_with_a_check();
    shapes_that_do_not_fit_are_named();
    nodes_that_are_none_are_refused();
    options_mean_what_they_say();
    every_arithmetic_type_makes_a_node();
    long_lists_keep_their_order();
    return check_result();
}

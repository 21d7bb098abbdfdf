/* tensor_format: buffers of any size, options that are none, layouts, dtypes torch does not print, and huge tensors. The texts
 * that torch prints are in tests/golden. */
#include "check.h"

/** The text of a tensor. It is the same in every buffer, up to what fits. */
static const char *text_of(const tensor_t *tensor, const tensor_format_options_t *options)
{
    static char whole[1 << 16];
    char part[64];
    size_t needed = 0, again = 0;
    CHECK_OK(tensor_format(tensor, options, NULL, 0, &needed));
    CHECK_OK(tensor_format(tensor, options, whole, sizeof whole, &again));
    CHECK(needed == again && needed < sizeof whole && strlen(whole) == needed);
    for (size_t capacity = 0; capacity < sizeof part; capacity++) {
        size_t kept = capacity == 0 ? 0 : capacity - 1 < needed ? capacity - 1 : needed;
        memset(part, 0x7f, sizeof part);
        again = 0;
        CHECK_OK(tensor_format(tensor, options, part, capacity, &again));
        CHECK(again == needed && memcmp(part, whole, kept) == 0);
        CHECK(capacity == 0 || part[kept] == 0);
        for (size_t i = capacity == 0 ? 0 : kept + 1; i < sizeof part; i++) {
            CHECK(part[i] == 0x7f);
        }
    }
    CHECK_OK(tensor_format(tensor, options, whole, sizeof whole, NULL));
    return whole;
}

static void expect(const DLTensor *data, const tensor_format_options_t *options, uint32_t flags, const char *expected)
{
    tensor_t *tensor = NULL;
    tensor_options_t how = default_options();
    how.flags = flags;
    CHECK_OK(tensor_as_tensor(data, &how, &tensor));
    const char *found = text_of(tensor, options);
    CHECK(strcmp(found, expected) == 0);
    if (strcmp(found, expected) != 0) {
        fprintf(stderr, "found:\n%s\nexpected:\n%s\n", found, expected);
    }
    tensor_release(tensor);
}

static void layouts_and_dtypes(void)
{
    float numbers[6] = {1, 2, 3, 4, 5, 6.5f};
    int64_t shape[3] = {2, 3, 1}, strides[3] = {-3, 1, 7};
    DLTensor data = describe(numbers + 3, DTYPE_F32, 2, shape, strides);
    expect(&data, NULL, 0, "tensor([[4.0000, 5.0000, 6.5000],\n        [1.0000, 2.0000, 3.0000]])");
    data = describe(numbers, DTYPE_F32, 3, shape, NULL);
    expect(&data, NULL, 0, "tensor([[[1.0000],\n         [2.0000],\n         [3.0000]],\n\n        [[4.0000],\n         [5.0000],\n"
                           "         [6.5000]]])");

    /* Between two bytes that are not read: the buffer has no other. */
    char *memory = malloc(1 + sizeof numbers);
    memcpy(memory + 1, numbers, sizeof numbers);
    int64_t six[1] = {6};
    data = describe(memory + 1, DTYPE_F32, 1, six, NULL);
    expect(&data, NULL, 0, "tensor([1.0000, 2.0000, 3.0000, 4.0000, 5.0000, 6.5000])");
    free(memory);

    uint8_t bytes[4] = {0x10, 0x32, 0x54, 0xf6}, two_bits = 0x1b;
    int64_t eight[1] = {8}, four[1] = {4}, two[1] = {2};
    data = describe(bytes, DTYPE_U4, 1, eight, NULL);
    expect(&data, NULL, 0, "tensor([ 0,  1,  2,  3,  4,  5,  6, 15], dtype=uint4)");
    data = describe(bytes, DTYPE_I4, 1, eight, NULL);
    expect(&data, NULL, 0, "tensor([ 0,  1,  2,  3,  4,  5,  6, -1], dtype=int4)");
    data = describe(bytes, DTYPE_I4, 1, four, NULL);
    expect(&data, NULL, TENSOR_FLAG_SUBBYTE_PADDED, "tensor([0, 2, 4, 6], dtype=int4)");
    data = describe(&two_bits, (DLDataType){kDLUInt, 2, 1}, 1, four, NULL);
    expect(&data, NULL, 0, "tensor([3, 2, 1, 0], dtype=uint2)");
    data = describe(bytes, (DLDataType){kDLFloat4_e2m1fn, 4, 1}, 1, eight, NULL);
    expect(&data, NULL, 0, "tensor([ 0.0000,  0.5000,  1.0000,  1.5000,  2.0000,  3.0000,  4.0000, -6.0000],\n"
                           "       dtype=float4_e2m1fn)");
    /* Lanes are one more dimension. */
    data = describe(bytes, (DLDataType){kDLFloat4_e2m1fn, 4, 2}, 1, two, NULL);
    expect(&data, NULL, 0, "tensor([[0.0000, 0.5000],\n        [1.0000, 1.5000]], dtype=float4_e2m1fnx2)");
    data = describe(numbers, (DLDataType){kDLFloat, 32, 3}, 0, NULL, NULL);
    expect(&data, NULL, 0, "tensor([1., 2., 3.], dtype=float32x3)");
    data = describe(bytes, (DLDataType){kDLFloat6_e3m2fn, 6, 1}, 1, two, NULL);
    expect(&data, NULL, 0, "tensor([2.0000, 0.5000], dtype=float6_e3m2fn)");
    data = describe(bytes, (DLDataType){kDLOpaqueHandle, 16, 1}, 1, two, NULL);
    expect(&data, NULL, 0, "tensor([0x3210, 0xf654], dtype=opaque16)");
    uint8_t truths[3] = {0, 2, 255};
    int64_t three[1] = {3};
    data = describe(truths, DTYPE_BOOL, 1, three, NULL);
    expect(&data, NULL, 0, "tensor([False,  True,  True])");

    /* Where the memory is, if it is not plain memory. */
    int64_t none[2] = {0, 3};
    data = describe(numbers, DTYPE_F32, 1, two, NULL);
    data.device.device_type = kDLCUDAHost;
    expect(&data, NULL, 0, "tensor([1., 2.], device='cuda_host:0')");
    data = describe(NULL, DTYPE_F64, 2, none, NULL);
    data.device.device_type = kDLCUDA;
    data.device.device_id = 1;
    expect(&data, NULL, 0, "tensor([], device='cuda:1', size=(0, 3), dtype=float64)");

    /* The highest rank. */
    int64_t ones[64];
    char text[256] = "tensor(";
    for (int i = 0; i < 64; i++) {
        ones[i] = 1;
        strcat(text, "[");
    }
    strcat(text, "7.");
    for (int i = 0; i < 64; i++) {
        strcat(text, "]");
    }
    strcat(text, ")");
    float seven = 7;
    data = describe(&seven, DTYPE_F32, 64, ones, NULL);
    expect(&data, NULL, 0, text);
}

static void options_are_checked(void)
{
    float numbers[3] = {0.5f, 1, 2.25f};
    int64_t three[1] = {3};
    DLTensor data = describe(numbers, DTYPE_F32, 1, three, NULL);
    tensor_format_options_t options = TENSOR_FORMAT_OPTIONS_INIT;
    expect(&data, &options, 0, "tensor([0.5000, 1.0000, 2.2500])");
    options.precision = 1;
    expect(&data, &options, 0, "tensor([0.5, 1.0, 2.2])");
    options.sci_mode = TENSOR_SCI_MODE_ON;
    expect(&data, &options, 0, "tensor([5.0e-01, 1.0e+00, 2.2e+00])");
    options.threshold = 2;
    options.edge_items = 1;
    expect(&data, &options, 0, "tensor([5.0e-01,  ..., 2.2e+00])");
    options.threshold = INT64_MAX;
    options.line_width = 0;
    options.sci_mode = TENSOR_SCI_MODE_OFF;
    expect(&data, &options, 0, "tensor([0.5,\n        1.0,\n        2.2])");

    tensor_t *tensor = NULL;
    CHECK_OK(tensor_as_tensor(&data, NULL, &tensor));
    char buffer[8];
    size_t needed;
    static const struct {
        int32_t precision, edge_items, line_width, sci_mode, reserved;
        int64_t threshold;
        const char *message;
    } wrong[] = {
        {-1, 3, 80, 0, 0, 1000, "options.precision = -1"},   {1001, 3, 80, 0, 0, 1000, "options.precision = 1001"},
        {4, -2, 80, 0, 0, 1000, "options.edge_items = -2"},  {4, 3, -3, 0, 0, 1000, "options.line_width = -3"},
        {4, 3, 80, 3, 0, 1000, "options.sci_mode = 3"},      {4, 3, 80, -1, 0, 1000, "options.sci_mode = -1"},
        {4, 3, 80, 0, 9, 1000, "options.reserved = 9"},      {4, 3, 80, 0, 0, -5, "options.threshold = -5"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        tensor_format_options_t bad = TENSOR_FORMAT_OPTIONS_INIT;
        bad.precision = wrong[i].precision;
        bad.edge_items = wrong[i].edge_items;
        bad.line_width = wrong[i].line_width;
        bad.sci_mode = wrong[i].sci_mode;
        bad.reserved = wrong[i].reserved;
        bad.threshold = wrong[i].threshold;
        needed = 5;
        strcpy(buffer, "before");
        CHECK_STATUS(tensor_format(tensor, &bad, buffer, sizeof buffer, &needed), TENSOR_ERROR_ARGUMENT);
        CHECK_MESSAGE(wrong[i].message);
        CHECK(buffer[0] == 0 && needed == 0);
    }
    options.struct_size = 24;
    CHECK_STATUS(tensor_format(tensor, &options, buffer, sizeof buffer, &needed), TENSOR_ERROR_ARGUMENT);
    CHECK_MESSAGE("options.struct_size = 24");
    CHECK_STATUS(tensor_format(NULL, NULL, buffer, sizeof buffer, &needed), TENSOR_ERROR_NULL);
    CHECK_STATUS(tensor_format(tensor, NULL, NULL, 1, &needed), TENSOR_ERROR_NULL);
    CHECK_MESSAGE("buffer is NULL");
    CHECK_OK(tensor_format(tensor, NULL, NULL, 0, NULL));
    tensor_release(tensor);

    data.device.device_type = kDLCUDA;
    CHECK_OK(tensor_as_tensor(&data, NULL, &tensor));
    CHECK_STATUS(tensor_format(tensor, NULL, buffer, sizeof buffer, &needed), TENSOR_ERROR_DEVICE);
    CHECK_MESSAGE("memory on cuda:0 cannot be printed");
    tensor_release(tensor);
}

/** Huge tensors whose elements are few: only what is shown is read. */
static void huge_tensors_are_summarised_at_once(void)
{
    int16_t number = -3;
    int64_t shape[3] = {(int64_t)1 << 20, (int64_t)1 << 20, (int64_t)1 << 20}, strides[3] = {0, 0, 0};
    DLTensor data = describe(&number, DTYPE_I16, 3, shape, strides);
    tensor_format_options_t options = TENSOR_FORMAT_OPTIONS_INIT;
    options.edge_items = 1;
    expect(&data, &options, 0, "tensor([[[-3,  ..., -3],\n         ...,\n         [-3,  ..., -3]],\n\n        ...,\n\n"
                               "        [[-3,  ..., -3],\n         ...,\n         [-3,  ..., -3]]], dtype=int16)");
    options.edge_items = 0;
    expect(&data, &options, 0, "tensor([...], size=(1048576, 1048576, 1048576), dtype=int16)");
    shape[0] = (int64_t)1 << 61;
    data.ndim = 1;
    options.edge_items = 2;
    expect(&data, &options, 0, "tensor([-3, -3,  ..., -3, -3], dtype=int16)");
    /* More edges than there can be items. */
    shape[0] = 5;
    options.edge_items = INT32_MAX;
    options.threshold = 0;
    expect(&data, &options, 0, "tensor([-3, -3, -3, -3, -3], dtype=int16)");
}

/** The caller's rounding and flushing change nothing, and are left as they were. */
static void settings_of_the_processor_change_nothing(void)
{
    double numbers[3] = {5e-324, 0.00015, 2.5};
    int64_t three[1] = {3};
    DLTensor data = describe(numbers, DTYPE_F64, 1, three, NULL);
    const char *text = "tensor([4.9407e-324,  1.5000e-04,  2.5000e+00], dtype=float64)";
    expect(&data, NULL, 0, text);
#ifdef __SSE2__
    for (unsigned rounding = 0; rounding < 4; rounding++) {
        unsigned usual = __builtin_ia32_stmxcsr(), changed = (usual & ~0x6000u) | rounding << 13 | 0x8040;
        tensor_t *tensor = NULL;
        char buffer[128];
        CHECK_OK(tensor_as_tensor(&data, NULL, &tensor));
        __builtin_ia32_ldmxcsr(changed);
        unsigned in_force = __builtin_ia32_stmxcsr(); /* Tools may not know all bits. */
        tensor_status_t status = tensor_format(tensor, NULL, buffer, sizeof buffer, NULL);
        unsigned left = __builtin_ia32_stmxcsr();
        __builtin_ia32_ldmxcsr(usual);
        CHECK_OK(status);
        CHECK((left & 0xffc0) == (in_force & 0xffc0));
        CHECK(strcmp(buffer, text) == 0);
        tensor_release(tensor);
    }
#endif
}

/** Memory that its lender has taken back is neither printed nor made a value of. */
static void revoked_memory_is_not_read(void)
{
    float numbers[2] = {1, 2};
    int64_t two[1] = {2};
    DLTensor data = describe(numbers, DTYPE_F32, 1, two, NULL);
    tensor_loan_t *loan = NULL;
    tensor_t *tensor = NULL, *out = NULL;
    tensor_options_t options = default_options();
    char buffer[64];
    size_t needed = 1;
    CHECK_OK(tensor_loan_open(numbers, sizeof numbers, 0, &loan));
    options.loan = loan;
    CHECK_OK(tensor_as_tensor(&data, &options, &tensor));
    CHECK_OK(tensor_format(tensor, NULL, buffer, sizeof buffer, NULL));
    CHECK(strcmp(buffer, "tensor([1., 2.])") == 0);
    tensor_value_t value = tensor_value_tensor(tensor);
    CHECK_OK(tensor_from_value(&value, NULL, &out));
    tensor_release(out);
    CHECK_OK(tensor_loan_revoke(loan));
    CHECK_STATUS(tensor_format(tensor, NULL, buffer, sizeof buffer, &needed), TENSOR_ERROR_REVOKED);
    CHECK(buffer[0] == 0 && needed == 0);
    CHECK_STATUS(tensor_from_value(&value, NULL, &out), TENSOR_ERROR_REVOKED);
    CHECK(out == NULL);
    tensor_release(tensor);
    CHECK_OK(tensor_loan_close(loan));
}

int main(void)
{
    layouts_and_dtypes();
    options_are_checked();
    huge_tensors_are_summarised_at_once();
    settings_of_the_processor_change_nothing();
    revoked_memory_is_not_read();
    return check_result();
}

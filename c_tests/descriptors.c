/* Descriptors: every fault is refused by every function that takes one, with a message that names it. */
#include "check.h"

static int deleted;

static void count_deletion(void *ctx)
{
    (void)ctx;
    deleted++;
}

static void managed_deleter(DLManagedTensorVersioned *self)
{
    (void)self;
    deleted++;
}

static void legacy_deleter(DLManagedTensor *self)
{
    (void)self;
    deleted++;
}

/** Gives a descriptor to each entry point, which must answer `expected` and leave everything as it was. */
static void refused(const DLTensor *data, size_t nbytes, tensor_status_t expected, const char *message)
{
    tensor_options_t options = default_options();
    tensor_t *const poison = (tensor_t *)&options;
    tensor_t *out = poison;
    tensor_plan_t plan = TENSOR_PLAN_INIT;
    options.nbytes = nbytes;
    options.deleter = count_deletion;
    deleted = 0;
    CHECK_STATUS(tensor_as_tensor(data, &options, &out), expected);
    CHECK(out == NULL);
    CHECK_MESSAGE(message);
    out = poison;
    CHECK_STATUS(tensor_copy(data, &options, &out), expected);
    CHECK(out == NULL);
    CHECK_MESSAGE(message);
    CHECK_STATUS(tensor_plan(data, &options, &plan), expected);
    CHECK_MESSAGE(message);
    CHECK(plan.action == TENSOR_ACTION_ALIAS && plan.bytes_moved == 0);

    options.deleter = NULL;
    uint8_t memory[16], before[16];
    int64_t sixteen[1] = {16};
    tensor_t *destination = NULL;
    for (int i = 0; i < 16; i++) {
        memory[i] = before[i] = (uint8_t)(17 * i);
    }
    DLTensor target = describe(memory, DTYPE_U8, 1, sixteen, NULL);
    CHECK_OK(tensor_as_tensor(&target, NULL, &destination));
    CHECK_STATUS(tensor_copy_into(destination, data, &options), expected);
    CHECK(memcmp(memory, before, sizeof memory) == 0);
    tensor_release(destination);

    if (data) {
        DLManagedTensorVersioned managed, *moved = &managed;
        DLManagedTensor legacy, *legacy_moved = &legacy;
        memset(&managed, 0, sizeof managed);
        managed.version.major = 1;
        managed.deleter = managed_deleter;
        managed.dl_tensor = *data;
        out = poison;
        CHECK_STATUS(tensor_from_dlpack(&moved, &options, &out), expected);
        CHECK(out == NULL && moved == &managed);
        memset(&legacy, 0, sizeof legacy);
        legacy.deleter = legacy_deleter;
        legacy.dl_tensor = *data;
        out = poison;
        CHECK_STATUS(tensor_from_dlpack_legacy(&legacy_moved, &options, &out), expected);
        CHECK(out == NULL && legacy_moved == &legacy);
        CHECK_MESSAGE(message);
    }
    CHECK(deleted == 0);
}

int main(void)
{
    static uint8_t memory[256];
    int64_t shape[3] = {2, 3, 4}, strides[3] = {12, 4, 1};
    const DLTensor good = describe(memory, DTYPE_U8, 3, shape, strides);
    tensor_t *tensor = NULL;
    DLTensor bad;
    CHECK_OK(tensor_as_tensor(&good, NULL, &tensor));
    tensor_release(tensor);

    /* Pointers. */
    refused(NULL, 0, TENSOR_ERROR_NULL, "NULL");
    bad = good;
    bad.shape = NULL;
    refused(&bad, 0, TENSOR_ERROR_NULL, "shape");
    bad = good;
    bad.data = NULL;
    refused(&bad, 0, TENSOR_ERROR_NULL, "24 elements");
    CHECK_STATUS(tensor_as_tensor(&good, NULL, NULL), TENSOR_ERROR_NULL);
    CHECK_MESSAGE("out");
    CHECK_STATUS(tensor_copy(&good, NULL, NULL), TENSOR_ERROR_NULL);
    CHECK_STATUS(tensor_plan(&good, NULL, NULL), TENSOR_ERROR_NULL);
    CHECK_STATUS(tensor_copy_into(NULL, &good, NULL), TENSOR_ERROR_NULL);
    CHECK_STATUS(tensor_from_dlpack(NULL, NULL, &tensor), TENSOR_ERROR_NULL);
    CHECK_STATUS(tensor_from_dlpack_legacy(NULL, NULL, &tensor), TENSOR_ERROR_NULL);
    DLManagedTensorVersioned *nothing = NULL;
    CHECK_STATUS(tensor_from_dlpack(&nothing, NULL, &tensor), TENSOR_ERROR_NULL);

    /* Rank. */
    static const int32_t ranks[] = {-1, 65, INT32_MIN, INT32_MAX};
    for (int i = 0; i < 4; i++) {
        char text[32];
        bad = good;
        bad.ndim = ranks[i];
        snprintf(text, sizeof text, "ndim = %d", (int)ranks[i]);
        refused(&bad, 0, TENSOR_ERROR_SHAPE, text);
    }

    /* Sizes. */
    int64_t negative[3] = {2, -3, 4}, lowest[3] = {2, 3, INT64_MIN};
    int64_t wraps[3] = {(int64_t)1 << 32, (int64_t)1 << 32, 4}, large[3] = {INT64_MAX, 2, 1};
    int64_t zero_and_negative[3] = {0, -1, 4};
    bad = good;
    bad.shape = negative;
    refused(&bad, 0, TENSOR_ERROR_SHAPE, "shape[1] = -3");
    bad.shape = lowest;
    refused(&bad, 0, TENSOR_ERROR_SHAPE, "shape[2] = -9223372036854775808");
    bad.shape = zero_and_negative;
    refused(&bad, 0, TENSOR_ERROR_SHAPE, "shape[1] = -1");
    bad.shape = wraps;
    refused(&bad, 0, TENSOR_ERROR_SHAPE, "shape[1] = 4294967296");
    bad.shape = large;
    refused(&bad, 0, TENSOR_ERROR_SHAPE, "shape[1] = 2");

    /* Bytes, strides and addresses that overflow. */
    int64_t many[3] = {(int64_t)1 << 61, 1, 2}, no_strides[3] = {0, 0, 0};
    bad = good;
    bad.dtype = DTYPE_F64;
    bad.shape = many;
    bad.strides = no_strides;
    refused(&bad, 0, TENSOR_ERROR_OVERFLOW, "4611686018427387904 elements");
    int64_t far[3] = {12, INT64_MAX, 1}, far_down[3] = {INT64_MIN, 4, 1}, outside[3] = {(int64_t)1 << 59, 4, 1};
    bad = good;
    bad.strides = far;
    refused(&bad, 0, TENSOR_ERROR_OVERFLOW, "strides[1] = 9223372036854775807");
    bad.strides = far_down;
    refused(&bad, 0, TENSOR_ERROR_OVERFLOW, "strides[0] = -9223372036854775808");
    bad.strides = outside;
    bad.data = (void *)(UINTPTR_MAX - 100);
    refused(&bad, 0, TENSOR_ERROR_OVERFLOW, "strides[0] = 576460752303423488");
    int64_t below[3] = {-((int64_t)1 << 50), 4, 1};
    bad = good;
    bad.strides = below;
    refused(&bad, 0, TENSOR_ERROR_OVERFLOW, "strides[0]");
    bad = good;
    bad.byte_offset = UINT64_MAX;
    refused(&bad, 0, TENSOR_ERROR_OVERFLOW, "byte_offset = 18446744073709551615");
    bad = good;
    bad.data = (void *)UINTPTR_MAX;
    bad.dtype = DTYPE_F64;
    refused(&bad, 0, TENSOR_ERROR_OVERFLOW, "address");

    /* Dtypes. */
    static const DLDataType dtypes[] = {{18, 8, 1},  {255, 8, 1}, {kDLInt, 7, 1},    {kDLInt, 128, 1}, {kDLFloat, 8, 1},
                                        {kDLUInt, 8, 0}, {kDLInt, 0, 1}, {kDLBool, 1, 1}, {kDLBfloat, 32, 1},
                                        {kDLComplex, 16, 1}, {kDLFloat8_e4m3fn, 16, 1}, {kDLFloat6_e2m3fn, 8, 1},
                                        {kDLFloat4_e2m1fn, 8, 1}, {kDLOpaqueHandle, 24, 1}, {kDLFloat, 80, 1}};
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++) {
        char text[64];
        bad = good;
        bad.dtype = dtypes[i];
        snprintf(text, sizeof text, "code = %d, bits = %d, lanes = %d", dtypes[i].code, dtypes[i].bits, dtypes[i].lanes);
        refused(&bad, 0, TENSOR_ERROR_DTYPE, text);
    }

    /* Devices. */
    static const int devices[] = {0, -1, 5, 6, 19, 1000, INT32_MIN};
    for (size_t i = 0; i < sizeof devices / sizeof *devices; i++) {
        char text[64];
        int32_t type = devices[i];
        bad = good;
        memcpy(&bad.device.device_type, &type, sizeof type);
        snprintf(text, sizeof text, "device_type = %d", devices[i]);
        refused(&bad, 0, TENSOR_ERROR_DEVICE, text);
    }

    /* Memory that is told. */
    refused(&good, 23, TENSOR_ERROR_BOUNDS, "shape[2] = 4");
    refused(&good, 12, TENSOR_ERROR_BOUNDS, "shape[0] = 2");
    int64_t column[3] = {12, 4, 1}, back[3] = {12, -4, 1};
    bad = good;
    bad.strides = column;
    bad.byte_offset = 1;
    refused(&bad, 24, TENSOR_ERROR_BOUNDS, "shape[2] = 4");
    bad.strides = back;
    bad.byte_offset = 0;
    bad.data = memory + 64;
    refused(&bad, 128, TENSOR_ERROR_BOUNDS, "strides[1] = -4");
    bad.byte_offset = 128;
    refused(&bad, 128, TENSOR_ERROR_BOUNDS, "byte_offset = 128");

    /* What looks dangerous and is not. */
    tensor_options_t options = default_options();
    options.nbytes = 24;
    CHECK_OK(tensor_as_tensor(&good, &options, &tensor));
    tensor_release(tensor);
    int64_t one[3] = {1, 1, 1}, wild[3] = {INT64_MAX, INT64_MIN, 77}, empty[3] = {3, 0, 4};
    bad = good;
    bad.shape = one;
    bad.strides = wild;
    CHECK_OK(tensor_as_tensor(&bad, NULL, &tensor));
    CHECK(tensor_view(tensor)->strides[0] == INT64_MAX && tensor_view(tensor)->strides[1] == INT64_MIN);
    CHECK(tensor_is_contiguous(tensor));
    tensor_release(tensor);
    bad.shape = empty;
    CHECK_OK(tensor_as_tensor(&bad, NULL, &tensor));
    CHECK(tensor_view(tensor)->strides[0] == INT64_MAX);
    tensor_release(tensor);

    /* A huge view of one element: its copy would be too large, and nothing is written. */
    int64_t huge[3] = {(int64_t)1 << 30, (int64_t)1 << 20, 64};
    bad = good;
    bad.shape = huge;
    bad.strides = no_strides;
    CHECK_OK(tensor_as_tensor(&bad, NULL, &tensor));
    CHECK(tensor_numel(tensor) == (int64_t)1 << 56);
    tensor_release(tensor);
    CHECK_STATUS(tensor_copy(&bad, NULL, &tensor), TENSOR_ERROR_OUT_OF_MEMORY);
    CHECK(tensor == NULL);
    CHECK_MESSAGE("72057594037927936 bytes");
    return check_result();
}

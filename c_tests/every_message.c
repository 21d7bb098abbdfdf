/* Faults, entry point by entry point: the same sentence wherever a descriptor comes in, and nothing changed after it. */
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

/** Expects field, index and value in each message, and untouched outputs. */
static void refused(const DLTensor *data, size_t nbytes, tensor_status_t expected, const char *message)
{
    tensor_options_t options = default_options();
    tensor_t *const poison = (tensor_t *)&options;
    tensor_t *out = poison, *destination = NULL;
    tensor_plan_t plan = TENSOR_PLAN_INIT;
    uint8_t memory[16], before[16];
    int64_t sixteen[1] = {16};
    options.nbytes = nbytes;
    deleted = 0;
    memset(memory, 0x5a, sizeof memory);
    memcpy(before, memory, sizeof memory);
    DLTensor target = describe(memory, DTYPE_U8, 1, sixteen, NULL), kept;
    memset(&kept, 0, sizeof kept);
    if (data) {
        memcpy(&kept, data, sizeof kept);
    }
    CHECK_OK(tensor_as_tensor(&target, NULL, &destination));
    static const int32_t copies[] = {TENSOR_COPY_IF_NEEDED, TENSOR_COPY_NEVER, TENSOR_COPY_ALWAYS};
    for (int i = 0; i < 3; i++) {
        options.copy = copies[i];
        options.deleter = count_deletion;
        out = poison;
        CHECK_STATUS(tensor_as_tensor(data, &options, &out), expected);
        CHECK(out == NULL);
        CHECK_MESSAGE(message);
        CHECK_STATUS(tensor_plan(data, &options, &plan), expected);
        CHECK_MESSAGE(message);
    }
    options.copy = TENSOR_COPY_IF_NEEDED;
    options.deleter = NULL;
    /* A message of another kind in between, so that an old one cannot pass for the new. */
    CHECK_STATUS(tensor_set_num_threads(-7), TENSOR_ERROR_ARGUMENT);
    CHECK_STATUS(tensor_copy_into(destination, data, &options), expected);
    CHECK_MESSAGE(message);
    CHECK(memcmp(memory, before, sizeof memory) == 0);
    if (data) {
        DLManagedTensorVersioned managed, managed_before, *moved = &managed;
        DLManagedTensor legacy, legacy_before, *legacy_moved = &legacy;
        memset(&managed, 0, sizeof managed);
        memset(&legacy, 0, sizeof legacy);
        managed.version.major = 1;
        managed.deleter = managed_deleter;
        managed.dl_tensor = *data;
        legacy.deleter = legacy_deleter;
        legacy.dl_tensor = *data;
        memcpy(&managed_before, &managed, sizeof managed);
        memcpy(&legacy_before, &legacy, sizeof legacy);
        CHECK_STATUS(tensor_set_num_threads(-7), TENSOR_ERROR_ARGUMENT);
        out = poison;
        CHECK_STATUS(tensor_from_dlpack(&moved, &options, &out), expected);
        CHECK(out == NULL && moved == &managed && memcmp(&managed, &managed_before, sizeof managed) == 0);
        CHECK_MESSAGE(message);
        CHECK_STATUS(tensor_set_num_threads(-7), TENSOR_ERROR_ARGUMENT);
        out = poison;
        CHECK_STATUS(tensor_from_dlpack_legacy(&legacy_moved, &options, &out), expected);
        CHECK(out == NULL && legacy_moved == &legacy && memcmp(&legacy, &legacy_before, sizeof legacy) == 0);
        CHECK_MESSAGE(message);
        CHECK(memcmp(&kept, data, sizeof kept) == 0);
    }
    CHECK(deleted == 0);
    CHECK(tensor_use_count(destination) == 1);
    tensor_release(destination);
}

int main(void)
{
    static uint8_t memory[4096];
    int64_t shape[3] = {2, 3, 4}, strides[3] = {12, 4, 1};
    const DLTensor good = describe(memory + 2048, DTYPE_U8, 3, shape, strides);
    DLTensor bad;

    /* Each dimension in turn, so that the index in the message is the right one. */
    for (int d = 0; d < 3; d++) {
        char text[80];
        int64_t sizes[3] = {2, 3, 4}, steps[3] = {12, 4, 1};
        static const int64_t negatives[] = {-1, INT64_MIN, -4096};
        for (int i = 0; i < 3; i++) {
            bad = good;
            bad.shape = sizes;
            sizes[d] = negatives[i];
            snprintf(text, sizeof text, "shape[%d] = %lld", d, (long long)negatives[i]);
            refused(&bad, 0, TENSOR_ERROR_SHAPE, text);
            bad.strides = NULL;
            refused(&bad, 0, TENSOR_ERROR_SHAPE, text);
            bad.strides = strides;
        }
        static const int64_t far[] = {INT64_MAX, INT64_MIN, INT64_MIN + 1, INT64_MAX - 1};
        for (int i = 0; i < 4; i++) {
            bad = good;
            bad.strides = steps;
            steps[d] = far[i];
            snprintf(text, sizeof text, "strides[%d] = %lld", d, (long long)far[i]);
            refused(&bad, 0, TENSOR_ERROR_OVERFLOW, text);
        }
        /* Past the end and before the start of what may be touched. */
        steps[d] = d == 0 ? 100 : d == 1 ? 100 : 100;
        bad = good;
        bad.strides = steps;
        snprintf(text, sizeof text, "[%d] = ", d);
        refused(&bad, 64, TENSOR_ERROR_BOUNDS, text);
        steps[d] = -100;
        refused(&bad, 64, TENSOR_ERROR_BOUNDS, text);
    }

    /* Products that wrap to exactly 0 and to small numbers, in 64 and in 128 bits. */
    int64_t zero64[3] = {(int64_t)1 << 32, (int64_t)1 << 32, 1}, small64[3] = {(int64_t)1 << 62, 4, 7};
    int64_t zero128[4] = {(int64_t)1 << 32, (int64_t)1 << 32, (int64_t)1 << 32, (int64_t)1 << 32};
    int64_t still[4] = {0, 0, 0, 0};
    bad = good;
    bad.shape = zero64;
    bad.strides = still;
    refused(&bad, 0, TENSOR_ERROR_SHAPE, "shape[1] = 4294967296");
    refused(&bad, 64, TENSOR_ERROR_SHAPE, "shape[1] = 4294967296");
    bad.shape = small64;
    refused(&bad, 0, TENSOR_ERROR_SHAPE, "shape[1] = 4");
    bad.ndim = 4;
    bad.shape = zero128;
    refused(&bad, 0, TENSOR_ERROR_SHAPE, "shape[1] = 4294967296");

    /* Offsets, with and without memory that is told. */
    static const uint64_t offsets[] = {UINT64_MAX, UINT64_MAX - 23, (uint64_t)1 << 63};
    for (int i = 0; i < 3; i++) {
        char text[64];
        bad = good;
        bad.byte_offset = offsets[i];
        snprintf(text, sizeof text, "%llu", (unsigned long long)offsets[i]);
        if (i < 2) {
            refused(&bad, 0, TENSOR_ERROR_OVERFLOW, text);
        }
        tensor_t *tensor = NULL;
        tensor_options_t options = default_options();
        options.nbytes = 4096;
        tensor_status_t status = tensor_as_tensor(&bad, &options, &tensor);
        CHECK(status == TENSOR_ERROR_OVERFLOW || status == TENSOR_ERROR_BOUNDS);
    }

    /* Strided far enough to leave the address space at either end, with sizes that only meet there. */
    int64_t up[3] = {2, 2, 2}, quarter[3] = {(int64_t)1 << 61, (int64_t)1 << 61, (int64_t)1 << 61};
    bad = good;
    bad.shape = up;
    bad.strides = quarter;
    bad.dtype = DTYPE_F64;
    refused(&bad, 0, TENSOR_ERROR_OVERFLOW, "strides[");
    int64_t down[3] = {-((int64_t)1 << 58), -((int64_t)1 << 58), -((int64_t)1 << 58)};
    bad.strides = down;
    refused(&bad, 0, TENSOR_ERROR_OVERFLOW, "strides[");

    /* Every 16-bit dtype that is none, and that its name is not one either. */
    int known = 0;
    for (int code = 0; code < 256; code++) {
        for (int bits = 0; bits < 256; bits++) {
            tensor_t *tensor = (tensor_t *)&bad;
            DLDataType dtype = {(uint8_t)code, (uint8_t)bits, 1}, back;
            char name[32];
            bad = good;
            bad.dtype = dtype;
            tensor_status_t status = tensor_as_tensor(&bad, NULL, &tensor);
            tensor_status_t named = tensor_dtype_name(&dtype, name, sizeof name, NULL);
            CHECK(status == TENSOR_OK || status == TENSOR_ERROR_DTYPE);
            CHECK(named == status);
            if (status == TENSOR_OK) {
                known++;
                CHECK_OK(tensor_dtype_from_name(name, &back));
                CHECK(memcmp(&back, &dtype, sizeof back) == 0);
                tensor_release(tensor);
            } else {
                CHECK(tensor == NULL);
            }
        }
    }
    CHECK(known == 33 + 5);
    return check_result();
}

/* Options: each one works, and each wrong value is refused by name. */
#include "check.h"

static float numbers[6] = {0, 1, 2, 3, 4, 5};
static int64_t shape[2] = {2, 3}, transposed[2] = {1, 2};

static void nothing(void *ctx)
{
    (void)ctx;
}

static void refused(tensor_options_t options, tensor_status_t expected, const char *message)
{
    DLTensor data = describe(numbers, DTYPE_F32, 2, shape, NULL);
    tensor_t *out = (tensor_t *)&options, *base = NULL;
    tensor_plan_t plan = TENSOR_PLAN_INIT;
    CHECK_STATUS(tensor_as_tensor(&data, &options, &out), expected);
    CHECK(out == NULL);
    CHECK_MESSAGE(message);
    CHECK_STATUS(tensor_copy(&data, &options, &out), expected);
    CHECK_STATUS(tensor_plan(&data, &options, &plan), expected);
    CHECK_OK(tensor_as_tensor(&data, NULL, &base));
    CHECK_STATUS(tensor_to(base, &options, &out), expected);
    CHECK(out == NULL);
    CHECK_MESSAGE(message);
    tensor_release(base);
}

static void wrong_values_are_named(void)
{
    tensor_options_t options = default_options();
    options.struct_size = 0;
    refused(options, TENSOR_ERROR_ARGUMENT, "struct_size = 0");
    options.struct_size = sizeof options + 8;
    refused(options, TENSOR_ERROR_ARGUMENT, "struct_size");
    options = default_options();
    options.flags = 0x10;
    refused(options, TENSOR_ERROR_ARGUMENT, "0x10");
    options.flags = 0x80000001u;
    refused(options, TENSOR_ERROR_ARGUMENT, "0x80000000");
    options = default_options();
    options.copy = 3;
    refused(options, TENSOR_ERROR_ARGUMENT, "copy = 3");
    options.copy = -1;
    refused(options, TENSOR_ERROR_ARGUMENT, "copy = -1");
    options = default_options();
    options.casting = 5;
    refused(options, TENSOR_ERROR_ARGUMENT, "casting = 5");
    options = default_options();
    options.overflow = 3;
    refused(options, TENSOR_ERROR_ARGUMENT, "overflow = 3");
    options = default_options();
    options.reserved = 1;
    refused(options, TENSOR_ERROR_ARGUMENT, "reserved = 1");
    options = default_options();
    options.alignment = 24;
    refused(options, TENSOR_ERROR_ARGUMENT, "alignment = 24");
    options.alignment = SIZE_MAX;
    refused(options, TENSOR_ERROR_ARGUMENT, "alignment");
    options = default_options();
    options.flags = TENSOR_FLAG_REQUIRES_GRAD;
    options.dtype = &(DLDataType){kDLInt, 32, 1};
    refused(options, TENSOR_ERROR_DTYPE, "int32 cannot require grad");
    DLDataType dtype = {kDLFloat, 33, 1};
    options = default_options();
    options.dtype = &dtype;
    refused(options, TENSOR_ERROR_DTYPE, "bits = 33");
    DLDevice device;
    int32_t type = 99;
    memset(&device, 0, sizeof device);
    memcpy(&device.device_type, &type, sizeof type);
    options = default_options();
    options.device = &device;
    refused(options, TENSOR_ERROR_DEVICE, "device_type = 99");
    device.device_type = kDLCUDA;
    refused(options, TENSOR_ERROR_DEVICE, "cuda:0");
}

static void options_without_meaning_are_refused(void)
{
    DLTensor data = describe(numbers, DTYPE_F32, 2, shape, NULL);
    DLDataType dtype = DTYPE_F32;
    tensor_t *base = NULL, *out = NULL;
    CHECK_OK(tensor_as_tensor(&data, NULL, &base));
    tensor_options_t options = default_options();
    options.deleter = nothing;
    CHECK_STATUS(tensor_to(base, &options, &out), TENSOR_ERROR_ARGUMENT);
    CHECK_MESSAGE("deleter");
    CHECK_STATUS(tensor_copy_into(base, &data, &options), TENSOR_ERROR_ARGUMENT);
    options = default_options();
    options.nbytes = 24;
    CHECK_STATUS(tensor_to(base, &options, &out), TENSOR_ERROR_ARGUMENT);
    CHECK_MESSAGE("nbytes");
    CHECK_OK(tensor_copy_into(base, &data, &options));
    CHECK_STATUS(tensor_assign(base, base, &options), TENSOR_ERROR_ARGUMENT);
    options = default_options();
    options.dtype = &dtype;
    CHECK_STATUS(tensor_copy_into(base, &data, &options), TENSOR_ERROR_ARGUMENT);
    CHECK_MESSAGE("dtype");
    options = default_options();
    options.flags = TENSOR_FLAG_CONTIGUOUS;
    CHECK_STATUS(tensor_assign(base, base, &options), TENSOR_ERROR_ARGUMENT);
    CHECK_MESSAGE("CONTIGUOUS");
    options = default_options();
    options.copy = TENSOR_COPY_ALWAYS;
    CHECK_STATUS(tensor_assign(base, base, &options), TENSOR_ERROR_ARGUMENT);
    /* What is no loan is found out; where none has a meaning, it is not even looked at. */
    options = default_options();
    options.loan = (tensor_loan_t *)&options;
    CHECK_STATUS(tensor_as_tensor(&data, &options, &out), TENSOR_ERROR_CLOSED);
    CHECK_STATUS(tensor_copy_into(base, &data, &options), TENSOR_ERROR_CLOSED);
    CHECK_STATUS(tensor_to(base, &options, &out), TENSOR_ERROR_ARGUMENT);
    CHECK_MESSAGE("loan");
    CHECK_STATUS(tensor_assign(base, base, &options), TENSOR_ERROR_ARGUMENT);
    tensor_release(base);
}

static void each_option_does_what_it_says(void)
{
    DLTensor data = describe(numbers, DTYPE_F32, 2, shape, transposed);
    tensor_options_t options = default_options();
    tensor_t *tensor = NULL;
    options.flags = TENSOR_FLAG_CONTIGUOUS;
    CHECK_OK(tensor_as_tensor(&data, &options, &tensor));
    CHECK(tensor_is_contiguous(tensor) && tensor_view(tensor)->data != numbers);
    CHECK(((float *)tensor_view(tensor)->data)[1] == 2);
    tensor_release(tensor);

    options = default_options();
    options.copy = TENSOR_COPY_ALWAYS;
    CHECK_OK(tensor_as_tensor(&data, &options, &tensor));
    CHECK(tensor_view(tensor)->data != numbers);
    tensor_release(tensor);

    for (size_t alignment = 1; alignment <= 1 << 16; alignment *= 2) {
        options = default_options();
        options.alignment = alignment;
        CHECK_OK(tensor_as_tensor(&data, &options, &tensor));
        CHECK((uintptr_t)tensor_view(tensor)->data % alignment == 0);
        CHECK((tensor_view(tensor)->data == numbers) == ((uintptr_t)numbers % alignment == 0));
        tensor_release(tensor);
    }

    static const int32_t castings[] = {TENSOR_CASTING_SAME_KIND, TENSOR_CASTING_SAFE, TENSOR_CASTING_EQUIV};
    for (int i = 0; i < 3; i++) {
        DLDataType dtype = DTYPE_I32;
        options = default_options();
        options.dtype = &dtype;
        options.casting = castings[i];
        CHECK_STATUS(tensor_as_tensor(&data, &options, &tensor), TENSOR_ERROR_CASTING);
        CHECK_MESSAGE("float32");
        CHECK_MESSAGE("int32");
        dtype = DTYPE_F32;
        CHECK_OK(tensor_as_tensor(&data, &options, &tensor));
        CHECK(tensor_view(tensor)->data == numbers);
        tensor_release(tensor);
    }

    DLDevice cpu = {kDLCPU, 0};
    options = default_options();
    options.device = &cpu;
    options.copy = TENSOR_COPY_NEVER;
    CHECK_OK(tensor_as_tensor(&data, &options, &tensor));
    tensor_release(tensor);

    /* Complex to real loses something, so same-kind refuses it. */
    DLTensor complex = describe(numbers, (DLDataType){kDLComplex, 64, 1}, 1, shape, NULL);
    DLDataType real = DTYPE_F32;
    options = default_options();
    options.dtype = &real;
    CHECK_OK(tensor_as_tensor(&complex, &options, &tensor));
    CHECK(((float *)tensor_view(tensor)->data)[1] == 2);
    tensor_release(tensor);
    options.casting = TENSOR_CASTING_SAME_KIND;
    CHECK_STATUS(tensor_as_tensor(&complex, &options, &tensor), TENSOR_ERROR_CASTING);
    options.casting = TENSOR_CASTING_EXACT;
    CHECK_STATUS(tensor_as_tensor(&complex, &options, &tensor), TENSOR_ERROR_INEXACT);

    /* Lanes are converted when there are as many, and refused otherwise. */
    int64_t three[1] = {3};
    DLDataType pair = {kDLFloat, 64, 2}, single = DTYPE_F64;
    DLTensor lanes = describe(numbers, (DLDataType){kDLFloat, 32, 2}, 1, three, NULL);
    options = default_options();
    options.dtype = &pair;
    CHECK_OK(tensor_as_tensor(&lanes, &options, &tensor));
    CHECK(tensor_nbytes(tensor) == 48 && ((double *)tensor_view(tensor)->data)[5] == 5);
    tensor_release(tensor);
    options.dtype = &single;
    CHECK_STATUS(tensor_as_tensor(&lanes, &options, &tensor), TENSOR_ERROR_DTYPE);
    CHECK_MESSAGE("lanes");

    /* Opaque handles are copied, never converted. */
    DLTensor opaque = describe(numbers, (DLDataType){kDLOpaqueHandle, 64, 1}, 1, three, NULL);
    CHECK_OK(tensor_copy(&opaque, NULL, &tensor));
    CHECK(memcmp(tensor_view(tensor)->data, numbers, 24) == 0);
    tensor_release(tensor);
    CHECK_STATUS(tensor_copy(&opaque, &options, &tensor), TENSOR_ERROR_DTYPE);
    CHECK_MESSAGE("opaque");
}

static void empty_tensors_are_made(void)
{
    DLDataType dtype = DTYPE_F32;
    DLDevice cuda = {kDLCUDA, 0};
    tensor_t *tensor = NULL;
    CHECK_OK(tensor_empty(&dtype, NULL, 2, shape, &tensor));
    CHECK(tensor_numel(tensor) == 6 && tensor_is_contiguous(tensor));
    memset(tensor_view(tensor)->data, 1, 24);
    tensor_release(tensor);
    CHECK_STATUS(tensor_empty(&dtype, &cuda, 2, shape, &tensor), TENSOR_ERROR_DEVICE);
    CHECK_STATUS(tensor_empty(NULL, NULL, 2, shape, &tensor), TENSOR_ERROR_NULL);
    CHECK_STATUS(tensor_empty(&dtype, NULL, 2, NULL, &tensor), TENSOR_ERROR_NULL);
    CHECK_STATUS(tensor_empty(&dtype, NULL, -1, shape, &tensor), TENSOR_ERROR_SHAPE);
    CHECK_STATUS(tensor_empty(&dtype, NULL, 65, shape, &tensor), TENSOR_ERROR_SHAPE);
    CHECK(tensor == NULL);
    CHECK_OK(tensor_empty(&dtype, NULL, 0, NULL, &tensor));
    CHECK(tensor_numel(tensor) == 1);
    tensor_release(tensor);
}

int main(void)
{
    wrong_values_are_named();
    options_without_meaning_are_refused();
    each_option_does_what_it_says();
    empty_tensors_are_made();
    CHECK_STATUS(tensor_set_num_threads(-1), TENSOR_ERROR_ARGUMENT);
    CHECK_OK(tensor_set_num_threads(3));
    CHECK(tensor_num_threads() == 3);
    CHECK_OK(tensor_set_num_threads(0));
    CHECK(tensor_num_threads() >= 1);
    CHECK(tensor_abi_version() == TENSOR_ABI_VERSION);
    CHECK(strchr(tensor_version(), '.') != NULL);
    CHECK(strcmp(tensor_status_name(TENSOR_ERROR_SHAPE), "TENSOR_ERROR_SHAPE") == 0);
    CHECK(strcmp(tensor_status_name(-5), "TENSOR_ERROR_UNKNOWN") == 0);
    return check_result();
}

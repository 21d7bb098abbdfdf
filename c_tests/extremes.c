/* Extremes: sizes whose products pass 128 bits, empty tensors of every kind, messages of the longest descriptors. */
#include "check.h"

static uint8_t memory[256];

static void products_beyond_128_bits(void)
{
    int64_t shape[64], strides[64];
    tensor_t *tensor = NULL;
    tensor_plan_t plan = TENSOR_PLAN_INIT;
    for (int zero = -1; zero < 64; zero++) {
        for (int given = 0; given < 2; given++) {
            for (int d = 0; d < 64; d++) {
                shape[d] = INT64_MAX;
                strides[d] = d % 2 ? INT64_MAX : INT64_MIN;
            }
            if (zero >= 0) {
                shape[zero] = 0;
            }
            DLTensor data = describe(memory, (DLDataType){kDLComplex, 128, 65535}, 64, shape, given ? strides : NULL);
            if (zero < 0) {
                CHECK_STATUS(tensor_as_tensor(&data, NULL, &tensor), TENSOR_ERROR_SHAPE);
                CHECK_STATUS(tensor_copy(&data, NULL, &tensor), TENSOR_ERROR_SHAPE);
                CHECK_STATUS(tensor_plan(&data, NULL, &plan), TENSOR_ERROR_SHAPE);
                CHECK(strlen(tensor_last_error()) > 0 && strlen(tensor_last_error()) < 4096);
                continue;
            }
            CHECK_OK(tensor_plan(&data, NULL, &plan));
            tensor_t *copy = NULL, *view = NULL;
            tensor_options_t options = default_options();
            DLManagedTensorVersioned *export = NULL;
            bool shared = true;
            CHECK_OK(tensor_as_tensor(&data, NULL, &tensor));
            CHECK(tensor_numel(tensor) == 0 && tensor_nbytes(tensor) == 0 && tensor_is_contiguous(tensor));
            CHECK_OK(tensor_copy(&data, NULL, &copy));
            CHECK_OK(tensor_assign(copy, tensor, NULL));
            CHECK_OK(tensor_assign(tensor, copy, NULL));
            CHECK_OK(tensor_shares_memory(tensor, tensor, &shared));
            CHECK(!shared);
            for (int d = -64; d < 64; d += 7) {
                CHECK_OK(tensor_transpose(tensor, d, 3, &view));
                tensor_release(view);
                CHECK_OK(tensor_slice(tensor, d, INT64_MAX, INT64_MIN, -1, &view));
                tensor_release(view);
                int32_t dims[1] = {d};
                CHECK_OK(tensor_flip(tensor, 1, dims, &view));
                tensor_release(view);
            }
            int64_t none[1] = {0}, lost[2] = {-1, 0}, inferred[2] = {-1, 5};
            CHECK_OK(tensor_reshape(tensor, 1, none, TENSOR_COPY_IF_NEEDED, &view));
            tensor_release(view);
            CHECK_OK(tensor_reshape(tensor, 2, inferred, TENSOR_COPY_NEVER, &view));
            CHECK(tensor_view(view)->shape[0] == 0);
            tensor_release(view);
            CHECK_STATUS(tensor_reshape(tensor, 2, lost, TENSOR_COPY_NEVER, &view), TENSOR_ERROR_SHAPE);
            options.flags = TENSOR_FLAG_CONTIGUOUS;
            CHECK_OK(tensor_to(tensor, &options, &view));
            tensor_release(view);
            CHECK_OK(tensor_to_dlpack(tensor, NULL, &export));
            CHECK(export->dl_tensor.strides != NULL);
            export->deleter(export);
            tensor_release(copy);
            tensor_release(tensor);
        }
    }
}

static void nothing_at_null(void)
{
    int64_t shape[3] = {4, 0, 3}, flat[1] = {0}, wide[4] = {2, 4, 0, 3};
    static const DLDataType dtypes[] = {{kDLFloat, 32, 1}, {kDLInt, 4, 1}, {kDLBool, 8, 1}, {kDLFloat6_e2m3fn, 6, 1},
                                        {kDLOpaqueHandle, 64, 1}};
    for (int i = 0; i < 5; i++) {
        DLTensor data = describe(NULL, dtypes[i], 3, shape, NULL);
        tensor_t *tensor = NULL, *view = NULL, *copy = NULL;
        DLManagedTensorVersioned *export = NULL;
        tensor_options_t options = default_options();
        CHECK_OK(tensor_as_tensor(&data, NULL, &tensor));
        CHECK_OK(tensor_select(tensor, 0, 3, &view));
        tensor_release(view);
        CHECK_STATUS(tensor_select(tensor, 1, 0, &view), TENSOR_ERROR_INDEX);
        CHECK_OK(tensor_slice(tensor, 0, 1, 3, 1, &view));
        tensor_release(view);
        CHECK_OK(tensor_reshape(tensor, 1, flat, TENSOR_COPY_NEVER, &view));
        tensor_release(view);
        CHECK_OK(tensor_expand(tensor, 4, wide, &view));
        tensor_release(view);
        CHECK_OK(tensor_as_strided(tensor, 1, flat, flat, 0, &view));
        tensor_release(view);
        options.alignment = 64;
        CHECK_OK(tensor_to(tensor, &options, &view));
        CHECK_OK(tensor_copy(&data, &options, &copy));
        CHECK_OK(tensor_assign(copy, view, NULL));
        CHECK_OK(tensor_copy_into(tensor, &data, NULL));
        CHECK_OK(tensor_to_dlpack(tensor, NULL, &export));
        tensor_t *back = NULL;
        CHECK_OK(tensor_from_dlpack(&export, NULL, &back));
        tensor_release(back);
        tensor_release(view);
        tensor_release(copy);
        tensor_release(tensor);
    }
}

static void far_requests_fail_cleanly(int tiny)
{
    int64_t one[1] = {1}, huge[2] = {(int64_t)1 << 40, (int64_t)1 << 40}, negative[1] = {-1}, large[1] = {INT64_MAX};
    DLTensor data = describe(memory, DTYPE_U8, 1, one, NULL);
    DLDataType u8 = DTYPE_U8, f64 = DTYPE_F64, bit = {kDLUInt, 1, 1};
    tensor_options_t options = default_options();
    tensor_t *tensor = NULL, *view = NULL;
    tensor_status_t status;
    for (int shift = 20; shift < (tiny ? 22 : 64); shift++) {
        options = default_options();
        options.alignment = (size_t)1 << shift;
        options.copy = TENSOR_COPY_ALWAYS;
        status = tensor_copy(&data, &options, &tensor);
        CHECK(status == TENSOR_OK || status == TENSOR_ERROR_OUT_OF_MEMORY || status == TENSOR_ERROR_OVERFLOW ||
              status == TENSOR_ERROR_ARGUMENT);
        CHECK((status == TENSOR_OK) == (tensor != NULL));
        CHECK(!tensor || (uintptr_t)tensor_view(tensor)->data % options.alignment == 0);
        tensor_release(tensor);
    }
    options = default_options();
    options.nbytes = SIZE_MAX;
    status = tensor_as_tensor(&data, &options, &tensor);
    CHECK(status == TENSOR_OK || status == TENSOR_ERROR_OVERFLOW);
    tensor_release(tensor);

    CHECK_STATUS(tensor_empty(&u8, NULL, 2, huge, &tensor), TENSOR_ERROR_SHAPE);
    CHECK_STATUS(tensor_empty(&u8, NULL, 1, negative, &tensor), TENSOR_ERROR_SHAPE);
    CHECK_STATUS(tensor_empty(&u8, NULL, -1, one, &tensor), TENSOR_ERROR_SHAPE);
    CHECK_STATUS(tensor_empty(&u8, NULL, 65, one, &tensor), TENSOR_ERROR_SHAPE);
    CHECK_STATUS(tensor_empty(&f64, NULL, 1, large, &tensor), TENSOR_ERROR_OVERFLOW);
    CHECK_STATUS(tensor_empty(&u8, NULL, 1, NULL, &tensor), TENSOR_ERROR_NULL);
    CHECK_STATUS(tensor_empty(NULL, NULL, 1, one, &tensor), TENSOR_ERROR_NULL);
    CHECK_STATUS(tensor_empty(&u8, NULL, 1, one, NULL), TENSOR_ERROR_NULL);
    status = tensor_empty(&bit, NULL, 1, large, &tensor);
    CHECK(status == TENSOR_ERROR_OUT_OF_MEMORY || status == TENSOR_ERROR_OVERFLOW);
    CHECK(tensor == NULL);

    CHECK_OK(tensor_as_tensor(&data, NULL, &tensor));
    CHECK_STATUS(tensor_expand(tensor, 2, huge, &view), TENSOR_ERROR_SHAPE);
    CHECK_OK(tensor_expand(tensor, 1, large, &view));
    tensor_t *deep = NULL;
    int64_t zeros[2] = {0, INT64_MAX};
    CHECK_STATUS(tensor_reshape(view, 1, large, TENSOR_COPY_ALWAYS, &deep), TENSOR_ERROR_OUT_OF_MEMORY);
    CHECK_OK(tensor_expand(view, 2, zeros, &deep));
    CHECK(tensor_numel(deep) == 0);
    tensor_release(deep);
    CHECK_STATUS(tensor_view_dtype(view, &f64, &deep), TENSOR_ERROR_SHAPE);
    CHECK_STATUS(tensor_copy_into(view, &data, NULL), TENSOR_ERROR_OVERLAP);
    bool shared = false;
    CHECK_OK(tensor_shares_memory(view, tensor, &shared));
    CHECK(shared);
    tensor_release(view);
    tensor_release(tensor);

    /* As many elements are a number, but their bytes are not. */
    DLDataType narrow = data.dtype;
    data.dtype = f64;
    CHECK_OK(tensor_as_tensor(&data, NULL, &tensor));
    CHECK_STATUS(tensor_expand(tensor, 1, large, &view), TENSOR_ERROR_OVERFLOW);
    CHECK(view == NULL);
    tensor_release(tensor);
    data.dtype = narrow;
}

/** A view of device memory whose first element moves below the descriptor's own pointer. */
static void device_offsets_go_both_ways(void)
{
    int64_t shape[2] = {4, 4}, strides[2] = {-8, 2}, four[1] = {4}, one[1] = {1};
    static const int devices[] = {kDLCUDA, kDLROCM, kDLOpenCL, kDLVulkan, kDLMetal};
    for (int i = 0; i < 5; i++) {
        tensor_t *tensor = NULL, *view = NULL;
        int32_t dims[2] = {0, 1}, type = devices[i];
        DLTensor data = describe((void *)(uintptr_t)0x100000, DTYPE_I32, 2, shape, strides);
        data.byte_offset = 96;
        memcpy(&data.device.device_type, &type, sizeof type);
        CHECK_OK(tensor_as_tensor(&data, NULL, &tensor));
        CHECK_OK(tensor_flip(tensor, 2, dims, &view));
        CHECK((uintptr_t)tensor_view(view)->data + tensor_view(view)->byte_offset == 0x100000 + 96 - 96 + 24);
        CHECK(tensor_view(view)->strides[0] == 8 && tensor_view(view)->strides[1] == -2);
        tensor_t *again = NULL;
        CHECK_OK(tensor_flip(view, 2, dims, &again));
        CHECK(tensor_view(again)->data == data.data && tensor_view(again)->byte_offset == 96);
        tensor_release(again);
        CHECK_OK(tensor_as_strided(tensor, 1, four, one, -24, &again));
        CHECK((uintptr_t)tensor_view(again)->data + tensor_view(again)->byte_offset == 0x100000);
        tensor_release(again);
        CHECK_STATUS(tensor_as_strided(tensor, 1, four, one, -25, &again), TENSOR_ERROR_BOUNDS);
        tensor_release(view);
        tensor_release(tensor);
    }
}

int main(int argc, char **argv)
{
    products_beyond_128_bits();
    nothing_at_null();
    /* Tools that replace malloc() end the program at alignments that they do not offer. */
    far_requests_fail_cleanly(argc > 1 && strcmp(argv[1], "tiny") == 0);
    device_offsets_go_both_ways();
    return check_result();
}

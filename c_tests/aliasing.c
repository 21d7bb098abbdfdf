/* Aliasing: the tensor's bytes are the caller's bytes, whatever the layout, and writes are seen on both sides. */
#include "check.h"

/** Address of the element at `index`, by the formula of DLPack. */
static uint8_t *element(const DLTensor *view, const int64_t *index)
{
    uint8_t *data = (uint8_t *)view->data + view->byte_offset;
    for (int32_t i = 0; i < view->ndim; i++) {
        data += index[i] * view->strides[i] * (view->dtype.bits / 8);
    }
    return data;
}

static void same_address_and_write_through(void)
{
    int64_t numbers[3] = {1, 2, 3}, shape[1] = {3};
    DLTensor data = describe(numbers, DTYPE_I64, 1, shape, NULL);
    tensor_t *tensor = NULL;
    CHECK_OK(tensor_as_tensor(&data, NULL, &tensor));
    const DLTensor *view = tensor_view(tensor);
    CHECK(view->data == numbers);
    CHECK(view->byte_offset == 0);
    CHECK(view->ndim == 1 && view->shape[0] == 3 && view->strides[0] == 1);
    CHECK(view->shape != shape);
    CHECK(view->device.device_type == kDLCPU && view->device.device_id == 0);
    CHECK(view->dtype.code == kDLInt && view->dtype.bits == 64 && view->dtype.lanes == 1);
    numbers[0] = -1;
    CHECK(((int64_t *)view->data)[0] == -1);
    ((int64_t *)view->data)[2] = 33;
    CHECK(numbers[2] == 33);
    tensor_release(tensor);
    CHECK(numbers[2] == 33);
}

static void descriptor_may_die(void)
{
    float numbers[6] = {0, 1, 2, 3, 4, 5};
    tensor_t *tensor = NULL;
    {
        int64_t shape[2] = {2, 3}, strides[2] = {3, 1};
        DLTensor data = describe(numbers, DTYPE_F32, 2, shape, strides);
        CHECK_OK(tensor_as_tensor(&data, NULL, &tensor));
        shape[0] = strides[0] = -99;
        data.ndim = 77;
    }
    const DLTensor *view = tensor_view(tensor);
    CHECK(view->ndim == 2 && view->shape[0] == 2 && view->shape[1] == 3);
    CHECK(view->strides[0] == 3 && view->strides[1] == 1);
    tensor_release(tensor);
}

static void every_kind_of_stride(void)
{
    static const int64_t strides[][2] = {{4, 1}, {1, 4}, {-4, 1}, {4, -1}, {-4, -1}, {0, 1}, {4, 0}, {0, 0},
                                         {1, 1}, {2, 1}, {8, 2},  {-1, 3}};
    int32_t numbers[64];
    for (int i = 0; i < 64; i++) {
        numbers[i] = i;
    }
    for (size_t i = 0; i < sizeof strides / sizeof *strides; i++) {
        int64_t shape[2] = {3, 4}, copied[2] = {strides[i][0], strides[i][1]};
        DLTensor data = describe(&numbers[30], DTYPE_I32, 2, shape, copied);
        tensor_t *tensor = NULL;
        CHECK_OK(tensor_as_tensor(&data, NULL, &tensor));
        const DLTensor *view = tensor_view(tensor);
        for (int64_t row = 0; row < 3; row++) {
            for (int64_t column = 0; column < 4; column++) {
                int64_t index[2] = {row, column};
                CHECK(element(view, index) == (uint8_t *)&numbers[30 + row * strides[i][0] + column * strides[i][1]]);
            }
        }
        tensor_release(tensor);
    }
}

static void any_alignment_and_offset(void)
{
    uint8_t bytes[64];
    for (uint64_t offset = 0; offset < 8; offset++) {
        int64_t shape[1] = {5}, strides[1] = {1};
        DLTensor data = describe(bytes + 1, DTYPE_F64, 1, shape, strides);
        data.byte_offset = offset;
        tensor_t *tensor = NULL, *copy = NULL;
        for (int i = 0; i < 5; i++) {
            double value = i + 0.5;
            memcpy(bytes + 1 + offset + 8 * i, &value, sizeof value);
        }
        CHECK_OK(tensor_as_tensor(&data, NULL, &tensor));
        CHECK(tensor_view(tensor)->data == bytes + 1 + offset);
        CHECK(tensor_view(tensor)->byte_offset == 0);
        CHECK_OK(tensor_copy(&data, NULL, &copy));
        CHECK(((double *)tensor_view(copy)->data)[4] == 4.5);
        CHECK((uintptr_t)tensor_view(copy)->data % 64 == 0);
        tensor_release(copy);
        tensor_release(tensor);
    }
}

static void scalars_and_empty_tensors(void)
{
    double number = 2.5;
    DLTensor scalar = describe(&number, DTYPE_F64, 0, NULL, NULL);
    tensor_t *tensor = NULL;
    CHECK_OK(tensor_as_tensor(&scalar, NULL, &tensor));
    CHECK(tensor_numel(tensor) == 1 && tensor_nbytes(tensor) == 8 && tensor_is_contiguous(tensor));
    CHECK(tensor_view(tensor)->data == &number);
    tensor_release(tensor);

    int64_t shapes[][3] = {{0, 5, 5}, {5, 0, 5}, {0, (int64_t)1 << 40, (int64_t)1 << 40}};
    for (int i = 0; i < 3; i++) {
        DLTensor empty = describe(NULL, DTYPE_F32, 3, shapes[i], NULL);
        tensor_t *copy = NULL;
        CHECK_OK(tensor_as_tensor(&empty, NULL, &tensor));
        CHECK(tensor_numel(tensor) == 0 && tensor_nbytes(tensor) == 0 && tensor_is_contiguous(tensor));
        CHECK_OK(tensor_copy(&empty, NULL, &copy));
        CHECK(tensor_numel(copy) == 0);
        tensor_release(copy);
        tensor_release(tensor);
    }
}

static void ranks_up_to_the_highest(void)
{
    int64_t shape[TENSOR_MAX_NDIM], strides[TENSOR_MAX_NDIM];
    uint8_t bytes[16];
    for (int ndim = 0; ndim <= TENSOR_MAX_NDIM; ndim++) {
        tensor_t *tensor = NULL, *copy = NULL;
        for (int i = 0; i < ndim; i++) {
            shape[i] = i < 2 ? 3 : 1;
            strides[i] = i == 0 ? 4 : 1;
        }
        for (int i = 0; i < 16; i++) {
            bytes[i] = (uint8_t)i;
        }
        DLTensor data = describe(bytes, DTYPE_U8, ndim, shape, strides);
        CHECK_OK(tensor_as_tensor(&data, NULL, &tensor));
        CHECK(tensor_view(tensor)->ndim == ndim && tensor_view(tensor)->data == bytes);
        CHECK_OK(tensor_copy(&data, NULL, &copy));
        if (ndim >= 2) {
            CHECK(((uint8_t *)tensor_view(copy)->data)[5] == 4 + 2);
            CHECK(tensor_view(copy)->strides[0] == 3);
        }
        tensor_release(copy);
        tensor_release(tensor);
    }
}

static void views_of_views(void)
{
    int32_t numbers[24];
    int64_t shape[3] = {2, 3, 4};
    int32_t order[3] = {2, 0, 1};
    for (int i = 0; i < 24; i++) {
        numbers[i] = i;
    }
    DLTensor data = describe(numbers, DTYPE_I32, 3, shape, NULL);
    tensor_t *base, *second, *turned, *slice, *last;
    CHECK_OK(tensor_as_tensor(&data, NULL, &base));
    CHECK_OK(tensor_select(base, 0, 1, &second));
    CHECK_OK(tensor_unsqueeze(second, 0, &turned));
    tensor_release(base);
    CHECK_OK(tensor_permute(turned, 3, order, &slice));
    CHECK_OK(tensor_slice(slice, 0, INT64_MAX, INT64_MIN, -2, &last));
    tensor_release(second);
    tensor_release(turned);
    tensor_release(slice);
    /* last[i][0][j] is numbers[12 + 4 * j + (3 - 2 * i)] */
    const DLTensor *view = tensor_view(last);
    CHECK(view->ndim == 3 && view->shape[0] == 2 && view->shape[1] == 1 && view->shape[2] == 3);
    for (int64_t i = 0; i < 2; i++) {
        for (int64_t j = 0; j < 3; j++) {
            int64_t index[3] = {i, 0, j};
            int32_t *place = (int32_t *)(void *)element(view, index);
            CHECK(place == &numbers[12 + 4 * j + 3 - 2 * i]);
            *place = -7;
            CHECK(numbers[12 + 4 * j + 3 - 2 * i] == -7);
        }
    }
    tensor_release(last);
}

static void copies_are_independent(void)
{
    float numbers[2] = {1, 2};
    int64_t shape[1] = {2};
    DLTensor data = describe(numbers, DTYPE_F32, 1, shape, NULL);
    tensor_t *copy = NULL;
    CHECK_OK(tensor_copy(&data, NULL, &copy));
    CHECK(tensor_view(copy)->data != numbers);
    numbers[0] = 9;
    CHECK(((float *)tensor_view(copy)->data)[0] == 1);
    ((float *)tensor_view(copy)->data)[1] = 8;
    CHECK(numbers[1] == 2);
    tensor_release(copy);
}

int main(void)
{
    same_address_and_write_through();
    descriptor_may_die();
    every_kind_of_stride();
    any_alignment_and_offset();
    scalars_and_empty_tensors();
    ranks_up_to_the_highest();
    views_of_views();
    copies_are_independent();
    return check_result();
}

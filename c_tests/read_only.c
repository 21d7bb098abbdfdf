/* Read-only: it cannot be lost on the way through views and exports, and nothing is written through it. */
#include "check.h"

static float numbers[6] = {0, 1, 2, 3, 4, 5};
static int64_t shape[2] = {2, 3};

static tensor_t *sealed(void)
{
    DLTensor data = describe(numbers, DTYPE_F32, 2, shape, NULL);
    tensor_options_t options = default_options();
    tensor_t *tensor = NULL;
    options.flags = TENSOR_FLAG_READ_ONLY;
    CHECK_OK(tensor_as_tensor(&data, &options, &tensor));
    CHECK(tensor_is_read_only(tensor));
    return tensor;
}

static void every_view_is_read_only(void)
{
    tensor_t *tensor = sealed(), *views[12] = {NULL};
    int32_t order[2] = {1, 0}, first[1] = {0};
    int64_t flat[1] = {6}, wide[3] = {2, 2, 3}, strides[1] = {1};
    DLDataType bytes = DTYPE_U8;
    CHECK_OK(tensor_select(tensor, 0, 0, &views[0]));
    CHECK_OK(tensor_slice(tensor, 0, 0, 1, 1, &views[1]));
    CHECK_OK(tensor_permute(tensor, 2, order, &views[2]));
    CHECK_OK(tensor_transpose(tensor, 0, 1, &views[3]));
    CHECK_OK(tensor_reshape(tensor, 1, flat, TENSOR_COPY_NEVER, &views[4]));
    CHECK_OK(tensor_expand(tensor, 3, wide, &views[5]));
    CHECK_OK(tensor_squeeze(tensor, 0, &views[6]));
    CHECK_OK(tensor_unsqueeze(tensor, 0, &views[7]));
    CHECK_OK(tensor_flip(tensor, 1, first, &views[8]));
    CHECK_OK(tensor_as_strided(tensor, 1, flat, strides, 0, &views[9]));
    CHECK_OK(tensor_view_dtype(tensor, &bytes, &views[10]));
    CHECK_OK(tensor_to(tensor, NULL, &views[11]));
    DLTensor source = describe(numbers, DTYPE_F32, 0, NULL, NULL);
    for (int i = 0; i < 12; i++) {
        CHECK(tensor_is_read_only(views[i]));
        CHECK_STATUS(tensor_copy_into(views[i], &source, NULL), TENSOR_ERROR_READ_ONLY);
        CHECK_STATUS(tensor_assign(views[i], views[i], NULL), TENSOR_ERROR_READ_ONLY);
        tensor_release(views[i]);
    }
    CHECK(numbers[0] == 0 && numbers[5] == 5);
    tensor_release(tensor);
}

static void copies_are_writable_unless_asked(void)
{
    tensor_t *tensor = sealed(), *copy = NULL;
    tensor_options_t options = default_options();
    options.copy = TENSOR_COPY_ALWAYS;
    CHECK_OK(tensor_to(tensor, &options, &copy));
    CHECK(!tensor_is_read_only(copy));
    tensor_release(copy);
    options.flags = TENSOR_FLAG_READ_ONLY;
    CHECK_OK(tensor_to(tensor, &options, &copy));
    CHECK(tensor_is_read_only(copy));
    tensor_release(copy);
    tensor_release(tensor);
}

static void the_lender_may_still_write(void)
{
    tensor_t *tensor = sealed();
    numbers[1] = 10;
    CHECK(((const float *)tensor_view(tensor)->data)[1] == 10);
    numbers[1] = 1;
    tensor_release(tensor);
}

int main(void)
{
    every_view_is_read_only();
    copies_are_writable_unless_asked();
    the_lender_may_still_write();
    return check_result();
}

/* Lifetimes: borrow, adopt, own. Deleters run exactly once, after the last alias, and may call the library. */
#include "check.h"

static int deleted;
static void *deleted_ctx;

static void count_deletion(void *ctx)
{
    deleted++;
    deleted_ctx = ctx;
}

static tensor_t *adopt(void *memory, int64_t *shape, int32_t ndim)
{
    DLTensor data = describe(memory, DTYPE_F32, ndim, shape, NULL);
    tensor_options_t options = default_options();
    tensor_t *tensor = NULL;
    options.deleter = count_deletion;
    options.deleter_ctx = memory;
    deleted = 0;
    CHECK_OK(tensor_as_tensor(&data, &options, &tensor));
    return tensor;
}

static void deleter_runs_once_after_the_last_alias(void)
{
    float memory[6] = {0};
    int64_t shape[2] = {2, 3};
    /* Handles: the tensor, a second reference, a view, a view of the view, an export. Released in every order. */
    int order[5] = {0, 1, 2, 3, 4}, orders = 0;
    for (;;) {
        tensor_t *tensor = adopt(memory, shape, 2), *view = NULL, *deeper = NULL;
        DLManagedTensorVersioned *export = NULL;
        CHECK_OK(tensor_retain(tensor));
        CHECK_OK(tensor_select(tensor, 0, 1, &view));
        CHECK_OK(tensor_slice(view, 0, 1, 3, 1, &deeper));
        CHECK_OK(tensor_to_dlpack(tensor, NULL, &export));
        CHECK(tensor_use_count(tensor) == 5);
        CHECK(tensor_use_count(view) == 4);
        for (int i = 0; i < 5; i++) {
            CHECK(deleted == 0);
            switch (order[i]) {
            case 0:
            case 1:
                tensor_release(tensor);
                break;
            case 2:
                tensor_release(view);
                break;
            case 3:
                tensor_release(deeper);
                break;
            default:
                export->deleter(export);
            }
        }
        CHECK(deleted == 1);
        CHECK(deleted_ctx == memory);
        orders++;
        /* The next permutation. */
        int i = 3;
        while (i >= 0 && order[i] > order[i + 1]) {
            i--;
        }
        if (i < 0) {
            break;
        }
        int j = 4;
        while (order[j] < order[i]) {
            j--;
        }
        int swap = order[i];
        order[i] = order[j];
        order[j] = swap;
        for (int a = i + 1, b = 4; a < b; a++, b--) {
            swap = order[a];
            order[a] = order[b];
            order[b] = swap;
        }
    }
    CHECK(orders == 120);
}

static void deleter_runs_at_once_after_a_copy(void)
{
    float memory[3] = {1, 2, 3};
    int64_t shape[1] = {3};
    DLTensor data = describe(memory, DTYPE_F32, 1, shape, NULL);
    DLDataType dtype = DTYPE_F64;
    tensor_options_t options = default_options();
    tensor_t *tensor = NULL;
    options.deleter = count_deletion;
    deleted = 0;
    CHECK_OK(tensor_copy(&data, &options, &tensor));
    CHECK(deleted == 1);
    tensor_release(tensor);
    CHECK(deleted == 1);
    options.dtype = &dtype;
    CHECK_OK(tensor_as_tensor(&data, &options, &tensor));
    CHECK(deleted == 2);
    tensor_release(tensor);
    CHECK(deleted == 2);
}

static void deleter_never_runs_on_error(void)
{
    float memory[3] = {1, 2, 3};
    int64_t shape[1] = {-3}, good[1] = {3};
    DLTensor data = describe(memory, DTYPE_F32, 1, shape, NULL);
    tensor_options_t options = default_options();
    tensor_t *tensor = NULL;
    tensor_plan_t plan = TENSOR_PLAN_INIT;
    options.deleter = count_deletion;
    deleted = 0;
    CHECK_STATUS(tensor_as_tensor(&data, &options, &tensor), TENSOR_ERROR_SHAPE);
    CHECK_STATUS(tensor_copy(&data, &options, &tensor), TENSOR_ERROR_SHAPE);
    data.shape = good;
    options.copy = TENSOR_COPY_NEVER;
    CHECK_STATUS(tensor_copy(&data, &options, &tensor), TENSOR_ERROR_COPY_NEEDED);
    options.flags = 1u << 31;
    CHECK_STATUS(tensor_as_tensor(&data, &options, &tensor), TENSOR_ERROR_ARGUMENT);
    options.flags = 0;
    CHECK_OK(tensor_plan(&data, &options, &plan));
    CHECK(deleted == 0);
}

static tensor_t *other_tensor;

static void reenter(void *ctx)
{
    float value = 5;
    int64_t shape[1] = {1};
    DLTensor data = describe(&value, DTYPE_F32, 1, shape, NULL);
    tensor_t *copy = NULL, *bad = NULL;
    count_deletion(ctx);
    CHECK_OK(tensor_copy(&data, NULL, &copy));
    tensor_release(copy);
    /* Errors inside are reported inside, and releasing another tensor runs another deleter. */
    shape[0] = -1;
    CHECK_STATUS(tensor_copy(&data, NULL, &bad), TENSOR_ERROR_SHAPE);
    if (other_tensor) {
        tensor_t *other = other_tensor;
        other_tensor = NULL;
        tensor_release(other);
    }
}

static void deleter_may_call_the_library(void)
{
    float memory[2] = {1, 2};
    int64_t shape[1] = {2};
    DLTensor data = describe(memory, DTYPE_F32, 1, shape, NULL);
    tensor_options_t options = default_options();
    tensor_t *tensor = NULL, *copy = NULL;
    options.deleter = reenter;
    deleted = 0;
    CHECK_OK(tensor_as_tensor(&data, &options, &other_tensor));
    CHECK_OK(tensor_as_tensor(&data, &options, &tensor));
    tensor_release(tensor);
    CHECK(deleted == 2);
    CHECK_OK(tensor_copy(&data, &options, &copy));
    CHECK(deleted == 3);
    tensor_release(copy);
}

static void null_is_nothing_to_release(void)
{
    CHECK_OK(tensor_retain(NULL));
    tensor_release(NULL);
    CHECK(tensor_use_count(NULL) == 0);
    CHECK(tensor_view(NULL) == NULL);
}

static void a_copy_owns_its_memory(void)
{
    int64_t shape[1] = {3};
    float *memory = malloc(3 * sizeof *memory);
    if (!memory) {
        abort();
    }
    memory[0] = memory[1] = memory[2] = 4;
    DLTensor data = describe(memory, DTYPE_F32, 1, shape, NULL);
    tensor_t *copy = NULL, *view = NULL;
    CHECK_OK(tensor_copy(&data, NULL, &copy));
    free(memory);
    CHECK_OK(tensor_select(copy, 0, 2, &view));
    tensor_release(copy);
    CHECK(*(float *)tensor_view(view)->data == 4);
    tensor_release(view);
}

static void a_conversion_of_a_view_is_independent(void)
{
    float memory[6] = {0, 1, 2, 3, 4, 5};
    int64_t shape[2] = {2, 3};
    DLDataType dtype = DTYPE_I64;
    tensor_options_t options = default_options();
    tensor_t *tensor = adopt(memory, shape, 2), *turned = NULL, *converted = NULL, *same = NULL;
    options.dtype = &dtype;
    CHECK_OK(tensor_transpose(tensor, 0, 1, &turned));
    CHECK_OK(tensor_to(turned, &options, &converted));
    CHECK_OK(tensor_to(turned, NULL, &same));
    CHECK(tensor_view(same)->data == memory);
    tensor_release(tensor);
    tensor_release(turned);
    CHECK(deleted == 0);
    tensor_release(same);
    CHECK(deleted == 1);
    CHECK(((int64_t *)tensor_view(converted)->data)[1] == 3);
    tensor_release(converted);
}

int main(void)
{
    deleter_runs_once_after_the_last_alias();
    deleter_runs_at_once_after_a_copy();
    deleter_never_runs_on_error();
    deleter_may_call_the_library();
    null_is_nothing_to_release();
    a_copy_owns_its_memory();
    a_conversion_of_a_view_is_independent();
    return check_result();
}

/*
 * Gradients: what requires grad and what does not, what backward adds to leaves, and every error that has to do with it.
 * Values are those that torch gives.
 */
#include "check.h"

#define DTYPE_BF16 ((DLDataType){kDLBfloat, 16, 1})
#define DTYPE_C64 ((DLDataType){kDLComplex, 64, 1})
#define DTYPE_C128 ((DLDataType){kDLComplex, 128, 1})

static int tiny;

/** A tensor of its own memory with these values, converted to a dtype; a leaf if asked for. */
static tensor_t *make(DLDataType dtype, int requires_grad, int32_t ndim, int64_t *shape, const double *values)
{
    DLTensor data = describe((void *)(uintptr_t)values, DTYPE_F64, ndim, shape, NULL);
    tensor_options_t options = default_options();
    tensor_t *tensor = NULL;
    options.dtype = &dtype;
    options.flags = requires_grad ? TENSOR_FLAG_REQUIRES_GRAD : 0;
    CHECK_OK(tensor_copy(&data, &options, &tensor));
    return tensor;
}

static tensor_t *to_dtype(tensor_t *tensor, DLDataType dtype)
{
    tensor_options_t options = default_options();
    tensor_t *result = NULL;
    options.dtype = &dtype;
    CHECK_OK(tensor_to(tensor, &options, &result));
    return result;
}

/** The elements as float64; complex ones as pairs. Returns how many doubles. */
static int64_t read_values(tensor_t *tensor, double *values, int64_t room)
{
    DLDataType wide = tensor_view(tensor)->dtype.code == kDLComplex ? DTYPE_C128 : DTYPE_F64;
    int64_t parts = wide.code == kDLComplex ? 2 : 1, numel = tensor_numel(tensor);
    tensor_t *detached = NULL, *copy = NULL;
    tensor_options_t options = default_options();
    options.dtype = &wide;
    options.flags = TENSOR_FLAG_CONTIGUOUS;
    CHECK_OK(tensor_detach(tensor, &detached));
    CHECK_OK(tensor_to(detached, &options, &copy));
    CHECK(numel * parts <= room);
    if (numel > 0) {
        memcpy(values, tensor_view(copy)->data, (size_t)(numel * parts) * sizeof *values);
    }
    tensor_release(copy);
    tensor_release(detached);
    return numel * parts;
}

/** The gradient of a leaf has these values; with none it has no gradient. */
static void check_grad(int line, tensor_t *leaf, int64_t count, const double *expected)
{
    tensor_t *grad = NULL;
    double values[64];
    CHECK_OK(tensor_grad(leaf, &grad));
    if (expected == NULL) {
        CHECK(grad == NULL);
        return;
    }
    CHECK(grad != NULL);
    if (grad == NULL) {
        fprintf(stderr, "line %d: no gradient\n", line);
        return;
    }
    CHECK(memcmp(&tensor_view(grad)->dtype, &tensor_view(leaf)->dtype, sizeof(DLDataType)) == 0);
    CHECK(read_values(grad, values, 64) == count);
    for (int64_t i = 0; i < count; i++) {
        if (values[i] != expected[i]) {
            fprintf(stderr, "line %d: gradient [%d] is %g, not %g\n", line, (int)i, values[i], expected[i]);
            CHECK(!"gradient");
        }
    }
    tensor_release(grad);
}

#define CHECK_GRAD(leaf, count, ...) check_grad(__LINE__, leaf, count, (const double[]){__VA_ARGS__})
#define CHECK_NO_GRAD(leaf) check_grad(__LINE__, leaf, 0, NULL)

static void backward_with(tensor_t *tensor, DLDataType dtype, int32_t ndim, int64_t *shape, const double *values)
{
    tensor_t *gradient = make(dtype, 0, ndim, shape, values);
    CHECK_OK(tensor_backward(tensor, gradient, 0));
    tensor_release(gradient);
}

static void check_text(tensor_t *tensor, const char *expected)
{
    char text[256];
    CHECK_OK(tensor_format(tensor, NULL, text, sizeof text, NULL));
    CHECK(strcmp(text, expected) == 0);
    if (strcmp(text, expected) != 0) {
        fprintf(stderr, "%s\nis not\n%s\n", text, expected);
    }
}

static const double count_up[24] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24};

static void test_leaves(void)
{
    int64_t shape[2] = {2, 3};
    float memory[6] = {1, 2, 3, 4, 5, 6};
    DLTensor data = describe(memory, DTYPE_F32, 2, shape, NULL);
    tensor_options_t options = default_options();
    tensor_t *leaf = NULL, *plain = NULL, *none = NULL;
    options.flags = TENSOR_FLAG_REQUIRES_GRAD;
    CHECK_OK(tensor_as_tensor(&data, &options, &leaf));
    CHECK(tensor_view(leaf)->data == memory);
    CHECK(tensor_requires_grad(leaf) && tensor_is_leaf(leaf));
    CHECK_NO_GRAD(leaf);
    check_text(leaf, "tensor([[1., 2., 3.],\n        [4., 5., 6.]], requires_grad=True)");
    backward_with(leaf, DTYPE_F32, 2, shape, count_up);
    CHECK_GRAD(leaf, 6, 1, 2, 3, 4, 5, 6);
    backward_with(leaf, DTYPE_F32, 2, shape, count_up);
    CHECK_GRAD(leaf, 6, 2, 4, 6, 8, 10, 12);
    CHECK_OK(tensor_zero_grad(leaf));
    CHECK_GRAD(leaf, 6, 0, 0, 0, 0, 0, 0);
    CHECK_OK(tensor_set_requires_grad(leaf, false));
    CHECK(!tensor_requires_grad(leaf));

    CHECK_OK(tensor_as_tensor(&data, NULL, &plain));
    CHECK(!tensor_requires_grad(plain) && tensor_is_leaf(plain));
    CHECK_STATUS(tensor_backward(plain, NULL, 0), TENSOR_ERROR_GRADIENT);
    CHECK_MESSAGE("does not require grad");
    CHECK_STATUS(tensor_set_grad_buffer(plain, plain), TENSOR_ERROR_GRADIENT);
    CHECK_OK(tensor_zero_grad(plain));
    CHECK_OK(tensor_set_requires_grad(plain, true));
    CHECK(tensor_requires_grad(plain) && tensor_is_leaf(plain));
    CHECK_STATUS(tensor_backward(plain, NULL, 0), TENSOR_ERROR_GRADIENT);
    CHECK_MESSAGE("the tensor has 6 of float32");
    CHECK_STATUS(tensor_backward(plain, NULL, 2), TENSOR_ERROR_ARGUMENT);

    /* Integers have no gradients, and a refused tensor takes nothing over. */
    data.dtype = DTYPE_I32;
    CHECK_STATUS(tensor_as_tensor(&data, &options, &none), TENSOR_ERROR_DTYPE);
    CHECK_MESSAGE("int32 cannot require grad");
    CHECK(none == NULL);
    tensor_release(plain);
    CHECK_OK(tensor_as_tensor(&data, NULL, &plain));
    CHECK_STATUS(tensor_set_requires_grad(plain, true), TENSOR_ERROR_DTYPE);
    CHECK_OK(tensor_set_requires_grad(plain, false));
    tensor_release(plain);
    tensor_release(leaf);

    CHECK(!tensor_requires_grad(NULL) && !tensor_is_leaf(NULL) && tensor_version_counter(NULL) == 0);
    CHECK_STATUS(tensor_set_requires_grad(NULL, true), TENSOR_ERROR_NULL);
    CHECK_STATUS(tensor_detach(NULL, &none), TENSOR_ERROR_NULL);
    CHECK_STATUS(tensor_grad(NULL, &none), TENSOR_ERROR_NULL);
    CHECK_STATUS(tensor_zero_grad(NULL), TENSOR_ERROR_NULL);
    CHECK_STATUS(tensor_set_grad_buffer(NULL, NULL), TENSOR_ERROR_NULL);
    CHECK_STATUS(tensor_backward(NULL, NULL, 0), TENSOR_ERROR_NULL);
    CHECK_STATUS(tensor_mark_dirty(NULL), TENSOR_ERROR_NULL);
    CHECK_STATUS(tensor_grad_save(NULL, NULL, 0), TENSOR_ERROR_NULL);
}

static void test_views(void)
{
    int64_t shape[2] = {2, 3}, three[1] = {3}, two[1] = {2}, six[1] = {6}, square[2] = {3, 3}, four[2] = {2, 2};
    int64_t wide[3] = {2, 2, 3}, turned[2] = {3, 2}, overlapping[2] = {1, 1};
    int32_t dims[2] = {1, 0}, zero[1] = {0};
    tensor_t *leaf = make(DTYPE_F64, 1, 2, shape, count_up), *view = NULL, *second = NULL;

    CHECK_OK(tensor_select(leaf, 0, 1, &view));
    CHECK(tensor_requires_grad(view) && !tensor_is_leaf(view));
    check_text(view, "tensor([4., 5., 6.], dtype=float64, grad_fn=<SelectBackward0>)");
    CHECK_STATUS(tensor_set_requires_grad(view, false), TENSOR_ERROR_GRADIENT);
    CHECK_OK(tensor_set_requires_grad(view, true));
    backward_with(view, DTYPE_F64, 1, three, count_up);
    CHECK_GRAD(leaf, 6, 0, 0, 0, 1, 2, 3);
    CHECK_NO_GRAD(view);
    tensor_release(view);
    CHECK_OK(tensor_set_grad_buffer(leaf, NULL));

    CHECK_OK(tensor_slice(leaf, 1, 2, INT64_MIN, -2, &view));
    backward_with(view, DTYPE_F64, 2, four, count_up);
    CHECK_GRAD(leaf, 6, 2, 0, 1, 4, 0, 3);
    tensor_release(view);
    CHECK_OK(tensor_set_grad_buffer(leaf, NULL));

    CHECK_OK(tensor_permute(leaf, 2, dims, &view));
    CHECK_OK(tensor_flip(view, 1, zero, &second));
    backward_with(second, DTYPE_F64, 2, turned, count_up);
    CHECK_GRAD(leaf, 6, 5, 3, 1, 6, 4, 2);
    tensor_release(second);
    CHECK_OK(tensor_set_grad_buffer(leaf, NULL));

    /* A reshape that copies. */
    CHECK_OK(tensor_reshape(view, 1, six, TENSOR_COPY_IF_NEEDED, &second));
    check_text(second, "tensor([1., 4., 2., 5., 3., 6.], dtype=float64,\n       grad_fn=<UnsafeViewBackward0>)");
    backward_with(second, DTYPE_F64, 1, six, count_up);
    CHECK_GRAD(leaf, 6, 1, 3, 5, 2, 4, 6);
    tensor_release(second);
    tensor_release(view);
    CHECK_OK(tensor_set_grad_buffer(leaf, NULL));

    CHECK_OK(tensor_expand(leaf, 3, wide, &view));
    backward_with(view, DTYPE_F64, 3, wide, count_up);
    CHECK_GRAD(leaf, 6, 8, 10, 12, 14, 16, 18);
    tensor_release(view);
    CHECK_OK(tensor_set_grad_buffer(leaf, NULL));

    CHECK_OK(tensor_as_strided(leaf, 2, square, overlapping, 1, &view));
    backward_with(view, DTYPE_F64, 2, square, count_up);
    CHECK_GRAD(leaf, 6, 0, 1, 6, 15, 14, 9);
    tensor_release(view);
    CHECK_OK(tensor_set_grad_buffer(leaf, NULL));

    /* Of a view that is not row-major, in memory that another one reaches. */
    CHECK_OK(tensor_select(leaf, 1, 1, &view));
    CHECK_OK(tensor_as_strided(view, 1, three, (int64_t[]){1}, 0, &second));
    backward_with(second, DTYPE_F64, 1, three, count_up);
    CHECK_GRAD(leaf, 6, 0, 1, 0, 0, 0, 0);
    tensor_release(second);
    CHECK_OK(tensor_as_strided(view, 1, two, (int64_t[]){3}, 0, &second));
    backward_with(second, DTYPE_F64, 1, two, count_up);
    CHECK_GRAD(leaf, 6, 0, 2, 0, 0, 2, 0);
    tensor_release(second);
    tensor_release(view);

    /* Other bytes have no derivative. */
    CHECK_OK(tensor_view_dtype(leaf, &DTYPE_I64, &view));
    CHECK(!tensor_requires_grad(view));
    tensor_release(view);
    tensor_release(leaf);

    /* A leaf whose own elements are all the same one: each of them gets its own. */
    float one = 5;
    int64_t still[2] = {0, 0};
    DLTensor data = describe(&one, DTYPE_F32, 2, shape, still);
    tensor_options_t options = default_options();
    options.flags = TENSOR_FLAG_REQUIRES_GRAD;
    CHECK_OK(tensor_as_tensor(&data, &options, &leaf));
    CHECK_OK(tensor_select(leaf, 1, 0, &view));
    backward_with(view, DTYPE_F32, 1, two, count_up);
    CHECK_GRAD(leaf, 6, 1, 0, 0, 2, 0, 0);
    tensor_release(view);
    tensor_release(leaf);
}

static void test_conversions(void)
{
    int64_t shape[1] = {3};
    tensor_t *leaf = make(DTYPE_F32, 1, 1, shape, count_up), *half = NULL, *none = NULL;
    half = to_dtype(leaf, DTYPE_BF16);
    check_text(half, "tensor([1., 2., 3.], dtype=bfloat16, grad_fn=<ToCopyBackward0>)");
    /* Gradients arrive in bfloat16 and are added up in float32. */
    const double third[3] = {1.0 / 3, 2.0 / 3, 1};
    backward_with(half, DTYPE_BF16, 1, shape, third);
    CHECK_GRAD(leaf, 3, 0.333984375, 0.66796875, 1);
    for (int i = 0; i < 2; i++) {
        backward_with(half, DTYPE_BF16, 1, shape, third);
    }
    CHECK_GRAD(leaf, 3, 1.001953125, 2.00390625, 3);
    tensor_t *gradient = make(DTYPE_F32, 0, 1, shape, count_up);
    CHECK_STATUS(tensor_backward(half, gradient, 0), TENSOR_ERROR_DTYPE);
    CHECK_MESSAGE("gradient has dtype float32, expected bfloat16");
    tensor_release(gradient);
    int64_t other[1] = {2};
    gradient = make(DTYPE_BF16, 0, 1, other, count_up);
    CHECK_STATUS(tensor_backward(half, gradient, 0), TENSOR_ERROR_SHAPE);
    CHECK_MESSAGE("gradient has shape[0] = 2, expected 3");
    tensor_release(gradient);
    gradient = make(DTYPE_BF16, 0, 0, NULL, count_up);
    CHECK_STATUS(tensor_backward(half, gradient, 0), TENSOR_ERROR_SHAPE);
    tensor_release(gradient);
    tensor_release(half);

    tensor_options_t options = default_options();
    options.dtype = &DTYPE_I32;
    CHECK_STATUS(tensor_to(leaf, &options, &none), TENSOR_ERROR_DTYPE);
    CHECK_MESSAGE("tensor_detach");
    CHECK(none == NULL);
    tensor_t *detached = NULL;
    CHECK_OK(tensor_detach(leaf, &detached));
    CHECK(!tensor_requires_grad(detached) && tensor_is_leaf(detached));
    CHECK(tensor_view(detached)->data == tensor_view(leaf)->data);
    CHECK_OK(tensor_to(detached, &options, &none));
    CHECK(!tensor_requires_grad(none));
    tensor_release(none);
    tensor_release(detached);

    DLManagedTensorVersioned *export = NULL;
    CHECK_STATUS(tensor_to_dlpack(leaf, NULL, &export), TENSOR_ERROR_GRADIENT);
    CHECK(export == NULL);
    tensor_release(leaf);

    /* A gradient on its way back through a complex number keeps its real part, and gets an imaginary one of 0. */
    tensor_t *real = make(DTYPE_F64, 1, 1, shape, count_up), *complex = to_dtype(real, DTYPE_C64);
    double pairs[6] = {1, -1, 2, -2, 3, -3};
    DLTensor data = describe(pairs, DTYPE_C128, 1, shape, NULL);
    options = default_options();
    options.dtype = &DTYPE_C64;
    CHECK_OK(tensor_copy(&data, &options, &gradient));
    CHECK_OK(tensor_backward(complex, gradient, 0));
    CHECK_GRAD(real, 3, 1, 2, 3);
    tensor_release(gradient);
    tensor_release(complex);
    tensor_release(real);
    options.flags = TENSOR_FLAG_REQUIRES_GRAD;
    CHECK_OK(tensor_copy(&data, &options, &complex));
    real = to_dtype(complex, DTYPE_F32);
    backward_with(real, DTYPE_F32, 1, shape, count_up);
    CHECK_GRAD(complex, 6, 1, 0, 2, 0, 3, 0);
    CHECK_STATUS(tensor_backward(complex, NULL, 0), TENSOR_ERROR_GRADIENT);
    tensor_release(real);
    tensor_release(complex);

    /* One real element needs no gradient. */
    int64_t ones[2] = {1, 1};
    leaf = make(DTYPE_BF16, 1, 2, ones, count_up);
    half = to_dtype(leaf, DTYPE_F32);
    CHECK_OK(tensor_backward(half, NULL, 0));
    CHECK_OK(tensor_backward(half, NULL, 0));
    CHECK_GRAD(leaf, 1, 2);
    tensor_release(half);
    tensor_release(leaf);
}

static void test_writing_in_place(void)
{
    int64_t shape[2] = {2, 3}, row[1] = {3};
    tensor_t *leaf = make(DTYPE_F32, 1, 2, shape, count_up), *view = NULL, *out = NULL, *target = NULL;
    DLTensor data = describe((void *)(uintptr_t)count_up, DTYPE_F64, 1, row, NULL);
    CHECK_OK(tensor_select(leaf, 0, 0, &view));
    CHECK_STATUS(tensor_copy_into(leaf, &data, NULL), TENSOR_ERROR_GRADIENT);
    CHECK_MESSAGE("a leaf that requires grad");
    CHECK_STATUS(tensor_copy_into(view, &data, NULL), TENSOR_ERROR_GRADIENT);
    CHECK_MESSAGE("a view of a leaf");
    CHECK_STATUS(tensor_assign(leaf, leaf, NULL), TENSOR_ERROR_GRADIENT);
    uint64_t version = tensor_version_counter(leaf);
    CHECK(tensor_set_grad_enabled(false));
    CHECK(!tensor_grad_enabled());
    CHECK_OK(tensor_copy_into(leaf, &data, NULL));
    CHECK_OK(tensor_copy_into(view, &data, NULL));
    CHECK(tensor_version_counter(leaf) == version + 2 && tensor_version_counter(view) == version + 2);
    CHECK(!tensor_set_grad_enabled(true));
    CHECK(tensor_requires_grad(leaf) && tensor_is_leaf(leaf));

    /* The result of something takes on another history; only what is not written keeps the old one. */
    out = to_dtype(leaf, DTYPE_F64);
    CHECK_OK(tensor_select(out, 0, 1, &target));
    CHECK_OK(tensor_copy_into(target, &data, NULL));
    CHECK(tensor_requires_grad(target) && tensor_requires_grad(out));
    check_text(target, "tensor([1., 2., 3.], dtype=float64, grad_fn=<AsStridedBackward0>)");
    check_text(out, "tensor([[1., 2., 3.],\n        [1., 2., 3.]], dtype=float64, grad_fn=<CopySlices>)");
    backward_with(out, DTYPE_F64, 2, shape, count_up);
    CHECK_GRAD(leaf, 6, 1, 2, 3, 0, 0, 0);
    CHECK_OK(tensor_zero_grad(leaf));
    backward_with(target, DTYPE_F64, 1, row, count_up);
    CHECK_GRAD(leaf, 6, 0, 0, 0, 0, 0, 0);

    /* And so does what is written with something that requires grad: stretched and converted. */
    CHECK_OK(tensor_assign(out, view, NULL));
    backward_with(out, DTYPE_F64, 2, shape, count_up);
    CHECK_GRAD(leaf, 6, 5, 7, 9, 0, 0, 0);
    CHECK_OK(tensor_zero_grad(leaf));
    backward_with(target, DTYPE_F64, 1, row, count_up);
    CHECK_GRAD(leaf, 6, 1, 2, 3, 0, 0, 0);
    CHECK_OK(tensor_zero_grad(leaf));
    tensor_release(target);
    tensor_release(out);

    /* Rows put into a tensor that knew nothing of gradients. */
    CHECK_OK(tensor_empty(&DTYPE_F32, NULL, 2, shape, &out));
    tensor_t *before = NULL, *kept = NULL;
    CHECK_OK(tensor_select(out, 1, 0, &before));
    CHECK_OK(tensor_detach(out, &kept));
    for (int64_t i = 0; i < 2; i++) {
        tensor_t *from = NULL;
        CHECK_OK(tensor_select(out, 0, i, &target));
        CHECK_OK(tensor_select(leaf, 0, 1 - i, &from));
        CHECK_OK(tensor_assign(target, from, NULL));
        tensor_release(from);
        tensor_release(target);
    }
    CHECK(tensor_requires_grad(out) && tensor_requires_grad(before) && !tensor_requires_grad(kept));
    backward_with(out, DTYPE_F32, 2, shape, count_up);
    CHECK_GRAD(leaf, 6, 4, 5, 6, 1, 2, 3);
    CHECK_OK(tensor_zero_grad(leaf));
    backward_with(before, DTYPE_F32, 1, (int64_t[]){2}, count_up);
    CHECK_GRAD(leaf, 6, 2, 0, 0, 1, 0, 0);
    tensor_release(kept);
    tensor_release(before);
    tensor_release(out);

    /* Views of the memory know too, or say that they do not. */
    tensor_t *odd = NULL, *turned = NULL;
    CHECK_OK(tensor_zero_grad(leaf));
    CHECK_OK(tensor_empty(&DTYPE_F32, NULL, 2, shape, &out));
    CHECK_OK(tensor_assign(out, leaf, NULL));
    CHECK_OK(tensor_as_strided(out, 1, (int64_t[]){2}, (int64_t[]){1}, 1, &target));
    CHECK_OK(tensor_transpose(out, 0, 1, &turned));
    CHECK_OK(tensor_as_strided(turned, 1, (int64_t[]){2}, (int64_t[]){1}, 1, &odd));
    backward_with(odd, DTYPE_F32, 1, (int64_t[]){2}, count_up);
    CHECK_GRAD(leaf, 6, 0, 1, 2, 0, 0, 0);
    CHECK_OK(tensor_zero_grad(leaf));
    CHECK_STATUS(tensor_assign(odd, target, NULL), TENSOR_ERROR_UNSUPPORTED);
    CHECK_OK(tensor_copy_into(out, &data, NULL));
    backward_with(target, DTYPE_F32, 1, (int64_t[]){2}, count_up);
    CHECK_GRAD(leaf, 6, 0, 0, 0, 0, 0, 0);
    CHECK_STATUS(tensor_backward(odd, NULL, 0), TENSOR_ERROR_UNSUPPORTED);
    tensor_release(odd);
    tensor_release(turned);
    tensor_release(target);
    tensor_release(out);

    /* Without history nothing is passed on. */
    tensor_set_grad_enabled(false);
    out = to_dtype(leaf, DTYPE_F64);
    CHECK(!tensor_requires_grad(out));
    tensor_release(out);
    CHECK_OK(tensor_select(leaf, 0, 0, &out));
    CHECK(!tensor_requires_grad(out));
    tensor_set_grad_enabled(true);
    CHECK_STATUS(tensor_assign(out, view, NULL), TENSOR_ERROR_UNSUPPORTED);
    tensor_release(out);
    CHECK_OK(tensor_empty(&DTYPE_I32, NULL, 2, shape, &out));
    CHECK_STATUS(tensor_assign(out, leaf, NULL), TENSOR_ERROR_DTYPE);
    tensor_release(out);
    tensor_release(view);
    tensor_release(leaf);
}

static void test_buffers(void)
{
    int64_t shape[2] = {2, 2}, column[2] = {1, 2};
    float memory[4] = {100, 200, 300, 400};
    DLTensor data = describe(memory, DTYPE_F32, 2, shape, column);
    tensor_t *leaf = make(DTYPE_F32, 1, 2, shape, count_up), *buffer = NULL, *grad = NULL;
    CHECK_OK(tensor_as_tensor(&data, NULL, &buffer));
    CHECK_OK(tensor_set_grad_buffer(leaf, buffer));
    backward_with(leaf, DTYPE_F32, 2, shape, count_up);
    CHECK(memory[0] == 101 && memory[1] == 203 && memory[2] == 302 && memory[3] == 404);
    CHECK_OK(tensor_grad(leaf, &grad));
    CHECK(grad == buffer);
    tensor_release(grad);
    CHECK_OK(tensor_zero_grad(leaf));
    CHECK(memory[0] == 0 && memory[1] == 0 && memory[2] == 0 && memory[3] == 0);
    tensor_release(buffer);

    tensor_t *wrong = make(DTYPE_F64, 0, 2, shape, count_up);
    CHECK_STATUS(tensor_set_grad_buffer(leaf, wrong), TENSOR_ERROR_DTYPE);
    tensor_release(wrong);
    wrong = make(DTYPE_F32, 0, 1, shape, count_up);
    CHECK_STATUS(tensor_set_grad_buffer(leaf, wrong), TENSOR_ERROR_SHAPE);
    tensor_release(wrong);
    tensor_options_t options = default_options();
    options.flags = TENSOR_FLAG_READ_ONLY;
    CHECK_OK(tensor_as_tensor(&data, &options, &wrong));
    CHECK_STATUS(tensor_set_grad_buffer(leaf, wrong), TENSOR_ERROR_READ_ONLY);
    tensor_release(wrong);
    data.strides = (int64_t[]){0, 1};
    CHECK_OK(tensor_as_tensor(&data, NULL, &wrong));
    CHECK_STATUS(tensor_set_grad_buffer(leaf, wrong), TENSOR_ERROR_OVERLAP);
    tensor_release(wrong);

    /* On a loan that is revoked. */
    tensor_loan_t *loan = NULL;
    CHECK_OK(tensor_loan_open(memory, sizeof memory, 0, &loan));
    data.strides = NULL;
    options = default_options();
    options.loan = loan;
    CHECK_OK(tensor_as_tensor(&data, &options, &buffer));
    CHECK_OK(tensor_set_grad_buffer(leaf, buffer));
    backward_with(leaf, DTYPE_F32, 2, shape, count_up);
    CHECK(memory[3] == 4);
    CHECK_OK(tensor_loan_revoke(loan));
    tensor_t *gradient = make(DTYPE_F32, 0, 2, shape, count_up);
    CHECK_STATUS(tensor_backward(leaf, gradient, 0), TENSOR_ERROR_REVOKED);
    CHECK_STATUS(tensor_zero_grad(leaf), TENSOR_ERROR_REVOKED);
    CHECK(memory[3] == 4);
    CHECK_OK(tensor_set_grad_buffer(leaf, NULL));
    CHECK_NO_GRAD(leaf);
    CHECK_OK(tensor_backward(leaf, gradient, 0));
    CHECK_GRAD(leaf, 4, 1, 2, 3, 4);
    tensor_release(gradient);
    tensor_release(buffer);
    tensor_release(leaf);
    CHECK_OK(tensor_loan_close(loan));
}

/* y = a * b, element by element, in float64. */

struct product {
    tensor_t *a, *b;
    int calls, deleted;
    tensor_status_t status;
};

static tensor_t *times(const tensor_t *a, const tensor_t *b)
{
    const DLTensor *view = tensor_view(a);
    tensor_t *result = NULL;
    CHECK_OK(tensor_empty(&view->dtype, NULL, view->ndim, view->shape, &result));
    double *to = tensor_view(result)->data;
    const double *x = view->data, *y = tensor_view(b)->data;
    for (int64_t i = 0; i < tensor_numel(a); i++) {
        to[i] = x[i] * y[i];
    }
    return result;
}

static tensor_status_t product_backward(void *ctx, int32_t outputs, tensor_t *const *grad_outputs, int32_t inputs,
                                        tensor_t **grad_inputs)
{
    struct product *product = ctx;
    CHECK(outputs == 1 && inputs == 2 && !tensor_grad_enabled());
    product->calls++;
    grad_inputs[0] = times(grad_outputs[0], product->b);
    grad_inputs[1] = times(grad_outputs[0], product->a);
    return product->status;
}

static void product_delete(void *ctx)
{
    ((struct product *)ctx)->deleted++;
}

static tensor_t *product_of(struct product *product)
{
    tensor_t *inputs[2] = {product->a, product->b}, *output = times(product->a, product->b);
    CHECK_OK(tensor_grad_record(inputs, 2, &output, 1, product_backward, product, product_delete));
    CHECK_OK(tensor_grad_save(output, inputs, 2));
    return output;
}

static void test_recorded_kernels(void)
{
    int64_t shape[1] = {3};
    const double more[3] = {10, 20, 30};
    struct product product = {0};
    product.a = make(DTYPE_F64, 1, 1, shape, count_up);
    product.b = make(DTYPE_F64, 1, 1, shape, more);
    tensor_t *output = product_of(&product);
    CHECK(tensor_requires_grad(output) && !tensor_is_leaf(output) && product.deleted == 0);
    tensor_t *gradient = make(DTYPE_F64, 0, 1, shape, (const double[]){1, 1, 1});
    CHECK_OK(tensor_backward(output, gradient, TENSOR_BACKWARD_RETAIN_GRAPH));
    CHECK_GRAD(product.a, 3, 10, 20, 30);
    CHECK_GRAD(product.b, 3, 1, 2, 3);
    CHECK_OK(tensor_backward(output, gradient, 0));
    CHECK_GRAD(product.a, 3, 20, 40, 60);
    CHECK(product.deleted == 1 && product.calls == 2);
    CHECK_STATUS(tensor_backward(output, gradient, 0), TENSOR_ERROR_GRADIENT);
    CHECK_MESSAGE("a second time");
    CHECK_GRAD(product.a, 3, 20, 40, 60);
    tensor_release(output);
    CHECK(product.deleted == 1);

    /* An output would keep itself; a handle without history does not. */
    output = product_of(&product);
    CHECK_STATUS(tensor_grad_save(output, &output, 1), TENSOR_ERROR_ARGUMENT);
    CHECK_MESSAGE("tensor_detach");
    tensor_t *detached = NULL;
    CHECK_OK(tensor_detach(output, &detached));
    CHECK_OK(tensor_grad_save(output, &detached, 1));
    tensor_release(detached);
    tensor_release(output);
    CHECK(product.deleted == 2);
    product.deleted = 1;

    /* A graph that is never used gives back what it was given. */
    output = product_of(&product);
    tensor_release(output);
    CHECK(product.deleted == 2);

    /* The same tensor twice: both contributions are added. */
    struct product square = {product.a, product.a, 0, 0, TENSOR_OK};
    output = product_of(&square);
    CHECK_OK(tensor_zero_grad(product.a));
    CHECK_OK(tensor_backward(output, gradient, 0));
    CHECK_GRAD(product.a, 3, 2, 4, 6);
    tensor_release(output);

    /* What was saved must stay as it was. */
    output = product_of(&product);
    uint64_t version = tensor_version_counter(product.b);
    CHECK_OK(tensor_mark_dirty(product.b));
    CHECK(tensor_version_counter(product.b) == version + 1);
    CHECK_STATUS(tensor_backward(output, gradient, 0), TENSOR_ERROR_GRADIENT);
    CHECK_MESSAGE("saved tensor 1 was changed in place");
    tensor_release(output);

    /* Writing is counted, whether there is another tensor on the memory or not. */
    for (int views = 0; views < 2; views++) {
        struct product half = {product.a, make(DTYPE_F64, 0, 1, shape, more), 0, 0, TENSOR_OK};
        tensor_t *view = NULL;
        output = product_of(&half);
        version = tensor_version_counter(half.b);
        if (views) {
            CHECK_OK(tensor_slice(half.b, 0, 0, 3, 1, &view));
        }
        DLTensor source = describe((void *)count_up, DTYPE_F64, 1, shape, NULL);
        CHECK_OK(tensor_copy_into(half.b, &source, NULL));
        CHECK(tensor_version_counter(half.b) == version + 1);
        CHECK_STATUS(tensor_backward(output, gradient, 0), TENSOR_ERROR_GRADIENT);
        CHECK_MESSAGE("was changed in place");
        tensor_release(view);
        tensor_release(output);
        tensor_release(half.b);
    }

    /* A kernel that fails changes no gradient, and can be tried again. */
    output = product_of(&product);
    product.status = 7;
    CHECK_OK(tensor_zero_grad(product.a));
    CHECK_STATUS(tensor_backward(output, gradient, 0), TENSOR_ERROR_CALLBACK);
    CHECK_MESSAGE("returned 7");
    CHECK_GRAD(product.a, 3, 0, 0, 0);
    product.status = TENSOR_OK;
    CHECK_OK(tensor_backward(output, gradient, 0));
    CHECK_GRAD(product.a, 3, 10, 20, 30);
    tensor_release(output);

    /* Nothing is recorded where nothing requires grad. */
    int before = product.deleted;
    struct product plain = {0};
    CHECK_OK(tensor_detach(product.a, &plain.a));
    CHECK_OK(tensor_detach(product.b, &plain.b));
    output = product_of(&plain);
    CHECK(!tensor_requires_grad(output) && plain.deleted == 1);
    tensor_release(output);
    tensor_set_grad_enabled(false);
    output = product_of(&product);
    tensor_set_grad_enabled(true);
    CHECK(!tensor_requires_grad(output) && product.deleted == before + 1);

    /* Errors take nothing over. */
    tensor_t *inputs[2] = {product.a, NULL}, *twice[2] = {output, output}, *leaf = product.b;
    before = product.deleted;
    CHECK_STATUS(tensor_grad_record(inputs, 2, &output, 1, product_backward, &product, product_delete), TENSOR_ERROR_NULL);
    CHECK_STATUS(tensor_grad_record(inputs, 1, NULL, 1, product_backward, &product, product_delete), TENSOR_ERROR_NULL);
    CHECK_STATUS(tensor_grad_record(inputs, 1, &output, 1, NULL, &product, product_delete), TENSOR_ERROR_NULL);
    CHECK_STATUS(tensor_grad_record(inputs, 1, &output, 0, product_backward, &product, product_delete),
                 TENSOR_ERROR_ARGUMENT);
    CHECK_STATUS(tensor_grad_record(inputs, -1, &output, 1, product_backward, &product, product_delete),
                 TENSOR_ERROR_ARGUMENT);
    CHECK_STATUS(tensor_grad_record(inputs, 1, twice, 2, product_backward, &product, product_delete),
                 TENSOR_ERROR_ARGUMENT);
    CHECK_STATUS(tensor_grad_record(inputs, 1, &leaf, 1, product_backward, &product, product_delete),
                 TENSOR_ERROR_GRADIENT);
    CHECK_STATUS(tensor_grad_save(product.a, inputs, 1), TENSOR_ERROR_GRADIENT);
    CHECK(product.deleted == before);
    tensor_release(output);
    tensor_release(plain.a);
    tensor_release(plain.b);
    tensor_release(gradient);
    tensor_release(product.a);
    tensor_release(product.b);
}

/** A million views after one another: neither backward nor release goes deep. */
static void test_long_chains(void)
{
    int64_t shape[1] = {2};
    tensor_t *leaf = make(DTYPE_F32, 1, 1, shape, count_up), *last = leaf;
    int32_t zero = 0;
    CHECK_OK(tensor_retain(last));
    for (long i = 0; i < (tiny ? 10000 : 1000001); i++) {
        tensor_t *next = NULL;
        tensor_status_t status = i % 2 ? tensor_flip(last, 1, &zero, &next) : tensor_reshape(last, 1, shape, 0, &next);
        if (status != TENSOR_OK) {
            CHECK_OK(status);
            break;
        }
        tensor_release(last);
        last = next;
    }
    backward_with(last, DTYPE_F32, 1, shape, count_up);
    CHECK_GRAD(leaf, 2, 1, 2);
    tensor_release(last);
    tensor_release(leaf);
}

int main(int argc, char **argv)
{
    tiny = argc > 1 && strcmp(argv[1], "tiny") == 0;
    test_leaves();
    test_views();
    test_conversions();
    test_writing_in_place();
    test_buffers();
    test_recorded_kernels();
    test_long_chains();
    return check_result();
}

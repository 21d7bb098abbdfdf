/*
 * Gradients of random chains of views, conversions and copies, for every floating-point and complex dtype: with A for what a
 * chain does and A' for what backward does, <A x, y> = <x, A' y>.
 */
#include "check.h"

#include <math.h>

#define DTYPE_C128 ((DLDataType){kDLComplex, 128, 1})

static int tiny;

static tensor_t *to_dtype(tensor_t *tensor, DLDataType dtype)
{
    tensor_options_t options = default_options();
    tensor_t *result = NULL;
    options.dtype = &dtype;
    CHECK_OK(tensor_to(tensor, &options, &result));
    return result;
}

enum { MOST = 4096 };

static double random_integer(uint64_t *state)
{
    return (double)(int)(next_random(state) % 5) - 2;
}

static tensor_t *random_step(tensor_t *x, uint64_t *state, DLDataType dtype)
{
    const DLTensor *view = tensor_view(x);
    int32_t ndim = view->ndim, dim = ndim ? (int32_t)(next_random(state) % (uint64_t)ndim) : 0;
    int64_t size = ndim ? view->shape[dim] : 1;
    tensor_t *result = NULL;
    int32_t dims[8];
    int64_t shape[8];
    switch (next_random(state) % 10) {
    case 0:
        if (ndim > 1 && size > 0) {
            CHECK_OK(tensor_select(x, dim, (int64_t)(next_random(state) % (uint64_t)size), &result));
        }
        break;
    case 1:
        if (ndim) {
            int64_t step = (int64_t)(next_random(state) % 5) - 2;
            CHECK_OK(step < 0 ? tensor_slice(x, dim, INT64_MAX, INT64_MIN, step, &result)
                              : tensor_slice(x, dim, step, INT64_MAX, step + 1, &result));
        }
        break;
    case 2:
        for (int32_t i = 0; i < ndim; i++) {
            dims[i] = (i + 1) % ndim;
        }
        CHECK_OK(tensor_permute(x, ndim, dims, &result));
        break;
    case 3:
        dims[0] = dim;
        if (ndim) {
            CHECK_OK(tensor_flip(x, 1, dims, &result));
        }
        break;
    case 4:
        if (ndim < 5) {
            CHECK_OK(tensor_unsqueeze(x, (int32_t)(next_random(state) % (uint64_t)(ndim + 1)), &result));
        }
        break;
    case 5:
        if (ndim < 5 && tensor_numel(x) * 2 <= MOST / 4) {
            shape[0] = 2;
            memcpy(shape + 1, view->shape, (size_t)ndim * sizeof *shape);
            CHECK_OK(tensor_expand(x, ndim + 1, shape, &result));
        }
        break;
    case 6:
        shape[0] = -1;
        if (tensor_numel(x) > 0) {
            CHECK_OK(tensor_reshape(x, 1, shape, TENSOR_COPY_IF_NEEDED, &result));
        }
        break;
    case 7:
        CHECK_OK(tensor_squeeze(x, TENSOR_ALL_DIMS, &result));
        break;
    case 8: {
        /* To a wider dtype and, sooner or later, back. */
        DLDataType wide = dtype.code == kDLComplex ? DTYPE_C128 : DTYPE_F64;
        result = to_dtype(x, memcmp(&view->dtype, &wide, sizeof wide) ? wide : dtype);
        break;
    }
    default: {
        /* Into a part of another one, which is written twice. */
        tensor_t *part = NULL, *whole = NULL;
        if (ndim < 5 && tensor_numel(x) * 2 <= MOST / 4) {
            shape[0] = 2;
            memcpy(shape + 1, view->shape, (size_t)ndim * sizeof *shape);
            CHECK_OK(tensor_empty(&view->dtype, NULL, ndim + 1, shape, &whole));
            CHECK_OK(tensor_assign(whole, x, NULL));
            CHECK_OK(tensor_select(whole, 0, 1, &part));
            CHECK_OK(tensor_assign(part, x, NULL));
            tensor_release(part);
            result = whole;
        }
    }
    }
    if (result == NULL) {
        CHECK_OK(tensor_retain(x));
        result = x;
    }
    return result;
}

/** <A x, y> and <x, A' y> are the same, exactly: all numbers are small integers. */
static void test_adjoints(void)
{
    static const DLDataType dtypes[] = {
        {kDLFloat, 64, 1},          {kDLFloat, 32, 1},           {kDLFloat, 16, 1},      {kDLBfloat, 16, 1},
        {kDLComplex, 32, 1},        {kDLComplex, 64, 1},         {kDLComplex, 128, 1},   {kDLFloat8_e3m4, 8, 1},
        {kDLFloat8_e4m3, 8, 1},     {kDLFloat8_e4m3b11fnuz, 8, 1}, {kDLFloat8_e4m3fn, 8, 1}, {kDLFloat8_e4m3fnuz, 8, 1},
        {kDLFloat8_e5m2, 8, 1},     {kDLFloat8_e5m2fnuz, 8, 1},  {kDLFloat6_e2m3fn, 6, 1}, {kDLFloat6_e3m2fn, 6, 1},
        {kDLFloat4_e2m1fn, 4, 1},   {kDLFloat, 32, 3},
    };
    enum { KINDS = sizeof dtypes / sizeof *dtypes };
    static double x_values[MOST], ax[MOST], y[MOST], aty[MOST];
    uint64_t state = 5;
    for (int round = 0; round < (tiny ? 40 : 4000); round++) {
        DLDataType dtype = dtypes[round % KINDS];
        /* Sums are exact in the formats that have room for them; the small ones are given gradients that meet rarely. */
        int small = dtype.bits < 16, parts = dtype.code == kDLComplex ? 2 : dtype.lanes;
        int64_t shape[3] = {1 + (int64_t)(next_random(&state) % 3), 1 + (int64_t)(next_random(&state) % 4),
                            1 + (int64_t)(next_random(&state) % 3)};
        DLDataType wide = dtype.code == kDLComplex ? DTYPE_C128 : DTYPE_F64;
        wide.lanes = dtype.lanes;
        int64_t numel = shape[0] * shape[1] * shape[2];
        for (int64_t i = 0; i < numel * parts; i++) {
            x_values[i] = random_integer(&state);
        }
        DLTensor data = describe(x_values, wide, 3, shape, NULL);
        tensor_options_t options = default_options();
        options.dtype = &dtype;
        options.flags = TENSOR_FLAG_REQUIRES_GRAD;
        tensor_t *x = NULL;
        CHECK_OK(tensor_copy(&data, &options, &x));
        tensor_t *last = x;
        CHECK_OK(tensor_retain(x));
        for (int step = 0; step < 6; step++) {
            DLDataType of_step = dtype;
            if (dtype.lanes > 1) {
                of_step = tensor_view(last)->dtype;
            }
            uint64_t saved = state;
            tensor_t *next = NULL;
            if (dtype.lanes > 1 || dtype.bits < 8) {
                /* Packed elements cannot be viewed from within a byte, nor lanes be converted to a dtype of one. */
                CHECK_OK(tensor_unsqueeze(last, 0, &next));
                if (tensor_view(next)->ndim > 5) {
                    tensor_release(next);
                    next = NULL;
                    CHECK_OK(tensor_squeeze(last, TENSOR_ALL_DIMS, &next));
                }
                (void)saved;
            } else {
                next = random_step(last, &state, of_step);
            }
            tensor_release(last);
            last = next;
        }
        int64_t count = tensor_numel(last) * parts;
        DLDataType last_dtype = tensor_view(last)->dtype;
        last_dtype.bits = last_dtype.code == kDLComplex ? 128 : 64;
        last_dtype.code = last_dtype.code == kDLComplex ? kDLComplex : kDLFloat;
        for (int64_t i = 0; i < count; i++) {
            y[i] = small && i % 7 ? 0 : random_integer(&state);
        }
        DLTensor y_data = describe(y, last_dtype, tensor_view(last)->ndim, tensor_view(last)->shape, NULL);
        tensor_t *gradient = NULL, *grad = NULL, *detached = NULL, *values = NULL;
        options = default_options();
        options.dtype = &tensor_view(last)->dtype;
        CHECK_OK(tensor_copy(&y_data, &options, &gradient));
        CHECK_OK(tensor_backward(last, gradient, 0));
        CHECK_OK(tensor_grad(x, &grad));
        CHECK(grad != NULL);
        options = default_options();
        options.dtype = &last_dtype;
        options.flags = TENSOR_FLAG_CONTIGUOUS;
        CHECK_OK(tensor_detach(last, &detached));
        CHECK_OK(tensor_to(detached, &options, &values));
        if (count > 0) {
            memcpy(ax, tensor_view(values)->data, (size_t)count * sizeof *ax);
        }
        tensor_release(values);
        options.dtype = &wide;
        CHECK_OK(tensor_to(grad, &options, &values));
        memcpy(aty, tensor_view(values)->data, (size_t)(numel * parts) * sizeof *aty);
        double left = 0, right = 0;
        for (int64_t i = 0; i < count; i++) {
            left += ax[i] * y[i];
        }
        for (int64_t i = 0; i < numel * parts; i++) {
            right += aty[i] * x_values[i];
        }
        /* Sums of a few small integers round in the smallest formats. */
        CHECK(small ? fabs(left - right) <= 0.5 * (fabs(left) + 8) : left == right);
        if (!small && left != right) {
            fprintf(stderr, "round %d: %g and %g\n", round, left, right);
        }
        tensor_release(values);
        tensor_release(detached);
        tensor_release(grad);
        tensor_release(gradient);
        tensor_release(last);
        tensor_release(x);
    }
}

int main(int argc, char **argv)
{
    tiny = argc > 1 && strcmp(argv[1], "tiny") == 0;
    test_adjoints();
    return check_result();
}

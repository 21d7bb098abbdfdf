/*
 * Gradients against differences: for random chains of views, conversions and copies into others, each element of the result is
 * computed again with one element of the leaf one more, and the difference is what backward gives for that pair.
 */
#include "check.h"

enum { SIZE = 24 };

static uint64_t seed = 5;

static int below(int n)
{
    return (int)(next_random(&seed) % (uint64_t)n);
}

/** One step of a chain, the same for the same number. NULL where it cannot be done. */
static tensor_t *step(tensor_t *from, int number)
{
    static const DLDataType wide[] = {{kDLFloat, 32, 1}, {kDLFloat, 64, 1}, {kDLComplex, 64, 1}, {kDLComplex, 128, 1}};
    tensor_options_t options = default_options();
    tensor_t *made = NULL;
    int32_t ndim = tensor_ndim(from), dims[8];
    int64_t shape[8], numel = tensor_numel(from);
    tensor_status_t status = TENSOR_ERROR_ARGUMENT;
    switch (number % 8) {
    case 0:
        for (int i = 0; i < ndim; i++) {
            dims[i] = (i + 1) % ndim;
        }
        status = tensor_permute(from, ndim, dims, &made);
        break;
    case 1:
        status = ndim > 0 ? tensor_slice(from, 0, 0, INT64_MAX, 2, &made) : status;
        break;
    case 2:
        dims[0] = 0;
        status = ndim > 0 ? tensor_flip(from, 1, dims, &made) : status;
        break;
    case 3:
        shape[0] = numel;
        status = tensor_reshape(from, 1, shape, TENSOR_COPY_IF_NEEDED, &made);
        break;
    case 4:
        shape[0] = 2;
        for (int i = 0; i < ndim; i++) {
            shape[i + 1] = -1;
        }
        status = ndim < 4 && numel <= SIZE ? tensor_expand(from, ndim + 1, shape, &made) : status;
        break;
    case 5:
        options.dtype = &wide[number / 8 % 4];
        status = tensor_to(from, &options, &made);
        break;
    case 6: {
        /* Into something of its own, turned. */
        DLDataType dtype = {kDLFloat, 64, 1};
        tensor_t *target = NULL;
        CHECK_OK(tensor_empty(&dtype, NULL, ndim, tensor_shape(from), &target));
        status = tensor_assign(target, from, NULL);
        made = target;
        break;
    }
    default:
        status = ndim > 0 ? tensor_select(from, 0, tensor_shape(from)[0] - 1, &made) : status;
    }
    return status == TENSOR_OK ? made : (tensor_release(made), NULL);
}

/** The chain of a seed, from a leaf to a row of float64. */
static tensor_t *chain(tensor_t *leaf, const int *numbers, int count)
{
    DLDataType f64 = {kDLFloat, 64, 1};
    tensor_options_t options = default_options();
    CHECK_OK(tensor_retain(leaf));
    tensor_t *now = leaf;
    for (int i = 0; i < count; i++) {
        tensor_t *next = step(now, numbers[i]);
        if (next) {
            tensor_release(now);
            now = next;
        }
    }
    tensor_t *real = NULL, *row = NULL;
    int64_t shape[1] = {tensor_numel(now)};
    options.dtype = &f64;
    CHECK_OK(tensor_to(now, &options, &real));
    CHECK_OK(tensor_reshape(real, 1, shape, TENSOR_COPY_IF_NEEDED, &row));
    tensor_release(real);
    tensor_release(now);
    return row;
}

static void values_of(tensor_t *row, double *out, int64_t count)
{
    int64_t shape[1] = {count};
    DLTensor place = describe(out, (DLDataType){kDLFloat, 64, 1}, 1, shape, NULL);
    tensor_t *target = NULL, *plain = NULL;
    CHECK_OK(tensor_as_tensor(&place, NULL, &target));
    CHECK_OK(tensor_detach(row, &plain));
    CHECK_OK(tensor_assign(target, plain, NULL));
    tensor_release(plain);
    tensor_release(target);
}

static void one_chain(DLDataType dtype)
{
    static double numbers[SIZE];
    int64_t shape[3] = {2, 3, 4};
    int steps[6], count = 1 + below(6);
    for (int i = 0; i < count; i++) {
        steps[i] = below(64);
    }
    for (int i = 0; i < SIZE; i++) {
        numbers[i] = below(4) + 1;
    }
    tensor_options_t options = default_options();
    options.flags = TENSOR_FLAG_REQUIRES_GRAD;
    options.dtype = &dtype;
    DLTensor data = describe(numbers, (DLDataType){kDLFloat, 64, 1}, 3, shape, NULL);
    tensor_t *leaf = NULL;
    CHECK_OK(tensor_as_tensor(&data, &options, &leaf));
    tensor_t *row = chain(leaf, steps, count);
    int64_t outputs = tensor_numel(row);
    double before[4 * SIZE], after[4 * SIZE], differences[SIZE][4 * SIZE];
    CHECK(outputs <= 4 * SIZE);
    values_of(row, before, outputs);
    for (int i = 0; i < SIZE; i++) {
        numbers[i] += 1; /* exact in every dtype here, and so is the quotient */
        tensor_t *moved = NULL;
        CHECK_OK(tensor_as_tensor(&data, &options, &moved));
        tensor_t *again = chain(moved, steps, count);
        values_of(again, after, outputs);
        for (int64_t j = 0; j < outputs; j++) {
            differences[i][j] = after[j] - before[j];
        }
        numbers[i] -= 1;
        tensor_release(again);
        tensor_release(moved);
    }
    for (int64_t j = 0; j < outputs; j++) {
        double one[4 * SIZE] = {0};
        int64_t row_shape[1] = {outputs}, flat[1] = {SIZE};
        one[j] = 1;
        DLTensor unit = describe(one, (DLDataType){kDLFloat, 64, 1}, 1, row_shape, NULL);
        tensor_t *gradient = NULL, *got = NULL, *line = NULL;
        CHECK_OK(tensor_as_tensor(&unit, NULL, &gradient));
        CHECK_OK(tensor_backward(row, gradient, 0));
        CHECK_OK(tensor_grad(leaf, &got));
        CHECK_OK(tensor_reshape(got, 1, flat, TENSOR_COPY_IF_NEEDED, &line));
        double found[SIZE];
        values_of(line, found, SIZE);
        for (int i = 0; i < SIZE; i++) {
            CHECK(found[i] == differences[i][j]);
        }
        tensor_release(line);
        tensor_release(got);
        tensor_release(gradient);
        CHECK_OK(tensor_zero_grad(leaf));
    }
    tensor_release(row);
    tensor_release(leaf);
}

int main(int argc, char **argv)
{
    static const DLDataType dtypes[] = {
        {kDLFloat, 16, 1}, {kDLBfloat, 16, 1}, {kDLFloat, 32, 1}, {kDLFloat, 64, 1}, {kDLFloat8_e4m3fn, 8, 1},
        {kDLFloat8_e5m2, 8, 1}, {kDLComplex, 32, 1}, {kDLComplex, 64, 1}, {kDLComplex, 128, 1},
    };
    int chains = argc > 1 && strcmp(argv[1], "tiny") == 0 ? 2 : 60;
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++) {
        for (int n = 0; n < chains; n++) {
            one_chain(dtypes[i]);
        }
    }
    return check_result();
}

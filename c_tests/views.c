/* Views: each against the formula that defines it, element by element, and each wrong argument. */
#include "check.h"

enum { D0 = 3, D1 = 4, D2 = 5, COUNT = D0 * D1 * D2 };

static int16_t numbers[COUNT];
static int64_t shape[3] = {D0, D1, D2};

static tensor_t *base(void)
{
    DLTensor data = describe(numbers, DTYPE_I16, 3, shape, NULL);
    tensor_t *tensor = NULL;
    for (int i = 0; i < COUNT; i++) {
        numbers[i] = (int16_t)i;
    }
    CHECK_OK(tensor_as_tensor(&data, NULL, &tensor));
    return tensor;
}

static int16_t at(const tensor_t *tensor, int64_t i, int64_t j, int64_t k)
{
    const DLTensor *view = tensor_view(tensor);
    int64_t index[3] = {i, j, k};
    const int16_t *data = view->data;
    for (int d = 0; d < view->ndim; d++) {
        data += index[d] * view->strides[d];
    }
    return *data;
}

static int16_t value(int64_t i, int64_t j, int64_t k)
{
    return (int16_t)((i * D1 + j) * D2 + k);
}

static int has_shape(const tensor_t *tensor, int ndim, int64_t a, int64_t b, int64_t c)
{
    const DLTensor *view = tensor_view(tensor);
    int64_t sizes[3] = {a, b, c};
    return view->ndim == ndim && memcmp(view->shape, sizes, (size_t)ndim * sizeof *sizes) == 0;
}

static void selects(void)
{
    tensor_t *tensor = base(), *view = NULL;
    for (int64_t j = -D1; j < D1; j++) {
        for (int dim = -2; dim <= 1; dim += 3) {
            CHECK_OK(tensor_select(tensor, dim, j, &view));
            CHECK(has_shape(view, 2, D0, D2, 0));
            CHECK(at(view, 2, 3, 0) == value(2, j < 0 ? j + D1 : j, 3));
            tensor_release(view);
        }
    }
    CHECK_STATUS(tensor_select(tensor, 1, D1, &view), TENSOR_ERROR_INDEX);
    CHECK_MESSAGE("index = 4");
    CHECK_STATUS(tensor_select(tensor, 1, -D1 - 1, &view), TENSOR_ERROR_INDEX);
    CHECK_STATUS(tensor_select(tensor, 1, INT64_MIN, &view), TENSOR_ERROR_INDEX);
    CHECK_STATUS(tensor_select(tensor, 3, 0, &view), TENSOR_ERROR_INDEX);
    CHECK_MESSAGE("dim = 3");
    CHECK_STATUS(tensor_select(tensor, -4, 0, &view), TENSOR_ERROR_INDEX);
    CHECK_STATUS(tensor_select(tensor, INT32_MIN, 0, &view), TENSOR_ERROR_INDEX);
    CHECK(view == NULL);
    CHECK_STATUS(tensor_select(NULL, 0, 0, &view), TENSOR_ERROR_NULL);
    CHECK_STATUS(tensor_select(tensor, 0, 0, NULL), TENSOR_ERROR_NULL);
    tensor_release(tensor);
}

/** The indices that Python's range(size)[start:stop:step] holds, by its definition. */
static int64_t python_slice(int64_t size, int64_t start, int64_t stop, int64_t step, int64_t *first)
{
    if (start < 0) {
        start = start < -size ? (step < 0 ? -1 : 0) : start + size;
    } else if (start >= size) {
        start = step < 0 ? size - 1 : size;
    }
    if (stop < 0) {
        stop = stop < -size ? (step < 0 ? -1 : 0) : stop + size;
    } else if (stop >= size) {
        stop = step < 0 ? size - 1 : size;
    }
    int64_t count = 0;
    *first = start;
    for (int64_t i = start; step > 0 ? i < stop : i > stop; count++) {
        if (step > 0 ? i > INT64_MAX - step : i < INT64_MIN - step) {
            count++;
            break;
        }
        i += step;
    }
    return count;
}

static void slice(void)
{
    tensor_t *tensor = base(), *view = NULL;
    static const int64_t bounds[] = {INT64_MIN, -7, -5, -4, -1, 0, 1, 3, 4, 5, 9, INT64_MAX};
    static const int64_t steps[] = {1, 2, 3, 7, INT64_MAX, -1, -2, -3, -7, INT64_MIN};
    for (size_t a = 0; a < 12; a++) {
        for (size_t b = 0; b < 12; b++) {
            for (size_t s = 0; s < 10; s++) {
                int64_t first, count = python_slice(D1, bounds[a], bounds[b], steps[s], &first);
                CHECK_OK(tensor_slice(tensor, 1, bounds[a], bounds[b], steps[s], &view));
                CHECK(has_shape(view, 3, D0, count, D2));
                for (int64_t j = 0; j < count; j++) {
                    CHECK(at(view, 1, j, 2) == value(1, first + j * steps[s], 2));
                }
                tensor_release(view);
            }
        }
    }
    CHECK_STATUS(tensor_slice(tensor, 1, 0, 2, 0, &view), TENSOR_ERROR_ARGUMENT);
    CHECK_MESSAGE("step");
    CHECK_STATUS(tensor_slice(tensor, 5, 0, 2, 1, &view), TENSOR_ERROR_INDEX);
    CHECK(view == NULL);
    tensor_release(tensor);
}

/** Six dimensions of sizes from 1 to 4: more than are gone through without a loop. Elements are their own numbers. */
static tensor_t *deep(int64_t shape[6], int64_t strides[6], uint8_t elements[144])
{
    static const int64_t sizes[6] = {2, 3, 1, 4, 2, 3};
    int64_t stride = 1;
    for (int dim = 5; dim >= 0; dim--) {
        shape[dim] = sizes[dim];
        strides[dim] = stride;
        stride *= sizes[dim];
    }
    for (int i = 0; i < 144; i++) {
        elements[i] = (uint8_t)i;
    }
    DLTensor data = describe(elements, DTYPE_U8, 6, shape, strides);
    tensor_t *tensor = NULL;
    CHECK_OK(tensor_as_tensor(&data, NULL, &tensor));
    return tensor;
}

/** Whether the elements of a view, in order, are those at `places` of the base. */
static bool has_elements(tensor_t *view, const int64_t *places, int64_t count)
{
    const DLTensor *seen = tensor_view(view);
    int64_t index[8] = {0};
    for (int64_t i = 0; i < count; i++) {
        const uint8_t *element = (const uint8_t *)seen->data + seen->byte_offset;
        for (int dim = 0; dim < seen->ndim; dim++) {
            element += index[dim] * seen->strides[dim];
        }
        if (*element != (uint8_t)places[i]) {
            return false;
        }
        for (int dim = seen->ndim - 1; dim >= 0 && ++index[dim] == seen->shape[dim]; dim--) {
            index[dim] = 0;
        }
    }
    return true;
}

/** Every set of dimensions flipped, every two exchanged, every order of a few, every dimension selected and inserted. */
static void many_dimensions(void)
{
    int64_t shape[6], strides[6], places[144];
    uint8_t elements[144];
    tensor_t *tensor = deep(shape, strides, elements), *view = NULL;
    for (int set = 0; set < 64; set++) {
        int32_t dims[6];
        int count = 0;
        for (int dim = 0; dim < 6; dim++) {
            if (set >> dim & 1) {
                dims[count++] = dim % 2 ? dim : dim - 6;
            }
        }
        for (int i = 0; i < 144; i++) {
            places[i] = 0;
            for (int dim = 0; dim < 6; dim++) {
                int64_t at = i / strides[dim] % shape[dim];
                places[i] += (set >> dim & 1 ? shape[dim] - 1 - at : at) * strides[dim];
            }
        }
        CHECK_OK(tensor_flip(tensor, count, dims, &view));
        CHECK(has_elements(view, places, 144));
        tensor_release(view);
    }
    for (int a = 0; a < 6; a++) {
        for (int b = 0; b < 6; b++) {
            int32_t order[6] = {0, 1, 2, 3, 4, 5};
            order[a] = b;
            order[b] = a;
            tensor_t *exchanged = NULL;
            CHECK_OK(tensor_transpose(tensor, a, b - 6, &view));
            CHECK_OK(tensor_permute(tensor, 6, order, &exchanged));
            const DLTensor *seen[2] = {tensor_view(view), tensor_view(exchanged)};
            for (int dim = 0; dim < 6; dim++) {
                for (int k = 0; k < 2; k++) {
                    CHECK(seen[k]->shape[dim] == shape[order[dim]] && seen[k]->strides[dim] == strides[order[dim]]);
                }
            }
            tensor_release(view);
            tensor_release(exchanged);
        }
        for (int64_t index = 0; index < shape[a]; index++) {
            CHECK_OK(tensor_select(tensor, a, index, &view));
            int64_t count = 0;
            for (int i = 0; i < 144; i++) {
                if (i / strides[a] % shape[a] == index) {
                    places[count++] = i;
                }
            }
            CHECK(tensor_ndim(view) == 5 && has_elements(view, places, count));
            tensor_release(view);
        }
        for (int64_t i = 0; i < 144; i++) {
            places[i] = i;
        }
        CHECK_OK(tensor_unsqueeze(tensor, a, &view));
        CHECK(tensor_ndim(view) == 7 && tensor_view(view)->shape[a] == 1 && has_elements(view, places, 144));
        tensor_release(view);
        CHECK_OK(tensor_squeeze(tensor, a, &view));
        CHECK(tensor_ndim(view) == (shape[a] == 1 ? 5 : 6) && has_elements(view, places, 144));
        tensor_release(view);
    }
    tensor_release(tensor);
}

static void permute_transpose_flip(void)
{
    tensor_t *tensor = base(), *view = NULL;
    int32_t order[3] = {2, -3, 1}, twice[3] = {0, 1, -2}, outside[3] = {0, 1, 3};
    CHECK_OK(tensor_permute(tensor, 3, order, &view));
    CHECK(has_shape(view, 3, D2, D0, D1));
    CHECK(at(view, 4, 2, 1) == value(2, 1, 4));
    tensor_release(view);
    CHECK_STATUS(tensor_permute(tensor, 3, twice, &view), TENSOR_ERROR_INDEX);
    CHECK_MESSAGE("twice");
    CHECK_STATUS(tensor_permute(tensor, 3, outside, &view), TENSOR_ERROR_INDEX);
    CHECK_STATUS(tensor_permute(tensor, 2, order, &view), TENSOR_ERROR_INDEX);
    CHECK_STATUS(tensor_permute(tensor, 3, NULL, &view), TENSOR_ERROR_NULL);
    CHECK_STATUS(tensor_permute(tensor, -1, order, &view), TENSOR_ERROR_SHAPE);

    CHECK_OK(tensor_transpose(tensor, 0, -1, &view));
    CHECK(has_shape(view, 3, D2, D1, D0));
    CHECK(at(view, 4, 1, 2) == value(2, 1, 4));
    tensor_release(view);
    CHECK_OK(tensor_transpose(tensor, 1, 1, &view));
    CHECK(at(view, 2, 1, 4) == value(2, 1, 4));
    tensor_release(view);
    CHECK_STATUS(tensor_transpose(tensor, 0, 3, &view), TENSOR_ERROR_INDEX);

    int32_t ends[2] = {0, -1};
    CHECK_OK(tensor_flip(tensor, 2, ends, &view));
    for (int i = 0; i < D0; i++) {
        for (int k = 0; k < D2; k++) {
            CHECK(at(view, i, 1, k) == value(D0 - 1 - i, 1, D2 - 1 - k));
        }
    }
    tensor_release(view);
    CHECK_OK(tensor_flip(tensor, 0, NULL, &view));
    CHECK(at(view, 1, 2, 3) == value(1, 2, 3));
    tensor_release(view);
    CHECK_STATUS(tensor_flip(tensor, 3, twice, &view), TENSOR_ERROR_INDEX);
    CHECK(view == NULL);
    tensor_release(tensor);
}

static void reshape(void)
{
    tensor_t *tensor = base(), *turned = NULL, *view = NULL;
    tensor_plan_t origin = TENSOR_PLAN_INIT;
    int64_t flat[1] = {-1}, split[3] = {D0 * 2, -1, D2}, wrong[2] = {7, -1}, two[2] = {-1, -1}, off[1] = {COUNT + 1};
    int64_t negative[2] = {-2, 3}, zero[2] = {0, -1}, huge[2] = {INT64_MAX, 4};
    CHECK_OK(tensor_reshape(tensor, 1, flat, TENSOR_COPY_NEVER, &view));
    CHECK(has_shape(view, 1, COUNT, 0, 0) && tensor_view(view)->data == numbers);
    tensor_release(view);
    CHECK_OK(tensor_reshape(tensor, 3, split, TENSOR_COPY_IF_NEEDED, &view));
    CHECK(has_shape(view, 3, D0 * 2, 2, D2) && tensor_view(view)->data == numbers);
    CHECK_OK(tensor_origin(view, &origin));
    CHECK(origin.action == TENSOR_ACTION_ALIAS);
    tensor_release(view);
    CHECK_STATUS(tensor_reshape(tensor, 2, wrong, 0, &view), TENSOR_ERROR_SHAPE);
    CHECK_STATUS(tensor_reshape(tensor, 2, two, 0, &view), TENSOR_ERROR_SHAPE);
    CHECK_STATUS(tensor_reshape(tensor, 1, off, 0, &view), TENSOR_ERROR_SHAPE);
    CHECK_MESSAGE("60 elements");
    CHECK_STATUS(tensor_reshape(tensor, 2, negative, 0, &view), TENSOR_ERROR_SHAPE);
    CHECK_STATUS(tensor_reshape(tensor, 2, zero, 0, &view), TENSOR_ERROR_SHAPE);
    CHECK_STATUS(tensor_reshape(tensor, 2, huge, 0, &view), TENSOR_ERROR_SHAPE);
    CHECK_STATUS(tensor_reshape(tensor, 1, flat, 9, &view), TENSOR_ERROR_ARGUMENT);

    CHECK_OK(tensor_transpose(tensor, 0, 2, &turned));
    CHECK_STATUS(tensor_reshape(turned, 1, flat, TENSOR_COPY_NEVER, &view), TENSOR_ERROR_COPY_NEEDED);
    CHECK(view == NULL);
    CHECK_OK(tensor_reshape(turned, 1, flat, TENSOR_COPY_IF_NEEDED, &view));
    CHECK_OK(tensor_origin(view, &origin));
    CHECK(origin.action == TENSOR_ACTION_COPY && (origin.reasons & TENSOR_REASON_LAYOUT));
    CHECK(origin.bytes_moved == COUNT * 2);
    for (int k = 0, n = 0; k < D2; k++) {
        for (int j = 0; j < D1; j++) {
            for (int i = 0; i < D0; i++, n++) {
                CHECK(at(view, n, 0, 0) == value(i, j, k));
            }
        }
    }
    tensor_release(view);
    CHECK_OK(tensor_reshape(tensor, 1, flat, TENSOR_COPY_ALWAYS, &view));
    CHECK(tensor_view(view)->data != numbers);
    CHECK_OK(tensor_origin(view, &origin));
    CHECK(origin.action == TENSOR_ACTION_COPY && origin.reasons == TENSOR_REASON_REQUESTED);
    tensor_release(view);
    tensor_release(turned);
    tensor_release(tensor);
}

static void expand_squeeze_unsqueeze(void)
{
    tensor_t *tensor = base(), *row = NULL, *view = NULL, *thin = NULL;
    int64_t wide[3] = {2, -1, D2}, wrong[3] = {2, 3, D2 + 1}, few[1] = {D2}, lost[3] = {-1, 1, D2};
    CHECK_OK(tensor_slice(tensor, 0, 1, 2, 1, &thin));
    CHECK_OK(tensor_squeeze(thin, 0, &row));
    CHECK(has_shape(row, 2, D1, D2, 0));
    CHECK_OK(tensor_expand(row, 3, wide, &view));
    CHECK(has_shape(view, 3, 2, D1, D2) && tensor_view(view)->strides[0] == 0);
    CHECK(at(view, 1, 2, 3) == value(1, 2, 3));
    tensor_release(view);
    CHECK_STATUS(tensor_expand(row, 3, wrong, &view), TENSOR_ERROR_SHAPE);
    CHECK_STATUS(tensor_expand(row, 1, few, &view), TENSOR_ERROR_SHAPE);
    CHECK_STATUS(tensor_expand(row, 3, lost, &view), TENSOR_ERROR_SHAPE);
    CHECK(view == NULL);

    CHECK_OK(tensor_squeeze(thin, 1, &view));
    CHECK(has_shape(view, 3, 1, D1, D2));
    tensor_release(view);
    CHECK_OK(tensor_squeeze(thin, TENSOR_ALL_DIMS, &view));
    CHECK(has_shape(view, 2, D1, D2, 0));
    tensor_release(view);
    CHECK_STATUS(tensor_squeeze(thin, 3, &view), TENSOR_ERROR_INDEX);

    for (int dim = -3; dim <= 2; dim++) {
        CHECK_OK(tensor_unsqueeze(row, dim, &view));
        int place = dim < 0 ? dim + 3 : dim;
        CHECK(tensor_view(view)->ndim == 3 && tensor_view(view)->shape[place] == 1);
        CHECK(tensor_is_contiguous(view));
        tensor_release(view);
    }
    CHECK_STATUS(tensor_unsqueeze(row, 3, &view), TENSOR_ERROR_INDEX);
    CHECK_STATUS(tensor_unsqueeze(row, -4, &view), TENSOR_ERROR_INDEX);

    /* Up to the highest rank, and not beyond. */
    tensor_t *deep = row;
    for (int rank = 2; rank < TENSOR_MAX_NDIM; rank++) {
        CHECK_OK(tensor_unsqueeze(deep, 0, &view));
        if (deep != row) {
            tensor_release(deep);
        }
        deep = view;
    }
    CHECK(tensor_view(deep)->ndim == TENSOR_MAX_NDIM);
    CHECK_STATUS(tensor_unsqueeze(deep, 0, &view), TENSOR_ERROR_SHAPE);
    CHECK_OK(tensor_squeeze(deep, TENSOR_ALL_DIMS, &view));
    CHECK(has_shape(view, 2, D1, D2, 0));
    tensor_release(view);
    tensor_release(deep);
    tensor_release(row);
    tensor_release(thin);
    tensor_release(tensor);
}

static void as_strided(void)
{
    tensor_t *tensor = base(), *row = NULL, *view = NULL;
    int64_t sizes[2] = {3, 3}, windows[2] = {1, 1}, back[2] = {-2, -1}, far[2] = {COUNT, 1};
    CHECK_OK(tensor_as_strided(tensor, 2, sizes, windows, 10, &view));
    CHECK(at(view, 2, 2, 0) == 14 && at(view, 0, 0, 0) == 10);
    tensor_release(view);
    CHECK_OK(tensor_as_strided(tensor, 2, sizes, back, COUNT - 1, &view));
    CHECK(at(view, 2, 2, 0) == COUNT - 7);
    tensor_release(view);
    CHECK_STATUS(tensor_as_strided(tensor, 2, sizes, back, 5, &view), TENSOR_ERROR_BOUNDS);
    CHECK_MESSAGE("shape[1] = 3");
    CHECK_STATUS(tensor_as_strided(tensor, 2, sizes, far, 0, &view), TENSOR_ERROR_BOUNDS);
    CHECK_MESSAGE("strides[0] = 60");
    CHECK_STATUS(tensor_as_strided(tensor, 2, sizes, windows, COUNT - 4, &view), TENSOR_ERROR_BOUNDS);
    CHECK_STATUS(tensor_as_strided(tensor, 2, sizes, windows, -1, &view), TENSOR_ERROR_BOUNDS);
    CHECK_STATUS(tensor_as_strided(tensor, 2, sizes, windows, INT64_MAX, &view), TENSOR_ERROR_BOUNDS);
    CHECK_STATUS(tensor_as_strided(tensor, 2, sizes, windows, INT64_MIN, &view), TENSOR_ERROR_BOUNDS);
    CHECK_STATUS(tensor_as_strided(tensor, 2, sizes, NULL, 0, &view), TENSOR_ERROR_NULL);
    CHECK(view == NULL);
    /* A view may reach all of its storage again. */
    CHECK_OK(tensor_select(tensor, 0, 2, &row));
    CHECK_OK(tensor_as_strided(row, 2, sizes, windows, -2 * D1 * D2, &view));
    CHECK(at(view, 0, 0, 0) == 0);
    tensor_release(view);
    tensor_release(row);
    tensor_release(tensor);
}

static void view_dtype(void)
{
    tensor_t *tensor = base(), *view = NULL, *part = NULL, *turned = NULL;
    DLDataType u8 = DTYPE_U8, u16 = {kDLUInt, 16, 1}, f16 = DTYPE_F16, i32 = DTYPE_I32, wrong = {kDLInt, 9, 1};
    DLDataType bytes3 = {kDLUInt, 8, 3};
    CHECK_OK(tensor_view_dtype(tensor, &u8, &view));
    CHECK(has_shape(view, 3, D0, D1, 2 * D2) && tensor_view(view)->data == numbers);
    CHECK(((uint8_t *)tensor_view(view)->data)[2] == 1);
    tensor_release(view);
    CHECK_OK(tensor_view_dtype(tensor, &f16, &view));
    CHECK(tensor_view(view)->dtype.code == kDLFloat && has_shape(view, 3, D0, D1, D2));
    tensor_release(view);
    CHECK_STATUS(tensor_view_dtype(tensor, &i32, &view), TENSOR_ERROR_SHAPE);
    CHECK_MESSAGE("int32");
    CHECK_STATUS(tensor_view_dtype(tensor, &bytes3, &view), TENSOR_ERROR_SHAPE);
    CHECK_STATUS(tensor_view_dtype(tensor, &wrong, &view), TENSOR_ERROR_DTYPE);
    CHECK_STATUS(tensor_view_dtype(tensor, NULL, &view), TENSOR_ERROR_NULL);
    CHECK_OK(tensor_slice(tensor, 2, 0, 4, 1, &part));
    CHECK_STATUS(tensor_view_dtype(part, &i32, &view), TENSOR_ERROR_SHAPE);
    CHECK_OK(tensor_transpose(tensor, 0, 2, &turned));
    CHECK_OK(tensor_view_dtype(turned, &u16, &view));
    tensor_release(view);
    CHECK_STATUS(tensor_view_dtype(turned, &u8, &view), TENSOR_ERROR_SHAPE);
    tensor_release(turned);
    tensor_release(part);
    tensor_release(tensor);

    int64_t even[2] = {3, 4};
    DLTensor data = describe(numbers, DTYPE_I16, 2, even, NULL);
    CHECK_OK(tensor_as_tensor(&data, NULL, &tensor));
    CHECK_OK(tensor_view_dtype(tensor, &i32, &view));
    CHECK(has_shape(view, 2, 3, 2, 0) && tensor_view(view)->strides[0] == 2);
    CHECK(((int32_t *)tensor_view(view)->data)[1] == (3 << 16 | 2));
    tensor_release(view);
    tensor_release(tensor);
}

int main(void)
{
    selects();
    slice();
    permute_transpose_flip();
    many_dimensions();
    reshape();
    expand_squeeze_unsqueeze();
    as_strided();
    view_dtype();
    return check_result();
}

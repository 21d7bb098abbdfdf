/* Views of random layouts: reshape, expand, as_strided and view_dtype against what trying every element says. */
#include "check.h"

enum { SPAN = 1 << 18, MOST = 4096 };

static uint8_t memory[SPAN];

static int64_t addresses(const DLTensor *view, int64_t size, uint8_t **out)
{
    int64_t index[8] = {0}, count = 0;
    for (int d = 0; d < view->ndim; d++) {
        if (view->shape[d] == 0) {
            return 0;
        }
    }
    for (;;) {
        uint8_t *at = view->data;
        for (int d = 0; d < view->ndim; d++) {
            at += index[d] * view->strides[d] * size;
        }
        if (count < MOST) {
            out[count] = at;
        }
        count++;
        int d = view->ndim - 1;
        while (d >= 0 && ++index[d] == view->shape[d]) {
            index[d--] = 0;
        }
        if (d < 0) {
            return count;
        }
    }
}

/** Whether strides exist that put element i of the new shape at places[i]: they can only be these. */
static int strides_exist(int ndim, const int64_t *shape, uint8_t *const *places, int64_t size)
{
    int64_t strides[8], below = 1, index[8] = {0};
    for (int d = ndim - 1; d >= 0; d--) {
        strides[d] = shape[d] > 1 ? (places[below] - places[0]) / size : 0;
        below *= shape[d];
    }
    for (int64_t i = 0; i < below; i++) {
        int64_t rest = i, at = 0;
        for (int d = ndim - 1; d >= 0; d--) {
            index[d] = rest % shape[d];
            rest /= shape[d];
            at += index[d] * strides[d];
        }
        if (places[i] - places[0] != at * size) {
            return 0;
        }
    }
    return 1;
}

static DLTensor random_tensor(uint64_t *state, DLDataType dtype, int64_t *shape, int64_t *strides, int empties)
{
    static const int64_t sizes[] = {1, 2, 3, 4, 6, 1, 2, 2};
    int ndim = (int)(next_random(state) % 5);
    int64_t step = 1 + (next_random(state) % 4 == 0);
    for (int d = 0; d < ndim; d++) {
        shape[d] = sizes[next_random(state) % 8];
        if (empties && next_random(state) % 20 == 0) {
            shape[d] = 0;
        }
    }
    for (int d = ndim - 1; d >= 0; d--) {
        strides[d] = next_random(state) % 6 == 0 ? 0 : next_random(state) % 6 == 0 ? -step : step;
        step *= shape[d] > 0 ? shape[d] : 1;
        if (next_random(state) % 6 == 0) {
            step++;
        }
        if (shape[d] == 1 && next_random(state) % 2) {
            strides[d] = (int64_t)next_random(state);
        }
    }
    if (ndim > 1 && next_random(state) % 4 == 0) {
        int a = (int)(next_random(state) % (unsigned)ndim), b = (int)(next_random(state) % (unsigned)ndim);
        int64_t swap = shape[a];
        shape[a] = shape[b];
        shape[b] = swap;
        swap = strides[a];
        strides[a] = strides[b];
        strides[b] = swap;
    }
    return describe(memory + SPAN / 2, dtype, ndim, shape, strides);
}

static void reshapes(int rounds)
{
    static uint8_t *before[MOST], *after[MOST];
    uint64_t state = 7;
    int views = 0, copies = 0;
    for (int round = 0; round < rounds; round++) {
        int64_t shape[5], strides[5], wanted[6], numel;
        DLTensor data = random_tensor(&state, DTYPE_I16, shape, strides, 1);
        tensor_t *tensor = NULL, *view = NULL;
        CHECK_OK(tensor_as_tensor(&data, NULL, &tensor));
        numel = addresses(tensor_view(tensor), 2, before);
        int ndim = (int)(next_random(&state) % 6);
        int64_t rest = numel;
        for (int d = 0; d < ndim; d++) {
            int64_t size = 1 + (int64_t)(next_random(&state) % 6);
            while (rest > 0 && rest % size) {
                size--;
            }
            wanted[d] = d + 1 == ndim ? rest : numel == 0 ? size : size;
            rest = numel == 0 ? 0 : rest / wanted[d];
        }
        if (ndim == 0 && numel != 1) {
            CHECK_STATUS(tensor_reshape(tensor, 0, NULL, TENSOR_COPY_IF_NEEDED, &view), TENSOR_ERROR_SHAPE);
            tensor_release(tensor);
            continue;
        }
        int can = numel == 0 || strides_exist(ndim, wanted, before, 2);
        tensor_status_t status = tensor_reshape(tensor, ndim, wanted, TENSOR_COPY_NEVER, &view);
        if (status != (can ? TENSOR_OK : TENSOR_ERROR_COPY_NEEDED) && check_failures < 10) {
            fprintf(stderr, "round %d: a view %s, but %s; shape/strides:", round, can ? "exists" : "does not exist",
                    tensor_status_name(status));
            for (int d = 0; d < data.ndim; d++) {
                fprintf(stderr, " %lld/%lld", (long long)shape[d], (long long)strides[d]);
            }
            fprintf(stderr, " to");
            for (int d = 0; d < ndim; d++) {
                fprintf(stderr, " %lld", (long long)wanted[d]);
            }
            fprintf(stderr, "\n");
        }
        CHECK(status == (can ? TENSOR_OK : TENSOR_ERROR_COPY_NEEDED));
        if (status == TENSOR_OK) {
            views++;
            int64_t count = addresses(tensor_view(view), 2, after);
            CHECK(count == numel && memcmp(before, after, (size_t)numel * sizeof *before) == 0);
            tensor_release(view);
        }
        CHECK_OK(tensor_reshape(tensor, ndim, wanted, TENSOR_COPY_ALWAYS, &view));
        CHECK(tensor_is_contiguous(view));
        for (int64_t i = 0; i < numel; i++) {
            CHECK(memcmp((int16_t *)tensor_view(view)->data + i, before[i], 2) == 0);
        }
        copies++;
        tensor_release(view);
        tensor_release(tensor);
    }
    CHECK(views > rounds / 12 && copies - views > rounds / 20);
}

static void strided_views_stay_inside(int rounds)
{
    static uint8_t *places[MOST];
    uint64_t state = 8;
    int inside = 0, outside = 0;
    for (int round = 0; round < rounds; round++) {
        int64_t shape[5], strides[5], wanted[3], steps[3];
        DLTensor data = random_tensor(&state, DTYPE_I16, shape, strides, 0);
        tensor_t *tensor = NULL, *part = NULL, *view = NULL;
        tensor_options_t options = default_options();
        int64_t slack = 0;
        CHECK_OK(tensor_as_tensor(&data, NULL, &tensor));
        int64_t count = addresses(tensor_view(tensor), 2, places);
        uint8_t *lowest = places[0], *highest = places[0] + 2;
        for (int64_t i = 0; i < count; i++) {
            lowest = places[i] < lowest ? places[i] : lowest;
            highest = places[i] + 2 > highest ? places[i] + 2 : highest;
        }
        if (next_random(&state) % 3 == 0) {
            /* Told memory counts instead of reached memory. */
            slack = (int64_t)(next_random(&state) % 12);
            tensor_release(tensor);
            data.byte_offset = (uint64_t)((uint8_t *)data.data - lowest);
            data.data = lowest;
            options.nbytes = (size_t)(highest - lowest + slack);
            CHECK_OK(tensor_as_tensor(&data, &options, &tensor));
            highest += slack;
        }
        part = tensor;
        if (data.ndim > 0 && next_random(&state) % 2) {
            CHECK_OK(tensor_select(tensor, 0, -1, &part));
        }
        const uint8_t *first = tensor_view(part)->data;
        int ndim = (int)(next_random(&state) % 4);
        int64_t offset = (int64_t)(next_random(&state) % 40) - 20, low = 0, high = 0;
        int empty = 0;
        for (int d = 0; d < ndim; d++) {
            wanted[d] = (int64_t)(next_random(&state) % 4) + (next_random(&state) % 8 != 0);
            steps[d] = (int64_t)(next_random(&state) % 13) - 6;
            empty |= wanted[d] == 0;
        }
        for (int d = 0; d < ndim; d++) {
            int64_t reach = (wanted[d] - 1) * steps[d];
            low += reach < 0 ? reach : 0;
            high += reach > 0 ? reach : 0;
        }
        int fits = empty ? -1 : first + 2 * (offset + low) >= lowest && first + 2 * (offset + high) + 2 <= highest;
        tensor_status_t status = tensor_as_strided(part, ndim, wanted, steps, offset, &view);
        if (fits >= 0) {
            CHECK(status == (fits ? TENSOR_OK : TENSOR_ERROR_BOUNDS));
        } else {
            CHECK(status == TENSOR_OK || status == TENSOR_ERROR_BOUNDS);
        }
        if (status == TENSOR_OK && fits > 0) {
            CHECK((const uint8_t *)tensor_view(view)->data == first + 2 * offset);
            inside++;
        }
        outside += fits == 0;
        CHECK((status == TENSOR_OK) == (view != NULL));
        tensor_release(view);
        if (part != tensor) {
            tensor_release(part);
        }
        tensor_release(tensor);
    }
    CHECK(inside > rounds / 20 && outside > rounds / 20);
}

/** Whatever is accepted must lie over exactly the same bytes in the same order. */
static void reinterpreted_bytes(int rounds)
{
    static uint8_t *before[MOST], *after[MOST];
    static const DLDataType dtypes[] = {{kDLInt, 8, 1},   {kDLFloat, 16, 1}, {kDLFloat, 32, 1}, {kDLInt, 64, 1},
                                        {kDLUInt, 8, 3},  {kDLComplex, 128, 1}, {kDLUInt, 16, 3}, {kDLBool, 8, 1}};
    uint64_t state = 9;
    int accepted = 0;
    for (int round = 0; round < rounds; round++) {
        int64_t shape[5], strides[5];
        DLDataType from = dtypes[next_random(&state) % 8], to = dtypes[next_random(&state) % 8];
        int64_t size = from.bits * from.lanes / 8, other = to.bits * to.lanes / 8;
        DLTensor data = random_tensor(&state, from, shape, strides, 1);
        tensor_t *tensor = NULL, *view = NULL;
        if (data.ndim && next_random(&state) % 2) {
            data.shape[data.ndim - 1] *= 3;
        }
        if (tensor_as_tensor(&data, NULL, &tensor) != TENSOR_OK) {
            continue;
        }
        tensor_status_t status = tensor_view_dtype(tensor, &to, &view);
        CHECK(status == TENSOR_OK || status == TENSOR_ERROR_SHAPE);
        CHECK(size != other || status == TENSOR_OK);
        if (status == TENSOR_OK) {
            int64_t unit = size < other ? size : other, n = addresses(tensor_view(tensor), size, before);
            int64_t m = addresses(tensor_view(view), other, after);
            accepted += size != other && n > 1;
            CHECK(n * size == m * other);
            int same = 1;
            if (n <= MOST && m <= MOST && size % unit == 0 && other % unit == 0) {
                for (int64_t i = 0; i < n * size / unit; i++) {
                    same &= before[i * unit / size] + i * unit % size == after[i * unit / other] + i * unit % other;
                }
            }
            CHECK(same);
            tensor_release(view);
        }
        tensor_release(tensor);
    }
    CHECK(accepted > rounds / 30);
}

int main(int argc, char **argv)
{
    const int rounds = argc > 1 && strcmp(argv[1], "tiny") == 0 ? 3000 : 60000;
    for (int i = 0; i < SPAN; i++) {
        memory[i] = (uint8_t)(i * 31 + i / 256);
    }
    reshapes(rounds);
    strided_views_stay_inside(rounds);
    reinterpreted_bytes(rounds);
    return check_result();
}

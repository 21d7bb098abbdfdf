/* Shared memory: an exact answer, compared with the set of bits that each tensor has. */
#include "check.h"

enum { BITS = 4096 };

static uint8_t memory[BITS / 8];

static int64_t collect(const DLTensor *view, int element_bits, uint8_t *bits)
{
    int64_t index[4] = {0}, start = (int64_t)((uint8_t *)view->data - memory) * 8;
    memset(bits, 0, BITS);
    for (int d = 0; d < view->ndim; d++) {
        if (view->shape[d] == 0) {
            return 0;
        }
    }
    for (int64_t count = 1;; count++) {
        int64_t at = start;
        for (int d = 0; d < view->ndim; d++) {
            at += index[d] * view->strides[d] * element_bits;
        }
        for (int b = 0; b < element_bits; b++) {
            bits[at + b] = 1;
        }
        int d = view->ndim - 1;
        while (d >= 0 && ++index[d] == view->shape[d]) {
            index[d--] = 0;
        }
        if (d < 0) {
            return count;
        }
    }
}

static void compared_with_sets_of_bits(int rounds)
{
    static const DLDataType dtypes[] = {{kDLUInt, 8, 1}, {kDLInt, 16, 1}, {kDLFloat, 32, 1}, {kDLUInt, 8, 3},
                                        {kDLInt, 4, 1},  {kDLUInt, 1, 1}, {kDLFloat6_e2m3fn, 6, 1}};
    uint64_t state = 3;
    int shared_count = 0;
    for (int round = 0; round < rounds; round++) {
        tensor_t *tensors[2] = {NULL, NULL};
        static uint8_t bits[2][BITS];
        for (int side = 0; side < 2; side++) {
            DLDataType dtype = dtypes[next_random(&state) % 7];
            int element_bits = dtype.bits * dtype.lanes, ndim = (int)(next_random(&state) % 5);
            int64_t shape[4], strides[4], reach = 700 / element_bits;
            for (int d = 0; d < ndim; d++) {
                shape[d] = (int64_t)(next_random(&state) % 5) + (next_random(&state) % 16 != 0);
                int64_t most = reach / (shape[d] > 1 ? shape[d] - 1 : 1) / 2;
                strides[d] = (int64_t)(next_random(&state) % (uint64_t)(2 * most + 1)) - most;
                reach -= (shape[d] > 1 ? shape[d] - 1 : 0) * (strides[d] < 0 ? -strides[d] : strides[d]);
            }
            DLTensor data = describe(memory + 200 + next_random(&state) % 80, dtype, ndim, shape, strides);
            CHECK_OK(tensor_as_tensor(&data, NULL, &tensors[side]));
            collect(tensor_view(tensors[side]), element_bits, bits[side]);
        }
        int expected = 0;
        for (int b = 0; b < BITS; b++) {
            expected |= bits[0][b] & bits[1][b];
        }
        bool shared = !expected;
        CHECK_OK(tensor_shares_memory(tensors[0], tensors[1], &shared));
        CHECK(shared == (expected != 0));
        shared_count += expected;
        tensor_release(tensors[0]);
        tensor_release(tensors[1]);
    }
    CHECK(shared_count > rounds / 10 && shared_count < rounds / 10 * 9);
}

static void columns_of_one_matrix(void)
{
    int64_t shape[2] = {100, 1}, strides[2] = {4, 1};
    bool shared = true;
    for (int first = 0; first < 4; first++) {
        for (int second = 0; second < 4; second++) {
            DLTensor a = describe(memory + first, DTYPE_U8, 2, shape, strides);
            DLTensor b = describe(memory + second, DTYPE_U8, 2, shape, strides);
            tensor_t *one = NULL, *two = NULL;
            CHECK_OK(tensor_as_tensor(&a, NULL, &one));
            CHECK_OK(tensor_as_tensor(&b, NULL, &two));
            CHECK_OK(tensor_shares_memory(one, two, &shared));
            CHECK(shared == (first == second));
            tensor_release(one);
            tensor_release(two);
        }
    }
}

/** Equations made to be hard: subset sums. An answer, if there is one, is right; otherwise it is said that there is none. */
static void hard_problems_end(void)
{
    enum { DIMS = 40 };
    int64_t shape[DIMS], strides[DIMS];
    uint64_t state = 99;
    int64_t total = 0;
    for (int d = 0; d < DIMS; d++) {
        shape[d] = 2;
        strides[d] = (int64_t)(next_random(&state) >> 12) | 1;
        total += strides[d];
    }
    DLTensor a = describe((void *)(uintptr_t)4096, DTYPE_U8, DIMS, shape, strides);
    DLTensor b = describe((void *)(uintptr_t)(4096 + total / 2), DTYPE_U8, 0, NULL, NULL);
    tensor_t *one = NULL, *two = NULL;
    bool shared = true;
    CHECK_OK(tensor_as_tensor(&a, NULL, &one));
    CHECK_OK(tensor_as_tensor(&b, NULL, &two));
    CHECK_STATUS(tensor_shares_memory(one, two, &shared), TENSOR_ERROR_TOO_HARD);
    CHECK(!shared);
    CHECK_MESSAGE("1048576 steps");
    /* As a destination it might overlap itself, so nothing is written (these addresses cannot be). */
    CHECK_STATUS(tensor_copy_into(one, &b, NULL), TENSOR_ERROR_TOO_HARD);
    tensor_release(one);
    tensor_release(two);
}

static void edges(void)
{
    int64_t shape[1] = {4}, none[1] = {0};
    DLTensor data = describe(memory, DTYPE_U8, 1, shape, NULL), empty = describe(memory, DTYPE_U8, 1, none, NULL);
    tensor_t *tensor = NULL, *nothing = NULL, *device = NULL;
    bool shared = true;
    CHECK_OK(tensor_as_tensor(&data, NULL, &tensor));
    CHECK_OK(tensor_as_tensor(&empty, NULL, &nothing));
    CHECK_OK(tensor_shares_memory(tensor, nothing, &shared));
    CHECK(!shared);
    CHECK_OK(tensor_shares_memory(tensor, tensor, &shared));
    CHECK(shared);
    data.device.device_type = kDLCUDA;
    CHECK_OK(tensor_as_tensor(&data, NULL, &device));
    CHECK_OK(tensor_shares_memory(tensor, device, &shared));
    CHECK(!shared);
    CHECK_STATUS(tensor_shares_memory(NULL, tensor, &shared), TENSOR_ERROR_NULL);
    CHECK_STATUS(tensor_shares_memory(tensor, NULL, &shared), TENSOR_ERROR_NULL);
    CHECK_STATUS(tensor_shares_memory(tensor, tensor, NULL), TENSOR_ERROR_NULL);
    tensor_release(tensor);
    tensor_release(nothing);
    tensor_release(device);
}

int main(int argc, char **argv)
{
    compared_with_sets_of_bits(argc > 1 && strcmp(argv[1], "tiny") == 0 ? 1000 : 30000);
    columns_of_one_matrix();
    hard_problems_end();
    edges();
    return check_result();
}

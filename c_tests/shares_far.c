/* Shared memory of tensors that span the address space: two elements each, so that trying all pairs gives the answer. */
#include "check.h"

/* Bits of the whole address space pass 64. */
__extension__ typedef __int128 wide;

static int meet(wide a, int a_bits, wide b, int b_bits)
{
    return a < b + b_bits && b < a + a_bits;
}

int main(int argc, char **argv)
{
    const int rounds = argc > 1 && strcmp(argv[1], "tiny") == 0 ? 20000 : 400000;
    uint64_t state = 1;
    int asked = 0, wrong = 0, internal = 0, hard = 0, shared_count = 0;
    for (int round = 0; round < rounds; round++) {
        tensor_t *tensors[2] = {NULL, NULL};
        int bits[2];
        wide places[2][2];
        int64_t shape[2][1] = {{2}, {2}}, strides[2][1];
        uint64_t address[2];
        int made = 1;
        for (int side = 0; side < 2; side++) {
            bits[side] = 1 + (int)(next_random(&state) % 15);
            /* Up to the furthest that a layout may reach, 2^63 bits, where the equation's numbers are largest too. */
            strides[side][0] = INT64_MAX / bits[side] - (int64_t)(next_random(&state) >> (2 + next_random(&state) % 40)) / bits[side];
            address[side] = 4096 + (next_random(&state) >> (1 + next_random(&state) % 40));
            if (side == 1 && next_random(&state) % 4 == 0) {
                /* Often one that does meet: near an element of the other. */
                address[1] = (uint64_t)((places[0][1]) / 8) - next_random(&state) % 3;
            }
            DLTensor data = describe((void *)(uintptr_t)address[side], (DLDataType){kDLUInt, 1, (uint16_t)bits[side]}, 1,
                                     shape[side], strides[side]);
            made &= tensor_as_tensor(&data, NULL, &tensors[side]) == TENSOR_OK;
            for (int i = 0; i < 2; i++) {
                places[side][i] = (wide)address[side] * 8 + (wide)i * strides[side][0] * bits[side];
            }
        }
        if (made) {
            int expected = 0;
            for (int i = 0; i < 2; i++) {
                for (int j = 0; j < 2; j++) {
                    expected |= meet(places[0][i], bits[0], places[1][j], bits[1]);
                }
            }
            bool shared = !expected;
            tensor_status_t status = tensor_shares_memory(tensors[0], tensors[1], &shared);
            asked++;
            shared_count += expected;
            hard += status == TENSOR_ERROR_TOO_HARD;
            internal += status == TENSOR_ERROR_INTERNAL;
            int bad = status == TENSOR_OK && shared != (expected != 0);
            if ((bad || status == TENSOR_ERROR_INTERNAL) && wrong + internal < 4) {
                fprintf(stderr, "a: uint1x%d at 0x%llx stride %lld; b: uint1x%d at 0x%llx stride %lld: %s, shared %d, not %d %s\n",
                        bits[0], (unsigned long long)address[0], (long long)strides[0][0], bits[1],
                        (unsigned long long)address[1], (long long)strides[1][0], tensor_status_name(status), shared, expected,
                        status ? tensor_last_error() : "");
            }
            wrong += bad;
            CHECK(!bad && (status == TENSOR_OK || status == TENSOR_ERROR_TOO_HARD));
        }
        tensor_release(tensors[0]);
        tensor_release(tensors[1]);
    }
    if (wrong || internal) {
        fprintf(stderr, "asked %d, share %d: wrong %d, internal errors %d, too hard %d\n", asked, shared_count, wrong, internal, hard);
    }
    CHECK(asked > rounds / 20 && shared_count > rounds / 4000);
    return check_result();
}

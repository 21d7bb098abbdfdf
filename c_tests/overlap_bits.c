/* Overlap of packed elements: filling is compared with a model that works on single bits, through a temporary. */
#include "check.h"

enum { BYTES = 2048, BITS = BYTES * 8, MOST = 4096 };

typedef struct {
    DLDataType dtype;
    int bits, padded, ndim;
    int64_t shape[3], strides[3], start; /* start in bytes */
} side;

static int64_t get(const uint8_t *memory, int64_t bit, int bits, int is_signed)
{
    uint64_t value = 0;
    for (int i = 0; i < bits; i++) {
        value |= (uint64_t)(memory[(bit + i) / 8] >> ((bit + i) % 8) & 1) << i;
    }
    if (is_signed && value >> (bits - 1)) {
        return (int64_t)value - ((int64_t)1 << bits);
    }
    return (int64_t)value;
}

static void put(uint8_t *memory, int64_t bit, int bits, uint64_t value)
{
    for (int i = 0; i < bits; i++) {
        int64_t at = bit + i;
        memory[at / 8] = (uint8_t)((memory[at / 8] & ~(1u << (at % 8))) | (unsigned)(value >> i & 1) << (at % 8));
    }
}

static int64_t bit_of(const side *s, const int64_t *index)
{
    int64_t at = s->start * 8;
    for (int d = 0; d < s->ndim; d++) {
        at += index[d] * s->strides[d] * (s->padded ? 8 : s->bits);
    }
    return at;
}

static side random_side(uint64_t *state, int ndim, const int64_t *shape)
{
    static const int widths[] = {1, 2, 4, 8, 16};
    side s;
    memset(&s, 0, sizeof s);
    s.bits = widths[next_random(state) % 5];
    int is_signed = (int)(next_random(state) % 2);
    s.dtype = (DLDataType){(uint8_t)(is_signed ? kDLInt : kDLUInt), (uint8_t)s.bits, 1};
    s.ndim = ndim;
    s.start = BYTES / 2 + (int64_t)(next_random(state) % 9) - 4;
    for (int d = 0; d < ndim; d++) {
        s.shape[d] = shape[d];
        s.strides[d] = (int64_t)(next_random(state) % 19) - 9;
    }
    if (next_random(state) % 3) {
        int64_t stride = 1 + (int64_t)(next_random(state) % 2);
        int reverse = (int)(next_random(state) % 2);
        for (int d = 0; d < ndim; d++) {
            int at = reverse ? d : ndim - 1 - d;
            s.strides[at] = next_random(state) % 3 ? stride : -stride;
            stride *= shape[at];
        }
    }
    return s;
}

static int next_index(const side *s, int64_t *index)
{
    int d = s->ndim - 1;
    while (d >= 0 && ++index[d] == s->shape[d]) {
        index[d--] = 0;
    }
    return d >= 0;
}

int main(int argc, char **argv)
{
    const int rounds = argc > 1 && strcmp(argv[1], "tiny") == 0 ? 3000 : 60000;
    uint64_t state = 2024;
    int refusals = 0, overlaps = 0, fills = 0;
    for (int round = 0; round < rounds; round++) {
        uint8_t memory[BYTES], expected[BYTES], seen[BITS];
        int ndim = (int)(next_random(&state) % 4);
        int64_t shape[3];
        for (int d = 0; d < ndim; d++) {
            shape[d] = 1 + (int64_t)(next_random(&state) % 5);
        }
        side to = random_side(&state, ndim, shape), from = random_side(&state, ndim, shape);
        for (int d = 0; d < ndim; d++) {
            if (next_random(&state) % 5 == 0) {
                from.shape[d] = 1;
            }
        }
        /* One flag says how both are stored: only the source of tensor_copy_into() has it, so padding is its alone. */
        from.padded = from.bits < 8 && next_random(&state) % 3 == 0;
        for (int i = 0; i < BYTES; i++) {
            memory[i] = expected[i] = (uint8_t)next_random(&state);
        }
        DLTensor source = describe(memory + from.start, from.dtype, ndim, from.shape, from.strides);
        DLTensor target = describe(memory + to.start, to.dtype, ndim, to.shape, to.strides);
        tensor_options_t options = default_options();
        tensor_t *destination = NULL, *handle = NULL;
        options.flags = from.padded ? TENSOR_FLAG_SUBBYTE_PADDED : 0;
        CHECK_OK(tensor_as_tensor(&target, NULL, &destination));
        CHECK_OK(tensor_as_tensor(&source, &options, &handle));

        int meets = 0;
        int64_t index[3] = {0}, values[MOST], count = 0;
        memset(seen, 0, sizeof seen);
        do {
            int64_t other[3];
            for (int d = 0; d < ndim; d++) {
                other[d] = from.shape[d] == 1 ? 0 : index[d];
            }
            for (int b = 0; b < to.bits; b++) {
                meets |= seen[bit_of(&to, index) + b]++;
            }
            values[count++] = get(memory, bit_of(&from, other), from.bits, from.dtype.code == kDLInt);
        } while (next_index(&to, index));
        if (meets) {
            refusals++;
            CHECK_STATUS(tensor_copy_into(destination, &source, &options), TENSOR_ERROR_OVERLAP);
            CHECK_STATUS(tensor_assign(destination, handle, NULL), TENSOR_ERROR_OVERLAP);
        } else {
            bool shared = false;
            CHECK_OK(tensor_shares_memory(destination, handle, &shared));
            overlaps += shared;
            fills++;
            memset(index, 0, sizeof index);
            count = 0;
            do {
                put(expected, bit_of(&to, index), to.bits, (uint64_t)values[count++]);
            } while (next_index(&to, index));
            if (round % 2) {
                CHECK_OK(tensor_copy_into(destination, &source, &options));
            } else {
                CHECK_OK(tensor_assign(destination, handle, NULL));
            }
        }
        if (memcmp(memory, expected, BYTES) != 0 && check_failures < 5) {
            fprintf(stderr, "round %d: %d bits <- %d bits%s\n", round, to.bits, from.bits, from.padded ? " padded" : "");
        }
        CHECK(memcmp(memory, expected, BYTES) == 0);
        tensor_release(handle);
        tensor_release(destination);
    }
    CHECK(refusals > rounds / 15 && overlaps > rounds / 12 && fills > rounds / 3);
    return check_result();
}

/* Filling a tensor: broadcast, converted, and the same under overlap as through a temporary. Errors write nothing. */
#include "check.h"

/* A model of the memory: every case is computed a second time, element by element, from a copy of the bytes. */

enum { MEMORY = 4096 };

typedef struct {
    int ndim;
    int64_t shape[4], strides[4];
    int64_t offset; /* bytes */
} layout;

static int64_t place(const layout *l, const int64_t *index, int64_t size)
{
    int64_t at = l->offset;
    for (int d = 0; d < l->ndim; d++) {
        at += index[d] * l->strides[d] * size;
    }
    return at;
}

/** Copies uint8 or int16 elements of `before` into `after`. The source broadcasts to the destination. */
static void model(const uint8_t *before, const layout *source, int source_size, uint8_t *after, const layout *destination,
                  int destination_size)
{
    int64_t index[4] = {0};
    for (;;) {
        int64_t from[4] = {0};
        for (int d = 0; d < source->ndim; d++) {
            int64_t i = index[destination->ndim - source->ndim + d];
            from[d] = source->shape[d] == 1 ? 0 : i;
        }
        int64_t value = 0;
        if (source_size == 1) {
            value = before[place(source, from, 1)];
        } else {
            int16_t wide;
            memcpy(&wide, before + place(source, from, 2), 2);
            value = wide;
        }
        if (destination_size == 1) {
            after[place(destination, index, 1)] = (uint8_t)value;
        } else {
            int16_t wide = (int16_t)value;
            memcpy(after + place(destination, index, 2), &wide, 2);
        }
        int d = destination->ndim - 1;
        while (d >= 0 && ++index[d] == destination->shape[d]) {
            index[d--] = 0;
        }
        if (d < 0) {
            return;
        }
    }
}

/** Whether two different indices meet: by trying all. */
static int meets_itself(const layout *l, int64_t size)
{
    uint8_t seen[MEMORY] = {0};
    int64_t index[4] = {0};
    for (;;) {
        for (int64_t b = 0; b < size; b++) {
            if (seen[place(l, index, size) + b]++) {
                return 1;
            }
        }
        int d = l->ndim - 1;
        while (d >= 0 && ++index[d] == l->shape[d]) {
            index[d--] = 0;
        }
        if (d < 0) {
            return 0;
        }
    }
}

static layout random_layout(uint64_t *state, int ndim, const int64_t *shape)
{
    layout l = {0};
    l.ndim = ndim;
    l.offset = MEMORY / 2 + (int64_t)(next_random(state) % 40);
    for (int d = 0; d < ndim; d++) {
        l.shape[d] = shape[d];
        l.strides[d] = (int64_t)(next_random(state) % 25) - 12;
    }
    /* Often one that is dense, in some order and direction. */
    if (next_random(state) % 2) {
        int64_t stride = 1;
        int first = (int)(next_random(state) % 2);
        for (int d = 0; d < ndim; d++) {
            int at = first ? d : ndim - 1 - d;
            l.strides[at] = next_random(state) % 3 ? stride : -stride;
            stride *= shape[at];
        }
    }
    return l;
}

static void random_overlaps(int rounds)
{
    uint64_t state = 5;
    int refusals = 0, overlaps = 0;
    for (int round = 0; round < rounds; round++) {
        uint8_t memory[MEMORY], expected[MEMORY];
        int64_t shape[4], source_shape[4];
        int ndim = (int)(next_random(&state) % 4);
        int source_ndim = ndim ? (int)(next_random(&state) % (unsigned)(ndim + 1)) : 0;
        int sizes[2] = {next_random(&state) % 2 ? 1 : 2, next_random(&state) % 2 ? 1 : 2};
        for (int d = 0; d < ndim; d++) {
            shape[d] = 1 + (int64_t)(next_random(&state) % 4);
        }
        for (int d = 0; d < source_ndim; d++) {
            int64_t full = shape[ndim - source_ndim + d];
            source_shape[d] = next_random(&state) % 3 ? full : 1;
        }
        layout destination = random_layout(&state, ndim, shape);
        layout source = random_layout(&state, source_ndim, source_shape);
        for (int i = 0; i < MEMORY; i++) {
            memory[i] = (uint8_t)next_random(&state);
        }
        memcpy(expected, memory, MEMORY);
        DLTensor from = describe(memory, sizes[0] == 1 ? DTYPE_U8 : DTYPE_I16, source_ndim, source.shape, source.strides);
        DLTensor to = describe(memory, sizes[1] == 1 ? DTYPE_U8 : DTYPE_I16, ndim, destination.shape, destination.strides);
        from.byte_offset = (uint64_t)source.offset;
        to.byte_offset = (uint64_t)destination.offset;
        tensor_t *target = NULL, *handle = NULL;
        CHECK_OK(tensor_as_tensor(&to, NULL, &target));
        CHECK_OK(tensor_as_tensor(&from, NULL, &handle));
        if (meets_itself(&destination, sizes[1])) {
            refusals++;
            CHECK_STATUS(tensor_copy_into(target, &from, NULL), TENSOR_ERROR_OVERLAP);
        } else {
            bool shared = false;
            CHECK_OK(tensor_shares_memory(target, handle, &shared));
            overlaps += shared;
            model(memory, &source, sizes[0], expected, &destination, sizes[1]);
            if (round % 2) {
                CHECK_OK(tensor_copy_into(target, &from, NULL));
            } else {
                CHECK_OK(tensor_assign(target, handle, NULL));
            }
        }
        CHECK(memcmp(memory, expected, MEMORY) == 0);
        tensor_release(handle);
        tensor_release(target);
    }
    CHECK(refusals > rounds / 20 && overlaps > rounds / 20);
}

/** Runs of one dtype that overlap, by little and by much, forwards and backwards, short and long. */
static void shifted_runs(void)
{
    enum { MOST = 20000, ROOM = 2 * MOST };
    static const int lengths[] = {2, 8, 100, 600, 1000, 5000, MOST}, shifts[] = {1, 7, 40, 300, 4000};
    static float memory[ROOM], expected[ROOM];
    for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
        for (size_t s = 0; s < sizeof shifts / sizeof *shifts; s++) {
            for (int direction = 0; direction < 2; direction++) {
                int64_t length[1] = {lengths[l]};
                for (int i = 0; i < ROOM; i++) {
                    memory[i] = expected[i] = (float)i;
                }
                float *from = memory + (direction ? shifts[s] : 0), *to = memory + (direction ? 0 : shifts[s]);
                memmove(expected + (to - memory), expected + (from - memory), (size_t)lengths[l] * sizeof *memory);
                DLTensor source = describe(from, DTYPE_F32, 1, length, NULL);
                DLTensor destination = describe(to, DTYPE_F32, 1, length, NULL);
                tensor_t *target = NULL;
                CHECK_OK(tensor_as_tensor(&destination, NULL, &target));
                CHECK_OK(tensor_copy_into(target, &source, NULL));
                CHECK(memcmp(memory, expected, sizeof memory) == 0);
                tensor_release(target);
            }
        }
    }
}

/** Every length up to 129, every misalignment, forwards and backwards, and a transpose; nothing beside them is touched. */
static void lengths_and_alignments(void)
{
    for (int64_t length = 0; length <= 129; length++) {
        for (int shift = 0; shift < 8; shift++) {
            uint8_t source[8 * 130 + 16], target[4 * 130 + 16];
            memset(target, 0xee, sizeof target);
            for (int64_t i = 0; i < length; i++) {
                double value = (double)i - 60;
                memcpy(source + shift + 8 * i, &value, 8);
            }
            int64_t shape[1] = {length}, forwards[1] = {1}, backwards[1] = {-1};
            DLTensor from = describe(source + shift, DTYPE_F64, 1, shape, forwards);
            DLTensor to = describe(target + 7 - shift + (length > 0 ? 4 * (length - 1) : 0), DTYPE_F32, 1, shape, backwards);
            tensor_t *tensor = NULL;
            CHECK_OK(tensor_as_tensor(&to, NULL, &tensor));
            CHECK_OK(tensor_copy_into(tensor, &from, NULL));
            tensor_release(tensor);
            int right = 1;
            for (int64_t i = 0; i < length; i++) {
                float value;
                memcpy(&value, target + 7 - shift + 4 * (length - 1 - i), 4);
                right &= value == (float)i - 60;
            }
            for (int64_t i = 0; i < (int64_t)sizeof target; i++) {
                int inside = i >= 7 - shift && i < 7 - shift + 4 * length;
                right &= inside || target[i] == 0xee;
            }
            CHECK(right);
        }
    }
}

/** Element sizes with and without a path of their own. */
static void every_element_size(void)
{
    for (uint16_t lanes = 1; lanes <= 33; lanes++) {
        uint8_t source[33 * 12], target[33 * 12];
        int64_t shape[2] = {3, 4}, turned[2] = {1, 3};
        for (int i = 0; i < 33 * 12; i++) {
            source[i] = (uint8_t)(i * 7);
        }
        DLTensor from = describe(source, (DLDataType){kDLUInt, 8, lanes}, 2, shape, NULL);
        DLTensor to = describe(target, (DLDataType){kDLUInt, 8, lanes}, 2, shape, turned);
        tensor_t *tensor = NULL;
        CHECK_OK(tensor_as_tensor(&to, NULL, &tensor));
        CHECK_OK(tensor_copy_into(tensor, &from, NULL));
        for (int i = 0; i < 3; i++) {
            for (int j = 0; j < 4; j++) {
                CHECK(memcmp(target + lanes * (i + 3 * j), source + lanes * (4 * i + j), lanes) == 0);
            }
        }
        tensor_release(tensor);
    }
}

static void wrong_destinations_are_left_alone(void)
{
    float numbers[6] = {1, 2, 3, 4, 5, 6}, before[6];
    int64_t shape[2] = {2, 3}, zero[2] = {0, 1}, wrong[1] = {4}, deep[3] = {1, 2, 3}, three[1] = {3};
    DLTensor data = describe(numbers, DTYPE_F32, 2, shape, zero);
    DLTensor source = describe(numbers, DTYPE_F32, 1, three, NULL);
    tensor_options_t options = default_options();
    tensor_t *tensor = NULL;
    memcpy(before, numbers, sizeof numbers);
    CHECK_OK(tensor_as_tensor(&data, NULL, &tensor));
    CHECK_STATUS(tensor_copy_into(tensor, &source, NULL), TENSOR_ERROR_OVERLAP);
    tensor_release(tensor);
    data.strides = NULL;
    CHECK_OK(tensor_as_tensor(&data, NULL, &tensor));
    source.shape = wrong;
    CHECK_STATUS(tensor_copy_into(tensor, &source, NULL), TENSOR_ERROR_SHAPE);
    CHECK_MESSAGE("shape[0] = 4");
    source.shape = deep;
    source.ndim = 3;
    CHECK_STATUS(tensor_copy_into(tensor, &source, NULL), TENSOR_ERROR_SHAPE);
    CHECK_MESSAGE("ndim = 3");
    source = describe(numbers, DTYPE_F64, 1, three, NULL);
    options.casting = TENSOR_CASTING_SAFE;
    CHECK_STATUS(tensor_copy_into(tensor, &source, &options), TENSOR_ERROR_CASTING);
    CHECK_STATUS(tensor_assign(tensor, NULL, NULL), TENSOR_ERROR_NULL);
    CHECK_STATUS(tensor_assign(NULL, tensor, NULL), TENSOR_ERROR_NULL);
    CHECK(memcmp(numbers, before, sizeof numbers) == 0);
    CHECK_OK(tensor_assign(tensor, tensor, NULL));
    CHECK(memcmp(numbers, before, sizeof numbers) == 0);
    tensor_release(tensor);
}

int main(int argc, char **argv)
{
    random_overlaps(argc > 1 && strcmp(argv[1], "tiny") == 0 ? 1000 : 20000);
    shifted_runs();
    lengths_and_alignments();
    every_element_size();
    wrong_destinations_are_left_alone();
    return check_result();
}

/* Loans, rule by rule: what is on one is counted, kept inside, refused, revoked, evacuated. */
#define _GNU_SOURCE
#include "check.h"

#include <sys/mman.h>
#include <unistd.h>

enum { COUNT = 64 };

/** Memory of its own pages, which can be made inaccessible. */
static float *pages(void)
{
    void *memory = mmap(NULL, COUNT * sizeof(float), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        perror("mmap");
        exit(1);
    }
    for (int i = 0; i < COUNT; i++) {
        ((float *)memory)[i] = (float)i;
    }
    return memory;
}

/** The memory is the caller's again: whoever touches it now dies. */
static void shut(float *memory)
{
    CHECK(mprotect(memory, COUNT * sizeof(float), PROT_NONE) == 0);
}

static void unmap(float *memory)
{
    CHECK(munmap(memory, COUNT * sizeof(float)) == 0);
}

static tensor_loan_t *lend(float *memory, uint32_t flags)
{
    tensor_loan_t *loan = NULL;
    CHECK_OK(tensor_loan_open(memory, COUNT * sizeof(float), flags, &loan));
    CHECK(loan != NULL);
    return loan;
}

/** The tensor of 8 x 8 floats on a loan. */
static tensor_t *square(float *memory, tensor_loan_t *loan)
{
    int64_t shape[2] = {8, 8};
    DLTensor data = describe(memory, DTYPE_F32, 2, shape, NULL);
    tensor_options_t options = default_options();
    tensor_t *tensor = NULL;
    options.loan = loan;
    CHECK_OK(tensor_as_tensor(&data, &options, &tensor));
    return tensor;
}

static size_t count(tensor_loan_t *loan, int32_t kind)
{
    size_t number = 99;
    CHECK_OK(tensor_loan_count(loan, kind, &number));
    return number;
}

static float element(tensor_t *tensor, int64_t row, int64_t column)
{
    tensor_t *line = NULL, *one = NULL;
    int64_t shape[1] = {1};
    float value = -1;
    CHECK_OK(tensor_select(tensor, 0, row, &line));
    CHECK_OK(tensor_select(line, 0, column, &one));
    DLTensor place = describe(&value, DTYPE_F32, 0, shape, NULL);
    tensor_t *target = NULL;
    CHECK_OK(tensor_as_tensor(&place, NULL, &target));
    CHECK_OK(tensor_assign(target, one, NULL));
    tensor_release(target);
    tensor_release(one);
    tensor_release(line);
    return value;
}

static void descriptors_are_proved_inside(void)
{
    float *memory = pages();
    tensor_loan_t *loan = NULL;
    CHECK_OK(tensor_loan_open(memory + 8, 16 * sizeof(float), 0, &loan));
    tensor_options_t options = default_options();
    options.loan = loan;
    int64_t shape[2] = {4, 4}, strides[2] = {4, 1}, wide[2] = {5, 1};
    DLTensor data = describe(memory + 8, DTYPE_F32, 2, shape, strides);
    tensor_t *tensor = NULL;
    tensor_plan_t plan = TENSOR_PLAN_INIT;
    CHECK_OK(tensor_plan(&data, &options, &plan));
    CHECK_OK(tensor_as_tensor(&data, &options, &tensor));
    tensor_release(tensor);
    data.strides = wide;
    CHECK_STATUS(tensor_as_tensor(&data, &options, &tensor), TENSOR_ERROR_BOUNDS);
    CHECK_MESSAGE("shape[1] = 4 with strides[1] = 1 reaches byte 75, outside the 64 bytes");
    CHECK(tensor == NULL);
    CHECK_STATUS(tensor_plan(&data, &options, &plan), TENSOR_ERROR_BOUNDS);
    data.strides = strides;
    data.data = memory + 7;
    CHECK_STATUS(tensor_as_tensor(&data, &options, &tensor), TENSOR_ERROR_BOUNDS);
    CHECK_STATUS(tensor_copy(&data, &options, &tensor), TENSOR_ERROR_BOUNDS);
    data.data = memory + 9;
    CHECK_STATUS(tensor_as_tensor(&data, &options, &tensor), TENSOR_ERROR_BOUNDS);
    /* Told more bytes than are lent, the smaller counts. */
    data.data = memory + 8;
    options.nbytes = 1 << 20;
    CHECK_OK(tensor_as_tensor(&data, &options, &tensor));
    tensor_t *view = NULL;
    int64_t beyond[1] = {17}, one[1] = {1};
    CHECK_STATUS(tensor_as_strided(tensor, 1, beyond, one, 0, &view), TENSOR_ERROR_BOUNDS);
    tensor_release(tensor);
    /* The source of a fill is proved as well. */
    float values[16];
    DLTensor own = describe(values, DTYPE_F32, 2, shape, NULL);
    CHECK_OK(tensor_as_tensor(&own, NULL, &tensor));
    options = default_options();
    options.loan = loan;
    CHECK_OK(tensor_copy_into(tensor, &data, &options));
    CHECK(values[0] == 8);
    data.data = memory + 10;
    CHECK_STATUS(tensor_copy_into(tensor, &data, &options), TENSOR_ERROR_BOUNDS);
    tensor_release(tensor);
    /* A tensor is no descriptor. */
    CHECK_OK(tensor_as_tensor(&own, NULL, &tensor));
    CHECK_STATUS(tensor_to(tensor, &options, &view), TENSOR_ERROR_ARGUMENT);
    tensor_release(tensor);
    /* Handles are not addresses. */
    data.data = memory + 8;
    data.device.device_type = kDLOpenCL;
    CHECK_STATUS(tensor_as_tensor(&data, &options, &tensor), TENSOR_ERROR_DEVICE);
    CHECK_OK(tensor_loan_close(loan));
    unmap(memory);
}

static void closing_is_refused_while_there_are_aliases(void)
{
    float *memory = pages();
    tensor_loan_t *loan = lend(memory, 0);
    CHECK(count(loan, TENSOR_LOAN_ALIASES) == 0);
    tensor_t *tensor = square(memory, loan), *view = NULL, *other = square(memory, loan);
    DLManagedTensorVersioned *managed = NULL;
    CHECK_OK(tensor_transpose(tensor, 0, 1, &view));
    CHECK_OK(tensor_to_dlpack(view, NULL, &managed));
    CHECK_OK(tensor_set_label(tensor, "left camera"));
    CHECK_OK(tensor_set_label(view, "a label that is far too long to be kept as a whole \xc3\xa9"));
    CHECK_STATUS(tensor_loan_close(loan), TENSOR_ERROR_BUSY);
    CHECK_MESSAGE("2 tensors, 1 view, 1 export");
    CHECK_MESSAGE("\"left camera\"");
    CHECK_MESSAGE("\"a label that is far too long to");
    CHECK(count(loan, TENSOR_LOAN_TENSORS) == 2);
    CHECK(count(loan, TENSOR_LOAN_VIEWS) == 1);
    CHECK(count(loan, TENSOR_LOAN_EXPORTS) == 1);
    CHECK(count(loan, TENSOR_LOAN_PINS) == 0);
    CHECK(count(loan, TENSOR_LOAN_ALIASES) == 4);
    CHECK_OK(tensor_set_label(tensor, NULL));
    tensor_release(tensor);
    tensor_release(other);
    CHECK_STATUS(tensor_loan_close(loan), TENSOR_ERROR_BUSY);
    CHECK_MESSAGE("busy: 1 view, 1 export");
    tensor_release(view);
    CHECK_STATUS(tensor_loan_close(loan), TENSOR_ERROR_BUSY);
    CHECK_MESSAGE("busy: 1 export");
    managed->deleter(managed);
    CHECK_OK(tensor_loan_close(loan));
    shut(memory);
    unmap(memory);
}

static void a_closed_loan_is_known_for_ever(void)
{
    float *memory = pages();
    tensor_loan_t *loan = lend(memory, 0), *next = NULL, *none = NULL;
    CHECK_OK(tensor_loan_close(loan));
    size_t number = 7;
    for (int round = 0; round < 100; round++) {
        CHECK_STATUS(tensor_loan_close(loan), TENSOR_ERROR_CLOSED);
        CHECK_STATUS(tensor_loan_wait(loan, 0), TENSOR_ERROR_CLOSED);
        CHECK_STATUS(tensor_loan_revoke(loan), TENSOR_ERROR_CLOSED);
        CHECK_STATUS(tensor_loan_evacuate(loan), TENSOR_ERROR_CLOSED);
        CHECK_STATUS(tensor_loan_count(loan, TENSOR_LOAN_PINS, &number), TENSOR_ERROR_CLOSED);
        CHECK(number == 0);
        int64_t shape[1] = {4};
        DLTensor data = describe(memory, DTYPE_F32, 1, shape, NULL);
        tensor_options_t options = default_options();
        tensor_t *tensor = NULL;
        options.loan = loan;
        CHECK_STATUS(tensor_as_tensor(&data, &options, &tensor), TENSOR_ERROR_CLOSED);
        CHECK_STATUS(tensor_copy(&data, &options, &tensor), TENSOR_ERROR_CLOSED);
        CHECK(tensor == NULL);
        /* Another loan in its place does not revive it. */
        next = lend(memory, 0);
        CHECK(next != loan);
        CHECK_STATUS(tensor_loan_close(loan), TENSOR_ERROR_CLOSED);
        CHECK_OK(tensor_loan_close(next));
    }
    /* What never was a handle is found out as well. */
    CHECK_STATUS(tensor_loan_close((tensor_loan_t *)&none), TENSOR_ERROR_CLOSED);
    CHECK_STATUS(tensor_loan_close(NULL), TENSOR_ERROR_NULL);
    CHECK_STATUS(tensor_loan_wait(NULL, 0), TENSOR_ERROR_NULL);
    CHECK_STATUS(tensor_loan_revoke(NULL), TENSOR_ERROR_NULL);
    CHECK_STATUS(tensor_loan_evacuate(NULL), TENSOR_ERROR_NULL);
    CHECK_STATUS(tensor_loan_count(NULL, 0, &number), TENSOR_ERROR_NULL);
    unmap(memory);
}

static void what_can_be_wrong_with_a_loan(void)
{
    float *memory = pages();
    tensor_loan_t *loan = (tensor_loan_t *)memory;
    size_t number;
    CHECK_STATUS(tensor_loan_open(memory, 4, 2, &loan), TENSOR_ERROR_ARGUMENT);
    CHECK(loan == NULL);
    CHECK_STATUS(tensor_loan_open(NULL, 4, 0, &loan), TENSOR_ERROR_NULL);
    CHECK_STATUS(tensor_loan_open(memory, SIZE_MAX, 0, &loan), TENSOR_ERROR_OVERFLOW);
    CHECK_STATUS(tensor_loan_open(memory, 4, 0, NULL), TENSOR_ERROR_NULL);
    CHECK_OK(tensor_loan_open(NULL, 0, 0, &loan));
    CHECK_STATUS(tensor_loan_count(loan, 5, &number), TENSOR_ERROR_ARGUMENT);
    CHECK_STATUS(tensor_loan_count(loan, 0, NULL), TENSOR_ERROR_NULL);
    CHECK_OK(tensor_loan_evacuate(loan));
    CHECK_STATUS(tensor_loan_close(loan), TENSOR_ERROR_CLOSED);
    int64_t shape[1] = {4};
    DLTensor data = describe(memory, DTYPE_F32, 1, shape, NULL);
    tensor_t *tensor = NULL;
    CHECK_OK(tensor_as_tensor(&data, NULL, &tensor));
    CHECK_STATUS(tensor_set_label(tensor, "x"), TENSOR_ERROR_UNSUPPORTED);
    CHECK_STATUS(tensor_set_label(NULL, "x"), TENSOR_ERROR_NULL);
    tensor_release(tensor);
    unmap(memory);
}

static void everything_on_a_read_only_loan_is_read_only(void)
{
    float *memory = pages();
    tensor_loan_t *loan = lend(memory, TENSOR_LOAN_READ_ONLY);
    tensor_t *tensor = square(memory, loan), *view = NULL;
    const DLTensor *raw = NULL;
    CHECK(tensor_is_read_only(tensor));
    CHECK_OK(tensor_select(tensor, 0, 1, &view));
    CHECK(tensor_is_read_only(view));
    CHECK_STATUS(tensor_pin(view, TENSOR_PIN_WRITE, &raw), TENSOR_ERROR_READ_ONLY);
    CHECK_STATUS(tensor_assign(view, tensor, NULL), TENSOR_ERROR_READ_ONLY);
    CHECK_OK(tensor_loan_evacuate(loan));
    shut(memory);
    CHECK(tensor_is_read_only(tensor) && tensor_is_read_only(view));
    CHECK_STATUS(tensor_assign(view, tensor, NULL), TENSOR_ERROR_READ_ONLY);
    tensor_release(tensor);
    tensor_release(view);
    unmap(memory);
}

static void revoked_tensors_reach_nothing(void)
{
    float *memory = pages();
    tensor_loan_t *loan = lend(memory, 0);
    tensor_t *tensor = square(memory, loan), *view = NULL, *out = tensor, *own = NULL, *wider = NULL;
    const DLTensor *raw = NULL;
    int64_t shape[2] = {8, 8};
    float values[64] = {0};
    DLTensor other = describe(values, DTYPE_F32, 2, shape, NULL);
    DLManagedTensorVersioned *managed = NULL;
    DLManagedTensor *legacy = NULL;
    bool shared;
    CHECK_OK(tensor_as_tensor(&other, NULL, &own));
    CHECK_OK(tensor_transpose(tensor, 0, 1, &view));
    CHECK_OK(tensor_loan_revoke(loan));
    shut(memory);
    CHECK_OK(tensor_loan_revoke(loan));
    tensor_t *revoked[2] = {tensor, view};
    for (int i = 0; i < 2; i++) {
        tensor_t *one = revoked[i];
        tensor_options_t options = default_options();
        CHECK_STATUS(tensor_assign(own, one, NULL), TENSOR_ERROR_REVOKED);
        CHECK_STATUS(tensor_assign(one, own, NULL), TENSOR_ERROR_REVOKED);
        CHECK_STATUS(tensor_copy_into(one, &other, NULL), TENSOR_ERROR_REVOKED);
        CHECK_STATUS(tensor_to_dlpack(one, NULL, &managed), TENSOR_ERROR_REVOKED);
        CHECK_STATUS(tensor_to_dlpack_legacy(one, NULL, &legacy), TENSOR_ERROR_REVOKED);
        CHECK(managed == NULL && legacy == NULL);
        CHECK_STATUS(tensor_pin(one, TENSOR_PIN_READ, &raw), TENSOR_ERROR_REVOKED);
        CHECK_STATUS(tensor_pin(one, TENSOR_PIN_WRITE, &raw), TENSOR_ERROR_REVOKED);
        CHECK(raw == NULL);
        CHECK_STATUS(tensor_select(one, 0, 0, &out), TENSOR_ERROR_REVOKED);
        CHECK(out == NULL);
        CHECK_STATUS(tensor_slice(one, 0, 0, 1, 1, &out), TENSOR_ERROR_REVOKED);
        CHECK_STATUS(tensor_transpose(one, 0, 1, &out), TENSOR_ERROR_REVOKED);
        DLDataType int32 = DTYPE_I32;
        CHECK_STATUS(tensor_view_dtype(one, &int32, &out), TENSOR_ERROR_REVOKED);
        CHECK_STATUS(tensor_as_strided(one, 2, shape, shape, 0, &out), TENSOR_ERROR_REVOKED);
        int64_t flat[1] = {64};
        CHECK_STATUS(tensor_reshape(one, 1, flat, TENSOR_COPY_ALWAYS, &out), TENSOR_ERROR_REVOKED);
        CHECK_STATUS(tensor_to(one, NULL, &out), TENSOR_ERROR_REVOKED);
        options.copy = TENSOR_COPY_ALWAYS;
        CHECK_STATUS(tensor_to(one, &options, &out), TENSOR_ERROR_REVOKED);
        CHECK_STATUS(tensor_shares_memory(one, own, &shared), TENSOR_ERROR_REVOKED);
        /* What a tensor says of itself can still be read. */
        CHECK(tensor_ndim(one) == 2 && tensor_shape(one)[0] == 8 && tensor_numel(one) == 64);
        CHECK(tensor_dtype(one).code == kDLFloat && tensor_device(one).device_type == kDLCPU);
        CHECK(tensor_strides(one)[i] == 8);
        CHECK(tensor_nbytes(one) == 256 && tensor_is_contiguous(one) == (i == 0));
        CHECK(tensor_use_count(one) == 2 && !tensor_is_read_only(one));
        CHECK(tensor_view(one)->data == NULL && tensor_view(one)->shape[1] == 8);
        CHECK_OK(tensor_retain(one));
        tensor_release(one);
    }
    CHECK(values[0] == 0);
    int64_t same[1] = {4};
    DLTensor data = describe(memory, DTYPE_F32, 1, same, NULL);
    tensor_options_t options = default_options();
    options.loan = loan;
    CHECK_STATUS(tensor_as_tensor(&data, &options, &wider), TENSOR_ERROR_REVOKED);
    CHECK_STATUS(tensor_copy(&data, &options, &wider), TENSOR_ERROR_REVOKED);
    CHECK_STATUS(tensor_loan_evacuate(loan), TENSOR_ERROR_REVOKED);
    CHECK_OK(tensor_loan_wait(loan, 0));
    CHECK(count(loan, TENSOR_LOAN_ALIASES) == 2);
    CHECK_OK(tensor_loan_close(loan));
    CHECK_STATUS(tensor_loan_close(loan), TENSOR_ERROR_CLOSED);
    CHECK_STATUS(tensor_to(tensor, NULL, &out), TENSOR_ERROR_REVOKED);
    tensor_release(view);
    tensor_release(tensor);
    tensor_release(own);
    unmap(memory);
}

static void who_has_a_pointer_is_in_the_way(void)
{
    float *memory = pages();
    tensor_loan_t *loan = lend(memory, 0);
    tensor_t *tensor = square(memory, loan);
    const DLTensor *raw = NULL;
    DLManagedTensorVersioned *managed = NULL;
    CHECK_OK(tensor_set_label(tensor, "pinned one"));
    CHECK_OK(tensor_pin(tensor, TENSOR_PIN_READ, &raw));
    CHECK(raw->data == memory);
    CHECK_STATUS(tensor_loan_revoke(loan), TENSOR_ERROR_BUSY);
    CHECK_MESSAGE("1 tensor, 1 pin: \"pinned one\"");
    CHECK_STATUS(tensor_loan_evacuate(loan), TENSOR_ERROR_BUSY);
    CHECK(count(loan, TENSOR_LOAN_PINS) == 1);
    CHECK_OK(tensor_unpin(tensor));
    CHECK_OK(tensor_to_dlpack(tensor, NULL, &managed));
    CHECK_STATUS(tensor_loan_revoke(loan), TENSOR_ERROR_BUSY);
    CHECK_STATUS(tensor_loan_evacuate(loan), TENSOR_ERROR_BUSY);
    CHECK_MESSAGE("1 export");
    managed->deleter(managed);
    /* An export of a copy has nothing to do with the loan. */
    tensor_options_t options = default_options();
    options.copy = TENSOR_COPY_ALWAYS;
    CHECK_OK(tensor_to_dlpack(tensor, &options, &managed));
    CHECK(count(loan, TENSOR_LOAN_ALIASES) == 1);
    /* tensor_view() is a pin without an end. */
    tensor_t *seen = NULL;
    CHECK_OK(tensor_to(tensor, NULL, &seen));
    CHECK(tensor_view(seen)->data == memory && tensor_view(seen) == tensor_view(seen));
    CHECK(count(loan, TENSOR_LOAN_PINS) == 1);
    CHECK_STATUS(tensor_loan_revoke(loan), TENSOR_ERROR_BUSY);
    CHECK_STATUS(tensor_loan_evacuate(loan), TENSOR_ERROR_BUSY);
    CHECK_STATUS(tensor_pin(tensor, TENSOR_PIN_WRITE, &raw), TENSOR_ERROR_ALIASED);
    CHECK_OK(tensor_pin(tensor, TENSOR_PIN_READ, &raw));
    CHECK_OK(tensor_unpin(tensor));
    tensor_release(seen);
    CHECK_OK(tensor_loan_revoke(loan));
    CHECK_OK(tensor_loan_close(loan));
    tensor_release(tensor);
    managed->deleter(managed);
    unmap(memory);
}

static void evacuated_tensors_stay_together(void)
{
    float *memory = pages();
    tensor_loan_t *loan = lend(memory, 0);
    tensor_t *tensor = square(memory, loan), *columns = NULL, *flipped = NULL, *again = NULL, *sum = NULL;
    int32_t dims[1] = {0};
    int64_t shape[2] = {3, 2}, strides[2] = {-9, 2};
    DLTensor back = describe(memory + 40, DTYPE_F32, 2, shape, strides);
    tensor_options_t options = default_options();
    options.loan = loan;
    CHECK_OK(tensor_as_tensor(&back, &options, &again));
    CHECK_OK(tensor_slice(tensor, 1, 1, INT64_MAX, 3, &columns));
    CHECK_OK(tensor_flip(columns, 1, dims, &flipped));
    CHECK_OK(tensor_loan_evacuate(loan));
    shut(memory);
    CHECK_STATUS(tensor_loan_close(loan), TENSOR_ERROR_CLOSED);
    const DLTensor *whole = tensor_view(tensor), *part = tensor_view(columns), *turned = tensor_view(flipped),
                   *odd = tensor_view(again);
    float *start = whole->data;
    CHECK(start != memory && ((uintptr_t)start - (uintptr_t)memory) % 64 == 0);
    CHECK((float *)part->data == start + 1 && part->strides[0] == 8 && part->strides[1] == 3 && part->shape[1] == 3);
    CHECK((float *)turned->data == start + 57 && turned->strides[0] == -8);
    CHECK((float *)odd->data == start + 40 && odd->strides[0] == -9 && odd->shape[0] == 3);
    for (int i = 0; i < COUNT; i++) {
        CHECK(start[i] == (float)i);
    }
    /* They go on sharing memory, and so do views that are made now. */
    float value[1] = {-5};
    DLTensor one = describe(value, DTYPE_F32, 0, shape, NULL);
    CHECK_OK(tensor_copy_into(flipped, &one, NULL));
    CHECK(start[1] == -5 && start[0] == 0 && element(tensor, 7, 4) == -5 && element(tensor, 7, 5) == 61);
    bool shared = false;
    CHECK_OK(tensor_shares_memory(tensor, again, &shared));
    CHECK(shared);
    CHECK_OK(tensor_as_strided(flipped, 1, shape, strides + 1, -57, &sum));
    CHECK(tensor_view(sum)->data == start);
    tensor_t *beyond = NULL;
    CHECK_STATUS(tensor_as_strided(tensor, 1, shape, strides + 1, 62, &beyond), TENSOR_ERROR_BOUNDS);
    tensor_release(sum);
    /* Who relies on pins does not know that the memory is another: they go on as they were. */
    const DLTensor *raw = NULL;
    CHECK_OK(tensor_pin(tensor, TENSOR_PIN_WRITE, &raw));
    CHECK_STATUS(tensor_pin(columns, TENSOR_PIN_READ, &raw), TENSOR_ERROR_ALIASED);
    CHECK_STATUS(tensor_copy_into(flipped, &one, NULL), TENSOR_ERROR_ALIASED);
    CHECK_OK(tensor_unpin(tensor));
    DLManagedTensorVersioned *managed = NULL;
    CHECK_OK(tensor_to_dlpack(again, NULL, &managed));
    tensor_release(tensor);
    tensor_release(columns);
    tensor_release(flipped);
    tensor_release(again);
    CHECK(((float *)managed->dl_tensor.data)[0] == 40);
    managed->deleter(managed);
    unmap(memory);
}

static void pins_are_shared_or_for_writing(void)
{
    float *memory = pages();
    tensor_loan_t *loan = lend(memory, 0);
    tensor_t *tensor = square(memory, loan), *even = NULL, *odd = NULL, *row = NULL, *empty = NULL;
    const DLTensor *raw = NULL;
    CHECK_OK(tensor_slice(tensor, 1, 0, INT64_MAX, 2, &even));
    CHECK_OK(tensor_slice(tensor, 1, 1, INT64_MAX, 2, &odd));
    CHECK_OK(tensor_select(tensor, 0, 3, &row));
    CHECK_OK(tensor_slice(tensor, 0, 0, 0, 1, &empty));
    CHECK_OK(tensor_set_label(even, "even columns"));
    CHECK_OK(tensor_pin(even, TENSOR_PIN_WRITE, &raw));
    CHECK_OK(tensor_pin(odd, TENSOR_PIN_READ | TENSOR_PIN_WRITE, &raw));
    CHECK_STATUS(tensor_pin(row, TENSOR_PIN_WRITE, &raw), TENSOR_ERROR_ALIASED);
    CHECK_STATUS(tensor_pin(row, TENSOR_PIN_READ, &raw), TENSOR_ERROR_ALIASED);
    CHECK(raw == NULL);
    CHECK_OK(tensor_unpin(odd));
    CHECK_STATUS(tensor_pin(tensor, TENSOR_PIN_READ, &raw), TENSOR_ERROR_ALIASED);
    CHECK_MESSAGE("for writing by \"even columns\"");
    CHECK_STATUS(tensor_pin(even, TENSOR_PIN_WRITE, &raw), TENSOR_ERROR_ALIASED);
    CHECK_OK(tensor_pin(empty, TENSOR_PIN_WRITE, &raw));
    CHECK_OK(tensor_pin(empty, TENSOR_PIN_READ, &raw));
    CHECK_OK(tensor_unpin(empty));
    CHECK_OK(tensor_unpin(empty));
    /* Fills and copies take their pins themselves. */
    float value[1] = {7};
    int64_t shape[1] = {1};
    DLTensor one = describe(value, DTYPE_F32, 0, shape, NULL);
    tensor_t *out = NULL;
    tensor_options_t options = default_options();
    options.copy = TENSOR_COPY_ALWAYS;
    CHECK_STATUS(tensor_copy_into(row, &one, NULL), TENSOR_ERROR_ALIASED);
    CHECK(memory[24] == 24);
    CHECK_OK(tensor_copy_into(odd, &one, NULL));
    CHECK(memory[25] == 7 && memory[24] == 24);
    CHECK_STATUS(tensor_to(row, &options, &out), TENSOR_ERROR_ALIASED);
    CHECK_STATUS(tensor_assign(odd, even, NULL), TENSOR_ERROR_ALIASED);
    CHECK_OK(tensor_unpin(even));
    /* A fill does not stand in its own way, also where it overlaps. */
    tensor_t *low = NULL, *high = NULL;
    CHECK_OK(tensor_slice(tensor, 0, 0, 7, 1, &low));
    CHECK_OK(tensor_slice(tensor, 0, 1, 8, 1, &high));
    CHECK_OK(tensor_assign(high, low, NULL));
    CHECK(memory[8] == 0 && memory[63] == 7);
    /* Readers: as many as there are, and no writer until the last is done. */
    CHECK_OK(tensor_pin(tensor, TENSOR_PIN_READ, &raw));
    CHECK_OK(tensor_pin(tensor, TENSOR_PIN_READ, &raw));
    CHECK_OK(tensor_pin(row, TENSOR_PIN_READ, &raw));
    CHECK_STATUS(tensor_copy_into(row, &one, NULL), TENSOR_ERROR_ALIASED);
    CHECK_MESSAGE("for reading");
    CHECK_OK(tensor_to(row, &options, &out));
    tensor_release(out);
    CHECK_OK(tensor_unpin(tensor));
    CHECK_OK(tensor_unpin(row));
    CHECK_STATUS(tensor_pin(even, TENSOR_PIN_WRITE, &raw), TENSOR_ERROR_ALIASED);
    CHECK_OK(tensor_unpin(tensor));
    CHECK_STATUS(tensor_unpin(tensor), TENSOR_ERROR_ARGUMENT);
    CHECK_OK(tensor_pin(even, TENSOR_PIN_WRITE, &raw));
    /* A pin is a reference. */
    tensor_release(even);
    CHECK(((float *)raw->data)[0] == 0);
    CHECK_STATUS(tensor_loan_close(loan), TENSOR_ERROR_BUSY);
    CHECK_OK(tensor_unpin(even));
    CHECK_STATUS(tensor_pin(tensor, 0, &raw), TENSOR_ERROR_ARGUMENT);
    CHECK_STATUS(tensor_pin(tensor, 4, &raw), TENSOR_ERROR_ARGUMENT);
    CHECK_STATUS(tensor_pin(NULL, TENSOR_PIN_READ, &raw), TENSOR_ERROR_NULL);
    CHECK_STATUS(tensor_pin(tensor, TENSOR_PIN_READ, NULL), TENSOR_ERROR_NULL);
    CHECK_STATUS(tensor_unpin(NULL), TENSOR_ERROR_NULL);
    tensor_t *all[] = {tensor, odd, row, empty, low, high};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        tensor_release(all[i]);
    }
    CHECK_OK(tensor_loan_close(loan));
    /* Without a loan, only read-only memory is refused. */
    DLTensor own = describe(memory, DTYPE_F32, 1, shape, NULL);
    options = default_options();
    options.flags = TENSOR_FLAG_READ_ONLY;
    CHECK_OK(tensor_as_tensor(&own, &options, &tensor));
    CHECK_STATUS(tensor_pin(tensor, TENSOR_PIN_WRITE, &raw), TENSOR_ERROR_READ_ONLY);
    CHECK_OK(tensor_pin(tensor, TENSOR_PIN_READ, &raw));
    tensor_release(tensor);
    CHECK(raw->data == memory);
    CHECK_OK(tensor_unpin(tensor));
    unmap(memory);
}

static tensor_loan_t *loan_of_deleter;
static tensor_status_t seen_by_deleter[2];
static int deletions;

static void close_in_deleter(void *ctx)
{
    deletions++;
    /* It may wait, and does not wait for itself. */
    seen_by_deleter[0] = tensor_loan_wait(loan_of_deleter, -1);
    seen_by_deleter[1] = tensor_loan_close(loan_of_deleter);
    shut(ctx);
}

static void count_deletion(void *ctx)
{
    (void)ctx;
    deletions++;
}

static tensor_t *adopted(float *memory, tensor_loan_t *loan, tensor_deleter_t deleter)
{
    int64_t shape[1] = {COUNT};
    DLTensor data = describe(memory, DTYPE_F32, 1, shape, NULL);
    tensor_options_t options = default_options();
    tensor_t *tensor = NULL;
    options.loan = loan;
    options.deleter = deleter;
    options.deleter_ctx = memory;
    CHECK_OK(tensor_as_tensor(&data, &options, &tensor));
    return tensor;
}

static void deleters_and_loans(void)
{
    float *memory = pages();
    loan_of_deleter = lend(memory, 0);
    tensor_t *tensor = adopted(memory, loan_of_deleter, close_in_deleter), *view = NULL;
    CHECK_OK(tensor_slice(tensor, 0, 0, 5, 1, &view));
    tensor_release(tensor);
    CHECK(deletions == 0);
    CHECK_STATUS(tensor_loan_wait(loan_of_deleter, 1000), TENSOR_ERROR_BUSY);
    CHECK_MESSAGE("1 view");
    tensor_release(view);
    CHECK(deletions == 1 && seen_by_deleter[0] == TENSOR_OK && seen_by_deleter[1] == TENSOR_OK);
    CHECK_STATUS(tensor_loan_close(loan_of_deleter), TENSOR_ERROR_CLOSED);
    unmap(memory);

    /* Memory that was taken back is not needed any more: exactly once, and when that is so. */
    memory = pages();
    tensor_loan_t *loan = lend(memory, 0);
    deletions = 0;
    tensor = adopted(memory, loan, count_deletion);
    tensor_t *second = adopted(memory, loan, count_deletion);
    CHECK_OK(tensor_select(tensor, 0, 0, &view));
    CHECK_OK(tensor_loan_revoke(loan));
    CHECK(deletions == 2);
    tensor_release(tensor);
    tensor_release(view);
    tensor_release(second);
    CHECK(deletions == 2);
    CHECK_OK(tensor_loan_close(loan));
    loan = lend(memory, 0);
    deletions = 0;
    tensor = adopted(memory, loan, count_deletion);
    CHECK_OK(tensor_loan_evacuate(loan));
    CHECK(deletions == 1);
    tensor_release(tensor);
    CHECK(deletions == 1);
    /* A copy is no alias: the deleter is called before it returns. */
    loan = lend(memory, 0);
    deletions = 0;
    int64_t shape[1] = {COUNT};
    DLTensor data = describe(memory, DTYPE_F32, 1, shape, NULL);
    tensor_options_t options = default_options();
    options.loan = loan;
    options.deleter = count_deletion;
    CHECK_OK(tensor_copy(&data, &options, &tensor));
    CHECK(deletions == 1);
    CHECK_OK(tensor_loan_close(loan));
    tensor_release(tensor);
    /* Nor is one called when something fails. */
    options.loan = loan;
    CHECK_STATUS(tensor_as_tensor(&data, &options, &tensor), TENSOR_ERROR_CLOSED);
    CHECK(deletions == 1);
    unmap(memory);
}

static void give_back_managed(DLManagedTensorVersioned *managed)
{
    (void)managed;
    deletions++;
}

static void imported_memory_can_be_waited_for(void)
{
    float *memory = pages();
    tensor_loan_t *loan = lend(memory, 0);
    int64_t shape[1] = {COUNT}, strides[1] = {1};
    DLManagedTensorVersioned managed, *moved = &managed;
    memset(&managed, 0, sizeof managed);
    managed.version.major = 1;
    managed.deleter = give_back_managed;
    managed.dl_tensor = describe(memory + 1, DTYPE_F32, 1, shape, strides);
    tensor_options_t options = default_options();
    options.loan = loan;
    tensor_t *tensor = NULL;
    deletions = 0;
    CHECK_STATUS(tensor_from_dlpack(&moved, &options, &tensor), TENSOR_ERROR_BOUNDS);
    CHECK(moved == &managed && deletions == 0);
    managed.dl_tensor.data = memory;
    CHECK_OK(tensor_from_dlpack(&moved, &options, &tensor));
    CHECK(moved == NULL);
    CHECK_STATUS(tensor_loan_wait(loan, 0), TENSOR_ERROR_BUSY);
    tensor_release(tensor);
    CHECK(deletions == 1);
    CHECK_OK(tensor_loan_wait(loan, 0));
    CHECK_OK(tensor_loan_close(loan));
    unmap(memory);
}

static void more_loans_than_there_is_room_for_at_first(void)
{
    static tensor_loan_t *loans[200];
    static tensor_t *tensors[200];
    float *memory = pages();
    for (int i = 0; i < 200; i++) {
        loans[i] = lend(memory, 0);
        tensors[i] = square(memory, loans[i]);
    }
    for (int i = 0; i < 200; i++) {
        for (int other = i + 1; other < 200; other++) {
            CHECK(loans[i] != loans[other]);
        }
        CHECK_STATUS(tensor_loan_close(loans[i]), TENSOR_ERROR_BUSY);
        tensor_release(tensors[i]);
        CHECK_OK(tensor_loan_close(loans[i]));
    }
    unmap(memory);
}

static void views_of_every_kind_are_evacuated(void)
{
    /* Packed elements, broadcasts, scalars, high ranks and nothing at all. */
    float *memory = pages();
    uint8_t *bytes = (uint8_t *)memory;
    tensor_loan_t *loan = lend(memory, 0);
    tensor_options_t options = default_options();
    options.loan = loan;
    int64_t nibbles[1] = {7}, none[2] = {0, 3}, repeat[2] = {3, 4}, zero[2] = {0, 1}, high[64], ones[64];
    for (int i = 0; i < 64; i++) {
        high[i] = i < 3 ? 2 : 1;
        ones[i] = i < 3 ? 1 << i : -1000000;
    }
    DLTensor packed = describe(bytes + 3, DTYPE_U4, 1, nibbles, NULL), empty = describe(bytes + 9, DTYPE_F32, 2, none, NULL),
             broadcast = describe(bytes + 16, DTYPE_F32, 2, repeat, zero),
             deep = describe(bytes + 101, DTYPE_U8, 64, high, ones);
    DLTensor *data[4] = {&packed, &empty, &broadcast, &deep};
    tensor_t *tensors[4] = {NULL};
    uint8_t before[32];
    memcpy(before, bytes + 3, 4);
    memcpy(before + 4, bytes + 16, 16);
    memcpy(before + 20, bytes + 101, 8);
    for (int i = 0; i < 4; i++) {
        CHECK_OK(tensor_as_tensor(data[i], &options, &tensors[i]));
    }
    CHECK_OK(tensor_loan_evacuate(loan));
    shut(memory);
    CHECK(memcmp(tensor_view(tensors[0])->data, before, 4) == 0);
    CHECK(memcmp(tensor_view(tensors[2])->data, before + 4, 16) == 0);
    CHECK(memcmp(tensor_view(tensors[3])->data, before + 20, 8) == 0);
    CHECK(tensor_view(tensors[3])->strides[63] == -1000000 && tensor_numel(tensors[1]) == 0);
    for (int i = 0; i < 4; i++) {
        tensor_t *copy = NULL;
        tensor_options_t always = default_options();
        always.copy = TENSOR_COPY_ALWAYS;
        CHECK_OK(tensor_to(tensors[i], &always, &copy));
        tensor_release(copy);
        tensor_release(tensors[i]);
    }
    unmap(memory);
}

int main(void)
{
    descriptors_are_proved_inside();
    closing_is_refused_while_there_are_aliases();
    a_closed_loan_is_known_for_ever();
    what_can_be_wrong_with_a_loan();
    everything_on_a_read_only_loan_is_read_only();
    revoked_tensors_reach_nothing();
    who_has_a_pointer_is_in_the_way();
    evacuated_tensors_stay_together();
    pins_are_shared_or_for_writing();
    deleters_and_loans();
    imported_memory_can_be_waited_for();
    more_loans_than_there_is_room_for_at_first();
    views_of_every_kind_are_evacuated();
    return check_result();
}

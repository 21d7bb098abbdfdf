/* The binary interface: sizes, offsets and numbers that compiled programs have built in. */
#include "check.h"

#include <stddef.h>

/* Every size is that of the 64-bit platforms this library is for. */
_Static_assert(sizeof(void *) == 8 && sizeof(size_t) == 8, "64-bit pointers");

#define SIZE(type, size) _Static_assert(sizeof(type) == (size), "size of " #type)
#define AT(type, field, offset) _Static_assert(offsetof(type, field) == (offset), "place of " #type "." #field)
#define IS(name, value) _Static_assert((name) == (value), "value of " #name)

SIZE(tensor_status_t, 4);

SIZE(tensor_options_t, 80);
AT(tensor_options_t, struct_size, 0);
AT(tensor_options_t, flags, 4);
AT(tensor_options_t, dtype, 8);
AT(tensor_options_t, device, 16);
AT(tensor_options_t, copy, 24);
AT(tensor_options_t, casting, 28);
AT(tensor_options_t, overflow, 32);
AT(tensor_options_t, reserved, 36);
AT(tensor_options_t, alignment, 40);
AT(tensor_options_t, nbytes, 48);
AT(tensor_options_t, loan, 56);
AT(tensor_options_t, deleter, 64);
AT(tensor_options_t, deleter_ctx, 72);

SIZE(tensor_plan_t, 24);
AT(tensor_plan_t, struct_size, 0);
AT(tensor_plan_t, action, 4);
AT(tensor_plan_t, reasons, 8);
AT(tensor_plan_t, reserved, 12);
AT(tensor_plan_t, bytes_moved, 16);

SIZE(DLDataType, 4);
SIZE(DLDevice, 8);
SIZE(DLPackVersion, 8);
SIZE(DLTensor, 48);
SIZE(DLManagedTensor, 64);
SIZE(DLManagedTensorVersioned, 80);
AT(DLTensor, device, 8);
AT(DLTensor, ndim, 16);
AT(DLTensor, dtype, 20);
AT(DLTensor, shape, 24);
AT(DLTensor, strides, 32);
AT(DLTensor, byte_offset, 40);
AT(DLManagedTensor, manager_ctx, 48);
AT(DLManagedTensor, deleter, 56);
AT(DLManagedTensorVersioned, manager_ctx, 8);
AT(DLManagedTensorVersioned, deleter, 16);
AT(DLManagedTensorVersioned, flags, 24);
AT(DLManagedTensorVersioned, dl_tensor, 32);

IS(TENSOR_COPY_IF_NEEDED, 0);
IS(TENSOR_COPY_NEVER, 1);
IS(TENSOR_COPY_ALWAYS, 2);
IS(TENSOR_CASTING_UNSAFE, 0);
IS(TENSOR_CASTING_SAME_KIND, 1);
IS(TENSOR_CASTING_SAFE, 2);
IS(TENSOR_CASTING_EQUIV, 3);
IS(TENSOR_CASTING_EXACT, 4);
IS(TENSOR_OVERFLOW_DEFAULT, 0);
IS(TENSOR_OVERFLOW_NAN, 1);
IS(TENSOR_OVERFLOW_SATURATE, 2);
IS(TENSOR_FLAG_READ_ONLY, 1);
IS(TENSOR_FLAG_CONTIGUOUS, 2);
IS(TENSOR_FLAG_REQUIRES_GRAD, 4);
IS(TENSOR_BACKWARD_RETAIN_GRAPH, 1);
IS(TENSOR_FLAG_SUBBYTE_PADDED, 8);
IS(TENSOR_ACTION_ALIAS, 0);
IS(TENSOR_ACTION_COPY, 1);
IS(TENSOR_REASON_DTYPE, 1);
IS(TENSOR_REASON_DEVICE, 2);
IS(TENSOR_REASON_LAYOUT, 4);
IS(TENSOR_REASON_ALIGNMENT, 8);
IS(TENSOR_REASON_REQUESTED, 16);
IS(TENSOR_MAX_NDIM, 64);
IS(TENSOR_ALL_DIMS, INT32_MIN);
IS(TENSOR_ABI_VERSION, 1);

/** The statuses in the order of their numbers, which are never given to another name. */
static const struct {
    tensor_status_t status;
    const char *name;
} statuses[] = {
#define STATUS(name) {name, #name}
    STATUS(TENSOR_OK),
    STATUS(TENSOR_ERROR_NULL),
    STATUS(TENSOR_ERROR_ARGUMENT),
    STATUS(TENSOR_ERROR_SHAPE),
    STATUS(TENSOR_ERROR_OVERFLOW),
    STATUS(TENSOR_ERROR_BOUNDS),
    STATUS(TENSOR_ERROR_INDEX),
    STATUS(TENSOR_ERROR_DTYPE),
    STATUS(TENSOR_ERROR_DEVICE),
    STATUS(TENSOR_ERROR_CASTING),
    STATUS(TENSOR_ERROR_INEXACT),
    STATUS(TENSOR_ERROR_COPY_NEEDED),
    STATUS(TENSOR_ERROR_READ_ONLY),
    STATUS(TENSOR_ERROR_OVERLAP),
    STATUS(TENSOR_ERROR_TOO_HARD),
    STATUS(TENSOR_ERROR_UNSUPPORTED),
    STATUS(TENSOR_ERROR_OUT_OF_MEMORY),
    STATUS(TENSOR_ERROR_VERSION),
    STATUS(TENSOR_ERROR_COUNT),
    STATUS(TENSOR_ERROR_INTERNAL),
    STATUS(TENSOR_ERROR_BUSY),
    STATUS(TENSOR_ERROR_REVOKED),
    STATUS(TENSOR_ERROR_ALIASED),
    STATUS(TENSOR_ERROR_CLOSED),
    STATUS(TENSOR_ERROR_GRADIENT),
    STATUS(TENSOR_ERROR_CALLBACK),
};

static void statuses_have_their_numbers_and_names(void)
{
    tensor_status_t count = (tensor_status_t)(sizeof statuses / sizeof *statuses);
    for (tensor_status_t i = 0; i < count; i++) {
        CHECK(statuses[i].status == i);
        CHECK(strcmp(tensor_status_name(i), statuses[i].name) == 0);
    }
    CHECK(strcmp(tensor_status_name(count), "TENSOR_ERROR_UNKNOWN") == 0);
    CHECK(strcmp(tensor_status_name(-1), "TENSOR_ERROR_UNKNOWN") == 0);
}

static void initialisers_set_the_size_and_nothing_else(void)
{
    tensor_options_t options = TENSOR_OPTIONS_INIT, no_options;
    tensor_plan_t plan = TENSOR_PLAN_INIT, no_plan;
    memset(&no_options, 0, sizeof no_options);
    memset(&no_plan, 0, sizeof no_plan);
    no_options.struct_size = sizeof no_options;
    no_plan.struct_size = sizeof no_plan;
    /* Neither struct has padding, so their bytes can be compared. */
    CHECK(memcmp(&options, &no_options, sizeof options) == 0);
    CHECK(memcmp(&plan, &no_plan, sizeof plan) == 0);
}

static void library_is_that_of_the_header(void)
{
    CHECK(tensor_abi_version() == TENSOR_ABI_VERSION);
}

int main(void)
{
    statuses_have_their_numbers_and_names();
    initialisers_set_the_size_and_nothing_else();
    library_is_that_of_the_header();
    return check_result();
}

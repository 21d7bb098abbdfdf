/* Plans of random descriptors and options: the plan is what happens, for every entry point that makes a tensor. */
#include "check.h"

static uint8_t memory[65536];
static int deleted, calls;

static void count_deletion(void *ctx)
{
    (void)ctx;
    deleted++;
}

static void managed_deleter(DLManagedTensorVersioned *self)
{
    (void)self;
    deleted++;
}

int main(int argc, char **argv)
{
    static const DLDataType dtypes[] = {{kDLFloat, 32, 1}, {kDLFloat, 64, 1}, {kDLInt, 8, 1},  {kDLInt, 4, 1},
                                        {kDLUInt, 1, 1},   {kDLBool, 8, 1},   {kDLInt, 64, 1}, {kDLFloat4_e2m1fn, 4, 2},
                                        {kDLOpaqueHandle, 64, 1}, {kDLComplex, 64, 1}, {kDLFloat8_e8m0fnu, 8, 1}};
    static const int devices[] = {kDLCPU, kDLCPU, kDLCPU, kDLCUDAHost, kDLCUDAManaged, kDLCUDA};
    const int rounds = argc > 1 && strcmp(argv[1], "tiny") == 0 ? 5000 : 100000;
    uint64_t state = 77;
    int copies = 0, aliases = 0, errors = 0;
    for (int i = 0; i < 65536; i++) {
        memory[i] = (uint8_t)next_random(&state);
    }
    for (int round = 0; round < rounds; round++) {
        int64_t shape[3], strides[3];
        int ndim = (int)(next_random(&state) % 4);
        for (int d = 0; d < ndim; d++) {
            shape[d] = (int64_t)(next_random(&state) % 5) + (next_random(&state) % 10 != 0);
            strides[d] = (int64_t)(next_random(&state) % 41) - 20;
        }
        DLDataType dtype = dtypes[next_random(&state) % 11], wanted = dtypes[next_random(&state) % 11];
        DLTensor data = describe(memory + 32768 + next_random(&state) % 64, dtype, ndim, shape,
                                 next_random(&state) % 2 ? strides : NULL);
        int32_t type = devices[next_random(&state) % 6];
        DLDevice cpu = {kDLCPU, 0};
        memcpy(&data.device.device_type, &type, sizeof type);
        tensor_options_t options = default_options();
        options.dtype = next_random(&state) % 2 ? &wanted : NULL;
        options.device = next_random(&state) % 3 ? NULL : &cpu;
        options.copy = (int32_t)(next_random(&state) % 3);
        options.casting = next_random(&state) % 2 ? 0 : (int32_t)(next_random(&state) % 5);
        options.overflow = (int32_t)(next_random(&state) % 3);
        options.alignment = next_random(&state) % 2 ? 0 : (size_t)1 << next_random(&state) % 9;
        options.flags = (uint32_t)(next_random(&state) % 4);
        int padded = next_random(&state) % 4 == 0;
        options.flags |= padded ? TENSOR_FLAG_SUBBYTE_PADDED : 0;
        options.deleter = count_deletion;

        tensor_plan_t plan = TENSOR_PLAN_INIT, origin = TENSOR_PLAN_INIT;
        tensor_t *tensor = NULL, *other = NULL;
        deleted = 0;
        tensor_status_t planned = tensor_plan(&data, &options, &plan);
        CHECK(deleted == 0);
        tensor_status_t made = tensor_as_tensor(&data, &options, &tensor);
        CHECK(planned == made || (planned == TENSOR_OK && made == TENSOR_ERROR_INEXACT));
        CHECK((made == TENSOR_OK) == (tensor != NULL));
        CHECK(deleted == (made == TENSOR_OK && plan.action == TENSOR_ACTION_COPY));
        if (made == TENSOR_OK) {
            CHECK_OK(tensor_origin(tensor, &origin));
            CHECK(memcmp(&plan, &origin, sizeof plan) == 0);
            CHECK((plan.action == TENSOR_ACTION_COPY) == (plan.reasons != 0));
            CHECK(plan.bytes_moved == (plan.reasons ? tensor_nbytes(tensor) : 0));
            CHECK(!plan.reasons || options.copy != TENSOR_COPY_NEVER);
            CHECK(!!(plan.reasons & TENSOR_REASON_REQUESTED) == (options.copy == TENSOR_COPY_ALWAYS));
            CHECK(tensor_is_read_only(tensor) == !!(options.flags & TENSOR_FLAG_READ_ONLY));
            CHECK(!(options.flags & TENSOR_FLAG_CONTIGUOUS) || tensor_is_contiguous(tensor));
            if (options.dtype) {
                CHECK(memcmp(&tensor_view(tensor)->dtype, &wanted, sizeof wanted) == 0);
            }
            if (plan.reasons) {
                copies++;
                CHECK(tensor_view(tensor)->device.device_type == kDLCPU && tensor_is_contiguous(tensor));
                CHECK((uintptr_t)tensor_view(tensor)->data % (options.alignment > 64 ? options.alignment : 64) == 0);
            } else {
                aliases++;
                CHECK(tensor_view(tensor)->data == data.data);
            }
        } else {
            errors++;
            CHECK(plan.bytes_moved == 0 || planned == TENSOR_OK);
        }
        int expected = made == TENSOR_OK;
        tensor_release(tensor);
        CHECK(deleted == expected);

        /* The same through DLPack; there padding is the managed tensor's to tell. */
        DLManagedTensorVersioned managed, *moved = &managed;
        memset(&managed, 0, sizeof managed);
        managed.version.major = 1;
        managed.deleter = managed_deleter;
        managed.dl_tensor = data;
        managed.flags = padded ? DLPACK_FLAG_BITMASK_IS_SUBBYTE_TYPE_PADDED : 0;
        options.deleter = NULL;
        options.flags &= ~(uint32_t)TENSOR_FLAG_SUBBYTE_PADDED;
        deleted = 0;
        tensor_status_t imported = tensor_from_dlpack(&moved, &options, &other);
        if (imported != made && calls++ < 5) {
            fprintf(stderr, "round %d: as_tensor %s, from_dlpack %s (%s)\n", round, tensor_status_name(made),
                    tensor_status_name(imported), tensor_last_error());
        }
        CHECK(imported == made);
        CHECK((moved == NULL) == (imported == TENSOR_OK));
        CHECK(deleted == (imported == TENSOR_OK && plan.action == TENSOR_ACTION_COPY));
        if (other) {
            tensor_plan_t again = TENSOR_PLAN_INIT;
            CHECK_OK(tensor_origin(other, &again));
            CHECK(memcmp(&plan, &again, sizeof plan) == 0);
        }
        tensor_release(other);
        CHECK(deleted == (imported == TENSOR_OK));

        /* tensor_copy() is the same with one more reason. */
        tensor_status_t copied = tensor_copy(&data, &options, &other);
        if (made == TENSOR_OK && options.copy != TENSOR_COPY_NEVER && !padded && type != kDLCUDA) {
            CHECK_OK(copied);
        }
        CHECK(options.copy != TENSOR_COPY_NEVER || copied != TENSOR_OK);
        tensor_release(other);
    }
    CHECK(copies > rounds / 10 && aliases > rounds / 10 && errors > rounds / 10);
    return check_result();
}

/* Plans: what tensor_plan() says is what tensor_as_tensor() does, and tensor_origin() says it again. */
#include "check.h"

static float numbers[24 + 16];

static void every_combination(void)
{
    int64_t shape[2] = {4, 6}, row_major[2] = {6, 1}, turned[2] = {1, 4};
    DLDataType dtypes[3] = {DTYPE_F32, DTYPE_F64, DTYPE_I8};
    DLDevice cpu = {kDLCPU, 0};
    for (int layout = 0; layout < 2; layout++) {
        for (int dtype = -1; dtype < 3; dtype++) {
            for (int device = 0; device < 2; device++) {
                for (int contiguous = 0; contiguous < 2; contiguous++) {
                    for (size_t alignment = 0; alignment <= 256; alignment = alignment ? alignment * 16 : 1) {
                        for (int copy = 0; copy < 3; copy++) {
                            void *data = (uint8_t *)numbers + 4;
                            DLTensor source = describe(data, DTYPE_F32, 2, shape, layout ? turned : row_major);
                            tensor_options_t options = default_options();
                            tensor_plan_t plan = TENSOR_PLAN_INIT, origin = TENSOR_PLAN_INIT;
                            tensor_t *tensor = NULL;
                            options.dtype = dtype < 0 ? NULL : &dtypes[dtype];
                            options.device = device ? &cpu : NULL;
                            options.flags = contiguous ? TENSOR_FLAG_CONTIGUOUS : 0;
                            options.alignment = alignment;
                            options.copy = copy;
                            uint32_t reasons = 0;
                            reasons |= dtype > 0 ? TENSOR_REASON_DTYPE : 0;
                            reasons |= contiguous && layout ? TENSOR_REASON_LAYOUT : 0;
                            reasons |= alignment && (uintptr_t)data % alignment ? TENSOR_REASON_ALIGNMENT : 0;
                            reasons |= copy == TENSOR_COPY_ALWAYS ? TENSOR_REASON_REQUESTED : 0;
                            int32_t action = reasons ? TENSOR_ACTION_COPY : TENSOR_ACTION_ALIAS;
                            if (copy == TENSOR_COPY_NEVER && reasons) {
                                CHECK_STATUS(tensor_plan(&source, &options, &plan), TENSOR_ERROR_COPY_NEEDED);
                                CHECK_STATUS(tensor_as_tensor(&source, &options, &tensor), TENSOR_ERROR_COPY_NEEDED);
                                CHECK_MESSAGE(reasons & TENSOR_REASON_DTYPE    ? "dtype"
                                              : reasons & TENSOR_REASON_LAYOUT ? "layout"
                                                                               : "alignment");
                                CHECK(tensor == NULL);
                                continue;
                            }
                            CHECK_OK(tensor_plan(&source, &options, &plan));
                            CHECK_OK(tensor_as_tensor(&source, &options, &tensor));
                            CHECK_OK(tensor_origin(tensor, &origin));
                            CHECK(plan.action == action && plan.reasons == reasons);
                            CHECK(plan.bytes_moved == (reasons ? 24 * (dtype == 1 ? 8 : dtype == 2 ? 1 : 4) : 0));
                            CHECK(memcmp(&plan, &origin, sizeof plan) == 0);
                            CHECK((tensor_view(tensor)->data == data) == (action == TENSOR_ACTION_ALIAS));
                            CHECK(!alignment || (uintptr_t)tensor_view(tensor)->data % alignment == 0);
                            CHECK(!contiguous || tensor_is_contiguous(tensor));
                            tensor_release(tensor);
                        }
                    }
                }
            }
        }
    }
}

static void a_plan_says_what_will_fail(void)
{
    int64_t shape[1] = {4};
    DLTensor source = describe(numbers, DTYPE_F32, 1, shape, NULL);
    DLDataType dtype = DTYPE_I8;
    tensor_options_t options = default_options();
    tensor_plan_t plan = TENSOR_PLAN_INIT;
    options.dtype = &dtype;
    options.casting = TENSOR_CASTING_SAFE;
    CHECK_STATUS(tensor_plan(&source, &options, &plan), TENSOR_ERROR_CASTING);
    source.device.device_type = kDLCUDA;
    options.casting = TENSOR_CASTING_UNSAFE;
    CHECK_STATUS(tensor_plan(&source, &options, &plan), TENSOR_ERROR_DEVICE);
    CHECK_OK(tensor_plan(&source, NULL, &plan));
    CHECK(plan.action == TENSOR_ACTION_ALIAS);
    plan.struct_size = 4;
    CHECK_STATUS(tensor_plan(&source, NULL, &plan), TENSOR_ERROR_ARGUMENT);
    CHECK_MESSAGE("plan.struct_size = 4");
    CHECK_STATUS(tensor_origin(NULL, NULL), TENSOR_ERROR_NULL);
}

static void origins_of_other_makers(void)
{
    int64_t shape[1] = {4};
    DLTensor source = describe(numbers, DTYPE_F32, 1, shape, NULL);
    tensor_plan_t origin = TENSOR_PLAN_INIT;
    tensor_t *copy = NULL, *same = NULL;
    CHECK_OK(tensor_copy(&source, NULL, &copy));
    CHECK_OK(tensor_origin(copy, &origin));
    CHECK(origin.action == TENSOR_ACTION_COPY && origin.reasons == TENSOR_REASON_REQUESTED && origin.bytes_moved == 16);
    CHECK_OK(tensor_to(copy, NULL, &same));
    CHECK_OK(tensor_origin(same, &origin));
    CHECK(origin.action == TENSOR_ACTION_ALIAS && origin.reasons == 0 && origin.bytes_moved == 0);
    CHECK(tensor_view(same)->data == tensor_view(copy)->data);
    tensor_release(same);
    tensor_release(copy);
}

int main(void)
{
    every_combination();
    a_plan_says_what_will_fail();
    origins_of_other_makers();
    return check_result();
}

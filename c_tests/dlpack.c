/* DLPack: taking over managed tensors, and giving them. Ownership moves exactly when the pointer becomes NULL. */
#include "check.h"

static int deleted;

static void versioned_deleter(DLManagedTensorVersioned *self)
{
    deleted++;
    free(self);
}

static void legacy_deleter(DLManagedTensor *self)
{
    deleted++;
    free(self);
}

static float numbers[12];
static int64_t shape[2] = {3, 4}, strides[2] = {4, 1};

static DLManagedTensorVersioned *managed(uint64_t flags)
{
    DLManagedTensorVersioned *m = calloc(1, sizeof *m);
    if (!m) {
        abort();
    }
    m->version.major = 1;
    m->version.minor = 0;
    m->deleter = versioned_deleter;
    m->flags = flags;
    m->dl_tensor = describe(numbers, DTYPE_F32, 2, shape, strides);
    deleted = 0;
    return m;
}

static DLManagedTensor *managed_legacy(void)
{
    DLManagedTensor *m = calloc(1, sizeof *m);
    if (!m) {
        abort();
    }
    m->deleter = legacy_deleter;
    m->dl_tensor = describe(numbers, DTYPE_F32, 2, shape, NULL);
    deleted = 0;
    return m;
}

static void imports_take_over(void)
{
    DLManagedTensorVersioned *m = managed(0);
    tensor_t *tensor = NULL, *view = NULL;
    CHECK_OK(tensor_from_dlpack(&m, NULL, &tensor));
    CHECK(m == NULL);
    CHECK(tensor_view(tensor)->data == numbers);
    CHECK(!tensor_is_read_only(tensor));
    CHECK_OK(tensor_select(tensor, 0, 1, &view));
    tensor_release(tensor);
    CHECK(deleted == 0);
    tensor_release(view);
    CHECK(deleted == 1);

    DLManagedTensor *legacy = managed_legacy();
    CHECK_OK(tensor_from_dlpack_legacy(&legacy, NULL, &tensor));
    CHECK(legacy == NULL);
    CHECK(tensor_view(tensor)->strides[0] == 4 && tensor_view(tensor)->strides[1] == 1);
    tensor_release(tensor);
    CHECK(deleted == 1);
}

static void imports_that_convert_give_back_at_once(void)
{
    DLManagedTensorVersioned *m = managed(0);
    DLDataType dtype = DTYPE_F64;
    tensor_options_t options = default_options();
    tensor_t *tensor = NULL;
    options.dtype = &dtype;
    numbers[5] = 2.5f;
    CHECK_OK(tensor_from_dlpack(&m, &options, &tensor));
    CHECK(m == NULL && deleted == 1);
    CHECK(((double *)tensor_view(tensor)->data)[5] == 2.5);
    tensor_release(tensor);
    CHECK(deleted == 1);
}

static void errors_leave_ownership(void)
{
    DLManagedTensorVersioned *m = managed(0), *same = m;
    tensor_options_t options = default_options();
    tensor_t *tensor = NULL;
    options.flags = 64;
    CHECK_STATUS(tensor_from_dlpack(&m, &options, &tensor), TENSOR_ERROR_ARGUMENT);
    CHECK(m == same && deleted == 0 && tensor == NULL);
    CHECK_STATUS(tensor_from_dlpack(&m, NULL, NULL), TENSOR_ERROR_NULL);
    CHECK(m == same && deleted == 0);
    DLDataType dtype = DTYPE_I8;
    options = default_options();
    options.dtype = &dtype;
    options.copy = TENSOR_COPY_NEVER;
    CHECK_STATUS(tensor_from_dlpack(&m, &options, &tensor), TENSOR_ERROR_COPY_NEEDED);
    CHECK(m == same && deleted == 0);
    m->flags = 1u << 9;
    CHECK_STATUS(tensor_from_dlpack(&m, NULL, &tensor), TENSOR_ERROR_ARGUMENT);
    CHECK_MESSAGE("0x200");
    CHECK(m == same && deleted == 0);
    m->deleter(m);
}

/** Of another major version nothing past the flags is looked at. */
static void other_versions_are_refused(void)
{
    struct {
        DLPackVersion version;
        void *manager_ctx;
        void (*deleter)(struct DLManagedTensorVersioned *self);
        uint64_t flags;
    } *prefix = malloc(sizeof *prefix);
    if (!prefix) {
        abort();
    }
    memset(prefix, 0, sizeof *prefix);
    static const uint32_t majors[] = {0, 2, 99};
    for (int i = 0; i < 3; i++) {
        void *pointer = prefix;
        DLManagedTensorVersioned *m = pointer;
        tensor_t *tensor = NULL;
        prefix->version.major = majors[i];
        prefix->version.minor = 7;
        CHECK_STATUS(tensor_from_dlpack(&m, NULL, &tensor), TENSOR_ERROR_VERSION);
        CHECK_MESSAGE(".7");
        CHECK(m == pointer && tensor == NULL);
    }
    free(prefix);
    DLManagedTensorVersioned *m = managed(0);
    tensor_t *tensor = NULL;
    m->version.minor = 400;
    CHECK_OK(tensor_from_dlpack(&m, NULL, &tensor));
    tensor_release(tensor);
    CHECK(deleted == 1);
}

static void a_null_deleter_is_nothing_to_call(void)
{
    DLManagedTensorVersioned *m = managed(0), *mine = m;
    tensor_t *tensor = NULL;
    m->deleter = NULL;
    CHECK_OK(tensor_from_dlpack(&m, NULL, &tensor));
    tensor_release(tensor);
    CHECK(deleted == 0);
    free(mine);
    DLManagedTensor *legacy = managed_legacy(), *mine_too = legacy;
    legacy->deleter = NULL;
    CHECK_OK(tensor_from_dlpack_legacy(&legacy, NULL, &tensor));
    tensor_release(tensor);
    free(mine_too);
}

static void exports_tell_the_truth(void)
{
    DLTensor data = describe(numbers, DTYPE_F32, 2, shape, NULL);
    tensor_options_t options = default_options(), copying = default_options();
    tensor_t *tensor = NULL, *sealed = NULL;
    DLManagedTensorVersioned *export = NULL;
    DLManagedTensor *legacy = NULL;
    copying.copy = TENSOR_COPY_ALWAYS;
    CHECK_OK(tensor_as_tensor(&data, NULL, &tensor));
    CHECK_OK(tensor_to_dlpack(tensor, NULL, &export));
    CHECK(export->version.major == 1 && export->version.minor == 3);
    CHECK(export->flags == 0);
    CHECK(export->dl_tensor.data == numbers && export->dl_tensor.byte_offset == 0);
    CHECK(export->dl_tensor.strides != NULL && export->dl_tensor.strides[0] == 4);
    CHECK(export->dl_tensor.shape != shape && export->dl_tensor.shape[1] == 4);
    CHECK(tensor_use_count(tensor) == 2);
    tensor_release(tensor);
    ((float *)export->dl_tensor.data)[3] = 77;
    CHECK(numbers[3] == 77);
    export->deleter(export);

    CHECK_OK(tensor_as_tensor(&data, NULL, &tensor));
    CHECK_OK(tensor_to_dlpack(tensor, &copying, &export));
    CHECK(export->flags == DLPACK_FLAG_BITMASK_IS_COPIED);
    CHECK(export->dl_tensor.data != numbers);
    CHECK(tensor_use_count(tensor) == 1);
    export->deleter(export);

    /* A tensor that is a copy is shared with the export: nothing was copied for the consumer. */
    CHECK_OK(tensor_copy(&data, NULL, &sealed));
    CHECK_OK(tensor_to_dlpack(sealed, NULL, &export));
    CHECK(export->flags == 0);
    export->deleter(export);
    tensor_release(sealed);

    options.flags = TENSOR_FLAG_READ_ONLY;
    CHECK_OK(tensor_to(tensor, &options, &sealed));
    CHECK_OK(tensor_to_dlpack(sealed, NULL, &export));
    CHECK(export->flags == DLPACK_FLAG_BITMASK_READ_ONLY);
    DLManagedTensorVersioned *again = export;
    tensor_t *imported = NULL;
    CHECK_OK(tensor_from_dlpack(&again, NULL, &imported));
    CHECK(tensor_is_read_only(imported));
    tensor_release(imported);
    CHECK_STATUS(tensor_to_dlpack_legacy(sealed, NULL, &legacy), TENSOR_ERROR_READ_ONLY);
    CHECK(legacy == NULL);
    CHECK_OK(tensor_to_dlpack_legacy(sealed, &copying, &legacy));
    CHECK(legacy->dl_tensor.data != numbers);
    legacy->deleter(legacy);
    CHECK_OK(tensor_to_dlpack_legacy(tensor, NULL, &legacy));
    CHECK(legacy->dl_tensor.data == numbers);
    legacy->deleter(legacy);
    tensor_release(sealed);
    tensor_release(tensor);
    CHECK_STATUS(tensor_to_dlpack(NULL, NULL, &export), TENSOR_ERROR_NULL);
    CHECK_STATUS(tensor_to_dlpack(NULL, NULL, NULL), TENSOR_ERROR_NULL);
}

/** Memory the processor cannot reach is borrowed, viewed and exported; its pointer and offset stay the producer's. */
static void device_memory_is_never_touched(void)
{
    static const int devices[] = {kDLCUDA, kDLOpenCL, kDLVulkan, kDLMetal, kDLVPI, kDLROCM, kDLExtDev, kDLOneAPI,
                                  kDLWebGPU, kDLHexagon, kDLMAIA, kDLTrn};
    for (size_t i = 0; i < sizeof devices / sizeof *devices; i++) {
        void *pointer = (void *)(uintptr_t)0x1000;
        DLTensor data = describe(pointer, DTYPE_F32, 2, shape, strides);
        DLDevice cpu = {kDLCPU, 0};
        DLDataType dtype = DTYPE_F64;
        tensor_options_t options = default_options();
        tensor_t *tensor = NULL, *view = NULL, *flipped = NULL, *other = NULL;
        DLManagedTensorVersioned *export = NULL;
        int32_t first[1] = {0}, type = devices[i];
        memcpy(&data.device.device_type, &type, sizeof type);
        data.device.device_id = 3;
        data.byte_offset = 64;
        CHECK_OK(tensor_as_tensor(&data, NULL, &tensor));
        CHECK(tensor_view(tensor)->data == pointer && tensor_view(tensor)->byte_offset == 64);
        CHECK(tensor_view(tensor)->device.device_id == 3);
        CHECK_OK(tensor_select(tensor, 0, 2, &view));
        CHECK(tensor_view(view)->data == pointer && tensor_view(view)->byte_offset == 64 + 32);
        CHECK_OK(tensor_flip(tensor, 1, first, &flipped));
        CHECK(tensor_view(flipped)->data == pointer && tensor_view(flipped)->byte_offset == 64 + 32);
        CHECK_OK(tensor_to_dlpack(view, NULL, &export));
        CHECK(export->dl_tensor.data == pointer && export->dl_tensor.byte_offset == 96);
        CHECK((int)export->dl_tensor.device.device_type == devices[i]);
        export->deleter(export);

        CHECK_STATUS(tensor_copy(&data, NULL, &other), TENSOR_ERROR_DEVICE);
        options.device = &cpu;
        CHECK_STATUS(tensor_as_tensor(&data, &options, &other), TENSOR_ERROR_DEVICE);
        options.copy = TENSOR_COPY_NEVER;
        CHECK_STATUS(tensor_as_tensor(&data, &options, &other), TENSOR_ERROR_COPY_NEEDED);
        options = default_options();
        options.dtype = &dtype;
        CHECK_STATUS(tensor_to(tensor, &options, &other), TENSOR_ERROR_DEVICE);
        CHECK(other == NULL);
        CHECK_STATUS(tensor_copy_into(tensor, &data, NULL), TENSOR_ERROR_DEVICE);
        bool shared = false;
        CHECK_OK(tensor_shares_memory(tensor, view, &shared));
        CHECK(shared);
        tensor_release(flipped);
        tensor_release(view);
        tensor_release(tensor);
    }
}

static void host_accessible_devices_are_like_the_processor(void)
{
    static const int devices[] = {kDLCUDAHost, kDLROCMHost, kDLCUDAManaged};
    for (int i = 0; i < 3; i++) {
        DLTensor data = describe(numbers, DTYPE_F32, 2, shape, strides);
        tensor_options_t options = default_options();
        tensor_t *tensor = NULL, *copy = NULL;
        DLDevice cpu = {kDLCPU, 0};
        int32_t type = devices[i];
        memcpy(&data.device.device_type, &type, sizeof type);
        data.data = (uint8_t *)numbers - 4;
        data.byte_offset = 4;
        CHECK_OK(tensor_as_tensor(&data, NULL, &tensor));
        CHECK(tensor_view(tensor)->data == numbers && tensor_view(tensor)->byte_offset == 0);
        CHECK((int)tensor_view(tensor)->device.device_type == devices[i]);
        CHECK_OK(tensor_copy(&data, NULL, &copy));
        CHECK(tensor_view(copy)->device.device_type == kDLCPU);
        tensor_release(copy);
        options.device = &cpu;
        tensor_plan_t plan = TENSOR_PLAN_INIT;
        CHECK_OK(tensor_plan(&data, &options, &plan));
        CHECK(plan.action == TENSOR_ACTION_COPY && plan.reasons == TENSOR_REASON_DEVICE);
        CHECK_OK(tensor_copy_into(tensor, &data, NULL));
        tensor_release(tensor);
    }
}

static void odd_strides_are_kept(void)
{
    int64_t sizes[3] = {1, 3, 1}, odd[3] = {-999, 4, INT64_MAX};
    DLManagedTensorVersioned *m = managed(0), *export = NULL;
    tensor_t *tensor = NULL;
    m->dl_tensor.ndim = 3;
    m->dl_tensor.shape = sizes;
    m->dl_tensor.strides = odd;
    CHECK_OK(tensor_from_dlpack(&m, NULL, &tensor));
    CHECK(tensor_view(tensor)->strides[0] == -999 && tensor_view(tensor)->strides[2] == INT64_MAX);
    CHECK_OK(tensor_to_dlpack(tensor, NULL, &export));
    CHECK(export->dl_tensor.strides[0] == -999 && export->dl_tensor.strides[2] == INT64_MAX);
    export->deleter(export);
    tensor_release(tensor);
    CHECK(deleted == 1);
}

static void padding_goes_both_ways(void)
{
    uint8_t nibbles[4] = {0xf1, 0x02, 0x83, 0x04};
    int64_t four[1] = {4};
    DLManagedTensorVersioned *m = managed(DLPACK_FLAG_BITMASK_IS_SUBBYTE_TYPE_PADDED), *export = NULL;
    DLManagedTensor *legacy = NULL;
    DLDataType i8 = DTYPE_I8;
    tensor_options_t options = default_options();
    tensor_t *tensor = NULL, *wide = NULL;
    m->dl_tensor = describe(nibbles, DTYPE_I4, 1, four, NULL);
    CHECK_OK(tensor_from_dlpack(&m, NULL, &tensor));
    CHECK(tensor_is_subbyte_padded(tensor) && tensor_nbytes(tensor) == 4);
    options.dtype = &i8;
    CHECK_OK(tensor_to(tensor, &options, &wide));
    static const int8_t expected[4] = {1, 2, 3, 4};
    CHECK(memcmp(tensor_view(wide)->data, expected, 4) == 0);
    tensor_release(wide);
    CHECK_OK(tensor_to_dlpack(tensor, NULL, &export));
    CHECK(export->flags == DLPACK_FLAG_BITMASK_IS_SUBBYTE_TYPE_PADDED);
    export->deleter(export);
    CHECK_STATUS(tensor_to_dlpack_legacy(tensor, NULL, &legacy), TENSOR_ERROR_UNSUPPORTED);
    tensor_release(tensor);
    CHECK(deleted == 1);
}

int main(void)
{
    imports_take_over();
    imports_that_convert_give_back_at_once();
    errors_leave_ownership();
    other_versions_are_refused();
    a_null_deleter_is_nothing_to_call();
    exports_tell_the_truth();
    device_memory_is_never_touched();
    host_accessible_devices_are_like_the_processor();
    odd_strides_are_kept();
    padding_goes_both_ways();
    return check_result();
}

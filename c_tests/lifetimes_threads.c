/* Lifetimes across threads and through callbacks: exports given up elsewhere, deleters that release and export again. */
#define _POSIX_C_SOURCE 200809L
#include "check.h"

#include <pthread.h>
#include <stdatomic.h>

static atomic_int deleted;
static pthread_t deleted_on;

static void note(void *ctx)
{
    (void)ctx;
    deleted_on = pthread_self();
    atomic_fetch_add(&deleted, 1);
}

static void *give_up_export(void *export)
{
    DLManagedTensorVersioned *m = export;
    m->deleter(m);
    return NULL;
}

static void *give_up_legacy(void *export)
{
    DLManagedTensor *m = export;
    m->deleter(m);
    return NULL;
}

static void *give_up_handle(void *tensor)
{
    /* What fails here is not seen on the other thread. */
    tensor_t *out = NULL;
    if (tensor_select(tensor, 99, 0, &out) != TENSOR_ERROR_INDEX) {
        abort();
    }
    tensor_release(tensor);
    return NULL;
}

static void run(void *(*function)(void *), void *argument)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, function, argument) != 0) {
        abort();
    }
    CHECK(pthread_equal(thread, pthread_self()) == 0);
    pthread_join(thread, NULL);
    CHECK(atomic_load(&deleted) == 1);
    CHECK(pthread_equal(thread, deleted_on) != 0);
}

static void given_up_on_another_thread(void)
{
    float memory[4] = {0};
    int64_t shape[1] = {4};
    DLTensor data = describe(memory, DTYPE_F32, 1, shape, NULL);
    tensor_options_t options = default_options();
    options.deleter = note;
    for (int kind = 0; kind < 3; kind++) {
        tensor_t *tensor = NULL, *failed = NULL;
        DLManagedTensorVersioned *export = NULL;
        DLManagedTensor *legacy = NULL;
        atomic_store(&deleted, 0);
        CHECK_STATUS(tensor_select(NULL, 0, 0, &failed), TENSOR_ERROR_NULL);
        CHECK_OK(tensor_as_tensor(&data, &options, &tensor));
        if (kind == 0) {
            CHECK_OK(tensor_to_dlpack(tensor, NULL, &export));
            tensor_release(tensor);
            CHECK(atomic_load(&deleted) == 0);
            run(give_up_export, export);
        } else if (kind == 1) {
            CHECK_OK(tensor_to_dlpack_legacy(tensor, NULL, &legacy));
            tensor_release(tensor);
            CHECK(atomic_load(&deleted) == 0);
            run(give_up_legacy, legacy);
        } else {
            run(give_up_handle, tensor);
        }
        CHECK_MESSAGE("NULL");
    }
}

/* A chain through other owners: import of our own export, and of that again. The base's deleter runs once, at the end. */
static void chains_of_imports(void)
{
    float memory[6] = {0};
    int64_t shape[2] = {2, 3};
    DLTensor data = describe(memory, DTYPE_F32, 2, shape, NULL);
    tensor_options_t options = default_options();
    options.deleter = note;
    options.flags = TENSOR_FLAG_READ_ONLY;
    tensor_t *tensors[33] = {NULL};
    atomic_store(&deleted, 0);
    CHECK_OK(tensor_as_tensor(&data, &options, &tensors[0]));
    for (int i = 1; i <= 32; i++) {
        DLManagedTensorVersioned *export = NULL;
        tensor_t *view = NULL;
        int32_t dims[1] = {i % 2};
        CHECK_OK(tensor_flip(tensors[i - 1], 1, dims, &view));
        CHECK_OK(tensor_to_dlpack(view, NULL, &export));
        tensor_release(view);
        CHECK_OK(tensor_from_dlpack(&export, NULL, &tensors[i]));
        CHECK(export == NULL && tensor_is_read_only(tensors[i]));
        CHECK((uint8_t *)tensor_view(tensors[i])->data >= (uint8_t *)memory &&
              (uint8_t *)tensor_view(tensors[i])->data < (uint8_t *)(memory + 6));
    }
    for (int i = 0; i < 32; i++) {
        tensor_release(tensors[(i * 7) % 32]);
    }
    CHECK(atomic_load(&deleted) == 0);
    tensor_release(tensors[32]);
    CHECK(atomic_load(&deleted) == 1);
}

static int depth;
static float shared_memory[4];

/* Each deleter makes the next tensor and gives it up, inside. */
static void nest(void *ctx)
{
    int64_t shape[1] = {4};
    DLTensor data = describe(shared_memory, DTYPE_F32, 1, shape, NULL);
    tensor_options_t options = default_options();
    tensor_t *tensor = NULL;
    DLManagedTensorVersioned *export = NULL;
    (void)ctx;
    if (++depth >= 200) {
        return;
    }
    options.deleter = nest;
    CHECK_OK(tensor_as_tensor(&data, &options, &tensor));
    CHECK_OK(tensor_to_dlpack(tensor, NULL, &export));
    tensor_release(tensor);
    export->deleter(export);
}

static const char *message_inside;

static void fail_inside(void *ctx)
{
    tensor_t *out = NULL;
    (void)ctx;
    CHECK_STATUS(tensor_select(NULL, 0, 0, &out), TENSOR_ERROR_NULL);
    message_inside = tensor_last_error();
    CHECK(strstr(message_inside, "NULL") != NULL);
}

static void callbacks_call_back(void)
{
    float memory[4] = {0};
    int64_t shape[1] = {4};
    DLTensor data = describe(memory, DTYPE_F32, 1, shape, NULL);
    tensor_options_t options = default_options();
    tensor_t *tensor = NULL;
    depth = 0;
    nest(NULL);
    CHECK(depth == 200);
    /* During tensor_copy() and tensor_to() too, where the deleter runs before the return. */
    options.deleter = fail_inside;
    CHECK_OK(tensor_copy(&data, &options, &tensor));
    CHECK(tensor != NULL && tensor_view(tensor)->shape[0] == 4);
    tensor_release(tensor);
}

static void counts_of_use(void)
{
    float memory[4] = {0};
    int64_t shape[1] = {4};
    DLTensor data = describe(memory, DTYPE_F32, 1, shape, NULL);
    tensor_t *tensor = NULL, *view = NULL, *same = NULL, *copy = NULL;
    DLManagedTensorVersioned *export = NULL, *apart = NULL;
    tensor_options_t copying = default_options();
    copying.copy = TENSOR_COPY_ALWAYS;
    CHECK_OK(tensor_as_tensor(&data, NULL, &tensor));
    CHECK(tensor_use_count(tensor) == 1);
    CHECK_OK(tensor_retain(tensor));
    CHECK(tensor_use_count(tensor) == 2);
    CHECK_OK(tensor_slice(tensor, 0, 1, 3, 1, &view));
    CHECK(tensor_use_count(tensor) == 3 && tensor_use_count(view) == 2);
    CHECK_OK(tensor_to(tensor, NULL, &same));
    CHECK(tensor_use_count(tensor) == 4 && tensor_use_count(same) == 3);
    CHECK_OK(tensor_to_dlpack(view, NULL, &export));
    CHECK(tensor_use_count(tensor) == 5);
    CHECK_OK(tensor_to(tensor, &copying, &copy));
    CHECK_OK(tensor_to_dlpack(tensor, &copying, &apart));
    CHECK(tensor_use_count(tensor) == 5 && tensor_use_count(copy) == 1);
    export->deleter(export);
    apart->deleter(apart);
    tensor_release(copy);
    tensor_release(same);
    tensor_release(view);
    tensor_release(tensor);
    CHECK(tensor_use_count(tensor) == 1);
    tensor_release(tensor);
    /* Two borrows of the same memory know nothing of each other. */
    CHECK_OK(tensor_as_tensor(&data, NULL, &tensor));
    CHECK_OK(tensor_as_tensor(&data, NULL, &view));
    CHECK(tensor_use_count(tensor) == 1 && tensor_use_count(view) == 1);
    tensor_release(view);
    tensor_release(tensor);
}

static void own_deleter(DLManagedTensorVersioned *self)
{
    atomic_fetch_add(&deleted, 1);
    free(self);
}

/* Options have a deleter of their own, which an import refuses: two owners cannot be told. */
static void imports_have_one_deleter(void)
{
    static float memory[4];
    static int64_t shape[1] = {4};
    tensor_options_t options = default_options();
    tensor_t *tensor = NULL;
    DLManagedTensorVersioned *m = calloc(1, sizeof *m), *same = m;
    if (!m) {
        abort();
    }
    m->version.major = 1;
    m->deleter = own_deleter;
    m->dl_tensor = describe(memory, DTYPE_F32, 1, shape, NULL);
    options.deleter = note;
    atomic_store(&deleted, 0);
    CHECK_STATUS(tensor_from_dlpack(&m, &options, &tensor), TENSOR_ERROR_ARGUMENT);
    CHECK_MESSAGE("deleter");
    CHECK(m == same && tensor == NULL && atomic_load(&deleted) == 0);
    m->flags = DLPACK_FLAG_BITMASK_IS_COPIED | DLPACK_FLAG_BITMASK_READ_ONLY;
    CHECK_OK(tensor_from_dlpack(&m, NULL, &tensor));
    DLManagedTensorVersioned *export = NULL;
    CHECK_OK(tensor_to_dlpack(tensor, NULL, &export));
    CHECK(export->flags == DLPACK_FLAG_BITMASK_READ_ONLY);
    tensor_release(tensor);
    CHECK(atomic_load(&deleted) == 0);
    export->deleter(export);
    CHECK(atomic_load(&deleted) == 1);
}

int main(void)
{
    given_up_on_another_thread();
    chains_of_imports();
    callbacks_call_back();
    counts_of_use();
    imports_have_one_deleter();
    return check_result();
}

/* Threads: counts and deleters from several at once, and copies that several make together. */
#include "check.h"

#include <pthread.h>
#include <stdatomic.h>

enum { THREADS = 4, ROUNDS = 3000 };

static atomic_int deleted, failures;
static float numbers[64];
static int64_t shape[2] = {8, 8};
static tensor_t *shared;

static void count_deletion(void *ctx)
{
    (void)ctx;
    atomic_fetch_add(&deleted, 1);
}

static void expect(int condition)
{
    if (!condition) {
        atomic_fetch_add(&failures, 1);
    }
}

/** Takes and gives back references, views and exports of one handle. Each thread gives one reference up at the end. */
static void *use_shared(void *argument)
{
    (void)argument;
    for (int i = 0; i < ROUNDS; i++) {
        tensor_t *view = NULL, *copy = NULL;
        DLManagedTensorVersioned *export = NULL;
        expect(tensor_retain(shared) == TENSOR_OK);
        expect(tensor_select(shared, 0, i % 8, &view) == TENSOR_OK);
        expect(tensor_to_dlpack(view, NULL, &export) == TENSOR_OK);
        tensor_release(view);
        expect(((float *)export->dl_tensor.data)[0] == (float)(i % 8 * 8));
        export->deleter(export);
        DLTensor data = describe(numbers, DTYPE_F32, 2, shape, NULL);
        expect(tensor_copy(&data, NULL, &copy) == TENSOR_OK);
        tensor_release(copy);
        /* Each thread has its own last error. */
        data.ndim = i % 2 ? -1 : 99;
        expect(tensor_copy(&data, NULL, &copy) == TENSOR_ERROR_SHAPE);
        expect(strstr(tensor_last_error(), i % 2 ? "-1" : "99") != NULL);
        tensor_release(shared);
    }
    tensor_release(shared);
    return NULL;
}

static void handles_are_shared(void)
{
    DLTensor data = describe(numbers, DTYPE_F32, 2, shape, NULL);
    tensor_options_t options = default_options();
    pthread_t threads[THREADS];
    for (int i = 0; i < 64; i++) {
        numbers[i] = (float)i;
    }
    options.deleter = count_deletion;
    CHECK_OK(tensor_as_tensor(&data, &options, &shared));
    for (int i = 0; i < THREADS; i++) {
        CHECK_OK(tensor_retain(shared));
        CHECK(pthread_create(&threads[i], NULL, use_shared, NULL) == 0);
    }
    tensor_release(shared);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    CHECK(atomic_load(&deleted) == 1);
    CHECK(atomic_load(&failures) == 0);
}

static void *release_one(void *tensor)
{
    tensor_release(tensor);
    return NULL;
}

/** The last two aliases go on two threads at the same time: one deleter call, every time. */
static void last_aliases_race(void)
{
    for (int i = 0; i < 500; i++) {
        DLTensor data = describe(numbers, DTYPE_F32, 2, shape, NULL);
        tensor_options_t options = default_options();
        tensor_t *tensor = NULL, *view = NULL;
        pthread_t one, two;
        atomic_store(&deleted, 0);
        options.deleter = count_deletion;
        CHECK_OK(tensor_as_tensor(&data, &options, &tensor));
        CHECK_OK(tensor_transpose(tensor, 0, 1, &view));
        CHECK(pthread_create(&one, NULL, release_one, tensor) == 0);
        CHECK(pthread_create(&two, NULL, release_one, view) == 0);
        pthread_join(one, NULL);
        pthread_join(two, NULL);
        CHECK(atomic_load(&deleted) == 1);
    }
}

/** A large copy has the same bytes whatever the number of threads. */
static void copies_do_not_depend_on_threads(void)
{
    enum { ROWS = 2500, COLUMNS = 1001 };
    int64_t sizes[2] = {ROWS, COLUMNS}, turned[2] = {1, ROWS};
    DLDataType f64 = DTYPE_F64;
    float *data = malloc(sizeof(float) * ROWS * COLUMNS);
    tensor_options_t options = default_options();
    tensor_t *copies[4] = {NULL};
    if (!data) {
        abort();
    }
    for (int i = 0; i < ROWS * COLUMNS; i++) {
        data[i] = (float)i * 0.25f;
    }
    DLTensor source = describe(data, DTYPE_F32, 2, sizes, turned);
    options.dtype = &f64;
    for (int threads = 1; threads <= 4; threads++) {
        CHECK_OK(tensor_set_num_threads(threads == 4 ? 64 : threads));
        CHECK_OK(tensor_copy(&source, &options, &copies[threads - 1]));
        CHECK(memcmp(tensor_view(copies[threads - 1])->data, tensor_view(copies[0])->data, 8 * ROWS * COLUMNS) == 0);
    }
    const double *copied = tensor_view(copies[3])->data;
    CHECK(copied[COLUMNS + 2] == (double)data[1 + 2 * ROWS]);
    CHECK(copied[ROWS * COLUMNS - 1] == (double)data[ROWS * COLUMNS - 1]);
    for (int i = 0; i < 4; i++) {
        tensor_release(copies[i]);
    }
    CHECK_OK(tensor_set_num_threads(0));
    free(data);
}

int main(void)
{
    handles_are_shared();
    last_aliases_race();
    copies_do_not_depend_on_threads();
    return check_result();
}

/*
 * Gradients with many threads: graphs of their own that end at the same leaves, and one graph that all go through. Sums of
 * integers are exact, so what arrives is known. Run under ThreadSanitizer too.
 */
#include "check.h"

#include <pthread.h>
#include <stdatomic.h>

enum { THREADS = 8, COUNT = 32 };

static int rounds = 2000;
static tensor_t *leaf, *other, *shared;
static atomic_int calls, deleted;
static float buffer[COUNT];

static tensor_t *ones(DLDataType dtype)
{
    static int64_t shape[1] = {COUNT}, still[1] = {0};
    static float one = 1;
    DLTensor data = describe(&one, DTYPE_F32, 1, shape, still);
    tensor_options_t options = default_options();
    tensor_t *tensor = NULL;
    options.dtype = &dtype;
    if (tensor_copy(&data, &options, &tensor) != TENSOR_OK) {
        abort();
    }
    return tensor;
}

/** y = x: the gradient as it comes. */
static tensor_status_t pass(void *ctx, int32_t outputs, tensor_t *const *grad_outputs, int32_t inputs,
                            tensor_t **grad_inputs)
{
    (void)ctx;
    (void)outputs;
    (void)inputs;
    atomic_fetch_add(&calls, 1);
    grad_inputs[0] = grad_outputs[0];
    return tensor_retain(grad_inputs[0]);
}

static void count_deletion(void *ctx)
{
    (void)ctx;
    atomic_fetch_add(&deleted, 1);
}

static void must(tensor_status_t status)
{
    if (status != TENSOR_OK) {
        fprintf(stderr, "%s\n", tensor_last_error());
        abort();
    }
}

static void *run(void *argument)
{
    int32_t zero = 0;
    tensor_t *plain = ones(DTYPE_F32), *wide = ones(DTYPE_F64);
    (void)argument;
    for (int i = 0; i < rounds; i++) {
        tensor_options_t options = default_options();
        tensor_t *view = NULL, *converted = NULL, *result = NULL, *grad = NULL;
        options.dtype = &DTYPE_F64;
        must(tensor_flip(leaf, 1, &zero, &view));
        must(tensor_to(view, &options, &converted));
        must(tensor_backward(converted, wide, 0));
        must(tensor_backward(shared, plain, TENSOR_BACKWARD_RETAIN_GRAPH));
        /* A kernel of this thread's, between the leaf and here. */
        must(tensor_empty(&DTYPE_F32, NULL, 1, tensor_view(leaf)->shape, &result));
        must(tensor_grad_record(&other, 1, &result, 1, pass, NULL, count_deletion));
        if (i % 2) {
            must(tensor_backward(result, plain, 0));
        }
        must(tensor_grad(leaf, &grad));
        tensor_release(grad);
        if (i % 16 == 0) {
            tensor_set_grad_enabled(i % 32 == 0);
        }
        if (!tensor_grad_enabled()) {
            tensor_set_grad_enabled(true);
        }
        tensor_release(result);
        tensor_release(converted);
        tensor_release(view);
    }
    tensor_release(plain);
    tensor_release(wide);
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t threads[THREADS];
    int64_t shape[1] = {COUNT};
    DLTensor data = describe(buffer, DTYPE_F32, 1, shape, NULL);
    tensor_t *place = NULL;
    if (argc > 1 && strcmp(argv[1], "tiny") == 0) {
        rounds = 100;
    }
    leaf = ones(DTYPE_F32);
    other = ones(DTYPE_F32);
    CHECK_OK(tensor_set_requires_grad(leaf, true));
    CHECK_OK(tensor_set_requires_grad(other, true));
    CHECK_OK(tensor_as_tensor(&data, NULL, &place));
    CHECK_OK(tensor_set_grad_buffer(other, place));
    tensor_release(place);
    CHECK_OK(tensor_empty(&DTYPE_F32, NULL, 1, shape, &shared));
    CHECK_OK(tensor_grad_record(&leaf, 1, &shared, 1, pass, NULL, count_deletion));
    for (int i = 0; i < THREADS; i++) {
        CHECK(pthread_create(&threads[i], NULL, run, NULL) == 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    tensor_t *grad = NULL;
    CHECK_OK(tensor_grad(leaf, &grad));
    const float *values = tensor_view(grad)->data;
    for (int i = 0; i < COUNT; i++) {
        CHECK(values[i] == (float)(2 * THREADS * rounds));
        CHECK(buffer[i] == (float)(THREADS * (rounds / 2)));
    }
    CHECK(atomic_load(&calls) == THREADS * (rounds + rounds / 2));
    CHECK(atomic_load(&deleted) == THREADS * rounds);
    tensor_release(grad);
    tensor_release(shared);
    CHECK(atomic_load(&deleted) == THREADS * rounds + 1);
    tensor_release(leaf);
    tensor_release(other);
    return check_result();
}

/*
 * Not a test but the test of a tool, with a defect that the tool must report. Without an argument the descriptor claims
 * more memory than there is, which only an instrumented library can notice, because the read past the end happens inside
 * it. With the argument "leak", a tensor of the library's own memory is forgotten; with "race", two threads fill the same
 * borrowed memory at once.
 */
#include "check.h"

#include <pthread.h>

static float source_values[64], destination_values[64];

static void *fill(void *destination)
{
    int64_t shape[1] = {64};
    DLTensor source = describe(source_values, DTYPE_F32, 1, shape, NULL);
    for (int i = 0; i < 1000; i++) {
        CHECK_OK(tensor_copy_into(destination, &source, NULL));
    }
    return NULL;
}

static int race(void)
{
    int64_t shape[1] = {64};
    DLTensor data = describe(destination_values, DTYPE_F32, 1, shape, NULL);
    tensor_t *tensor = NULL;
    pthread_t thread;
    CHECK_OK(tensor_as_tensor(&data, NULL, &tensor));
    CHECK(pthread_create(&thread, NULL, fill, tensor) == 0);
    fill(tensor);
    pthread_join(thread, NULL);
    tensor_release(tensor);
    return check_result();
}

int main(int count, char **arguments)
{
    if (count > 1 && strcmp(arguments[1], "race") == 0) {
        return race();
    }
    int leaks = count > 1 && strcmp(arguments[1], "leak") == 0;
    int64_t shape[1] = {leaks ? 64 : 65};
    float *data = calloc(64, sizeof *data);
    DLTensor source = describe(data, DTYPE_F32, 1, shape, NULL);
    DLDataType dtype = DTYPE_F64;
    tensor_options_t options = default_options();
    tensor_t *copy = NULL;
    options.dtype = &dtype;
    CHECK_OK(tensor_copy(&source, &options, &copy));
    if (!leaks) {
        tensor_release(copy);
    }
    free(data);
    return check_result();
}

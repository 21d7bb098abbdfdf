/* After fork: handles made before it work in the child, and copies that use threads finish there. */
#define _POSIX_C_SOURCE 200809L
#include "check.h"

#include <sys/wait.h>
#include <unistd.h>

enum { COUNT = 4 << 20 };

static int deleted;

static void count_deletion(void *ctx)
{
    (void)ctx;
    deleted++;
}

static int copies_finish(const DLTensor *source)
{
    DLDataType dtype = DTYPE_F64;
    tensor_options_t options = default_options();
    tensor_t *copy = NULL;
    options.dtype = &dtype;
    if (tensor_copy(source, &options, &copy) != TENSOR_OK) {
        return 0;
    }
    int right = ((double *)tensor_view(copy)->data)[COUNT - 1] == 7;
    tensor_release(copy);
    return right;
}

int main(void)
{
    int64_t shape[1] = {COUNT};
    float *data = malloc(sizeof(float) * COUNT);
    if (!data) {
        return 1;
    }
    for (int i = 0; i < COUNT; i++) {
        data[i] = 7;
    }
    DLTensor source = describe(data, DTYPE_F32, 1, shape, NULL);
    tensor_options_t options = default_options();
    tensor_t *tensor = NULL;
    options.deleter = count_deletion;
    CHECK_OK(tensor_set_num_threads(3));
    CHECK_OK(tensor_as_tensor(&source, &options, &tensor));
    CHECK(copies_finish(&source));
    for (int round = 0; round < 3; round++) {
        pid_t child = fork();
        if (child == 0) {
            alarm(60);
            int right = copies_finish(&source) && tensor_use_count(tensor) == 1;
            tensor_release(tensor);
            free(data);
            _exit(right && deleted == 1 ? 0 : 1);
        }
        int status = -1;
        CHECK(child > 0 && waitpid(child, &status, 0) == child);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    CHECK(copies_finish(&source));
    CHECK(deleted == 0);
    tensor_release(tensor);
    CHECK(deleted == 1);
    free(data);
    return check_result();
}

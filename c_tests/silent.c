/* Silence: nothing is written to standard output or standard error, whatever goes wrong. */
#define _POSIX_C_SOURCE 200809L
#include "check.h"

#include <fcntl.h>
#include <unistd.h>

static void use_everything(void)
{
    float numbers[4] = {1, 2, 3, 4};
    int64_t shape[1] = {4}, huge[2] = {(int64_t)1 << 40, (int64_t)1 << 15}, zero[2] = {0, 0};
    DLTensor data = describe(numbers, DTYPE_F32, 1, shape, NULL), bad = data, large;
    tensor_t *tensor = NULL, *out = NULL;
    tensor_as_tensor(&data, NULL, &tensor);
    for (int32_t ndim = -2; ndim < 70; ndim++) {
        bad.ndim = ndim > 1 && ndim < 65 ? -ndim : ndim;
        tensor_as_tensor(&bad, NULL, &out);
        tensor_release(out);
    }
    large = describe(numbers, DTYPE_F32, 2, huge, zero);
#ifndef __SANITIZE_ADDRESS__ /* The sanitizer has something to say about this size. */
    tensor_copy(&large, NULL, &out);
#endif
    tensor_plan(&large, NULL, NULL);
    tensor_select(tensor, 99, 99, &out);
    tensor_copy_into(tensor, NULL, NULL);
    tensor_release(tensor);
}

int main(void)
{
    FILE *said = tmpfile();
    int file = said ? fileno(said) : -1, saved[2] = {dup(1), dup(2)};
    if (file < 0 || saved[0] < 0 || saved[1] < 0) {
        perror("tmpfile");
        return 1;
    }
    dup2(file, 1);
    dup2(file, 2);
    use_everything();
    fflush(stdout);
    fflush(stderr);
    dup2(saved[0], 1);
    dup2(saved[1], 2);
    CHECK(lseek(file, 0, SEEK_END) == 0);
    fclose(said);
    close(saved[0]);
    close(saved[1]);
    return check_result();
}

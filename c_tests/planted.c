/*
 * Not a test but the test of a tool, with a defect that the tool must report. Without an argument the descriptor claims
 * more memory than there is, which only an instrumented library can notice, because the read past the end happens inside
 * it. With the argument "leak", a tensor of the library's own memory is forgotten.
 */
#include "check.h"

int main(int count, char **arguments)
{
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

/* Not a test but the test of a tool: this descriptor claims more memory than there is, which only an instrumented library
 * can notice, because the read past the end happens inside it. */
#include "check.h"

int main(void)
{
    int64_t shape[1] = {65};
    float *data = calloc(64, sizeof *data);
    DLTensor source = describe(data, DTYPE_F32, 1, shape, NULL);
    DLDataType dtype = DTYPE_F64;
    tensor_options_t options = default_options();
    tensor_t *copy = NULL;
    options.dtype = &dtype;
    CHECK_OK(tensor_copy(&source, &options, &copy));
    tensor_release(copy);
    free(data);
    return 0;
}

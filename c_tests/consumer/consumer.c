/* A program outside the project, in C: it includes, links and runs what is installed. */
#include <astensor/astensor.h>

#include <stdio.h>
#include <string.h>

int main(void)
{
    double numbers[6] = {1, 2, 3, 4, 5, 6};
    int64_t shape[2] = {2, 3};
    DLTensor data;
    tensor_t *tensor = NULL, *column = NULL;
    memset(&data, 0, sizeof data);
    data.data = numbers;
    data.device.device_type = kDLCPU;
    data.ndim = 2;
    data.dtype.code = kDLFloat;
    data.dtype.bits = 64;
    data.dtype.lanes = 1;
    data.shape = shape;
    if (tensor_abi_version() != TENSOR_ABI_VERSION || tensor_as_tensor(&data, NULL, &tensor) != TENSOR_OK
        || tensor_select(tensor, 1, 2, &column) != TENSOR_OK) {
        fprintf(stderr, "%s\n", tensor_last_error());
        return 1;
    }
    numbers[2] = 30;
    printf("astensor %s: %g\n", tensor_version(), *(double *)tensor_view(column)->data);
    tensor_release(column);
    tensor_release(tensor);
    return 0;
}

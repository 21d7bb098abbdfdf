// The header as C++ programs use it.
#include "astensor/astensor.h"

#include <cstdio>
#include <vector>

int main()
{
    std::vector<double> numbers = {1, 2, 3, 4, 5, 6};
    int64_t shape[] = {2, 3};
    DLTensor data{};
    data.data = numbers.data();
    data.device = DLDevice{kDLCPU, 0};
    data.ndim = 2;
    data.dtype = DLDataType{kDLFloat, 64, 1};
    data.shape = shape;
    tensor_options_t options = TENSOR_OPTIONS_INIT;
    bool deleted = false;
    options.deleter = [](void *ctx) { *static_cast<bool *>(ctx) = true; };
    options.deleter_ctx = &deleted;
    tensor_t *tensor = nullptr;
    if (tensor_as_tensor(&data, &options, &tensor) != TENSOR_OK) {
        std::fprintf(stderr, "%s\n", tensor_last_error());
        return 1;
    }
    static_cast<double *>(tensor_view(tensor)->data)[5] = 60;
    tensor_release(tensor);
    return numbers[5] == 60 && deleted ? 0 : 1;
}

// A program outside the project, in C++: it includes, links and runs what is installed.
#include <astensor/astensor.hpp>

#include <cstdio>

int main() {
    std::vector<double> numbers = {1, 2, 3, 4, 5, 6};
    const astensor::tensor column = astensor::as_tensor(numbers).reshape({2, 3})(astensor::all, -1);
    numbers[2] = 30;
    std::printf("astensor %s: %g\n", tensor_version(), column.at<double>(0));
    return 0;
}

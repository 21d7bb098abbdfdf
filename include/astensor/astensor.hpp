// astensor for C++17 and later: memory that somebody already has as a tensor, without copying it.
//
// Header-only, over the C interface of astensor.h, whose words on lifetimes and threads hold here too.
//
//     std::vector<float> numbers = {1, 2, 3, 4, 5, 6};
//     astensor::tensor table = astensor::as_tensor(numbers).reshape({2, 3});  // the vector's own memory
//     astensor::tensor column = table(astensor::all, -1);                     // a view of it
//     column.at<float>(0) = 30;                                               // numbers[2]
//     astensor::tensor half = column.to(astensor::float16);                   // converted: memory of its own
//
// cpp/create.hpp   as_tensor, copy, adopt, plan, empty, from_dlpack
// cpp/loan.hpp     memory that is lent for a scope, and raw access for a while
// cpp/print.hpp    operator<<, to_string, std::format
// cpp/tensor.hpp   class tensor: what it tells, views, filling, export, typed access
// cpp/index.hpp    slice, all, newaxis, ellipsis
// cpp/options.hpp  what is asked of a new tensor
// cpp/dtype.hpp    element types
// cpp/error.hpp    the exception, and the form of functions without
#ifndef ASTENSOR_HPP
#define ASTENSOR_HPP

#include "cpp/create.hpp"
#include "cpp/loan.hpp"
#include "cpp/print.hpp"

#endif

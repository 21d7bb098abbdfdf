// A consumer of tensors as extensions are written with nanobind: what it takes, and what it gives back.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <cstdint>
#include <tuple>
#include <vector>

namespace nb = nanobind;
using namespace nb::literals;

// Everything that nanobind says of an array.
static nb::dict describe(nb::ndarray<nb::ro> array)
{
    nb::list shape, strides;
    for (size_t i = 0; i < array.ndim(); i++) {
        shape.append(array.shape(i));
        strides.append(array.stride(i));
    }
    nb::dict said;
    said["shape"] = shape;
    said["strides"] = strides;
    said["address"] = reinterpret_cast<uintptr_t>(array.data());
    said["dtype"] = nb::make_tuple(array.dtype().code, array.dtype().bits, array.dtype().lanes);
    said["device"] = nb::make_tuple(array.device_type(), array.device_id());
    return said;
}

static double sum(nb::ndarray<const float, nb::ndim<2>, nb::device::cpu> array)
{
    auto view = array.view();
    double total = 0;
    for (size_t i = 0; i < view.shape(0); i++)
        for (size_t j = 0; j < view.shape(1); j++)
            total += view(i, j);
    return total;
}

static void scale(nb::ndarray<float, nb::shape<-1>, nb::device::cpu> array, float factor)
{
    auto view = array.view();
    for (size_t i = 0; i < view.shape(0); i++)
        view(i) *= factor;
}

// Another array on the same memory, which keeps the object that it came from.
template <typename Framework, typename Element, typename Array> static nb::ndarray<Framework, Element> wrapped_anew(Array &array)
{
    std::vector<size_t> shape;
    std::vector<int64_t> strides;
    for (size_t i = 0; i < array.ndim(); i++) {
        shape.push_back(array.shape(i));
        strides.push_back(array.stride(i));
    }
    return nb::ndarray<Framework, Element>(array.data(), shape.size(), shape.data(), nb::cast(array), strides.data());
}

static std::vector<nb::ndarray<nb::ro>> &kept()
{
    static std::vector<nb::ndarray<nb::ro>> *arrays = new std::vector<nb::ndarray<nb::ro>>();
    return *arrays;
}

NB_MODULE(nanobind_consumer, module)
{
    module.def("describe", &describe);
    module.def("sum", &sum);
    module.def("scale", &scale, "array"_a, "factor"_a);
    module.def("scale_as_is", &scale, "array"_a.noconvert(), "factor"_a);
    // Constraints, by what they ask for.
    module.def("row_major", [](nb::ndarray<const double, nb::c_contig, nb::device::cpu> array) { return array.size(); });
    module.def("row_major_as_is", [](nb::ndarray<const double, nb::c_contig, nb::device::cpu> array) { return array.size(); },
               "array"_a.noconvert());
    module.def("column_major_as_is", [](nb::ndarray<const double, nb::f_contig, nb::device::cpu> array) { return array.size(); },
               "array"_a.noconvert());
    module.def("three_columns", [](nb::ndarray<const int64_t, nb::shape<-1, 3>, nb::device::cpu> array) { return array.shape(0); });
    module.def("on_cuda", [](nb::ndarray<nb::device::cuda> array) { return array.size(); });
    // Arrays that outlive the call.
    module.def("keep", [](nb::ndarray<nb::ro> array) { kept().push_back(std::move(array)); });
    module.def("forget", []() { kept().clear(); });
    // The same memory, back: as the object that it came from, and as an array of another package.
    module.def("same", [](nb::ndarray<nb::ro> array) { return array; });
    module.def("as_numpy", [](nb::ndarray<float, nb::device::cpu> array) { return wrapped_anew<nb::numpy, float>(array); });
    module.def("as_read_only", [](nb::ndarray<const float, nb::device::cpu> array) { return wrapped_anew<nb::numpy, const float>(array); });
    module.def("as_torch", [](nb::ndarray<float, nb::device::cpu> array) { return wrapped_anew<nb::pytorch, float>(array); });
    // Memory of C++, as an object that has __dlpack__ and nothing else.
    module.def("made_here", [](nb::object on_release) {
        auto *owner = new std::tuple<std::vector<float>, nb::object>({1, 2, 3, 4, 5, 6}, on_release);
        nb::capsule keeper(owner, [](void *address) noexcept {
            auto *held = static_cast<std::tuple<std::vector<float>, nb::object> *>(address);
            std::get<1>(*held)();
            delete held;
        });
        size_t shape[2] = {2, 3};
        return nb::ndarray<nb::array_api, float>(std::get<0>(*owner).data(), 2, shape, keeper);
    });
}

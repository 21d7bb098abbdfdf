// Typed access, dtypes, and exchange with other libraries.
#include "check.hpp"

#include <algorithm>
#include <cstring>

using namespace astensor;

namespace {

void access_is_checked() {
    std::vector<float> numbers = {1, 2, 3, 4, 5, 6};
    tensor t = as_tensor(numbers).reshape({2, 3});
    CHECK(t.data<float>() == numbers.data() && t.data<const float>() == numbers.data());
    CHECK_THROWS(t.data<int>(), TENSOR_ERROR_DTYPE, "the elements are float32, not int32");
    CHECK_THROWS(t.at<double>(0, 0), TENSOR_ERROR_DTYPE, "float64");
    CHECK(t.at<float>(-1, -3) == 4);
    CHECK_THROWS(t.at<float>(0), TENSOR_ERROR_INDEX, "1 for 2");
    CHECK_THROWS(t.at<float>(), TENSOR_ERROR_INDEX, "0 for 2");
    CHECK_THROWS(t.at<float>(0, 3), TENSOR_ERROR_INDEX, "index = 3 is out of range for dimension 1 of size 3");
    CHECK_THROWS(t.at<float>(-3, 0), TENSOR_ERROR_INDEX, "-3");
    CHECK_THROWS(t.at<float>(UINT64_MAX, 0), TENSOR_ERROR_INDEX, "");
    CHECK(t(1, 2).item<float>() == 6 && as_tensor({7}).item<int>() == 7);
    CHECK_THROWS(t.item<float>(), TENSOR_ERROR_SHAPE, "one element");
    CHECK_THROWS(t(0, 0).item<int>(), TENSOR_ERROR_DTYPE, "int32");
    CHECK_THROWS(as_tensor(std::vector<int>()).item<int>(), TENSOR_ERROR_SHAPE, "");
#ifdef __cpp_lib_span
    CHECK(t.as_span<float>().size() == 6 && t.as_span<const float>()[5] == 6);
    tensor columns = t.transpose(0, 1);
    CHECK_THROWS(columns.as_span<float>(), TENSOR_ERROR_COPY_NEEDED, "contiguous");
    CHECK(as_tensor(t.as_span<float>()).shares_memory(t));
#endif
}

void unaligned_elements_are_not_handed_out() {
    alignas(8) unsigned char bytes[16] = {};
    const float two = 2;
    std::memcpy(bytes + 1, &two, sizeof two);
    tensor t = as_tensor(reinterpret_cast<float *>(bytes + 1), {2});
    CHECK_THROWS(t.data<float>(), TENSOR_ERROR_COPY_NEEDED, "aligned");
    CHECK_THROWS(t.at<float>(0), TENSOR_ERROR_COPY_NEEDED, "aligned");
    CHECK(t[0].item<float>() == 2 && t.copy().at<float>(0) == 2);
}

void bools_other_than_0_and_1_read_as_true() {
    unsigned char bytes[2] = {0, 7};
    tensor t = as_tensor(bytes).view_dtype(boolean);
    CHECK(t[1].item<bool>() && !t[0].item<bool>());
}

void memory_of_other_devices_is_not_touched() {
    DLTensor far{};
    std::int64_t size = 4;
    far.data = reinterpret_cast<void *>(std::uintptr_t{4096});
    far.device = DLDevice{kDLCUDA, 0};
    far.dtype = float32.raw();
    far.ndim = 1;
    far.shape = &size;
    tensor t = as_tensor(far);
    CHECK(t.device().device_type == kDLCUDA);
    CHECK_THROWS(t.data<float>(), TENSOR_ERROR_DEVICE, "");
    CHECK_THROWS(t[0].item<float>(), TENSOR_ERROR_DEVICE, "");
}

void one_dimension_can_be_walked() {
    std::vector<int> numbers = {5, 3, 4, 1};
    auto range = as_tensor(numbers).flip(0).as_range<int>();
    CHECK(range.size() == 4 && range[0] == 1);
    std::sort(range.begin(), range.end());
    CHECK(numbers == (std::vector<int>{5, 4, 3, 1}));
    int sum = 0;
    for (const int &value : as_tensor(std::vector<int>{1, 2, 3}).as_range<const int>()) sum += value;
    CHECK(sum == 6);
    for (int value : as_tensor(std::vector<int>()).as_range<int>()) sum += value;
    CHECK(sum == 6);
    CHECK(*(1 + range.begin()) == 3 && range.end() - range.begin() == 4 && range.begin()[3] == 5);
    CHECK_THROWS(as_tensor({{1}}).as_range<int>(), TENSOR_ERROR_SHAPE, "one dimension");
    CHECK_THROWS(as_tensor({1}).as_range<float>(), TENSOR_ERROR_DTYPE, "");
#ifdef __cpp_lib_ranges
    static_assert(std::random_access_iterator<decltype(range.begin())>);
#endif
}

void dtypes_have_names() {
    CHECK(float8_e4m3fn.name() == "float8_e4m3fn" && dtype::from_name("bfloat16") == bfloat16);
    CHECK(dtype(kDLFloat, 32, 4).name() == "float32x4");
    CHECK_THROWS(dtype::from_name("float33"), TENSOR_ERROR_DTYPE, "float33");
    CHECK_THROWS(dtype(99, 8).name(), TENSOR_ERROR_DTYPE, "99");
    CHECK(promote(int32, float16) == float16);
    CHECK_THROWS(promote(uint64, int8), TENSOR_ERROR_DTYPE, "");
    CHECK(can_cast(int8, int16, casting::safe) && !can_cast(int16, int8, casting::safe));
    CHECK_THROWS(can_cast(dtype(99, 8), int8, casting::safe), TENSOR_ERROR_DTYPE, "99");
    for (dtype each : {boolean, int8, int16, int32, int64, uint8, uint16, uint32, uint64, int2, int4, uint1, uint2, uint4,
                       float16, float32, float64, bfloat16, complex32, complex64, complex128, float8_e3m4, float8_e4m3,
                       float8_e4m3b11fnuz, float8_e4m3fn, float8_e4m3fnuz, float8_e5m2, float8_e5m2fnuz, float8_e8m0fnu,
                       float6_e2m3fn, float6_e3m2fn, float4_e2m1fn})
        CHECK(dtype::from_name(each.name().c_str()) == each);
}

void options_reach_the_library() {
    std::vector<double> numbers = {1e6, 2, 3};
    CHECK(as_tensor(numbers, options(float16).overflow(overflow::saturate)).to<float>().at<float>(0) == 65504);
    CHECK_THROWS(as_tensor(numbers, options(int32).casting(casting::same_kind)), TENSOR_ERROR_CASTING, "int32");
    CHECK_THROWS(as_tensor(numbers, options(float16).casting(casting::exact)), TENSOR_ERROR_INEXACT, "");
    CHECK(as_tensor(numbers, options().read_only()).is_read_only());
    CHECK(!as_tensor(numbers, options().read_only().read_only(false)).is_read_only());
    tensor aligned = as_tensor(numbers.data(), {3}, {0}, options().contiguous().alignment(4096));
    CHECK(reinterpret_cast<std::uintptr_t>(aligned.view()->data) % 4096 == 0 && aligned.is_contiguous());
    CHECK_THROWS(as_tensor(numbers, options().device(DLDevice{kDLCUDA, 0})), TENSOR_ERROR_DEVICE, "");
    CHECK_THROWS(as_tensor(numbers, options().flag(1u << 30)), TENSOR_ERROR_ARGUMENT, "flag");
    CHECK(as_tensor({1, -2}, options(int4).subbyte_padded()).nbytes() == 2 && as_tensor({1, -2}, int4).nbytes() == 1);
    // A copy is not limited to what was asked of the original.
    CHECK(as_tensor(numbers, options(DLDataType{kDLFloat, 32, 1})).dtype() == float32);
}

void exchange_keeps_memory_alive() {
    tensor t = as_tensor(std::vector<float>{1, 2, 3});
    dlpack out = t.to_dlpack();
    CHECK(out->dl_tensor.data == t.data<float>() && t.use_count() == 2);
    const void *memory = t.data<float>();
    t.reset();
    tensor back = from_dlpack(std::move(out));
    CHECK(out == nullptr && back.view()->data == memory && back.at<float>(2) == 3);
    { dlpack unused = back.to_dlpack(options().copy(copy_mode::always)); }
    CHECK(back.use_count() == 1);
    dlpack refused = back.to_dlpack();
    CHECK_THROWS(from_dlpack(std::move(refused), options(int8).copy(copy_mode::never)), TENSOR_ERROR_COPY_NEEDED, "");
    CHECK(refused != nullptr);
    dlpack_legacy old = back.to_dlpack_legacy();
    CHECK(from_dlpack(std::move(old)).at<float>(0) == 1 && old == nullptr);
    const std::vector<float> constant = {1};
    CHECK_THROWS(as_tensor(constant).to_dlpack_legacy(), TENSOR_ERROR_READ_ONLY, "");
    CHECK_THROWS(from_dlpack(dlpack()), TENSOR_ERROR_NULL, "");
}

}  // namespace

int main() {
    access_is_checked();
    unaligned_elements_are_not_handed_out();
    bools_other_than_0_and_1_read_as_true();
    memory_of_other_devices_is_not_touched();
    one_dimension_can_be_walked();
    dtypes_have_names();
    options_reach_the_library();
    exchange_keeps_memory_alive();
    return check_result();
}

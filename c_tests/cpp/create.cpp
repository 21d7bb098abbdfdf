// What tensors are made of in C++: borrowed, adopted, copied; and the dtype of each type.
#include "check.hpp"

#include <array>
#include <deque>
#include <memory>
#if __cplusplus >= 202002L
#include <ranges>
#endif

using namespace astensor;

namespace {

struct half {
    std::uint16_t bits;
};

}  // namespace

template <>
struct astensor::dtype_of<half> {
    static constexpr dtype value = float16;
};

namespace {

template <class T>
constexpr bool is(dtype wanted) {
    return dtype_of<T>::value == wanted;
}
static_assert(is<bool>(boolean) && is<std::byte>(uint8) && is<signed char>(int8) && is<unsigned char>(uint8));
static_assert(is<short>(int16) && is<unsigned short>(uint16) && is<int>(int32) && is<unsigned>(uint32));
static_assert(is<long>(sizeof(long) == 8 ? int64 : int32) && is<unsigned long>(sizeof(long) == 8 ? uint64 : uint32));
static_assert(is<long long>(int64) && is<unsigned long long>(uint64) && is<std::size_t>(uint64));
static_assert(is<float>(float32) && is<double>(float64) && !has_dtype<long double>);
static_assert(is<std::complex<float>>(complex64) && is<std::complex<double>>(complex128));
static_assert(!has_dtype<std::complex<int>> && !has_dtype<std::complex<long double>>);
static_assert(!has_dtype<char> && !has_dtype<wchar_t> && !has_dtype<char16_t> && !has_dtype<char32_t>);
static_assert(!has_dtype<void> && !has_dtype<int *> && has_dtype<const float> && has_dtype<half>);
#ifdef __STDCPP_FLOAT16_T__
static_assert(is<std::float16_t>(float16));
#endif
#ifdef __STDCPP_BFLOAT16_T__
static_assert(is<std::bfloat16_t>(bfloat16));
#endif
#ifdef __STDCPP_FLOAT32_T__
static_assert(is<std::float32_t>(float32));
#endif
#ifdef __STDCPP_FLOAT64_T__
static_assert(is<std::float64_t>(float64));
#endif

bool aliases(const tensor &made, const void *memory) {
    return made.view()->data == memory && made.origin().action == TENSOR_ACTION_ALIAS;
}

void named_containers_are_borrowed() {
    std::vector<float> numbers = {1, 2, 3};
    tensor t = as_tensor(numbers);
    CHECK(aliases(t, numbers.data()) && t.shape() == dims{3} && t.dtype() == float32 && !t.is_read_only());
    numbers[1] = 20;
    CHECK(t.at<float>(1) == 20);
    t.at<float>(2) = 30;
    CHECK(numbers[2] == 30);

    const std::vector<float> &constant = numbers;
    tensor r = as_tensor(constant);
    CHECK(aliases(r, numbers.data()) && r.is_read_only());
    CHECK_THROWS(r.at<float>(0), TENSOR_ERROR_READ_ONLY, "read-only");
    CHECK(r.at<const float>(0) == 1);
    CHECK(!as_tensor(constant, float64).is_read_only());
    CHECK(as_tensor(constant, options(float64).read_only()).is_read_only());

    std::array<std::int64_t, 4> four = {1, 2, 3, 4};
    CHECK(aliases(as_tensor(four), &four) && as_tensor(four).dtype() == int64);
    const std::array<double, 2> fixed = {1, 2};
    CHECK(as_tensor(fixed).is_read_only());
    double plain[2][3] = {{1, 2, 3}, {4, 5, 6}};
    CHECK(aliases(as_tensor(plain), plain) && as_tensor(plain).shape() == (dims{2, 3}));
    const int constants[2] = {1, 2};
    CHECK(as_tensor(constants).is_read_only());

    std::vector<std::array<std::array<std::uint8_t, 2>, 3>> nested(5);
    CHECK(as_tensor(nested).shape() == (dims{5, 3, 2}) && aliases(as_tensor(nested), nested.data()));
    const auto &nested_const = nested;
    CHECK(as_tensor(nested_const).is_read_only());
    std::array<const int, 2> items = {1, 2};
    CHECK(as_tensor(items).is_read_only());
    std::vector<half> halves(2, half{0x3c00});
    CHECK(as_tensor(halves).dtype() == float16 && as_tensor(halves).to<float>().at<float>(1) == 1);
    std::vector<std::complex<float>> complexes = {{1, 2}};
    CHECK(as_tensor(complexes).at<std::complex<float>>(0).imag() == 2);

    std::vector<int> none_there;
    CHECK(as_tensor(none_there).shape() == dims{0} && as_tensor(none_there).numel() == 0);
    std::array<int, 0> nothing;
    CHECK(as_tensor(nothing).numel() == 0);
    std::vector<std::array<float, 0>> empties(3);
    CHECK(as_tensor(empties).shape() == (dims{3, 0}));
}

void containers_have_their_size() {
    std::vector<float> numbers(6);
    tensor t = as_tensor(numbers);
    CHECK_THROWS(t.as_strided({7}, {1}), TENSOR_ERROR_BOUNDS, "");
    CHECK(t.as_strided({3}, {2}).numel() == 3);
    CHECK_THROWS(as_tensor(numbers, options().nbytes(23)), TENSOR_ERROR_BOUNDS, "");
}

void pointers_come_with_a_shape() {
    std::vector<double> numbers(12);
    std::iota(numbers.begin(), numbers.end(), 0.0);
    tensor t = as_tensor(numbers.data(), {3, 4});
    CHECK(aliases(t, numbers.data()) && t.at<double>(2, 3) == 11);
    const std::size_t rows = 3, columns = 4;
    CHECK(as_tensor(numbers.data(), {rows, columns}).shape() == (dims{3, 4}));
    CHECK(as_tensor(numbers.data(), numbers.size()).shape() == dims{12});
    const std::vector<int> shape = {2, 2};
    CHECK(as_tensor(numbers.data(), shape).shape() == (dims{2, 2}));
    CHECK(as_tensor(numbers.data(), {}).ndim() == 0);
    tensor reversed = as_tensor(numbers.data() + 11, {3, 4}, {-4, -1});
    CHECK(reversed.at<double>(0, 0) == 11 && reversed.at<double>(2, 3) == 0);
    tensor repeated = as_tensor(numbers.data(), {3, 4}, {0, 1}, float32);
    CHECK(repeated.at<float>(2, 1) == 1);
    CHECK(as_tensor(static_cast<const double *>(numbers.data()), {2}).is_read_only());
    CHECK_THROWS(as_tensor(numbers.data(), {3, 4}, {1}), TENSOR_ERROR_SHAPE, "different lengths");
    CHECK_THROWS(as_tensor(numbers.data(), {-1}), TENSOR_ERROR_SHAPE, "-1");
    CHECK_THROWS(as_tensor(static_cast<float *>(nullptr), {2}), TENSOR_ERROR_NULL, "");
    CHECK(as_tensor(static_cast<float *>(nullptr), {0}).numel() == 0);
    CHECK_THROWS(as_tensor(numbers.data(), {SIZE_MAX, std::size_t{2}}), TENSOR_ERROR_SHAPE, "");
    CHECK_THROWS(as_tensor(numbers.data(), std::vector<int>(65, 1)), TENSOR_ERROR_SHAPE, "65");
}

void temporaries_are_adopted() {
    std::vector<int> numbers = {1, 2, 3};
    const int *memory = numbers.data();
    tensor t = as_tensor(std::move(numbers));
    CHECK(aliases(t, memory) && t.at<int>(2) == 3 && numbers.empty());
    tensor view = t(slice(1, none));
    t.reset();
    CHECK(view.at<int>(0) == 2);
    CHECK(as_tensor(std::vector<int>{4, 5}).at<int>(1) == 5);
    CHECK(as_tensor(std::array<int, 2>{6, 7}).at<int>(1) == 7);
    // Converted: the vector has gone by now, and the tensor has memory of its own.
    CHECK(as_tensor(std::vector<int>{4, 5}, float64).at<double>(1) == 5);

    std::vector<int> kept = {1, 2};
    CHECK_THROWS(as_tensor(std::move(kept), options(float32).copy(copy_mode::never)), TENSOR_ERROR_COPY_NEEDED, "");
    CHECK(kept.size() == 2 && kept[1] == 2);
}

void owners_are_kept_until_the_last_alias() {
    auto owner = std::make_shared<std::deque<float>>(3, 1.5f);
    std::weak_ptr<std::deque<float>> watch = owner;
    float *memory = &owner->front();
    tensor t = adopt(memory, {3}, std::move(owner));
    tensor view = t[0];
    CHECK(!watch.expired());
    t.reset();
    CHECK(!watch.expired() && view.item<float>() == 1.5f);
    view.reset();
    CHECK(watch.expired());

    auto array = std::make_unique<int[]>(4);
    int *four = array.get();
    CHECK_THROWS(adopt(four, {-4}, std::move(array)), TENSOR_ERROR_SHAPE, "-4");
    CHECK(array != nullptr);
    tensor adopted = adopt(four, {4}, std::move(array));
    CHECK(array == nullptr && aliases(adopted, four));
}

void lists_and_numbers_are_copied() {
    tensor one = as_tensor({1, 2, 3});
    CHECK(one.dtype() == int32 && one.shape() == dims{3} && one.at<int>(2) == 3);
    tensor two = as_tensor({{1.0, 2.0}, {3.0, 4.0}, {5.0, 6.0}});
    CHECK(two.dtype() == float64 && two.shape() == (dims{3, 2}) && two.at<double>(2, 0) == 5);
    tensor three = as_tensor({{{1, 2}, {3, 4}}, {{5, 6}, {7, 8}}}, float16);
    CHECK(three.dtype() == float16 && three.shape() == (dims{2, 2, 2}) && three.to<int>().at<int>(1, 1, 0) == 7);
    tensor four = as_tensor({{{{true, false}}}});
    CHECK(four.dtype() == boolean && four.ndim() == 4 && four.at<bool>(0, 0, 0, 0));
    CHECK(as_tensor({0}).at<int>(0) == 0 && as_tensor({{0}}).ndim() == 2);
    CHECK(as_tensor<float>({1.5f}).dtype() == float32);
    CHECK_THROWS(as_tensor({{1, 2}, {3}}), TENSOR_ERROR_SHAPE, "expected 2 items at [1], found 1");
    CHECK_THROWS(as_tensor({{{1}, {2}}, {{3}, {4, 5}}}), TENSOR_ERROR_SHAPE, "expected 1 items at [1, 1], found 2");
    CHECK_THROWS(as_tensor({1, 2}, options().copy(copy_mode::never)), TENSOR_ERROR_COPY_NEEDED, "");
    CHECK_THROWS(as_tensor({{1, 2}, {3, 300}}, int8), TENSOR_ERROR_OVERFLOW, "[1, 1] = 300");
    CHECK_THROWS(as_tensor(300, int8), TENSOR_ERROR_OVERFLOW, "300");
    CHECK_THROWS(astensor::copy(-1, uint8), TENSOR_ERROR_OVERFLOW, "-1");
    CHECK(as_tensor({1.9, -2.9}, int8).at<std::int8_t>(1) == -2 && as_tensor(1.9, int8).item<std::int8_t>() == 1);
    CHECK(as_tensor({half{0x3c00}, half{0x4000}}, float32).at<float>(1) == 2);
    CHECK(as_tensor({std::byte{7}}).dtype() == uint8 && as_tensor({UINT64_MAX}).at<std::uint64_t>(0) == UINT64_MAX);
    CHECK(as_tensor(std::initializer_list<float>()).shape() == dims{0});
    CHECK(as_tensor(std::initializer_list<int>()).dtype() == int32);
    CHECK(as_tensor({std::initializer_list<int>(), {}}).shape() == (dims{2, 0}));
    CHECK(as_tensor({{1, 2}}, options().read_only()).is_read_only());
    const std::initializer_list<int> named = {1, 2};
    CHECK(as_tensor(named).origin().action == TENSOR_ACTION_COPY);

    CHECK(as_tensor(3.5).ndim() == 0 && as_tensor(3.5).item<double>() == 3.5);
    CHECK(as_tensor(true).dtype() == boolean);
    int number = 3;
    CHECK(as_tensor(number).view()->data != &number);
}

void descriptors_and_tensors_are_data_too() {
    float numbers[2] = {1, 2};
    std::int64_t shape = 2;
    DLTensor raw{};
    raw.data = numbers;
    raw.device.device_type = kDLCPU;
    raw.ndim = 1;
    raw.dtype = float32.raw();
    raw.shape = &shape;
    CHECK(aliases(as_tensor(raw), numbers));
    tensor t = as_tensor(raw);
    CHECK(aliases(as_tensor(t), numbers) && as_tensor(t).get() != t.get());
    CHECK(astensor::copy(t).view()->data != numbers && t.copy().at<float>(1) == 2);
    CHECK(plan(raw).action == TENSOR_ACTION_ALIAS);
    CHECK(plan(raw, int8).action == TENSOR_ACTION_COPY && plan(raw, int8).reasons == TENSOR_REASON_DTYPE);
    CHECK(empty({2, 3}).dtype() == float32 && empty(4, int8).nbytes() == 4);
    CHECK_THROWS(empty({2}, dtype(99, 8)), TENSOR_ERROR_DTYPE, "99");
}

void extended_floats_are_known() {
#ifdef __STDCPP_FLOAT16_T__
    std::vector<std::float16_t> halves = {1.5f16, 2.0f16};
    CHECK(as_tensor(halves).to<float>().at<float>(0) == 1.5f);
    CHECK(as_tensor({1.5, 2.0}, float16).at<std::float16_t>(1) == 2.0f16);
    CHECK(as_tensor({std::complex<std::float16_t>(1.0f16)}).dtype() == complex32);
#endif
#ifdef __STDCPP_BFLOAT16_T__
    CHECK(as_tensor({1.5bf16}).dtype() == bfloat16 && as_tensor(1.5).to(bfloat16).item<std::bfloat16_t>() == 1.5bf16);
#endif
}

void copies_are_copies() {
    std::vector<int> numbers = {1, 2, 3};
    tensor t = astensor::copy(numbers);
    numbers[0] = 10;
    CHECK(t.at<int>(0) == 1 && !t.is_read_only());
    const auto &constant = numbers;
    CHECK(!astensor::copy(constant).is_read_only());
    CHECK(astensor::copy(constant, float32).at<float>(0) == 10);
}

// A multidimensional span of an older standard: what is asked of one, no more.
template <class T>
class grid {
public:
    struct mapping_type {
        static constexpr bool is_always_strided() noexcept { return true; }
    };
    using extents_type = void;
    using element_type = T;
    using reference = T &;
    using rank_type = std::size_t;
    explicit grid(T *data) : data_(data) {}
    T *data_handle() const { return data_; }
    static constexpr rank_type rank() { return 2; }
    std::size_t extent(rank_type i) const { return i == 0 ? 2 : 3; }
    std::size_t stride(rank_type i) const { return i == 0 ? 1 : 2; }

private:
    T *data_;
};

void spans_are_borrowed() {
    std::vector<float> numbers = {1, 2, 3, 4, 5, 6};
    tensor t = as_tensor(grid<float>(numbers.data()));
    CHECK(aliases(t, numbers.data()) && t.shape() == (dims{2, 3}) && t.at<float>(0, 1) == 3 && !t.is_read_only());
    CHECK(as_tensor(grid<const float>(numbers.data())).is_read_only());
#ifdef __cpp_lib_span
    CHECK(aliases(as_tensor(std::span<float>(numbers)), numbers.data()));
    CHECK(as_tensor(std::span<const float>(numbers)).is_read_only());
    const std::span<float, 6> fixed(numbers);
    CHECK(!as_tensor(fixed).is_read_only() && as_tensor(fixed).shape() == dims{6});
    CHECK(as_tensor(std::as_bytes(std::span(numbers))).shape() == dims{24});
#endif
    // Before version 16, clang does not take the views of libstdc++.
#if defined(__cpp_lib_ranges) && (!defined(__clang__) || __clang_major__ >= 16)
    CHECK(aliases(as_tensor(std::views::all(numbers)), numbers.data()));
    CHECK(aliases(as_tensor(numbers | std::views::drop(2)), numbers.data() + 2));
#if __cpp_lib_ranges >= 202110L
    // A view that owns what it shows is adopted with it.
    tensor owned = as_tensor(std::views::all(std::vector<int>{1, 2, 3}) | std::views::drop(1));
    CHECK(owned.shape() == dims{2} && owned.at<int>(0) == 2);
#endif
#endif
#ifdef __cpp_lib_mdspan
    std::mdspan table(numbers.data(), 2, 3);
    CHECK(aliases(as_tensor(table), numbers.data()) && as_tensor(table).at<float>(1, 0) == 4);
    std::mdspan<const float, std::extents<int, 2, 3>, std::layout_left> columns(numbers.data());
    CHECK(as_tensor(columns).at<const float>(0, 1) == 3 && as_tensor(columns).is_read_only());
    tensor back = as_tensor(columns).copy();
    auto again = back.as_mdspan<float, 2>();
    CHECK((again.extent(1) == 3 && &again[std::array{1, 2}] == &back.at<float>(1, 2)));
    CHECK_THROWS((back.as_mdspan<float, 3>()), TENSOR_ERROR_SHAPE, "rank");
    tensor reversed = back.flip(0);
    CHECK_THROWS((reversed.as_mdspan<float, 2>()), TENSOR_ERROR_COPY_NEEDED, "positive");
    // What layout_stride takes for granted: strides that reach past what the smaller ones span.
    tensor windows = back.copy().as_strided({2, 2}, {1, 1}), gaps = back.copy().as_strided({2, 2}, {3, 2});
    CHECK_THROWS((windows.as_mdspan<float, 2>()), TENSOR_ERROR_COPY_NEEDED, "overlap");
    CHECK_THROWS((gaps.as_mdspan<float, 2>()), TENSOR_ERROR_COPY_NEEDED, "overlap");
    tensor turned = back.transpose(0, 1), number = back(1, 2), nothing = back(slice(0, 0)), one = back.flip(0)(slice(0, 1));
    CHECK((turned.as_mdspan<float, 2>()[std::array{2, 1}] == back.at<float>(1, 2)));
    CHECK((number.as_mdspan<float, 0>()[std::array<int, 0>{}] == back.at<float>(1, 2)));
    CHECK((nothing.as_mdspan<float, 2>().extent(0) == 0 && one.as_mdspan<float, 2>().extent(1) == 3));
    std::printf("with std::mdspan\n");
#endif
}

}  // namespace

int main() {
    named_containers_are_borrowed();
    containers_have_their_size();
    pointers_come_with_a_shape();
    temporaries_are_adopted();
    owners_are_kept_until_the_last_alias();
    lists_and_numbers_are_copied();
    descriptors_and_tensors_are_data_too();
    extended_floats_are_known();
    copies_are_copies();
    spans_are_borrowed();
    return check_result();
}

// Views, indices as in Python, filling, and the handle itself.
#include "check.hpp"

#include <thread>

using namespace astensor;

namespace {

std::vector<int> counted(int count) {
    std::vector<int> numbers(static_cast<std::size_t>(count));
    std::iota(numbers.begin(), numbers.end(), 0);
    return numbers;
}

std::vector<int> values(const tensor &t) {
    std::vector<int> out(static_cast<std::size_t>(t.numel()));
    t.reshape(-1).copy_into(out);
    return out;
}

void indices_are_pythons() {
    const tensor t = as_tensor(counted(24)).reshape({2, 3, 4});
    CHECK(t(1, 2, 3).item<int>() == 23 && t(-1, -1, -1).item<int>() == 23);
    CHECK(values(t(0, all, 1)) == (std::vector<int>{1, 5, 9}));
    CHECK(values(t(0, 0, slice(1, 3))) == (std::vector<int>{1, 2}));
    CHECK(values(t(0, 0, slice(2))) == (std::vector<int>{0, 1}));
    CHECK(values(t(0, 0, slice(none, none, -1))) == (std::vector<int>{3, 2, 1, 0}));
    CHECK(values(t(0, 0, slice(none, none, 2))) == (std::vector<int>{0, 2}));
    CHECK(values(t(0, 0, slice(-2, none))) == (std::vector<int>{2, 3}));
    CHECK(values(t(0, 0, slice(10, none, -2))) == (std::vector<int>{3, 1}));
    CHECK(values(t(0, 0, slice(3, 0, -1))) == (std::vector<int>{3, 2, 1}));
    CHECK(t(0, 0, slice(3, 1)).numel() == 0);
    CHECK(t(ellipsis, 0).shape() == (dims{2, 3}) && t(0, ellipsis).shape() == (dims{3, 4}));
    CHECK(t(0, ellipsis, 1).shape() == dims{3} && t(ellipsis).shape() == (dims{2, 3, 4}));
    CHECK(t(0, 0, 0, ellipsis).ndim() == 0);
    CHECK(t(newaxis, all, newaxis, 0).shape() == (dims{1, 2, 1, 4}));
    CHECK(t(ellipsis, newaxis).shape() == (dims{2, 3, 4, 1}));
    CHECK(t[1].shape() == (dims{3, 4}) && t[slice(1)].shape() == (dims{1, 3, 4}) && t[newaxis].ndim() == 4);
    CHECK(t(std::size_t{1}, 2u, 3L).item<int>() == 23);
#ifdef __cpp_multidimensional_subscript
    CHECK((t[1, all, 0].shape() == dims{3}));
#endif
    CHECK_THROWS(t(0, 3), TENSOR_ERROR_INDEX, "index = 3");
    CHECK_THROWS(t(0, 0, 0, 0), TENSOR_ERROR_INDEX, "");
    CHECK_THROWS(t(0, 0, 0, all), TENSOR_ERROR_INDEX, "");
    CHECK_THROWS(t(ellipsis, ellipsis), TENSOR_ERROR_ARGUMENT, "ellipsis");
    CHECK_THROWS(t(slice(0, 1, 0)), TENSOR_ERROR_ARGUMENT, "step");
    CHECK_THROWS(t[0](0)(0)(0), TENSOR_ERROR_INDEX, "");
    tensor same;
    CHECK_OK(t.try_index({}, same));
    CHECK(same.get() == t.get());
    CHECK_OK(same.try_index({0, slice(1, 3), newaxis}, same));
    CHECK(same.shape() == (dims{2, 1, 4}));
}

void views_alias() {
    std::vector<int> numbers = counted(6);
    const tensor t = as_tensor(numbers).reshape({2, 3});
    CHECK(t.permute({1, 0}).at<int>(2, 1) == 5 && t.transpose(0, -1).shape() == (dims{3, 2}));
    CHECK(t.reshape({3, -1}).shape() == (dims{3, 2}) && t.reshape(6).shares_memory(t));
    CHECK(t.transpose(0, 1).reshape(6).origin().action == TENSOR_ACTION_COPY);
    CHECK_THROWS(t.transpose(0, 1).reshape(6, copy_mode::never), TENSOR_ERROR_COPY_NEEDED, "");
    CHECK(t.expand({4, -1, 3}).strides() == (dims{0, 3, 1}));
    CHECK(t.unsqueeze(0).shape() == (dims{1, 2, 3}) && t.unsqueeze(0).squeeze().shape() == (dims{2, 3}));
    CHECK(t.unsqueeze(0).squeeze(1).ndim() == 3);
    CHECK(values(t.flip({0, 1})) == (std::vector<int>{5, 4, 3, 2, 1, 0}) && t.flip(1).at<int>(0, 0) == 2);
    CHECK(t.narrow(1, slice(1, none)).shape() == (dims{2, 2}) && t.select(0, 1).at<int>(0) == 3);
    CHECK(t.as_strided({2, 2}, {1, 1}, 1).at<int>(1, 1) == 3);
    CHECK(t.view_dtype(uint8).shape() == (dims{2, 12}));
    CHECK(!t(all, 0).shares_memory(t(all, 1)) && t(all, 0).shares_memory(t[0]));
    CHECK(t.to(int32).view()->data == numbers.data() && t.to<double>().dtype() == float64);
    CHECK_THROWS(t.as_strided({2}, {1, 1}), TENSOR_ERROR_SHAPE, "different lengths");
    CHECK_THROWS(t.permute({0}), TENSOR_ERROR_INDEX, "ndim = 2");
    CHECK_THROWS(t.flip(INT64_MIN), TENSOR_ERROR_INDEX, "");
    CHECK_THROWS(t.permute(std::vector<long>{1L << 40, 0}), TENSOR_ERROR_INDEX, "");
    int sum = 0;
    for (const tensor &row : t) {
        for (int value : row.as_range<int>()) sum += value;
    }
    CHECK(sum == 15);
    CHECK_THROWS(t(0, 0).begin(), TENSOR_ERROR_SHAPE, "no dimension");
}

void filling_goes_through_views() {
    std::vector<int> numbers = counted(6);
    const tensor t = as_tensor(numbers).reshape({2, 3});
    t(all, 1).fill(7);
    CHECK(numbers[1] == 7 && numbers[4] == 7 && numbers[0] == 0);
    t(0, all).assign(t(1, all));
    CHECK(numbers[0] == 3);
    t(1, all).assign({8, 9, 10});
    t(0, all).assign(std::vector<double>{1.9, 2, 3});
    CHECK(numbers[5] == 10 && numbers[0] == 1);
    t.assign({{1, 2, 3}, {4, 5, 6}});
    t.assign(t.flip({0, 1}));
    CHECK(numbers == (std::vector<int>{6, 5, 4, 3, 2, 1}));
    float out[2][3];
    t.copy_into(out);
    CHECK(out[1][2] == 1);
    t.copy_into(t);
    CHECK_THROWS(t.assign({1, 2}), TENSOR_ERROR_SHAPE, "");
    CHECK_THROWS(t.assign({{1, 2, 3}, {4}}), TENSOR_ERROR_SHAPE, "expected 3 items at [1], found 1");
    CHECK_THROWS(t.fill(2.5, options().casting(casting::exact)), TENSOR_ERROR_INEXACT, "");
    CHECK_THROWS(t.fill(2, float32), TENSOR_ERROR_ARGUMENT, "");
    const std::vector<int> constant(3);
    CHECK_THROWS(as_tensor(constant).fill(1), TENSOR_ERROR_READ_ONLY, "");
    CHECK_THROWS(t[0].copy_into(constant), TENSOR_ERROR_READ_ONLY, "const");
    CHECK_THROWS(t.expand({2, 2, 3}).fill(1), TENSOR_ERROR_OVERLAP, "");
    std::vector<int> small(2);
    CHECK_THROWS(t[0].copy_into(small), TENSOR_ERROR_SHAPE, "");
}

void handles_are_counted() {
    tensor t = as_tensor({1, 2, 3});
    CHECK(t.use_count() == 1);
    {
        tensor another = t;
        CHECK(another.get() == t.get() && t.use_count() == 2);
        tensor moved = std::move(another);
        CHECK(!another && moved && t.use_count() == 2);
        tensor &same = moved;
        moved = same;
        CHECK(moved.get() == t.get() && t.use_count() == 2);
        another = std::move(moved);
        CHECK(t.use_count() == 2);
        swap(another, moved);
        CHECK(!another && moved.at<int>(1) == 2);
    }
    CHECK(t.use_count() == 1);
    tensor_t *raw = t.release();
    CHECK(!t);
    t = tensor(raw);
    t = t[0];
    CHECK(t.item<int>() == 1);
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; i++) {
        threads.emplace_back([t] {
            for (int k = 0; k < 100; k++) {
                tensor copy = t;
                tensor view = copy[newaxis];
            }
        });
    }
    for (auto &each : threads) each.join();
    CHECK(t.use_count() == 1);
}

void empty_handles_are_refused() {
    const tensor none_there;
    CHECK(!none_there && none_there.ndim() == 0 && none_there.shape().empty() && none_there.numel() == -1);
    CHECK(none_there.size(0) == -1 && none_there.dtype() == dtype() && none_there.use_count() == 0);
    CHECK_THROWS(none_there.select(0, 0), TENSOR_ERROR_NULL, "");
    CHECK_THROWS(none_there(0), TENSOR_ERROR_NULL, "empty");
    CHECK_THROWS(none_there(), TENSOR_ERROR_NULL, "empty");
    CHECK_THROWS(none_there.data<int>(), TENSOR_ERROR_NULL, "empty");
    CHECK_THROWS(none_there.to(int8), TENSOR_ERROR_NULL, "");
    CHECK_THROWS(none_there.copy(), TENSOR_ERROR_NULL, "");
    CHECK_THROWS(none_there.fill(1), TENSOR_ERROR_NULL, "");
    CHECK_THROWS(none_there.to_dlpack(), TENSOR_ERROR_NULL, "");
    CHECK_THROWS(none_there.origin(), TENSOR_ERROR_NULL, "");
    tensor copy = none_there;
    CHECK(!copy);
    int number = 1;
    CHECK_THROWS(as_tensor(&number, {}).assign(none_there), TENSOR_ERROR_NULL, "");
}

}  // namespace

int main() {
    indices_are_pythons();
    views_alias();
    filling_goes_through_views();
    handles_are_counted();
    empty_handles_are_refused();
    return check_result();
}

// The functions that return a status: all there is without exceptions. Compiled with -fno-exceptions.
#include "check.hpp"

using namespace astensor;

#ifdef __cpp_exceptions
#error "this program is about -fno-exceptions"
#endif

int main() {
    std::vector<float> numbers = {1, 2, 3, 4, 5, 6};
    tensor t, view, other;
    CHECK_OK(try_as_tensor(numbers, t));
    CHECK_OK(try_as_tensor(numbers, options(float64), other));
    CHECK(other.dtype() == float64 && t.view()->data == numbers.data());
    CHECK_OK(try_as_tensor(numbers.data(), {2, 3}, {}, t));
    CHECK_OK(try_as_tensor(numbers.data(), {2}, {3}, {}, view));
    float *second = nullptr;
    CHECK_OK(view.try_at({1}, second));
    CHECK(second == &numbers[3]);
    CHECK_OK(try_as_tensor({{1, 2}, {3, 4}}, {}, other));
    int one = 0;
    CHECK_STATUS(other.try_item(one), TENSOR_ERROR_SHAPE);
    CHECK_OK(other.try_index({0, 0}, view));
    CHECK_OK(view.try_item(one));
    CHECK(one == 1);

    // After an error the result is what it was.
    const tensor_t *before = view.get();
    CHECK_STATUS(t.try_select(0, 9, view), TENSOR_ERROR_INDEX);
    CHECK_STATUS(t.try_index({0, 0, 0}, view), TENSOR_ERROR_INDEX);
    CHECK_STATUS(t.try_reshape(5, copy_mode::if_needed, view), TENSOR_ERROR_SHAPE);
    CHECK_STATUS(t.try_as_strided({1}, {}, 0, view), TENSOR_ERROR_SHAPE);
    CHECK_STATUS(try_as_tensor({{1, 2}, {3}}, {}, view), TENSOR_ERROR_SHAPE);
    CHECK_STATUS(t.try_to(dtype(99, 8), view), TENSOR_ERROR_DTYPE);
    CHECK(view.get() == before);

    // Each of them, once.
    bool shared = false;
    tensor_plan_t made{};
    CHECK_OK(t.try_share(view));
    CHECK_OK(t.try_origin(made));
    CHECK_OK(t.try_shares_memory(view, shared));
    CHECK(shared && made.action == TENSOR_ACTION_ALIAS);
    CHECK_OK(t.try_to(float16, view));
    CHECK_OK(t.try_copy({}, view));
    CHECK_OK(t.try_narrow(1, slice(1), view));
    CHECK_OK(t.try_permute({1, 0}, view));
    CHECK_OK(t.try_transpose(0, 1, view));
    CHECK_OK(t.try_expand({2, 2, 3}, view));
    CHECK_OK(t.try_squeeze(TENSOR_ALL_DIMS, view));
    CHECK_OK(t.try_unsqueeze(0, view));
    CHECK_OK(t.try_flip(0, view));
    CHECK_OK(t.try_view_dtype(int32, view));
    CHECK_OK(t.try_assign({{1.f, 2.f, 3.f}, {4.f, 5.f, 6.f}}));
    CHECK_OK(t.try_assign(numbers.data()[0]));
    CHECK_OK(t.try_fill(3));
    CHECK(numbers[5] == 3);
    CHECK_OK(t.try_copy_into(t));
    char text[64];
    std::size_t needed = 0;
    CHECK_OK(try_format(t, text_style().precision(2), text, sizeof text, needed));
    CHECK(needed > 0 && std::strncmp(text, "tensor([[", 9) == 0);
    loan lent;
    CHECK_OK(loan::try_open(numbers, lent));
    CHECK_OK(lent.try_as_tensor(numbers, {}, other));
    pin pinned;
    CHECK_OK(pin::try_make(other, TENSOR_PIN_READ, pinned));
    const float *shown = nullptr;
    CHECK_OK(pinned.try_data(shown));
    CHECK(shown == numbers.data());
    CHECK_STATUS(lent.try_close(), TENSOR_ERROR_BUSY);
    pinned = pin();
    other.reset();
    CHECK_OK(lent.try_close());
    float out[2][3] = {};
    CHECK_OK(t.try_copy_into(out));
    CHECK(out[1][2] == 3);
    dlpack managed;
    CHECK_OK(t.try_to_dlpack({}, managed));
    CHECK_OK(try_from_dlpack(std::move(managed), {}, view));
    dlpack_legacy old;
    CHECK_OK(t.try_to_dlpack_legacy({}, old));
    CHECK_OK(try_from_dlpack(std::move(old), {}, view));
    float *first = nullptr;
    CHECK_OK(t.try_data(first));
    CHECK(first == numbers.data());
    element_range<float, tensor> range;
    CHECK_STATUS(t.try_as_range(range), TENSOR_ERROR_SHAPE);
    CHECK_OK(t.try_index({0}, view));
    CHECK_OK(view.try_as_range(range));
    float sum = 0;
    for (float value : range) sum += value;
    CHECK(sum == 9);
#ifdef __cpp_lib_span
    std::span<float> span;
    CHECK_OK(t.try_as_span(span));
    CHECK(span.size() == 6);
#endif
    CHECK_OK(astensor::try_copy(numbers, {}, view));
    CHECK_OK(try_plan(numbers, float16, made));
    CHECK(made.action == TENSOR_ACTION_COPY);
    CHECK_OK(try_empty({2}, int8, view));
    auto *owned = new int(3);
    CHECK_OK(try_adopt(owned, {}, std::unique_ptr<int>(owned), {}, view));
    CHECK_OK(try_as_tensor(std::move(numbers), view));
    CHECK(numbers.empty() && view.numel() == 6);
    char name[32];
    dtype found;
    CHECK_OK(bfloat16.try_name(name));
    CHECK_OK(dtype::try_from_name(name, found));
    CHECK(found == bfloat16);
    CHECK_OK(try_promote(int8, float32, found));
    CHECK(found == float32);
    CHECK_OK(try_can_cast(int8, float32, casting::safe, shared));
    const tensor copy = view;
    CHECK(copy.get() == view.get());
    return check_result();
}

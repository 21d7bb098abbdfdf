// Making tensors: as_tensor() borrows or adopts, copy() copies, plan() tells which it would be, and why.
#ifndef ASTENSOR_CPP_CREATE_HPP
#define ASTENSOR_CPP_CREATE_HPP

#include "tensor.hpp"

namespace astensor {
namespace detail {

/** Keeps an object for as long as the memory that it owns is in use. */
template <class Owner>
struct keeper {
    Owner owner;
    static void drop(void *ctx) { delete static_cast<keeper *>(ctx); }
};

inline outcome borrow(description data, const options &asked, tensor_deleter_t deleter, void *ctx, tensor &out) noexcept {
    if (data.fits().failed()) return data.fits();
    tensor_options_t raw = asked.raw();
    const DLTensor view = data.raw();
    if (data.is_read_only()) {
        // An alias of const memory is read-only. A copy of it is not, unless that was asked for.
        tensor_plan_t found{};
        found.struct_size = sizeof found;
        const tensor_status_t status = tensor_plan(&view, &raw, &found);
        if (status != TENSOR_OK) return status;
        if (found.action == TENSOR_ACTION_ALIAS) raw.flags |= TENSOR_FLAG_READ_ONLY;
    }
    raw.deleter = deleter;
    raw.deleter_ctx = ctx;
    tensor_t *made = nullptr;
    const tensor_status_t status = tensor_as_tensor(&view, &raw, &made);
    if (status == TENSOR_OK) out = tensor(made);
    return status;
}

inline outcome copied(description data, const options &asked, tensor &out) noexcept {
    if (data.fits().failed()) return data.fits();
    const tensor_options_t raw = asked.raw();
    const DLTensor view = data.raw();
    tensor_t *made = nullptr;
    const tensor_status_t status = tensor_copy(&view, &raw, &made);
    if (status == TENSOR_OK) out = tensor(made);
    return status;
}

inline outcome valued(const tensor_value_t &value, const options &asked, tensor &out) noexcept {
    const tensor_options_t raw = asked.raw();
    tensor_t *made = nullptr;
    const tensor_status_t status = tensor_from_value(&value, &raw, &made);
    if (status == TENSOR_OK) out = tensor(made);
    return status;
}

/** One number, of the dtype of its type. */
template <class T>
outcome numbered(const T &number, const options &asked, tensor &out) noexcept {
    description described = description::of(number);
    const DLTensor view = described.raw();
    return valued(tensor_value_descriptor(&view), asked, out);
}

/** `describe` is asked for the memory once the owner is where it will stay. On error the owner goes back. */
template <class Owner, class Describe>
outcome adopted(Owner &owner, Describe describe, const options &asked, tensor &out) noexcept {
    static_assert(std::is_nothrow_move_constructible_v<Owner> && std::is_move_assignable_v<Owner>,
                  "astensor: an owner must be movable without throwing");
    auto *kept = new (std::nothrow) keeper<Owner>{std::move(owner)};
    if (kept == nullptr) return {TENSOR_ERROR_OUT_OF_MEMORY, "no memory to keep the owner of the data in"};
    const outcome ended = borrow(describe(kept->owner), asked, keeper<Owner>::drop, kept, out);
    if (ended.failed()) {
        owner = std::move(kept->owner);
        delete kept;
    }
    return ended;
}

template <class Owner>
outcome kept_by(Owner &owner, const description &data, const options &asked, tensor &out) noexcept {
    static_assert(!std::is_lvalue_reference_v<Owner>, "astensor: an owner is moved in; std::move() it, or give a copy");
    return adopted(owner, [&](bare<Owner> &) { return data; }, asked, out);
}

template <class D>
outcome as_tensor(D &&data, const options &asked, tensor &out) noexcept {
    using type = bare<D>;
    if constexpr (std::is_same_v<type, tensor>) {
        return data.try_to(asked, out);
    } else if constexpr (has_dtype<type>) {
        return numbered(data, asked, out);
    } else if constexpr (std::is_lvalue_reference_v<D> || std::is_same_v<type, DLTensor> || is_borrowed<type>) {
        return borrow(description::of(data), asked, nullptr, nullptr, out);
    } else {
        static_assert(!std::is_const_v<std::remove_reference_t<D>>,
                      "astensor: a const temporary can be neither borrowed, as it is about to go, nor moved from; "
                      "name it, or copy() it");
        static_assert(!std::is_array_v<type>, "astensor: an array cannot be moved; use std::array or std::vector");
        return adopted(data, [](type &kept) { return description::of(kept); }, asked, out);
    }
}

template <class D>
outcome copy(const D &data, const options &asked, tensor &out) noexcept {
    if constexpr (std::is_same_v<D, tensor>) {
        return data.try_copy(asked, out);
    } else if constexpr (has_dtype<D>) {
        return numbered(data, asked, out);
    } else {
        return copied(description::of(data), asked, out);
    }
}

template <class T, class List>
outcome listed(const List &list, const options &asked, tensor &out) noexcept {
    static_assert(has_dtype<T>, "astensor: the items of a braced list must be numbers");
    value_tree<T> numbers;
    const outcome ended = numbers.fill(list);
    return ended.failed() ? ended : valued(numbers.root(), asked, out);
}

inline outcome planned(description data, const options &asked, tensor_plan_t &out) noexcept {
    if (data.fits().failed()) return data.fits();
    const tensor_options_t raw = asked.raw();
    const DLTensor view = data.raw();
    tensor_plan_t found{};
    found.struct_size = sizeof found;
    const tensor_status_t status = tensor_plan(&view, &raw, &found);
    if (status == TENSOR_OK) out = found;
    return status;
}

/** What as_tensor() takes as it is; pointers come with a shape, and braced lists by themselves. */
template <class D>
using enable_data = std::enable_if_t<!std::is_pointer_v<bare<D>> && !is_initializer_list<bare<D>>, int>;

}  // namespace detail

// Functions without exceptions.

/**
 * Makes a tensor of `data`, without copying it if that is possible:
 *
 * - a container or array that has a name (std::vector, std::array, an array as in C, anything with data() and size(); arrays
 *   of arrays have several dimensions), a std::span or a std::mdspan is borrowed: its memory must live, and stay where it
 *   is, until the last handle, view and export is gone. A vector that grows moves.
 * - a container that has none (a temporary, or one moved from) is adopted: moved into the tensor's keeping, which frees it
 *   in the end, on whichever thread that is.
 * - a tensor gives another handle; a DLTensor is borrowed as in C; a number is copied.
 *
 * Const memory gives a read-only tensor. Options that ask for another dtype, layout or device make it a copy.
 *
 * Errors are those of tensor_as_tensor() in C. After one, a container that would have been adopted is as it was.
 */
template <class D, detail::enable_data<D> = 0>
[[nodiscard]] tensor_status_t try_as_tensor(D &&data, const options &asked, tensor &out) noexcept {
    return detail::as_tensor(std::forward<D>(data), asked, out).status;
}
template <class D, detail::enable_data<D> = 0>
[[nodiscard]] tensor_status_t try_as_tensor(D &&data, tensor &out) noexcept {
    return detail::as_tensor(std::forward<D>(data), options(), out).status;
}
/** Borrows memory by its address and shape, row-major. */
template <class T>
[[nodiscard]] tensor_status_t try_as_tensor(T *data, const dims &shape, const options &asked, tensor &out) noexcept {
    return detail::borrow(detail::description::of_pointer(data, shape), asked, nullptr, nullptr, out).status;
}
/** Borrows memory by its address, shape and strides, in elements: of any sign, and 0. */
template <class T>
[[nodiscard]] tensor_status_t try_as_tensor(T *data, const dims &shape, const dims &strides, const options &asked,
                                            tensor &out) noexcept {
    return detail::borrow(detail::description::of_pointer(data, shape, strides), asked, nullptr, nullptr, out).status;
}
/**
 * Copies the numbers of a braced list; lists of lists have several dimensions. They are values as for tensor_from_value() in
 * C, of the dtype of their type unless another is asked for: TENSOR_ERROR_OVERFLOW if an integer dtype cannot hold one.
 */
template <class T>
[[nodiscard]] tensor_status_t try_as_tensor(std::initializer_list<T> list, const options &asked, tensor &out) noexcept {
    return detail::listed<T>(list, asked, out).status;
}
template <class T>
[[nodiscard]] tensor_status_t try_as_tensor(std::initializer_list<std::initializer_list<T>> list, const options &asked, tensor &out) noexcept {
    return detail::listed<T>(list, asked, out).status;
}
template <class T>
[[nodiscard]] tensor_status_t try_as_tensor(std::initializer_list<std::initializer_list<std::initializer_list<T>>> list, const options &asked, tensor &out) noexcept {
    return detail::listed<T>(list, asked, out).status;
}
template <class T>
[[nodiscard]] tensor_status_t try_as_tensor(std::initializer_list<std::initializer_list<std::initializer_list<std::initializer_list<T>>>> list, const options &asked, tensor &out) noexcept {
    return detail::listed<T>(list, asked, out).status;
}

/** Copies whatever try_as_tensor() takes, always. */
template <class D, detail::enable_data<D> = 0>
[[nodiscard]] tensor_status_t try_copy(const D &data, const options &asked, tensor &out) noexcept {
    return detail::copy(data, asked, out).status;
}

/**
 * Borrows memory by its address and shape, and keeps its owner (a shared_ptr, say) in the tensor's keeping until the last
 * handle, view and export is gone. After an error the owner is as it was.
 */
template <class T, class Owner>
[[nodiscard]] tensor_status_t try_adopt(T *data, const dims &shape, Owner &&owner, const options &asked,
                                        tensor &out) noexcept {
    return detail::kept_by<Owner>(owner, detail::description::of_pointer(data, shape), asked, out).status;
}

/** Tells what as_tensor() would do. */
template <class D, detail::enable_data<D> = 0>
[[nodiscard]] tensor_status_t try_plan(const D &data, const options &asked, tensor_plan_t &out) noexcept {
    return detail::planned(detail::description::of(data), asked, out).status;
}

/** Makes a tensor of its own, uninitialised memory. */
[[nodiscard]] inline tensor_status_t try_empty(const dims &shape, dtype wanted, tensor &out) noexcept {
    const DLDataType raw = wanted.raw();
    tensor_t *made = nullptr;
    const tensor_status_t status = tensor_empty(&raw, nullptr, shape.ndim(), shape.data(), &made);
    if (status == TENSOR_OK) out = tensor(made);
    return status;
}

/** Takes a tensor over from another library. On error it is still the caller's. */
[[nodiscard]] inline tensor_status_t try_from_dlpack(dlpack &&managed, const options &asked, tensor &out) noexcept {
    const tensor_options_t raw = asked.raw();
    DLManagedTensorVersioned *moving = managed.release();
    tensor_t *made = nullptr;
    const tensor_status_t status = tensor_from_dlpack(&moving, &raw, &made);
    managed.reset(moving);
    if (status == TENSOR_OK) out = tensor(made);
    return status;
}
[[nodiscard]] inline tensor_status_t try_from_dlpack(dlpack_legacy &&managed, const options &asked, tensor &out) noexcept {
    const tensor_options_t raw = asked.raw();
    DLManagedTensor *moving = managed.release();
    tensor_t *made = nullptr;
    const tensor_status_t status = tensor_from_dlpack_legacy(&moving, &raw, &made);
    managed.reset(moving);
    if (status == TENSOR_OK) out = tensor(made);
    return status;
}

// The same with exceptions.

#ifdef __cpp_exceptions
template <class D, detail::enable_data<D> = 0>
[[nodiscard]] tensor as_tensor(D &&data, const options &asked = {}) {
    tensor out;
    detail::check(detail::as_tensor(std::forward<D>(data), asked, out));
    return out;
}
template <class T>
[[nodiscard]] tensor as_tensor(T *data, const dims &shape, const options &asked = {}) {
    tensor out;
    detail::check(detail::borrow(detail::description::of_pointer(data, shape), asked, nullptr, nullptr, out));
    return out;
}
template <class T>
[[nodiscard]] tensor as_tensor(T *data, const dims &shape, const dims &strides, const options &asked = {}) {
    tensor out;
    detail::check(detail::borrow(detail::description::of_pointer(data, shape, strides), asked, nullptr, nullptr, out));
    return out;
}
template <class T>
[[nodiscard]] tensor as_tensor(std::initializer_list<T> list, const options &asked = {}) {
    tensor out;
    detail::check(detail::listed<T>(list, asked, out));
    return out;
}
template <class T>
[[nodiscard]] tensor as_tensor(std::initializer_list<std::initializer_list<T>> list, const options &asked = {}) {
    tensor out;
    detail::check(detail::listed<T>(list, asked, out));
    return out;
}
template <class T>
[[nodiscard]] tensor as_tensor(std::initializer_list<std::initializer_list<std::initializer_list<T>>> list, const options &asked = {}) {
    tensor out;
    detail::check(detail::listed<T>(list, asked, out));
    return out;
}
template <class T>
[[nodiscard]] tensor as_tensor(std::initializer_list<std::initializer_list<std::initializer_list<std::initializer_list<T>>>> list, const options &asked = {}) {
    tensor out;
    detail::check(detail::listed<T>(list, asked, out));
    return out;
}
template <class D, detail::enable_data<D> = 0>
[[nodiscard]] tensor copy(const D &data, const options &asked = {}) {
    tensor out;
    detail::check(detail::copy(data, asked, out));
    return out;
}
template <class T, class Owner>
[[nodiscard]] tensor adopt(T *data, const dims &shape, Owner &&owner, const options &asked = {}) {
    tensor out;
    detail::check(detail::kept_by<Owner>(owner, detail::description::of_pointer(data, shape), asked, out));
    return out;
}
template <class D, detail::enable_data<D> = 0>
[[nodiscard]] tensor_plan_t plan(const D &data, const options &asked = {}) {
    tensor_plan_t out{};
    detail::check(detail::planned(detail::description::of(data), asked, out));
    return out;
}
[[nodiscard]] inline tensor empty(const dims &shape, dtype wanted = float32) {
    tensor out;
    detail::check(try_empty(shape, wanted, out));
    return out;
}
template <class Managed>
[[nodiscard]] tensor from_dlpack(Managed &&managed, const options &asked = {}) {
    tensor out;
    detail::check(try_from_dlpack(std::forward<Managed>(managed), asked, out));
    return out;
}
#endif

}  // namespace astensor

#endif

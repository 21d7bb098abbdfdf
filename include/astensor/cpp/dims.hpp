// Lists of sizes, strides and axes, with room for every rank, so that none of them allocates or dangles.
#ifndef ASTENSOR_CPP_DIMS_HPP
#define ASTENSOR_CPP_DIMS_HPP

#include "error.hpp"

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <limits>
#include <type_traits>
#include <utility>

namespace astensor {
namespace detail {

template <class T>
inline constexpr bool is_index = std::is_integral_v<T> && !std::is_same_v<std::remove_cv_t<T>, bool>;

/** An integer of any type, as the nearest Int: one that is too large stays too large, and is refused where it is used. */
template <class Int, class From>
constexpr Int nearest(From value) noexcept {
    using limits = std::numeric_limits<Int>;
    if constexpr (std::is_signed_v<From>) {
        if (static_cast<std::int64_t>(value) > static_cast<std::int64_t>(limits::max())) return limits::max();
        if (static_cast<std::int64_t>(value) < static_cast<std::int64_t>(limits::min())) return limits::min();
    } else {
        if (static_cast<std::uint64_t>(value) > static_cast<std::uint64_t>(limits::max())) return limits::max();
    }
    return static_cast<Int>(value);
}

template <class Int>
struct any_integer {
    Int value;
    template <class From, std::enable_if_t<is_index<From>, int> = 0>
    constexpr any_integer(From from) noexcept : value(nearest<Int>(from)) {}
};

template <class C, class = void>
inline constexpr bool holds_integers = false;
template <class C>
inline constexpr bool
    holds_integers<C, std::void_t<decltype(*std::data(std::declval<const C &>()), std::size(std::declval<const C &>()))>> =
        is_index<std::remove_reference_t<decltype(*std::data(std::declval<const C &>()))>>;

}  // namespace detail

/**
 * Up to 64 integers, by value. Made from one integer, a braced list, or any array, vector or span of integers; the
 * integers may be of any type. A longer list keeps its length, and is refused by the function that it is given to.
 */
template <class Int>
class basic_dims {
public:
    using value_type = Int;
    using const_iterator = const Int *;

    basic_dims() noexcept {}
    basic_dims(std::initializer_list<detail::any_integer<Int>> values) noexcept {
        for (auto value : values) push_back(value.value);
    }
    template <class From, std::enable_if_t<detail::is_index<From>, int> = 0>
    basic_dims(From value) noexcept {
        push_back(detail::nearest<Int>(value));
    }
    template <class C, std::enable_if_t<detail::holds_integers<C> && !std::is_same_v<C, basic_dims>, int> = 0>
    basic_dims(const C &values) noexcept {
        for (std::size_t i = 0; i < std::size(values); i++) push_back(detail::nearest<Int>(std::data(values)[i]));
    }
    basic_dims(const basic_dims &other) noexcept { *this = other; }
    basic_dims &operator=(const basic_dims &other) noexcept {
        size_ = other.size_;
        for (std::size_t i = 0; i < stored(); i++) values_[i] = other.values_[i];
        return *this;
    }

    void push_back(Int value) noexcept {
        if (size_ < TENSOR_MAX_NDIM) values_[size_] = value;
        size_++;
    }

    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    [[nodiscard]] const Int *data() const noexcept { return values_; }
    [[nodiscard]] Int *data() noexcept { return values_; }
    /** The length, as functions in C take it. */
    [[nodiscard]] std::int32_t ndim() const noexcept { return detail::nearest<std::int32_t>(size_); }
    [[nodiscard]] const Int &operator[](std::size_t i) const noexcept { return values_[i]; }
    [[nodiscard]] Int &operator[](std::size_t i) noexcept { return values_[i]; }
    [[nodiscard]] const Int *begin() const noexcept { return values_; }
    [[nodiscard]] const Int *end() const noexcept { return values_ + stored(); }

    friend bool operator==(const basic_dims &a, const basic_dims &b) noexcept {
        if (a.size_ != b.size_) return false;
        for (std::size_t i = 0; i < a.stored(); i++) {
            if (a.values_[i] != b.values_[i]) return false;
        }
        return true;
    }
    friend bool operator!=(const basic_dims &a, const basic_dims &b) noexcept { return !(a == b); }

private:
    [[nodiscard]] std::size_t stored() const noexcept { return size_ < TENSOR_MAX_NDIM ? size_ : TENSOR_MAX_NDIM; }

    std::size_t size_ = 0;
    // Only what is in use is ever written or read.
    Int values_[TENSOR_MAX_NDIM];
};

/** Sizes, or strides in elements. */
using dims = basic_dims<std::int64_t>;
/** Numbers of dimensions; negative ones count from the end. */
using axes = basic_dims<std::int32_t>;

}  // namespace astensor

#endif

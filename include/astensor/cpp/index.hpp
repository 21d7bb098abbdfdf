// What a tensor is indexed with, as in Python: integers, slice(start, stop, step), all, newaxis, ellipsis.
#ifndef ASTENSOR_CPP_INDEX_HPP
#define ASTENSOR_CPP_INDEX_HPP

#include "dims.hpp"

namespace astensor {

/** An end of a slice that is left open: Python's None. */
struct none_t {};
/** A whole dimension: Python's plain `:`. */
struct all_t {};
/** A new dimension of size 1. */
struct newaxis_t {};
/** As many whole dimensions as are not named: Python's `...`. */
struct ellipsis_t {};

inline constexpr none_t none{};
inline constexpr all_t all{};
inline constexpr newaxis_t newaxis{};
inline constexpr ellipsis_t ellipsis{};

/**
 * Every `step`-th index from `start` to before `stop`, as Python's slice(): negative numbers count from the end, both ends
 * are clamped to the dimension, and `none` leaves an end open.
 */
class slice {
public:
    /** An integer or none. */
    class bound {
    public:
        constexpr bound(none_t) noexcept {}
        template <class Int, std::enable_if_t<detail::is_index<Int>, int> = 0>
        constexpr bound(Int value) noexcept : value_(detail::nearest<std::int64_t>(value)), given_(true) {}
        [[nodiscard]] constexpr std::int64_t value_or(std::int64_t open) const noexcept { return given_ ? value_ : open; }

    private:
        std::int64_t value_ = 0;
        bool given_ = false;
    };

    constexpr explicit slice(bound stop) noexcept : slice(none, stop) {}
    constexpr slice(bound start, bound stop, std::int64_t step = 1) noexcept : start_(start), stop_(stop), step_(step) {}

    [[nodiscard]] constexpr std::int64_t start() const noexcept { return start_.value_or(step_ < 0 ? INT64_MAX : 0); }
    [[nodiscard]] constexpr std::int64_t stop() const noexcept {
        return stop_.value_or(step_ < 0 ? INT64_MIN : INT64_MAX);
    }
    [[nodiscard]] constexpr std::int64_t step() const noexcept { return step_; }

private:
    bound start_, stop_;
    std::int64_t step_;
};

/** One index of a tensor, of any kind. */
class index {
public:
    enum class kind { integer, range, whole, added, rest };

    template <class Int, std::enable_if_t<detail::is_index<Int>, int> = 0>
    constexpr index(Int at) noexcept : kind_(kind::integer), start_(detail::nearest<std::int64_t>(at)) {}
    constexpr index(astensor::slice range) noexcept
        : kind_(kind::range), start_(range.start()), stop_(range.stop()), step_(range.step()) {}
    constexpr index(all_t) noexcept : kind_(kind::whole) {}
    constexpr index(newaxis_t) noexcept : kind_(kind::added) {}
    constexpr index(ellipsis_t) noexcept : kind_(kind::rest) {}

    [[nodiscard]] constexpr kind what() const noexcept { return kind_; }
    /** The integer, or where the slice starts. */
    [[nodiscard]] constexpr std::int64_t start() const noexcept { return start_; }
    [[nodiscard]] constexpr std::int64_t stop() const noexcept { return stop_; }
    [[nodiscard]] constexpr std::int64_t step() const noexcept { return step_; }

private:
    kind kind_;
    std::int64_t start_ = 0;
    std::int64_t stop_ = INT64_MAX;
    std::int64_t step_ = 1;
};

}  // namespace astensor

#endif

// Element types: dtype, a constant for each of DLPack's, and which one a C++ type has.
#ifndef ASTENSOR_CPP_DTYPE_HPP
#define ASTENSOR_CPP_DTYPE_HPP

#include "error.hpp"

#include <complex>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#if defined(__STDCPP_FLOAT16_T__) || defined(__STDCPP_BFLOAT16_T__) || defined(__STDCPP_FLOAT32_T__)                       \
    || defined(__STDCPP_FLOAT64_T__)
#include <stdfloat>
#endif

namespace astensor {

/** The type of a tensor's elements: a DLDataType that can be compared. */
class dtype {
public:
    /** No dtype: 0 lanes. */
    constexpr dtype() noexcept = default;
    constexpr dtype(DLDataType raw) noexcept : raw_(raw) {}

    /** A dtype by its DLPack code, such as kDLFloat, bits and lanes. Whether it is known is told where it is used. */
    explicit constexpr dtype(unsigned code, unsigned bits, unsigned lanes = 1) noexcept
        : raw_{static_cast<std::uint8_t>(code), static_cast<std::uint8_t>(bits), static_cast<std::uint16_t>(lanes)} {}

    [[nodiscard]] constexpr DLDataType raw() const noexcept { return raw_; }
    [[nodiscard]] constexpr unsigned code() const noexcept { return raw_.code; }
    [[nodiscard]] constexpr unsigned bits() const noexcept { return raw_.bits; }
    [[nodiscard]] constexpr unsigned lanes() const noexcept { return raw_.lanes; }

    friend constexpr bool operator==(dtype a, dtype b) noexcept {
        return a.raw_.code == b.raw_.code && a.raw_.bits == b.raw_.bits && a.raw_.lanes == b.raw_.lanes;
    }
    friend constexpr bool operator!=(dtype a, dtype b) noexcept { return !(a == b); }

    /** The name, such as "float32", with its NUL; TENSOR_ERROR_DTYPE for an unknown dtype. */
    [[nodiscard]] tensor_status_t try_name(char (&out)[32]) const noexcept {
        return tensor_dtype_name(&raw_, out, sizeof out, nullptr);
    }

    /** The dtype of a name: the reverse of name(). */
    [[nodiscard]] static tensor_status_t try_from_name(const char *name, dtype &out) noexcept {
        DLDataType found{};
        const tensor_status_t status = tensor_dtype_from_name(name, &found);
        if (status == TENSOR_OK) out = found;
        return status;
    }

#ifdef __cpp_exceptions
    [[nodiscard]] std::string name() const {
        char buffer[32];
        detail::check(try_name(buffer));
        return buffer;
    }
    [[nodiscard]] static dtype from_name(const char *name) {
        dtype found;
        detail::check(try_from_name(name, found));
        return found;
    }
#endif

private:
    DLDataType raw_{};
};

inline constexpr dtype boolean{kDLBool, 8};
inline constexpr dtype int8{kDLInt, 8}, int16{kDLInt, 16}, int32{kDLInt, 32}, int64{kDLInt, 64};
inline constexpr dtype uint8{kDLUInt, 8}, uint16{kDLUInt, 16}, uint32{kDLUInt, 32}, uint64{kDLUInt, 64};
inline constexpr dtype int2{kDLInt, 2}, int4{kDLInt, 4}, uint1{kDLUInt, 1}, uint2{kDLUInt, 2}, uint4{kDLUInt, 4};
inline constexpr dtype float16{kDLFloat, 16}, float32{kDLFloat, 32}, float64{kDLFloat, 64}, bfloat16{kDLBfloat, 16};
inline constexpr dtype complex32{kDLComplex, 32}, complex64{kDLComplex, 64}, complex128{kDLComplex, 128};
inline constexpr dtype float8_e3m4{kDLFloat8_e3m4, 8}, float8_e4m3{kDLFloat8_e4m3, 8},
    float8_e4m3b11fnuz{kDLFloat8_e4m3b11fnuz, 8}, float8_e4m3fn{kDLFloat8_e4m3fn, 8},
    float8_e4m3fnuz{kDLFloat8_e4m3fnuz, 8}, float8_e5m2{kDLFloat8_e5m2, 8}, float8_e5m2fnuz{kDLFloat8_e5m2fnuz, 8},
    float8_e8m0fnu{kDLFloat8_e8m0fnu, 8};
inline constexpr dtype float6_e2m3fn{kDLFloat6_e2m3fn, 6}, float6_e3m2fn{kDLFloat6_e3m2fn, 6},
    float4_e2m1fn{kDLFloat4_e2m1fn, 4};

namespace detail {

/** Types that hold text, not numbers. */
template <class T>
inline constexpr bool is_text = std::is_same_v<T, char> || std::is_same_v<T, wchar_t> || std::is_same_v<T, char16_t>
#ifdef __cpp_char8_t
                                || std::is_same_v<T, char8_t>
#endif
                                || std::is_same_v<T, char32_t>;

template <class T>
constexpr dtype natural_dtype() noexcept {
    if constexpr (!std::is_object_v<T>) {
        return {};
    } else if constexpr (std::is_same_v<T, bool>) {
        return sizeof(bool) == 1 ? boolean : dtype{};
    } else if constexpr (std::is_same_v<T, std::byte>) {
        return uint8;
    } else if constexpr (std::is_same_v<T, float>) {
        return float32;
    } else if constexpr (std::is_same_v<T, double>) {
        return float64;
#ifdef __STDCPP_FLOAT16_T__
    } else if constexpr (std::is_same_v<T, std::float16_t>) {
        return float16;
#elif defined(__clang__) && defined(__FLT16_MANT_DIG__)
    } else if constexpr (std::is_same_v<T, _Float16>) {
        return float16;
#endif
#ifdef __STDCPP_BFLOAT16_T__
    } else if constexpr (std::is_same_v<T, std::bfloat16_t>) {
        return bfloat16;
#endif
#ifdef __STDCPP_FLOAT32_T__
    } else if constexpr (std::is_same_v<T, std::float32_t>) {
        return float32;
#endif
#ifdef __STDCPP_FLOAT64_T__
    } else if constexpr (std::is_same_v<T, std::float64_t>) {
        return float64;
#endif
    } else if constexpr (std::is_integral_v<T> && !is_text<T> && sizeof(T) <= 8) {
        return dtype(static_cast<unsigned>(std::is_signed_v<T> ? kDLInt : kDLUInt), unsigned{sizeof(T) * 8});
    } else {
        return {};
    }
}

}  // namespace detail

/**
 * The dtype of a C++ type: bool, std::byte (uint8), every integer type by its size, float, double, the extended
 * floating-point types of C++23, and std::complex of those. Types of text (char and its kin) have none: signed char,
 * unsigned char and std::byte do.
 *
 * A program's own element type gets one by specialising this template. It must be trivially copyable and have the
 * dtype's size:
 *
 *     template <> struct astensor::dtype_of<half> { static constexpr dtype value = float16; };
 */
template <class T>
struct dtype_of {
    static constexpr dtype value = detail::natural_dtype<T>();
};

template <class T>
struct dtype_of<std::complex<T>> {
    static constexpr dtype value =
        dtype_of<T>::value.code() == kDLFloat && sizeof(std::complex<T>) == 2 * sizeof(T)
            ? dtype(static_cast<unsigned>(kDLComplex), 2 * dtype_of<T>::value.bits())
            : dtype{};
};

/** Whether a C++ type has a dtype. */
template <class T>
inline constexpr bool has_dtype = dtype_of<std::remove_cv_t<T>>::value != dtype{};

namespace detail {

/** The dtype of an element type, or a sentence from the compiler. */
template <class T>
constexpr dtype element_dtype() noexcept {
    using element = std::remove_cv_t<T>;
    static_assert(!is_text<element>,
                  "astensor: text is not numbers; for bytes use std::byte, signed char or unsigned char");
    static_assert(is_text<element> || has_dtype<element>,
                  "astensor: this element type has no dtype; specialise astensor::dtype_of for it");
    static_assert(!std::is_volatile_v<T>, "astensor: volatile memory cannot be a tensor");
    static_assert(!has_dtype<element>
                      || (std::is_trivially_copyable_v<element> && std::is_object_v<element>
                          && sizeof(element) * 8 == dtype_of<element>::value.bits() * dtype_of<element>::value.lanes()),
                  "astensor: an element type must be trivially copyable and have the size of its dtype");
    return dtype_of<element>::value;
}

}  // namespace detail

/** The dtype in which two meet: tensor_promote(). */
[[nodiscard]] inline tensor_status_t try_promote(dtype a, dtype b, dtype &out) noexcept {
    const DLDataType raw_a = a.raw(), raw_b = b.raw();
    DLDataType found{};
    const tensor_status_t status = tensor_promote(&raw_a, &raw_b, &found);
    if (status == TENSOR_OK) out = found;
    return status;
}

#ifdef __cpp_exceptions
[[nodiscard]] inline dtype promote(dtype a, dtype b) {
    dtype found;
    detail::check(try_promote(a, b, found));
    return found;
}
#endif

}  // namespace astensor

#endif

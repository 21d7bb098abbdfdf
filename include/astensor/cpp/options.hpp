// What is asked of a new tensor: tensor_options_t as a value that is built step by step.
#ifndef ASTENSOR_CPP_OPTIONS_HPP
#define ASTENSOR_CPP_OPTIONS_HPP

#include "dtype.hpp"

namespace astensor {

enum class copy_mode : std::int32_t {
    if_needed = TENSOR_COPY_IF_NEEDED,
    never = TENSOR_COPY_NEVER,
    always = TENSOR_COPY_ALWAYS,
};

enum class casting : std::int32_t {
    unsafe = TENSOR_CASTING_UNSAFE,
    same_kind = TENSOR_CASTING_SAME_KIND,
    safe = TENSOR_CASTING_SAFE,
    equiv = TENSOR_CASTING_EQUIV,
    exact = TENSOR_CASTING_EXACT,
};

enum class overflow : std::int32_t {
    standard = TENSOR_OVERFLOW_DEFAULT,
    nan = TENSOR_OVERFLOW_NAN,
    saturate = TENSOR_OVERFLOW_SATURATE,
};

/** Whether a casting rule allows a conversion: tensor_can_cast(). */
[[nodiscard]] inline tensor_status_t try_can_cast(dtype from, dtype to, casting rule, bool &out) noexcept {
    const DLDataType raw_from = from.raw(), raw_to = to.raw();
    bool answer = false;
    const tensor_status_t status = tensor_can_cast(&raw_from, &raw_to, static_cast<std::int32_t>(rule), &answer);
    if (status == TENSOR_OK) out = answer;
    return status;
}
#ifdef __cpp_exceptions
[[nodiscard]] inline bool can_cast(dtype from, dtype to, casting rule) {
    bool answer = false;
    detail::check(try_can_cast(from, to, rule, answer));
    return answer;
}
#endif

/**
 * Options, as tensor_options_t. A dtype is an options value by itself; each function returns a changed copy:
 *
 *     tensor small = as_tensor(numbers, float16);
 *     tensor checked = as_tensor(numbers, options(float16).casting(casting::same_kind).overflow(overflow::saturate));
 */
class options {
public:
    options() noexcept = default;
    options(astensor::dtype wanted) noexcept : dtype_(wanted.raw()), has_dtype_(true) {}
    options(DLDataType wanted) noexcept : dtype_(wanted), has_dtype_(true) {}

    /** Element type of the result; without it, the data's own. */
    [[nodiscard]] options dtype(astensor::dtype wanted) const noexcept {
        options changed = *this;
        changed.dtype_ = wanted.raw();
        changed.has_dtype_ = true;
        return changed;
    }
    /** Where the result should be; without it, where the data is. */
    [[nodiscard]] options device(DLDevice wanted) const noexcept {
        options changed = *this;
        changed.device_ = wanted;
        changed.has_device_ = true;
        return changed;
    }
    [[nodiscard]] options copy(copy_mode mode) const noexcept {
        options changed = *this;
        changed.raw_.copy = static_cast<std::int32_t>(mode);
        return changed;
    }
    [[nodiscard]] options casting(astensor::casting rule) const noexcept {
        options changed = *this;
        changed.raw_.casting = static_cast<std::int32_t>(rule);
        return changed;
    }
    [[nodiscard]] options overflow(astensor::overflow rule) const noexcept {
        options changed = *this;
        changed.raw_.overflow = static_cast<std::int32_t>(rule);
        return changed;
    }
    /** The tensor, its views and exports cannot be written through the library. */
    [[nodiscard]] options read_only(bool wanted = true) const noexcept { return flag(TENSOR_FLAG_READ_ONLY, wanted); }
    /** The tensor must be row-major contiguous. */
    [[nodiscard]] options contiguous(bool wanted = true) const noexcept { return flag(TENSOR_FLAG_CONTIGUOUS, wanted); }
    [[nodiscard]] options requires_grad(bool wanted = true) const noexcept {
        return flag(TENSOR_FLAG_REQUIRES_GRAD, wanted);
    }
    /** Sub-byte elements take one byte each. */
    [[nodiscard]] options subbyte_padded(bool wanted = true) const noexcept {
        return flag(TENSOR_FLAG_SUBBYTE_PADDED, wanted);
    }
    /** Any TENSOR_FLAG_ bits, switched on or off. */
    [[nodiscard]] options flag(std::uint32_t bits, bool wanted = true) const noexcept {
        options changed = *this;
        changed.raw_.flags = wanted ? changed.raw_.flags | bits : changed.raw_.flags & ~bits;
        return changed;
    }
    /** Bytes of which the first element's address must be a multiple: a power of two, or 0. */
    [[nodiscard]] options alignment(std::size_t bytes) const noexcept {
        options changed = *this;
        changed.raw_.alignment = bytes;
        return changed;
    }
    /** Bytes that may be touched, counted from the data pointer; 0: not told. */
    [[nodiscard]] options nbytes(std::size_t bytes) const noexcept {
        options changed = *this;
        changed.raw_.nbytes = bytes;
        return changed;
    }

    /** The loan that the data is on; NULL: none. loan::as_tensor() says it by itself. */
    [[nodiscard]] options loan(tensor_loan_t *lent) const noexcept {
        options changed = *this;
        changed.raw_.loan = lent;
        return changed;
    }

    /** For functions in C. Points into this object, so it is valid as long as this object is. */
    [[nodiscard]] tensor_options_t raw() const & noexcept {
        tensor_options_t filled = raw_;
        filled.struct_size = sizeof filled;
        filled.dtype = has_dtype_ ? &dtype_ : nullptr;
        filled.device = has_device_ ? &device_ : nullptr;
        return filled;
    }
    tensor_options_t raw() const && = delete;

private:
    tensor_options_t raw_{};
    DLDataType dtype_{};
    DLDevice device_{};
    bool has_dtype_ = false;
    bool has_device_ = false;
};

}  // namespace astensor

#endif

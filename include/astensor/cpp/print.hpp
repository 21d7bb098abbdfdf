// Tensors as text: operator<<, to_string(), std::format, and how the text looks.
#ifndef ASTENSOR_CPP_PRINT_HPP
#define ASTENSOR_CPP_PRINT_HPP

#include "tensor.hpp"

#include <ios>
#include <ostream>
#include <string>

#if defined(__has_include) && __cplusplus >= 202002L
#if __has_include(<format>)
#include <format>
#endif
#endif

namespace astensor {

enum class sci_mode : std::int32_t {
    automatic = TENSOR_SCI_MODE_AUTO,
    on = TENSOR_SCI_MODE_ON,
    off = TENSOR_SCI_MODE_OFF,
};

/** How the text looks, as tensor_format_options_t. Each function returns a changed copy. */
class text_style {
public:
    /** Digits after the point. */
    [[nodiscard]] text_style precision(std::int32_t digits) const noexcept {
        text_style changed = *this;
        changed.raw_.precision = digits;
        return changed;
    }
    /** Tensors of more elements are summarised. */
    [[nodiscard]] text_style threshold(std::int64_t elements) const noexcept {
        text_style changed = *this;
        changed.raw_.threshold = elements;
        return changed;
    }
    /** Items at either end of a dimension that a summary shows. */
    [[nodiscard]] text_style edge_items(std::int32_t items) const noexcept {
        text_style changed = *this;
        changed.raw_.edge_items = items;
        return changed;
    }
    /** Characters of a line. */
    [[nodiscard]] text_style line_width(std::int32_t characters) const noexcept {
        text_style changed = *this;
        changed.raw_.line_width = characters;
        return changed;
    }
    [[nodiscard]] text_style scientific(sci_mode mode) const noexcept {
        text_style changed = *this;
        changed.raw_.sci_mode = static_cast<std::int32_t>(mode);
        return changed;
    }
    /** For functions in C. */
    [[nodiscard]] const tensor_format_options_t &raw() const noexcept { return raw_; }

private:
    // The macro is written for C.
#ifdef __GNUC__
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wold-style-cast"
#endif
    tensor_format_options_t raw_ = TENSOR_FORMAT_OPTIONS_INIT;
#ifdef __GNUC__
#pragma GCC diagnostic pop
#endif
};

/** Writes as much of a tensor's text as fits, with a NUL; the length of the whole text goes to `needed`: tensor_format(). */
[[nodiscard]] inline tensor_status_t try_format(const tensor &from, const text_style &style, char *buffer,
                                                std::size_t capacity, std::size_t &needed) noexcept {
    return tensor_format(from.get(), &style.raw(), buffer, capacity, &needed);
}

#ifdef __cpp_exceptions
/** A tensor as text, such as "tensor([1, 2, 3])". */
[[nodiscard]] inline std::string to_string(const tensor &from, const text_style &style = {}) {
    std::string text;
    std::size_t needed = 0;
    do {
        // Again if the elements were changed meanwhile to such as need more room.
        text.resize(needed);
        detail::check(try_format(from, style, text.data(), text.size() + 1, needed));
    } while (needed > text.size());
    text.resize(needed);
    return text;
}

/** Writes a tensor as text. */
inline std::ostream &operator<<(std::ostream &stream, const tensor &from) { return stream << to_string(from); }
#endif

}  // namespace astensor

#if defined(__cpp_lib_format) && defined(__cpp_exceptions)
/** "{}" writes a tensor as text; what std::string takes may follow the colon. */
template <>
struct std::formatter<astensor::tensor> : std::formatter<std::string> {
    template <class Context>
    auto format(const astensor::tensor &from, Context &context) const {
        return std::formatter<std::string>::format(astensor::to_string(from), context);
    }
};
#endif

#endif

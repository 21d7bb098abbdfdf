// What C++ data looks like as a DLTensor: containers, arrays, spans, mdspans, nested lists, numbers.
#ifndef ASTENSOR_CPP_DESCRIBE_HPP
#define ASTENSOR_CPP_DESCRIBE_HPP

#include "dims.hpp"
#include "options.hpp"

#include <array>
#include <cstddef>
#include <iterator>
#include <memory>
#include <new>
#include <vector>

#if defined(__has_include) && __cplusplus >= 202002L
#if __has_include(<span>)
#include <span>
#endif
#endif

namespace astensor {
namespace detail {

template <class T>
using bare = std::remove_cv_t<std::remove_reference_t<T>>;

template <class T>
inline constexpr bool never = false;

template <class T>
inline constexpr bool is_initializer_list = false;
template <class T>
inline constexpr bool is_initializer_list<std::initializer_list<T>> = true;

template <class T>
inline constexpr bool is_bit_vector = false;
template <class A>
inline constexpr bool is_bit_vector<std::vector<bool, A>> = true;

/** Strings and views of strings: only they have character traits. */
template <class T, class = void>
inline constexpr bool is_string = false;
template <class T>
inline constexpr bool is_string<T, std::void_t<typename T::traits_type, typename T::value_type>> = true;

/** std::mdspan, and those that came before it under other names. */
template <class T, class = void>
inline constexpr bool is_mdspan = false;
template <class T>
inline constexpr bool is_mdspan<
    T, std::void_t<typename T::extents_type, typename T::mapping_type, decltype(std::declval<const T &>().data_handle())>> =
    true;

/** Whatever std::data() and std::size() take: elements one after another. */
template <class T, class = void>
inline constexpr bool is_container = false;
template <class T>
inline constexpr bool
    is_container<T, std::void_t<decltype(std::data(std::declval<T &>())), decltype(std::size(std::declval<T &>()))>> =
        std::is_pointer_v<decltype(std::data(std::declval<T &>()))>;

/** Whether a container goes on to exist when this object is gone, as the elements of a span do. */
template <class T>
inline constexpr bool is_borrowed = is_mdspan<T>
#if defined(__cpp_lib_span) && defined(__cpp_lib_ranges)
                                    || std::ranges::enable_borrowed_range<T>
#endif
    ;

/** Arrays as elements are further dimensions. */
template <class T>
struct elements_of {
    using type = T;
    static void add_sizes(dims &) noexcept {}
};
template <class T, std::size_t size>
struct elements_of<T[size]> {
    using type = typename elements_of<T>::type;
    static void add_sizes(dims &shape) noexcept {
        shape.push_back(nearest<std::int64_t>(size));
        elements_of<T>::add_sizes(shape);
    }
};
template <class T, std::size_t size>
struct elements_of<std::array<T, size>> : elements_of<T[size]> {
    static_assert(sizeof(std::array<T, size>) == size * sizeof(T), "astensor: this std::array has padding");
};
template <class T>
struct elements_of<std::array<T, 0>> {
    using type = typename elements_of<T>::type;
    static void add_sizes(dims &shape) noexcept {
        shape.push_back(0);
        elements_of<T>::add_sizes(shape);
    }
};
template <class T, std::size_t size>
struct elements_of<const std::array<T, size>> : elements_of<std::array<const T, size>> {};

/** A DLTensor with the shape and strides that it points to, and what the C++ type tells beyond it. */
class description {
public:
    description() noexcept = default;

    template <class T>
    static description of_pointer(T *data, const dims &shape) noexcept {
        description made;
        made.raw_.data = const_cast<void *>(static_cast<const void *>(data));
        made.raw_.dtype = element_dtype<T>().raw();
        made.shape_ = shape;
        made.read_only_ = std::is_const_v<T>;
        return made;
    }

    template <class T>
    static description of_pointer(T *data, const dims &shape, const dims &strides) noexcept {
        description made = of_pointer(data, shape);
        made.strides_ = strides;
        made.has_strides_ = true;
        return made;
    }

    template <class C>
    static description of_container(C &container) noexcept {
        using item = std::remove_pointer_t<decltype(std::data(container))>;
        using element = typename elements_of<item>::type;
        dims shape(std::size(container));
        elements_of<item>::add_sizes(shape);
        auto *data = std::data(container);
        return of_pointer(static_cast<element *>(const_cast<std::remove_cv_t<element> *>(
                              static_cast<const element *>(static_cast<const void *>(data)))),
                          shape);
    }

    template <class M>
    static description of_mdspan(const M &span) noexcept {
        static_assert(std::is_pointer_v<bare<decltype(span.data_handle())>>
                          && std::is_same_v<typename M::reference, typename M::element_type &>,
                      "astensor: an mdspan whose accessor changes its elements cannot be borrowed");
        static_assert(M::mapping_type::is_always_strided(), "astensor: an mdspan without strides cannot be borrowed");
        dims shape, strides;
        for (typename M::rank_type i = 0; i < M::rank(); i++) {
            shape.push_back(nearest<std::int64_t>(span.extent(i)));
            strides.push_back(nearest<std::int64_t>(span.stride(i)));
        }
        return of_pointer(span.data_handle(), shape, strides);
    }

    /** Of anything that can be described; from all else, a sentence of the compiler's. */
    template <class D>
    static description of(D &data) noexcept {
        using type = std::remove_cv_t<D>;
        if constexpr (std::is_same_v<type, DLTensor>) {
            description made;
            made.raw_ = data;
            made.is_raw_ = true;
            return made;
        } else if constexpr (is_bit_vector<type>) {
            static_assert(never<D>, "astensor: std::vector<bool> packs its elements and has no memory of bool; "
                                    "use std::vector<unsigned char>, or an array of bool");
        } else if constexpr (is_string<type>) {
            static_assert(never<D>, "astensor: text is not numbers; make a std::span of std::byte for its bytes");
        } else if constexpr (is_mdspan<type>) {
            return of_mdspan(data);
        } else if constexpr (is_container<D>) {
            return of_container(data);
        } else if constexpr (has_dtype<type>) {
            return of_pointer(&data, dims{});
        } else {
            static_assert(never<D>, "astensor: this type is neither a number nor a container with data() and size(); "
                                    "give a pointer and a shape");
        }
    }

    /** For functions in C. Points into this object. */
    [[nodiscard]] DLTensor raw() & noexcept {
        DLTensor filled = raw_;
        if (!is_raw_) {
            filled.device.device_type = kDLCPU;
            filled.ndim = shape_.ndim();
            filled.shape = shape_.data();
            filled.strides = has_strides_ ? strides_.data() : nullptr;
        }
        return filled;
    }

    /** Whether shape and strides are of one length: to be asked before raw() is used. */
    [[nodiscard]] outcome fits() const noexcept {
        if (has_strides_ && strides_.size() != shape_.size())
            return {TENSOR_ERROR_SHAPE, "strides and shape have different lengths"};
        return TENSOR_OK;
    }

    [[nodiscard]] bool is_read_only() const noexcept { return read_only_; }

private:
    DLTensor raw_{};
    dims shape_, strides_;
    bool has_strides_ = false, read_only_ = false, is_raw_ = false;
};

/** A nested braced list as a value for tensor_from_value(): the innermost lists are runs, whose numbers stay where they are. */
template <class T>
class value_tree {
public:
    template <class List>
    outcome fill(const List &list) noexcept {
        const std::size_t count = lists_in(list);
        if (count > 0) {
            nodes_.reset(new (std::nothrow) tensor_value_t[count]);
            if (nodes_ == nullptr) return {TENSOR_ERROR_OUT_OF_MEMORY, "no memory for the nodes of a list"};
        }
        tensor_value_t *free = nodes_.get();
        root_ = node(list, free);
        return TENSOR_OK;
    }
    [[nodiscard]] const tensor_value_t &root() const noexcept { return root_; }

private:
    /** How many lists are inside a list, at any depth. */
    template <class List>
    static std::size_t lists_in(const List &list) noexcept {
        std::size_t count = 0;
        if constexpr (is_initializer_list<typename List::value_type>) {
            for (const auto &inner : list) count += 1 + lists_in(inner);
        }
        return count;
    }
    template <class List>
    static tensor_value_t node(const List &list, tensor_value_t *&free) noexcept {
        if constexpr (is_initializer_list<typename List::value_type>) {
            tensor_value_t *const items = free;
            free += list.size();
            tensor_value_t *next = items;
            for (const auto &inner : list) *next++ = node(inner, free);
            return tensor_value_list(items, nearest<std::int64_t>(list.size()));
        } else {
            return tensor_value_run(list.begin(), element_dtype<T>().raw(), nearest<std::int64_t>(list.size()));
        }
    }

    std::unique_ptr<tensor_value_t[]> nodes_;
    tensor_value_t root_{};
};

}  // namespace detail
}  // namespace astensor

#endif

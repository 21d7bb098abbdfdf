// Typed access to a tensor's elements: checked against dtype, device, layout, alignment and the right to write.
#ifndef ASTENSOR_CPP_ACCESS_HPP
#define ASTENSOR_CPP_ACCESS_HPP

#include "dims.hpp"
#include "dtype.hpp"

#include <array>
#include <cstring>

#if defined(__has_include) && __cplusplus >= 202002L
#if __has_include(<span>)
#include <span>
#endif
#if __has_include(<mdspan>)
#include <mdspan>
#endif
#endif

namespace astensor {
namespace detail {

inline bool processor_reaches(DLDevice device) noexcept {
    return device.device_type == kDLCPU || device.device_type == kDLCUDAHost || device.device_type == kDLROCMHost
           || device.device_type == kDLCUDAManaged;
}

/** Whether the elements are of type T, and may be reached. Gives no pointer away, so it pins nothing on a loan. */
template <class T>
outcome readable(const tensor_t *handle) noexcept {
    if (handle == nullptr) return {TENSOR_ERROR_NULL, "the tensor is empty: it has no handle"};
    if (dtype(tensor_dtype(handle)) != element_dtype<T>()) return {TENSOR_ERROR_DTYPE, "the elements have another dtype"};
    if (!processor_reaches(tensor_device(handle))) return {TENSOR_ERROR_DEVICE, "the processor cannot reach the elements"};
    if (!std::is_const_v<T> && tensor_is_read_only(handle))
        return {TENSOR_ERROR_READ_ONLY, "the tensor is read-only: ask for a const type"};
    return TENSOR_OK;
}

/** Whether the elements that are shown may be used where they are as objects of type T. */
template <class T>
outcome usable(const DLTensor *view, const tensor_t *handle) noexcept {
    if (view->data == nullptr && tensor_numel(handle) != 0)
        return {TENSOR_ERROR_REVOKED, "the lender has taken the memory back"};
    // Whole elements apart, so the first one decides for all.
    if (reinterpret_cast<std::uintptr_t>(view->data) % alignof(T) != 0)
        return {TENSOR_ERROR_COPY_NEEDED, "the elements are not aligned for their type: copy the tensor"};
    return TENSOR_OK;
}

/** The first element, in a tensor that readable() has accepted. From here on it is pinned for reading, if it is on a loan. */
template <class T>
outcome shown(const tensor_t *handle, T *&out) noexcept {
    const DLTensor *view = tensor_view(handle);
    const outcome ended = usable<T>(view, handle);
    if (!ended.failed()) out = static_cast<T *>(view->data);
    return ended;
}

/** How many elements one element is from the first, in a tensor that readable() has accepted. */
inline outcome locate(const tensor_t *handle, const dims &indices, std::int64_t &out) noexcept {
    const std::int32_t rank = tensor_ndim(handle);
    const std::int64_t *const shape = tensor_shape(handle), *const strides = tensor_strides(handle);
    if (indices.ndim() != rank) return {TENSOR_ERROR_INDEX, "there must be one index for each dimension"};
    std::int64_t offset = 0;
    for (std::int32_t i = 0; i < rank; i++) {
        const std::int64_t size = shape[i], asked = indices[static_cast<std::size_t>(i)];
        if (asked < -size || asked >= size) return {TENSOR_ERROR_INDEX, "an index is out of range"};
        offset += (asked < 0 ? asked + size : asked) * strides[i];
    }
    out = offset;
    return TENSOR_OK;
}

/** The value of one element, wherever it lies. A bool is true for every byte but 0. */
template <class T>
T read(const void *from) noexcept {
    if constexpr (std::is_same_v<T, bool>) {
        unsigned char byte = 0;
        std::memcpy(&byte, from, 1);
        return byte != 0;
    } else {
        T value;
        std::memcpy(static_cast<void *>(&value), from, sizeof value);
        return value;
    }
}

#ifdef __cpp_exceptions
/** check(), with the values that a sentence of typed() or locate() is about. */
template <class T>
void check_access(outcome ended, const tensor_t *handle, const dims &indices = {}) {
    if (!ended.failed()) return;
    const std::int32_t rank = tensor_ndim(handle);
    const std::int64_t *const shape = tensor_shape(handle);
    std::string sentence = ended.sentence != nullptr ? ended.sentence : tensor_last_error();
    if (ended.status == TENSOR_ERROR_DTYPE) {
        sentence = "the elements are " + dtype(tensor_dtype(handle)).name() + ", not " + element_dtype<T>().name();
    } else if (ended.status == TENSOR_ERROR_INDEX && indices.ndim() != rank) {
        sentence += ": " + std::to_string(indices.size()) + " for " + std::to_string(rank);
    } else if (ended.status == TENSOR_ERROR_INDEX) {
        for (std::int32_t i = 0; i < rank; i++) {
            const std::int64_t size = shape[i], asked = indices[static_cast<std::size_t>(i)];
            if (asked < -size || asked >= size) {
                sentence = "index = " + std::to_string(asked) + " is out of range for dimension " + std::to_string(i)
                           + " of size " + std::to_string(size);
                break;
            }
        }
    }
    throw error(ended.status, sentence);
}
#endif

}  // namespace detail

/**
 * The elements of a tensor with one dimension, whatever its stride, to walk over:
 *
 *     for (float &value : tensor.as_range<float>()) value *= 2;
 *
 * Owner is the tensor, which it keeps alive.
 */
template <class T, class Owner>
class element_range {
public:
    class iterator {
    public:
        using iterator_category = std::random_access_iterator_tag;
        using value_type = std::remove_cv_t<T>;
        using difference_type = std::ptrdiff_t;
        using pointer = T *;
        using reference = T &;

        iterator() noexcept = default;
        // By number rather than by address: one step past the end may be outside the memory by a whole stride.
        iterator(T *first, std::ptrdiff_t stride, std::ptrdiff_t at) noexcept : first_(first), stride_(stride), at_(at) {}

        reference operator*() const noexcept { return first_[at_ * stride_]; }
        pointer operator->() const noexcept { return first_ + at_ * stride_; }
        reference operator[](difference_type n) const noexcept { return first_[(at_ + n) * stride_]; }
        iterator &operator++() noexcept { return *this += 1; }
        iterator &operator--() noexcept { return *this -= 1; }
        iterator operator++(int) noexcept { return iterator(first_, stride_, at_++); }
        iterator operator--(int) noexcept { return iterator(first_, stride_, at_--); }
        iterator &operator+=(difference_type n) noexcept {
            at_ += n;
            return *this;
        }
        iterator &operator-=(difference_type n) noexcept {
            at_ -= n;
            return *this;
        }
        friend iterator operator+(iterator i, difference_type n) noexcept { return i += n; }
        friend iterator operator+(difference_type n, iterator i) noexcept { return i += n; }
        friend iterator operator-(iterator i, difference_type n) noexcept { return i -= n; }
        friend difference_type operator-(iterator a, iterator b) noexcept { return a.at_ - b.at_; }
        friend bool operator==(iterator a, iterator b) noexcept { return a.at_ == b.at_; }
        friend bool operator!=(iterator a, iterator b) noexcept { return a.at_ != b.at_; }
        friend bool operator<(iterator a, iterator b) noexcept { return a.at_ < b.at_; }
        friend bool operator>(iterator a, iterator b) noexcept { return a.at_ > b.at_; }
        friend bool operator<=(iterator a, iterator b) noexcept { return a.at_ <= b.at_; }
        friend bool operator>=(iterator a, iterator b) noexcept { return a.at_ >= b.at_; }

    private:
        T *first_ = nullptr;
        std::ptrdiff_t stride_ = 0, at_ = 0;
    };

    element_range() noexcept = default;
    element_range(Owner owner, T *first, std::ptrdiff_t stride, std::ptrdiff_t size) noexcept
        : owner_(std::move(owner)), first_(first), stride_(stride), size_(size) {}

    [[nodiscard]] iterator begin() const noexcept { return {first_, stride_, 0}; }
    [[nodiscard]] iterator end() const noexcept { return {first_, stride_, size_}; }
    [[nodiscard]] std::size_t size() const noexcept { return static_cast<std::size_t>(size_); }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    [[nodiscard]] T &operator[](std::size_t i) const noexcept { return first_[static_cast<std::ptrdiff_t>(i) * stride_]; }

private:
    Owner owner_;
    T *first_ = nullptr;
    std::ptrdiff_t stride_ = 0, size_ = 0;
};

namespace detail {

/**
 * The part of a tensor that gives access to elements as C++ objects.
 *
 * T must have the tensor's dtype; without const in T the tensor must be writable. Errors: TENSOR_ERROR_NULL, _DTYPE,
 * _DEVICE, _READ_ONLY, and _COPY_NEEDED where the layout or alignment is not as the function needs it.
 *
 * Lifetime: pointers, references and spans are valid as long as the storage, which any handle keeps. data(), as_span() and
 * as_mdspan() are not there for a temporary handle, whose storage may go before the pointer is used: name it first.
 */
template <class Tensor>
class typed_access {
public:
    /** The first element; the others are strides() apart. */
    template <class T>
    [[nodiscard]] tensor_status_t try_data(T *&out) const noexcept {
        return first(out).status;
    }
    /** One element; negative indices count from the end. For bytes of bool that may be other than 0 and 1: item(). */
    template <class T>
    [[nodiscard]] tensor_status_t try_at(const dims &indices, T *&out) const noexcept {
        return located(indices, out).status;
    }
    /** The value of the only element. */
    template <class T>
    [[nodiscard]] tensor_status_t try_item(T &out) const noexcept {
        return only(out).status;
    }
    /** The elements of one dimension, to walk over. */
    template <class T>
    [[nodiscard]] tensor_status_t try_as_range(element_range<T, Tensor> &out) const noexcept {
        return ranged(out).status;
    }
#ifdef __cpp_lib_span
    /** All elements of a contiguous tensor, in row-major order. */
    template <class T>
    [[nodiscard]] tensor_status_t try_as_span(std::span<T> &out) const noexcept {
        return spanned(out).status;
    }
#endif
#ifdef __cpp_lib_mdspan
    /** The elements by `rank` indices. A std::mdspan wants strides that are positive and reach past what smaller ones span. */
    template <class T, std::size_t rank>
    using mdspan_of = std::mdspan<T, std::dextents<std::int64_t, rank>, std::layout_stride>;
    template <class T, std::size_t rank>
    [[nodiscard]] tensor_status_t try_as_mdspan(mdspan_of<T, rank> &out) const noexcept {
        return spread<T, rank>(out).status;
    }
#endif

#ifdef __cpp_exceptions
    template <class T>
    [[nodiscard]] T *data() const & {
        T *out = nullptr;
        check_access<T>(first(out), handle());
        return out;
    }
    template <class T>
    T *data() const && = delete;
    template <class T, class... Index>
    [[nodiscard]] T &at(Index... indices) const {
        T *out = nullptr;
        const dims wanted{indices...};
        check_access<T>(located(wanted, out), handle(), wanted);
        return *out;
    }
    template <class T>
    [[nodiscard]] T item() const {
        T out{};
        check_access<T>(only(out), handle());
        return out;
    }
    template <class T>
    [[nodiscard]] element_range<T, Tensor> as_range() const {
        element_range<T, Tensor> out;
        check_access<T>(ranged(out), handle());
        return out;
    }
#ifdef __cpp_lib_span
    template <class T>
    [[nodiscard]] std::span<T> as_span() const & {
        std::span<T> out;
        check_access<T>(spanned(out), handle());
        return out;
    }
    template <class T>
    std::span<T> as_span() const && = delete;
#endif
#ifdef __cpp_lib_mdspan
    template <class T, std::size_t rank>
    [[nodiscard]] mdspan_of<T, rank> as_mdspan() const & {
        mdspan_of<T, rank> out(nullptr, typename mdspan_of<T, rank>::mapping_type());  // of rank 0 there is no other
        check_access<T>(spread<T, rank>(out), handle());
        return out;
    }
    template <class T, std::size_t rank>
    mdspan_of<T, rank> as_mdspan() const && = delete;
#endif
#endif

protected:
    typed_access() noexcept = default;
    typed_access(const typed_access &) noexcept = default;
    typed_access &operator=(const typed_access &) noexcept = default;
    ~typed_access() = default;

private:
    [[nodiscard]] const tensor_t *handle() const noexcept { return static_cast<const Tensor *>(this)->get(); }

    template <class T>
    outcome first(T *&out) const noexcept {
        const outcome ended = readable<T>(handle());
        return ended.failed() ? ended : shown(handle(), out);
    }
    template <class T>
    outcome located(const dims &indices, T *&out) const noexcept {
        outcome ended = readable<T>(handle());
        std::int64_t offset = 0;
        if (!ended.failed()) ended = locate(handle(), indices, offset);
        T *start = nullptr;
        if (!ended.failed()) ended = shown(handle(), start);
        if (!ended.failed()) out = start + offset;
        return ended;
    }
    template <class T>
    outcome only(T &out) const noexcept {
        const outcome ended = readable<const T>(handle());
        if (ended.failed()) return ended;
        if (tensor_numel(handle()) != 1) return {TENSOR_ERROR_SHAPE, "there is not exactly one element"};
        // No pointer is given away, so the memory is pinned only for as long as it is read.
        const DLTensor *view = nullptr;
        const tensor_status_t status = tensor_pin(static_cast<const Tensor *>(this)->get(), TENSOR_PIN_READ, &view);
        if (status != TENSOR_OK) return status;
        out = read<T>(view->data);
        return tensor_unpin(static_cast<const Tensor *>(this)->get());
    }
    template <class T>
    outcome ranged(element_range<T, Tensor> &out) const noexcept {
        outcome ended = readable<T>(handle());
        if (ended.failed()) return ended;
        if (tensor_ndim(handle()) != 1) return {TENSOR_ERROR_SHAPE, "there is not exactly one dimension to walk over"};
        T *start = nullptr;
        ended = shown(handle(), start);
        Tensor owner;
        if (!ended.failed()) ended = static_cast<const Tensor *>(this)->try_share(owner);
        if (!ended.failed())
            out = {std::move(owner), start, static_cast<std::ptrdiff_t>(tensor_strides(handle())[0]),
                   static_cast<std::ptrdiff_t>(tensor_shape(handle())[0])};
        return ended;
    }
#ifdef __cpp_lib_span
    template <class T>
    outcome spanned(std::span<T> &out) const noexcept {
        outcome ended = readable<T>(handle());
        if (ended.failed()) return ended;
        if (!tensor_is_contiguous(handle()))
            return {TENSOR_ERROR_COPY_NEEDED, "the elements are not contiguous: copy the tensor"};
        T *start = nullptr;
        ended = shown(handle(), start);
        if (!ended.failed()) out = std::span<T>(start, static_cast<std::size_t>(tensor_numel(handle())));
        return ended;
    }
#endif
#ifdef __cpp_lib_mdspan
    /** Whether each stride reaches past what the smaller ones span, as layout_stride takes for granted. */
    template <std::size_t rank>
    static bool nested(const std::array<std::int64_t, rank> &sizes, const std::array<std::int64_t, rank> &steps) noexcept {
        std::array<std::size_t, rank> order{};
        for (std::size_t i = 0; i < rank; i++) {
            std::size_t at = i;
            const auto before = [&](std::size_t other) {
                return steps[i] != steps[other] ? steps[i] < steps[other] : sizes[i] < sizes[other];
            };
            for (; at > 0 && before(order[at - 1]); at--) order[at] = order[at - 1];
            order[at] = i;
        }
        for (std::size_t i = 1; i < rank; i++) {
            if (steps[order[i]] / steps[order[i - 1]] < sizes[order[i - 1]]) return false;
        }
        return true;
    }

    template <class T, std::size_t rank>
    outcome spread(mdspan_of<T, rank> &out) const noexcept {
        outcome ended = readable<T>(handle());
        if (ended.failed()) return ended;
        if (tensor_ndim(handle()) != static_cast<std::int32_t>(rank)) return {TENSOR_ERROR_SHAPE, "the mdspan has another rank"};
        std::array<std::int64_t, rank> sizes{}, steps{};
        const bool empty = tensor_numel(handle()) == 0;
        std::int64_t spanned = 1;
        for (std::size_t i = rank; i-- > 0;) {
            sizes[i] = tensor_shape(handle())[i];
            // Where a stride moves nothing, any that suits the others will do; without elements, that of row-major order.
            steps[i] = empty ? spanned : sizes[i] > 1 ? tensor_strides(handle())[i] : 1;
            if (steps[i] <= 0) return {TENSOR_ERROR_COPY_NEEDED, "an mdspan needs positive strides: copy the tensor"};
            if (empty && sizes[i] > 1) {
                if (spanned > INT64_MAX / sizes[i]) return {TENSOR_ERROR_OVERFLOW, "an mdspan of such sizes has no strides"};
                spanned *= sizes[i];
            }
        }
        if (!nested(sizes, steps)) return {TENSOR_ERROR_COPY_NEEDED, "an mdspan needs strides that leave no overlap: copy the tensor"};
        const std::dextents<std::int64_t, rank> extents(sizes);
        T *start = nullptr;
        ended = shown(handle(), start);
        if (!ended.failed()) out = mdspan_of<T, rank>(start, std::layout_stride::mapping(extents, steps));
        return ended;
    }
#endif
};

}  // namespace detail
}  // namespace astensor

#endif

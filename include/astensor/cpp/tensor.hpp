// The tensor: a counted handle, what it tells, its views, how it is filled and exported.
#ifndef ASTENSOR_CPP_TENSOR_HPP
#define ASTENSOR_CPP_TENSOR_HPP

#include "access.hpp"
#include "describe.hpp"
#include "index.hpp"

#include <memory>
#include <utility>

namespace astensor {
namespace detail {

struct dlpack_deleter {
    template <class Managed>
    void operator()(Managed *managed) const noexcept {
        if (managed->deleter != nullptr) managed->deleter(managed);
    }
};

}  // namespace detail

/** A tensor on its way to or from another library: DLPack 1.x. Calls its deleter unless it is given away. */
using dlpack = std::unique_ptr<DLManagedTensorVersioned, detail::dlpack_deleter>;
/** The same for DLPack before 1.0. */
using dlpack_legacy = std::unique_ptr<DLManagedTensor, detail::dlpack_deleter>;

/**
 * A handle of a tensor: a reference that is counted. A copy is another reference to the same handle (tensor_retain());
 * copy() copies the elements. As with a pointer or a span, a const handle does not mean const elements: those of
 * read-only tensors are.
 *
 * A default-constructed or moved-from handle is empty. Every function refuses it with TENSOR_ERROR_NULL, and the plain
 * getters answer as the functions in C do for NULL.
 *
 * Lifetime: handles, views and exports keep the storage. Borrowed memory must live until the last of them is gone.
 * Threads: as in C. Two threads may use two handles of one tensor, but not one handle object while one of them changes it.
 */
class tensor : public detail::typed_access<tensor> {
public:
    tensor() noexcept = default;
    /** Takes a reference over from C: the handle gives it back. */
    explicit tensor(tensor_t *reference) noexcept : handle_(reference) {}
    /** Fails (TENSOR_ERROR_COUNT; without exceptions: is empty) only when 2^63 references are there already. */
    tensor(const tensor &other) : detail::typed_access<tensor>() {
        const tensor_status_t status = other.try_share(*this);
#ifdef __cpp_exceptions
        detail::check(status);
#else
        static_cast<void>(status);
#endif
    }
    tensor(tensor &&other) noexcept : detail::typed_access<tensor>(), handle_(std::exchange(other.handle_, nullptr)) {}
    tensor &operator=(const tensor &other) {
        tensor(other).swap(*this);
        return *this;
    }
    tensor &operator=(tensor &&other) noexcept {
        tensor(std::move(other)).swap(*this);
        return *this;
    }
    ~tensor() { tensor_release(handle_); }

    void swap(tensor &other) noexcept { std::swap(handle_, other.handle_); }
    friend void swap(tensor &a, tensor &b) noexcept { a.swap(b); }

    /** Another reference to the same handle: what the copy constructor does. */
    [[nodiscard]] tensor_status_t try_share(tensor &out) const noexcept {
        const tensor_status_t status = tensor_retain(handle_);
        if (status == TENSOR_OK) out = tensor(handle_);
        return status;
    }

    /** For functions in C. Stays this object's. */
    [[nodiscard]] tensor_t *get() const noexcept { return handle_; }
    /** Gives the reference to the caller, who owes it a tensor_release(). */
    [[nodiscard]] tensor_t *release() noexcept { return std::exchange(handle_, nullptr); }
    void reset() noexcept { tensor().swap(*this); }
    explicit operator bool() const noexcept { return handle_ != nullptr; }

    // What it tells.

    /**
     * Data, shape, strides, dtype and device, as in C: valid as long as the handle. NULL if it is empty. On a loan, this is
     * a pin for reading that lasts as long: so is the pointer of data(), at() and the spans, but nothing else here.
     */
    [[nodiscard]] const DLTensor *view() const noexcept { return tensor_view(handle_); }
    [[nodiscard]] std::int32_t ndim() const noexcept { return handle_ != nullptr ? tensor_ndim(handle_) : 0; }
    [[nodiscard]] dims shape() const noexcept { return list(tensor_shape(handle_)); }
    /** In elements. */
    [[nodiscard]] dims strides() const noexcept { return list(tensor_strides(handle_)); }
    /** The size of one dimension; -1 for one that does not exist. Negative numbers count from the end. */
    [[nodiscard]] std::int64_t size(std::int32_t dim) const noexcept {
        const std::int32_t rank = ndim();
        return dim < -rank || dim >= rank ? -1 : tensor_shape(handle_)[dim < 0 ? dim + rank : dim];
    }
    [[nodiscard]] astensor::dtype dtype() const noexcept { return tensor_dtype(handle_); }
    [[nodiscard]] DLDevice device() const noexcept { return handle_ != nullptr ? tensor_device(handle_) : DLDevice{kDLCPU, 0}; }
    [[nodiscard]] std::int64_t numel() const noexcept { return tensor_numel(handle_); }
    [[nodiscard]] std::int64_t nbytes() const noexcept { return tensor_nbytes(handle_); }
    [[nodiscard]] bool is_contiguous() const noexcept { return tensor_is_contiguous(handle_); }
    [[nodiscard]] bool is_read_only() const noexcept { return tensor_is_read_only(handle_); }
    [[nodiscard]] std::uint64_t use_count() const noexcept { return tensor_use_count(handle_); }

    /** How the handle was made, and why: tensor_origin(). */
    [[nodiscard]] tensor_status_t try_origin(tensor_plan_t &out) const noexcept {
        tensor_plan_t found{};
        found.struct_size = sizeof found;
        const tensor_status_t status = tensor_origin(handle_, &found);
        if (status == TENSOR_OK) out = found;
        return status;
    }
    /** Whether two tensors have memory in common, to the bit: tensor_shares_memory(). */
    [[nodiscard]] tensor_status_t try_shares_memory(const tensor &other, bool &out) const noexcept {
        bool answer = false;
        const tensor_status_t status = tensor_shares_memory(handle_, other.handle_, &answer);
        if (status == TENSOR_OK) out = answer;
        return status;
    }

    // Another dtype, layout or device: the same memory if it is as asked, else a copy.

    [[nodiscard]] tensor_status_t try_to(const options &asked, tensor &out) const noexcept {
        const tensor_options_t raw = asked.raw();
        return make(out, [&](tensor_t **made) { return tensor_to(handle_, &raw, made); });
    }
    /** Copies the elements, always. */
    [[nodiscard]] tensor_status_t try_copy(const options &asked, tensor &out) const noexcept {
        if (asked.raw().copy != TENSOR_COPY_IF_NEEDED) return try_to(asked, out);
        return try_to(asked.copy(copy_mode::always), out);
    }

    // Views: other handles on the same memory, which keep its storage alive.

    /** Indexed as in Python: t.try_index({0, slice(1, 5), all, newaxis}, out). */
    [[nodiscard]] tensor_status_t try_index(std::initializer_list<index> indices, tensor &out) const noexcept {
        return indexed(indices, out).status;
    }
    [[nodiscard]] tensor_status_t try_select(std::int32_t dim, std::int64_t at, tensor &out) const noexcept {
        return make(out, [&](tensor_t **made) { return tensor_select(handle_, dim, at, made); });
    }
    [[nodiscard]] tensor_status_t try_narrow(std::int32_t dim, slice range, tensor &out) const noexcept {
        return make(out, [&](tensor_t **made) {
            return tensor_slice(handle_, dim, range.start(), range.stop(), range.step(), made);
        });
    }
    [[nodiscard]] tensor_status_t try_permute(const axes &order, tensor &out) const noexcept {
        return make(out, [&](tensor_t **made) { return tensor_permute(handle_, order.ndim(), order.data(), made); });
    }
    [[nodiscard]] tensor_status_t try_transpose(std::int32_t dim0, std::int32_t dim1, tensor &out) const noexcept {
        return make(out, [&](tensor_t **made) { return tensor_transpose(handle_, dim0, dim1, made); });
    }
    /** The one that may copy, where no view has the new shape; copy_mode::never forbids it. */
    [[nodiscard]] tensor_status_t try_reshape(const dims &shape, copy_mode mode, tensor &out) const noexcept {
        return make(out, [&](tensor_t **made) {
            return tensor_reshape(handle_, shape.ndim(), shape.data(), static_cast<std::int32_t>(mode), made);
        });
    }
    [[nodiscard]] tensor_status_t try_expand(const dims &shape, tensor &out) const noexcept {
        return make(out, [&](tensor_t **made) { return tensor_expand(handle_, shape.ndim(), shape.data(), made); });
    }
    /** Without dimension `dim` if its size is 1; TENSOR_ALL_DIMS: without any such dimension. */
    [[nodiscard]] tensor_status_t try_squeeze(std::int32_t dim, tensor &out) const noexcept {
        return make(out, [&](tensor_t **made) { return tensor_squeeze(handle_, dim, made); });
    }
    [[nodiscard]] tensor_status_t try_unsqueeze(std::int32_t dim, tensor &out) const noexcept {
        return make(out, [&](tensor_t **made) { return tensor_unsqueeze(handle_, dim, made); });
    }
    [[nodiscard]] tensor_status_t try_flip(const axes &reversed, tensor &out) const noexcept {
        return make(out, [&](tensor_t **made) { return tensor_flip(handle_, reversed.ndim(), reversed.data(), made); });
    }
    [[nodiscard]] tensor_status_t try_as_strided(const dims &shape, const dims &strides, std::int64_t offset,
                                                 tensor &out) const noexcept {
        return strided(shape, strides, offset, out).status;
    }
    /** The same bytes as another dtype. */
    [[nodiscard]] tensor_status_t try_view_dtype(astensor::dtype other, tensor &out) const noexcept {
        const DLDataType raw = other.raw();
        return make(out, [&](tensor_t **made) { return tensor_view_dtype(handle_, &raw, made); });
    }

    // Filling. The source is converted and stretched; it may overlap the destination.

    /** Copies a tensor, or anything that as_tensor() takes, into this one. */
    template <class D>
    [[nodiscard]] tensor_status_t try_assign(const D &source, const options &asked = {}) const noexcept {
        return assigned(source, asked).status;
    }
    template <class T>
    [[nodiscard]] tensor_status_t try_assign(std::initializer_list<T> list, const options &asked = {}) const noexcept {
        return listed<T>(list, asked).status;
    }
    template <class T>
    [[nodiscard]] tensor_status_t try_assign(std::initializer_list<std::initializer_list<T>> list, const options &asked = {}) const noexcept {
        return listed<T>(list, asked).status;
    }
    /** Sets every element to a number. */
    template <class T>
    [[nodiscard]] tensor_status_t try_fill(const T &value, const options &asked = {}) const noexcept {
        static_assert(has_dtype<T>, "astensor: fill() takes a number; assign() takes tensors and containers");
        return try_assign(value, asked);
    }
    /** Copies this tensor into another, or into a container or array. */
    [[nodiscard]] tensor_status_t try_copy_into(const tensor &destination, const options &asked = {}) const noexcept {
        return destination.try_assign(*this, asked);
    }
    template <class C, std::enable_if_t<!std::is_same_v<std::remove_cv_t<C>, tensor>, int> = 0>
    [[nodiscard]] tensor_status_t try_copy_into(C &destination, const options &asked = {}) const noexcept {
        return copied_into(destination, asked).status;
    }

    // Exchange with other libraries.

    /** Options bring the tensor to what they say first; copy_mode::always gives the consumer a copy of its own. */
    [[nodiscard]] tensor_status_t try_to_dlpack(const options &asked, dlpack &out) const noexcept {
        const tensor_options_t raw = asked.raw();
        DLManagedTensorVersioned *managed = nullptr;
        const tensor_status_t status = tensor_to_dlpack(handle_, &raw, &managed);
        if (status == TENSOR_OK) out.reset(managed);
        return status;
    }
    [[nodiscard]] tensor_status_t try_to_dlpack_legacy(const options &asked, dlpack_legacy &out) const noexcept {
        const tensor_options_t raw = asked.raw();
        DLManagedTensor *managed = nullptr;
        const tensor_status_t status = tensor_to_dlpack_legacy(handle_, &raw, &managed);
        if (status == TENSOR_OK) out.reset(managed);
        return status;
    }

#ifdef __cpp_exceptions
    [[nodiscard]] tensor_plan_t origin() const {
        tensor_plan_t found{};
        detail::check(try_origin(found));
        return found;
    }
    [[nodiscard]] bool shares_memory(const tensor &other) const {
        bool answer = false;
        detail::check(try_shares_memory(other, answer));
        return answer;
    }
    [[nodiscard]] tensor to(const options &asked) const {
        return get([&](tensor &out) { return try_to(asked, out); });
    }
    template <class T>
    [[nodiscard]] tensor to() const {
        return to(detail::element_dtype<T>());
    }
    [[nodiscard]] tensor copy(const options &asked = {}) const {
        return get([&](tensor &out) { return try_copy(asked, out); });
    }

    /** Indexed as in Python: t(0, slice(1, 5), all, newaxis, ellipsis). */
    template <class... Index>
    [[nodiscard]] tensor operator()(Index... indices) const {
        return get([&](tensor &out) { return indexed({index(indices)...}, out); });
    }
    [[nodiscard]] tensor operator[](index at) const { return (*this)(at); }
#if defined(__cpp_multidimensional_subscript)
    template <class... Index, std::enable_if_t<(sizeof...(Index) > 1), int> = 0>
    [[nodiscard]] tensor operator[](Index... indices) const {
        return (*this)(indices...);
    }
#endif
    [[nodiscard]] tensor select(std::int32_t dim, std::int64_t at) const {
        return get([&](tensor &out) { return try_select(dim, at, out); });
    }
    [[nodiscard]] tensor narrow(std::int32_t dim, slice range) const {
        return get([&](tensor &out) { return try_narrow(dim, range, out); });
    }
    [[nodiscard]] tensor permute(const axes &order) const {
        return get([&](tensor &out) { return try_permute(order, out); });
    }
    [[nodiscard]] tensor transpose(std::int32_t dim0, std::int32_t dim1) const {
        return get([&](tensor &out) { return try_transpose(dim0, dim1, out); });
    }
    [[nodiscard]] tensor reshape(const dims &shape, copy_mode mode = copy_mode::if_needed) const {
        return get([&](tensor &out) { return try_reshape(shape, mode, out); });
    }
    [[nodiscard]] tensor expand(const dims &shape) const {
        return get([&](tensor &out) { return try_expand(shape, out); });
    }
    [[nodiscard]] tensor squeeze(std::int32_t dim = TENSOR_ALL_DIMS) const {
        return get([&](tensor &out) { return try_squeeze(dim, out); });
    }
    [[nodiscard]] tensor unsqueeze(std::int32_t dim) const {
        return get([&](tensor &out) { return try_unsqueeze(dim, out); });
    }
    [[nodiscard]] tensor flip(const axes &reversed) const {
        return get([&](tensor &out) { return try_flip(reversed, out); });
    }
    [[nodiscard]] tensor as_strided(const dims &shape, const dims &strides, std::int64_t offset = 0) const {
        return get([&](tensor &out) { return strided(shape, strides, offset, out); });
    }
    [[nodiscard]] tensor view_dtype(astensor::dtype other) const {
        return get([&](tensor &out) { return try_view_dtype(other, out); });
    }

    template <class D>
    const tensor &assign(const D &source, const options &asked = {}) const {
        detail::check(assigned(source, asked));
        return *this;
    }
    template <class T>
    const tensor &assign(std::initializer_list<T> list, const options &asked = {}) const {
        detail::check(listed<T>(list, asked));
        return *this;
    }
    template <class T>
    const tensor &assign(std::initializer_list<std::initializer_list<T>> list, const options &asked = {}) const {
        detail::check(listed<T>(list, asked));
        return *this;
    }
    template <class T>
    const tensor &fill(const T &value, const options &asked = {}) const {
        detail::check(try_fill(value, asked));
        return *this;
    }
    void copy_into(const tensor &destination, const options &asked = {}) const { destination.assign(*this, asked); }
    template <class C, std::enable_if_t<!std::is_same_v<std::remove_cv_t<C>, tensor>, int> = 0>
    void copy_into(C &destination, const options &asked = {}) const {
        detail::check(copied_into(destination, asked));
    }

    [[nodiscard]] dlpack to_dlpack(const options &asked = {}) const {
        dlpack out;
        detail::check(try_to_dlpack(asked, out));
        return out;
    }
    [[nodiscard]] dlpack_legacy to_dlpack_legacy(const options &asked = {}) const {
        dlpack_legacy out;
        detail::check(try_to_dlpack_legacy(asked, out));
        return out;
    }

    /** The first dimension, to walk over: `for (tensor row : table)`. */
    class iterator;
    [[nodiscard]] iterator begin() const;
    [[nodiscard]] iterator end() const;
#endif

private:
    [[nodiscard]] dims list(const std::int64_t *values) const noexcept {
        dims out;
        for (std::int32_t i = 0; values != nullptr && i < ndim(); i++) out.push_back(values[i]);
        return out;
    }

    // `out` may be the tensor that the call reads.
    template <class Call>
    static tensor_status_t make(tensor &out, Call call) noexcept {
        tensor_t *made = nullptr;
        const tensor_status_t status = call(&made);
        if (status == TENSOR_OK) out = tensor(made);
        return status;
    }
#ifdef __cpp_exceptions
    template <class Attempt>
    static tensor get(Attempt attempt) {
        tensor out;
        detail::check(attempt(out));
        return out;
    }
#endif

    detail::outcome indexed(std::initializer_list<index> indices, tensor &out) const noexcept {
        std::int32_t named = 0, ellipses = 0;
        for (const index &each : indices) {
            if (each.what() == index::kind::rest) ellipses++;
            else if (each.what() != index::kind::added) named++;
        }
        if (ellipses > 1) return {TENSOR_ERROR_ARGUMENT, "there is more than one ellipsis among the indices"};
        tensor current;
        tensor_status_t status = try_share(current);
        if (handle_ == nullptr) status = TENSOR_ERROR_NULL;
        std::int32_t dim = 0;
        const std::int32_t unnamed = ndim() > named ? ndim() - named : 0;
        for (const index &each : indices) {
            if (status != TENSOR_OK) break;
            switch (each.what()) {
            case index::kind::integer:
                status = current.try_select(dim, each.start(), current);
                break;
            case index::kind::range:
            case index::kind::whole:
                status = make(current, [&](tensor_t **made) {
                    return tensor_slice(current.handle_, dim, each.start(), each.stop(), each.step(), made);
                });
                dim++;
                break;
            case index::kind::added:
                status = current.try_unsqueeze(dim, current);
                dim++;
                break;
            case index::kind::rest:
                dim += unnamed;
                break;
            }
        }
        if (handle_ == nullptr) return {status, "the tensor is empty: it has no handle"};
        if (status == TENSOR_OK) out = std::move(current);
        return status;
    }

    detail::outcome strided(const dims &shape, const dims &strides, std::int64_t offset, tensor &out) const noexcept {
        if (shape.size() != strides.size()) return {TENSOR_ERROR_SHAPE, "strides and shape have different lengths"};
        return make(out, [&](tensor_t **made) {
            return tensor_as_strided(handle_, shape.ndim(), shape.data(), strides.data(), offset, made);
        });
    }

    detail::outcome filled_from(detail::description source, const options &asked) const noexcept {
        const tensor_options_t raw = asked.raw();
        const DLTensor view = source.raw();
        return tensor_copy_into(handle_, &view, &raw);
    }
    template <class D>
    detail::outcome assigned(const D &source, const options &asked) const noexcept {
        if constexpr (std::is_same_v<D, tensor>) {
            const tensor_options_t raw = asked.raw();
            return tensor_assign(handle_, source.handle_, &raw);
        } else {
            return filled_from(detail::description::of(source), asked);
        }
    }
    template <class T, class List>
    detail::outcome listed(const List &list, const options &asked) const noexcept {
        detail::value_tree<T> numbers;
        const detail::outcome ended = numbers.fill(list);
        if (ended.failed()) return ended;
        tensor source;
        const tensor_status_t status =
            make(source, [&](tensor_t **made) { return tensor_from_value(&numbers.root(), nullptr, made); });
        return status != TENSOR_OK ? detail::outcome(status) : assigned(source, asked);
    }
    template <class C>
    detail::outcome copied_into(C &container, const options &asked) const noexcept {
        detail::description described = detail::description::of(container);
        if (described.is_read_only()) return {TENSOR_ERROR_READ_ONLY, "the destination is const"};
        const DLTensor view = described.raw();
        tensor destination;
        const tensor_status_t status =
            make(destination, [&](tensor_t **made) { return tensor_as_tensor(&view, nullptr, made); });
        return status != TENSOR_OK ? detail::outcome(status) : destination.assigned(*this, asked);
    }

    tensor_t *handle_ = nullptr;
};

#ifdef __cpp_exceptions
class tensor::iterator {
public:
    using iterator_category = std::input_iterator_tag;
    using value_type = tensor;
    using difference_type = std::ptrdiff_t;
    using pointer = void;
    using reference = tensor;

    iterator(tensor base, std::int64_t at) noexcept : base_(std::move(base)), at_(at) {}
    [[nodiscard]] tensor operator*() const { return base_.select(0, at_); }
    iterator &operator++() noexcept {
        at_++;
        return *this;
    }
    iterator operator++(int) {
        iterator before = *this;
        at_++;
        return before;
    }
    friend bool operator==(const iterator &a, const iterator &b) noexcept { return a.at_ == b.at_; }
    friend bool operator!=(const iterator &a, const iterator &b) noexcept { return a.at_ != b.at_; }

private:
    tensor base_;
    std::int64_t at_;
};
inline tensor::iterator tensor::begin() const {
    if (ndim() == 0) detail::check({TENSOR_ERROR_SHAPE, "there is no dimension to walk over"});
    return {*this, 0};
}
inline tensor::iterator tensor::end() const { return {*this, size(0)}; }
#endif

}  // namespace astensor

#endif

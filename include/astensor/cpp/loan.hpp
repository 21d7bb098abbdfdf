// Loans: memory that is lent for a scope, whose end tells who still uses it; and pins, raw access for a while.
#ifndef ASTENSOR_CPP_LOAN_HPP
#define ASTENSOR_CPP_LOAN_HPP

#include "create.hpp"

#include <chrono>
#include <cstdio>
#include <exception>
#include <functional>
#include <utility>

namespace astensor {

/**
 * Memory that is lent while this object lives:
 *
 *     std::vector<float> numbers(1000);
 *     {
 *         astensor::loan lent(numbers);
 *         run(lent.as_tensor(numbers));
 *     }  // nobody reaches numbers any more, or the alarm has told who does
 *
 * The destructor closes the loan. While tensors, views or exports are alive it cannot: it calls the alarm, with a sentence
 * that counts them, and closes the loan if the alarm has seen to them. If not, it moves what is alive to a private copy
 * (tensor_loan_evacuate()), or, where there is no memory for one, takes the memory away (tensor_loan_revoke()). Where neither
 * can be, because somebody has a raw pointer, it ends the program with std::terminate(), as the destructor of a running
 * std::thread does: after it the memory would be used when it is gone.
 *
 * Threads: as tensor_loan_open() in C. The object itself is for one thread at a time.
 */
class loan {
public:
    /** Is told what is still alive. It may release it, wait(), revoke() or end the program; it must not throw. */
    using alarm = std::function<void(loan &, const char *sentence)>;

    /** The alarm of those who give none: writes the sentence to the standard error output. */
    static void complain(loan &, const char *sentence) {
        std::fprintf(stderr, "astensor: a loan ends while it is in use: %s\n", sentence);
    }

    loan() noexcept = default;
    loan(loan &&other) noexcept : handle_(std::exchange(other.handle_, nullptr)), alarm_(std::move(other.alarm_)) {}
    loan &operator=(loan &&other) noexcept {
        if (this != &other) {
            end();
            handle_ = std::exchange(other.handle_, nullptr);
            alarm_ = std::move(other.alarm_);
        }
        return *this;
    }
    ~loan() { end(); }

    /** Lends `nbytes` bytes from `data` on; read-only if they are const. */
    template <class T>
    [[nodiscard]] static tensor_status_t try_open(T *data, std::size_t nbytes, loan &out) noexcept {
        tensor_loan_t *opened = nullptr;
        const tensor_status_t status =
            tensor_loan_open(const_cast<void *>(static_cast<const void *>(data)), nbytes,
                             std::is_const_v<T> ? std::uint32_t{TENSOR_LOAN_READ_ONLY} : 0u, &opened);
        if (status == TENSOR_OK) {
            loan made;
            made.handle_ = opened;
            made.alarm_ = std::move(out.alarm_);
            out = std::move(made);
        }
        return status;
    }
    /** Lends the elements of a container, array or span. */
    template <class C>
    [[nodiscard]] static tensor_status_t try_open(C &&container, loan &out) noexcept {
        static_assert(detail::is_container<std::remove_reference_t<C>> && !detail::is_bit_vector<detail::bare<C>>,
                      "astensor: what is lent is a container with data() and size()");
        static_assert(std::is_lvalue_reference_v<C> || detail::is_borrowed<detail::bare<C>>,
                      "astensor: a temporary cannot be lent, as it is about to go; name it");
        return try_open(std::data(container), std::size(container) * sizeof *std::data(container), out);
    }

    /** Replaces the alarm. */
    void on_alarm(alarm told) noexcept { alarm_ = std::move(told); }

    /** For functions in C. Stays this object's. */
    [[nodiscard]] tensor_loan_t *get() const noexcept { return handle_; }
    explicit operator bool() const noexcept { return handle_ != nullptr; }

    /** as_tensor(), of memory that is proved to be on the loan: TENSOR_ERROR_BOUNDS if it is not. */
    template <class D>
    [[nodiscard]] tensor_status_t try_as_tensor(D &&data, const options &asked, tensor &out) const noexcept {
        return astensor::try_as_tensor(std::forward<D>(data), asked.loan(handle_), out);
    }
    template <class T>
    [[nodiscard]] tensor_status_t try_as_tensor(T *data, const dims &shape, const options &asked,
                                                tensor &out) const noexcept {
        return astensor::try_as_tensor(data, shape, asked.loan(handle_), out);
    }
    template <class T>
    [[nodiscard]] tensor_status_t try_as_tensor(T *data, const dims &shape, const dims &strides, const options &asked,
                                                tensor &out) const noexcept {
        return astensor::try_as_tensor(data, shape, strides, asked.loan(handle_), out);
    }

    /** Ends the loan: TENSOR_ERROR_BUSY while it is in use, and then it goes on. */
    [[nodiscard]] tensor_status_t try_close() noexcept { return used_up(tensor_loan_close(handle_)); }
    /** Moves what is on the loan to a private copy, and ends it. */
    [[nodiscard]] tensor_status_t try_evacuate() noexcept { return used_up(tensor_loan_evacuate(handle_)); }
    /** Takes the memory back: what is on the loan stays valid, but its memory cannot be reached. */
    [[nodiscard]] tensor_status_t try_revoke() noexcept { return tensor_loan_revoke(handle_); }
    /** Waits until nothing is on the loan: TENSOR_ERROR_BUSY when the time is up. Negative: as long as it takes. */
    [[nodiscard]] tensor_status_t try_wait(std::chrono::nanoseconds longest) noexcept {
        return tensor_loan_wait(handle_, longest.count());
    }
    /** Counts what is on the loan, by a TENSOR_LOAN_ kind. */
    [[nodiscard]] tensor_status_t try_count(std::int32_t kind, std::size_t &out) const noexcept {
        std::size_t found = 0;
        const tensor_status_t status = tensor_loan_count(handle_, kind, &found);
        if (status == TENSOR_OK) out = found;
        return status;
    }

#ifdef __cpp_exceptions
    template <class C, std::enable_if_t<!std::is_same_v<detail::bare<C>, loan>, int> = 0>
    explicit loan(C &&container, alarm told = complain) : alarm_(std::move(told)) {
        detail::check(try_open(std::forward<C>(container), *this));
    }
    template <class T>
    loan(T *data, std::size_t nbytes, alarm told = complain) : alarm_(std::move(told)) {
        detail::check(try_open(data, nbytes, *this));
    }
    template <class D>
    [[nodiscard]] tensor as_tensor(D &&data, const options &asked = {}) const {
        return astensor::as_tensor(std::forward<D>(data), asked.loan(handle_));
    }
    template <class T>
    [[nodiscard]] tensor as_tensor(T *data, const dims &shape, const options &asked = {}) const {
        return astensor::as_tensor(data, shape, asked.loan(handle_));
    }
    template <class T>
    [[nodiscard]] tensor as_tensor(T *data, const dims &shape, const dims &strides, const options &asked = {}) const {
        return astensor::as_tensor(data, shape, strides, asked.loan(handle_));
    }
    void close() { detail::check(try_close()); }
    void evacuate() { detail::check(try_evacuate()); }
    void revoke() { detail::check(try_revoke()); }
    void wait(std::chrono::nanoseconds longest = std::chrono::nanoseconds(-1)) { detail::check(try_wait(longest)); }
    [[nodiscard]] std::size_t count(std::int32_t kind = TENSOR_LOAN_ALIASES) const {
        std::size_t found = 0;
        detail::check(try_count(kind, found));
        return found;
    }
#endif

private:
    tensor_status_t used_up(tensor_status_t status) noexcept {
        if (status == TENSOR_OK) handle_ = nullptr;
        return status;
    }

    void end() noexcept {
        if (handle_ == nullptr || try_close() == TENSOR_OK) return;
        char sentence[1024];
        std::snprintf(sentence, sizeof sentence, "%s", tensor_last_error());
        if (alarm_) alarm_(*this, sentence);
        if (handle_ == nullptr || try_close() == TENSOR_OK || try_evacuate() == TENSOR_OK) return;
        if (try_revoke() != TENSOR_OK || try_close() != TENSOR_OK) std::terminate();
    }

    tensor_loan_t *handle_ = nullptr;
    alarm alarm_ = complain;
};

/**
 * Raw access to a tensor's memory while this object lives: tensor_pin(). On a loan there are any number of readers or one
 * writer, and the memory is neither revoked nor evacuated under them. It is a reference to the tensor.
 */
class pin {
public:
    pin() noexcept = default;
    pin(pin &&other) noexcept : pinned_(std::move(other.pinned_)), view_(std::exchange(other.view_, nullptr)) {}
    pin &operator=(pin &&other) noexcept {
        if (this != &other) {
            end();
            pinned_ = std::move(other.pinned_);
            view_ = std::exchange(other.view_, nullptr);
        }
        return *this;
    }
    ~pin() { end(); }

    /** Pins a tensor for TENSOR_PIN_READ or TENSOR_PIN_WRITE. On error `out` is as it was. */
    [[nodiscard]] static tensor_status_t try_make(const tensor &wanted, std::uint32_t access, pin &out) noexcept {
        pin made;
        tensor_status_t status = wanted.try_share(made.pinned_);
        if (status == TENSOR_OK) status = tensor_pin(wanted.get(), access, &made.view_);
        if (status == TENSOR_OK) out = std::move(made);
        return status;
    }

    /** The memory, as tensor::view() shows it; NULL if nothing is pinned. */
    [[nodiscard]] const DLTensor *view() const noexcept { return view_; }
    explicit operator bool() const noexcept { return view_ != nullptr; }

    /** The first element. T is const for those who pinned to read. */
    template <class T>
    [[nodiscard]] tensor_status_t try_data(T *&out) const noexcept {
        return first(out).status;
    }

#ifdef __cpp_exceptions
    explicit pin(const tensor &wanted, std::uint32_t access = TENSOR_PIN_READ) {
        detail::check(try_make(wanted, access, *this));
    }
    template <class T>
    [[nodiscard]] T *data() const & {
        T *out = nullptr;
        detail::check_access<T>(first(out), pinned_.get());
        return out;
    }
    template <class T>
    T *data() const && = delete;
#endif

private:
    template <class T>
    detail::outcome first(T *&out) const noexcept {
        if (view_ == nullptr) return {TENSOR_ERROR_NULL, "nothing is pinned"};
        detail::outcome ended = detail::readable<T>(pinned_.get());
        if (!ended.failed()) ended = detail::usable<T>(view_, pinned_.get());
        if (!ended.failed()) out = static_cast<T *>(view_->data);
        return ended;
    }
    void end() noexcept {
        if (view_ != nullptr) static_cast<void>(tensor_unpin(pinned_.get()));
        view_ = nullptr;
    }

    tensor pinned_;
    const DLTensor *view_ = nullptr;
};

}  // namespace astensor

#endif

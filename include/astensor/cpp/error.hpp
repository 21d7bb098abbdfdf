// Errors: one exception class with the status, for the functions that throw.
//
// Every function that can fail has two forms. The plain one returns its result and throws astensor::error. Its twin has
// the prefix try_, is noexcept, returns the tensor_status_t and writes its result to a last argument, as in C; after an
// error that argument is unchanged. Where exceptions are switched off (-fno-exceptions) there are only the twins.
#ifndef ASTENSOR_CPP_ERROR_HPP
#define ASTENSOR_CPP_ERROR_HPP

#include "../astensor.h"

#ifdef __cpp_exceptions
#include <stdexcept>
#include <string>
#endif

namespace astensor {

#ifdef __cpp_exceptions
/** What a function of this library throws: a sentence that names the field and value it is about, and the status. */
class error : public std::runtime_error {
public:
    error(tensor_status_t status, const std::string &sentence) : std::runtime_error(sentence), status_(status) {}

    /** A TENSOR_ERROR_ value. */
    [[nodiscard]] tensor_status_t status() const noexcept { return status_; }

    /** The name of the status, such as "TENSOR_ERROR_SHAPE". */
    [[nodiscard]] const char *status_name() const noexcept { return tensor_status_name(status_); }

private:
    tensor_status_t status_;
};
#endif

namespace detail {

/** How a step ended. Steps of the C library leave their sentence in tensor_last_error(); those of the wrapper bring one. */
struct outcome {
    tensor_status_t status = TENSOR_OK;
    const char *sentence = nullptr;

    constexpr outcome(tensor_status_t ended) noexcept : status(ended) {}
    constexpr outcome(tensor_status_t ended, const char *why) noexcept : status(ended), sentence(why) {}
    [[nodiscard]] constexpr bool failed() const noexcept { return status != TENSOR_OK; }
};

#ifdef __cpp_exceptions
inline void check(outcome ended) {
    if (ended.failed()) throw error(ended.status, ended.sentence != nullptr ? ended.sentence : tensor_last_error());
}
#endif

}  // namespace detail
}  // namespace astensor

#endif

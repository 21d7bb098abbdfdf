// Checks for the test programs in C++: those of check.h, and that something throws.
#ifndef CHECK_HPP
#define CHECK_HPP

#include "../check.h"
#include "astensor/astensor.hpp"

#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

#ifdef __cpp_exceptions
/** What was thrown (NULL: nothing) is of this status, and has this text in its sentence. */
inline void check_thrown(const astensor::error *found, tensor_status_t expected, const char *text, const char *file,
                         int line) {
    check_count++;
    if (found != nullptr && found->status() == expected && std::string(found->status_name()) == tensor_status_name(expected)
        && std::strstr(found->what(), text) != nullptr)
        return;
    check_failures++;
    std::fprintf(stderr, "%s:%d: %s (%s) was thrown, not %s with \"%s\"\n", file, line,
                 found != nullptr ? found->status_name() : "nothing", found != nullptr ? found->what() : "",
                 tensor_status_name(expected), text);
}

/** The expression throws astensor::error with this status, and with this text in its sentence. */
#define CHECK_THROWS(expression, expected, text)                                                                       \
    try {                                                                                                              \
        static_cast<void>(expression);                                                                                 \
        check_thrown(nullptr, expected, text, __FILE__, __LINE__);                                                     \
    } catch (const astensor::error &found) {                                                                           \
        check_thrown(&found, expected, text, __FILE__, __LINE__);                                                      \
    }
#endif

#endif

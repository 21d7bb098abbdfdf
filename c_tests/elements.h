/* Elements whose numbers are the integers that are asked for, of any dtype that holds those up to 250: written and read one by one. */
#ifndef ELEMENTS_H
#define ELEMENTS_H

#include "check.h"

#include <stdint.h>

typedef struct {
    DLDataType dtype;
    size_t size; /* bytes, of all lanes and both parts of a complex number */
} element_t;

/* The number is in the first lane, and real: the rest is zero. */

static inline int element_is_double(element_t e)
{
    return e.dtype.bits == (e.dtype.code == kDLComplex ? 128 : 64);
}

static inline double element_get(element_t e, const uint8_t *at)
{
    if (e.dtype.code == kDLUInt || e.dtype.code == kDLBool) {
        uint64_t value = 0;
        memcpy(&value, at, e.dtype.bits / 8);
        return (double)value;
    }
    if (e.dtype.code == kDLBfloat) {
        uint8_t bytes[4] = {0, 0, at[0], at[1]};
        float value;
        memcpy(&value, bytes, sizeof value);
        return value;
    }
    if (!element_is_double(e)) {
        float value;
        memcpy(&value, at, sizeof value);
        return value;
    }
    double value;
    memcpy(&value, at, sizeof value);
    return value;
}

static inline void element_put(element_t e, uint8_t *at, double number)
{
    memset(at, 0, e.size);
    if (e.dtype.code == kDLUInt || e.dtype.code == kDLBool) {
        uint64_t value = e.dtype.code == kDLBool ? number != 0 : (uint64_t)number;
        memcpy(at, &value, e.dtype.bits / 8);
    } else if (e.dtype.code == kDLBfloat) {
        float value = (float)number; /* which the upper half holds */
        memcpy(at, (const uint8_t *)&value + 2, 2);
    } else if (!element_is_double(e)) {
        float value = (float)number;
        memcpy(at, &value, sizeof value);
    } else {
        memcpy(at, &number, sizeof number);
    }
}

#endif

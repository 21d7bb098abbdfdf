/* Checks for the test programs: each failure is printed with its place, and main() ends with check_result(). */
#ifndef CHECK_H
#define CHECK_H

#include "astensor/astensor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int check_failures;
static int check_count;

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        check_count++;                                                                                                 \
        if (!(condition)) {                                                                                            \
            if (check_failures++ < 20) {                                                                               \
                fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                                \
            }                                                                                                          \
        }                                                                                                              \
    } while (0)

/** The call returns this status. */
#define CHECK_STATUS(call, expected)                                                                                   \
    do {                                                                                                               \
        tensor_status_t check_status = (call);                                                                         \
        check_count++;                                                                                                 \
        if (check_status != (expected)) {                                                                              \
            check_failures++;                                                                                          \
            fprintf(stderr, "%s:%d: %s is %s (%s), not %s\n", __FILE__, __LINE__, #call,                               \
                    tensor_status_name(check_status), check_status ? tensor_last_error() : "",                         \
                    tensor_status_name(expected));                                                                     \
        }                                                                                                              \
    } while (0)

#define CHECK_OK(call) CHECK_STATUS(call, TENSOR_OK)

/** The last message contains this text. */
#define CHECK_MESSAGE(text)                                                                                            \
    do {                                                                                                               \
        check_count++;                                                                                                 \
        if (strstr(tensor_last_error(), (text)) == NULL) {                                                             \
            check_failures++;                                                                                          \
            fprintf(stderr, "%s:%d: \"%s\" is not in \"%s\"\n", __FILE__, __LINE__, (text), tensor_last_error());      \
        }                                                                                                              \
    } while (0)

/** The result of the program. A program that checked nothing has failed. */
static inline int check_result(void)
{
    if (check_failures > 0) {
        fprintf(stderr, "%d of %d checks failed\n", check_failures, check_count);
    }
    return check_failures > 0 || check_count == 0;
}

/* Descriptors of host memory. */

#define DTYPE_BOOL ((DLDataType){kDLBool, 8, 1})
#define DTYPE_I8 ((DLDataType){kDLInt, 8, 1})
#define DTYPE_I16 ((DLDataType){kDLInt, 16, 1})
#define DTYPE_I32 ((DLDataType){kDLInt, 32, 1})
#define DTYPE_I64 ((DLDataType){kDLInt, 64, 1})
#define DTYPE_U8 ((DLDataType){kDLUInt, 8, 1})
#define DTYPE_U4 ((DLDataType){kDLUInt, 4, 1})
#define DTYPE_I4 ((DLDataType){kDLInt, 4, 1})
#define DTYPE_F16 ((DLDataType){kDLFloat, 16, 1})
#define DTYPE_F32 ((DLDataType){kDLFloat, 32, 1})
#define DTYPE_F64 ((DLDataType){kDLFloat, 64, 1})

static inline DLTensor describe(void *data, DLDataType dtype, int32_t ndim, int64_t *shape, int64_t *strides)
{
    DLTensor tensor;
    memset(&tensor, 0, sizeof tensor);
    tensor.data = data;
    tensor.device.device_type = kDLCPU;
    tensor.ndim = ndim;
    tensor.dtype = dtype;
    tensor.shape = shape;
    tensor.strides = strides;
    return tensor;
}

static inline tensor_options_t default_options(void)
{
    tensor_options_t options = TENSOR_OPTIONS_INIT;
    return options;
}

/** Numbers for tests that try many cases: the same in every run. */
static inline uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

#endif

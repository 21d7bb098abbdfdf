/*
 * Nodes for tensor_from_value(): functions for every language, and macros for C11. Included by astensor.h.
 *
 *     tensor_from_value(&TENSOR_VALUE(3.5), NULL, &tensor);
 *     double numbers[3] = {1, 2, 3};
 *     tensor_from_value(&TENSOR_VALUE_ARRAY(numbers), NULL, &tensor);
 *     tensor_from_value(&TENSOR_VALUE_LIST(TENSOR_VALUE(1), TENSOR_VALUE(2.5)), NULL, &tensor);
 */
#ifndef ASTENSOR_VALUE_NODES_H
#define ASTENSOR_VALUE_NODES_H

#include "astensor.h"

/** A node of a kind, which still holds nothing. */
static inline tensor_value_t tensor_value_of_kind(int32_t kind) {
    tensor_value_t value;
    value.kind = kind;
    value.dtype.code = 0;
    value.dtype.bits = 0;
    value.dtype.lanes = 0;
    value.as.complex_parts[0] = 0;
    value.as.complex_parts[1] = 0;
    return value;
}

/** True or false. */
static inline tensor_value_t tensor_value_bool(bool truth) {
    tensor_value_t value = tensor_value_of_kind(TENSOR_KIND_BOOL);
    value.as.integer = truth;
    return value;
}

/** An integer. */
static inline tensor_value_t tensor_value_signed(int64_t integer) {
    tensor_value_t value = tensor_value_of_kind(TENSOR_KIND_SIGNED);
    value.as.integer = integer;
    return value;
}

/** An integer that may be above INT64_MAX. */
static inline tensor_value_t tensor_value_unsigned(uint64_t natural) {
    tensor_value_t value = tensor_value_of_kind(TENSOR_KIND_UNSIGNED);
    value.as.natural = natural;
    return value;
}

/** A real number. */
static inline tensor_value_t tensor_value_real(double real) {
    tensor_value_t value = tensor_value_of_kind(TENSOR_KIND_REAL);
    value.as.real = real;
    return value;
}

/** A complex number. */
static inline tensor_value_t tensor_value_complex(double real, double imaginary) {
    tensor_value_t value = tensor_value_of_kind(TENSOR_KIND_COMPLEX);
    value.as.complex_parts[0] = real;
    value.as.complex_parts[1] = imaginary;
    return value;
}

/** A list of `count` values, which must live as long as the node is used. */
static inline tensor_value_t tensor_value_list(const tensor_value_t *items, int64_t count) {
    tensor_value_t value = tensor_value_of_kind(TENSOR_KIND_LIST);
    value.as.list.items = items;
    value.as.list.count = count;
    return value;
}

/** A list of `count` numbers in memory, which must live as long as the node is used. */
static inline tensor_value_t tensor_value_run(const void *data, DLDataType dtype, int64_t count) {
    tensor_value_t value = tensor_value_of_kind(TENSOR_KIND_RUN);
    value.dtype = dtype;
    value.as.run.data = data;
    value.as.run.count = count;
    return value;
}

/** What a descriptor describes; it must live as long as the node is used. */
static inline tensor_value_t tensor_value_descriptor(const DLTensor *descriptor) {
    tensor_value_t value = tensor_value_of_kind(TENSOR_KIND_DESCRIPTOR);
    value.as.descriptor = descriptor;
    return value;
}

/** The elements of a tensor, to which a reference must be held as long as the node is used. */
static inline tensor_value_t tensor_value_tensor(const tensor_t *tensor) {
    tensor_value_t value = tensor_value_of_kind(TENSOR_KIND_TENSOR);
    value.as.tensor = tensor;
    return value;
}

#if !defined(__cplusplus) && defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L

#ifndef __STDC_NO_COMPLEX__

/** A complex number of C: two doubles, whatever <complex.h> says. */
static inline tensor_value_t tensor_value_c_complex(double _Complex number) {
    union {
        double _Complex number;
        double parts[2];
    } both;
    both.number = number;
    return tensor_value_complex(both.parts[0], both.parts[1]);
}

#define ASTENSOR_COMPLEX_VALUES , float _Complex: tensor_value_c_complex, double _Complex: tensor_value_c_complex
#define ASTENSOR_COMPLEX_CODES , float _Complex: 5, double _Complex: 5

#else

#define ASTENSOR_COMPLEX_VALUES
#define ASTENSOR_COMPLEX_CODES

#endif

/** An object in the block around, so that its address can be taken. */
#define ASTENSOR_NODE(value) (*(tensor_value_t[1]){value})

/**
 * A scalar, a `tensor_t *` or a `DLTensor *` as a node: `&TENSOR_VALUE(3.5)` is a value. In C before C23, `true` is an int:
 * for a bool, cast it or use tensor_value_bool().
 */
#define TENSOR_VALUE(x) \
    ASTENSOR_NODE(_Generic((x), \
        _Bool: tensor_value_bool, \
        char: tensor_value_signed, \
        signed char: tensor_value_signed, \
        short: tensor_value_signed, \
        int: tensor_value_signed, \
        long: tensor_value_signed, \
        long long: tensor_value_signed, \
        unsigned char: tensor_value_unsigned, \
        unsigned short: tensor_value_unsigned, \
        unsigned int: tensor_value_unsigned, \
        unsigned long: tensor_value_unsigned, \
        unsigned long long: tensor_value_unsigned, \
        float: tensor_value_real, \
        double: tensor_value_real, \
        tensor_t *: tensor_value_tensor, \
        const tensor_t *: tensor_value_tensor, \
        DLTensor *: tensor_value_descriptor, \
        const DLTensor *: tensor_value_descriptor \
        ASTENSOR_COMPLEX_VALUES)(x))

/** The DLDataTypeCode of an object of an arithmetic type. */
#define ASTENSOR_CODE_OF(x) \
    _Generic((x), \
        _Bool: 6, \
        char: (char)-1 < 0 ? 0 : 1, \
        signed char: 0, \
        short: 0, \
        int: 0, \
        long: 0, \
        long long: 0, \
        unsigned char: 1, \
        unsigned short: 1, \
        unsigned int: 1, \
        unsigned long: 1, \
        unsigned long long: 1, \
        float: 2, \
        double: 2 \
        ASTENSOR_COMPLEX_CODES)

/** The DLDataType of an object of an arithmetic type. */
#define TENSOR_DTYPE_OF(x) ((DLDataType){(uint8_t)ASTENSOR_CODE_OF(x), (uint8_t)(8 * sizeof(x)), 1})

/** An array (not a pointer) of an arithmetic type as a node: a list of its numbers, of their own dtype. */
#define TENSOR_VALUE_ARRAY(a) \
    ASTENSOR_NODE(tensor_value_run((a), TENSOR_DTYPE_OF((a)[0]), (int64_t)(sizeof(a) / sizeof((a)[0]))))

/** An array of arrays of an arithmetic type as a node: a list of lists. It must live as long as the block around. */
#define TENSOR_VALUE_MATRIX(a) \
    ASTENSOR_NODE(tensor_value_descriptor(&(DLTensor){ \
        .data = (void *)(a), \
        .device = {kDLCPU, 0}, \
        .ndim = 2, \
        .dtype = TENSOR_DTYPE_OF((a)[0][0]), \
        .shape = (int64_t[2]){(int64_t)(sizeof(a) / sizeof((a)[0])), (int64_t)(sizeof((a)[0]) / sizeof((a)[0][0]))}}))

/** Nodes as a list: at least one. Valid in the block around. */
#define TENSOR_VALUE_LIST(...) \
    ASTENSOR_NODE(tensor_value_list((const tensor_value_t[]){__VA_ARGS__}, \
        (int64_t)(sizeof((const tensor_value_t[]){__VA_ARGS__}) / sizeof(tensor_value_t))))

#endif

#endif

/*
 * What every conversion should give, found by searching instead of by rounding.
 *
 * A number is an exact m * 2^e. The encodings of a floating-point format, taken as integers, are in the order of their
 * values, so the two neighbours of a number are found by bisection, and its place relative to their midpoint decides.
 * Integers only: no rounding mode can change a result. Nothing here is shared with the library.
 */
#ifndef ORACLE_H
#define ORACLE_H

#include <stdint.h>

enum oracle_class { CLASS_BOOL, CLASS_UINT, CLASS_INT, CLASS_FLOAT, CLASS_E8M0, CLASS_COMPLEX };
enum oracle_special { IEEE, FN, FNUZ, FINITE };
enum oracle_overflow { DEFAULT, TO_NAN, SATURATE };

typedef struct {
    const char *name;
    uint8_t code, bits;
    enum oracle_class class;
    /* Floating point: bits of the fraction, exponent bias, special values. Complex: index of the part's dtype. */
    int fraction, bias;
    enum oracle_special special;
} oracle_dtype;

enum { F16_INDEX = 15, F32_INDEX = 17, F64_INDEX = 18, DTYPE_COUNT = 33 };

static const oracle_dtype oracle_dtypes[DTYPE_COUNT] = {
    {"bool", 6, 8, CLASS_BOOL, 0, 0, IEEE},
    {"int1", 0, 1, CLASS_INT, 0, 0, IEEE},
    {"int2", 0, 2, CLASS_INT, 0, 0, IEEE},
    {"int4", 0, 4, CLASS_INT, 0, 0, IEEE},
    {"int8", 0, 8, CLASS_INT, 0, 0, IEEE},
    {"int16", 0, 16, CLASS_INT, 0, 0, IEEE},
    {"int32", 0, 32, CLASS_INT, 0, 0, IEEE},
    {"int64", 0, 64, CLASS_INT, 0, 0, IEEE},
    {"uint1", 1, 1, CLASS_UINT, 0, 0, IEEE},
    {"uint2", 1, 2, CLASS_UINT, 0, 0, IEEE},
    {"uint4", 1, 4, CLASS_UINT, 0, 0, IEEE},
    {"uint8", 1, 8, CLASS_UINT, 0, 0, IEEE},
    {"uint16", 1, 16, CLASS_UINT, 0, 0, IEEE},
    {"uint32", 1, 32, CLASS_UINT, 0, 0, IEEE},
    {"uint64", 1, 64, CLASS_UINT, 0, 0, IEEE},
    {"float16", 2, 16, CLASS_FLOAT, 10, 15, IEEE},
    {"bfloat16", 4, 16, CLASS_FLOAT, 7, 127, IEEE},
    {"float32", 2, 32, CLASS_FLOAT, 23, 127, IEEE},
    {"float64", 2, 64, CLASS_FLOAT, 52, 1023, IEEE},
    {"complex32", 5, 32, CLASS_COMPLEX, F16_INDEX, 0, IEEE},
    {"complex64", 5, 64, CLASS_COMPLEX, F32_INDEX, 0, IEEE},
    {"complex128", 5, 128, CLASS_COMPLEX, F64_INDEX, 0, IEEE},
    {"float8_e3m4", 7, 8, CLASS_FLOAT, 4, 3, IEEE},
    {"float8_e4m3", 8, 8, CLASS_FLOAT, 3, 7, IEEE},
    {"float8_e4m3b11fnuz", 9, 8, CLASS_FLOAT, 3, 11, FNUZ},
    {"float8_e4m3fn", 10, 8, CLASS_FLOAT, 3, 7, FN},
    {"float8_e4m3fnuz", 11, 8, CLASS_FLOAT, 3, 8, FNUZ},
    {"float8_e5m2", 12, 8, CLASS_FLOAT, 2, 15, IEEE},
    {"float8_e5m2fnuz", 13, 8, CLASS_FLOAT, 2, 16, FNUZ},
    {"float8_e8m0fnu", 14, 8, CLASS_E8M0, 0, 127, IEEE},
    {"float6_e2m3fn", 15, 6, CLASS_FLOAT, 3, 1, FINITE},
    {"float6_e3m2fn", 16, 6, CLASS_FLOAT, 2, 3, FINITE},
    {"float4_e2m1fn", 17, 4, CLASS_FLOAT, 1, 1, FINITE},
};

/** A number: finite m * 2^e, an infinity, or NaN with the upper bits of its payload. */
typedef struct {
    enum { FINITE_NUMBER, INFINITE_NUMBER, NOT_A_NUMBER } kind;
    int negative;
    uint64_t m;
    int e;
    uint64_t payload;
    /* Integers: the value in two's complement. */
    int is_integer;
    uint64_t integer;
} oracle_number;

/** The value of a magnitude, whatever the format keeps that encoding for. */
static inline void oracle_magnitude(const oracle_dtype *type, uint64_t code, uint64_t *m, int *e)
{
    uint64_t field = code >> type->fraction, fraction = code & (((uint64_t)1 << type->fraction) - 1);
    *m = field == 0 ? fraction : fraction | (uint64_t)1 << type->fraction;
    *e = (field == 0 ? 1 : (int)field) - type->bias - type->fraction;
}

static inline uint64_t oracle_sign(const oracle_dtype *type)
{
    return (uint64_t)1 << (type->bits - 1);
}

static inline uint64_t oracle_largest(const oracle_dtype *type)
{
    uint64_t all = oracle_sign(type) - 1;
    switch (type->special) {
    case IEEE:
        return all - ((uint64_t)1 << type->fraction);
    case FN:
        return all - 1;
    default:
        return all;
    }
}

static inline oracle_number oracle_decode(const oracle_dtype *type, uint64_t bits)
{
    oracle_number n = {FINITE_NUMBER, 0, 0, 0, 0, 0, 0};
    if (type->bits < 64) {
        bits &= ((uint64_t)1 << type->bits) - 1;
    }
    switch (type->class) {
    case CLASS_BOOL:
        bits = bits != 0;
        /* fall through */
    case CLASS_UINT:
        n.is_integer = 1;
        n.m = n.integer = bits;
        return n;
    case CLASS_INT:
        n.is_integer = 1;
        n.negative = (bits & oracle_sign(type)) != 0;
        n.integer = n.negative ? bits - oracle_sign(type) - oracle_sign(type) : bits;
        n.m = n.negative ? 0 - n.integer : n.integer;
        return n;
    case CLASS_E8M0:
        if (bits == 0xff) {
            n.kind = NOT_A_NUMBER;
            n.payload = (uint64_t)1 << 63;
        }
        n.m = 1;
        n.e = (int)bits - 127;
        return n;
    default:
        break;
    }
    uint64_t magnitude = bits & (oracle_sign(type) - 1);
    n.negative = (bits & oracle_sign(type)) != 0;
    if (type->special == FNUZ && bits == oracle_sign(type)) {
        n.kind = NOT_A_NUMBER;
        n.payload = (uint64_t)1 << 63;
    } else if (magnitude > oracle_largest(type)) {
        uint64_t fraction = magnitude & (((uint64_t)1 << type->fraction) - 1);
        int infinite = type->special == IEEE && fraction == 0;
        n.kind = infinite ? INFINITE_NUMBER : NOT_A_NUMBER;
        n.payload = type->special == IEEE ? fraction << (64 - type->fraction) : (uint64_t)1 << 63;
    } else {
        oracle_magnitude(type, magnitude, &n.m, &n.e);
    }
    return n;
}

/** Compares a * 2^ea with b * 2^eb. */
static inline int oracle_compare(uint64_t a, int ea, uint64_t b, int eb)
{
    if (a == 0 || b == 0) {
        return (a != 0) - (b != 0);
    }
    int za = __builtin_clzll(a), zb = __builtin_clzll(b);
    if (ea - za != eb - zb) {
        return ea - za < eb - zb ? -1 : 1;
    }
    a <<= za;
    b <<= zb;
    return (a > b) - (a < b);
}

/** Compares m * 2^e with the midpoint of the encodings `code` and `code + 1`. */
static inline int oracle_compare_midpoint(const oracle_dtype *type, uint64_t m, int e, uint64_t code)
{
    uint64_t low, high;
    int low_e, high_e;
    oracle_magnitude(type, code, &low, &low_e);
    oracle_magnitude(type, code + 1, &high, &high_e);
    return oracle_compare(m, e, low + (high << (high_e - low_e)), low_e - 1);
}

static inline uint64_t oracle_overflowed(const oracle_dtype *type, int negative, enum oracle_overflow overflow)
{
    uint64_t magnitude = oracle_largest(type);
    if (overflow != SATURATE) {
        if (type->special == FNUZ) {
            return oracle_sign(type);
        }
        if (type->special == IEEE || (type->special == FN && overflow == TO_NAN)) {
            magnitude++;
        }
    }
    return negative ? magnitude | oracle_sign(type) : magnitude;
}

static inline uint64_t oracle_to_float(const oracle_dtype *type, oracle_number n, enum oracle_overflow overflow)
{
    uint64_t sign = n.negative ? oracle_sign(type) : 0;
    if (n.kind == NOT_A_NUMBER) {
        switch (type->special) {
        case IEEE:
            return sign | (oracle_largest(type) + 1) | n.payload >> (64 - type->fraction)
                   | (uint64_t)1 << (type->fraction - 1);
        case FN:
            return sign | (oracle_sign(type) - 1);
        default:
            return oracle_sign(type);
        }
    }
    if (n.kind == INFINITE_NUMBER) {
        return oracle_overflowed(type, n.negative, overflow);
    }
    /* The largest encoding at or below the number; one past the largest finite one stands for all above. */
    uint64_t low = 0, high = oracle_largest(type) + 1;
    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2, m;
        int e;
        oracle_magnitude(type, middle, &m, &e);
        if (oracle_compare(m, e, n.m, n.e) <= 0) {
            low = middle;
        } else {
            high = middle;
        }
    }
    int side = oracle_compare_midpoint(type, n.m, n.e, low);
    uint64_t code = side > 0 || (side == 0 && (low & 1)) ? low + 1 : low;
    if (code > oracle_largest(type)) {
        return oracle_overflowed(type, n.negative, overflow);
    }
    return code == 0 && type->special == FNUZ ? 0 : sign | code;
}

static inline uint64_t oracle_to_e8m0(oracle_number n, enum oracle_overflow overflow)
{
    uint64_t too_large = overflow == SATURATE ? 0xfe : 0xff;
    if (n.kind == NOT_A_NUMBER || n.negative || (n.kind == FINITE_NUMBER && n.m == 0)) {
        return 0xff;
    }
    if (n.kind == INFINITE_NUMBER || oracle_compare(n.m, n.e, 3, 126) >= 0) {
        return too_large;
    }
    if (oracle_compare(n.m, n.e, 1, -127) <= 0) {
        return 0;
    }
    /* The smallest power of two that the number is less than one and a half of; never again the smallest of all. */
    uint64_t code = 1;
    while (oracle_compare(n.m, n.e, 3, (int)code - 128) >= 0) {
        code++;
    }
    return code;
}

static inline uint64_t oracle_to_integer(const oracle_dtype *type, oracle_number n)
{
    uint64_t mask = type->bits == 64 ? ~(uint64_t)0 : ((uint64_t)1 << type->bits) - 1;
    if (n.is_integer) {
        return n.integer & mask;
    }
    int is_signed = type->class == CLASS_INT;
    uint64_t limit = !is_signed ? mask : n.negative ? oracle_sign(type) : oracle_sign(type) - 1;
    uint64_t magnitude;
    if (n.kind == NOT_A_NUMBER || (n.negative && !is_signed)) {
        return 0;
    }
    if (n.kind == INFINITE_NUMBER || oracle_compare(n.m, n.e, limit, 0) >= 0) {
        magnitude = limit;
    } else {
        magnitude = n.e >= 0 ? n.m << n.e : n.e > -64 ? n.m >> -n.e : 0;
    }
    return (n.negative ? 0 - magnitude : magnitude) & mask;
}

/** One real number to the encoding of a real dtype. */
static inline uint64_t oracle_encode(const oracle_dtype *type, oracle_number n, enum oracle_overflow overflow)
{
    switch (type->class) {
    case CLASS_BOOL:
        return n.kind != FINITE_NUMBER || n.m != 0;
    case CLASS_UINT:
    case CLASS_INT:
        return oracle_to_integer(type, n);
    case CLASS_E8M0:
        return oracle_to_e8m0(n, overflow);
    default:
        return oracle_to_float(type, n, overflow);
    }
}

/** An element: the encodings of its parts. Real dtypes use the first. */
typedef struct {
    uint64_t part[2];
} oracle_element;

static inline const oracle_dtype *oracle_part(const oracle_dtype *type)
{
    return type->class == CLASS_COMPLEX ? &oracle_dtypes[type->fraction] : type;
}

static inline oracle_element oracle_convert(const oracle_dtype *from, oracle_element element, const oracle_dtype *to,
                                            enum oracle_overflow overflow)
{
    oracle_element result = {{0, 0}};
    if (from == to) {
        return element;
    }
    oracle_number re = oracle_decode(oracle_part(from), element.part[0]);
    result.part[0] = oracle_encode(oracle_part(to), re, overflow);
    if (from->class == CLASS_COMPLEX) {
        oracle_number im = oracle_decode(oracle_part(from), element.part[1]);
        if (to->class == CLASS_COMPLEX) {
            result.part[1] = oracle_encode(oracle_part(to), im, overflow);
        } else if (to->class == CLASS_BOOL) {
            result.part[0] |= oracle_encode(to, im, overflow);
        }
    }
    return result;
}

#endif

/*
 * Every dtype to every other, bit for bit against an independent oracle.
 *
 * Sources of up to 16 bits are tried exhaustively, wider ones at boundaries, at midpoints and beside them, and at random.
 * Arguments: "quick" (the default), "tiny" (thinned out, for slow tools), "sweep" (all 2^32 float32 values).
 */
#include "check.h"
#include "oracle.h"

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

/* The control word of floating-point arithmetic, without what the arithmetic itself changes. Modes: the four directions of
 * rounding; from 4 on subnormal numbers are zeros, and (aarch64) the payloads of NaN are lost. */
#if defined(__x86_64__)
#define CONTROL_MODES 8
static uint64_t get_control(void)
{
    return _mm_getcsr() & ~0x3fu;
}

static void set_control(uint64_t control)
{
    _mm_setcsr((unsigned)control);
}

static uint64_t control_of(unsigned mode)
{
    return 0x1f80 | (mode & 3) << 13 | ((mode & 4) ? 0x8040u : 0);
}
#elif defined(__aarch64__)
#define CONTROL_MODES 8
static uint64_t get_control(void)
{
    uint64_t control;
    __asm__ volatile("mrs %0, fpcr" : "=r"(control));
    return control;
}

static void set_control(uint64_t control)
{
    __asm__ volatile("msr fpcr, %0" : : "r"(control));
}

static uint64_t control_of(unsigned mode)
{
    return (mode & 3) << 22 | ((mode & 4) ? 1u << 25 | 1u << 24 | 1u << 19 : 0);
}
#else
#define CONTROL_MODES 1
static uint64_t get_control(void)
{
    return 0;
}

static void set_control(uint64_t control)
{
    (void)control;
}

static uint64_t control_of(unsigned mode)
{
    (void)mode;
    return 0;
}
#endif

static int thinning = 1;

/* Streams of elements: packed or one to a byte below 8 bits, else whole bytes. */

static void put_bits(uint8_t *base, size_t bit, int bits, uint64_t value)
{
    for (int i = 0; i < bits; i++, bit++) {
        uint8_t mask = (uint8_t)(1u << (bit % 8));
        base[bit / 8] = (uint8_t)((base[bit / 8] & ~mask) | ((value >> i & 1) ? mask : 0));
    }
}

static uint64_t get_bits(const uint8_t *base, size_t bit, int bits)
{
    uint64_t value = 0;
    for (int i = 0; i < bits; i++, bit++) {
        value |= (uint64_t)(base[bit / 8] >> (bit % 8) & 1) << i;
    }
    return value;
}

static int storage_bits(const oracle_dtype *type, int padded)
{
    return type->bits < 8 && padded ? 8 : type->bits;
}

static void put_element(const oracle_dtype *type, uint8_t *base, size_t bit, oracle_element element)
{
    const oracle_dtype *part = oracle_part(type);
    if (bit % 8 == 0 && part->bits % 8 == 0) {
        memcpy(base + bit / 8, &element.part[0], part->bits / 8);
        if (type->class == CLASS_COMPLEX) {
            memcpy(base + bit / 8 + part->bits / 8, &element.part[1], part->bits / 8);
        }
        return;
    }
    put_bits(base, bit, part->bits, element.part[0]);
}

static oracle_element get_element(const oracle_dtype *type, const uint8_t *base, size_t bit)
{
    const oracle_dtype *part = oracle_part(type);
    oracle_element element = {{0, 0}};
    if (bit % 8 == 0 && part->bits % 8 == 0) {
        memcpy(&element.part[0], base + bit / 8, part->bits / 8);
        if (type->class == CLASS_COMPLEX) {
            memcpy(&element.part[1], base + bit / 8 + part->bits / 8, part->bits / 8);
        }
        return element;
    }
    element.part[0] = get_bits(base, bit, part->bits);
    return element;
}

/* Source values. */

typedef struct {
    oracle_element *elements;
    size_t count, capacity;
} value_set;

static void add(value_set *set, uint64_t re, uint64_t im)
{
    if (set->count == set->capacity) {
        set->capacity = set->capacity ? 2 * set->capacity : 4096;
        set->elements = realloc(set->elements, set->capacity * sizeof *set->elements);
        if (!set->elements) {
            abort();
        }
    }
    set->elements[set->count].part[0] = re;
    set->elements[set->count++].part[1] = im;
}

/** A float of the given format nearest to m * 2^e, its neighbours, and all of them negative. */
static void add_around(value_set *set, const oracle_dtype *type, uint64_t m, int e)
{
    oracle_number n = {FINITE_NUMBER, 0, m, e, 0, 0, 0};
    uint64_t code = oracle_to_float(type, n, SATURATE);
    for (int offset = -1; offset <= 1; offset++) {
        uint64_t near = code + (uint64_t)offset;
        if ((offset < 0 && code == 0) || near > oracle_largest(type)) {
            continue;
        }
        add(set, near, 0);
        add(set, near | oracle_sign(type), 0);
    }
}

static void add_float_values(value_set *set, const oracle_dtype *type)
{
    for (int t = 0; t < DTYPE_COUNT; t++) {
        const oracle_dtype *target = &oracle_dtypes[t];
        if (target->class != CLASS_FLOAT || target->bits >= type->bits) {
            continue;
        }
        /* The values of a narrower format and the midpoints between them; all of the small ones. */
        uint64_t last = oracle_largest(target), state = (uint64_t)t;
        uint64_t step = target->bits <= 8 ? 1 : target->bits == 16 ? 29 : last / 3000;
        for (uint64_t code = 0; code <= last; code += step * (uint64_t)thinning) {
            uint64_t low, high;
            int low_e, high_e;
            oracle_magnitude(target, code, &low, &low_e);
            oracle_magnitude(target, code + 1, &high, &high_e);
            add_around(set, type, low, low_e);
            add_around(set, type, low + (high << (high_e - low_e)), low_e - 1);
            if (step > 1) {
                code += next_random(&state) % step;
            }
        }
        for (uint64_t code = last - 2; code <= last + 1; code++) {
            uint64_t m;
            int e;
            oracle_magnitude(target, code, &m, &e);
            add_around(set, type, m, e);
            add_around(set, type, 2 * m + 1, e - 1);
        }
    }
    /* The limits of integers, halves and what is beside them. */
    for (int power = -160; power <= 160; power++) {
        add_around(set, type, 1, power);
        add_around(set, type, 3, power - 1);
        if (power > 0 && power <= 64) {
            add_around(set, type, ~(uint64_t)0 >> (64 - power), 0);
        }
    }
    uint64_t infinity = oracle_largest(type) + 1, sign = oracle_sign(type);
    for (uint64_t code = infinity - 2; code < infinity + 3; code++) {
        add(set, code, 0);
        add(set, code | sign, 0);
    }
    for (int bit = 0; bit < type->fraction; bit++) {
        add(set, infinity | (uint64_t)1 << bit, 0);
        add(set, sign | infinity | (uint64_t)1 << bit, 0);
        add(set, (uint64_t)1 << bit, 0);
    }
    uint64_t state = 17;
    for (int i = 0; i < 4000 / thinning; i++) {
        add(set, next_random(&state) >> (64 - type->bits), 0);
    }
}

static void add_integer_values(value_set *set, const oracle_dtype *type)
{
    uint64_t mask = type->bits == 64 ? ~(uint64_t)0 : ((uint64_t)1 << type->bits) - 1;
    static const int precisions[] = {2, 3, 4, 5, 8, 11, 24, 53};
    for (int power = 0; power < type->bits; power++) {
        uint64_t one = (uint64_t)1 << power;
        for (int d = -2; d <= 2; d++) {
            add(set, (one + (uint64_t)d) & mask, 0);
            add(set, (0 - one + (uint64_t)d) & mask, 0);
        }
        for (int p = 0; p < 8; p++) {
            for (uint64_t odd = 1; odd <= 3; odd += 2) {
                /* One and a half, or three and a half, units of the last place of a precision. */
                uint64_t half = power >= precisions[p] ? odd << (power - precisions[p]) : 0;
                for (int d = -1; d <= 1; d++) {
                    add(set, (one + half + (uint64_t)d) & mask, 0);
                    add(set, (0 - one - half + (uint64_t)d) & mask, 0);
                }
            }
        }
    }
    uint64_t state = 23;
    for (int i = 0; i < 8000 / thinning; i++) {
        add(set, next_random(&state) >> (next_random(&state) % 64) & mask, 0);
    }
}

static value_set values_of(const oracle_dtype *type)
{
    value_set set = {NULL, 0, 0};
    const oracle_dtype *part = oracle_part(type);
    if (type->class == CLASS_COMPLEX) {
        value_set parts = values_of(part);
        for (size_t i = 0; i < parts.count; i++) {
            add(&set, parts.elements[i].part[0], parts.elements[(i * 7 + 3) % parts.count].part[0]);
        }
        add(&set, 0, 0);
        add(&set, oracle_sign(part), 0);
        add(&set, 0, 1);
        free(parts.elements);
    } else if (type->bits <= 16) {
        uint64_t step = type->bits == 16 ? (uint64_t)thinning : 1;
        for (uint64_t bits = 0; bits < (uint64_t)1 << type->bits; bits += step) {
            add(&set, bits, 0);
        }
    } else if (type->class == CLASS_FLOAT) {
        add_float_values(&set, type);
    } else {
        add_integer_values(&set, type);
    }
    return set;
}

/* Running conversions. */

typedef struct {
    uint8_t *data;
    DLTensor tensor;
    int64_t shape[2], strides[2];
    int padded;
} source_array;

/** The values of a set in memory: `stride` elements apart, `offset` bytes into an allocation of exactly that size. */
static void store(source_array *array, const oracle_dtype *type, const value_set *set, int padded, int64_t stride,
                  size_t offset)
{
    size_t bits = (size_t)storage_bits(type, padded), count = set->count;
    size_t bytes = (((count - 1) * (size_t)stride + 1) * bits + 7) / 8;
    array->data = malloc(offset + bytes);
    if (!array->data) {
        abort();
    }
    memset(array->data, 0xa5, offset + bytes);
    for (size_t i = 0; i < count; i++) {
        put_element(type, array->data + offset, i * (size_t)stride * bits, set->elements[i]);
    }
    array->shape[0] = (int64_t)count;
    array->strides[0] = stride;
    array->padded = padded;
    array->tensor = describe(array->data, (DLDataType){type->code, type->bits, 1}, 1, array->shape, array->strides);
    array->tensor.byte_offset = offset;
}

/** The values of a set as rows, with an element between them, that are longer than what any kernel takes at once, but not by half; as
 * many as fill rows. */
static void store_rows(source_array *array, const oracle_dtype *type, const value_set *set)
{
    enum { ROW = 80, STEP = ROW + 1 };
    size_t bytes = (size_t)storage_bits(type, 1) / 8, rows = set->count / ROW;
    array->data = calloc(rows * STEP + 1, bytes);
    if (!array->data) {
        abort();
    }
    for (size_t i = 0; i < rows * ROW; i++) {
        put_element(type, array->data, (i / ROW * STEP + i % ROW) * bytes * 8, set->elements[i]);
    }
    array->shape[0] = (int64_t)rows;
    array->shape[1] = ROW;
    array->strides[0] = STEP;
    array->strides[1] = 1;
    array->padded = 1;
    array->tensor = describe(array->data, (DLDataType){type->code, type->bits, 1}, 2, array->shape, array->strides);
}

/** So many values of a type, from all over the ones that are tried. */
static value_set some_values_of(const oracle_dtype *type, size_t count)
{
    value_set all = values_of(type), set = {NULL, 0, 0};
    for (size_t i = 0; i < count; i++) {
        oracle_element element = all.elements[(i * 7919 + i * i) % all.count];
        add(&set, element.part[0], element.part[1]);
    }
    free(all.elements);
    return set;
}

/** Converts an array to where `into` says. */
static void convert_into(const DLTensor *into, const source_array *source, const tensor_options_t *options)
{
    tensor_t *destination = NULL;
    CHECK_OK(tensor_as_tensor(into, options, &destination));
    CHECK_OK(tensor_copy_into(destination, &source->tensor, options));
    tensor_release(destination);
}

/** Converts an array and compares each element. */
static void try_conversion(const source_array *source, const oracle_dtype *from, const value_set *set,
                           const oracle_dtype *to, enum oracle_overflow overflow)
{
    DLDataType dtype = {to->code, to->bits, 1};
    tensor_options_t options = TENSOR_OPTIONS_INIT;
    tensor_t *copy = NULL;
    options.dtype = &dtype;
    options.overflow = (int32_t)overflow;
    options.flags = source->padded ? TENSOR_FLAG_SUBBYTE_PADDED : 0;
    CHECK_OK(tensor_copy(&source->tensor, &options, &copy));
    if (!copy) {
        return;
    }
    const uint8_t *data = tensor_view(copy)->data;
    size_t bits = (size_t)storage_bits(to, source->padded);
    int reported = 0;
    check_count++;
    size_t count = tensor_view(copy)->ndim == 1 ? set->count : (size_t)(source->shape[0] * source->shape[1]);
    for (size_t i = 0; i < count && reported < 3; i++) {
        oracle_element expected = oracle_convert(from, set->elements[i], to, overflow);
        oracle_element found = get_element(to, data, i * bits);
        if (memcmp(&expected, &found, sizeof expected) != 0) {
            reported++;
            check_failures++;
            fprintf(stderr, "%s %#llx %#llx -> %s (overflow %d): expected %#llx %#llx, found %#llx %#llx\n", from->name,
                    (unsigned long long)set->elements[i].part[0], (unsigned long long)set->elements[i].part[1], to->name,
                    (int)overflow, (unsigned long long)expected.part[0], (unsigned long long)expected.part[1],
                    (unsigned long long)found.part[0], (unsigned long long)found.part[1]);
        }
    }
    tensor_release(copy);
}

static void every_pair(void)
{
    for (int f = 0; f < DTYPE_COUNT; f++) {
        const oracle_dtype *from = &oracle_dtypes[f];
        value_set set = values_of(from);
        source_array packed, apart, rows;
        store(&packed, from, &set, 0, 1, 0);
        store_rows(&rows, from, &set);
        store(&apart, from, &set, 1, 3, 1);
        for (int t = 0; t < DTYPE_COUNT; t++) {
            const oracle_dtype *to = &oracle_dtypes[t];
            int has_modes = to->class == CLASS_FLOAT || to->class == CLASS_E8M0 || to->class == CLASS_COMPLEX;
            try_conversion(&packed, from, &set, to, DEFAULT);
            if (from->bits >= 8 && to->bits >= 8) {
                try_conversion(&rows, from, &set, to, DEFAULT);
            }
            if (has_modes && thinning == 1) {
                try_conversion(&packed, from, &set, to, TO_NAN);
            }
            if (has_modes) {
                try_conversion(&apart, from, &set, to, SATURATE);
            }
        }
        free(packed.data);
        free(apart.data);
        free(rows.data);
        free(set.elements);
    }
}

/** A real number as float64, whose bits without the sign, as integers, are in the order of magnitudes, NaN last. */
static uint64_t magnitude_of(const oracle_dtype *type, oracle_element element)
{
    return oracle_convert(type, element, &oracle_dtypes[F64_INDEX], DEFAULT).part[0] & INT64_MAX;
}

typedef struct {
    oracle_element element;
    uint64_t magnitude;
} measured;

static int compare_measured(const void *a, const void *b)
{
    uint64_t x = ((const measured *)a)->magnitude, y = ((const measured *)b)->magnitude;
    return (x > y) - (x < y);
}

/** The values of a type in the order of magnitudes: what is converted together is alike. */
static value_set sorted_values_of(const oracle_dtype *type)
{
    value_set all = values_of(type), set = {NULL, 0, 0};
    measured *sorted = malloc(all.count * sizeof *sorted);
    if (!sorted) {
        abort();
    }
    for (size_t i = 0; i < all.count; i++) {
        sorted[i].element = all.elements[i];
        sorted[i].magnitude = magnitude_of(type, all.elements[i]);
    }
    qsort(sorted, all.count, sizeof *sorted, compare_measured);
    for (size_t i = 0; i < all.count; i++) {
        add(&set, sorted[i].element.part[0], sorted[i].element.part[1]);
    }
    free(sorted);
    free(all.elements);
    return set;
}

/** So many of sorted values that are small: zero, or 2^-7 to 100. */
static value_set small_values_among(const value_set *sorted, const oracle_dtype *type, size_t count)
{
    const uint64_t least = 0x3f80000000000000, most = 0x4059000000000000;
    value_set small = {NULL, 0, 0};
    for (size_t i = 0; small.count < count; i++) {
        oracle_element element = sorted->elements[i * 7919 % sorted->count];
        uint64_t magnitude = magnitude_of(type, element);
        if (magnitude == 0 || (magnitude >= least && magnitude <= most)) {
            add(&small, element.part[0], element.part[1]);
        }
    }
    return small;
}

/** Values in the order of magnitudes; and runs of small ones, with one among them that is a power of two or beside one, or not finite. */
static void every_pair_among_small_ones(void)
{
    enum { COUNT = 300, LAST = COUNT - 130 };
    static uint8_t target[8 * COUNT], expected[8 * COUNT];
    for (int f = 0; f < DTYPE_COUNT; f++) {
        const oracle_dtype *from = &oracle_dtypes[f];
        if (from->class == CLASS_COMPLEX || from->bits < 8) {
            continue;
        }
        value_set set = sorted_values_of(from), limits = {NULL, 0, 0};
        value_set small = small_values_among(&set, from, COUNT);
        for (size_t i = 1; i + 1 < set.count; i++) {
            int is_limit = 0;
            for (size_t beside = i - 1; beside <= i + 1; beside++) {
                is_limit |= magnitude_of(from, set.elements[beside]) << 12 == 0;
            }
            if (is_limit) {
                add(&limits, set.elements[i].part[0], set.elements[i].part[1]);
            }
        }
        add(&limits, set.elements[set.count - 1].part[0], set.elements[set.count - 1].part[1]);
        source_array sorted, source;
        store(&sorted, from, &set, 1, 1, 3);
        store(&source, from, &small, 1, 1, 1);
        for (int t = 0; t < DTYPE_COUNT; t++) {
            const oracle_dtype *to = &oracle_dtypes[t];
            if (to->class == CLASS_COMPLEX || to->bits < 8) {
                continue;
            }
            try_conversion(&sorted, from, &set, to, DEFAULT);
            for (size_t i = 0; i < COUNT; i++) {
                put_element(to, expected, i * to->bits, oracle_convert(from, small.elements[i], to, DEFAULT));
            }
            DLTensor into = describe(target, (DLDataType){to->code, to->bits, 1}, 1, source.shape, source.strides);
            check_count++;
            for (size_t i = 0; i < limits.count; i += (size_t)(thinning == 1 ? 1 : 13)) {
                size_t place = i % LAST;
                oracle_element usual = small.elements[place], other = limits.elements[i];
                put_element(from, source.data + 1, place * from->bits, other);
                put_element(to, expected, place * to->bits, oracle_convert(from, other, to, DEFAULT));
                convert_into(&into, &source, NULL);
                int is_same = memcmp(target, expected, COUNT * to->bits / 8) == 0;
                put_element(from, source.data + 1, place * from->bits, usual);
                put_element(to, expected, place * to->bits, oracle_convert(from, usual, to, DEFAULT));
                if (!is_same) {
                    check_failures++;
                    fprintf(stderr, "%#llx among %s -> %s: not what was expected\n", (unsigned long long)other.part[0],
                            from->name, to->name);
                    break;
                }
            }
        }
        free(sorted.data);
        free(source.data);
        free(set.elements);
        free(small.elements);
        free(limits.elements);
    }
}

/** Every number of elements up to more than a kernel takes at once, at odd addresses, with nothing written beside. */
static void every_length(void)
{
    enum { MOST = 200, BESIDE = 80, BYTES = 2 * BESIDE + 16 * MOST };
    static uint8_t target[BYTES], expected[BYTES];
    for (int f = 0; f < DTYPE_COUNT; f++) {
        const oracle_dtype *from = &oracle_dtypes[f];
        value_set set = some_values_of(from, MOST);
        for (int t = 0; t < DTYPE_COUNT; t++) {
            const oracle_dtype *to = &oracle_dtypes[t];
            tensor_options_t options = TENSOR_OPTIONS_INIT;
            options.flags = TENSOR_FLAG_SUBBYTE_PADDED;
            options.overflow = (int32_t)((f + t) % 2 ? SATURATE : DEFAULT);
            size_t beside = BESIDE - (size_t)(f + 3 * t) % 16, bits = storage_bits(to, 1);
            source_array source;
            store(&source, from, &set, 1, 1, (size_t)(5 * f + t) % 16);
            memset(expected, 0xa5, BYTES);
            memset(expected + beside, 0, MOST * bits / 8);
            for (size_t i = 0; i < MOST; i++) {
                put_element(to, expected + beside, i * bits,
                            oracle_convert(from, set.elements[i], to, (enum oracle_overflow)options.overflow));
            }
            check_count++;
            for (size_t count = 0; count <= MOST; count += (size_t)(thinning == 1 ? 1 : 13)) {
                int64_t shape[1] = {(int64_t)count}, strides[1] = {1};
                size_t end = beside + count * bits / 8;
                DLTensor into = describe(target, (DLDataType){to->code, to->bits, 1}, 1, shape, strides);
                into.byte_offset = beside;
                source.tensor.shape = shape;
                memset(target, 0xa5, BYTES);
                convert_into(&into, &source, &options);
                int is_whole = memcmp(target, expected, end) == 0;
                for (size_t i = end; i < BYTES; i++) {
                    is_whole = is_whole && target[i] == 0xa5;
                }
                if (!is_whole) {
                    check_failures++;
                    fprintf(stderr, "%zu of %s -> %s (overflow %d): not what was expected\n", count, from->name, to->name,
                            (int)options.overflow);
                    break;
                }
            }
            free(source.data);
        }
        free(set.elements);
    }
}

/** Runs of some KiB, which begin anywhere in a line on both sides, with nothing written beside. */
static void every_pair_at_length(void)
{
    enum { COUNT = 2100, LINE = 64, BYTES = 3 * LINE + 16 * COUNT };
    static uint8_t target[BYTES], expected[BYTES];
    size_t first = LINE - (uintptr_t)target % LINE;
    for (int f = 0; f < DTYPE_COUNT; f++) {
        const oracle_dtype *from = &oracle_dtypes[f];
        value_set set = some_values_of(from, COUNT);
        for (int t = f % thinning; t < DTYPE_COUNT; t += thinning) {
            const oracle_dtype *to = &oracle_dtypes[t];
            tensor_options_t options = TENSOR_OPTIONS_INIT;
            options.flags = TENSOR_FLAG_SUBBYTE_PADDED;
            options.overflow = (int32_t)((f + t) % 2 ? SATURATE : DEFAULT);
            size_t beside = first + 16 * (size_t)(1 + t % 3), bits = storage_bits(to, 1);
            source_array source;
            store(&source, from, &set, 1, 1, 16 * (size_t)(f % 4));
            memset(target, 0xa5, BYTES);
            memset(expected, 0xa5, BYTES);
            memset(expected + beside, 0, COUNT * bits / 8);
            for (size_t i = 0; i < COUNT; i++) {
                put_element(to, expected + beside, i * bits,
                            oracle_convert(from, set.elements[i], to, (enum oracle_overflow)options.overflow));
            }
            DLTensor into = describe(target, (DLDataType){to->code, to->bits, 1}, 1, source.shape, source.strides);
            into.byte_offset = beside;
            convert_into(&into, &source, &options);
            check_count++;
            if (memcmp(target, expected, BYTES) != 0) {
                check_failures++;
                fprintf(stderr, "a run of %s -> %s (overflow %d): not what was expected\n", from->name, to->name,
                        (int)options.overflow);
            }
            free(source.data);
        }
        free(set.elements);
    }
}

/** So many values of a type: some of all, and twice a long run of small ones before another. */
static value_set mostly_small_values_of(const oracle_dtype *type, size_t count)
{
    value_set set = some_values_of(type, count);
    if (type->class == CLASS_COMPLEX || type->bits < 8) {
        return set;
    }
    value_set sorted = sorted_values_of(type), small = small_values_among(&sorted, type, count);
    for (size_t i = count / 4; i + 1 < count; i++) {
        if (i != count * 5 / 8) {
            set.elements[i] = small.elements[i];
        }
    }
    free(small.elements);
    free(sorted.elements);
    return set;
}

/** Runs that no second-level cache holds, of values that come again and again, with nothing written beside. */
static void every_pair_at_great_length(void)
{
    enum { COUNT = 4099, LINE = 64, BYTES = 3 << 20 };
    uint8_t *source = malloc(BYTES), *target = malloc(BYTES), *results = malloc(16 * COUNT);
    for (int f = 0; f < DTYPE_COUNT && source && target && results; f++) {
        const oracle_dtype *from = &oracle_dtypes[f];
        value_set set = mostly_small_values_of(from, COUNT);
        for (int t = f % thinning; t < DTYPE_COUNT; t += thinning) {
            const oracle_dtype *to = &oracle_dtypes[t];
            enum oracle_overflow overflow = (f + t) % 2 ? SATURATE : DEFAULT;
            size_t size = (size_t)storage_bits(from, 1) / 8, to_size = (size_t)storage_bits(to, 1) / 8;
            size_t repeats = BYTES / COUNT / (size + to_size), count = repeats * COUNT;
            size_t before = size * (size_t)(t % 16), beside = LINE + to_size * (size_t)(f % 13);
            tensor_options_t options = TENSOR_OPTIONS_INIT;
            options.flags = TENSOR_FLAG_SUBBYTE_PADDED;
            options.overflow = (int32_t)overflow;
            memset(results, 0, 16 * COUNT);
            for (size_t i = 0; i < COUNT; i++) {
                put_element(from, source + before, i * 8 * size, set.elements[i]);
                put_element(to, results, i * 8 * to_size, oracle_convert(from, set.elements[i], to, overflow));
            }
            for (size_t i = 1; i < repeats; i++) {
                memcpy(source + before + i * COUNT * size, source + before, COUNT * size);
            }
            memset(target, 0xa5, beside + count * to_size + LINE);
            source_array array;
            array.shape[0] = (int64_t)count;
            array.strides[0] = 1;
            array.tensor = describe(source, (DLDataType){from->code, from->bits, 1}, 1, array.shape, array.strides);
            array.tensor.byte_offset = before;
            DLTensor into = describe(target, (DLDataType){to->code, to->bits, 1}, 1, array.shape, array.strides);
            into.byte_offset = beside;
            convert_into(&into, &array, &options);
            check_count++;
            int is_same = 1;
            for (size_t i = 0; i < repeats; i++) {
                is_same &= memcmp(target + beside + i * COUNT * to_size, results, COUNT * to_size) == 0;
            }
            for (size_t i = 0; i < LINE; i++) {
                is_same &= target[beside - 1 - i] == 0xa5 && target[beside + count * to_size + i] == 0xa5;
            }
            if (!is_same) {
                check_failures++;
                fprintf(stderr, "a long run of %s -> %s (overflow %d): not what was expected\n", from->name, to->name,
                        (int)overflow);
            }
        }
        free(set.elements);
    }
    CHECK(source && target && results);
    free(source);
    free(target);
    free(results);
}

/** Rows with gaps between them on both sides, converted each by itself or several at a time, with nothing written beside. */
static void every_pair_by_rows(void)
{
    enum { ROWS = 3, FROM_ROW = 100, TO_ROW = 103, BYTES = 16 * ROWS * TO_ROW };
    static const int64_t lengths[] = {24, 70, 97};
    static uint8_t target[BYTES], expected[BYTES];
    for (int f = 0; f < DTYPE_COUNT; f++) {
        const oracle_dtype *from = &oracle_dtypes[f];
        value_set set = some_values_of(from, ROWS * FROM_ROW);
        source_array source;
        store(&source, from, &set, 1, 1, 1);
        for (int t = 0; t < DTYPE_COUNT * 6; t++) {
            const oracle_dtype *to = &oracle_dtypes[t / 6];
            int64_t shape[2] = {ROWS, lengths[t % 3]}, from_strides[2] = {FROM_ROW, 1}, to_strides[2] = {TO_ROW, 1};
            tensor_options_t options = TENSOR_OPTIONS_INIT;
            options.flags = TENSOR_FLAG_SUBBYTE_PADDED;
            options.overflow = (int32_t)(t % 2 ? SATURATE : DEFAULT);
            size_t bits = storage_bits(to, 1);
            memset(target, 0xa5, BYTES);
            memset(expected, 0xa5, BYTES);
            for (int64_t i = 0; i < ROWS * shape[1]; i++) {
                size_t row = (size_t)(i / shape[1]), column = (size_t)(i % shape[1]), place = row * TO_ROW + column;
                memset(expected + place * bits / 8, 0, bits / 8);
                put_element(to, expected, place * bits,
                            oracle_convert(from, set.elements[row * FROM_ROW + column], to, (enum oracle_overflow)options.overflow));
            }
            source.tensor.ndim = 2;
            source.tensor.shape = shape;
            source.tensor.strides = from_strides;
            DLTensor into = describe(target, (DLDataType){to->code, to->bits, 1}, 2, shape, to_strides);
            convert_into(&into, &source, &options);
            check_count++;
            if (memcmp(target, expected, BYTES) != 0) {
                check_failures++;
                fprintf(stderr, "rows of %d of %s -> %s (overflow %d): not what was expected\n", (int)shape[1], from->name,
                        to->name, (int)options.overflow);
            }
        }
        free(source.data);
        free(set.elements);
    }
}

/** The rounding mode and the flushing of subnormals are the caller's, and change nothing. */
static void every_rounding_mode(void)
{
    static const int sources[] = {F64_INDEX, F32_INDEX, F16_INDEX, 16, 7, 14, 27};
    int before = thinning;
    uint64_t saved = get_control();
    thinning *= 20;
    for (unsigned mode = 0; mode < CONTROL_MODES; mode++) {
        uint64_t control = control_of(mode);
        set_control(control);
        uint64_t kept = get_control();
        set_control(saved);
        if (kept != control) {
            continue; /* A processor or an emulator that does not know this mode. */
        }
        for (size_t s = 0; s < sizeof sources / sizeof *sources; s++) {
            const oracle_dtype *from = &oracle_dtypes[sources[s]];
            value_set set = values_of(from);
            source_array array;
            store(&array, from, &set, 0, 1, 0);
            for (int t = 0; t < DTYPE_COUNT; t++) {
                set_control(control);
                try_conversion(&array, from, &set, &oracle_dtypes[t], DEFAULT);
                uint64_t after = get_control();
                set_control(saved);
                CHECK(after == control);
            }
            free(array.data);
            free(set.elements);
        }
    }
    thinning = before;
}

/** Under exact casting the first value that would not survive is named, and nothing is made. */
static void exact_casting(void)
{
    double data[6] = {1.0, 2.0, 3.0, 0.1, 5.0, 1e300};
    int64_t shape[2] = {2, 3};
    DLTensor source = describe(data, DTYPE_F64, 2, shape, NULL);
    DLDataType dtype = DTYPE_F32;
    tensor_options_t options = TENSOR_OPTIONS_INIT;
    tensor_t *out = (tensor_t *)&options;
    options.dtype = &dtype;
    options.casting = TENSOR_CASTING_EXACT;
    CHECK_STATUS(tensor_as_tensor(&source, &options, &out), TENSOR_ERROR_INEXACT);
    CHECK(out == NULL);
    CHECK_MESSAGE("[1, 0]");
    CHECK_MESSAGE("0.1");
    data[3] = 0.5;
    CHECK_STATUS(tensor_as_tensor(&source, &options, &out), TENSOR_ERROR_INEXACT);
    CHECK_MESSAGE("[1, 2]");
    CHECK_MESSAGE("1e300");
    data[5] = -0.0;
    CHECK_OK(tensor_as_tensor(&source, &options, &out));
    CHECK(((float *)tensor_view(out)->data)[3] == 0.5f);

    int64_t wide[3] = {1, ((int64_t)1 << 53) + 1, 2};
    int64_t three[1] = {3};
    DLTensor integers = describe(wide, DTYPE_I64, 1, three, NULL);
    float kept[3] = {7, 8, 9};
    DLTensor floats = describe(kept, DTYPE_F32, 1, three, NULL);
    tensor_t *destination = NULL;
    tensor_options_t fill = TENSOR_OPTIONS_INIT;
    fill.casting = TENSOR_CASTING_EXACT;
    CHECK_OK(tensor_as_tensor(&floats, NULL, &destination));
    CHECK_STATUS(tensor_copy_into(destination, &integers, &fill), TENSOR_ERROR_INEXACT);
    CHECK_MESSAGE("[1]");
    CHECK_MESSAGE("9007199254740993");
    CHECK(kept[0] == 7 && kept[1] == 8 && kept[2] == 9);
    tensor_release(destination);
    tensor_release(out);
}

/** Every float32 there is, to every floating-point format of 16 bits or fewer. The results of a rising sequence rise. */
static void sweep(void)
{
    enum { CHUNK = 1 << 20 };
    float *source = malloc(CHUNK * sizeof *source);
    int64_t shape[1] = {CHUNK};
    DLTensor tensor = describe(source, DTYPE_F32, 1, shape, NULL);
    for (int t = 0; t < DTYPE_COUNT && source; t++) {
        const oracle_dtype *to = &oracle_dtypes[t];
        if (to->class != CLASS_FLOAT || to->bits > 16) {
            continue;
        }
        DLDataType dtype = {to->code, to->bits, 1};
        tensor_options_t options = TENSOR_OPTIONS_INIT;
        options.dtype = &dtype;
        options.flags = TENSOR_FLAG_SUBBYTE_PADDED;
        uint64_t code = 0;
        for (uint64_t start = 0; start < (uint64_t)1 << 32; start += CHUNK) {
            tensor_t *copy = NULL;
            for (uint32_t i = 0; i < CHUNK; i++) {
                uint32_t bits = (uint32_t)(start + i);
                memcpy(&source[i], &bits, sizeof bits);
            }
            if (start == (uint64_t)1 << 31) {
                code = 0;
            }
            CHECK_OK(tensor_copy(&tensor, &options, &copy));
            for (uint32_t i = 0; copy && i < CHUNK; i++) {
                oracle_number n = oracle_decode(&oracle_dtypes[F32_INDEX], start + i);
                uint64_t expected, found;
                if (n.kind == FINITE_NUMBER) {
                    while (code <= oracle_largest(to)) {
                        int side = oracle_compare_midpoint(to, n.m, n.e, code);
                        if (side < 0 || (side == 0 && (code & 1) == 0)) {
                            break;
                        }
                        code++;
                    }
                    expected = code > oracle_largest(to) ? oracle_overflowed(to, n.negative, DEFAULT)
                               : code == 0 && to->special == FNUZ ? 0
                               : n.negative                       ? code | oracle_sign(to)
                                                                  : code;
                } else {
                    expected = oracle_to_float(to, n, DEFAULT);
                }
                found = get_element(to, tensor_view(copy)->data, (size_t)i * (size_t)storage_bits(to, 1)).part[0];
                if (expected != found) {
                    check_failures++;
                    fprintf(stderr, "float32 %#llx -> %s: expected %#llx, found %#llx\n", (unsigned long long)(start + i),
                            to->name, (unsigned long long)expected, (unsigned long long)found);
                    tensor_release(copy);
                    free(source);
                    return;
                }
            }
            tensor_release(copy);
        }
        printf("%s: all float32 values\n", to->name);
        fflush(stdout);
    }
    free(source);
}

int main(int argc, char **argv)
{
    const char *mode = argc > 1 ? argv[1] : "quick";
    if (strcmp(mode, "sweep") == 0) {
        sweep();
        return check_result();
    }
    thinning = strcmp(mode, "tiny") == 0 ? 101 : 1;
    every_pair();
    every_pair_among_small_ones();
    every_length();
    every_pair_at_length();
    every_pair_at_great_length();
    every_pair_by_rows();
    every_rounding_mode();
    exact_casting();
    return check_result();
}

/*
 * astensor: memory that somebody already has as a tensor, without copying it.
 *
 * Generated from the Rust sources; do not edit.
 *
 * Every function returns a tensor_status_t and writes its result to its last argument, but for plain getters. After an
 * error nothing has changed, `*out` is NULL (or as documented), and tensor_last_error() says why. All functions may be
 * called from any thread; the bytes of a tensor are the caller's to keep in order.
 *
 * Lifetimes:  as borrows, copy owns, retain and release count. A borrowed tensor needs the lender's memory until its last
 * alias (handle, view or export) is released; a deleter tells the lender when that is.
 */

#ifndef ASTENSOR_H
#define ASTENSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "dlpack_types.h"

/** The options that ask for nothing in particular. */
#define TENSOR_OPTIONS_INIT { (uint32_t)sizeof(tensor_options_t), 0, NULL, NULL, 0, 0, 0, 0, 0, 0, NULL, NULL, NULL }

/** A plan to be filled in. */
#define TENSOR_PLAN_INIT { (uint32_t)sizeof(tensor_plan_t), 0, 0, 0, 0 }

/** Torch's way to print. */
#define TENSOR_FORMAT_OPTIONS_INIT { (uint32_t)sizeof(tensor_format_options_t), 4, 1000, 3, 80, 0, 0 }

/** For tensor_squeeze(): every dimension. */
#define TENSOR_ALL_DIMS INT32_MIN

/**
 * Copy only if the data cannot be aliased as asked.
 */
#define TENSOR_COPY_IF_NEEDED 0

/**
 * Never copy: TENSOR_ERROR_COPY_NEEDED if the data cannot be aliased as asked.
 */
#define TENSOR_COPY_NEVER 1

/**
 * Always copy.
 */
#define TENSOR_COPY_ALWAYS 2

/**
 * Any conversion that is defined.
 */
#define TENSOR_CASTING_UNSAFE 0

/**
 * Conversions within a kind, or to a later one of bool, unsigned, signed, floating point, complex.
 */
#define TENSOR_CASTING_SAME_KIND 1

/**
 * Conversions that keep every value of the dtype; 64-bit integers to float64 count, as in NumPy.
 */
#define TENSOR_CASTING_SAFE 2

/**
 * No conversion.
 */
#define TENSOR_CASTING_EQUIV 3

/**
 * Any conversion that keeps every value that is there: checked before anything is written, and
 * TENSOR_ERROR_INEXACT names the first element that would not survive.
 */
#define TENSOR_CASTING_EXACT 4

/**
 * Beyond the largest finite value: infinity where the format has one. float8_e4m3fn, float6 and float4: the largest
 * finite value. The fnuz formats and float8_e8m0fnu: NaN.
 */
#define TENSOR_OVERFLOW_DEFAULT 0

/**
 * As TENSOR_OVERFLOW_DEFAULT, but NaN for float8_e4m3fn.
 */
#define TENSOR_OVERFLOW_NAN 1

/**
 * The largest finite value, for infinities too.
 */
#define TENSOR_OVERFLOW_SATURATE 2

/**
 * The tensor, its views and exports cannot be written through this library.
 */
#define TENSOR_FLAG_READ_ONLY 1

/**
 * The tensor must be row-major contiguous: other layouts are copied.
 */
#define TENSOR_FLAG_CONTIGUOUS 2

/**
 * Gradients of the tensor are asked for: it is a leaf. Floating-point and complex dtypes only.
 */
#define TENSOR_FLAG_REQUIRES_GRAD 4

/**
 * Sub-byte elements of the descriptor, and of a copy, take one byte each instead of being packed.
 */
#define TENSOR_FLAG_SUBBYTE_PADDED 8

/**
 * Largest rank of a tensor.
 */
#define TENSOR_MAX_NDIM 64

/**
 * The tensor's bytes are the data's bytes.
 */
#define TENSOR_ACTION_ALIAS 0

/**
 * The tensor has bytes of its own.
 */
#define TENSOR_ACTION_COPY 1

/**
 * Copied because another dtype was asked for, or another storage of sub-byte elements.
 */
#define TENSOR_REASON_DTYPE 1

/**
 * Copied because another device was asked for.
 */
#define TENSOR_REASON_DEVICE 2

/**
 * Copied because a contiguous tensor was asked for and the data is not, or a new shape needed it.
 */
#define TENSOR_REASON_LAYOUT 4

/**
 * Copied because an alignment was asked for that the data does not have.
 */
#define TENSOR_REASON_ALIGNMENT 8

/**
 * Copied because a copy was asked for.
 */
#define TENSOR_REASON_REQUESTED 16

/**
 * A bool: `as.integer`, 0 or not.
 */
#define TENSOR_KIND_BOOL 1

/**
 * An integer: `as.integer`.
 */
#define TENSOR_KIND_SIGNED 2

/**
 * An integer that may be above INT64_MAX: `as.natural`.
 */
#define TENSOR_KIND_UNSIGNED 3

/**
 * A real number: `as.real`.
 */
#define TENSOR_KIND_REAL 4

/**
 * A complex number: `as.complex_parts`.
 */
#define TENSOR_KIND_COMPLEX 5

/**
 * A list of values, which may be lists: `as.list`.
 */
#define TENSOR_KIND_LIST 6

/**
 * A list of numbers of one dtype, one after another in memory: `as.run` and `dtype`.
 */
#define TENSOR_KIND_RUN 7

/**
 * What a descriptor describes: `as.descriptor`. Its shape is that of lists in lists.
 */
#define TENSOR_KIND_DESCRIPTOR 8

/**
 * The elements of a tensor: `as.tensor`. Its shape is that of lists in lists.
 */
#define TENSOR_KIND_TENSOR 9

/**
 * Exponents where numbers are above 1e8, below 1e-4, or 1000 times as large as others.
 */
#define TENSOR_SCI_MODE_AUTO 0

/**
 * Exponents for all floating-point numbers.
 */
#define TENSOR_SCI_MODE_ON 1

/**
 * No exponents.
 */
#define TENSOR_SCI_MODE_OFF 2

/**
 * Nothing on the loan can be written through this library.
 */
#define TENSOR_LOAN_READ_ONLY 1

/**
 * Everything that reaches the memory: tensors, views and exports.
 */
#define TENSOR_LOAN_ALIASES 0

/**
 * Tensors made from descriptors.
 */
#define TENSOR_LOAN_TENSORS 1

/**
 * Tensors made from tensors.
 */
#define TENSOR_LOAN_VIEWS 2

/**
 * Managed tensors that were exported and not given back.
 */
#define TENSOR_LOAN_EXPORTS 3

/**
 * Pins, and tensors whose pointer was given away by tensor_view().
 */
#define TENSOR_LOAN_PINS 4

/**
 * Read, beside others that read.
 */
#define TENSOR_PIN_READ 1

/**
 * Write, and read, alone.
 */
#define TENSOR_PIN_WRITE 2

/**
 * For tensor_backward(): keep what the backward functions of tensor_grad_record() need, so that it can run again.
 */
#define TENSOR_BACKWARD_RETAIN_GRAPH 1

/**
 * Version of this interface: it changes when a program must be compiled anew.
 */
#define TENSOR_ABI_VERSION 1

/**
 * A loan: memory that is lent to tensors, and can be taken back. The handle is not an address. It is used up when the loan
 * ends, by tensor_loan_close() or tensor_loan_evacuate(); every use after that is TENSOR_ERROR_CLOSED. There is nothing to
 * release.
 */
typedef struct tensor_loan_t tensor_loan_t;

/**
 * A tensor. Atomically reference counted: see tensor_retain() and tensor_release().
 */
typedef struct tensor_t tensor_t;

/**
 * What a function returns: TENSOR_OK, or why it did nothing. Numbers are never reused.
 */
typedef int32_t tensor_status_t;

/**
 * A function that takes lent memory back. Called exactly once, after the last alias is gone, on the thread that gave it
 * up, with no lock held. It may call this library; it must return normally (no exception, no longjmp).
 */
typedef void (*tensor_deleter_t)(void *ctx);

/**
 * What is asked of a new tensor. Begin with TENSOR_OPTIONS_INIT; NULL in its place means the defaults.
 */
typedef struct tensor_options_t {
    /**
     * Size of this struct, set by TENSOR_OPTIONS_INIT.
     */
    uint32_t struct_size;
    /**
     * TENSOR_FLAG_ bits.
     */
    uint32_t flags;
    /**
     * Element type of the result; NULL: the data's own.
     */
    const DLDataType *dtype;
    /**
     * Where the result should be; NULL: where the data is.
     */
    const DLDevice *device;
    /**
     * TENSOR_COPY_ value.
     */
    int32_t copy;
    /**
     * TENSOR_CASTING_ value.
     */
    int32_t casting;
    /**
     * TENSOR_OVERFLOW_ value.
     */
    int32_t overflow;
    /**
     * Must be 0.
     */
    int32_t reserved;
    /**
     * Bytes of which the first element's address must be a multiple: a power of two, or 0 for any.
     */
    size_t alignment;
    /**
     * Bytes that may be touched, counted from the descriptor's `data`; 0: not told.
     */
    size_t nbytes;
    /**
     * The loan that the data is on: its bytes are proved to be inside. NULL: none.
     */
    struct tensor_loan_t *loan;
    /**
     * Called with `deleter_ctx` when the memory is not needed any more: after the last alias, or at once if the data was
     * copied. NULL: nothing is called. Never called by a function that fails.
     */
    tensor_deleter_t deleter;
    /**
     * For `deleter`.
     */
    void *deleter_ctx;
} tensor_options_t;

/**
 * How a tensor is made, or was made. Begin with TENSOR_PLAN_INIT.
 */
typedef struct tensor_plan_t {
    /**
     * Size of this struct, set by TENSOR_PLAN_INIT.
     */
    uint32_t struct_size;
    /**
     * TENSOR_ACTION_ALIAS or TENSOR_ACTION_COPY.
     */
    int32_t action;
    /**
     * TENSOR_REASON_ bits; 0 for an alias.
     */
    uint32_t reasons;
    /**
     * 0.
     */
    uint32_t reserved;
    /**
     * Bytes that the copy writes; 0 for an alias.
     */
    int64_t bytes_moved;
} tensor_plan_t;

/**
 * Values in a list.
 */
typedef struct tensor_value_list_t {
    /**
     * The first item. May be NULL if there is none.
     */
    const struct tensor_value_t *items;
    /**
     * How many there are.
     */
    int64_t count;
} tensor_value_list_t;

/**
 * Numbers in memory.
 */
typedef struct tensor_value_run_t {
    /**
     * The first number, at any alignment. May be NULL if there is none.
     */
    const void *data;
    /**
     * How many there are.
     */
    int64_t count;
} tensor_value_run_t;

/**
 * What a value holds: the field that its kind names.
 */
typedef union tensor_value_payload_t {
    /**
     * TENSOR_KIND_BOOL and TENSOR_KIND_SIGNED.
     */
    int64_t integer;
    /**
     * TENSOR_KIND_UNSIGNED.
     */
    uint64_t natural;
    /**
     * TENSOR_KIND_REAL.
     */
    double real;
    /**
     * TENSOR_KIND_COMPLEX: real and imaginary part.
     */
    double complex_parts[2];
    /**
     * TENSOR_KIND_LIST.
     */
    struct tensor_value_list_t list;
    /**
     * TENSOR_KIND_RUN.
     */
    struct tensor_value_run_t run;
    /**
     * TENSOR_KIND_DESCRIPTOR.
     */
    const DLTensor *descriptor;
    /**
     * TENSOR_KIND_TENSOR.
     */
    const struct tensor_t *tensor;
} tensor_value_payload_t;

/**
 * A scalar, or a list of lists of scalars: a node of a tree that the caller keeps. Nothing in it is changed or kept.
 * Macros such as TENSOR_VALUE make nodes in C11; functions such as tensor_value_real() do in every language.
 */
typedef struct tensor_value_t {
    /**
     * TENSOR_KIND_ value. 0 is none of them.
     */
    int32_t kind;
    /**
     * Of the numbers of a run; not looked at in other kinds.
     */
    DLDataType dtype;
    /**
     * What the value holds.
     */
    union tensor_value_payload_t as;
} tensor_value_t;

/**
 * How a tensor is printed. Begin with TENSOR_FORMAT_OPTIONS_INIT, which is what torch begins with; NULL in its place means
 * the same.
 */
typedef struct tensor_format_options_t {
    /**
     * Size of this struct, set by TENSOR_FORMAT_OPTIONS_INIT.
     */
    uint32_t struct_size;
    /**
     * Digits after the point, 0 to 1000: 4.
     */
    int32_t precision;
    /**
     * Tensors of more elements are summarised: 1000. INT64_MAX: none is.
     */
    int64_t threshold;
    /**
     * Items at either end of a dimension that a summary shows: 3.
     */
    int32_t edge_items;
    /**
     * Characters of a line: 80.
     */
    int32_t line_width;
    /**
     * TENSOR_SCI_MODE_ value.
     */
    int32_t sci_mode;
    /**
     * Must be 0.
     */
    int32_t reserved;
} tensor_format_options_t;

/**
 * The backward function of a kernel: from the gradients of its outputs to those of its inputs.
 *
 * `grad_outputs` has a gradient for each output: row-major, of its shape and dtype, zeros if none came in. They are the
 * library's; retain one to keep it or to give it back. `grad_inputs` has a NULL for each input: put a reference there that
 * the library takes over, or leave it for no gradient. A gradient of another dtype is converted; of a shape that the
 * input's broadcasts to, it is summed. What is put there is taken over after an error too.
 *
 * Returns TENSOR_OK, or anything else to stop: tensor_backward() then returns TENSOR_ERROR_CALLBACK. It may call the
 * library, which keeps no history meanwhile; it must return normally (no exception, no longjmp).
 */
typedef tensor_status_t (*tensor_backward_t)(void *ctx,
                                             int32_t num_outputs,
                                             struct tensor_t *const *grad_outputs,
                                             int32_t num_inputs,
                                             struct tensor_t **grad_inputs);

/**
 * Done.
 */
#define TENSOR_OK 0

/**
 * A pointer that must not be NULL is.
 */
#define TENSOR_ERROR_NULL 1

/**
 * An unknown enum value, flag or struct_size, or an option that has no meaning for the function.
 */
#define TENSOR_ERROR_ARGUMENT 2

/**
 * A rank, size or number of elements that is impossible, shapes that do not fit each other, or a ragged list.
 */
#define TENSOR_ERROR_SHAPE 3

/**
 * A byte size, stride, offset or address that overflows, or a number that an integer dtype cannot hold.
 */
#define TENSOR_ERROR_OVERFLOW 4

/**
 * Elements outside the memory that may be touched.
 */
#define TENSOR_ERROR_BOUNDS 5

/**
 * A dimension or index that does not exist.
 */
#define TENSOR_ERROR_INDEX 6

/**
 * An unknown dtype, or dtypes that cannot be converted or combined.
 */
#define TENSOR_ERROR_DTYPE 7

/**
 * An unknown device, or memory that the processor cannot reach.
 */
#define TENSOR_ERROR_DEVICE 8

/**
 * A conversion that the casting rule forbids.
 */
#define TENSOR_ERROR_CASTING 9

/**
 * Under TENSOR_CASTING_EXACT, a value that would not survive.
 */
#define TENSOR_ERROR_INEXACT 10

/**
 * A copy is needed, and TENSOR_COPY_NEVER was asked for.
 */
#define TENSOR_ERROR_COPY_NEEDED 11

/**
 * Write access to read-only memory.
 */
#define TENSOR_ERROR_READ_ONLY 12

/**
 * A destination that overlaps itself.
 */
#define TENSOR_ERROR_OVERLAP 13

/**
 * An exact answer would take too long.
 */
#define TENSOR_ERROR_TOO_HARD 14

/**
 * Something this version does not offer.
 */
#define TENSOR_ERROR_UNSUPPORTED 15

/**
 * An allocation failed.
 */
#define TENSOR_ERROR_OUT_OF_MEMORY 16

/**
 * A DLPack struct of another major version.
 */
#define TENSOR_ERROR_VERSION 17

/**
 * A reference count at its maximum.
 */
#define TENSOR_ERROR_COUNT 18

/**
 * A defect of this library.
 */
#define TENSOR_ERROR_INTERNAL 19

/**
 * Memory on a loan is still in use; the message says by whom.
 */
#define TENSOR_ERROR_BUSY 20

/**
 * The lender has taken the memory back.
 */
#define TENSOR_ERROR_REVOKED 21

/**
 * Memory on a loan is in use in a way that excludes another.
 */
#define TENSOR_ERROR_ALIASED 22

/**
 * A loan that was closed, or a handle that is none of a loan.
 */
#define TENSOR_ERROR_CLOSED 23

/**
 * Something that gradients do not allow; the message says what.
 */
#define TENSOR_ERROR_GRADIENT 24

/**
 * A backward function given to tensor_grad_record() failed.
 */
#define TENSOR_ERROR_CALLBACK 25

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * This thread's last error, as a sentence that names the field and value it is about.
 *
 * @return Never NULL; empty if no function has failed on this thread. Valid until the next function that fails on this
 *         thread. Success does not clear it.
 * @par Threads  Each thread has its own.
 */
const char *tensor_last_error(void);

/**
 * The name of a status, such as "TENSOR_ERROR_SHAPE".
 *
 * @return Never NULL: a string that is never freed. "TENSOR_ERROR_UNKNOWN" for a number that is no status.
 */
const char *tensor_status_name(tensor_status_t status);

/**
 * Borrow the caller's memory as a tensor; copy only if `options` make it necessary.
 *
 * Without options nothing is copied, whatever the strides (positive, zero, negative, overlapping), the offset, the
 * alignment or the device. A different dtype, device, layout or alignment that is asked for means a copy: row-major, in
 * memory of the processor's, at a multiple of 64 bytes or of the alignment asked for. tensor_plan() tells beforehand,
 * tensor_origin() afterwards.
 *
 * @param data     Not NULL. `shape`, `strides`: `ndim` values, strides in elements, NULL strides for row-major;
 *                 `byte_offset` in bytes. Copied in: they may die when this returns. The bytes at `data->data` are not.
 * @param options  NULL for the defaults.
 * @param out      Not NULL. Set to NULL on error; otherwise release with tensor_release().
 * @return TENSOR_OK; TENSOR_ERROR_NULL, _SHAPE, _DTYPE, _DEVICE, _OVERFLOW or _BOUNDS for a descriptor that is wrong;
 *         TENSOR_ERROR_ARGUMENT or _UNSUPPORTED for options that are; TENSOR_ERROR_CASTING, _INEXACT, _DTYPE, _DEVICE
 *         or _COPY_NEEDED when the conversion is not possible or not allowed; TENSOR_ERROR_OUT_OF_MEMORY.
 * @par Lifetime   An alias without `options->deleter`: the memory must live until the last handle, view and export is
 *                 released. With it: until the library calls it, exactly once. After a copy the memory is not used; the
 *                 deleter is called before this returns. On error nothing is called and the memory stays the caller's.
 * @par Threads    May run on any number of threads at once. While it copies, nobody may write the memory.
 */
tensor_status_t tensor_as_tensor(const DLTensor *data,
                                 const struct tensor_options_t *options,
                                 struct tensor_t **out);

/**
 * Copy the caller's memory to a tensor of its own, always; convert it on the way if `options` say so.
 *
 * The result is row-major, in memory of the processor's, at a multiple of 64 bytes or of `options->alignment`.
 *
 * @param data     Not NULL. As for tensor_as_tensor(). The memory must be reachable by the processor (CPU, CUDAHost,
 *                 ROCMHost, CUDAManaged).
 * @param options  NULL for the defaults. TENSOR_COPY_NEVER is TENSOR_ERROR_COPY_NEEDED.
 * @param out      Not NULL. Set to NULL on error; otherwise release with tensor_release().
 * @return As tensor_as_tensor().
 * @par Lifetime   The tensor owns its memory. The caller's is not used after this returns; `options->deleter` is called
 *                 before, if all went well.
 * @par Threads    May run on any number of threads at once. While it runs, nobody may write the memory.
 */
tensor_status_t tensor_copy(const DLTensor *data,
                            const struct tensor_options_t *options,
                            struct tensor_t **out);

/**
 * Tell what tensor_as_tensor() would do with the same arguments, and why, without doing it.
 *
 * @param data     Not NULL. As for tensor_as_tensor(); the bytes at `data->data` are not read.
 * @param options  NULL for the defaults. The deleter is not called.
 * @param out      Not NULL, begun with TENSOR_PLAN_INIT. On error: an alias of 0 bytes.
 * @return As tensor_as_tensor(), but for what depends on the values (TENSOR_ERROR_INEXACT) and on memory.
 */
tensor_status_t tensor_plan(const DLTensor *data,
                            const struct tensor_options_t *options,
                            struct tensor_plan_t *out);

/**
 * What tensor_as_tensor() does, for the memory of a tensor: another handle on the same memory if it is as asked, else a
 * copy.
 *
 * @param tensor   Not NULL. Keeps its reference.
 * @param options  NULL for the defaults: an alias. `nbytes`, `loan` and `deleter` have no meaning here.
 *                 TENSOR_FLAG_SUBBYTE_PADDED asks for one byte per sub-byte element.
 * @param out      Not NULL. Set to NULL on error; otherwise release with tensor_release().
 * @return As tensor_as_tensor(), but for what can be wrong with a descriptor.
 * @par Lifetime   An alias keeps the storage of `tensor` alive; a copy has its own.
 * @par Threads    May run on any number of threads at once. While it copies, nobody may write the memory.
 */
tensor_status_t tensor_to(struct tensor_t *tensor,
                          const struct tensor_options_t *options,
                          struct tensor_t **out);

/**
 * Make a tensor of its own memory, uninitialised, row-major, at a multiple of 64 bytes.
 *
 * @param dtype   Not NULL. Sub-byte elements are packed.
 * @param device  NULL or the CPU; memory of other devices cannot be allocated: TENSOR_ERROR_DEVICE.
 * @param ndim    0 to 64.
 * @param shape   `ndim` sizes; may be NULL if `ndim` is 0.
 * @param out     Not NULL. Set to NULL on error; otherwise release with tensor_release().
 * @return TENSOR_OK; TENSOR_ERROR_NULL, _SHAPE, _DTYPE, _DEVICE, _OVERFLOW or _OUT_OF_MEMORY.
 */
tensor_status_t tensor_empty(const DLDataType *dtype,
                             const DLDevice *device,
                             int32_t ndim,
                             const int64_t *shape,
                             struct tensor_t **out);

/**
 * Make a tensor of a scalar, or of a list of lists of scalars, as torch.tensor() does.
 *
 * The dtype, unless `options` give one: complex64 if a number is complex (of the default dtype, where that has a complex
 * counterpart); else the default dtype if one is real; else int64 if one is an integer; else bool. No numbers at all: the
 * default dtype. Memory in the value (runs, descriptors, tensors) has a dtype of its own, which is kept if it is alone,
 * and else promoted with that of the others.
 *
 * Integers must be in the range of an integer dtype; of real numbers what is behind the point is dropped first, above
 * zero. This holds for numbers in memory too. Floating-point dtypes take any number, rounded once.
 *
 * @param value    Not NULL. Read, never kept. Lists at one depth have one length; a scalar has no dimension; at most 64
 *                 lists are inside each other.
 * @param options  NULL for the defaults. `casting` is about a dtype that is given, but for TENSOR_CASTING_EXACT, which
 *                 always means that every number must survive. TENSOR_COPY_NEVER is refused, as numbers are always
 *                 copied; other devices than the CPU, `nbytes` and `deleter` are too. TENSOR_FLAG_SUBBYTE_PADDED is about
 *                 runs, descriptors and the result.
 * @param out      Not NULL. Set to NULL on error; otherwise release with tensor_release().
 * @return TENSOR_OK; TENSOR_ERROR_SHAPE for a ragged or too deep value; TENSOR_ERROR_OVERFLOW for a number out of range;
 *         TENSOR_ERROR_DTYPE if memory has dtypes without a common one, or if imaginary parts would be lost;
 *         TENSOR_ERROR_ARGUMENT for an unknown kind; else as tensor_copy().
 * @par Threads    Nobody may change the value meanwhile.
 */
tensor_status_t tensor_from_value(const struct tensor_value_t *value,
                                  const struct tensor_options_t *options,
                                  struct tensor_t **out);

/**
 * Set the dtype that real numbers without a dtype get.
 *
 * @param dtype  Not NULL: float32, which it is at first, float64, float16 or bfloat16.
 * @return TENSOR_OK, TENSOR_ERROR_NULL or TENSOR_ERROR_DTYPE.
 * @par Threads  For the whole process, as in torch.
 */
tensor_status_t tensor_set_default_dtype(const DLDataType *dtype);

/**
 * The dtype that real numbers without a dtype get.
 */
DLDataType tensor_default_dtype(void);

/**
 * Add a reference to a handle.
 *
 * @param tensor  A live handle, or NULL for nothing to do.
 * @return TENSOR_OK; TENSOR_ERROR_COUNT when the count is at its maximum, and then nothing was added.
 * @par Threads   One atomic operation; any thread that has a reference may call it.
 */
tensor_status_t tensor_retain(struct tensor_t *tensor);

/**
 * Give a reference back. With the last one the handle is gone; with the last alias of its memory, the memory: the
 * lender's deleter is called, or the library's own allocation is freed.
 *
 * @param tensor  A reference of the caller's, or NULL for nothing to do.
 * @par Threads   May be called on any thread. A deleter runs on the thread that gives up the last alias, with no lock held.
 */
void tensor_release(struct tensor_t *tensor);

/**
 * Take over a managed tensor of DLPack 1.x.
 *
 * @param managed  Not NULL, nor `*managed`. On success ownership moves and `*managed` becomes NULL: the producer's deleter,
 *                 if there is one, is called exactly once after the last alias, or before this returns if the data was
 *                 copied. On error `*managed` is unchanged and still the caller's.
 * @param options  NULL for the defaults. As for tensor_as_tensor(), but without `deleter`. Whether sub-byte elements are
 *                 padded is taken from the managed tensor's flags.
 * @param out      Not NULL. Set to NULL on error; otherwise release with tensor_release().
 * @return As tensor_as_tensor(); TENSOR_ERROR_VERSION for another major version than 1, of which nothing past the
 *         version is read; TENSOR_ERROR_ARGUMENT for flags that DLPack 1.3 does not define.
 * @par Lifetime   Read-only tensors stay read-only. NULL strides are accepted.
 * @par Threads    The deleter runs on whichever thread gives up the last alias.
 */
tensor_status_t tensor_from_dlpack(DLManagedTensorVersioned **managed,
                                   const struct tensor_options_t *options,
                                   struct tensor_t **out);

/**
 * Take over a managed tensor of DLPack before 1.0.
 *
 * @param managed  As for tensor_from_dlpack().
 * @param options  As for tensor_from_dlpack(); TENSOR_FLAG_SUBBYTE_PADDED tells how sub-byte elements are stored, which
 *                 the struct cannot.
 * @param out      Not NULL. Set to NULL on error; otherwise release with tensor_release().
 * @return As tensor_as_tensor().
 * @par Lifetime   As tensor_from_dlpack(). Nothing says whether the memory may be written: TENSOR_FLAG_READ_ONLY can.
 */
tensor_status_t tensor_from_dlpack_legacy(DLManagedTensor **managed,
                                          const struct tensor_options_t *options,
                                          struct tensor_t **out);

/**
 * Export a tensor for DLPack 1.x: version 1.3, strides never NULL.
 *
 * The flags say truthfully whether the memory is read-only, whether sub-byte elements are padded, and whether it is a
 * copy: that is, whether this very call made one, so that nobody else holds it.
 *
 * @param tensor   Not NULL. Keeps its reference.
 * @param options  NULL: export the memory as it is. Otherwise the tensor is first brought to what they say, as by
 *                 tensor_to(); TENSOR_COPY_ALWAYS gives the consumer a copy of its own.
 * @param out      Not NULL. Set to NULL on error; otherwise give it to a consumer, or call its `deleter`.
 * @return TENSOR_OK, TENSOR_ERROR_OUT_OF_MEMORY, or as tensor_to().
 * @par Lifetime   The export keeps the storage alive until its deleter is called, which must happen exactly once.
 * @par Threads    The deleter may be called on any thread.
 */
tensor_status_t tensor_to_dlpack(struct tensor_t *tensor,
                                 const struct tensor_options_t *options,
                                 DLManagedTensorVersioned **out);

/**
 * Export a tensor for DLPack before 1.0.
 *
 * @param tensor   Not NULL. Keeps its reference.
 * @param options  As for tensor_to_dlpack().
 * @param out      Not NULL. Set to NULL on error; otherwise give it to a consumer, or call its `deleter`.
 * @return As tensor_to_dlpack(); TENSOR_ERROR_READ_ONLY for read-only memory and TENSOR_ERROR_UNSUPPORTED for padded
 *         sub-byte elements, which the struct cannot express.
 * @par Lifetime   As tensor_to_dlpack().
 * @par Threads    As tensor_to_dlpack().
 */
tensor_status_t tensor_to_dlpack_legacy(struct tensor_t *tensor,
                                        const struct tensor_options_t *options,
                                        DLManagedTensor **out);

/**
 * The tensor as a DLTensor: data, shape, strides, dtype, device.
 *
 * Strides are never NULL. On devices whose memory the processor reaches, `byte_offset` is 0 and `data` points to the first
 * element; on others both are as the producer gave them, but for the offset of a view.
 *
 * @param tensor  A live handle, or NULL, which gives NULL.
 * @return Valid as long as the handle; not to be changed. The bytes may be read and, unless the tensor is read-only, written.
 * @par Lifetime  On a loan, this gives a pointer away without saying until when: it counts as a pin for reading that lasts as
 *                long as the handle, so the loan can be neither revoked nor evacuated before, and what overlaps cannot be
 *                pinned for writing. tensor_pin() is the same with an end; tensor_shape() and the other getters give no
 *                pointer away. Of a tensor whose loan was revoked, `data` is NULL.
 * @par Threads   Who reads or writes the bytes from several threads keeps them in order.
 */
const DLTensor *tensor_view(const struct tensor_t *tensor);

/**
 * Tell how a handle was made: by aliasing memory, or by copying it, and why.
 *
 * @param tensor  Not NULL.
 * @param out     Not NULL, begun with TENSOR_PLAN_INIT. Of a view: an alias, but for a tensor_reshape() that copied.
 *                Of tensor_empty(): a copy of 0 bytes that was requested.
 * @return TENSOR_OK, TENSOR_ERROR_NULL or TENSOR_ERROR_ARGUMENT.
 */
tensor_status_t tensor_origin(const struct tensor_t *tensor,
                              struct tensor_plan_t *out);

/**
 * The number of references to this handle, plus the other handles and exports that keep the same storage.
 *
 * @param tensor  A live handle, or NULL, which gives 0.
 * @par Threads   The number at some moment: other threads may change it meanwhile.
 */
uint64_t tensor_use_count(const struct tensor_t *tensor);

/**
 * The number of dimensions; -1 for NULL.
 */
int32_t tensor_ndim(const struct tensor_t *tensor);

/**
 * The sizes of the dimensions.
 *
 * @param tensor  A live handle, or NULL, which gives NULL.
 * @return tensor_ndim() sizes, valid as long as the handle; not to be changed.
 */
const int64_t *tensor_shape(const struct tensor_t *tensor);

/**
 * The strides of the dimensions, in elements.
 *
 * @param tensor  A live handle, or NULL, which gives NULL.
 * @return tensor_ndim() strides, valid as long as the handle; not to be changed.
 */
const int64_t *tensor_strides(const struct tensor_t *tensor);

/**
 * The type of the elements; zeros (lanes 0: no dtype) for NULL.
 */
DLDataType tensor_dtype(const struct tensor_t *tensor);

/**
 * Where the memory is; zeros (no device) for NULL.
 */
DLDevice tensor_device(const struct tensor_t *tensor);

/**
 * The number of elements; -1 for NULL.
 */
int64_t tensor_numel(const struct tensor_t *tensor);

/**
 * The bytes that the elements take when stored one after another, rounded up once; -1 for NULL.
 */
int64_t tensor_nbytes(const struct tensor_t *tensor);

/**
 * Whether the elements lie one after another in row-major order. Strides of dimensions of size 1 do not matter; a tensor
 * without elements is contiguous. False for NULL.
 */
bool tensor_is_contiguous(const struct tensor_t *tensor);

/**
 * Whether the tensor must not be written. False for NULL.
 */
bool tensor_is_read_only(const struct tensor_t *tensor);

/**
 * Whether elements smaller than a byte take one byte each instead of being packed. False for NULL.
 */
bool tensor_is_subbyte_padded(const struct tensor_t *tensor);

/**
 * Tell whether two tensors have at least one bit of memory in common. Exact: interleaved columns of one matrix do not.
 *
 * The question is a bounded linear equation in integers, which is solved, not approximated. Equations made to be hard
 * (many dimensions with large strides that share no divisor) end after a fixed number of steps, a fraction of a second.
 *
 * @param a    Not NULL.
 * @param b    Not NULL. Tensors without elements share nothing. Memory on different devices is not shared, except that
 *             all memory the processor reaches is one space.
 * @param out  Not NULL. Set to false on error.
 * @return TENSOR_OK; TENSOR_ERROR_NULL; TENSOR_ERROR_TOO_HARD when the steps did not suffice: the answer is not known;
 *         TENSOR_ERROR_REVOKED for a tensor whose loan was revoked.
 */
tensor_status_t tensor_shares_memory(const struct tensor_t *a,
                                     const struct tensor_t *b,
                                     bool *out);

/**
 * Write the name of a dtype, such as "float32", "float8_e4m3fn" or, with lanes, "float4_e2m1fnx2".
 *
 * @param dtype       Not NULL.
 * @param buffer      Written with as much of the name as fits, and a NUL; may be NULL if `capacity` is 0.
 * @param capacity    Bytes of `buffer`.
 * @param out_needed  Set to the bytes the whole name takes, with its NUL; 0 on error. 32 always suffice. May be NULL.
 * @return TENSOR_OK, also when the name did not fit; TENSOR_ERROR_NULL; TENSOR_ERROR_DTYPE for an unknown dtype.
 */
tensor_status_t tensor_dtype_name(const DLDataType *dtype,
                                  char *buffer,
                                  size_t capacity,
                                  size_t *out_needed);

/**
 * Find the dtype of a name: the reverse of tensor_dtype_name().
 *
 * @param name  Not NULL, ends with NUL.
 * @param out   Not NULL. Set to zeros (lanes 0: no dtype) on error.
 * @return TENSOR_OK, TENSOR_ERROR_NULL, or TENSOR_ERROR_DTYPE for a name that is none.
 */
tensor_status_t tensor_dtype_from_name(const char *name,
                                       DLDataType *out);

/**
 * Tell whether a casting rule allows a conversion.
 *
 * @param from     Not NULL.
 * @param to       Not NULL.
 * @param casting  TENSOR_CASTING_ value. TENSOR_CASTING_EXACT depends on the values, and is answered like
 *                 TENSOR_CASTING_UNSAFE.
 * @param out      Not NULL. Set to false on error.
 * @return TENSOR_OK; TENSOR_ERROR_NULL; TENSOR_ERROR_DTYPE for an unknown dtype; TENSOR_ERROR_ARGUMENT for an unknown rule.
 */
tensor_status_t tensor_can_cast(const DLDataType *from,
                                const DLDataType *to,
                                int32_t casting,
                                bool *out);

/**
 * Find the dtype in which two meet. Categories count first (bool, integer, floating point, complex); within one, it is the
 * smallest that holds the values of both. Two different floating-point dtypes meet in the narrowest of float16, bfloat16,
 * float32 and float64 that holds both.
 *
 * @param a    Not NULL.
 * @param b    Not NULL.
 * @param out  Not NULL. Set to zeros (lanes 0: no dtype) on error.
 * @return TENSOR_OK; TENSOR_ERROR_NULL; TENSOR_ERROR_DTYPE for an unknown dtype, and when there is none: uint64 with a
 *         signed integer, opaque handles, different lanes.
 */
tensor_status_t tensor_promote(const DLDataType *a,
                               const DLDataType *b,
                               DLDataType *out);

/**
 * Write a tensor as text: what torch prints, but for `dtype=float64` in place of `dtype=torch.float64`.
 *
 * Dtypes that torch does not print follow the same rules. Lanes are one more dimension; opaque handles are hexadecimal.
 * As in torch, a dtype goes without saying if it is the default one, complex of it, int64 or bool.
 *
 * @param tensor    Not NULL. Any layout; memory that the processor does not reach is refused, unless there are no elements.
 * @param options   NULL for torch's.
 * @param buffer    Gets as much of the text as fits, and always a NUL unless `capacity` is 0. May be NULL if it is.
 * @param capacity  Bytes of `buffer`.
 * @param needed    NULL, or gets the length of the whole text without the NUL: it was cut if `*needed >= capacity`.
 * @return TENSOR_OK, also if the text was cut; TENSOR_ERROR_NULL, _ARGUMENT or _DEVICE. After an error the text is empty
 *         and `*needed` is 0. Nothing is allocated.
 * @par Threads     Nobody may write the elements meanwhile.
 */
tensor_status_t tensor_format(const struct tensor_t *tensor,
                              const struct tensor_format_options_t *options,
                              char *buffer,
                              size_t capacity,
                              size_t *needed);

/**
 * Make a view without dimension `dim`, at one index of it.
 *
 * As every view: a new handle that aliases the same memory, keeps its storage alive, and is read-only if `tensor` is.
 *
 * @param tensor  Not NULL. Keeps its reference.
 * @param dim     Dimension; negative counts from the end.
 * @param index   Index; negative counts from the end.
 * @param out     Not NULL. Set to NULL on error; otherwise release with tensor_release().
 * @return TENSOR_OK; TENSOR_ERROR_NULL; TENSOR_ERROR_INDEX for a dimension or index that does not exist;
 *         TENSOR_ERROR_UNSUPPORTED if the view would start inside a byte (packed sub-byte elements);
 *         TENSOR_ERROR_OUT_OF_MEMORY.
 */
tensor_status_t tensor_select(struct tensor_t *tensor,
                              int32_t dim,
                              int64_t index,
                              struct tensor_t **out);

/**
 * Make a view of every `step`-th index of a dimension, from `start` to before `stop`, as Python slices do.
 *
 * @param tensor  Not NULL. Keeps its reference.
 * @param dim     Dimension; negative counts from the end.
 * @param start   Negative counts from the end; clamped to the dimension. INT64_MAX: past the end. INT64_MIN: before the
 *                start.
 * @param stop    Likewise. `start` INT64_MAX, `stop` INT64_MIN, `step` -1 reverses.
 * @param step    Not 0; may be negative.
 * @param out     Not NULL. Set to NULL on error; otherwise release with tensor_release().
 * @return As tensor_select(); TENSOR_ERROR_ARGUMENT for a step of 0.
 */
tensor_status_t tensor_slice(struct tensor_t *tensor,
                             int32_t dim,
                             int64_t start,
                             int64_t stop,
                             int64_t step,
                             struct tensor_t **out);

/**
 * Make a view with the dimensions in another order: dimension `i` of it is dimension `dims[i]` of `tensor`.
 *
 * @param tensor  Not NULL. Keeps its reference.
 * @param ndim    Number of `dims`: the tensor's own.
 * @param dims    Each dimension once; negative counts from the end. May be NULL if `ndim` is 0.
 * @param out     Not NULL. Set to NULL on error; otherwise release with tensor_release().
 * @return TENSOR_OK, TENSOR_ERROR_NULL, TENSOR_ERROR_SHAPE, TENSOR_ERROR_INDEX or TENSOR_ERROR_OUT_OF_MEMORY.
 */
tensor_status_t tensor_permute(struct tensor_t *tensor,
                               int32_t ndim,
                               const int32_t *dims,
                               struct tensor_t **out);

/**
 * Make a view with two dimensions exchanged.
 *
 * @param tensor  Not NULL. Keeps its reference.
 * @param dim0    Dimension; negative counts from the end.
 * @param dim1    Dimension; negative counts from the end.
 * @param out     Not NULL. Set to NULL on error; otherwise release with tensor_release().
 * @return TENSOR_OK, TENSOR_ERROR_NULL, TENSOR_ERROR_INDEX or TENSOR_ERROR_OUT_OF_MEMORY.
 */
tensor_status_t tensor_transpose(struct tensor_t *tensor,
                                 int32_t dim0,
                                 int32_t dim1,
                                 struct tensor_t **out);

/**
 * Give the elements, in row-major order, another shape: a view where strides for it exist, else a copy if allowed.
 *
 * @param tensor  Not NULL. Keeps its reference.
 * @param ndim    0 to 64.
 * @param shape   `ndim` sizes, one of which may be -1 to be inferred. May be NULL if `ndim` is 0.
 * @param copy    TENSOR_COPY_IF_NEEDED; TENSOR_COPY_NEVER: TENSOR_ERROR_COPY_NEEDED instead of a copy;
 *                TENSOR_COPY_ALWAYS: never a view.
 * @param out     Not NULL. Set to NULL on error; otherwise release with tensor_release(). tensor_origin() tells whether
 *                it is a copy.
 * @return TENSOR_OK; TENSOR_ERROR_NULL; TENSOR_ERROR_SHAPE for another number of elements; TENSOR_ERROR_ARGUMENT for an
 *         unknown `copy`; TENSOR_ERROR_COPY_NEEDED; TENSOR_ERROR_DEVICE if a copy is needed of memory that the processor
 *         cannot reach; TENSOR_ERROR_OUT_OF_MEMORY.
 */
tensor_status_t tensor_reshape(struct tensor_t *tensor,
                               int32_t ndim,
                               const int64_t *shape,
                               int32_t copy,
                               struct tensor_t **out);

/**
 * Make a view stretched to a shape: dimensions are aligned at the end, those of size 1 and missing ones repeat with stride 0.
 *
 * @param tensor  Not NULL. Keeps its reference.
 * @param ndim    At least the tensor's own, at most 64.
 * @param shape   `ndim` sizes; -1 keeps the tensor's. May be NULL if `ndim` is 0.
 * @param out     Not NULL. Set to NULL on error; otherwise release with tensor_release().
 * @return TENSOR_OK; TENSOR_ERROR_NULL; TENSOR_ERROR_SHAPE if a dimension cannot be stretched so; TENSOR_ERROR_OVERFLOW;
 *         TENSOR_ERROR_OUT_OF_MEMORY.
 */
tensor_status_t tensor_expand(struct tensor_t *tensor,
                              int32_t ndim,
                              const int64_t *shape,
                              struct tensor_t **out);

/**
 * Make a view without a dimension of size 1, or without any.
 *
 * @param tensor  Not NULL. Keeps its reference.
 * @param dim     Dimension, removed if its size is 1, else kept; negative counts from the end. TENSOR_ALL_DIMS: every one
 *                of size 1.
 * @param out     Not NULL. Set to NULL on error; otherwise release with tensor_release().
 * @return TENSOR_OK, TENSOR_ERROR_NULL, TENSOR_ERROR_INDEX or TENSOR_ERROR_OUT_OF_MEMORY.
 */
tensor_status_t tensor_squeeze(struct tensor_t *tensor,
                               int32_t dim,
                               struct tensor_t **out);

/**
 * Make a view with a new dimension of size 1 before dimension `dim`.
 *
 * @param tensor  Not NULL. Keeps its reference.
 * @param dim     0 to the rank, which appends; negative counts from the end of the result.
 * @param out     Not NULL. Set to NULL on error; otherwise release with tensor_release().
 * @return TENSOR_OK, TENSOR_ERROR_NULL, TENSOR_ERROR_INDEX, TENSOR_ERROR_SHAPE above rank 64, or
 *         TENSOR_ERROR_OUT_OF_MEMORY.
 */
tensor_status_t tensor_unsqueeze(struct tensor_t *tensor,
                                 int32_t dim,
                                 struct tensor_t **out);

/**
 * Make a view with some dimensions reversed.
 *
 * @param tensor  Not NULL. Keeps its reference.
 * @param ndim    Number of `dims`.
 * @param dims    Dimensions to reverse, each at most once; negative counts from the end. May be NULL if `ndim` is 0.
 * @param out     Not NULL. Set to NULL on error; otherwise release with tensor_release().
 * @return As tensor_select(), and TENSOR_ERROR_SHAPE if `ndim` is negative or above 64.
 */
tensor_status_t tensor_flip(struct tensor_t *tensor,
                            int32_t ndim,
                            const int32_t *dims,
                            struct tensor_t **out);

/**
 * Make a view of any shape and strides, proved to stay inside the storage of `tensor`: the bytes that its first tensor
 * reached, or those told by `nbytes` when it was made.
 *
 * @param tensor   Not NULL. Keeps its reference.
 * @param ndim     0 to 64.
 * @param shape    `ndim` sizes. May be NULL if `ndim` is 0.
 * @param strides  `ndim` strides in elements; may be negative, zero or overlapping. May be NULL if `ndim` is 0.
 * @param offset   Elements from the first element of `tensor` to that of the view; may be negative.
 * @param out      Not NULL. Set to NULL on error; otherwise release with tensor_release().
 * @return TENSOR_OK; TENSOR_ERROR_NULL; TENSOR_ERROR_SHAPE; TENSOR_ERROR_OVERFLOW; TENSOR_ERROR_BOUNDS, which names the
 *         dimension that leaves the storage; TENSOR_ERROR_UNSUPPORTED if the view would start inside a byte;
 *         TENSOR_ERROR_OUT_OF_MEMORY.
 */
tensor_status_t tensor_as_strided(struct tensor_t *tensor,
                                  int32_t ndim,
                                  const int64_t *shape,
                                  const int64_t *strides,
                                  int64_t offset,
                                  struct tensor_t **out);

/**
 * Make a view of the same bytes as another dtype.
 *
 * Of a dtype of the same size only the dtype changes. Otherwise the last dimension must be contiguous and grows or shrinks
 * by the ratio of the sizes; to a larger dtype, its size and all other strides must be multiples of that ratio.
 *
 * @param tensor  Not NULL. Keeps its reference.
 * @param dtype   Not NULL.
 * @param out     Not NULL. Set to NULL on error; otherwise release with tensor_release().
 * @return TENSOR_OK; TENSOR_ERROR_NULL; TENSOR_ERROR_DTYPE for an unknown dtype; TENSOR_ERROR_SHAPE if the bytes do not
 *         divide so; TENSOR_ERROR_OUT_OF_MEMORY.
 */
tensor_status_t tensor_view_dtype(struct tensor_t *tensor,
                                  const DLDataType *dtype,
                                  struct tensor_t **out);

/**
 * Copy the caller's data into a tensor: converted to its dtype, stretched to its shape.
 *
 * When source and destination overlap, the result is that of copying through a temporary, and is made so.
 *
 * @param destination  Not NULL. Must be writable, reachable by the processor, and not overlap itself. Keeps its reference.
 * @param source       Not NULL. As for tensor_as_tensor(); its shape must broadcast to the destination's.
 * @param options      NULL for the defaults. Only `casting`, `overflow`, `nbytes` and TENSOR_FLAG_SUBBYTE_PADDED (of the
 *                     source) have a meaning.
 * @return TENSOR_OK; TENSOR_ERROR_READ_ONLY; TENSOR_ERROR_OVERLAP if two elements of the destination share memory;
 *         TENSOR_ERROR_TOO_HARD if that cannot be decided; TENSOR_ERROR_SHAPE if the source does not broadcast; else as
 *         tensor_as_tensor(). TENSOR_ERROR_GRADIENT for a leaf that requires grad, or a view of one, unless
 *         tensor_set_grad_enabled(false) is in force. On error no byte of the destination has changed.
 * @par Lifetime       Nothing of `source` is used after this returns.
 * @par Threads        While it runs, nobody may write the source, nor read or write the destination.
 */
tensor_status_t tensor_copy_into(struct tensor_t *destination,
                                 const DLTensor *source,
                                 const struct tensor_options_t *options);

/**
 * Copy one tensor into another: tensor_copy_into() from a handle.
 *
 * @param destination  As for tensor_copy_into().
 * @param source       Not NULL. Keeps its reference; may share memory with the destination, or be it.
 * @param options      NULL for the defaults. Only `casting` and `overflow` have a meaning.
 * @return As tensor_copy_into().
 * @par Threads        As tensor_copy_into().
 */
tensor_status_t tensor_assign(struct tensor_t *destination,
                              struct tensor_t *source,
                              const struct tensor_options_t *options);

/**
 * Lend memory: tensors are made on it with `options.loan`.
 *
 * Each descriptor used with the loan is proved to stay inside the memory, or refused with TENSOR_ERROR_BOUNDS.
 *
 * @param data    The first byte; NULL only if `nbytes` is 0.
 * @param nbytes  Bytes that are lent.
 * @param flags   TENSOR_LOAN_READ_ONLY, or 0.
 * @param out     Not NULL. Set to NULL on error; otherwise end the loan with tensor_loan_close() or tensor_loan_evacuate().
 * @return TENSOR_OK; TENSOR_ERROR_NULL; TENSOR_ERROR_ARGUMENT for unknown flags; TENSOR_ERROR_OVERFLOW if the memory would
 *         wrap around the end of the address space; TENSOR_ERROR_OUT_OF_MEMORY, with more than 32 loans at a time.
 * @par Lifetime  The memory must stay until the loan is closed, revoked or evacuated, and may be freed, unmapped or filled
 *                anew as soon as one of these has returned TENSOR_OK.
 * @par Threads   Loans may be used, and ended, by any thread, also in deleters. A child after fork() has the loans of its
 *                parent; what other threads had pinned stays pinned there.
 */
tensor_status_t tensor_loan_open(void *data,
                                 size_t nbytes,
                                 uint32_t flags,
                                 struct tensor_loan_t **out);

/**
 * End a loan that nothing is on any more.
 *
 * @param loan  A handle from tensor_loan_open(). Used up on success.
 * @return TENSOR_OK: the memory is the caller's again. TENSOR_ERROR_BUSY while tensors, views or exports reach it: the
 *         message counts them by kind, and names those that have a label; the loan goes on. TENSOR_ERROR_CLOSED if it was
 *         ended before; TENSOR_ERROR_NULL. A loan that was revoked is closed whatever handles there still are.
 * @par Threads  Any thread; waits for an evacuation or a revocation that another is busy with.
 */
tensor_status_t tensor_loan_close(struct tensor_loan_t *loan);

/**
 * Wait until nothing is on a loan any more, and all deleters of memory on it have returned. Then close it: others may have
 * put something on it meanwhile.
 *
 * Memory that is adopted, by a deleter or from DLPack, can be waited for in the same way when it is put on a loan as well.
 *
 * @param loan        A handle from tensor_loan_open(). Not used up.
 * @param timeout_ns  Nanoseconds to wait at most; 0 asks only; below 0 there is no limit.
 * @return TENSOR_OK, also if the loan is revoked or ended by somebody meanwhile; TENSOR_ERROR_BUSY when the time was up, with
 *         a message as tensor_loan_close() has it; TENSOR_ERROR_CLOSED if it was ended before; TENSOR_ERROR_NULL.
 * @par Threads  Any thread. In a deleter, it does not wait for that deleter itself.
 */
tensor_status_t tensor_loan_wait(struct tensor_loan_t *loan,
                                 int64_t timeout_ns);

/**
 * Take the memory back now. Handles stay valid, and what they say of themselves can be read, but their memory is gone: every
 * touch of it (copies from and to it, exports, pins, new views) is TENSOR_ERROR_REVOKED, and tensor_view() shows a NULL
 * `data`. Copies that other threads are making are waited for.
 *
 * @param loan  A handle from tensor_loan_open(). Not used up: end the loan with tensor_loan_close().
 * @return TENSOR_OK: the memory is the caller's again, also if it was revoked before. TENSOR_ERROR_BUSY while somebody has a
 *         pointer to it: an export, a pin, or a live tensor for which tensor_view() was called; nothing has changed then.
 *         TENSOR_ERROR_CLOSED; TENSOR_ERROR_NULL.
 * @par Lifetime  Deleters of memory on the loan are called before this returns.
 * @par Threads   Any thread.
 */
tensor_status_t tensor_loan_revoke(struct tensor_loan_t *loan);

/**
 * Move everything that is on a loan to a private copy, all together, and end the loan. Tensors and views keep their values,
 * strides and addresses relative to each other (and modulo 64), go on sharing memory with each other, and stay read-only
 * where they were. Copies that are being made are waited for, and uses that begin meanwhile wait.
 *
 * @param loan  A handle from tensor_loan_open(). Used up on success.
 * @return TENSOR_OK: the memory is the caller's again. TENSOR_ERROR_BUSY as tensor_loan_revoke();
 *         TENSOR_ERROR_OUT_OF_MEMORY; TENSOR_ERROR_DEVICE if the processor cannot reach the memory; after these nothing has
 *         changed. TENSOR_ERROR_REVOKED; TENSOR_ERROR_CLOSED; TENSOR_ERROR_NULL.
 * @par Lifetime  The copy is freed with the last tensor on it. Deleters of memory on the loan are called before this returns.
 * @par Threads   Any thread.
 */
tensor_status_t tensor_loan_evacuate(struct tensor_loan_t *loan);

/**
 * Count what is on a loan.
 *
 * @param loan  A handle from tensor_loan_open().
 * @param kind  TENSOR_LOAN_ALIASES, or _TENSORS, _VIEWS, _EXPORTS or _PINS.
 * @param out   Not NULL. Set to 0 on error.
 * @return TENSOR_OK; TENSOR_ERROR_NULL; TENSOR_ERROR_ARGUMENT for an unknown kind; TENSOR_ERROR_CLOSED.
 * @par Threads  The number at some moment: other threads may change it meanwhile.
 */
tensor_status_t tensor_loan_count(const struct tensor_loan_t *loan,
                                  int32_t kind,
                                  size_t *out);

/**
 * Name a tensor on a loan, for the messages about what is still on it. Views have names of their own.
 *
 * @param tensor  Not NULL, on a loan.
 * @param label   Ends with NUL; copied, 31 bytes of it at most. NULL or "" takes the name away.
 * @return TENSOR_OK; TENSOR_ERROR_NULL; TENSOR_ERROR_UNSUPPORTED for a tensor that is on no loan.
 */
tensor_status_t tensor_set_label(struct tensor_t *tensor,
                                 const char *label);

/**
 * Get raw access to a tensor's memory for a while. Memory on a loan can be neither revoked nor evacuated until the pin ends.
 *
 * On a loan, pins are for any number of readers or one writer, by exact overlap: interleaved columns of a matrix may both be
 * written. Copies pin what they read and write while they run. That stays so when a loan is evacuated. On memory that never
 * was on a loan, nothing is checked but whether it is read-only.
 *
 * @param tensor  Not NULL. The pin is a reference to it.
 * @param access  TENSOR_PIN_READ; TENSOR_PIN_WRITE, with or without TENSOR_PIN_READ.
 * @param out     Not NULL. Set to NULL on error; otherwise what tensor_view() shows. Unlike with tensor_view(), the pointer in
 *                it may be used only until tensor_unpin().
 * @return TENSOR_OK: end the pin with tensor_unpin(). TENSOR_ERROR_ALIASED if another pin, or a copy, is in the way, or if
 *         that takes too long to find out. TENSOR_ERROR_READ_ONLY; TENSOR_ERROR_REVOKED; TENSOR_ERROR_ARGUMENT for unknown
 *         bits or none; TENSOR_ERROR_NULL; TENSOR_ERROR_COUNT.
 * @par Threads   Any thread; waits for an evacuation.
 */
tensor_status_t tensor_pin(struct tensor_t *tensor,
                           uint32_t access,
                           const DLTensor **out);

/**
 * End a pin, on any thread, and give its reference back. A tensor that was pinned several times is unpinned as often.
 *
 * @param tensor  Not NULL, and pinned.
 * @return TENSOR_OK; TENSOR_ERROR_NULL; TENSOR_ERROR_ARGUMENT for a tensor on a loan that is not pinned.
 */
tensor_status_t tensor_unpin(struct tensor_t *tensor);

/**
 * Whether gradients of the tensor are asked for: it is a leaf of which they are kept, or was made of one. False for NULL.
 */
bool tensor_requires_grad(const struct tensor_t *tensor);

/**
 * Whether the tensor is the result of nothing that requires grad. False for NULL.
 */
bool tensor_is_leaf(const struct tensor_t *tensor);

/**
 * Ask for gradients of a leaf, or do not any more. Views and copies made before are not concerned.
 *
 * @param tensor         Not NULL. Floating-point or complex, if gradients are asked for.
 * @param requires_grad  Whether they are. False for something that was made of a leaf is an error.
 * @return TENSOR_OK; TENSOR_ERROR_NULL; TENSOR_ERROR_DTYPE for other dtypes; TENSOR_ERROR_GRADIENT for the result of
 *         something; TENSOR_ERROR_OUT_OF_MEMORY.
 * @par Threads          Any thread.
 */
tensor_status_t tensor_set_requires_grad(struct tensor_t *tensor,
                                         bool requires_grad);

/**
 * Make a handle on the same memory without history: gradients do not pass it.
 *
 * @param tensor  Not NULL. Keeps its reference.
 * @param out     Not NULL. Set to NULL on error; otherwise release with tensor_release().
 * @return TENSOR_OK, TENSOR_ERROR_NULL, _REVOKED or _OUT_OF_MEMORY.
 */
tensor_status_t tensor_detach(struct tensor_t *tensor,
                              struct tensor_t **out);

/**
 * The gradient of a leaf: what tensor_backward() has added up so far. It has the leaf's shape and dtype.
 *
 * @param tensor  Not NULL. Keeps its reference.
 * @param out     Not NULL. Set to NULL if there is no gradient, or on error; otherwise a handle on the gradient itself, in
 *                which later calls of tensor_backward() go on adding: release it with tensor_release().
 * @return TENSOR_OK or TENSOR_ERROR_NULL.
 * @par Threads   While others run tensor_backward(), the elements may change.
 */
tensor_status_t tensor_grad(struct tensor_t *tensor,
                            struct tensor_t **out);

/**
 * Set the elements of a leaf's gradient to zero. Nothing happens if there is none.
 *
 * @param tensor  Not NULL.
 * @return TENSOR_OK; TENSOR_ERROR_NULL; TENSOR_ERROR_OUT_OF_MEMORY; TENSOR_ERROR_REVOKED if the gradient is in a buffer
 *         on a loan that was revoked.
 * @par Threads   Any thread.
 */
tensor_status_t tensor_zero_grad(struct tensor_t *tensor);

/**
 * Make a tensor of the caller's the gradient of a leaf: tensor_backward() adds to what is in its memory.
 *
 * @param tensor  Not NULL. A leaf that requires grad.
 * @param buffer  Of the leaf's shape and dtype, with any strides; writable, reachable by the processor, not overlapping
 *                itself. A reference is added, and kept until another takes its place or the leaf and its graph are gone.
 *                NULL: the leaf has no gradient then.
 * @return TENSOR_OK; TENSOR_ERROR_NULL; TENSOR_ERROR_GRADIENT if `tensor` is no leaf that requires grad;
 *         TENSOR_ERROR_SHAPE, _DTYPE, _READ_ONLY, _DEVICE, _OVERLAP or _TOO_HARD for a buffer that is not so.
 * @par Lifetime  The buffer's memory must live as its handles ask. On a loan that is revoked, tensor_backward() is
 *                TENSOR_ERROR_REVOKED.
 * @par Threads   While tensor_backward() runs, nobody may read or write the buffer.
 */
tensor_status_t tensor_set_grad_buffer(struct tensor_t *tensor,
                                       struct tensor_t *buffer);

/**
 * Run backward: add to the gradients of all leaves that `tensor` was made of.
 *
 * The gradient passes each conversion as a conversion back, each view as a scatter into zeros; where several meet they are
 * summed in binary64 and rounded once, in an order that is always the same. All of it is computed before any leaf is
 * changed.
 *
 * @param tensor    Not NULL. Requires grad.
 * @param gradient  That of `tensor`, of its shape and dtype; NULL for 1, if `tensor` has one real element. Read, not kept.
 * @param flags     0 or TENSOR_BACKWARD_RETAIN_GRAPH. Without it, what backward functions need is freed after they ran, and
 *                  their deleters are called; views and conversions need nothing, and can be passed again in any case.
 * @return TENSOR_OK; TENSOR_ERROR_NULL; TENSOR_ERROR_ARGUMENT for unknown flags; TENSOR_ERROR_GRADIENT if `tensor` does not
 *         require grad, if `gradient` is missing, if a backward function was freed before, or if a tensor it saved was
 *         changed in place; TENSOR_ERROR_SHAPE or _DTYPE for a gradient that is of another; TENSOR_ERROR_CALLBACK if a
 *         backward function failed; TENSOR_ERROR_REVOKED; TENSOR_ERROR_OUT_OF_MEMORY. After an error no gradient has
 *         changed, unless a lender revoked a buffer in the middle of it.
 * @par Threads     May run on several threads at once, also through the same graph and to the same leaves. Backward functions
 *                  run on the calling thread, with no lock held.
 */
tensor_status_t tensor_backward(struct tensor_t *tensor,
                                struct tensor_t *gradient,
                                uint32_t flags);

/**
 * Keep history on this thread, or do not: what is made meanwhile of tensors that require grad does not require it, and
 * leaves may be written in place.
 *
 * @param enabled  Whether to. It is at first, on each thread.
 * @return What it was before.
 * @par Threads    For the calling thread only. Nothing is allocated.
 */
bool tensor_set_grad_enabled(bool enabled);

/**
 * Whether this thread keeps history.
 */
bool tensor_grad_enabled(void);

/**
 * Make `outputs` the results of `inputs`, by a kernel of the caller's that has computed them, so that gradients pass it.
 *
 * Nothing is recorded if no input requires grad, or history is not kept on this thread; the deleter is then called before
 * this returns. An output that has a history loses it, as one that is written in place does.
 *
 * @param inputs       `num_inputs` handles. Their gradients are asked for in this order. They are not kept: what backward
 *                     reads, keep with tensor_grad_save().
 * @param num_inputs   0 or more.
 * @param outputs      `num_outputs` handles, each another: floating-point or complex, and no leaf that requires grad.
 * @param num_outputs  1 or more.
 * @param backward     Not NULL. See tensor_backward_t. May be called several times, on any thread.
 * @param ctx          Given to `backward` and `deleter`.
 * @param deleter      NULL, or called once with `ctx` when `backward` is not needed any more: after it ran, unless the graph
 *                     was retained, or when the last tensor that was made of the outputs is gone. No lock is held.
 * @return TENSOR_OK; TENSOR_ERROR_NULL; TENSOR_ERROR_ARGUMENT; TENSOR_ERROR_DTYPE or _GRADIENT for an output that is not so;
 *         TENSOR_ERROR_OUT_OF_MEMORY. After an error nothing is recorded and the deleter is not called.
 * @par Threads        As writing the outputs.
 */
tensor_status_t tensor_grad_record(struct tensor_t *const *inputs,
                                   int32_t num_inputs,
                                   struct tensor_t *const *outputs,
                                   int32_t num_outputs,
                                   tensor_backward_t backward,
                                   void *ctx,
                                   tensor_deleter_t deleter);

/**
 * Keep tensors that the backward function of a recorded kernel reads, until it is not needed any more. If one of them is
 * changed in place before, tensor_backward() says so instead of computing with it.
 *
 * @param output  Not NULL: one that was recorded with tensor_grad_record(). Nothing is kept if nothing was recorded, as it
 *                then does not require grad.
 * @param saved   `num_saved` handles, to each of which a reference is added. Outputs would keep themselves: save what
 *                tensor_detach() makes of them.
 * @param num_saved  How many; not negative.
 * @return TENSOR_OK; TENSOR_ERROR_NULL; TENSOR_ERROR_ARGUMENT for an output; TENSOR_ERROR_GRADIENT if `output` is the result
 *         of something else; TENSOR_ERROR_OUT_OF_MEMORY.
 */
tensor_status_t tensor_grad_save(struct tensor_t *output,
                                 struct tensor_t *const *saved,
                                 int32_t num_saved);

/**
 * How often the memory of a tensor was changed by this library, or by a caller that said so: views share the counter. 0 for
 * NULL.
 */
uint64_t tensor_version_counter(const struct tensor_t *tensor);

/**
 * Tell that the caller has changed the memory of a tensor. tensor_copy_into(), tensor_assign() and tensor_pin() for
 * writing tell it themselves.
 *
 * @return TENSOR_OK or TENSOR_ERROR_NULL.
 */
tensor_status_t tensor_mark_dirty(struct tensor_t *tensor);

/**
 * Set how many threads a large copy may use, the calling one included. Results do not depend on it.
 *
 * @param count  0: as many as there are processors, which is the default. 1: no thread is ever made.
 * @return TENSOR_OK, or TENSOR_ERROR_ARGUMENT for a negative number.
 * @par Threads  For the whole process; copies that run keep the number they began with.
 */
tensor_status_t tensor_set_num_threads(int32_t count);

/**
 * How many threads a large copy may use, the calling one included.
 */
int32_t tensor_num_threads(void);

/**
 * The version of the library, such as "1.2.3". A string that is never freed.
 */
const char *tensor_version(void);

/**
 * The version of the interface the library was built with: compare with TENSOR_ABI_VERSION.
 */
uint32_t tensor_abi_version(void);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* ASTENSOR_H */

#include "value_nodes.h"

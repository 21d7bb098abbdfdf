/* What the files of the extension know of each other. Each section is one file. */
#ifndef ASTENSOR_PYTHON_CORE_H
#define ASTENSOR_PYTHON_CORE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "astensor/astensor.h"

#include <stdbool.h>

/** Copies of fewer bytes are over before the interpreter's lock could be given away and taken back. */
enum { HEAVY_BYTES = 1 << 17 };

/* error.c: errors of the library as exceptions. */

/** Gets ready. Returns -1 with an exception if that fails. */
int error_prepare(void);
/** Raises this thread's last error. Returns NULL. */
PyObject *error_raise(tensor_status_t status);
/** Raises it as a BufferError that is a ValueError too: what consumers of buffers and DLPack expect. Returns NULL. */
PyObject *error_raise_buffer(tensor_status_t status);
/** Raises a BufferError that the extension found itself. Returns NULL. */
PyObject *error_refuse_buffer(tensor_status_t status, const char *why);
/** Raises an error that the extension found itself. Returns NULL. */
PyObject *error_format(tensor_status_t status, const char *format, ...);

/* owner.c: what lent memory belongs to, and the way back into the interpreter from any thread. */

int owner_prepare(void);
/** A deleter whose context is a strong reference to an object. */
void owner_release_object(void *object);
/** A deleter whose context is a Py_buffer from owner_new_buffer(). */
void owner_release_buffer(void *buffer);
/** A place for a Py_buffer; NULL with an exception if there is none. */
Py_buffer *owner_new_buffer(void);
/** Frees the place of a Py_buffer that was not filled. */
void owner_free_buffer(Py_buffer *buffer);
/** Lets a foreign thread, or this one, use Python. False if the interpreter is going: then leave it alone. */
bool owner_enter(PyGILState_STATE *state);
void owner_leave(PyGILState_STATE state);

/* arguments.c: arguments of fast calls. */

/**
 * Sorts the arguments of a call into `out`, NULL where there is none. `names` ends with NULL; the first `positional` may be
 * given by position, the first `required` must be given. Returns -1 with an exception.
 */
int arguments_read(const char *function, const char *const *names, int positional, int required, PyObject *const *args,
                   Py_ssize_t count, PyObject *keywords, PyObject **out);
/** One of some words, as its place in `words`, which ends with NULL; `otherwise` for NULL and None. -1 with an exception. */
int arguments_word(PyObject *object, const char *what, const char *const *words, int otherwise);
/** None, NULL: `otherwise`; else a TENSOR_COPY_ value. -1 with an exception. */
int arguments_copy(PyObject *object, int otherwise);
/** A sequence of at most TENSOR_MAX_NDIM integers. Returns how many, or -1 with an exception. */
int arguments_integers(PyObject *object, const char *what, int64_t *out);
/** Integers that are the arguments, or the one argument that is a sequence. Returns how many, or -1. */
int arguments_dims(PyObject *const *args, Py_ssize_t count, const char *what, int64_t *out);
/** An integer in the range of int32. False with an exception. */
bool arguments_int32(PyObject *object, const char *what, int32_t *out);

/* dtype.c: dtypes as objects. */

extern PyTypeObject DtypeType;
int dtype_prepare(PyObject *module);
/** The object of a dtype: a new reference to the only one there is. */
PyObject *dtype_object(DLDataType dtype);
/** Anything that names a dtype: an object of ours, a name, a NumPy dtype, a type. False with an exception. */
bool dtype_read(PyObject *object, DLDataType *out);
static inline bool dtype_same(DLDataType a, DLDataType b) { return a.code == b.code && a.bits == b.bits && a.lanes == b.lanes; }
/** The format of an element in a buffer, or NULL if buffers have none for it. */
const char *dtype_buffer_format(DLDataType dtype);
/** The dtype of a format of a buffer. False with an exception. */
bool dtype_of_buffer_format(const char *format, Py_ssize_t itemsize, DLDataType *out);
/** The dtype of a typestr of the array interface, or of `array.dtype` where it says too little. False with an exception. */
bool dtype_of_typestr(PyObject *array, const char *typestr, DLDataType *out);
/** Bytes of an element that is stored on its own. */
static inline int64_t dtype_bytes(DLDataType dtype) { return ((int64_t)dtype.bits * dtype.lanes + 7) / 8; }

/* device.c: devices by name. */

/** "cpu" or "cuda:1". */
PyObject *device_name(DLDevice device);
/** A name, a (type, id) pair, or anything whose str() is a name. False with an exception. */
bool device_read(PyObject *object, DLDevice *out);
/** Whether a name is that of a device. */
bool device_is_name(PyObject *object);
/** Whether the processor reaches its memory. */
static inline bool device_is_reachable(DLDevice device)
{
    return device.device_type == kDLCPU || device.device_type == kDLCUDAHost || device.device_type == kDLROCMHost ||
           device.device_type == kDLCUDAManaged;
}

/* tensor.c: the Tensor type. */

typedef struct {
    PyObject_HEAD
    tensor_t *handle;
    PyObject *weak_references;
} Tensor;

extern PyTypeObject TensorType;
static inline bool wrapper_check(PyObject *object) { return Py_IS_TYPE(object, &TensorType); }
static inline tensor_t *wrapper_handle(PyObject *object) { return ((Tensor *)object)->handle; }
/** Wraps a handle, which it takes over; NULL, with an exception set, gives NULL. */
PyObject *wrapper_new(tensor_t *handle);
/** Wraps what a function of the library gave, or raises. By address: calls as arguments are made in any order. */
PyObject *wrapper_result(tensor_status_t status, tensor_t *const *handle);

/* create.c: tensors from anything. */

/** What is asked of a new tensor. */
typedef struct {
    DLDataType dtype;
    DLDevice device;
    bool has_dtype, has_device;
    int32_t copy;
    uint32_t flags;
} Request;

/** The options that say it; they point into the request. */
tensor_options_t request_options(const Request *request);
/** A tensor of any data; NULL with an exception. */
tensor_t *create_from_object(PyObject *data, const Request *request);
/** A tensor of any data that has memory: no numbers, no lists. NULL without an exception if it has none. */
tensor_t *create_from_memory(PyObject *data, const Request *request);
/** Borrows with a deleter, which is called here if the library does not take it. NULL with an exception. */
tensor_t *create_adopt(const DLTensor *descriptor, tensor_options_t *options, tensor_deleter_t deleter, void *context);

/* buffer.c: the buffer protocol, both ways. */

extern PyBufferProcs buffer_procs;
/** A tensor on the memory of a buffer. NULL with an exception. */
tensor_t *buffer_import(PyObject *data, const Request *request);
/** Describes a buffer. `shape` and `strides` have room for TENSOR_MAX_NDIM; false with an exception. `in_bytes` is set if
 *  the strides are no multiples of the element: then the descriptor is one of bytes. */
bool buffer_describe(const Py_buffer *buffer, DLTensor *out, int64_t *shape, int64_t *strides, bool *in_bytes);

/* interface.c: the array interface, for memory whose dtype buffers cannot name. */

tensor_t *interface_import(PyObject *data, PyObject *interface, const Request *request);

/* exchange.c: DLPack, both ways. */

extern PyObject *exchange_capsule;
int exchange_prepare(void);
/** Whether an object has __dlpack__. */
bool exchange_offers(PyObject *data);
tensor_t *exchange_import(PyObject *data, const Request *request);
/** A tensor of what a capsule holds, which is used up if that goes well. */
tensor_t *exchange_take(PyObject *capsule, const Request *request);
PyObject *exchange_export(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *keywords);
/** The bytes of padded sub-byte elements, as uint8: the same memory. */
PyObject *exchange_padded_bytes(PyObject *module, PyObject *object);
PyObject *exchange_device(PyObject *self, PyObject *unused);

/* value.c: numbers and lists. */

/** Whether an object is a number, or a sequence. */
bool value_is_number(PyObject *data);
tensor_t *value_import(PyObject *data, const Request *request);

/* index.c: indexing, assignment and length. */

extern PyMappingMethods index_mapping;
extern PySequenceMethods index_sequence;
PyObject *index_iterate(PyObject *self);

/* compare.c: equality, element by element. */

PyObject *compare_objects(PyObject *self, PyObject *other, int operation);

/* methods.c: views and conversions.   read.c: numbers and text out of tensors. */

extern PyMethodDef wrapper_methods[];
PyObject *read_repr(PyObject *self);
PyObject *read_tolist(PyObject *self, PyObject *unused);
PyObject *read_item(PyObject *self, PyObject *unused);
PyObject *read_complex(PyObject *self, PyObject *unused);
PyObject *read_bytes(PyObject *self, PyObject *unused);
extern PyNumberMethods read_number;

/* gradients.c: gradients of a tensor. */

PyObject *gradients_required(PyObject *self, void *unused);
PyObject *gradients_is_leaf(PyObject *self, void *unused);
PyObject *gradients_get(PyObject *self, void *unused);
int gradients_set(PyObject *self, PyObject *value, void *unused);
PyObject *gradients_require(PyObject *self, PyObject *const *args, Py_ssize_t count);
PyObject *gradients_detach(PyObject *self, PyObject *unused);
PyObject *gradients_zero(PyObject *self, PyObject *unused);
PyObject *gradients_backward(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *keywords);
PyObject *gradients_set_enabled(PyObject *module, PyObject *object);
PyObject *gradients_are_enabled(PyObject *module, PyObject *unused);

/* loan.c: loans. */

extern PyTypeObject LoanType;

/* module.c */

/** A function of astensor._interop, called with arguments. */
PyObject *module_call(const char *name, const char *format, ...);

#endif

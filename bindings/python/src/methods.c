/* Methods of tensors: views and conversions. */
#include "core.h"

static const char *const castings[] = {"unsafe", "same_kind", "safe", "equiv", "exact", NULL};
static const char *const overflows[] = {"default", "nan", "saturate", NULL};

/* Reads what `to` takes by keyword, beyond the dtype and the device. False with an exception. */
static bool read_rest(PyObject **given, tensor_options_t *options)
{
    options->copy = arguments_copy(given[0], TENSOR_COPY_IF_NEEDED);
    options->casting = options->copy < 0 ? -1 : arguments_word(given[1], "casting", castings, TENSOR_CASTING_UNSAFE);
    options->overflow = options->casting < 0 ? -1 : arguments_word(given[2], "overflow", overflows, TENSOR_OVERFLOW_DEFAULT);
    if (options->overflow < 0) {
        return false;
    }
    int contiguous = given[3] == NULL ? 0 : PyObject_IsTrue(given[3]);
    int padded = given[5] == NULL ? 0 : PyObject_IsTrue(given[5]);
    options->alignment = given[4] == NULL ? 0 : PyLong_AsSize_t(given[4]);
    if (contiguous < 0 || padded < 0 || PyErr_Occurred()) {
        return false;
    }
    options->flags |= (contiguous ? TENSOR_FLAG_CONTIGUOUS : 0) | (padded ? TENSOR_FLAG_SUBBYTE_PADDED : 0);
    return true;
}

static PyObject *converted(PyObject *self, const tensor_options_t *options)
{
    tensor_t *made = NULL;
    tensor_status_t status;
    if (tensor_numel(wrapper_handle(self)) * dtype_bytes(tensor_dtype(wrapper_handle(self))) >= HEAVY_BYTES) {
        Py_BEGIN_ALLOW_THREADS
        status = tensor_to(wrapper_handle(self), options, &made);
        Py_END_ALLOW_THREADS
    } else {
        status = tensor_to(wrapper_handle(self), options, &made);
    }
    return wrapper_result(status, &made);
}

static PyObject *method_to(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *keywords)
{
    static const char *const names[] = {"dtype", "device", "copy", "casting", "overflow", "contiguous", "alignment", "padded",
                                        NULL};
    PyObject *given[8];
    if (arguments_read("to", names, 2, 0, args, count, keywords, given) < 0) {
        return NULL;
    }
    /* to("cpu") is about the device. */
    if (given[0] != NULL && given[1] == NULL && device_is_name(given[0])) {
        given[1] = given[0];
        given[0] = NULL;
    }
    tensor_options_t options = TENSOR_OPTIONS_INIT;
    DLDataType dtype = tensor_dtype(wrapper_handle(self));
    DLDevice device;
    if (given[0] != NULL && given[0] != Py_None) {
        if (!dtype_read(given[0], &dtype)) {
            return NULL;
        }
        options.dtype = &dtype;
    }
    if (given[1] != NULL && given[1] != Py_None) {
        if (!device_read(given[1], &device)) {
            return NULL;
        }
        options.device = &device;
    }
    if (!read_rest(given + 2, &options)) {
        return NULL;
    }
    if (given[7] != NULL && options.dtype == NULL) {
        options.dtype = &dtype; /* The storage of a dtype is changed where the dtype is named. */
    }
    if (given[7] == NULL && tensor_is_subbyte_padded(wrapper_handle(self)) && dtype.bits < 8) {
        options.flags |= TENSOR_FLAG_SUBBYTE_PADDED; /* Stored as before unless something else is said. */
    }
    return converted(self, &options);
}

/* The options of a tensor as it is: padded elements stay padded. */
static tensor_options_t as_it_is(PyObject *self)
{
    tensor_options_t options = TENSOR_OPTIONS_INIT;
    options.flags = tensor_is_subbyte_padded(wrapper_handle(self)) ? TENSOR_FLAG_SUBBYTE_PADDED : 0;
    return options;
}

static PyObject *method_copy(PyObject *self, PyObject *unused)
{
    (void)unused;
    tensor_options_t options = as_it_is(self);
    options.copy = TENSOR_COPY_ALWAYS;
    return converted(self, &options);
}

static PyObject *method_alias(PyObject *self, PyObject *unused)
{
    (void)unused;
    tensor_options_t options = as_it_is(self);
    options.copy = TENSOR_COPY_NEVER;
    return converted(self, &options);
}

static PyObject *method_contiguous(PyObject *self, PyObject *unused)
{
    (void)unused;
    tensor_options_t options = as_it_is(self);
    options.flags |= TENSOR_FLAG_CONTIGUOUS;
    return converted(self, &options);
}

static PyObject *method_is_contiguous(PyObject *self, PyObject *unused)
{
    (void)unused;
    return PyBool_FromLong(tensor_is_contiguous(wrapper_handle(self)));
}

static PyObject *method_data_ptr(PyObject *self, PyObject *unused)
{
    (void)unused;
    const DLTensor *view = tensor_view(wrapper_handle(self));
    if (view->data == NULL && tensor_numel(wrapper_handle(self)) > 0) {
        return error_format(TENSOR_ERROR_REVOKED, "the loan was revoked");
    }
    return PyLong_FromVoidPtr((char *)view->data + view->byte_offset);
}

static PyObject *method_shares_memory(PyObject *self, PyObject *other)
{
    if (!wrapper_check(other)) {
        return PyErr_Format(PyExc_TypeError, "expected a tensor, not a %.200s", Py_TYPE(other)->tp_name);
    }
    bool shares;
    tensor_status_t status;
    Py_BEGIN_ALLOW_THREADS
    status = tensor_shares_memory(wrapper_handle(self), wrapper_handle(other), &shares);
    Py_END_ALLOW_THREADS
    return status == TENSOR_OK ? PyBool_FromLong(shares) : error_raise(status);
}

static PyObject *method_reshape(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *keywords)
{
    int32_t copy = TENSOR_COPY_IF_NEEDED;
    Py_ssize_t named = keywords == NULL ? 0 : PyTuple_GET_SIZE(keywords);
    if (named > 1 || (named == 1 && PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(keywords, 0), "copy") != 0)) {
        PyErr_SetString(PyExc_TypeError, "reshape() takes sizes, and the keyword 'copy'");
        return NULL;
    }
    if (named == 1 && (copy = arguments_copy(args[count], TENSOR_COPY_IF_NEEDED)) < 0) {
        return NULL;
    }
    int64_t shape[TENSOR_MAX_NDIM];
    int ndim = arguments_dims(args, count, "shape", shape);
    if (ndim < 0) {
        return NULL;
    }
    tensor_t *made = NULL;
    tensor_status_t status;
    Py_BEGIN_ALLOW_THREADS
    status = tensor_reshape(wrapper_handle(self), ndim, shape, copy, &made);
    Py_END_ALLOW_THREADS
    return wrapper_result(status, &made);
}

/* view(dtype) reads the bytes as another dtype, view(*shape) is a reshape that never copies. */
static PyObject *method_view(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    tensor_t *made = NULL;
    if (count == 1 && !PyIndex_Check(args[0]) && !PyTuple_Check(args[0]) && !PyList_Check(args[0])) {
        DLDataType dtype;
        return dtype_read(args[0], &dtype) ? wrapper_result(tensor_view_dtype(wrapper_handle(self), &dtype, &made), &made) : NULL;
    }
    int64_t shape[TENSOR_MAX_NDIM];
    int ndim = arguments_dims(args, count, "shape", shape);
    return ndim < 0 ? NULL
                    : wrapper_result(tensor_reshape(wrapper_handle(self), ndim, shape, TENSOR_COPY_NEVER, &made), &made);
}

/* The arguments as dimensions. */
static int read_dims(PyObject *const *args, Py_ssize_t count, int32_t *out)
{
    int64_t wide[TENSOR_MAX_NDIM];
    int n = arguments_dims(args, count, "dims", wide);
    for (int i = 0; i < n; i++) {
        if (wide[i] < INT32_MIN || wide[i] > INT32_MAX) {
            error_format(TENSOR_ERROR_INDEX, "dims[%d] = %lld is out of range", i, (long long)wide[i]);
            return -1;
        }
        out[i] = (int32_t)wide[i];
    }
    return n;
}

static PyObject *method_permute(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    int32_t dims[TENSOR_MAX_NDIM];
    int ndim = read_dims(args, count, dims);
    tensor_t *view = NULL;
    return ndim < 0 ? NULL : wrapper_result(tensor_permute(wrapper_handle(self), ndim, dims, &view), &view);
}

static PyObject *method_flip(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    int32_t dims[TENSOR_MAX_NDIM];
    int ndim = read_dims(args, count, dims);
    tensor_t *view = NULL;
    return ndim < 0 ? NULL : wrapper_result(tensor_flip(wrapper_handle(self), ndim, dims, &view), &view);
}

static PyObject *method_expand(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    int64_t shape[TENSOR_MAX_NDIM];
    int ndim = arguments_dims(args, count, "shape", shape);
    tensor_t *view = NULL;
    return ndim < 0 ? NULL : wrapper_result(tensor_expand(wrapper_handle(self), ndim, shape, &view), &view);
}

static PyObject *method_transpose(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    int32_t dims[2];
    if (count != 2) {
        PyErr_SetString(PyExc_TypeError, "transpose() takes two dimensions");
        return NULL;
    }
    tensor_t *view = NULL;
    return arguments_int32(args[0], "dim0", &dims[0]) && arguments_int32(args[1], "dim1", &dims[1])
               ? wrapper_result(tensor_transpose(wrapper_handle(self), dims[0], dims[1], &view), &view)
               : NULL;
}

static PyObject *method_squeeze(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    int32_t dim = TENSOR_ALL_DIMS;
    if (count > 1) {
        PyErr_SetString(PyExc_TypeError, "squeeze() takes one dimension, or none");
        return NULL;
    }
    tensor_t *view = NULL;
    return count == 1 && args[0] != Py_None && !arguments_int32(args[0], "dim", &dim)
               ? NULL
               : wrapper_result(tensor_squeeze(wrapper_handle(self), dim, &view), &view);
}

static PyObject *method_unsqueeze(PyObject *self, PyObject *object)
{
    int32_t dim;
    tensor_t *view = NULL;
    return arguments_int32(object, "dim", &dim) ? wrapper_result(tensor_unsqueeze(wrapper_handle(self), dim, &view), &view)
                                                : NULL;
}

static PyObject *method_as_strided(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *keywords)
{
    static const char *const names[] = {"shape", "strides", "offset", NULL};
    PyObject *given[3];
    int64_t shape[TENSOR_MAX_NDIM], strides[TENSOR_MAX_NDIM], offset = 0;
    if (arguments_read("as_strided", names, 3, 2, args, count, keywords, given) < 0) {
        return NULL;
    }
    int ndim = arguments_integers(given[0], "shape", shape);
    int steps = ndim < 0 ? -1 : arguments_integers(given[1], "strides", strides);
    if (steps < 0 || (given[2] != NULL && arguments_dims(&given[2], 1, "offset", &offset) < 0)) {
        return NULL;
    }
    if (steps != ndim) {
        return error_format(TENSOR_ERROR_SHAPE, "%d sizes and %d strides", ndim, steps);
    }
    tensor_t *view = NULL;
    return wrapper_result(tensor_as_strided(wrapper_handle(self), ndim, shape, strides, offset, &view), &view);
}

static PyObject *method_numpy(PyObject *self, PyObject *unused)
{
    (void)unused;
    static PyObject *as_array;
    if (dtype_buffer_format(tensor_dtype(wrapper_handle(self))) == NULL ||
        !device_is_reachable(tensor_device(wrapper_handle(self)))) {
        return module_call("numpy_view", "O", self);
    }
    /* NumPy asks for the buffer first, and does not copy it. */
    if (as_array == NULL) {
        PyObject *numpy = PyImport_ImportModule("numpy");
        as_array = numpy == NULL ? NULL : PyObject_GetAttrString(numpy, "asarray");
        Py_XDECREF(numpy);
    }
    return as_array == NULL ? NULL : PyObject_CallFunctionObjArgs(as_array, self, NULL);
}

static PyObject *method_array(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *keywords)
{
    static const char *const names[] = {"dtype", "copy", NULL};
    PyObject *given[2];
    if (arguments_read("__array__", names, 2, 0, args, count, keywords, given) < 0) {
        return NULL;
    }
    return module_call("numpy_array", "OOO", self, given[0] == NULL ? Py_None : given[0], given[1] == NULL ? Py_None : given[1]);
}

static PyObject *method_reduce(PyObject *self, PyObject *protocol)
{
    return module_call("reduce", "OO", self, protocol);
}

static PyObject *method_deepcopy(PyObject *self, PyObject *memo)
{
    (void)memo;
    return method_copy(self, NULL);
}

static PyObject *method_set_label(PyObject *self, PyObject *label)
{
    const char *text = label == Py_None ? "" : PyUnicode_AsUTF8(label);
    if (text == NULL) {
        return NULL;
    }
    tensor_status_t status = tensor_set_label(wrapper_handle(self), text);
    if (status != TENSOR_OK) {
        return error_raise(status);
    }
    Py_RETURN_NONE;
}

#define FAST(function) (PyCFunction)(void (*)(void))(function)

PyMethodDef wrapper_methods[] = {
    {"to", FAST(method_to), METH_FASTCALL | METH_KEYWORDS,
     "to($self, dtype=None, device=None, *, copy=None, casting='unsafe', overflow='default', contiguous=False, alignment=0, "
     "padded=False)\n--\n\nThe same memory if it is as asked, else a copy."},
    {"copy", method_copy, METH_NOARGS, "copy($self)\n--\n\nA copy in memory of its own, row-major."},
    {"contiguous", method_contiguous, METH_NOARGS, "contiguous($self)\n--\n\nThe same memory if it is row-major, else a copy."},
    {"is_contiguous", method_is_contiguous, METH_NOARGS, "is_contiguous($self)\n--\n\nWhether the elements lie in row-major order."},
    {"reshape", FAST(method_reshape), METH_FASTCALL | METH_KEYWORDS,
     "reshape($self, *shape, copy=None)\n--\n\nAnother shape: a view where that is possible, else a copy."},
    {"view", FAST(method_view), METH_FASTCALL,
     "view($self, *shape_or_dtype)\n--\n\nThe same bytes in another shape, or as another dtype."},
    {"permute", FAST(method_permute), METH_FASTCALL, "permute($self, *dims)\n--\n\nA view with the dimensions in another order."},
    {"transpose", FAST(method_transpose), METH_FASTCALL,
     "transpose($self, dim0, dim1, /)\n--\n\nA view with two dimensions exchanged."},
    {"expand", FAST(method_expand), METH_FASTCALL, "expand($self, *shape)\n--\n\nA view stretched to a shape."},
    {"squeeze", FAST(method_squeeze), METH_FASTCALL,
     "squeeze($self, dim=None, /)\n--\n\nA view without a dimension of size 1, or without any."},
    {"unsqueeze", method_unsqueeze, METH_O, "unsqueeze($self, dim, /)\n--\n\nA view with a new dimension of size 1."},
    {"flip", FAST(method_flip), METH_FASTCALL, "flip($self, *dims)\n--\n\nA view with some dimensions reversed."},
    {"as_strided", FAST(method_as_strided), METH_FASTCALL | METH_KEYWORDS,
     "as_strided($self, shape, strides, offset=0)\n--\n\nA view of any shape and strides inside the memory."},
    {"backward", FAST(gradients_backward), METH_FASTCALL | METH_KEYWORDS,
     "backward($self, gradient=None, retain_graph=False)\n--\n\nAdd to the gradients of all leaves it was made of."},
    {"detach", gradients_detach, METH_NOARGS, "detach($self)\n--\n\nThe same memory without history."},
    {"requires_grad_", FAST(gradients_require), METH_FASTCALL,
     "requires_grad_($self, requires_grad=True, /)\n--\n\nAsk for gradients of a leaf, or do not any more."},
    {"zero_grad", gradients_zero, METH_NOARGS, "zero_grad($self)\n--\n\nSet the gradient of a leaf to zero."},
    {"tolist", read_tolist, METH_NOARGS, "tolist($self)\n--\n\nThe elements as numbers in lists in lists."},
    {"item", read_item, METH_NOARGS, "item($self)\n--\n\nThe one element as a number."},
    {"tobytes", read_bytes, METH_NOARGS, "tobytes($self)\n--\n\nThe bytes of the elements in row-major order."},
    {"numpy", method_numpy, METH_NOARGS, "numpy($self)\n--\n\nA NumPy array of the same memory."},
    {"data_ptr", method_data_ptr, METH_NOARGS, "data_ptr($self)\n--\n\nThe address of the first element."},
    {"shares_memory", method_shares_memory, METH_O,
     "shares_memory($self, other, /)\n--\n\nWhether two tensors have a bit of memory in common; exact."},
    {"set_label", method_set_label, METH_O,
     "set_label($self, label, /)\n--\n\nName a tensor on a loan, for messages about what is still on it."},
    {"__dlpack__", FAST(exchange_export), METH_FASTCALL | METH_KEYWORDS,
     "__dlpack__($self, *, stream=None, max_version=None, dl_device=None, copy=None)\n--\n\nA capsule for a consumer."},
    {"__dlpack_device__", exchange_device, METH_NOARGS, "__dlpack_device__($self)\n--\n\n(type, id) of the device."},
    {"__array__", FAST(method_array), METH_FASTCALL | METH_KEYWORDS,
     "__array__($self, dtype=None, copy=None)\n--\n\nFor NumPy, where dtypes have no buffer format."},
    {"__complex__", read_complex, METH_NOARGS, NULL},
    {"__reduce_ex__", method_reduce, METH_O, NULL},
    {"__copy__", method_alias, METH_NOARGS, NULL},
    {"__deepcopy__", method_deepcopy, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

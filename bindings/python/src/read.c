/* Numbers and text out of tensors. */
#include "core.h"

PyObject *read_repr(PyObject *self)
{
    char small[512], *text = small;
    size_t needed = 0;
    tensor_status_t status = tensor_format(wrapper_handle(self), NULL, small, sizeof small, &needed);
    PyObject *result = NULL;
    if (status == TENSOR_OK && needed >= sizeof small) {
        text = PyMem_Malloc(needed + 1);
        if (text == NULL) {
            return PyErr_NoMemory();
        }
        status = tensor_format(wrapper_handle(self), NULL, text, needed + 1, &needed);
    }
    if (status == TENSOR_OK) {
        result = PyUnicode_FromStringAndSize(text, (Py_ssize_t)strlen(text));
    } else if (!device_is_reachable(tensor_device(wrapper_handle(self)))) {
        /* What can be said of memory that the processor does not reach. */
        PyObject *shape = PyObject_GetAttrString(self, "shape"), *dtype = dtype_object(tensor_dtype(wrapper_handle(self)));
        PyObject *device = device_name(tensor_device(wrapper_handle(self)));
        if (shape != NULL && dtype != NULL && device != NULL) {
            result = PyUnicode_FromFormat("tensor(..., size=%S, dtype=%S, device='%U')", shape, dtype, device);
        }
        Py_XDECREF(shape);
        Py_XDECREF(dtype);
        Py_XDECREF(device);
    } else {
        error_raise(status);
    }
    if (text != small) {
        PyMem_Free(text);
    }
    return result;
}

/* The widest dtype of the kind, which holds every value of the others. */
static bool widest(DLDataType dtype, DLDataType *out)
{
    *out = (DLDataType){kDLFloat, 64, dtype.lanes};
    switch (dtype.code) {
    case kDLBool:
        *out = (DLDataType){kDLBool, 8, dtype.lanes};
        break;
    case kDLInt:
        out->code = kDLInt;
        break;
    case kDLUInt:
        out->code = kDLUInt;
        break;
    case kDLComplex:
        *out = (DLDataType){kDLComplex, 128, dtype.lanes};
        break;
    case kDLOpaqueHandle:
        error_format(TENSOR_ERROR_DTYPE, "opaque handles are no numbers");
        return false;
    default:
        break;
    }
    return true;
}

/* Nested lists of elements that lie one after another. `*at` goes on. */
static PyObject *nested(const char **at, DLDataType dtype, const int64_t *shape, int32_t ndim)
{
    if (ndim > 0) {
        PyObject *list = PyList_New((Py_ssize_t)shape[0]);
        for (int64_t i = 0; list != NULL && i < shape[0]; i++) {
            PyObject *item = nested(at, dtype, shape + 1, ndim - 1);
            if (item == NULL) {
                Py_CLEAR(list);
            } else {
                PyList_SET_ITEM(list, (Py_ssize_t)i, item);
            }
        }
        return list;
    }
    union {
        uint8_t truth;
        int64_t integer;
        uint64_t natural;
        double parts[2];
    } element;
    size_t size = (size_t)dtype.bits / 8;
    memcpy(&element, *at, size);
    *at += size;
    switch (dtype.code) {
    case kDLBool:
        return PyBool_FromLong(element.truth != 0);
    case kDLInt:
        return PyLong_FromLongLong(element.integer);
    case kDLUInt:
        return PyLong_FromUnsignedLongLong(element.natural);
    case kDLComplex:
        return PyComplex_FromDoubles(element.parts[0], element.parts[1]);
    default:
        return PyFloat_FromDouble(element.parts[0]);
    }
}

/* The elements as lists in lists of Python's numbers. */
static PyObject *to_lists(tensor_t *tensor)
{
    DLDataType dtype;
    if (!widest(tensor_dtype(tensor), &dtype)) {
        return NULL;
    }
    tensor_options_t options = TENSOR_OPTIONS_INIT;
    options.dtype = &dtype;
    options.flags = TENSOR_FLAG_CONTIGUOUS;
    tensor_t *wide = NULL;
    const DLTensor *view = NULL;
    tensor_status_t status = tensor_to(tensor, &options, &wide);
    if (status == TENSOR_OK) {
        status = tensor_pin(wide, TENSOR_PIN_READ, &view);
    }
    PyObject *lists = NULL;
    if (status != TENSOR_OK) {
        error_raise(status);
    } else {
        int64_t shape[TENSOR_MAX_NDIM + 1];
        int32_t ndim = view->ndim;
        memcpy(shape, view->shape, (size_t)ndim * sizeof *shape);
        if (dtype.lanes != 1) {
            shape[ndim++] = dtype.lanes;
        }
        const char *at = (const char *)view->data + view->byte_offset;
        lists = nested(&at, dtype, shape, ndim);
        tensor_unpin(wide);
    }
    tensor_release(wide);
    return lists;
}

PyObject *read_tolist(PyObject *self, PyObject *unused)
{
    (void)unused;
    return to_lists(wrapper_handle(self));
}

PyObject *read_item(PyObject *self, PyObject *unused)
{
    (void)unused;
    tensor_t *tensor = wrapper_handle(self), *scalar = NULL;
    if (tensor_numel(tensor) != 1) {
        return error_format(TENSOR_ERROR_SHAPE, "a tensor of %lld elements is no number", (long long)tensor_numel(tensor));
    }
    tensor_status_t status = tensor_reshape(tensor, 0, NULL, TENSOR_COPY_IF_NEEDED, &scalar);
    if (status != TENSOR_OK) {
        return error_raise(status);
    }
    PyObject *number = to_lists(scalar);
    tensor_release(scalar);
    return number;
}

PyObject *read_bytes(PyObject *self, PyObject *unused)
{
    (void)unused;
    tensor_options_t options = TENSOR_OPTIONS_INIT;
    options.flags = TENSOR_FLAG_CONTIGUOUS |
                    (tensor_is_subbyte_padded(wrapper_handle(self)) ? TENSOR_FLAG_SUBBYTE_PADDED : 0);
    tensor_t *dense = NULL;
    const DLTensor *view = NULL;
    tensor_status_t status = tensor_to(wrapper_handle(self), &options, &dense);
    if (status == TENSOR_OK) {
        status = tensor_pin(dense, TENSOR_PIN_READ, &view);
    }
    PyObject *bytes = NULL;
    if (status != TENSOR_OK) {
        error_raise(status);
    } else {
        bytes = PyBytes_FromStringAndSize((const char *)view->data + view->byte_offset, (Py_ssize_t)tensor_nbytes(dense));
        tensor_unpin(dense);
    }
    tensor_release(dense);
    return bytes;
}

/* A tensor of one element is a number. */

static int as_bool(PyObject *self)
{
    PyObject *number = read_item(self, NULL);
    int truth = number == NULL ? -1 : PyObject_IsTrue(number);
    Py_XDECREF(number);
    return truth;
}

static PyObject *as_int(PyObject *self)
{
    PyObject *number = read_item(self, NULL);
    PyObject *integer = number == NULL ? NULL : PyNumber_Long(number);
    Py_XDECREF(number);
    return integer;
}

static PyObject *as_float(PyObject *self)
{
    PyObject *number = read_item(self, NULL);
    PyObject *real = number == NULL ? NULL : PyNumber_Float(number);
    Py_XDECREF(number);
    return real;
}

PyObject *read_complex(PyObject *self, PyObject *unused)
{
    PyObject *number = read_item(self, unused);
    PyObject *made = number == NULL ? NULL : PyObject_CallOneArg((PyObject *)&PyComplex_Type, number);
    Py_XDECREF(number);
    return made;
}

static PyObject *as_index(PyObject *self)
{
    /* Functions such as bytes() ask this first, and go on after a TypeError. */
    uint8_t code = tensor_dtype(wrapper_handle(self)).code;
    if ((code != kDLInt && code != kDLUInt) || tensor_ndim(wrapper_handle(self)) != 0) {
        PyErr_SetString(PyExc_TypeError, "only a tensor of an integer dtype and without dimensions is an index");
        return NULL;
    }
    return as_int(self);
}

PyNumberMethods read_number = {.nb_bool = as_bool, .nb_int = as_int, .nb_float = as_float, .nb_index = as_index};

/* The Tensor type: what a tensor says of itself. */
#include "core.h"

#include <stddef.h>

PyObject *wrapper_new(tensor_t *handle)
{
    if (handle == NULL) {
        return NULL;
    }
    Tensor *made = PyObject_New(Tensor, &TensorType);
    if (made == NULL) {
        tensor_release(handle);
        return NULL;
    }
    made->handle = handle;
    made->weak_references = NULL;
    return (PyObject *)made;
}

PyObject *wrapper_result(tensor_status_t status, tensor_t *const *handle)
{
    return status == TENSOR_OK ? wrapper_new(*handle) : error_raise(status);
}

static void tensor_dealloc(PyObject *self)
{
    Tensor *tensor = (Tensor *)self;
    if (tensor->weak_references != NULL) {
        PyObject_ClearWeakRefs(self);
    }
    /* A deleter may run Python code: an exception that is under way is not its business. */
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    tensor_release(tensor->handle);
    PyErr_Restore(type, value, traceback);
    PyObject_Free(self);
}

static PyObject *integers(const int64_t *values, int32_t count)
{
    PyObject *tuple = PyTuple_New(count);
    for (int32_t i = 0; tuple != NULL && i < count; i++) {
        PyObject *value = PyLong_FromLongLong(values[i]);
        if (value == NULL) {
            Py_CLEAR(tuple);
        } else {
            PyTuple_SET_ITEM(tuple, i, value);
        }
    }
    return tuple;
}

enum { NDIM, SIZE, NBYTES, ITEMSIZE, USE_COUNT, READ_ONLY, PADDED };

static PyObject *get_number(PyObject *self, void *which)
{
    tensor_t *handle = wrapper_handle(self);
    switch ((intptr_t)which) {
    case NDIM:
        return PyLong_FromLong(tensor_ndim(handle));
    case SIZE:
        return PyLong_FromLongLong(tensor_numel(handle));
    case NBYTES:
        return PyLong_FromLongLong(tensor_nbytes(handle));
    case ITEMSIZE:
        return PyLong_FromLongLong(dtype_bytes(tensor_dtype(handle)));
    case USE_COUNT:
        return PyLong_FromUnsignedLongLong(tensor_use_count(handle));
    case READ_ONLY:
        return PyBool_FromLong(tensor_is_read_only(handle));
    default:
        return PyBool_FromLong(tensor_is_subbyte_padded(handle));
    }
}

static PyObject *get_shape(PyObject *self, void *unused)
{
    (void)unused;
    return integers(tensor_shape(wrapper_handle(self)), tensor_ndim(wrapper_handle(self)));
}

static PyObject *get_strides(PyObject *self, void *unused)
{
    (void)unused;
    return integers(tensor_strides(wrapper_handle(self)), tensor_ndim(wrapper_handle(self)));
}

static PyObject *get_dtype(PyObject *self, void *unused)
{
    (void)unused;
    return dtype_object(tensor_dtype(wrapper_handle(self)));
}

static PyObject *get_device(PyObject *self, void *unused)
{
    (void)unused;
    return device_name(tensor_device(wrapper_handle(self)));
}

static PyObject *get_transposed(PyObject *self, void *unused)
{
    (void)unused;
    int32_t ndim = tensor_ndim(wrapper_handle(self)), dims[TENSOR_MAX_NDIM];
    for (int32_t i = 0; i < ndim; i++) {
        dims[i] = ndim - 1 - i;
    }
    tensor_t *view = NULL;
    return wrapper_result(tensor_permute(wrapper_handle(self), ndim, dims, &view), &view);
}

static PyObject *get_matrix_transposed(PyObject *self, void *unused)
{
    (void)unused;
    if (tensor_ndim(wrapper_handle(self)) < 2) {
        return error_format(TENSOR_ERROR_SHAPE, "a tensor of %d dimensions is no matrix", (int)tensor_ndim(wrapper_handle(self)));
    }
    tensor_t *view = NULL;
    return wrapper_result(tensor_transpose(wrapper_handle(self), -2, -1, &view), &view);
}

static PyObject *get_origin(PyObject *self, void *unused)
{
    (void)unused;
    static const char *const reasons[] = {"dtype", "device", "layout", "alignment", "requested", NULL};
    tensor_plan_t plan = TENSOR_PLAN_INIT;
    tensor_status_t status = tensor_origin(wrapper_handle(self), &plan);
    if (status != TENSOR_OK) {
        return error_raise(status);
    }
    PyObject *why = PyList_New(0);
    for (int i = 0; why != NULL && reasons[i] != NULL; i++) {
        PyObject *word = plan.reasons >> i & 1 ? PyUnicode_FromString(reasons[i]) : NULL;
        if ((plan.reasons >> i & 1) != 0 && (word == NULL || PyList_Append(why, word) < 0)) {
            Py_CLEAR(why);
        }
        Py_XDECREF(word);
    }
    PyObject *tuple = why == NULL ? NULL : PyList_AsTuple(why);
    Py_XDECREF(why);
    return tuple == NULL ? NULL : Py_BuildValue("sNL", plan.action == TENSOR_ACTION_ALIAS ? "alias" : "copy", tuple,
                                                (long long)plan.bytes_moved);
}

static PyGetSetDef getters[] = {
    {"shape", get_shape, NULL, "The sizes of the dimensions.", NULL},
    {"strides", get_strides, NULL, "The strides of the dimensions, in elements.", NULL},
    {"dtype", get_dtype, NULL, "The type of the elements.", NULL},
    {"device", get_device, NULL, "Where the memory is: 'cpu', 'cuda:0', ...", NULL},
    {"ndim", get_number, NULL, "The number of dimensions.", (void *)NDIM},
    {"size", get_number, NULL, "The number of elements.", (void *)SIZE},
    {"nbytes", get_number, NULL, "The bytes of the elements when stored one after another.", (void *)NBYTES},
    {"itemsize", get_number, NULL, "Bytes of an element that is stored on its own.", (void *)ITEMSIZE},
    {"use_count", get_number, NULL, "The handles and exports that keep the memory.", (void *)USE_COUNT},
    {"is_read_only", get_number, NULL, "Whether the tensor must not be written.", (void *)READ_ONLY},
    {"is_subbyte_padded", get_number, NULL, "Whether sub-byte elements take a byte each.", (void *)PADDED},
    {"requires_grad", gradients_required, NULL, "Whether gradients are asked for.", NULL},
    {"is_leaf", gradients_is_leaf, NULL, "Whether it is the result of nothing that requires grad.", NULL},
    {"grad", gradients_get, gradients_set, "The gradient of a leaf, or None. Set it to a Tensor to add up in that.", NULL},
    {"mT", get_matrix_transposed, NULL, "A view with the last two dimensions exchanged.", NULL},
    {"T", get_transposed, NULL, "A view with the dimensions in reverse order.", NULL},
    {"origin", get_origin, NULL, "How it was made: ('alias' or 'copy', reasons, bytes moved).", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyTypeObject TensorType = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "astensor.Tensor",
    .tp_doc = "Memory with a shape, strides and a dtype. Made by as_tensor() and its like.",
    .tp_basicsize = sizeof(Tensor),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_weaklistoffset = offsetof(Tensor, weak_references),
    .tp_dealloc = tensor_dealloc,
    .tp_repr = read_repr,
    .tp_richcompare = compare_objects,
    .tp_iter = index_iterate,
    .tp_methods = wrapper_methods,
    .tp_getset = getters,
    .tp_as_buffer = &buffer_procs,
    .tp_as_mapping = &index_mapping,
    .tp_as_sequence = &index_sequence,
    .tp_as_number = &read_number,
};

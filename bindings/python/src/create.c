/* Tensors from anything: which protocol is asked, and in which order. */
#include "core.h"

tensor_options_t request_options(const Request *request)
{
    tensor_options_t options = TENSOR_OPTIONS_INIT;
    options.flags = request->flags;
    options.dtype = request->has_dtype ? &request->dtype : NULL;
    options.device = request->has_device ? &request->device : NULL;
    options.copy = request->copy;
    return options;
}

/* Bytes of the elements, or 0 if that is not to be had: the library finds out what is wrong. */
static int64_t size_of(const DLTensor *descriptor)
{
    int64_t size = dtype_bytes(descriptor->dtype);
    for (int32_t i = 0; i < descriptor->ndim; i++) {
        int64_t n = descriptor->shape[i];
        if (n <= 0 || size > INT64_MAX / n) {
            return 0;
        }
        size *= n;
    }
    return size;
}

tensor_t *create_adopt(const DLTensor *descriptor, tensor_options_t *options, tensor_deleter_t deleter, void *context)
{
    bool converts = options->dtype != NULL || options->device != NULL || options->copy != TENSOR_COPY_IF_NEEDED;
    if ((options->flags & TENSOR_FLAG_READ_ONLY) && converts) {
        /* What was read-only is the lender's memory: a copy of it may be written. */
        tensor_plan_t plan = TENSOR_PLAN_INIT;
        if (tensor_plan(descriptor, options, &plan) == TENSOR_OK && plan.action == TENSOR_ACTION_COPY) {
            options->flags &= ~(uint32_t)TENSOR_FLAG_READ_ONLY;
        }
    }
    options->deleter = deleter;
    options->deleter_ctx = context;
    tensor_t *made = NULL;
    tensor_status_t status;
    if (converts && size_of(descriptor) >= HEAVY_BYTES) {
        Py_BEGIN_ALLOW_THREADS
        status = tensor_as_tensor(descriptor, options, &made);
        Py_END_ALLOW_THREADS
    } else {
        status = tensor_as_tensor(descriptor, options, &made);
    }
    if (status != TENSOR_OK) {
        error_raise(status);
        PyObject *type, *value, *traceback;
        PyErr_Fetch(&type, &value, &traceback);
        deleter(context);
        PyErr_Restore(type, value, traceback);
    }
    return made;
}

/* An attribute, or NULL without an exception if there is none. `failed` is set after another exception. */
static PyObject *attribute(PyObject *object, const char *name, bool *failed)
{
    PyObject *found = PyObject_GetAttrString(object, name);
    *failed = found == NULL && !PyErr_ExceptionMatches(PyExc_AttributeError);
    if (found == NULL && !*failed) {
        PyErr_Clear();
    }
    return found;
}

static tensor_t *from_tensor(PyObject *data, const Request *request)
{
    tensor_options_t options = request_options(request);
    tensor_t *made = NULL;
    tensor_status_t status;
    if (tensor_nbytes(wrapper_handle(data)) >= HEAVY_BYTES) {
        Py_BEGIN_ALLOW_THREADS
        status = tensor_to(wrapper_handle(data), &options, &made);
        Py_END_ALLOW_THREADS
    } else {
        status = tensor_to(wrapper_handle(data), &options, &made);
    }
    if (status != TENSOR_OK) {
        error_raise(status);
    }
    return made;
}

static tensor_t *from_array(PyObject *method, const Request *request)
{
    PyObject *array = PyObject_CallNoArgs(method);
    tensor_t *made = NULL;
    if (array != NULL && !PyObject_HasAttrString(array, "__array_interface__")) {
        PyErr_SetString(PyExc_TypeError, "__array__() did not return an array");
    } else if (array != NULL) {
        made = create_from_memory(array, request);
    }
    Py_XDECREF(array);
    return made;
}

/* Whether the exception under way is an exporter's own refusal, and not one of the library. */
static bool has_no_format(void)
{
    if (!PyErr_ExceptionMatches(PyExc_ValueError) && !PyErr_ExceptionMatches(PyExc_BufferError)) {
        return false;
    }
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    bool ours = value != NULL && PyObject_HasAttrString(value, "status");
    PyErr_Restore(type, value, traceback);
    return !ours;
}

tensor_t *create_from_memory(PyObject *data, const Request *request)
{
    if (wrapper_check(data)) {
        return from_tensor(data, request);
    }
    if (PyObject_CheckBuffer(data)) {
        tensor_t *made = buffer_import(data, request);
        if (made != NULL || !has_no_format()) {
            return made;
        }
        /* Elements for which buffers have no format, such as bfloat16: of NumPy's arrays, and of JAX's. */
        PyObject *type, *value, *traceback;
        PyErr_Fetch(&type, &value, &traceback);
        bool failed;
        PyObject *interface = attribute(data, "__array_interface__", &failed);
        if (interface == NULL && (failed || !exchange_offers(data))) {
            PyErr_Restore(type, value, traceback);
            return NULL;
        }
        Py_XDECREF(type);
        Py_XDECREF(value);
        Py_XDECREF(traceback);
        made = interface != NULL ? interface_import(data, interface, request) : exchange_import(data, request);
        Py_XDECREF(interface);
        return made;
    }
    if (exchange_offers(data)) {
        return exchange_import(data, request);
    }
    bool failed;
    PyObject *found = attribute(data, "__array_interface__", &failed);
    if (found != NULL) {
        tensor_t *made = interface_import(data, found, request);
        Py_DECREF(found);
        return made;
    }
    found = failed ? NULL : attribute(data, "__array__", &failed);
    if (found != NULL) {
        tensor_t *made = from_array(found, request);
        Py_DECREF(found);
        return made;
    }
    return NULL;
}

tensor_t *create_from_object(PyObject *data, const Request *request)
{
    if (PyList_CheckExact(data) || PyTuple_CheckExact(data) || PyFloat_CheckExact(data) || PyLong_CheckExact(data) ||
        PyBool_Check(data) || PyComplex_CheckExact(data)) {
        return value_import(data, request);
    }
    tensor_t *made = create_from_memory(data, request);
    if (made != NULL || PyErr_Occurred()) {
        return made;
    }
    if (value_is_number(data)) {
        return value_import(data, request);
    }
    error_format(TENSOR_ERROR_DTYPE,
                 "no tensor can be made of a %.200s: it is no number and no list, and has no buffer, __dlpack__ or "
                 "__array_interface__", Py_TYPE(data)->tp_name);
    return NULL;
}

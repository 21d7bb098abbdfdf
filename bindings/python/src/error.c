/* Errors of the library as exceptions. */
#include "core.h"

static PyObject *by_status, *of_exchange;

int error_prepare(void)
{
    PyObject *module = PyImport_ImportModule("astensor._errors");
    if (module == NULL) {
        return -1;
    }
    by_status = PyObject_GetAttrString(module, "by_status");
    of_exchange = PyObject_GetAttrString(module, "TensorExchangeError");
    Py_DECREF(module);
    return by_status == NULL || of_exchange == NULL ? -1 : 0;
}

/* Raises `type` with a message, which it takes over, and the attributes that say which error it was. */
static PyObject *raise_as(PyObject *type, tensor_status_t status, PyObject *message)
{
    PyObject *error = message == NULL ? NULL : PyObject_CallFunctionObjArgs(type, message, NULL);
    Py_XDECREF(message);
    if (error == NULL) {
        return NULL;
    }
    PyObject *number = PyLong_FromLong(status);
    PyObject *name = PyUnicode_FromString(tensor_status_name(status));
    if (number != NULL && name != NULL && PyObject_SetAttrString(error, "status", number) == 0 &&
        PyObject_SetAttrString(error, "status_name", name) == 0) {
        PyErr_SetObject(type, error);
    }
    Py_XDECREF(number);
    Py_XDECREF(name);
    Py_DECREF(error);
    return NULL;
}

static PyObject *raise_status(tensor_status_t status, PyObject *message)
{
    PyObject *number = PyLong_FromLong(status);
    PyObject *type = number == NULL ? NULL : PyDict_GetItemWithError(by_status, number);
    Py_XDECREF(number);
    if (type == NULL && PyErr_Occurred()) {
        Py_XDECREF(message);
        return NULL;
    }
    return raise_as(type == NULL ? PyExc_RuntimeError : type, status, message);
}

/* The last error; a byte that is no UTF-8 came from the caller's own text. */
static PyObject *last_message(void)
{
    const char *text = tensor_last_error();
    return PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "replace");
}

PyObject *error_raise(tensor_status_t status)
{
    return raise_status(status, last_message());
}

PyObject *error_raise_buffer(tensor_status_t status)
{
    return status == TENSOR_ERROR_OUT_OF_MEMORY ? error_raise(status) : raise_as(of_exchange, status, last_message());
}

PyObject *error_refuse_buffer(tensor_status_t status, const char *why)
{
    return raise_as(of_exchange, status, PyUnicode_FromString(why));
}

PyObject *error_format(tensor_status_t status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    PyObject *message = PyUnicode_FromFormatV(format, arguments);
    va_end(arguments);
    return raise_status(status, message);
}

/* Arguments of fast calls. */
#include "core.h"

int arguments_read(const char *function, const char *const *names, int positional, int required, PyObject *const *args,
                   Py_ssize_t count, PyObject *keywords, PyObject **out)
{
    int total = 0;
    while (names[total] != NULL) {
        out[total++] = NULL;
    }
    if (count > positional) {
        PyErr_Format(PyExc_TypeError, "%s() takes at most %d positional arguments (%zd given)", function, positional, count);
        return -1;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        out[i] = args[i];
    }
    Py_ssize_t named = keywords == NULL ? 0 : PyTuple_GET_SIZE(keywords);
    for (Py_ssize_t k = 0; k < named; k++) {
        PyObject *name = PyTuple_GET_ITEM(keywords, k);
        int place = 0;
        while (place < total && PyUnicode_CompareWithASCIIString(name, names[place]) != 0) {
            place++;
        }
        if (place == total) {
            PyErr_Format(PyExc_TypeError, "%s() got an unexpected keyword argument '%U'", function, name);
            return -1;
        }
        if (out[place] != NULL) {
            PyErr_Format(PyExc_TypeError, "%s() got multiple values for argument '%U'", function, name);
            return -1;
        }
        out[place] = args[count + k];
    }
    for (int i = 0; i < required; i++) {
        if (out[i] == NULL) {
            PyErr_Format(PyExc_TypeError, "%s() is missing the argument '%s'", function, names[i]);
            return -1;
        }
    }
    return 0;
}

int arguments_word(PyObject *object, const char *what, const char *const *words, int otherwise)
{
    if (object == NULL || object == Py_None) {
        return otherwise;
    }
    if (PyUnicode_Check(object)) {
        for (int i = 0; words[i] != NULL; i++) {
            if (PyUnicode_CompareWithASCIIString(object, words[i]) == 0) {
                return i;
            }
        }
    }
    error_format(TENSOR_ERROR_ARGUMENT, "unknown %s: %R", what, object);
    return -1;
}

int arguments_copy(PyObject *object, int otherwise)
{
    if (object == NULL || object == Py_None) {
        return otherwise;
    }
    int truth = PyObject_IsTrue(object);
    return truth < 0 ? -1 : truth ? TENSOR_COPY_ALWAYS : TENSOR_COPY_NEVER;
}

/* An integer: of Python's, or anything that is one exactly. */
static bool read_integer(PyObject *object, const char *what, int64_t *out)
{
    PyObject *index = PyNumber_Index(object);
    if (index == NULL) {
        return false;
    }
    int overflow;
    *out = PyLong_AsLongLongAndOverflow(index, &overflow);
    Py_DECREF(index);
    if (overflow != 0) {
        error_format(TENSOR_ERROR_OVERFLOW, "%s = %R is out of range for int64", what, object);
        return false;
    }
    return !(*out == -1 && PyErr_Occurred());
}

int arguments_integers(PyObject *object, const char *what, int64_t *out)
{
    PyObject *items = PySequence_Fast(object, "expected integers");
    if (items == NULL) {
        return -1;
    }
    Py_ssize_t count = PySequence_Fast_GET_SIZE(items);
    if (count > TENSOR_MAX_NDIM) {
        error_format(TENSOR_ERROR_SHAPE, "%s has %zd items, at most %d are possible", what, count, TENSOR_MAX_NDIM);
        count = -1;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        if (i >= PySequence_Fast_GET_SIZE(items)) {
            PyErr_SetString(PyExc_RuntimeError, "a list changed while it was read");
            count = -1;
            break;
        }
        PyObject *item = PySequence_Fast_GET_ITEM(items, i);
        Py_INCREF(item);
        if (!read_integer(item, what, &out[i])) {
            count = -1;
        }
        Py_DECREF(item);
    }
    Py_DECREF(items);
    return (int)count;
}

int arguments_dims(PyObject *const *args, Py_ssize_t count, const char *what, int64_t *out)
{
    if (count == 1 && !PyIndex_Check(args[0])) {
        return arguments_integers(args[0], what, out);
    }
    if (count > TENSOR_MAX_NDIM) {
        error_format(TENSOR_ERROR_SHAPE, "%s has %zd items, at most %d are possible", what, count, TENSOR_MAX_NDIM);
        return -1;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        if (!read_integer(args[i], what, &out[i])) {
            return -1;
        }
    }
    return (int)count;
}

bool arguments_int32(PyObject *object, const char *what, int32_t *out)
{
    int64_t wide;
    if (!read_integer(object, what, &wide)) {
        return false;
    }
    if (wide < INT32_MIN || wide > INT32_MAX) {
        error_format(TENSOR_ERROR_INDEX, "%s = %lld is out of range", what, (long long)wide);
        return false;
    }
    *out = (int32_t)wide;
    return true;
}

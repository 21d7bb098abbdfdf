/* Gradients of a tensor: what is kept of them, and running backward. */
#include "core.h"

/* Another reference. */
static PyObject *kept(PyObject *object)
{
    Py_INCREF(object);
    return object;
}

PyObject *gradients_required(PyObject *self, void *unused)
{
    (void)unused;
    return PyBool_FromLong(tensor_requires_grad(wrapper_handle(self)));
}

PyObject *gradients_is_leaf(PyObject *self, void *unused)
{
    (void)unused;
    return PyBool_FromLong(tensor_is_leaf(wrapper_handle(self)));
}

PyObject *gradients_get(PyObject *self, void *unused)
{
    (void)unused;
    tensor_t *gradient = NULL;
    tensor_status_t status = tensor_grad(wrapper_handle(self), &gradient);
    if (status == TENSOR_OK && gradient == NULL) {
        Py_RETURN_NONE;
    }
    return wrapper_result(status, &gradient);
}

/* A tensor to add to from now on; None or del: no gradient. */
int gradients_set(PyObject *self, PyObject *value, void *unused)
{
    (void)unused;
    tensor_t *buffer = NULL;
    if (value != NULL && value != Py_None) {
        if (!wrapper_check(value)) {
            PyErr_Format(PyExc_TypeError, "grad is a Tensor or None, not %.100s", Py_TYPE(value)->tp_name);
            return -1;
        }
        buffer = wrapper_handle(value);
    }
    tensor_status_t status = tensor_set_grad_buffer(wrapper_handle(self), buffer);
    if (status != TENSOR_OK) {
        error_raise(status);
        return -1;
    }
    return 0;
}

PyObject *gradients_require(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    int required = count == 0 ? 1 : PyObject_IsTrue(args[0]);
    if (count > 1 || required < 0) {
        return PyErr_Occurred() ? NULL : (PyErr_SetString(PyExc_TypeError, "requires_grad_() takes one bool, or none"), NULL);
    }
    tensor_status_t status = tensor_set_requires_grad(wrapper_handle(self), required != 0);
    return status == TENSOR_OK ? kept(self) : error_raise(status);
}

PyObject *gradients_detach(PyObject *self, PyObject *unused)
{
    (void)unused;
    tensor_t *detached = NULL;
    return wrapper_result(tensor_detach(wrapper_handle(self), &detached), &detached);
}

PyObject *gradients_zero(PyObject *self, PyObject *unused)
{
    (void)unused;
    tensor_status_t status = tensor_zero_grad(wrapper_handle(self));
    return status == TENSOR_OK ? kept(Py_None) : error_raise(status);
}

PyObject *gradients_backward(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *keywords)
{
    static const char *const names[] = {"gradient", "retain_graph", NULL};
    PyObject *given[2];
    if (arguments_read("backward", names, 2, 0, args, count, keywords, given) < 0) {
        return NULL;
    }
    tensor_t *gradient = NULL;
    if (given[0] != NULL && given[0] != Py_None) {
        if (!wrapper_check(given[0])) {
            PyErr_Format(PyExc_TypeError, "gradient is a Tensor, not %.100s", Py_TYPE(given[0])->tp_name);
            return NULL;
        }
        gradient = wrapper_handle(given[0]);
    }
    int retain = given[1] == NULL ? 0 : PyObject_IsTrue(given[1]);
    if (retain < 0) {
        return NULL;
    }
    tensor_t *tensor = wrapper_handle(self);
    tensor_status_t status;
    Py_BEGIN_ALLOW_THREADS
    status = tensor_backward(tensor, gradient, retain ? TENSOR_BACKWARD_RETAIN_GRAPH : 0);
    Py_END_ALLOW_THREADS
    return status == TENSOR_OK ? kept(Py_None) : error_raise(status);
}

PyObject *gradients_set_enabled(PyObject *module, PyObject *object)
{
    (void)module;
    int enabled = PyObject_IsTrue(object);
    return enabled < 0 ? NULL : PyBool_FromLong(tensor_set_grad_enabled(enabled != 0));
}

PyObject *gradients_are_enabled(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    return PyBool_FromLong(tensor_grad_enabled());
}

/* What lent memory belongs to, and the way back into the interpreter from any thread, also while it ends. */
#include "core.h"

#include <stdatomic.h>

/* Set at exit: from then on no other thread enters. `entered` counts those that are on their way or inside. */
static atomic_bool closing;
static atomic_int entered;

bool owner_enter(PyGILState_STATE *state)
{
    atomic_fetch_add(&entered, 1);
    if (!atomic_load(&closing)) {
        *state = PyGILState_Ensure();
        return true;
    }
    atomic_fetch_sub(&entered, 1);
    /* The thread that ends the interpreter may go on; what others hold goes with the process. */
    if (Py_IsInitialized() && PyGILState_Check()) {
        *state = PyGILState_Ensure();
        atomic_fetch_add(&entered, 1);
        return true;
    }
    return false;
}

void owner_leave(PyGILState_STATE state)
{
    PyGILState_Release(state);
    atomic_fetch_sub(&entered, 1);
}

/* Runs at exit, before the interpreter is taken down: who is inside gets the time to leave. */
static PyObject *owner_close(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    atomic_store(&closing, true);
    for (int tries = 0; atomic_load(&entered) != 0 && tries < 5000; tries++) {
        PyObject *time = PyImport_ImportModule("time");
        PyObject *slept = time == NULL ? NULL : PyObject_CallMethod(time, "sleep", "d", 0.001);
        Py_XDECREF(time);
        if (slept == NULL) {
            return NULL;
        }
        Py_DECREF(slept);
    }
    Py_RETURN_NONE;
}

/* A child after fork() has none of the threads that were inside. */
static PyObject *owner_forked(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    atomic_store(&entered, 0);
    Py_RETURN_NONE;
}

static PyMethodDef close_definition = {"close", owner_close, METH_NOARGS, NULL};
static PyMethodDef forked_definition = {"forked", owner_forked, METH_NOARGS, NULL};

int owner_prepare(void)
{
    PyObject *close = PyCFunction_New(&close_definition, NULL);
    PyObject *atexit = PyImport_ImportModule("atexit");
    PyObject *done = close == NULL || atexit == NULL ? NULL : PyObject_CallMethod(atexit, "register", "O", close);
    Py_XDECREF(close);
    Py_XDECREF(atexit);
    if (done == NULL) {
        return -1;
    }
    Py_DECREF(done);
    PyObject *os = PyImport_ImportModule("os");
    if (os == NULL) {
        return -1;
    }
    PyObject *at_fork = PyObject_GetAttrString(os, "register_at_fork");
    Py_DECREF(os);
    if (at_fork == NULL) {
        PyErr_Clear(); /* A system without fork(). */
        return 0;
    }
    PyObject *forked = PyCFunction_New(&forked_definition, NULL);
    PyObject *arguments = PyTuple_New(0);
    PyObject *keywords = forked == NULL ? NULL : Py_BuildValue("{sO}", "after_in_child", forked);
    done = arguments == NULL || keywords == NULL ? NULL : PyObject_Call(at_fork, arguments, keywords);
    Py_DECREF(at_fork);
    Py_XDECREF(forked);
    Py_XDECREF(arguments);
    Py_XDECREF(keywords);
    Py_XDECREF(done);
    return done == NULL ? -1 : 0;
}

void owner_release_object(void *object)
{
    PyGILState_STATE state;
    if (owner_enter(&state)) {
        Py_DECREF((PyObject *)object);
        owner_leave(state);
    }
}

void owner_release_buffer(void *buffer)
{
    PyGILState_STATE state;
    if (owner_enter(&state)) {
        PyBuffer_Release(buffer);
        owner_leave(state);
        PyMem_RawFree(buffer);
    }
}

Py_buffer *owner_new_buffer(void)
{
    Py_buffer *buffer = PyMem_RawMalloc(sizeof *buffer);
    if (buffer == NULL) {
        PyErr_NoMemory();
    }
    return buffer;
}

void owner_free_buffer(Py_buffer *buffer)
{
    PyMem_RawFree(buffer);
}

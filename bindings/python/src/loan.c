/* Loans: the memory of a buffer is lent, and taken back when a block ends. */
#include "core.h"

#include <stddef.h>

typedef struct {
    PyObject_HEAD
    tensor_loan_t *loan; /* NULL once it has ended. */
    Py_buffer buffer;    /* Held as long as anybody may touch the memory. */
    bool held;
    PyObject *weak_references;
} Loan;

static void give_back(Loan *self)
{
    if (self->held) {
        self->held = false;
        PyBuffer_Release(&self->buffer);
    }
}

static bool is_open(Loan *self)
{
    if (self->loan == NULL) {
        error_format(TENSOR_ERROR_CLOSED, "the loan has ended");
        return false;
    }
    return true;
}

static PyObject *loan_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"data", "read_only", NULL};
    PyObject *data;
    int read_only = 0;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "O|$p:loan", names, &data, &read_only)) {
        return NULL;
    }
    Loan *self = (Loan *)type->tp_alloc(type, 0);
    if (self == NULL) {
        return NULL;
    }
    if (PyObject_GetBuffer(data, &self->buffer, PyBUF_RECORDS_RO) < 0) {
        Py_DECREF(self);
        return NULL;
    }
    self->held = true;
    /* The bytes that the elements lie in, from the lowest address to the highest. */
    char *low = self->buffer.buf;
    Py_ssize_t bytes = self->buffer.len;
    if (self->buffer.strides != NULL && bytes > 0) {
        bytes = self->buffer.itemsize;
        for (int i = 0; i < self->buffer.ndim; i++) {
            Py_ssize_t reach = (self->buffer.shape[i] - 1) * self->buffer.strides[i];
            low += reach < 0 ? reach : 0;
            bytes += reach < 0 ? -reach : reach;
        }
    }
    uint32_t flags = read_only || self->buffer.readonly ? TENSOR_LOAN_READ_ONLY : 0;
    tensor_status_t status = tensor_loan_open(low, (size_t)bytes, flags, &self->loan);
    if (status != TENSOR_OK) {
        Py_DECREF(self);
        return error_raise(status);
    }
    return (PyObject *)self;
}

static int ended(Loan *self, tensor_status_t status)
{
    if (status != TENSOR_OK) {
        error_raise(status);
        return -1;
    }
    give_back(self);
    return 0;
}

/* Every tensor on the loan has a reference to it, so nothing is on it any more. */
static void loan_dealloc(PyObject *object)
{
    Loan *self = (Loan *)object;
    if (self->weak_references != NULL) {
        PyObject_ClearWeakRefs(object);
    }
    if (self->loan != NULL) {
        tensor_loan_close(self->loan);
    }
    give_back(self);
    Py_TYPE(object)->tp_free(object);
}

static PyObject *loan_as_tensor(PyObject *object, PyObject *const *args, Py_ssize_t count, PyObject *keywords)
{
    static const char *const names[] = {"dtype", NULL};
    PyObject *given[1];
    Loan *self = (Loan *)object;
    Request request = {.copy = TENSOR_COPY_IF_NEEDED};
    if (arguments_read("as_tensor", names, 1, 0, args, count, keywords, given) < 0 || !is_open(self)) {
        return NULL;
    }
    if (!self->held) {
        return error_format(TENSOR_ERROR_REVOKED, "the loan was revoked");
    }
    if (given[0] != NULL && given[0] != Py_None) {
        request.has_dtype = true;
        if (!dtype_read(given[0], &request.dtype)) {
            return NULL;
        }
    }
    int64_t shape[TENSOR_MAX_NDIM], strides[TENSOR_MAX_NDIM];
    DLTensor descriptor;
    bool in_bytes;
    if (!buffer_describe(&self->buffer, &descriptor, shape, strides, &in_bytes)) {
        return NULL;
    }
    if (in_bytes) {
        return error_format(TENSOR_ERROR_SHAPE, "the strides are no multiples of the element's %zd bytes",
                            self->buffer.itemsize);
    }
    tensor_options_t options = request_options(&request);
    options.loan = self->loan;
    Py_INCREF(object);
    return wrapper_new(create_adopt(&descriptor, &options, owner_release_object, object));
}

static PyObject *loan_close(PyObject *object, PyObject *unused)
{
    (void)unused;
    Loan *self = (Loan *)object;
    if (self->loan != NULL) {
        tensor_loan_t *loan = self->loan;
        tensor_status_t status;
        Py_BEGIN_ALLOW_THREADS
        status = tensor_loan_close(loan);
        Py_END_ALLOW_THREADS
        if (status == TENSOR_OK) {
            self->loan = NULL;
        }
        if (ended(self, status) < 0) {
            return NULL;
        }
    }
    Py_RETURN_NONE;
}

static PyObject *loan_revoke(PyObject *object, PyObject *unused)
{
    (void)unused;
    Loan *self = (Loan *)object;
    if (!is_open(self)) {
        return NULL;
    }
    tensor_status_t status;
    Py_INCREF(object);
    Py_BEGIN_ALLOW_THREADS
    status = tensor_loan_revoke(self->loan);
    Py_END_ALLOW_THREADS
    int done = ended(self, status);
    Py_DECREF(object);
    if (done < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *loan_evacuate(PyObject *object, PyObject *unused)
{
    (void)unused;
    Loan *self = (Loan *)object;
    if (!is_open(self)) {
        return NULL;
    }
    tensor_loan_t *loan = self->loan;
    tensor_status_t status;
    Py_INCREF(object);
    Py_BEGIN_ALLOW_THREADS
    status = tensor_loan_evacuate(loan);
    Py_END_ALLOW_THREADS
    if (status == TENSOR_OK) {
        self->loan = NULL;
    }
    int done = ended(self, status);
    Py_DECREF(object);
    if (done < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *loan_wait(PyObject *object, PyObject *const *args, Py_ssize_t count, PyObject *keywords)
{
    static const char *const names[] = {"timeout", NULL};
    PyObject *given[1];
    Loan *self = (Loan *)object;
    if (arguments_read("wait", names, 1, 0, args, count, keywords, given) < 0 || !is_open(self)) {
        return NULL;
    }
    int64_t left = -1;
    if (given[0] != NULL && given[0] != Py_None) {
        double seconds = PyFloat_AsDouble(given[0]);
        if (seconds == -1 && PyErr_Occurred()) {
            return NULL;
        }
        if (!(seconds >= 0)) {
            return error_format(TENSOR_ERROR_ARGUMENT, "timeout = %R is no number of seconds", given[0]);
        }
        left = seconds > 9e9 ? -1 : (int64_t)(seconds * 1e9);
    }
    /* In pieces, so that signals are seen. Another thread may end the loan meanwhile. */
    const int64_t piece = 100000000;
    tensor_loan_t *loan = self->loan;
    for (;;) {
        int64_t now = left < 0 || left > piece ? piece : left;
        tensor_status_t status;
        Py_BEGIN_ALLOW_THREADS
        status = tensor_loan_wait(loan, now);
        Py_END_ALLOW_THREADS
        left -= left < 0 ? 0 : now;
        if (status == TENSOR_OK) {
            Py_RETURN_NONE;
        }
        if (status != TENSOR_ERROR_BUSY || left == 0) {
            return error_raise(status);
        }
        if (PyErr_CheckSignals() < 0) {
            return NULL;
        }
    }
}

static PyObject *loan_count(PyObject *object, PyObject *const *args, Py_ssize_t count, PyObject *keywords)
{
    static const char *const names[] = {"kind", NULL};
    static const char *const kinds[] = {"aliases", "tensors", "views", "exports", "pins", NULL};
    PyObject *given[1];
    Loan *self = (Loan *)object;
    if (arguments_read("count", names, 1, 0, args, count, keywords, given) < 0) {
        return NULL;
    }
    int kind = arguments_word(given[0], "kind", kinds, TENSOR_LOAN_ALIASES);
    if (kind < 0 || !is_open(self)) {
        return NULL;
    }
    size_t found;
    tensor_status_t status = tensor_loan_count(self->loan, kind, &found);
    return status == TENSOR_OK ? PyLong_FromSize_t(found) : error_raise(status);
}

static PyObject *loan_enter(PyObject *object, PyObject *unused)
{
    (void)unused;
    if (!is_open((Loan *)object)) {
        return NULL;
    }
    Py_INCREF(object);
    return object;
}

/* A loan that cannot be closed is an error, unless another one is on its way: its traceback may be what keeps tensors. */
static PyObject *loan_exit(PyObject *object, PyObject *args)
{
    PyObject *type, *value, *traceback;
    if (!PyArg_ParseTuple(args, "OOO:__exit__", &type, &value, &traceback)) {
        return NULL;
    }
    PyObject *closed = loan_close(object, NULL);
    if (closed == NULL && (type == Py_None || !PyErr_ExceptionMatches(PyExc_BufferError))) {
        return NULL;
    }
    PyErr_Clear();
    Py_XDECREF(closed);
    Py_RETURN_FALSE;
}

static PyObject *get_closed(PyObject *object, void *unused)
{
    (void)unused;
    return PyBool_FromLong(((Loan *)object)->loan == NULL);
}

static PyGetSetDef loan_getters[] = {
    {"closed", get_closed, NULL, "Whether the loan has ended.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

#define FAST(function) (PyCFunction)(void (*)(void))(function)

static PyMethodDef loan_methods[] = {
    {"as_tensor", FAST(loan_as_tensor), METH_FASTCALL | METH_KEYWORDS,
     "as_tensor($self, dtype=None)\n--\n\nThe lent memory as a tensor."},
    {"close", loan_close, METH_NOARGS, "close($self)\n--\n\nEnd the loan; a BufferError says what is still on it."},
    {"revoke", loan_revoke, METH_NOARGS, "revoke($self)\n--\n\nTake the memory back now: tensors on it are revoked."},
    {"evacuate", loan_evacuate, METH_NOARGS,
     "evacuate($self)\n--\n\nMove what is on the loan to a private copy, and end the loan."},
    {"wait", FAST(loan_wait), METH_FASTCALL | METH_KEYWORDS,
     "wait($self, timeout=None)\n--\n\nWait until nothing is on the loan any more."},
    {"count", FAST(loan_count), METH_FASTCALL | METH_KEYWORDS,
     "count($self, kind='aliases')\n--\n\nCount what is on the loan: 'aliases', 'tensors', 'views', 'exports' or 'pins'."},
    {"__enter__", loan_enter, METH_NOARGS, NULL},
    {"__exit__", loan_exit, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

PyTypeObject LoanType = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "astensor.loan",
    .tp_doc = "loan(data, *, read_only=False)\n--\n\nLends the memory of a buffer until a block ends.",
    .tp_basicsize = sizeof(Loan),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_weaklistoffset = offsetof(Loan, weak_references),
    .tp_new = loan_new,
    .tp_dealloc = loan_dealloc,
    .tp_methods = loan_methods,
    .tp_getset = loan_getters,
};

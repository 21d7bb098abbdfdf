/* Indexing, assignment and length. */
#include "core.h"

/* Checks a sequence of indices, finds its one Ellipsis (or -1), and counts the dimensions that it uses. */
static bool survey(PyObject **items, Py_ssize_t count, Py_ssize_t *ellipsis, int32_t *used)
{
    *ellipsis = -1;
    *used = 0;
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *item = items[i];
        if (item == Py_Ellipsis) {
            if (*ellipsis >= 0) {
                error_format(TENSOR_ERROR_INDEX, "an index has one ellipsis ('...') at most");
                return false;
            }
            *ellipsis = i;
        } else if (PySlice_Check(item) || (PyIndex_Check(item) && !PyBool_Check(item) && !wrapper_check(item))) {
            ++*used;
        } else if (item != Py_None) {
            error_format(TENSOR_ERROR_DTYPE,
                         "an index is made of integers, slices, None and '...', not of %.200s: "
                         "tensor.numpy() picks elements by lists and masks",
                         Py_TYPE(item)->tp_name);
            return false;
        }
    }
    return true;
}

/* The view of one index at a dimension; NULL with an exception. */
static tensor_t *one(tensor_t *tensor, int32_t dim, PyObject *item)
{
    tensor_t *view = NULL;
    tensor_status_t status;
    if (item == Py_None) {
        status = tensor_unsqueeze(tensor, dim, &view);
    } else if (PySlice_Check(item)) {
        Py_ssize_t start, stop, step;
        if (PySlice_Unpack(item, &start, &stop, &step) < 0) {
            return NULL;
        }
        status = tensor_slice(tensor, dim, start == PY_SSIZE_T_MAX ? INT64_MAX : start,
                              stop == PY_SSIZE_T_MAX ? INT64_MAX : stop == PY_SSIZE_T_MIN ? INT64_MIN : stop, step, &view);
    } else {
        Py_ssize_t index = PyNumber_AsSsize_t(item, PyExc_IndexError);
        if (index == -1 && PyErr_Occurred()) {
            return NULL;
        }
        status = tensor_select(tensor, dim, index, &view);
    }
    if (status != TENSOR_OK) {
        error_raise(status);
    }
    return view;
}

/* The view of an index, from the last item to the first: what is done to a dimension does not move those before it, so
 * messages name the dimensions of the tensor that was indexed. */
static tensor_t *view_of(PyObject *self, PyObject *key)
{
    tensor_t *tensor = wrapper_handle(self);
    PyObject **items = PyTuple_CheckExact(key) ? &PyTuple_GET_ITEM(key, 0) : &key;
    Py_ssize_t count = PyTuple_CheckExact(key) ? PyTuple_GET_SIZE(key) : 1, ellipsis;
    int32_t used, ndim = tensor_ndim(tensor);
    if (count == 1 && PyLong_CheckExact(items[0]) && ndim > 0) {
        return one(tensor, 0, items[0]);
    }
    if (!survey(items, count, &ellipsis, &used)) {
        return NULL;
    }
    if (used > ndim) {
        error_format(TENSOR_ERROR_INDEX, "%d indices for a tensor of %d dimensions", (int)used, (int)ndim);
        return NULL;
    }
    tensor_t *view = NULL;
    tensor_status_t status = tensor_to(tensor, NULL, &view);
    if (status != TENSOR_OK) {
        error_raise(status);
        return NULL;
    }
    /* Dimensions before the item that comes next. */
    int32_t dim = ellipsis < 0 ? used : ndim;
    for (Py_ssize_t i = count - 1; i >= 0; i--) {
        if (i == ellipsis) {
            int32_t before = 0;
            for (Py_ssize_t k = 0; k < i; k++) {
                before += items[k] != Py_None;
            }
            dim = before;
            continue;
        }
        dim -= items[i] != Py_None;
        tensor_t *next = one(view, dim, items[i]);
        tensor_release(view);
        if (next == NULL) {
            return NULL;
        }
        view = next;
    }
    return view;
}

static PyObject *get_item(PyObject *self, PyObject *key)
{
    return wrapper_new(view_of(self, key));
}

static int assign(tensor_t *destination, PyObject *value)
{
    Request request = {.copy = TENSOR_COPY_IF_NEEDED};
    tensor_t *source = NULL;
    if (wrapper_check(value)) {
        source = wrapper_handle(value);
        tensor_retain(source);
    } else {
        source = create_from_memory(value, &request);
    }
    if (source == NULL && !PyErr_Occurred()) {
        /* Numbers become the destination's dtype, or do not fit in it. */
        request.has_dtype = true;
        request.dtype = tensor_dtype(destination);
        source = create_from_object(value, &request);
    }
    if (source == NULL) {
        return -1;
    }
    tensor_status_t status;
    if (tensor_nbytes(destination) >= HEAVY_BYTES) {
        Py_BEGIN_ALLOW_THREADS
        status = tensor_assign(destination, source, NULL);
        Py_END_ALLOW_THREADS
    } else {
        status = tensor_assign(destination, source, NULL);
    }
    if (status != TENSOR_OK) {
        error_raise(status);
    }
    tensor_release(source);
    return status == TENSOR_OK ? 0 : -1;
}

static int set_item(PyObject *self, PyObject *key, PyObject *value)
{
    if (value == NULL) {
        PyErr_SetString(PyExc_TypeError, "elements of a tensor cannot be deleted");
        return -1;
    }
    tensor_t *view = view_of(self, key);
    if (view == NULL) {
        return -1;
    }
    int done = assign(view, value);
    tensor_release(view);
    return done;
}

static Py_ssize_t length(PyObject *self)
{
    if (tensor_ndim(wrapper_handle(self)) == 0) {
        PyErr_SetString(PyExc_TypeError, "a tensor without dimensions has no length");
        return -1;
    }
    return (Py_ssize_t)tensor_shape(wrapper_handle(self))[0];
}

PyObject *index_iterate(PyObject *self)
{
    if (tensor_ndim(wrapper_handle(self)) == 0) {
        PyErr_SetString(PyExc_TypeError, "a tensor without dimensions cannot be iterated over");
        return NULL;
    }
    return PySeqIter_New(self);
}

/* Iteration ends with the IndexError of this. */
static PyObject *sequence_item(PyObject *self, Py_ssize_t index)
{
    tensor_t *view = NULL;
    return wrapper_result(tensor_select(wrapper_handle(self), 0, index, &view), &view);
}

/* Tensors are compared by identity, so `3 in tensor` would always be false. */
static int contains(PyObject *self, PyObject *value)
{
    (void)self;
    (void)value;
    PyErr_SetString(PyExc_TypeError, "'in' does not look for values in a tensor: use tensor.tolist() or tensor.numpy()");
    return -1;
}

PyMappingMethods index_mapping = {length, get_item, set_item};
PySequenceMethods index_sequence = {.sq_length = length, .sq_item = sequence_item, .sq_contains = contains};

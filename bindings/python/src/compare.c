/* Equality, element by element: with other tensors, with numbers, and with whatever has memory. */
#include "core.h"

typedef enum { SIGNED, UNSIGNED, REAL, COMPLEX, NO_KIND } Kind;

/* What elements are compared as: their kind's widest dtype, which holds each of them. */
static Kind kind_of(DLDataType dtype)
{
    if (dtype.lanes != 1 || dtype.code == kDLOpaqueHandle) {
        return NO_KIND;
    }
    switch (dtype.code) {
    case kDLInt:
        return SIGNED;
    case kDLBool:
    case kDLUInt:
        return UNSIGNED;
    case kDLComplex:
        return COMPLEX;
    default:
        return REAL;
    }
}

static DLDataType widest(Kind kind)
{
    static const DLDataType dtypes[] = {{kDLInt, 64, 1}, {kDLUInt, 64, 1}, {kDLFloat, 64, 1}, {kDLComplex, 128, 1}};
    return dtypes[kind];
}

/* The shape to which two are stretched. Where they do not fit, the first's size stays, and stretching the other fails. */
static int32_t common_shape(const tensor_t *a, const tensor_t *b, int64_t *shape)
{
    int32_t na = tensor_ndim(a), nb = tensor_ndim(b), ndim = na > nb ? na : nb;
    for (int32_t i = 0; i < ndim; i++) {
        int32_t ia = i - (ndim - na), ib = i - (ndim - nb);
        int64_t sa = ia < 0 ? 1 : tensor_shape(a)[ia], sb = ib < 0 ? 1 : tensor_shape(b)[ib];
        shape[i] = sa == 1 ? sb : sa;
    }
    return ndim;
}

/* The elements of a tensor in a shape, as the widest dtype of a kind, one after another. */
static tensor_status_t stretched(tensor_t *tensor, int32_t ndim, const int64_t *shape, Kind kind, tensor_t **out)
{
    DLDataType dtype = widest(kind);
    tensor_options_t options = TENSOR_OPTIONS_INIT;
    options.dtype = &dtype;
    options.flags = TENSOR_FLAG_CONTIGUOUS;
    tensor_t *plain = NULL, *view = NULL;
    tensor_status_t status = tensor_detach(tensor, &plain);
    if (status == TENSOR_OK) {
        status = tensor_expand(plain, ndim, shape, &view);
    }
    if (status == TENSOR_OK) {
        status = tensor_to(view, &options, out);
    }
    tensor_release(plain);
    tensor_release(view);
    return status;
}

static bool equal_at(const void *a, Kind kind_a, const void *b, Kind kind_b, int64_t i)
{
    const int64_t *signed_a = a, *signed_b = b;
    const uint64_t *unsigned_a = a, *unsigned_b = b;
    const double *real_a = a, *real_b = b;
    switch (kind_a) {
    case REAL:
        return real_a[i] == real_b[i];
    case COMPLEX:
        return real_a[2 * i] == real_b[2 * i] && real_a[2 * i + 1] == real_b[2 * i + 1];
    default:
        return unsigned_a[i] == unsigned_b[i] &&
               (kind_a == kind_b || (kind_a == SIGNED ? signed_a[i] : signed_b[i]) >= 0);
    }
}

/* A bool for each pair of elements: whether they are as asked. */
static tensor_status_t compare(tensor_t *a, tensor_t *b, bool asked, tensor_t **out)
{
    Kind kind_a = kind_of(tensor_dtype(a)), kind_b = kind_of(tensor_dtype(b));
    if (kind_a >= REAL || kind_b >= REAL) {
        kind_a = kind_b = kind_a > kind_b ? kind_a : kind_b;
    }
    int64_t shape[TENSOR_MAX_NDIM];
    int32_t ndim = common_shape(a, b, shape);
    DLDataType truth = {kDLBool, 8, 1};
    const DLTensor *view_a = NULL, *view_b = NULL, *view = NULL;
    tensor_t *wide_a = NULL, *wide_b = NULL;
    tensor_status_t status = stretched(a, ndim, shape, kind_a, &wide_a);
    if (status == TENSOR_OK) {
        status = stretched(b, ndim, shape, kind_b, &wide_b);
    }
    if (status == TENSOR_OK) {
        status = tensor_empty(&truth, NULL, ndim, shape, out);
    }
    if (status == TENSOR_OK) {
        status = tensor_pin(wide_a, TENSOR_PIN_READ, &view_a);
    }
    if (status == TENSOR_OK) {
        status = tensor_pin(wide_b, TENSOR_PIN_READ, &view_b);
    }
    if (status == TENSOR_OK) {
        status = tensor_pin(*out, TENSOR_PIN_WRITE, &view);
    }
    if (status == TENSOR_OK) {
        bool *at = view->data;
        for (int64_t i = 0, n = tensor_numel(*out); i < n; i++) {
            at[i] = equal_at(view_a->data, kind_a, view_b->data, kind_b, i) == asked;
        }
        tensor_unpin(*out);
    } else {
        tensor_release(*out);
        *out = NULL;
    }
    if (view_b != NULL) {
        tensor_unpin(wide_b);
    }
    if (view_a != NULL) {
        tensor_unpin(wide_a);
    }
    tensor_release(wide_a);
    tensor_release(wide_b);
    return status;
}

/* What is no number and has no memory differs from every tensor. */
PyObject *compare_objects(PyObject *self, PyObject *other, int operation)
{
    if (operation != Py_EQ && operation != Py_NE) {
        Py_RETURN_NOTIMPLEMENTED;
    }
    tensor_t *a = wrapper_handle(self), *b;
    Request as_it_is = {.copy = TENSOR_COPY_IF_NEEDED};
    if (wrapper_check(other)) {
        b = wrapper_handle(other);
        tensor_retain(b);
    } else if (PyList_Check(other) || PyTuple_Check(other) || PyUnicode_Check(other) || other == Py_None) {
        Py_RETURN_NOTIMPLEMENTED;
    } else {
        bool integer = PyLong_Check(other), number = integer || PyFloat_Check(other) || PyComplex_Check(other);
        b = number ? create_from_object(other, &as_it_is) : create_from_memory(other, &as_it_is);
        if (b == NULL && integer && PyErr_ExceptionMatches(PyExc_OverflowError)) {
            PyErr_Clear();
            Request natural = {.copy = TENSOR_COPY_IF_NEEDED, .has_dtype = true, .dtype = {kDLUInt, 64, 1}};
            b = create_from_object(other, &natural);
        }
        if (b == NULL && PyErr_Occurred()) {
            return NULL;
        }
        if (b == NULL) {
            Py_RETURN_NOTIMPLEMENTED;
        }
    }
    if (kind_of(tensor_dtype(a)) == NO_KIND || kind_of(tensor_dtype(b)) == NO_KIND) {
        tensor_release(b);
        return error_format(TENSOR_ERROR_DTYPE, "elements of several lanes, and opaque handles, cannot be compared");
    }
    tensor_t *made = NULL;
    tensor_status_t status;
    Py_BEGIN_ALLOW_THREADS
    status = compare(a, b, operation == Py_EQ, &made);
    Py_END_ALLOW_THREADS
    PyObject *result = wrapper_result(status, &made);
    tensor_release(b);
    return result;
}

/* The array interface (version 3), for memory whose dtype buffers cannot name. */
#include "core.h"

/* The memory of an interface: `data` is (address, read-only). */
static bool read_address(PyObject *interface, void **address, bool *read_only)
{
    PyObject *pair = PyDict_GetItemString(interface, "data");
    if (pair == NULL || !PyTuple_Check(pair) || PyTuple_GET_SIZE(pair) != 2) {
        PyErr_SetString(PyExc_TypeError, "__array_interface__ has no 'data' of an address and a flag");
        return false;
    }
    *address = PyLong_AsVoidPtr(PyTuple_GET_ITEM(pair, 0));
    int flag = PyErr_Occurred() ? -1 : PyObject_IsTrue(PyTuple_GET_ITEM(pair, 1));
    *read_only = flag > 0;
    return flag >= 0;
}

tensor_t *interface_import(PyObject *data, PyObject *interface, const Request *request)
{
    if (!PyDict_Check(interface)) {
        PyErr_SetString(PyExc_TypeError, "__array_interface__ is no dict");
        return NULL;
    }
    PyObject *sizes = PyDict_GetItemString(interface, "shape");
    PyObject *steps = PyDict_GetItemString(interface, "strides");
    PyObject *type = PyDict_GetItemString(interface, "typestr");
    const char *typestr = type == NULL || !PyUnicode_Check(type) ? NULL : PyUnicode_AsUTF8(type);
    void *address;
    bool read_only;
    DLDataType dtype;
    int64_t shape[TENSOR_MAX_NDIM], strides[TENSOR_MAX_NDIM];
    if (sizes == NULL || typestr == NULL) {
        PyErr_SetString(PyExc_TypeError, "__array_interface__ has no 'shape', or no 'typestr'");
        return NULL;
    }
    if (!read_address(interface, &address, &read_only) || !dtype_of_typestr(data, typestr, &dtype)) {
        return NULL;
    }
    int ndim = arguments_integers(sizes, "shape", shape);
    bool strided = steps != NULL && steps != Py_None;
    int stepped = ndim < 0 ? -1 : strided ? arguments_integers(steps, "strides", strides) : ndim;
    if (stepped < 0) {
        return NULL;
    }
    if (stepped != ndim) {
        error_format(TENSOR_ERROR_SHAPE, "__array_interface__ has %d sizes and %d strides", ndim, stepped);
        return NULL;
    }
    int64_t itemsize = strtol(typestr + 2, NULL, 10);
    for (int i = 0; strided && i < ndim; i++) {
        if (strides[i] % itemsize != 0 && shape[i] > 1) {
            error_format(TENSOR_ERROR_SHAPE, "strides[%d] = %lld is no multiple of the element's %lld bytes", i,
                         (long long)strides[i], (long long)itemsize);
            return NULL;
        }
        strides[i] /= itemsize;
    }
    DLTensor descriptor = {address, {kDLCPU, 0}, ndim, dtype, shape, strided ? strides : NULL, 0};
    tensor_options_t options = request_options(request);
    if (read_only) {
        options.flags |= TENSOR_FLAG_READ_ONLY;
    }
    if (dtype.bits < 8) {
        options.flags |= TENSOR_FLAG_SUBBYTE_PADDED; /* Arrays have a byte for each. */
    }
    /* The dict may be what keeps the memory. */
    PyObject *owner = PyTuple_Pack(2, data, interface);
    return owner == NULL ? NULL : create_adopt(&descriptor, &options, owner_release_object, owner);
}

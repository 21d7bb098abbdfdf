/* The module: its functions, and what is made ready when it is imported. */
#include "core.h"

static PyObject *interop;

PyObject *module_call(const char *name, const char *format, ...)
{
    if (interop == NULL && (interop = PyImport_ImportModule("astensor._interop")) == NULL) {
        return NULL;
    }
    va_list list;
    va_start(list, format);
    PyObject *arguments = Py_VaBuildValue(format, list);
    va_end(list);
    if (arguments != NULL && !PyTuple_Check(arguments)) {
        PyObject *tuple = PyTuple_Pack(1, arguments);
        Py_DECREF(arguments);
        arguments = tuple;
    }
    PyObject *function = arguments == NULL ? NULL : PyObject_GetAttrString(interop, name);
    PyObject *result = function == NULL ? NULL : PyObject_Call(function, arguments, NULL);
    Py_XDECREF(arguments);
    Py_XDECREF(function);
    return result;
}

/* Reads a dtype, a device and a requires_grad that may be NULL or None. False with an exception. */
static bool read_request(PyObject *dtype, PyObject *device, PyObject *requires_grad, Request *request)
{
    if (dtype != NULL && dtype != Py_None) {
        request->has_dtype = true;
        if (!dtype_read(dtype, &request->dtype)) {
            return false;
        }
    }
    if (device != NULL && device != Py_None) {
        request->has_device = true;
        if (!device_read(device, &request->device)) {
            return false;
        }
    }
    int grad = requires_grad == NULL ? 0 : PyObject_IsTrue(requires_grad);
    request->flags |= grad > 0 ? TENSOR_FLAG_REQUIRES_GRAD : 0;
    return grad >= 0;
}

/* Whether a tensor is already what is asked for. */
static bool is_as_asked(PyObject *data, const Request *request)
{
    DLDevice device = tensor_device(wrapper_handle(data));
    return request->flags == 0 && request->copy != TENSOR_COPY_ALWAYS &&
           (!request->has_dtype || dtype_same(request->dtype, tensor_dtype(wrapper_handle(data)))) &&
           (!request->has_device || (request->device.device_type == device.device_type &&
                                     request->device.device_id == device.device_id));
}

static PyObject *as_tensor(PyObject *module, PyObject *const *args, Py_ssize_t count, PyObject *keywords)
{
    (void)module;
    static const char *const names[] = {"data", "dtype", "device", "requires_grad", "copy", NULL};
    PyObject *given[5];
    Request request = {.copy = TENSOR_COPY_IF_NEEDED};
    if (arguments_read("as_tensor", names, 4, 1, args, count, keywords, given) < 0 ||
        !read_request(given[1], given[2], given[3], &request)) {
        return NULL;
    }
    request.copy = arguments_copy(given[4], TENSOR_COPY_IF_NEEDED);
    if (request.copy < 0) {
        return NULL;
    }
    if (wrapper_check(given[0]) && is_as_asked(given[0], &request)) {
        Py_INCREF(given[0]);
        return given[0];
    }
    return wrapper_new(create_from_object(given[0], &request));
}

static PyObject *tensor(PyObject *module, PyObject *const *args, Py_ssize_t count, PyObject *keywords)
{
    (void)module;
    static const char *const names[] = {"data", "dtype", "device", "requires_grad", NULL};
    PyObject *given[4];
    Request request = {.copy = TENSOR_COPY_ALWAYS};
    if (arguments_read("tensor", names, 4, 1, args, count, keywords, given) < 0 ||
        !read_request(given[1], given[2], given[3], &request)) {
        return NULL;
    }
    return wrapper_new(create_from_object(given[0], &request));
}

static PyObject *from_dlpack(PyObject *module, PyObject *const *args, Py_ssize_t count, PyObject *keywords)
{
    (void)module;
    static const char *const names[] = {"x", "device", "copy", NULL};
    PyObject *given[3];
    Request request = {.copy = TENSOR_COPY_IF_NEEDED};
    if (arguments_read("from_dlpack", names, 3, 1, args, count, keywords, given) < 0 ||
        !read_request(NULL, given[1], NULL, &request)) {
        return NULL;
    }
    request.copy = arguments_copy(given[2], TENSOR_COPY_IF_NEEDED);
    if (request.copy < 0) {
        return NULL;
    }
    if (wrapper_check(given[0])) {
        return wrapper_new(create_from_memory(given[0], &request));
    }
    if (PyCapsule_CheckExact(given[0])) {
        return wrapper_new(exchange_take(given[0], &request));
    }
    if (!exchange_offers(given[0]) && !PyObject_HasAttrString(given[0], "__dlpack__")) {
        return error_format(TENSOR_ERROR_DTYPE, "a %.200s has no __dlpack__", Py_TYPE(given[0])->tp_name);
    }
    return wrapper_new(exchange_import(given[0], &request));
}

/* Memory of any buffer, read as a dtype that the buffer does not know of. */
static PyObject *frombuffer(PyObject *module, PyObject *const *args, Py_ssize_t count, PyObject *keywords)
{
    (void)module;
    static const char *const names[] = {"buffer", "dtype", "shape", "strides", "byte_offset", "padded", NULL};
    PyObject *given[6];
    if (arguments_read("frombuffer", names, 2, 2, args, count, keywords, given) < 0) {
        return NULL;
    }
    DLDataType dtype;
    int64_t shape[TENSOR_MAX_NDIM], strides[TENSOR_MAX_NDIM], offset = 0;
    int padded = given[5] == NULL ? 0 : PyObject_IsTrue(given[5]);
    bool shaped = given[2] != NULL && given[2] != Py_None, strided = given[3] != NULL && given[3] != Py_None;
    int ndim = 1;
    if (padded < 0 || !dtype_read(given[1], &dtype) ||
        (shaped && (ndim = PyIndex_Check(given[2]) ? arguments_dims(&given[2], 1, "shape", shape)
                                                   : arguments_integers(given[2], "shape", shape)) < 0)) {
        return NULL;
    }
    if (strided) {
        int steps = arguments_integers(given[3], "strides", strides);
        if (steps != ndim) {
            return steps < 0 ? NULL : error_format(TENSOR_ERROR_SHAPE, "%d sizes and %d strides", ndim, steps);
        }
    }
    if (given[4] != NULL && arguments_dims(&given[4], 1, "byte_offset", &offset) < 0) {
        return NULL;
    }
    Py_buffer *buffer = owner_new_buffer();
    if (buffer == NULL) {
        return NULL;
    }
    /* Writable if it can be; contiguous, or it is no row of bytes. */
    if (PyObject_GetBuffer(given[0], buffer, PyBUF_CONTIG) < 0) {
        PyErr_Clear();
        if (PyObject_GetBuffer(given[0], buffer, PyBUF_CONTIG_RO) < 0) {
            owner_free_buffer(buffer);
            return NULL;
        }
    }
    if (offset < 0 || offset > buffer->len) {
        error_format(TENSOR_ERROR_BOUNDS, "byte_offset = %lld is outside of the %zd bytes of the buffer", (long long)offset,
                     buffer->len);
        owner_release_buffer(buffer);
        return NULL;
    }
    int64_t left = buffer->len - offset;
    if (!shaped) {
        shape[0] = padded && dtype.bits < 8 ? left / dtype.lanes : left / ((int64_t)dtype.bits * dtype.lanes) * 8 +
                   left % ((int64_t)dtype.bits * dtype.lanes) * 8 / ((int64_t)dtype.bits * dtype.lanes);
    }
    DLTensor descriptor = {buffer->buf, {kDLCPU, 0}, ndim, dtype, shape, strided ? strides : NULL, (uint64_t)offset};
    tensor_options_t options = TENSOR_OPTIONS_INIT;
    options.flags = (buffer->readonly ? TENSOR_FLAG_READ_ONLY : 0) | (padded ? TENSOR_FLAG_SUBBYTE_PADDED : 0);
    options.nbytes = (size_t)buffer->len;
    if (buffer->len == 0) {
        options.nbytes = 0;
        bool empty = false;
        for (int i = 0; i < ndim; i++) {
            empty |= shape[i] == 0;
        }
        if (!empty) {
            error_format(TENSOR_ERROR_BOUNDS, "the buffer is empty, and the shape is not");
            owner_release_buffer(buffer);
            return NULL;
        }
    }
    return wrapper_new(create_adopt(&descriptor, &options, owner_release_buffer, buffer));
}

static PyObject *empty(PyObject *module, PyObject *const *args, Py_ssize_t count, PyObject *keywords)
{
    (void)module;
    static const char *const names[] = {"shape", "dtype", "device", NULL};
    PyObject *given[3];
    Request request = {.dtype = tensor_default_dtype()};
    int64_t shape[TENSOR_MAX_NDIM];
    if (arguments_read("empty", names, 3, 1, args, count, keywords, given) < 0 ||
        !read_request(given[1], given[2], NULL, &request)) {
        return NULL;
    }
    int ndim = arguments_dims(given, 1, "shape", shape);
    if (ndim < 0) {
        return NULL;
    }
    tensor_t *made = NULL;
    return wrapper_result(tensor_empty(&request.dtype, request.has_device ? &request.device : NULL, ndim, shape, &made), &made);
}

static PyObject *get_default_dtype(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    return dtype_object(tensor_default_dtype());
}

static PyObject *set_default_dtype(PyObject *module, PyObject *object)
{
    (void)module;
    DLDataType dtype;
    if (!dtype_read(object, &dtype)) {
        return NULL;
    }
    tensor_status_t status = tensor_set_default_dtype(&dtype);
    if (status != TENSOR_OK) {
        return error_raise(status);
    }
    Py_RETURN_NONE;
}

static PyObject *get_num_threads(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    return PyLong_FromLong(tensor_num_threads());
}

static PyObject *set_num_threads(PyObject *module, PyObject *object)
{
    (void)module;
    int32_t count;
    if (!arguments_int32(object, "count", &count)) {
        return NULL;
    }
    tensor_status_t status = tensor_set_num_threads(count);
    if (status != TENSOR_OK) {
        return error_raise(status);
    }
    Py_RETURN_NONE;
}

static PyObject *promote_types(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *first, *second;
    DLDataType a, b, common;
    if (!PyArg_ParseTuple(args, "OO:promote_types", &first, &second) || !dtype_read(first, &a) || !dtype_read(second, &b)) {
        return NULL;
    }
    tensor_status_t status = tensor_promote(&a, &b, &common);
    return status == TENSOR_OK ? dtype_object(common) : error_raise(status);
}

#define FAST(function) (PyCFunction)(void (*)(void))(function)

static PyMethodDef functions[] = {
    {"as_tensor", FAST(as_tensor), METH_FASTCALL | METH_KEYWORDS,
     "as_tensor($module, data, dtype=None, device=None, requires_grad=False, *, copy=None)\n--\n\n"
     "A tensor of the data's own memory where it has some and is as asked, else a copy."},
    {"tensor", FAST(tensor), METH_FASTCALL | METH_KEYWORDS,
     "tensor($module, data, dtype=None, device=None, requires_grad=False)\n--\n\nA tensor that is a copy of the data."},
    {"from_dlpack", FAST(from_dlpack), METH_FASTCALL | METH_KEYWORDS,
     "from_dlpack($module, x, device=None, copy=None)\n--\n\nA tensor of what has __dlpack__."},
    {"frombuffer", FAST(frombuffer), METH_FASTCALL | METH_KEYWORDS,
     "frombuffer($module, buffer, dtype, *, shape=None, strides=None, byte_offset=0, padded=False)\n--\n\n"
     "The memory of a contiguous buffer, read as a dtype."},
    {"empty", FAST(empty), METH_FASTCALL | METH_KEYWORDS,
     "empty($module, shape, dtype=None, device=None)\n--\n\nA tensor of new memory that is not initialised."},
    {"_padded_bytes", exchange_padded_bytes, METH_O, NULL},
    {"get_default_dtype", get_default_dtype, METH_NOARGS,
     "get_default_dtype($module)\n--\n\nThe dtype that real numbers without a dtype get."},
    {"set_default_dtype", set_default_dtype, METH_O,
     "set_default_dtype($module, dtype, /)\n--\n\nSet the dtype that real numbers without a dtype get."},
    {"is_grad_enabled", gradients_are_enabled, METH_NOARGS,
     "is_grad_enabled($module)\n--\n\nWhether this thread keeps history for gradients."},
    {"set_grad_enabled", gradients_set_enabled, METH_O,
     "set_grad_enabled($module, enabled, /)\n--\n\nKeep history on this thread, or do not; returns what was before."},
    {"get_num_threads", get_num_threads, METH_NOARGS,
     "get_num_threads($module)\n--\n\nHow many threads a large copy may use."},
    {"set_num_threads", set_num_threads, METH_O,
     "set_num_threads($module, count, /)\n--\n\nSet how many threads a large copy may use; 0: all processors."},
    {"promote_types", promote_types, METH_VARARGS, "promote_types($module, a, b, /)\n--\n\nThe dtype in which two meet."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "astensor._core", "Calls libastensor, which is inside.", -1, functions, NULL, NULL, NULL, NULL,
};

static bool add(PyObject *module, const char *name, PyObject *object)
{
    Py_XINCREF(object);
    if (object == NULL || PyModule_AddObject(module, name, object) < 0) {
        Py_XDECREF(object);
        return false;
    }
    return true;
}

PyMODINIT_FUNC PyInit__core(void)
{
    if (tensor_abi_version() != TENSOR_ABI_VERSION) {
        PyErr_Format(PyExc_ImportError, "the library's interface is version %u, not %u", tensor_abi_version(),
                     (unsigned)TENSOR_ABI_VERSION);
        return NULL;
    }
    PyObject *module = PyModule_Create(&definition);
    if (module == NULL) {
        return NULL;
    }
    PyObject *version = PyUnicode_FromString(tensor_version());
    TensorType.tp_hash = PyBaseObject_Type.tp_hash; /* By identity, which a comparison of elements does not change. */
    if (error_prepare() < 0 || owner_prepare() < 0 || exchange_prepare() < 0 || dtype_prepare(module) < 0 ||
        PyType_Ready(&TensorType) < 0 || PyType_Ready(&LoanType) < 0 ||
        PyDict_SetItemString(TensorType.tp_dict, "__dlpack_c_exchange_api__", exchange_capsule) < 0 ||
        !add(module, "Tensor", (PyObject *)&TensorType) || !add(module, "dtype", (PyObject *)&DtypeType) ||
        !add(module, "loan", (PyObject *)&LoanType) || !add(module, "__version__", version)) {
        Py_CLEAR(module);
    }
    Py_XDECREF(version);
    return module;
}

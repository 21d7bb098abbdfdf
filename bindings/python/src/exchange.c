/* DLPack, both ways: capsules, and the functions that save them. */
#include "core.h"

static const char VERSIONED[] = "dltensor_versioned", LEGACY[] = "dltensor";
static const char USED_VERSIONED[] = "used_dltensor_versioned", USED_LEGACY[] = "used_dltensor";

PyObject *exchange_capsule;
static PyObject *dlpack_name, *api_name, *version, *keywords[4];

/* In: by functions. */

/* The functions that the type of an object offers, or NULL without an exception. */
static const DLPackExchangeAPI *functions_of(PyObject *data)
{
    if (_PyType_Lookup(Py_TYPE(data), api_name) == NULL) {
        return NULL; /* Most have none: to find that out, no AttributeError is made. */
    }
    PyObject *capsule = PyObject_GetAttr((PyObject *)Py_TYPE(data), api_name);
    if (capsule == NULL) {
        PyErr_Clear();
        return NULL;
    }
    const DLPackExchangeAPI *found =
        PyCapsule_IsValid(capsule, "dlpack_exchange_api") ? PyCapsule_GetPointer(capsule, "dlpack_exchange_api") : NULL;
    Py_DECREF(capsule); /* They are there as long as the type is. */
    const DLPackExchangeAPIHeader *header = (const DLPackExchangeAPIHeader *)found;
    while (header != NULL && header->version.major != 1) {
        header = header->prev_api;
    }
    return (const DLPackExchangeAPI *)header;
}

static tensor_t *take_versioned(DLManagedTensorVersioned **managed, const Request *request)
{
    tensor_options_t options = request_options(request);
    tensor_t *made = NULL;
    tensor_status_t status;
    Py_BEGIN_ALLOW_THREADS
    status = tensor_from_dlpack(managed, &options, &made);
    Py_END_ALLOW_THREADS
    if (status != TENSOR_OK) {
        error_raise(status);
    }
    return made;
}

/* Whether the memory of an object is what its elements are. The functions of torch do not ask, its __dlpack__ does: it refuses
 * tensors that are to be conjugated when they are read, or whose history would be lost. That they are to be negated neither
 * says: this is the place to refuse it. */
static bool is_plain(PyObject *data)
{
    enum { NEGATED = 1 };
    static const char *const marks[] = {"requires_grad", "is_neg", "is_conj", NULL};
    for (int i = 0; marks[i] != NULL; i++) {
        PyObject *mark = PyObject_GetAttrString(data, marks[i]);
        if (mark != NULL && PyCallable_Check(mark)) {
            PyObject *answer = PyObject_CallNoArgs(mark);
            Py_DECREF(mark);
            mark = answer;
        } else if (mark == NULL && PyErr_ExceptionMatches(PyExc_AttributeError)) {
            PyErr_Clear();
            return true; /* Not torch. */
        }
        int truth = mark == NULL ? -1 : PyObject_IsTrue(mark);
        Py_XDECREF(mark);
        if (truth != 0) {
            PyErr_Clear();
            if (i == NEGATED && truth > 0) {
                error_refuse_buffer(TENSOR_ERROR_UNSUPPORTED, "the tensor is to be negated when it is read: use .resolve_neg()");
            }
            return false;
        }
    }
    return true;
}

/* In: by capsules. */

tensor_t *exchange_take(PyObject *capsule, const Request *request)
{
    if (PyCapsule_IsValid(capsule, VERSIONED)) {
        DLManagedTensorVersioned *managed = PyCapsule_GetPointer(capsule, VERSIONED);
        tensor_t *made = take_versioned(&managed, request);
        if (managed == NULL) {
            PyCapsule_SetName(capsule, USED_VERSIONED);
        }
        return made;
    }
    if (PyCapsule_IsValid(capsule, LEGACY)) {
        DLManagedTensor *managed = PyCapsule_GetPointer(capsule, LEGACY);
        tensor_options_t options = request_options(request);
        tensor_t *made = NULL;
        tensor_status_t status;
        Py_BEGIN_ALLOW_THREADS
        status = tensor_from_dlpack_legacy(&managed, &options, &made);
        Py_END_ALLOW_THREADS
        if (status != TENSOR_OK) {
            error_raise(status);
        }
        if (managed == NULL) {
            PyCapsule_SetName(capsule, USED_LEGACY);
        }
        return made;
    }
    PyErr_SetString(PyExc_TypeError, "no capsule of a tensor, or one that was used before");
    return NULL;
}

bool exchange_offers(PyObject *data)
{
    return _PyType_Lookup(Py_TYPE(data), dlpack_name) != NULL;
}

/* Calls __dlpack__ with what a producer of today knows, and without if it knows nothing. `asked` tells whether the copy was
 * left to the producer. */
static PyObject *ask(PyObject *data, const Request *request, bool *asked)
{
    enum { WITH_DEVICE = 1, WITH_COPY = 2 };
    PyObject *arguments[4] = {data, version, NULL, NULL}, *device = NULL;
    int which = 0, count = 2;
    *asked = false;
    if (request->has_device) {
        device = Py_BuildValue("(ii)", (int)request->device.device_type, (int)request->device.device_id);
        if (device == NULL) {
            return NULL;
        }
        arguments[count++] = device;
        which |= WITH_DEVICE;
    }
    /* A copy of another dtype is made here, once. */
    if (request->copy != TENSOR_COPY_IF_NEEDED && !request->has_dtype) {
        arguments[count++] = request->copy == TENSOR_COPY_ALWAYS ? Py_True : Py_False;
        which |= WITH_COPY;
    }
    PyObject *capsule = PyObject_VectorcallMethod(dlpack_name, arguments, 1, keywords[which]);
    *asked = capsule != NULL && (which & WITH_COPY);
    if (capsule == NULL && PyErr_ExceptionMatches(PyExc_TypeError)) {
        PyErr_Clear();
        capsule = PyObject_VectorcallMethod(dlpack_name, arguments, 1, NULL);
    }
    Py_XDECREF(device);
    return capsule;
}

tensor_t *exchange_import(PyObject *data, const Request *request)
{
    const DLPackExchangeAPI *functions = functions_of(data);
    bool plain = functions != NULL && is_plain(data);
    if (PyErr_Occurred()) {
        return NULL;
    }
    if (plain && !request->has_device && functions->managed_tensor_from_py_object_no_sync != NULL) {
        DLManagedTensorVersioned *managed = NULL;
        if (functions->managed_tensor_from_py_object_no_sync(data, &managed) != 0) {
            return NULL;
        }
        if (device_is_reachable(managed->dl_tensor.device)) {
            tensor_t *made = take_versioned(&managed, request);
            if (managed != NULL && managed->deleter != NULL) {
                PyObject *type, *value, *traceback;
                PyErr_Fetch(&type, &value, &traceback);
                managed->deleter(managed);
                PyErr_Restore(type, value, traceback);
            }
            return made;
        }
        /* Elsewhere streams matter, which __dlpack__ puts in order. */
        if (managed->deleter != NULL) {
            managed->deleter(managed);
        }
    }
    bool asked;
    PyObject *capsule = ask(data, request, &asked);
    if (capsule == NULL) {
        return NULL;
    }
    Request rest = *request;
    if (asked) {
        rest.copy = TENSOR_COPY_IF_NEEDED;
    }
    tensor_t *made = exchange_take(capsule, &rest);
    Py_DECREF(capsule);
    return made;
}

/* Out. */

/* The destructor of capsules: who took the tensor has renamed them. */
static void give_back(PyObject *capsule)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    if (PyCapsule_IsValid(capsule, VERSIONED)) {
        DLManagedTensorVersioned *managed = PyCapsule_GetPointer(capsule, VERSIONED);
        managed->deleter(managed);
    } else if (PyCapsule_IsValid(capsule, LEGACY)) {
        DLManagedTensor *managed = PyCapsule_GetPointer(capsule, LEGACY);
        managed->deleter(managed);
    }
    PyErr_Restore(type, value, traceback);
}

/* Work on the memory is done when a call returns. That is enough for consumers on the stream that waits for all. */
static bool stream_is_fine(PyObject *stream, DLDevice device)
{
    if (stream == NULL || stream == Py_None) {
        return true;
    }
    PyObject *index = PyNumber_Index(stream);
    long long number = index == NULL ? -1 : PyLong_AsLongLong(index);
    Py_XDECREF(index);
    if (number == -1 && PyErr_Occurred()) {
        return false;
    }
    if (number == -1 || (device.device_type == kDLCUDA && number == 1) || (device.device_type == kDLROCM && number == 0)) {
        return true;
    }
    error_refuse_buffer(TENSOR_ERROR_UNSUPPORTED, "stream must be None: work cannot be ordered on streams");
    return false;
}

PyObject *exchange_export(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *keywords)
{
    static const char *const names[] = {"stream", "max_version", "dl_device", "copy", NULL};
    PyObject *given[4];
    if (arguments_read("__dlpack__", names, 0, 0, args, count, keywords, given) < 0) {
        return NULL;
    }
    tensor_t *handle = wrapper_handle(self);
    tensor_options_t options = TENSOR_OPTIONS_INIT;
    DLDevice device;
    options.copy = arguments_copy(given[3], TENSOR_COPY_IF_NEEDED);
    if (options.copy < 0 || !stream_is_fine(given[0], tensor_device(handle))) {
        return NULL;
    }
    if (given[2] != NULL && given[2] != Py_None) {
        if (!device_read(given[2], &device)) {
            return NULL;
        }
        options.device = &device;
    }
    int major = 0, minor = 0;
    if (given[1] != NULL && given[1] != Py_None) {
        PyObject *version = PySequence_Tuple(given[1]);
        bool well = version != NULL && PyArg_ParseTuple(version, "ii;max_version is (major, minor)", &major, &minor);
        Py_XDECREF(version);
        if (!well) {
            return NULL;
        }
    }
    if (tensor_is_subbyte_padded(handle)) {
        options.flags |= TENSOR_FLAG_SUBBYTE_PADDED;
    }
    DLManagedTensorVersioned *versioned = NULL;
    DLManagedTensor *legacy = NULL;
    tensor_status_t status;
    Py_BEGIN_ALLOW_THREADS
    status = major >= 1 ? tensor_to_dlpack(handle, &options, &versioned) : tensor_to_dlpack_legacy(handle, &options, &legacy);
    Py_END_ALLOW_THREADS
    if (status != TENSOR_OK) {
        return error_raise_buffer(status);
    }
    PyObject *capsule = versioned != NULL ? PyCapsule_New(versioned, VERSIONED, give_back) : PyCapsule_New(legacy, LEGACY, give_back);
    if (capsule == NULL && versioned != NULL) {
        versioned->deleter(versioned);
    } else if (capsule == NULL) {
        legacy->deleter(legacy);
    }
    return capsule;
}

PyObject *exchange_device(PyObject *self, PyObject *unused)
{
    (void)unused;
    DLDevice device = tensor_device(wrapper_handle(self));
    return Py_BuildValue("(ii)", (int)device.device_type, (int)device.device_id);
}

static bool is_ours(void *object)
{
    if (wrapper_check(object)) {
        return true;
    }
    PyErr_SetString(PyExc_TypeError, "expected an astensor.Tensor");
    return false;
}

static int export_object(void *object, DLManagedTensorVersioned **out)
{
    *out = NULL;
    if (!is_ours(object)) {
        return -1;
    }
    tensor_status_t status = tensor_to_dlpack(wrapper_handle(object), NULL, out);
    if (status != TENSOR_OK) {
        error_raise_buffer(status);
        return -1;
    }
    return 0;
}

PyObject *exchange_padded_bytes(PyObject *module, PyObject *object)
{
    (void)module;
    DLManagedTensorVersioned *managed;
    if (export_object(object, &managed) < 0) {
        return NULL;
    }
    if (managed->flags & DLPACK_FLAG_BITMASK_IS_SUBBYTE_TYPE_PADDED) {
        managed->dl_tensor.dtype = (DLDataType){kDLUInt, 8, 1};
        managed->flags &= ~(uint64_t)DLPACK_FLAG_BITMASK_IS_SUBBYTE_TYPE_PADDED;
    }
    tensor_t *made = NULL;
    tensor_status_t status = tensor_from_dlpack(&managed, NULL, &made);
    if (status != TENSOR_OK) {
        managed->deleter(managed);
    }
    return wrapper_result(status, &made);
}

/* Out: by functions. All of them are called with the interpreter's lock held, but for the allocator. */

static int allocate(DLTensor *prototype, DLManagedTensorVersioned **out, void *context,
                    void (*set_error)(void *context, const char *kind, const char *message))
{
    tensor_t *made = NULL;
    *out = NULL;
    tensor_status_t status = tensor_empty(&prototype->dtype, &prototype->device, prototype->ndim, prototype->shape, &made);
    if (status == TENSOR_OK) {
        status = tensor_to_dlpack(made, NULL, out);
        tensor_release(made);
    }
    if (status != TENSOR_OK) {
        set_error(context, status == TENSOR_ERROR_OUT_OF_MEMORY ? "MemoryError" : "ValueError", tensor_last_error());
        return -1;
    }
    return 0;
}

static int describe_object(void *object, DLTensor *out)
{
    if (!is_ours(object)) {
        return -1;
    }
    tensor_t *handle = wrapper_handle(object);
    if (tensor_requires_grad(handle)) {
        error_refuse_buffer(TENSOR_ERROR_GRADIENT, "the tensor requires grad, which is not exchanged: use detach()");
        return -1;
    }
    const DLTensor *view = tensor_view(handle);
    if (view->data == NULL && tensor_numel(handle) > 0) {
        error_refuse_buffer(TENSOR_ERROR_REVOKED, "the loan was revoked");
        return -1;
    }
    *out = *view;
    return 0;
}

static int current_stream(DLDeviceType type, int32_t id, void **out)
{
    (void)type;
    (void)id;
    *out = NULL;
    return 0;
}

static int import_object(DLManagedTensorVersioned *managed, void **out)
{
    tensor_t *made = NULL;
    tensor_status_t status = tensor_from_dlpack(&managed, NULL, &made);
    *out = wrapper_result(status, &made);
    return *out == NULL ? -1 : 0;
}

static DLPackExchangeAPI functions = {
    .header = {.version = {1, 3}, .prev_api = NULL},
    .managed_tensor_allocator = allocate,
    .managed_tensor_from_py_object_no_sync = export_object,
    .managed_tensor_to_py_object_no_sync = import_object,
    .dltensor_from_py_object_no_sync = describe_object,
    .current_work_stream = current_stream,
};

int exchange_prepare(void)
{
    dlpack_name = PyUnicode_InternFromString("__dlpack__");
    api_name = PyUnicode_InternFromString("__dlpack_c_exchange_api__");
    version = Py_BuildValue("(ii)", 1, 3);
    keywords[0] = Py_BuildValue("(s)", "max_version");
    keywords[1] = Py_BuildValue("(ss)", "max_version", "dl_device");
    keywords[2] = Py_BuildValue("(ss)", "max_version", "copy");
    keywords[3] = Py_BuildValue("(sss)", "max_version", "dl_device", "copy");
    exchange_capsule = PyCapsule_New(&functions, "dlpack_exchange_api", NULL);
    return PyErr_Occurred() ? -1 : 0;
}

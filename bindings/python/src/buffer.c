/* The buffer protocol, both ways. */
#include "core.h"

bool buffer_describe(const Py_buffer *buffer, DLTensor *out, int64_t *shape, int64_t *strides, bool *in_bytes)
{
    DLDataType dtype;
    if (!dtype_of_buffer_format(buffer->format, buffer->itemsize, &dtype)) {
        return false;
    }
    Py_ssize_t itemsize = buffer->itemsize;
    *in_bytes = false;
    /* Some exporters (ctypes) leave the strides out although they are asked for. */
    bool strided = buffer->strides != NULL;
    for (int i = 0; i < buffer->ndim; i++) {
        shape[i] = buffer->shape[i];
        if (strided) {
            strides[i] = buffer->strides[i] / itemsize;
            *in_bytes |= strides[i] * itemsize != buffer->strides[i] && shape[i] > 1;
        }
    }
    *out = (DLTensor){buffer->buf, {kDLCPU, 0}, buffer->ndim, dtype, shape, strided ? strides : NULL, 0};
    return true;
}

/* Elements that lie a fraction of an element apart, such as the fields of packed records: copied byte by byte, and read as
 * elements then. */
static tensor_t *import_bytes(const Py_buffer *buffer, DLTensor *elements, int64_t *shape, int64_t *strides,
                              const Request *request)
{
    if (request->copy == TENSOR_COPY_NEVER) {
        error_format(TENSOR_ERROR_COPY_NEEDED, "a copy is needed: the strides are no multiples of the element's %zd bytes",
                     buffer->itemsize);
        return NULL;
    }
    DLTensor bytes = *elements;
    bytes.dtype = (DLDataType){kDLUInt, 8, 1};
    for (int i = 0; i < buffer->ndim; i++) {
        strides[i] = buffer->strides[i];
    }
    if (buffer->ndim == TENSOR_MAX_NDIM) {
        error_format(TENSOR_ERROR_SHAPE, "too many dimensions for strides that are no multiples of the element");
        return NULL;
    }
    shape[buffer->ndim] = buffer->itemsize;
    strides[buffer->ndim] = 1;
    bytes.ndim++;
    tensor_t *copied = NULL, *typed = NULL, *narrow = NULL, *result = NULL;
    tensor_status_t status = tensor_copy(&bytes, NULL, &copied);
    if (status == TENSOR_OK) {
        status = tensor_view_dtype(copied, &elements->dtype, &typed);
    }
    if (status == TENSOR_OK) {
        status = tensor_select(typed, -1, 0, &narrow);
    }
    if (status == TENSOR_OK) {
        tensor_options_t options = request_options(request);
        options.copy = TENSOR_COPY_IF_NEEDED;
        status = tensor_to(narrow, &options, &result);
    }
    if (status != TENSOR_OK) {
        error_raise(status);
    }
    tensor_release(copied);
    tensor_release(typed);
    tensor_release(narrow);
    return result;
}

/* An object that is equal to itself for ever, such as a number of NumPy's: nobody can tell whether it was copied. */
static bool is_value(const Py_buffer *buffer)
{
    return buffer->readonly && buffer->ndim == 0 && buffer->obj != NULL &&
           Py_TYPE(buffer->obj)->tp_hash != PyObject_HashNotImplemented && !PyMemoryView_Check(buffer->obj);
}

/* A date or a duration of NumPy, whose buffer says that its eight bytes are eight numbers. */
static bool is_date(const Py_buffer *buffer)
{
    const char *name = buffer->readonly && buffer->obj != NULL ? Py_TYPE(buffer->obj)->tp_name : "";
    return strcmp(name, "numpy.datetime64") == 0 || strcmp(name, "numpy.timedelta64") == 0;
}

tensor_t *buffer_import(PyObject *data, const Request *request)
{
    Py_buffer *buffer = owner_new_buffer();
    if (buffer == NULL) {
        return NULL;
    }
    if (PyObject_GetBuffer(data, buffer, PyBUF_RECORDS_RO) < 0) {
        owner_free_buffer(buffer);
        return NULL;
    }
    if (is_date(buffer)) {
        error_format(TENSOR_ERROR_DTYPE, "no dtype for a %s", Py_TYPE(data)->tp_name);
        owner_release_buffer(buffer);
        return NULL;
    }
    int64_t shape[TENSOR_MAX_NDIM], strides[TENSOR_MAX_NDIM];
    DLTensor descriptor;
    bool in_bytes;
    if (!buffer_describe(buffer, &descriptor, shape, strides, &in_bytes)) {
        owner_release_buffer(buffer);
        return NULL;
    }
    if (in_bytes) {
        tensor_t *made = import_bytes(buffer, &descriptor, shape, strides, request);
        owner_release_buffer(buffer);
        return made;
    }
    tensor_options_t options = request_options(request);
    if (is_value(buffer) && options.copy == TENSOR_COPY_IF_NEEDED) {
        options.copy = TENSOR_COPY_ALWAYS;
    } else if (buffer->readonly) {
        options.flags |= TENSOR_FLAG_READ_ONLY;
    }
    return create_adopt(&descriptor, &options, owner_release_buffer, buffer);
}

/* What a buffer that was handed out needs until it comes back. */
typedef struct {
    DLManagedTensorVersioned *managed;
    Py_ssize_t shape[TENSOR_MAX_NDIM], strides[TENSOR_MAX_NDIM];
} Handed;

static int refuse(tensor_status_t status, const char *why)
{
    error_refuse_buffer(status, why);
    return -1;
}

/* An export like one of DLPack: it is counted where the memory is on a loan. */
static int get_buffer(PyObject *self, Py_buffer *view, int flags)
{
    tensor_t *handle = wrapper_handle(self);
    view->obj = NULL;
    const char *format = dtype_buffer_format(tensor_dtype(handle));
    if (format == NULL) {
        return refuse(TENSOR_ERROR_DTYPE, "buffers have no format for the dtype of this tensor");
    }
    if (!device_is_reachable(tensor_device(handle))) {
        return refuse(TENSOR_ERROR_DEVICE, "the processor does not reach the memory of this tensor");
    }
    if ((flags & PyBUF_WRITABLE) && tensor_is_read_only(handle)) {
        return refuse(TENSOR_ERROR_READ_ONLY, "the tensor is read-only");
    }
    DLManagedTensorVersioned *managed = NULL;
    tensor_status_t status = tensor_to_dlpack(handle, NULL, &managed);
    if (status != TENSOR_OK) {
        error_raise_buffer(status);
        return -1;
    }
    Handed *handed = PyMem_Malloc(sizeof *handed);
    if (handed == NULL) {
        managed->deleter(managed);
        PyErr_NoMemory();
        return -1;
    }
    static char nothing[16];
    const DLTensor *tensor = &managed->dl_tensor;
    int64_t itemsize = dtype_bytes(tensor->dtype);
    handed->managed = managed;
    for (int32_t i = 0; i < tensor->ndim; i++) {
        handed->shape[i] = (Py_ssize_t)tensor->shape[i];
        handed->strides[i] = (Py_ssize_t)(tensor->strides[i] * itemsize);
    }
    *view = (Py_buffer){
        .buf = tensor->data == NULL ? nothing : (char *)tensor->data + tensor->byte_offset,
        .len = (Py_ssize_t)tensor_nbytes(handle),
        .itemsize = (Py_ssize_t)itemsize,
        .readonly = (managed->flags & DLPACK_FLAG_BITMASK_READ_ONLY) != 0,
        .ndim = tensor->ndim,
        .format = flags & PyBUF_FORMAT ? (char *)format : NULL,
        .shape = flags & PyBUF_ND ? handed->shape : NULL,
        .strides = (flags & PyBUF_STRIDES) == PyBUF_STRIDES ? handed->strides : NULL,
        .internal = handed,
    };
    Py_buffer whole = *view;
    whole.shape = handed->shape;
    whole.strides = handed->strides;
    bool fits = ((flags & PyBUF_STRIDES) == PyBUF_STRIDES || tensor_is_contiguous(handle)) &&
                ((flags & PyBUF_C_CONTIGUOUS) != PyBUF_C_CONTIGUOUS || tensor_is_contiguous(handle)) &&
                ((flags & PyBUF_F_CONTIGUOUS) != PyBUF_F_CONTIGUOUS || PyBuffer_IsContiguous(&whole, 'F')) &&
                ((flags & PyBUF_ANY_CONTIGUOUS) != PyBUF_ANY_CONTIGUOUS || PyBuffer_IsContiguous(&whole, 'A'));
    if (!fits) {
        managed->deleter(managed);
        PyMem_Free(handed);
        return refuse(TENSOR_ERROR_COPY_NEEDED, "the tensor is not contiguous in the way that was asked for");
    }
    Py_INCREF(self);
    view->obj = self;
    return 0;
}

static void release_buffer(PyObject *self, Py_buffer *view)
{
    (void)self;
    Handed *handed = view->internal;
    handed->managed->deleter(handed->managed);
    PyMem_Free(handed);
}

PyBufferProcs buffer_procs = {get_buffer, release_buffer};

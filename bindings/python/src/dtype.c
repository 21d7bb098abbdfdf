/* Dtypes as objects, and what other packages call them. */
#include "core.h"

typedef struct {
    PyObject_HEAD
    DLDataType dtype;
    PyObject *name;
} Dtype;

/* From the number of a dtype to its object, and from whatever names one: filled as needed. */
static PyObject *by_number, *by_any;

static long number_of(DLDataType dtype)
{
    return (long)dtype.code << 24 | (long)dtype.bits << 16 | (long)dtype.lanes;
}

PyObject *dtype_object(DLDataType dtype)
{
    PyObject *number = PyLong_FromLong(number_of(dtype));
    if (number == NULL) {
        return NULL;
    }
    PyObject *found = PyDict_GetItemWithError(by_number, number);
    if (found != NULL || PyErr_Occurred()) {
        Py_DECREF(number);
        Py_XINCREF(found);
        return found;
    }
    char name[32];
    tensor_status_t status = tensor_dtype_name(&dtype, name, sizeof name, NULL);
    if (status != TENSOR_OK) {
        Py_DECREF(number);
        return error_raise(status);
    }
    Dtype *made = PyObject_New(Dtype, &DtypeType);
    if (made != NULL) {
        made->dtype = dtype;
        made->name = PyUnicode_InternFromString(name);
        if (made->name == NULL || PyDict_SetItem(by_number, number, (PyObject *)made) < 0) {
            Py_CLEAR(made);
        }
    }
    Py_DECREF(number);
    return (PyObject *)made;
}

static void dtype_dealloc(PyObject *self)
{
    Py_XDECREF(((Dtype *)self)->name);
    PyObject_Free(self);
}

static PyObject *dtype_repr(PyObject *self)
{
    return PyUnicode_FromFormat("astensor.%U", ((Dtype *)self)->name);
}

static PyObject *dtype_str(PyObject *self)
{
    PyObject *name = ((Dtype *)self)->name;
    Py_INCREF(name);
    return name;
}

static PyObject *dtype_reduce(PyObject *self, PyObject *unused)
{
    (void)unused;
    return Py_BuildValue("O(O)", (PyObject *)&DtypeType, ((Dtype *)self)->name);
}

static PyObject *dtype_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    (void)type;
    static char *names[] = {"dtype", NULL};
    PyObject *object;
    DLDataType dtype;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "O:dtype", names, &object) || !dtype_read(object, &dtype)) {
        return NULL;
    }
    return dtype_object(dtype);
}

enum { CODE, BITS, LANES, ITEMSIZE };

static PyObject *get_number(PyObject *self, void *which)
{
    DLDataType dtype = ((Dtype *)self)->dtype;
    switch ((intptr_t)which) {
    case CODE:
        return PyLong_FromLong(dtype.code);
    case BITS:
        return PyLong_FromLong(dtype.bits);
    case LANES:
        return PyLong_FromLong(dtype.lanes);
    default:
        return PyLong_FromLongLong(dtype_bytes(dtype));
    }
}

static PyObject *get_name(PyObject *self, void *unused)
{
    (void)unused;
    return dtype_str(self);
}

static PyObject *get_numpy(PyObject *self, void *unused)
{
    (void)unused;
    return module_call("numpy_dtype", "O", ((Dtype *)self)->name);
}

/* What other packages call the same dtype is equal to it: NumPy's objects, types, and names. */
static PyObject *dtype_compare(PyObject *self, PyObject *other, int operation)
{
    if ((operation != Py_EQ && operation != Py_NE) || other == Py_None || exchange_offers(other)) {
        Py_RETURN_NOTIMPLEMENTED;
    }
    bool same = self == other;
    if (!same && !Py_IS_TYPE(other, &DtypeType)) {
        DLDataType dtype;
        if (!dtype_read(other, &dtype)) {
            PyErr_Clear();
            Py_RETURN_NOTIMPLEMENTED;
        }
        same = dtype_same(dtype, ((Dtype *)self)->dtype);
    }
    return PyBool_FromLong(same == (operation == Py_EQ));
}

static PyGetSetDef dtype_getters[] = {
    {"name", get_name, NULL, "The name, such as 'float32'.", NULL},
    {"code", get_number, NULL, "The DLPack type code.", (void *)CODE},
    {"bits", get_number, NULL, "Bits of a lane.", (void *)BITS},
    {"lanes", get_number, NULL, "Lanes: 1 for a scalar.", (void *)LANES},
    {"itemsize", get_number, NULL, "Bytes of an element that is stored on its own.", (void *)ITEMSIZE},
    {"numpy", get_numpy, NULL, "NumPy's dtype for it (of ml_dtypes, where NumPy has none).", NULL},
    {"dtype", get_numpy, NULL, "The same: where NumPy wants a dtype, it looks here.", NULL},
    {"__numpy_dtype__", get_numpy, NULL, "The same: where NumPy 2.4 wants a dtype, it looks here.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyMethodDef dtype_methods[] = {
    {"__reduce__", dtype_reduce, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

PyTypeObject DtypeType = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "astensor.dtype",
    .tp_doc = "The type of an element. There is one object for each dtype.",
    .tp_basicsize = sizeof(Dtype),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_dealloc = dtype_dealloc,
    .tp_repr = dtype_repr,
    .tp_str = dtype_str,
    .tp_richcompare = dtype_compare,
    .tp_new = dtype_new,
    .tp_methods = dtype_methods,
    .tp_getset = dtype_getters,
};

bool dtype_read(PyObject *object, DLDataType *out)
{
    if (Py_IS_TYPE(object, &DtypeType)) {
        *out = ((Dtype *)object)->dtype;
        return true;
    }
    PyObject *known = PyDict_GetItemWithError(by_any, object);
    if (known != NULL) {
        *out = ((Dtype *)known)->dtype;
        return true;
    }
    if (PyErr_Occurred()) {
        return false; /* Not hashable. */
    }
    const char *text = PyUnicode_Check(object) ? PyUnicode_AsUTF8(object) : NULL;
    if (text == NULL && PyErr_Occurred()) {
        return false;
    }
    if (text == NULL || tensor_dtype_from_name(text, out) != TENSOR_OK) {
        PyObject *name = module_call("dtype_name", "O", object);
        const char *other = name == NULL ? NULL : PyUnicode_AsUTF8(name);
        tensor_status_t status = other == NULL ? TENSOR_OK : tensor_dtype_from_name(other, out);
        Py_XDECREF(name);
        if (other == NULL || status != TENSOR_OK) {
            if (other != NULL) {
                error_raise(status);
            }
            return false;
        }
    }
    PyObject *found = dtype_object(*out);
    if (found == NULL) {
        return false;
    }
    int set = PyDict_GET_SIZE(by_any) < 1000 ? PyDict_SetItem(by_any, object, found) : 0;
    Py_DECREF(found);
    return set == 0;
}

int dtype_prepare(PyObject *module)
{
    static const char *const names[] = {
        "bool", "int1", "uint1", "int2", "uint2", "int4", "uint4", "int8", "uint8", "int16", "uint16", "int32", "uint32",
        "int64", "uint64", "float16", "bfloat16", "float32", "float64", "complex32", "complex64", "complex128",
        "float8_e3m4", "float8_e4m3", "float8_e4m3b11fnuz", "float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2",
        "float8_e5m2fnuz", "float8_e8m0fnu", "float6_e2m3fn", "float6_e3m2fn", "float4_e2m1fn", NULL,
    };
    by_number = PyDict_New();
    by_any = PyDict_New();
    DtypeType.tp_hash = PyBaseObject_Type.tp_hash; /* There is one object for each. */
    if (by_number == NULL || by_any == NULL || PyType_Ready(&DtypeType) < 0) {
        return -1;
    }
    for (int i = 0; names[i] != NULL; i++) {
        DLDataType dtype;
        if (tensor_dtype_from_name(names[i], &dtype) != TENSOR_OK) {
            continue; /* A library without it. */
        }
        PyObject *object = dtype_object(dtype);
        if (object == NULL || PyModule_AddObject(module, names[i], object) < 0) {
            Py_XDECREF(object);
            return -1;
        }
    }
    return 0;
}

static const struct {
    uint8_t code, bits;
    const char *format;
} formats[] = {
    {kDLBool, 8, "?"}, {kDLInt, 8, "b"}, {kDLInt, 16, "h"}, {kDLInt, 32, "i"}, {kDLInt, 64, "q"}, {kDLUInt, 8, "B"},
    {kDLUInt, 16, "H"}, {kDLUInt, 32, "I"}, {kDLUInt, 64, "Q"}, {kDLFloat, 16, "e"}, {kDLFloat, 32, "f"},
    {kDLFloat, 64, "d"}, {kDLComplex, 64, "Zf"}, {kDLComplex, 128, "Zd"},
};

const char *dtype_buffer_format(DLDataType dtype)
{
    for (size_t i = 0; dtype.lanes == 1 && i < sizeof formats / sizeof formats[0]; i++) {
        if (formats[i].code == dtype.code && formats[i].bits == dtype.bits) {
            return formats[i].format;
        }
    }
    return NULL;
}

static bool is_foreign_order(char order)
{
    return order == (PY_LITTLE_ENDIAN ? '>' : '<') || (PY_LITTLE_ENDIAN && order == '!');
}

static bool refuse_order(const char *format)
{
    error_format(TENSOR_ERROR_DTYPE,
                 "data of format '%s' is %s-endian, which is not the native byte order: convert it first, "
                 "for an array by array.astype(array.dtype.newbyteorder('='))",
                 format, PY_LITTLE_ENDIAN ? "big" : "little");
    return false;
}

bool dtype_of_buffer_format(const char *format, Py_ssize_t itemsize, DLDataType *out)
{
    const char *at = format == NULL ? "B" : format;
    bool foreign = is_foreign_order(*at);
    if (*at != '\0' && strchr("@=<>!^", *at) != NULL) {
        at++;
    }
    int code = -1;
    if (at[0] == 'Z' && at[1] != '\0' && at[2] == '\0' && strchr("efd", at[1]) != NULL) {
        code = kDLComplex;
    } else if (at[0] != '\0' && at[1] == '\0') {
        code = strchr("bhilqn", *at) ? kDLInt : strchr("BHILQNc", *at) ? kDLUInt : strchr("efd", *at) ? kDLFloat
               : *at == '?' ? kDLBool : -1;
    }
    if (code < 0 || itemsize < 1 || itemsize > 16) {
        error_format(TENSOR_ERROR_DTYPE, "no dtype for elements of format '%s' and %zd bytes", format == NULL ? "B" : format,
                     itemsize);
        return false;
    }
    if (foreign && itemsize > 1) {
        return refuse_order(format);
    }
    *out = (DLDataType){(uint8_t)code, (uint8_t)(itemsize * 8), 1};
    return true;
}

bool dtype_of_typestr(PyObject *array, const char *typestr, DLDataType *out)
{
    char order = typestr[0], kind = typestr[0] == '\0' ? '\0' : typestr[1];
    long itemsize = kind == '\0' ? 0 : strtol(typestr + 2, NULL, 10);
    if (is_foreign_order(order) && itemsize > 1) {
        return refuse_order(typestr);
    }
    /* A float of one byte is none of NumPy's own. */
    int code = kind == 'i' ? kDLInt : kind == 'u' ? kDLUInt : kind == 'f' && itemsize > 1 ? kDLFloat : kind == 'c' ? kDLComplex
               : kind == 'b' ? kDLBool : -1;
    if (code >= 0 && itemsize >= 1 && itemsize <= 16) {
        *out = (DLDataType){(uint8_t)code, (uint8_t)(itemsize * 8), 1};
        return true;
    }
    /* Dtypes that NumPy got from elsewhere are opaque here, and have names there. */
    PyObject *dtype = kind == 'V' || kind == 'f' ? PyObject_GetAttrString(array, "dtype") : NULL;
    if (dtype == NULL) {
        PyErr_Clear();
        error_format(TENSOR_ERROR_DTYPE, "no dtype for elements of type '%s'", typestr);
        return false;
    }
    bool found = dtype_read(dtype, out);
    Py_DECREF(dtype);
    return found;
}

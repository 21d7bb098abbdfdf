/*
 * Numbers and lists, as the tree of nodes that tensor_from_value() reads.
 *
 * A list of floats, integers or bools only becomes one run of numbers, which is a node. A run has a dtype of its own, and
 * Python's numbers have none: so, unless memory is among them, the dtype that all the numbers mean is asked for. If memory
 * is, the tree is built again without runs, and the library finds the common dtype.
 */
#include "core.h"

enum { SEEN_BOOL = 1, SEEN_INTEGER = 2, SEEN_REAL = 4, SEEN_COMPLEX = 8, SEEN_MEMORY = 16, SEEN_RUN = 32 };
enum { RUN_MINIMUM = 4 };

/* A block of memory that lives as long as the tree. */
typedef struct Block {
    struct Block *next;
} Block;

/* A tensor that a node points to. */
typedef struct Kept {
    struct Kept *next;
    tensor_t *tensor;
} Kept;

typedef struct {
    Block *blocks;
    Kept *kept;
    PyObject *shared; /* Lists that are in the tree more than once: from their address to their node, or None. */
    unsigned seen;
    bool runs;
} Tree;

static void *tree_allocate(Tree *tree, Py_ssize_t count, size_t size)
{
    enum { HEAD = 16 };
    Block *block = (size_t)count > (PY_SSIZE_T_MAX - HEAD) / size ? NULL : PyMem_Malloc(HEAD + (size_t)count * size);
    if (block == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    block->next = tree->blocks;
    tree->blocks = block;
    return (char *)block + HEAD;
}

static void tree_clear(Tree *tree)
{
    for (Kept *kept = tree->kept; kept != NULL; kept = kept->next) {
        tensor_release(kept->tensor);
    }
    tree->kept = NULL;
    for (Block *block = tree->blocks; block != NULL;) {
        Block *next = block->next;
        PyMem_Free(block);
        block = next;
    }
    tree->blocks = NULL;
    Py_CLEAR(tree->shared);
    tree->seen = 0;
}

bool value_is_number(PyObject *data)
{
    return PyNumber_Check(data) || PyIndex_Check(data) || (PySequence_Check(data) && !PyUnicode_Check(data));
}

static bool read_integer(Tree *tree, PyObject *object, tensor_value_t *out)
{
    int overflow;
    long long number = PyLong_AsLongLongAndOverflow(object, &overflow);
    if (overflow == 0) {
        tree->seen |= SEEN_INTEGER;
        *out = tensor_value_signed(number);
        return !(number == -1 && PyErr_Occurred());
    }
    unsigned long long natural = overflow > 0 ? PyLong_AsUnsignedLongLong(object) : 0;
    if (overflow < 0 || PyErr_Occurred()) {
        PyErr_Clear();
        error_format(TENSOR_ERROR_OVERFLOW, "%R is out of range for every integer dtype", object);
        return false;
    }
    tree->seen |= SEEN_INTEGER;
    *out = tensor_value_unsigned(natural);
    return true;
}

/* Numbers that are neither Python's own nor memory: Fraction, Decimal, sympy, IntEnum. */
static bool read_other(Tree *tree, PyObject *object, tensor_value_t *out)
{
    if (PyIndex_Check(object)) {
        PyObject *index = PyNumber_Index(object);
        bool done = index != NULL && read_integer(tree, index, out);
        Py_XDECREF(index);
        return done;
    }
    if (PyComplex_Check(object)) {
        Py_complex number = PyComplex_AsCComplex(object);
        tree->seen |= SEEN_COMPLEX;
        *out = tensor_value_complex(number.real, number.imag);
        return !PyErr_Occurred();
    }
    double number = PyFloat_AsDouble(object);
    if (number == -1 && PyErr_Occurred()) {
        if (PyErr_ExceptionMatches(PyExc_TypeError)) {
            PyErr_Clear();
            error_format(TENSOR_ERROR_DTYPE, "a %.200s is no number, and has no memory", Py_TYPE(object)->tp_name);
        }
        return false;
    }
    tree->seen |= SEEN_REAL;
    *out = tensor_value_real(number);
    return true;
}

static bool read_list(Tree *tree, PyObject *object, int depth, tensor_value_t *out);

static bool read_node(Tree *tree, PyObject *object, int depth, tensor_value_t *out)
{
    if (PyFloat_CheckExact(object)) {
        tree->seen |= SEEN_REAL;
        *out = tensor_value_real(PyFloat_AS_DOUBLE(object));
        return true;
    }
    if (PyBool_Check(object)) {
        tree->seen |= SEEN_BOOL;
        *out = tensor_value_bool(object == Py_True);
        return true;
    }
    if (PyLong_CheckExact(object)) {
        return read_integer(tree, object, out);
    }
    if (PyComplex_CheckExact(object)) {
        Py_complex number = PyComplex_AsCComplex(object);
        tree->seen |= SEEN_COMPLEX;
        *out = tensor_value_complex(number.real, number.imag);
        return true;
    }
    if (PyList_CheckExact(object) || PyTuple_CheckExact(object)) {
        return read_list(tree, object, depth, out);
    }
    if (PyUnicode_Check(object) || PyBytes_Check(object)) {
        error_format(TENSOR_ERROR_DTYPE, "a %.200s is no number", Py_TYPE(object)->tp_name);
        return false;
    }
    Request as_it_is = {.copy = TENSOR_COPY_IF_NEEDED};
    tensor_t *memory = create_from_memory(object, &as_it_is);
    if (memory != NULL) {
        Kept *kept = tree_allocate(tree, 1, sizeof *kept);
        if (kept == NULL) {
            tensor_release(memory);
            return false;
        }
        *kept = (Kept){tree->kept, memory};
        tree->kept = kept;
        tree->seen |= SEEN_MEMORY;
        *out = tensor_value_tensor(memory);
        return true;
    }
    if (PyErr_Occurred()) {
        return false;
    }
    if (PySequence_Check(object) && !PyNumber_Check(object)) {
        return read_list(tree, object, depth, out);
    }
    return read_other(tree, object, out);
}

/* The items of a list from the first on, as long as they are of the first one's type: in `*data`. All of them, or it is no
 * run, which is no error. */
static bool read_run(Tree *tree, PyObject *items, Py_ssize_t count, tensor_value_t *out, bool *done)
{
    PyObject **item = PySequence_Fast_ITEMS(items);
    PyTypeObject *type = Py_TYPE(item[0]);
    DLDataType dtype;
    Py_ssize_t i = 0;
    *done = false;
    if (type == &PyFloat_Type) {
        double *data = tree_allocate(tree, count, sizeof *data);
        for (; data != NULL && i < count && PyFloat_CheckExact(item[i]); i++) {
            data[i] = PyFloat_AS_DOUBLE(item[i]);
        }
        dtype = (DLDataType){kDLFloat, 64, 1};
        *out = tensor_value_run(data, dtype, count);
        tree->seen |= i == count ? SEEN_REAL : 0;
    } else if (type == &PyLong_Type) {
        int64_t *data = tree_allocate(tree, count, sizeof *data);
        int overflow = 0;
        for (; data != NULL && i < count && PyLong_CheckExact(item[i]); i++) {
            data[i] = PyLong_AsLongLongAndOverflow(item[i], &overflow);
            if (overflow != 0) {
                break;
            }
        }
        dtype = (DLDataType){kDLInt, 64, 1};
        *out = tensor_value_run(data, dtype, count);
        tree->seen |= i == count ? SEEN_INTEGER : 0;
    } else if (type == &PyBool_Type) {
        uint8_t *data = tree_allocate(tree, count, sizeof *data);
        for (; data != NULL && i < count && PyBool_Check(item[i]); i++) {
            data[i] = item[i] == Py_True;
        }
        dtype = (DLDataType){kDLBool, 8, 1};
        *out = tensor_value_run(data, dtype, count);
        tree->seen |= i == count ? SEEN_BOOL : 0;
    } else if (type == &PyComplex_Type) {
        Py_complex *data = tree_allocate(tree, count, sizeof *data);
        for (; data != NULL && i < count && PyComplex_CheckExact(item[i]); i++) {
            data[i] = PyComplex_AsCComplex(item[i]);
        }
        dtype = (DLDataType){kDLComplex, 128, 1};
        *out = tensor_value_run(data, dtype, count);
        tree->seen |= i == count ? SEEN_COMPLEX : 0;
    } else {
        return true;
    }
    if (PyErr_Occurred()) {
        return false;
    }
    *done = i == count;
    tree->seen |= *done ? SEEN_RUN : 0;
    return true;
}

/* Where in the objects of a type their one element lies, as in the numbers of NumPy: the buffer of one of them tells. */
static bool find_element(PyObject *object, Py_ssize_t *offset, DLDataType *dtype)
{
    PyTypeObject *type = Py_TYPE(object);
    Py_buffer buffer;
    if (type->tp_itemsize != 0 || PyObject_GetBuffer(object, &buffer, PyBUF_RECORDS_RO) < 0) {
        PyErr_Clear();
        return false;
    }
    *offset = (char *)buffer.buf - (char *)object;
    bool inside = buffer.ndim == 0 && buffer.readonly && buffer.obj == object && *offset >= (Py_ssize_t)sizeof(PyObject) &&
                  *offset <= type->tp_basicsize - buffer.itemsize &&
                  dtype_of_buffer_format(buffer.format, buffer.itemsize, dtype);
    PyBuffer_Release(&buffer);
    PyErr_Clear();
    return inside;
}

/* The items of a list of NumPy's numbers of one type: a run that has the dtype of that type, as memory has. */
static bool read_typed_run(Tree *tree, PyObject *items, Py_ssize_t count, tensor_value_t *out, bool *done)
{
    PyObject *first = PySequence_Fast_GET_ITEM(items, 0);
    PyTypeObject *type = Py_TYPE(first);
    Py_ssize_t offset, i = 0;
    DLDataType dtype;
    *done = false;
    if (!PyObject_CheckBuffer(first)) {
        return true;
    }
    Py_INCREF(first);
    bool found = find_element(first, &offset, &dtype) && PySequence_Fast_GET_SIZE(items) == count;
    Py_DECREF(first);
    if (!found) {
        return true;
    }
    PyObject **item = PySequence_Fast_ITEMS(items);
    size_t size = (size_t)dtype_bytes(dtype);
    char *data = tree_allocate(tree, count, size);
    for (; data != NULL && i < count && Py_IS_TYPE(item[i], type); i++) {
        memcpy(data + (size_t)i * size, (char *)item[i] + offset, size);
    }
    *out = tensor_value_run(data, dtype, count);
    *done = i == count;
    tree->seen |= *done ? SEEN_MEMORY : 0;
    return data != NULL;
}

static bool read_items(Tree *tree, PyObject *object, int depth, tensor_value_t *out)
{
    PyObject *items = PySequence_Fast(object, "expected a sequence");
    if (items == NULL) {
        return false;
    }
    Py_ssize_t count = PySequence_Fast_GET_SIZE(items);
    bool done = false, well = true;
    if (tree->runs && count >= RUN_MINIMUM) {
        well = read_run(tree, items, count, out, &done);
    }
    if (well && !done && count >= RUN_MINIMUM) {
        well = read_typed_run(tree, items, count, out, &done);
    }
    tensor_value_t *nodes = well && !done && count > 0 ? tree_allocate(tree, count, sizeof *nodes) : NULL;
    well = well && (done || count == 0 || nodes != NULL);
    for (Py_ssize_t i = 0; well && !done && i < count; i++) {
        /* Python code may run in between. */
        if (i >= PySequence_Fast_GET_SIZE(items)) {
            PyErr_SetString(PyExc_RuntimeError, "a list changed while it was read");
            well = false;
            break;
        }
        PyObject *item = PySequence_Fast_GET_ITEM(items, i);
        Py_INCREF(item);
        well = read_node(tree, item, depth + 1, &nodes[i]);
        Py_DECREF(item);
    }
    if (well && !done) {
        *out = tensor_value_list(nodes, count);
    }
    Py_DECREF(items);
    return well;
}

/* Lists that others refer to as well may be in the tree more than once: they are read once, or there would be no end to a
 * few lists that are each twice in the next. */
static bool read_list(Tree *tree, PyObject *object, int depth, tensor_value_t *out)
{
    if (depth > TENSOR_MAX_NDIM) {
        error_format(TENSOR_ERROR_SHAPE, "more than %d lists are inside each other", TENSOR_MAX_NDIM);
        return false;
    }
    if (Py_REFCNT(object) <= 2) { /* The list around, and read_items(). */
        return read_items(tree, object, depth, out);
    }
    PyObject *key = PyLong_FromVoidPtr(object);
    if (key == NULL || (tree->shared == NULL && (tree->shared = PyDict_New()) == NULL)) {
        Py_XDECREF(key);
        return false;
    }
    PyObject *known = PyDict_GetItemWithError(tree->shared, key);
    bool well = known != NULL || !PyErr_Occurred();
    if (known == Py_None) {
        error_format(TENSOR_ERROR_SHAPE, "a list contains itself");
        well = false;
    } else if (known != NULL) {
        *out = *(tensor_value_t *)PyLong_AsVoidPtr(known);
    } else if (well) {
        tensor_value_t *kept = tree_allocate(tree, 1, sizeof *kept);
        well = kept != NULL && PyDict_SetItem(tree->shared, key, Py_None) == 0 && read_items(tree, object, depth, kept);
        PyObject *address = well ? PyLong_FromVoidPtr(kept) : NULL;
        well = address != NULL && PyDict_SetItem(tree->shared, key, address) == 0;
        Py_XDECREF(address);
        if (well) {
            *out = *kept;
        }
    }
    Py_DECREF(key);
    return well;
}

/* The dtype that numbers of Python mean. */
static bool meaning(unsigned seen, DLDataType *out)
{
    DLDataType real = tensor_default_dtype();
    if (seen & SEEN_COMPLEX) {
        uint8_t bits = real.code == kDLFloat && real.bits == 64 ? 128 : real.code == kDLFloat && real.bits == 16 ? 32 : 64;
        *out = (DLDataType){kDLComplex, bits, 1};
    } else if (seen & SEEN_REAL) {
        *out = real;
    } else if (seen & SEEN_INTEGER) {
        *out = (DLDataType){kDLInt, 64, 1};
    } else {
        return false;
    }
    return true;
}

tensor_t *value_import(PyObject *data, const Request *request)
{
    Tree tree = {.runs = true};
    tensor_value_t root;
    bool well = read_node(&tree, data, 0, &root);
    if (well && (tree.seen & SEEN_MEMORY) && (tree.seen & SEEN_RUN)) {
        tree_clear(&tree);
        tree.runs = false;
        well = read_node(&tree, data, 0, &root);
    }
    tensor_t *made = NULL;
    if (well) {
        tensor_options_t options = request_options(request);
        DLDataType dtype;
        if (options.dtype == NULL && (tree.seen & SEEN_RUN) && meaning(tree.seen, &dtype)) {
            options.dtype = &dtype;
        }
        tensor_status_t status;
        if (tree.seen & (SEEN_RUN | SEEN_MEMORY)) {
            Py_BEGIN_ALLOW_THREADS
            status = tensor_from_value(&root, &options, &made);
            Py_END_ALLOW_THREADS
        } else {
            status = tensor_from_value(&root, &options, &made);
        }
        if (status != TENSOR_OK) {
            error_raise(status);
        }
    }
    tree_clear(&tree);
    return made;
}

"""The parts of the C interface that the Python tests use, declared for ctypes. Not a test itself."""

import ctypes as c

import numpy as np


class DLDevice(c.Structure):
    _fields_ = [("device_type", c.c_int32), ("device_id", c.c_int32)]


class DLDataType(c.Structure):
    _fields_ = [("code", c.c_uint8), ("bits", c.c_uint8), ("lanes", c.c_uint16)]


class DLTensor(c.Structure):
    _fields_ = [
        ("data", c.c_void_p),
        ("device", DLDevice),
        ("ndim", c.c_int32),
        ("dtype", DLDataType),
        ("shape", c.POINTER(c.c_int64)),
        ("strides", c.POINTER(c.c_int64)),
        ("byte_offset", c.c_uint64),
    ]


class Versioned(c.Structure):
    pass


class Legacy(c.Structure):
    pass


VERSIONED_DELETER = c.CFUNCTYPE(None, c.POINTER(Versioned))
LEGACY_DELETER = c.CFUNCTYPE(None, c.POINTER(Legacy))
Versioned._fields_ = [
    ("major", c.c_uint32),
    ("minor", c.c_uint32),
    ("manager_ctx", c.c_void_p),
    ("deleter", VERSIONED_DELETER),
    ("flags", c.c_uint64),
    ("dl_tensor", DLTensor),
]
Legacy._fields_ = [("dl_tensor", DLTensor), ("manager_ctx", c.c_void_p), ("deleter", LEGACY_DELETER)]


class Options(c.Structure):
    _fields_ = [
        ("struct_size", c.c_uint32),
        ("flags", c.c_uint32),
        ("dtype", c.POINTER(DLDataType)),
        ("device", c.POINTER(DLDevice)),
        ("copy", c.c_int32),
        ("casting", c.c_int32),
        ("overflow", c.c_int32),
        ("reserved", c.c_int32),
        ("alignment", c.c_size_t),
        ("nbytes", c.c_size_t),
        ("loan", c.c_void_p),
        ("deleter", c.c_void_p),
        ("deleter_ctx", c.c_void_p),
    ]

    def __init__(self, **fields):
        super().__init__(struct_size=c.sizeof(Options), **fields)


READ_ONLY, SUBBYTE_PADDED = 1, 8
CPU = 1
KINDS = {"i": 0, "u": 1, "f": 2, "c": 5, "b": 6}

PyCapsule_New = c.pythonapi.PyCapsule_New
PyCapsule_New.argtypes, PyCapsule_New.restype = [c.c_void_p, c.c_char_p, c.c_void_p], c.py_object
PyCapsule_IsValid = c.pythonapi.PyCapsule_IsValid
PyCapsule_IsValid.argtypes = [c.py_object, c.c_char_p]
PyCapsule_GetPointer = c.pythonapi.PyCapsule_GetPointer
PyCapsule_GetPointer.argtypes, PyCapsule_GetPointer.restype = [c.py_object, c.c_char_p], c.c_void_p
PyCapsule_SetName = c.pythonapi.PyCapsule_SetName
PyCapsule_SetName.argtypes = [c.py_object, c.c_char_p]


class Error(Exception):
    """A call that failed: the name of its status, and the message."""


class Library:
    def __init__(self, path):
        self.c = c.CDLL(path)
        self.c.tensor_status_name.restype = c.c_char_p
        self.c.tensor_last_error.restype = c.c_char_p
        self.c.tensor_view.restype = c.POINTER(DLTensor)
        self.c.tensor_view.argtypes = [c.c_void_p]
        self.c.tensor_release.argtypes = [c.c_void_p]
        self.c.tensor_release.restype = None
        self.c.tensor_is_read_only.restype = c.c_bool
        self.c.tensor_is_read_only.argtypes = [c.c_void_p]
        self.c.tensor_use_count.restype = c.c_uint64
        self.c.tensor_use_count.argtypes = [c.c_void_p]

    def call(self, name, *arguments):
        status = getattr(self.c, name)(*arguments)
        if status:
            message = self.c.tensor_last_error().decode()
            raise Error(self.c.tensor_status_name(status).decode(), message)

    def make(self, name, *arguments):
        """A call that makes a tensor."""
        out = c.c_void_p()
        self.call(name, *arguments, c.byref(out))
        return Tensor(self, out)

    def as_tensor(self, array, dtype=None, **options):
        return self._from_array("tensor_as_tensor", array, dtype, options)

    def copy(self, array, dtype=None, **options):
        return self._from_array("tensor_copy", array, dtype, options)

    def _from_array(self, name, array, dtype, options):
        data, keep = describe(array)
        if dtype is not None:
            options["dtype"] = c.pointer(dtype)
        tensor = self.make(name, c.byref(data), c.byref(Options(**options)))
        tensor.keep = (array, keep)
        return tensor

    def from_capsule(self, capsule):
        """Takes a tensor over as a consumer does: the capsule is renamed once it is."""
        if PyCapsule_IsValid(capsule, b"dltensor_versioned"):
            pointer = c.c_void_p(PyCapsule_GetPointer(capsule, b"dltensor_versioned"))
            tensor = self.make("tensor_from_dlpack", c.byref(pointer), None)
            PyCapsule_SetName(capsule, b"used_dltensor_versioned")
        else:
            pointer = c.c_void_p(PyCapsule_GetPointer(capsule, b"dltensor"))
            tensor = self.make("tensor_from_dlpack_legacy", c.byref(pointer), None)
            PyCapsule_SetName(capsule, b"used_dltensor")
        assert pointer.value is None, "the pointer becomes NULL when ownership moves"
        return tensor


def describe(array):
    """A descriptor of an array, and what it points to. Small dtypes are found by their names."""
    shape = (c.c_int64 * max(array.ndim, 1))(*array.shape)
    item = array.itemsize or 1
    strides = (c.c_int64 * max(array.ndim, 1))(*(s // item for s in array.strides))
    data = DLTensor(array.__array_interface__["data"][0], DLDevice(CPU, 0), array.ndim, dl_dtype(array.dtype), shape, strides, 0)
    return data, (shape, strides)


SMALL = {
    "bfloat16": (4, 16), "float8_e3m4": (7, 8), "float8_e4m3": (8, 8), "float8_e4m3b11fnuz": (9, 8),
    "float8_e4m3fn": (10, 8), "float8_e4m3fnuz": (11, 8), "float8_e5m2": (12, 8), "float8_e5m2fnuz": (13, 8),
    "float8_e8m0fnu": (14, 8), "float6_e2m3fn": (15, 6), "float6_e3m2fn": (16, 6), "float4_e2m1fn": (17, 4),
    "int2": (0, 2), "int4": (0, 4), "uint2": (1, 2), "uint4": (1, 4),
}


def dl_dtype(dtype):
    dtype = np.dtype(dtype)
    if dtype.name in SMALL:
        return DLDataType(*SMALL[dtype.name], 1)
    return DLDataType(KINDS[dtype.kind], dtype.itemsize * 8, 1)


def dtype_of_name(name):
    """The DLDataType of a name such as float32."""
    if name in SMALL:
        return DLDataType(*SMALL[name], 1)
    if name == "bool":
        return DLDataType(KINDS["b"], 8, 1)
    kind = name.rstrip("0123456789")
    return DLDataType(KINDS[kind[0]], int(name[len(kind):]), 1)


def is_subbyte(dtype):
    return SMALL.get(np.dtype(dtype).name, (0, 8))[1] < 8


class Tensor:
    """A handle with the methods that consumers of DLPack call."""

    def __init__(self, library, handle):
        self.library, self.handle, self.keep = library, handle, None

    def __del__(self):
        self.library.c.tensor_release(self.handle)

    @property
    def view(self):
        return self.library.c.tensor_view(self.handle).contents

    @property
    def shape(self):
        return tuple(self.view.shape[: self.view.ndim])

    @property
    def strides(self):
        return tuple(self.view.strides[: self.view.ndim])

    @property
    def is_read_only(self):
        return self.library.c.tensor_is_read_only(self.handle)

    @property
    def use_count(self):
        return self.library.c.tensor_use_count(self.handle)

    def bytes(self):
        """The bytes of a contiguous tensor."""
        self.library.c.tensor_nbytes.restype = c.c_int64
        size = self.library.c.tensor_nbytes(self.handle)
        return c.string_at(self.view.data, size) if size else b""

    def shares_memory(self, other):
        shared = c.c_bool()
        self.library.call("tensor_shares_memory", self.handle, other.handle, c.byref(shared))
        return shared.value

    def __dlpack_device__(self):
        return (self.view.device.device_type, self.view.device.device_id)

    def __dlpack__(self, *, stream=None, max_version=None, dl_device=None, copy=None):
        if max_version is not None and max_version[0] >= 1:
            managed = c.POINTER(Versioned)()
            options = Options(copy={None: 0, False: 1, True: 2}[copy])
            self.library.call("tensor_to_dlpack", self.handle, c.byref(options), c.byref(managed))
            return PyCapsule_New(managed, b"dltensor_versioned", c.cast(_destroy_versioned, c.c_void_p))
        managed = c.POINTER(Legacy)()
        self.library.call("tensor_to_dlpack_legacy", self.handle, None, c.byref(managed))
        return PyCapsule_New(managed, b"dltensor", c.cast(_destroy_legacy, c.c_void_p))


# A destructor gets its capsule while that is being freed, so it must not take a reference: the pointer stays a number.
_IsValid = c.PYFUNCTYPE(c.c_int, c.c_void_p, c.c_char_p)(("PyCapsule_IsValid", c.pythonapi))
_GetPointer = c.PYFUNCTYPE(c.c_void_p, c.c_void_p, c.c_char_p)(("PyCapsule_GetPointer", c.pythonapi))


@c.PYFUNCTYPE(None, c.c_void_p)
def _destroy_versioned(capsule):
    if _IsValid(capsule, b"dltensor_versioned"):
        managed = c.cast(_GetPointer(capsule, b"dltensor_versioned"), c.POINTER(Versioned))
        managed.contents.deleter(managed)


@c.PYFUNCTYPE(None, c.c_void_p)
def _destroy_legacy(capsule):
    if _IsValid(capsule, b"dltensor"):
        managed = c.cast(_GetPointer(capsule, b"dltensor"), c.POINTER(Legacy))
        managed.contents.deleter(managed)

"""Shares memory between NumPy and astensor, both ways, through nothing but ctypes.

    python numpy_share.py [path/to/libastensor.so]

The library may also be named by the variable ASTENSOR_LIBRARY; without either it is that of `make build`.
What `torch.as_tensor` does for an array, `tensor_as_tensor` does here: no copy, the same memory on both sides.
"""

import ctypes as c
import os
import pathlib
import sys

import numpy as np


# The parts of dlpack_types.h and astensor.h that this program uses.

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


class DLManagedTensorVersioned(c.Structure):
    pass


class Options(c.Structure):
    _fields_ = [
        ("struct_size", c.c_uint32),
        ("flags", c.c_uint32),
        ("dtype", c.c_void_p),
        ("device", c.c_void_p),
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


DELETER = c.CFUNCTYPE(None, c.POINTER(DLManagedTensorVersioned))
DLManagedTensorVersioned._fields_ = [
    ("major", c.c_uint32),
    ("minor", c.c_uint32),
    ("manager_ctx", c.c_void_p),
    ("deleter", DELETER),
    ("flags", c.c_uint64),
    ("dl_tensor", DLTensor),
]

READ_ONLY = 1
KINDS = {"i": 0, "u": 1, "f": 2, "c": 5, "b": 6}
CPU = 1


def load(path):
    library = c.CDLL(str(path))
    handle, out = c.c_void_p, c.POINTER(c.c_void_p)
    library.tensor_as_tensor.argtypes = [c.POINTER(DLTensor), c.c_void_p, out]
    library.tensor_copy.argtypes = [c.POINTER(DLTensor), c.c_void_p, out]
    library.tensor_view.argtypes, library.tensor_view.restype = [handle], c.POINTER(DLTensor)
    library.tensor_release.argtypes, library.tensor_release.restype = [handle], None
    library.tensor_to_dlpack.argtypes = [handle, c.c_void_p, c.POINTER(c.POINTER(DLManagedTensorVersioned))]
    library.tensor_last_error.restype = c.c_char_p
    return library


class Tensor:
    """A handle, and what NumPy needs to take its memory: `__dlpack__`."""

    def __init__(self, library, handle, lender=None):
        self.library = library
        self.handle = handle
        self.lender = lender  # Its memory must outlive the handle and what is exported from it.
        self.capsule = None

    @classmethod
    def make(cls, library, function, array, lender=None):
        if array.dtype.kind not in KINDS or not array.dtype.isnative:
            raise ValueError(f"there is no DLPack dtype for {array.dtype!r}")
        if any(s % array.itemsize for s in array.strides):
            raise ValueError(f"strides {array.strides} are not whole elements of {array.itemsize} bytes")
        shape = (c.c_int64 * array.ndim)(*array.shape)
        # DLPack counts strides in elements.
        strides = (c.c_int64 * array.ndim)(*(s // array.itemsize for s in array.strides))
        dtype = DLDataType(KINDS[array.dtype.kind], array.itemsize * 8, 1)
        data = DLTensor(array.ctypes.data, DLDevice(CPU, 0), array.ndim, dtype, shape, strides, 0)
        options = Options(c.sizeof(Options), 0 if array.flags.writeable else READ_ONLY)
        handle = c.c_void_p()
        if function(c.byref(data), c.byref(options), c.byref(handle)) != 0:
            raise RuntimeError(library.tensor_last_error().decode())
        return cls(library, handle, lender)

    @property
    def address(self):
        return self.library.tensor_view(self.handle).contents.data

    def __dlpack_device__(self):
        return (CPU, 0)

    def __dlpack__(self, *, stream=None, max_version=None, dl_device=None, copy=None):
        if max_version is None or max_version[0] < 1:
            raise BufferError("this example speaks DLPack 1.x only")
        if copy or dl_device not in (None, (CPU, 0)):
            raise BufferError("this example shares, on the processor; it makes no copy for a consumer")
        managed = c.POINTER(DLManagedTensorVersioned)()
        if self.library.tensor_to_dlpack(self.handle, None, c.byref(managed)) != 0:
            raise BufferError(self.library.tensor_last_error().decode())
        # The consumer renames the capsule when it takes the tensor over; if none does, this destructor gives it back. We
        # keep a reference: a consumer that fails lets go while its error is pending, when Python code cannot run.
        self.capsule = new_capsule(managed, b"dltensor_versioned", destroy_capsule)
        return self.capsule

    def release(self):
        self.capsule = None
        self.library.tensor_release(self.handle)
        self.handle = None

    __del__ = release


CAPSULE_DESTRUCTOR = c.CFUNCTYPE(None, c.c_void_p)
new_capsule = c.pythonapi.PyCapsule_New
new_capsule.argtypes, new_capsule.restype = [c.c_void_p, c.c_char_p, CAPSULE_DESTRUCTOR], c.py_object
capsule_is_valid = c.pythonapi.PyCapsule_IsValid
capsule_is_valid.argtypes = [c.c_void_p, c.c_char_p]
capsule_pointer = c.pythonapi.PyCapsule_GetPointer
capsule_pointer.argtypes, capsule_pointer.restype = [c.c_void_p, c.c_char_p], c.POINTER(DLManagedTensorVersioned)


@CAPSULE_DESTRUCTOR
def destroy_capsule(capsule):
    if capsule_is_valid(capsule, b"dltensor_versioned"):
        managed = capsule_pointer(capsule, b"dltensor_versioned")
        managed.contents.deleter(managed)


def main():
    built = pathlib.Path(__file__).resolve().parent.parent / "target/release/libastensor.so"
    path = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("ASTENSOR_LIBRARY", built)
    library = load(pathlib.Path(path).resolve())

    array = np.array([1, 2, 3])
    tensor = Tensor.make(library, library.tensor_as_tensor, array, lender=array)
    print(f"array   {array} at {array.ctypes.data:#x}")
    print(f"tensor  at {tensor.address:#x}: the same memory")
    assert tensor.address == array.ctypes.data

    # NumPy takes the tensor's memory through DLPack: a second array over the same bytes.
    back = np.from_dlpack(tensor)
    assert back.ctypes.data == array.ctypes.data
    array[0] = -1
    assert back[0] == -1
    print(f"array[0] = -1: seen through the tensor as {back}")
    back[2] = 30
    assert array[2] == 30
    print(f"written through the tensor: the array is {array}")

    copy = Tensor.make(library, library.tensor_copy, array)
    independent = np.from_dlpack(copy)
    array[1] = 99
    assert copy.address != array.ctypes.data and independent[1] == 2
    print(f"tensor_copy is independent: array {array}, copy {independent}")

    # NumPy keeps the copy's memory alive by itself.
    copy.release()
    assert independent.tolist() == [-1, 2, 30]

    # Any strides are borrowed as they are.
    backwards = array[::-1]
    reversed_tensor = Tensor.make(library, library.tensor_as_tensor, backwards, lender=array)
    assert np.from_dlpack(reversed_tensor).tolist() == [30, 99, -1]
    assert np.shares_memory(np.from_dlpack(reversed_tensor), array)
    print(f"array[::-1] borrowed without a copy: {np.from_dlpack(reversed_tensor)}")
    reversed_tensor.release()
    del back
    tensor.release()


if __name__ == "__main__":
    main()

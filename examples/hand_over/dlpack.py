"""A tensor handed to PyTorch and JAX, and taken back, through DLPack: the same memory everywhere.

    python dlpack.py [path/to/libastensor.so]

A library that is not installed is skipped. The tensor is that of numpy_share.py: a handle and `__dlpack__`.
"""

import ctypes as c
import importlib
import pathlib
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import numpy_share as share


class DLManagedTensor(c.Structure):
    """What came before DLPack 1.0, and what some libraries still ask for."""


LEGACY_DELETER = c.CFUNCTYPE(None, c.POINTER(DLManagedTensor))
DLManagedTensor._fields_ = [("dl_tensor", share.DLTensor), ("manager_ctx", c.c_void_p), ("deleter", LEGACY_DELETER)]


@share.CAPSULE_DESTRUCTOR
def destroy_legacy_capsule(capsule):
    if share.capsule_is_valid(capsule, b"dltensor"):
        managed = c.cast(share.capsule_pointer(capsule, b"dltensor"), c.POINTER(DLManagedTensor))
        managed.contents.deleter(managed)


class Tensor(share.Tensor):
    """A tensor that consumers of both kinds of DLPack can take."""

    def __dlpack__(self, *, stream=None, max_version=None, dl_device=None, copy=None):
        if max_version is not None and max_version[0] >= 1:
            return super().__dlpack__(stream=stream, max_version=max_version, dl_device=dl_device, copy=copy)
        managed = c.c_void_p()
        if self.library.tensor_to_dlpack_legacy(self.handle, None, c.byref(managed)) != 0:
            raise BufferError(self.library.tensor_last_error().decode())
        self.capsule = share.new_capsule(managed, b"dltensor", destroy_legacy_capsule)
        return self.capsule


def aligned(count, dtype, to=64):
    """An array whose memory is at a multiple of so many bytes, which JAX wants in order not to copy."""
    dtype = np.dtype(dtype)
    space = np.zeros(count * dtype.itemsize + to, np.uint8)
    start = -space.ctypes.data % to
    return space[start : start + count * dtype.itemsize].view(dtype)


def with_torch(torch, library):
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    tensor = Tensor.make(library, library.tensor_as_tensor, array, lender=array)
    taken = torch.from_dlpack(tensor)
    assert taken.data_ptr() == tensor.address == array.ctypes.data and taken.shape == (2, 3)
    taken[0, 0] = 60
    assert array[0, 0] == 60
    array[1, 2] = -1
    assert taken[1, 2] == -1
    # The storage is kept by PyTorch, not by the handle.
    tensor.release()
    assert taken.sum().item() == array.sum()
    # And back: what PyTorch made is borrowed, here through NumPy.
    made = torch.arange(4, dtype=torch.int64)
    back = Tensor.make(library, library.tensor_as_tensor, made.numpy(), lender=made)
    assert back.address == made.data_ptr()


def with_jax(jax, library):
    array = aligned(6, np.float32)
    array[:] = range(6)
    tensor = Tensor.make(library, library.tensor_as_tensor, array, lender=array)
    # JAX takes its arrays for immutable: nobody may write the memory as long as it has it.
    taken = jax.dlpack.from_dlpack(tensor)
    assert taken.unsafe_buffer_pointer() == tensor.address == array.ctypes.data
    assert float(jax.numpy.sum(taken)) == 15
    # And back: the array's memory, which must not be written.
    made = jax.numpy.arange(4, dtype=jax.numpy.float32)
    seen = np.from_dlpack(made)
    back = Tensor.make(library, library.tensor_as_tensor, seen, lender=made)
    assert back.address == made.unsafe_buffer_pointer()
    if not seen.flags.writeable:
        assert not np.from_dlpack(back).flags.writeable


def main():
    built = pathlib.Path(__file__).resolve().parents[2] / "target/release/libastensor.so"
    library = share.load(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else built).resolve())
    library.tensor_to_dlpack_legacy.argtypes = [c.c_void_p, c.c_void_p, c.POINTER(c.c_void_p)]
    for name, use in (("torch", with_torch), ("jax", with_jax)):
        try:
            module = importlib.import_module(name)
            importlib.import_module(f"{name}.{'dlpack' if name == 'jax' else 'utils.dlpack'}")
        except ImportError:
            print(f"{name} is not installed: skipped")
            continue
        use(module, library)
        print(f"{name} {module.__version__}: the same memory, both ways")


main()

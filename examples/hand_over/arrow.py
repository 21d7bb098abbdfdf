"""Memory shared with Apache Arrow, both ways: its C data interface, buffers, fixed-size lists and tensors.

    python arrow.py [path/to/libastensor.so]

From Arrow: an array is exported by the C data interface, and the tensor adopts it. Arrow's `release` is the tensor's
deleter, so the array lives exactly as long as the last alias. To Arrow: a buffer on the tensor's memory keeps the tensor.
"""

import ctypes as c
import pathlib
import sys

import numpy as np

try:
    import pyarrow as pa
except ImportError:
    sys.exit(print("pyarrow is not installed: skipped"))

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import numpy_share as share


class ArrowArray(c.Structure):
    """The array of Arrow's C data interface."""


ArrowArray._fields_ = [
    ("length", c.c_int64),
    ("null_count", c.c_int64),
    ("offset", c.c_int64),
    ("n_buffers", c.c_int64),
    ("n_children", c.c_int64),
    ("buffers", c.POINTER(c.c_void_p)),
    ("children", c.POINTER(c.POINTER(ArrowArray))),
    ("dictionary", c.POINTER(ArrowArray)),
    ("release", c.c_void_p),
    ("private_data", c.c_void_p),
]


def from_arrow(library, array):
    """A read-only tensor on the memory of an array of float32, or of fixed-size lists of them, and what must be kept of it."""
    exported = ArrowArray()
    array._export_to_c(c.addressof(exported))
    if isinstance(array, pa.FixedSizeListArray):
        width = array.type.list_size
        values = exported.children[0].contents
        first, sizes = values.offset + exported.offset * width, (exported.length, width)
    else:
        values, first, sizes = exported, exported.offset, (exported.length,)
    if exported.null_count or values.null_count:
        raise ValueError("a tensor has no place for nulls")
    shape = (c.c_int64 * len(sizes))(*sizes)
    dtype = share.DLDataType(share.KINDS["f"], 32, 1)
    data = share.DLTensor(values.buffers[1], share.DLDevice(share.CPU, 0), len(sizes), dtype, shape, None, 4 * first)
    # `release(struct ArrowArray *)` has the form of a deleter: one pointer, no result. It may run on any thread. The struct
    # itself must be there until then.
    options = share.Options(c.sizeof(share.Options), share.READ_ONLY)
    options.deleter, options.deleter_ctx = exported.release, c.addressof(exported)
    handle = c.c_void_p()
    if library.tensor_as_tensor(c.byref(data), c.byref(options), c.byref(handle)) != 0:
        raise RuntimeError(library.tensor_last_error().decode())
    return share.Tensor(library, handle), exported


def from_arrow_and_back(library):
    numbers = pa.array([1, 2, 3, 4, 5, 6, 7, 8], pa.float32())[2:]  # begins inside its buffer
    address = numbers.buffers()[1].address + 2 * 4
    tensor, exported = from_arrow(library, numbers)
    del numbers
    assert tensor.address == address
    seen = np.from_dlpack(tensor)
    assert seen.tolist() == [3, 4, 5, 6, 7, 8] and not seen.flags.writeable
    # NumPy's alias is the last one: then, and not before, Arrow has its array back.
    tensor.release()
    assert exported.release and seen[0] == 3
    del seen
    assert not exported.release

    table = pa.FixedSizeListArray.from_arrays(pa.array(range(12), pa.float32()), 3)[1:]
    tensor, exported = from_arrow(library, table)
    rows = np.from_dlpack(tensor)
    assert rows.shape == (3, 3) and rows[0].tolist() == [3, 4, 5]
    assert tensor.address == table.flatten().buffers()[1].address + 3 * 4
    del rows
    tensor.release()
    assert not exported.release

    # What cannot be is refused, and the array is still ours to release.
    tensor, exported = from_arrow(library, pa.array([], pa.float32()))
    tensor.release()
    assert not exported.release


def to_arrow(library):
    array = np.arange(12, dtype=np.float32)
    tensor = share.Tensor.make(library, library.tensor_as_tensor, array, lender=array)
    buffer = pa.foreign_buffer(tensor.address, array.nbytes, base=tensor)
    assert buffer.address == array.ctypes.data
    # Rows of a column: fixed-size lists. Arrow takes its memory for immutable; that we write shows that it is shared.
    rows = pa.FixedSizeListArray.from_arrays(pa.Array.from_buffers(pa.float32(), 12, [None, buffer]), 4)
    assert rows[2].as_py() == [8, 9, 10, 11]
    array[8] = 80
    assert rows[2].as_py() == [80, 9, 10, 11]
    # And Arrow's own tensor, with strides.
    turned = pa.Tensor.from_numpy(np.from_dlpack(tensor).reshape(3, 4).T)
    assert turned.shape == (4, 3) and turned.strides == (4, 16)
    assert turned.to_numpy().ctypes.data == array.ctypes.data and turned.to_numpy()[0, 2] == 80


built = pathlib.Path(__file__).resolve().parents[2] / "target/release/libastensor.so"
loaded = share.load(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else built).resolve())
from_arrow_and_back(loaded)
to_arrow(loaded)
print(f"pyarrow {pa.__version__}: adopted through the C data interface, and lent as buffer, lists and tensor, without a copy")

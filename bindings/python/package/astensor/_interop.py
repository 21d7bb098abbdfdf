"""What is easier said in Python: the dtypes of NumPy, ml_dtypes and torch, arrays, and pickles. NumPy is imported when it is
needed only."""

import importlib
import pickle
import sys
from typing import Any, Optional, Tuple

from . import _core
from ._core import Tensor
from ._errors import TensorTypeError


def dtype_name(dtype: Any) -> str:
    """The library's name of another package's dtype, of a type such as float, or of one of NumPy's names."""
    module = type(dtype).__module__
    if module == "torch":
        return str(dtype).partition(".")[2]
    if dtype is None:
        raise unknown_dtype(dtype)
    plain = {bool: "bool", int: "int64", float: "float64", complex: "complex128"}
    if isinstance(dtype, type) and dtype in plain:
        return plain[dtype]
    if isinstance(dtype, str) and "numpy" not in sys.modules:
        raise unknown_dtype(dtype)
    try:
        numpy = importlib.import_module("numpy")
        found = numpy.dtype(dtype)
    except (ImportError, TypeError, ValueError):
        raise unknown_dtype(dtype) from None
    if found.kind not in "biufcV" or not found.name.isidentifier() or found.subdtype is not None:
        raise unknown_dtype(dtype)
    if not found.isnative:
        raise unknown_dtype(dtype, f"{found.str} is not the native byte order")
    return str(found.name)


def unknown_dtype(dtype: Any, why: Optional[str] = None) -> TensorTypeError:
    error = TensorTypeError(why or f"unknown dtype: {dtype!r}")
    error.status, error.status_name = 7, "TENSOR_ERROR_DTYPE"
    return error


def numpy_dtype(name: str) -> Any:
    """NumPy's dtype of a name, from ml_dtypes where NumPy has none."""
    numpy = importlib.import_module("numpy")
    try:
        return numpy.dtype(name)
    except TypeError:
        pass
    try:
        return numpy.dtype(getattr(importlib.import_module("ml_dtypes"), name))
    except (ImportError, AttributeError):
        raise TypeError(f"neither NumPy nor ml_dtypes has a dtype {name}: convert the tensor first, with .to()") from None


def numpy_view(tensor: Tensor) -> Any:
    """An array of the tensor's memory, never a copy."""
    numpy = importlib.import_module("numpy")
    name = tensor.dtype.name
    if tensor.device != "cpu" and not tensor.device.startswith(("cuda_host", "rocm_host", "cuda_managed")):
        raise TypeError(f"the memory is on {tensor.device}, where NumPy does not reach it")
    if name in BUFFERED:
        return numpy.asarray(memoryview(tensor))
    dtype = numpy_dtype(name)
    if tensor.dtype.bits < 8 and not tensor.is_subbyte_padded:
        raise TypeError(f"NumPy has a byte for each {name}, and these are packed: .to(padded=True) copies them apart")
    if tensor.dtype.bits < 8:
        return numpy.asarray(_core._padded_bytes(tensor)).view(dtype)
    return numpy.asarray(memoryview(tensor.view(f"uint{8 * dtype.itemsize}"))).view(dtype)


BUFFERED = frozenset(
    "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 complex64 complex128".split()
)


def numpy_array(tensor: Tensor, dtype: Any, copy: Optional[bool]) -> Any:
    """What __array__ returns: a copy where NumPy stores elements in another way."""
    packed = tensor.dtype.bits < 8 and not tensor.is_subbyte_padded
    if packed and copy is False:
        raise ValueError("a copy is needed: the elements are packed")
    array = numpy_view(tensor.to(padded=True) if packed else tensor)
    if dtype is not None and array.dtype != dtype:
        if copy is False:
            raise ValueError("a copy is needed: another dtype was asked for")
        return array.astype(dtype)
    return array.copy() if copy and not packed else array


def reduce(tensor: Tensor, protocol: int) -> Tuple[Any, ...]:
    """The way into a pickle: bytes, out of band where the protocol has that."""
    data: Any = None
    if protocol >= 5 and tensor.dtype.name in BUFFERED and tensor.is_contiguous() and tensor.device == "cpu":
        data = pickle.PickleBuffer(tensor)
    if data is None:
        data = tensor.tobytes()
    return rebuild, (data, tensor.dtype.name, tensor.shape, tensor.is_subbyte_padded)


def rebuild(data: Any, name: str, shape: Tuple[int, ...], padded: bool) -> Tensor:
    """The way out of a pickle. Bytes that came with it belong to nobody else, but Python's cannot be written."""
    tensor = _core.frombuffer(data, name, shape=shape, padded=padded)
    return tensor.copy() if isinstance(data, bytes) else tensor

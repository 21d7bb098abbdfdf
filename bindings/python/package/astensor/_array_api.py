"""Functions that the array API standard has for creating tensors and for asking about dtypes. Tensors have no arithmetic, so
they do not claim to be arrays of the standard: there is no `__array_namespace__`."""

import builtins
import cmath
import sys
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple, Union

from ._core import Tensor, as_tensor, dtype as _Dtype, empty, get_default_dtype, promote_types


def asarray(obj: Any, /, *, dtype: Any = None, device: Any = None, copy: Optional[bool] = None) -> Tensor:
    """The same as `as_tensor`."""
    return as_tensor(obj, dtype, device, copy=copy)


def full(shape: Union[int, Sequence[int]], fill_value: Any, *, dtype: Any = None, device: Any = None) -> Tensor:
    """A tensor of one value."""
    value = as_tensor(fill_value, dtype)
    made = empty(shape, value.dtype, device)
    made[...] = value
    return made


def zeros(shape: Union[int, Sequence[int]], *, dtype: Any = None, device: Any = None) -> Tensor:
    """A tensor of zeros, of the default dtype unless told otherwise."""
    return full(shape, 0, dtype=get_default_dtype() if dtype is None else dtype, device=device)


def ones(shape: Union[int, Sequence[int]], *, dtype: Any = None, device: Any = None) -> Tensor:
    """A tensor of ones, of the default dtype unless told otherwise."""
    return full(shape, 1, dtype=get_default_dtype() if dtype is None else dtype, device=device)


def arange(start: Any, /, stop: Any = None, step: Any = 1, *, dtype: Any = None, device: Any = None) -> Tensor:
    """Numbers from `start` to below `stop`; from zero to below `start` if that is the only one."""
    if stop is None:
        start, stop = 0, start
    if builtins.all(isinstance(bound, int) for bound in (start, stop, step)):
        return as_tensor(range(start, stop, step), "int64" if dtype is None else dtype, device)
    count = -((start - stop) // step)
    return as_tensor([start + i * step for i in range(max(0, int(count)))], get_default_dtype() if dtype is None else dtype, device)


def astype(x: Tensor, dtype: Any, /, *, copy: bool = True, device: Any = None) -> Tensor:
    """The elements as another dtype: always a copy unless `copy` is False."""
    return x.to(dtype, device, copy=True if copy else None)


def reshape(x: Tensor, /, shape: Sequence[int], *, copy: Optional[bool] = None) -> Tensor:
    """The same as the method."""
    return x.reshape(shape, copy=copy)


def permute_dims(x: Tensor, /, axes: Sequence[int]) -> Tensor:
    """The same as the method `permute`."""
    return x.permute(axes)


def all(x: Tensor, /) -> Tensor:
    """Whether all elements are true, such as those of `a == b`."""
    return as_tensor(builtins.all(x.reshape(-1).to("bool").tolist()))


def isnan(x: Tensor, /) -> Tensor:
    """Which elements are no number."""
    unequal: Tensor = x != x
    return unequal


def isfinite(x: Tensor, /) -> Tensor:
    """Which elements are neither infinite nor NaN. For tests: element by element in Python."""
    return as_tensor([cmath.isfinite(element) for element in x.reshape(-1).tolist()], "bool").reshape(x.shape)


class FloatInfo(NamedTuple):
    """What `finfo` tells: about one of the two parts, for a complex dtype."""

    bits: int
    eps: float
    max: float
    min: float
    smallest_normal: float
    dtype: _Dtype


class IntInfo(NamedTuple):
    """What `iinfo` tells."""

    bits: int
    max: int
    min: int
    dtype: _Dtype


# Bits of the fraction, and the exponent of the smallest normal number.
_FORMATS: Dict[str, Tuple[int, int]] = {
    "float64": (52, -1022), "float32": (23, -126), "float16": (10, -14), "bfloat16": (7, -126),
    "float8_e3m4": (4, -2), "float8_e4m3": (3, -6), "float8_e4m3b11fnuz": (3, -10), "float8_e4m3fn": (3, -6),
    "float8_e4m3fnuz": (3, -7), "float8_e5m2": (2, -14), "float8_e5m2fnuz": (2, -15), "float8_e8m0fnu": (0, -127),
    "float6_e2m3fn": (3, 0), "float6_e3m2fn": (2, -2), "float4_e2m1fn": (1, 0),
}
_PARTS = {"complex32": "float16", "complex64": "float32", "complex128": "float64"}


def _dtype_of(type: Any) -> _Dtype:
    return type.dtype if isinstance(type, Tensor) else _Dtype(type)


def finfo(type: Any, /) -> FloatInfo:
    """Limits of a floating-point or complex dtype, or of that of a tensor."""
    dtype = _dtype_of(type)
    dtype = _Dtype(_PARTS.get(dtype.name, dtype.name))
    if dtype.name not in _FORMATS:
        raise TypeError(f"{dtype} is no floating-point dtype")
    fraction, exponent = _FORMATS[dtype.name]
    widest = sys.float_info.max
    lowest, highest = as_tensor([-widest, widest], "float64").to(dtype, overflow="saturate").tolist()
    if dtype.name == "float8_e8m0fnu":
        lowest = 2.0**exponent
    return FloatInfo(dtype.bits, 2.0**-fraction, highest, lowest, 2.0**exponent, dtype)


def iinfo(type: Any, /) -> IntInfo:
    """Limits of an integer dtype, or of that of a tensor."""
    dtype = _dtype_of(type)
    if not isdtype(dtype, "integral"):
        raise TypeError(f"{dtype} is no integer dtype")
    if isdtype(dtype, "unsigned integer"):
        return IntInfo(dtype.bits, 2**dtype.bits - 1, 0, dtype)
    return IntInfo(dtype.bits, 2 ** (dtype.bits - 1) - 1, -(2 ** (dtype.bits - 1)), dtype)


def isdtype(dtype: Any, kind: Any) -> bool:
    """Whether a dtype is another, or of a kind: 'bool', 'signed integer', 'unsigned integer', 'integral', 'real floating',
    'complex floating', 'numeric', or one of several in a tuple."""
    if isinstance(kind, tuple):
        return any(isdtype(dtype, one) for one in kind)
    name = _Dtype(dtype).name
    if not isinstance(kind, str):
        return name == _Dtype(kind).name
    kinds = {
        "bool": ("bool",), "signed integer": ("int",), "unsigned integer": ("uint",), "integral": ("int", "uint"),
        "real floating": ("float", "bfloat"), "complex floating": ("complex",),
        "numeric": ("int", "uint", "float", "bfloat", "complex"),
    }
    if kind not in kinds:
        raise ValueError(f"unknown kind of dtypes: {kind!r}")
    return name.split("_")[0].rstrip("0123456789") in kinds[kind]


def can_cast(from_: Any, to: Any, /) -> bool:
    """Whether a dtype, or that of a tensor, is promoted to another."""
    try:
        return promote_types(_dtype_of(from_), to) is _Dtype(to)
    except TypeError:
        return False


def result_type(*arrays_and_dtypes: Any) -> _Dtype:
    """The dtype in which all meet. Numbers of Python take part with their kind only."""
    numbers = [x for x in arrays_and_dtypes if isinstance(x, (bool, int, float, complex))]
    dtypes = [_dtype_of(x) for x in arrays_and_dtypes if not isinstance(x, (bool, int, float, complex))]
    if not arrays_and_dtypes:
        raise ValueError("at least one tensor, dtype or number is needed")
    if not dtypes:
        return as_tensor(numbers).dtype
    result = dtypes[0]
    for dtype in dtypes[1:]:
        result = promote_types(result, dtype)
    for number in numbers:
        if isinstance(number, complex) and not isdtype(result, "complex floating"):
            result = promote_types(result if isdtype(result, "real floating") else get_default_dtype(), "complex64")
        elif isinstance(number, float) and not isdtype(result, ("real floating", "complex floating")):
            result = get_default_dtype()
        elif isinstance(number, int) and not isinstance(number, bool) and isdtype(result, "bool"):
            result = _Dtype("int64")
    return result


class _NamespaceInfo:
    """What the standard's inspection functions tell of this package."""

    def capabilities(self) -> Dict[str, Any]:
        return {"boolean indexing": False, "data-dependent shapes": False, "max dimensions": 64}

    def default_device(self) -> str:
        return "cpu"

    def devices(self) -> List[str]:
        return ["cpu"]

    def default_dtypes(self, *, device: Any = None) -> Dict[str, _Dtype]:
        real = get_default_dtype()
        wide = _Dtype("complex128" if real.bits == 64 else "complex64" if real.bits == 32 else "complex32")
        return {"real floating": real, "complex floating": wide, "integral": _Dtype("int64"), "indexing": _Dtype("int64")}

    def dtypes(self, *, device: Any = None, kind: Any = None) -> Dict[str, _Dtype]:
        names = "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float32 float64 complex64 complex128".split()
        return {name: _Dtype(name) for name in names if kind is None or isdtype(name, kind)}


def __array_namespace_info__() -> _NamespaceInfo:
    return _NamespaceInfo()

"""Compares tensors of nested lists with what torch makes of them.

    python values.py path/to/libastensor.so [values.json]

tests/golden/make_values.py makes the file.
"""

import ctypes as c
import json
import pathlib
import sys

import ml_dtypes
import numpy as np

from abi import DLDataType, Error, Library, Options, dtype_of_name


class Value(c.Structure):
    pass


class List(c.Structure):
    _fields_ = [("items", c.POINTER(Value)), ("count", c.c_int64)]


class Run(c.Structure):
    _fields_ = [("data", c.c_void_p), ("count", c.c_int64)]


class Payload(c.Union):
    _fields_ = [
        ("integer", c.c_int64),
        ("natural", c.c_uint64),
        ("real", c.c_double),
        ("complex_parts", c.c_double * 2),
        ("list", List),
        ("run", Run),
        ("tensor", c.c_void_p),
    ]


Value._fields_ = [("kind", c.c_int32), ("dtype", DLDataType), ("payload", Payload)]
BOOL, SIGNED, UNSIGNED, REAL, COMPLEX, LIST, RUN, DESCRIPTOR, TENSOR = range(1, 10)
keep = []


def node(library, written):
    """A node of what the file has. What it points to is kept until all is over."""
    value = Value()
    match written:
        case bool():
            value.kind, value.payload.integer = BOOL, written
        case int() if written > 2**63 - 1:
            value.kind, value.payload.natural = UNSIGNED, written
        case int():
            value.kind, value.payload.integer = SIGNED, written
        case float():
            value.kind, value.payload.real = REAL, written
        case ["real", text]:
            value.kind, value.payload.real = REAL, float(text)
        case ["complex", real, imaginary]:
            value.kind, value.payload.complex_parts = COMPLEX, (real, imaginary)
        case ["tensor", dtype, number]:
            one = library.make("tensor_from_value", c.byref(node(library, number)), c.byref(Options(dtype=c.pointer(dtype_of_name(dtype)))))
            keep.append(one)
            value.kind, value.payload.tensor = TENSOR, one.handle.value
        case {"list": items}:
            nodes = (Value * max(len(items), 1))(*(node(library, item) for item in items))
            keep.append(nodes)
            value.kind, value.payload.list = LIST, List(nodes, len(items))
        case _:
            raise ValueError(written)
    return value


def as_float(dtype, data):
    """Floats with every NaN made the same: their bits are nobody's business."""
    name = {"complex64": "float32", "complex128": "float64", "complex32": "float16"}.get(dtype, dtype)
    if "float" not in name:
        return data
    kind = np.dtype(getattr(ml_dtypes, name, name))
    return [repr(float(number)) for number in np.frombuffer(data, kind)]


library = Library(sys.argv[1])
file = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else pathlib.Path(__file__).parent.parent / "golden" / "values.json")
cases = json.loads(file.read_text())
refused = 0
for case in cases:
    library.call("tensor_set_default_dtype", c.byref(dtype_of_name(case["default"])))
    options = Options(dtype=c.pointer(dtype_of_name(case["asked"]))) if case["asked"] else Options()
    try:
        tensor = library.make("tensor_from_value", c.byref(node(library, case["value"])), c.byref(options))
    except Error as error:
        refused += 1
        assert case["dtype"] is None, (case, error)
        continue
    assert case["dtype"] is not None, (case, "not refused")
    expected = dtype_of_name(case["dtype"])
    found = tensor.view.dtype
    assert (found.code, found.bits, found.lanes) == (expected.code, expected.bits, 1), (case, found.code, found.bits)
    assert list(tensor.shape) == case["shape"], (case, tensor.shape)
    left, right = as_float(case["dtype"], tensor.bytes()), as_float(case["dtype"], bytes.fromhex(case["bytes"]))
    assert left == right, (case, left, right)
assert len(cases) > 300 and refused > 20
print(f"{len(cases)} values equal torch's, {refused} of them refused as there")

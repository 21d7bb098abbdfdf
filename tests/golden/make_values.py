"""Makes values.json: nested lists, and the dtype, shape and bytes that torch.tensor() makes of them.

    python make_values.py [seed [count]] >values.json     # needs torch; the tests that read the file do not

A value is written as JSON: true, 3, 2.5 (["real", "nan"] for what JSON cannot write), ["complex", 1.0, 2.0],
["tensor", dtype, number], or {"list": [...]}. Only values that torch and this library treat alike are made; docs/values.md
names the others. Where torch has an error, so has every case: its dtype is null.
"""

import json
import math
import random
import sys

import torch

draw = random.Random(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
count = int(sys.argv[2]) if len(sys.argv) > 2 else 600

INTEGERS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32"]
FLOATS = ["float16", "bfloat16", "float32", "float64"]
OTHERS = ["bool", "float8_e4m3fn", "float8_e5m2", "complex64", "complex128"]


class Scalar:
    """A tensor of no dimensions."""

    def __init__(self, dtype, number):
        self.dtype, self.number = dtype, number

    def tensor(self):
        return torch.tensor(self.number, dtype=getattr(torch, self.dtype))


def leaf(kinds):
    kind = draw.choice(kinds)
    if kind == "bool":
        return draw.random() < 0.5
    if kind == "int":
        return draw.choice([draw.randint(0, 9), draw.randint(-3, 300), draw.randint(-(2**15), 2**16), draw.randint(-(2**53), 2**53)])
    if kind == "float":
        return draw.choice([draw.uniform(-2, 2), float(draw.randint(0, 200)), draw.choice([0.0, -0.0, 0.5, 1e300, 1e-300, math.inf, -math.inf, math.nan]),
                            draw.uniform(-300, 300)])
    if kind == "complex":
        return complex(draw.randint(-3, 3), draw.choice([0.5, -1.0, 0.0]))
    dtype = draw.choice(["int8", "uint8", "int32", "int64", "float16", "bfloat16", "float32", "float64", "bool", "complex64"])
    return Scalar(dtype, draw.randint(0, 1))


def nested(shape, kinds):
    if not shape:
        return leaf(kinds)
    return [nested(shape[1:], kinds) for _ in range(shape[0])]


def plain(value, of_scalar):
    if isinstance(value, list):
        return [plain(item, of_scalar) for item in value]
    return of_scalar(value) if isinstance(value, Scalar) else value


def written(value):
    if isinstance(value, list):
        return {"list": [written(item) for item in value]}
    if isinstance(value, Scalar):
        return ["tensor", value.dtype, value.number]
    if isinstance(value, complex):
        return ["complex", value.real, value.imag]
    if isinstance(value, float) and not math.isfinite(value):
        return ["real", repr(value)]
    return value


def flat(value):
    return [leaf for item in value for leaf in flat(item)] if isinstance(value, list) else [value]


def alike(value, dtype):
    """Whether torch does what is documented."""
    integers = [leaf for leaf in flat(value) if isinstance(leaf, int)]
    if any(not -(2**63) <= integer < 2**64 for integer in integers):
        return False
    # Torch makes integers of real numbers, but not of tensors of them, and floats of tensors of complex numbers.
    if dtype in FLOATS + OTHERS[1:3] and any(isinstance(leaf, Scalar) and "complex" in leaf.dtype for leaf in flat(value)):
        return False
    if dtype in INTEGERS + ["bool"] and any(isinstance(leaf, Scalar) and "int" not in leaf.dtype for leaf in flat(value)):
        return False
    # Torch takes negative integers modulo 2^bits.
    return not (dtype and dtype.startswith("uint") and any(integer < 0 for integer in integers))


cases = []


def add(value, dtype=None, default="float32"):
    if not alike(value, dtype):
        return
    case = {"value": written(value), "asked": dtype, "default": default, "dtype": None}
    torch.set_default_dtype(getattr(torch, default))
    try:
        made = torch.tensor(plain(value, Scalar.tensor), dtype=getattr(torch, dtype) if dtype else None)
        case["dtype"] = str(made.dtype).removeprefix("torch.")
        case["shape"] = list(made.shape)
        case["bytes"] = bytes(made.contiguous().reshape(-1).view(torch.uint8).tolist()).hex() if made.numel() else ""
    except (RuntimeError, TypeError, ValueError, OverflowError):
        pass
    torch.set_default_dtype(torch.float32)
    cases.append(case)


for default in ["float32", "float64", "float16"]:
    for value in [True, 3, 2.5, 1 + 2j, [], [[], []], [[[]], [[]]], [True, 2], [True, 2.5], [1, 2.5], [1, 2j], [2.5, 2j], [[1, 2], [3, 4.5]]]:
        add(value, default=default)
for dtype in INTEGERS:
    info = torch.iinfo(getattr(torch, dtype))
    for number in [info.min, info.max, info.min - 1, info.max + 1, float(info.min), info.min - 0.5, info.max + 0.5, info.max + 1.0,
                   math.nan, math.inf, 0.5, -0.5, -0.0, 1j, True]:
        add([number], dtype)
for dtype in FLOATS + OTHERS:
    for number in [0, 1, 2.5, math.nan, math.inf, 1e300, 70000, 500.0, -0.0, 1j, 1 + 0j, True, 2**53]:
        add([number], dtype)
for ragged in [[[1, 2], [3]], [[1, 2], 3], [1, [2, 3]], [[[1], [2]], [[3], [4, 5]]], [[1], [[2]]]]:
    add(ragged)
for _ in range(count):
    kinds = draw.choice([["bool"], ["int"], ["float"], ["complex"], ["bool", "int"], ["int", "float"], ["bool", "int", "float", "complex"],
                         ["tensor"], ["tensor", "int"], ["tensor", "float"], ["tensor", "bool"], ["tensor", "complex", "int"]])
    shape = [draw.randint(1, 4) for _ in range(draw.randint(0, 3))]
    value = nested(shape, kinds)
    asked = draw.choice([None, None, draw.choice(INTEGERS), draw.choice(FLOATS + OTHERS)])
    default = draw.choice(["float32", "float32", "float64"])
    add(value, asked, default)

print("[")
print(",\n".join(json.dumps(case) for case in cases))
print("]")

"""Makes text.json: tensors of many dtypes, shapes and options, with the text that torch prints of them.

    python make_text.py [seed [count]] >text.json     # needs torch; the tests that read the file do not

Every case has a dtype, a shape, strides (null: row-major), the bytes (in hexadecimal, or compressed by zlib in base64), print
options, the default dtype and the text, in which "torch." is taken away from the dtype.
"""

import base64
import json
import math
import random
import sys
import zlib

import torch

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 1
count = int(sys.argv[2]) if len(sys.argv) > 2 else 500
draw = random.Random(seed)
cases = []

INTEGERS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
FLOATS = ["float16", "bfloat16", "float32", "float64"]
SMALL = ["float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz", "float8_e8m0fnu"]
COMPLEX = ["complex32", "complex64", "complex128"]
ALL = ["bool"] + INTEGERS + FLOATS + SMALL + COMPLEX
USUAL = {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80, "sci_mode": None}


def raw_bytes(tensor):
    """The memory from the first element to the last that a tensor reaches; strides are not negative in torch."""
    if tensor.numel() == 0:
        return b""
    reach = 1 + sum((size - 1) * stride for size, stride in zip(tensor.shape, tensor.stride()))
    flat = torch.as_strided(tensor.detach(), (reach,), (1,))
    return bytes(flat.contiguous().view(torch.uint8).tolist())


def written(data):
    return data.hex() if len(data) <= 128 else "zlib:" + base64.b64encode(zlib.compress(data, 9)).decode()


def add(tensor, default="float32", requires_grad=False, **options):
    torch.set_printoptions(profile="default")
    torch.set_printoptions(**options)
    torch.set_default_dtype(getattr(torch, default))
    text = repr(tensor.detach().requires_grad_(requires_grad)).replace("dtype=torch.", "dtype=")
    torch.set_default_dtype(torch.float32)
    contiguous = tensor.is_contiguous()
    used = torch._tensor_str.get_printoptions()
    options = {name: used[name] for name in USUAL if used[name] != USUAL[name]}
    if options.get("threshold") == math.inf:
        options["threshold"] = 2**63 - 1
    cases.append({
        "dtype": str(tensor.dtype).removeprefix("torch."),
        "shape": list(tensor.shape),
        "strides": None if contiguous else list(tensor.stride()),
        "bytes": written(raw_bytes(tensor)),
        "default": default,
        "requires_grad": requires_grad,
        "options": options,
        "text": text,
    })


def of_bits(dtype, n):
    """Any bits at all."""
    if n == 0:
        return torch.empty(0, dtype=getattr(torch, dtype))
    size = torch.empty(0, dtype=getattr(torch, dtype)).element_size()
    data = bytearray(draw.randbytes(n * size))
    if dtype == "bool":
        data = bytearray(byte & 1 for byte in data)
    return torch.frombuffer(data, dtype=torch.uint8).view(getattr(torch, dtype))


def numbers(n):
    """Floating-point numbers of one of many sorts."""
    sort = draw.randrange(12)
    one = {
        0: lambda: float(draw.randint(-20, 20)),
        1: lambda: draw.uniform(-1, 1),
        2: lambda: draw.uniform(0, 1000),
        3: lambda: math.exp(draw.uniform(-20, 20)),
        4: lambda: draw.choice([1, -1]) * 10.0 ** draw.randint(-12, 12),
        5: lambda: draw.choice([0.0, -0.0, 1.0, -1.0, 0.5]),
        6: lambda: draw.gauss(0, 1) * 1e-5,
        7: lambda: draw.choice([1e8, 1e8 + 8, 99999999.0, 1.0]) * draw.choice([1, -1]),
        8: lambda: draw.choice([0.001, 1.0, 0.0001, 0.1, 0.00009999, 0.01]),
        9: lambda: float(draw.randint(0, 10**6)),
        10: lambda: draw.uniform(-1, 1) * 2.0 ** draw.randint(-1074, 1000),
        11: lambda: draw.randint(-64, 64) / 16 + draw.choice([0, 0.00005, 0.00015]),
    }[sort]
    values = [one() for _ in range(n)]
    if draw.random() < 0.3:
        for _ in range(draw.randint(1, max(1, n // 2))):
            if n:
                values[draw.randrange(n)] = draw.choice([math.nan, math.inf, -math.inf, 0.0, -0.0])
    return values


def elements(dtype, n):
    kind = getattr(torch, dtype)
    if draw.random() < 0.15:
        return of_bits(dtype, n)
    if dtype == "bool":
        return torch.tensor([draw.random() < draw.choice([0.1, 0.5, 1]) for _ in range(n)], dtype=kind)
    if dtype in INTEGERS:
        info = torch.iinfo(kind)
        limit = draw.choice([1, 10, 100, 10**4, 10**9, 2**64])
        low, high = max(info.min, -limit), min(info.max, limit)
        return torch.tensor([draw.randint(low, high) for _ in range(n)], dtype=kind)
    if dtype in COMPLEX:
        real, imaginary = numbers(n), numbers(n)
        return torch.tensor([complex(*pair) for pair in zip(real, imaginary)], dtype=torch.complex128).to(kind)
    return torch.tensor(numbers(n), dtype=torch.float64).to(torch.float32 if dtype in SMALL else kind).to(kind)


def shape():
    ndim = draw.choice([0, 1, 1, 1, 2, 2, 3, 4, 5])
    longest = {0: 1, 1: 40, 2: 12, 3: 5, 4: 3, 5: 2}[ndim]
    return [draw.choice([0, 1]) if draw.random() < 0.04 else draw.randint(1, longest) for _ in range(ndim)]


def options():
    chosen = {}
    if draw.random() < 0.4:
        chosen["precision"] = draw.choice([0, 1, 2, 3, 6, 8, 17, 40])
    if draw.random() < 0.3:
        chosen["threshold"] = draw.choice([0, 1, 5, 20, math.inf])
    if draw.random() < 0.3:
        chosen["edgeitems"] = draw.choice([0, 1, 2, 4, 10])
    if draw.random() < 0.3:
        chosen["linewidth"] = draw.choice([0, 1, 20, 40, 60, 79, 81, 100, 200])
    if draw.random() < 0.3:
        chosen["sci_mode"] = draw.choice([True, False])
    return chosen


def view(tensor):
    """Another layout, now and then."""
    if tensor.dim() >= 2 and draw.random() < 0.3:
        return tensor.transpose(0, tensor.dim() - 1)
    if tensor.dim() >= 1 and tensor.shape[0] > 2 and draw.random() < 0.2:
        return tensor[::2]
    return tensor


# What every dtype has: no elements, one, zeros, special values.
for dtype in ALL:
    kind = getattr(torch, dtype)
    for empty in [(0,), (2, 0), (0, 3), (1, 0, 2), (0,) * 8]:
        add(torch.empty(empty, dtype=kind))
    add(elements(dtype, 1).reshape(()))
    add(of_bits(dtype, 256))
    add(torch.zeros(3, dtype=torch.float32).to(kind))
for dtype in FLOATS + SMALL[:4] + COMPLEX:
    kind = getattr(torch, dtype)
    for values in [[math.nan], [math.inf, -math.inf], [-0.0], [0.0, -0.0, 1.5], [math.nan, 0.25], [math.inf, 3.0]]:
        add(torch.tensor(values, dtype=torch.float32).to(kind))
    if dtype not in SMALL:
        add(torch.tensor([1.0, 2.0], dtype=torch.float32).to(kind), requires_grad=True)
# Where the rules change.
for values in [[1000.0, 1.0], [1000.0001, 1.0], [1.0, 0.001], [1e8], [100000001.0], [1e-4], [9.9999e-5], [0.1, 100.0],
               [5e-324], [1.7976931348623157e308], [1.7976931348623157e308, 5e-324], [9.99999e99], [0.99995], [0.00005]]:
    for dtype in ["float64", "float32"]:
        add(torch.tensor(values, dtype=getattr(torch, dtype)))
        add(-torch.tensor(values, dtype=getattr(torch, dtype)), precision=2)
# Line lengths around the limit, suffixes included.
for n in range(15, 30):
    add(torch.arange(n, dtype=torch.int32))
    add(torch.arange(n, dtype=torch.int64) * 100, linewidth=n * 4)
    add(torch.zeros(n, dtype=torch.float64), requires_grad=True)
    add(torch.ones(2, n, dtype=torch.float16) / 3, linewidth=4 * n)
# Summaries.
for sizes in [(1000,), (1001,), (2, 501), (501, 2), (7, 143), (7, 7, 21), (6, 6, 30), (40, 50), (2, 2, 2, 126), (1, 1001), (1001, 1)]:
    for dtype in ["int16", "float16", "complex32"]:
        n = math.prod(sizes)
        kind = getattr(torch, dtype)
        tensor = torch.arange(n).remainder(97).to(torch.float32).to(kind).reshape(sizes)
        add(tensor)
        if dtype == "float16":
            for edge in [0, 1, 2, 5] + [600] * (sizes == (1001,)):
                add(tensor, edgeitems=edge)
add(torch.arange(3.0).expand(2**20, 2**20, 3))
add(torch.tensor(7, dtype=torch.uint8).expand(2**62))
add(torch.tensor(1.5).expand(1001, 1001), profile="short")
add(torch.arange(1200, dtype=torch.uint8), profile="full")
# Defaults other than float32.
for default in FLOATS:
    for dtype in FLOATS + COMPLEX + ["int64", "int32", "bool"]:
        kind = getattr(torch, dtype)
        add(torch.ones(2, dtype=kind), default=default)
        add(torch.ones((0, 2), dtype=kind), default=default)
# And anything.
for _ in range(count):
    sizes = shape()
    dtype = draw.choice(ALL)
    tensor = elements(dtype, math.prod(sizes)).reshape(sizes)
    grad = dtype in FLOATS + COMPLEX and draw.random() < 0.1
    add(view(tensor), requires_grad=grad, **options())

print("[")
print(",\n".join(json.dumps(case) for case in cases))
print("]")

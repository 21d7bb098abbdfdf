"""Copies and conversions beside NumPy, memcpy and, where it is installed, torch: a table, and a plot over size.

    python compare.py path/to/libastensor.so [--threads N] [--plot FILE.svg]

As many threads for each, one unless told otherwise; memcpy has one. Figures are GB/s of bytes read and written, the best of several rounds in one run: on a machine that is shared,
only their ratios mean something.
"""

import argparse
import ctypes as c
import math
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "tests", "python"))
import numpy as np
import ml_dtypes  # noqa: F401  (NumPy knows its dtypes by name from here on)

from abi import Library, describe

try:
    import torch
except ImportError:
    torch = None


def stretched(one, shape):
    """Repeated along dimensions of size 1."""
    return np.broadcast_to(one, shape) if isinstance(one, np.ndarray) else one.expand(shape)


# Arrays of ones of either library, made by its own functions.
LAYOUTS = {
    "contiguous": lambda n, ones, permute: ones((n, n)),
    "transposed": lambda n, ones, permute: permute(ones((n, n)), (1, 0)),
    "every second": lambda n, ones, permute: ones((n, 2 * n))[:, ::2],
    "reversed": lambda n, ones, permute: ones((n, n))[:, ::-1],
    "NCHW of NHWC": lambda n, ones, permute: permute(ones((4, n // 8, n // 8, 16)), (0, 3, 1, 2)),
    "repeated": lambda n, ones, permute: stretched(ones((n, 1)), (n, n)),
}
# Shapes in memory, and the order in which their dimensions are copied.
PERMUTATIONS = [
    ("float32", "float32", (8, 12, 512, 64), (0, 2, 1, 3)), ("bfloat16", "float32", (32, 12, 128, 64), (0, 2, 1, 3)),
    ("float32", "float32", (32, 64, 56, 56), (0, 2, 3, 1)), ("float32", "float32", (32, 56, 56, 64), (0, 3, 1, 2)),
    ("uint8", "float32", (64, 224, 224, 3), (0, 3, 1, 2)), ("float32", "float32", (64, 64, 64, 64), (3, 2, 1, 0)),
    ("uint8", "float32", (5, 7, 11, 13, 200), (4, 3, 2, 1, 0)), ("float32", "float32", (8,) * 7, tuple(range(7))[::-1]),
    ("float32", "float32", (2,) * 22, tuple(range(22))[::-1]), ("float32", "float32", (32, 64, 64, 7), (0, 1, 3, 2)),
    ("int64", "int64", (173, 173), (1, 0)), ("int16", "int16", (40000, 16, 16), (0, 2, 1)),
    ("float32", "float16", (40000, 16, 16), (0, 2, 1)), ("float32", "float32", (9, 20000, 9), (2, 1, 0)),
    ("float32", "float64", (9, 20000, 9), (2, 1, 0)), ("uint8", "uint8", (256, 500, 3), (2, 1, 0)),
]
ROWS = [
    ("float32", "float32", "contiguous"), ("float64", "float32", "contiguous"), ("float32", "float16", "contiguous"),
    ("float16", "float32", "contiguous"), ("float32", "bfloat16", "contiguous"), ("bfloat16", "float32", "contiguous"),
    ("uint8", "float32", "contiguous"), ("float32", "uint8", "contiguous"), ("int64", "int32", "contiguous"),
    ("int32", "float32", "contiguous"), ("bool", "float32", "contiguous"), ("float32", "float8_e4m3fn", "contiguous"),
    ("float8_e4m3fn", "float32", "contiguous"), ("float32", "float32", "transposed"), ("float64", "float32", "transposed"),
    ("float32", "float16", "transposed"), ("float32", "float32", "every second"), ("float32", "float32", "reversed"),
    ("float32", "float32", "NCHW of NHWC"), ("uint8", "float32", "NCHW of NHWC"), ("float32", "float32", "repeated"),
    ("float32", "bfloat16", "repeated"),
]


def best(call):
    """Seconds of one call: the best of rounds long enough to be timed."""
    call()
    start = time.perf_counter()
    call()
    count = max(1, int(0.01 / max(time.perf_counter() - start, 1e-7)))
    fastest = math.inf
    for _ in range(7):
        start = time.perf_counter()
        for _ in range(count):
            call()
        fastest = min(fastest, (time.perf_counter() - start) / count)
    return fastest


def measure(library, source_name, target_name, make):
    """GB/s of each; `make` makes the source of a library's functions for ones and permutations."""
    source = make(lambda shape: np.ones(shape, source_name), np.transpose)
    target = np.zeros(source.shape, target_name)
    read = math.prod(size for size, stride in zip(source.shape, source.strides) if stride) * source.itemsize
    moved = read + target.nbytes
    tensor = library.as_tensor(target)
    data, keep = describe(source)
    fill, handle, reference = library.c.tensor_copy_into, tensor.handle, c.byref(data)
    assert fill(handle, reference, None) == 0 and (target == 1).all(), keep
    seconds = {"astensor": best(lambda: fill(handle, reference, None))}
    seconds["NumPy"] = best(lambda: np.copyto(target, source, casting="unsafe"))
    forwards = all(stride >= 0 for stride in source.strides)  # torch knows no others
    if torch is not None and hasattr(torch, source_name) and hasattr(torch, target_name) and forwards:
        shaped = make(lambda shape: torch.ones(shape, dtype=getattr(torch, source_name)), torch.permute)
        into = torch.zeros(source.shape, dtype=getattr(torch, target_name))
        seconds["torch"] = best(lambda: into.copy_(shaped))
    # Of zeros, the system would let all pages be the same one until they are written.
    a, b = np.ones(moved // 2, np.uint8), np.ones(moved // 2, np.uint8)
    memcpy = c.CDLL(None).memcpy
    memcpy.argtypes = [c.c_void_p, c.c_void_p, c.c_size_t]
    addresses = (b.ctypes.data, a.ctypes.data, moved // 2)
    seconds["memcpy"] = best(lambda: memcpy(*addresses))
    return {name: moved / 1e9 / s for name, s in seconds.items()}


def plot(path, title, sides, curves):
    """Writes lines over element counts, both axes logarithmic."""
    width, height, left, bottom = 640, 400, 60, 50
    values = [v for curve in curves.values() for v in curve if v]
    low, high = math.log10(min(values)) - 0.1, math.log10(max(values)) + 0.1
    x = lambda i: left + i * (width - left - 130) / (len(sides) - 1)
    y = lambda v: height - bottom - (math.log10(v) - low) / (high - low) * (height - bottom - 40)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif" font-size="12">',
           f'<rect width="{width}" height="{height}" fill="white"/><text x="{left}" y="20">{title}, GB/s over elements</text>']
    for i, side in enumerate(sides):
        out.append(f'<text x="{x(i):.0f}" y="{height - bottom + 18}" text-anchor="middle">{side}²</text>')
    for tick in (0.1, 1, 2, 5, 10, 20, 50, 100, 200):
        if low <= math.log10(tick) <= high:
            out.append(f'<text x="{left - 8}" y="{y(tick) + 4:.0f}" text-anchor="end">{tick:g}</text>'
                       f'<line x1="{left}" x2="{x(len(sides) - 1):.0f}" y1="{y(tick):.0f}" y2="{y(tick):.0f}" stroke="#ddd"/>')
    for (name, curve), colour in zip(curves.items(), ("#c00", "#06c", "#e80", "#888")):
        points = " ".join(f"{x(i):.1f},{y(v):.1f}" for i, v in enumerate(curve) if v)
        out.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        out.append(f'<text x="{x(len(sides) - 1) + 8:.0f}" y="{y(curve[-1]) + 4:.0f}" fill="{colour}">{name}</text>')
    with open(path, "w") as file:
        file.write("\n".join(out + ["</svg>\n"]))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("library")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--plot")
    options = parser.parse_args()
    library = Library(options.library)
    library.c.tensor_set_num_threads(options.threads)
    if torch is not None:
        torch.set_num_threads(options.threads)
    library.c.tensor_copy_into.argtypes = [c.c_void_p, c.c_void_p, c.c_void_p]
    names = ["astensor", "NumPy", "torch", "memcpy"]
    print(f"{'':52}" + "".join(f"{name:>10}" for name in names) + f"{'/ best peer':>13}{'/ memcpy':>10}")
    cells = [
        (source, target, f"{layout}, {side}²", lambda ones, permute, l=layout, n=side: LAYOUTS[l](n, ones, permute))
        for source, target, layout in ROWS for side in (64, 1024, 4096)
    ]
    for source, target, shape, order in PERMUTATIONS:
        label = f"{'x'.join(map(str, shape))} by {''.join(map(str, order))}" if len(shape) < 10 else f"{shape[0]}^{len(shape)} turned round"
        cells.append((source, target, label, lambda ones, permute, s=shape, o=order: permute(ones(s), o)))
    ratios = []
    for source, target, label, make in cells:
        speed = measure(library, source, target, make)
        peer = max(speed[n] for n in ("NumPy", "torch") if n in speed)
        ratios.append(speed["astensor"] / peer)
        figures = "".join(f"{speed[n]:10.2f}" if n in speed else f"{'':>10}" for n in names)
        label = f"{source} -> {target}, {label}"
        print(f"{label:52}{figures}{ratios[-1]:13.2f}{speed['astensor'] / speed['memcpy']:10.2f}", flush=True)
    mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
    print(f"beside the faster peer: geometric mean {mean:.2f}, behind in {sum(r < 1 for r in ratios)} of {len(ratios)}")
    fresh(library)
    if options.plot:
        sides = [32, 64, 128, 256, 512, 1024, 2048, 4096]
        curves = {}
        for side in sides:
            for name, value in measure(library, "float64", "float32", lambda o, p: LAYOUTS["transposed"](side, o, p)).items():
                curves.setdefault(name, []).append(value)
        plot(options.plot, "float64 to float32, transposed", sides, curves)


def fresh(library):
    """A copy of 256 MB into memory that the system has to find first."""
    source = np.ones(64 << 20, np.float32)
    data, keep = describe(source)
    out = c.c_void_p()

    def ours():
        assert library.c.tensor_copy(c.byref(data), None, c.byref(out)) == 0, keep
        library.c.tensor_release(out)

    seconds = {"astensor": best(ours), "NumPy": best(source.copy)}
    if torch is not None:
        shared = torch.from_numpy(source)
        seconds["torch"] = best(shared.clone)
    figures = ", ".join(f"{name} {2 * source.nbytes / 1e9 / s:.1f}" for name, s in seconds.items())
    print(f"fresh copy of 256 MB of float32, GB/s: {figures}")


if __name__ == "__main__":
    main()

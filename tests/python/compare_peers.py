"""Compares conversions with NumPy and ml_dtypes, where those are right.

    python compare_peers.py path/to/libastensor.so

NumPy is right for float16 and the wide dtypes; ml_dtypes for float32 sources, and for its own dtypes to float32. Its float64
and integer conversions round twice and are not compared. NaN is compared by class and sign only.
"""

import sys

import ml_dtypes
import numpy as np

from abi import SMALL, SUBBYTE_PADDED, Library, dl_dtype, is_subbyte

library = Library(sys.argv[1])
compared = 0

WIDE = ["bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "float32", "float64",
        "complex64", "complex128"]
FLOATS = [name for name in SMALL if "float" in name]
TO_NAN = 1


def convert(array, dtype, overflow=0):
    flags = SUBBYTE_PADDED if is_subbyte(dtype) or is_subbyte(array.dtype) else 0
    tensor = library.copy(array, dl_dtype(dtype), flags=flags, overflow=overflow)
    return np.frombuffer(tensor.bytes(), dtype=np.dtype(dtype))


def same(name, source, found, expected):
    """Bits are equal, but for NaN: class and sign."""
    global compared
    compared += len(found)
    raw = f"u{found.dtype.itemsize}"
    if found.dtype.kind == "c":
        half = f"f{found.dtype.itemsize // 2}"
        same(name, np.repeat(source, 2), found.view(half), expected.view(half))
        return
    equal = found.view(raw) == expected.view(raw)
    if found.dtype.kind not in "iub":
        with np.errstate(all="ignore"):
            wide_found, wide_expected = found.astype(np.float32), expected.astype(np.float32)
        nan = np.isnan(wide_found) & np.isnan(wide_expected)
        # Formats with one NaN have no sign for it.
        signed = not any(kind in found.dtype.name for kind in ("fnuz", "e8m0"))
        equal |= nan & ((np.signbit(wide_found) == np.signbit(wide_expected)) | (not signed))
    if not equal.all():
        i = int(np.argmin(equal))
        print(f"{name}: {source[i]!r} gives {found[i]!r} ({found.view(raw)[i]:#x}), expected {expected[i]!r}"
              f" ({expected.view(raw)[i]:#x}); {np.count_nonzero(~equal)} differ")
        sys.exit(1)


def values(dtype):
    dtype = np.dtype(dtype)
    random = np.random.default_rng(3)
    if dtype.kind == "b":
        return np.array([False, True])
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        limits = [info.min, info.min + 1, 0, 1, info.max - 1, info.max]
        powers = [1 << k for k in range(dtype.itemsize * 8 - 1)]
        return np.concatenate([
            np.array(limits + powers, dtype=dtype), random.integers(info.min, info.max, 20000, dtype=dtype, endpoint=True)])
    if dtype.kind == "c":
        part = values(f"f{dtype.itemsize // 2}")
        return np.stack([part, np.roll(part, 7)], axis=1).reshape(-1).view(dtype)
    if dtype.itemsize == 2:
        return np.arange(1 << 16, dtype=np.uint16).view(dtype)
    raw = random.integers(0, 1 << dtype.itemsize * 8 - 1, 40000, dtype=np.uint64, endpoint=True).astype(f"u{dtype.itemsize}")
    spread = (random.standard_normal(40000) * 10.0 ** random.integers(-45, 39, 40000)).astype(dtype)
    limits = np.array([0, -0.0, np.inf, -np.inf, np.nan, 65504, 65519.99, 65520, 448, 464, 464.1, 57344, 61440, 240, 248,
                       3.4028235e38, 1e-45], dtype=dtype)
    halves = np.concatenate([np.arange(-300, 300) / 2, np.arange(1, 300) / 4096, 2.0 ** np.arange(-140, 120)]).astype(dtype)
    return np.concatenate([raw.view(dtype), spread, limits, halves])


def numpy_pairs():
    for source_name in WIDE:
        source = values(source_name)
        for target_name in WIDE:
            source_kind, target = np.dtype(source_name).kind, np.dtype(target_name)
            picked = source
            if source_kind in "fc" and target.kind in "iu":
                # Out of range is undefined in NumPy.
                info = np.iinfo(target)
                with np.errstate(all="ignore"):
                    real = source.real.astype(np.float64)
                    inside = np.isfinite(real) & (real > float(info.min) - 1) & (real < float(info.max))
                picked = source[inside]
            if source_kind == "c" and target.kind not in "cb":
                expected_source = picked.real
            else:
                expected_source = picked
            with np.errstate(all="ignore"):
                expected = expected_source.astype(target)
            same(f"{source_name} -> {target_name}", picked, convert(picked, target_name), expected)


def ml_dtypes_from_float32():
    source = values("float32")
    for name in SMALL:
        dtype = np.dtype(name)
        picked, overflow = source, TO_NAN
        if "int" in name:
            info = ml_dtypes.iinfo(name)
            picked = source[(source > float(info.min) - 1) & (source < float(info.max) + 1)]
        with np.errstate(all="ignore"):
            expected = picked.astype(dtype)
        if name in ("float6_e2m3fn", "float6_e3m2fn", "float4_e2m1fn"):
            # These have no NaN; what it becomes is -0 here.
            picked, expected = picked[~np.isnan(picked)], expected[~np.isnan(picked)]
        same(f"float32 -> {name}", picked, convert(picked, name, overflow), expected)


def ml_dtypes_to_float32():
    for name in SMALL:
        bits = SMALL[name][1]
        source = np.arange(1 << bits, dtype=f"u{max(bits, 8) // 8}").view(name)
        same(f"{name} -> float32", source, convert(source, "float32"), source.astype(np.float32))


numpy_pairs()
ml_dtypes_from_float32()
ml_dtypes_to_float32()
print(f"  conversions: {compared} values as NumPy and ml_dtypes have them")

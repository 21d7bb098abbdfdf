"""Exchanges tensors with other libraries through DLPack, both ways, and compares overlap with NumPy's answer.

    python dlpack_peers.py path/to/libastensor.so

NumPy and tvm-ffi are always tried; torch and JAX where they are installed.
"""

import gc
import importlib
import sys

import numpy as np

from abi import DLDataType, Error, Library

library = Library(sys.argv[1])


def arrays():
    """Arrays with the layouts that exchanges get wrong."""
    base = np.arange(120, dtype=np.float32).reshape(2, 3, 4, 5)
    yield "contiguous", base
    yield "transposed", base.transpose(3, 1, 0, 2)
    yield "reversed", base[:, ::-1, :, ::-1]
    yield "strided", base[:, 1:, ::2, 1::3]
    yield "offset", base[1, 2, 1:]
    yield "broadcast", np.broadcast_to(base[0, 0], (3, 4, 5))
    yield "scalar", np.array(2.5)
    yield "empty", np.zeros((0, 3))
    yield "empty inside", np.zeros((3, 0, 2), dtype=np.int16)
    yield "empty slice", base[2:, :, 1:1]
    yield "odd stride", np.lib.stride_tricks.as_strided(base[0, 0], (1, 4), (999 * 4, 20))
    yield "windows", np.lib.stride_tricks.as_strided(base.reshape(-1), (8, 4), (4, 4))
    for dtype in ("bool", "int8", "uint16", "int32", "uint64", "float16", "float64", "complex64", "complex128"):
        yield dtype, (np.arange(12) % 3).astype(dtype).reshape(3, 4)[:, ::-2]


def same_memory(name, a, b):
    if a.size:
        assert a.__array_interface__["data"][0] == b.__array_interface__["data"][0], name


def numpy_both_ways():
    for name, array in arrays():
        tensor = library.as_tensor(array)
        assert tensor.shape == array.shape, name
        back = np.from_dlpack(tensor)
        assert back.shape == array.shape and back.dtype == array.dtype, name
        same_memory(name, back, array)
        np.testing.assert_array_equal(back, array, err_msg=name)
        # NumPy as the producer: of arrays that it agrees to export.
        if array.flags.writeable:
            imported = library.from_capsule(array.__dlpack__(max_version=(1, 0)))
            assert imported.shape == array.shape, name
            assert not imported.is_read_only, name
            again = np.from_dlpack(imported)
            del imported
            gc.collect()
            np.testing.assert_array_equal(again, array, err_msg=name)
            same_memory(name, again, array)
            legacy = library.from_capsule(array.__dlpack__())
            np.testing.assert_array_equal(np.from_dlpack(legacy), array, err_msg=name)
    array = np.arange(6.0)
    seen = np.from_dlpack(library.as_tensor(array))
    array[2] = 40
    assert seen[2] == 40
    seen[3] = 50
    assert array[3] == 50


def read_only_both_ways():
    array = np.arange(4)
    array.flags.writeable = False
    imported = library.from_capsule(array.__dlpack__(max_version=(1, 0)))
    assert imported.is_read_only
    assert not np.from_dlpack(imported).flags.writeable
    try:
        imported.__dlpack__()
    except Error as error:
        assert error.args[0] == "TENSOR_ERROR_READ_ONLY"
    else:
        raise AssertionError("a legacy export of read-only memory must be refused")
    copied = np.from_dlpack(imported, copy=True)
    assert copied.flags.writeable and not np.shares_memory(copied, array)


def memory_is_kept():
    tensor = library.copy(np.arange(1000))
    taken = np.from_dlpack(tensor)
    assert tensor.use_count == 2
    del tensor
    gc.collect()
    assert taken.sum() == 499500
    tensor = library.as_tensor(np.arange(3))
    capsule = tensor.__dlpack__(max_version=(1, 3))
    assert tensor.use_count == 2
    del capsule  # Never taken: its destructor gives it back.
    gc.collect()
    assert tensor.use_count == 1
    array = np.arange(5)
    count = sys.getrefcount(array)
    imported = library.from_capsule(array.__dlpack__(max_version=(1, 0)))
    assert sys.getrefcount(array) > count
    del imported
    gc.collect()
    assert sys.getrefcount(array) == count


def tvm_ffi_both_ways():
    tvm_ffi = importlib.import_module("tvm_ffi")
    for name, array in arrays():
        tensor = library.as_tensor(array)
        theirs = tvm_ffi.from_dlpack(tensor)
        assert tuple(theirs.shape) == array.shape, name
        ours = library.from_capsule(theirs.__dlpack__())
        back = np.from_dlpack(ours)
        np.testing.assert_array_equal(back, array, err_msg=name)
        same_memory(name, back, array)


def torch_both_ways():
    torch = importlib.import_module("torch")
    for name, array in arrays():
        if any(s < 0 for s in array.strides) or not array.flags.writeable or array.dtype == np.uint16:
            continue  # torch has no negative strides.
        theirs = torch.from_dlpack(library.as_tensor(array))
        np.testing.assert_array_equal(theirs.numpy(), array, err_msg=name)
        back = np.from_dlpack(library.from_capsule(theirs.__dlpack__()))
        np.testing.assert_array_equal(back, array, err_msg=name)
        same_memory(name, back, array)


def jax_both_ways():
    jnp = importlib.import_module("jax.numpy")
    array = np.arange(24, dtype=np.float32).reshape(4, 6)
    theirs = jnp.from_dlpack(library.as_tensor(array))
    np.testing.assert_array_equal(np.asarray(theirs), array)
    back = np.from_dlpack(library.from_capsule(theirs.__dlpack__()))
    np.testing.assert_array_equal(back, array)


def overlap_as_numpy_sees_it():
    """Random pairs of views of one buffer, internal structure included: numpy.shares_memory is exact too."""
    random = np.random.default_rng(1)
    buffer = np.zeros(600, dtype=np.uint8)
    shared_count = 0
    for _ in range(6000):
        pair = []
        for _ in range(2):
            dtype = random.choice(["u1", "i2", "f4", "c8", "c16"])
            item = np.dtype(dtype).itemsize
            shape = random.integers(0 if random.random() < 0.05 else 1, 5, size=random.integers(0, 5))
            # Strides that are not multiples of the item size cannot be described in elements.
            steps = random.integers(-6, 7, size=len(shape))
            low = int(sum((n - 1) * s * item for n, s in zip(shape, steps) if s < 0 and n > 0))
            high = int(sum((n - 1) * s * item for n, s in zip(shape, steps) if s > 0 and n > 0)) + item
            if high - low > 500:
                shape, steps, low, high = shape[:1], steps[:1] // 3, -120, 120
            start = int(random.integers(-low, 600 - high)) if 0 < 600 - high + low else 250
            pair.append(np.ndarray(shape, dtype, buffer, start, [int(s) * item for s in steps]))
        expected = np.shares_memory(*pair)
        found = library.as_tensor(pair[0]).shares_memory(library.as_tensor(pair[1]))
        assert found == expected, [(a.shape, a.strides, a.dtype, a.__array_interface__["data"]) for a in pair]
        shared_count += expected
    assert 500 < shared_count < 5500

    # Cases of the kind NumPy's own tests have: diagonals, reversed halves, fields of records, transposes of slices.
    x = np.arange(4 * 5 * 6, dtype=np.int32).reshape(4, 5, 6)
    records = np.zeros(7, dtype=[("a", "i4"), ("b", "i4"), ("c", "i4")])
    cases = [
        (x[:, ::2], x[:, 1::2]), (x[..., :3], x[..., 3:]), (x[..., :4], x[..., 3:]), (x[::-1], x[1:]),
        (x.T, x[3]), (x[0].diagonal(), x[0].diagonal(1)), (x[0, :, ::2].T, x[0, ::-1, 1::2]),
        (records["a"], records["b"]), (records["b"], records["b"][::-2]), (x[1:2], x[2:3]), (x[:0], x),
    ]
    for a, b in cases:
        assert library.as_tensor(a).shares_memory(library.as_tensor(b)) == np.shares_memory(a, b)


def small_floats_from_doubles():
    """float64 to the float8 formats beside every midpoint, against exact fractions: ml_dtypes rounds twice there."""
    from fractions import Fraction

    ml_dtypes = importlib.import_module("ml_dtypes")
    for name, code in (("float8_e4m3fn", 10), ("float8_e5m2", 12), ("float8_e4m3fnuz", 11), ("float8_e3m4", 7)):
        info = ml_dtypes.finfo(name)
        values = np.arange(256, dtype=np.uint8).view(name).astype(np.float64)
        order = {Fraction(v): i for i, v in enumerate(values) if np.isfinite(v) and v >= 0 and i < 128}
        finite = sorted(order)
        doubles = []
        for low, high in zip(finite, finite[1:]):
            middle = float((low + high) / 2)
            doubles += [middle, np.nextafter(middle, 0), np.nextafter(middle, np.inf)]
        doubles += [float(info.tiny) / 2**40, float(info.max)]
        doubles = np.array(doubles)
        found = np.frombuffer(library.copy(doubles, DLDataType(code, 8, 1)).bytes(), np.uint8)
        for double, bits in zip(doubles, found):
            exact = Fraction(float(double))
            nearest = min(finite, key=lambda v: (abs(v - exact), order[v] & 1))
            assert bits == order[nearest], (name, double.hex(), bits, order[nearest])


def tried(name, function):
    try:
        importlib.import_module(name)
    except ImportError:
        print(f"  skipped: {name} is not installed")
        return
    function()
    print(f"  {name}: both ways")


numpy_both_ways()
read_only_both_ways()
memory_is_kept()
tried("tvm_ffi", tvm_ffi_both_ways)
tried("torch", torch_both_ways)
tried("jax", jax_both_ways)
overlap_as_numpy_sees_it()
small_floats_from_doubles()
print("  exchange: ok")

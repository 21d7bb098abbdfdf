"""as_tensor and tensor: what they take, what they borrow, and what they refuse."""

import array as array_module
import collections
import ctypes
import fractions
import gc
import mmap
import sys

import numpy as np
import pytest

import astensor as at
from conftest import address


def test_the_example_of_the_model_page():
    a = np.array([1, 2, 3])
    t = at.as_tensor(a)
    assert repr(t) == "tensor([1, 2, 3])"
    t[0] = -1
    np.testing.assert_array_equal(a, [-1, 2, 3])


def test_array_is_borrowed(array):
    t = at.as_tensor(array)
    assert t.shape == array.shape and t.dtype.name == array.dtype.name
    assert t.ndim == array.ndim and t.size == array.size and t.nbytes == array.nbytes
    assert t.itemsize == array.itemsize and t.device == "cpu"
    assert t.is_read_only == (not array.flags.writeable)
    if array.size:
        assert t.data_ptr() == address(array)
        assert t.strides == tuple(s // array.itemsize for s in array.strides)
    assert t.origin[0] == "alias"
    np.testing.assert_array_equal(np.asarray(t), array)


def test_tensor_always_copies(array):
    t = at.tensor(array)
    assert t.is_contiguous() and not t.is_read_only and t.origin[:2] == ("copy", ("requested",))
    np.testing.assert_array_equal(np.asarray(t), array)
    assert not np.shares_memory(t.numpy(), array)


def test_owner_is_kept_alive_and_let_go():
    a = np.arange(5)
    count = sys.getrefcount(a)
    t = at.as_tensor(a)
    view = t[1:]
    del t
    assert sys.getrefcount(a) > count
    del view
    assert sys.getrefcount(a) == count


def test_buffer_export_is_held():
    data = bytearray(8)
    t = at.as_tensor(data)
    view = t[2:]
    del t
    with pytest.raises(BufferError):
        data.extend(b"more")
    del view
    data.extend(b"more")


@pytest.mark.parametrize("make", [
    lambda: (array_module.array("h", [1, 2, 3]), "int16"),
    lambda: ((ctypes.c_float * 3)(1, 2, 3), "float32"),
    lambda: (memoryview(bytearray([1, 2, 3])), "uint8"),
    lambda: (memoryview(bytearray([1, 0, 2, 0, 3, 0])).cast("H"), "uint16"),
    lambda: (bytes([1, 2, 3]), "uint8"),
])
def test_buffers_of_the_standard_library(make):
    data, dtype = make()
    t = at.as_tensor(data)
    assert t.dtype.name == dtype and t.tolist() == [1, 2, 3]
    assert t.is_read_only == isinstance(data, bytes)


def test_mmap_is_borrowed():
    memory = mmap.mmap(-1, 4096)
    t = at.as_tensor(memory)
    t[7] = 9
    assert memory[7] == 9
    with pytest.raises(BufferError):
        memory.close()
    del t
    memory.close()


def test_two_dimensions_of_ctypes():
    data = ((ctypes.c_int32 * 3) * 2)((1, 2, 3), (4, 5, 6))
    t = at.as_tensor(data)
    assert t.tolist() == [[1, 2, 3], [4, 5, 6]]
    t[1, 1] = 50
    assert data[1][1] == 50


def test_other_dtype_is_a_copy():
    a = np.array([1.5, -2.5, 300.0])
    assert at.as_tensor(a, "float64").data_ptr() == address(a)
    t = at.as_tensor(a, dtype=at.int8)
    assert t.tolist() == [1, -2, 127] and t.origin[:2] == ("copy", ("dtype",))
    a.flags.writeable = False
    assert not at.as_tensor(a, at.float32).is_read_only
    assert at.as_tensor(a).is_read_only
    assert at.as_tensor(a, "float64").is_read_only
    with pytest.raises(ValueError) as error:
        at.as_tensor(a, at.float32, copy=False)
    assert error.value.status_name == "TENSOR_ERROR_COPY_NEEDED" and error.value.status == 11


def test_dtypes_by_any_name():
    ml_dtypes = pytest.importorskip("ml_dtypes")
    for name in (at.float32, "float32", np.float32, np.dtype("f4"), "f4", "<f4"):
        assert at.as_tensor([1], dtype=name).dtype is at.float32
    assert at.as_tensor([1], dtype=float).dtype is at.float64
    assert at.as_tensor([1], dtype=int).dtype is at.int64
    assert at.as_tensor([1], dtype=bool).dtype is at.bool
    assert at.as_tensor([1], dtype=complex).dtype is at.complex128
    for name in ("bfloat16", "float8_e4m3fn", "float8_e5m2", "int4", "float4_e2m1fn", "float8_e8m0fnu"):
        assert at.as_tensor([1], dtype=getattr(ml_dtypes, name)).dtype is getattr(at, name)
        assert at.as_tensor([1], dtype=np.dtype(getattr(ml_dtypes, name))).dtype.name == name
        assert getattr(at, name).numpy == np.dtype(getattr(ml_dtypes, name))
    for unknown in ("float33", "U3", np.dtype("M8[s]"), object, 3, "i4,i4"):
        with pytest.raises(TypeError):
            at.as_tensor([1], dtype=unknown)
    with pytest.raises(TypeError):
        at.dtype(None)
    for same in (np.dtype("f4"), np.float32, "float32"):
        assert at.float32 == same and same == at.float32 and not at.float32 != same and at.float64 != same and same != at.float64
    assert at.float64 == float and np.dtype(at.float32) == np.float32 and np.zeros(2, at.int8).dtype == at.int8
    assert at.bfloat16 == ml_dtypes.bfloat16 and np.dtype(at.bfloat16) == ml_dtypes.bfloat16
    for other in (None, "nothing", 3, object(), at.as_tensor([1.0])):
        assert at.float32 != other and not at.float32 == other
    assert len({at.float32, at.dtype("f4"), at.float64}) == 2
    assert repr(at.bfloat16) == "astensor.bfloat16" and str(at.bfloat16) == "bfloat16" and at.dtype("bfloat16") is at.bfloat16


@pytest.mark.parametrize("name", [
    "bfloat16", "float8_e3m4", "float8_e4m3", "float8_e4m3b11fnuz", "float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2",
    "float8_e5m2fnuz", "float8_e8m0fnu", "float6_e2m3fn", "float6_e3m2fn", "float4_e2m1fn", "int2", "uint2", "int4", "uint4",
])
def test_ml_dtypes_both_ways(name):
    ml_dtypes = pytest.importorskip("ml_dtypes")
    dtype = getattr(ml_dtypes, name)
    values = [1, 1, 1, 1, 1, 1] if name == "int2" else [1, 2, 1, 2, 2, 1]
    a = np.array(values, np.float32).astype(dtype).reshape(2, 3)[:, ::-1]
    t = at.as_tensor(a)
    assert t.dtype.name == name and t.shape == (2, 3) and t.data_ptr() == address(a)
    assert [[float(x) for x in row] for row in a] == t.tolist()
    back = t.numpy()
    assert back.dtype == dtype and address(back) == address(a) and back.strides == a.strides
    np.testing.assert_array_equal(back.astype(np.float32), a.astype(np.float32))
    np.testing.assert_array_equal(np.asarray(at.tensor(a).to(padded=False)).astype(np.float32), a.astype(np.float32))


def test_packed_elements_are_no_array():
    packed = at.as_tensor([1, 2, 3], dtype=at.int4)
    assert packed.nbytes == 2 and not packed.is_subbyte_padded
    with pytest.raises(TypeError):
        packed.numpy()
    assert packed.to(padded=True).nbytes == 3
    pytest.importorskip("ml_dtypes")
    assert np.asarray(packed).tolist() == [1, 2, 3]


def test_array_interface_without_a_buffer():
    class Lent:
        def __init__(self, base):
            self.__array_interface__ = base.__array_interface__ | {"base": base}

    base = np.arange(6.0).reshape(2, 3)[:, ::-1]
    t = at.as_tensor(Lent(base))
    assert t.data_ptr() == address(base) and t.tolist() == base.tolist()
    t[0, 0] = 9
    assert base[0, 0] == 9
    base.flags.writeable = False
    assert at.as_tensor(Lent(base)).is_read_only
    del base
    gc.collect()
    assert t[0, 0].item() == 9
    for broken in ({"shape": (3,)}, {"shape": (3,), "typestr": "<f8", "data": 5}, {"shape": (-3,), "typestr": "<f8", "data": (8, False)}):
        class Broken:
            __array_interface__ = broken | {"version": 3}

        with pytest.raises((TypeError, ValueError)):
            at.as_tensor(Broken())


def test_array_protocol():
    class Table:
        def __array__(self, dtype=None, copy=None):
            return np.arange(3)

    assert at.as_tensor(Table()).tolist() == [0, 1, 2]


def test_numbers():
    assert repr(at.as_tensor(2.5)) == "tensor(2.5000)" and at.as_tensor(2).dtype is at.int64
    assert at.as_tensor(True).dtype is at.bool and at.as_tensor(1j).dtype is at.complex64
    assert at.as_tensor(np.float64(2)).dtype is at.float64 and not at.as_tensor(np.float64(2)).is_read_only
    assert at.as_tensor(np.int8(2)).dtype is at.int8
    assert at.as_tensor(fractions.Fraction(1, 2)).item() == 0.5
    assert at.as_tensor(2**63, dtype=at.uint64).item() == 2**63
    for number, dtype in ((2**63, None), (300, at.int8), (2**64, at.uint64), (-1, at.uint8), (10**30, None)):
        with pytest.raises(OverflowError):
            at.as_tensor(number, dtype=dtype)


@pytest.mark.parametrize("data, dtype, expected", [
    ([], "float32", []), ([[], []], "float32", [[], []]), ([1, 2, 3, 4, 5], "int64", [1, 2, 3, 4, 5]),
    ([1, 2, 3, 4, 5.5], "float32", [1, 2, 3, 4, 5.5]), ([1.5] * 5, "float32", [1.5] * 5),
    ([True] * 5, "bool", [True] * 5), ([True, 2, 1, 1, 1], "int64", [1, 2, 1, 1, 1]),
    ([[1, 2, 3, 4], [1.5, 2, 3, 4]], "float32", [[1, 2, 3, 4], [1.5, 2, 3, 4]]),
    ([[1, 2, 3, 4], [True] * 4], "int64", [[1, 2, 3, 4], [1] * 4]),
    ([[1.5] * 4, [1j] * 4], "complex64", [[1.5] * 4, [1j] * 4]),
    (range(5), "int64", [0, 1, 2, 3, 4]), (collections.deque([1, 2]), "int64", [1, 2]), ((1, (2)), "int64", [1, 2]),
    ([np.float32(1), 2.5, 2.5, 2.5], "float32", [1, 2.5, 2.5, 2.5]), ([np.int8(1), 2], "int64", [1, 2]),
    ([np.array([1, 2], "i2"), np.array([3, 4], "i2")], "int16", [[1, 2], [3, 4]]),
    ([np.array([1, 2, 3, 4], "f4"), [1.5] * 4], "float32", [[1, 2, 3, 4], [1.5] * 4]),
    ([at.as_tensor([1, 2]), [3, 4]], "int64", [[1, 2], [3, 4]]),
    ([bytearray([1, 2]), bytearray([3, 4])], "uint8", [[1, 2], [3, 4]]),
])
def test_lists(data, dtype, expected):
    t = at.as_tensor(data)
    assert (t.dtype.name, t.tolist()) == (dtype, expected)
    assert at.as_tensor(data, dtype="float64").tolist() == expected if dtype != "complex64" else True


@pytest.mark.parametrize("name", "bool int8 uint16 int64 uint64 float16 float32 float64 complex64 complex128".split())
def test_lists_of_numbers_of_numpy(name):
    numbers = list(np.array([0, 1, 1, 0, 1, 1]).astype(name))
    t = at.as_tensor(numbers)
    assert t.dtype.name == name and t.tolist() == [0, 1, 1, 0, 1, 1] and not t.is_read_only
    assert at.as_tensor([numbers, numbers]).shape == (2, 6) and at.as_tensor([numbers, numbers]).dtype.name == name
    assert at.as_tensor(numbers, dtype="complex128").tolist() == [0, 1, 1, 0, 1, 1]
    assert at.as_tensor([numbers, [True] * 6]).dtype == at.as_tensor([numbers[:3], [True] * 3]).dtype
    assert at.as_tensor(numbers + [False]).dtype == at.as_tensor([numbers[0], False]).dtype
    assert at.as_tensor(numbers + [np.float64(2.5)]).tolist() == [0, 1, 1, 0, 1, 1, 2.5]


def test_lists_of_what_looks_like_numbers_of_numpy():
    for date in (np.datetime64("2021-05-27"), np.timedelta64(3, "s")):
        with pytest.raises(TypeError):
            at.as_tensor(date)
    for odd in (np.datetime64("2021-05-27"), np.timedelta64(3, "s"), np.str_("a"), np.bytes_(b"a"), np.void(b"abcd")):
        with pytest.raises((TypeError, ValueError)):
            at.as_tensor([odd] * 5)
    assert at.as_tensor([ctypes.c_float(1.5)] * 5).tolist() == [1.5] * 5
    assert at.as_tensor([np.array(2)] * 5).tolist() == [2] * 5
    assert at.as_tensor([1j] * 5 + [1.0]).tolist() == [1j] * 5 + [1]


def test_default_dtype(restored_default):
    at.set_default_dtype("float64")
    assert at.get_default_dtype() is at.float64
    assert at.as_tensor([1.5] * 5).dtype is at.float64 and at.as_tensor([1j] * 5).dtype is at.complex128
    assert at.as_tensor([1] * 5).dtype is at.int64
    with pytest.raises(TypeError):
        at.set_default_dtype("int8")


def test_lists_that_are_refused():
    for data, message in (
        ([1, [2]], "at [1]"), ([[1, 2, 3, 4, 5], [1, 2, 3, 4]], "expected 5 items at [1], found 4"), ([1, "2"], "str"), ([1, None], "NoneType"),
        (["a"], "str"), ([b"a"], "bytes"), ([{}], "dict"), ({}, "dict"), ("text", "str"), (None, "NoneType"), ({1}, "set"),
    ):
        with pytest.raises((ValueError, TypeError)) as error:
            at.as_tensor(data)
        assert message in str(error.value)
    recursive = []
    recursive += [recursive, recursive]
    with pytest.raises(ValueError):
        at.as_tensor(recursive)
    deep = 1
    for _ in range(100):
        deep = [deep]
    with pytest.raises(ValueError):
        at.as_tensor(deep)


def test_lists_that_are_shared_are_read_once():
    row = [1, 2]
    assert at.as_tensor([row] * 3).tolist() == [[1, 2]] * 3
    doubling = [1.0]
    for _ in range(62):
        doubling = [doubling, doubling]
    with pytest.raises((OverflowError, MemoryError, ValueError)):
        at.as_tensor(doubling)


def test_a_list_that_changes_while_it_is_read():
    data = [0, 0, 0, 0, 0]

    class Shrinks:
        def __index__(self):
            data.clear()
            return 1

    data[1] = Shrinks()
    with pytest.raises(RuntimeError):
        at.as_tensor(data)


def test_a_tensor_is_itself():
    t = at.as_tensor([1, 2])
    assert at.as_tensor(t) is t and at.as_tensor(t, at.int64, "cpu") is t
    assert at.as_tensor(t, at.float32) is not t
    copy = at.tensor(t)
    assert not copy.shares_memory(t) and copy.tolist() == [1, 2]
    assert at.as_tensor(t, copy=True).data_ptr() != t.data_ptr()


def test_byte_order_is_named():
    for data in (np.zeros(3, ">f4"), np.zeros(3, np.dtype("i8").newbyteorder()), np.zeros(3, ">c8")):
        with pytest.raises(TypeError, match="byte order"):
            at.as_tensor(data)
    with pytest.raises(TypeError, match="byte order"):
        at.as_tensor([1], dtype=">f4")
    assert at.as_tensor(np.zeros(3, ">i1")).dtype is at.int8


def test_elements_without_a_dtype():
    for data in (np.zeros(2, "U3"), np.zeros(2, "S3"), np.zeros(2, object), np.zeros(2, "M8[s]"), np.zeros(2, "i4,f4"), np.zeros(2, "V3")):
        with pytest.raises((TypeError, ValueError)):
            at.as_tensor(data)


def test_fields_of_records():
    aligned = np.zeros(3, [("a", "i4"), ("b", "i4")])
    t = at.as_tensor(aligned["b"])
    t[1] = 5
    assert aligned["b"].tolist() == [0, 5, 0] and t.strides == (2,)
    packed = np.zeros(3, [("a", "i1"), ("b", "i4")])
    packed["b"] = [1, 2, 3]
    t = at.as_tensor(packed["b"])
    assert t.tolist() == [1, 2, 3] and not np.shares_memory(t.numpy(), packed)
    with pytest.raises(ValueError):
        at.as_tensor(packed["b"], copy=False)


def test_devices():
    assert at.as_tensor([1], device="cpu").device == "cpu" and at.as_tensor([1], device="cpu:0").device == "cpu"
    assert at.as_tensor([1]).to("cpu").device == "cpu"
    for device in ("cuda", "cuda:1", (2, 0)):
        with pytest.raises(ValueError):
            at.as_tensor(np.zeros(3), device=device)
    for device in ("gpu", "cuda:x", 3):
        with pytest.raises((ValueError, TypeError)):
            at.as_tensor([1], device=device)


def test_frombuffer():
    data = bytearray(range(16))
    t = at.frombuffer(data, at.uint16, byte_offset=2, shape=(2, 3))
    assert t.tolist() == np.frombuffer(data, np.uint16)[1:7].reshape(2, 3).tolist()
    assert at.frombuffer(data, "bfloat16").shape == (8,) and at.frombuffer(data, "int4").shape == (32,)
    assert at.frombuffer(data, "float6_e2m3fn").shape == (21,) and at.frombuffer(data, "int4", padded=True).shape == (16,)
    assert at.frombuffer(data, "uint8", shape=(4,), strides=(-4,), byte_offset=15).tolist() == [15, 11, 7, 3]
    assert at.frombuffer(b"ab", "uint8").is_read_only
    assert at.frombuffer(b"", "uint8").shape == (0,)
    for arguments in ({"shape": (17,)}, {"byte_offset": 17}, {"byte_offset": -1}, {"shape": (2,), "strides": (16,)}):
        with pytest.raises(ValueError):
            at.frombuffer(data, "uint8", **arguments)
    with pytest.raises(ValueError):
        at.frombuffer(b"", "uint8", shape=(1,))
    with pytest.raises((BufferError, ValueError)):
        at.frombuffer(memoryview(data)[::2], "uint8")


def test_arguments_are_checked():
    for call in (lambda: at.as_tensor(), lambda: at.as_tensor(1, 2, 3, 4, 5), lambda: at.as_tensor(1, dta=3),
                 lambda: at.as_tensor(1, data=1), lambda: at.as_tensor(1, dtype=[])):
        with pytest.raises(TypeError):
            call()
    assert at.as_tensor(data=[1], requires_grad=False).tolist() == [1]
    assert at.empty((2, 3)).shape == (2, 3) and at.empty(3, "int4").nbytes == 2
    with pytest.raises(ValueError):
        at.empty((-1,))
    with pytest.raises((OverflowError, ValueError)):
        at.empty((2**62, 2**62))
    with pytest.raises((MemoryError, OverflowError)):
        at.empty((2**55,))

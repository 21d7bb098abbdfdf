"""DLPack and buffers, both ways."""

import ctypes
import gc
import io
import sys
import zlib

import numpy as np
import pytest

import astensor as at
from conftest import NUMPY_HAS_VERSIONS, address


def test_numpy_takes_the_memory(array):
    t = at.as_tensor(array)
    assert array.flags.writeable == np.asarray(t).flags.writeable
    assert np.asarray(t).strides == array.strides or array.size == 0
    if not array.flags.writeable and not NUMPY_HAS_VERSIONS:
        with pytest.raises(BufferError):
            np.from_dlpack(t)
        return
    back = np.from_dlpack(t)
    assert back.shape == array.shape and back.dtype == array.dtype
    np.testing.assert_array_equal(back, array)
    if array.size:
        assert address(back) == address(array) == address(np.asarray(t)) == address(t.numpy())
    assert back.flags.writeable == (array.flags.writeable and NUMPY_HAS_VERSIONS)


def test_numpy_gives_the_memory(array):
    if not array.flags.writeable and not NUMPY_HAS_VERSIONS:
        with pytest.raises(BufferError):
            at.from_dlpack(array)
        return
    t = at.from_dlpack(array)
    assert t.shape == array.shape and t.is_read_only == (not array.flags.writeable)
    np.testing.assert_array_equal(t.numpy(), array)
    if array.size:
        assert t.data_ptr() == address(array)
    copied = at.from_dlpack(array, copy=True)
    assert not copied.is_read_only and not np.shares_memory(copied.numpy(), array)
    assert at.from_dlpack(array, copy=False).data_ptr() == t.data_ptr() or not array.size
    assert at.from_dlpack(array, device="cpu").shape == array.shape


def name_of(capsule):
    return repr(capsule).split('"')[1]


def test_keywords_of_the_standard():
    t = at.as_tensor(np.arange(6.0))
    assert t.__dlpack_device__() == (1, 0)
    assert name_of(t.__dlpack__()) == "dltensor"
    for version in (None, (0, 8)):
        assert name_of(t.__dlpack__(max_version=version)) == "dltensor"
    for version in ((1, 0), (1, 3), (2, 0)):
        assert name_of(t.__dlpack__(max_version=version)) == "dltensor_versioned"
    t.__dlpack__(stream=None, max_version=(1, 0), dl_device=(1, 0), copy=None)
    with pytest.raises(BufferError):
        t.__dlpack__(dl_device=(2, 0))
    with pytest.raises(BufferError):
        t.__dlpack__(stream=3)
    with pytest.raises(TypeError):
        t.__dlpack__(None)
    with pytest.raises(TypeError):
        t.__dlpack__(streams=None)

    class Asks:
        def __init__(self, **keywords):
            self.keywords = keywords

        def __dlpack__(self, **_):
            return t.__dlpack__(**self.keywords)

        __dlpack_device__ = t.__dlpack_device__

    assert at.from_dlpack(Asks()).data_ptr() == t.data_ptr()
    assert at.from_dlpack(Asks(copy=False)).data_ptr() == t.data_ptr()
    assert at.from_dlpack(Asks(copy=True, max_version=(1, 3))).data_ptr() != t.data_ptr()


def test_read_only_stays_read_only():
    a = np.arange(4)
    a.flags.writeable = False
    t = at.as_tensor(a)
    with pytest.raises(BufferError):
        t.__dlpack__()
    assert name_of(t.__dlpack__(copy=True)) == "dltensor"
    if NUMPY_HAS_VERSIONS:
        assert not np.from_dlpack(t).flags.writeable and np.from_dlpack(t, copy=True).flags.writeable
    assert memoryview(t).readonly and not np.asarray(t).flags.writeable
    with pytest.raises(ValueError) as error:
        t[0] = 1
    assert error.value.status_name == "TENSOR_ERROR_READ_ONLY"
    with pytest.raises(ValueError):
        t[1:].view(at.uint8)[...] = 0
    with pytest.raises((BufferError, TypeError)):
        io.BytesIO(bytes(32)).readinto(t)


def test_capsules_are_given_back():
    t = at.as_tensor([1, 2, 3])
    for version in (None, (1, 0)):
        capsule = t.__dlpack__(max_version=version)
        assert t.use_count == 2
        del capsule
        gc.collect()
        assert t.use_count == 1
        back = np.from_dlpack(t)
        assert t.use_count == 2
        del back
        assert t.use_count == 1


def test_a_capsule_is_used_once():
    t = at.as_tensor([1, 2, 3])
    capsule = t.__dlpack__(max_version=(1, 0))

    class Once:
        def __dlpack__(self, **_):
            return capsule

        def __dlpack_device__(self):
            return (1, 0)

    assert at.from_dlpack(Once()).tolist() == [1, 2, 3]
    with pytest.raises(TypeError):
        at.from_dlpack(Once())


def test_producers_of_yesterday():
    a = np.arange(3)

    class Old:
        def __dlpack__(self, stream=None):
            return a.__dlpack__()

        def __dlpack_device__(self):
            return (1, 0)

    t = at.as_tensor(Old())
    assert t.data_ptr() == address(a)
    assert at.from_dlpack(Old(), copy=True).data_ptr() != address(a)
    assert at.as_tensor(Old(), dtype="float32").tolist() == [0, 1, 2]


def test_producers_that_fail():
    for result in (None, 3, "capsule"):
        class Wrong:
            def __dlpack__(self, **_):
                return result

        with pytest.raises(TypeError):
            at.from_dlpack(Wrong())

    class Raises:
        def __dlpack__(self, **_):
            raise BufferError("not now")

    with pytest.raises(BufferError, match="not now"):
        at.as_tensor(Raises())
    with pytest.raises(TypeError):
        at.from_dlpack(3)


class Described(ctypes.Structure):
    """A DLTensor."""

    _fields_ = [("data", ctypes.c_void_p), ("device_type", ctypes.c_int32), ("device_id", ctypes.c_int32), ("ndim", ctypes.c_int32),
                ("code", ctypes.c_uint8), ("bits", ctypes.c_uint8), ("lanes", ctypes.c_uint16),
                ("shape", ctypes.POINTER(ctypes.c_int64)), ("strides", ctypes.POINTER(ctypes.c_int64)), ("byte_offset", ctypes.c_uint64)]


def functions():
    """The functions of the exchange, as Python calls them: allocate, export, import, describe, stream."""
    capsule = at.Tensor.__dlpack_c_exchange_api__
    assert name_of(capsule) == "dlpack_exchange_api"
    get = ctypes.pythonapi.PyCapsule_GetPointer
    get.restype, get.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    start = get(capsule, b"dlpack_exchange_api")
    assert tuple((ctypes.c_uint32 * 2).from_address(start)) == (1, 3)
    addresses = (ctypes.c_void_p * 5).from_address(start + 16)
    complain = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p)
    types = [ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(Described), ctypes.POINTER(ctypes.c_void_p), ctypes.c_void_p, complain),
             ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.py_object, ctypes.POINTER(ctypes.c_void_p)),
             ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.POINTER(ctypes.py_object)),
             ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.py_object, ctypes.POINTER(Described)),
             ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int32, ctypes.c_int32, ctypes.POINTER(ctypes.c_void_p))]
    return [type(address) for type, address in zip(types, addresses)] + [complain]


def test_functions_of_the_exchange():
    allocate, give, take, describe, stream, complain = functions()
    t = at.as_tensor(np.arange(12, dtype=np.int16).reshape(3, 4))[:, ::-1]
    managed, found = ctypes.c_void_p(), Described()
    assert give(t, ctypes.byref(managed)) == 0 and managed.value and t.use_count == 2
    back = ctypes.py_object()
    assert take(managed, ctypes.byref(back)) == 0
    assert back.value.shares_memory(t) and back.value.tolist() == t.tolist()
    assert describe(t, ctypes.byref(found)) == 0
    assert (found.data, found.ndim, found.shape[:2], found.strides[:2], found.byte_offset) == (t.data_ptr(), 2, [3, 4], [4, -1], 0)
    assert (found.code, found.bits, found.lanes, found.device_type, found.device_id) == (0, 16, 1, 1, 0)
    where = ctypes.c_void_p(5)
    assert stream(1, 0, ctypes.byref(where)) == 0 and where.value is None
    said = []
    heard = complain(lambda context, kind, message: said.append((kind, message)))
    assert allocate(ctypes.byref(found), ctypes.byref(managed), None, heard) == 0
    fresh = ctypes.py_object()
    assert take(managed, ctypes.byref(fresh)) == 0 and fresh.value.shape == (3, 4) and fresh.value.dtype is at.int16 and not said
    found.shape[0] = -1
    assert allocate(ctypes.byref(found), ctypes.byref(managed), None, heard) == -1 and managed.value is None and said[0][0] == b"ValueError"


def test_functions_of_the_exchange_refuse():
    _, give, _, describe, _, _ = functions()
    managed, found = ctypes.c_void_p(5), Described()
    loan = at.loan(bytearray(4))
    revoked = loan.as_tensor()
    loan.revoke()
    for refused in (revoked, at.as_tensor([1.0], requires_grad=True)):
        with pytest.raises(BufferError):
            give(refused, ctypes.byref(managed))
        assert managed.value is None
        with pytest.raises(BufferError):
            describe(refused, ctypes.byref(found))
    for wrong in (3, np.zeros(3)):
        with pytest.raises(TypeError):
            give(wrong, ctypes.byref(managed))
        with pytest.raises(TypeError):
            describe(wrong, ctypes.byref(found))
    with pytest.raises(BufferError):
        revoked.data_ptr()


def test_buffers_follow_the_flags():
    t = at.as_tensor(np.arange(12, dtype=np.int32).reshape(3, 4))
    view = memoryview(t)
    assert (view.format, view.shape, view.strides, view.readonly, view.nbytes) == ("i", (3, 4), (16, 4), False, 48)
    assert memoryview(t.T).strides == (4, 16) and memoryview(t.T).f_contiguous
    assert bytes(t) == np.arange(12, dtype=np.int32).tobytes()
    assert bytes(t[:, 1]) == np.arange(12, dtype=np.int32).reshape(3, 4)[:, 1].tobytes()
    with pytest.raises(BufferError):
        zlib.crc32(t.T)
    with pytest.raises(BufferError):
        memoryview(at.as_tensor([1], dtype="bfloat16"))
    assert memoryview(at.empty((0, 3))).shape == (0, 3)


def test_array_protocol_of_numpy():
    t = at.as_tensor(np.arange(3))
    assert np.asarray(t, dtype=np.float32).dtype == np.float32
    assert not np.shares_memory(np.array(t), t.numpy())
    bf16 = at.as_tensor([1.5, 2.5], dtype="bfloat16")
    pytest.importorskip("ml_dtypes")
    assert np.asarray(bf16).dtype.name == "bfloat16" and np.asarray(bf16, dtype=np.float64).tolist() == [1.5, 2.5]
    assert address(np.asarray(bf16)) == bf16.data_ptr() and address(np.array(bf16, copy=True)) != bf16.data_ptr()


def test_torch_both_ways(array):
    torch = pytest.importorskip("torch")
    t = at.as_tensor(array)
    if any(s < 0 for s in array.strides) or not array.flags.writeable or array.dtype.name in ("uint16", "uint32", "uint64"):
        return
    theirs = torch.from_dlpack(t)
    np.testing.assert_array_equal(theirs.numpy(), array)
    for back in (at.as_tensor(theirs), at.from_dlpack(theirs), at.from_dlpack(theirs, copy=True)):
        np.testing.assert_array_equal(back.numpy(), array)
    assert at.as_tensor(theirs).data_ptr() == t.data_ptr() or not array.size
    assert at.as_tensor(torch.zeros(3, dtype=torch.bfloat16)).dtype is at.bfloat16
    assert at.as_tensor([1], dtype=torch.float16).dtype is at.float16


def test_torch_tensors_that_are_not_their_memory():
    torch = pytest.importorskip("torch")
    for theirs in (torch.zeros(3, requires_grad=True), torch.tensor([1 + 2j]).conj(), torch._neg_view(torch.tensor([1.0]))):
        for function in (at.as_tensor, at.from_dlpack):
            with pytest.raises((BufferError, RuntimeError)):
                function(theirs)


def test_jax_both_ways():
    jnp = pytest.importorskip("jax.numpy", reason="JAX is not installed")
    a = np.arange(24, dtype=np.float32).reshape(4, 6)
    theirs = jnp.from_dlpack(at.as_tensor(a))
    np.testing.assert_array_equal(np.asarray(theirs), a)
    back = at.as_tensor(theirs)
    assert back.tolist() == a.tolist() and at.from_dlpack(theirs).dtype is at.float32
    for dtype in (jnp.bfloat16, jnp.float8_e4m3fn, jnp.int8, jnp.complex64, jnp.bool_):
        theirs = jnp.ones((2, 3), dtype=dtype)
        assert at.as_tensor(theirs).tolist() == [[1] * 3] * 2
        assert at.as_tensor([1, 2], dtype=dtype).dtype.name == np.dtype(dtype).name


def test_arrays_are_let_go_after_an_exchange():
    a = np.arange(5)
    count = sys.getrefcount(a)
    for _ in range(3):
        t = at.from_dlpack(a)
        seen = np.from_dlpack(t)
        del t
        assert sys.getrefcount(a) > count
        del seen
    assert sys.getrefcount(a) == count

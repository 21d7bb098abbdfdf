"""What the DLPack tests of NumPy, torch and the array API ask of a library, asked of this one as producer and as consumer."""

import enum
import itertools

import numpy as np
import pytest

import astensor as at
from conftest import NUMPY_HAS_VERSIONS, address

NAMES = "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 complex64 complex128".split()
VERSIONS = [None, (0, 0), (0, 8), (1, 0), (1, 3), (2, 0), (100, 3)]


class Wrapped:
    """Offers the two methods of the protocol and nothing else."""

    def __init__(self, tensor):
        self.tensor = tensor

    def __dlpack__(self, **keywords):
        return self.tensor.__dlpack__(**keywords)

    def __dlpack_device__(self):
        return self.tensor.__dlpack_device__()


class Yesterday(np.ndarray):
    """Knows unversioned capsules only."""

    def __dlpack__(self, stream=None):
        return super().__dlpack__(stream=None)


def name_of(capsule):
    return str(capsule).split('"')[1]


@pytest.mark.parametrize("name", NAMES)
def test_every_dtype_by_capsule_and_by_protocol(name):
    a = (np.arange(5) % 2).astype(name)
    t = at.as_tensor(a)
    for other in (at.from_dlpack(t.__dlpack__()), at.from_dlpack(t.__dlpack__(max_version=(1, 0))), at.from_dlpack(Wrapped(t)),
                  at.as_tensor(Wrapped(t)), at.from_dlpack(a), at.from_dlpack(a.view(Yesterday))):
        assert other.dtype is t.dtype and other.dtype == a.dtype and other.shape == (5,) and other.data_ptr() == address(a)
        assert at.all(other == t).item()
    copied = at.tensor(Wrapped(t))
    assert at.all(copied == t).item() and not copied.shares_memory(t)


def test_writes_are_seen_on_the_other_side():
    t = at.as_tensor([1.0, 2.0, 3.0])
    z = at.from_dlpack(t.__dlpack__())
    z[0] = 21
    assert t.tolist() == [21, 2, 3] and bool(at.all(z == t))


@pytest.mark.parametrize("name", NAMES)
def test_layouts_both_ways(name):
    x = (np.arange(25) % 2).astype(name).reshape(5, 5)
    for y in (x[0], x[:, 0], x[1, :], x.T, x[::-2, 1::3], x.diagonal() if NUMPY_HAS_VERSIONS else x[2]):
        t = at.from_dlpack(y)
        assert t.strides == tuple(s // y.itemsize for s in y.strides) and t.is_read_only == (not y.flags.writeable)
        np.testing.assert_array_equal(np.from_dlpack(t), y)


@pytest.mark.parametrize("ndim", [*range(33), 64])
def test_every_rank(ndim):
    t = at.zeros((1,) * ndim, dtype="float64")
    assert t.ndim == ndim and at.from_dlpack(Wrapped(t)).shape == t.shape
    if ndim <= (64 if NUMPY_HAS_VERSIONS else 32):
        a = np.zeros((1,) * ndim)
        assert at.from_dlpack(a).shape == a.shape == np.from_dlpack(t).shape


def test_strides_of_single_elements_are_kept():
    y = at.arange(16)[::3][:1]
    assert y.strides == (3,) and at.from_dlpack(Wrapped(y)).strides == (3,)
    odd = np.ndarray(dtype="f8", shape=(10, 5, 1), strides=(8, 80, 4), buffer=np.ones(1000, np.uint8))
    np.testing.assert_array_equal(np.from_dlpack(at.from_dlpack(odd)), odd)
    np.testing.assert_array_equal(np.asarray(at.as_tensor(odd)), odd)


@pytest.mark.parametrize("version", VERSIONS)
def test_max_version(version):
    t = at.as_tensor([1.5, 2.5])
    capsule = t.__dlpack__(max_version=version)
    versioned = version is not None and version[0] >= 1
    assert name_of(capsule) == ("dltensor_versioned" if versioned else "dltensor") and t.use_count == 2
    back = at.from_dlpack(capsule)
    assert name_of(capsule) == ("used_dltensor_versioned" if versioned else "used_dltensor")
    assert bool(at.all(back == t)) and t.use_count >= 2
    del back, capsule
    assert t.use_count == 1
    with pytest.raises(RuntimeError):
        capsule = t.__dlpack__(max_version=version)
        raise RuntimeError  # The capsule is destroyed while an exception is under way.
    del capsule
    assert t.use_count == 1


@pytest.mark.parametrize("copy, version, device", list(itertools.product([None, True, False], VERSIONS, [None, (1, 0)])))
def test_keywords_in_all_combinations(copy, version, device):
    t = at.as_tensor(np.arange(4))
    back = at.from_dlpack(t.__dlpack__(copy=copy, max_version=version, dl_device=device, stream=None))
    assert bool(at.all(back == t)) and back.shares_memory(t) == (copy is not True)


def test_streams_of_the_processor():
    t = at.zeros(5)
    for stream in (None, -1):
        t.__dlpack__(stream=stream)
    for stream in (0, 1, 2, 77):
        for error in (BufferError, ValueError):
            with pytest.raises(error, match="stream must be None"):
                t.__dlpack__(stream=stream)
    for stream in (object(), "1", 1.5):
        with pytest.raises(TypeError):
            t.__dlpack__(stream=stream)


def test_devices():
    t = at.as_tensor([1, 2])

    class Device(enum.IntEnum):
        CPU, HEXAGON = 1, 16

    kind, number = t.__dlpack_device__()
    assert (kind, number) == (1, 0) and isinstance(number, int) and t[::2].__dlpack_device__() == (1, 0)
    t.__dlpack__(dl_device=(Device.CPU, 0))
    for device in ((Device.HEXAGON, 0), (2, 0), (10, 0), (0, 0), (999, 0)):
        with pytest.raises(BufferError):
            t.__dlpack__(max_version=(1, 0), dl_device=device)
    for device in ("cpu", None, (1, 0), t.device):
        assert at.from_dlpack(t, device=device).device == t.device == "cpu"
    for error in (BufferError, ValueError):
        with pytest.raises(error):
            at.from_dlpack(t, device="cuda", copy=False)
    with pytest.raises(ValueError):
        at.from_dlpack(t, device="gpu")


def test_copy():
    t = at.as_tensor([1, 2])
    for source in (t, np.asarray(t), Wrapped(t)):
        assert at.from_dlpack(source).shares_memory(t) and at.from_dlpack(source, copy=False).shares_memory(t)
        assert not at.from_dlpack(source, copy=True).shares_memory(t)
    with pytest.raises(ValueError):
        t.__dlpack__(copy=np.array([1, 2, 3]))
    if NUMPY_HAS_VERSIONS:
        assert np.may_share_memory(np.from_dlpack(t, copy=False), t.numpy()) and not np.may_share_memory(np.from_dlpack(t, copy=True), t.numpy())


def test_read_only_memory_needs_a_version():
    t = at.as_tensor(b"abcd")
    for version in (None, (0, 8)):
        for error in (BufferError, ValueError):
            with pytest.raises(error):
                t.__dlpack__(max_version=version)
    assert at.from_dlpack(Wrapped(t)).is_read_only and at.from_dlpack(t.__dlpack__(max_version=(1, 0))).is_read_only
    assert not at.from_dlpack(Wrapped(t), copy=True).is_read_only


def test_arrays_that_have_no_capsule():
    packed = np.zeros(5, [("number", "i4"), ("letter", "i1")])["number"]
    for array in (packed, np.asarray(np.datetime64("2021-05-27")), np.arange(5, dtype=np.dtype("i8").newbyteorder()), np.array(["a"])):
        with pytest.raises((BufferError, TypeError)):
            at.from_dlpack(array)
    assert at.from_dlpack(np.array(1.0)).item() == 1.0


def test_history_is_not_exported():
    with pytest.raises(BufferError, match="grad"):
        at.as_tensor([1.0], requires_grad=True).__dlpack__()


def test_capsules_that_are_none():
    t = at.as_tensor([1])
    capsule = t.__dlpack__()
    at.from_dlpack(capsule)
    for wrong in (capsule, at.Tensor.__dlpack_c_exchange_api__):
        with pytest.raises(TypeError):
            at.from_dlpack(wrong)
    assert t.use_count == 1


TORCH_NAMES = [name for name in NAMES if name not in ("uint16", "uint32", "uint64")] + ["bfloat16", "complex32"]


@pytest.mark.parametrize("name", TORCH_NAMES + ["uint16", "uint32", "uint64"])
def test_torch_takes_and_gives_every_dtype(name):
    torch = pytest.importorskip("torch")
    x = torch.tensor([0, 1, 1, 0, 1]).to(getattr(torch, name))
    for t in (at.from_dlpack(x), at.as_tensor(x), at.from_dlpack(torch.utils.dlpack.to_dlpack(x)), at.from_dlpack(Wrapped(x))):
        assert t.dtype.name == name and t.data_ptr() == x.data_ptr() and t.dtype == x.dtype
        for back in (torch.from_dlpack(t), torch.from_dlpack(t.__dlpack__()), torch.from_dlpack(Wrapped(t)),
                     torch.from_dlpack(t.__dlpack__(max_version=(1, 0)))):
            assert back.dtype == x.dtype and back.data_ptr() == x.data_ptr() and back.tolist() == x.tolist()
    square = x.repeat(5, 1)
    for y in (square[0], square[:, 0], square.t(), square[1:, ::2], square[::3][:1]):
        t = at.from_dlpack(y)
        assert t.shape == tuple(y.shape) and t.strides == y.stride() and torch.from_dlpack(t).stride() == y.stride()
        assert torch.from_dlpack(t).tolist() == y.tolist() == t.tolist()


def test_torch_with_devices_and_copies():
    torch = pytest.importorskip("torch")
    t = at.as_tensor([1.0, 2.0])
    for keywords in ({}, {"copy": False}, {"device": "cpu"}, {"device": "cpu", "copy": False}):
        assert torch.from_dlpack(t, **keywords).data_ptr() == t.data_ptr()
        assert at.from_dlpack(torch.from_dlpack(t), **keywords).data_ptr() == t.data_ptr()
    for keywords in ({"copy": True}, {"device": "cpu", "copy": True}):
        assert torch.from_dlpack(t, **keywords).data_ptr() != t.data_ptr()
        assert at.from_dlpack(torch.from_dlpack(t), **keywords).data_ptr() != t.data_ptr()
    assert torch.equal(torch.tensor(Wrapped(t)), torch.tensor([1.0, 2.0])) and torch.equal(torch.as_tensor(t), torch.tensor([1.0, 2.0]))
    for refused in (torch.sparse_coo_tensor([[0]], [1], size=(1,)), torch.zeros(3, requires_grad=True), torch.tensor([1j]).conj()):
        with pytest.raises((BufferError, RuntimeError)):
            at.from_dlpack(refused)
    meta = torch.empty(3, device="meta")
    with pytest.raises(Exception):
        at.from_dlpack(meta)


@pytest.mark.parametrize("name", "float8_e5m2 float8_e5m2fnuz float8_e4m3fn float8_e4m3fnuz float8_e8m0fnu".split())
def test_torch_and_small_floats(name):
    torch = pytest.importorskip("torch")
    x = torch.arange(5, dtype=torch.uint8).view(getattr(torch, name))
    t = at.as_tensor(x)
    assert t.dtype.name == name and t.tobytes() == bytes(range(5)) and t.data_ptr() == x.data_ptr()
    assert torch.equal(torch.from_dlpack(t).view(torch.uint8), x.view(torch.uint8))

"""What the tests share."""

import numpy as np
import pytest

import astensor as at


# Before 2.1, NumPy knew unversioned capsules only: those it takes are read-only arrays, and read-only arrays it does not give.
NUMPY_HAS_VERSIONS = np.lib.NumpyVersion(np.__version__) >= "2.1.0"


def address(array):
    return array.__array_interface__["data"][0]


def layouts():
    """Arrays with the layouts that exchanges get wrong."""
    base = np.arange(120, dtype=np.float32).reshape(2, 3, 4, 5)
    return {
        "contiguous": base,
        "transposed": base.transpose(3, 1, 0, 2),
        "reversed": base[:, ::-1, :, ::-1],
        "strided": base[:, 1:, ::2, 1::3],
        "offset": base[1, 2, 1:],
        "broadcast": np.broadcast_to(base[0, 0], (3, 4, 5)),
        "scalar": np.array(2.5),
        "empty": np.zeros((0, 3)),
        "empty inside": np.zeros((3, 0, 2), dtype=np.int16),
        "windows": np.lib.stride_tricks.as_strided(base.reshape(-1), (8, 4), (4, 4)),
        "misaligned": np.frombuffer(bytearray(41), np.uint8)[1:].view(np.float64),
        **{
            name: (np.arange(12) % 3).astype(name).reshape(3, 4)[:, ::-2]
            for name in "bool int8 uint8 int16 uint16 int32 uint32 int64 uint64 float16 float64 complex64 complex128".split()
        },
    }


@pytest.fixture(params=list(layouts()))
def array(request):
    return layouts()[request.param]


@pytest.fixture
def restored_default():
    yield
    at.set_default_dtype(at.float32)

"""tvm-ffi takes tensors through the functions of `__dlpack_c_exchange_api__`, and gives them back as tensors."""

import gc
import sys

import numpy as np
import pytest

import astensor as at

tvm_ffi = pytest.importorskip("tvm_ffi", reason="tvm-ffi is not installed: pip install apache-tvm-ffi")


def echo(value):
    """Through a function in C++ and back."""
    return tvm_ffi.get_global_func("testing.echo")(value)


def test_every_layout_goes_there_and_back(array):
    t = at.as_tensor(array)
    if array.dtype.kind == "c":
        return  # tvm-ffi has no complex dtypes.
    theirs = tvm_ffi.from_dlpack(t)
    assert tuple(theirs.shape) == t.shape and str(theirs.dtype) == t.dtype.name
    assert tuple(theirs.strides) == t.strides
    for back in (at.from_dlpack(theirs), at.as_tensor(theirs), echo(t), tvm_ffi.convert(theirs)):
        back = back if isinstance(back, at.Tensor) else at.from_dlpack(back)
        assert back.shape == t.shape and back.dtype is t.dtype and back.strides == t.strides
        np.testing.assert_array_equal(np.asarray(back), array)
        assert not array.size or back.data_ptr() == t.data_ptr()


@pytest.mark.parametrize("name", "bfloat16 float8_e4m3fn float8_e5m2 float8_e8m0fnu float6_e2m3fn float4_e2m1fn int4 uint4 bool int8 float16".split())
def test_dtypes(name):
    t = at.as_tensor([1, 0, 1, 0], dtype=name)
    theirs = tvm_ffi.from_dlpack(t)
    assert str(theirs.dtype) == name
    for back in (at.from_dlpack(theirs), echo(t)):
        assert back.dtype is t.dtype and back.tobytes() == t.tobytes() and back.data_ptr() == t.data_ptr()


def test_a_function_gets_and_gives_tensors():
    t = at.as_tensor([1.0, 2.0])
    back = echo(t)
    assert type(back) is at.Tensor and back is not t and back.shares_memory(t)
    back[0] = 5
    assert t.tolist() == [5, 2]
    assert tvm_ffi.get_global_func("testing.schema_id_tensor")(t).shares_memory(t)
    nested = tvm_ffi.get_global_func("testing.make_array_with_tensor")(t)
    assert any(at.from_dlpack(item).shares_memory(t) for item in nested if hasattr(type(item), "__dlpack__"))


def test_memory_is_kept_and_let_go():
    data = bytearray(16)
    theirs = tvm_ffi.from_dlpack(at.as_tensor(data))
    second = echo(at.as_tensor(data)[4:])
    gc.collect()
    with pytest.raises(BufferError):
        data.extend(b"more")
    del theirs
    with pytest.raises(BufferError):
        data.extend(b"more")
    del second
    gc.collect()
    data.extend(b"more")
    theirs = tvm_ffi.from_dlpack(np.arange(3.0))
    t = at.as_tensor(theirs)
    del theirs
    gc.collect()
    assert t.tolist() == [0, 1, 2]


def test_what_is_refused():
    for refused in (at.as_tensor([1.0], requires_grad=True),):
        with pytest.raises((BufferError, RuntimeError)):
            echo(refused)
    loan = at.loan(bytearray(4))
    t = loan.as_tensor()
    loan.revoke()
    for function in (tvm_ffi.from_dlpack, echo):
        with pytest.raises((BufferError, RuntimeError)):
            function(t)


def test_nothing_leaks():
    t = at.as_tensor([1.0, 2.0])
    theirs = tvm_ffi.from_dlpack(t)

    def everything():
        echo(t), tvm_ffi.from_dlpack(t), at.from_dlpack(theirs), at.as_tensor(theirs, dtype="int8")
        with pytest.raises(BufferError):
            echo(at.as_tensor([1.0], requires_grad=True))

    for _ in range(20):
        everything()
    gc.collect()
    before = sys.getallocatedblocks()
    for _ in range(500):
        everything()
    gc.collect()
    assert sys.getallocatedblocks() - before < 250 and t.use_count == 2 and sys.getrefcount(t) <= 3

"""Indexing, assignment, views, numbers and text, against NumPy."""

import copy
import pickle

import numpy as np
import pytest

import astensor as at

INDICES = [
    0, -1, slice(None), slice(1, None), slice(None, None, -1), slice(-1, 0, -2), slice(5, 1), slice(None, None, 3), slice(-100, 100),
    ..., None, (), (1, 2), (1, 2, 3), (..., 1), (..., None, 1), (None, 1, ...), (0, ..., -1), (slice(None), 1), (slice(None, None, -1), None, 2),
    (1, ..., slice(None, None, -2)), (..., slice(1, 3), slice(None, None, 2)), (None, ..., None), (-1, -1, -1), (0, None, 1, None, ..., 2),
    np.int64(1), (np.int8(-1), slice(np.int64(1), None)), slice(2**70, None), slice(None, -(2**70), -1),
]


@pytest.mark.parametrize("index", INDICES, ids=repr)
def test_index_and_assignment(index):
    a = np.arange(60.0).reshape(3, 4, 5)
    t = at.as_tensor(a)
    view, expected = t[index], a[index]
    np.testing.assert_array_equal(np.asarray(view), expected)
    assert view.shape == expected.shape and view.is_contiguous() == np.asarray(expected).flags.c_contiguous
    t[index] = 7
    b = np.arange(60.0).reshape(3, 4, 5)
    b[index] = 7
    np.testing.assert_array_equal(a, b)
    t[index] = np.asarray(expected) * 0 + 3
    b[index] = 3
    np.testing.assert_array_equal(a, b)


def test_indices_that_are_refused():
    t = at.as_tensor(np.zeros((3, 4, 5)))
    for index in (3, -4, (0, 4), (0, 0, -6), (0, 0, 0, 0), (..., ...), (0, ..., 5), 2**70):
        with pytest.raises(IndexError):
            t[index]
    for index in ([1], True, np.array([1]), 1.5, "a", t):
        with pytest.raises(TypeError):
            t[index]
    with pytest.raises(ValueError):
        t[::0]
    with pytest.raises(IndexError, match="dimension 2 of size 5"):
        t[0, 0, 7]
    with pytest.raises(TypeError):
        del t[0]


def test_assignment_converts_and_checks():
    t = at.as_tensor(np.zeros((2, 3), np.int8))
    t[0] = [1, 2, 3]
    t[1] = at.as_tensor([4.7, 5.2, 1000.0])
    assert t.tolist() == [[1, 2, 3], [4, 5, 127]]
    t[:, 1] = bytearray([9, 8])
    assert t.tolist() == [[1, 9, 3], [4, 8, 127]]
    with pytest.raises(OverflowError):
        t[0, 0] = 300
    for value in ([1, 2], np.zeros((3, 3))):
        with pytest.raises(ValueError):
            t[...] = value
    with pytest.raises(TypeError):
        t[0] = "text"
    whole = at.as_tensor(np.arange(5))
    whole[1:] = whole[:-1]
    assert whole.tolist() == [0, 0, 1, 2, 3]
    with pytest.raises(ValueError):
        at.as_tensor(np.zeros(1)).expand(3)[...] = 1


def test_views_as_numpy_has_them():
    a = np.arange(24).reshape(2, 3, 4)
    t = at.as_tensor(a)
    pairs = [
        (t.T, a.T), (t.permute(2, 0, 1), a.transpose(2, 0, 1)), (t.permute((1, 0, 2)), a.transpose(1, 0, 2)),
        (t.transpose(0, -1), a.swapaxes(0, -1)), (t.reshape(6, -1), a.reshape(6, -1)), (t.reshape((4, 6)), a.reshape(4, 6)),
        (t.view(24), a.reshape(24)), (t.view([3, 8]), a.reshape(3, 8)), (t.unsqueeze(1), a[:, None]), (t.unsqueeze(-1), a[..., None]),
        (t[:1].squeeze(), a[0]), (t[:1].squeeze(0), a[0]), (t.flip(0, 2), a[::-1, :, ::-1]), (t.flip([1]), a[:, ::-1]),
        (t[:1].expand(5, -1, -1), np.broadcast_to(a[:1], (5, 3, 4))), (t.view("int32"), a.view("int32")), (t.view(np.uint8), a.view("uint8")),
        (t.as_strided((2, 2), (4, 1), 5), np.lib.stride_tricks.as_strided(a.reshape(-1)[5:], (2, 2), (32, 8))),
        (t.contiguous(), a), (t.T.contiguous(), np.ascontiguousarray(a.T)), (t.copy(), a), (t.to(at.float32), a.astype("f4")),
    ]
    for ours, numpys in pairs:
        assert ours.shape == numpys.shape
        np.testing.assert_array_equal(ours.numpy(), numpys)
    assert t.contiguous().data_ptr() == t.data_ptr() and t.T.contiguous().data_ptr() != t.data_ptr()
    assert t.T.reshape(24).origin[0] == "copy" and t.reshape(24).origin[0] == "alias"
    for refused in (lambda: t.T.view(24), lambda: t.T.reshape(24, copy=False), lambda: t.reshape(5), lambda: t.as_strided((100,), (1,)),
                    lambda: t.expand(3, 3, 4), lambda: t.as_strided((1,), (1, 1))):
        with pytest.raises(ValueError):
            refused()
    for refused in (lambda: t.unsqueeze(9), lambda: t.squeeze(5), lambda: t.transpose(0, 3), lambda: t.unsqueeze(2**40), lambda: t.permute(0, 1)):
        with pytest.raises(IndexError):
            refused()
    assert t[0].shares_memory(t[:, 1]) and not t[..., ::2].shares_memory(t[..., 1::2])


def test_conversions_by_rule():
    t = at.as_tensor([1.5, 1e6])
    for casting in ("safe", "equiv", "same_kind"):
        with pytest.raises(TypeError):
            t.to("int8", casting=casting)
    with pytest.raises(ValueError) as error:
        t.to("int32", casting="exact")
    assert error.value.status_name == "TENSOR_ERROR_INEXACT"
    assert t.to("float8_e4m3fn").tolist() == [1.5, 448] and t.to("float8_e4m3fn", overflow="nan")[1].item() != 448
    assert t.to("float16", overflow="saturate").tolist() == [1.5, 65504]
    assert t.to(alignment=4096, copy=True).data_ptr() % 4096 == 0
    with pytest.raises(ValueError):
        t.to("int8", copy=False)
    with pytest.raises(ValueError, match="casting"):
        t.to("int8", casting="none")


def test_numbers():
    t = at.as_tensor([[1, 2], [3, 4]])
    assert len(t) == 2 and [row.tolist() for row in t] == [[1, 2], [3, 4]]
    scalar = t[1, 1]
    assert scalar.item() == 4 and int(scalar) == 4 and float(scalar) == 4.0 and [0] * scalar == [0] * 4 and bool(scalar)
    assert at.as_tensor(1j).item() == 1j and at.as_tensor([[2.5]]).item() == 2.5 and at.as_tensor(True).item() is True
    for refused in (lambda: len(scalar), lambda: list(scalar), lambda: [1, 2][at.as_tensor(0.0)], lambda: 1 in t):
        with pytest.raises(TypeError):
            refused()
    for refused in (lambda: bool(t), lambda: t.item(), lambda: float(t)):
        with pytest.raises(ValueError):
            refused()
    assert complex(at.as_tensor(1j)) == 1j and complex(scalar) == 4


def test_lists_of_every_dtype():
    for name in "bool int1 uint1 int2 uint4 int8 uint16 int32 uint64 float16 bfloat16 float64 complex64 float8_e5m2 float4_e2m1fn".split():
        values = [0, 0, 0, 0] if name == "int1" else [0, 1, 1, 0]
        assert at.as_tensor(values, dtype=name).tolist() == values
    assert at.as_tensor(2**64 - 1, dtype="uint64").item() == 2**64 - 1
    assert at.as_tensor(-(2**63)).item() == -(2**63)


def test_text():
    assert repr(at.as_tensor(np.array([1.0, 2.5]))) == "tensor([1.0000, 2.5000], dtype=float64)"
    assert repr(at.as_tensor([])) == "tensor([])"
    assert "..." in repr(at.as_tensor(range(2000))) and str(at.as_tensor(True)) == "tensor(True)"
    long = repr(at.as_tensor(np.arange(900.0).reshape(30, 30)))
    assert long.count("\n") == 30 * 4 - 1 or long.count("\n") > 29


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_pickles(protocol):
    base = np.arange(6.0).reshape(2, 3)
    for t in (at.as_tensor(base), at.as_tensor(base.T), at.as_tensor(base[:, ::-1]), at.as_tensor([1, 2, 3], dtype="int4"), at.as_tensor(5),
              at.as_tensor([1.5], dtype="bfloat16"), at.as_tensor([1, 2, 3], dtype="int4").to(padded=True), at.empty((0, 3)),
              at.as_tensor(b"bytes")):
        back = pickle.loads(pickle.dumps(t, protocol))
        assert (back.tolist(), back.dtype, back.shape) == (t.tolist(), t.dtype, t.shape)
        assert back.is_subbyte_padded == t.is_subbyte_padded and not back.shares_memory(t)
        if back.size:
            back[...] = 0
    assert pickle.loads(pickle.dumps(at.bfloat16, protocol)) is at.bfloat16


def test_pickles_out_of_band():
    t = at.as_tensor(np.arange(1000))
    buffers = []
    data = pickle.dumps(t, 5, buffer_callback=buffers.append)
    assert len(data) < 500 and len(buffers) == 1
    back = pickle.loads(data, buffers=buffers)
    assert back.data_ptr() == t.data_ptr() and back.tolist() == t.tolist()


def test_copies():
    t = at.as_tensor([1, 2])
    assert copy.copy(t).shares_memory(t) and not copy.deepcopy(t).shares_memory(t)


def test_errors_are_of_one_class():
    with pytest.raises(at.TensorError) as error:
        at.as_tensor([1])[5]
    assert isinstance(error.value, IndexError) and error.value.status == 6 and error.value.status_name == "TENSOR_ERROR_INDEX"


def test_settings():
    count = at.get_num_threads()
    at.set_num_threads(1)
    assert at.get_num_threads() == 1
    at.set_num_threads(0)
    with pytest.raises(ValueError):
        at.set_num_threads(-1)
    at.set_num_threads(count)
    assert at.promote_types("int8", at.float16) is at.float16
    with pytest.raises(TypeError):
        at.promote_types("uint64", "int8")

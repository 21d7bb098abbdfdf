"""What the array API standard has for exchanging arrays: creation, dtypes, equality."""

import itertools

import numpy as np
import pytest

import astensor as at

INTEGERS = "int8 int16 int32 int64 uint8 uint16 uint32 uint64".split()
STANDARD = ["bool", *INTEGERS, "float32", "float64", "complex64", "complex128"]


def test_creation():
    a = np.arange(3)
    assert at.asarray(a).data_ptr() == a.ctypes.data and at.asarray(a, copy=True).data_ptr() != a.ctypes.data
    assert at.asarray([1, 2], dtype=at.int8, device="cpu").dtype is at.int8
    for name in STANDARD:
        for function in ("zeros", "ones"):
            ours, numpys = getattr(at, function)((2, 3), dtype=name), getattr(np, function)((2, 3), dtype=name)
            assert ours.dtype.name == name and (ours.numpy() == numpys).all()
    assert at.zeros(3).dtype is at.float32 and at.full((2,), 7).tolist() == [7, 7] and at.full((), 1.5, dtype="bfloat16").item() == 1.5
    assert at.zeros((0, 3)).shape == (0, 3)
    for bounds in ((5,), (2, 9), (9, 2, -3), (0, 2, 0.5), (5, 2), (1.0, 2.1, 0.25)):
        assert at.arange(*bounds).tolist() == np.arange(*bounds).tolist()
    assert at.arange(3, dtype="float64").dtype is at.float64
    t = at.asarray(a)
    assert at.astype(t, "float32").dtype is at.float32 and not at.astype(t, "int64").shares_memory(t) and at.astype(t, "int64", copy=False).shares_memory(t)
    assert at.reshape(t, (3, 1)).shape == (3, 1) and at.permute_dims(at.zeros((2, 3, 4)), (2, 0, 1)).shape == (4, 2, 3)
    assert at.zeros((2, 3, 4)).mT.shape == (2, 4, 3)
    with pytest.raises(ValueError):
        t.mT


def test_limits_of_dtypes():
    for name in INTEGERS:
        ours, numpys = at.iinfo(name), np.iinfo(name)
        assert (ours.bits, ours.min, ours.max, ours.dtype) == (numpys.bits, numpys.min, numpys.max, getattr(at, name))
    assert (at.iinfo("int4").min, at.iinfo("uint2").max) == (-8, 3)
    for name in ("float16", "float32", "float64", "complex64", "complex128"):
        ours, numpys = at.finfo(name), np.finfo(name)
        assert (ours.bits, ours.eps, ours.max, ours.min, ours.smallest_normal) == tuple(
            x if isinstance(x, int) else float(x) for x in (numpys.bits, numpys.eps, numpys.max, numpys.min, numpys.tiny))
    for refused in (lambda: at.finfo("int8"), lambda: at.iinfo("float32"), lambda: at.iinfo(at.bool), lambda: at.finfo("nothing")):
        with pytest.raises(TypeError):
            refused()


@pytest.mark.parametrize("name", [
    "bfloat16", "float8_e3m4", "float8_e4m3", "float8_e4m3b11fnuz", "float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2",
    "float8_e5m2fnuz", "float8_e8m0fnu", "float6_e2m3fn", "float6_e3m2fn", "float4_e2m1fn",
])
def test_limits_of_small_floats(name):
    ml_dtypes = pytest.importorskip("ml_dtypes")
    ours, theirs = at.finfo(name), ml_dtypes.finfo(getattr(ml_dtypes, name))
    assert (ours.bits, ours.max, ours.min) == (theirs.bits, float(theirs.max), float(theirs.min))
    assert ours.smallest_normal == float(theirs.smallest_normal) and ours.eps == float(theirs.eps)


def test_kinds_of_dtypes():
    kinds = {"bool": ["bool"], "signed integer": INTEGERS[:4], "unsigned integer": INTEGERS[4:], "integral": INTEGERS,
             "real floating": ["float32", "float64"], "complex floating": ["complex64", "complex128"], "numeric": STANDARD[1:]}
    for name, kind in itertools.product(STANDARD, kinds):
        assert at.isdtype(getattr(at, name), kind) == (name in kinds[kind])
    assert at.isdtype("float8_e4m3fn", "real floating") and at.isdtype("bfloat16", ("bool", "numeric")) and at.isdtype(at.int8, np.int8)
    with pytest.raises(ValueError):
        at.isdtype("int8", "numbers")
    info = at.__array_namespace_info__()
    assert list(info.dtypes()) == STANDARD and set(info.dtypes(kind="integral")) == set(INTEGERS) and info.devices() == ["cpu"]
    assert info.default_dtypes()["real floating"] is at.float32 and info.default_device() == at.zeros(1).device


def test_promotion():
    for a, b in itertools.product(STANDARD, STANDARD):
        if a == "bool" or b == "bool":
            continue
        kinds = {np.dtype(a).kind, np.dtype(b).kind}
        if kinds in ({"i"}, {"u"}, {"f"}, {"c"}, {"f", "c"}):
            assert at.result_type(a, b).name == np.result_type(a, b).name
            assert at.can_cast(a, b) == (np.result_type(a, b).name == b)
    assert at.result_type(at.float32, 1) is at.float32 and at.result_type(at.int8, 1) is at.int8 and at.result_type(at.int8, 1.5) is at.float32
    assert at.result_type(at.float64, 1j) is at.complex128 and at.result_type(at.bool, 2) is at.int64 and at.result_type(1, 2.5) is at.float32
    assert not at.can_cast("uint64", "int8")
    with pytest.raises(ValueError):
        at.result_type()


@pytest.mark.parametrize("a, b", list(itertools.product(STANDARD + ["float16"], repeat=2)))
def test_equality_is_that_of_elements(a, b):
    x, y = np.array([[0, 1], [5, 1]]).astype(a), np.array([1, 1]).astype(b)
    t = at.as_tensor(x)
    for other in (at.as_tensor(y), y, y[0], 1, 1.0, True, 1 + 0j):
        numpys = np.asarray(other)
        assert (t == other).dtype is at.bool and (t == other).tolist() == (x == numpys).tolist()
        assert (t != other).tolist() == (x != numpys).tolist()


def test_equality_of_extremes():
    for ours, other, equal in ((at.as_tensor(-1, "int64"), at.as_tensor(2**64 - 1, "uint64"), False), (at.as_tensor(2**63, "uint64"), -(2**63), False),
                               (at.as_tensor(float("nan")), float("nan"), False), (at.as_tensor(-0.0), 0, True),
                               (at.as_tensor(2**63, "uint64"), 2**63, True), (at.as_tensor([1j])[0], 1j, True)):
        assert bool(ours == other) is equal and bool(ours != other) is not equal
    small = at.as_tensor([1.5, 2], "bfloat16")
    assert (small == at.as_tensor([1.5, 3], "float8_e4m3fn")).tolist() == [True, False]
    assert (at.as_tensor([1, 2, 3], "int4") == [1, 2, 3]) is False and (at.as_tensor([1, 2, 3], "int4") == np.array([1, 2, 4])).tolist() == [True, True, False]
    strided = at.as_tensor(np.arange(12).reshape(3, 4))[::-1, ::2]
    assert at.all(strided == at.tensor(strided)).item() is True and at.all(strided != strided).item() is False
    assert at.all(at.zeros((0, 3)) == 1).item() is True and (at.zeros((0, 3)) == at.zeros((1, 3))).shape == (0, 3)
    special = at.as_tensor([[1, float("inf")], [float("nan"), -2]])
    assert at.isnan(special).tolist() == [[False, False], [True, False]] and at.isfinite(special).tolist() == [[True, False], [False, True]]
    leaf = at.as_tensor([1.0], requires_grad=True)
    assert (leaf == 1).tolist() == [True] and not (leaf == 1).requires_grad


def test_equality_with_what_is_no_tensor():
    t = at.as_tensor([1, 2])
    for other in (None, "text", object(), [1, 2], (1, 2), at.int64):
        assert (t == other) is False and (t != other) is True
    assert len({t, t}) == 1 and hash(t) == hash(t) and t in [at.as_tensor([5, 6])[:0], t][1:]
    for refused in (lambda: t == at.zeros(3), lambda: t == np.zeros((2, 3)), lambda: bool(t == t)):
        with pytest.raises(ValueError):
            refused()
    for refused in (lambda: t < t, lambda: t >= 1):
        with pytest.raises(TypeError):
            refused()

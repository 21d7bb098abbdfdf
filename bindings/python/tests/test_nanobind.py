"""Extensions that are written with nanobind take tensors as they take arrays, and what they give can be borrowed."""

import gc
import importlib.util
import os
import pathlib
import shutil
import subprocess
import sys
import sysconfig

import numpy as np
import pytest

import astensor as at
from conftest import address

nanobind = pytest.importorskip("nanobind", reason="nanobind is not installed: pip install nanobind")
SOURCE = pathlib.Path(__file__).parent / "consumers" / "nanobind_consumer.cpp"


@pytest.fixture(scope="module")
def consumer(tmp_path_factory):
    """The extension, compiled."""
    compiler = os.environ.get("CXX", "g++")
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not installed, and without it nothing can be compiled against nanobind")
    library = tmp_path_factory.mktemp("nanobind") / "nanobind_consumer.so"
    package = pathlib.Path(nanobind.__file__).parent
    includes = [nanobind.include_dir(), package / "ext" / "robin_map" / "include", sysconfig.get_paths()["include"]]
    subprocess.run([compiler, "-std=c++17", "-O0", "-fPIC", "-shared", "-fvisibility=hidden", "-DNDEBUG", "-DNB_COMPACT_ASSERTIONS",
                    *(f"-I{path}" for path in includes), str(pathlib.Path(nanobind.source_dir()) / "nb_combined.cpp"), str(SOURCE),
                    "-o", str(library)], check=True)
    specification = importlib.util.spec_from_file_location("nanobind_consumer", library)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_every_layout_arrives_as_it_is(consumer, array):
    t = at.as_tensor(array)
    said = consumer.describe(t)
    assert said["shape"] == list(t.shape) and said["dtype"] == (t.dtype.code, t.dtype.bits, t.dtype.lanes) and said["device"] == (1, 0)
    if array.size:
        assert said["address"] == t.data_ptr() == address(array) and said["strides"] == list(t.strides)


@pytest.mark.parametrize("name", ["bfloat16", "float16", "float8_e4m3fn", "float8_e5m2", "float8_e8m0fnu", "complex32", "complex64"])
def test_dtypes_that_numpy_lacks_arrive_too(consumer, name):
    t = at.as_tensor([[1, 2], [4, 8]], dtype=name)
    said = consumer.describe(t.T)
    assert said["dtype"] == (t.dtype.code, t.dtype.bits, 1) and said["strides"] == [1, 2] and said["address"] == t.data_ptr()


def test_typed_views_are_read_and_written(consumer):
    a = np.arange(12, dtype=np.float32).reshape(3, 4)
    t = at.as_tensor(a)
    for view, numpys in ((t, a), (t.T, a.T), (t[::-1, 1::2], a[::-1, 1::2]), (t[:0], a[:0])):
        assert consumer.sum(view) == numpys.sum()
    consumer.scale(t[1, ::-2], 10)
    assert a[1].tolist() == [4, 50, 6, 70]
    assert consumer.sum(at.as_tensor(b"")[None].view("uint8").to("float32")) == 0


def test_read_only_memory_is_not_written(consumer):
    a = np.arange(4, dtype=np.float32)
    a.flags.writeable = False
    t = at.as_tensor(a)
    with pytest.raises(TypeError):
        consumer.scale_as_is(t, 2)
    assert consumer.sum(t[None]) == 6 and consumer.describe(t)["address"] == address(a)
    assert not consumer.as_read_only(t).flags.writeable and a.tolist() == [0, 1, 2, 3]


def test_constraints(consumer):
    t = at.as_tensor(np.arange(12.0).reshape(3, 4))
    for function, fits in ((consumer.row_major_as_is, t), (consumer.column_major_as_is, t.T), (consumer.row_major, t)):
        assert function(fits) == 12
    for function, wrong in ((consumer.row_major_as_is, t.T), (consumer.column_major_as_is, t), (consumer.three_columns, at.zeros((2, 4), dtype="int64")),
                            (consumer.on_cuda, t), (consumer.sum, t[0]), (consumer.scale_as_is, t[0])):
        with pytest.raises(TypeError):
            function(wrong)
    assert consumer.three_columns(at.zeros((5, 3), dtype="int64")) == 5


def test_memory_is_kept_as_long_as_the_extension_holds_it(consumer):
    data = bytearray(8)
    t = at.as_tensor(data)
    consumer.keep(t)
    consumer.keep(t[4:])
    del t
    gc.collect()
    with pytest.raises(BufferError):
        data.extend(b"more")
    consumer.forget()
    data.extend(b"more")
    with pytest.raises(BufferError):
        with at.loan(bytearray(4)) as loan:
            consumer.keep(loan.as_tensor())
    assert loan.count("exports") == 1
    consumer.forget()
    loan.close()


def test_the_same_memory_comes_back(consumer):
    t = at.as_tensor([1.0, 2.0, 3.0, 4.0])[::-1][:3]
    assert consumer.same(t) is t
    array = consumer.as_numpy(t)
    assert isinstance(array, np.ndarray) and address(array) == t.data_ptr()
    pointer = t.data_ptr()
    del t
    gc.collect()
    assert array.tolist() == [4, 3, 2] and at.as_tensor(array).data_ptr() == pointer


def test_torch_gets_the_memory_through_the_extension(consumer):
    torch = pytest.importorskip("torch")
    t = at.as_tensor([[1.0, 2.0], [3.0, 4.0]]).T
    theirs = consumer.as_torch(t)
    assert isinstance(theirs, torch.Tensor) and theirs.data_ptr() == t.data_ptr() and theirs.tolist() == [[1, 3], [2, 4]]
    assert consumer.describe(theirs)["address"] == at.as_tensor(theirs).data_ptr() == t.data_ptr()


def test_memory_of_the_extension_is_borrowed(consumer):
    released = []
    made = consumer.made_here(lambda: released.append(True))
    t = at.as_tensor(made)
    assert t.tolist() == [[1, 2, 3], [4, 5, 6]] and t.origin[0] == "alias" and not t.is_read_only
    view = at.from_dlpack(made)[1]
    view[0] = 40
    assert t[1, 0].item() == 40
    del made, t
    gc.collect()
    assert not released and view.tolist() == [40, 5, 6]
    del view
    assert released == [True]


def test_nothing_leaks(consumer):
    t = at.as_tensor([[1.0, 2.0], [3.0, 4.0]])
    for _ in range(100):
        consumer.sum(t), consumer.describe(t), consumer.as_numpy(t[0])
        with pytest.raises(TypeError):
            consumer.scale_as_is(t, 2)
    gc.collect()
    assert t.use_count == 1
    assert sys.getrefcount(t) == 2

"""Loans, threads, and the end of the interpreter."""

import gc
import subprocess
import sys
import threading
import time
import weakref

import numpy as np
import pytest

import astensor as at


def test_a_loan_ends_with_its_block():
    data = bytearray(8)
    with at.loan(data) as loan:
        t = loan.as_tensor()
        t[3] = 5
        with pytest.raises(BufferError):
            data.extend(b"x")
        del t
    assert loan.closed and data[3] == 5
    data.extend(b"x")


def test_a_loan_that_is_busy_says_by_whom():
    data = bytearray(8)
    with pytest.raises(BufferError) as error:
        with at.loan(data) as loan:
            t = loan.as_tensor()
            view = t[2:]
            view.set_label("the view")
            assert loan.count() == 2 and loan.count("views") == 1 and loan.count("tensors") == 1
            exported = np.asarray(t)
            assert loan.count("exports") == 1
    assert error.value.status_name == "TENSOR_ERROR_BUSY" and "the view" in str(error.value) and not loan.closed
    with pytest.raises(BufferError):
        data.extend(b"x")
    with pytest.raises(BufferError):
        loan.revoke()
    del exported
    loan.revoke()
    data.extend(b"x")
    for touch in (lambda: repr(t), lambda: t[0], lambda: t.tolist(), lambda: memoryview(t), lambda: t.__dlpack__(), lambda: view.copy(),
                  lambda: np.asarray(t), lambda: loan.as_tensor()):
        with pytest.raises(BufferError):
            touch()
    assert t.shape == (8,)
    loan.close()
    with pytest.raises(ValueError):
        loan.count()


def test_an_error_on_its_way_is_not_hidden():
    with pytest.raises(KeyError):
        with at.loan(bytearray(4)) as loan:
            t = loan.as_tensor()
            raise KeyError
    assert not loan.closed
    del t
    loan.close()


def test_evacuation_keeps_values():
    data = bytearray([1, 2, 3, 4])
    loan = at.loan(data)
    t = loan.as_tensor()
    view = t[::-1]
    loan.evacuate()
    data.extend(b"x")
    data[0] = 99
    assert t.tolist() == [1, 2, 3, 4] and view.tolist() == [4, 3, 2, 1]
    t[0] = 7
    assert view[3].item() == 7 and loan.closed


def test_waiting():
    loan = at.loan(np.zeros(4))
    t = [loan.as_tensor()]
    with pytest.raises(BufferError):
        loan.wait(timeout=0.01)
    with pytest.raises(ValueError):
        loan.wait(timeout=-1)
    threading.Timer(0.05, t.clear).start()
    loan.wait()
    loan.close()


def test_loans_of_arrays_and_read_only_memory():
    a = np.arange(12.0).reshape(3, 4)[::-1, ::2]
    with at.loan(a) as loan:
        assert loan.as_tensor().tolist() == a.tolist() and loan.as_tensor(at.int8).tolist() == a.tolist()
        loan.as_tensor()[0, 0] = -1
    assert a[0, 0] == -1
    for data, keywords in ((b"abc", {}), (bytearray(3), {"read_only": True})):
        with at.loan(data, **keywords) as loan:
            assert loan.as_tensor().is_read_only
    with pytest.raises(TypeError):
        at.loan(3)


def test_loans_are_let_go_with_the_last_tensor():
    for _ in range(100):  # More than there can be at a time.
        data = bytearray(4)
        t = at.loan(data).as_tensor()[1:]
        with pytest.raises(BufferError):
            data.extend(b"x")
        del t
        data.extend(b"x")
        at.loan(data)


def test_weak_references():
    t = at.as_tensor([1])
    reference = weakref.ref(t)
    assert reference() is t
    del t
    gc.collect()
    assert reference() is None


def test_copies_run_beside_each_other():
    source = at.as_tensor(np.random.default_rng(1).random((512, 1024)))
    expected = source.numpy().T.astype(np.float32)
    failures = []

    def work():
        for _ in range(10):
            if not np.array_equal(source.T.to(at.float32, contiguous=True).numpy(), expected):
                failures.append(1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_other_threads_run_while_a_copy_does():
    source = at.as_tensor(np.zeros((4096, 4096), np.float32))
    seen, stop = [0], threading.Event()

    def count():
        while not stop.is_set():
            seen[0] += 1
            time.sleep(0.0005)

    thread = threading.Thread(target=count)
    thread.start()
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1000)  # Nobody is made to give the lock away.
    try:
        before = seen[0]
        source.T.to(at.float64, contiguous=True)
        assert seen[0] > before
    finally:
        stop.set()
        sys.setswitchinterval(interval)
        thread.join()


def run(program):
    done = subprocess.run([sys.executable, "-X", "dev", "-c", program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    return done.stdout


def test_deleters_run_on_threads_that_python_does_not_know():
    assert run(
        """
import ctypes, sys, threading
import astensor as at
data = bytearray(100)
keep = at.as_tensor(data)
# A consumer in C: the managed tensor is released by a thread that Python never saw.
capsule = keep.__dlpack__(max_version=(1, 0))
del keep
api = ctypes.pythonapi
api.PyCapsule_GetPointer.restype = ctypes.c_void_p
api.PyCapsule_GetPointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
api.PyCapsule_SetName.argtypes = [ctypes.py_object, ctypes.c_char_p]
managed = api.PyCapsule_GetPointer(capsule, b"dltensor_versioned")
used = b"used_dltensor_versioned"
api.PyCapsule_SetName(capsule, used)
# After the version (8 bytes) and the context: the deleter.
deleter = ctypes.c_void_p.from_address(managed + 16).value
libc = ctypes.CDLL(None)
handle = ctypes.c_ulong()
try:
    data.extend(b"x")
except BufferError:
    print("held")
libc.pthread_create.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]
libc.pthread_join.argtypes = [ctypes.c_ulong, ctypes.c_void_p]
libc.pthread_create(ctypes.byref(handle), None, deleter, managed)
libc.pthread_join(handle, None)
data.extend(b"x")
print("released")
"""
    ) == "held\nreleased\n"


@pytest.mark.parametrize("how", ["module", "cycle", "thread", "capsule", "atexit", "numpy"])
def test_the_end_of_the_interpreter(how):
    programs = {
        "module": "keep = [at.as_tensor(bytearray(8)), at.as_tensor([1.0]), at.loan(bytearray(4)).as_tensor()]",
        "cycle": "a = []; a.append(a); a.append(at.as_tensor(bytearray(8))); sys.keep = a",
        "thread": """
import threading, time
def work():
    while True:
        at.as_tensor(np.zeros((600, 600))).T.to(at.float32, contiguous=True)
for _ in range(3):
    threading.Thread(target=work, daemon=True).start()
time.sleep(0.1)
""",
        "capsule": "keep = at.as_tensor(bytearray(8)).__dlpack__(max_version=(1, 0)); sys.keep = keep",
        "atexit": "import atexit; t = at.as_tensor(bytearray(8)); atexit.register(lambda: print(t[0].item()))",
        "numpy": "sys.keep = np.from_dlpack(at.as_tensor(np.arange(5))), np.asarray(at.as_tensor([1]))",
    }
    run("import sys, numpy as np, astensor as at\n" + programs[how])


def test_fork_while_tensors_live():
    run(
        """
import os, warnings, numpy as np, astensor as at
warnings.simplefilter("ignore")  # NumPy's own threads.
t = at.as_tensor(np.arange(1 << 20))
t.to(at.float32)
child = os.fork()
if child == 0:
    ok = t.to(at.float32).numpy().sum() > 0
    del t
    os._exit(0 if ok else 1)
assert os.waitpid(child, 0)[1] == 0
"""
    )


def test_references_do_not_leak():
    data = [[1.5] * 10] * 3
    array = np.arange(6)

    def everything():
        t = at.as_tensor(array)
        np.from_dlpack(t), np.asarray(t), memoryview(t), t[1:], t.tolist(), repr(t), t.dtype, t.shape, t.origin, t.device
        at.from_dlpack(array), at.as_tensor(data), at.as_tensor([array, array]), at.tensor(t, dtype="bfloat16")
        t[0] = 1
        for bad in (lambda: t[9], lambda: at.as_tensor([1, [2]]), lambda: at.as_tensor("x"), lambda: t.__dlpack__(stream=5)):
            try:
                bad()
            except Exception:
                pass

    for _ in range(50):
        everything()
    gc.collect()
    before = sys.getallocatedblocks()
    for _ in range(1000):
        everything()
    gc.collect()
    assert sys.getallocatedblocks() - before < 500  # What is lost each time is at least 1000.

"""A model of ONNX Runtime that reads and writes the memory of tensors, without a copy on either side.

    python onnx_runtime.py [path/to/libastensor.so]

A model takes float32; the data here is float16, which astensor converts into its own memory, in one pass. Input and
output are bound by address once, and each run goes on the memory as it is then.
"""

import pathlib
import sys

import numpy as np

try:
    import onnxruntime
    from onnx import TensorProto, helper
except ImportError as missing:
    sys.exit(print(f"{missing.name} is not installed: skipped"))

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import numpy_share as share


def model():
    """y = x + x."""
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [2, 3]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Add", ["x", "x"], ["y"])], "twice", values[:1], values[1:])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    made.ir_version = 8
    return made.SerializeToString()


def converted(library, array, code, bits):
    """A tensor of another dtype, made by astensor."""
    import ctypes as c

    source = share.Tensor.make(library, library.tensor_as_tensor, array, lender=array)
    dtype = share.DLDataType(code, bits, 1)
    options = share.Options(c.sizeof(share.Options), 0, c.addressof(dtype))
    handle = c.c_void_p()
    library.tensor_to.argtypes = [c.c_void_p, c.c_void_p, c.POINTER(c.c_void_p)]
    if library.tensor_to(source.handle, c.byref(options), c.byref(handle)) != 0:
        raise RuntimeError(library.tensor_last_error().decode())
    return share.Tensor(library, handle)


def main():
    built = pathlib.Path(__file__).resolve().parents[2] / "target/release/libastensor.so"
    library = share.load(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else built).resolve())
    session = onnxruntime.InferenceSession(model(), providers=["CPUExecutionProvider"])

    halves = np.array([[1, 2, 3], [4, 5, 6]], np.float16)
    given = converted(library, halves, share.KINDS["f"], 32)
    results = np.zeros((2, 3), np.float32)
    taken = share.Tensor.make(library, library.tensor_as_tensor, results, lender=results)

    binding = session.io_binding()
    binding.bind_input("x", "cpu", 0, np.float32, [2, 3], given.address)
    binding.bind_output("y", "cpu", 0, np.float32, [2, 3], taken.address)
    session.run_with_iobinding(binding)
    assert results.tolist() == [[2, 4, 6], [8, 10, 12]]
    assert binding.get_outputs()[0].data_ptr() == taken.address == results.ctypes.data

    # Nothing is bound anew: the model reads what is in the tensor now.
    np.from_dlpack(given)[1, 2] = 50
    session.run_with_iobinding(binding)
    assert results[1, 2] == 100
    # The binding has addresses only: it goes before the tensors do.
    del binding
    print(f"onnxruntime {onnxruntime.__version__}: a model read one tensor's memory and wrote another's")


main()

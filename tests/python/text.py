"""Compares the text of tensors with what torch prints of them.

    python text.py path/to/libastensor.so [text.json]

tests/golden/make_text.py makes the file.
"""

import base64
import ctypes as c
import json
import pathlib
import sys
import zlib

from abi import CPU, DLDevice, DLTensor, Library, Options, dtype_of_name


class FormatOptions(c.Structure):
    _fields_ = [
        ("struct_size", c.c_uint32),
        ("precision", c.c_int32),
        ("threshold", c.c_int64),
        ("edge_items", c.c_int32),
        ("line_width", c.c_int32),
        ("sci_mode", c.c_int32),
        ("reserved", c.c_int32),
    ]

    def __init__(self, precision=4, threshold=1000, edgeitems=3, linewidth=80, sci_mode=None):
        super().__init__(c.sizeof(FormatOptions), precision, threshold, edgeitems, linewidth, {None: 0, True: 1, False: 2}[sci_mode])


def array(values):
    return (c.c_int64 * max(len(values), 1))(*values)


def unpacked(text):
    return zlib.decompress(base64.b64decode(text[5:])) if text.startswith("zlib:") else bytes.fromhex(text)


def text_of(library, case):
    shape, strides = array(case["shape"]), case["strides"]
    data = unpacked(case["bytes"])
    # One byte into a buffer of its own: no element is aligned, and none lies beside others.
    memory = c.create_string_buffer(b"\xff" + data, len(data) + 1)
    descriptor = DLTensor(c.addressof(memory) + 1, DLDevice(CPU, 0), len(case["shape"]), dtype_of_name(case["dtype"]), shape,
                          None if strides is None else array(strides), 0)
    tensor = library.make("tensor_as_tensor", c.byref(descriptor), c.byref(Options(nbytes=len(data))))
    if case["requires_grad"]:
        library.call("tensor_set_requires_grad", tensor.handle, c.c_bool(True))
    library.call("tensor_set_default_dtype", c.byref(dtype_of_name(case["default"])))
    options = c.byref(FormatOptions(**case["options"])) if case["options"] else None
    needed = c.c_size_t()
    library.call("tensor_format", tensor.handle, options, None, c.c_size_t(0), c.byref(needed))
    buffer = c.create_string_buffer(b"\xff" * (needed.value + 2), needed.value + 2)
    length = c.c_size_t()
    library.call("tensor_format", tensor.handle, options, buffer, c.c_size_t(needed.value + 1), c.byref(length))
    assert length.value == needed.value and buffer.raw[needed.value:] == b"\0\xff", case
    return buffer.value.decode()


library = Library(sys.argv[1])
file = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else pathlib.Path(__file__).parent.parent / "golden" / "text.json")
cases = json.loads(file.read_text())
for case in cases:
    text = text_of(library, case)
    if text != case["text"]:
        print({name: value for name, value in case.items() if name != "text"})
        print("found:", text, "expected:", case["text"], sep="\n")
        sys.exit(1)
assert len(cases) > 500
print(f"{len(cases)} texts equal torch's")

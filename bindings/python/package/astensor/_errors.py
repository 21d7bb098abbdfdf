"""The library's errors as exceptions: each is also the built-in exception that Python programs expect."""


class TensorError(Exception):
    """Any error of the library. `status` is its number in C, `status_name` the name of that."""

    status = 0
    status_name = "TENSOR_OK"


class TensorValueError(TensorError, ValueError):
    """An argument, shape, device or value that cannot be."""


class TensorTypeError(TensorError, TypeError):
    """A dtype that is none, or that cannot be converted as asked."""


class TensorIndexError(TensorError, IndexError):
    """A dimension or index that does not exist."""


class TensorOverflowError(TensorError, OverflowError):
    """A number that its dtype cannot hold, or a size that nothing can."""


class TensorBufferError(TensorError, BufferError):
    """Memory that cannot be lent, taken back or exchanged now."""


class TensorExchangeError(TensorBufferError, ValueError):
    """Memory that is not exchanged as asked. DLPack and the buffer protocol want a BufferError, a bad argument is a ValueError."""


class TensorMemoryError(TensorError, MemoryError):
    """An allocation failed."""


class TensorNotImplementedError(TensorError, NotImplementedError):
    """Something this version does not offer."""


class TensorRuntimeError(TensorError, RuntimeError):
    """Anything else."""


# By the numbers of the header.
by_status = {
    1: TensorRuntimeError,
    2: TensorValueError,
    3: TensorValueError,
    4: TensorOverflowError,
    5: TensorValueError,
    6: TensorIndexError,
    7: TensorTypeError,
    8: TensorExchangeError,
    9: TensorTypeError,
    10: TensorValueError,
    11: TensorExchangeError,
    12: TensorValueError,
    13: TensorValueError,
    14: TensorRuntimeError,
    15: TensorNotImplementedError,
    16: TensorMemoryError,
    17: TensorBufferError,
    18: TensorOverflowError,
    19: TensorRuntimeError,
    20: TensorBufferError,
    21: TensorBufferError,
    22: TensorBufferError,
    23: TensorValueError,
    24: TensorRuntimeError,
    25: TensorRuntimeError,
}

"""Memory that somebody already has as a tensor, without copying it: `torch.as_tensor` on its own.

>>> import astensor as at
>>> data = bytearray(4)
>>> t = at.as_tensor(data)
>>> t[1] = 7
>>> data
bytearray(b'\\x00\\x07\\x00\\x00')
"""

from ._array_api import (  # noqa: F401
    __array_namespace_info__,
    all,
    arange,
    asarray,
    astype,
    can_cast,
    finfo,
    full,
    iinfo,
    isdtype,
    isfinite,
    isnan,
    ones,
    permute_dims,
    reshape,
    result_type,
    zeros,
)
from ._core import *  # noqa: F401,F403
from ._core import __version__  # noqa: F401
from ._errors import TensorError  # noqa: F401

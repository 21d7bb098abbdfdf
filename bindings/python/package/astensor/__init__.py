"""Memory that somebody already has as a tensor, without copying it: `torch.as_tensor` on its own.

>>> import astensor as at
>>> data = bytearray(4)
>>> t = at.as_tensor(data)
>>> t[1] = 7
>>> data
bytearray(b'\\x00\\x07\\x00\\x00')
"""

from ._array_api import __array_namespace_info__ as __array_namespace_info__
from ._array_api import all as all
from ._array_api import arange as arange
from ._array_api import asarray as asarray
from ._array_api import astype as astype
from ._array_api import can_cast as can_cast
from ._array_api import finfo as finfo
from ._array_api import full as full
from ._array_api import iinfo as iinfo
from ._array_api import isdtype as isdtype
from ._array_api import isfinite as isfinite
from ._array_api import isnan as isnan
from ._array_api import ones as ones
from ._array_api import permute_dims as permute_dims
from ._array_api import reshape as reshape
from ._array_api import result_type as result_type
from ._array_api import zeros as zeros
from ._core import *  # noqa: F401,F403
from ._core import __version__ as __version__
from ._errors import TensorError as TensorError

"""Arrays that a tool writes its result into."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from snakepit._buffers import numpy
from snakepit._context import HOST, current

__all__ = ["empty"]


def empty(shape: int | Sequence[int], dtype: Any = "f8") -> Any:
    """A numpy array, not initialised, in memory that the worker shares with its host: what a tool writes there and returns is not copied.

    Write to it until you return it; from then on it belongs to the caller, and is read-only here. Where no memory is shared, for arrays below
    256 KB, and outside a call, it is an ordinary array. Needs numpy.
    """
    np = numpy(wanted=True)
    if np is None:
        raise ImportError("snakepit.empty makes numpy arrays: add numpy to the worker's environment")
    runtime = HOST.runtime
    made = None if runtime is None or current() is None else runtime.memory.empty(np, shape, dtype)
    return np.empty(shape, dtype) if made is None else made

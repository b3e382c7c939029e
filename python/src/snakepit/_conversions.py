"""Types that msgspec does not know, as something that it does: subclasses, collections of other kinds, numpy scalars, Pydantic models."""

from __future__ import annotations

import array
import collections
import datetime
import enum
import functools
import inspect
import io
import os
import types
from collections import abc
from collections.abc import Callable
from typing import Any, cast

from snakepit._buffers import Unsupported, is_table, numpy
from snakepit._extensions import Ref

__all__ = ["Beside", "plainly", "type_of", "why_not"]


class Beside(Exception):
    """An array was met; the pass that collects arrays has to be taken."""


def type_of(value: Any) -> type[Any]:
    """``type(value)``, of whose parameters nothing is known."""
    return cast("type[Any]", type(value))


def plainly(value: Any) -> Any:
    """What msgspec asks about types it does not know: something that it does. Raises Unsupported."""
    kind = type_of(value)
    convert = _CONVERSIONS.get(kind)
    if convert is not None:
        return convert(value)
    np = numpy()
    if np is not None and isinstance(value, (np.ndarray, np.generic)):
        return _from_numpy(np, value)
    if is_table(value):
        raise Beside
    for base, convert in _BASES:
        if isinstance(value, base):
            return convert(value)
    if hasattr(kind, "model_dump") and hasattr(kind, "model_fields"):
        return value.model_dump(by_alias=True)
    raise Unsupported(why_not(value))


def _from_numpy(np: Any, value: Any) -> Any:
    if isinstance(value, np.ndarray):
        if value.dtype.kind in "OUST":
            return value.tolist()
        raise Beside
    if isinstance(value, np.datetime64):
        return None if np.isnat(value) else str(value)
    if isinstance(value, np.timedelta64):
        return _duration(np, value)
    plain = float(value) if isinstance(value, np.longdouble) else value.item()
    if isinstance(plain, (bool, int, float, str, bytes)):
        return plain
    raise Unsupported(why_not(plain))


def _duration(np: Any, value: Any) -> datetime.timedelta | None:
    if np.isnat(value):
        return None
    try:
        whole = value.astype("m8[us]")
    except (OverflowError, TypeError, ValueError):
        whole = None
    if whole is None or whole != value:
        raise Unsupported(f"a timedelta64 of {value!s} is no whole number of microseconds")
    return whole.item()


def _datetime(value: datetime.datetime) -> datetime.datetime:
    return datetime.datetime(
        value.year, value.month, value.day, value.hour, value.minute, value.second, value.microsecond, value.tzinfo, fold=value.fold
    )


def _exact_date(value: datetime.date) -> datetime.date:
    return datetime.date(value.year, value.month, value.day)


def _array(value: array.array[Any]) -> Any:
    if value.typecode in "uw":
        return value.tounicode()
    raise Beside


_CONVERSIONS: dict[type[Any], Callable[[Any], Any]] = {
    collections.deque: list,
    range: list,
    array.array: _array,
    types.MappingProxyType: dict,
    types.SimpleNamespace: vars,
    Ref: Ref.extension,
}

# Subclasses of what msgspec knows only as itself, and collections of other kinds. The first that fits is taken.
_BASES: tuple[tuple[type[Any], Callable[[Any], Any]], ...] = (
    (str, str.__str__),
    (int, int.__index__),
    (float, float.__float__),
    (bytes, lambda value: bytes(memoryview(value))),
    (bytearray, bytes),
    (datetime.datetime, _datetime),
    (datetime.date, _exact_date),
    (enum.Enum, lambda value: value.value),
    (os.PathLike, os.fspath),
    (array.array, _array),
    (io.IOBase, lambda value: _refuse(value)),
    (abc.Mapping, dict),
    (abc.Set, list),
    (abc.ValuesView, list),
    (abc.Sequence, list),
)


def _refuse(value: object) -> Any:
    raise Unsupported(why_not(value))


_PARTIAL: type[Any] = functools.partial


def why_not(value: object) -> str:
    name = type(value).__qualname__
    if isinstance(value, type):
        return f"the class {value.__qualname__} itself is no value"
    if inspect.isroutine(value) or isinstance(value, _PARTIAL):
        return f"{getattr(value, '__qualname__', 'it')} is a function"
    if isinstance(value, io.IOBase):
        return f"it is an open file ({name})"
    if isinstance(value, types.ModuleType):
        return f"it is the module {value.__name__}"
    if inspect.isawaitable(value):
        return f"it is a {name} that was not awaited"
    if isinstance(value, (abc.Iterator, abc.AsyncIterator)):
        return f"it is an iterator ({name}), which only the result of a streaming tool may be"
    if isinstance(value, complex):
        return "a complex number has no counterpart; send [z.real, z.imag]"
    return f"objects of the type {name} have no counterpart; send a dict, a list or a dataclass"

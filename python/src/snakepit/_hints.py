"""Type hints: what msgspec is asked to decode into, and the types that it does not know.

msgspec checks nearly every hint by itself. Added here are numpy arrays and scalars, Pydantic models, ``array.array``, ``Path``, deques, and unions
that msgspec refuses, such as ``np.ndarray | float``.
"""

from __future__ import annotations

import array
import collections
import inspect
import os
import types
import typing
from collections import abc
from collections.abc import Callable
from typing import Any

import msgspec
from msgspec.msgpack import Decoder

from snakepit._buffers import array_of, is_table, numpy

__all__ = [
    "UnknownHint",
    "convert",
    "element_of",
    "from_foreign",
    "holds_views",
    "is_instance",
    "is_stream",
    "known",
    "name_of",
    "schema_of_foreign",
    "without_errors",
    "without_none",
]

_SYNCHRONOUS = (abc.Iterator, abc.Generator)
_ASYNCHRONOUS = (abc.AsyncIterator, abc.AsyncIterable, abc.AsyncGenerator)
_BUILTIN = (bytes, bytearray, memoryview)
_SEQUENCES: tuple[Any, ...] = (list, tuple, set, frozenset, abc.Sequence, abc.Collection)
_UNIONS = (typing.Union, getattr(types, "UnionType", typing.Union))


class UnknownHint(Exception):
    """A hint that nothing can be checked against; the message says why."""


class _Anything(type):
    # msgspec asks whether what from_foreign made is of the type that was hinted.
    def __instancecheck__(cls, instance: object) -> bool:
        return True


class _Either(metaclass=_Anything):
    """Base of the stand-ins for unions that msgspec refuses. ``members`` are tried in the order written."""

    members: tuple[Any, ...] = ()


def known(hint: Any) -> Any:
    """``hint`` in a form that msgspec decodes with ``from_foreign``. Raises UnknownHint."""
    if hint is object or isinstance(hint, typing.TypeVar):
        return Any
    problem = _refusal(hint)
    if problem is None:
        return hint
    origin = typing.get_origin(hint)
    arguments: tuple[Any, ...] = typing.get_args(hint)
    if origin in _UNIONS:
        return _Anything("Either", (_Either,), {"members": tuple(known(member) for member in arguments)})
    if origin is not None and arguments:
        inner = tuple(map(_known_argument, arguments))
        if inner != arguments and (copied := _rebuilt(hint, origin, inner)) is not None and _refusal(copied) is None:
            return copied
    raise UnknownHint(problem)


def _known_argument(argument: Any) -> Any:
    # tuple[int, ...] and Callable[[int], int] have arguments that are no hints.
    return argument if argument is ... or argument.__class__ is list else known(argument)


def _rebuilt(hint: Any, origin: Any, arguments: tuple[Any, ...]) -> Any:
    try:
        return hint.copy_with(arguments) if hasattr(hint, "copy_with") else origin[arguments]
    except TypeError:
        return None


def _refusal(hint: Any) -> str | None:
    try:
        Decoder(hint, dec_hook=from_foreign)
    except Exception as error:
        return str(error)
    return None


def convert(value: Any, hint: Any) -> Any:
    """``value``, decoded without a hint, as ``hint``. Raises msgspec.ValidationError with the path inside it."""
    if hint is memoryview and _is_view(value):
        return value
    if (typing.get_origin(hint) or hint) in _SEQUENCES:
        # A typed array is a list of numbers where one was asked for.
        np = numpy()
        if _is_view(value) or (np is not None and isinstance(value, np.ndarray)):
            return msgspec.convert(value.tolist(), hint, builtin_types=_BUILTIN, dec_hook=from_foreign)
    return msgspec.convert(value, hint, builtin_types=_BUILTIN, dec_hook=from_foreign)


def from_foreign(hint: Any, value: Any) -> Any:
    """What msgspec calls for a type of its caller's. Raises ValueError, which msgspec completes with the path."""
    origin: Any = typing.get_origin(hint) or hint
    if _is_class(origin):
        if issubclass(origin, _Either):
            return _first_that_fits(origin.members, value)
        if hasattr(origin, "model_validate"):
            return _validated(hint, value)
        np = numpy()
        if np is not None:
            if issubclass(origin, np.ndarray):
                return array_of(value, _dtype_of(np, hint))
            if issubclass(origin, np.generic):
                return _scalar(np, origin, value)
        if isinstance(value, origin):
            return value
        if is_table(value):
            from snakepit import _arrow

            made = _arrow.convert(origin, value)
            if made is not None:
                return made
        convert_to = _FROM.get(origin, _path if _is_path(origin) else None)
        if convert_to is not None:
            return convert_to(hint, value)
    raise ValueError(f"Expected `{name_of(hint)}`, got `{type(value).__name__}`")


def is_instance(value: Any, hint: Any) -> bool:
    """Whether an object is of the class that a hint names. What a hint says of its contents is not looked at; one that names no class takes all."""
    origin: Any = typing.get_origin(hint) or hint
    if origin is typing.Annotated:
        return is_instance(value, typing.get_args(hint)[0])
    if origin in _UNIONS:
        return any(is_instance(value, member) for member in typing.get_args(hint))
    if hint is None:
        return value is None
    if not _is_class(origin):
        return True
    if issubclass(origin, _Either):
        return any(is_instance(value, member) for member in origin.members)
    try:
        return isinstance(value, origin)
    except TypeError:
        # A protocol that cannot be asked.
        return True


def _is_view(value: Any) -> bool:
    return type(value) is memoryview


def _is_class(hint: Any) -> bool:
    return isinstance(hint, type)


def _is_path(origin: Any) -> bool:
    return hasattr(origin, "__fspath__")


def _first_that_fits(members: tuple[Any, ...], value: Any) -> Any:
    for member in members:
        try:
            return convert(value, member)
        except msgspec.ValidationError:
            continue
    raise ValueError(f"Expected {' or '.join(f'`{name_of(member)}`' for member in members)}, got `{type(value).__name__}`")


def _validated(hint: Any, value: Any) -> Any:
    if isinstance(value, hint):
        return value
    try:
        return hint.model_validate(value)
    except ValueError as error:
        raise ValueError(_sentence_of(error, name_of(hint))) from error


def _sentence_of(error: Any, name: str) -> str:
    """Pydantic's errors in one line."""
    try:
        said = "; ".join(f"{'.'.join(map(str, one['loc'])) or name}: {one['msg']}" for one in error.errors())
    except Exception:
        said = str(error)
    return f"Expected `{name}`: {said}"


def _dtype_of(np: Any, hint: Any) -> Any:
    """The dtype of ``NDArray[np.float64]``, or None where any will do."""
    for argument in typing.get_args(hint):
        if typing.get_origin(argument) is np.dtype:
            scalar = typing.get_args(argument)[0]
            if isinstance(scalar, type) and issubclass(scalar, np.generic) and not _is_abstract(np, scalar):
                return np.dtype(scalar)
    return None


def _is_abstract(np: Any, scalar: type[Any]) -> bool:
    # np.floating and its like name a family; np.dtype(np.floating) would quietly be float64.
    return scalar in (
        np.generic,
        np.number,
        np.integer,
        np.signedinteger,
        np.unsignedinteger,
        np.inexact,
        np.floating,
        np.complexfloating,
        np.flexible,
    )


def _scalar(np: Any, kind: Any, value: Any) -> Any:
    made = None
    if isinstance(value, (bool, int, float, np.generic)) and not _is_abstract(np, kind):
        try:
            made = kind(value)
        except OverflowError:
            pass
    # A float may be rounded to the precision that was asked for, anything else must stay what it is.
    if made is None or (made != value and not issubclass(kind, np.floating)):
        raise ValueError(f"Expected `{kind.__name__}`, got {value!r}")
    return made


def _path(hint: Any, value: Any) -> Any:
    if not isinstance(value, str):
        raise ValueError(f"Expected `{name_of(hint)}`, got `{type(value).__name__}`")
    from pathlib import Path

    return Path(value) if hint is os.PathLike or typing.get_origin(hint) is os.PathLike else hint(value)


def _deque(hint: Any, value: Any) -> Any:
    arguments = typing.get_args(hint)
    return collections.deque(convert(value, list[arguments[0] if arguments else Any]))


def _array(hint: Any, value: Any) -> Any:
    if type(value) is not memoryview or value.format not in "bBhHiIlLqQfd":
        raise ValueError(f"Expected a typed array, got `{type(value).__name__}`")
    return array.array(value.format, value.tobytes())


_FROM: dict[Any, Callable[[Any, Any], Any]] = {collections.deque: _deque, array.array: _array}


def without_none(hint: Any) -> Any:
    """``T`` of ``T | None``; any other hint as it is."""
    arguments = [argument for argument in typing.get_args(hint) if argument is not type(None)]
    return arguments[0] if typing.get_origin(hint) in _UNIONS and len(arguments) == 1 else hint


def is_stream(hint: Any, *, result: bool = False) -> str | None:
    """Whether a hint is that of a stream: "sync", "async" or None. A parameter may also be hinted ``Iterable``; as a result that may be a list."""
    origin: Any = typing.get_origin(hint) or hint
    if origin in _SYNCHRONOUS or (origin is abc.Iterable and not result):
        return "sync"
    return "async" if origin in _ASYNCHRONOUS else None


def element_of(hint: Any) -> Any:
    """``T`` of ``Iterator[T]``, ``list[T]`` and their like; Any where it is not said."""
    arguments = typing.get_args(hint)
    return arguments[0] if arguments else Any


def without_errors(hint: Any) -> Any:
    """The hint of a batch tool's result without the exceptions that may stand in its place. Empty when nothing is left."""
    if typing.get_origin(hint) not in (typing.Union, types.UnionType):
        return inspect.Parameter.empty if _is_error(hint) else hint
    rest = tuple(part for part in typing.get_args(hint) if not _is_error(part))
    return typing.Union[rest] if rest else inspect.Parameter.empty  # noqa: UP007


def _is_error(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, BaseException)


def holds_views(hint: Any) -> bool:
    """Whether msgspec would decode ``hint`` into something that looks at the bytes it was decoded from."""
    seen: set[int] = set()

    def holds(info: Any) -> bool:
        if isinstance(info, (msgspec.inspect.MemoryViewType, msgspec.inspect.RawType)):
            return True
        if isinstance(info, (list, tuple)):
            return any(holds(inner) for inner in typing.cast("list[Any]", info))
        if not isinstance(info, (msgspec.inspect.Type, msgspec.inspect.Field)) or id(info) in seen:
            return False
        seen.add(id(info))
        return any(holds(getattr(info, name)) for name in info.__struct_fields__)

    return holds(msgspec.inspect.type_info(hint))


def name_of(hint: Any) -> str:
    """A hint as it reads in Python."""
    if hint is None or hint is type(None):
        return "None"
    if _is_class(hint) and issubclass(hint, _Either):
        return " | ".join(map(name_of, hint.members))
    if isinstance(hint, type) and not typing.get_args(hint):
        return hint.__qualname__
    return str(hint).replace("typing.", "").replace("collections.abc.", "")


def schema_of_foreign(hint: Any) -> dict[str, Any]:
    """JSON Schema of a type that msgspec does not know; what is not known better may be anything."""
    origin: Any = typing.get_origin(hint) or hint
    if _is_class(origin):
        if issubclass(origin, _Either):
            return {"title": name_of(hint)}
        if hasattr(origin, "model_json_schema"):
            return origin.model_json_schema()
        np = numpy()
        if np is not None and issubclass(origin, np.ndarray):
            dtype = _dtype_of(np, hint)
            return {"title": "ndarray"} if dtype is None else {"title": "ndarray", "description": f"dtype {dtype}"}
        if np is not None and issubclass(origin, np.generic):
            return {"type": "integer" if issubclass(origin, np.integer) else "boolean" if issubclass(origin, np.bool_) else "number"}
        if _is_path(origin):
            return {"type": "string"}
    return {"title": name_of(hint)}

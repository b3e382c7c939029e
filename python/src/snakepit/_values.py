"""Values and their MessagePack. docs/values.md has the whole mapping.

One pass of msgspec does nearly all: it is the only one on the way of an ordinary call. Arrays beside the value need a second one that collects
them. What both refuse is walked here, which finds integers beyond 64 bits, and for anything that cannot travel its path.
"""

from __future__ import annotations

import array
import collections
import dataclasses
import datetime
import decimal
import enum
import functools
import inspect
import io
import os
import types
import uuid
from collections import abc
from collections.abc import Callable, Sequence
from copy import copy
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.msgpack import Decoder, Encoder, Ext

from snakepit._buffers import INLINE_BYTES, KIND_BYTES, OutBuffer, Unsupported, beside, from_buffer, numpy, typed_views_out
from snakepit._errors import ProtocolError, UnsupportedValue
from snakepit._paths import Path

if TYPE_CHECKING:
    from snakepit.v1 import value_pb2

__all__ = ["EXT_BUFFER", "EXT_INPUT", "EXT_INTEGER", "InBuffers", "OutBuffer", "decode", "encode", "extension_hook", "integer_of"]

EXT_BUFFER = 1
EXT_INTEGER = 2
EXT_INPUT = 3

InBuffers = Sequence["tuple[value_pb2.Buffer, memoryview | bytearray | bytes]"]
"""Received buffers in the order of the message, each with what it means."""


def encode(value: object) -> tuple[bytes, list[OutBuffer] | None]:
    """The MessagePack of ``value``, and the buffers it refers to.

    Buffers look at the memory of the value itself: send them before user code can change it. Raises UnsupportedValue with the path to whatever
    cannot travel.
    """
    if type(value) in _PLAIN_BYTES or _views:
        return _encode_carefully(value)
    try:
        return _encode(value), None
    except Exception:
        return _encode_carefully(value)


def decode(raw: bytes | bytearray | memoryview, buffers: InBuffers = ()) -> Any:
    """The value of ``raw`` without type hints. Raises ProtocolError for what is no MessagePack, UnsupportedValue for what Python cannot hold."""
    try:
        if not buffers:
            return _decode(raw)
        return Decoder(ext_hook=extension_hook(buffers)).decode(raw)
    except Unsupported as error:
        raise UnsupportedValue("$", str(error)) from None
    except RecursionError:
        raise UnsupportedValue("$", "it is nested too deep") from None
    except msgspec.MsgspecError as error:
        raise ProtocolError(f"not a value: {error}") from None


def integer_of(payload: bytes | memoryview) -> int:
    """The integer of an extension 2."""
    return int.from_bytes(payload, "big", signed=True)


def extension_hook(buffers: InBuffers, open_input: Callable[[int], Any] | None = None) -> Callable[[int, memoryview], Any]:
    """What msgspec calls for each extension: resolves buffers, integers and, where the caller can open them, input streams."""
    # One buffer may stand in two places of a value, and is one object then.
    made: dict[int, Any] = {}

    def hook(code: int, payload: memoryview) -> Any:
        if code == EXT_INTEGER:
            return integer_of(payload)
        number = int.from_bytes(payload, "big")
        if code == EXT_BUFFER:
            if number not in made:
                if number >= len(buffers):
                    raise Unsupported(f"buffer {number} is not there")
                made[number] = from_buffer(*buffers[number])
            return made[number]
        if code == EXT_INPUT and open_input is not None:
            return open_input(number)
        raise Unsupported("an input stream can only be an argument itself" if code == EXT_INPUT else f"extension {code} is unknown")

    return hook


def _plainly(value: Any) -> Any:
    """What msgspec asks about types it does not know: something that it does. Raises Unsupported."""
    kind = type(value)
    convert = _CONVERSIONS.get(kind)
    if convert is not None:
        return convert(value)
    np = numpy()
    if np is not None and isinstance(value, (np.ndarray, np.generic)):
        return _from_numpy(np, value)
    for base, convert in _BASES:
        if isinstance(value, base):
            return convert(value)
    if hasattr(kind, "model_dump") and hasattr(kind, "model_fields"):
        return value.model_dump(by_alias=True)
    raise Unsupported(_why_not(value))


def _from_numpy(np: Any, value: Any) -> Any:
    if isinstance(value, np.ndarray):
        if value.dtype.kind in "OUST":
            return value.tolist()
        raise _Beside
    if isinstance(value, np.datetime64):
        return None if np.isnat(value) else str(value)
    if isinstance(value, np.timedelta64):
        return _duration(np, value)
    plain = float(value) if isinstance(value, np.longdouble) else value.item()
    if isinstance(plain, (bool, int, float, str, bytes)):
        return plain
    raise Unsupported(_why_not(plain))


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
    raise _Beside


class _Beside(Exception):
    """An array was met; the pass that collects arrays has to be taken."""


_CONVERSIONS: dict[type[Any], Callable[[Any], Any]] = {
    collections.deque: list,
    range: list,
    type({}.keys()): list,
    type({}.values()): list,
    type({}.items()): list,
    array.array: _array,
    types.MappingProxyType: dict,
    types.SimpleNamespace: lambda value: dict(vars(value)),
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
    (abc.Sequence, list),
)


def _refuse(value: object) -> Any:
    raise Unsupported(_why_not(value))


def _why_not(value: object) -> str:
    name = type(value).__qualname__
    if isinstance(value, type):
        return f"the class {value.__qualname__} itself is no value"
    if inspect.isroutine(value) or isinstance(value, functools.partial):
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


_PLAIN_BYTES = frozenset({bytes, bytearray, memoryview})
_views = typed_views_out()
_encode = Encoder(enc_hook=_plainly).encode
_decode = Decoder(ext_hook=extension_hook(())).decode


def _encode_carefully(value: object) -> tuple[bytes, list[OutBuffer] | None]:
    out: list[OutBuffer] = []
    if not _views and (type(value) not in _PLAIN_BYTES or _is_small(value)):

        def hook(value: Any) -> Any:
            try:
                return _plainly(value)
            except _Beside:
                return _reference(value, out)

        try:
            return Encoder(enc_hook=hook).encode(value), out or None
        except Exception:
            out.clear()
    walk = _Walk(out)
    return walk.encode(value), out or None


def _is_small(value: Any) -> bool:
    return len(value) <= INLINE_BYTES if type(value) is not memoryview else value.nbytes <= INLINE_BYTES and value.format == "B" and value.ndim == 1


def _reference(value: object, out: list[OutBuffer]) -> Ext:
    found = beside(value)
    if found is None:
        raise Unsupported(_why_not(value))
    out.append(found)
    index = len(out) - 1
    return Ext(EXT_BUFFER, index.to_bytes(max(1, (index.bit_length() + 7) // 8), "big"))


class _Ready:
    """An extension in a place where only hashable objects may stand, such as a key."""

    __slots__ = ("ext",)

    def __init__(self, ext: Ext) -> None:
        self.ext = ext


_LEAVES = frozenset({type(None), bool, float, datetime.datetime, datetime.date, datetime.time, datetime.timedelta, decimal.Decimal, uuid.UUID})
_encode_ready = Encoder(enc_hook=lambda value: value.ext).encode


class _Walk:
    """The slow pass: makes of a value one that msgspec can encode, and knows at each moment where it is."""

    def __init__(self, out: list[OutBuffer]) -> None:
        self.out = out
        self.path = Path()
        self.open: set[int] = set()

    def encode(self, value: object) -> bytes:
        try:
            if type(value) in _PLAIN_BYTES and not _is_small(value):
                return _encode_ready(_Ready(_reference(value, self.out)))
            return _encode_ready(self.visit(value))
        except Unsupported as error:
            raise UnsupportedValue(str(self.path), str(error)) from None
        except RecursionError:
            raise UnsupportedValue("$", "it is nested too deep") from None
        except (TypeError, ValueError, OverflowError) as error:
            raise UnsupportedValue(str(self.path), str(error).rstrip(".")) from error

    def visit(self, value: Any) -> Any:
        kind = type(value)
        if kind in _LEAVES:
            return value
        if kind is int:
            return value if -(1 << 63) <= value < 1 << 64 else _Ready(Ext(EXT_INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True)))
        if kind is str:
            try:
                value.encode()
            except UnicodeEncodeError:
                raise Unsupported("it is text with half of a surrogate pair") from None
            return value
        if kind in _PLAIN_BYTES:
            return self.bytes(value)
        if id(value) in self.open:
            raise Unsupported("it contains itself")
        self.open.add(id(value))
        made = self.container(kind, value)
        self.open.discard(id(value))
        return made

    def bytes(self, value: Any) -> Any:
        if type(value) is not memoryview:
            return value
        found = beside(value)
        assert found is not None
        if found.kind == KIND_BYTES:
            return found.data
        return _Ready(_reference(value, self.out))

    def container(self, kind: type[Any], value: Any) -> Any:
        if isinstance(value, dict):
            return self.mapping(value)
        if isinstance(value, (list, tuple, set, frozenset)):
            return self.items(value)
        if isinstance(value, enum.Enum):
            return self.visit(value.value)
        fields = _fields_of(kind)
        if fields is not None:
            return self.record(value, fields)
        try:
            plain = _plainly(value)
        except _Beside:
            return _Ready(_reference(value, self.out))
        return self.visit(plain)

    def mapping(self, value: dict[Any, Any]) -> Any:
        made: dict[Any, Any] = {}
        path = self.path
        for key, inner in value.items():
            path.enter(key)
            made[self.key(key)] = self.visit(inner)
            path.leave()
        return made

    def key(self, key: Any) -> Any:
        made = self.visit(key)
        # The keys of a map are hashable again after the walk; only lists made of tuples are not.
        return tuple(made) if isinstance(made, list) else made

    def items(self, value: Any) -> Any:
        made: list[Any] = []
        path = self.path
        for index, inner in enumerate(value):
            path.enter(index)
            made.append(self.visit(inner))
            path.leave()
        return made

    def record(self, value: Any, fields: Sequence[str]) -> Any:
        # msgspec encodes a copy whose fields are encodable, so that renamed fields, tags and left out defaults stay what they are.
        made = copy(value)
        for name in fields:
            try:
                inner = getattr(value, name)
            except AttributeError:
                continue
            self.path.enter(name)
            visited = self.visit(inner)
            self.path.leave()
            if visited is not inner:
                if isinstance(made, msgspec.Struct):
                    msgspec.structs.force_setattr(made, name, visited)
                else:
                    object.__setattr__(made, name, visited)
        return made


def _fields_of(kind: type[Any]) -> Sequence[str] | None:
    if issubclass(kind, msgspec.Struct):
        return kind.__struct_fields__
    if dataclasses.is_dataclass(kind):
        return [field.name for field in dataclasses.fields(kind)]
    attributes = getattr(kind, "__attrs_attrs__", None)
    return None if attributes is None else [attribute.name for attribute in attributes]

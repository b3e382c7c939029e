"""The slow pass over a value: for integers beyond 64 bits, for memoryviews that are typed arrays, and for the path to what cannot travel."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import typing
import uuid
from collections.abc import Sequence
from copy import copy
from typing import Any

import msgspec
from msgspec.msgpack import Encoder, Ext

from snakepit._buffers import INLINE_BYTES, KIND_BYTES, OutBuffer, Unsupported, beside
from snakepit._conversions import Beside, plainly, type_of, why_not
from snakepit._errors import UnsupportedValue
from snakepit._extensions import MAX_DEPTH, buffer_extension, integer_extension
from snakepit._paths import Path

__all__ = ["PLAIN_BYTES", "Walk", "is_small", "reference"]

PLAIN_BYTES = frozenset({bytes, bytearray, memoryview})


def is_small(value: Any) -> bool:
    """Whether plain bytes may stay in the value."""
    return len(value) <= INLINE_BYTES if type(value) is not memoryview else value.nbytes <= INLINE_BYTES and value.format == "B" and value.ndim == 1


def reference(value: object, out: list[OutBuffer]) -> Ext:
    """Adds an array or bytes to the buffers, and gives what stands in the value for it. Raises Unsupported."""
    found = beside(value)
    if found is None:
        raise Unsupported(why_not(value))
    out.append(found)
    return buffer_extension(len(out) - 1)


class _Ready:
    """An extension in a place where only hashable objects may stand, such as a key."""

    __slots__ = ("ext",)

    def __init__(self, ext: Ext) -> None:
        self.ext = ext


_LEAVES = frozenset({type(None), bool, float, datetime.datetime, datetime.date, datetime.time, datetime.timedelta, decimal.Decimal, uuid.UUID})
_encode_ready = Encoder(enc_hook=lambda value: value.ext).encode


def _hashable(key: Any) -> Any:
    """A visited key: tuples were made lists on the way."""
    return tuple(map(_hashable, typing.cast("list[Any]", key))) if isinstance(key, list) else key


def _text(value: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise Unsupported("it is text with half of a surrogate pair") from None
    return value


class Walk:
    """The slow pass: makes of a value one that msgspec can encode, and knows at each moment where it is."""

    def __init__(self, out: list[OutBuffer]) -> None:
        self.out = out
        self.path = Path()
        self.open: set[int] = set()

    def encode(self, value: object) -> bytes:
        try:
            if type(value) in PLAIN_BYTES and not is_small(value):
                return _encode_ready(_Ready(reference(value, self.out)))
            return _encode_ready(self.visit(value))
        except Unsupported as error:
            raise UnsupportedValue(str(self.path), str(error)) from None
        except RecursionError:
            raise UnsupportedValue("$", "it is nested too deep") from None
        except (TypeError, ValueError, OverflowError) as error:
            raise UnsupportedValue(str(self.path), str(error).rstrip(".")) from error

    # One frame a level, because Python's own limit is near.
    def visit(self, value: Any) -> Any:
        kind = type_of(value)
        if kind in _LEAVES:
            return value
        if kind is int:
            return value if -(1 << 63) <= value < 1 << 64 else _Ready(integer_extension(value))
        if kind is str:
            return _text(value)
        if kind in PLAIN_BYTES:
            return self.bytes(value)
        identity = id(value)
        if identity in self.open:
            raise Unsupported("it contains itself")
        if len(self.open) >= MAX_DEPTH:
            raise Unsupported(f"it is nested deeper than {MAX_DEPTH} levels")
        self.open.add(identity)
        path = self.path
        made: Any
        if isinstance(value, dict):
            made = {}
            for key, inner in typing.cast("dict[Any, Any]", value).items():
                path.enter(key)
                encodable = self.visit(key)
                made[_hashable(encodable)] = self.visit(inner)
                path.leave()
        elif isinstance(value, (list, tuple, set, frozenset)):
            made = []
            for index, inner in enumerate(typing.cast("list[Any]", value)):
                path.enter(index)
                made.append(self.visit(inner))
                path.leave()
        elif (fields := _fields_of(kind)) is not None:
            made = self.record(value, fields)
        else:
            made = self.foreign(value)
        self.open.discard(identity)
        return made

    def bytes(self, value: Any) -> Any:
        if type(value) is not memoryview:
            return value
        found = beside(value)
        return found.data if found is not None and found.kind == KIND_BYTES else _Ready(reference(value, self.out))

    def foreign(self, value: Any) -> Any:
        if isinstance(value, enum.Enum):
            return self.visit(value.value)
        try:
            plain = plainly(value)
        except Beside:
            return _Ready(reference(value, self.out))
        return _Ready(plain) if type(plain) is Ext else self.visit(plain)

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

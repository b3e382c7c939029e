"""Variables as tools see them, and their values as they travel."""

from __future__ import annotations

import array
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Literal

from msgspec.msgpack import encode as encode_plain

from snakepit._buffers import numpy
from snakepit._errors import SnakepitError, UnsupportedValue
from snakepit._values import decode, encode
from snakepit.v1 import session_pb2

__all__ = ["ReadOutcome", "Source", "Variable", "WriteOutcome", "encode_value", "source_of", "time_of", "variable_of"]

# numpy itself is not imported for it.
_ARRAY: Any = array.array


@dataclass(frozen=True)
class Source:
    """Who made a change."""

    side: Literal["typescript", "python"]
    """The side of the wire."""
    worker: str = ""
    """The worker that made it, when Python did."""
    tool: str = ""
    """The tool that made it, when one did."""
    call: int = 0
    """The call of that tool, by a number that its worker gives to no other call at the time; 0 when none did."""


@dataclass(frozen=True)
class Variable:
    """A variable with everything that is known about it."""

    id: str
    """``var_<name>_<n>``, never used twice."""
    name: str
    """The user's name for it."""
    type: str
    """One of float, integer, string, boolean, json, bytes, embedding, choice, list, or a name the tools defined."""
    value: Any
    """What it holds; the reader's own."""
    version: int
    """0 at registration, one more with every change."""
    constraints: Mapping[str, Any]
    """What else its values must be."""
    metadata: Mapping[str, str]
    """The user's own words about it."""
    source: Source
    """Who changed it last."""
    at: datetime
    """When it was last changed, in UTC."""


@dataclass(frozen=True)
class ReadOutcome:
    """What a batch of reads found."""

    values: Mapping[str, Any]
    """By the names or ids that were asked for."""
    missing: Sequence[str]
    """Those there are not, in the order asked."""


@dataclass(frozen=True)
class WriteOutcome:
    """What became of a batch of changes."""

    versions: Mapping[str, int]
    """New version of each variable that was changed, by the name or id that was given."""
    errors: Mapping[str, SnakepitError] = field(default_factory=dict[str, SnakepitError])
    """Why the others were not. Empty when the batch was atomic: then it fails with BatchFailed instead."""


def variable_of(message: session_pb2.Variable) -> Variable:
    """The variable that a message describes."""
    return Variable(
        id=message.id,
        name=message.name,
        type=message.type,
        value=decode(message.value),
        version=message.version,
        constraints=json.loads(message.constraints_json or "{}"),
        metadata=dict(message.metadata),
        source=source_of(message),
        at=time_of(message),
    )


def source_of(message: session_pb2.Variable) -> Source:
    """Who changed it last."""
    source = message.source
    side = "python" if source.side == session_pb2.Source.SIDE_PYTHON else "typescript"
    return Source(side, source.worker_id, source.tool, source.call)


def time_of(message: session_pb2.Variable) -> datetime:
    """When it was last changed."""
    return message.at.ToDatetime(timezone.utc)


def encode_value(value: Any) -> bytes:
    """A value as variables hold it: in one piece, with arrays of numbers as lists. Raises UnsupportedValue."""
    plain: Any = value
    if isinstance(plain, (bytes, bytearray)) or (isinstance(plain, memoryview) and plain.format in ("B", "c")):
        return encode_plain(bytes(value))
    np = numpy()
    if isinstance(plain, (_ARRAY, memoryview)) or (np is not None and isinstance(plain, np.ndarray)):
        plain = plain.tolist()
    raw, buffers = encode(plain)
    if buffers:
        raise UnsupportedValue("$", "a variable holds no arrays inside other values: send their tolist()")
    return raw

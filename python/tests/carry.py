"""What a carrier does to buffers, without a socket."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from snakepit._values import OutBuffer, decode, encode
from snakepit.v1 import value_pb2


def carried(buffers: Sequence[OutBuffer] | None) -> list[tuple[value_pb2.Buffer, bytearray]]:
    """Buffers as the other side receives them: in memory of their own."""
    return [(value_pb2.Buffer(dtype=b.dtype, shape=b.shape, kind=b.kind, attached=i), bytearray(b.data)) for i, b in enumerate(buffers or [])]


def there_and_back(value: object) -> Any:
    """The value after a round trip without a hint."""
    raw, buffers = encode(value)
    return decode(raw, carried(buffers))

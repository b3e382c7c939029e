"""The MessagePack extension types of the protocol, and the bound on nesting."""

from __future__ import annotations

from msgspec.msgpack import Ext

__all__ = ["EXT_BUFFER", "EXT_INPUT", "EXT_INTEGER", "MAX_DEPTH", "buffer_extension", "integer_extension", "integer_of"]

EXT_BUFFER = 1
EXT_INTEGER = 2
EXT_INPUT = 3

MAX_DEPTH = 500
"""Most containers inside one another; what JavaScript accepts. Only the slow passes look at it: msgspec has a limit of its own, near 1,000."""


def buffer_extension(index: int) -> Ext:
    """What stands in a value for the buffer of an index."""
    return Ext(EXT_BUFFER, index.to_bytes(max(1, (index.bit_length() + 7) // 8), "big"))


def integer_extension(value: int) -> Ext:
    """An integer of any size."""
    return Ext(EXT_INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def integer_of(payload: bytes | memoryview) -> int:
    """The integer of such an extension."""
    return int.from_bytes(payload, "big", signed=True)

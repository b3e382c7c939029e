"""The MessagePack extension types of the protocol, and the bound on nesting."""

from __future__ import annotations

from typing import NamedTuple

import msgspec
from msgspec.msgpack import Ext

__all__ = [
    "EXT_BUFFER",
    "EXT_FUNCTION",
    "EXT_INPUT",
    "EXT_INTEGER",
    "EXT_OBJECT",
    "MAX_DEPTH",
    "Place",
    "Ref",
    "buffer_extension",
    "integer_extension",
    "integer_of",
    "place_of",
]

EXT_BUFFER = 1
EXT_INTEGER = 2
EXT_INPUT = 3
EXT_FUNCTION = 4
EXT_OBJECT = 5

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


class Place(NamedTuple):
    """Where a stored object is, as it travels."""

    session: str
    worker: str
    key: str
    type: str


class Ref:
    """Stands in a result or an item for an object that stays in this worker. Made by ``snakepit.ref``."""

    __slots__ = ("place",)

    def __init__(self, place: Place) -> None:
        self.place = place

    def __repr__(self) -> str:
        return f"<Ref to a {self.place.type}>"

    def extension(self) -> Ext:
        """What stands in a value for it."""
        return Ext(EXT_OBJECT, msgspec.msgpack.encode(self.place))


_decode_place = msgspec.msgpack.Decoder(Place).decode


def place_of(payload: bytes | memoryview) -> Place:
    """The place in such an extension. Raises msgspec.MsgspecError."""
    return _decode_place(payload)

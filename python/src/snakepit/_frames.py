"""Frames: the header, the kinds, cutting messages and putting them together again. docs/protocol.md is the contract.

Nothing here knows of sockets, calls or tools.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias

Bytes: TypeAlias = bytes | bytearray | memoryview
"""Anything a socket can send."""

PROTOCOL: Final = 1
"""Version of the frames."""
HEADER: Final = struct.Struct("<IBBHII")
"""Length, kind, flags, prefix, call, aux."""
HEADER_SIZE: Final = 16
MAX_BODY: Final = 262_144
ITEM_COST: Final = 1024
"""The least that an item of a stream costs its credit, in bytes."""
WORKER_CALL: Final = 0x8000_0000
"""The bit that marks the ids of calls which the worker opens."""

HELLO: Final = 0
OPEN: Final = 1
EXECUTE: Final = 2
EXECUTE_STREAM: Final = 3
MESSAGE: Final = 4
END: Final = 5
RESULT: Final = 6
ERROR: Final = 7
HEAD: Final = 8
CANCEL: Final = 9
CREDIT: Final = 10
PART: Final = 11
ATTACH: Final = 12
EVENT: Final = 13
SHUTDOWN: Final = 14
LAST_KIND: Final = SHUTDOWN

CUT: Final = 1
STREAM: Final = 2

_pack = HEADER.pack
_CUTTABLE: Final = frozenset({OPEN, EXECUTE, EXECUTE_STREAM, MESSAGE, RESULT, ERROR, ATTACH, END, HEAD})


class FrameError(Exception):
    """The peer broke the protocol; the connection cannot go on."""


def frame(kind: int, call: int, body: bytes = b"", *, flags: int = 0, prefix: int = 0, aux: int = 0) -> bytes:
    """One whole frame. `body` must fit into it."""
    return _pack(len(body), kind, flags, prefix, call, aux) + body


def varint(n: int) -> bytes:
    """`n` as protobuf writes it."""
    if n < 128:
        return bytes((n,))
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n)
    return bytes(out)


def cut(kind: int, call: int, parts: Sequence[Bytes], *, flags: int = 0, prefix: int = 0, aux: int = 0) -> Iterator[list[Bytes]]:
    """The frames of one message, given as the pieces of memory it is made of. Each frame comes as a list of pieces, none of them copied."""
    total = sum(len(part) for part in parts)
    if total <= MAX_BODY:
        yield [_pack(total, kind, flags, prefix, call, aux), *parts]
        return
    head = _pack(MAX_BODY, kind, flags | CUT, prefix, call, aux) + total.to_bytes(4, "little")
    current: list[Bytes] = [head]
    room = MAX_BODY - 4
    left = total
    for part in parts:
        view = memoryview(part)
        at = 0
        while at < len(view):
            n = min(room, len(view) - at)
            current.append(view[at : at + n])
            at += n
            room -= n
            left -= n
            if room == 0 and left:
                yield current
                room = min(MAX_BODY, left)
                current = [_pack(room, PART, 0, 0, call, 0)]
    yield current


class Assembly:
    """A message that arrives in pieces, in memory of its exact size."""

    __slots__ = ("aux", "call", "data", "flags", "have", "kind", "prefix", "total")

    def __init__(self, kind: int, flags: int, prefix: int, call: int, aux: int, total: int, keep: bool) -> None:
        if kind not in _CUTTABLE:
            raise FrameError(f"a frame of kind {kind} cannot be cut")
        if total <= MAX_BODY - 4:
            raise FrameError(f"a message of {total} bytes was cut")
        self.kind = kind
        self.flags = flags & ~CUT
        self.prefix = prefix
        self.call = call
        self.aux = aux
        self.total = total
        # One that is not kept only counts its pieces until they have passed.
        self.data: bytearray | None = bytearray(total) if keep else None
        self.have = 0

    def room(self, n: int) -> memoryview | None:
        """Where the next `n` bytes belong; None when nobody wants them."""
        if self.have + n > self.total or n == 0:
            raise FrameError(f"the pieces of a message exceed its {self.total} bytes")
        at = self.have
        self.have = at + n
        return None if self.data is None else memoryview(self.data)[at : at + n]

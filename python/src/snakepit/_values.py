"""Values and their MessagePack. docs/values.md has the whole mapping.

One pass of msgspec does nearly all: it is the only one on the way of an ordinary call. Arrays beside the value need a second one that collects
them. What both refuse is walked here, which finds integers beyond 64 bits, and for anything that cannot travel its path.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.msgpack import Decoder, Encoder

from snakepit._buffers import INLINE_BYTES, OutBuffer, Unsupported, from_buffer, typed_views_out
from snakepit._conversions import Beside, plainly
from snakepit._errors import ProtocolError, UnsupportedValue
from snakepit._extensions import EXT_BUFFER, EXT_FUNCTION, EXT_INPUT, EXT_INTEGER, EXT_OBJECT, integer_of
from snakepit._walk import PLAIN_BYTES, Walk, is_small, reference

if TYPE_CHECKING:
    from snakepit.v1 import value_pb2

__all__ = ["InBuffers", "OutBuffer", "Refer", "decode", "encode", "extension_hook"]

InBuffers = Sequence["tuple[value_pb2.Buffer, memoryview | bytearray | bytes]"]
"""Received buffers in the order of the message, each with what it means."""


def encode(value: Any) -> tuple[bytes, list[OutBuffer] | None]:
    """The MessagePack of ``value``, and the buffers it refers to.

    Buffers look at the memory of the value itself: send them before user code can change it. Raises UnsupportedValue with the path to whatever
    cannot travel.
    """
    if _views or (type(value) in PLAIN_BYTES and (type(value) is memoryview or len(value) > INLINE_BYTES)):
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
    except (msgspec.MsgspecError, ValueError) as error:
        raise ProtocolError(f"not a value: {error}") from None


Refer = Callable[[int, memoryview], Any]
"""Gives what a function of the host's or a stored object is here, by the code of its extension and the payload."""


def extension_hook(
    buffers: InBuffers, open_input: Callable[[int], Any] | None = None, refer: Refer | None = None
) -> Callable[[int, memoryview], Any]:
    """What msgspec calls for each extension: resolves buffers, integers and, where the caller knows what they are, the others."""
    # One buffer may stand in two places of a value, and is one object then.
    made: dict[int, Any] = {}

    def hook(code: int, payload: memoryview) -> Any:
        if code == EXT_INTEGER:
            return integer_of(payload)
        if refer is not None and code in (EXT_FUNCTION, EXT_OBJECT):
            return refer(code, payload)
        number = int.from_bytes(payload, "big")
        if code == EXT_BUFFER:
            if number not in made:
                if number >= len(buffers):
                    raise Unsupported(f"buffer {number} is not there")
                made[number] = from_buffer(*buffers[number])
            return made[number]
        if code == EXT_INPUT and open_input is not None:
            return open_input(number)
        raise Unsupported(_MISPLACED.get(code) or f"extension {code} is unknown")

    return hook


_MISPLACED = {
    EXT_INPUT: "an input stream can only be an argument itself",
    EXT_FUNCTION: "a function can only be among the arguments of a tool",
    EXT_OBJECT: "a stored object can only be among the arguments of a tool",
}
_views = typed_views_out()
_encode = Encoder(enc_hook=plainly).encode
_decode = Decoder(ext_hook=extension_hook(())).decode


def _encode_carefully(value: object) -> tuple[bytes, list[OutBuffer] | None]:
    out: list[OutBuffer] = []
    if not _views and (type(value) not in PLAIN_BYTES or is_small(value)):

        def hook(value: Any) -> Any:
            try:
                return plainly(value)
            except Beside:
                return reference(value, out)

        try:
            return Encoder(enc_hook=hook).encode(value), out or None
        except Exception:
            out.clear()
    return Walk(out).encode(value), out or None

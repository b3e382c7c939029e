"""Answers to tool calls, as frames: results, items of streams, ends and errors."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import NamedTuple

from google.protobuf.any_pb2 import Any as AnyMessage

from snakepit._errors import PayloadTooLarge, detail_of
from snakepit._frames import ATTACH, END, ERROR, HEADER, ITEM_COST, MAX_BODY, MESSAGE, RESULT, Bytes, cut, frame, varint
from snakepit._memory import LEAST_BESIDE, Loan, Memory
from snakepit._values import OutBuffer, encode
from snakepit._writer import Frames, Writer, whole
from snakepit.v1.frame_pb2 import CallError, Limits
from snakepit.v1.value_pb2 import Buffer, SharedRange
from snakepit.v1.worker_pb2 import ExecuteToolResponse

# Header, tag of field 1 and a length of one or two bytes.
_pack1 = struct.Struct("<IBBHIIBB").pack
_pack2 = struct.Struct("<IBBHIIBH").pack
_pack = HEADER.pack
_RESULTS_OVERHEAD = 16
# A message up to this size that is one frame is sent by who has it. Given to the writer's thread, it would wait until that one runs.
_AT_ONCE = 131_072
# Tag and length of an item, for the short ones.
_ITEM_HEADS = [b"\x0a" + varint(n) for n in range(128)]
# What an item takes in a message beside its own bytes, at most.
ITEM_OVERHEAD = 6
_KINDS = (Buffer.KIND_UNSPECIFIED, Buffer.KIND_TYPED, Buffer.KIND_NUMPY)


class Large(NamedTuple):
    """An answer that does not fit into one small frame, ready to be sent."""

    messages: list[Frames]
    # Whether its memory may be changed by tools, so that none may run until it is sent.
    shared: bool
    cost: int
    # The last frame, when it lends memory or is the only one and goes at once, and what it lends.
    last: bytes = b""
    loans: Sequence[Loan] = ()


class Replies:
    """Builds answers and sends those that are too large to be held back."""

    def __init__(self, writer: Writer, limits: Limits, memory: Memory | None = None) -> None:
        self._writer = writer
        self._limits = limits
        self._memory = memory
        # Largest result that goes the short way: one frame, no look at the limits.
        self._short = min(16_383, limits.max_message_bytes - _RESULTS_OVERHEAD)

    def result(self, call: int, value: object, us: int) -> bytes | Large:
        """The answer of a tool that does not stream. Nothing is sent. Raises UnsupportedValue and PayloadTooLarge."""
        answer = self.pieces(call, value, us)
        return answer if isinstance(answer, Large) else b"".join(answer)

    def pieces(self, call: int, value: object, us: int) -> tuple[bytes, bytes] | Large:
        """The same as `result`, a small frame in two pieces: who sends several at once puts them together once, a copy less for each."""
        packed, buffers = encode(value)
        n = len(packed)
        if buffers is None and n <= self._short:
            if n < 128:
                return _pack1(n + 2, RESULT, 0, 0, call, us, 10, n), packed
            return _pack2(n + 3, RESULT, 0, 0, call, us, 10, (n & 127 | 128) | (n >> 7) << 8), packed
        return self._message(RESULT, call, (packed,), buffers, us)

    def items(self, call: int, items: Sequence[bytes], buffers: list[OutBuffer] | None = None) -> Large:
        """One message of a stream. Nothing is sent. Raises PayloadTooLarge."""
        return self._message(MESSAGE, call, items, buffers, len(items))

    def send(self, call: int, answer: bytes | Large, wait: bool) -> None:
        """Sends an answer. Memory that tools may change is waited for when `wait` says so, and copied otherwise."""
        if isinstance(answer, bytes):
            self._writer.send_for(call, answer)
            return
        if answer.messages and not answer.shared:
            self._writer.send_large(call, answer.messages)
        elif answer.messages and wait:
            self._writer.send_large(call, answer.messages, wait=True)
        elif answer.messages:
            self._writer.send_large(call, [_copied(message) for message in answer.messages])
        if answer.loans:
            self._writer.send_lending(call, answer.last, answer.loans)
        elif answer.last:
            self._writer.send_for(call, answer.last)

    def request(self, call: int, opening: Sequence[Frames], attached: Sequence[memoryview], closing: Sequence[Frames]) -> Large:
        """A request of the worker's own: what goes before its buffers, and what goes behind. Nothing is sent. Raises PayloadTooLarge."""
        return Large([*opening, *self.attachments(call, attached), *closing], _is_shared(attached), 0)

    def attachments(self, call: int, attached: Sequence[memoryview]) -> list[Frames]:
        """The messages of buffers. Raises PayloadTooLarge."""
        self._check_buffers(sum(len(data) for data in attached))
        return [cut(ATTACH, call, [data]) for data in attached]

    def _check_buffers(self, total: int) -> None:
        if total > self._limits.max_buffer_bytes:
            raise PayloadTooLarge(total, self._limits.max_buffer_bytes, "maxBufferBytes")

    def end(self, call: int) -> None:
        """Ends a stream well."""
        self._writer.send_for(call, frame(END, call))

    def error(self, call: int, error: BaseException, tool: str) -> None:
        """Answers a call with an error."""
        self._writer.send_for(call, self.error_frame(call, error, tool))

    def error_frame(self, call: int, error: BaseException, tool: str) -> bytes:
        """The frames of an error, for the caller to send."""
        code, detail = detail_of(error, tool)
        packed = AnyMessage()
        packed.Pack(detail)
        body = CallError(message=detail.message, details=[packed]).SerializeToString()
        if len(body) > self._limits.max_message_bytes:
            body = CallError(message=detail.message[:1000]).SerializeToString()
        return b"".join(b"".join(pieces) for pieces in cut(ERROR, call, [body], aux=code))

    def _message(self, kind: int, call: int, items: Sequence[bytes], buffers: list[OutBuffer] | None, aux: int) -> Large:
        parts: list[Bytes] = []
        size = 0
        for item in items:
            n = len(item)
            head = _ITEM_HEADS[n] if n < 128 else b"\x0a" + varint(n)
            parts.append(head)
            parts.append(item)
            size += len(head) + n
        attached: list[memoryview] = []
        loans: list[Loan] = []
        shared = 0
        if buffers:
            places: list[SharedRange | None] | None = None
            if self._memory is not None and size <= MAX_BODY:
                loans, places = self._memory.place(buffers)
            # ExecuteToolResponse and ExecuteToolStreamResponse have the same two fields.
            described, attached = describe(buffers, places)
            tail = ExecuteToolResponse(buffers=described).SerializeToString()
            if loans and size + len(tail) > MAX_BODY:
                # What is lent is lent by a message of one frame, which is sent whole or not at all.
                loans = []
                described, attached = describe(buffers)
                tail = ExecuteToolResponse(buffers=described).SerializeToString()
            elif places is not None:
                shared = sum(place.length for place in places if place is not None)
            parts.append(tail)
            size += len(tail)
        if size > self._limits.max_message_bytes:
            raise PayloadTooLarge(size, self._limits.max_message_bytes, "maxMessageBytes")
        total = shared + sum(len(data) for data in attached)
        self._check_buffers(total)
        messages = self.attachments(call, attached)
        mutable = _is_shared(attached)
        cost = max(ITEM_COST * len(items), size + total)
        if size > MAX_BODY:
            messages.append(cut(kind, call, parts, aux=aux))
            return Large(messages, mutable, cost)
        last = b"".join((_pack(size, kind, 0, 0, call, aux), *parts))
        if loans or (size <= _AT_ONCE and not messages):
            return Large(messages, mutable, cost, last, loans)
        messages.append(whole(last))
        return Large(messages, mutable, cost)


def describe(buffers: Sequence[OutBuffer], places: Sequence[SharedRange | None] | None = None) -> tuple[list[Buffer], list[memoryview]]:
    """What a message says of its buffers, and those of them that go before it. `places` are where they lie in memory, for those that do."""
    described: list[Buffer] = []
    attached: list[memoryview] = []
    for index, buffer in enumerate(buffers):
        place = None if places is None else places[index]
        if place is not None:
            described.append(Buffer(dtype=buffer.dtype, shape=buffer.shape, kind=_KINDS[buffer.kind], shared=place))
        elif len(buffer.data) < LEAST_BESIDE:
            described.append(Buffer(dtype=buffer.dtype, shape=buffer.shape, kind=_KINDS[buffer.kind], inline=bytes(buffer.data)))
        else:
            described.append(Buffer(dtype=buffer.dtype, shape=buffer.shape, kind=_KINDS[buffer.kind], attached=len(attached)))
            attached.append(buffer.data)
    return described, attached


def _is_shared(attached: Sequence[memoryview]) -> bool:
    return any(not data.readonly for data in attached)


def _copied(message: Frames) -> Frames:
    # All of it now, since the memory may change as soon as this returns.
    copies: list[list[Bytes]] = [[b"".join(pieces)] for pieces in message]
    return iter(copies)

"""The reading side of a connection: bytes in, whole messages out.

One thread at a time uses a reader, whoever leads; everything it knows is kept here between two calls, so the lead may change hands anywhere in
between. Small frames are cut out of one buffer. The pieces of a large message are received straight into memory of its exact size.
"""

from __future__ import annotations

import select
import socket
from collections.abc import Callable
from typing import NamedTuple

from snakepit._frames import (
    ATTACH,
    CANCEL,
    CREDIT,
    CUT,
    HEADER,
    HEADER_SIZE,
    LAST_KIND,
    MAX_BODY,
    OPEN,
    PART,
    RESULT,
    WORKER_CALL,
    Assembly,
    FrameError,
)

_SIZE = 2 * MAX_BODY
# While a piece is received in place, no more than this is read of what follows it, since that would have to be copied.
_BEHIND = 1 << 14
# A deadline may be further away than the system can wait.
_DAY = 86_400.0
_unpack = HEADER.unpack_from
_prepared: list[bytearray] = []


def prepare() -> None:
    """Makes the memory of the next reader. Before a fork, so that a process of which little is asked has most of it in common with its parent."""
    _prepared.append(bytearray(_SIZE + 8))


def _head(kind: int, prefix: int) -> int:
    # What stands before the message in its body, and does not count against the limit.
    return prefix if kind in (OPEN, RESULT) else 0


class Frame(NamedTuple):
    """One message, whole. Its memory is its own."""

    kind: int
    flags: int
    prefix: int
    call: int
    aux: int
    body: bytearray


class Reader:
    """Cuts frames out of a socket and puts cut messages together.

    `is_open` says whether a call is known and not over. `refuse(call, size, limit, option)` is called for a message over a limit, before anything is
    allocated for it; its pieces then pass unread.
    """

    def __init__(
        self, sock: socket.socket, max_message: int, max_buffers: int, refuse: Callable[[int, int, int, str], None], is_open: Callable[[int], bool]
    ) -> None:
        self.sock = sock
        # Read by the loop that runs short tools, which cuts their frames out itself.
        # A few bytes longer than what is read into it, so that a length may be looked at without asking where it ends.
        self.buf = _prepared.pop() if _prepared else bytearray(_SIZE + 8)
        self.pos = 0
        self.end = 0
        # Largest body that needs no look at the limits.
        self.plain = min(MAX_BODY, max_message)
        # Whether some call has a message or buffers on the way, so that no frame may be taken without looking.
        self.odd = False
        self._view = memoryview(self.buf)[:_SIZE]
        self._max_message = max_message
        self._max_buffers = max_buffers
        self._refuse = refuse
        self._is_open = is_open
        self._incoming: dict[int, Assembly] = {}
        self._attached: dict[int, list[bytearray]] = {}
        self._refused: set[int] = set()
        self._fill: memoryview | None = None
        self._filling: Assembly | None = None
        self._poll = select.poll()
        self._poll.register(sock, select.POLLIN)

    def wait(self, timeout: float | None) -> bool:
        """Whether there is something to read within `timeout` seconds, or a day."""
        return bool(self._poll.poll(None if timeout is None else max(0.0, min(timeout, _DAY) * 1000)))

    def receive(self, flags: int = 0) -> bool:
        """Reads what is there, waiting for it unless told otherwise. False when the peer has closed."""
        pos = self.pos
        end = self.end
        if pos:
            if pos == end:
                self.pos = self.end = end = 0
            elif _SIZE - end < HEADER_SIZE + MAX_BODY:
                self.buf[: end - pos] = self.buf[pos:end]
                self.pos = 0
                self.end = end = end - pos
        fill = self._fill
        if fill is None:
            n = self.sock.recv_into(self._view[end:], 0, flags)
            self.end = end + n
            return n > 0
        n, _, _, _ = self.sock.recvmsg_into([fill, self._view[:_BEHIND]], 0, flags)
        if n < len(fill):
            self._fill = fill[n:]
        else:
            self.pos = 0
            self.end = n - len(fill)
            self._fill = None
        return n > 0

    def next(self) -> Frame | None:
        """The next whole message, or None when more has to be read first. Raises FrameError."""
        message = self._next()
        self.odd = bool(self._incoming or self._attached or self._refused)
        return message

    def _next(self) -> Frame | None:
        while self._fill is None:
            done = self._filling
            if done is not None:
                self._filling = None
                message = self._complete(done)
                if message is not None:
                    return message
                continue
            pos = self.pos
            have = self.end - pos - HEADER_SIZE
            if have < 0:
                return None
            length, kind, flags, prefix, call, aux = _unpack(self.buf, pos)
            if length > MAX_BODY or kind > LAST_KIND or flags > 3:
                raise FrameError(f"a frame of kind {kind}, flags {flags} and {length} bytes")
            start = pos + HEADER_SIZE
            if kind == PART:
                if not self._part(call, length, start, have):
                    return None
                continue
            if have < length:
                return None
            self.pos = start + length
            body = self.buf[start : start + length]
            if flags & CUT:
                self._begin(kind, flags, prefix, call, aux, body)
                continue
            if call in self._incoming and kind not in (CANCEL, CREDIT):
                raise FrameError(f"a frame of kind {kind} between the pieces of call {call}")
            if length > self.plain and not self._fits(kind, call, length - _head(kind, prefix)):
                continue
            message = self._whole(Frame(kind, flags, prefix, call, aux, body))
            if message is not None:
                return message
        return None

    def attached(self, call: int) -> list[bytearray] | None:
        """Takes the buffers that came before the message of this call, if any."""
        return self._attached.pop(call, None) if self._attached else None

    def _whole(self, message: Frame) -> Frame | None:
        kind, call = message.kind, message.call
        if kind == CANCEL:
            self._attached.pop(call, None)
            self._refused.discard(call)
            # The call is over, so that the rest of its pieces, if there is one, passes like any that belong to nothing.
            self._incoming.pop(call, None)
            return message
        if kind == ATTACH:
            if call in self._refused or (call & WORKER_CALL and not self._is_open(call)):
                return None
            if not self._fits(kind, call, len(message.body)):
                return None
            self._attached.setdefault(call, []).append(message.body)
            return None
        if call in self._refused:
            # The message that the refused buffers belonged to. Answered already.
            self._refused.discard(call)
            self._attached.pop(call, None)
            return None
        return message

    def _fits(self, kind: int, call: int, size: int) -> bool:
        if kind == ATTACH:
            size += sum(len(b) for b in self._attached.get(call, ()))
            limit, option = self._max_buffers, "maxBufferBytes"
        else:
            limit, option = self._max_message, "maxMessageBytes"
        if size <= limit:
            return True
        self._attached.pop(call, None)
        if kind == ATTACH:
            self._refused.add(call)
        self._refuse(call, size, limit, option)
        return False

    def _begin(self, kind: int, flags: int, prefix: int, call: int, aux: int, body: bytearray) -> None:
        old = self._incoming.get(call)
        if len(body) < 4 or (old is not None and old.data is not None):
            raise FrameError(f"a cut message of call {call} begins in the middle of another")
        total = int.from_bytes(body[:4], "little")
        keep = call not in self._refused and self._fits(kind, call, total - _head(kind, prefix))
        assembly = Assembly(kind, flags, prefix, call, aux, total, keep)
        room = assembly.room(len(body) - 4)
        if room is not None:
            room[:] = memoryview(body)[4:]
        self._incoming[call] = assembly

    def _part(self, call: int, length: int, start: int, have: int) -> bool:
        assembly = self._incoming.get(call)
        if assembly is None:
            if self._is_open(call):
                raise FrameError(f"a piece of call {call} without its beginning")
            # The rest of a message whose call has ended.
            if have < length:
                return False
            self.pos = start + length
            return True
        if assembly.data is None and have < length:
            return False
        room = assembly.room(length)
        here = min(length, have)
        self.pos = start + here
        self._filling = assembly
        if room is not None:
            room[:here] = self._view[start : start + here]
            if here < length:
                self._fill = room[here:]
        return True

    def _complete(self, assembly: Assembly) -> Frame | None:
        if assembly.have < assembly.total:
            return None
        if self._incoming.get(assembly.call) is assembly:
            del self._incoming[assembly.call]
        body = assembly.data
        if body is None:
            if assembly.kind != ATTACH:
                self._refused.discard(assembly.call)
            return None
        return self._whole(Frame(assembly.kind, assembly.flags, assembly.prefix, assembly.call, assembly.aux, body))

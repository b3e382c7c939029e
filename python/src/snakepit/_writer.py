"""The writing side of a connection.

Writes never block a reader, so two peers that both write cannot wait for each other:

- Whoever has a frame tries to send it at once without blocking, under the lock. That is the whole story while the peer reads.
- What the kernel does not take goes to a thread of its own, which may block; while that one has work, everybody else only appends. So the threads
  that read (and run tools) never wait in a send, and what they read can free the peer.
- Large messages always stand in line there, piece by piece, one piece of each call in turn, and every small frame goes before the next piece.

Frames of one call keep their order: while a call has a large message in line, its later frames wait behind it.
Memory is bounded by what the peer asked for: a reply a call, and streams by their credit. Only events (prints) are not, so those who print wait
for room, see `wait_for_room`.
"""

from __future__ import annotations

import socket
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

from snakepit._errors import PayloadTooLarge, ProtocolError
from snakepit._frames import MAX_BODY, Bytes, cut

_NOW = getattr(socket, "MSG_DONTWAIT", 0)
_ROOM = 4 << 20
# Two bytes of a frame's header say how long a message's own head is.
_MOST_PREFIX = 0xFFFF

Frames = Iterator["list[Bytes]"]
"""The frames of one message, each in pieces of memory."""


class Lent(Protocol):
    """Memory that a message lends."""

    def sent(self) -> None:
        """The message goes now."""
        ...


class Writer:
    """Sends frames from any thread."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        # A finalizer may run at any line of this, and print: it must not wait for its own thread. What it has to say waits in `_late`.
        self._lock = threading.RLock()
        self._late: list[tuple[int, bytes]] = []
        self._work = threading.Condition(self._lock)
        self._drained = threading.Condition(self._lock)
        # Whether the thread has something to send; then nobody else may.
        self._busy = False
        self._rest: Bytes | None = None
        self._small: deque[Bytes] = deque()
        self._waiting = 0
        # Large messages by call. A call's frames stand in its line while it has one.
        self._large: dict[int, deque[Frames]] = {}
        # Calls of which the first message in line has been sent in part.
        self._begun: set[int] = set()
        # Who waits until a large message has been sent.
        self._marks: dict[int, list[threading.Event]] = {}
        self._thread: threading.Thread | None = None
        self.closed = False

    def send(self, data: bytes) -> None:
        """Sends whole frames of calls that have nothing large in line."""
        with self._lock:
            if self._busy:
                self._small.append(data)
                self._waiting += len(data)
                return
            self._try(data)
        if self._late:
            self._send_late()

    def send_for(self, call: int, data: bytes) -> None:
        """Sends whole frames of one call, behind what that call has in line."""
        if self.held_here:
            self._late.append((call, data))
            return
        with self._lock:
            line = self._large.get(call)
            if line is not None:
                line.append(whole(data))
            elif self._busy:
                self._small.append(data)
                self._waiting += len(data)
            else:
                self._try(data)
        if self._late:
            self._send_late()

    def send_lending(self, call: int, data: bytes, loans: Sequence[Lent]) -> None:
        """Sends a frame that lends memory, behind what its call has in line. What is dropped there lends nothing."""
        with self._lock:
            line = self._large.get(call)
            if line is not None:
                line.append(_lending(data, loans))
                return
        for loan in loans:
            loan.sent()
        self.send_for(call, data)

    @property
    def held_here(self) -> bool:
        """Whether this thread is in the middle of sending, which only a finalizer can ask."""
        return self._lock._is_owned()  # pyright: ignore

    def _send_late(self) -> None:
        late, self._late = self._late, []
        for call, data in late:
            self.send_for(call, data)

    def send_large(self, call: int, messages: Sequence[Frames], wait: bool = False) -> None:
        """Sends messages of one call in order, cut into the frames they come in.

        Their memory must not change until they are sent, which `wait` waits for. Never wait on a thread that has to read.
        """
        sent = threading.Event() if wait else None
        with self._lock:
            if self.closed:
                return
            line = self._large.get(call)
            if line is None:
                line = self._large[call] = deque()
            line.extend(messages)
            if sent is not None:
                line.append(self._mark(call, sent))
            if not self._busy:
                self._hand_over(None)
        if self._late:
            self._send_late()
        if sent is not None:
            sent.wait()

    def _mark(self, call: int, sent: threading.Event) -> Frames:
        """Stands in a line as something that sends nothing and says when its turn has come."""
        self._marks.setdefault(call, []).append(sent)

        def mark() -> Frames:
            self._marks.pop(call, None)
            sent.set()
            yield from ()

        return mark()

    def drop(self, call: int) -> None:
        """Forgets what a cancelled call still has in line, but for a message that has begun."""
        if self._large:
            with self._lock:
                line = self._large.get(call)
                if line:
                    begun = [line[0]] if call in self._begun else []
                    line.clear()
                    line.extend(begun)
                    for sent in self._marks.pop(call, ()):
                        line.append(self._mark(call, sent))

    def wait_for_room(self) -> None:
        """Waits while more small frames stand in line than should. Never call this on a thread that has to read."""
        if self._waiting > _ROOM and not self.held_here:
            with self._drained:
                self._drained.wait_for(lambda: self._waiting <= _ROOM or self.closed)

    def drain(self, timeout: float) -> None:
        """Waits until everything has been sent."""
        with self._drained:
            self._drained.wait_for(lambda: not self._busy or self.closed, timeout)

    def after_fork(self, leave: Callable[[], object]) -> None:
        """In a process that was forked off: calls `leave` instead of sending anything."""

        def refuse(*_: Any, **__: Any) -> None:
            leave()

        self.send = self.send_for = self.send_large = refuse

    # Everything below runs with the lock held, but for the thread's own sending.

    def _try(self, data: bytes) -> None:
        if self.closed:
            return
        try:
            n = self._sock.send(data, _NOW)
        except BlockingIOError:
            n = 0
        except OSError:
            self._close()
            return
        if n != len(data):
            self._hand_over(memoryview(data)[n:])

    def _hand_over(self, rest: Bytes | None) -> None:
        self._busy = True
        self._rest = rest
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="snakepit-writer", daemon=True)
            self._thread.start()
        else:
            self._work.notify()

    def _close(self) -> None:
        self.closed = True
        self._busy = False
        self._rest = None
        self._small.clear()
        self._waiting = 0
        self._large.clear()
        self._begun.clear()
        for waiting in self._marks.values():
            for sent in waiting:
                sent.set()
        self._marks.clear()
        self._drained.notify_all()

    def _next(self) -> list[Bytes] | None:
        if self._rest is not None:
            rest, self._rest = self._rest, None
            return [rest]
        if self._small:
            out: list[Bytes] = [b"".join(self._small)]
            self._small.clear()
            self._waiting = 0
            self._drained.notify_all()
            return out
        while self._large:
            call = next(iter(self._large))
            line = self._large.pop(call)
            while line:
                piece = next(line[0], None)
                if piece is not None:
                    # To the end of the order: each call in turn.
                    self._large[call] = line
                    self._begun.add(call)
                    return piece
                line.popleft()
                self._begun.discard(call)
        return None

    def _run(self) -> None:
        while True:
            if self._late:
                self._send_late()
            with self._lock:
                piece = self._next()
                if piece is None:
                    self._busy = False
                    self._drained.notify_all()
                    self._work.wait_for(lambda: self._busy or self.closed)
                    if self.closed:
                        return
                    continue
            try:
                _send_all(self._sock, piece)
            except OSError:
                with self._lock:
                    self._close()
                return


def whole(data: Bytes) -> Frames:
    """Frames that are ready as they are."""
    yield [data]


def _lending(data: Bytes, loans: Sequence[Lent]) -> Frames:
    for loan in loans:
        loan.sent()
    yield [data]


def send_message(writer: Writer, limit: int, kind: int, call: int, parts: Sequence[Bytes], *, flags: int = 0, prefix: int = 0, aux: int = 0) -> None:
    """Sends one message, cut when it is long; `prefix` bytes of it are its head.

    Raises PayloadTooLarge when the rest is over the peer's limit, ProtocolError when the head is longer than a frame can say.
    """
    if prefix > _MOST_PREFIX:
        raise ProtocolError(f"headers of {prefix} bytes are over the limit of {_MOST_PREFIX}")
    size = sum(len(part) for part in parts)
    if size - prefix > limit:
        raise PayloadTooLarge(size - prefix, limit, "maxMessageBytes")
    if size <= MAX_BODY:
        writer.send_for(call, b"".join(next(cut(kind, call, parts, flags=flags, prefix=prefix, aux=aux))))
    else:
        writer.send_large(call, [cut(kind, call, parts, flags=flags, prefix=prefix, aux=aux)])


def _send_all(sock: socket.socket, parts: list[Bytes]) -> None:
    while parts:
        n = sock.sendmsg(parts) if len(parts) > 1 else sock.send(parts[0])
        while parts and n >= len(parts[0]):
            n -= len(parts[0])
            del parts[0]
        if n:
            parts[0] = memoryview(parts[0])[n:]

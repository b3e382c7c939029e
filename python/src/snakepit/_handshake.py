"""How a host gets in: two connections, each with a Hello that holds the token. docs/protocol.md, "Starting", is the contract.

Whatever else knocks is turned away with a line in the log and disturbs nobody: every connection is read without waiting for it.
"""

from __future__ import annotations

import hmac
import os
import select
import socket
import time
from collections.abc import Callable, Generator
from typing import Any, NamedTuple, TypeAlias

from google.protobuf.message import DecodeError

from snakepit._errors import CODES
from snakepit._frames import HEADER, HEADER_SIZE, HELLO, PROTOCOL, frame
from snakepit.v1.error_pb2 import ErrorDetail
from snakepit.v1.frame_pb2 import HostHello, Limits, WorkerHello

_MAX_HELLO = 65_536
_MAX_WAIT = 5.0

DEFAULT_LIMITS = Limits(max_message_bytes=64 << 20, max_buffer_bytes=1 << 30, stream_window_bytes=1 << 20)
"""What a worker is ready to receive when the host says nothing else."""

Log: TypeAlias = Callable[[str], None]


class Refused(Exception):
    """A connection that says something wrong."""


class Arrival(NamedTuple):
    """A connection that has said a right Hello."""

    sock: socket.socket
    hello: HostHello


class StdinClosed(Exception):
    """The host has gone before it connected."""


def greet(listener: socket.socket, token: bytes, log: Log, stdin: int | None = None) -> Generator[Arrival, None, None]:
    """Yields each connection that says a right Hello, in the order they do, for as long as it is asked.

    Raises StdinClosed when `stdin` is given and ends meanwhile.
    """
    listener.setblocking(False)
    poll = select.poll()
    poll.register(listener, select.POLLIN)
    if stdin is not None:
        poll.register(stdin, select.POLLIN | select.POLLHUP)
    waiting: dict[int, _Guest] = {}
    try:
        while True:
            now = time.monotonic()
            for guest in [g for g in waiting.values() if g.until <= now]:
                del waiting[guest.fd]
                guest.turn_away(f"no Hello within {_MAX_WAIT:g} s", log, poll)
            timeout = min((g.until for g in waiting.values()), default=None)
            for fd, _ in poll.poll(None if timeout is None else (timeout - now) * 1000 + 1):
                if fd == stdin:
                    if not os.read(fd, 4096):
                        raise StdinClosed
                elif fd == listener.fileno():
                    try:
                        sock, _ = listener.accept()
                    except OSError:
                        continue
                    sock.setblocking(False)
                    waiting[sock.fileno()] = _Guest(sock)
                    poll.register(sock, select.POLLIN)
                else:
                    guest = waiting[fd]
                    try:
                        hello = guest.read(token)
                    except (Refused, OSError) as e:
                        del waiting[fd]
                        guest.turn_away(str(e), log, poll)
                        continue
                    if hello is not None:
                        del waiting[fd]
                        poll.unregister(fd)
                        guest.sock.setblocking(True)
                        yield Arrival(guest.sock, hello)
    finally:
        for guest in waiting.values():
            guest.sock.close()


class _Guest:
    """A connection that has not said Hello yet."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.fd = sock.fileno()
        self.until = time.monotonic() + _MAX_WAIT
        self._got = bytearray()

    def read(self, token: bytes) -> HostHello | None:
        # Not a byte more than the Hello: what follows belongs to the connection's reader.
        want = HEADER_SIZE
        if len(self._got) >= HEADER_SIZE:
            want += self._length()
        try:
            data = self.sock.recv(want - len(self._got))
        except BlockingIOError:
            return None
        if not data:
            raise Refused("closed before its Hello")
        self._got += data
        if len(self._got) < HEADER_SIZE:
            return None
        if len(self._got) < HEADER_SIZE + self._length():
            return self.read(token)
        return self._check(token)

    def _length(self) -> int:
        length, kind, flags, prefix, call, aux = HEADER.unpack_from(self._got)
        if kind != HELLO or flags or prefix or call or aux or not length:
            raise Refused("no Hello frame")
        if length > _MAX_HELLO - HEADER_SIZE:
            raise Refused("a Hello that is too long")
        return length

    def _check(self, token: bytes) -> HostHello:
        try:
            hello = HostHello.FromString(bytes(self._got[HEADER_SIZE:]))
        except DecodeError:
            raise Refused("no HostHello") from None
        if not hmac.compare_digest(hello.token, token):
            raise Refused("a wrong token")
        if hello.protocol != PROTOCOL:
            reason = f"the host speaks version {hello.protocol}, the worker version {PROTOCOL}"
            try:
                self.sock.send(failure_hello(_detail("ProtocolError", f"Protocol error: {reason}.", {"reason": reason}), hello.worker_id))
            except OSError:
                pass
            raise Refused(f"a wrong version: {reason}")
        if hello.role not in (HostHello.ROLE_DATA, HostHello.ROLE_LIFELINE):
            raise Refused("no role")
        return hello

    def turn_away(self, reason: str, log: Log, poll: select.poll) -> None:
        log(f"snakepit: a connection was refused: {reason}")
        poll.unregister(self.fd)
        self.sock.close()


def _detail(tag: str, message: str, fields: dict[str, Any]) -> ErrorDetail:
    assert tag in CODES
    detail = ErrorDetail(tag=tag, message=message)
    detail.fields.update(fields)
    return detail


def failure_hello(failure: ErrorDetail, worker_id: str) -> bytes:
    """The frame that says why the worker could not start."""
    return frame(HELLO, 0, WorkerHello(protocol=PROTOCOL, worker_id=worker_id, failure=failure).SerializeToString())

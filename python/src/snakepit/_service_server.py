"""Services without tools over a listening Unix socket, by the frames and the handshake of a worker.

    listener = socket.socket(socket.AF_UNIX); listener.bind(path); listener.listen()
    serve(listener, token, [Service({...})])          # blocks; run it on a thread to stop by closing the process

Any number of hosts may connect, each by a data connection, with a lifeline or without.
"""

from __future__ import annotations

import os
import platform
import socket
import sys
import threading
from collections.abc import Sequence

from snakepit._call import Call
from snakepit._errors import PayloadTooLarge
from snakepit._frames import CANCEL, CREDIT, END, HELLO, MESSAGE, OPEN, PROTOCOL, STREAM, Bytes, FrameError, frame
from snakepit._handshake import DEFAULT_LIMITS, greet
from snakepit._loop import Loop
from snakepit._reader import Frame, Reader
from snakepit._server import Dispatcher, Service, send_error
from snakepit._writer import Writer, send_message
from snakepit.v1.frame_pb2 import HostHello, Limits, WorkerHello


def serve(listener: socket.socket, token: bytes, services: Sequence[Service], limits: Limits = DEFAULT_LIMITS) -> None:
    """Serves whoever connects with the token (its bytes, not their hexadecimal digits), until the process ends."""
    lifelines: list[socket.socket] = []
    for arrival in greet(listener, token, lambda line: print(line, file=sys.stderr)):
        if arrival.hello.role == HostHello.ROLE_LIFELINE:
            lifelines.append(arrival.sock)
        else:
            connection = ServiceConnection(arrival.sock, arrival.hello, services, limits)
            threading.Thread(target=connection.run, name="snakepit-connection", daemon=True).start()


class ServiceConnection:
    """One host's data connection."""

    def __init__(self, sock: socket.socket, hello: HostHello, services: Sequence[Service], limits: Limits) -> None:
        self.writer = Writer(sock)
        self.reader = Reader(sock, limits.max_message_bytes, limits.max_buffer_bytes, self._refuse)
        self.loop = Loop()
        self.calls: dict[int, Call] = {}
        self.limits = limits
        self.host_window = hello.limits.stream_window_bytes or DEFAULT_LIMITS.stream_window_bytes
        self._host_limit = hello.limits.max_message_bytes or DEFAULT_LIMITS.max_message_bytes
        self._sock = sock
        self._dispatcher = Dispatcher(self)
        for service in services:
            self._dispatcher.add(service)
        said = WorkerHello(
            protocol=PROTOCOL,
            worker_id=hello.worker_id,
            python_version=platform.python_version(),
            executable=sys.executable,
            pid=os.getpid(),
            limits=limits,
        )
        self.writer.send(frame(HELLO, 0, said.SerializeToString()))

    def run(self) -> None:
        """Serves until the host closes or breaks the protocol."""
        try:
            while True:
                while (message := self.reader.next()) is not None:
                    self._take(message)
                self.loop.flush()
                if not self.reader.receive():
                    break
        except FrameError as e:
            print(f"snakepit: the connection was closed, the host broke the protocol: {e}", file=sys.stderr)
        except OSError:
            pass
        for call in list(self.calls.values()):
            call.lose()
        self.loop.call(self.loop.stop)
        self._sock.close()

    def send_message(self, kind: int, call: int, parts: list[Bytes], *, flags: int = 0, prefix: int = 0, aux: int = 0) -> None:
        """Sends one message, cut when it is long. Raises PayloadTooLarge."""
        send_message(self.writer, self._host_limit, kind, call, parts, flags=flags, prefix=prefix, aux=aux)

    def ended(self, call: int) -> None:
        """Nothing of a call runs any more."""
        self.calls.pop(call, None)

    def _take(self, message: Frame) -> None:
        kind, call = message.kind, message.call
        if kind == OPEN:
            if call == 0 or call in self.calls:
                raise FrameError(f"call {call} opened twice or without an id")
            self._dispatcher.open(message, message.flags & STREAM != 0)
        elif kind == CANCEL:
            found = self.calls.pop(call, None)
            self.writer.drop(call)
            if found is not None:
                found.cancel()
        elif kind in (MESSAGE, END, CREDIT):
            found = self.calls.get(call)
            if found is None:
                return
            if kind == MESSAGE:
                found.message(message.prefix, message.aux, message.body, self.reader.attached(call) or [])
            elif kind == END:
                found.half_close()
            else:
                found.credit(message.aux)
        else:
            raise FrameError(f"a frame of kind {kind}, but there are no tools")

    def _refuse(self, call: int, size: int, limit: int, option: str) -> None:
        found = self.calls.pop(call, None)
        send_error(self, call, PayloadTooLarge(size, limit, option))
        if found is not None:
            found.cancel()

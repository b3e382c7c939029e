"""A host for tests: starts a real worker process and speaks frames to it over real sockets."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import msgspec

from snakepit._errors import error_of
from snakepit._frames import (
    ATTACH,
    CANCEL,
    CREDIT,
    CUT,
    END,
    ERROR,
    EVENT,
    EXECUTE,
    EXECUTE_STREAM,
    HEADER,
    HEADER_SIZE,
    HELLO,
    MESSAGE,
    OPEN,
    PART,
    RESULT,
    SHUTDOWN,
    STREAM,
    cut,
    frame,
)
from snakepit.v1.error_pb2 import ErrorDetail
from snakepit.v1.frame_pb2 import CallError, CallHead, CallMeta, Event, HostHello, Limits, WorkerHello
from snakepit.v1.worker_pb2 import (
    ExecuteToolRequest,
    ExecuteToolResponse,
    ExecuteToolStreamRequest,
    ExecuteToolStreamResponse,
    HealthRequest,
    HealthResponse,
    PingRequest,
    PingResponse,
)

SRC = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "src")
PATIENCE = 20.0
TOKEN = bytes(range(32))


class Frame(NamedTuple):
    kind: int
    flags: int
    prefix: int
    call: int
    aux: int
    body: bytes


class Process:
    """A worker process that nobody has connected to yet."""

    def __init__(self, program: Sequence[str] = ("-m", "snakepit.worker"), env: dict[str, str] | None = None) -> None:
        self.folder = tempfile.TemporaryDirectory(prefix="snakepit-test-")
        self.path = os.path.join(self.folder.name, "s")
        self.popen = subprocess.Popen(
            [sys.executable, *program, "--socket", self.path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": SRC, **(env or {})},
        )
        assert self.popen.stdin is not None
        self.popen.stdin.write(TOKEN.hex().encode() + b"\n")
        self.popen.stdin.flush()

    def connect(self) -> socket.socket:
        until = time.monotonic() + PATIENCE
        while True:
            sock = socket.socket(socket.AF_UNIX)
            try:
                sock.connect(self.path)
            except (FileNotFoundError, ConnectionRefusedError):
                sock.close()
                # The file system tells nobody; there is nothing to wait on.
                if self.popen.poll() is not None or time.monotonic() > until:
                    raise
                select.select([], [], [], 0.005)
            else:
                sock.settimeout(PATIENCE)
                return sock

    def end(self) -> None:
        try:
            os.killpg(self.popen.pid, signal.SIGKILL)
        except ProcessLookupError:
            self.popen.kill()
        self.popen.wait(PATIENCE)
        for pipe in (self.popen.stdin, self.popen.stdout, self.popen.stderr):
            if pipe is not None:
                pipe.close()
        self.folder.cleanup()


def hello(role: HostHello.Role, tools: Sequence[str] = (), **fields: Any) -> bytes:
    given: dict[str, Any] = {"protocol": 1, "token": TOKEN, "worker_id": "w1", "pool": "main", "threads": 1, "grace_ms": 2000, **fields}
    return frame(HELLO, 0, HostHello(role=role, tools=tools, **given).SerializeToString())


def read_frame(sock: socket.socket) -> Frame:
    head = read_exactly(sock, HEADER_SIZE)
    length, kind, flags, prefix, call, aux = HEADER.unpack(head)
    return Frame(kind, flags, prefix, call, aux, read_exactly(sock, length))


def read_exactly(sock: socket.socket, n: int) -> bytes:
    out = bytearray()
    while len(out) < n:
        got = sock.recv(n - len(out))
        if not got:
            raise EOFError("the worker closed the connection")
        out += got
    return bytes(out)


class Host:
    """A worker that has said hello."""

    def __init__(
        self, tools: str | Sequence[str] = "", *, limits: Limits | None = None, threads: int = 1, process: Process | None = None, **fields: Any
    ) -> None:
        self.process = process or Process()
        if isinstance(tools, str):
            file = os.path.join(self.process.folder.name, "user_tools.py")
            with open(file, "w") as f:
                f.write("from snakepit import tool\n" + textwrap.dedent(tools))
            tools = [file]
        if limits is not None:
            fields["limits"] = limits
        self.lifeline = self.process.connect()
        self.lifeline.sendall(hello(HostHello.ROLE_LIFELINE))
        self.sock = self.process.connect()
        self.sock.sendall(hello(HostHello.ROLE_DATA, tools, threads=threads, **fields))
        self._waiting: deque[Frame] = deque()
        while (first := read_frame(self.sock)).kind == EVENT:
            self._waiting.append(first)
        assert first.kind == HELLO
        self.hello = WorkerHello.FromString(first.body)
        self._cut: dict[int, tuple[Frame, int, bytearray]] = {}
        self._attached: dict[int, list[bytes]] = {}
        self._last = 0
        self.on_open: Callable[[Frame], None] | None = None

    def __enter__(self) -> Host:
        return self

    def __exit__(self, *exc: object) -> None:
        self.sock.close()
        self.lifeline.close()
        self.process.end()

    # Frames.

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def new_call(self) -> int:
        self._last += 1
        return self._last

    def next_raw(self) -> Frame:
        """The next frame as it came, but for events."""
        while (got := read_frame(self.sock)).kind == EVENT:
            pass
        return got

    def next(self) -> Frame:
        """The next whole message, Attach and cut pieces put together."""
        while True:
            got = read_frame(self.sock)
            assert len(got.body) <= 262_144
            if got.flags & CUT:
                assert got.call not in self._cut
                total = int.from_bytes(got.body[:4], "little")
                self._cut[got.call] = (got, total, bytearray(got.body[4:]))
            elif got.kind == PART:
                self._cut[got.call][2].extend(got.body)
            else:
                assert got.call not in self._cut or got.kind in (CANCEL, CREDIT), "a frame between pieces"
                if got.kind == ATTACH:
                    self._attached.setdefault(got.call, []).append(got.body)
                    continue
                return got
            first, total, data = self._cut[got.call]
            if len(data) == total:
                del self._cut[got.call]
                whole = first._replace(flags=first.flags & ~CUT, body=bytes(data))
                if whole.kind == ATTACH:
                    self._attached.setdefault(whole.call, []).append(whole.body)
                    continue
                return whole

    def until(self, wanted: Callable[[Frame], bool]) -> Frame:
        """The next message that is wanted; the others wait."""
        for at, got in enumerate(self._waiting):
            if wanted(got):
                del self._waiting[at]
                return got
        while True:
            got = self.next()
            if wanted(got):
                return got
            if self.on_open is not None and got.kind in (OPEN,):
                self.on_open(got)
                continue
            self._waiting.append(got)

    def attached(self, call: int) -> list[bytes]:
        return self._attached.pop(call, [])

    def for_call(self, call: int, *kinds: int) -> Frame:
        return self.until(lambda f: f.call == call and (f.kind in kinds if kinds else f.kind != EVENT))

    # Calls.

    def start(self, tool: str, args: dict[str, Any] | None = None, *, timeout_ms: int = 0, session: str = "", call: int = 0) -> int:
        call = call or self.new_call()
        self.send(execute_frame(call, tool, args or {}, timeout_ms, session))
        return call

    def start_stream(self, tool: str, args: dict[str, Any] | bytes | None = None, *, timeout_ms: int = 0) -> int:
        call = self.new_call()
        raw = args if isinstance(args, bytes) else msgspec.msgpack.encode(args or {})
        constant = ExecuteToolStreamRequest(tool=tool).SerializeToString() + b"\x1a"
        body = constant + (ExecuteToolStreamRequest(args=raw).SerializeToString()[1:] or b"\x00")
        self.send(frame(EXECUTE_STREAM, call, body, prefix=len(constant), aux=timeout_ms))
        return call

    def result(self, call: int) -> Any:
        got = self.for_call(call)
        if got.kind == ERROR:
            raise error_in(got)
        assert got.kind == RESULT, got
        return msgspec.msgpack.decode(ExecuteToolResponse.FromString(got.body[got.prefix :]).result)

    def call(self, tool: str, **args: Any) -> Any:
        return self.result(self.start(tool, args))

    def items(self, call: int) -> list[Any]:
        """Every item of a stream, giving credit back."""
        found: list[Any] = []
        while True:
            got = self.for_call(call)
            if got.kind == ERROR:
                raise error_in(got)
            if got.kind == END:
                return found
            assert got.kind == MESSAGE, got
            found += self.items_in(got)
            self.send(frame(CREDIT, call, aux=max(1024 * got.aux, len(got.body))))

    @staticmethod
    def items_in(got: Frame) -> list[Any]:
        message = ExecuteToolStreamResponse.FromString(got.body)
        assert got.aux == len(message.items)
        return [msgspec.msgpack.decode(item) for item in message.items]

    def cancel(self, call: int) -> None:
        self.send(frame(CANCEL, call))

    def open(self, method: str, request: Any, *, timeout_ms: int = 0, headers: Any = (), streaming: bool = False) -> int:
        call = self.new_call()
        head = CallHead(method=method, headers=headers).SerializeToString()
        body = b"" if streaming else request.SerializeToString()
        self.send(frame(OPEN, call, head + body, prefix=len(head), aux=timeout_ms, flags=STREAM if streaming else 0))
        return call

    def control(self, name: str, request: Any, response: Any) -> Any:
        got = self.for_call(self.open("/snakepit.v1.WorkerService/" + name, request))
        if got.kind == ERROR:
            raise error_in(got)
        assert got.kind == RESULT, got
        CallMeta.FromString(got.body[: got.prefix])
        return response.FromString(got.body[got.prefix :])

    def ping(self) -> None:
        assert self.control("Ping", PingRequest(message="x"), PingResponse).message == "x"

    def health(self) -> HealthResponse:
        return self.control("Health", HealthRequest(), HealthResponse)

    def log(self, text: str | None = None) -> Any:
        """The next line of log, with the call it belongs to; a given one, or any."""

        def wanted(got: Frame) -> bool:
            if got.kind != EVENT:
                return False
            event = Event.FromString(got.body)
            return event.HasField("log") and (text is None or event.log.text == text)

        got = self.until(wanted)
        return got.call, Event.FromString(got.body).log

    def progress(self, call: int) -> Any:
        got = self.until(lambda f: f.kind == EVENT and f.call == call and Event.FromString(f.body).HasField("progress"))
        return Event.FromString(got.body).progress

    def wait_until_idle(self) -> None:
        """Asks until nothing runs any more."""
        until = time.monotonic() + PATIENCE
        while True:
            health = self.health()
            if health.running == 0 and health.cancelled == 0:
                return
            assert time.monotonic() < until, health

    def shutdown(self, grace_ms: int = 2000) -> None:
        self.send(frame(SHUTDOWN, 0, aux=grace_ms))


def execute_frame(call: int, tool: str, args: Any, timeout_ms: int = 0, session: str = "") -> bytes:
    raw = args if isinstance(args, bytes) else msgspec.msgpack.encode(args)
    constant = ExecuteToolRequest(session_id=session, tool=tool).SerializeToString() + b"\x1a"
    body = constant + ExecuteToolRequest(args=raw).SerializeToString()[1:] if raw else constant + b"\x00"
    return b"".join(b"".join(pieces) for pieces in cut(EXECUTE, call, [body], prefix=len(constant), aux=timeout_ms))


def error_in(got: Frame) -> Exception:
    assert got.kind == ERROR, got
    error = CallError.FromString(got.body)
    detail = ErrorDetail()
    if error.details and error.details[0].Unpack(detail):
        return error_of(detail)
    return ControlError(got.aux, error.message)


class ControlError(Exception):
    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code

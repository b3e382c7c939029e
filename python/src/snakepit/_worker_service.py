"""WorkerService: what a worker does for its host beside the short frames."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Any

from snakepit._frames import STREAM
from snakepit._reader import Frame
from snakepit._server import CallFailed, Context, Method, Service, send_error
from snakepit.v1.worker_pb2 import (
    CleanupSessionRequest,
    CleanupSessionResponse,
    HealthRequest,
    HealthResponse,
    InitializeSessionRequest,
    InitializeSessionResponse,
    ListToolsRequest,
    ListToolsResponse,
    PingRequest,
    PingResponse,
)

if TYPE_CHECKING:
    from snakepit._runtime import Runtime

_PATH = "/snakepit.v1.WorkerService/"
_UNIMPLEMENTED = 12
_INTERNAL = 13


def serve_worker(runtime: Runtime) -> None:
    """Adds WorkerService to what a worker serves."""
    handlers = _Handlers(runtime)
    unary: dict[str, tuple[Any, Any, Any]] = {
        "Ping": (PingRequest, PingResponse, handlers.ping),
        "Health": (HealthRequest, HealthResponse, handlers.health),
        "ListTools": (ListToolsRequest, ListToolsResponse, handlers.list_tools),
        "InitializeSession": (InitializeSessionRequest, InitializeSessionResponse, handlers.initialize_session),
        "CleanupSession": (CleanupSessionRequest, CleanupSessionResponse, handlers.cleanup_session),
    }
    runtime.services.add(
        Service({_PATH + name: Method(q.FromString, p.SerializeToString, False, False, handler) for name, (q, p, handler) in unary.items()})
    )
    runtime.services.add_special(_PATH + "ExecuteTool", handlers.execute)
    runtime.services.add_special(_PATH + "ExecuteToolStream", handlers.execute_stream)


class _Handlers:
    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def ping(self, request: PingRequest, _context: Context) -> PingResponse:
        return PingResponse(message=request.message, server_time_ms=time.time_ns() // 1_000_000)

    def health(self, _request: HealthRequest, _context: Context) -> HealthResponse:
        runtime = self._runtime
        cancelled = runtime.lingering_calls
        return HealthResponse(
            pid=os.getpid(),
            uptime_ms=int((time.monotonic() - runtime.started) * 1000),
            memory_bytes=resident_bytes(),
            running=len(runtime.calls) - len(runtime.batches) + runtime.threads.running(),
            calls=runtime.ended_calls,
            sessions=len(runtime.sessions),
            cancelled=len(cancelled),
            # Batches have numbers of their own, below 0.
            cancelled_calls=[call & 0xFFFF_FFFF for call in cancelled],
        )

    def list_tools(self, _request: ListToolsRequest, _context: Context) -> ListToolsResponse:
        return ListToolsResponse(tools=self._specs())

    def initialize_session(self, request: InitializeSessionRequest, _context: Context) -> InitializeSessionResponse:
        # A plain function is answered on the thread that leads, so calls that follow find the session without waiting for the answer.
        return InitializeSessionResponse(created=self._runtime.initialize_session(request), tools=self._specs())

    def cleanup_session(self, request: CleanupSessionRequest, _context: Context) -> CleanupSessionResponse:
        return CleanupSessionResponse(success=self._runtime.cleanup_session(request.session_id))

    def execute(self, message: Frame, body: bytearray) -> None:
        if message.flags & STREAM:
            send_error(self._runtime, message.call, CallFailed(_INTERNAL, "ExecuteTool does not stream"))
        else:
            self._runtime.execute(message.call, 0, message.aux, body)

    def execute_stream(self, message: Frame, body: bytearray) -> None:
        if not message.flags & STREAM:
            send_error(self._runtime, message.call, CallFailed(_INTERNAL, "ExecuteToolStream streams"))
        else:
            self._runtime.calls[message.call] = _Unbegun(self._runtime, message.call, message.aux)

    def _specs(self) -> list[Any]:
        return [tool.spec for tool in self._runtime.tools.values()]


class _Unbegun:
    """An ExecuteToolStream by Open whose first message has not come."""

    lingers = False

    def __init__(self, runtime: Runtime, call: int, timeout_ms: int) -> None:
        self._runtime = runtime
        self._call = call
        self._timeout_ms = timeout_ms

    def message(self, stream: int, items: int, body: bytearray, attached: list[bytearray]) -> None:
        del self._runtime.calls[self._call]
        self._runtime.execute_stream(self._call, 0, self._timeout_ms, body, attached, True)

    def half_close(self) -> None:
        del self._runtime.calls[self._call]
        send_error(self._runtime, self._call, CallFailed(_UNIMPLEMENTED, "expected a first request, got none"))

    def credit(self, amount: int) -> None:
        pass

    def cancel(self) -> None:
        pass

    def lose(self) -> None:
        pass


def resident_bytes() -> int:
    """Resident memory of this process."""
    try:
        with open("/proc/self/statm", "rb") as f:
            return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024

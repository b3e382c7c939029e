"""A worker process from its first connection to its end."""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
from typing import TYPE_CHECKING

# Nothing heavy may be imported here: the host connects as soon as the socket is there.
from snakepit import _lifeline, _own_imports
from snakepit._meeting import await_host, begin, say, start_time_ticks

if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence

    from snakepit._loading import Toolbox
    from snakepit._logs import Logs
    from snakepit._server import Service
    from snakepit.v1.frame_pb2 import HostHello, Limits, MemoryProbe

_SWITCH_INTERVAL = 0.0005
_GRACE = 2.0
_DRAIN = 1.0
_HOST_FIRST = 0.5
_STDERR = 2


def run(path: str, services: Sequence[Service] = (), max_message_bytes: int | None = None) -> None:
    """Runs a worker that listens at `path` until its host is gone or lets it go, then ends the process.

    `services` are served beside WorkerService. A message to the worker may have `max_message_bytes`; by default as many as one to its host.
    """
    begun = begin(path)
    if begun is not None:
        listener, token = begun
        serve(listener, path, token, services, max_message_bytes)


def serve(
    listener: socket.socket,
    path: str,
    token: bytes,
    services: Sequence[Service] = (),
    max_message_bytes: int | None = None,
    logs: Logs | None = None,
    box: Toolbox | None = None,
) -> None:
    """Serves the host that comes to `listener` with the token, then ends the process. Comes back only when stdin ends before the host has come.

    `logs` have taken over the output already; otherwise that is done here. `box` holds the tools when they are there already.
    """
    met = await_host(listener, path, token)
    if met is None:
        return
    data, lifeline, hello = met
    try:
        code = _serve(data, hello, services, max_message_bytes, logs, box)
    except Exception:
        import traceback

        # sys.stderr may lead nowhere yet, or no more.
        say("snakepit: a fault of the worker\n" + traceback.format_exc())
        code = 1
    if code:
        _lifeline.await_end(lifeline)
    # Neither the threads nor what user code leaves running may keep the process.
    os._exit(code)


def _serve(
    data: socket.socket, hello: HostHello, services: Sequence[Service], max_message_bytes: int | None, logs: Logs | None, box: Toolbox | None
) -> int:
    from snakepit._handshake import DEFAULT_LIMITS, failure_hello
    from snakepit._logs import Logs

    # The host asks where a worker stands before it kills it. C code that holds the global lock does not keep this from being answered.
    faulthandler.register(signal.SIGUSR1, file=_STDERR, all_threads=True, chain=False)
    host_limits = _limits(hello, DEFAULT_LIMITS)
    # A worker is ready to receive as much as its host is, since both follow the same options.
    limits = _limits(hello, DEFAULT_LIMITS)
    limits.max_message_bytes = max_message_bytes or limits.max_message_bytes
    if logs is None:
        logs = Logs()
        logs.install()
    try:
        if box is None:
            box = _load(list(hello.tools))
        else:
            box.enter()
    except Exception as error:
        from snakepit._errors import WorkerStartFailed, detail_of
        from snakepit._frames import EVENT, frame

        failure = error.of(hello.worker_id) if isinstance(error, WorkerStartFailed) else error
        # What was printed until then comes first: the host listens no longer than to the hello.
        said: list[bytes] = []
        logs.open(lambda call, event: said.append(frame(EVENT, call, event.SerializeToString())))
        _tell(data, [*said, failure_hello(detail_of(failure, "")[1], hello.worker_id)])
        return 1
    return _run(data, hello, host_limits, limits, box, services, logs)


def _load(tools: list[str]) -> Toolbox:
    # All of the worker itself comes first: a queue.py beside the tools must not become the one that it imports.
    import gc  # noqa: F401  # pyright: ignore[reportUnusedImport]
    import platform  # noqa: F401  # pyright: ignore[reportUnusedImport]

    from snakepit import _fork, _leader, _runtime, _session, _threads, _worker_service  # noqa: F401  # pyright: ignore[reportUnusedImport]
    from snakepit._loading import load

    _own_imports.end()
    box = load(tools)
    box.enter()
    return box


def _limits(hello: HostHello, default: Limits) -> Limits:
    """What the host is ready to receive."""
    from snakepit.v1.frame_pb2 import Limits

    given = hello.limits
    return Limits(
        max_message_bytes=given.max_message_bytes or default.max_message_bytes,
        max_buffer_bytes=given.max_buffer_bytes or default.max_buffer_bytes,
        stream_window_bytes=given.stream_window_bytes or default.stream_window_bytes,
    )


def _run(
    data: socket.socket,
    hello: HostHello,
    host_limits: Limits,
    limits: Limits,
    box: Toolbox,
    services: Sequence[Service],
    logs: Logs,
) -> int:
    import gc
    import threading
    import traceback

    from snakepit._context import HOST
    from snakepit._fork import part_at_fork
    from snakepit._frames import HELLO, FrameError, cut
    from snakepit._leader import Leader
    from snakepit._runtime import Runtime
    from snakepit._threads import ThreadPool
    from snakepit._worker_service import serve_worker

    runtime = Runtime(data, box.tools, host_limits, limits, logs, hello.worker_id, hello.shared_memory_bytes)
    serve_worker(runtime)
    for service in services:
        runtime.services.add(service)
    threads = Leader(runtime) if hello.threads <= 1 else ThreadPool(runtime, hello.threads)
    runtime.threads = threads
    HOST.attach(runtime)
    part_at_fork(runtime)
    if any(tool.asynchronous for tool in box.tools.values()):
        # Or the first call would wait for it.
        runtime.loop.start()
    sys.setswitchinterval(_SWITCH_INTERVAL)
    gc.collect()
    gc.freeze()
    # Many tools do not fit into one frame.
    if not _tell(data, [b"".join(pieces) for pieces in cut(HELLO, 0, [_worker_hello(hello, limits, box, runtime.memory.probe())])]):
        return 1
    logs.open(runtime.emit, lambda: runtime.writer.held_here)
    threads.run()
    fault = threads.fault
    if isinstance(fault, FrameError):
        say(f"snakepit: the connection was closed, the host broke the protocol: {fault}")
    elif fault is not None and not isinstance(fault, OSError):
        say("snakepit: the connection was closed by a fault of the worker:\n" + "".join(traceback.format_exception(fault)))
    runtime.writer.drain(_DRAIN)
    grace = hello.grace_ms / 1000 if hello.grace_ms else _GRACE
    # The host, which asks where it stands, comes first.
    watchdog = threading.Timer(grace + _HOST_FIRST, os._exit, (1,))
    watchdog.daemon = True
    watchdog.start()
    for error in box.exit():
        say(f"snakepit: a tool class could not be left: {type(error).__name__}: {error}")
    runtime.writer.drain(_DRAIN)
    return 0 if runtime.closing else 1


def _tell(data: socket.socket, frames: Sequence[bytes]) -> bool:
    """Sends frames before anybody reads. False when the host has gone meanwhile, which is nobody's fault."""
    try:
        for one in frames:
            data.sendall(one)
    except OSError:
        return False
    return True


def _worker_hello(hello: HostHello, limits: Limits, box: Toolbox, memory: MemoryProbe | None) -> bytes:
    import platform

    from snakepit._frames import PROTOCOL
    from snakepit.v1.frame_pb2 import WorkerHello

    return WorkerHello(
        protocol=PROTOCOL,
        worker_id=hello.worker_id,
        python_version=platform.python_version(),
        executable=sys.executable,
        pid=os.getpid(),
        start_time_ticks=start_time_ticks(),
        tools=[tool.spec for tool in box.tools.values()],
        limits=limits,
        memory=memory,
    ).SerializeToString()

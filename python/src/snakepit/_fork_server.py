"""The fork server: `python -m snakepit._fork_server --socket PATH`, with a token on stdin. docs/fork-server.md says what it is for.

It is reached and ends like a worker. It imports what the host names, computes nothing, has no thread but its main one, and forks workers off as it
is told, which share the memory of what is imported. It waits for them, kills what they leave in their process groups, and reports how they ended.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import sys
import traceback
from typing import TYPE_CHECKING

# Nothing heavy may be imported here: the host connects as soon as the socket is there.
from snakepit import _lifeline, _own_imports
from snakepit._meeting import Met, await_host, begin, say, start_time_ticks

if TYPE_CHECKING:
    from snakepit._logs import Logs
    from snakepit.v1.frame_pb2 import Event


def main() -> None:
    """Runs a fork server until its host is gone or ends it."""
    parser = argparse.ArgumentParser(prog="snakepit._fork_server")
    parser.add_argument("--socket", required=True, metavar="PATH")
    parser.add_argument("--tools", action="store_true", help="what it imports are the tools of its workers")
    options = parser.parse_args()
    _own_imports.begin()
    path: str = options.socket
    begun = begin(path)
    met = begun and await_host(begun[0], path, begun[1])
    if met is None:
        return
    code = 1
    try:
        code = _serve(met, options.tools)
    except ConnectionError:
        # The host is gone in the middle of a report.
        pass
    except Exception:
        say("snakepit: a fault of the fork server\n" + traceback.format_exc())
    # What was imported may have started processes, which end with the group.
    _lifeline.await_end(met.lifeline)
    os._exit(code)


def _serve(met: Met, are_tools: bool) -> int:
    # All of the worker itself comes first: a queue.py beside the tools must not become the one that it imports.
    import platform  # noqa: F401  # pyright: ignore[reportUnusedImport]

    from snakepit import _fork, _leader, _runtime, _threads, _worker_service  # noqa: F401  # pyright: ignore[reportUnusedImport]
    from snakepit._errors import WorkerStartFailed, detail_of
    from snakepit._fork_orders import Forks
    from snakepit._fork_safety import why_unsafe
    from snakepit._frames import HELLO, PROTOCOL, frame
    from snakepit._handshake import failure_hello
    from snakepit._loading import import_all, load
    from snakepit._logs import Logs
    from snakepit.v1.fork_pb2 import ForkReadiness, ForkReport
    from snakepit.v1.frame_pb2 import WorkerHello

    try:
        # Only imported: a loop that was made here would be of no use in a worker.
        import uvloop  # noqa: F401  # pyright: ignore[reportUnusedImport]
    except ImportError:
        pass

    logs = Logs()
    logs.install()
    logs.open(_write)
    worker_id = met.hello.worker_id
    sources = list(met.hello.tools)
    _own_imports.end()
    try:
        box = load(sources) if are_tools else import_all(sources)
    except WorkerStartFailed as error:
        met.data.sendall(failure_hello(detail_of(error.of(worker_id), "")[1], worker_id))
        return 1
    _flush(logs)
    hello = WorkerHello(protocol=PROTOCOL, worker_id=worker_id, pid=os.getpid(), start_time_ticks=start_time_ticks())
    met.data.sendall(frame(HELLO, 0, hello.SerializeToString()))
    unsafe = why_unsafe()
    forks = Forks(met, logs, box)
    forks.report(ForkReport(readiness=ForkReadiness(unsafe=unsafe)))
    if not unsafe:
        forks.run()
    return 0


def _write(_call: int, event: Event) -> None:
    """What is printed here is of no worker and no call."""
    os.write(1 if event.log.source == "stdout" else 2, (event.log.text + "\n").encode())


def _flush(logs: Logs) -> None:
    """What has been printed is printed once, and not by every worker again."""
    logs.finish(0)
    sys.stdout.flush()
    sys.stderr.flush()
    # The buffers of C code.
    ctypes.CDLL(None).fflush(None)


if __name__ == "__main__":
    main()

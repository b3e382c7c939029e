"""A host of a fork server for tests: starts a real one, orders workers, and talks to them as to any worker."""

from __future__ import annotations

import os
import select
import signal
import socket
import tempfile
import textwrap
import time
from collections import deque
from collections.abc import Sequence
from typing import Any

from worker_host import PATIENCE, TOKEN, Host, Process, hello, read_frame

from snakepit._errors import error_of
from snakepit._frames import EVENT, HELLO, frame
from snakepit.v1.fork_pb2 import ForkOrder, ForkReport
from snakepit.v1.frame_pb2 import HostHello, WorkerHello


class ForkServer:
    """A fork server that has imported `sources`, or what `code` says."""

    def __init__(self, sources: Sequence[str] = (), code: str = "", *, tools: bool = False, env: dict[str, str] | None = None) -> None:
        self.process = Process(["-m", "snakepit._fork_server", *(["--tools"] if tools else [])], env)
        if code:
            self.file = os.path.join(self.process.folder.name, "user_tools.py")
            with open(self.file, "w") as f:
                f.write("from snakepit import tool\n" + textwrap.dedent(code))
            sources = [self.file]
        self.lifeline = self.process.connect()
        self.lifeline.sendall(hello(HostHello.ROLE_LIFELINE))
        self.sock = self.process.connect()
        self.sock.sendall(hello(HostHello.ROLE_DATA, sources))
        self._reports: deque[ForkReport] = deque()
        self._count = 0
        first = read_frame(self.sock)
        assert first.kind == HELLO
        answer = WorkerHello.FromString(first.body)
        if answer.HasField("failure"):
            self.end()
            raise error_of(answer.failure)
        self.pid = answer.pid
        self.unsafe = self.report("readiness").readiness.unsafe

    def __enter__(self) -> ForkServer:
        return self

    def __exit__(self, *exc: object) -> None:
        self.end()

    def end(self) -> None:
        self.sock.close()
        self.lifeline.close()
        self.process.end()

    def report(self, kind: str) -> ForkReport:
        """The next report of this kind; the others wait."""
        for at, got in enumerate(self._reports):
            if got.WhichOneof("report") == kind:
                del self._reports[at]
                return got
        while True:
            got = read_frame(self.sock)
            assert got.kind == EVENT
            report = ForkReport.FromString(got.body)
            if report.WhichOneof("report") == kind:
                return report
            self._reports.append(report)

    def order(self, folder: str, **fields: Any) -> str:
        """Orders a worker that is reached in this folder, and gives its name."""
        self._count += 1
        name = f"w{self._count}"
        paths = {part: os.path.join(folder, part) for part in ("o", "e", "s")}
        given = {"worker_id": name, "socket_path": paths["s"], "stdout_path": paths["o"], "stderr_path": paths["e"], "token": TOKEN, **fields}
        self.sock.sendall(frame(EVENT, 0, ForkOrder(**given).SerializeToString()))
        return name

    def spare(self, workers: Sequence[Forked]) -> int:
        """The process that waits for the next order, as soon as there is one."""
        known = {worker.process.pid for worker in workers}
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            with open(f"/proc/{self.pid}/task/{self.pid}/children") as f:
                found = {int(pid) for pid in f.read().split()} - known
            if found:
                assert len(found) == 1
                return found.pop()
            time.sleep(0.005)
        raise AssertionError("no process waits for an order")

    def fork(self, tools: str | Sequence[str] = "", **fields: Any) -> Forked:
        """A worker with these tools; by default those that the server has imported."""
        return Forked(ForkedProcess(self, **fields), tools or [self.file])


class ForkedProcess(Process):
    """A forked worker that nobody has connected to yet."""

    def __init__(self, server: ForkServer, **fields: Any) -> None:
        self.folder = tempfile.TemporaryDirectory(prefix="snakepit-test-")
        self.path = os.path.join(self.folder.name, "s")
        self.popen = server.process.popen
        listeners = [socket.socket(socket.AF_UNIX) for _ in range(2)]
        for name, listener in zip(("o", "e"), listeners, strict=True):
            listener.bind(os.path.join(self.folder.name, name))
            listener.listen()
        self.name = server.order(self.folder.name, **fields)
        self.stdout, self.stderr = (listener.accept()[0] for listener in listeners)
        for listener in listeners:
            listener.close()
        forked = server.report("forked").forked
        assert forked.worker_id == self.name
        self.pid = forked.pid

    def end(self) -> None:
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.stdout.close()
        self.stderr.close()
        self.folder.cleanup()


class Forked(Host):
    """A forked worker that has said hello."""

    process: ForkedProcess

    def __init__(self, process: ForkedProcess, tools: str | Sequence[str]) -> None:
        super().__init__(tools, process=process)


def wait_gone(pid: int) -> None:
    """Waits for the end of a process that is nobody's child here."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        assert select.select([fd], [], [], PATIENCE)[0], f"process {pid} is still there"
    finally:
        os.close(fd)

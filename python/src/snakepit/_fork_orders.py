"""The fork server at work: forks workers off as its host orders, waits for them, and reports how they ended."""

from __future__ import annotations

import gc
import os
import select
import signal
import socket
from contextlib import ExitStack

from snakepit._fork_child import Birth, Estate, become_worker
from snakepit._fork_spare import Spare
from snakepit._fork_threads import fork
from snakepit._frames import EVENT, HEADER, HEADER_SIZE, FrameError, frame
from snakepit._loading import Toolbox
from snakepit._logs import Logs
from snakepit._meeting import Met, listen, read_exactly, start_time_ticks
from snakepit._reader import prepare
from snakepit.v1.fork_pb2 import Forked, ForkedEnded, ForkFailed, ForkOrder, ForkReport

# When no order has come for so long, the workers that were ordered have started, and do not wait for a processor.
_SETTLED_MS = 50


class Forks:
    """The workers that are forked off this process, once it has imported everything."""

    def __init__(self, met: Met, logs: Logs, box: Toolbox | None) -> None:
        self._met = met
        self._workers: dict[int, str] = {}
        self._wake, self._woken = socket.socketpair()
        self._estate = Estate([met.data, met.lifeline, self._wake, self._woken], logs, box, gc.isenabled())
        self._spare: Spare | None = None

    def run(self) -> None:
        """Takes orders until the host is gone."""
        prepare()
        # Pages that the collector writes to are no longer shared.
        gc.collect()
        gc.disable()
        gc.freeze()
        for end in (self._wake, self._woken):
            end.setblocking(False)
        signal.signal(signal.SIGCHLD, _ignore)
        signal.set_wakeup_fd(self._wake.fileno(), warn_on_full_buffer=False)
        poll = select.poll()
        poll.register(self._met.data, select.POLLIN)
        poll.register(self._woken, select.POLLIN)
        settled: int | None = None
        while True:
            ready = poll.poll(settled)
            if not ready:
                settled = None
                self._make_spare()
            for descriptor, _ in ready:
                if descriptor == self._woken.fileno():
                    self._woken.recv(4096)
                    self._reap()
                else:
                    order = _read_order(self._met.data)
                    if order is None:
                        return
                    self._fork(order)
                    settled = _SETTLED_MS

    def report(self, report: ForkReport) -> None:
        """Tells the host."""
        self._met.data.sendall(frame(EVENT, 0, report.SerializeToString()))

    def _fork(self, order: ForkOrder) -> None:
        with ExitStack() as held:
            try:
                stdout, stderr = (held.enter_context(_connect(path)) for path in (order.stdout_path, order.stderr_path))
                birth = Birth(order, held.enter_context(listen(order.socket_path)), stdout, stderr)
                pid = self._spend(birth)
                if pid is None:
                    pid = fork()
            except OSError as error:
                self.report(ForkReport(failed=ForkFailed(worker_id=order.worker_id, reason=str(error))))
                return
            if pid == 0:
                become_worker(self._estate, lambda: birth)
        self._workers[pid] = order.worker_id
        self.report(ForkReport(forked=Forked(worker_id=order.worker_id, pid=pid, start_time_ticks=start_time_ticks(pid))))

    def _make_spare(self) -> None:
        if self._spare is None:
            try:
                self._spare = Spare(self._estate)
            except OSError:
                # Workers are forked when they are ordered, then.
                pass

    def _spend(self, birth: Birth) -> int | None:
        """Has the spare become this worker. Its pid; None when there is none."""
        spare, self._spare = self._spare, None
        return spare.pid if spare is not None and spare.become(birth) else None

    def _reap(self) -> None:
        while True:
            try:
                ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT | os.WNOHANG)
            except ChildProcessError:
                return
            if ended is None:
                return
            worker_id = self._workers.pop(ended.si_pid, None)
            if self._spare is not None and self._spare.pid == ended.si_pid:
                self._spare.drop()
                self._spare = None
            if worker_id is not None:
                # As long as it is not waited for, its pid and so its group cannot be anybody else's.
                try:
                    os.killpg(ended.si_pid, signal.SIGKILL)
                except OSError:
                    pass
            _, status, usage = os.wait4(ended.si_pid, 0)
            if worker_id is not None:
                self.report(ForkReport(ended=_ended(worker_id, status, usage.ru_maxrss * 1024)))


def _ignore(_number: int, _frame: object) -> None:
    """There has to be a handler for the descriptor to be woken."""


def _ended(worker_id: str, status: int, peak_memory_bytes: int) -> ForkedEnded:
    ended = ForkedEnded(worker_id=worker_id, peak_memory_bytes=peak_memory_bytes)
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        try:
            ended.signal = signal.Signals(number).name
        except ValueError:
            ended.signal = f"signal {number}"
    else:
        ended.exit_code = os.waitstatus_to_exitcode(status)
    return ended


def _connect(path: str) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX)
    try:
        sock.connect(path)
    except OSError:
        sock.close()
        raise
    return sock


def _read_order(sock: socket.socket) -> ForkOrder | None:
    """The next order; None when the host is gone."""
    try:
        header = read_exactly(sock, HEADER_SIZE)
        if header is None:
            return None
        length, kind, *_ = HEADER.unpack(header)
        if kind != EVENT:
            raise FrameError(f"a frame of kind {kind}, which is no order")
        body = read_exactly(sock, length)
    except ConnectionError:
        return None
    return None if body is None else ForkOrder.FromString(body)

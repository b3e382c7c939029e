"""Who reads the connection, and who runs synchronous tools.

Synchronous tools run one at a time on the main thread, so that an interrupt reaches them in a system call too. The main thread also reads: it leads,
and runs a short tool between two frames without any change of thread, which is what makes a call cheap.

While a tool runs, `cell` holds a token. When the tool lasts longer than a millisecond the monitor, a second thread, takes the token and with it the
lead: it sends what was held back and reads on, so that pings, cancels and asynchronous tools go on; synchronous calls that arrive wait in the
queue for the main thread, and never run on the monitor. A main thread that comes out of its tool and finds the token gone sends its answer, works the
queue off, and then asks for the lead (`wants`); the monitor gives it back with the next bytes, before it looks at them.

Taking the token out of a list is atomic, so exactly one of the two has the lead. A tool that waits (for input, or for the host) takes its own token
back and reads on the main thread until what it waits for is there: no change of thread either. Calls that come of what it waits for run on top of it,
with the token in the cell like any other.
"""

from __future__ import annotations

import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from snakepit._busy_poll import BusyPoll
from snakepit._frames import EXECUTE, HEADER, HEADER_SIZE
from snakepit._interrupt import Slot, install_signal
from snakepit._replies import Large
from snakepit._sync import SyncCall
from snakepit._waiter import Waiter, wait_outside

if TYPE_CHECKING:
    from snakepit._call import Run
    from snakepit._runtime import Runtime

_TICK = 0.001
# Ticks without anything to do before the monitor sleeps until it is woken.
_QUIET = 5
# Answers leave together, but not more than this many at a time, so that both processes work at once.
_TOGETHER = 16
# A signal that comes just before a system call is lost; so it is repeated.
_KICK = 0.005
_unpack = HEADER.unpack_from


class Leader:
    """Main thread and monitor of a worker with one thread for synchronous tools."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.slot = Slot()
        # Calls in the order they came, and streams that go on; the latter are overtaken, the former never.
        self._queue: deque[Run] = deque()
        self._streams: deque[Run] = deque()
        # Frames that are held back, each in two pieces.
        self._out: list[bytes] = []
        self._cell = self.lead = list[bool]()
        self._leading = True
        # Counts the tools that were begun: a monitor that finds the same number twice has waited a millisecond in one tool.
        self._begun = 0
        self._parked = False
        self._kick_at = 0.0
        self._wake = threading.Semaphore(0)
        self._busy_poll = BusyPoll(lambda: runtime.reader.wait(0))
        self._wants: list[bool] = []
        self._gate = threading.Lock()
        self._gate.acquire()
        self._over = False
        self.fault: BaseException | None = None

    def run(self) -> None:
        """Serves until the connection ends. Only on the main thread."""
        install_signal(self.slot)
        threading.Thread(target=self._monitor, name="snakepit-monitor", daemon=True).start()
        while not self._over:
            if self._leading:
                self._lead()
            else:
                self._follow()
        self.flush()

    # What calls ask for.

    def queue_sync(self, call: Run) -> None:
        (self._streams if call.goes_on else self._queue).append(call)

    def slot_here(self) -> Slot | None:
        return self.slot if threading.get_ident() == self.slot.ident else None

    def may_block(self) -> bool:
        # A tool on the main thread is relieved of reading; so is nobody who leads.
        return self.slot.now is not None and self.slot_here() is not None

    def interrupt(self, call: int) -> bool:
        return self.slot.interrupt(call)

    def slots(self) -> tuple[Slot]:
        return (self.slot,)

    def running(self) -> int:
        now = self.slot.first
        return int(now is not None and now[0] not in self.runtime.calls)

    def flush(self) -> None:
        """Sends the answers that were held back. Only by who leads."""
        out = self._out
        if out:
            self.runtime.writer.send(b"".join(out))
            self.runtime.ended_calls += len(out) // 2
            out.clear()

    def after_fork(self) -> None:
        # Whoever comes out of its tool without a token looks further.
        self._cell.clear()

    def shutdown(self, grace: float) -> None:
        threading.Thread(target=self._shutdown, args=(grace,), name="snakepit-shutdown", daemon=True).start()

    def _shutdown(self, grace: float) -> None:
        until = time.monotonic() + grace
        runtime = self.runtime
        while (runtime.calls or runtime.lingering or self.slot.first is not None) and time.monotonic() < until:
            time.sleep(0.002)
        # Ends the read of whoever leads, as if the host had closed.
        try:
            runtime.reader.sock.shutdown(socket.SHUT_RD)
        except OSError:
            pass

    def wait(self, ready: Callable[[], bool], arrived: threading.Event, waiter: Waiter | None = None) -> None:
        slot = self.slot
        if threading.get_ident() != slot.ident:
            wait_outside(ready, arrived, waiter)
            return
        slot.shield()
        now = slot.now
        call = None if now is None else self.runtime.calls.get(now[0])
        if isinstance(call, SyncCall):
            call.flush()
        calls = waiter.calls if waiter is not None else ()
        while not (ready() or slot.deferred or self._over):
            if waiter is not None and calls:
                # The token is in the cell, or the monitor has it: as in any other tool.
                self._begun += 1
                waiter.run(slot)
            elif self._take_back(lambda: ready() or slot.deferred or calls or self._over):
                self._read_until(lambda: ready() or slot.deferred or calls)
                self._relieve()
        slot.unshield()
        if self._over and not ready():
            raise ConnectionError("the connection to the host is gone")

    # The main thread.

    def _lead(self) -> None:
        """Reads and runs tools until the lead is lost or the connection ends."""
        runtime = self.runtime
        reader = runtime.reader
        queue = self._queue
        streams = self._streams
        cell = self._cell
        slot = self.slot
        out = self._out
        buf = reader.buf
        by_prefix = runtime.entries.by_prefix
        calls = runtime.calls
        result = runtime.replies.pieces
        monotonic = time.monotonic
        plain = reader.plain
        partial = runtime.logs.partial
        while not self._over:
            pos = reader.pos
            end = reader.end
            # One look at the clock a call: where one ends, the next begins.
            clock = monotonic()
            while end - pos >= HEADER_SIZE and not queue:
                length: int
                prefix: int
                length, kind, flags, prefix, call, aux = _unpack(buf, pos)
                start = pos + HEADER_SIZE
                after = start + length
                if kind != EXECUTE or flags or after > end or length > plain or not 0 < prefix < length or reader.odd:
                    break
                at = start + prefix
                entry = by_prefix.get(bytes(buf[start:at]))
                if entry is None or not (entry.inline or entry.detached):
                    break
                n: int = buf[at]
                at += 1
                if n > 127:
                    n = n & 127 | buf[at] << 7
                    at += 1
                    if n > 16383:
                        n = n & 16383 | buf[at] << 14
                        at += 1
                # Something follows the arguments, or they are longer than this reads: the slow way.
                if at + n != after:
                    break
                if entry.detached:
                    if call in calls:
                        break
                    reader.pos = pos = after
                    runtime.start_detached(call, entry, aux, buf[at:after])
                    continue
                try:
                    args = entry.decode(buf[at:after])
                except Exception:
                    # The slow way takes it again and says what is wrong.
                    break
                reader.pos = after
                slot.now = (call, entry, aux, clock, 0)
                self._begun += 1
                answer: tuple[bytes, bytes] | Large | None = None
                try:
                    try:
                        # From here the monitor may have the lead, and interrupt.
                        cell.append(True)
                        if self._parked:
                            self._unpark()
                        value = entry.call(args)
                        began = clock
                        clock = monotonic()
                        answer = result(call, value, int((clock - began) * 1e6))
                    except Exception as e:
                        value = None
                        clock = monotonic()
                        answer = (runtime.replies.error_frame(call, e, entry.name), b"")
                    cell.pop()
                except BaseException as e:
                    # The token was gone, an interrupt came, or the tool raised something like SystemExit. An interrupt may come until the slot
                    # has been told that the call is over: as soon as anything is called, so nothing is before this.
                    try:
                        cancelled = slot.finish()
                    except BaseException:
                        # There is no second.
                        cancelled = slot.finish()
                    value = None
                    self._end_inline(call, entry.name, answer, e, cancelled)
                    if not self._leading:
                        return
                    answer = None
                    clock = monotonic()
                else:
                    if slot.cancelled:
                        # The tool was interrupted, went on, and got the lead back by waiting for the host.
                        slot.finish()
                        runtime.ended(call)
                        clock = monotonic()
                        pos = reader.pos
                        end = reader.end
                        runtime.logs.finish(call)
                        continue
                    slot.now = None
                    if partial:
                        runtime.logs.finish(call)
                    if not isinstance(answer, Large):
                        out += answer
                        if len(out) >= 2 * _TOGETHER:
                            self.flush()
                    else:
                        # It would stay until the next call ends. A small one may.
                        value = None
                        self._send_large(call, answer)
                        if not self._leading:
                            return
                        answer = None
                        clock = monotonic()
                # A tool that waited has read on.
                pos = reader.pos
                end = reader.end
            # With less than a header there is nothing to take, unless some message is on its way in pieces.
            if (end - pos >= HEADER_SIZE or reader.odd) and self._next():
                continue
            self.flush()
            if queue or streams:
                self._run_queue()
                if not self._leading:
                    return
                self.flush()
                runtime.loop.flush()
                # There may be frames left that a tool has read, or more to do.
                self._receive(wait=False)
            else:
                runtime.loop.flush()
                # Other threads work on the calls that are open, and need what looking takes.
                if not calls:
                    self._busy_poll.look()
                self._receive(wait=True)

    def _next(self) -> bool:
        """Takes the next message that has been read."""
        try:
            message = self.runtime.reader.next()
            if message is None:
                return False
            self.runtime.take(message)
            return True
        except Exception as e:
            # A fault of the peer, or of the runtime, such as no memory for a message: on the monitor's thread nobody else would hear of it.
            self._lost(e)
            return False

    def _receive(self, wait: bool) -> None:
        """Reads once. Only by who leads."""
        runtime = self.runtime
        reader = runtime.reader
        if self._over:
            return
        try:
            timeout = self._timeout()
            if timeout is not None and timeout <= 0:
                # Looked after also while frames and streams leave no moment to wait.
                self._tick()
            if not wait:
                if not reader.wait(0):
                    return
            elif timeout is not None and not reader.wait(timeout):
                self._tick()
                return
            if not reader.receive():
                self._lost(None)
        except OSError as e:
            self._lost(e)
            return
        if self._parked:
            self._unpark()

    def _unpark(self) -> None:
        self._parked = False
        self._wake.release()

    def _relieve(self) -> None:
        """Says that a tool begins, so that the monitor leads when it takes long."""
        self._begun += 1
        self._cell.append(True)
        # It may have gone to sleep since the last frames came.
        if self._parked:
            self._unpark()

    def _run_queue(self) -> None:
        """Runs each call that waits, and a slice of each stream."""
        waiting = [self._queue] * len(self._queue) + [self._streams] * len(self._streams)
        for line in waiting:
            call = line.popleft()
            if self._leading:
                self._relieve()
            call.run(self.slot)
            self._leading = self._reclaim()

    def _reclaim(self) -> bool:
        try:
            self._cell.pop()
        except IndexError:
            return False
        return True

    def _end_inline(self, call: int, tool: str, answer: tuple[bytes, ...] | Large | None, error: BaseException, cancelled: bool) -> None:
        """A short call that did not end as short calls do."""
        runtime = self.runtime
        runtime.logs.finish(call)
        if not cancelled:
            if answer is None:
                answer = (runtime.replies.error_frame(call, error, tool),)
            runtime.replies.send(call, answer if isinstance(answer, Large) else b"".join(answer), wait=True)
        runtime.ended(call)
        self._leading = self._reclaim()

    def _send_large(self, call: int, answer: Large) -> None:
        # Waiting for it to be sent must not keep anybody from reading.
        self.flush()
        self._relieve()
        self.runtime.replies.send(call, answer, wait=True)
        self._leading = self._reclaim()

    def _follow(self) -> None:
        """Works the queue off, then gets the lead back."""
        while not self._leading and not self._over:
            if self._queue or self._streams:
                self._run_queue()
            elif self._take_back(lambda: bool(self._queue or self._streams) or self._over):
                self._leading = True

    def _take_back(self, otherwise: Callable[[], object]) -> bool:
        """Gets the lead, waiting for it unless something else comes up before."""
        if self._reclaim():
            return True
        self._wants.append(True)
        if otherwise():
            try:
                self._wants.pop()
                return False
            except IndexError:
                # It is being given at this moment.
                pass
        self._gate.acquire()
        return not self._over

    def _read_until(self, ready: Callable[[], object]) -> None:
        """Leads from within a tool that waits."""
        self.flush()
        while not ready() and not self._over:
            if not self._next():
                self.runtime.loop.flush()
                if not ready():
                    self._receive(wait=True)

    # The monitor.

    def _monitor(self) -> None:
        last = -1
        quiet = 0
        cell = self._cell
        while not self._over:
            time.sleep(_TICK)
            begun = self._begun
            if begun != last:
                last = begun
                quiet = 0
            elif cell:
                try:
                    cell.pop()
                except IndexError:
                    continue
                self._stand_in()
            else:
                quiet += 1
                if quiet > _QUIET:
                    self._parked = True
                    if self._begun == last and not cell:
                        self._wake.acquire()
                    self._parked = False
                    quiet = 0

    def _stand_in(self) -> None:
        """Leads while the main thread is in a tool."""
        self.flush()
        now = self.slot.now
        call = None if now is None else self.runtime.calls.get(now[0])
        if isinstance(call, SyncCall):
            call.flush()
        while True:
            while self._next():
                pass
            self.runtime.loop.flush()
            if self._give_back():
                return
            self._receive(wait=True)
            if self._give_back() or self._over:
                return

    def _give_back(self) -> bool:
        try:
            self._wants.pop()
        except IndexError:
            return False
        self._gate.release()
        return True

    # Both.

    def _timeout(self) -> float | None:
        """Seconds until something has to be looked after; None when nothing has."""
        due = self.runtime.next_deadline()
        slot = self.slot
        now = slot.first
        if now is not None:
            if slot.cancelled:
                return self._kick_at - time.monotonic()
            if now[2] and now[0] not in self.runtime.calls and not slot.first_cancelled:
                inline = now[3] + now[2] / 1000
                due = inline if due is None else min(due, inline)
        return None if due is None else due - time.monotonic()

    def _tick(self) -> None:
        at = time.monotonic()
        # By the clock, since frames may leave no moment to wait.
        if at >= self._kick_at:
            self._kick_at = at + _KICK
            self.slot.kick()
        self.runtime.expire(at)
        now = self.slot.first
        if now is not None and now[2] and now[0] not in self.runtime.calls and not self.slot.first_cancelled and now[3] + now[2] / 1000 <= at:
            self.runtime.expire_inline(now[0], now[1], now[2])

    def _lost(self, fault: BaseException | None) -> None:
        """The connection has ended. Whoever leads says so; what runs is interrupted."""
        if self._over:
            return
        self.fault = fault
        self._over = True
        now = self.slot.first
        if now is not None:
            self.slot.interrupt(now[0])
        self.runtime.lose()
        self._give_back()

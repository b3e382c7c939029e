"""Batches under any schedule of calls, cancels and time: the runtime itself, with the test's own clock and a thread that runs when it is told to."""

from __future__ import annotations

import gc
import socket
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from worker_host import error_in, execute_frame, read_frame

from snakepit import tool
from snakepit._batch_line import Line
from snakepit._batches import BatchedCall
from snakepit._call import Run
from snakepit._declare import declaration_of
from snakepit._errors import CallTimeout, InvalidArguments, ToolFailed
from snakepit._frames import CANCEL, ERROR, HEADER_SIZE, RESULT
from snakepit._interrupt import Slot
from snakepit._leader import Leader
from snakepit._logs import Logs
from snakepit._reader import Frame
from snakepit._runtime import Runtime
from snakepit._tool import Tool
from snakepit._waiter import Waiter
from snakepit.v1.frame_pb2 import Limits
from snakepit.v1.worker_pb2 import ExecuteToolResponse

SIZE = 3
WAIT = 0.010
LIMITS = Limits(max_message_bytes=1 << 20, max_buffer_bytes=1 << 20, stream_window_bytes=1 << 20)


class Threads:
    """One thread, which runs what waits only when the test says so."""

    def __init__(self) -> None:
        self.queue: deque[Run] = deque()
        self.slot = Slot()
        self.lead = (True,)

    def queue_sync(self, call: Run) -> None:
        self.queue.append(call)

    def wait(self, ready: Callable[[], bool], arrived: threading.Event, waiter: Waiter | None = None) -> None:
        raise AssertionError

    def interrupt(self, call: int) -> bool:
        return self.slot.interrupt(call)

    def slots(self) -> Iterable[Slot]:
        return (self.slot,)

    def shutdown(self, grace: float) -> None:
        raise AssertionError

    def after_fork(self) -> None:
        raise AssertionError

    def running(self) -> int:
        return 0

    def may_block(self) -> bool:
        return False

    def slot_here(self) -> Slot | None:
        return self.slot


class World:
    """A worker's runtime without a process, its clock, and what its tool was given."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        for module in ("_batches", "_batch_runs"):
            monkeypatch.setattr(f"snakepit.{module}.time", SimpleNamespace(monotonic=lambda: self.now))
        self.sock, theirs = socket.socketpair()
        self.runs: list[list[int]] = []
        # Called by the tool while it runs.
        self.meanwhile: Callable[[list[int]], None] = lambda _: None

        @tool(batch=True, max_batch_size=SIZE, max_wait_ms=int(WAIT * 1000))
        def double(x: list[int]) -> list[int]:
            self.runs.append(list(x))
            self.meanwhile(x)
            return [2 * n for n in x]

        declaration = declaration_of(double)
        assert declaration is not None
        tools = {"double": Tool(declaration, double, "double")}
        self.runtime = Runtime(theirs, tools, LIMITS, LIMITS, Logs(), "w1")
        self.threads = self.runtime.threads = Threads()
        self.theirs = theirs
        self.joined: dict[int, float] = {}

    def close(self) -> None:
        self.sock.close()
        self.theirs.close()

    def call(self, call: int, value: object, timeout_ms: int) -> None:
        data = execute_frame(call, "double", {"x": value}, timeout_ms)
        length, prefix = int.from_bytes(data[:4], "little"), int.from_bytes(data[6:8], "little")
        assert HEADER_SIZE + length == len(data)
        self.joined[call] = self.now
        self.runtime.execute(call, prefix, timeout_ms, bytearray(data[HEADER_SIZE:]))

    def cancel(self, call: int) -> None:
        self.runtime.take(Frame(CANCEL, 0, 0, call, 0, bytearray()))

    def advance(self, seconds: float) -> None:
        """Lets time pass, with the thread that leads awake whenever something is due."""
        until = self.now + seconds
        while (due := self.runtime.next_deadline()) is not None and due <= until:
            self.now = max(self.now, due)
            self.runtime.expire(self.now)
        self.now = until

    def run(self) -> None:
        """Runs the next batch that was started, if one was."""
        if self.threads.queue:
            self.threads.queue.popleft().run(self.threads.slot)

    def answers(self) -> dict[int, object]:
        found: dict[int, object] = {}
        self.sock.setblocking(False)
        while True:
            try:
                self.sock.recv(1, socket.MSG_PEEK)
            except BlockingIOError:
                return found
            got = read_frame(self.sock)
            assert got.call not in found, "answered twice"
            found[got.call] = error_in(got) if got.kind == ERROR else msgspec.msgpack.decode(ExecuteToolResponse.FromString(got.body).result)
            assert got.kind in (ERROR, RESULT)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("call"), st.sampled_from([0, 0, 4, 15])),
        st.tuples(st.just("wrong"), st.just(0)),
        st.tuples(st.just("cancel"), st.integers(0, 30)),
        st.tuples(st.just("advance"), st.sampled_from([1, 3, 10, 25])),
        st.tuples(st.just("run"), st.integers(0, SIZE)),
    ),
    max_size=60,
)


@settings(max_examples=300)
@given(steps=STEPS)
def test_every_call_is_answered_once_in_order_and_on_time(steps: list[tuple[str, int]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        world = World(patch)
        try:
            check(world, steps)
        finally:
            world.close()


def check(world: World, steps: list[tuple[str, int]]) -> None:
    threads = world.threads
    calls: list[int] = []
    wrong: set[int] = set()
    cancelled: set[int] = set()
    limits: dict[int, int] = {}
    ran: set[int] = set()

    def waiting() -> list[int]:
        """Calls that wait and that somebody wants."""
        return [call for call in calls if call in world.runtime.calls]

    for what, number in steps:
        if what in ("call", "wrong"):
            call = len(calls) + 1
            calls.append(call)
            limits[call] = number
            if what == "wrong":
                wrong.add(call)
            world.call(call, "x" if what == "wrong" else call, number)
        elif what == "cancel" and calls:
            call = calls[number % len(calls)]
            if call in world.runtime.calls:
                cancelled.add(call)
            world.cancel(call)
        elif what == "advance":
            world.advance(number / 1000)
        elif what == "run":

            def cancel_some(running: list[int], most: int = number) -> None:
                # One stays, so that the batch goes on.
                for call in running[1 : 1 + most]:
                    cancelled.add(call)
                    world.cancel(call)
                    world.cancel(call)

            world.meanwhile = cancel_some
            world.run()
            world.meanwhile = lambda _: None
        # What has waited as long as it may, or fills a batch, only waits for the thread.
        left = waiting()
        assert len(left) < SIZE or threads.queue
        if any(world.now - world.joined[call] >= WAIT for call in left):
            assert threads.queue
        assert len(threads.queue) * SIZE >= sum(world.now - world.joined[call] >= WAIT for call in left)
        ran.update(x for run in world.runs for x in run)
    world.advance(1)
    while threads.queue:
        world.run()
    runtime = world.runtime
    assert (dict(runtime.calls), len(runtime.batches), runtime.lingering, runtime.ended_calls) == ({}, 0, 0, len(calls))
    found = world.answers()
    assert found.keys() == set(calls) - cancelled
    order = [x for run in world.runs for x in run]
    assert order == sorted(set(order)), "each runs once, in the order they came"
    assert all(0 < len(run) <= SIZE for run in world.runs)
    for call, answer in found.items():
        if isinstance(answer, CallTimeout):
            assert limits[call]
            assert call not in order
        elif call in wrong:
            assert isinstance(answer, InvalidArguments)
        else:
            assert answer == 2 * call


@given(st.integers(1, 5), st.lists(st.one_of(st.just("join"), st.just("begin"), st.just("next"), st.integers(0, 20)), max_size=80))
def test_there_is_room_for_all_that_wait_in_what_is_announced(longest: int, steps: list[Any]) -> None:
    line = Line[int](longest, ("tool", "", 0))
    model: list[int] = []
    announced = joined = 0
    for step in steps:
        if step == "join":
            announced += line.join(joined)
            model.append(joined)
            joined += 1
        elif step == "begin":
            if not announced:
                continue
            announced -= 1
            assert line.begin() == model[:longest]
            del model[:longest]
        elif step == "next":
            assert line.next() == (model.pop(0) if model else None)
        else:
            line.leave(step)
            model = [call for call in model if call != step]
        assert len(line) == len(model) <= announced * longest
        assert line.full == (len(model) >= announced * longest)
        assert line.idle == (not announced)


def test_threads_that_take_calls_of_one_tool_at_once_do_not_get_into_each_others_way(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch)
    for call in range(1, 2 * SIZE + 1):
        world.call(call, call, 0)
    check_one = BatchedCall.check

    def check_meanwhile(call: BatchedCall) -> bool:
        monkeypatch.setattr(BatchedCall, "check", check_one)
        # Another thread is done with all that waits, and more comes.
        world.run()
        world.call(100, 100, 0)
        return check_one(call)

    monkeypatch.setattr(BatchedCall, "check", check_meanwhile)
    world.run()
    world.advance(1)
    world.run()
    assert world.runs == [[4, 5, 6], [1, 2, 3], [100]]
    assert len(world.answers()) == 2 * SIZE + 1
    world.close()


def test_a_batch_that_has_run_is_gone_without_a_collection(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch)
    failing: list[bool] = []

    def fail_at_times(_: list[int]) -> None:
        if failing:
            raise KeyError

    world.meanwhile = fail_at_times
    for first in (1, 4):
        for call in range(first, first + SIZE):
            world.call(call, call, 0)
        batch = weakref.ref(world.threads.queue[0])
        gc.disable()
        try:
            world.run()
            assert batch() is None
        finally:
            gc.enable()
        failing.append(True)
    assert [type(answer) for answer in world.answers().values()] == [int] * SIZE + [ToolFailed] * SIZE
    world.close()


@pytest.mark.parametrize("wait", [True, False], ids=["nothing to run", "something to run"])
def test_a_batch_starts_on_time_also_while_there_is_more_to_read(monkeypatch: pytest.MonkeyPatch, wait: bool) -> None:
    world = World(monkeypatch)
    world.now = time.monotonic() - 1
    leader = world.runtime.threads = Leader(world.runtime)
    world.call(1, 1, 0)
    world.sock.send(execute_frame(2, "double", {"x": 2}))
    leader._receive(wait)  # pyright: ignore[reportPrivateUsage]
    assert leader._queue  # pyright: ignore[reportPrivateUsage]
    world.close()

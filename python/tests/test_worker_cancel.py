"""Cancelling and deadlines: what was asked to stop stops, and nothing else notices."""

from __future__ import annotations

import os
import random
import select
import signal
import time
from collections.abc import Iterator

import pytest
from worker_host import Host, error_in

from snakepit._errors import CallTimeout, ToolFailed
from snakepit._frames import CREDIT, END, ERROR, EVENT, MESSAGE, RESULT, frame
from snakepit.v1.worker_pb2 import HealthRequest

TOOLS = """
import asyncio, re, socket, subprocess, threading, time

seen = []

@tool
def echo(x: int) -> int:
    return x

@tool
async def aecho(x: int) -> int:
    return x

@tool
def log() -> list[str]:
    out = list(seen)
    seen.clear()
    return out

def noting(what):
    def run(fn):
        try:
            # Within, since whoever hears it may cancel at once.
            print("begun")
            fn()
            seen.append(what + " ended")
        except asyncio.CancelledError:
            seen.append(what + " cancelled")
            raise
    return run

def compute():
    n = 0
    while True:
        n += 1

def receive():
    a, b = socket.socketpair()
    a.recv(1)

def lock():
    held = threading.Lock()
    held.acquire()
    held.acquire()

def threads():
    while True:
        thread = threading.Thread(target=int)
        thread.start()
        thread.join()

KINDS = {
    "threads": threads,
    "sleep": lambda: time.sleep(60),
    "compute": compute,
    "receive": receive,
    "lock": lock,
    "subprocess": lambda: subprocess.run(["sleep", "60"]),
}

@tool
def block(kind: str) -> None:
    noting(kind)(KINDS[kind])

@tool
def tidy() -> None:
    try:
        print("begun")
        time.sleep(60)
    finally:
        print("closing")
        seen.append("tidied")

@tool
def match(n: int) -> None:
    noting("match")(lambda: re.match(r"(a+)+$", "a" * n + "b"))

@tool
def stubborn(seconds: float) -> str:
    until = time.monotonic() + seconds
    begun = False
    while time.monotonic() < until:
        try:
            if not begun:
                begun = True
                print("begun")
            time.sleep(0.01)
        except BaseException:
            pass
    seen.append("stubborn ended")
    return "done"

@tool
def short(ms: float) -> float:
    until = time.monotonic() + ms / 1000
    while time.monotonic() < until:
        pass
    return ms

@tool
def chatty(lines: int) -> int:
    for n in range(lines):
        print("line", n)
    return lines

@tool
async def asleep(seconds: float) -> None:
    print("begun")
    try:
        await asyncio.sleep(seconds)
    except asyncio.CancelledError:
        seen.append("asleep cancelled")
        raise

@tool
def cancels_itself() -> None:
    raise asyncio.CancelledError

@tool
def exits() -> None:
    raise SystemExit(3)
"""


@pytest.fixture(scope="module")
def shared() -> Iterator[Host]:
    with Host(TOOLS) as host:
        yield host


@pytest.fixture
def host(shared: Host) -> Iterator[Host]:
    yield shared
    shared.wait_until_idle()
    assert shared.call("echo", x=1) == 1
    shared.call("log")


@pytest.mark.parametrize("kind", ["sleep", "compute", "receive", "lock", "subprocess"])
def test_a_tool_that_blocks_is_interrupted(host: Host, kind: str) -> None:
    call = host.start("block", {"kind": kind})
    host.log("begun")
    host.cancel(call)
    assert host.call("log") == [f"{kind} cancelled"]
    assert not [f for f in host._waiting if f.call == call and f.kind != EVENT]


@pytest.mark.parametrize("threads", [1, 2])
def test_a_tool_that_is_starting_a_thread_is_interrupted(threads: int) -> None:
    # Until Python 3.11 a thread that has not begun yet goes by the name of the one that starts it, and an interrupt may reach it instead.
    with Host(TOOLS, threads=threads) as host:
        for _ in range(60):
            call = host.start("block", {"kind": "threads"})
            host.log("begun")
            host.cancel(call)
            host.wait_until_idle()
            assert host.call("log") == ["threads cancelled"]


def test_a_tool_that_prints_while_it_cleans_up_is_interrupted_once(host: Host) -> None:
    call = host.start("tidy")
    host.log("begun")
    host.cancel(call)
    host.log("closing")
    assert host.call("log") == ["tidied"]


def test_c_code_that_holds_the_lock_is_interrupted_by_the_signal(host: Host) -> None:
    call = host.start("match", {"n": 40})
    host.log("begun")
    host.cancel(call)
    health = host.open("/snakepit.v1.WorkerService/Health", HealthRequest())
    while not select.select([host.sock], [], [], 0.02)[0]:
        os.kill(host.hello.pid, signal.SIGUSR2)
    assert host.for_call(health).kind == RESULT
    assert host.call("log") == ["match cancelled"]


def test_a_signal_without_reason_harms_nothing(host: Host) -> None:
    call = host.start("stubborn", {"seconds": 0.1})
    host.log("begun")
    for _ in range(5):
        os.kill(host.hello.pid, signal.SIGUSR2)
    assert host.result(call) == "done"
    os.kill(host.hello.pid, signal.SIGUSR2)
    assert host.call("echo", x=4) == 4
    host.call("log")


def test_a_signal_without_reason_harms_no_worker_with_threads() -> None:
    with Host(TOOLS, threads=2) as host:
        call = host.start("stubborn", {"seconds": 0.1})
        host.log("begun")
        for _ in range(5):
            os.kill(host.hello.pid, signal.SIGUSR2)
        assert host.result(call) == "done"
        os.kill(host.hello.pid, signal.SIGUSR2)
        assert host.call("echo", x=4) == 4


def test_a_queued_call_is_dropped(host: Host) -> None:
    first = host.start("stubborn", {"seconds": 0.1})
    host.log("begun")
    queued = [host.start("block", {"kind": "sleep"}) for _ in range(3)]
    after = host.start("echo", {"x": 5})
    for call in queued:
        host.cancel(call)
    assert host.result(first) == "done"
    assert host.result(after) == 5
    assert host.call("log") == ["stubborn ended"]


def test_a_tool_that_ignores_it_is_counted_until_it_ends(host: Host) -> None:
    call = host.start("stubborn", {"seconds": 0.3})
    host.log("begun")
    host.cancel(call)
    host.ping()
    assert host.health().cancelled == 1
    assert host.call("echo", x=2) == 2
    assert host.health().cancelled == 0
    assert not [f for f in host._waiting if f.call == call and f.kind != EVENT]


def test_an_asynchronous_tool_is_cancelled(host: Host) -> None:
    call = host.start("asleep", {"seconds": 60})
    host.log("begun")
    host.cancel(call)
    host.wait_until_idle()
    assert host.call("log") == ["asleep cancelled"]


def test_a_deadline_answers_and_interrupts(host: Host) -> None:
    for tool, args in (("block", {"kind": "sleep"}), ("asleep", {"seconds": 60})):
        began = time.monotonic()
        call = host.start(tool, args, timeout_ms=50)
        with pytest.raises(CallTimeout) as caught:
            host.result(call)
        assert caught.value.timeout_ms == 50
        assert 0.04 < time.monotonic() - began < 5
    host.wait_until_idle()
    assert host.call("log") == ["sleep cancelled", "asleep cancelled"]


def test_a_deadline_further_away_than_the_system_can_wait_is_one_all_the_same(host: Host) -> None:
    call = host.start("stubborn", {"seconds": 0.1}, timeout_ms=0xFFFF_FFFF)
    host.log("begun")
    host.ping()
    assert host.result(call) == "done"


def test_a_queued_call_past_its_deadline_is_not_run(host: Host) -> None:
    first = host.start("stubborn", {"seconds": 0.1})
    host.log("begun")
    late = host.start("block", {"kind": "sleep"}, timeout_ms=20)
    with pytest.raises(CallTimeout):
        host.result(late)
    assert host.result(first) == "done"
    assert host.call("log") == ["stubborn ended"]


def test_a_tool_that_raises_cancellation_or_exit_itself_is_answered(host: Host) -> None:
    got = host.for_call(host.start("cancels_itself"))
    assert (got.kind, got.aux) == (ERROR, 1)
    with pytest.raises(ToolFailed) as caught:
        host.call("exits")
    assert caught.value.type == "SystemExit"


def race(host: Host, rounds: int, seed: int) -> None:
    """Cancels that race the ends of their calls, beside calls that nobody cancels."""
    rng = random.Random(seed)
    kept: dict[int, object] = {}
    cancelled: set[int] = set()
    for n in range(rounds):
        kind = rng.randrange(5)
        if kind == 0:
            victim = host.start("short", {"ms": rng.choice((0, 0.5, 1.5, 3))})
        elif kind == 1:
            victim = host.start("chatty", {"lines": 20})
        elif kind == 2:
            victim = host.start("asleep", {"seconds": 0.001})
        elif kind == 3:
            victim = host.start_stream("count", {"n": 40})
        else:
            victim = host.start("echo", {"x": -1})
        kept[host.start("echo", {"x": n})] = n
        kept[host.start("aecho", {"x": n})] = n
        if rng.random() < 0.4:
            kept[host.start("short", {"ms": 2})] = 2
        if rng.random() < 0.7:
            select_ms(rng.choice((0, 0, 1, 2)))
        host.cancel(victim)
        cancelled.add(victim)
        for call in [c for c in kept if rng.random() < 0.5]:
            assert host.result(call) == kept.pop(call)
        for f in [f for f in host._waiting if f.call in cancelled]:
            host._waiting.remove(f)
            assert f.kind in (RESULT, EVENT, MESSAGE, END), error_in(f)
    for call, value in kept.items():
        assert host.result(call) == value


def select_ms(ms: float) -> None:
    """Lets the worker get somewhere; where, is what the race is about."""
    until = time.perf_counter() + ms / 1000
    while time.perf_counter() < until:
        pass


def test_thousands_of_cancels_that_race_the_ends_of_their_calls_touch_nothing_else() -> None:
    with Host(TOOLS + "\n@tool\ndef count(n: int):\n    yield from range(n)\n") as host:
        race(host, 3000, 1)
        host.wait_until_idle()
        assert host.health().running == 0


def test_cancels_racing_on_several_threads_touch_nothing_else() -> None:
    with Host(TOOLS + "\n@tool\ndef count(n: int):\n    yield from range(n)\n", threads=3) as host:
        race(host, 1000, 2)
        host.wait_until_idle()


def test_a_generator_that_waits_for_credit_is_closed() -> None:
    tools = """
closed = []

@tool
def count():
    try:
        n = 0
        while True:
            yield n
            n += 1
    finally:
        closed.append(n)

@tool
def how_many() -> int:
    return len(closed)
"""
    with Host(tools) as host:
        call = host.start_stream("count")
        items = 0
        while items < 1024:
            items += host.for_call(call, MESSAGE).aux
        host.cancel(call)
        assert host.call("how_many") == 1
        # One in the middle of its stream is closed as well.
        call = host.start_stream("count")
        host.for_call(call, MESSAGE)
        host.send(frame(CREDIT, call, aux=1 << 20))
        host.cancel(call)
        host.wait_until_idle()
        assert host.call("how_many") == 2

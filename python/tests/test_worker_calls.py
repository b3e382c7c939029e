"""Calls of synchronous tools over a real worker."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from worker_host import Host, execute_frame

from snakepit._errors import InvalidArguments, ToolFailed, ToolNotFound

TOOLS = """
from snakepit import Session
import os, threading, time

@tool
def echo(text: str) -> str:
    return text

@tool
def add(a: float, b: float = 0.0) -> float:
    return a + b

@tool
def fail(text: str) -> None:
    raise ValueError(text)

@tool
def thread_name() -> str:
    return threading.current_thread().name

order = []

def note(n: int) -> list[int]:
    order.append(n)
    return order

@tool
def first(n: int) -> list[int]:
    return note(n)

@tool
def second(n: int, session: Session) -> list[int]:
    return note(n)

@tool
def third(n: int, text: str) -> list[int]:
    return note(n)

@tool
def sleep(seconds: float) -> str:
    time.sleep(seconds)
    return threading.current_thread().name
"""


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with Host(TOOLS) as host:
        yield host


def test_hello_says_what_the_worker_is(host: Host) -> None:
    assert host.hello.worker_id == "w1"
    assert host.hello.pid == host.process.popen.pid
    assert host.hello.start_time_ticks > 0
    assert [t.name for t in host.hello.tools] == ["echo", "add", "fail", "thread_name", "first", "second", "third", "sleep"]


def test_a_call_is_answered(host: Host) -> None:
    assert host.call("add", a=1, b=2) == 3.0
    assert host.call("echo", text="x" * 1000) == "x" * 1000


def test_an_exception_is_an_error_with_its_traceback(host: Host) -> None:
    with pytest.raises(ToolFailed) as caught:
        host.call("fail", text="no")
    assert (caught.value.type, caught.value.detail) == ("ValueError", "no")
    assert "in fail" in caught.value.traceback


def test_wrong_arguments_do_not_reach_the_tool(host: Host) -> None:
    with pytest.raises(InvalidArguments) as caught:
        host.call("add", a="one")
    assert caught.value.argument == "a"


def test_an_unknown_tool_names_the_nearest(host: Host) -> None:
    with pytest.raises(ToolNotFound) as caught:
        host.call("ecko")
    assert caught.value.nearest[0] == "echo"


def test_ping_is_answered_while_a_tool_sleeps(host: Host) -> None:
    call = host.start("sleep", {"seconds": 0.1})
    host.ping()
    assert not [f for f in host._waiting if f.call == call]
    assert host.result(call) == "MainThread"


def test_calls_that_arrive_during_a_long_one_run_on_the_main_thread(host: Host) -> None:
    calls = [host.start("sleep", {"seconds": 0.02}), *(host.start("thread_name") for _ in range(5))]
    assert [host.result(c) for c in calls] == ["MainThread"] * 6
    assert host.call("thread_name") == "MainThread"


def test_calls_run_in_the_order_they_came_whatever_way_they_take(host: Host) -> None:
    data = b""
    for n in range(60):
        tool, args = (("first", {}), ("second", {}), ("third", {"text": "x" * 300_000}))[n * 7 % 3]
        data += execute_frame(host.new_call(), tool, {"n": n, **args})
    last = host.new_call()
    host.send(data + execute_frame(last, "first", {"n": 60}))
    assert host.result(last) == list(range(61))

"""Ending: a host that is gone leaves nothing behind, one that asks is obeyed in time."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys

import pytest
from worker_host import PATIENCE, SRC, Host

from snakepit._frames import RESULT, SHUTDOWN, frame

TOOLS = """
import os, subprocess, time

class Model:
    def __enter__(self):
        print("entered")
        return self
    def __exit__(self, *exc):
        print("left")
        with open(os.environ["SNAKEPIT_TEST_LEFT"], "w") as f:
            f.write("left")
    @tool
    def predict(self, x: int) -> int:
        return x

class Stuck:
    def __exit__(self, *exc):
        if os.environ.get("SNAKEPIT_TEST_STUCK"):
            time.sleep(600)
    @tool
    def f(self) -> int:
        return 1

@tool
def sleep(seconds: float) -> str:
    print("begun")
    time.sleep(seconds)
    return "slept"

@tool
def grandchild() -> int:
    return subprocess.Popen(["sleep", "600"]).pid

@tool
def hold() -> int:
    print("begun")
    return sum(range(10**11))
"""


@pytest.fixture
def left(tmp_path, monkeypatch: pytest.MonkeyPatch) -> str:
    path = str(tmp_path / "left")
    monkeypatch.setenv("SNAKEPIT_TEST_LEFT", path)
    return path


def wait_gone(pid: int) -> None:
    """Waits for the end of a process that need not be a child."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        assert select.select([fd], [], [], PATIENCE)[0], f"process {pid} is still there"
    finally:
        os.close(fd)


def test_shutdown_waits_for_what_runs_and_leaves_the_classes(left: str) -> None:
    with Host(TOOLS) as host:
        call = host.start("sleep", {"seconds": 0.1})
        host.log("begun")
        host.shutdown(5000)
        assert host.result(call) == "slept"
        host.log("left")
        assert host.process.popen.wait(PATIENCE) == 0
    assert os.path.exists(left)


def test_shutdown_of_an_idle_worker_is_immediate(left: str) -> None:
    with Host(TOOLS) as host:
        # Its grace period would be longer than anybody waits here.
        host.shutdown(60_000)
        assert host.process.popen.wait(PATIENCE) == 0


def test_shutdown_interrupts_what_does_not_end_in_time(left: str) -> None:
    with Host(TOOLS) as host:
        host.start("sleep", {"seconds": 600})
        host.log("begun")
        host.shutdown(50)
        assert host.process.popen.wait(PATIENCE) == 0
    assert os.path.exists(left)


def test_a_class_that_does_not_let_go_is_bounded(left: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNAKEPIT_TEST_STUCK", "1")
    with Host(TOOLS, grace_ms=200) as host:
        host.shutdown(100)
        assert host.process.popen.wait(PATIENCE) == 1


@pytest.mark.parametrize("busy", [False, True])
def test_the_end_of_the_data_connection_ends_the_worker_gracefully(left: str, busy: bool) -> None:
    with Host(TOOLS) as host:
        if busy:
            host.start("sleep", {"seconds": 600})
            host.log("begun")
        host.sock.close()
        assert host.process.popen.wait(PATIENCE) == 1
    assert os.path.exists(left)


def test_a_host_that_breaks_the_protocol_loses_its_worker(left: str) -> None:
    with Host(TOOLS) as host:
        host.send(frame(RESULT, 5))
        assert host.process.popen.wait(PATIENCE) == 1
        assert host.process.popen.stderr is not None
        assert b"broke the protocol" in host.process.popen.stderr.read()
    assert os.path.exists(left)


@pytest.mark.parametrize("tool", ["sleep", "hold"])
def test_the_end_of_the_lifeline_kills_the_whole_group(left: str, tool: str) -> None:
    with Host(TOOLS) as host:
        child = host.call("grandchild")
        host.start(tool, {"seconds": 600} if tool == "sleep" else {})
        host.log("begun")
        host.lifeline.close()
        assert host.process.popen.wait(PATIENCE) == -signal.SIGKILL
        wait_gone(child)


def test_sigkill_of_the_host_ends_worker_and_grandchildren(left: str) -> None:
    program = f"""
import sys
sys.path[:0] = [{SRC!r}, {os.path.dirname(os.path.abspath(__file__))!r}]
from worker_host import Host
host = Host({TOOLS!r})
print(host.hello.pid, host.call("grandchild"), flush=True)
host.start("hold")
host.log("begun")
print("busy", flush=True)
sys.stdin.read()
"""
    host = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert host.stdout is not None
    worker, child = map(int, host.stdout.readline().split())
    assert host.stdout.readline() == b"busy\n"
    host.kill()
    host.wait()
    wait_gone(worker)
    wait_gone(child)
    host.stdout.close()
    assert host.stdin is not None
    host.stdin.close()


def test_a_shutdown_twice_is_one(left: str) -> None:
    with Host(TOOLS) as host:
        host.send(frame(SHUTDOWN, 0, aux=1000) * 2)
        assert host.process.popen.wait(PATIENCE) == 0

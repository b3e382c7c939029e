"""The fork server: what its workers have in common and what not, how their ends are told, and how it ends itself."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest
from fork_host import ForkedProcess, ForkServer, wait_gone
from worker_host import PATIENCE

from snakepit._errors import WorkerStartFailed
from snakepit._frames import EVENT, RESULT, frame

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the fork server is for Linux")

TOOLS = """
import os, random, signal, subprocess, sys, time

started = os.getpid()
generator = random.Random(1)
sys.stdout.write("printed once")
print(" and no more")

@tool
def where() -> tuple[int, int, int, int]:
    return os.getpid(), os.getppid(), os.getpgrp(), started

@tool
def draw() -> tuple[float, float, int]:
    return random.random(), generator.random(), hash("a")

@tool
def variable(name: str) -> str | None:
    return os.environ.get(name)

@tool
def timezone() -> str:
    return time.tzname[0]

@tool
def signals() -> list[str]:
    return [str(signal.getsignal(s)) for s in (signal.SIGCHLD, signal.SIGINT, signal.SIGTERM)]

@tool
def child() -> int:
    return subprocess.Popen(["sleep", "600"]).pid

@tool
def end(how: str) -> None:
    if how == "exit":
        os._exit(7)
    os.kill(os.getpid(), getattr(signal, how))

@tool
def hold() -> int:
    print("begun")
    return sum(range(10**11))
"""


def test_workers_are_children_of_the_server_in_groups_of_their_own() -> None:
    with ForkServer(code=TOOLS) as server, server.fork() as one, server.fork() as two:
        assert server.unsafe == ""
        for worker in (one, two):
            pid, parent, group, imported_by = worker.call("where")
            assert (pid, parent, group) == (worker.process.pid, server.pid, pid)
            assert imported_by == server.pid
        assert one.hello.pid != two.hello.pid


def test_the_next_worker_is_a_process_that_has_been_forked_before() -> None:
    with ForkServer(code=TOOLS) as server, server.fork() as first:
        spare = server.spare([first])
        assert os.getpgid(spare) == server.pid
        # More than a socket takes at once.
        long = "x" * 100_000
        env = {f"LONG_{n}": long for n in range(10)}
        with server.fork(env=env, unset=["PATH"]) as second:
            assert second.call("where") == [spare, server.pid, spare, server.pid]
            assert second.call("variable", name="LONG_9") == long
            assert second.call("variable", name="PATH") is None
            assert first.call("draw")[0] != second.call("draw")[0]
            second.call("child")
            second.shutdown()
            ended = server.report("ended").ended
            assert (ended.worker_id, ended.exit_code, ended.signal) == (second.process.name, 0, "")
        assert server.spare([first]) != spare


def test_a_spare_that_is_gone_is_not_missed() -> None:
    with ForkServer(code=TOOLS) as server, server.fork() as first:
        spare = server.spare([first])
        os.kill(spare, signal.SIGKILL)
        wait_gone(spare)
        with server.fork() as second:
            assert second.call("where")[0] not in (spare, first.process.pid)


@pytest.mark.parametrize("end", ["kill", "hang up"])
def test_a_spare_goes_with_its_server(end: str) -> None:
    with ForkServer(code=TOOLS) as server, server.fork() as first:
        spare = server.spare([first])
        if end == "kill":
            os.kill(server.pid, signal.SIGKILL)
        else:
            server.lifeline.close()
        wait_gone(spare)


def test_a_worker_may_have_tools_that_the_server_does_not_know() -> None:
    with ForkServer(["decimal"]) as server, server.fork("@tool\ndef one() -> int:\n    return 1\n") as worker:
        assert worker.call("one") == 1


def test_tools_of_the_server_are_those_of_its_workers_and_classes_are_entered_by_each() -> None:
    code = """
    import os
    class Model:
        def __enter__(self):
            self.made = os.getpid()
            return self
        def __exit__(self, *exc): ...
        @tool
        def made_by(self) -> int:
            return self.made
    """
    with ForkServer(code=code, tools=True) as server, server.fork() as one, server.fork() as two:
        assert one.call("Model.made_by") == one.process.pid
        assert two.call("Model.made_by") == two.process.pid


def test_global_generators_are_reseeded_and_objects_and_hashes_are_not() -> None:
    with ForkServer(code=TOOLS) as server, server.fork() as one, server.fork() as two:
        first, second = one.call("draw"), two.call("draw")
        assert first[0] != second[0]
        # As docs/fork-server.md says.
        assert first[1:] == second[1:]


def test_the_environment_is_as_ordered() -> None:
    with ForkServer(code=TOOLS, env={"FORK_TEST_A": "1", "FORK_TEST_B": "2"}) as server:
        with server.fork(env={"FORK_TEST_A": "ä", "FORK_TEST_C": "3", "TZ": "FOO-3"}, unset=["FORK_TEST_B", "FORK_TEST_NEVER"]) as worker:
            assert [worker.call("variable", name=f"FORK_TEST_{x}") for x in "ABC"] == ["ä", None, "3"]
            assert worker.call("timezone") == "FOO"
        with server.fork() as worker:
            assert [worker.call("variable", name=f"FORK_TEST_{x}") for x in "ABC"] == ["1", "2", None]


def test_signals_are_as_in_a_spawned_worker() -> None:
    from worker_host import Host

    with ForkServer(code=TOOLS) as server, server.fork() as forked, Host(TOOLS) as spawned:
        assert forked.call("signals") == spawned.call("signals")


def test_what_was_printed_while_importing_is_printed_once() -> None:
    code = """
    import ctypes, sys
    ctypes.CDLL(None).printf(b"from C code\\n")
    print("from Python")
    sys.stdout.buffer.write(b"bytes\\n")
    @tool
    def flush() -> None:
        ctypes.CDLL(None).fflush(None)
        sys.stdout.flush()
        sys.stdout.buffer.flush()
    """
    # With it set there are no buffers.
    with ForkServer(code=code, env={"PYTHONUNBUFFERED": ""}) as server:
        with server.fork() as worker:
            worker.call("flush")
            worker.shutdown(0)
            assert worker.process.stdout.recv(100) == b""
        server.process.popen.kill()
        assert server.process.popen.stdout is not None
        assert sorted(server.process.popen.stdout.read().split(b"\n")) == [b"", b"bytes", b"from C code", b"from Python"]


@pytest.mark.parametrize(
    ("how", "exit_code", "killed_by"), [("exit", 7, ""), ("SIGKILL", 0, "SIGKILL"), ("SIGSEGV", 0, "SIGSEGV"), ("SIGABRT", 0, "SIGABRT")]
)
def test_ends_are_reported_with_code_or_signal_and_usage(how: str, exit_code: int, killed_by: str) -> None:
    with ForkServer(code=TOOLS) as server, server.fork() as worker:
        left = worker.call("child")
        worker.start("end", {"how": how})
        ended = server.report("ended").ended
        assert (ended.worker_id, ended.exit_code, ended.signal) == (worker.process.name, exit_code, killed_by)
        assert ended.peak_memory_bytes > 1 << 20
        wait_gone(left)
        # It was waited for, and is no zombie.
        assert not os.path.exists(f"/proc/{worker.process.pid}")


def test_a_worker_that_is_let_go_exits_with_0() -> None:
    with ForkServer(code=TOOLS) as server, server.fork() as worker:
        worker.shutdown()
        ended = server.report("ended").ended
        assert (ended.exit_code, ended.signal) == (0, "")


def test_a_worker_that_is_never_reached_ends_when_its_host_hangs_up() -> None:
    with ForkServer(code=TOOLS) as server:
        process = ForkedProcess(server)
        process.stdout.close()
        ended = server.report("ended").ended
        assert (ended.worker_id, ended.exit_code, ended.signal) == (process.name, 0, "")
        process.end()


def test_an_order_that_cannot_be_met_is_answered_and_harms_nobody(tmp_path: Path) -> None:
    with ForkServer(code=TOOLS) as server:
        name = server.order(str(tmp_path / "nowhere"))
        failed = server.report("failed").failed
        assert failed.worker_id == name
        assert "No such file" in failed.reason
        with server.fork() as worker:
            assert worker.call("where")[0] == worker.process.pid


@pytest.mark.parametrize(
    "data", [frame(RESULT, 0, b"x"), frame(EVENT, 0, b"\xff\xff"), b"GET / HTTP/1.1\r\n\r\n" + bytes(64)], ids=["kind", "no order", "http"]
)
def test_a_host_that_breaks_the_protocol_loses_its_server_and_no_worker(data: bytes) -> None:
    with ForkServer(code=TOOLS) as server, server.fork() as worker:
        server.sock.sendall(data)
        assert server.process.popen.wait(PATIENCE) == 1
        assert server.process.popen.stderr is not None
        assert b"a fault of the fork server" in server.process.popen.stderr.read()
        assert worker.call("where")[0] == worker.process.pid


def test_a_server_that_is_killed_leaves_its_workers_alone() -> None:
    with ForkServer(code=TOOLS) as server, server.fork() as worker:
        os.kill(server.pid, signal.SIGKILL)
        server.process.popen.wait(PATIENCE)
        # The host hears of it, since no worker holds its connection.
        assert server.sock.recv(1) == b""
        assert worker.call("where")[0] == worker.process.pid


def test_a_host_that_is_gone_takes_the_server_and_what_it_imports_along() -> None:
    code = """
    import subprocess
    helper = subprocess.Popen(["sleep", "600"]).pid
    @tool
    def started() -> int:
        return helper
    """
    with ForkServer(code=code) as server, server.fork() as worker:
        helper = worker.call("started")
        server.lifeline.close()
        assert server.process.popen.wait(PATIENCE) == -signal.SIGKILL
        wait_gone(helper)


@pytest.mark.parametrize("end", ["lifeline", "sock"])
def test_a_host_that_is_gone_while_the_server_imports_in_c_code_takes_it_along(end: str, tmp_path: Path) -> None:
    from worker_host import Process, hello

    from snakepit.v1.frame_pb2 import HostHello

    file = tmp_path / "holds.py"
    file.write_text("import os\nos.write(1, b'begun\\n')\nsum(range(10**11))\n")
    process = Process(["-m", "snakepit._fork_server"])
    try:
        with process.connect() as lifeline, process.connect() as data:
            lifeline.sendall(hello(HostHello.ROLE_LIFELINE))
            data.sendall(hello(HostHello.ROLE_DATA, [str(file)]))
            assert process.popen.stdout is not None
            assert process.popen.stdout.readline() == b"begun\n"
            if end == "lifeline":
                lifeline.close()
                assert process.popen.wait(PATIENCE) == -signal.SIGKILL
        assert process.popen.wait(PATIENCE) == -signal.SIGKILL
    finally:
        process.end()


def test_the_lifeline_of_a_worker_ends_it_while_c_code_holds_the_lock() -> None:
    with ForkServer(code=TOOLS) as server, server.fork() as worker:
        left = worker.call("child")
        worker.start("hold")
        worker.log("begun")
        worker.lifeline.close()
        assert server.report("ended").ended.signal == "SIGKILL"
        wait_gone(left)


def test_what_cannot_be_imported_is_named() -> None:
    with pytest.raises(WorkerStartFailed, match="there is no module 'numpyy'"):
        ForkServer(["json", "numpyy"])
    with pytest.raises(WorkerStartFailed) as raised:
        ForkServer(code="raise RuntimeError('broken on purpose')")
    assert raised.value.type == "RuntimeError"


def test_a_file_beside_the_tools_named_like_a_standard_module_harms_nothing(tmp_path: Path) -> None:
    for name in ("queue", "heapq", "platform", "select"):
        (tmp_path / f"{name}.py").write_text("mine = True\n")
    file = tmp_path / "beside.py"
    file.write_text("from snakepit import tool\n\n@tool\nasync def one() -> int:\n    return 1\n")
    with ForkServer([str(file)]) as server, server.fork([str(file)]) as worker:
        assert worker.call("one") == 1


def test_a_fault_while_becoming_a_worker_is_never_silent() -> None:
    with ForkServer(code="from snakepit import _fork_child\n_fork_child._reseed = None\n") as server:
        process = ForkedProcess(server)
        assert b"Traceback" in process.stderr.recv(65_536)
        assert server.report("ended").ended.exit_code == 1
        process.end()

"""Starting: who may come in, what is said, and what becomes of a worker that cannot start."""

from __future__ import annotations

import os
import random
import select
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from worker_host import PATIENCE, SRC, TOKEN, Host, Process, hello, read_frame

from snakepit import _handshake
from snakepit._errors import error_of
from snakepit._frames import HELLO, frame
from snakepit.v1.frame_pb2 import HostHello, Limits, WorkerHello

DATA, LIFELINE = HostHello.ROLE_DATA, HostHello.ROLE_LIFELINE


@pytest.fixture
def process() -> Iterator[Process]:
    process = Process()
    yield process
    process.end()


def closed(sock: socket.socket) -> bool:
    try:
        return sock.recv(1) == b""
    except ConnectionResetError:
        return True


def enter(process: Process) -> WorkerHello:
    with process.connect() as lifeline, process.connect() as data:
        lifeline.sendall(hello(LIFELINE))
        data.sendall(hello(DATA))
        return WorkerHello.FromString(read_frame(data).body)


@pytest.mark.parametrize(
    "data",
    [
        hello(DATA, token=b"x" * 32),
        hello(DATA, token=b""),
        hello(DATA, token=bytes(range(31))),
        hello(HostHello.ROLE_UNSPECIFIED),
        frame(HELLO, 0, b"\xff\xff\xff"),
        frame(HELLO, 1, b"x"),
        frame(2, 0, b"x"),
        frame(HELLO, 0, bytes(65_537)),
        b"GET / HTTP/1.1\r\nhost: x\r\n\r\n",
        random.Random(1).randbytes(5000),
    ],
    ids=["token", "no token", "short token", "role", "no message", "call", "kind", "too long", "http", "random"],
)
def test_what_says_something_wrong_is_turned_away_and_the_host_still_comes_in(process: Process, data: bytes) -> None:
    with process.connect() as sock:
        sock.sendall(data)
        assert closed(sock)
    assert enter(process).pid == process.popen.pid
    assert process.popen.stderr is not None
    assert b"refused" in process.popen.stderr.readline()


def test_a_wrong_version_is_told_both_versions(process: Process) -> None:
    with process.connect() as sock:
        sock.sendall(hello(DATA, protocol=9))
        got = WorkerHello.FromString(read_frame(sock).body)
        assert got.failure.tag == "ProtocolError"
        assert "9" in got.failure.message
        assert "1" in got.failure.message
        assert closed(sock)
    assert enter(process).pid


def test_slow_and_silent_connections_do_not_keep_the_host_out(process: Process) -> None:
    silent = process.connect()
    slow = process.connect()
    slow.sendall(hello(DATA)[:20])
    assert enter(process).pid
    silent.close()
    slow.close()


def test_a_silent_connection_is_closed_after_its_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(_handshake, "_MAX_WAIT", 0.05)
    lines: list[str] = []
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as silent, socket.socket(socket.AF_UNIX) as later:
        listener.bind(str(tmp_path / "s"))
        listener.listen()
        silent.connect(str(tmp_path / "s"))

        def log(line: str) -> None:
            lines.append(line)
            later.connect(str(tmp_path / "s"))
            later.sendall(hello(LIFELINE))

        arrivals = _handshake.greet(listener, TOKEN, log)
        next(arrivals).sock.close()
        assert closed(silent)
        arrivals.close()
    assert "no Hello" in lines[0]


def test_a_hello_may_come_in_any_pieces(process: Process) -> None:
    with process.connect() as lifeline, process.connect() as data:
        for byte in hello(LIFELINE):
            lifeline.sendall(bytes([byte]))
        for byte in hello(DATA):
            data.sendall(bytes([byte]))
        assert WorkerHello.FromString(read_frame(data).body).pid


def test_calls_may_follow_the_hello_at_once() -> None:
    with Host("@tool\ndef one() -> int:\n    return 1\n") as host:
        assert host.call("one") == 1


def test_a_second_data_connection_is_turned_away(process: Process) -> None:
    with process.connect() as first, process.connect() as second:
        first.sendall(hello(DATA))
        second.sendall(hello(DATA))
        readable, _, _ = select.select([first, second], [], [], PATIENCE)
        with process.connect() as lifeline:
            lifeline.sendall(hello(LIFELINE))
            other = first if readable == [second] else second
            assert WorkerHello.FromString(read_frame(other).body).pid


def test_nobody_can_connect_once_the_host_is_there() -> None:
    with Host("@tool\ndef one() -> int:\n    return 1\n") as host:
        assert not os.path.exists(host.process.path)


def test_the_worker_ends_when_stdin_ends_before_the_host_came(process: Process) -> None:
    process.connect().close()
    assert process.popen.stdin is not None
    process.popen.stdin.close()
    assert process.popen.wait(PATIENCE) == 0
    assert not os.path.exists(process.path)


def test_the_worker_ends_when_stdin_ends_without_a_token() -> None:
    process = subprocess.run(
        [sys.executable, "-m", "snakepit.worker", "--socket", "/tmp/snakepit-test-never"],
        stdin=subprocess.DEVNULL,
        timeout=PATIENCE,
        env={**os.environ, "PYTHONPATH": SRC},
        check=False,
    )
    assert process.returncode == 0
    assert not os.path.exists("/tmp/snakepit-test-never")


def test_limits_and_names_are_exchanged() -> None:
    limits = Limits(max_message_bytes=5000, max_buffer_bytes=6000, stream_window_bytes=7000)
    with Host("@tool\ndef one() -> int:\n    return 1\n", limits=limits, worker_id="w-7") as host:
        assert host.hello.limits == limits
        assert host.hello.worker_id == "w-7"
        assert host.hello.executable == sys.executable
        assert host.hello.python_version == sys.version.split()[0]


def test_a_failed_import_is_the_failure_with_its_traceback_and_its_prints() -> None:
    with Host("print('importing')\nimport no_such_module_at_all\n") as host:
        failure = error_of(host.hello.failure)
        assert failure.tag == "WorkerStartFailed"
        assert failure.fields["worker"] == "w1"
        assert failure.fields["type"] == "ModuleNotFoundError"
        assert "import no_such_module_at_all" in failure.fields["traceback"]
        assert host.log()[1].text == "importing"
        assert host.process.popen.wait(PATIENCE) == 1


def test_a_class_that_cannot_be_entered_is_the_failure() -> None:
    with Host(
        "class M:\n    def __enter__(self):\n        raise OSError('no model')\n    @tool\n    def f(self) -> int:\n        return 1\n"
    ) as host:
        assert "no model" in host.hello.failure.message


def test_what_is_printed_while_importing_comes_after_the_hello() -> None:
    with Host("print('hello')\n@tool\ndef one() -> int:\n    return 1\n") as host:
        call, log = host.log("hello")
        assert (call, log.source, log.tool) == (0, "stdout", "")


def test_stdin_is_empty_for_tools() -> None:
    with Host("import sys\n@tool\ndef read() -> str:\n    return sys.stdin.read()\n") as host:
        assert host.call("read") == ""


@pytest.mark.parametrize("threads", [1, 2])
def test_a_file_beside_the_tools_named_like_a_standard_module_harms_nothing(threads: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name in ("queue", "heapq", "platform", "select"):
            Path(folder, f"{name}.py").write_text("mine = True\n")
        file = Path(folder, "beside.py")
        file.write_text(
            "import asyncio\nfrom snakepit import tool\n\n@tool\ndef one() -> int:\n    return 1\n\n@tool\nasync def two() -> int:\n    return 2\n"
        )
        with Host([str(file)], threads=threads) as host:
            assert (host.call("one"), host.call("two")) == (1, 2)


@pytest.mark.parametrize("tools", [[], ["no such file.py"]])
def test_a_host_that_leaves_before_it_was_told_anything_is_no_fault_of_the_worker(process: Process, tools: list[str]) -> None:
    with process.connect() as lifeline:
        with process.connect() as data:
            lifeline.sendall(hello(LIFELINE))
            data.sendall(hello(DATA, tools))
        assert process.popen.stderr is not None
        # To its end.
        assert process.popen.stderr.read() == b""


def test_a_fault_of_the_worker_is_never_silent() -> None:
    process = Process(["-c", "from snakepit import _main, worker; _main._load = lambda tools: 1; worker.main()"])
    try:
        with process.connect() as lifeline, process.connect() as data:
            lifeline.sendall(hello(HostHello.ROLE_LIFELINE))
            data.sendall(hello(HostHello.ROLE_DATA))
            assert process.popen.wait(PATIENCE) == 1
        assert process.popen.stderr is not None
        assert b"Traceback" in process.popen.stderr.read()
    finally:
        process.end()

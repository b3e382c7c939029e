"""What tools print, log and report reaches the host, tagged with the call it belongs to; nothing breaks the protocol."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from worker_host import Host

from snakepit._frames import EVENT, RESULT

TOOLS = """
import asyncio, ctypes, logging, os, sys, threading
import snakepit

@tool
def say(text: str, end: str = "\\n") -> int:
    return print(text, end=end) or len(text)

@tool
def complain(text: str) -> None:
    sys.stderr.write(text + "\\n")

@tool
def raw(text: str) -> None:
    os.write(1, text.encode())
    os.write(2, text.encode())
    ctypes.CDLL(None).puts(text.encode())
    ctypes.CDLL(None).fflush(None)
    sys.stdout.buffer.write(text.encode())
    sys.stdout.buffer.flush()

@tool
def log(level: int, text: str) -> None:
    logging.getLogger("my.logger").log(level, text)

@tool
def log_exception() -> None:
    try:
        1 / 0
    except ZeroDivisionError:
        logging.exception("went wrong")

@tool
async def asay(first: str, second: str) -> None:
    print(first, end=" ")
    await asyncio.sleep(0.01)
    print(second)

@tool
def thread(text: str) -> None:
    t = threading.Thread(target=print, args=(text,))
    t.start()
    t.join()

@tool
def flood(lines: int) -> int:
    for n in range(lines):
        print("x" * 100)
    return lines

@tool
def report() -> None:
    snakepit.progress(0.25, "first")
    snakepit.progress(1.0)

@tool
async def areport() -> None:
    snakepit.progress(0.5, "half")
    await asyncio.sleep(0)
    snakepit.progress(0.75)

@tool
def configured() -> None:
    logging.basicConfig(level=logging.DEBUG, format="%(levelname)s %(message)s")
    logging.debug("to stderr")

@tool
def added() -> None:
    logging.getLogger().addHandler(logging.StreamHandler(sys.stderr))
    logging.warning("only once")

@tool
def counting(n: int):
    for i in range(n):
        print("item", i)
        yield i

@tool
def surrogate() -> None:
    print("a\\udcffb")

@tool
def echo(x: int) -> int:
    return x
"""


@pytest.fixture(scope="module", params=[1, 2], ids=["main thread", "two threads"])
def host(request: pytest.FixtureRequest) -> Iterator[Host]:
    with Host(TOOLS, threads=request.param) as host:
        yield host


def test_a_printed_line_belongs_to_its_call(host: Host) -> None:
    call = host.start("say", {"text": "hello"}, session="s1")
    tagged, log = host.log("hello")
    assert (tagged, log.source, log.tool, log.session_id, log.level) == (call, "stdout", "say", "s1", 20)
    assert host.result(call) == 5


def test_stderr_is_told_apart(host: Host) -> None:
    host.call("complain", text="oh no")
    assert host.log("oh no")[1].source == "stderr"


def test_lines_are_split_and_the_last_needs_no_end(host: Host) -> None:
    call = host.start("say", {"text": "one\ntwo\nthree", "end": ""})
    order = [host.until(lambda f: f.call == call).kind for _ in range(4)]
    assert order == [EVENT, EVENT, EVENT, RESULT]


def test_a_very_long_line_arrives_in_pieces(host: Host) -> None:
    host.call("say", text="ä" * 100_000)
    text = ""
    while len(text) < 100_000:
        text += host.log()[1].text
    assert text == "ä" * 100_000


def test_text_that_is_no_unicode_arrives_escaped(host: Host) -> None:
    host.call("surrogate")
    assert host.log()[1].text == "a\\udcffb"
    host.call("say", text="a\0b")
    assert host.log()[1].text == "a\0b"


def test_garbage_on_the_descriptors_stays_on_the_pipes(host: Host) -> None:
    host.call("raw", text="garbage \x00\x01\n")
    assert host.call("echo", x=1) == 1
    out, err = host.process.popen.stdout, host.process.popen.stderr
    assert out is not None
    assert err is not None
    assert out.readline() == b"garbage \x00\x01\n"
    assert err.readline() == b"garbage \x00\x01\n"


def test_lines_of_asynchronous_tools_do_not_mix(host: Host) -> None:
    calls = [host.start("asay", {"first": f"a{n}", "second": f"b{n}"}) for n in range(10)]
    for n, call in enumerate(calls):
        assert host.log(f"a{n} b{n}")[0] == call


def test_a_thread_of_the_user_prints_without_a_call(host: Host) -> None:
    host.call("thread", text="from a thread")
    assert host.log("from a thread")[0] == 0


def test_logging_arrives_with_level_and_logger(host: Host) -> None:
    call = host.start("log", {"level": 30, "text": "careful"})
    tagged, log = host.log("careful")
    assert (tagged, log.level, log.source) == (call, 30, "my.logger")
    host.result(call)


def test_an_exception_is_logged_with_its_traceback(host: Host) -> None:
    host.call("log_exception")
    log = host.log()[1]
    assert log.text.startswith("went wrong\nTraceback")
    assert "ZeroDivisionError" in log.text


def test_a_flood_of_lines_arrives_whole(host: Host) -> None:
    call = host.start("flood", {"lines": 100_000})
    lines = 0
    while lines < 100_000:
        got = host.next()
        assert got.kind == EVENT
        lines += 1
    assert host.result(call) == 100_000


def test_progress_belongs_to_its_call(host: Host) -> None:
    call = host.start("report")
    assert (host.progress(call).fraction, host.progress(call).fraction) == (0.25, 1.0)
    host.result(call)
    call = host.start("areport")
    first = host.progress(call)
    assert (first.fraction, first.message) == (0.5, "half")
    assert host.progress(call).fraction == 0.75
    host.result(call)


def test_prints_between_items_arrive(host: Host) -> None:
    call = host.start_stream("counting", {"n": 3})
    assert host.items(call) == [0, 1, 2]
    for n in range(3):
        assert host.log(f"item {n}")[0] == call


def test_logging_that_the_user_sets_up_is_left_alone() -> None:
    with Host(TOOLS) as host:
        host.call("configured")
        assert host.log("DEBUG to stderr")[1].source == "stderr"


def test_a_record_that_the_user_writes_to_stderr_arrives_once() -> None:
    with Host(TOOLS) as host:
        host.call("added")
        host.call("say", text="end")
        lines = [host.log()[1] for _ in range(2)]
        assert [(log.source, log.text) for log in lines] == [("stderr", "only once"), ("stdout", "end")]

"""Services of any kind over the frames: every shape of method, headers, trailers, errors, time and cancelling."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from worker_host import Frame, Process, hello, read_frame

from snakepit._frames import CANCEL, CREDIT, END, ERROR, HEAD, HELLO, MESSAGE, OPEN, RESULT, STREAM, cut, frame
from snakepit.v1.frame_pb2 import CallError, CallHead, CallMeta, Header, HostHello, WorkerHello


class Client:
    def __init__(self) -> None:
        self.process = Process(program=[os.path.join(os.path.dirname(__file__), "service_worker.py")])
        self.lifeline = self.process.connect()
        self.lifeline.sendall(hello(HostHello.ROLE_LIFELINE))
        self.sock = self.process.connect()
        self.sock.sendall(hello(HostHello.ROLE_DATA))
        first = read_frame(self.sock)
        assert first.kind == HELLO
        self.hello = WorkerHello.FromString(first.body)
        self.last = 0

    def said(self) -> bytes:
        """The next line that a handler has written."""
        assert self.process.popen.stderr is not None
        return self.process.popen.stderr.readline()

    def open(self, path: str, body: bytes = b"", *, stream: bool = False, timeout: int = 0, headers: dict[str, list[str]] | None = None) -> int:
        self.last += 1
        head = CallHead(method=path, headers=[Header(name=k, values=v) for k, v in (headers or {}).items()]).SerializeToString()
        pieces = cut(OPEN, self.last, [head + body], prefix=len(head), aux=timeout, flags=STREAM if stream else 0)
        self.sock.sendall(b"".join(b"".join(p) for p in pieces))
        return self.last

    def send(self, kind: int, call: int, body: bytes = b"", aux: int = 0) -> None:
        self.sock.sendall(frame(kind, call, body, aux=aux))

    def read(self, call: int) -> Frame:
        got = read_frame(self.sock)
        assert got.call == call
        return got


@pytest.fixture(scope="module")
def peer() -> Iterator[Client]:
    peer = Client()
    yield peer
    peer.sock.close()
    peer.lifeline.close()
    peer.process.end()


def headers(given: Any) -> dict[str, list[str]]:
    return {h.name: list(h.values) for h in given}


def test_the_handshake_says_who_serves(peer: Client) -> None:
    assert peer.hello.pid == peer.process.popen.pid
    assert not peer.hello.tools


def test_unary_with_headers_trailers_and_time(peer: Client) -> None:
    got = peer.read(peer.open("/t/Unary", b"in", timeout=5000, headers={"x-ask": ["a", "b"]}))
    assert got.kind == RESULT
    meta = CallMeta.FromString(got.body[: got.prefix])
    assert (headers(meta.headers), headers(meta.trailers)) == ({"x-head": ["a", "b"]}, {"x-trail": ["t"]})
    assert got.body[got.prefix :] == b"in5000"


def test_a_plain_function_answers_at_once(peer: Client) -> None:
    got = peer.read(peer.open("/t/Now", b"abc"))
    assert (got.kind, got.prefix, got.body) == (RESULT, 0, b"ABC")


def test_a_long_request_and_response(peer: Client) -> None:
    call = peer.open("/t/Now", b"a" * 300_000)
    body = b""
    while len(body) < 300_004:
        body += peer.read(call).body
    assert body[4:] == b"A" * 300_000


def test_client_stream(peer: Client) -> None:
    call = peer.open("/t/Client", stream=True)
    for n in range(5):
        peer.send(MESSAGE, call, b"%d" % n, aux=1)
    peer.send(END, call)
    got = peer.read(call)
    assert (got.kind, got.aux, got.body) == (MESSAGE, 1, b"01234")
    assert peer.read(call).kind == END


def test_headers_longer_than_a_frame_can_say_fail_the_call_in_words(peer: Client) -> None:
    got = peer.read(peer.open("/t/Wordy"))
    assert got.kind == ERROR
    error = CallError.FromString(got.body)
    assert "over the limit of 65535" in error.message


def test_server_stream_with_headers_trailers_and_credit(peer: Client) -> None:
    call = peer.open("/t/Server", stream=True)
    peer.send(MESSAGE, call, b"1500", aux=1)
    peer.send(END, call)
    got = peer.read(call)
    assert (got.kind, headers(CallMeta.FromString(got.body).headers)) == (HEAD, {"h": ["1", "2"]})
    for _ in range(1024):
        assert peer.read(call).kind == MESSAGE
    # It has stopped: the next thing to come is the answer to another call.
    other = peer.open("/t/Unary")
    assert peer.read(other).kind == RESULT
    peer.send(CREDIT, call, aux=476 * 1024)
    for _ in range(476):
        assert peer.read(call).kind == MESSAGE
    got = peer.read(call)
    assert (got.kind, headers(CallMeta.FromString(got.body).trailers)) == (END, {"t": ["3"]})


def test_bidirectional_stream_gives_credit_back(peer: Client) -> None:
    call = peer.open("/t/Bidi", stream=True)
    for n in range(600):
        peer.send(MESSAGE, call, b"a%d" % n, aux=1)
        got = peer.read(call)
        if got.kind == CREDIT:
            assert got.aux == 512 * 1024
            got = peer.read(call)
        assert got.body == (b"a%d" % n)[::-1]
    peer.send(END, call)
    assert peer.read(call).kind == END


def test_a_failure_has_code_message_details_headers_and_trailers(peer: Client) -> None:
    got = peer.read(peer.open("/t/Fail"))
    assert (got.kind, got.aux) == (ERROR, 9)
    error = CallError.FromString(got.body)
    assert error.message == "not now"
    assert (error.details[0].type_url, error.details[0].value) == ("type.googleapis.com/my.Type", b"abc")
    assert (headers(error.headers), headers(error.trailers)) == ({"h": ["1"]}, {"t": ["2"]})


def test_a_failure_after_the_headers_does_not_repeat_them(peer: Client) -> None:
    call = peer.open("/t/FailLate", stream=True)
    peer.send(MESSAGE, call, b"", aux=1)
    peer.send(END, call)
    assert [peer.read(call).kind for _ in range(2)] == [HEAD, MESSAGE]
    got = peer.read(call)
    assert (got.kind, got.aux) == (ERROR, 10)
    assert not CallError.FromString(got.body).headers


def test_headers_may_go_before_anything_else(peer: Client) -> None:
    call = peer.open("/t/Early", stream=True)
    peer.send(MESSAGE, call, b"", aux=1)
    peer.send(END, call)
    assert peer.read(call).kind == HEAD
    peer.send(CANCEL, call)


@pytest.mark.parametrize(("path", "body", "code"), [("/t/Breaks", b"", 2), ("/t/None", b"", 12), ("/t/Unary", b"bad", 3)])
def test_other_failures_have_a_code(peer: Client, path: str, body: bytes, code: int) -> None:
    got = peer.read(peer.open(path, body))
    assert (got.kind, got.aux) == (ERROR, code)


@pytest.mark.parametrize("messages", [0, 2])
def test_a_server_stream_takes_exactly_one_request(peer: Client, messages: int) -> None:
    call = peer.open("/t/Server", stream=True)
    for _ in range(messages):
        peer.send(MESSAGE, call, b"1", aux=1)
    peer.send(END, call)
    got = peer.read(call)
    assert (got.kind, got.aux) == (ERROR, 12)


def test_a_call_past_its_time_fails(peer: Client) -> None:
    got = peer.read(peer.open("/t/Never", timeout=30))
    assert (got.kind, got.aux) == (ERROR, 4)
    assert [peer.said(), peer.said()] == [b"waiting\n", b"cancelled\n"]


def test_cancel_reaches_the_handler(peer: Client) -> None:
    call = peer.open("/t/Never")
    assert peer.said() == b"waiting\n"
    peer.send(CANCEL, call)
    assert peer.said() == b"cancelled\n"
    assert peer.read(peer.open("/t/Now", b"x")).body == b"X"

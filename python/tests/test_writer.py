"""What leaves first when the peer does not read as fast as there is to send."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator

import pytest
from worker_host import Frame, read_frame

from snakepit._frames import END, EVENT, MAX_BODY, MESSAGE, PART, RESULT, cut, frame
from snakepit._writer import Writer

SIZE = MAX_BODY * 8


@pytest.fixture
def pair() -> Iterator[tuple[Writer, socket.socket]]:
    ours, theirs = socket.socketpair()
    ours.settimeout(20)
    yield Writer(theirs), ours
    ours.close()
    theirs.close()


def read(sock: socket.socket, n: int) -> list[Frame]:
    return [read_frame(sock) for _ in range(n)]


def test_large_messages_take_turns(pair: tuple[Writer, socket.socket]) -> None:
    writer, sock = pair
    for call in (1, 2, 3):
        writer.send_large(call, [cut(RESULT, call, [bytes(SIZE)])])
    order = [f.call for f in read(sock, 27)]
    # The first may have had some turns before the others came.
    assert all(set(order[at : at + 3]) == {1, 2, 3} for at in range(4, 15))


def test_small_frames_go_before_the_next_piece(pair: tuple[Writer, socket.socket]) -> None:
    writer, sock = pair
    writer.send_large(1, [cut(RESULT, 1, [bytes(SIZE)])])
    assert read_frame(sock).call == 1
    writer.send(frame(RESULT, 2))
    order = [f.call for f in read(sock, 9)]
    assert order.index(2) <= 3


def test_frames_of_one_call_keep_their_order(pair: tuple[Writer, socket.socket]) -> None:
    writer, sock = pair
    writer.send_large(1, [cut(MESSAGE, 1, [bytes(SIZE)])])
    writer.send_for(1, frame(MESSAGE, 1, b"after"))
    writer.send_for(1, frame(END, 1))
    writer.send_for(2, frame(END, 2))
    kinds = [f.kind for f in read(sock, 12) if f.call == 1]
    assert kinds == [MESSAGE] + [PART] * 8 + [MESSAGE, END]


def test_what_is_dropped_ends_the_message_that_has_begun(pair: tuple[Writer, socket.socket]) -> None:
    writer, sock = pair
    writer.send_large(1, [cut(MESSAGE, 1, [bytes(SIZE)]) for _ in range(5)])
    first = read_frame(sock)
    writer.drop(1)
    writer.send_for(2, frame(END, 2))
    pieces = [f.kind for f in read(sock, 9) if f.call == 1]
    assert (first.kind, pieces) == (MESSAGE, [PART] * 8)


def test_who_waits_is_told_when_all_is_sent(pair: tuple[Writer, socket.socket]) -> None:
    writer, sock = pair
    memory = bytearray(SIZE)
    sent = threading.Event()

    def send() -> None:
        writer.send_large(1, [cut(MESSAGE, 1, [memory])], wait=True)
        sent.set()

    thread = threading.Thread(target=send)
    thread.start()
    read(sock, 4)
    assert not sent.is_set()
    read(sock, 5)
    thread.join(20)
    assert sent.is_set()


def test_who_waits_is_told_when_it_is_dropped_or_the_peer_is_gone(pair: tuple[Writer, socket.socket]) -> None:
    writer, sock = pair
    threads = [threading.Thread(target=writer.send_large, args=(n, [cut(MESSAGE, n, [bytes(SIZE)])], True)) for n in (1, 2)]
    for thread in threads:
        thread.start()
    read_frame(sock)
    sock.close()
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()
    writer.send_large(3, [cut(MESSAGE, 3, [bytes(SIZE)])], wait=True)
    writer.send(frame(END, 4))


def test_who_writes_much_waits_for_room(pair: tuple[Writer, socket.socket]) -> None:
    writer, sock = pair
    done = threading.Event()

    def flood() -> None:
        for _ in range(200):
            writer.send(frame(MESSAGE, 1, bytes(65_536)))
            writer.wait_for_room()
        done.set()

    threading.Thread(target=flood, daemon=True).start()
    assert not done.wait(0.05)
    read(sock, 200)
    assert done.wait(20)


class Finalizing:
    """A socket during whose sending the garbage collector comes by, and a finalizer prints."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self.finalizer: Callable[[], None] | None = None

    def send(self, data: bytes, flags: int = 0) -> int:
        n = self._sock.send(data, flags)
        if self.finalizer is not None:
            finalizer, self.finalizer = self.finalizer, None
            finalizer()
        return n


def test_a_finalizer_that_prints_while_something_is_sent_waits_for_nothing() -> None:
    ours, theirs = socket.socketpair()
    ours.settimeout(20)
    with ours, theirs:
        through = Finalizing(theirs)
        writer = Writer(through)  # type: ignore[arg-type]
        through.finalizer = lambda: writer.send_for(0, frame(EVENT, 0, b"late"))
        thread = threading.Thread(target=writer.send, args=(frame(END, 1),), daemon=True)
        thread.start()
        assert [f.kind for f in read(ours, 2)] == [END, EVENT]
        thread.join(20)
        assert not thread.is_alive()

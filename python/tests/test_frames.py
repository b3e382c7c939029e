"""Frames are cut, put together again, and refused when they are wrong, whatever the pieces they arrive in."""

from __future__ import annotations

import random
import socket

import pytest

from snakepit._frames import ATTACH, CANCEL, CUT, EXECUTE, HEADER, MAX_BODY, MESSAGE, PART, RESULT, FrameError, cut, frame
from snakepit._reader import Frame, Reader


class Peer:
    """A reader and what feeds it."""

    def __init__(self, max_message: int = 1 << 24, max_buffers: int = 1 << 24) -> None:
        self.ours, theirs = socket.socketpair()
        self.refused: list[tuple[int, int, int, str]] = []
        self.reader = Reader(theirs, max_message, max_buffers, lambda *args: self.refused.append(args), lambda call: call == 1)
        self._theirs = theirs

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, *_: object) -> None:
        self.ours.close()
        self._theirs.close()

    def feed(self, data: bytes, piece: int = 65_536) -> list[Frame]:
        found: list[Frame] = []
        for at in range(0, len(data), piece):
            self.ours.sendall(data[at : at + piece])
            while self.reader.wait(0):
                assert self.reader.receive()
                while (message := self.reader.next()) is not None:
                    found.append(message)
        return found


def joined(kind: int, call: int, body: bytes, **fields: int) -> bytes:
    return b"".join(b"".join(pieces) for pieces in cut(kind, call, [body], **fields))


def test_a_message_of_one_body_is_one_frame() -> None:
    body = bytes(MAX_BODY)
    assert joined(MESSAGE, 7, body, aux=2) == frame(MESSAGE, 7, body, aux=2)


@pytest.mark.parametrize("size", [MAX_BODY + 1, MAX_BODY * 2 - 4, MAX_BODY * 2 - 3, MAX_BODY * 5 + 17])
def test_a_longer_message_is_cut_and_comes_out_whole(size: int) -> None:
    body = random.Random(size).randbytes(size)
    frames = [b"".join(pieces) for pieces in cut(RESULT, 9, [body[:1000], body[1000:]], prefix=3, aux=4)]
    kinds = [HEADER.unpack_from(f)[1] for f in frames]
    assert kinds == [RESULT] + [PART] * (len(frames) - 1)
    assert all(len(f) <= 16 + MAX_BODY for f in frames)
    assert all(len(f) == 16 + MAX_BODY for f in frames[:-1])
    with Peer() as peer:
        assert peer.feed(b"".join(frames)) == [Frame(RESULT, 0, 3, 9, 4, bytearray(body))]
        assert not peer.reader.odd


def test_frames_cut_at_every_byte_come_out_whole() -> None:
    data = frame(EXECUTE, 1, b"one", prefix=2, aux=9) + frame(CANCEL, 2) + frame(MESSAGE, 3, b"x" * 40)
    whole = [Frame(EXECUTE, 0, 2, 1, 9, bytearray(b"one")), Frame(CANCEL, 0, 0, 2, 0, bytearray()), Frame(MESSAGE, 0, 0, 3, 0, bytearray(b"x" * 40))]
    for at in range(1, len(data)):
        with Peer() as peer:
            assert peer.feed(data[:at]) + peer.feed(data[at:]) == whole
    with Peer() as peer:
        assert peer.feed(data, piece=1) == whole


def test_a_cut_message_split_anywhere_comes_out_whole() -> None:
    body = random.Random(1).randbytes(MAX_BODY + 5000)
    data = joined(MESSAGE, 3, body, aux=1) + frame(CANCEL, 4)
    whole = [Frame(MESSAGE, 0, 0, 3, 1, bytearray(body)), Frame(CANCEL, 0, 0, 4, 0, bytearray())]
    edges = [
        1,
        15,
        16,
        17,
        19,
        20,
        21,
        16 + MAX_BODY - 1,
        16 + MAX_BODY,
        16 + MAX_BODY + 8,
        16 + MAX_BODY + 16,
        16 + MAX_BODY + 17,
        len(data) - 17,
        len(data) - 1,
    ]
    for at in edges:
        with Peer() as peer:
            assert peer.feed(data[:at]) + peer.feed(data[at:]) == whole


def test_pieces_of_different_calls_interleave() -> None:
    bodies = {n: random.Random(n).randbytes(MAX_BODY * 3 + n) for n in (1, 2, 3)}
    lines = [[b"".join(p) for p in cut(MESSAGE, n, [body], aux=1)] for n, body in bodies.items()]
    data = b"".join(b"".join(turn) + frame(CANCEL, 99) for turn in zip(*lines, strict=True))
    with Peer() as peer:
        found = [m for m in peer.feed(data) if m.kind == MESSAGE]
    assert {m.call: m.body for m in found} == bodies


def test_buffers_belong_to_the_next_message_of_their_call() -> None:
    with Peer() as peer:
        found = peer.feed(frame(ATTACH, 1, b"a") + frame(ATTACH, 2, b"b") + joined(ATTACH, 1, b"c" * (MAX_BODY + 1)) + frame(EXECUTE, 1, b"x"))
        assert [m.call for m in found] == [1]
        assert peer.reader.attached(1) == [b"a", b"c" * (MAX_BODY + 1)]
        assert peer.reader.attached(1) is None
        assert peer.reader.attached(2) == [b"b"]


def test_cancel_forgets_buffers_and_pieces() -> None:
    pieces = [b"".join(p) for p in cut(MESSAGE, 2, [bytes(MAX_BODY * 3)])]
    with Peer() as peer:
        peer.feed(frame(ATTACH, 2, b"a") + pieces[0] + frame(CANCEL, 2))
        assert peer.reader.attached(2) is None
        assert peer.feed(b"".join(pieces[1:]) + frame(MESSAGE, 2, b"new")) == [Frame(MESSAGE, 0, 0, 2, 0, bytearray(b"new"))]


def test_a_total_over_the_limit_is_refused_before_it_is_allocated_and_its_pieces_pass() -> None:
    with Peer(max_message=MAX_BODY * 2) as peer:
        found = peer.feed(joined(MESSAGE, 1, bytes(MAX_BODY * 4)) + frame(MESSAGE, 2, b"after"))
        assert peer.refused == [(1, MAX_BODY * 4, MAX_BODY * 2, "maxMessageBytes")]
        assert [m.call for m in found] == [2]
        huge = HEADER.pack(MAX_BODY, MESSAGE, CUT, 0, 5, 0) + (1 << 31).to_bytes(4, "little") + bytes(MAX_BODY - 4)
        peer.feed(huge)
        assert peer.refused[1][:2] == (5, 1 << 31)


def test_a_small_message_over_a_small_limit_is_refused() -> None:
    with Peer(max_message=100) as peer:
        found = peer.feed(frame(MESSAGE, 1, bytes(101)) + frame(MESSAGE, 1, bytes(100)))
        assert (len(found), peer.refused) == (1, [(1, 101, 100, "maxMessageBytes")])


def test_buffers_over_their_limit_refuse_the_message_they_belong_to() -> None:
    with Peer(max_buffers=1000) as peer:
        data = frame(ATTACH, 1, bytes(600)) + frame(ATTACH, 1, bytes(600)) + frame(ATTACH, 1, bytes(10)) + frame(EXECUTE, 1, b"x")
        assert peer.feed(data + frame(EXECUTE, 1, b"y")) == [Frame(EXECUTE, 0, 0, 1, 0, bytearray(b"y"))]
        assert peer.refused == [(1, 1200, 1000, "maxBufferBytes")]
        assert not peer.reader.odd


@pytest.mark.parametrize(
    "data",
    [
        HEADER.pack(MAX_BODY + 1, MESSAGE, 0, 0, 1, 0),
        HEADER.pack(0, 15, 0, 0, 1, 0),
        HEADER.pack(0, MESSAGE, 4, 0, 1, 0),
        frame(PART, 1, b"x"),
        frame(MESSAGE, 1, b"abc", flags=CUT),
        frame(MESSAGE, 1, (10).to_bytes(4, "little") + b"x", flags=CUT),
        frame(CANCEL, 1, (1 << 20).to_bytes(4, "little") + b"x", flags=CUT),
        HEADER.pack(MAX_BODY, MESSAGE, CUT, 0, 1, 0) + (MAX_BODY).to_bytes(4, "little") + bytes(MAX_BODY - 4) + frame(PART, 1, bytes(5)),
        HEADER.pack(MAX_BODY, MESSAGE, CUT, 0, 1, 0) + (MAX_BODY * 2).to_bytes(4, "little") + bytes(MAX_BODY - 4) + frame(MESSAGE, 1, b"x"),
    ],
)
def test_what_breaks_the_protocol_is_a_fault(data: bytes) -> None:
    with Peer() as peer, pytest.raises(FrameError):
        peer.feed(data)


def test_pieces_of_a_call_that_has_ended_pass() -> None:
    pieces = [b"".join(p) for p in cut(MESSAGE, 2, [bytes(MAX_BODY * 3)])]
    with Peer() as peer:
        assert [m.call for m in peer.feed(b"".join(pieces[1:]) + frame(CANCEL, 3), piece=1000)] == [3]


def test_random_bytes_are_a_fault_or_wait_for_more() -> None:
    rng = random.Random(4)
    faults = 0
    for _ in range(300):
        with Peer() as peer:
            try:
                peer.feed(rng.randbytes(rng.randrange(1, 4000)))
            except FrameError:
                faults += 1
    assert faults > 250


def test_random_frames_never_do_more_than_fault() -> None:
    rng = random.Random(5)
    for _ in range(300):
        with Peer(max_message=10_000, max_buffers=10_000) as peer:
            data = b""
            for _ in range(20):
                body = rng.randbytes(rng.choice((0, 3, 4, 5, 100, 20_000)))
                data += HEADER.pack(len(body), rng.randrange(15), rng.choice((0, 0, 1, 2, 3)), 0, rng.randrange(4), 1) + body
            try:
                for message in peer.feed(data):
                    assert len(message.body) <= 10_000
            except FrameError:
                pass


def test_a_message_cancelled_in_its_middle_leaves_nothing_behind() -> None:
    first = b"".join(next(cut(EXECUTE, 2, [bytes(MAX_BODY * 3)])))
    with Peer() as peer:
        peer.feed(first)
        assert peer.reader.odd
        assert [f.kind for f in peer.feed(frame(CANCEL, 2))] == [CANCEL]
        assert not peer.reader.odd
        # What was sent of it before the cancel was, and comes late, passes.
        assert peer.feed(frame(PART, 2, bytes(MAX_BODY)) + frame(EXECUTE, 3)) == [Frame(EXECUTE, 0, 0, 3, 0, bytearray())]

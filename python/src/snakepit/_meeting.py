"""How a process that a host starts comes to be reached by it. docs/protocol.md, "Starting", is the contract.

Nothing heavy may be imported here before the socket is there: the host connects as soon as it is.
"""

from __future__ import annotations

import faulthandler
import os
import socket
from typing import TYPE_CHECKING, NamedTuple

from snakepit import _lifeline

if TYPE_CHECKING:
    from snakepit.v1.frame_pb2 import HostHello


class Met(NamedTuple):
    """Both connections of the host, and what it said first. The lifeline is armed."""

    data: socket.socket
    lifeline: socket.socket
    hello: HostHello


def begin(path: str) -> tuple[socket.socket, bytes] | None:
    """Makes this process safe to leave alone, listens at `path`, and reads the token from stdin. None when there is none."""
    _lifeline.lead_group()
    _lifeline.die_with_parent()
    faulthandler.enable(2)
    listener = listen(path)
    token = _read_token()
    if token is None:
        _remove(path)
        return None
    return listener, token


def listen(path: str) -> socket.socket:
    """A listening socket at `path`, which nobody sees before they can connect."""
    listener = socket.socket(socket.AF_UNIX)
    hidden = path + "~"
    listener.bind(hidden)
    os.chmod(hidden, 0o600)
    listener.listen()
    os.rename(hidden, path)
    return listener


def await_host(listener: socket.socket, path: str, token: bytes) -> Met | None:
    """Waits for both connections of the host, closes the door and ties this process group to the host. None when stdin ends before that."""
    from snakepit._handshake import StdinClosed

    try:
        data, lifeline, hello = _meet(listener, token)
    except StdinClosed:
        return None
    finally:
        listener.close()
        _remove(path)
    _forget_stdin()
    _lifeline.arm(lifeline)
    return Met(data, lifeline, hello)


def say(line: str) -> None:
    """Writes a line to stderr, past everything that captures output."""
    os.write(2, (line + "\n").encode())


def start_time_ticks(pid: int | str = "self") -> int:
    """When a process started, in clock ticks since boot; 0 where that is not known."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as f:
            # The name of the process stands in parentheses and may hold anything.
            return int(f.read().rpartition(b")")[2].split()[19])
    except OSError:
        return 0


def _read_token() -> bytes | None:
    """The token: 64 hexadecimal digits and a newline on stdin. None when stdin ends before, or holds something else."""
    line = b""
    while not line.endswith(b"\n") and len(line) <= 64:
        got = os.read(0, 65 - len(line))
        if not got:
            return None
        line += got
    try:
        return bytes.fromhex(line.decode("ascii"))
    except ValueError:
        return None


def read_exactly(sock: socket.socket, size: int) -> bytes | None:
    """So many bytes; None when the other side closes before."""
    got = bytearray()
    while len(got) < size:
        more = sock.recv(size - len(got))
        if not more:
            return None
        got += more
    return bytes(got)


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


def _forget_stdin() -> None:
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)


def _meet(listener: socket.socket, token: bytes) -> tuple[socket.socket, socket.socket, HostHello]:
    from snakepit._handshake import greet
    from snakepit.v1.frame_pb2 import HostHello

    data: socket.socket | None = None
    lifeline: socket.socket | None = None
    hello = HostHello()
    for arrival in greet(listener, token, say, stdin=0):
        if arrival.hello.role == HostHello.ROLE_LIFELINE and lifeline is None:
            lifeline = arrival.sock
        elif arrival.hello.role == HostHello.ROLE_DATA and data is None:
            data = arrival.sock
            hello = arrival.hello
        else:
            say("snakepit: a connection was refused: a second of its role")
            arrival.sock.close()
        if data is not None and lifeline is not None:
            return data, lifeline, hello
    raise AssertionError("greet ends only when it is left")

"""What a forked process does to become a worker like one that was spawned: nothing of its server's stays with it but what it has imported."""

from __future__ import annotations

import gc
import os
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, NoReturn

from snakepit import _lifeline
from snakepit._loading import Toolbox
from snakepit._logs import Logs
from snakepit._main import serve
from snakepit._meeting import say
from snakepit.v1.fork_pb2 import ForkOrder


class Estate(NamedTuple):
    """What a server leaves to every worker."""

    own: Sequence[socket.socket]
    """The server's sockets, which no worker keeps."""
    logs: Logs
    """Has taken over the output."""
    box: Toolbox | None
    """The tools, when the server has imported them."""
    collect: bool
    """Whether garbage is to be collected, as it was before the server stopped that."""


class Birth(NamedTuple):
    """What one worker is made of."""

    order: ForkOrder
    listener: socket.socket
    """Where its host will come."""
    stdout: socket.socket
    stderr: socket.socket


def become_worker(estate: Estate, find: Callable[[], Birth | None]) -> NoReturn:
    """Serves as a worker, in a process just forked off, as soon as it finds what it was ordered to be. Ends when that is nothing."""
    code = 1
    try:
        # First of all: the host must hear of the server's end although this process lives.
        for sock in estate.own:
            sock.close()
        _lifeline.die_with_parent()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        birth = find()
        if birth is not None:
            # Not before: whoever ends the server's group ends those that wait along with it.
            _lifeline.lead_group()
            _take_output(birth.stdout, birth.stderr)
            _take_environment(birth.order)
            _reseed()
            if estate.collect:
                gc.enable()
            serve(birth.listener, birth.order.socket_path, birth.order.token, logs=estate.logs, box=estate.box)
        code = 0
    except BaseException:
        say("snakepit: a forked worker could not start\n" + traceback.format_exc())
    finally:
        # Whatever happens, the code of the server must not go on here.
        os._exit(code)


def _take_output(stdout: socket.socket, stderr: socket.socket) -> None:
    # The host never writes there, so it ends when the host goes: as stdin it says so, until the lifeline does.
    os.dup2(stdout.fileno(), 0)
    os.dup2(stdout.fileno(), 1)
    os.dup2(stderr.fileno(), 2)
    stdout.close()
    stderr.close()


def _take_environment(order: ForkOrder) -> None:
    """Sets what C code reads too (`getenv`). What was read while the server imported stays as it was then."""
    for name in order.unset:
        os.environ.pop(name, None)
    for name, value in order.env.items():
        os.environ[name] = value
    if "TZ" in order.env or "TZ" in order.unset:
        time.tzset()


def _reseed() -> None:
    """Gives global generators of random numbers a state of their own. Python's own `random` sees to itself at every fork."""
    numpy_random: Any = sys.modules.get("numpy.random")
    if numpy_random is not None:
        try:
            # By a number, because what it would take by itself touches twice as much of the memory shared with the server.
            numpy_random.seed(int.from_bytes(os.urandom(4), "little"))
        except TypeError:
            # A generator of another kind was put in its place, which only its owner can seed.
            pass
    torch: Any = sys.modules.get("torch")
    if torch is not None:
        torch.seed()

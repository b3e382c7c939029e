"""A process forked off ahead of any order, which becomes a worker as soon as it is told which.

To fork a process that has imported much takes longer than all the rest of a worker's start, since the tables of its memory are copied.
"""

from __future__ import annotations

import os
import socket
import struct

from snakepit._fork_child import Birth, Estate, become_worker
from snakepit._fork_threads import fork
from snakepit._meeting import read_exactly
from snakepit.v1.fork_pb2 import ForkOrder

_SIZE = struct.Struct("<I")


class Spare:
    """One such process, as its server sees it."""

    def __init__(self, estate: Estate) -> None:
        """Raises OSError when there is no room for it."""
        self._link, theirs = socket.socketpair()
        try:
            self.pid = fork()
            if self.pid == 0:
                become_worker(estate._replace(own=[*estate.own, self._link]), lambda: _await(theirs))
        except OSError:
            self._link.close()
            raise
        finally:
            theirs.close()

    def become(self, birth: Birth) -> bool:
        """Makes it this worker. False when it is no more."""
        order = birth.order.SerializeToString()
        try:
            socket.send_fds(self._link, [_SIZE.pack(len(order))], [sock.fileno() for sock in birth[1:]])
            self._link.sendall(order)
        except OSError:
            return False
        finally:
            self._link.close()
        return True

    def drop(self) -> None:
        """It ends, if it has not."""
        self._link.close()


def _await(link: socket.socket) -> Birth | None:
    """What it is to become; None when its server is gone, or wants it no more."""
    with link:
        head, descriptors, _, _ = socket.recv_fds(link, _SIZE.size, 3)
        order = read_exactly(link, *_SIZE.unpack(head)) if len(head) == _SIZE.size else None
        if order is None or len(descriptors) != 3:
            return None
    for descriptor in descriptors:
        os.set_inheritable(descriptor, False)
    return Birth(ForkOrder.FromString(order), *(socket.socket(fileno=descriptor) for descriptor in descriptors))

"""Takes single means away by which a worker notices that its host is gone. Workers that have this folder on PYTHONPATH import it by themselves.

TEST_WITHOUT names what is taken away: "lifeline", "pdeathsig", "eof". With TEST_UNMET a worker waits for its host where nobody will come, and makes
a file there that is named after its pid.
"""

import os
import threading
from typing import NoReturn


def _take_away(without: list[str], unmet: str | None) -> None:
    from snakepit import _handshake, _leader, _lifeline, _meeting

    if "lifeline" in without:
        _lifeline.arm = lambda lifeline: None
        _lifeline.await_end = lambda lifeline: None
    if "pdeathsig" in without:
        _lifeline.die_with_parent = lambda wanted=True: None
    if "eof" in without:
        greet = _handshake.greet

        def wait(*_: object) -> NoReturn:
            while True:
                threading.Event().wait()

        _leader.Leader._lost = wait
        _handshake.greet = lambda listener, token, log, stdin=None: greet(listener, token, log)
    if unmet:
        listen = _meeting.listen
        await_host = _meeting.await_host

        def listen_elsewhere(path: str) -> object:
            return listen(path + ".")

        def await_nobody(*arguments: object) -> object:
            with open(os.path.join(unmet, str(os.getpid())), "w"):
                pass
            return await_host(*arguments)

        _meeting.listen = listen_elsewhere
        _meeting.await_host = await_nobody


if "TEST_WITHOUT" in os.environ:
    _take_away(os.environ["TEST_WITHOUT"].split(","), os.environ.get("TEST_UNMET"))

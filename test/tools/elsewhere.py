"""Tools for clients elsewhere: in a session of theirs, and a stream that waits."""

import os
import threading
from collections.abc import Iterator

from snakepit import Session, tool


def say(text: str) -> None:
    """Tell the host at once, past everything that captures output."""
    os.write(1, f"{text}\n".encode())


@tool
def remember(session: Session, name: str, value: float) -> float:
    session.set_variable(name, value)
    return session.get_variable(name)


@tool
def whoami(session: Session) -> str:
    return session.id


@tool
def one_then_wait(name: str) -> Iterator[str]:
    """Give one item, then wait until nobody wants another. Say so."""
    try:
        yield name
        threading.Event().wait()
    finally:
        say(f"{name} left")


def hang_once(name: str) -> str:
    """Hang in the first run for a name, in whichever worker that is."""
    try:
        os.close(os.open(os.path.join(os.environ["FIRST_RUNS"], name), os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return name
    say(f"{name} hangs")
    threading.Event().wait()
    return ""


@tool
def once(name: str) -> str:
    return hang_once(name)


@tool(idempotent=True)
def again(name: str) -> str:
    return hang_once(name)

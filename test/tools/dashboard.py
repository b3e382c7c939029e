"""Tools for people who look at a pit."""

import os
import time
from collections.abc import Iterator

from snakepit import Session, tool


@tool
def add(a: float, b: float = 0.0) -> float:
    """Add two numbers."""
    return a + b


@tool
def wait(seconds: float) -> str:
    """Take a while."""
    print("waiting has begun")
    time.sleep(seconds)
    return "done"


@tool
def countdown(start: int) -> Iterator[int]:
    """Count down to one."""
    yield from range(start, 0, -1)


@tool
def fail(words: str) -> None:
    """Raise."""
    raise ValueError(words)


@tool
def end() -> None:
    """End the worker."""
    os._exit(3)


@tool
def remember(session: Session, value: float) -> None:
    """Change a variable."""
    session.set_variable("temperature", value)

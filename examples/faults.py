"""Tools that fail."""

import os
import pathlib
import signal

from snakepit import tool


@tool
def divide(a: int, b: int) -> float:
    """Fail as Python does, with a cause."""
    try:
        return a / b
    except ZeroDivisionError as error:
        raise ValueError("b must not be zero") from error


@tool(idempotent=True)
def fragile(marker: str) -> str:
    """Die the first time, answer the second."""
    first = pathlib.Path(marker)
    if not first.exists():
        first.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return "answered by another worker"


@tool
def die() -> None:
    """Die every time. It is not declared idempotent, so nobody tries again."""
    os.kill(os.getpid(), signal.SIGKILL)

"""A tool whose name api.py has too."""

from snakepit import tool


@tool
def add(a: int) -> int:
    return a

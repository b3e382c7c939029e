"""A tool that prints and logs."""

import logging

from snakepit import tool

log = logging.getLogger("chatty")


@tool
def greet(name: str) -> str:
    """Say hello on every channel."""
    print(f"printing for {name}")
    log.warning("logging for %s", name)
    return f"Hello {name}"

"""Tools for tests of how workers come and go."""

from __future__ import annotations

import asyncio
import os
import threading
import time

from snakepit import Session, tool

_kept: list[bytes] = []


@tool
def pid(seconds: float = 0) -> int:
    time.sleep(seconds)
    return os.getpid()


@tool
def pid_after(path: str) -> int:
    """Wait for a file."""
    while not os.path.exists(path):
        time.sleep(0.01)
    return os.getpid()


@tool
async def async_pid() -> int:
    return os.getpid()


@tool
async def sleep_async(seconds: float) -> None:
    await asyncio.sleep(seconds)


@tool
def environment(name: str) -> str | None:
    return os.environ.get(name)


@tool
def grow(megabytes: int) -> int:
    """Keep memory for good."""
    _kept.append(os.urandom(megabytes * 1_000_000))
    return os.getpid()


@tool
def recall(session: Session) -> int:
    return int(session.get_variable("value"))


@tool
def hold_global_lock(count: int) -> int:
    """C code that keeps Python's global lock."""
    return sum(range(count))


@tool
def wait_for_lock() -> None:
    """Wait for what never comes, and let no exception end it."""
    lock = threading.Lock()
    lock.acquire()
    while True:
        try:
            lock.acquire()
        except BaseException:
            pass

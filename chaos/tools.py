"""The tools of the scenarios."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator

from snakepit import tool


def _note(log: str, key: int) -> None:
    """One line, which other processes append to as well and which outlives this one."""
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, b"%d\n" % key)
    finally:
        os.close(descriptor)


@tool(idempotent=True)
def again(log: str, key: int, seconds: float) -> int:
    """Leave a trace, then answer; may be run again."""
    if seconds > 0:
        time.sleep(seconds)
    _note(log, key)
    return key


@tool
def once(log: str, key: int, seconds: float) -> int:
    """Leave a trace, then answer; may not be run again."""
    if seconds > 0:
        time.sleep(seconds)
    _note(log, key)
    return key


@tool
def add(a: float, b: float = 0.0) -> float:
    return a + b


@tool
def echo(value: object) -> object:
    return value


@tool
async def echo_later(value: object) -> object:
    await asyncio.sleep(0)
    return value


@tool
def nap(key: int, seconds: float) -> int:
    time.sleep(seconds)
    return key


@tool(idempotent=True)
def nap_again(key: int, seconds: float) -> int:
    time.sleep(seconds)
    return key


@tool
async def nap_async(key: int, seconds: float) -> int:
    await asyncio.sleep(seconds)
    return key


@tool
def spin(key: int, seconds: float) -> int:
    """Python code that never waits."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        pass
    return key


@tool
def count(key: int, stop: int) -> Iterator[int]:
    for i in range(stop):
        yield key + i


@tool
async def count_async(key: int, stop: int) -> AsyncIterator[int]:
    for i in range(stop):
        await asyncio.sleep(0)
        yield key + i


@tool
async def ticks(stop: int, seconds: float) -> AsyncIterator[int]:
    """Count, with so much time between two items."""
    for i in range(stop):
        await asyncio.sleep(seconds)
        yield i


@tool
def total(numbers: Iterator[float]) -> float:
    return sum(numbers)


@tool
def hold_lock(count: int) -> int:
    """Stay in C code that keeps Python's global lock."""
    os.write(1, b"computes\n")
    return sum(range(count))


@tool
def children() -> int:
    import subprocess

    return subprocess.Popen(["sleep", "600"]).pid


_made = 0


@tool
def chunks(size: int, count: int) -> Iterator[bytes]:
    """Items of this size, counted as they are made."""
    global _made
    _made = 0
    for _ in range(count):
        _made += 1
        yield bytes(size)


@tool
async def made() -> int:
    """How many items `chunks` has made."""
    return _made


_kept: list[bytes] = []


@tool
def keep(value: object, size: int) -> object:
    """Leak so many bytes a call."""
    _kept.append(bytes(size))
    return value

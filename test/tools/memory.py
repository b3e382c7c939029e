"""Tools that say where their arrays lie."""

import asyncio
import multiprocessing
import os
import resource
from collections.abc import Iterator
from typing import Any

import numpy as np

import snakepit
from snakepit import tool

_kept: list[Any] = []


def _segment(array: Any) -> str:
    """The line of /proc/self/maps that an address is in, when it is memory that is shared."""
    at = array.__array_interface__["data"][0]
    with open("/proc/self/maps") as maps:
        for line in maps:
            first, last = (int(part, 16) for part in line.split()[0].split("-"))
            if first <= at < last:
                return line.split()[4] if "memfd:snakepit" in line else ""
    return ""


@tool
def pid() -> int:
    return os.getpid()


@tool
def segment(x: np.ndarray) -> str:
    """The inode of the memory that `x` lies in; empty where it is the worker's own."""
    return _segment(x)


@tool
def segment_beside(x: np.ndarray, text: object) -> str:
    """The same, of an array with something else beside it."""
    return _segment(x)


@tool
def segments() -> int:
    """How many segments the worker has mapped."""
    with open("/proc/self/maps") as maps:
        return sum("memfd:snakepit" in line for line in maps)


@tool
def echo(x: object) -> object:
    return x


@tool
def echo_after(x: object, go: Iterator[int]) -> object:
    """Gives `x` back when `go` has ended."""
    for _ in go:
        pass
    return x


@tool
def negated(x: np.ndarray) -> np.ndarray:
    """Writes to its argument, as a tool may."""
    np.negative(x, out=x)
    return x


@tool
def filled(length: int, value: float) -> np.ndarray:
    return np.full(length, value)


@tool
def in_place(length: int, value: float) -> tuple[np.ndarray, str]:
    """An array in memory, and where it lies."""
    out = snakepit.empty(length)
    out[:] = value
    return out, _segment(out)


@tool
def slices(length: int, count: int) -> Iterator[np.ndarray]:
    """Items that all look at one array, which is written to between them."""
    out = np.empty(length)
    for n in range(count):
        out[:] = n
        yield out


@tool
def keep(x: np.ndarray) -> str:
    """Keeps an array, and says where it lies."""
    _kept.append(x)
    return _segment(x)


@tool
def keep_result(length: int, value: float) -> np.ndarray:
    out = snakepit.empty(length)
    out[:] = value
    _kept.append(out)
    return out


@tool
def write_to_kept() -> str:
    """The segment that the last array lies in which was kept. Writes to it."""
    found = _segment(_kept[-1])
    _kept[-1][0] = 99.0
    return found


@tool
def kept() -> list[list[float]]:
    """First and last element of each array that was kept."""
    return [[float(x[0]), float(x[-1])] for x in _kept]


@tool
def forget() -> None:
    _kept.clear()


@tool
async def total_later(x: np.ndarray) -> float:
    await asyncio.sleep(3600)
    return float(x.sum())


@tool
def in_child(x: np.ndarray) -> float:
    """Sums in a process that is forked off, and ends there with the array still at hand."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(False)

    def run(array: Any) -> None:
        sender.send(float(array.sum()))
        del array

    child = context.Process(target=run, args=(x,))
    child.start()
    result = receiver.recv()
    child.join()
    return result


@tool
def limit_files(size: int) -> None:
    """Has every file that would become larger than `size` refused, memory that is shared among them."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))


@tool
def sealed(x: np.ndarray) -> list[str]:
    """What becomes of attempts to change the size of the memory that `x` lies in."""
    inode = int(_segment(x))
    said: list[str] = []
    for name in os.listdir("/proc/self/fd"):
        path = f"/proc/self/fd/{name}"
        if os.path.exists(path) and os.stat(path).st_ino == inode and "memfd:" in os.readlink(path):
            for size in (0, os.stat(path).st_size * 2):
                try:
                    os.truncate(path, size)
                    said.append("changed")
                except PermissionError:
                    said.append("refused")
    return said

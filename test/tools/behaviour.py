"""Tools that do what tools do at their best and at their worst."""

import asyncio
import logging
import os
import sys
import time
from collections.abc import AsyncIterator, Iterator

import snakepit
from snakepit import tool


@tool
def echo(value: object) -> object:
    return value


@tool(idempotent=True)
def square(n: int) -> int:
    return n * n


@tool(idempotent=True)
async def square_later(n: int) -> int:
    await asyncio.sleep(0)
    return n * n


@tool
def pid() -> int:
    return os.getpid()


@tool
def nap(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


@tool
async def nap_async(seconds: float) -> float:
    await asyncio.sleep(seconds)
    return seconds


def say(text: str) -> None:
    """Tell the host at once, past everything that captures output."""
    os.write(1, f"{text}\n".encode())


@tool
def work(name: str, seconds: float = 0.0) -> str:
    """Say that it runs, wait, and say how it ended."""
    try:
        # Whoever hears it may cancel at once, before the next line.
        say(f"{name} began")
        time.sleep(seconds)
    except BaseException as error:
        say(f"{name} ended by {type(error).__name__}")
        raise
    say(f"{name} ended")
    return name


@tool(idempotent=True)
def work_again(name: str, seconds: float = 0.0) -> str:
    say(f"{name} began")
    time.sleep(seconds)
    return name


@tool
async def work_async(name: str, seconds: float = 0.0) -> str:
    say(f"{name} began")
    try:
        await asyncio.sleep(seconds)
    except BaseException as error:
        say(f"{name} ended by {type(error).__name__}")
        raise
    return name


@tool
async def log_async(text: str) -> None:
    await asyncio.sleep(0)
    print(text)


@tool
def stubborn() -> None:
    """Ignore every cancel."""
    has_begun = False
    while True:
        try:
            # Whoever hears it may cancel at once, before the next line.
            if not has_begun:
                has_begun = True
                say("stubborn began")
            while True:
                time.sleep(0.05)
        except BaseException:
            pass


@tool
def hold_lock(count: int) -> int:
    """Stay in C code that keeps Python's global lock: about a second for each 60 million."""
    say("hold_lock began")
    return sum(range(count))


@tool
def fail(message: str) -> None:
    try:
        raise KeyError("inner")
    except KeyError as error:
        raise ValueError(message) from error


@tool
def die(code: int = 3) -> None:
    print("goodbye", file=sys.stderr, flush=True)
    os._exit(code)


@tool(idempotent=True)
def poison(path: str) -> None:
    with open(path, "a") as file:
        print("began", file=file, flush=True)
    os._exit(9)


@tool(idempotent=True)
def die_once(path: str) -> str:
    """End the worker the first time it is called."""
    if not os.path.exists(path):
        with open(path, "w"):
            pass
        os._exit(1)
    return "second time"


@tool
def garbage() -> str:
    print("line one")
    sys.stdout.write("no end of line")
    sys.stderr.write("\x00\xff\x1b[31m{]}\n")
    os.write(1, b"raw\xff\xfe bytes\n")
    os.write(2, b"raw error\n")
    logging.getLogger("my.logger").warning("careful")
    return "fine"


@tool
def environment(name: str) -> str | None:
    return os.environ.get(name)


@tool
def steps(count: int) -> str:
    for i in range(count):
        snakepit.progress((i + 1) / count, f"step {i + 1}")
    return "done"


@tool
def report_at_length(characters: int) -> int:
    """Says more than fits into one frame, in each of the ways there are."""
    text = "x" * characters
    snakepit.progress(0.5, text)
    with snakepit.span("long", text=text):
        pass
    snakepit.count(text)
    return characters


@tool
def count(stop: int) -> Iterator[int]:
    yield from range(stop)


@tool
def count_said(stop: int) -> Iterator[int]:
    """Say when the generator is closed."""
    try:
        yield from range(stop)
    finally:
        say("generator closed")


@tool
def flood(items: int, size: int) -> Iterator[bytes]:
    """Say of each item that it was taken, and that the generator is closed."""
    try:
        for n in range(items):
            yield bytes(size)
            say(f"item {n} taken")
    finally:
        say("flood closed")


@tool
async def count_async(stop: int) -> AsyncIterator[int]:
    for i in range(stop):
        yield i


@tool(idempotent=True)
def count_and_die(path: str, stop: int) -> Iterator[int]:
    """End the worker in the middle, once before the first item and then after it."""
    with open(path, "a") as file:
        print("began", file=file, flush=True)
    with open(path) as file:
        runs = len(file.readlines())
    if runs == 1:
        os._exit(1)
    for i in range(stop):
        yield i
        time.sleep(0.05)
    os._exit(1)


@tool
def count_then_fail(stop: int) -> Iterator[int]:
    yield from range(stop)
    raise ValueError("no more")


@tool
def sum_stream(numbers: Iterator[float]) -> float:
    return sum(numbers)


@tool
def double_stream(numbers: Iterator[float]) -> Iterator[float]:
    for n in numbers:
        yield n * 2


@tool
def children() -> int:
    """Leave a process behind in the worker's group."""
    import subprocess

    return subprocess.Popen(["sleep", "600"]).pid


@tool
def size(data: bytes) -> int:
    return len(data)


@tool
def large(count: int) -> str:
    return "x" * count


@tool
def typed(a: int, b: list[str], c: float = 1.0) -> str:
    return f"{a} {b} {c}"


@tool
def shout(count: int) -> int:
    print("x" * count)
    return count

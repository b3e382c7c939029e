"""Tools that do what no tool should, and what the worker has to live through."""

import asyncio
import atexit
import ctypes
import io
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator

import snakepit
from snakepit import tool


@tool
def square(n: int) -> int:
    return n * n


@tool
def pid() -> int:
    return os.getpid()


class Odd(BaseException):
    pass


class Unprintable(Exception):
    def __str__(self) -> str:
        raise SystemExit("not even this")

    __repr__ = __str__


_RAISED = {
    "Odd": Odd,
    "KeyboardInterrupt": KeyboardInterrupt,
    "GeneratorExit": GeneratorExit,
    "StopIteration": StopIteration,
    "StopAsyncIteration": StopAsyncIteration,
    "SystemExit": SystemExit,
    "MemoryError": MemoryError,
    "Unprintable": Unprintable,
}


@tool
def raises(name: str) -> None:
    raise _RAISED[name]("why")


@tool
async def raises_async(name: str) -> None:
    raise _RAISED[name]("why")


@tool
def raises_in_stream(name: str) -> Iterator[int]:
    yield 1
    raise _RAISED[name]("why")


@tool
async def raises_in_async_stream(name: str) -> AsyncIterator[int]:
    yield 1
    raise _RAISED[name]("why")


@tool
def recurse(limit: int = 0) -> None:
    """Recurse until Python stops it, which a high limit puts off."""
    if limit:
        sys.setrecursionlimit(limit)

    def deeper() -> None:
        deeper()

    deeper()


@tool
def surrogate_message() -> None:
    raise ValueError("half \udcff of it")


@tool
def long_message() -> None:
    raise ValueError("x" * 10_000_000)


@tool
def deep(levels: int) -> list:
    value: list = []
    for _ in range(levels):
        value = [value]
    return value


@tool
def swap_output(none: bool) -> None:
    sys.stdout = None if none else io.StringIO()
    sys.stderr = None if none else io.StringIO()
    print("into the void")


@tool
def close_descriptors(descriptors: list[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


@tool
def close_everything() -> None:
    """The connection to the host too."""
    for descriptor in range(256):
        try:
            os.close(descriptor)
        except OSError:
            pass


@tool
def print_from_threads(lines: int) -> None:
    def talk(name: str) -> None:
        for i in range(lines):
            print(f"{name} {i}")

    threads = [threading.Thread(target=talk, args=(f"thread {n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@tool
def write_bytes(repeat: int) -> None:
    """Every byte there is, to both descriptors."""
    for descriptor in (1, 2):
        for _ in range(repeat):
            os.write(descriptor, bytes(range(256)))


@tool
def print_long(size: int) -> None:
    print("y" * size)


@tool
def write_long(size: int) -> None:
    """One line past Python's own output."""
    data = b"z" * size + b"\n"
    while data:
        data = data[os.write(1, data) :]


@tool
def crash(how: str) -> None:
    if how == "segfault":
        ctypes.string_at(0)
    elif how == "abort":
        os.abort()
    elif how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    else:
        os._exit(int(how))


def _talk(n: int) -> int:
    for i in range(500):
        print(f"child {n} says {i}")
    return n


@tool
def process_pool(method: str) -> list[int]:
    with multiprocessing.get_context(method).Pool(4) as pool:
        return pool.map(_talk, range(4))


def _wait_for(child: int) -> str:
    return f"child ended with {os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}"


@tool
def fork_and_return(seconds: float) -> str:
    """The child comes back as if it were the worker."""
    child = os.fork()
    if child == 0:
        time.sleep(seconds)
        return "from the child"
    return _wait_for(child)


@tool
def fork_and_raise() -> str:
    child = os.fork()
    if child == 0:
        raise ValueError("from the child")
    return _wait_for(child)


@tool
async def fork_and_return_async() -> str:
    child = os.fork()
    if child == 0:
        return "from the child"
    return _wait_for(child)


@tool
def fork_in_stream() -> Iterator[str]:
    child = os.fork()
    if child == 0:
        for _ in range(100):
            yield "from the child"
        return
    yield _wait_for(child)


@tool
def fork_and_speak() -> str:
    child = os.fork()
    if child == 0:
        snakepit.progress(0.5)
        print("spoken by the child")
        os._exit(0)
    return _wait_for(child)


@tool
async def stop_loop() -> None:
    asyncio.get_running_loop().stop()


@tool
async def square_later(n: int) -> int:
    await asyncio.sleep(0.001)
    return n * n


@tool
def take_signals() -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


@tool
def alarm() -> None:
    """A signal handler of the user's own ends the wait."""

    def ring(*_: object) -> None:
        raise TimeoutError("rang")

    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    time.sleep(60)


@tool
def leave_thread() -> None:
    """Leave what would keep any other process from ending."""
    threading.Thread(target=time.sleep, args=(3600,)).start()
    atexit.register(time.sleep, 3600)


@tool
def go_elsewhere() -> str:
    os.chdir("/")
    return os.getcwd()


@tool
def ignore_close() -> Iterator[int]:
    n = 0
    while True:
        try:
            yield n
        except GeneratorExit:
            print("no, thanks")
        n += 1


@tool
def constructor() -> str:
    return "constructor"


@tool
def __proto__(__proto__: int = 1, constructor: int = 2, __x: int = 3) -> list[int]:  # noqa: N807
    return [__proto__, constructor, __x]


@tool
def größe(länge: int) -> int:
    return länge


@tool
def rest(**rest: int) -> dict[str, int]:
    return rest


@tool
def nothing() -> None:
    pass


@tool
def count(stop: int) -> Iterator[int]:
    try:
        yield from range(stop)
    finally:
        print("count closed")


@tool
def first_of(numbers: Iterator[float]) -> float:
    return next(numbers)


@tool
def none_of(numbers: Iterator[float]) -> str:
    return "none"


@tool
def pairs(a: Iterator[float], b: Iterator[float]) -> list[list[float]]:
    return [list(pair) for pair in zip(a, b, strict=False)]


@tool
def relay(numbers: Iterator[float]) -> Iterator[float]:
    yield from numbers


@tool
def hold_lock(count: int) -> int:
    """Stay in C code that keeps Python's global lock."""
    os.write(1, b"computes\n")
    return sum(range(count))


@tool
def children() -> int:
    import subprocess

    return subprocess.Popen(["sleep", "600"]).pid


@tool
def nap(seconds: float) -> None:
    time.sleep(seconds)

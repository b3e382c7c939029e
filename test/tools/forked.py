"""Tools for workers that are forked off a server which has imported this file, or only some of what it imports."""

import ctypes
import gc
import os
import random
import subprocess
import sys

from snakepit import tool

print("imported")


@tool(idempotent=True)
def parent() -> int:
    return os.getppid()


@tool(idempotent=True)
def pid() -> int:
    return os.getpid()


@tool
def modules() -> list[str]:
    return list(sys.modules)


@tool
def draw() -> float:
    return random.random()


@tool
def frozen() -> tuple[int, bool]:
    """How many objects the collector leaves alone, and whether it collects."""
    return gc.get_freeze_count(), gc.isenabled()


@tool
def variable(name: str) -> tuple[str | None, str | None]:
    """What Python and what C code see."""
    getenv = ctypes.CDLL(None).getenv
    getenv.restype = ctypes.c_char_p
    found = getenv(name.encode())
    return os.environ.get(name), None if found is None else found.decode()


@tool
def speak(text: str) -> None:
    """Write past Python, on both streams."""
    os.write(1, f"{text} on stdout\n".encode())
    os.write(2, f"{text} on stderr\n".encode())


@tool
async def loop() -> str:
    import asyncio

    return type(asyncio.get_running_loop()).__module__


@tool
def descriptors() -> dict[str, str]:
    return {name: os.readlink(f"/proc/self/fd/{name}") for name in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{name}")}


@tool
def child() -> int:
    return subprocess.Popen(["sleep", "600"]).pid


@tool
def leave(code: int) -> None:
    os._exit(code)


@tool
def hold_lock() -> int:
    os.write(1, b"computes\n")
    return sum(range(10**12))

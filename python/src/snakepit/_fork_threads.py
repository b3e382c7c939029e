"""Which threads a process has that would not live on in a process forked off it, and which library they are of.

A lock that such a thread holds, or a queue that it serves, is dead in the child: whoever waits for it there waits for ever. Some libraries know
that and end their threads before a fork, or make them anew after it. A fork on trial tells them apart, without a list of names.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
import threading
import time
import warnings
from typing import NamedTuple

# They only tidy up after their library, which does its work without them. Names as the kernel cuts them, to 15 characters.
_HARMLESS = frozenset({"jemalloc_bg_thd", "polars-ooc-clea"})
# A thread that waits does so in one of these, on behalf of whoever called them.
_NOBODY = ("libc.so", "libc-", "libpthread", "ld-linux", "ld-musl", "libstdc++", "libgcc_s")
_WORDS = 2_048
# How long a thread may go on working before it is looked at as it is, in seconds.
_SPIN = 0.2


class Region(NamedTuple):
    """A part of this process's memory that was mapped from a file, or is nobody's."""

    start: int
    end: int
    executable: bool
    path: str


def fork_on_trial() -> None:
    """Forks off a process that ends at once. What libraries do at a fork is done then."""
    pid = fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)


def fork() -> int:
    """`os.fork`. Python's warning of other threads is not for here, where they have been looked at."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def foreign_threads() -> list[str]:
    """What the other threads of this process are, such as "a thread of libgomp.so.1"; empty when there are none that matter."""
    main = os.getpid()
    made = {thread.native_id: thread.name for thread in threading.enumerate()}
    regions = _regions()
    found: list[str] = []
    for name in os.listdir("/proc/self/task"):
        thread = int(name)
        called = _read(f"/proc/self/task/{name}/comm").strip()
        if thread == main or called in _HARMLESS:
            continue
        if thread in made:
            found.append(f'the Python thread "{made[thread]}"')
            continue
        library = _library(_waiting(name), regions)
        found.append(f"a thread of {library}" if library else f'a thread called "{called}"')
    return found


def _waiting(thread: str) -> str:
    """What the kernel says a thread waits in. Threads of OpenMP spin for some milliseconds after their work, so they get time to rest."""
    until = time.monotonic() + _SPIN
    while True:
        waiting = _read(f"/proc/self/task/{thread}/syscall")
        if waiting.split()[:1] != ["running"] or time.monotonic() > until:
            return waiting
        time.sleep(0.001)


def _library(waiting: str, regions: list[Region]) -> str:
    """The library in whose code a thread waits; empty when it does not wait or cannot be told. `waiting` is what the kernel says of it."""
    words = waiting.split()
    if len(words) < 2 or not words[-1].startswith("0x"):
        return ""
    stack, here = int(words[-2], 16), int(words[-1], 16)
    region = _find(stack, regions)
    if region is None:
        return ""
    size = min(region.end - stack, _WORDS * 8) // 8 * 8
    # Return addresses stand on the stack, the innermost first.
    for address in (here, *(word for (word,) in struct.iter_unpack("=Q", ctypes.string_at(stack, size)))):
        code = _find(address, regions)
        if code is not None and code.executable and code.path.startswith("/") and code.path != os.path.realpath(sys.executable):
            library = os.path.basename(code.path)
            if not library.startswith(_NOBODY):
                return library
    return ""


def _regions() -> list[Region]:
    regions: list[Region] = []
    for line in _read("/proc/self/maps").splitlines():
        words = line.split(maxsplit=5)
        start, end = (int(word, 16) for word in words[0].split("-"))
        regions.append(Region(start, end, "x" in words[1], words[5] if len(words) > 5 else ""))
    return regions


def _find(address: int, regions: list[Region]) -> Region | None:
    return next((region for region in regions if region.start <= address < region.end), None)


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""

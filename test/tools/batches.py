"""Batch tools that tell in what company each call ran, and tools that keep them waiting."""

import asyncio
import os
import threading
import time

from snakepit import AsyncSession, Session, progress, tool

gate = threading.Event()


@tool(batch=True, max_batch_size=8, max_wait_ms=50)
def company(n: list[int]) -> list[list[int]]:
    """With whom each ran, in the order of the batch, and its worker."""
    return [[os.getpid(), *n] for _ in n]


@tool(batch=True, max_batch_size=8, max_wait_ms=50)
async def async_company(n: list[int]) -> list[list[int]]:
    await asyncio.sleep(0)
    return [[os.getpid(), *n] for _ in n]


@tool(batch=True, max_batch_size=8, max_wait_ms=60_000)
def inverses(n: list[int], by: list[int] = [1]) -> list[float | ZeroDivisionError]:  # noqa: B006
    return [b / x if x else ZeroDivisionError("no inverse") for x, b in zip(n, by, strict=True)]


@tool(batch=True, max_batch_size=4, max_wait_ms=60_000)
def waits(n: list[int]) -> list[int]:
    print("begun")
    progress(0.5, "half")
    while not gate.is_set():
        time.sleep(0.001)
    gate.clear()
    return n


@tool
async def open_gate() -> None:
    gate.set()


@tool(batch=True, max_batch_size=4, max_wait_ms=1, idempotent=True)
def dies_once(n: list[int], marker: list[str]) -> list[list[int]]:
    """The first run of all kills its worker."""
    try:
        os.close(os.open(marker[0], os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return [n for _ in n]
    os.kill(os.getpid(), 9)
    raise AssertionError


@tool(batch=True, max_batch_size=4, max_wait_ms=60_000)
def of_session(n: list[int], session: Session) -> list[str]:
    return [f"{session.id} {len(n)}"] * len(n)


@tool
def slow(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


@tool
def asks(session: Session) -> list[list[int]]:
    """What the host tool says, which calls batch tools while this waits."""
    return session.call_tool("many")


@tool(batch=True, max_batch_size=3, max_wait_ms=60_000)
def doubles(n: list[int], session: Session) -> list[int]:
    """Asks the host once for all."""
    return session.call_tool("double", n)


@tool(batch=True, max_batch_size=3, max_wait_ms=60_000)
async def async_doubles(n: list[int], session: AsyncSession) -> list[int]:
    return await session.call_tool("double", n)


@tool(batch=True, max_batch_size=8, max_wait_ms=1)
def marked(n: list[int]) -> list[int | ValueError]:
    """Fails every seventeenth."""
    time.sleep(0.0005)
    return [x if x % 17 else ValueError("marked") for x in n]


@tool(batch=True, max_batch_size=8, max_wait_ms=1)
async def async_marked(n: list[int]) -> list[int | ValueError]:
    await asyncio.sleep(0.0005)
    return [x if x % 17 else ValueError("marked") for x in n]

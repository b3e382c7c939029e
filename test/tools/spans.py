"""Tools that say what takes their time."""

import asyncio
from collections.abc import AsyncIterator

from snakepit import AsyncSession, Session, count, span, tool


@tool
def work(text: str = "x") -> str:
    with span("outer", text=text, n=3) as outer:
        print(f"working on {text}")
        with span("inner"):
            pass
    return outer.traceparent


@tool
def fails() -> None:
    with span("failing"):
        raise ValueError("no")


@tool
async def waits() -> None:
    async with span("waiting"):
        await asyncio.sleep(30)


@tool
async def streams(count: int) -> AsyncIterator[int]:
    async with span("streaming"):
        for n in range(count):
            yield n


@tool
def asks(session: Session) -> str:
    with span("asking"):
        return str(session.call_tool("again"))


@tool
async def asks_later(session: AsyncSession) -> str:
    async with span("asking"):
        return str(await session.call_tool("again"))


@tool
def counts(name: str, by: float, times: int) -> None:
    for _ in range(times):
        count(name, by)

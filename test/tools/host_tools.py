"""Tools that call the functions of their host, in every way there is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import snakepit
from snakepit import AsyncSession, HostToolFailed, Session, SnakepitError, tool


@tool
def call(session: Session, name: str, args: list[Any] = [], kwargs: dict[str, Any] = {}) -> Any:  # noqa: B006
    """Call a host tool."""
    return session.call_tool(name, *args, **kwargs)


@tool
async def call_async(session: AsyncSession, name: str, args: list[Any] = [], kwargs: dict[str, Any] = {}) -> Any:  # noqa: B006
    """Call a host tool without holding a thread."""
    return await session.call_tool(name, *args, **kwargs)


@tool
def stream(session: Session, name: str, args: list[Any] = []) -> Iterator[Any]:  # noqa: B006
    """Pass on what a host tool streams."""
    yield from session.stream_tool(name, *args)


@tool
async def stream_async(session: AsyncSession, name: str, args: list[Any] = []) -> AsyncIterator[Any]:  # noqa: B006
    """Pass on what a host tool streams, on the loop."""
    async for item in session.stream_tool(name, *args):
        yield item


@tool
def first(session: Session, name: str, count: int) -> list[Any]:
    """Take some items of a host tool and leave it."""
    items: list[Any] = []
    for item in session.stream_tool(name):
        items.append(item)
        if len(items) == count:
            break
    return items


@tool
def caught(session: Session, name: str, args: list[Any] = [], streaming: bool = False) -> dict[str, Any]:  # noqa: B006
    """Catch what a host tool fails with, and say what it is."""
    try:
        list(session.stream_tool(name, *args)) if streaming else session.call_tool(name, *args)
    except SnakepitError as error:
        fields = {"type": error.type, "detail": error.detail} if isinstance(error, HostToolFailed) else {}
        return {"class": type(error).__name__, "says": str(error), "cause": str(error.__cause__), **fields}
    return {}


@tool
async def both(session: AsyncSession, name: str) -> list[Any]:
    """Two calls at once."""
    return list(await asyncio.gather(session.call_tool(name, 1), session.call_tool(name, 2)))


@tool
def listed(session: Session) -> list[dict[str, Any]]:
    """The host tools that may be called."""
    return [tool._asdict() for tool in session.list_tools()]


@tool
def apply(fn: Callable[..., Any], args: list[Any]) -> Any:
    """Call a function of the host's."""
    return fn(*args)


@tool
async def apply_async(more: dict[str, list[Callable[..., Any]]], args: list[Any]) -> list[Any]:
    """Call functions that stand inside other arguments."""
    return [await fn(*args) for fns in more.values() for fn in fns]


_kept: list[Any] = []


@tool
def keep(fn: Callable[..., Any]) -> None:
    """Keep a function beyond its call."""
    _kept.append(fn)


@tool
def call_kept() -> str:
    """Call the function that was kept."""
    try:
        return str(_kept[-1](1))
    except Exception as error:
        return type(error).__name__


class Model:
    """Something that stays in Python."""

    def __init__(self, weight: float) -> None:
        """Weigh this much."""
        self.weight = weight


@tool
def fit(session: Session, weight: float) -> dict[str, Any]:
    """Make a model and give references to it."""
    model = Model(weight)
    return {"model": snakepit.ref(model), "again": [snakepit.ref(model)]}


@tool
def weigh(session: Session, models: list[Model]) -> float:
    """Use models that were made before."""
    return sum(model.weight for model in models)

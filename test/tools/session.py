"""Tools that use their session: for the tests of sessions with real workers."""

from __future__ import annotations

import inspect
import itertools
import json
import os
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import fields, is_dataclass
from typing import Any, cast

from snakepit import AsyncSession, Session, SnakepitError, VersionConflict, ref, tool

# Writers of histories. Each op is put down in a file before and after it, so that what was done is known also when the worker was killed. Times are
# of the system's monotonic clock in milliseconds, as `performance` and `process.hrtime` of the host count them.


def _now() -> float:
    return time.monotonic_ns() / 1e6


class _Record:
    """A file of what an actor did, a line of JSON each."""

    def __init__(self, folder: str, actor: str, call: int) -> None:
        self._file = os.open(os.path.join(folder, f"{actor}-{call}"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def __enter__(self) -> _Record:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._file)

    def put(self, **fields: Any) -> None:
        # One write is whole or not there, whatever becomes of this process.
        os.write(self._file, (json.dumps(fields) + "\n").encode())


def _plan(seed: int, names: list[str], first: int, count: int) -> Iterator[tuple[str, list[str], int]]:
    """What a writer does: the kind, the variables and the first of the values, which nobody else writes."""
    rng = random.Random(seed)
    for n in range(count):
        kind = rng.choice(["set", "set", "expect", "update", "batch"])
        chosen = rng.sample(names, 2 if kind == "batch" else 1)
        yield kind, chosen, first + n


@tool
def clock() -> float:
    """The time that histories are written with."""
    return _now()


@tool
def write(session: Session, folder: str, actor: str, call: int, seed: int, names: list[str], first: int, count: int) -> None:
    """Change variables, one op after the other."""
    with _Record(folder, actor, call) as record:
        for kind, chosen, value in _plan(seed, names, first, count):
            name = chosen[0]
            try:
                if kind == "set":
                    record.put(ask=dict.fromkeys(chosen, value), at=_now())
                    record.put(ack={name: session.set_variable(name, value)}, at=_now())
                elif kind == "expect":
                    entry = session.variable_entry(name)
                    record.put(ask=dict.fromkeys(chosen, value), expected=entry.version, at=_now())
                    record.put(ack={name: session.set_variable(name, value, entry.version)}, at=_now())
                elif kind == "batch":
                    record.put(ask=dict.fromkeys(chosen, value), at=_now())
                    record.put(ack=dict(session.update_variables(dict.fromkeys(chosen, value)).versions), at=_now())
                else:
                    record.put(ask=dict.fromkeys(chosen, value), at=_now())
                    replaced: list[Any] = []

                    def change(old: Any, value: int = value, replaced: list[Any] = replaced) -> int:
                        replaced.append(old)
                        return value

                    session.update_variable(name, change)
                    record.put(ack={name: None}, replaced=replaced[-1], at=_now())
            except VersionConflict as conflict:
                record.put(conflict={name: conflict.actual}, at=_now())


@tool
async def write_async(session: AsyncSession, folder: str, actor: str, call: int, seed: int, names: list[str], first: int, count: int) -> None:
    """Change variables as `write` does, without holding a thread."""
    with _Record(folder, actor, call) as record:
        for kind, chosen, value in _plan(seed, names, first, count):
            name = chosen[0]
            try:
                if kind == "expect":
                    entry = await session.variable_entry(name)
                    record.put(ask=dict.fromkeys(chosen, value), expected=entry.version, at=_now())
                    record.put(ack={name: await session.set_variable(name, value, entry.version)}, at=_now())
                elif kind == "batch":
                    record.put(ask=dict.fromkeys(chosen, value), at=_now())
                    record.put(ack=dict((await session.update_variables(dict.fromkeys(chosen, value))).versions), at=_now())
                else:
                    record.put(ask=dict.fromkeys(chosen, value), at=_now())
                    record.put(ack={name: await session.set_variable(name, value)}, at=_now())
            except VersionConflict as conflict:
                record.put(conflict={name: conflict.actual}, at=_now())


@tool
def read(session: Session, names: list[str], count: int, bypass_cache: bool) -> list[dict[str, Any]]:
    """Read variables, one after the other, and say what each was and when it was read."""
    reads: list[dict[str, Any]] = []
    for n in range(count):
        name = names[n % len(names)]
        began = _now()
        value = session.get_variable(name, bypass_cache=bypass_cache)
        reads.append({"variable": name, "value": value, "began": began, "at": _now()})
    return reads


# The methods of sessions by their names, as a program in TypeScript asks for them.


def _plain(result: Any) -> Any:
    """What travels of a result: a dataclass or a named tuple as its fields, an error as its name."""
    if isinstance(result, SnakepitError):
        return type(result).__name__
    if is_dataclass(result) and not isinstance(result, type):
        return {field.name: _plain(getattr(result, field.name)) for field in fields(result)}
    if hasattr(result, "_asdict"):
        return _plain(result._asdict())
    if isinstance(result, Mapping):
        return {key: _plain(value) for key, value in cast("Mapping[Any, Any]", result).items()}
    if isinstance(result, list):
        return [_plain(value) for value in cast("list[Any]", result)]
    return result


@tool
def use(session: Session, method: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """Call a method of the session."""
    return _plain(getattr(session, method)(*args, **kwargs))


@tool
async def use_async(session: AsyncSession, method: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """Call a method of the asynchronous session."""
    result = getattr(session, method)(*args, **kwargs)
    return _plain(await result if inspect.isawaitable(result) else result)


@tool
def increase(session: Session, name: str, by: int) -> int:
    """Add to a variable."""
    return session.update_variable(name, lambda value: value + by)


@tool
async def increase_async(session: AsyncSession, name: str, by: int) -> int:
    """Add to a variable, without holding a thread."""
    return await session.update_variable(name, lambda value: value + by)


@tool
def who(session: Session) -> tuple[str, dict[str, str], int]:
    """The session and the worker that this runs in."""
    return session.id, dict(session.metadata), os.getpid()


# What goes between the languages besides variables.


class Counter:
    """An object that stays in its worker."""

    def __init__(self) -> None:
        """Start at nothing."""
        self.count = 0


@tool
def counter(session: Session) -> object:
    """Make a counter and give a reference to it, which calls of this session may bring back."""
    del session
    return ref(Counter())


@tool
def count(on: Counter) -> tuple[int, int]:
    """Count one more, and say in which process."""
    on.count += 1
    return on.count, os.getpid()


@tool
def each(values: list[int], fn: Callable[[int], int]) -> list[int]:
    """What a function of the program makes of these."""
    return [fn(value) for value in values]


@tool
async def each_async(values: list[int], fn: Callable[[int], Awaitable[int]]) -> list[int]:
    """What a function of the program makes of these."""
    return [await fn(value) for value in values]


@tool
def through(session: Session, name: str, limit: int) -> list[Any]:
    """The first items that the program streams."""
    with closing(session.stream_tool(name)) as items:
        return list(itertools.islice(items, limit))


@tool
async def through_async(session: AsyncSession, name: str) -> AsyncIterator[Any]:
    """Every item that the program streams."""
    async for item in session.stream_tool(name):
        yield item


@tool
def caught(session: Session, name: str) -> list[str]:
    """What a function of the program fails with, as Python sees it."""
    try:
        session.call_tool(name)
    except SnakepitError as error:
        return [type(error).__name__, str(error)]
    return []


@tool
def watch_with(session: Session, name: str) -> None:
    """Pass on every change to a function of the program, also after this call."""
    session.watch_variables(callback=lambda change: session.call_tool(name, change.kind, change.name, change.value, change.version))

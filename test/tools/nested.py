"""Tools that call their host, which calls Python again."""

import os
from collections.abc import Callable, Iterator

import snakepit
from snakepit import AsyncSession, Session, tool


def say(text: str) -> None:
    """Tell the host at once, past everything that captures output."""
    os.write(1, f"{text}\n".encode())


@tool
def pid() -> int:
    return os.getpid()


@tool
async def pid_later() -> int:
    return os.getpid()


@tool
def ask(session: Session, name: str, value: int = 0) -> object:
    """Call a host tool."""
    say(f"{name} {value} asked")
    return session.call_tool(name, value)


@tool
async def ask_later(session: AsyncSession, name: str, value: int = 0) -> object:
    say(f"{name} {value} asked")
    return await session.call_tool(name, value)


@tool
def each(session: Session, name: str, value: int = 0) -> Iterator[object]:
    """Give what a host tool gives, as a generator."""
    yield session.call_tool(name, value)


@tool
def apply(fn: Callable[[int], int], value: int) -> int:
    return fn(value)


@tool
def keep(session: Session, key: str, value: object) -> int:
    session.store_local_object(key, value)
    return os.getpid()


@tool
def kept(session: Session, key: str) -> object:
    return session.get_local_object(key, None)


class Thing:
    def __init__(self, value: int) -> None:
        self.value = value


@tool
def make(value: int) -> object:
    """Give a reference to an object that stays here."""
    return snakepit.ref(Thing(value))


@tool
def value_of(thing: object) -> list[int]:
    assert isinstance(thing, Thing)
    return [os.getpid(), thing.value]

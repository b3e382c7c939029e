"""Any tree of nested calls, with cancels at any moment: each call that nobody cancels is answered rightly, and nothing is left behind."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any, NamedTuple

import msgspec
import pytest
from calling_host import Ask, CallingHost, Python, nested_frame
from hypothesis import given, settings
from hypothesis import strategies as st

from snakepit._frames import END, ERROR, MESSAGE, RESULT
from snakepit.v1.worker_pb2 import ExecuteToolResponse

TOOLS = """
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any
from snakepit import AsyncSession, Session

# A node is [kind, [children], how the host runs them]; its result is the number of nodes below it, itself included.

def work(rounds):
    n = 0
    for i in range(rounds):
        n += i
    return n

@tool
def sync(session: Session, node: list) -> int:
    work(200)
    total = 1 + (session.call_tool("run", node) if node[1] else 0)
    work(200)
    return total

@tool
async def coro(session: AsyncSession, node: list) -> int:
    return 1 + (await session.call_tool("run", node) if node[1] else 0)

@tool
def gen(session: Session, node: list) -> Iterator[int]:
    yield 1
    if node[1]:
        yield session.call_tool("run", node)
    yield 0

@tool
async def agen(session: AsyncSession, node: list) -> AsyncIterator[int]:
    yield 1
    if node[1]:
        yield await session.call_tool("run", node)

@tool
def reader(session: Session, node: list) -> int:
    return 1 + sum(session.stream_tool("run each", node))

@tool
async def areader(session: AsyncSession, node: list) -> int:
    total = 1
    async for n in session.stream_tool("run each", node):
        total += n
    return total

@tool
def echo(x: int) -> int:
    return x
"""

STREAMING = ("gen", "agen")


def total_of(answer: Any) -> int:
    return sum(answer) if isinstance(answer, list) else answer


def asked(node: list[Any]) -> Python:
    return Python(node[0], {"node": node}, streaming=node[0] in STREAMING)


def run(ask: Ask) -> Generator[Any, Any, int]:
    _, children, together = ask.args[0]
    if together:
        return sum(map(total_of, (yield [asked(child) for child in children])))
    total = 0
    for child in children:
        total += total_of((yield asked(child)))
    return total


def run_each(ask: Ask) -> Generator[Any, Any, None]:
    for child in ask.args[0][1]:
        yield total_of((yield asked(child)))


def size(node: list[Any]) -> int:
    return 1 + sum(map(size, node[1]))


def nodes(children: st.SearchStrategy[list[Any]]) -> st.SearchStrategy[list[Any]]:
    kinds = st.sampled_from(["sync", "coro", "gen", "agen", "reader", "areader"])
    return st.tuples(kinds, children, st.booleans()).map(list)


class Started(NamedTuple):
    """A call of the program's own, and after how many messages from the worker it is cancelled."""

    node: list[Any]
    cancel_after: int | None


trees = st.recursive(nodes(st.just([])), lambda inner: nodes(st.lists(inner, max_size=3)), max_leaves=8)
programs = st.lists(st.builds(Started, trees, st.none() | st.integers(0, 25)), min_size=1, max_size=5)


class Counting(CallingHost):
    """A host that cancels when it has read so many messages."""

    def __init__(self, threads: int) -> None:
        # After how many more messages which calls are cancelled.
        self.to_cancel: dict[int, int] = {}
        super().__init__(TOOLS, {"run": run, "run each": run_each}, threads=threads)

    def _step(self) -> Any:
        got = super()._step()
        for call in list(self.to_cancel):
            self.to_cancel[call] -= 1
            if self.to_cancel[call] <= 0:
                del self.to_cancel[call]
                self.cancel(call)
        return got

    def run_program(self, program: list[Started]) -> None:
        """Starts all of them at once; those that are not cancelled are answered with what they are worth."""
        self._waiting.clear()
        wanted: dict[int, list[Any]] = {}
        for node, cancel_after in program:
            call = self.new_call()
            self.send_call(call, node)
            if cancel_after is None:
                wanted[call] = node
            elif cancel_after == 0:
                self.cancel(call)
            else:
                self.to_cancel[call] = cancel_after
        for call, node in wanted.items():
            assert self.answer(call) == size(node)
        for call in list(self.to_cancel):
            self.cancel(call)
        self.to_cancel.clear()
        # Whatever the worker asked for it is answered, or it cancels. It may be idle before, when it has not yet read what it is asked.
        self.wait_until_idle()
        self.pump(lambda: not self._running)
        self.wait_until_idle()
        assert self.call("echo", x=1) == 1

    def send_call(self, call: int, node: list[Any]) -> None:
        self.send(nested_frame(call, asked(node), self.session, 0, 0))

    def answer(self, call: int) -> int:
        total = 0
        while True:
            got = self.for_call(call, RESULT, ERROR, END, MESSAGE)
            assert got.kind != ERROR, got
            if got.kind == END:
                return total
            if got.kind == RESULT:
                return msgspec.msgpack.decode(ExecuteToolResponse.FromString(got.body[got.prefix :]).result)
            total += sum(self.items_in(got))


@pytest.fixture(scope="module", params=[1, 2], ids=["main thread", "two threads"])
def host(request: pytest.FixtureRequest) -> Iterator[Counting]:
    with Counting(request.param) as host:
        yield host


@settings(max_examples=150)
@given(program=programs)
def test_any_schedule(host: Counting, program: list[Started]) -> None:
    host.run_program(program)

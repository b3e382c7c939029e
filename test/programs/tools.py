from collections.abc import AsyncIterator, Iterator

from snakepit import AsyncSession, Session, tool


@tool
def add(a: float, b: float = 0.0) -> float:
    """Add two numbers."""
    return a + b


@tool
def countdown(start: int) -> Iterator[int]:  # a generator is a streaming tool
    for n in range(start, 0, -1):
        yield n


@tool
async def tokens(prompt: str) -> AsyncIterator[str]:
    for word in prompt.split():
        yield word


@tool
def total(numbers: Iterator[float]) -> float:  # an async iterable in TypeScript is an iterator here
    return sum(numbers)


@tool
def remember(session: Session, value: float) -> float:  # a `session` parameter is filled in, never sent by the caller
    session.set_variable("temperature", value)
    return session.get_variable("temperature")


@tool
async def ask(session: AsyncSession, question: str) -> str:
    return await session.call_tool("lookup", question=question)  # a tool that TypeScript registered


@tool(batch=True, max_batch_size=32, max_wait_ms=2)  # single calls `embed({ text: "..." })` arrive together, one result each
def embed(text: list[str]) -> list[list[float]]:
    return [[float(len(t))] for t in text]


class Model:  # made once per worker, before it counts as ready; its tool is "Model.predict"
    def __enter__(self):
        self.bias = 1
        return self

    def __exit__(self, *exc):
        self.bias = 0

    @tool(idempotent=True)  # may be run again after a crash
    def predict(self, rows: list[list[float]]) -> list[int]:
        return [int(sum(r)) + self.bias for r in rows]

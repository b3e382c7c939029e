"""Tools that share state with TypeScript and call it."""

from collections.abc import Callable

from snakepit import AsyncSession, Session, ref, tool


@tool
def warm(session: Session, by: float) -> float:
    """Raise the temperature that both sides share."""
    return session.update_variable("temperature", lambda t: t + by)


@tool
async def ask(session: AsyncSession, question: str) -> str:
    """Ask TypeScript."""
    return await session.call_tool("lookup", question=question)


@tool
def best(words: list[str], score: Callable[[str], float]) -> str:
    """The word of the highest score, which TypeScript gives."""
    return max(words, key=score)


class Counter:
    """Something that stays in Python."""

    def __init__(self) -> None:
        """Start at nothing."""
        self.count = 0


@tool
def counter(session: Session) -> object:
    """Make a counter and give TypeScript a reference to it."""
    return ref(Counter())


@tool
def count(session: Session, on: Counter) -> int:
    """Count one more."""
    on.count += 1
    return on.count

"""Input streams: items that the caller makes while the tool runs."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from snakepit._errors import InputError, error_of
from snakepit.v1.error_pb2 import ErrorDetail

DecodeItem = Callable[[bytes, Sequence[Any]], Any]
GiveBack = Callable[[int, int], None]
"""Called with the number of a stream and bytes of credit."""


class Input:
    """One input stream as the connection sees it: messages go in at one end, items come out at the other.

    `feed`, `end` and `fail` are called by the thread that leads, `take` by whoever runs the tool, one thread at a time each.
    """

    def __init__(self, number: int, window: int, give_back: GiveBack) -> None:
        self.number = number
        self.parameter = ""
        self.tool = ""
        self.decode: DecodeItem | None = None
        self.ended = False
        self._error: BaseException | None = None
        self._detail: ErrorDetail | None = None
        self._messages: deque[tuple[Sequence[bytes], Sequence[Any], int]] = deque()
        self._current: tuple[Sequence[bytes], Sequence[Any], int] | None = None
        self._at = 0
        self._used = 0
        self._half = window // 2
        self._give_back = give_back

    def feed(self, items: Sequence[bytes], buffers: Sequence[Any], cost: int) -> None:
        """Takes a message."""
        self._messages.append((items, buffers, cost))

    def end(self) -> None:
        """Nothing comes after."""
        self.ended = True

    def fail(self, detail: ErrorDetail) -> None:
        """The stream failed where it is made, after what was fed."""
        self._detail = detail
        self.ended = True

    def lose(self, error: BaseException) -> None:
        """The connection is gone."""
        if not self.ended:
            self._error = error
            self.ended = True

    @property
    def ready(self) -> bool:
        """Whether `take` has an answer."""
        return self.ended or bool(self._messages) or self._current is not None

    def take(self) -> tuple[bool, Any]:
        """The next item, or (False, None) at the end. Raises what the stream failed with, and what an item is refused with. Only when `ready`."""
        current = self._current
        while current is None:
            if not self._messages:
                if self._detail is not None:
                    raise self._failure(self._detail)
                if self._error is not None:
                    raise self._error
                return False, None
            current = self._messages.popleft()
            if current[0]:
                self._current = current
                self._at = 0
            else:
                self._count(current[2])
                current = None
        items, buffers, cost = current
        raw = items[self._at]
        self._at += 1
        if self._at == len(items):
            self._current = None
            self._count(cost)
        assert self.decode is not None
        return True, self.decode(raw, buffers)

    def _failure(self, detail: ErrorDetail) -> InputError:
        cause = error_of(detail)
        if isinstance(cause, InputError):
            return cause
        error = InputError(self.tool, self.parameter, detail.message)
        error.__cause__ = cause
        return error

    def _count(self, cost: int) -> None:
        self._used += cost
        if self._used >= self._half and not self.ended:
            used, self._used = self._used, 0
            self._give_back(self.number, used)


class SyncInput:
    """An input stream as an iterator. `wait` returns when the source is ready."""

    def __init__(self, source: Input, wait: Callable[[], None]) -> None:
        self._source = source
        self._wait = wait

    def __iter__(self) -> SyncInput:
        return self

    def __next__(self) -> Any:
        source = self._source
        if not source.ready:
            self._wait()
        more, item = source.take()
        if not more:
            raise StopIteration
        return item


class AsyncInput:
    """An input stream as an asynchronous iterator. Belongs to the loop's thread."""

    def __init__(self, source: Input) -> None:
        self._source = source
        self._arrived = asyncio.Event()

    def __aiter__(self) -> AsyncInput:
        return self

    async def __anext__(self) -> Any:
        source = self._source
        while not source.ready:
            self._arrived.clear()
            await self._arrived.wait()
        more, item = source.take()
        if not more:
            raise StopAsyncIteration
        return item

    def notify(self) -> None:
        """Something was fed. On the loop's thread."""
        self._arrived.set()

"""Watching variables: the current values first, then every change.

Without a callback the watcher asks for one change after the other. With one, a thread or a task of its own does, which goes on when the call that
started it has ended, until the session ends or the watch is closed.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator
from contextvars import Context
from dataclasses import dataclass
from datetime import datetime, timezone
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal

from snakepit._values import decode
from snakepit._variables import Source, source_of, time_of
from snakepit.v1.host_pb2 import WatchVariablesRequest, WatchVariablesResponse
from snakepit.v1.session_pb2 import VariableChange as ChangeMessage

if TYPE_CHECKING:
    from snakepit._runtime import Runtime

    Callback = Callable[["VariableChange"], object]

__all__ = ["AsyncVariableChanges", "VariableChange", "VariableChanges", "Watch", "watch_on_loop", "watch_on_thread"]

_log = logging.getLogger("snakepit")
_CALLBACK_FAILED = "the callback of a watch failed, and the watch has ended"
_WATCH_FAILED = "a watch has failed"


@dataclass(frozen=True)
class VariableChange:
    """Something that a watcher sees."""

    kind: Literal["set", "deleted", "ended"]
    """``"set"`` for a current or a new value, ``"deleted"`` for a variable that is gone, ``"ended"`` when the session is, and nothing after."""
    name: str
    """Name of the variable; empty for ``"ended"``."""
    id: str
    """Its id; empty for ``"ended"``. A variable that is registered again has another one."""
    value: Any
    """Its value; for ``"deleted"`` the last one, for ``"ended"`` None."""
    version: int
    """Its version; 0 for ``"ended"``."""
    source: Source | None
    """Who set it last; None for ``"ended"``."""
    at: datetime
    """When it was last set, in UTC; for ``"ended"`` when that was heard."""
    coalesced: int
    """How many changes of this variable were left out before this one, because the watcher was slow."""


class VariableChanges(Iterator[VariableChange]):
    """The changes that a watcher sees, in the order of their versions. Ends after one of kind ``"ended"``.

    Leaving a ``for`` over it, a ``with`` around it or ``close()`` ends the watch. Raises SessionNotFound and SessionExpired.
    """

    def __init__(self, runtime: Runtime, request: WatchVariablesRequest, opened: Callable[[int], None] | None = None) -> None:
        self._changes = _changes(runtime, request, opened)

    def __next__(self) -> VariableChange:
        return next(self._changes)

    def close(self) -> None:
        """Ends the watch. May be called twice."""
        self._changes.close()

    def __enter__(self) -> VariableChanges:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()


class AsyncVariableChanges(AsyncIterator[VariableChange]):
    """The changes that a watcher sees, in the order of their versions. Ends after one of kind ``"ended"``.

    Leaving an ``async with`` around it or ``aclose()`` ends the watch; leaving an ``async for`` does so a little later. Raises SessionNotFound and
    SessionExpired.
    """

    def __init__(self, runtime: Runtime, request: WatchVariablesRequest) -> None:
        self._changes = _changes_async(runtime, request)

    async def __anext__(self) -> VariableChange:
        return await self._changes.__anext__()

    async def aclose(self) -> None:
        """Ends the watch. May be called twice."""
        await self._changes.aclose()

    async def __aenter__(self) -> AsyncVariableChanges:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        await self.aclose()


class Watch:
    """A watch with a callback. It goes on after the call that started it, until it is closed or the session ends."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._closed = False
        # What ends it, once it has begun.
        self._cancel: Callable[[], object] | None = None

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._closed

    def close(self) -> None:
        """Ends the watch. A callback that runs goes on, and no other one begins. On any thread; may be called twice."""
        with self._lock:
            self._closed = True
            cancel, self._cancel = self._cancel, None
        if cancel is not None:
            cancel()

    def _started(self, cancel: Callable[[], object]) -> None:
        with self._lock:
            if not self._closed:
                self._cancel = cancel
                return
        cancel()

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()


class _ThreadWatch(Watch):
    def __init__(self, runtime: Runtime, request: WatchVariablesRequest, callback: Callback) -> None:
        super().__init__()
        self._runtime = runtime
        self._changes = VariableChanges(runtime, request, self._opened)
        self._callback = callback
        # A daemon, so that it keeps no worker from exiting.
        threading.Thread(target=self._run, name="snakepit-watch", daemon=True).start()

    def _opened(self, call: int) -> None:
        self._started(lambda: self._runtime.host.cancel(call))

    def _run(self) -> None:
        with self._changes as changes:
            try:
                for change in changes:
                    if self._closed or not self._call(change):
                        return
            except ConnectionError:
                # The host is gone, and the worker goes too.
                pass
            except Exception:
                _log.exception(_WATCH_FAILED)

    def _call(self, change: VariableChange) -> bool:
        try:
            self._callback(change)
        except Exception:
            _log.exception(_CALLBACK_FAILED)
            return False
        return True


class _LoopWatch(Watch):
    def __init__(self, runtime: Runtime, request: WatchVariablesRequest, callback: Callback) -> None:
        super().__init__()
        self._changes = AsyncVariableChanges(runtime, request)
        self._callback = callback
        self._calling = False
        # It is no part of the call that starts it. The loop itself holds tasks only weakly.
        task = Context().run(asyncio.get_running_loop().create_task, self._run())
        _tasks.add(task)
        task.add_done_callback(_tasks.discard)
        self._started(lambda: runtime.loop.call(self._stop, task))

    async def _run(self) -> None:
        async with self._changes as changes:
            try:
                async for change in changes:
                    if self._closed or not await self._call(change) or self._closed:
                        return
            except ConnectionError:
                pass
            except Exception:
                _log.exception(_WATCH_FAILED)

    def _stop(self, task: asyncio.Task[None]) -> None:
        # A callback that runs is not cancelled; the watch ends behind it.
        if not self._calling:
            task.cancel()

    async def _call(self, change: VariableChange) -> bool:
        self._calling = True
        try:
            given = self._callback(change)
            if inspect.isawaitable(given):
                await given
        except Exception:
            _log.exception(_CALLBACK_FAILED)
            return False
        finally:
            self._calling = False
        return True


_tasks: set[asyncio.Task[None]] = set()


def watch_on_thread(runtime: Runtime, request: WatchVariablesRequest, callback: Callback) -> Watch:
    """Calls back on a thread of its own. What the callback raises is logged and ends the watch."""
    return _ThreadWatch(runtime, request, callback)


def watch_on_loop(runtime: Runtime, request: WatchVariablesRequest, callback: Callback) -> Watch:
    """Calls back in a task of its own, on the loop's thread, and waits for what the callback gives. What it raises is logged and ends the watch."""
    return _LoopWatch(runtime, request, callback)


def _changes(runtime: Runtime, request: WatchVariablesRequest, opened: Callable[[int], None] | None) -> Generator[VariableChange, None, None]:
    stream = runtime.host.stream("WatchVariables", request, _parse, opened=opened)
    try:
        for changes in stream:
            for change in changes:
                yield change
                if change.kind == "ended":
                    return
    finally:
        stream.close()


async def _changes_async(runtime: Runtime, request: WatchVariablesRequest) -> AsyncGenerator[VariableChange, None]:
    stream = runtime.host.stream_async("WatchVariables", request, _parse)
    try:
        async for changes in stream:
            for change in changes:
                yield change
                if change.kind == "ended":
                    return
    finally:
        await stream.aclose()


def _parse(body: bytes) -> list[VariableChange]:
    return [change for message in WatchVariablesResponse.FromString(body).changes if (change := _change_of(message)) is not None]


def _change_of(message: ChangeMessage) -> VariableChange | None:
    variable = message.variable
    if message.kind == ChangeMessage.KIND_ENDED:
        return VariableChange("ended", "", "", None, 0, None, datetime.now(timezone.utc), 0)
    if message.kind not in (ChangeMessage.KIND_SET, ChangeMessage.KIND_DELETED):
        # Something that a newer host tells.
        return None
    return VariableChange(
        kind="set" if message.kind == ChangeMessage.KIND_SET else "deleted",
        name=variable.name,
        id=variable.id,
        value=decode(variable.value),
        version=variable.version,
        source=source_of(variable),
        at=time_of(variable),
        coalesced=message.coalesced,
    )

"""The session of a call, as tools see it.

Nothing heavy is imported before a session is used, so that declaring tools stays quick. What needs no waiting stands in `_variable_requests.py`; the
two classes here are the same but for how they wait.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar, overload

if TYPE_CHECKING:
    from snakepit._host_tools import HostTool
    from snakepit._runtime import Runtime
    from snakepit._session_cache import CacheStats
    from snakepit._session_state import SessionState
    from snakepit._variable_requests import Ask, VariableRequests
    from snakepit._variables import ReadOutcome, Variable, WriteOutcome
    from snakepit._watch import AsyncVariableChanges, VariableChange, VariableChanges, Watch

__all__ = ["MISSING", "AsyncSession", "Session"]

T = TypeVar("T")

MISSING: Any = object()
"""Stands for a default that was not given."""


class _Base:
    __slots__ = ("_cache", "_made", "_runtime", "_state")

    def __init__(self, state: SessionState, runtime: Runtime) -> None:
        self._state = state
        self._runtime = runtime
        self._made: VariableRequests | None = None
        if state.kept is None:
            from snakepit._session_cache import no_cache

            self._cache = no_cache()
        else:
            self._cache = state.kept

    @property
    def id(self) -> str:
        """The user's own name for it; empty outside a session."""
        return self._state.id

    @property
    def metadata(self) -> Mapping[str, str]:
        """The user's own words about it. Read only."""
        return MappingProxyType(self._state.metadata)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._state.id!r})"

    def invalidate_cache(self, name: str | None = None) -> None:
        """Lets go of what this worker keeps of the variable of a name or an id; of all variables without one.

        Seldom needed, since the host tells of every change.
        """
        self._cache.invalidate(name)

    def set_cache_config(self, enabled: bool | None = None, ttl_seconds: float | None = None, max_size: int | None = None) -> None:
        """Changes how this worker keeps variables of this session; what is not given stays as it is.

        Args:
            enabled: Whether reads are answered from what is kept. Default True. Turning it off lets go of everything.
            ttl_seconds: How long a value is kept, in seconds. Default 1.
            max_size: Most variables that are kept; beyond that those go that were not read for longest. Default 1,000.

        Raises:
            InvalidOptions: A number is below 0.
        """
        self._cache.configure(enabled, ttl_seconds, max_size)

    def get_cache_stats(self) -> CacheStats:
        """What the cache of this session has done in this worker so far, and how it is set."""
        return self._cache.stats()

    def store_local_object(self, key: str, obj: object) -> None:
        """Stores an object in this worker for later calls of the session that come to it, until the session ends.

        Raises SessionNotFound outside a session.
        """
        from snakepit._objects import store_local_object

        self._inside()
        store_local_object(self._state, key, obj)

    def get_local_object(self, key: str, default: Any = MISSING) -> Any:
        """An object that was stored in this worker.

        Without ``default`` it raises KeyError when nothing was stored under the key, and ObjectLost when it may have been, in a worker that has died.
        Raises SessionNotFound outside a session.
        """
        from snakepit._objects import get_local_object

        self._inside()
        return get_local_object(self._state, key, default)

    def _inside(self) -> None:
        if not self._state.id:
            from snakepit._errors import SessionNotFound

            raise SessionNotFound("")

    @property
    def _requests(self) -> VariableRequests:
        if self._made is None:
            self._inside()
            from snakepit._variable_requests import VariableRequests

            self._made = VariableRequests(self._state.id, self._cache)
        return self._made


class Session(_Base):
    """The session of a call, in tools written with ``def``. A parameter with this type hint is filled in, never sent by the caller.

    Variables are typed, checked and versioned values that TypeScript and Python share; each is named by its name or its id. A batch holds at most
    1,000 of them. Every method that is about variables raises SessionNotFound when the session is gone or the tool was called outside one,
    SessionExpired when it outlived its time, and StoreFailed when the host cannot reach what it keeps.
    """

    __slots__ = ()

    def _ask(self, ask: Ask[T]) -> T:
        return self._runtime.host.unary(ask.method, ask.request, ask.parse)

    def register_variable(
        self,
        name: str,
        type: str,
        value: Any,
        constraints: Mapping[str, Any] | None = None,
        metadata: Mapping[str, str] | None = None,
        if_not_exists: bool = False,
    ) -> Variable:
        """Makes a variable, at version 0.

        Args:
            name: 1 to 200 characters.
            type: ``"float"``, ``"integer"``, ``"string"``, ``"boolean"``, ``"json"``, ``"bytes"``, ``"embedding"``, ``"choice"``, ``"list"``, or a
                name of your own with a JSON Schema as the constraint ``schema``.
            value: Its first value.
            constraints: Any of ``min``, ``max``, ``choices``, ``pattern``, ``min_length``, ``max_length``, ``dimensions``, ``schema``, as far as
                they apply to the type.
            metadata: Your own words about it.
            if_not_exists: Gives the one that is there instead of raising VariableExists. Default False.

        Raises:
            VariableExists: There is one of this name.
            VariableInvalid: The value does not fit the type or a constraint. Checked here first, but for ``pattern`` and ``schema``, which the host
                alone checks.
            InvalidOptions: There is no such type, or a constraint makes no sense for it.
            UnsupportedValue: The value cannot travel.
            QuotaExceeded: The session has too many variables, or too many bytes in them.
        """
        return self._ask(self._requests.register(name, type, value, constraints, metadata, if_not_exists))

    def get_variable(self, name: str, default: Any = MISSING, bypass_cache: bool = False) -> Any:
        """The value of a variable, from what this worker keeps where it can. What is kept is never older than one message.

        Args:
            name: Its name or its id.
            default: Given back when there is none. Without it VariableNotFound is raised.
            bypass_cache: Asks the host even when the value is kept. Default False.

        Raises:
            VariableNotFound: There is none, and no default was given.
        """
        found = self._cache.find(name, bypass_cache)
        return self._ask(self._requests.read(name, default)) if found is None else found.value()

    def variable_entry(self, name: str) -> Variable:
        """A variable with its version and everything else that is known about it, as the host has it now. Raises VariableNotFound."""
        return self._ask(self._requests.entry(name))

    def get_variables(self, names: Iterable[str], bypass_cache: bool = False) -> ReadOutcome:
        """The values of many variables: ``values`` by what was asked for, and which are ``missing``.

        Those that are kept come from there, the others in one message. Raises InvalidOptions for more than 1,000.
        """
        kept, ask = self._requests.read_many(names, bypass_cache)
        return kept if ask is None else self._ask(ask)

    def set_variable(self, name: str, value: Any, expected_version: int | None = None, metadata: Mapping[str, str] | None = None) -> int:
        """Changes a variable and gives its new version.

        Args:
            name: Its name or its id.
            value: Its new value.
            expected_version: Raises VersionConflict when it has another version, which means that somebody else has changed it.
            metadata: Merged into what is there.

        Raises:
            VariableNotFound: There is none.
            VariableInvalid: The value does not fit the type or a constraint. Checked here first where the variable is kept, but for ``pattern`` and
                ``schema``. Nothing was changed.
            VersionConflict: It has another version than ``expected_version``. Nothing was changed.
            UnsupportedValue: The value cannot travel.
            QuotaExceeded: The variables of the session would take too many bytes.
        """
        return self._ask(self._requests.write(name, value, expected_version, metadata))

    def update_variable(self, name: str, change: Callable[[Any], Any]) -> Any:
        """Computes a new value from the present one, sets it and gives it back.

        When somebody else was quicker it starts again from theirs, so ``change`` may be called several times. Raises what `variable_entry` and
        `set_variable` raise, but for VersionConflict.
        """
        from snakepit._errors import VersionConflict

        while True:
            entry = self.variable_entry(name)
            value = change(entry.value)
            try:
                # By its id: a variable that was made anew meanwhile is another one.
                self.set_variable(entry.id, value, entry.version)
            except VersionConflict:
                continue
            return value

    def update_variables(
        self,
        values: Mapping[str, Any],
        atomic: bool = True,
        expected_versions: Mapping[str, int] | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> WriteOutcome:
        """Changes many variables: the new ``versions`` by what was given, and the ``errors`` of those that were not changed.

        Args:
            values: New values by name or id.
            atomic: All or none, where one that cannot be changed raises BatchFailed. False changes the others. Default True.
            expected_versions: The version that each of these must have.
            metadata: Merged into what is there, of each.

        Raises:
            BatchFailed: The batch is atomic and some cannot be changed; its ``errors`` says why, by name. Nothing was changed.
            InvalidOptions: There are more than 1,000.
        """
        return self._ask(self._requests.write_many(values, atomic, expected_versions, metadata))

    def list_variables(self) -> list[Variable]:
        """Every variable of the session, in the order they were made."""
        return self._ask(self._requests.list_all())

    def delete_variable(self, name: str) -> bool:
        """Removes a variable. False when there was none."""
        return self._ask(self._requests.delete(name))

    @overload
    def watch_variables(self, names: Iterable[str] | None = None) -> VariableChanges: ...

    @overload
    def watch_variables(self, names: Iterable[str] | None, callback: Callable[[VariableChange], object]) -> Watch: ...

    @overload
    def watch_variables(self, names: Iterable[str] | None = None, *, callback: Callable[[VariableChange], object]) -> Watch: ...

    def watch_variables(
        self, names: Iterable[str] | None = None, callback: Callable[[VariableChange], object] | None = None
    ) -> VariableChanges | Watch:
        """The current values, then every change in the order of the versions, none twice. Ends after a change of kind ``"ended"``.

        Who is more than 1,024 changes behind gets the newest value of each variable instead, with the number of those left out in ``coalesced``.

        Args:
            names: By name or id, also such that are yet to be made. Default: all variables.
            callback: Is given each change, on a thread of its own, also after this call has ended; the watch that is given back closes it. What it
                raises is logged and ends the watch. Without it the changes are iterated over.
        """
        from snakepit._watch import VariableChanges, watch_on_thread

        request = self._requests.watch(names)
        return VariableChanges(self._runtime, request) if callback is None else watch_on_thread(self._runtime, request, callback)

    def call_tool(self, name: str, /, *args: Any, **kwargs: Any) -> Any:
        """Calls a tool that the TypeScript program provides, and waits for its result. Also outside a session.

        Raises ToolNotFound, InvalidArguments, StreamingMismatch when it streams, HostToolFailed when it throws, CallTimeout, CallDepthExceeded,
        UnsupportedValue, and whatever the tool throws of this family of errors.
        """
        from snakepit._host_tools import call_tool

        return call_tool(self._runtime, self._state, name, args, kwargs)

    def stream_tool(self, name: str, /, *args: Any, **kwargs: Any) -> Iterator[Any]:
        """The items of a tool that the TypeScript program provides and that streams. Closing the iterator cancels it.

        Raises what `call_tool` raises.
        """
        from snakepit._host_tools import stream_tool

        return stream_tool(self._runtime, self._state, name, args, kwargs)

    def list_tools(self) -> list[HostTool]:
        """The tools of the TypeScript program that this session may call, in the order they were provided."""
        from snakepit._host_tools import list_host_tools

        return list_host_tools(self._runtime, self._state)


class AsyncSession(_Base):
    """The session of a call, in tools written with ``async def``. A parameter with this type hint is filled in, never sent by the caller.

    Its methods are those of `Session`, with the same arguments and errors.
    """

    __slots__ = ()

    async def _ask(self, ask: Ask[T]) -> T:
        return await self._runtime.host.unary_async(ask.method, ask.request, ask.parse)

    async def register_variable(
        self,
        name: str,
        type: str,
        value: Any,
        constraints: Mapping[str, Any] | None = None,
        metadata: Mapping[str, str] | None = None,
        if_not_exists: bool = False,
    ) -> Variable:
        """Makes a variable, at version 0. See `Session.register_variable`."""
        return await self._ask(self._requests.register(name, type, value, constraints, metadata, if_not_exists))

    async def get_variable(self, name: str, default: Any = MISSING, bypass_cache: bool = False) -> Any:
        """The value of a variable. See `Session.get_variable`."""
        found = self._cache.find(name, bypass_cache)
        return await self._ask(self._requests.read(name, default)) if found is None else found.value()

    async def variable_entry(self, name: str) -> Variable:
        """A variable with everything that is known about it. See `Session.variable_entry`."""
        return await self._ask(self._requests.entry(name))

    async def get_variables(self, names: Iterable[str], bypass_cache: bool = False) -> ReadOutcome:
        """The values of many variables. See `Session.get_variables`."""
        kept, ask = self._requests.read_many(names, bypass_cache)
        return kept if ask is None else await self._ask(ask)

    async def set_variable(self, name: str, value: Any, expected_version: int | None = None, metadata: Mapping[str, str] | None = None) -> int:
        """Changes a variable and gives its new version. See `Session.set_variable`."""
        return await self._ask(self._requests.write(name, value, expected_version, metadata))

    async def update_variable(self, name: str, change: Callable[[Any], Any]) -> Any:
        """Computes a new value from the present one, sets it and gives it back. See `Session.update_variable`."""
        from snakepit._errors import VersionConflict

        while True:
            entry = await self.variable_entry(name)
            value = change(entry.value)
            try:
                # By its id: a variable that was made anew meanwhile is another one.
                await self.set_variable(entry.id, value, entry.version)
            except VersionConflict:
                continue
            return value

    async def update_variables(
        self,
        values: Mapping[str, Any],
        atomic: bool = True,
        expected_versions: Mapping[str, int] | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> WriteOutcome:
        """Changes many variables. See `Session.update_variables`."""
        return await self._ask(self._requests.write_many(values, atomic, expected_versions, metadata))

    async def list_variables(self) -> list[Variable]:
        """Every variable of the session, in the order they were made."""
        return await self._ask(self._requests.list_all())

    async def delete_variable(self, name: str) -> bool:
        """Removes a variable. False when there was none."""
        return await self._ask(self._requests.delete(name))

    @overload
    def watch_variables(self, names: Iterable[str] | None = None) -> AsyncVariableChanges: ...

    @overload
    def watch_variables(self, names: Iterable[str] | None, callback: Callable[[VariableChange], object]) -> Watch: ...

    @overload
    def watch_variables(self, names: Iterable[str] | None = None, *, callback: Callable[[VariableChange], object]) -> Watch: ...

    def watch_variables(
        self, names: Iterable[str] | None = None, callback: Callable[[VariableChange], object] | None = None
    ) -> AsyncVariableChanges | Watch:
        """The current values, then every change. See `Session.watch_variables`.

        The callback is called in a task of its own, on the loop's thread, and awaited if it is asynchronous.
        """
        from snakepit._watch import AsyncVariableChanges, watch_on_loop

        request = self._requests.watch(names)
        return AsyncVariableChanges(self._runtime, request) if callback is None else watch_on_loop(self._runtime, request, callback)

    async def call_tool(self, name: str, /, *args: Any, **kwargs: Any) -> Any:
        """Calls a tool that the TypeScript program provides. See `Session.call_tool`."""
        from snakepit._host_tools import call_tool_async

        return await call_tool_async(self._runtime, self._state, name, args, kwargs)

    def stream_tool(self, name: str, /, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        """The items of a tool that the TypeScript program provides and that streams. See `Session.stream_tool`."""
        from snakepit._host_tools import stream_tool_async

        return stream_tool_async(self._runtime, self._state, name, args, kwargs)

    async def list_tools(self) -> list[HostTool]:
        """The tools of the TypeScript program that this session may call, in the order they were provided."""
        from snakepit._host_tools import list_host_tools_async

        return await list_host_tools_async(self._runtime, self._state)

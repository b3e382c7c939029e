"""A host for tests that keeps the variables of one session, as src/session does."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec
from google.protobuf.any_pb2 import Any as AnyMessage
from worker_host import Frame, Host

from snakepit._errors import BatchFailed, SessionNotFound, SnakepitError, VariableExists, VariableNotFound, VersionConflict, detail_of
from snakepit._frames import CANCEL, END, ERROR, EVENT, MESSAGE, OPEN, RESULT, WORKER_CALL, cut, frame
from snakepit.v1 import host_pb2 as host
from snakepit.v1.error_pb2 import ErrorDetail
from snakepit.v1.frame_pb2 import CallError, CallHead, ChangedVariable, Event, HostEvent, VariablesChanged
from snakepit.v1.session_pb2 import Source, Variable, VariableChange
from snakepit.v1.worker_pb2 import CleanupSessionRequest, CleanupSessionResponse, InitializeSessionRequest, InitializeSessionResponse

SESSION = "user-42"


class Asked(NamedTuple):
    """A question that the worker has asked."""

    method: str
    request: Any
    call: int


class SessionHost(Host):
    """A host with one session. It tells of every change of what it has answered to be kept."""

    def __init__(self, tools: str, threads: int = 1, **session: Any) -> None:
        super().__init__(tools, threads=threads)
        self.variables: dict[str, Variable] = {}
        self.asked: list[Asked] = []
        # Called instead of answering, when set.
        self.instead: Callable[[Asked], None] | None = None
        self.cancelled: list[int] = []
        self._between: deque[Frame] = deque()
        self._kept: set[str] = set()
        self._serial = 0
        self._watches: dict[int, Asked] = {}
        self.initialize(**session)

    def initialize(self, **session: Any) -> InitializeSessionResponse:
        return self.control("InitializeSession", InitializeSessionRequest(session_id=SESSION, **session), InitializeSessionResponse)

    def cleanup(self) -> bool:
        return self.control("CleanupSession", CleanupSessionRequest(session_id=SESSION), CleanupSessionResponse).success

    # Reading.

    def next(self) -> Frame:
        while (got := self._step()) is None:
            pass
        return got

    def pump(self, done: Callable[[], bool]) -> None:
        """Answers until something is so."""
        while not done():
            if (got := self._step()) is not None:
                self._waiting.append(got)

    def until_watched(self) -> Asked:
        """Answers until there is a watch, and gives the first."""
        self.pump(lambda: bool(self._watches))
        return next(iter(self._watches.values()))

    def until_log(self, beginning: str) -> Any:
        """The next line of log that begins so, with the call it belongs to."""
        got = self.until(lambda f: f.kind == EVENT and Event.FromString(f.body).log.text.startswith(beginning))
        return got.call, Event.FromString(got.body).log

    def in_session(self, tool: str, *args: Any, **kwargs: Any) -> Any:
        """The result of a call in the session, of a tool that takes a method of its session and what to give it."""
        method, *rest = args
        return self.result(self.start(tool, {"method": method, "args": rest, "kwargs": kwargs}, session=SESSION))

    def methods(self) -> list[str]:
        """What was asked since the last time."""
        asked, self.asked = self.asked, []
        return [one.method for one in asked]

    def _step(self) -> Frame | None:
        got = self._between.popleft() if self._between else super().next()
        if got.kind == OPEN and got.call & WORKER_CALL:
            self._opened(got)
            return None
        if got.kind == CANCEL and got.call & WORKER_CALL:
            self.cancelled.append(got.call)
            self._watches.pop(got.call, None)
            return None
        return got

    def _behind(self, call: int, kind: int) -> Frame:
        """The next frame of a call; what others send between is looked at later."""
        at = next((i for i, frame in enumerate(self._between) if frame.call == call), None)
        if at is None:
            while (got := super().next()).call != call:
                self._between.append(got)
        else:
            got = self._between[at]
            del self._between[at]
        assert got.kind == kind
        return got

    def _opened(self, got: Frame) -> None:
        method = CallHead.FromString(got.body[: got.prefix]).method.rpartition("/")[2]
        body = got.body[got.prefix :]
        if method == "WatchVariables":
            body = self._behind(got.call, MESSAGE).body
            self._behind(got.call, END)
        asked = Asked(method, getattr(host, method + "Request").FromString(body), got.call)
        self.asked.append(asked)
        (self.instead or self.answer)(asked)

    # Answering.

    def answer(self, asked: Asked) -> None:
        try:
            if asked.request.session_id != SESSION:
                raise SessionNotFound(asked.request.session_id)
            answer = getattr(self, "_on_" + asked.method)(asked)
        except SnakepitError as error:
            self.fail(asked, error)
            return
        if answer is not None:
            self.reply(asked, answer)

    def reply(self, asked: Asked, answer: Any) -> None:
        self.send(b"".join(b"".join(pieces) for pieces in cut(RESULT, asked.call, [answer.SerializeToString()])))

    def fail(self, asked: Asked, error: SnakepitError) -> None:
        code, detail = detail_of(error, "")
        packed = AnyMessage()
        packed.Pack(detail)
        self.send(frame(ERROR, asked.call, CallError(message=detail.message, details=[packed]).SerializeToString(), aux=code))

    def _on_RegisterVariable(self, asked: Asked) -> host.RegisterVariableResponse:  # noqa: N802
        request: host.RegisterVariableRequest = asked.request
        name = request.variable.name
        there = self.variables.get(name)
        if there is None:
            there = self.register(
                name, request.variable.type, request.variable.value, request.variable.constraints_json, dict(request.variable.metadata), "python"
            )
        elif not request.if_not_exists:
            raise VariableExists(name)
        if request.keep:
            self._kept.add(name)
        return host.RegisterVariableResponse(variable=there)

    def _on_GetVariables(self, asked: Asked) -> host.GetVariablesResponse:  # noqa: N802
        request: host.GetVariablesRequest = asked.request
        found = [self.find(name) for name in request.names]
        variables = [variable for variable in found if variable is not None]
        if request.keep:
            self._kept.update(variable.name for variable in variables)
        missing = [name for name, variable in zip(request.names, found, strict=True) if variable is None]
        return host.GetVariablesResponse(variables=variables, missing=missing)

    def _on_SetVariables(self, asked: Asked) -> host.SetVariablesResponse:  # noqa: N802
        request: host.SetVariablesRequest = asked.request
        errors: dict[str, ErrorDetail] = {}
        fitting: list[host.VariableUpdate] = []
        for update in request.updates:
            there = self.find(update.name)
            if there is None:
                errors[update.name] = detail_of(VariableNotFound(update.name), "")[1]
            elif update.HasField("expected_version") and update.expected_version != there.version:
                errors[update.name] = detail_of(VersionConflict(there.name, update.expected_version, there.version), "")[1]
            else:
                fitting.append(update)
        if request.atomic and errors:
            raise BatchFailed({name: detail.message for name, detail in errors.items()})
        changed = {update.name: self.change(update.name, update.value, dict(update.metadata), "python") for update in fitting}
        if request.keep:
            self._kept.update(variable.name for variable in changed.values())
        versions = {name: variable.version for name, variable in changed.items()}
        return host.SetVariablesResponse(versions=versions, errors=errors, variables=changed.values() if request.keep else [])

    def _on_ListVariables(self, asked: Asked) -> host.ListVariablesResponse:  # noqa: N802
        if asked.request.keep:
            self._kept.update(self.variables)
        return host.ListVariablesResponse(variables=self.variables.values())

    def _on_DeleteVariable(self, asked: Asked) -> host.DeleteVariableResponse:  # noqa: N802
        there = self.find(asked.request.name)
        if there is not None:
            self.delete(there.name)
        return host.DeleteVariableResponse(deleted=there is not None)

    def _on_WatchVariables(self, asked: Asked) -> None:  # noqa: N802
        self._watches[asked.call] = asked
        names = list(asked.request.names)
        current = [VariableChange(kind=VariableChange.KIND_SET, variable=v) for v in self.variables.values() if not names or v.name in names]
        if current:
            self.tell(asked, *current)

    def _on_ListHostTools(self, asked: Asked) -> host.ListHostToolsResponse:  # noqa: N802
        return host.ListHostToolsResponse()

    # Changing, as TypeScript does.

    def find(self, name: str) -> Variable | None:
        return next((v for v in self.variables.values() if v.id == name), None) or self.variables.get(name)

    def register(
        self, name: str, type: str, value: Any, constraints_json: str = "{}", metadata: dict[str, str] | None = None, side: str = "typescript"
    ) -> Variable:
        self._serial += 1
        raw = value if side == "python" else msgspec.msgpack.encode(value)
        made = Variable(id=f"var_{name}_{self._serial}", name=name, type=type, value=raw, constraints_json=constraints_json, metadata=metadata)
        self.variables[name] = made
        self._changed(made, side)
        return made

    def change(self, name: str, value: Any, metadata: dict[str, str] | None = None, side: str = "typescript") -> Variable:
        before = self.find(name)
        assert before is not None
        after = Variable()
        after.CopyFrom(before)
        after.value = value if side == "python" else msgspec.msgpack.encode(value)
        after.version += 1
        after.metadata.update(metadata or {})
        self.variables[after.name] = after
        self._changed(after, side)
        return after

    def delete(self, name: str) -> None:
        gone = self.variables.pop(name)
        self._tell_worker(gone, True)
        self._tell_watches(VariableChange(kind=VariableChange.KIND_DELETED, variable=gone))

    def end(self) -> None:
        """Ends the session for its watchers."""
        self._tell_watches(VariableChange(kind=VariableChange.KIND_ENDED))
        for call in list(self._watches):
            self.send(frame(END, call))
        self._watches.clear()

    def tell(self, watch: Asked, *changes: VariableChange) -> None:
        """Tells one watcher."""
        self.send(frame(MESSAGE, watch.call, host.WatchVariablesResponse(changes=changes).SerializeToString(), aux=1))

    def _changed(self, variable: Variable, side: str) -> None:
        variable.source.CopyFrom(
            Source(side=Source.SIDE_PYTHON, worker_id="w1", tool="ask", call=7) if side == "python" else Source(side=Source.SIDE_TYPESCRIPT)
        )
        variable.at.FromMilliseconds(1_700_000_000_123 + variable.version)
        self._tell_worker(variable, False)
        self._tell_watches(VariableChange(kind=VariableChange.KIND_SET, variable=variable))

    def _tell_worker(self, variable: Variable, deleted: bool) -> None:
        if variable.name in self._kept:
            self._kept.discard(variable.name)
            self.send_changed(ChangedVariable(id=variable.id, name=variable.name, version=variable.version, deleted=deleted))

    def send_changed(self, *changed: ChangedVariable) -> None:
        event = HostEvent(variables_changed=VariablesChanged(session_id=SESSION, variables=changed))
        self.send(frame(EVENT, 0, event.SerializeToString()))

    def _tell_watches(self, change: VariableChange) -> None:
        for watch in self._watches.values():
            names = list(watch.request.names)
            if not names or change.variable.name in names or change.kind == VariableChange.KIND_ENDED:
                self.tell(watch, change)

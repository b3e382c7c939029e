"""Spans: parts of a call whose time is of interest, told to the trace that the call belongs to."""

from __future__ import annotations

import os
import re
import sys
import time
from contextvars import ContextVar
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple

from snakepit._context import HOST, Running, current
from snakepit.v1.frame_pb2 import Event, SpanAttribute, SpanEnded

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["TRACEPARENT", "Attribute", "Span", "span", "trace_id", "traceparent"]

Attribute = str | int | float | bool
"""What an attribute of a span may be."""

TRACEPARENT = re.compile(r"00-(?!0{32})[\da-f]{32}-(?!0{16})[\da-f]{16}-[\da-f]{2}", re.ASCII)
"""The W3C trace context of version 00."""

_LONGEST_NUMBER = 63


class _Trace(NamedTuple):
    """Where in which trace something is."""

    trace_id: str
    span_id: str
    flags: str

    @property
    def recorded(self) -> bool:
        """Whether anybody wants to hear of it."""
        return int(self.flags, 16) & 1 == 1

    def __str__(self) -> str:
        return f"00-{self.trace_id}-{self.span_id}-{self.flags}"


# The innermost open span of each call, never changed in place. By call, since what runs here may stand still in one call and go on in another.
_OPEN: ContextVar[Mapping[int, Span] | None] = ContextVar("snakepit_spans", default=None)


class Span:
    """A part of a call. Made by ``span``; lasts as long as its ``with`` or ``async with``."""

    __slots__ = ("_around", "_attributes", "_began", "_began_at", "_foreign", "_name", "_parent", "_running", "_trace")

    def __init__(self, name: str, attributes: dict[str, Attribute]) -> None:
        self._name = name
        self._attributes = attributes
        self._running: Running | None = None
        # Its own place, and that of what is around it; none when nobody traces.
        self._trace: _Trace | None = None
        self._parent: _Trace | None = None
        self._around: Span | None = None
        self._foreign: _Foreign | None = None
        self._began = 0
        self._began_at = 0

    @property
    def traceparent(self) -> str:
        """The W3C trace context of what runs within it; empty when nobody traces the call."""
        return "" if self._trace is None else str(self._trace)

    def set(self, name: str, value: Attribute) -> None:
        """Gives it an attribute. Does nothing when nobody traces the call."""
        if self._foreign is not None:
            self._foreign.span.set_attribute(name, value)
        else:
            self._attributes[name] = value

    def __enter__(self) -> Span:
        running = self._running = current()
        call = 0 if running is None else running.call
        opened = _OPEN.get() or {}
        self._around = opened.get(call)
        self._parent = _trace_of_call(call) if self._around is None else self._around._trace
        foreign = self._foreign = _recorded_elsewhere(self._name, self._attributes, self._parent)
        if foreign is not None:
            self._trace = foreign.trace
        elif self._parent is not None:
            self._trace = self._parent._replace(span_id=os.urandom(8).hex())
        _OPEN.set({**opened, call: self})
        self._began = time.time_ns()
        self._began_at = time.monotonic_ns()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        running = self._running
        call = 0 if running is None else running.call
        opened = dict(_OPEN.get() or {})
        if self._around is None:
            opened.pop(call, None)
        else:
            opened[call] = self._around
        _OPEN.set(opened or None)
        if self._foreign is not None:
            self._foreign.end(kind, error, trace)
        elif running is not None and self._trace is not None and self._parent is not None and self._trace.recorded:
            self._tell(running, self._trace, self._parent, "" if error is None or isinstance(error, GeneratorExit) else _described(error))

    async def __aenter__(self) -> Span:
        return self.__enter__()

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.__exit__(kind, error, trace)

    def _tell(self, running: Running, own: _Trace, parent: _Trace, error: str) -> None:
        runtime = HOST.runtime
        if runtime is None:
            return
        ended = SpanEnded(
            name=self._name,
            trace_id=own.trace_id,
            span_id=own.span_id,
            parent_id=parent.span_id,
            start_unix_nanos=self._began,
            # The clock on the wall may be set meanwhile.
            end_unix_nanos=self._began + time.monotonic_ns() - self._began_at,
            attributes={name: _attribute(value) for name, value in self._attributes.items()},
            error=error,
            session_id=running.entry.session_id,
            tool=running.tool,
        )
        runtime.emit(running.call, Event(span=ended))


def span(name: str, /, **attributes: Attribute) -> Span:
    """A part of the running call as a span of the caller's trace, for ``with`` and ``async with``.

    Attributes are strings, numbers and booleans; anything else is told as its ``str``. Spans within it are its children. Where OpenTelemetry records
    spans in this process it is one of those, with the caller's as its parent; elsewhere the host is told when it ends.

    Does nothing when nobody traces the call, and outside a call, so a tool can be tested by calling it.
    """
    return Span(name, attributes)


def traceparent() -> str:
    """The W3C trace context of the code that runs; empty when nobody traces it."""
    running = current()
    if running is None:
        return ""
    around = (_OPEN.get() or {}).get(running.call)
    if around is not None:
        return around.traceparent
    trace = _trace_of_call(running.call)
    return "" if trace is None else str(trace)


def trace_id(call: int) -> str:
    """The trace that a call belongs to; empty when nobody traces it."""
    runtime = HOST.runtime
    text = "" if runtime is None else runtime.traces.get(call, "")
    return text.split("-")[1] if text else ""


def _trace_of_call(call: int) -> _Trace | None:
    runtime = HOST.runtime
    text = "" if runtime is None else runtime.traces.get(call, "")
    return _Trace(*text.split("-")[1:4]) if text else None


class _Foreign:
    """A span of OpenTelemetry's."""

    def __init__(self, span: Any, use: Any) -> None:
        self.span = span
        self._use = use
        context = span.get_span_context()
        self.trace = _Trace(f"{context.trace_id:032x}", f"{context.span_id:016x}", f"{int(context.trace_flags):02x}")

    def end(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._use.__exit__(kind, error, trace)


def _recorded_elsewhere(name: str, attributes: dict[str, Attribute], parent: _Trace | None) -> _Foreign | None:
    """A span of OpenTelemetry's, when something here records those."""
    # Whoever sets it up has imported it; so it need not be looked for.
    api: Any = sys.modules.get("opentelemetry.trace")
    if api is None:
        return None
    context = None
    here = api.get_current_span().get_span_context()
    # What is open here may be a span of another call, which stands still. One of this trace may have been opened without us, within ours.
    if parent is not None and f"{here.trace_id:032x}" != parent.trace_id:
        remote = api.SpanContext(int(parent.trace_id, 16), int(parent.span_id, 16), True, api.TraceFlags(int(parent.flags, 16)))
        context = api.set_span_in_context(api.NonRecordingSpan(remote))
    made = api.get_tracer("snakepit").start_span(name, context=context, attributes=attributes)
    if not made.is_recording():
        return None
    use = api.use_span(made, end_on_exit=True)
    use.__enter__()
    return _Foreign(made, use)


def _attribute(value: object) -> SpanAttribute:
    if isinstance(value, bool):
        return SpanAttribute(flag=value)
    if isinstance(value, int) and value.bit_length() <= _LONGEST_NUMBER:
        return SpanAttribute(whole=value)
    if isinstance(value, float):
        return SpanAttribute(number=value)
    return SpanAttribute(text=_sendable(str(value)))


def _described(error: BaseException) -> str:
    text = str(error)
    return _sendable(f"{type(error).__name__}: {text}" if text else type(error).__name__)


def _sendable(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")

"""What tools print and log, as Event frames tagged with the call they belong to.

sys.stdout and sys.stderr are replaced; what C code writes to the descriptors stays on the pipes, where the host reads it as lines without a call.
"""

from __future__ import annotations

import functools
import io
import logging
import os
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, TextIO

from snakepit._context import current
from snakepit._spans import trace_id
from snakepit.v1.frame_pb2 import Event, Log

if TYPE_CHECKING:
    from snakepit._entries import Entry

Emit = Callable[[int, Event], None]

# Longest piece of a line in one event, in characters.
_LONGEST = 32_768
_LEVELS = {"stdout": logging.INFO, "stderr": logging.WARNING}
_DESCRIPTORS = {"stdout": 1, "stderr": 2}


class Logs:
    """Where lines go. Kept back until `open`, since the worker's Hello has to come first."""

    def __init__(self) -> None:
        self.partial: dict[tuple[int, str, int], Log] = {}
        """Lines that have begun, by call, source and thread. Empty nearly always, which is cheap to look at."""
        self._lock = threading.RLock()
        self._emit: Emit | None = None
        self._sending: Callable[[], bool] = lambda: False
        self._forked = False
        self._kept: list[tuple[int, Event]] = []

    def install(self) -> None:
        """Takes over sys.stdout, sys.stderr and what `logging` does when nobody has set it up."""
        sys.stdout = _Stream(self, "stdout", sys.stdout)
        sys.stderr = _Stream(self, "stderr", sys.stderr)
        _take_root_logger(_Handler(self))

    def open(self, emit: Emit, sending: Callable[[], bool] = lambda: False) -> None:
        """Sends what was kept, and from now on everything at once. `sending` says whether this thread is in the middle of `emit` or the like."""
        with self._lock:
            self._sending = sending
            for call, event in self._kept:
                emit(call, event)
            self._kept.clear()
            self._emit = emit

    def after_fork(self) -> None:
        """In a process that was forked off: from now on everything goes to the pipes, like the output of any other process."""
        self._lock = threading.RLock()
        self._forked = True
        self.partial.clear()
        self._kept.clear()

    def write(self, source: str, text: str) -> None:
        """Takes printed text; whole lines are sent."""
        if self._forked:
            _write_all(_DESCRIPTORS[source], text)
            return
        now = current()
        call, tool, session_id = (0, "", "") if now is None else (now.call, now.entry.name, now.entry.session_id)
        trace = trace_id(call)
        if self._sending():
            # A finalizer prints. Whoever has the lock may wait for what is being sent here.
            for line in filter(None, text.split("\n")):
                self._line(call, Log(level=_LEVELS[source], source=source, text=line.rstrip("\r"), session_id=session_id, tool=tool, trace_id=trace))
            return
        key = (call, source, threading.get_ident())
        with self._lock:
            begun = self.partial.pop(key, None)
            if begun is not None:
                text = begun.text + text
            *lines, rest = text.split("\n")
            for line in lines:
                self._line(call, Log(level=_LEVELS[source], source=source, text=line.rstrip("\r"), session_id=session_id, tool=tool, trace_id=trace))
            if rest:
                log = Log(level=_LEVELS[source], source=source, session_id=session_id, tool=tool, trace_id=trace)
                # What is begun stays short, and never becomes empty: the end of the line may come alone.
                early = (len(rest) - 1) // _LONGEST * _LONGEST
                if early:
                    log.text = _sendable(rest[:early])
                    self._line(call, log)
                log.text = _sendable(rest[early:])
                self.partial[key] = log

    def log(self, level: int, source: str, text: str) -> None:
        """Takes a whole record."""
        if self._forked:
            _write_all(_DESCRIPTORS["stderr"], text + "\n")
            return
        now = current()
        call, tool, session_id = (0, "", "") if now is None else (now.call, now.entry.name, now.entry.session_id)
        trace = trace_id(call)
        with nullcontext() if self._sending() else self._lock:
            self._line(call, Log(level=max(0, level), source=source, text=text, session_id=session_id, tool=tool, trace_id=trace))

    def report(self, error: BaseException, entry: Entry) -> None:
        """Takes an exception that has nobody to go to."""
        text = "".join(traceback.format_exception(type(error), error, error.__traceback__)).rstrip()
        with self._lock:
            self._line(0, Log(level=logging.ERROR, source="snakepit", text=text, session_id=entry.session_id, tool=entry.name))

    def finish(self, call: int) -> None:
        """A call is about to end: sends the lines it has begun."""
        if self.partial:
            with self._lock:
                for key in [key for key in self.partial if key[0] == call]:
                    self._line(call, self.partial.pop(key))

    def _line(self, call: int, log: Log) -> None:
        text = _sendable(log.text)
        for at in range(0, max(1, len(text)), _LONGEST):
            piece = Log()
            piece.CopyFrom(log)
            piece.text = text[at : at + _LONGEST]
            event = Event(log=piece)
            if self._emit is None:
                self._kept.append((call, event))
            else:
                self._emit(call, event)


def _write_all(descriptor: int, text: str) -> None:
    data = text.encode("utf-8", "backslashreplace")
    try:
        while data:
            data = data[os.write(descriptor, data) :]
    except OSError:
        # Whoever closed it does not want to hear of it.
        pass


def _sendable(text: str) -> str:
    # Half of a surrogate pair, as in the names of files that are no UTF-8.
    return text.encode("utf-8", "backslashreplace").decode("utf-8") if not text.isascii() else text


class _Stream(io.TextIOBase):
    """sys.stdout or sys.stderr of a worker."""

    def __init__(self, logs: Logs, source: str, real: TextIO) -> None:
        self._logs = logs
        self._source = source
        self._real = real

    @property
    def name(self) -> str:
        return f"<{self._source}>"

    @property
    def encoding(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        return "utf-8"

    @property
    def errors(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        return "backslashreplace"

    @property
    def buffer(self) -> io.BufferedIOBase:
        """The bytes below, for who writes bytes: these go to the pipe."""
        return self._real.buffer  # pyright: ignore[reportReturnType]

    def write(self, s: str, /) -> int:
        if not isinstance(s, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"write() argument must be str, not {type(s).__name__}")
        self._logs.write(self._source, s)
        return len(s)

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._real.fileno()

    def isatty(self) -> bool:
        return False

    def flush(self) -> None:
        self._real.flush()


def _take_root_logger(handler: logging.Handler) -> None:
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    configure = logging.basicConfig

    @functools.wraps(configure)
    def basic_config(**options: Any) -> None:
        # It does nothing when there is a handler; ours must not keep a user's set-up from having its effect.
        root.removeHandler(handler)
        configure(**options)

    logging.basicConfig = basic_config


class _Handler(logging.Handler):
    """What the root logger starts with."""

    def __init__(self, logs: Logs) -> None:
        super().__init__(logging.NOTSET)
        self._logs = logs

    def filter(self, record: logging.LogRecord) -> bool:
        """Leaves a record to a handler of the user's that writes it to one of our streams anyway."""
        for other in logging.getLogger().handlers:
            if isinstance(getattr(other, "stream", None), _Stream):
                return False
        return bool(super().filter(record))

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._logs.log(record.levelno, record.name, self.format(record))
        except Exception:
            self.handleError(record)

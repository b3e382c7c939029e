"""One worker's state: its tools, its calls, its connection; and what each frame means.

Frames are taken by whichever thread leads (`_leader.py`), one thread at a time. Taking a frame never runs a tool: synchronous tools go to the
queue of the threads that run them (`_sync.py`), asynchronous ones and the handlers of services to the loop's thread (`_async.py`, `_server.py`).
"""

from __future__ import annotations

import functools
import heapq
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Protocol

from google.protobuf.message import DecodeError

from snakepit._async import AsyncCall
from snakepit._batch_runs import Batch
from snakepit._batches import BatchedCall, Batches
from snakepit._call import Call, Inputs, Run, received_buffers
from snakepit._counters import Counters
from snakepit._eager import Eager
from snakepit._entries import Entries, Entry, args_only
from snakepit._errors import CallTimeout, PayloadTooLarge, ProtocolError, SnakepitError, StreamingMismatch
from snakepit._frames import (
    CANCEL,
    CREDIT,
    END,
    ERROR,
    EVENT,
    EXECUTE,
    EXECUTE_STREAM,
    HEAD,
    ITEM_COST,
    MESSAGE,
    OPEN,
    RESULT,
    SHUTDOWN,
    STREAM,
    WORKER_CALL,
    Bytes,
    FrameError,
    frame,
)
from snakepit._host_client import HostClient
from snakepit._loop import Loop
from snakepit._memory import Memory
from snakepit._reader import Frame, Reader
from snakepit._replies import Replies
from snakepit._server import Dispatcher
from snakepit._session import AsyncSession, Session
from snakepit._session_state import SessionState
from snakepit._spans import TRACEPARENT
from snakepit._sync import SyncCall
from snakepit._tool import Tool
from snakepit._waiter import Waiter
from snakepit._writer import Writer, send_message
from snakepit.v1.frame_pb2 import Event, HostEvent, Limits, VariablesChanged
from snakepit.v1.worker_pb2 import ExecuteToolRequest, ExecuteToolStreamRequest, InitializeSessionRequest

if TYPE_CHECKING:
    import socket
    import threading

    from snakepit._interrupt import Slot
    from snakepit._logs import Logs
    from snakepit._session_cache import Cache

_WINDOW = 1 << 20
_LONGEST_BATCH = 65_536
# Events are heard up to this size by every host, as the protocol says.
_EVENT_BYTES = 64 << 20
_NOTHING = nullcontext()


class Threads(Protocol):
    """Whoever runs synchronous tools and leads."""

    def queue_sync(self, call: Run) -> None:
        """Has a slice of the call run."""
        ...

    @property
    def lead(self) -> Sequence[bool]:
        """Not empty while whoever runs a tool would be relieved of reading and sending when the tool takes long. Asked for every item of a stream."""
        ...

    def wait(self, ready: Callable[[], bool], arrived: threading.Event, waiter: Waiter | None = None) -> None:
        """Waits on behalf of a tool, reading on, and runs what is to run on top of it. `arrived` is set whenever there may be news of either."""
        ...

    def interrupt(self, call: int) -> bool:
        """Interrupts a short call that turned out long. Whether it still ran; then its tool's answer is not sent."""
        ...

    def slots(self) -> Iterable[Slot]:
        """The threads that run tools."""
        ...

    def shutdown(self, grace: float) -> None:
        """Ends what runs within `grace` seconds, then the worker."""
        ...

    def after_fork(self) -> None:
        """In a process that was forked off: makes sure that whoever comes out of its tool asks its slot."""
        ...

    def running(self) -> int:
        """Calls that run without standing in the table."""
        ...

    def may_block(self) -> bool:
        """Whether the calling thread may wait for the peer to read."""
        ...

    def slot_here(self) -> Slot | None:
        """The slot of the calling thread, if it is one that runs tools."""
        ...


class Runtime:
    """The state that all threads of a worker share."""

    def __init__(
        self, sock: socket.socket, tools: dict[str, Tool], host_limits: Limits, limits: Limits, logs: Logs, worker_id: str, shared_bytes: int = 0
    ) -> None:
        self.worker_id = worker_id
        self.limits = limits
        self.host_limits = host_limits
        self.host_window = host_limits.stream_window_bytes or _WINDOW
        self.batch_bytes = min(_LONGEST_BATCH, host_limits.max_message_bytes // 2 - 32)
        self.tools = tools
        self.logs = logs
        self.writer = Writer(sock)
        self.reader = Reader(sock, limits.max_message_bytes, limits.max_buffer_bytes, self._refuse, self._is_open)
        self.memory = Memory(shared_bytes, self.writer, self.protected)
        self.replies = Replies(self.writer, host_limits, self.memory)
        self.loop = Loop()
        # Calls of the host that are not over before the next frame is read, by id. Whoever takes one out may answer it.
        self.calls: dict[int, Call] = {}
        self.deadlines = Deadlines()
        # The trace contexts of calls that are traced, by call.
        self.traces: dict[int, str] = {}
        # What waits for the host on threads that run tools, by number.
        self.waiters: dict[int, Waiter] = {}
        self.host = HostClient(self)
        self.services = Dispatcher(self)
        self.counters = Counters(self)
        # Sessions that the host has made known, by id.
        self.sessions: dict[str, SessionState] = {}
        self._outside = SessionState("")
        self.entries = Entries(tools, self._state_of)
        self.batches = Batches(self, self._outside)
        self.started = time.monotonic()
        self.ended_calls = 0
        self.closing = False
        self._lingering: set[int] = set()
        self._soon: list[bytes] = []
        self._eager: Eager | None = None
        self.threads: Threads

    # What calls use.

    def queue_sync(self, call: Run) -> None:
        """Has a slice of the call run on a thread that runs tools: that of what waits for it, while that waits."""
        waiter = self.waiters.get(call.waiter) if call.waiter else None
        if waiter is None:
            self.threads.queue_sync(call)
        else:
            waiter.add(call)

    def wait(self, ready: Callable[[], bool], arrived: threading.Event, waiter: Waiter | None = None) -> None:
        """See `Threads.wait`."""
        self.threads.wait(ready, arrived, waiter)

    def linger(self, call: int) -> None:
        """A call was cancelled and its code still runs, elsewhere than in what a slot runs. On the thread that says `ended` of it."""
        self._lingering.add(call)

    def ended(self, call: int) -> None:
        """Nothing of a call runs any more."""
        self.ended_calls += 1
        self.calls.pop(call, None)
        self.traces.pop(call, None)
        self._lingering.discard(call)

    @property
    def lingering_calls(self) -> list[int]:
        """Calls that were cancelled and whose code still runs."""
        return [*self._lingering, *(call for slot in self.threads.slots() for call in slot.lingering)]

    @property
    def lingering(self) -> int:
        """How many those are."""
        return len(self.lingering_calls)

    def session_of(self, entry: Entry) -> Session | AsyncSession | None:
        """What a session parameter is filled with."""
        if not entry.tool.takes_session:
            return None
        return AsyncSession(entry.state, self) if entry.tool.asynchronous else Session(entry.state, self)

    def emit(self, call: int, event: Event) -> None:
        """Says something without being asked. From any thread. Raises PayloadTooLarge."""
        body = event.SerializeToString()
        limit = max(self.host_limits.max_message_bytes, _EVENT_BYTES)
        with self.protected():
            for hearer in (call,) if call >= 0 else self.batches.hearers(call, event):
                send_message(self.writer, limit, EVENT, hearer, [body])
            if self.threads.may_block():
                self.writer.wait_for_room()

    def protected(self) -> AbstractContextManager[object]:
        """Keeps interrupts of the tool that runs on this thread from what is done within."""
        slot = self.threads.slot_here()
        return _NOTHING if slot is None else slot.shielded_part

    @property
    def eager(self) -> Eager:
        """What starts coroutines on the loop. On its thread."""
        eager = self._eager
        if eager is None:
            eager = self._eager = Eager(self.loop.loop)
        return eager

    def send_soon(self, data: bytes) -> None:
        """Sends small frames from the loop's thread, together with the others of this turn."""
        if not self._soon:
            self.loop.loop.call_soon(self._send_all)
        self._soon.append(data)

    def _send_all(self) -> None:
        soon, self._soon = self._soon, []
        self.writer.send(b"".join(soon))

    def send_message(self, kind: int, call: int, parts: list[Bytes], *, flags: int = 0, prefix: int = 0, aux: int = 0) -> None:
        """Sends one message of a control call, cut when it is long. Raises PayloadTooLarge."""
        send_message(self.writer, self.host_limits.max_message_bytes, kind, call, parts, flags=flags, prefix=prefix, aux=aux)

    # What the thread that leads uses.

    def take(self, message: Frame) -> None:
        """Does what a message asks for. Raises FrameError for what does not belong there."""
        kind, call = message.kind, message.call
        if call & WORKER_CALL:
            if kind in (MESSAGE, END, RESULT, ERROR, HEAD, CREDIT):
                self.host.take(message)
                return
            raise FrameError(f"a frame of kind {kind} for a call of the worker")
        if kind == EXECUTE:
            self.execute(call, message.prefix, message.aux, message.body)
        elif kind == OPEN:
            self._new(call)
            self.services.open(message, message.flags & STREAM != 0)
        elif kind == CANCEL:
            self._cancel(call)
        elif kind == CREDIT:
            found = self.calls.get(call)
            if found is not None and message.prefix == 0:
                found.credit(message.aux)
        elif kind == EXECUTE_STREAM:
            self.execute_stream(call, message.prefix, message.aux, message.body, self.reader.attached(call) or [], False)
        elif kind == MESSAGE:
            attached = self.reader.attached(call) or []
            found = self.calls.get(call)
            if found is not None:
                try:
                    found.message(message.prefix, message.aux, message.body, attached)
                except SnakepitError as e:
                    self._fail(call, e)
            else:
                self.give_back(message.body)
        elif kind == END:
            found = self.calls.get(call)
            if found is not None:
                found.half_close()
        elif kind == EVENT and not call:
            self._hear(message.body)
        elif kind == SHUTDOWN:
            self.closing = True
            self.threads.shutdown(message.aux / 1000)
        else:
            raise FrameError(f"a frame of kind {kind} from the host")

    def initialize_session(self, request: InitializeSessionRequest) -> bool:
        """Makes a session known, or takes in what is new about it. Whether it was unknown."""
        state = self.sessions.get(request.session_id)
        created = state is None
        if state is None:
            state = self.sessions[request.session_id] = SessionState(request.session_id, _cache())
            self.entries.forget_session(request.session_id)
        state.initialize(request.metadata, request.host_tools, request.moved_from)
        if request.variables and state.kept is not None:
            state.kept.preload(request.variables)
        return created

    def cleanup_session(self, session_id: str) -> bool:
        """Forgets a session; calls that run keep what they have of it. Whether it was known."""
        self.entries.forget_session(session_id)
        state = self.sessions.pop(session_id, None)
        if state is None:
            return False
        state.drop()
        return True

    def on_variables_changed(self, event: VariablesChanged) -> None:
        """Variables are no longer what is kept of them."""
        state = self.sessions.get(event.session_id)
        if state is not None and state.kept is not None:
            state.kept.changed(event.variables)

    def _hear(self, body: bytearray) -> None:
        try:
            event = HostEvent.FromString(bytes(body))
        except DecodeError:
            raise FrameError("an event that is no HostEvent") from None
        said = event.WhichOneof("event")
        if said == "variables_changed":
            self.on_variables_changed(event.variables_changed)
        elif said == "objects_released":
            state = self.sessions.get(event.objects_released.session_id)
            if state is not None:
                for key in event.objects_released.keys:
                    state.refs.pop(key, None)
        elif said == "leases_returned":
            self.memory.returned(event.leases_returned.leases)
        elif said == "segment_wanted":
            self.memory.wanted(event.segment_wanted.bytes)
        elif said == "segments_closed":
            self.memory.dropped(event.segments_closed.segments)
        elif said == "memory_probed":
            self.memory.probed(event.memory_probed.works)

    def _state_of(self, session_id: str) -> SessionState:
        """The state of a session. One that the host has not made known, or has had cleaned up, has none that would last."""
        if not session_id:
            return self._outside
        return self.sessions.get(session_id) or SessionState(session_id)

    def execute(self, call: int, prefix: int, timeout_ms: int, body: bytearray) -> None:
        """ExecuteTool, as a short frame or by Open."""
        self._new(call)
        attached = self.reader.attached(call) or []
        name = ""
        try:
            raw: bytes | memoryview | None = None
            depth = waiter = 0
            if prefix:
                entry = self.entries.get(bytes(body[:prefix]))
                raw = None if attached else args_only(body, prefix)
                described = ()
            if raw is None:
                request = ExecuteToolRequest.FromString(bytes(body))
                entry = self.entries.find(request.tool, request.session_id)
                raw = request.args
                described = request.buffers
                depth, waiter = request.depth, request.waiter
                self._trace(call, request.traceparent)
            name = entry.name  # pyright: ignore[reportPossiblyUnboundVariable]
            self._submit(call, entry, timeout_ms, raw, received_buffers(described, attached, self.memory), depth, waiter)  # pyright: ignore
        except SnakepitError as e:
            self.traces.pop(call, None)
            self.give_back(body)
            self.replies.error(call, e, name)
        except (DecodeError, IndexError):
            self.replies.error(call, ProtocolError("no ExecuteToolRequest"), name)

    def start_detached(self, call: int, entry: Entry, timeout_ms: int, raw: bytearray) -> None:
        """A call of an asynchronous tool that needs nothing but its arguments."""
        made = AsyncCall(self, call, entry, timeout_ms, raw, [])
        self.calls[call] = made
        self.loop.post(made.start)

    def execute_stream(self, call: int, prefix: int, timeout_ms: int, body: bytearray, attached: list[bytearray], opened: bool) -> None:
        """The first message of ExecuteToolStream, in a short frame or after Open."""
        self._new(call)
        name = ""
        try:
            raw: bytes | memoryview | None = None
            depth = waiter = 0
            if prefix:
                entry = self.entries.get(bytes(body[:prefix]))
                raw = None if attached else args_only(body, prefix)
                described = ()
            if raw is None:
                request = ExecuteToolStreamRequest.FromString(bytes(body))
                entry = self.entries.find(request.tool, request.session_id)
                raw = request.args
                described = request.buffers
                depth, waiter = request.depth, request.waiter
                self._trace(call, request.traceparent)
            name = entry.name  # pyright: ignore[reportPossiblyUnboundVariable]
            inputs: Inputs | None = None
            if opened or entry.tool.input_streams:  # pyright: ignore
                inputs = Inputs(self.limits.stream_window_bytes, functools.partial(self._credit, call), opened, self.memory)
            if opened:
                self._credit(call, 0, max(ITEM_COST, len(body) + sum(len(a) for a in attached)))
            buffers = received_buffers(described, attached, self.memory) if described else []  # pyright: ignore
            self._submit(call, entry, timeout_ms, raw, buffers, depth, waiter, True, inputs)  # pyright: ignore
        except SnakepitError as e:
            self.traces.pop(call, None)
            self.give_back(body)
            self.replies.error(call, e, name)
        except (DecodeError, IndexError):
            self.replies.error(call, ProtocolError("no ExecuteToolStreamRequest"), name)

    def _credit(self, call: int, stream: int, amount: int) -> None:
        """Gives credit back for what a tool has taken of an input stream."""
        with self.protected():
            self.writer.send(frame(CREDIT, call, prefix=stream, aux=amount))

    def _submit(
        self,
        call: int,
        entry: Entry,
        timeout_ms: int,
        raw: bytes | memoryview,
        buffers: list[object],
        depth: int,
        waiter: int,
        streamed: bool = False,
        inputs: Inputs | None = None,
    ) -> None:
        """Has a tool run. `streamed` says that it is answered as a stream."""
        tool = entry.tool
        if tool.streaming != streamed and not (streamed and tool.input_streams):
            raise StreamingMismatch(entry.name, tool.streaming)
        if tool.batch is not None:
            self._submit_batched(BatchedCall(self, call, entry, timeout_ms, raw, buffers, depth, waiter))
            return
        if tool.asynchronous:
            made: AsyncCall | SyncCall = AsyncCall(self, call, entry, timeout_ms, raw, buffers)
        else:
            made = SyncCall(self, call, entry, timeout_ms, raw, buffers)
        made.inputs = inputs
        made.streamed = streamed
        made.depth = depth
        made.waiter = waiter
        self.calls[call] = made
        if isinstance(made, AsyncCall):
            self.loop.post(made.start)
        else:
            if made.deadline is not None:
                self.deadlines.add(made.deadline, call)
            self.queue_sync(made)

    def _submit_batched(self, made: BatchedCall) -> None:
        self.calls[made.call] = made
        if made.deadline is not None:
            self.deadlines.add(made.deadline, made.call)
        if made.entry.tool.asynchronous:
            self.loop.post(self.batches.join, made)
        else:
            self.batches.join(made)

    def next_deadline(self) -> float | None:
        """When something is due, by the monotonic clock."""
        return self.deadlines.first(self.calls)

    def expire(self, now: float) -> None:
        """Ends the calls whose time is up, and starts the batches that have waited for others."""
        for call in self.deadlines.past(now):
            found = self.calls.get(call)
            if isinstance(found, Batch):
                found.start()
            elif isinstance(found, (SyncCall, BatchedCall)) and found.deadline is not None and found.deadline <= now:
                found.expire()

    def expire_inline(self, call: int, entry: Entry, timeout_ms: int) -> None:
        """The time of a short call that turned out long is up."""
        if self.threads.interrupt(call):
            self.replies.error(call, CallTimeout(entry.name, timeout_ms, "call"), entry.name)

    def lose(self) -> None:
        """The connection is gone, or the worker ends: nobody waits for anything any more."""
        for call in list(self.calls):
            found = self.calls.pop(call, None)
            if found is not None:
                found.lose()
        self.host.lose()
        self.loop.flush()

    def withdraw(self, call: int) -> Call | None:
        """Takes a call out of the table that nobody wants any more. None when it is not there; otherwise it has to be stopped."""
        found = self.calls.get(call)
        if found is not None and found.lingers:
            # Said before it is taken out, since whoever finds it gone then says `ended`.
            self._lingering.add(call)
        found = self.calls.pop(call, None)
        if found is None:
            self._lingering.discard(call)
        return found

    def _cancel(self, call: int) -> None:
        found = self.withdraw(call)
        self.writer.drop(call)
        if found is not None:
            found.cancel()
        else:
            self.threads.interrupt(call)

    def _fail(self, call: int, error: SnakepitError) -> None:
        found = self.calls.pop(call, None)
        if found is not None:
            self.replies.error(call, error, "")
            found.cancel()

    def _new(self, call: int) -> None:
        if call == 0 or call in self.calls:
            raise FrameError(f"call {call} opened twice" if call else "a call without an id")

    def give_back(self, body: bytearray) -> None:
        """A message that nobody takes may have lent memory. The numbers of the fields are those of either request."""
        if self.memory.works:
            try:
                request = ExecuteToolStreamRequest.FromString(bytes(body))
                received_buffers([*request.buffers, *request.input.buffers], [], self.memory)
            except (DecodeError, ProtocolError):
                # What it names is no memory, so there is none to give back.
                pass

    def _trace(self, call: int, traceparent: str) -> None:
        if TRACEPARENT.fullmatch(traceparent):
            self.traces[call] = traceparent

    def _is_open(self, call: int) -> bool:
        return self.host.is_open(call) if call & WORKER_CALL else call in self.calls

    def _refuse(self, call: int, size: int, limit: int, option: str) -> None:
        error = PayloadTooLarge(size, limit, option)
        if call & WORKER_CALL:
            self.host.fail(call, error)
            return
        found = self.calls.pop(call, None)
        self.replies.error(call, error, "")
        if found is not None:
            found.cancel()


def _cache() -> Cache:
    """What a new session keeps its variables in. Imported here, since most workers never need it."""
    from snakepit._session_cache import Cache

    return Cache()


class Deadlines:
    """When calls are due, earliest first. Used by the thread that leads alone."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int]] = []

    def add(self, deadline: float, call: int) -> None:
        """Takes a call in. It need not be taken out."""
        heapq.heappush(self._heap, (deadline, call))

    def first(self, calls: Mapping[int, object]) -> float | None:
        """The earliest of those that are still there."""
        heap = self._heap
        if len(heap) > 64 + 4 * len(calls):
            # Behind one that takes long there may be any number that have ended.
            heap[:] = [due for due in heap if due[1] in calls]
            heapq.heapify(heap)
        while heap and heap[0][1] not in calls:
            heapq.heappop(heap)
        return heap[0][0] if heap else None

    def past(self, now: float) -> list[int]:
        """Takes out those that are past."""
        found: list[int] = []
        while self._heap and self._heap[0][0] <= now:
            found.append(heapq.heappop(self._heap)[1])
        return found

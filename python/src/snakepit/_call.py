"""What every call that is not over before the next frame is read has in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from google.protobuf.message import DecodeError

from snakepit._entries import Entry
from snakepit._errors import ProtocolError
from snakepit._frames import ITEM_COST
from snakepit._inputs import GiveBack, Input
from snakepit.v1.value_pb2 import Buffer
from snakepit.v1.worker_pb2 import ExecuteToolStreamRequest

if TYPE_CHECKING:
    from snakepit._interrupt import Slot
    from snakepit._memory import Memory


class Call(Protocol):
    """A call in the table. Its methods are called by the thread that leads, in the order the frames came."""

    @property
    def lingers(self) -> bool:
        """Whether its code still runs for a moment after `cancel`, somewhere that no slot knows of."""
        ...

    def message(self, stream: int, items: int, body: bytearray, attached: list[bytearray]) -> None:
        """A message of the stream that the opener sends."""
        ...

    def half_close(self) -> None:
        """The opener sends no more messages."""
        ...

    def credit(self, amount: int) -> None:
        """The opener has used that much of what it was sent."""
        ...

    def cancel(self) -> None:
        """The opener wants nothing more. It is no longer in the table."""
        ...

    def lose(self) -> None:
        """The connection is gone."""
        ...


def received_buffers(described: Sequence[Buffer], attached: list[bytearray], memory: Memory | None = None) -> list[Any]:
    """Each buffer of a message with its bytes, which may lie in `memory`. Raises ProtocolError when one is missing."""
    found: list[Any] = []
    lent = [buffer.shared for buffer in described if buffer.WhichOneof("location") == "shared"]
    if lent and memory is None:
        raise ProtocolError("memory is not shared")
    views = iter(() if memory is None or not lent else memory.received(lent))
    for buffer in described:
        location = buffer.WhichOneof("location")
        if location == "attached":
            if buffer.attached >= len(attached):
                raise ProtocolError(f"buffer {buffer.attached} was not attached")
            found.append((buffer, attached[buffer.attached]))
        elif location == "shared":
            found.append((buffer, next(views)))
        else:
            found.append((buffer, buffer.inline))
    return found


class Run(Protocol):
    """What a thread that runs tools takes from its queue: a slice of a call, or a batch of calls."""

    call: int
    entry: Entry
    depth: int
    deadline: float | None
    waiter: int

    @property
    def goes_on(self) -> bool:
        """Whether it is a stream that has begun, and is not to be closed."""
        ...

    def run(self, slot: Slot) -> None:
        """Runs it."""
        ...


class ToolCall(Call, Protocol):
    """A call of a tool, as what stands among its arguments sees it."""

    call: int
    entry: Entry


class Inputs:
    """The input streams of one tool call, by number."""

    def __init__(self, window: int, give_back: GiveBack, shared_credit: bool, memory: Memory | None = None) -> None:
        self._window = window
        self._memory = memory
        self._give_back = give_back
        # A call that came by Open has one credit for all of its messages, as stream 0.
        self._shared = shared_credit
        self._inputs: dict[int, Input] = {}
        self._closed = False

    def get(self, number: int) -> Input:
        """The stream of this number, made when it is first spoken of."""
        source = self._inputs.get(number)
        if source is None:
            source = self._inputs[number] = Input(number, self._window, self._credit)
            source.ended = self._closed
        return source

    def _credit(self, number: int, amount: int) -> None:
        self._give_back(0 if self._shared else number, amount)

    def message(self, items: int, body: bytearray, attached: list[bytearray]) -> Input:
        """Takes a message of one of the streams. Raises ProtocolError for what is none."""
        try:
            request = ExecuteToolStreamRequest.FromString(bytes(body))
        except DecodeError:
            raise ProtocolError("a message that is no ExecuteToolStreamRequest") from None
        given = request.input
        if not request.HasField("input"):
            raise ProtocolError("a message of a stream without input")
        source = self.get(given.stream)
        lent = sum(buffer.shared.length for buffer in given.buffers)
        cost = max(ITEM_COST * items, len(body) + sum(len(a) for a in attached) + lent)
        source.feed(given.items, received_buffers(given.buffers, attached, self._memory), cost)
        if given.HasField("error"):
            source.fail(given.error)
        elif given.end:
            source.end()
        return source

    def half_close(self) -> list[Input]:
        """Ends all that have not ended."""
        self._closed = True
        for source in self._inputs.values():
            source.end()
        return list(self._inputs.values())

    def lose(self, error: BaseException) -> list[Input]:
        """Fails all that have not ended."""
        for source in self._inputs.values():
            source.lose(error)
        return list(self._inputs.values())

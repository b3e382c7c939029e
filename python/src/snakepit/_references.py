"""What stands among the arguments of a call for something that is elsewhere: functions of the host's, and objects that are stored here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from snakepit._extensions import EXT_FUNCTION
from snakepit._host_tools import HostFunction
from snakepit._objects import stored_object

if TYPE_CHECKING:
    from snakepit._call import ToolCall
    from snakepit._runtime import Runtime


def refer(runtime: Runtime, call: ToolCall, code: int, payload: memoryview) -> Any:
    """What such an extension is in this call. Raises ObjectLost for an object that is not here."""
    if code == EXT_FUNCTION:
        return HostFunction(runtime, call, int.from_bytes(payload, "big"))
    return stored_object(runtime, call.entry.state, payload)

from snakepit.v1 import error_pb2 as _error_pb2
from snakepit.v1 import session_pb2 as _session_pb2
from snakepit.v1 import tool_pb2 as _tool_pb2
from snakepit.v1 import value_pb2 as _value_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PingRequest(_message.Message):
    __slots__ = ("message",)
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    message: str
    def __init__(self, message: _Optional[str] = ...) -> None: ...

class PingResponse(_message.Message):
    __slots__ = ("message", "server_time_ms")
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    SERVER_TIME_MS_FIELD_NUMBER: _ClassVar[int]
    message: str
    server_time_ms: int
    def __init__(self, message: _Optional[str] = ..., server_time_ms: _Optional[int] = ...) -> None: ...

class HealthRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class HealthResponse(_message.Message):
    __slots__ = ("pid", "uptime_ms", "memory_bytes", "running", "calls", "sessions", "cancelled", "cancelled_calls")
    PID_FIELD_NUMBER: _ClassVar[int]
    UPTIME_MS_FIELD_NUMBER: _ClassVar[int]
    MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    RUNNING_FIELD_NUMBER: _ClassVar[int]
    CALLS_FIELD_NUMBER: _ClassVar[int]
    SESSIONS_FIELD_NUMBER: _ClassVar[int]
    CANCELLED_FIELD_NUMBER: _ClassVar[int]
    CANCELLED_CALLS_FIELD_NUMBER: _ClassVar[int]
    pid: int
    uptime_ms: int
    memory_bytes: int
    running: int
    calls: int
    sessions: int
    cancelled: int
    cancelled_calls: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, pid: _Optional[int] = ..., uptime_ms: _Optional[int] = ..., memory_bytes: _Optional[int] = ..., running: _Optional[int] = ..., calls: _Optional[int] = ..., sessions: _Optional[int] = ..., cancelled: _Optional[int] = ..., cancelled_calls: _Optional[_Iterable[int]] = ...) -> None: ...

class ListToolsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListToolsResponse(_message.Message):
    __slots__ = ("tools",)
    TOOLS_FIELD_NUMBER: _ClassVar[int]
    tools: _containers.RepeatedCompositeFieldContainer[_tool_pb2.Tool]
    def __init__(self, tools: _Optional[_Iterable[_Union[_tool_pb2.Tool, _Mapping]]] = ...) -> None: ...

class InitializeSessionRequest(_message.Message):
    __slots__ = ("session_id", "metadata", "variables", "host_tools", "moved_from")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    VARIABLES_FIELD_NUMBER: _ClassVar[int]
    HOST_TOOLS_FIELD_NUMBER: _ClassVar[int]
    MOVED_FROM_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    metadata: _containers.ScalarMap[str, str]
    variables: _containers.RepeatedCompositeFieldContainer[_session_pb2.Variable]
    host_tools: _containers.RepeatedCompositeFieldContainer[_tool_pb2.Tool]
    moved_from: str
    def __init__(self, session_id: _Optional[str] = ..., metadata: _Optional[_Mapping[str, str]] = ..., variables: _Optional[_Iterable[_Union[_session_pb2.Variable, _Mapping]]] = ..., host_tools: _Optional[_Iterable[_Union[_tool_pb2.Tool, _Mapping]]] = ..., moved_from: _Optional[str] = ...) -> None: ...

class InitializeSessionResponse(_message.Message):
    __slots__ = ("created", "tools")
    CREATED_FIELD_NUMBER: _ClassVar[int]
    TOOLS_FIELD_NUMBER: _ClassVar[int]
    created: bool
    tools: _containers.RepeatedCompositeFieldContainer[_tool_pb2.Tool]
    def __init__(self, created: _Optional[bool] = ..., tools: _Optional[_Iterable[_Union[_tool_pb2.Tool, _Mapping]]] = ...) -> None: ...

class CleanupSessionRequest(_message.Message):
    __slots__ = ("session_id",)
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    def __init__(self, session_id: _Optional[str] = ...) -> None: ...

class CleanupSessionResponse(_message.Message):
    __slots__ = ("success",)
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    success: bool
    def __init__(self, success: _Optional[bool] = ...) -> None: ...

class ExecuteToolRequest(_message.Message):
    __slots__ = ("session_id", "tool", "args", "buffers", "traceparent", "depth", "waiter")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    TOOL_FIELD_NUMBER: _ClassVar[int]
    ARGS_FIELD_NUMBER: _ClassVar[int]
    BUFFERS_FIELD_NUMBER: _ClassVar[int]
    TRACEPARENT_FIELD_NUMBER: _ClassVar[int]
    DEPTH_FIELD_NUMBER: _ClassVar[int]
    WAITER_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    tool: str
    args: bytes
    buffers: _containers.RepeatedCompositeFieldContainer[_value_pb2.Buffer]
    traceparent: str
    depth: int
    waiter: int
    def __init__(self, session_id: _Optional[str] = ..., tool: _Optional[str] = ..., args: _Optional[bytes] = ..., buffers: _Optional[_Iterable[_Union[_value_pb2.Buffer, _Mapping]]] = ..., traceparent: _Optional[str] = ..., depth: _Optional[int] = ..., waiter: _Optional[int] = ...) -> None: ...

class ExecuteToolResponse(_message.Message):
    __slots__ = ("result", "buffers")
    RESULT_FIELD_NUMBER: _ClassVar[int]
    BUFFERS_FIELD_NUMBER: _ClassVar[int]
    result: bytes
    buffers: _containers.RepeatedCompositeFieldContainer[_value_pb2.Buffer]
    def __init__(self, result: _Optional[bytes] = ..., buffers: _Optional[_Iterable[_Union[_value_pb2.Buffer, _Mapping]]] = ...) -> None: ...

class ExecuteToolStreamRequest(_message.Message):
    __slots__ = ("session_id", "tool", "args", "buffers", "traceparent", "input", "depth", "waiter")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    TOOL_FIELD_NUMBER: _ClassVar[int]
    ARGS_FIELD_NUMBER: _ClassVar[int]
    BUFFERS_FIELD_NUMBER: _ClassVar[int]
    TRACEPARENT_FIELD_NUMBER: _ClassVar[int]
    INPUT_FIELD_NUMBER: _ClassVar[int]
    DEPTH_FIELD_NUMBER: _ClassVar[int]
    WAITER_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    tool: str
    args: bytes
    buffers: _containers.RepeatedCompositeFieldContainer[_value_pb2.Buffer]
    traceparent: str
    input: InputItems
    depth: int
    waiter: int
    def __init__(self, session_id: _Optional[str] = ..., tool: _Optional[str] = ..., args: _Optional[bytes] = ..., buffers: _Optional[_Iterable[_Union[_value_pb2.Buffer, _Mapping]]] = ..., traceparent: _Optional[str] = ..., input: _Optional[_Union[InputItems, _Mapping]] = ..., depth: _Optional[int] = ..., waiter: _Optional[int] = ...) -> None: ...

class InputItems(_message.Message):
    __slots__ = ("stream", "items", "buffers", "end", "error")
    STREAM_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    BUFFERS_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    stream: int
    items: _containers.RepeatedScalarFieldContainer[bytes]
    buffers: _containers.RepeatedCompositeFieldContainer[_value_pb2.Buffer]
    end: bool
    error: _error_pb2.ErrorDetail
    def __init__(self, stream: _Optional[int] = ..., items: _Optional[_Iterable[bytes]] = ..., buffers: _Optional[_Iterable[_Union[_value_pb2.Buffer, _Mapping]]] = ..., end: _Optional[bool] = ..., error: _Optional[_Union[_error_pb2.ErrorDetail, _Mapping]] = ...) -> None: ...

class ExecuteToolStreamResponse(_message.Message):
    __slots__ = ("items", "buffers")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    BUFFERS_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedScalarFieldContainer[bytes]
    buffers: _containers.RepeatedCompositeFieldContainer[_value_pb2.Buffer]
    def __init__(self, items: _Optional[_Iterable[bytes]] = ..., buffers: _Optional[_Iterable[_Union[_value_pb2.Buffer, _Mapping]]] = ...) -> None: ...

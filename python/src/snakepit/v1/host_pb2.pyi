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

class PingHostRequest(_message.Message):
    __slots__ = ("message",)
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    message: str
    def __init__(self, message: _Optional[str] = ...) -> None: ...

class PingHostResponse(_message.Message):
    __slots__ = ("message",)
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    message: str
    def __init__(self, message: _Optional[str] = ...) -> None: ...

class RegisterVariableRequest(_message.Message):
    __slots__ = ("session_id", "variable", "if_not_exists", "keep", "caller")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    VARIABLE_FIELD_NUMBER: _ClassVar[int]
    IF_NOT_EXISTS_FIELD_NUMBER: _ClassVar[int]
    KEEP_FIELD_NUMBER: _ClassVar[int]
    CALLER_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    variable: _session_pb2.Variable
    if_not_exists: bool
    keep: bool
    caller: _session_pb2.Caller
    def __init__(self, session_id: _Optional[str] = ..., variable: _Optional[_Union[_session_pb2.Variable, _Mapping]] = ..., if_not_exists: _Optional[bool] = ..., keep: _Optional[bool] = ..., caller: _Optional[_Union[_session_pb2.Caller, _Mapping]] = ...) -> None: ...

class RegisterVariableResponse(_message.Message):
    __slots__ = ("variable",)
    VARIABLE_FIELD_NUMBER: _ClassVar[int]
    variable: _session_pb2.Variable
    def __init__(self, variable: _Optional[_Union[_session_pb2.Variable, _Mapping]] = ...) -> None: ...

class GetVariablesRequest(_message.Message):
    __slots__ = ("session_id", "names", "keep")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    NAMES_FIELD_NUMBER: _ClassVar[int]
    KEEP_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    names: _containers.RepeatedScalarFieldContainer[str]
    keep: bool
    def __init__(self, session_id: _Optional[str] = ..., names: _Optional[_Iterable[str]] = ..., keep: _Optional[bool] = ...) -> None: ...

class GetVariablesResponse(_message.Message):
    __slots__ = ("variables", "missing")
    VARIABLES_FIELD_NUMBER: _ClassVar[int]
    MISSING_FIELD_NUMBER: _ClassVar[int]
    variables: _containers.RepeatedCompositeFieldContainer[_session_pb2.Variable]
    missing: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, variables: _Optional[_Iterable[_Union[_session_pb2.Variable, _Mapping]]] = ..., missing: _Optional[_Iterable[str]] = ...) -> None: ...

class SetVariablesRequest(_message.Message):
    __slots__ = ("session_id", "updates", "atomic", "keep", "caller")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    UPDATES_FIELD_NUMBER: _ClassVar[int]
    ATOMIC_FIELD_NUMBER: _ClassVar[int]
    KEEP_FIELD_NUMBER: _ClassVar[int]
    CALLER_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    updates: _containers.RepeatedCompositeFieldContainer[VariableUpdate]
    atomic: bool
    keep: bool
    caller: _session_pb2.Caller
    def __init__(self, session_id: _Optional[str] = ..., updates: _Optional[_Iterable[_Union[VariableUpdate, _Mapping]]] = ..., atomic: _Optional[bool] = ..., keep: _Optional[bool] = ..., caller: _Optional[_Union[_session_pb2.Caller, _Mapping]] = ...) -> None: ...

class VariableUpdate(_message.Message):
    __slots__ = ("name", "value", "expected_version", "metadata")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_VERSION_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    name: str
    value: bytes
    expected_version: int
    metadata: _containers.ScalarMap[str, str]
    def __init__(self, name: _Optional[str] = ..., value: _Optional[bytes] = ..., expected_version: _Optional[int] = ..., metadata: _Optional[_Mapping[str, str]] = ...) -> None: ...

class SetVariablesResponse(_message.Message):
    __slots__ = ("versions", "errors", "variables")
    class VersionsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    class ErrorsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: _error_pb2.ErrorDetail
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_error_pb2.ErrorDetail, _Mapping]] = ...) -> None: ...
    VERSIONS_FIELD_NUMBER: _ClassVar[int]
    ERRORS_FIELD_NUMBER: _ClassVar[int]
    VARIABLES_FIELD_NUMBER: _ClassVar[int]
    versions: _containers.ScalarMap[str, int]
    errors: _containers.MessageMap[str, _error_pb2.ErrorDetail]
    variables: _containers.RepeatedCompositeFieldContainer[_session_pb2.Variable]
    def __init__(self, versions: _Optional[_Mapping[str, int]] = ..., errors: _Optional[_Mapping[str, _error_pb2.ErrorDetail]] = ..., variables: _Optional[_Iterable[_Union[_session_pb2.Variable, _Mapping]]] = ...) -> None: ...

class ListVariablesRequest(_message.Message):
    __slots__ = ("session_id", "keep")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    KEEP_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    keep: bool
    def __init__(self, session_id: _Optional[str] = ..., keep: _Optional[bool] = ...) -> None: ...

class ListVariablesResponse(_message.Message):
    __slots__ = ("variables",)
    VARIABLES_FIELD_NUMBER: _ClassVar[int]
    variables: _containers.RepeatedCompositeFieldContainer[_session_pb2.Variable]
    def __init__(self, variables: _Optional[_Iterable[_Union[_session_pb2.Variable, _Mapping]]] = ...) -> None: ...

class DeleteVariableRequest(_message.Message):
    __slots__ = ("session_id", "name", "caller")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    CALLER_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    name: str
    caller: _session_pb2.Caller
    def __init__(self, session_id: _Optional[str] = ..., name: _Optional[str] = ..., caller: _Optional[_Union[_session_pb2.Caller, _Mapping]] = ...) -> None: ...

class DeleteVariableResponse(_message.Message):
    __slots__ = ("deleted",)
    DELETED_FIELD_NUMBER: _ClassVar[int]
    deleted: bool
    def __init__(self, deleted: _Optional[bool] = ...) -> None: ...

class WatchVariablesRequest(_message.Message):
    __slots__ = ("session_id", "names", "seen")
    class SeenEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    NAMES_FIELD_NUMBER: _ClassVar[int]
    SEEN_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    names: _containers.RepeatedScalarFieldContainer[str]
    seen: _containers.ScalarMap[str, int]
    def __init__(self, session_id: _Optional[str] = ..., names: _Optional[_Iterable[str]] = ..., seen: _Optional[_Mapping[str, int]] = ...) -> None: ...

class WatchVariablesResponse(_message.Message):
    __slots__ = ("changes",)
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    changes: _containers.RepeatedCompositeFieldContainer[_session_pb2.VariableChange]
    def __init__(self, changes: _Optional[_Iterable[_Union[_session_pb2.VariableChange, _Mapping]]] = ...) -> None: ...

class ListHostToolsRequest(_message.Message):
    __slots__ = ("session_id",)
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    def __init__(self, session_id: _Optional[str] = ...) -> None: ...

class ListHostToolsResponse(_message.Message):
    __slots__ = ("tools",)
    TOOLS_FIELD_NUMBER: _ClassVar[int]
    tools: _containers.RepeatedCompositeFieldContainer[_tool_pb2.Tool]
    def __init__(self, tools: _Optional[_Iterable[_Union[_tool_pb2.Tool, _Mapping]]] = ...) -> None: ...

class CallToolRequest(_message.Message):
    __slots__ = ("session_id", "tool", "args", "buffers", "depth", "function", "waiter", "caller", "traceparent")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    TOOL_FIELD_NUMBER: _ClassVar[int]
    ARGS_FIELD_NUMBER: _ClassVar[int]
    BUFFERS_FIELD_NUMBER: _ClassVar[int]
    DEPTH_FIELD_NUMBER: _ClassVar[int]
    FUNCTION_FIELD_NUMBER: _ClassVar[int]
    WAITER_FIELD_NUMBER: _ClassVar[int]
    CALLER_FIELD_NUMBER: _ClassVar[int]
    TRACEPARENT_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    tool: str
    args: bytes
    buffers: _containers.RepeatedCompositeFieldContainer[_value_pb2.Buffer]
    depth: int
    function: int
    waiter: int
    caller: _session_pb2.Caller
    traceparent: str
    def __init__(self, session_id: _Optional[str] = ..., tool: _Optional[str] = ..., args: _Optional[bytes] = ..., buffers: _Optional[_Iterable[_Union[_value_pb2.Buffer, _Mapping]]] = ..., depth: _Optional[int] = ..., function: _Optional[int] = ..., waiter: _Optional[int] = ..., caller: _Optional[_Union[_session_pb2.Caller, _Mapping]] = ..., traceparent: _Optional[str] = ...) -> None: ...

class CallToolResponse(_message.Message):
    __slots__ = ("result", "buffers")
    RESULT_FIELD_NUMBER: _ClassVar[int]
    BUFFERS_FIELD_NUMBER: _ClassVar[int]
    result: bytes
    buffers: _containers.RepeatedCompositeFieldContainer[_value_pb2.Buffer]
    def __init__(self, result: _Optional[bytes] = ..., buffers: _Optional[_Iterable[_Union[_value_pb2.Buffer, _Mapping]]] = ...) -> None: ...

class StreamToolRequest(_message.Message):
    __slots__ = ("session_id", "tool", "args", "buffers", "depth", "function", "waiter", "caller", "traceparent")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    TOOL_FIELD_NUMBER: _ClassVar[int]
    ARGS_FIELD_NUMBER: _ClassVar[int]
    BUFFERS_FIELD_NUMBER: _ClassVar[int]
    DEPTH_FIELD_NUMBER: _ClassVar[int]
    FUNCTION_FIELD_NUMBER: _ClassVar[int]
    WAITER_FIELD_NUMBER: _ClassVar[int]
    CALLER_FIELD_NUMBER: _ClassVar[int]
    TRACEPARENT_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    tool: str
    args: bytes
    buffers: _containers.RepeatedCompositeFieldContainer[_value_pb2.Buffer]
    depth: int
    function: int
    waiter: int
    caller: _session_pb2.Caller
    traceparent: str
    def __init__(self, session_id: _Optional[str] = ..., tool: _Optional[str] = ..., args: _Optional[bytes] = ..., buffers: _Optional[_Iterable[_Union[_value_pb2.Buffer, _Mapping]]] = ..., depth: _Optional[int] = ..., function: _Optional[int] = ..., waiter: _Optional[int] = ..., caller: _Optional[_Union[_session_pb2.Caller, _Mapping]] = ..., traceparent: _Optional[str] = ...) -> None: ...

class StreamToolResponse(_message.Message):
    __slots__ = ("items", "buffers")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    BUFFERS_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedScalarFieldContainer[bytes]
    buffers: _containers.RepeatedCompositeFieldContainer[_value_pb2.Buffer]
    def __init__(self, items: _Optional[_Iterable[bytes]] = ..., buffers: _Optional[_Iterable[_Union[_value_pb2.Buffer, _Mapping]]] = ...) -> None: ...

class ReportTelemetryRequest(_message.Message):
    __slots__ = ("counters",)
    class CountersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    COUNTERS_FIELD_NUMBER: _ClassVar[int]
    counters: _containers.ScalarMap[str, float]
    def __init__(self, counters: _Optional[_Mapping[str, float]] = ...) -> None: ...

class ReportTelemetryResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

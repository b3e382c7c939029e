import datetime

from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from snakepit.v1 import error_pb2 as _error_pb2
from snakepit.v1 import session_pb2 as _session_pb2
from snakepit.v1 import tool_pb2 as _tool_pb2
from snakepit.v1 import value_pb2 as _value_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ValueForm(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    VALUE_FORM_UNSPECIFIED: _ClassVar[ValueForm]
    VALUE_FORM_JSON: _ClassVar[ValueForm]
    VALUE_FORM_MSGPACK: _ClassVar[ValueForm]

class RetryPolicy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RETRY_POLICY_UNSPECIFIED: _ClassVar[RetryPolicy]
    RETRY_POLICY_SAFE: _ClassVar[RetryPolicy]
    RETRY_POLICY_NEVER: _ClassVar[RetryPolicy]
    RETRY_POLICY_ALWAYS: _ClassVar[RetryPolicy]
VALUE_FORM_UNSPECIFIED: ValueForm
VALUE_FORM_JSON: ValueForm
VALUE_FORM_MSGPACK: ValueForm
RETRY_POLICY_UNSPECIFIED: RetryPolicy
RETRY_POLICY_SAFE: RetryPolicy
RETRY_POLICY_NEVER: RetryPolicy
RETRY_POLICY_ALWAYS: RetryPolicy

class GatewayServiceListToolsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GatewayServiceListToolsResponse(_message.Message):
    __slots__ = ("tools",)
    TOOLS_FIELD_NUMBER: _ClassVar[int]
    tools: _containers.RepeatedCompositeFieldContainer[_tool_pb2.Tool]
    def __init__(self, tools: _Optional[_Iterable[_Union[_tool_pb2.Tool, _Mapping]]] = ...) -> None: ...

class GatewayServiceExecuteToolRequest(_message.Message):
    __slots__ = ("tool", "args", "args_msgpack", "buffers", "session_id", "pool", "retry", "priority", "form")
    TOOL_FIELD_NUMBER: _ClassVar[int]
    ARGS_FIELD_NUMBER: _ClassVar[int]
    ARGS_MSGPACK_FIELD_NUMBER: _ClassVar[int]
    BUFFERS_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    POOL_FIELD_NUMBER: _ClassVar[int]
    RETRY_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    FORM_FIELD_NUMBER: _ClassVar[int]
    tool: str
    args: _struct_pb2.Value
    args_msgpack: bytes
    buffers: _containers.RepeatedCompositeFieldContainer[_value_pb2.Buffer]
    session_id: str
    pool: str
    retry: RetryPolicy
    priority: int
    form: ValueForm
    def __init__(self, tool: _Optional[str] = ..., args: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., args_msgpack: _Optional[bytes] = ..., buffers: _Optional[_Iterable[_Union[_value_pb2.Buffer, _Mapping]]] = ..., session_id: _Optional[str] = ..., pool: _Optional[str] = ..., retry: _Optional[_Union[RetryPolicy, str]] = ..., priority: _Optional[int] = ..., form: _Optional[_Union[ValueForm, str]] = ...) -> None: ...

class GatewayServiceExecuteToolResponse(_message.Message):
    __slots__ = ("result", "result_msgpack", "buffers")
    RESULT_FIELD_NUMBER: _ClassVar[int]
    RESULT_MSGPACK_FIELD_NUMBER: _ClassVar[int]
    BUFFERS_FIELD_NUMBER: _ClassVar[int]
    result: _struct_pb2.Value
    result_msgpack: bytes
    buffers: _containers.RepeatedCompositeFieldContainer[_value_pb2.Buffer]
    def __init__(self, result: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., result_msgpack: _Optional[bytes] = ..., buffers: _Optional[_Iterable[_Union[_value_pb2.Buffer, _Mapping]]] = ...) -> None: ...

class GatewayServiceExecuteToolStreamRequest(_message.Message):
    __slots__ = ("tool", "args", "args_msgpack", "buffers", "session_id", "pool", "retry", "priority", "form")
    TOOL_FIELD_NUMBER: _ClassVar[int]
    ARGS_FIELD_NUMBER: _ClassVar[int]
    ARGS_MSGPACK_FIELD_NUMBER: _ClassVar[int]
    BUFFERS_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    POOL_FIELD_NUMBER: _ClassVar[int]
    RETRY_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    FORM_FIELD_NUMBER: _ClassVar[int]
    tool: str
    args: _struct_pb2.Value
    args_msgpack: bytes
    buffers: _containers.RepeatedCompositeFieldContainer[_value_pb2.Buffer]
    session_id: str
    pool: str
    retry: RetryPolicy
    priority: int
    form: ValueForm
    def __init__(self, tool: _Optional[str] = ..., args: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., args_msgpack: _Optional[bytes] = ..., buffers: _Optional[_Iterable[_Union[_value_pb2.Buffer, _Mapping]]] = ..., session_id: _Optional[str] = ..., pool: _Optional[str] = ..., retry: _Optional[_Union[RetryPolicy, str]] = ..., priority: _Optional[int] = ..., form: _Optional[_Union[ValueForm, str]] = ...) -> None: ...

class GatewayServiceExecuteToolStreamResponse(_message.Message):
    __slots__ = ("item", "item_msgpack", "buffers")
    ITEM_FIELD_NUMBER: _ClassVar[int]
    ITEM_MSGPACK_FIELD_NUMBER: _ClassVar[int]
    BUFFERS_FIELD_NUMBER: _ClassVar[int]
    item: _struct_pb2.Value
    item_msgpack: bytes
    buffers: _containers.RepeatedCompositeFieldContainer[_value_pb2.Buffer]
    def __init__(self, item: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., item_msgpack: _Optional[bytes] = ..., buffers: _Optional[_Iterable[_Union[_value_pb2.Buffer, _Mapping]]] = ...) -> None: ...

class GatewayServiceOpenSessionRequest(_message.Message):
    __slots__ = ("session_id", "ttl_ms", "metadata", "affinity")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    TTL_MS_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    AFFINITY_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    ttl_ms: int
    metadata: _containers.ScalarMap[str, str]
    affinity: str
    def __init__(self, session_id: _Optional[str] = ..., ttl_ms: _Optional[int] = ..., metadata: _Optional[_Mapping[str, str]] = ..., affinity: _Optional[str] = ...) -> None: ...

class GatewayServiceOpenSessionResponse(_message.Message):
    __slots__ = ("session", "created")
    SESSION_FIELD_NUMBER: _ClassVar[int]
    CREATED_FIELD_NUMBER: _ClassVar[int]
    session: SessionState
    created: bool
    def __init__(self, session: _Optional[_Union[SessionState, _Mapping]] = ..., created: _Optional[bool] = ...) -> None: ...

class GatewayServiceGetSessionRequest(_message.Message):
    __slots__ = ("session_id",)
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    def __init__(self, session_id: _Optional[str] = ...) -> None: ...

class GatewayServiceGetSessionResponse(_message.Message):
    __slots__ = ("session",)
    SESSION_FIELD_NUMBER: _ClassVar[int]
    session: SessionState
    def __init__(self, session: _Optional[_Union[SessionState, _Mapping]] = ...) -> None: ...

class GatewayServiceListSessionsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GatewayServiceListSessionsResponse(_message.Message):
    __slots__ = ("sessions",)
    SESSIONS_FIELD_NUMBER: _ClassVar[int]
    sessions: _containers.RepeatedCompositeFieldContainer[SessionState]
    def __init__(self, sessions: _Optional[_Iterable[_Union[SessionState, _Mapping]]] = ...) -> None: ...

class SessionState(_message.Message):
    __slots__ = ("id", "metadata", "ttl_ms", "created_at", "used_at", "variables", "bytes")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    ID_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    TTL_MS_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    USED_AT_FIELD_NUMBER: _ClassVar[int]
    VARIABLES_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    id: str
    metadata: _containers.ScalarMap[str, str]
    ttl_ms: int
    created_at: _timestamp_pb2.Timestamp
    used_at: _timestamp_pb2.Timestamp
    variables: int
    bytes: int
    def __init__(self, id: _Optional[str] = ..., metadata: _Optional[_Mapping[str, str]] = ..., ttl_ms: _Optional[int] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., used_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., variables: _Optional[int] = ..., bytes: _Optional[int] = ...) -> None: ...

class GatewayServiceEndSessionRequest(_message.Message):
    __slots__ = ("session_id",)
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    def __init__(self, session_id: _Optional[str] = ...) -> None: ...

class GatewayServiceEndSessionResponse(_message.Message):
    __slots__ = ("ended",)
    ENDED_FIELD_NUMBER: _ClassVar[int]
    ended: bool
    def __init__(self, ended: _Optional[bool] = ...) -> None: ...

class VariableState(_message.Message):
    __slots__ = ("id", "name", "type", "value", "value_msgpack", "constraints", "metadata", "version", "source", "at")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    VALUE_MSGPACK_FIELD_NUMBER: _ClassVar[int]
    CONSTRAINTS_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    type: str
    value: _struct_pb2.Value
    value_msgpack: bytes
    constraints: _struct_pb2.Struct
    metadata: _containers.ScalarMap[str, str]
    version: int
    source: _session_pb2.Source
    at: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., type: _Optional[str] = ..., value: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., value_msgpack: _Optional[bytes] = ..., constraints: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., metadata: _Optional[_Mapping[str, str]] = ..., version: _Optional[int] = ..., source: _Optional[_Union[_session_pb2.Source, _Mapping]] = ..., at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class GatewayServiceRegisterVariableRequest(_message.Message):
    __slots__ = ("session_id", "name", "type", "value", "value_msgpack", "constraints", "metadata", "if_not_exists")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    VALUE_MSGPACK_FIELD_NUMBER: _ClassVar[int]
    CONSTRAINTS_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    IF_NOT_EXISTS_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    name: str
    type: str
    value: _struct_pb2.Value
    value_msgpack: bytes
    constraints: _struct_pb2.Struct
    metadata: _containers.ScalarMap[str, str]
    if_not_exists: bool
    def __init__(self, session_id: _Optional[str] = ..., name: _Optional[str] = ..., type: _Optional[str] = ..., value: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., value_msgpack: _Optional[bytes] = ..., constraints: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., metadata: _Optional[_Mapping[str, str]] = ..., if_not_exists: _Optional[bool] = ...) -> None: ...

class GatewayServiceRegisterVariableResponse(_message.Message):
    __slots__ = ("variable",)
    VARIABLE_FIELD_NUMBER: _ClassVar[int]
    variable: VariableState
    def __init__(self, variable: _Optional[_Union[VariableState, _Mapping]] = ...) -> None: ...

class GatewayServiceGetVariablesRequest(_message.Message):
    __slots__ = ("session_id", "names", "form")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    NAMES_FIELD_NUMBER: _ClassVar[int]
    FORM_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    names: _containers.RepeatedScalarFieldContainer[str]
    form: ValueForm
    def __init__(self, session_id: _Optional[str] = ..., names: _Optional[_Iterable[str]] = ..., form: _Optional[_Union[ValueForm, str]] = ...) -> None: ...

class GatewayServiceGetVariablesResponse(_message.Message):
    __slots__ = ("variables", "missing")
    VARIABLES_FIELD_NUMBER: _ClassVar[int]
    MISSING_FIELD_NUMBER: _ClassVar[int]
    variables: _containers.RepeatedCompositeFieldContainer[VariableState]
    missing: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, variables: _Optional[_Iterable[_Union[VariableState, _Mapping]]] = ..., missing: _Optional[_Iterable[str]] = ...) -> None: ...

class GatewayServiceSetVariablesRequest(_message.Message):
    __slots__ = ("session_id", "assignments", "partial")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    ASSIGNMENTS_FIELD_NUMBER: _ClassVar[int]
    PARTIAL_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    assignments: _containers.RepeatedCompositeFieldContainer[VariableAssignment]
    partial: bool
    def __init__(self, session_id: _Optional[str] = ..., assignments: _Optional[_Iterable[_Union[VariableAssignment, _Mapping]]] = ..., partial: _Optional[bool] = ...) -> None: ...

class VariableAssignment(_message.Message):
    __slots__ = ("name", "value", "value_msgpack", "expected_version", "metadata")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    VALUE_MSGPACK_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_VERSION_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    name: str
    value: _struct_pb2.Value
    value_msgpack: bytes
    expected_version: int
    metadata: _containers.ScalarMap[str, str]
    def __init__(self, name: _Optional[str] = ..., value: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., value_msgpack: _Optional[bytes] = ..., expected_version: _Optional[int] = ..., metadata: _Optional[_Mapping[str, str]] = ...) -> None: ...

class GatewayServiceSetVariablesResponse(_message.Message):
    __slots__ = ("versions", "errors")
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
    versions: _containers.ScalarMap[str, int]
    errors: _containers.MessageMap[str, _error_pb2.ErrorDetail]
    def __init__(self, versions: _Optional[_Mapping[str, int]] = ..., errors: _Optional[_Mapping[str, _error_pb2.ErrorDetail]] = ...) -> None: ...

class GatewayServiceListVariablesRequest(_message.Message):
    __slots__ = ("session_id", "form")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    FORM_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    form: ValueForm
    def __init__(self, session_id: _Optional[str] = ..., form: _Optional[_Union[ValueForm, str]] = ...) -> None: ...

class GatewayServiceListVariablesResponse(_message.Message):
    __slots__ = ("variables",)
    VARIABLES_FIELD_NUMBER: _ClassVar[int]
    variables: _containers.RepeatedCompositeFieldContainer[VariableState]
    def __init__(self, variables: _Optional[_Iterable[_Union[VariableState, _Mapping]]] = ...) -> None: ...

class GatewayServiceDeleteVariableRequest(_message.Message):
    __slots__ = ("session_id", "name")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    name: str
    def __init__(self, session_id: _Optional[str] = ..., name: _Optional[str] = ...) -> None: ...

class GatewayServiceDeleteVariableResponse(_message.Message):
    __slots__ = ("deleted",)
    DELETED_FIELD_NUMBER: _ClassVar[int]
    deleted: bool
    def __init__(self, deleted: _Optional[bool] = ...) -> None: ...

class GatewayServiceWatchVariablesRequest(_message.Message):
    __slots__ = ("session_id", "names", "seen", "form")
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
    FORM_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    names: _containers.RepeatedScalarFieldContainer[str]
    seen: _containers.ScalarMap[str, int]
    form: ValueForm
    def __init__(self, session_id: _Optional[str] = ..., names: _Optional[_Iterable[str]] = ..., seen: _Optional[_Mapping[str, int]] = ..., form: _Optional[_Union[ValueForm, str]] = ...) -> None: ...

class GatewayServiceWatchVariablesResponse(_message.Message):
    __slots__ = ("kind", "variable", "coalesced", "at")
    KIND_FIELD_NUMBER: _ClassVar[int]
    VARIABLE_FIELD_NUMBER: _ClassVar[int]
    COALESCED_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    kind: _session_pb2.VariableChange.Kind
    variable: VariableState
    coalesced: int
    at: _timestamp_pb2.Timestamp
    def __init__(self, kind: _Optional[_Union[_session_pb2.VariableChange.Kind, str]] = ..., variable: _Optional[_Union[VariableState, _Mapping]] = ..., coalesced: _Optional[int] = ..., at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

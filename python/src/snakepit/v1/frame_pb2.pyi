from google.protobuf import any_pb2 as _any_pb2
from snakepit.v1 import error_pb2 as _error_pb2
from snakepit.v1 import tool_pb2 as _tool_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Limits(_message.Message):
    __slots__ = ("max_message_bytes", "max_buffer_bytes", "stream_window_bytes")
    MAX_MESSAGE_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_BUFFER_BYTES_FIELD_NUMBER: _ClassVar[int]
    STREAM_WINDOW_BYTES_FIELD_NUMBER: _ClassVar[int]
    max_message_bytes: int
    max_buffer_bytes: int
    stream_window_bytes: int
    def __init__(self, max_message_bytes: _Optional[int] = ..., max_buffer_bytes: _Optional[int] = ..., stream_window_bytes: _Optional[int] = ...) -> None: ...

class HostHello(_message.Message):
    __slots__ = ("protocol", "token", "role", "worker_id", "pool", "tools", "threads", "limits", "grace_ms", "shared_memory_bytes")
    class Role(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        ROLE_UNSPECIFIED: _ClassVar[HostHello.Role]
        ROLE_DATA: _ClassVar[HostHello.Role]
        ROLE_LIFELINE: _ClassVar[HostHello.Role]
    ROLE_UNSPECIFIED: HostHello.Role
    ROLE_DATA: HostHello.Role
    ROLE_LIFELINE: HostHello.Role
    PROTOCOL_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    WORKER_ID_FIELD_NUMBER: _ClassVar[int]
    POOL_FIELD_NUMBER: _ClassVar[int]
    TOOLS_FIELD_NUMBER: _ClassVar[int]
    THREADS_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    GRACE_MS_FIELD_NUMBER: _ClassVar[int]
    SHARED_MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    protocol: int
    token: bytes
    role: HostHello.Role
    worker_id: str
    pool: str
    tools: _containers.RepeatedScalarFieldContainer[str]
    threads: int
    limits: Limits
    grace_ms: int
    shared_memory_bytes: int
    def __init__(self, protocol: _Optional[int] = ..., token: _Optional[bytes] = ..., role: _Optional[_Union[HostHello.Role, str]] = ..., worker_id: _Optional[str] = ..., pool: _Optional[str] = ..., tools: _Optional[_Iterable[str]] = ..., threads: _Optional[int] = ..., limits: _Optional[_Union[Limits, _Mapping]] = ..., grace_ms: _Optional[int] = ..., shared_memory_bytes: _Optional[int] = ...) -> None: ...

class WorkerHello(_message.Message):
    __slots__ = ("protocol", "worker_id", "python_version", "executable", "pid", "start_time_ticks", "tools", "limits", "failure", "memory")
    PROTOCOL_FIELD_NUMBER: _ClassVar[int]
    WORKER_ID_FIELD_NUMBER: _ClassVar[int]
    PYTHON_VERSION_FIELD_NUMBER: _ClassVar[int]
    EXECUTABLE_FIELD_NUMBER: _ClassVar[int]
    PID_FIELD_NUMBER: _ClassVar[int]
    START_TIME_TICKS_FIELD_NUMBER: _ClassVar[int]
    TOOLS_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    MEMORY_FIELD_NUMBER: _ClassVar[int]
    protocol: int
    worker_id: str
    python_version: str
    executable: str
    pid: int
    start_time_ticks: int
    tools: _containers.RepeatedCompositeFieldContainer[_tool_pb2.Tool]
    limits: Limits
    failure: _error_pb2.ErrorDetail
    memory: MemoryProbe
    def __init__(self, protocol: _Optional[int] = ..., worker_id: _Optional[str] = ..., python_version: _Optional[str] = ..., executable: _Optional[str] = ..., pid: _Optional[int] = ..., start_time_ticks: _Optional[int] = ..., tools: _Optional[_Iterable[_Union[_tool_pb2.Tool, _Mapping]]] = ..., limits: _Optional[_Union[Limits, _Mapping]] = ..., failure: _Optional[_Union[_error_pb2.ErrorDetail, _Mapping]] = ..., memory: _Optional[_Union[MemoryProbe, _Mapping]] = ...) -> None: ...

class MemoryProbe(_message.Message):
    __slots__ = ("descriptor", "nonce")
    DESCRIPTOR_FIELD_NUMBER: _ClassVar[int]
    NONCE_FIELD_NUMBER: _ClassVar[int]
    descriptor: int
    nonce: bytes
    def __init__(self, descriptor: _Optional[int] = ..., nonce: _Optional[bytes] = ...) -> None: ...

class CallHead(_message.Message):
    __slots__ = ("method", "headers")
    METHOD_FIELD_NUMBER: _ClassVar[int]
    HEADERS_FIELD_NUMBER: _ClassVar[int]
    method: str
    headers: _containers.RepeatedCompositeFieldContainer[Header]
    def __init__(self, method: _Optional[str] = ..., headers: _Optional[_Iterable[_Union[Header, _Mapping]]] = ...) -> None: ...

class Header(_message.Message):
    __slots__ = ("name", "values")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    name: str
    values: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[str] = ..., values: _Optional[_Iterable[str]] = ...) -> None: ...

class CallMeta(_message.Message):
    __slots__ = ("headers", "trailers")
    HEADERS_FIELD_NUMBER: _ClassVar[int]
    TRAILERS_FIELD_NUMBER: _ClassVar[int]
    headers: _containers.RepeatedCompositeFieldContainer[Header]
    trailers: _containers.RepeatedCompositeFieldContainer[Header]
    def __init__(self, headers: _Optional[_Iterable[_Union[Header, _Mapping]]] = ..., trailers: _Optional[_Iterable[_Union[Header, _Mapping]]] = ...) -> None: ...

class CallError(_message.Message):
    __slots__ = ("message", "details", "headers", "trailers")
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    DETAILS_FIELD_NUMBER: _ClassVar[int]
    HEADERS_FIELD_NUMBER: _ClassVar[int]
    TRAILERS_FIELD_NUMBER: _ClassVar[int]
    message: str
    details: _containers.RepeatedCompositeFieldContainer[_any_pb2.Any]
    headers: _containers.RepeatedCompositeFieldContainer[Header]
    trailers: _containers.RepeatedCompositeFieldContainer[Header]
    def __init__(self, message: _Optional[str] = ..., details: _Optional[_Iterable[_Union[_any_pb2.Any, _Mapping]]] = ..., headers: _Optional[_Iterable[_Union[Header, _Mapping]]] = ..., trailers: _Optional[_Iterable[_Union[Header, _Mapping]]] = ...) -> None: ...

class Event(_message.Message):
    __slots__ = ("log", "progress", "span", "segments_opened", "segments_closed", "leases_returned")
    LOG_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    SPAN_FIELD_NUMBER: _ClassVar[int]
    SEGMENTS_OPENED_FIELD_NUMBER: _ClassVar[int]
    SEGMENTS_CLOSED_FIELD_NUMBER: _ClassVar[int]
    LEASES_RETURNED_FIELD_NUMBER: _ClassVar[int]
    log: Log
    progress: Progress
    span: SpanEnded
    segments_opened: SegmentsOpened
    segments_closed: SegmentsClosed
    leases_returned: LeasesReturned
    def __init__(self, log: _Optional[_Union[Log, _Mapping]] = ..., progress: _Optional[_Union[Progress, _Mapping]] = ..., span: _Optional[_Union[SpanEnded, _Mapping]] = ..., segments_opened: _Optional[_Union[SegmentsOpened, _Mapping]] = ..., segments_closed: _Optional[_Union[SegmentsClosed, _Mapping]] = ..., leases_returned: _Optional[_Union[LeasesReturned, _Mapping]] = ...) -> None: ...

class HostEvent(_message.Message):
    __slots__ = ("variables_changed", "objects_released", "memory_probed", "segment_wanted", "leases_returned", "segments_closed")
    VARIABLES_CHANGED_FIELD_NUMBER: _ClassVar[int]
    OBJECTS_RELEASED_FIELD_NUMBER: _ClassVar[int]
    MEMORY_PROBED_FIELD_NUMBER: _ClassVar[int]
    SEGMENT_WANTED_FIELD_NUMBER: _ClassVar[int]
    LEASES_RETURNED_FIELD_NUMBER: _ClassVar[int]
    SEGMENTS_CLOSED_FIELD_NUMBER: _ClassVar[int]
    variables_changed: VariablesChanged
    objects_released: ObjectsReleased
    memory_probed: MemoryProbed
    segment_wanted: SegmentWanted
    leases_returned: LeasesReturned
    segments_closed: SegmentsClosed
    def __init__(self, variables_changed: _Optional[_Union[VariablesChanged, _Mapping]] = ..., objects_released: _Optional[_Union[ObjectsReleased, _Mapping]] = ..., memory_probed: _Optional[_Union[MemoryProbed, _Mapping]] = ..., segment_wanted: _Optional[_Union[SegmentWanted, _Mapping]] = ..., leases_returned: _Optional[_Union[LeasesReturned, _Mapping]] = ..., segments_closed: _Optional[_Union[SegmentsClosed, _Mapping]] = ...) -> None: ...

class MemoryProbed(_message.Message):
    __slots__ = ("works",)
    WORKS_FIELD_NUMBER: _ClassVar[int]
    works: bool
    def __init__(self, works: _Optional[bool] = ...) -> None: ...

class SegmentWanted(_message.Message):
    __slots__ = ("bytes",)
    BYTES_FIELD_NUMBER: _ClassVar[int]
    bytes: int
    def __init__(self, bytes: _Optional[int] = ...) -> None: ...

class SegmentsOpened(_message.Message):
    __slots__ = ("segments",)
    SEGMENTS_FIELD_NUMBER: _ClassVar[int]
    segments: _containers.RepeatedCompositeFieldContainer[Segment]
    def __init__(self, segments: _Optional[_Iterable[_Union[Segment, _Mapping]]] = ...) -> None: ...

class Segment(_message.Message):
    __slots__ = ("id", "descriptor", "inode", "bytes", "for_arguments", "lease")
    ID_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTOR_FIELD_NUMBER: _ClassVar[int]
    INODE_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    FOR_ARGUMENTS_FIELD_NUMBER: _ClassVar[int]
    LEASE_FIELD_NUMBER: _ClassVar[int]
    id: int
    descriptor: int
    inode: int
    bytes: int
    for_arguments: bool
    lease: int
    def __init__(self, id: _Optional[int] = ..., descriptor: _Optional[int] = ..., inode: _Optional[int] = ..., bytes: _Optional[int] = ..., for_arguments: _Optional[bool] = ..., lease: _Optional[int] = ...) -> None: ...

class SegmentsClosed(_message.Message):
    __slots__ = ("segments",)
    SEGMENTS_FIELD_NUMBER: _ClassVar[int]
    segments: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, segments: _Optional[_Iterable[int]] = ...) -> None: ...

class LeasesReturned(_message.Message):
    __slots__ = ("leases",)
    LEASES_FIELD_NUMBER: _ClassVar[int]
    leases: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, leases: _Optional[_Iterable[int]] = ...) -> None: ...

class VariablesChanged(_message.Message):
    __slots__ = ("session_id", "variables")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    VARIABLES_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    variables: _containers.RepeatedCompositeFieldContainer[ChangedVariable]
    def __init__(self, session_id: _Optional[str] = ..., variables: _Optional[_Iterable[_Union[ChangedVariable, _Mapping]]] = ...) -> None: ...

class ChangedVariable(_message.Message):
    __slots__ = ("id", "name", "version", "deleted")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    DELETED_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    version: int
    deleted: bool
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., version: _Optional[int] = ..., deleted: _Optional[bool] = ...) -> None: ...

class ObjectsReleased(_message.Message):
    __slots__ = ("session_id", "keys")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    KEYS_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    keys: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, session_id: _Optional[str] = ..., keys: _Optional[_Iterable[str]] = ...) -> None: ...

class Log(_message.Message):
    __slots__ = ("level", "source", "text", "session_id", "tool", "trace_id")
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    TOOL_FIELD_NUMBER: _ClassVar[int]
    TRACE_ID_FIELD_NUMBER: _ClassVar[int]
    level: int
    source: str
    text: str
    session_id: str
    tool: str
    trace_id: str
    def __init__(self, level: _Optional[int] = ..., source: _Optional[str] = ..., text: _Optional[str] = ..., session_id: _Optional[str] = ..., tool: _Optional[str] = ..., trace_id: _Optional[str] = ...) -> None: ...

class SpanEnded(_message.Message):
    __slots__ = ("name", "trace_id", "span_id", "parent_id", "start_unix_nanos", "end_unix_nanos", "attributes", "error", "session_id", "tool")
    class AttributesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: SpanAttribute
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[SpanAttribute, _Mapping]] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    TRACE_ID_FIELD_NUMBER: _ClassVar[int]
    SPAN_ID_FIELD_NUMBER: _ClassVar[int]
    PARENT_ID_FIELD_NUMBER: _ClassVar[int]
    START_UNIX_NANOS_FIELD_NUMBER: _ClassVar[int]
    END_UNIX_NANOS_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    TOOL_FIELD_NUMBER: _ClassVar[int]
    name: str
    trace_id: str
    span_id: str
    parent_id: str
    start_unix_nanos: int
    end_unix_nanos: int
    attributes: _containers.MessageMap[str, SpanAttribute]
    error: str
    session_id: str
    tool: str
    def __init__(self, name: _Optional[str] = ..., trace_id: _Optional[str] = ..., span_id: _Optional[str] = ..., parent_id: _Optional[str] = ..., start_unix_nanos: _Optional[int] = ..., end_unix_nanos: _Optional[int] = ..., attributes: _Optional[_Mapping[str, SpanAttribute]] = ..., error: _Optional[str] = ..., session_id: _Optional[str] = ..., tool: _Optional[str] = ...) -> None: ...

class SpanAttribute(_message.Message):
    __slots__ = ("text", "whole", "number", "flag")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    WHOLE_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    FLAG_FIELD_NUMBER: _ClassVar[int]
    text: str
    whole: int
    number: float
    flag: bool
    def __init__(self, text: _Optional[str] = ..., whole: _Optional[int] = ..., number: _Optional[float] = ..., flag: _Optional[bool] = ...) -> None: ...

class Progress(_message.Message):
    __slots__ = ("fraction", "message")
    FRACTION_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    fraction: float
    message: str
    def __init__(self, fraction: _Optional[float] = ..., message: _Optional[str] = ...) -> None: ...

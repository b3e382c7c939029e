import datetime

from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from snakepit.v1 import error_pb2 as _error_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PitStatus(_message.Message):
    __slots__ = ("at", "health", "pools", "workers", "calls", "live_calls", "sessions")
    AT_FIELD_NUMBER: _ClassVar[int]
    HEALTH_FIELD_NUMBER: _ClassVar[int]
    POOLS_FIELD_NUMBER: _ClassVar[int]
    WORKERS_FIELD_NUMBER: _ClassVar[int]
    CALLS_FIELD_NUMBER: _ClassVar[int]
    LIVE_CALLS_FIELD_NUMBER: _ClassVar[int]
    SESSIONS_FIELD_NUMBER: _ClassVar[int]
    at: _timestamp_pb2.Timestamp
    health: str
    pools: _containers.RepeatedCompositeFieldContainer[PoolStatus]
    workers: _containers.RepeatedCompositeFieldContainer[WorkerStatus]
    calls: _containers.RepeatedCompositeFieldContainer[CallStatus]
    live_calls: int
    sessions: int
    def __init__(self, at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., health: _Optional[str] = ..., pools: _Optional[_Iterable[_Union[PoolStatus, _Mapping]]] = ..., workers: _Optional[_Iterable[_Union[WorkerStatus, _Mapping]]] = ..., calls: _Optional[_Iterable[_Union[CallStatus, _Mapping]]] = ..., live_calls: _Optional[int] = ..., sessions: _Optional[int] = ...) -> None: ...

class PoolStatus(_message.Message):
    __slots__ = ("name", "health", "cause", "workers", "ready", "queued", "counters", "latency")
    class CountersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    HEALTH_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    WORKERS_FIELD_NUMBER: _ClassVar[int]
    READY_FIELD_NUMBER: _ClassVar[int]
    QUEUED_FIELD_NUMBER: _ClassVar[int]
    COUNTERS_FIELD_NUMBER: _ClassVar[int]
    LATENCY_FIELD_NUMBER: _ClassVar[int]
    name: str
    health: str
    cause: _error_pb2.ErrorDetail
    workers: int
    ready: int
    queued: int
    counters: _containers.ScalarMap[str, float]
    latency: LatencyStatus
    def __init__(self, name: _Optional[str] = ..., health: _Optional[str] = ..., cause: _Optional[_Union[_error_pb2.ErrorDetail, _Mapping]] = ..., workers: _Optional[int] = ..., ready: _Optional[int] = ..., queued: _Optional[int] = ..., counters: _Optional[_Mapping[str, float]] = ..., latency: _Optional[_Union[LatencyStatus, _Mapping]] = ...) -> None: ...

class LatencyStatus(_message.Message):
    __slots__ = ("calls_per_second", "p50_ms", "p95_ms", "p99_ms")
    CALLS_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    P50_MS_FIELD_NUMBER: _ClassVar[int]
    P95_MS_FIELD_NUMBER: _ClassVar[int]
    P99_MS_FIELD_NUMBER: _ClassVar[int]
    calls_per_second: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    def __init__(self, calls_per_second: _Optional[float] = ..., p50_ms: _Optional[float] = ..., p95_ms: _Optional[float] = ..., p99_ms: _Optional[float] = ...) -> None: ...

class WorkerStatus(_message.Message):
    __slots__ = ("id", "pid", "pool", "status", "calls", "memory_bytes", "uptime_ms", "started_by")
    ID_FIELD_NUMBER: _ClassVar[int]
    PID_FIELD_NUMBER: _ClassVar[int]
    POOL_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    CALLS_FIELD_NUMBER: _ClassVar[int]
    MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    UPTIME_MS_FIELD_NUMBER: _ClassVar[int]
    STARTED_BY_FIELD_NUMBER: _ClassVar[int]
    id: str
    pid: int
    pool: str
    status: str
    calls: int
    memory_bytes: int
    uptime_ms: int
    started_by: str
    def __init__(self, id: _Optional[str] = ..., pid: _Optional[int] = ..., pool: _Optional[str] = ..., status: _Optional[str] = ..., calls: _Optional[int] = ..., memory_bytes: _Optional[int] = ..., uptime_ms: _Optional[int] = ..., started_by: _Optional[str] = ...) -> None: ...

class CallStatus(_message.Message):
    __slots__ = ("id", "pool", "tool", "session_id", "worker", "age_ms")
    ID_FIELD_NUMBER: _ClassVar[int]
    POOL_FIELD_NUMBER: _ClassVar[int]
    TOOL_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    WORKER_FIELD_NUMBER: _ClassVar[int]
    AGE_MS_FIELD_NUMBER: _ClassVar[int]
    id: str
    pool: str
    tool: str
    session_id: str
    worker: str
    age_ms: int
    def __init__(self, id: _Optional[str] = ..., pool: _Optional[str] = ..., tool: _Optional[str] = ..., session_id: _Optional[str] = ..., worker: _Optional[str] = ..., age_ms: _Optional[int] = ...) -> None: ...

class GetStatusRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetStatusResponse(_message.Message):
    __slots__ = ("status",)
    STATUS_FIELD_NUMBER: _ClassVar[int]
    status: PitStatus
    def __init__(self, status: _Optional[_Union[PitStatus, _Mapping]] = ...) -> None: ...

class WatchStatusRequest(_message.Message):
    __slots__ = ("interval_ms",)
    INTERVAL_MS_FIELD_NUMBER: _ClassVar[int]
    interval_ms: int
    def __init__(self, interval_ms: _Optional[int] = ...) -> None: ...

class WatchStatusResponse(_message.Message):
    __slots__ = ("status",)
    STATUS_FIELD_NUMBER: _ClassVar[int]
    status: PitStatus
    def __init__(self, status: _Optional[_Union[PitStatus, _Mapping]] = ...) -> None: ...

class WatchEventsRequest(_message.Message):
    __slots__ = ("types", "recent")
    TYPES_FIELD_NUMBER: _ClassVar[int]
    RECENT_FIELD_NUMBER: _ClassVar[int]
    types: _containers.RepeatedScalarFieldContainer[str]
    recent: bool
    def __init__(self, types: _Optional[_Iterable[str]] = ..., recent: _Optional[bool] = ...) -> None: ...

class WatchEventsResponse(_message.Message):
    __slots__ = ("event",)
    EVENT_FIELD_NUMBER: _ClassVar[int]
    event: _struct_pb2.Struct
    def __init__(self, event: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class ListEventsRequest(_message.Message):
    __slots__ = ("types", "limit")
    TYPES_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    types: _containers.RepeatedScalarFieldContainer[str]
    limit: int
    def __init__(self, types: _Optional[_Iterable[str]] = ..., limit: _Optional[int] = ...) -> None: ...

class ListEventsResponse(_message.Message):
    __slots__ = ("events",)
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[_struct_pb2.Struct]
    def __init__(self, events: _Optional[_Iterable[_Union[_struct_pb2.Struct, _Mapping]]] = ...) -> None: ...

class CancelCallRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class CancelCallResponse(_message.Message):
    __slots__ = ("cancelled",)
    CANCELLED_FIELD_NUMBER: _ClassVar[int]
    cancelled: bool
    def __init__(self, cancelled: _Optional[bool] = ...) -> None: ...

class KillWorkerRequest(_message.Message):
    __slots__ = ("worker",)
    WORKER_FIELD_NUMBER: _ClassVar[int]
    worker: str
    def __init__(self, worker: _Optional[str] = ...) -> None: ...

class KillWorkerResponse(_message.Message):
    __slots__ = ("killed",)
    KILLED_FIELD_NUMBER: _ClassVar[int]
    killed: bool
    def __init__(self, killed: _Optional[bool] = ...) -> None: ...

class ReloadToolsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ReloadToolsResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

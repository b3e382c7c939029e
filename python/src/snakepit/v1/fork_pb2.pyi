from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ForkOrder(_message.Message):
    __slots__ = ("worker_id", "socket_path", "token", "stdout_path", "stderr_path", "env", "unset")
    class EnvEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    WORKER_ID_FIELD_NUMBER: _ClassVar[int]
    SOCKET_PATH_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    STDOUT_PATH_FIELD_NUMBER: _ClassVar[int]
    STDERR_PATH_FIELD_NUMBER: _ClassVar[int]
    ENV_FIELD_NUMBER: _ClassVar[int]
    UNSET_FIELD_NUMBER: _ClassVar[int]
    worker_id: str
    socket_path: str
    token: bytes
    stdout_path: str
    stderr_path: str
    env: _containers.ScalarMap[str, str]
    unset: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, worker_id: _Optional[str] = ..., socket_path: _Optional[str] = ..., token: _Optional[bytes] = ..., stdout_path: _Optional[str] = ..., stderr_path: _Optional[str] = ..., env: _Optional[_Mapping[str, str]] = ..., unset: _Optional[_Iterable[str]] = ...) -> None: ...

class ForkReport(_message.Message):
    __slots__ = ("readiness", "forked", "failed", "ended")
    READINESS_FIELD_NUMBER: _ClassVar[int]
    FORKED_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    ENDED_FIELD_NUMBER: _ClassVar[int]
    readiness: ForkReadiness
    forked: Forked
    failed: ForkFailed
    ended: ForkedEnded
    def __init__(self, readiness: _Optional[_Union[ForkReadiness, _Mapping]] = ..., forked: _Optional[_Union[Forked, _Mapping]] = ..., failed: _Optional[_Union[ForkFailed, _Mapping]] = ..., ended: _Optional[_Union[ForkedEnded, _Mapping]] = ...) -> None: ...

class ForkReadiness(_message.Message):
    __slots__ = ("unsafe",)
    UNSAFE_FIELD_NUMBER: _ClassVar[int]
    unsafe: str
    def __init__(self, unsafe: _Optional[str] = ...) -> None: ...

class Forked(_message.Message):
    __slots__ = ("worker_id", "pid", "start_time_ticks")
    WORKER_ID_FIELD_NUMBER: _ClassVar[int]
    PID_FIELD_NUMBER: _ClassVar[int]
    START_TIME_TICKS_FIELD_NUMBER: _ClassVar[int]
    worker_id: str
    pid: int
    start_time_ticks: int
    def __init__(self, worker_id: _Optional[str] = ..., pid: _Optional[int] = ..., start_time_ticks: _Optional[int] = ...) -> None: ...

class ForkFailed(_message.Message):
    __slots__ = ("worker_id", "reason")
    WORKER_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    worker_id: str
    reason: str
    def __init__(self, worker_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class ForkedEnded(_message.Message):
    __slots__ = ("worker_id", "exit_code", "signal", "peak_memory_bytes")
    WORKER_ID_FIELD_NUMBER: _ClassVar[int]
    EXIT_CODE_FIELD_NUMBER: _ClassVar[int]
    SIGNAL_FIELD_NUMBER: _ClassVar[int]
    PEAK_MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    worker_id: str
    exit_code: int
    signal: str
    peak_memory_bytes: int
    def __init__(self, worker_id: _Optional[str] = ..., exit_code: _Optional[int] = ..., signal: _Optional[str] = ..., peak_memory_bytes: _Optional[int] = ...) -> None: ...

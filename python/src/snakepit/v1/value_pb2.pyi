from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Buffer(_message.Message):
    __slots__ = ("dtype", "shape", "kind", "inline", "attached", "shared")
    class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        KIND_UNSPECIFIED: _ClassVar[Buffer.Kind]
        KIND_TYPED: _ClassVar[Buffer.Kind]
        KIND_NUMPY: _ClassVar[Buffer.Kind]
    KIND_UNSPECIFIED: Buffer.Kind
    KIND_TYPED: Buffer.Kind
    KIND_NUMPY: Buffer.Kind
    DTYPE_FIELD_NUMBER: _ClassVar[int]
    SHAPE_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    INLINE_FIELD_NUMBER: _ClassVar[int]
    ATTACHED_FIELD_NUMBER: _ClassVar[int]
    SHARED_FIELD_NUMBER: _ClassVar[int]
    dtype: str
    shape: _containers.RepeatedScalarFieldContainer[int]
    kind: Buffer.Kind
    inline: bytes
    attached: int
    shared: SharedRange
    def __init__(self, dtype: _Optional[str] = ..., shape: _Optional[_Iterable[int]] = ..., kind: _Optional[_Union[Buffer.Kind, str]] = ..., inline: _Optional[bytes] = ..., attached: _Optional[int] = ..., shared: _Optional[_Union[SharedRange, _Mapping]] = ...) -> None: ...

class SharedRange(_message.Message):
    __slots__ = ("segment", "offset", "length", "lease")
    SEGMENT_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    LENGTH_FIELD_NUMBER: _ClassVar[int]
    LEASE_FIELD_NUMBER: _ClassVar[int]
    segment: int
    offset: int
    length: int
    lease: int
    def __init__(self, segment: _Optional[int] = ..., offset: _Optional[int] = ..., length: _Optional[int] = ..., lease: _Optional[int] = ...) -> None: ...

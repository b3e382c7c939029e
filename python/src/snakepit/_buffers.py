"""Large data that travels beside a value, as raw little-endian bytes: bytes, memoryviews, ``array.array``, numpy arrays, and tables as Arrow streams.

A dtype is ``"bytes"``, ``"arrow"``, ``"bfloat16"`` or a numpy type string without byte order, such as ``"f8"``. numpy itself is used only where it is
there already or an array arrives.
"""

from __future__ import annotations

import array
import ctypes
import math
import re
import sys
import weakref
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from snakepit.v1 import value_pb2

__all__ = [
    "ARROW",
    "INLINE_BYTES",
    "KIND_BYTES",
    "KIND_NUMPY",
    "KIND_TYPED",
    "OutBuffer",
    "Unsupported",
    "array_of",
    "beside",
    "from_buffer",
    "is_table",
    "numpy",
    "typed_views_out",
]

KIND_BYTES = 0
KIND_TYPED = 1
KIND_NUMPY = 2

ARROW = "arrow"
"""Dtype of a table, as an Arrow IPC stream."""

INLINE_BYTES = 65_536
"""Plain bytes up to this size stay in the value."""

# What memoryview and array.array call their formats. The sizes of "l" and "L" are the machine's.
_DTYPE_OF_FORMAT = {
    "?": "b1",
    "e": "f2",
    "f": "f4",
    "d": "f8",
    **{code: f"i{array.array(code).itemsize}" for code in "bhilq"},
    **{code: f"u{array.array(code).itemsize}" for code in "BHILQ"},
    "n": f"i{ctypes.sizeof(ctypes.c_ssize_t)}",
    "N": f"u{ctypes.sizeof(ctypes.c_size_t)}",
}
_FORMAT_OF_DTYPE = {
    "b1": "?",
    "i1": "b",
    "i2": "h",
    "i4": "i",
    "i8": "q",
    "u1": "B",
    "u2": "H",
    "u4": "I",
    "u8": "Q",
    "f2": "e",
    "f4": "f",
    "f8": "d",
}
_DTYPE = re.compile(r"b1|[iu][1248]|f[248]|c8|c16|[mM]8(\[\d*(Y|M|W|D|h|m|s|ms|us|ns|ps|fs|as)\])?|bfloat16")
# Its type string says only that it has two bytes.
_BFLOAT16 = "bfloat16"
# Generic classes, of whose parameters nothing is known.
_ARRAY: Any = array.array
_OWNER: Any = ctypes.Array
_HALF_FLOATS_AS_BITS = sys.version_info < (3, 12)


class OutBuffer(NamedTuple):
    """One buffer to send. ``data`` is flat and C-contiguous, and looks at the memory of the object itself: send it before user code runs again."""

    dtype: str
    shape: tuple[int, ...]
    kind: int
    data: memoryview


class Unsupported(Exception):
    """A value that cannot travel; the message says why. Whoever knows the path raises UnsupportedValue."""


def numpy(wanted: bool = False) -> Any:
    """The numpy module, or None. Imported only when ``wanted``; otherwise only seen when somebody else imported it."""
    module = sys.modules.get("numpy")
    if module is None and wanted:
        try:
            import numpy as module
        except ImportError:
            return None
    # While numpy itself is being imported on another thread it has no arrays yet.
    return module if hasattr(module, "ndarray") else None


def beside(value: Any) -> OutBuffer | None:
    """``value`` as a buffer, or None when it is no such thing. Raises Unsupported for an array that nobody on the other side could read."""
    if type(value) is bytes or type(value) is bytearray:
        return OutBuffer("bytes", (), KIND_BYTES, memoryview(value))
    if type(value) is memoryview:
        return _from_memoryview(value)
    if isinstance(value, _ARRAY):
        return _from_memoryview(memoryview(value), KIND_TYPED)
    np = numpy()
    if np is not None and isinstance(value, np.ndarray):
        return _from_ndarray(np, value)
    if _table_modules():
        from snakepit import _arrow

        return _arrow.to_stream(value) if _arrow.is_table(value) else None
    return None


def _table_modules() -> bool:
    """Whether anybody can have made a table."""
    return "pyarrow" in sys.modules or "pandas" in sys.modules or "polars" in sys.modules


def is_table(value: object) -> bool:
    """Whether ``value`` is a table of pyarrow, pandas or polars."""
    if not _table_modules():
        return False
    from snakepit import _arrow

    return _arrow.is_table(value)


def _from_memoryview(view: memoryview, kind: int = KIND_BYTES) -> OutBuffer:
    code = view.format.lstrip("@=<")
    exported = _exported_dtype(view)
    if exported is not None:
        dtype = exported
    elif code in ("B", "c"):
        if view.ndim == 1 and kind == KIND_BYTES:
            return OutBuffer("bytes", (), KIND_BYTES, _flat(view))
        dtype = "u1"
    elif code in _DTYPE_OF_FORMAT and view.itemsize == int(_DTYPE_OF_FORMAT[code][1:]):
        dtype = _DTYPE_OF_FORMAT[code]
    else:
        raise Unsupported(f"a memoryview of the format {view.format!r} has no counterpart")
    return OutBuffer(dtype, tuple(view.shape or ()), KIND_TYPED, _flat(view))


def _flat(view: memoryview) -> memoryview:
    # A view with a zero in its shape cannot be cast.
    if view.nbytes == 0:
        return memoryview(b"")
    return view.cast("B") if view.c_contiguous and view.format[0] not in "<=" else memoryview(view.tobytes())


def _from_ndarray(np: Any, value: Any) -> OutBuffer:
    if isinstance(value, np.ma.MaskedArray):
        raise Unsupported("a masked array would lose its mask; send .filled() or the data and the mask")
    plain = np.asarray(value)
    dtype = plain.dtype.newbyteorder("<")
    name = _BFLOAT16 if plain.dtype.name == _BFLOAT16 else dtype.str[1:]
    if not _DTYPE.fullmatch(name):
        raise Unsupported(f"a numpy array of dtype {value.dtype} has no counterpart" + _REMEDIES.get(plain.dtype.kind, ""))
    # ascontiguousarray would turn an array without dimensions into one with one.
    flat = np.ascontiguousarray(plain, dtype=dtype).reshape(-1)
    return OutBuffer(name, tuple(plain.shape), KIND_NUMPY, memoryview(flat.view("u1")))


_REMEDIES = {"f": '; send .astype("f8")', "c": '; send .astype("c16")', "V": "; send a list of dicts, or one array a field"}


def from_buffer(meta: value_pb2.Buffer, data: memoryview | bytearray | bytes) -> Any:
    """The object that a received buffer stands for: bytes, a memoryview with a format, or a numpy array where numpy is there.

    ``data`` is handed over: it is not copied, and is writable where the object it becomes is. Raises Unsupported when dtype, shape and size do
    not fit together, or when only numpy could hold it and is not there.
    """
    kind: int = meta.kind
    if meta.dtype == "bytes":
        return bytes(data)
    if meta.dtype == ARROW:
        from snakepit import _arrow

        return _arrow.from_stream(data)
    if not _DTYPE.fullmatch(meta.dtype):
        raise Unsupported(f"a buffer of the unknown dtype {meta.dtype!r}")
    shape = tuple(meta.shape)
    itemsize = 2 if meta.dtype == _BFLOAT16 else int(re.sub(r"\[.*|\D", "", meta.dtype))
    size = memoryview(data).nbytes
    if math.prod(shape) * itemsize != size:
        raise Unsupported(f"a buffer of {size} bytes does not have the shape {shape} of {meta.dtype}")
    if kind == KIND_NUMPY or meta.dtype not in _FORMAT_OF_DTYPE:
        np = numpy(wanted=True)
        if np is not None:
            return np.frombuffer(data, _dtype_of(np, meta.dtype)).reshape(shape)
        if meta.dtype not in _FORMAT_OF_DTYPE:
            raise Unsupported(f"an array of dtype {meta.dtype} needs numpy in the worker's environment")
    return _export(meta.dtype, shape, data)


def _dtype_of(np: Any, name: str) -> Any:
    if name != _BFLOAT16:
        return np.dtype("<" + name)
    try:
        import ml_dtypes
    except ImportError:
        raise Unsupported("an array of bfloat16 needs ml_dtypes in the worker's environment") from None
    return np.dtype(ml_dtypes.bfloat16)


def array_of(value: Any, dtype: Any = None) -> Any:
    """``value`` as a numpy array: as it is for an array, without a copy for a memoryview, copied from bytes and lists.

    A dtype accepts what fits into it without loss. Raises ValueError otherwise, and for what is no array of numbers.
    """
    np = numpy(wanted=True)
    if isinstance(value, (bytes, bytearray)):
        # What JavaScript's Uint8Array and an array of u1 that went there come as. Copied, because tools write to their arrays.
        value = np.frombuffer(value, "u1").copy()
    if not isinstance(value, (np.ndarray, memoryview, list, tuple)):
        raise ValueError(f"Expected an array, got {type(value).__name__}")
    try:
        made = np.asarray(value)
    except ValueError as error:
        raise ValueError(f"Expected an array of numbers: {error}") from None
    if type(value) is memoryview and _exported_dtype(value) == "f2":
        made = made.view("f2")
    if isinstance(value, (list, tuple)) and made.size:
        if made.dtype.kind not in "biuf":
            raise ValueError("Expected an array of numbers")
        if dtype is not None and made.dtype.kind in "iu":
            return _exact(np, made, dtype)
    if dtype is None or made.dtype == dtype:
        return made
    # A list of floats has the precision of JSON, so it may become any kind of float.
    casting = "same_kind" if isinstance(value, (list, tuple)) else "safe"
    if made.size and not np.can_cast(made.dtype, dtype, casting):
        raise ValueError(f"Expected an array of {np.dtype(dtype)}, got one of {made.dtype}")
    return made.astype(dtype)


def _exact(np: Any, made: Any, dtype: Any) -> Any:
    """Whole numbers of a list as ``dtype``, which some of them may be too large for."""
    with np.errstate(all="ignore"):
        cast = made.astype(dtype)
    if cast.dtype.kind in "iub" and not (cast == made).all():
        raise ValueError(f"Expected an array of {np.dtype(dtype)}, got numbers outside its range")
    return cast


# Views that were handed out. While one of them is alive a result may hold it, which msgspec alone would send as plain bytes.
_out: dict[int, weakref.ref[Any]] = {}


def typed_views_out() -> dict[int, weakref.ref[Any]]:
    """Empty unless memoryviews made here are alive. The same object each time, so that it may be kept and looked at cheaply."""
    return _out


def _export(dtype: str, shape: tuple[int, ...], data: memoryview | bytearray | bytes) -> memoryview:
    # memoryviews cannot be watched through their slices, but what they look at can: it lives as long as any of them.
    owner = _owner_of(data)
    owner.snakepit_dtype = dtype
    # By its address: a ctypes array has no hash, and neither has a reference to it.
    key = id(owner)
    _out[key] = weakref.ref(owner, lambda _: _out.pop(key, None))
    flat: Any = memoryview(owner).cast("B")
    if hasattr(owner, "snakepit_memory"):
        flat = flat.toreadonly()
    code = "H" if dtype == "f2" and _HALF_FLOATS_AS_BITS else _FORMAT_OF_DTYPE[dtype]
    # A view of nothing cannot have more than one dimension.
    return flat.cast(code, list(shape)) if flat.nbytes else flat.cast(code)


def _owner_of(data: memoryview | bytearray | bytes) -> Any:
    """The bytes as a ctypes array: the same memory where that can be written to, or belongs to somebody who reads it too; otherwise a copy."""
    view = memoryview(data)
    kind = ctypes.c_ubyte * view.nbytes
    if not view.readonly:
        return kind.from_buffer(data)
    np = numpy()
    if np is None or type(data) is not memoryview:
        return kind.from_buffer_copy(data)
    owner: Any = kind.from_address(np.frombuffer(data, "u1").__array_interface__["data"][0])
    owner.snakepit_memory = data
    return owner


def _exported_dtype(view: memoryview) -> str | None:
    """The dtype that a view made here was received with, which says more than its format does."""
    owner: Any = view.obj
    dtype = getattr(owner, "snakepit_dtype", None) if isinstance(owner, _OWNER) else None
    return dtype if dtype is not None and view.itemsize == int(dtype[1:]) else None

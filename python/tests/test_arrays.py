"""Arrays beside the value: numpy arrays, memoryviews, ``array.array``."""

from __future__ import annotations

import array
import gc
import subprocess
import sys
from typing import Any

import ml_dtypes  # noqa: F401  # pyright: ignore[reportUnusedImport]
import numpy as np
import pytest
from carry import carried, there_and_back
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from value_table import dtypes

from snakepit._buffers import KIND_NUMPY, KIND_TYPED, Unsupported, from_buffer
from snakepit._errors import UnsupportedValue
from snakepit._values import decode, encode
from snakepit.v1 import value_pb2

DTYPES = dtypes()


def alike(one: Any, other: Any) -> bool:
    return one.dtype == other.dtype.newbyteorder("<") and one.shape == other.shape and one.tobytes() == other.astype(one.dtype).tobytes()


@pytest.mark.parametrize("dtype", [name for name, _ in DTYPES])
@pytest.mark.parametrize("shape", [(), (0,), (5,), (2, 3), (2, 0, 4), (1, 1, 1)])
def test_numpy_arrays_of_every_dtype_and_shape_come_back(dtype: str, shape: tuple[int, ...]) -> None:
    value = np.arange(np.prod(shape, dtype=int)).astype(dtype if dtype[0] not in "mM" else "i8").astype(dtype).reshape(shape)
    raw, buffers = encode({"x": [value]})
    assert buffers is not None
    assert (buffers[0].dtype, buffers[0].shape, buffers[0].kind) == (dtype, shape, KIND_NUMPY)
    assert alike(decode(raw, carried(buffers))["x"][0], value)


numeric = st.one_of(
    hnp.boolean_dtypes(),
    hnp.integer_dtypes(endianness="?"),
    hnp.unsigned_integer_dtypes(endianness="?"),
    hnp.floating_dtypes(endianness="?", sizes=(16, 32, 64)),
    hnp.complex_number_dtypes(endianness="?", sizes=(64, 128)),
    hnp.datetime64_dtypes(endianness="?"),
    hnp.timedelta64_dtypes(endianness="?"),
)


@given(hnp.arrays(numeric, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)), st.booleans())
def test_random_arrays_come_back_whatever_their_layout(value: Any, turned: bool) -> None:
    if turned:
        value = value.T
    assert alike(there_and_back(value), value)


@pytest.mark.parametrize("make", [lambda a: a[::2], lambda a: a[::-1], lambda a: np.asfortranarray(a), lambda a: a.T, lambda a: a[:, 1:3]])
def test_strided_arrays_come_back_contiguous(make: Any) -> None:
    value = make(np.arange(24.0).reshape(4, 6))
    back = there_and_back(value)
    assert back.flags.c_contiguous
    assert (back == value).all()


def test_contiguous_arrays_are_not_copied() -> None:
    value = np.arange(10.0)
    _, buffers = encode(value)
    assert buffers is not None
    value[0] = 7
    assert buffers[0].data[:8] == np.float64(7).tobytes()


def test_arrays_arrive_writable_and_without_a_copy() -> None:
    memory = bytearray(16)
    made = from_buffer(value_pb2.Buffer(dtype="f8", shape=[2], kind=KIND_NUMPY), memory)  # pyright: ignore[reportArgumentType]
    made[0] = 1.5
    assert memory[:8] == np.float64(1.5).tobytes()


@pytest.mark.parametrize("value", [np.longdouble([1]), np.clongdouble([1]), np.zeros(1, "i4,f4"), np.zeros(1, "V3")])
def test_arrays_that_nobody_could_read_are_refused(value: Any) -> None:
    with pytest.raises(UnsupportedValue, match="dtype"):
        encode(value)


def test_subclasses_of_arrays_go_as_arrays() -> None:
    class Signal(np.ndarray): ...

    assert alike(there_and_back(np.arange(3).view(Signal)), np.arange(3))


@pytest.mark.parametrize(("dtype", "code"), [(d, c) for d, c in DTYPES if c])
def test_typed_arrays_arrive_as_memoryviews_and_go_back_as_what_they_were(dtype: str, code: str) -> None:
    data = np.arange(4).astype(dtype).tobytes()
    meta = value_pb2.Buffer(dtype=dtype, shape=[4], kind=KIND_TYPED)  # pyright: ignore[reportArgumentType]
    view = from_buffer(meta, bytearray(data))
    if dtype == "f2" and sys.version_info < (3, 12):
        code = "H"
    assert view.format == code
    for value in (view, {"deep": [view]}, [view[1:]]):
        _, buffers = encode(value)
        assert buffers is not None
        assert (buffers[0].dtype, buffers[0].kind) == (dtype, KIND_TYPED)
        assert bytes(buffers[0].data) == data[-buffers[0].data.nbytes :]


def test_a_typed_array_of_read_only_memory_arrives() -> None:
    meta = value_pb2.Buffer(dtype="f8", shape=[1, 2], kind=KIND_TYPED)  # pyright: ignore[reportArgumentType]
    view = from_buffer(meta, memoryview(np.array([1.5, 2.5]).tobytes()))
    assert view.tolist() == [[1.5, 2.5]]


def test_no_slow_pass_is_left_behind_by_typed_arrays_that_are_gone() -> None:
    from snakepit._buffers import typed_views_out

    gc.collect()
    before = len(typed_views_out())
    view = from_buffer(value_pb2.Buffer(dtype="f8", shape=[1], kind=KIND_TYPED), bytearray(8))  # pyright: ignore[reportArgumentType]
    part = view[:0]
    del view
    assert len(typed_views_out()) == before + 1
    del part
    assert len(typed_views_out()) == before


@pytest.mark.parametrize("code", "bBhHiIlLqQfd")
def test_array_array_is_a_typed_array(code: str) -> None:
    value = array.array(code, [1, 2, 3])
    raw, buffers = encode([value])
    assert buffers is not None
    assert buffers[0].kind == KIND_TYPED
    assert decode(raw, carried(buffers))[0].tolist() == [1, 2, 3]


def test_text_in_an_array_array_is_text() -> None:
    assert there_and_back([array.array("u" if sys.version_info < (3, 13) else "w", "snäke")]) == ["snäke"]


@pytest.mark.parametrize(
    ("dtype", "shape", "size"),
    [("f8", [2], 8), ("f8", [], 0), ("i4", [2**62, 4], 16), ("O", [1], 8), ("f16", [1], 16), ("M8[x]", [1], 8), ("", [1], 1)],
)
def test_a_buffer_that_does_not_fit_its_description_is_refused(dtype: str, shape: list[int], size: int) -> None:
    for kind in (KIND_TYPED, KIND_NUMPY):
        with pytest.raises(Unsupported):
            from_buffer(value_pb2.Buffer(dtype=dtype, shape=shape, kind=kind), bytearray(size))  # pyright: ignore[reportArgumentType]


WITHOUT_NUMPY = """
import sys
sys.modules["numpy"] = None
from snakepit._buffers import Unsupported, from_buffer
from snakepit._values import encode
from snakepit.v1 import value_pb2
import array
view = from_buffer(value_pb2.Buffer(dtype="f8", shape=[2, 1], kind=2), bytearray(array.array("d", [1.5, 2.5]).tobytes()))
assert view.tolist() == [[1.5], [2.5]], view
assert encode({"x": view})[1][0][:3] == ("f8", (2, 1), 1)
try:
    from_buffer(value_pb2.Buffer(dtype="c16", shape=[1], kind=2), bytearray(16))
except Unsupported as error:
    assert "needs numpy" in str(error)
else:
    raise AssertionError
"""

NEVER_IMPORTED = """
import sys
from snakepit._tool import Tool
from snakepit._values import encode, decode
encode([1, 2**70, b"x", range(3)])
decode(b"\\x01")
assert "numpy" not in sys.modules
"""


@pytest.mark.parametrize("program", [WITHOUT_NUMPY, NEVER_IMPORTED], ids=["a worker without numpy", "numpy is not imported for nothing"])
def test_numpy_is_not_needed(program: str) -> None:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env={"PYTHONPATH": ":".join(sys.path)}, check=False)
    assert done.returncode == 0, done.stderr

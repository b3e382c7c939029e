"""Errors: the family, and what travels for an exception."""

from __future__ import annotations

import asyncio
import pickle
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from snakepit import _errors
from snakepit._errors import (
    CODES,
    MEMBERS,
    AffinityUnavailable,
    BatchFailed,
    CallDepthExceeded,
    CallTimeout,
    HostToolFailed,
    InputError,
    InvalidArguments,
    InvalidOptions,
    ObjectLost,
    PayloadTooLarge,
    ProtocolError,
    QuotaExceeded,
    SessionClosed,
    SessionExpired,
    SessionNotFound,
    SnakepitError,
    StoreFailed,
    StreamingMismatch,
    ToolFailed,
    ToolNotFound,
    UnsupportedValue,
    VariableExists,
    VariableInvalid,
    VariableNotFound,
    VersionConflict,
    WorkerStartFailed,
    detail_of,
    error_of,
)
from snakepit.v1 import error_pb2

TYPESCRIPT = (Path(__file__).resolve().parents[2] / "src" / "errors" / "errors.ts").read_text(encoding="utf-8")
# The Connect codes, from 1.
NUMBERS = [
    "Canceled",
    "Unknown",
    "InvalidArgument",
    "DeadlineExceeded",
    "NotFound",
    "AlreadyExists",
    "PermissionDenied",
    "ResourceExhausted",
    "FailedPrecondition",
    "Aborted",
    "OutOfRange",
    "Unimplemented",
    "Internal",
    "Unavailable",
    "DataLoss",
    "Unauthenticated",
]

EXAMPLES = [
    (ToolNotFound("add", ["sub"]), 'There is no tool "add"; did you mean "sub"?'),
    (ToolNotFound("add"), 'There is no tool "add".'),
    (InvalidArguments("add", "a", "$.a", "Expected `int`."), 'Tool "add", argument "a": Expected `int`.'),
    (StreamingMismatch("count", True), 'Tool "count" streams: call it with executeStream.'),
    (StreamingMismatch("add", False), 'Tool "add" does not stream: call it with execute.'),
    (UnsupportedValue("$.f", "it is a function"), "The value at $.f cannot travel: it is a function."),
    (PayloadTooLarge(11, 10, "maxMessageBytes"), '11 bytes are over the limit of 10; raise it with the option "maxMessageBytes".'),
    (ToolFailed("add", "ValueError", "no", "Traceback", []), 'Tool "add" raised ValueError: no'),
    (HostToolFailed("look", "TypeError", "no", "at x"), 'Host tool "look" failed with TypeError: no'),
    (InputError("total", "numbers", "gone"), 'The input stream "numbers" of tool "total" failed: gone'),
    (CallTimeout("add", 500), 'Tool "add" took longer than the call limit of 500 ms.'),
    (WorkerStartFailed("no tools", worker="w1"), "Worker w1 did not start: no tools"),
    (ProtocolError("bad frame"), "Protocol error: bad frame."),
    (InvalidOptions("constraints.min", "a number"), 'Option "constraints.min" must be a number.'),
    (SessionNotFound("s"), 'There is no session "s".'),
    (SessionNotFound(""), "This call belongs to no session: call the tool through one."),
    (SessionExpired("s"), 'Session "s" has expired.'),
    (SessionClosed("s"), 'This handle of session "s" is closed.'),
    (VariableNotFound("t"), 'There is no variable "t".'),
    (VariableExists("t"), 'There is a variable "t" already.'),
    (VariableInvalid("t", "max", "at most 2"), 'Variable "t" must be at most 2.'),
    (VersionConflict("t", 1, 2), 'Variable "t" is at version 2, not 1.'),
    (BatchFailed({"a": "no", "b": "no"}), 'The batch failed for "a", "b".'),
    (QuotaExceeded("maxVariables", 10), 'The quota "maxVariables" of 10 is used up.'),
    (StoreFailed("/f.db", "disk full"), 'The session store "/f.db" failed: disk full'),
    (AffinityUnavailable("s", "w1"), 'Worker w1 of session "s" is not available.'),
    (ObjectLost("model", "w1"), 'The object "model" is no longer in worker w1.'),
    (CallDepthExceeded("add", 16), 'The call of "add" is nested deeper than 16.'),
]


def typescript_members() -> dict[str, tuple[str, str]]:
    """Connect code and field declarations of every member, by tag, as TypeScript defines them."""
    found: dict[str, tuple[str, str]] = {}
    for part in TYPESCRIPT.split("define(")[1:]:
        tag = re.match(r'"(\w+)"', part)
        code = re.search(r"code: Code\.(\w+)", part)
        fields = re.search(r"message: \(f: \{(.*?)\}\) =>", part, re.DOTALL)
        assert tag is not None
        assert code is not None
        assert fields is not None
        found[tag[1]] = (code[1], fields[1])
    return found


def test_every_member_has_the_code_that_typescript_gives_it() -> None:
    assert {tag: NUMBERS.index(code) + 1 for tag, (code, _) in typescript_members().items()} == CODES


@pytest.mark.parametrize("error", [error for error, _ in EXAMPLES], ids=lambda error: error.tag)
def test_fields_have_the_names_of_the_typescript_side(error: SnakepitError) -> None:
    declared = re.findall(r"readonly (\w+):", typescript_members()[error.tag][1])
    assert list(error.fields) == declared


@pytest.mark.parametrize(("error", "sentence"), EXAMPLES, ids=lambda part: part.tag if isinstance(part, SnakepitError) else "")
def test_an_error_says_one_sentence(error: SnakepitError, sentence: str) -> None:
    assert str(error) == error.message == sentence


def test_there_is_an_example_of_every_member() -> None:
    assert {error.tag for error, _ in EXAMPLES} == set(MEMBERS)


@pytest.mark.parametrize("error", [error for error, _ in EXAMPLES], ids=lambda error: error.tag)
def test_an_error_of_the_family_stays_what_it_is(error: SnakepitError) -> None:
    error.__cause__ = ProtocolError("deeper")
    code, detail = detail_of(error, "other")
    back = error_of(error_pb2.ErrorDetail.FromString(detail.SerializeToString()))
    assert (type(back), back.tag, back.fields, str(back), back.retryable) == (type(error), error.tag, error.fields, str(error), error.retryable)
    assert code == CODES[error.tag] == back.code
    assert isinstance(back.__cause__, ProtocolError)


@pytest.mark.parametrize("error", [error for error, _ in EXAMPLES], ids=lambda error: error.tag)
def test_errors_can_be_pickled(error: SnakepitError) -> None:
    back = pickle.loads(pickle.dumps(error))
    assert (type(back), back.fields, str(back)) == (type(error), error.fields, str(error))


def test_fields_stand_on_the_error_under_python_names() -> None:
    error = CallTimeout("add", 500, "stream")
    assert (error.tool, error.timeout_ms, error.limit) == ("add", 500, "stream")
    assert error.fields["timeoutMs"] == 500


def test_a_member_without_a_class_keeps_its_tag_and_code() -> None:
    detail = error_pb2.ErrorDetail(tag="RateLimited", message="Too many requests; try again in 5 ms.", retryable=True)
    detail.fields.update({"retryAfterMs": 5})
    error = error_of(detail)
    assert type(error) is SnakepitError
    assert (error.tag, error.code, error.retryable, error.fields) == ("RateLimited", 8, True, {"retryAfterMs": 5})
    assert str(error) == "Too many requests; try again in 5 ms."
    assert detail_of(error, "t")[1] == detail


def test_a_field_of_a_newer_peer_hides_no_method() -> None:
    detail = error_pb2.ErrorDetail(tag="New", message="new")
    detail.fields.update({"message": "other", "with_traceback": 1, "a b": 2, "tag": "x"})
    error = error_of(detail)
    assert (str(error), error.tag) == ("new", "New")
    assert callable(error.with_traceback)


def raised(function: Any) -> BaseException:
    try:
        function()
    except BaseException as error:
        return error
    raise AssertionError("nothing was raised")


def failure(function: Any) -> ToolFailed:
    code, detail = detail_of(raised(function), "t")
    assert code == 2
    back = error_of(error_pb2.ErrorDetail.FromString(detail.SerializeToString()))
    assert isinstance(back, ToolFailed)
    return back


def divide() -> None:
    _ = 1 / 0


def test_an_exception_becomes_tool_failed_with_its_traceback() -> None:
    failed = failure(divide)
    assert (failed.tool, failed.type, failed.detail, failed.causes) == ("t", "ZeroDivisionError", "division by zero", [])
    assert failed.traceback.startswith("Traceback (most recent call last):")
    assert "in divide" in failed.traceback
    assert failed.traceback.endswith("ZeroDivisionError: division by zero\n")


def chained() -> None:
    try:
        try:
            divide()
        except ZeroDivisionError as error:
            raise ValueError("second") from error
    except ValueError:
        raise KeyError("third")  # noqa: B904 - the implicit context is what this is about


def test_causes_come_nearest_first() -> None:
    failed = failure(chained)
    assert failed.type == "KeyError"
    assert [(cause["type"], cause["message"]) for cause in failed.causes] == [("ValueError", "second"), ("ZeroDivisionError", "division by zero")]
    assert "in divide" in failed.causes[1]["traceback"]
    assert "direct cause" in failed.traceback
    assert [str(cause.__cause__) for cause in (failed, failed.__cause__)] == ["second", "division by zero"]  # type: ignore[union-attr]


def test_a_suppressed_context_is_no_cause() -> None:
    def quiet() -> None:
        try:
            divide()
        except ZeroDivisionError:
            raise ValueError("only this") from None

    failed = failure(quiet)
    assert failed.causes == []
    assert "ZeroDivisionError" not in failed.traceback
    assert failed.__cause__ is None


def test_a_cycle_of_causes_ends() -> None:
    def ring() -> None:
        one, other = ValueError("one"), KeyError("other")
        one.__cause__, other.__cause__ = other, one
        raise one

    assert [cause["type"] for cause in failure(ring).causes] == ["KeyError"]


def test_a_very_long_chain_is_cut() -> None:
    def long() -> None:
        error: Exception | None = None
        for number in range(2_000):
            following = ValueError(number)
            following.__cause__ = error
            error = following
        assert error is not None
        raise error

    failed = failure(long)
    assert len(failed.causes) == 32
    assert len(failed.traceback) < 100_000


def test_a_family_member_among_the_causes_stays_what_it_is() -> None:
    def tool() -> None:
        try:
            raise HostToolFailed("lookup", "RangeError", "too far", "at lookup")
        except HostToolFailed as error:
            raise ValueError("no answer") from error

    failed = failure(tool)
    assert isinstance(failed.__cause__, HostToolFailed)
    assert failed.__cause__.stack == "at lookup"


def test_a_users_exception_of_the_name_of_a_member_is_none() -> None:
    class QueueFull(Exception): ...

    def tool() -> None:
        raise ValueError("late") from QueueFull("mine")

    cause = failure(tool).__cause__
    assert isinstance(cause, SnakepitError)
    assert (cause.tag, str(cause)) == (f"{__name__}.QueueFull", "mine")


@pytest.mark.skipif(sys.version_info < (3, 11), reason="exception groups came with 3.11")
def test_an_exception_group_shows_its_members() -> None:
    def group() -> None:
        members = [ValueError("one"), KeyError("two")]
        raise ExceptionGroup("both", members)  # noqa: F821 - a name of 3.11

    failed = failure(group)
    assert failed.type == "ExceptionGroup"
    assert [cause["type"] for cause in failed.causes] == ["ValueError", "KeyError"]
    assert "ValueError: one" in failed.traceback
    assert "KeyError: 'two'" in failed.traceback


class Unsayable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("not even this")

    __repr__ = __str__

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)


class Exiting(Exception):
    def __str__(self) -> str:
        raise SystemExit(3)


@pytest.mark.parametrize("kind", [Unsayable, Exiting])
def test_an_exception_that_cannot_be_read_is_reported_all_the_same(kind: type[Exception]) -> None:
    def tool() -> None:
        raise kind from kind()

    failed = failure(tool)
    assert failed.type == kind.__name__
    assert "cannot be read" in failed.detail
    assert [cause["type"] for cause in failed.causes] == [kind.__name__]


def test_text_that_is_not_unicode_is_escaped() -> None:
    def tool() -> None:
        raise ValueError("half \ud800 a pair")

    assert failure(tool).detail == "half \\ud800 a pair"


def test_a_huge_message_is_cut() -> None:
    def tool() -> None:
        raise ValueError("x" * 10_000_000)

    failed = failure(tool)
    assert len(failed.detail) < 70_000
    assert "characters left out" in failed.detail


def test_endless_recursion_is_reported_in_short() -> None:
    def deeper() -> None:
        deeper()

    failed = failure(deeper)
    assert failed.type == "RecursionError"
    assert len(failed.traceback) < 10_000


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), GeneratorExit(), StopIteration(1)])
def test_an_exception_that_ends_programs_fails_only_the_call(error: BaseException) -> None:
    def tool() -> None:
        raise error

    assert failure(tool).type == type(error).__name__


def test_a_cancellation_is_cancelled() -> None:
    assert _errors.Cancelled is asyncio.CancelledError
    code, detail = detail_of(asyncio.CancelledError(), "slow")
    assert (code, detail.tag, dict(detail.fields), detail.message) == (1, "Cancelled", {"tool": "slow"}, 'The call of tool "slow" was cancelled.')


@pytest.mark.parametrize("value", [object(), b"1", 10**400, 3 + 4j, {"inner": [object()]}, float("nan")])
def test_an_error_can_be_told_whatever_is_in_it(value: object) -> None:
    code, detail = detail_of(SnakepitError({"value": value}), "t")
    assert code == 2
    assert "value" in error_of(detail).fields

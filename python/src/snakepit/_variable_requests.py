"""What a session asks its host about variables, and what it makes of the answers. Nothing here waits; both kinds of session do that themselves."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Generic, TypeVar, cast

from google.protobuf.message import Message

from snakepit._context import caller, current
from snakepit._errors import BatchFailed, InvalidOptions, SnakepitError, VariableNotFound, error_of
from snakepit._session import MISSING
from snakepit._session_cache import Cache
from snakepit._values import decode
from snakepit._variable_types import check, constraints_json
from snakepit._variables import ReadOutcome, Variable, WriteOutcome, encode_value, variable_of
from snakepit.v1 import host_pb2, session_pb2

__all__ = ["Ask", "VariableRequests"]

T = TypeVar("T")

MAX_BATCH = 1_000
"""Variables that one batch may read or write."""
# As far as JavaScript counts.
_MAX_VERSION = (1 << 53) - 1


class Ask(Generic[T]):
    """A call of HostService: the method, the request, and what becomes of the bytes of the answer."""

    __slots__ = ("method", "parse", "request")

    def __init__(self, method: str, request: Message, parse: Callable[[bytes], T]) -> None:
        self.method = method
        self.request = request
        self.parse = parse


class VariableRequests:
    """The questions of one session."""

    def __init__(self, session_id: str, cache: Cache) -> None:
        self._session_id = session_id
        self._cache = cache

    def register(
        self, name: str, type: str, value: Any, constraints: Mapping[str, Any] | None, metadata: Mapping[str, str] | None, if_not_exists: bool
    ) -> Ask[Variable]:
        """Makes a variable."""
        _check_text("name", name)
        _check_text("type", type)
        _check_metadata(metadata)
        described = constraints_json(constraints)
        raw = encode_value(value)
        check(name, type, described, decode(raw))
        asked = self._cache.asking()
        request = host_pb2.RegisterVariableRequest(
            session_id=self._session_id,
            variable=session_pb2.Variable(name=name, type=type, value=raw, constraints_json=described, metadata=metadata),
            if_not_exists=if_not_exists,
            keep=asked is not None,
            caller=caller(current()),
        )

        def parse(body: bytes) -> Variable:
            variable = host_pb2.RegisterVariableResponse.FromString(body).variable
            self._cache.take([variable], asked)
            return variable_of(variable)

        return Ask("RegisterVariable", request, parse)

    def read(self, name: str, default: Any) -> Ask[Any]:
        """The value of one variable, or the default."""
        _check_text("name", name)

        def value(found: dict[str, session_pb2.Variable]) -> Any:
            if name in found:
                return decode(found[name].value)
            if default is MISSING:
                raise VariableNotFound(name)
            return default

        return self._read([name], value)

    def entry(self, name: str) -> Ask[Variable]:
        """One variable with everything that is known about it."""
        _check_text("name", name)

        def variable(found: dict[str, session_pb2.Variable]) -> Variable:
            if name not in found:
                raise VariableNotFound(name)
            return variable_of(found[name])

        return self._read([name], variable)

    def read_many(self, names: Iterable[str], bypass_cache: bool) -> tuple[ReadOutcome, Ask[ReadOutcome] | None]:
        """What is kept of many variables, and the question for the rest."""
        wanted = _batch(names, "names")
        kept: dict[str, Any] = {}
        for name in wanted:
            found = self._cache.find(name, bypass_cache)
            if found is not None:
                kept[name] = found.value()
        rest = [name for name in wanted if name not in kept]

        def outcome(found: dict[str, session_pb2.Variable]) -> ReadOutcome:
            values = {name: kept[name] if name in kept else decode(found[name].value) for name in wanted if name in kept or name in found}
            return ReadOutcome(values, [name for name in wanted if name not in values])

        return ReadOutcome(kept, []), self._read(rest, outcome) if rest else None

    def list_all(self) -> Ask[list[Variable]]:
        """Every variable."""
        asked = self._cache.asking()

        def parse(body: bytes) -> list[Variable]:
            variables = host_pb2.ListVariablesResponse.FromString(body).variables
            self._cache.take(variables, asked)
            return [variable_of(variable) for variable in variables]

        return Ask("ListVariables", host_pb2.ListVariablesRequest(session_id=self._session_id, keep=asked is not None), parse)

    def write(self, name: str, value: Any, expected_version: int | None, metadata: Mapping[str, str] | None) -> Ask[int]:
        """Changes one variable."""
        _check_text("name", name)
        _check_version("expected_version", expected_version)
        _check_metadata(metadata)
        raw = encode_value(value)
        known = self._cache.known(name)
        if known is not None:
            check(known.name, known.type, known.constraints_json, decode(raw))
        update = host_pb2.VariableUpdate(name=name, value=raw, expected_version=expected_version, metadata=metadata)

        def version(answer: host_pb2.SetVariablesResponse) -> int:
            if name in answer.errors:
                raise error_of(answer.errors[name])
            return answer.versions[name]

        # Not as an atomic batch, which would fail with BatchFailed.
        return self._write([update], False, version)

    def write_many(
        self, values: Mapping[str, Any], atomic: bool, expected_versions: Mapping[str, int] | None, metadata: Mapping[str, str] | None
    ) -> Ask[WriteOutcome]:
        """Changes many variables. What cannot travel is the failure of its own variable."""
        _batch(values, "values")
        expected = expected_versions or {}
        for version in expected.values():
            _check_version("expected_versions", version)
        _check_metadata(metadata)
        updates: list[host_pb2.VariableUpdate] = []
        errors: dict[str, SnakepitError] = {}
        for name, value in values.items():
            try:
                raw = encode_value(value)
            except SnakepitError as error:
                errors[name] = error
            else:
                updates.append(host_pb2.VariableUpdate(name=name, value=raw, expected_version=expected.get(name), metadata=metadata))
        if atomic and errors:
            raise BatchFailed({name: str(error) for name, error in errors.items()}) from next(iter(errors.values()))

        def outcome(answer: host_pb2.SetVariablesResponse) -> WriteOutcome:
            return WriteOutcome(dict(answer.versions), {**errors, **{name: error_of(detail) for name, detail in answer.errors.items()}})

        return self._write(updates, atomic, outcome)

    def delete(self, name: str) -> Ask[bool]:
        """Removes a variable."""
        _check_text("name", name)

        def parse(body: bytes) -> bool:
            self._cache.invalidate(name)
            return host_pb2.DeleteVariableResponse.FromString(body).deleted

        return Ask("DeleteVariable", host_pb2.DeleteVariableRequest(session_id=self._session_id, name=name, caller=caller(current())), parse)

    def watch(self, names: Iterable[str] | None) -> host_pb2.WatchVariablesRequest:
        """What to watch; everything without names."""
        request = host_pb2.WatchVariablesRequest(session_id=self._session_id)
        if names is not None:
            wanted = _names(names, "names")
            # On the wire that means all.
            if not wanted:
                raise InvalidOptions("names", "left out, or at least one name")
            request.names.extend(wanted)
        return request

    def _read(self, names: Collection[str], then: Callable[[dict[str, session_pb2.Variable]], T]) -> Ask[T]:
        asked = self._cache.asking()

        def parse(body: bytes) -> T:
            answer = host_pb2.GetVariablesResponse.FromString(body)
            self._cache.take(answer.variables, asked)
            missing = set(answer.missing)
            return then(dict(zip([name for name in names if name not in missing], answer.variables, strict=True)))

        return Ask("GetVariables", host_pb2.GetVariablesRequest(session_id=self._session_id, names=names, keep=asked is not None), parse)

    def _write(self, updates: list[host_pb2.VariableUpdate], atomic: bool, then: Callable[[host_pb2.SetVariablesResponse], T]) -> Ask[T]:
        asked = self._cache.asking()
        request = host_pb2.SetVariablesRequest(
            session_id=self._session_id, updates=updates, atomic=atomic, keep=asked is not None, caller=caller(current())
        )

        def parse(body: bytes) -> T:
            answer = host_pb2.SetVariablesResponse.FromString(body)
            self._cache.written(answer.versions, answer.variables, asked)
            return then(answer)

        return Ask("SetVariables", request, parse)


def _names(names: Iterable[str], option: str) -> list[str]:
    """Each of the names once. Raises InvalidOptions for what is no name."""
    try:
        wanted = [] if isinstance(names, str) else list(dict.fromkeys(names))
    except TypeError:
        raise InvalidOptions(option, "a list of names") from None
    if isinstance(names, str) or not all(_is_text(name) for name in wanted):
        raise InvalidOptions(option, "a list of names")
    return wanted


def _batch(names: Iterable[str], option: str) -> list[str]:
    """The same for a batch, which holds only so many."""
    wanted = _names(names, option)
    if len(wanted) > MAX_BATCH:
        raise InvalidOptions(option, f"at most {MAX_BATCH} variables")
    return wanted


# What a message would refuse with words of its own.


def _check_text(option: str, value: object) -> None:
    if not _is_text(value):
        raise InvalidOptions(option, "text")


def _check_version(option: str, version: object) -> None:
    if version is not None and not (type(version) is int and 0 <= version <= _MAX_VERSION):
        raise InvalidOptions(option, "a whole number from 0")


def _check_metadata(metadata: object) -> None:
    if metadata is None:
        return
    if not isinstance(metadata, Mapping) or not all(_is_text(part) for item in cast("Mapping[Any, Any]", metadata).items() for part in item):
        raise InvalidOptions("metadata", "a mapping of text to text")


def _is_text(value: object) -> bool:
    """Whether it is text that is Unicode, which half a surrogate pair is not."""
    if not isinstance(value, str):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True

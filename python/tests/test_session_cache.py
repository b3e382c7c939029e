"""What a worker keeps of variables: never older than what it was told."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from snakepit import _session_cache
from snakepit._errors import InvalidOptions
from snakepit._session_cache import Cache, no_cache
from snakepit.v1.frame_pb2 import ChangedVariable
from snakepit.v1.session_pb2 import Variable


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def variable(name: str, version: int = 0, value: Any = None, serial: int = 1) -> Variable:
    return Variable(id=f"var_{name}_{serial}", name=name, type="json", value=msgspec.msgpack.encode(value), version=version)


def changed(name: str, version: int = 0, serial: int = 1, deleted: bool = False) -> ChangedVariable:
    return ChangedVariable(id=f"var_{name}_{serial}", name=name, version=version, deleted=deleted)


def filled(*variables: Variable, clock: Clock | None = None) -> Cache:
    cache = Cache(clock or Clock())
    cache.take(variables, cache.asking())
    return cache


def value_in(cache: Cache, name: str) -> Any:
    found = cache.find(name)
    return "nothing" if found is None else found.value()


@pytest.mark.parametrize("value", [None, False, 0, "", b"", [], {}])
def test_whatever_is_kept_is_a_hit(value: Any) -> None:
    cache = filled(variable("a", value=value))
    assert value_in(cache, "a") == value_in(cache, "var_a_1") == value
    assert (cache.stats().hits, cache.stats().misses, cache.stats().hit_rate) == (2, 0, 1.0)


def test_what_a_reader_alters_is_its_own() -> None:
    cache = filled(variable("a", value=[1, {"b": []}]))
    value_in(cache, "a")[1]["b"].append(2)
    assert value_in(cache, "a") == [1, {"b": []}]


def test_values_go_when_they_are_too_old() -> None:
    clock = Clock()
    cache = filled(variable("a", value=1), clock=clock)
    clock.now = 0.999
    assert value_in(cache, "a") == 1
    clock.now = 1.0
    assert value_in(cache, "a") == "nothing"
    stats = cache.stats()
    assert (stats.size, stats.hits, stats.misses, stats.evictions, stats.sets, stats.hit_rate) == (0, 1, 1, 1, 1, 0.5)


def test_what_was_not_read_for_longest_makes_room() -> None:
    cache = Cache(Clock())
    cache.configure(max_size=2)
    for name in "ab":
        cache.take([variable(name, value=name)], cache.asking())
    assert value_in(cache, "a") == "a"
    cache.take([variable("c", value="c")], cache.asking())
    assert [value_in(cache, name) for name in "abc"] == ["a", "nothing", "c"]
    assert cache.stats().evictions == 1
    cache.configure(max_size=0)
    assert cache.stats().size == 0
    assert cache.asking() is None


def test_reading_past_it_is_a_miss() -> None:
    cache = filled(variable("a", value=1))
    assert cache.find("a", bypass=True) is None
    assert (cache.stats().hits, cache.stats().misses, cache.stats().size) == (0, 1, 1)


def test_one_or_all_are_let_go_of() -> None:
    cache = filled(*(variable(name, value=name) for name in "abc"))
    cache.invalidate("a")
    cache.invalidate("var_b_1")
    cache.invalidate("nothing of this name")
    assert [value_in(cache, name) for name in ("a", "b", "c", "var_c_1")] == ["nothing", "nothing", "c", "c"]
    cache.invalidate()
    assert cache.stats().size == 0


def test_it_can_be_turned_off_and_on() -> None:
    cache = filled(variable("a", value=1))
    asked = cache.asking()
    cache.configure(enabled=False)
    cache.take([variable("a", value=1)], asked)
    assert (value_in(cache, "a"), cache.asking(), cache.stats().size, cache.stats().misses, cache.stats().enabled) == ("nothing", None, 0, 0, False)
    cache.configure(enabled=True, ttl_seconds=5, max_size=7)
    cache.take([variable("a", value=2)], cache.asking())
    stats = cache.stats()
    assert (value_in(cache, "a"), stats.enabled, stats.ttl_seconds, stats.max_size) == (2, True, 5, 7)


@pytest.mark.parametrize(("option", "value"), [("ttl_seconds", -1), ("ttl_seconds", float("nan")), ("max_size", -1)])
def test_settings_that_make_no_sense_are_refused(option: str, value: float) -> None:
    with pytest.raises(InvalidOptions, match=option):
        Cache().configure(**{option: value})  # pyright: ignore[reportArgumentType]


def test_a_later_version_ends_what_is_kept_and_the_same_does_not() -> None:
    cache = filled(variable("a", 3, "three"))
    cache.changed([changed("a", 2), changed("a", 3)])
    assert value_in(cache, "a") == "three"
    cache.changed([changed("a", 4)])
    assert value_in(cache, "a") == value_in(cache, "var_a_1") == "nothing"


@pytest.mark.parametrize("event", [changed("a", 4), changed("a", 3, deleted=True), changed("a", 0, serial=2)], ids=["set", "deleted", "replaced"])
def test_an_answer_that_comes_after_a_later_change_is_not_kept(event: ChangedVariable) -> None:
    cache = Cache(Clock())
    asked = cache.asking()
    cache.changed([event])
    cache.take([variable("a", 3)], asked)
    assert value_in(cache, "a") == "nothing"


def test_an_older_answer_takes_no_ones_place() -> None:
    cache = Cache(Clock())
    first, second = cache.asking(), cache.asking()
    cache.take([variable("a", 5, "new")], second)
    cache.take([variable("a", 4, "old")], first)
    assert value_in(cache, "a") == "new"
    cache.invalidate("a")
    cache.take([variable("a", 4, "old")], first)
    assert value_in(cache, "a") == "nothing"


def test_what_replaced_a_variable_is_kept_once_it_is_asked_for() -> None:
    cache = filled(variable("a", 3))
    cache.changed([changed("a", 3, deleted=True)])
    cache.take([variable("a", 0, "other", serial=2)], cache.asking())
    assert value_in(cache, "a") == value_in(cache, "var_a_2") == "other"
    # Told late, as of a change that another process made.
    cache.changed([changed("a", 3, deleted=True)])
    assert value_in(cache, "a") == "other"
    cache.take([variable("a", 3, "first")], 0)
    assert value_in(cache, "var_a_1") == "nothing"


def test_of_two_answers_about_two_variables_of_one_name_neither_is_trusted() -> None:
    cache = Cache(Clock())
    first, second = cache.asking(), cache.asking()
    cache.take([variable("a", 0, "first")], first)
    cache.take([variable("a", 0, "second", serial=2)], second)
    assert value_in(cache, "a") == "nothing"


def test_what_was_heard_too_long_ago_to_remember_counts_against_old_questions_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_session_cache, "_MAX_HEARD", 2)
    cache = Cache(Clock())
    asked = cache.asking()
    cache.changed([changed(name, 1) for name in "abc"])
    cache.take([variable("a", 0)], asked)
    assert value_in(cache, "a") == "nothing"
    cache.take([variable("a", 1)], cache.asking())
    assert value_in(cache, "a") is None


def test_a_name_that_looks_like_an_id_is_looked_up_by_the_host() -> None:
    cache = filled(variable("var_a_1", value="name", serial=7))
    assert value_in(cache, "var_a_1") == "nothing"
    assert value_in(cache, "var_var_a_1_7") == "name"


def test_own_changes_are_kept_whole_or_end_what_was() -> None:
    cache = filled(variable("a", 1, "old"), variable("b", 1, "old"))
    cache.written({"a": 2, "var_b_1": 2}, [variable("a", 2, "new")], cache.asking())
    assert [value_in(cache, name) for name in "ab"] == ["new", "nothing"]


def test_the_type_of_what_is_kept_is_known_however_old() -> None:
    clock = Clock()
    cache = filled(variable("a"), clock=clock)
    clock.now = 9
    known = cache.known("a")
    assert known is not None
    assert known.type == "json"
    assert (cache.stats().hits, cache.stats().misses) == (0, 0)


def test_nothing_is_kept_after_the_session() -> None:
    cache = filled(variable("a"))
    asked = cache.asking()
    cache.clear()
    cache.configure(enabled=True)
    cache.take([variable("a")], asked)
    cache.preload([variable("b")])
    assert (cache.find("a"), cache.find("b"), cache.stats().enabled) == (None, None, False)
    assert no_cache() is no_cache()
    assert no_cache().asking() is None


def test_any_thread_may_use_it() -> None:
    cache = Cache()
    wrong: list[object] = []
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            before = told
            found = cache.find("a")
            if found is not None and found.version < before:
                wrong.append((found.version, before))
            cache.take([variable("a", told)], cache.asking())

    told = 0
    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for version in range(1, 3_000):
        cache.changed([changed("a", version)])
        told = version
    stop.set()
    for reader in readers:
        reader.join()
    assert wrong == []


NAMES = st.sampled_from(["a", "b", "c"])


class AgainstAModel(RuleBasedStateMachine):
    """One reader: the same hits, misses and evictions as a list with the one read last at the end."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.cache = Cache(self.clock)
        self.ttl, self.max_size, self.enabled = 1.0, 1_000, True
        # Name, version and when it was kept.
        self.kept: list[tuple[str, int, float]] = []
        self.host = dict.fromkeys("abcd", 0)
        self.hits = self.misses = self.evictions = self.sets = 0

    def at(self, name: str) -> int | None:
        return next((i for i, (kept, _, _) in enumerate(self.kept) if kept == name), None)

    def put(self, name: str) -> None:
        if not self.enabled or self.max_size == 0:
            return
        i = self.at(name)
        if i is not None:
            del self.kept[i]
        self.kept.append((name, self.host[name], self.clock.now))
        self.sets += 1
        self.trim()

    def trim(self) -> None:
        while len(self.kept) > self.max_size:
            del self.kept[0]
            self.evictions += 1

    @initialize(max_size=st.integers(1, 3))
    def begin(self, max_size: int) -> None:
        self.configure(1.0, max_size, True)

    @rule(names=st.lists(st.sampled_from("abcd"), min_size=1, max_size=6), by_id=st.booleans(), bypass=st.booleans())
    def read(self, names: list[str], by_id: bool, bypass: bool) -> None:
        for name in names:
            self.read_one(name, by_id, bypass)

    def read_one(self, name: str, by_id: bool, bypass: bool) -> None:
        i = self.at(name)
        expected = None
        if i is not None and not bypass and self.clock.now - self.kept[i][2] < self.ttl:
            expected = self.kept[i][1]
            self.kept.append(self.kept.pop(i))
            self.hits += 1
        else:
            if i is not None and not bypass:
                del self.kept[i]
                self.evictions += 1
            self.misses += self.enabled
        found = self.cache.find(f"var_{name}_1" if by_id else name, bypass)
        assert (None if found is None else found.version) == expected
        if found is None:
            self.cache.take([variable(name, self.host[name])], self.cache.asking())
            self.put(name)

    @rule(name=st.sampled_from("abcd"))
    def set_here(self, name: str) -> None:
        asked = self.cache.asking()
        self.host[name] += 1
        self.cache.written({name: self.host[name]}, [variable(name, self.host[name])] if asked is not None else [], asked)
        i = self.at(name)
        if i is not None:
            del self.kept[i]
        self.put(name)

    @rule(name=st.sampled_from("abcd"))
    def set_elsewhere(self, name: str) -> None:
        self.host[name] += 1
        self.cache.changed([changed(name, self.host[name])])
        i = self.at(name)
        if i is not None:
            del self.kept[i]

    @rule(name=st.none() | st.sampled_from("abcd"))
    def invalidate(self, name: str | None) -> None:
        self.cache.invalidate(name)
        self.kept = [] if name is None else [kept for kept in self.kept if kept[0] != name]

    @rule(seconds=st.sampled_from([0.3, 0.5, 2.0]))
    def wait(self, seconds: float) -> None:
        self.clock.now += seconds

    @rule(ttl=st.sampled_from([0.5, 1.0, 9.0]), max_size=st.integers(0, 3), enabled=st.sampled_from([True, True, False]))
    def configure(self, ttl: float, max_size: int, enabled: bool) -> None:
        self.cache.configure(enabled, ttl, max_size)
        self.ttl, self.max_size, self.enabled = ttl, max_size, enabled
        self.trim()
        if not enabled:
            self.kept = []

    @invariant()
    def counts_are_those_of_the_model(self) -> None:
        stats = self.cache.stats()
        assert (stats.size, stats.hits, stats.misses, stats.evictions, stats.sets) == (
            len(self.kept),
            self.hits,
            self.misses,
            self.evictions,
            self.sets,
        )


class Told(NamedTuple):
    """A message on its way to the worker: a change, or the answer to a question."""

    event: ChangedVariable | None
    answer: tuple[int | None, list[Variable]] | None


class Hosted(RuleBasedStateMachine):
    """Many readers: messages come in order, but what is made of an answer may come later than what is made of the changes behind it."""

    def __init__(self) -> None:
        super().__init__()
        self.cache = Cache(Clock())
        self.serial = 0
        self.there: dict[str, tuple[int, int]] = {}
        # The host tells of what the worker may keep: what it has asked for, until it is told; see worker-copy.ts.
        self.kept: set[str] = set()
        self.asking: list[tuple[int | None, str]] = []
        self.wire: list[Told] = []
        self.arrived: list[tuple[int | None, list[Variable]]] = []

    def tell(self, name: str, serial: int, version: int, deleted: bool = False) -> None:
        asked = any(name == of for _, of in self.asking)
        if name in self.kept or asked:
            self.wire.append(Told(changed(name, version, serial, deleted), None))
        self.kept.discard(name)

    def answer(self, asked: int | None, names: Iterable[str]) -> None:
        found = [name for name in names if name in self.there]
        self.kept.update(found)
        self.wire.append(Told(None, (asked, [self.now(name) for name in found])))

    def now(self, name: str) -> Variable:
        serial, version = self.there[name]
        return variable(name, version, [serial, version], serial)

    @rule(name=NAMES)
    def register_or_set(self, name: str) -> None:
        if name in self.there:
            serial, version = self.there[name]
            self.there[name] = (serial, version + 1)
        else:
            self.serial += 1
            self.there[name] = (self.serial, 0)
        self.tell(name, *self.there[name])

    @rule(name=NAMES)
    def set_from_the_worker(self, name: str) -> None:
        if name in self.there:
            asked = self.cache.asking()
            self.register_or_set(name)
            self.answer(asked, [name])

    @precondition(lambda self: bool(self.there))
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.there)))
        serial, version = self.there.pop(name)
        self.tell(name, serial, version, deleted=True)

    @rule(name=NAMES)
    def ask(self, name: str) -> None:
        self.asking.append((self.cache.asking(), name))

    @precondition(lambda self: bool(self.asking))
    @rule(data=st.data())
    def the_host_answers(self, data: st.DataObject) -> None:
        asked, name = self.asking.pop(data.draw(st.integers(0, len(self.asking) - 1)))
        self.answer(asked, [name])

    @precondition(lambda self: bool(self.wire))
    @rule()
    def a_message_comes(self) -> None:
        told = self.wire.pop(0)
        if told.event is not None:
            self.cache.changed([told.event])
        elif told.answer is not None:
            self.arrived.append(told.answer)

    @precondition(lambda self: bool(self.arrived))
    @rule(data=st.data())
    def a_reader_goes_on(self, data: st.DataObject) -> None:
        asked, variables = self.arrived.pop(data.draw(st.integers(0, len(self.arrived) - 1)))
        self.cache.take(variables, asked)

    @rule(name=st.none() | NAMES)
    def invalidate(self, name: str | None) -> None:
        self.cache.invalidate(name)

    @rule(max_size=st.integers(1, 3))
    def configure(self, max_size: int) -> None:
        self.cache.configure(max_size=max_size)

    @invariant()
    def nothing_old_is_served_once_all_is_told(self) -> None:
        if any(told.event is not None for told in self.wire):
            return
        for name in "abc":
            found = self.cache.find(name)
            assert found is None or found.value() == list(self.there.get(name, ())), name
            for serial in range(1, self.serial + 1):
                found = self.cache.find(f"var_{name}_{serial}")
                assert found is None or found.value() == list(self.there.get(name, ()))


TestAgainstAModel = AgainstAModel.TestCase
TestAgainstAModel.settings = settings(max_examples=100, stateful_step_count=40)
TestHosted = Hosted.TestCase
TestHosted.settings = settings(max_examples=200, stateful_step_count=40)

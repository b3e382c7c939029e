"""User code: how it is found, imported and collected."""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from snakepit._errors import WorkerStartFailed, detail_of, error_of
from snakepit._loading import load
from snakepit._values import encode


@pytest.fixture(autouse=True)
def _clean_imports() -> Iterator[None]:
    path, modules = list(sys.path), set(sys.modules)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        if "snakepit" not in name:
            del sys.modules[name]


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def file(name: str, text: str) -> str:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("from snakepit import tool\n" + dedent(text), encoding="utf-8")
        return str(path)

    return file


def called(box: Any, name: str, **arguments: Any) -> Any:
    tool = box.tools[name]
    return tool.call(tool.decode(encode(arguments)[0]))


def failed(*sources: str) -> WorkerStartFailed:
    with pytest.raises(WorkerStartFailed) as caught:
        load(sources).enter()
    return caught.value


ADD = """
    @tool
    def add(a: int, b: int) -> int:
        return a + b
"""

MODEL = """
    class Model:
        made = 0

        def __init__(self):
            Model.made += 1
            self.log = ["init"]

        def __enter__(self):
            self.log.append("enter")
            return self

        def __exit__(self, *exc):
            self.log.append("exit")

        @tool
        def predict(self, x: int) -> int:
            return x + Model.made

        @tool
        def words(self) -> list[str]:
            return self.log

        def helper(self): ...
"""


def test_the_tools_of_a_file_come_in_the_order_of_their_definition(write: Any) -> None:
    box = load([write("tools.py", ADD + "\n    @tool\n    def sub(a: int) -> int: return -a\n    def no_tool(): ...\n")])
    assert list(box.tools) == ["add", "sub"]
    assert called(box, "add", a=1, b=2) == 3


def test_a_module_is_found_by_its_dotted_name(write: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write("package/__init__.py", "")
    write("package/inner.py", ADD)
    monkeypatch.chdir(tmp_path)
    assert called(load(["package.inner"]), "add", a=1, b=2) == 3


def test_several_sources_make_one_box(write: Any) -> None:
    assert list(load([write("a.py", ADD), write("b.py", "@tool\ndef other(): ...")]).tools) == ["add", "other"]


def test_a_file_may_import_its_neighbours_and_itself_be_imported(write: Any) -> None:
    write("neighbour.py", "FACTOR = 3")
    box = load([write("tools_of_mine.py", "import neighbour\n@tool\ndef times(a: int) -> int: return a * neighbour.FACTOR")])
    assert called(box, "times", a=2) == 6
    assert __import__("tools_of_mine").times(3) == 9


def test_objects_of_its_classes_can_be_pickled(write: Any) -> None:
    box = load([write("shapes.py", "class Shape: size = 1\n@tool\ndef shape(): return Shape()")])
    assert pickle.loads(pickle.dumps(called(box, "shape"))).size == 1


def test_a_file_of_the_name_of_another_module_is_not_that_module(write: Any) -> None:
    box = load([write("one/json.py", ADD), write("two/json.py", "@tool\ndef other(): return __file__")])
    assert list(box.tools) == ["add", "other"]
    import json

    assert json.loads("[1]") == [1]
    assert called(box, "other").endswith(os.path.join("two", "json.py"))


def test_a_source_named_twice_is_loaded_once(write: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write("twice.py", ADD)
    monkeypatch.chdir(tmp_path)
    assert list(load([path, path, "twice", os.path.join(".", "twice.py")]).tools) == ["add"]


def test_tools_imported_from_another_module_count_once(write: Any) -> None:
    base = write("base.py", ADD + MODEL)
    box = load([base, write("more.py", "from base import add, Model\nfrom base import add as plus\n@tool\ndef own(): ...")])
    assert list(box.tools) == ["add", "Model.predict", "Model.words", "own"]
    assert list(load([write("only.py", "from base import add")]).tools) == ["add"]


def test_a_wrapped_tool_is_called_through_its_wrapper(write: Any) -> None:
    text = """
        import functools

        def twice(f):
            @functools.wraps(f)
            def wrapper(*args, **kwargs):
                return 2 * f(*args, **kwargs)
            return wrapper

        @twice
        @tool
        def one(a: int) -> int:
            return a
    """
    assert called(load([write("wrapped.py", text)]), "one", a=4) == 8


# Classes


def test_a_tool_class_is_made_once_and_entered(write: Any) -> None:
    box = load([write("model.py", MODEL)])
    assert list(box.tools) == ["Model.predict", "Model.words"]
    box.enter()
    assert called(box, "Model.predict", x=1) == 2
    words = called(box, "Model.words")
    assert words == ["init", "enter"]
    assert box.exit() == []
    assert words == ["init", "enter", "exit"]
    assert box.exit() == []


def test_static_and_class_methods_can_be_tools(write: Any) -> None:
    text = """
        class Both:
            @staticmethod
            @tool
            def one(a: int) -> int: return a
            @tool
            @staticmethod
            def two(a: int) -> int: return a + 1
            @classmethod
            @tool
            def three(cls, a: int) -> str: return cls.__name__ * a
            @tool
            @classmethod
            def four(cls, a: int) -> str: return cls.__name__
    """
    box = load([write("both.py", text)])
    box.enter()
    assert [called(box, name, a=1) for name in box.tools] == [1, 2, "Both", "Both"]
    assert list(box.tools) == ["Both.one", "Both.two", "Both.three", "Both.four"]


def test_inherited_tools_belong_to_each_class(write: Any) -> None:
    text = """
        import abc

        class Base(abc.ABC):
            @tool
            def name(self) -> str: return type(self).__name__
            @abc.abstractmethod
            def size(self): ...

        class Big(Base):
            def size(self): return 2
            @tool
            def double(self) -> int: return 2 * self.size()

        class Small(Base):
            def size(self): return 1
            @tool
            def name(self) -> str: return "small"
    """
    box = load([write("inherited.py", text)])
    box.enter()
    assert {name: called(box, name) for name in box.tools} == {"Big.name": "Big", "Big.double": 4, "Small.name": "small"}


def test_classes_are_left_in_reverse_order_and_all_of_them(write: Any) -> None:
    text = """
        left = []

        class One:
            def __enter__(self): return self
            def __exit__(self, *exc): left.append("One")
            @tool
            def one(self): return left

        class Two(One):
            def __exit__(self, *exc):
                left.append("Two")
                raise ValueError("stuck")

        class Three(One):
            def __exit__(self, *exc): left.append("Three")
    """
    box = load([write("classes.py", text)])
    box.enter()
    left = called(box, "One.one")
    raised = box.exit()
    assert left == ["Three", "Two", "One"]
    assert [repr(error) for error in raised] == ["ValueError('stuck')"]


def test_a_class_that_cannot_be_made_fails_the_start_and_leaves_the_others(write: Any) -> None:
    text = """
        left = []

        class One:
            def __enter__(self): return self
            def __exit__(self, *exc): left.append("One")
            @tool
            def one(self): ...

        class Two:
            def __init__(self, size): ...
            @tool
            def two(self): ...
    """
    error = failed(write("halfway.py", text))
    assert "the class Two could not be made: TypeError" in error.reason
    assert sys.modules["halfway"].left == ["One"]


def test_an_error_in_enter_shows_where(write: Any) -> None:
    error = failed(write("enters.py", "class A:\n    def __enter__(self): raise OSError('no weights')\n    @tool\n    def a(self): ..."))
    assert error.reason.endswith("OSError: no weights")
    assert "in __enter__" in error.traceback
    assert error.type == "OSError"


# What fails the start


def test_a_failed_import_shows_the_users_own_traceback(write: Any) -> None:
    path = write("broken.py", "def deep(): return 1 / 0\nx = deep()")
    error = failed(path)
    lines = error.traceback.splitlines()
    assert (error.type, lines[0]) == ("ZeroDivisionError", "Traceback (most recent call last):")
    assert lines[1].startswith(f'  File "{path}", line 3')
    assert lines[-1] == "ZeroDivisionError: division by zero"
    assert error.reason == f"{path} could not be imported: ZeroDivisionError: division by zero"
    assert isinstance(error.__cause__, ZeroDivisionError)
    back = error_of(detail_of(error, "")[1])
    assert (back.fields, str(back.__cause__)) == (error.fields, "division by zero")
    assert "broken" not in sys.modules


def test_a_neighbour_that_fails_to_import_shows_both_files(write: Any) -> None:
    write("needs.py", "import a_package_that_is_not_there")
    error = failed(write("user.py", "import needs"))
    assert error.type == "ModuleNotFoundError"
    assert error.traceback.count('File "') == 2
    assert "a_package_that_is_not_there" in error.reason


def test_a_syntax_error_is_readable(write: Any) -> None:
    path = write("syntax.py", "def f(:\n    pass")
    error = failed(path)
    assert error.type == "SyntaxError"
    assert f'File "{path}", line 2' in error.traceback
    assert "def f(:" in error.traceback
    assert "^" in error.traceback
    assert "importlib" not in error.traceback
    assert "_loading.py" not in error.traceback


def test_a_program_that_exits_at_import_fails_the_start(write: Any) -> None:
    assert failed(write("exits.py", "import sys; sys.exit('no licence')")).reason.endswith("SystemExit: no licence")


def test_two_tools_of_one_name_are_named_with_both_places(write: Any) -> None:
    one, other = write("one.py", ADD), write("other.py", "\n\n" + ADD)
    reason = failed(one, other).reason
    assert '"add"' in reason
    assert f"{one}:3" in reason
    assert f"{other}:5" in reason


@pytest.mark.parametrize(
    ("text", "name"),
    [(ADD + ADD, "add"), ("class A:\n    @tool\n    def a(self): ...\n    @tool\n    def a(self, x): ...", "A.a")],
    ids=["functions", "methods"],
)
def test_a_tool_that_shadows_another_is_found(write: Any, text: str, name: str) -> None:
    path = write("shadow.py", text)
    reason = failed(path).reason
    assert f'"{name}"' in reason
    assert reason.count(path) == 2


def test_tools_made_in_a_function_are_not_taken_for_two(write: Any) -> None:
    text = """
        def make(n):
            @tool
            def made() -> int: return n
            return made

        for n in range(3):
            made = make(n)
    """
    assert called(load([write("factory.py", text)]), "made") == 2


def test_a_tool_that_cannot_be_named_fails_the_start(write: Any) -> None:
    path = write("unnamable.py", "@tool\ndef f(a, /): ...")
    assert failed(path).reason.startswith(f'tool "f" ({path}:2): the parameter "a" is positional-only')


@pytest.mark.parametrize("text", ["", "def f(): ...", "class A: ..."])
def test_a_source_without_tools_fails_the_start(write: Any, text: str) -> None:
    assert "no tools in" in failed(write("empty.py", text)).reason


def test_no_sources_are_no_failure() -> None:
    assert load([]).tools == {}


def test_a_source_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert failed(str(tmp_path / "missing.py")).reason == f"there is no file {tmp_path / 'missing.py'}"
    assert "is a folder" in failed(f"{tmp_path}{os.sep}").reason
    assert "there is no module 'no.such.module'" in failed("no.such.module").reason


def test_a_file_that_is_no_python_is_named(tmp_path: Path) -> None:
    (tmp_path / "tools.txt").write_text("x")
    assert "must end in .py" in failed(str(tmp_path / "tools.txt")).reason


def test_a_class_that_is_entered_asynchronously_is_refused(write: Any) -> None:
    text = "class A:\n    async def __aenter__(self): return self\n    @tool\n    def a(self): ..."
    assert "__aenter__" in failed(write("later.py", text)).reason

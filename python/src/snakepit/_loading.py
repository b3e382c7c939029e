"""User code: finds it, imports it and collects its tools."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import inspect
import os
import sys
from collections.abc import Generator, Iterator, Sequence
from types import ModuleType
from typing import Any

from snakepit._declare import Declaration, declaration_of, declared
from snakepit._errors import WorkerStartFailed
from snakepit._tool import Tool
from snakepit._tracebacks import describe

__all__ = ["Toolbox", "import_all", "load"]


class Toolbox:
    """The tools of a worker, and the classes that hold some of them."""

    tools: dict[str, Tool]
    """By name, in the order of their definition."""

    def __init__(self) -> None:
        self.tools = {}
        self._places: dict[str, Declaration] = {}
        self._classes: dict[type[Any], list[Tool]] = {}
        self._entered: list[tuple[type[Any], Any]] = []

    def enter(self) -> None:
        """Makes each tool class once and enters it. Raises WorkerStartFailed, having left those that were entered before."""
        for owner, tools in self._classes.items():
            try:
                instance = owner()
                entered = instance.__enter__() if hasattr(owner, "__enter__") else instance
            except BaseException as error:
                self.exit()
                raise _failed(f"the class {owner.__qualname__} could not be made", error) from error
            if hasattr(owner, "__exit__"):
                self._entered.append((owner, instance))
            for tool in tools:
                # __enter__ may answer with another object, as in a with statement.
                tool.attach(entered if isinstance(entered, owner) else instance)

    def exit(self) -> list[BaseException]:
        """Leaves the tool classes in reverse order, all of them, and gives what their ``__exit__`` raised."""
        raised: list[BaseException] = []
        while self._entered:
            _, instance = self._entered.pop()
            try:
                instance.__exit__(None, None, None)
            except BaseException as error:
                raised.append(error)
        return raised

    def collect(self, module: ModuleType) -> None:
        """Takes in the tools and tool classes that a module holds."""
        for key, member in list(vars(module).items()):
            declaration = declaration_of(member)
            if declaration is not None:
                name = declaration.function.__name__
                self._add(Tool, declaration, member, name if name.isidentifier() else key)
            elif inspect.isclass(member) and member not in self._classes and not inspect.isabstract(member):
                self._collect_class(member)

    def _collect_class(self, owner: type[Any]) -> None:
        tools: list[Tool] = []
        for key in _members(owner):
            member = inspect.getattr_static(owner, key)
            declaration = declaration_of(member)
            if declaration is None:
                continue
            static = isinstance(member, staticmethod)
            function = declaration.function if isinstance(member, (staticmethod, classmethod)) else member
            tool = self._add(Tool, declaration, function, f"{owner.__name__}.{key}", attribute=key, bound=not static)
            if tool is not None:
                tools.append(tool)
        if not tools:
            return
        if hasattr(owner, "__aenter__") and not hasattr(owner, "__enter__"):
            raise WorkerStartFailed(f"the class {owner.__qualname__} has __aenter__, but tool classes are entered with __enter__")
        self._classes[owner] = tools

    def _add(self, make: type[Tool], declaration: Declaration, function: Any, name: str, **how: Any) -> Tool | None:
        there = self._places.get(name)
        if there is not None:
            if there.function is declaration.function:
                return None
            raise _two(name, there, declaration)
        self._places[name] = declaration
        tool = make(declaration, function, name, **how)
        self.tools[name] = tool
        return tool


def load(sources: Sequence[str]) -> Toolbox:
    """Imports ``sources`` in order and collects their tools. A source is the path of a Python file or the dotted name of a module.

    A file can be imported under its stem from then on, and its neighbours too. Raises WorkerStartFailed when a source is missing or fails to import,
    when there are no tools, or when one of them cannot be called.
    """
    box = Toolbox()
    for source in sources:
        first = len(declared)
        module = _import(source)
        _refuse_shadowed(declared[first:])
        try:
            box.collect(module)
        except Exception as error:
            raise _failed(f"the tools of {source} cannot be taken in", error) from error
    if sources and not box.tools:
        raise WorkerStartFailed(f"no tools in {', '.join(sources)}; put @tool on a function")
    return box


def import_all(sources: Sequence[str]) -> None:
    """Imports ``sources`` in order, as `load` does, and leaves their tools to it. Raises WorkerStartFailed when one is missing or fails to import."""
    for source in sources:
        _import(source)


def _members(owner: type[Any]) -> Iterator[str]:
    """Names of what a class holds, those of its bases first, each once, in the order of their definition."""
    return iter(dict.fromkeys(key for base in reversed(owner.__mro__) for key in vars(base)))


def _refuse_shadowed(declarations: Sequence[Declaration]) -> None:
    seen: dict[tuple[str, str], Declaration] = {}
    for declaration in declarations:
        if "<locals>" in declaration.qualname or not declaration.function.__name__.isidentifier():
            continue
        there = seen.setdefault((declaration.module, declaration.qualname), declaration)
        if there is not declaration and there.location != declaration.location:
            raise _two(declaration.qualname, there, declaration)


def _two(name: str, one: Declaration, other: Declaration) -> WorkerStartFailed:
    return WorkerStartFailed(f'there are two tools "{name}": {one.location} and {other.location}')


def _import(source: str) -> ModuleType:
    if source.endswith(".py") or os.sep in source:
        return _import_file(os.path.abspath(source))
    if os.getcwd() not in sys.path and "" not in sys.path:
        sys.path.insert(0, os.getcwd())
    with _importing(source):
        return importlib.import_module(source)


def _import_file(path: str) -> ModuleType:
    if not os.path.isfile(path):
        raise WorkerStartFailed(f"{path} is a folder; name a file in it" if os.path.isdir(path) else f"there is no file {path}")
    folder, name = os.path.split(path)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    name = _free_name(os.path.splitext(name)[0], path)
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise WorkerStartFailed(f"{path} is no Python file; its name must end in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        with _importing(path):
            spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return module


def _free_name(stem: str, path: str) -> str:
    """The stem, or one like it when a module of that name from elsewhere is there already."""
    name, number = stem, 1
    while name in sys.modules and not _is_of(sys.modules[name], path):
        number += 1
        name = f"{stem}_{number}"
    return name


def _is_of(module: ModuleType, path: str) -> bool:
    file = getattr(module, "__file__", None)
    return isinstance(file, str) and os.path.exists(file) and os.path.samefile(file, path)


@contextlib.contextmanager
def _importing(source: str) -> Generator[None, None, None]:
    try:
        yield
    except BaseException as error:
        missing = isinstance(error, ModuleNotFoundError) and error.name is not None and (source == error.name or source.startswith(error.name + "."))
        if missing:
            raise WorkerStartFailed(f"there is no module {source!r}: {error}") from error
        raise _failed(f"{source} could not be imported", error) from error


def _failed(what: str, error: BaseException) -> WorkerStartFailed:
    if isinstance(error, WorkerStartFailed):
        return error
    said = describe(error)
    return WorkerStartFailed(f"{what}: {said['type']}: {said['message']}", type=said["type"], traceback=said["traceback"])

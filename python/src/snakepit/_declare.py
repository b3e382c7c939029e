"""The decorator that makes a function a tool."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar, overload

__all__ = ["Declaration", "declaration_of", "declared", "tool"]

F = TypeVar("F", bound="Callable[..., Any] | staticmethod[..., Any] | classmethod[Any, ..., Any]")

MAX_BATCH_SIZE = 32
"""Default of ``max_batch_size``."""
MAX_WAIT_MS = 2
"""Default of ``max_wait_ms``."""


class Declaration(NamedTuple):
    """What the decorator was told, and where."""

    function: Callable[..., Any]
    idempotent: bool
    batch: tuple[int, int] | None
    """Most calls in one run, and the longest wait for others in milliseconds."""

    @property
    def module(self) -> str:
        """Name of the module that holds the function."""
        return self.function.__module__

    @property
    def qualname(self) -> str:
        """The function's name with that of its class."""
        return self.function.__qualname__

    @property
    def location(self) -> str:
        """File and line of the definition."""
        code = inspect.unwrap(self.function).__code__
        return f"{code.co_filename}:{code.co_firstlineno}"


# Every declaration in the order made: one that a second of the same name shadowed is seen nowhere else.
declared: list[Declaration] = []

_ATTRIBUTE = "__snakepit_tool__"


@overload
def tool(function: F, /) -> F: ...


@overload
def tool(*, idempotent: bool = False) -> Callable[[F], F]: ...


@overload
def tool(*, idempotent: bool = False, batch: bool, max_batch_size: int = MAX_BATCH_SIZE, max_wait_ms: int = MAX_WAIT_MS) -> Callable[[F], F]: ...


def tool(
    function: Any = None,
    /,
    *,
    idempotent: bool = False,
    batch: bool = False,
    max_batch_size: int = MAX_BATCH_SIZE,
    max_wait_ms: int = MAX_WAIT_MS,
) -> Any:
    """Makes a function or a method a tool, which the host can call by its name. The function itself stays as it is.

    Functions, async functions, generators and async generators can be tools, at the top of a module or as methods of a class there. The tool of
    a method is called ``"Class.method"``; the class is made once per worker without arguments, and entered if it is a context manager.
    Arguments are checked against the type hints before the tool runs.

    Args:
        idempotent: True when running a call again does no harm, so that it may be repeated after a crash. Default False.
        batch: True when every parameter is a list and so is the result: single calls arrive together, one result each. An exception in the place of
            a result fails that call alone. The default of a parameter is a list of one, which each call takes. Default False.
        max_batch_size: Most calls in one run of a batch tool. Default 32.
        max_wait_ms: Longest time the first call of a batch waits for others, in milliseconds. Default 2.

    Raises:
        TypeError: ``function`` is no function.
        ValueError: ``max_batch_size`` is below 1, or ``max_wait_ms`` below 0.
    """
    if max_batch_size < 1:
        raise ValueError(f"max_batch_size must be at least 1, not {max_batch_size}")
    if max_wait_ms < 0:
        raise ValueError(f"max_wait_ms must be at least 0, not {max_wait_ms}")

    def declare(target: Any) -> Any:
        inner = _function_of(target)
        if not inspect.isfunction(inner):
            raise TypeError(f"@tool goes on a function or a method, not on {type(inner).__name__} {inner!r}")
        declaration = Declaration(inner, idempotent, (max_batch_size, max_wait_ms) if batch else None)
        setattr(inner, _ATTRIBUTE, declaration)
        declared.append(declaration)
        return target

    return declare if function is None else declare(function)


def declaration_of(member: object) -> Declaration | None:
    """What was said of ``member``, a function or what a class holds for one. None when it is no tool."""
    inner = _function_of(member)
    found = getattr(inner, _ATTRIBUTE, None) if inspect.isfunction(inner) else None
    return found if isinstance(found, Declaration) else None


def _function_of(member: Any) -> Any:
    return member.__func__ if type(member) in (staticmethod, classmethod) else member

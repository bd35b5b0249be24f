"""Mutants of pure functions: one piece of text changed for another, for as long as a test looks.

The function object stays the same one and gets other code, so whoever imported it by name runs the mutant, too.
"""

from __future__ import annotations
import __future__

import contextlib
import inspect
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import FunctionType
from typing import Any


@dataclass(frozen=True)
class Mutant:
    """One change of one function. `old` must stand in it exactly once."""

    function: Callable[..., Any]
    old: str
    new: str

    def __str__(self) -> str:
        """A name for the test."""
        return f"{self.function.__qualname__}: {self.old} -> {self.new or 'nothing'}"


@contextlib.contextmanager
def living(mutant: Mutant) -> Iterator[None]:
    """Let it live."""
    function = mutant.function
    assert isinstance(function, FunctionType)
    source = textwrap.dedent(inspect.getsource(function))
    assert source.count(mutant.old) == 1, (source.count(mutant.old), str(mutant))
    code = compile(
        source.replace(mutant.old, mutant.new),
        "mutant",
        "exec",
        flags=__future__.annotations.compiler_flag,
        dont_inherit=True,
    )
    found: dict[str, Any] = {}
    exec(code, dict(function.__globals__), found)
    sound = function.__code__
    function.__code__ = found[function.__name__].__code__
    try:
        yield
    finally:
        function.__code__ = sound

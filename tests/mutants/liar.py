"""Replaces one function of a module by a liar. The text of this file is run at the end of that module (`mutants.by_machine`), and needs nothing of ours.

raise: it fails. skip: it is not carried out, and returns None. accept, refuse: every verdict in what it returns is the best, or the worst, that there is.
empty: it returns nothing of what it found: no objection, no text, 0. look: it is sound, and a file beside `notes` says which of the last three lies
could change what it returns.
"""

from __future__ import annotations

import dataclasses
import enum
import inspect
from pathlib import Path
from types import FunctionType
from typing import Any

BEST = {"SUCCESSFUL": "FAILED", "ADMIT": "REFER"}  # and the worst
KINDS = (tuple, list, dict, set, frozenset, str, bytes, int, float)
DEPTH_MAX = 3


class Liar:
    """What one function says instead."""

    def __init__(self, sound: FunctionType, lie: str, notes: str) -> None:
        self.sound, self.lie, self.notes = sound, lie, notes

    def failed(self) -> None:
        """Fail."""
        raise RuntimeError(f"{self.sound.__name__} was replaced by machine")

    def told(self, value: Any) -> Any:
        """What is said instead of this."""
        if self.lie in {"accept", "refuse"}:
            return self.turned(value)
        if self.lie == "look":
            self.turned(value)
        if type(value) not in KINDS or not value:
            return value
        self.note("empty")
        return type(value)() if self.lie == "empty" else value

    def turned(self, value: Any, depth: int = 0) -> Any:
        """The same with other verdicts: those of an enumeration wherever they stand, and a bare truth."""
        if isinstance(value, enum.Enum):
            for best, worst in BEST.items():
                if best in type(value).__members__:
                    return self.verdict(type(value)[best], type(value)[worst])
        if isinstance(value, bool) and depth == 0:
            return self.verdict(True, False)
        if type(value) in (tuple, list):
            return type(value)(self.turned(one, depth + 1) for one in value)
        if isinstance(value, dict):
            return {key: self.turned(one, depth + 1) for key, one in value.items()}
        if dataclasses.is_dataclass(value) and not isinstance(value, type) and depth < DEPTH_MAX:
            held = {one.name: getattr(value, one.name) for one in dataclasses.fields(value) if one.init}
            return dataclasses.replace(value, **{name: self.turned(one, depth + 1) for name, one in held.items()})
        return value

    def verdict(self, best: Any, worst: Any) -> Any:
        """One of the two."""
        self.note("accept")
        self.note("refuse")
        return best if self.lie == "accept" else worst

    def note(self, lie: str) -> None:
        """Note that a lie could change something."""
        if self.lie == "look":
            Path(f"{self.notes}{lie}").touch()


def replace(space: dict[str, Any], name: str, lie: str, notes: str) -> None:
    """Replace a function where it stands, by its code, so that whoever imported or registered it has the replacement as well."""
    first, *rest = name.split(".")
    found: Any = space[first]
    for part in rest:
        found = inspect.getattr_static(found, part)
    found = found.fget if isinstance(found, property) else getattr(found, "__func__", found)
    found = inspect.unwrap(found)
    sound = FunctionType(found.__code__, found.__globals__, found.__name__, found.__defaults__, found.__closure__)
    sound.__kwdefaults__ = found.__kwdefaults__
    liar = f"_liar_{name.replace('.', '_')}"
    found.__globals__[liar] = Liar(sound, lie, notes)
    awaits, yields = inspect.iscoroutinefunction(found), inspect.isgeneratorfunction(found)
    said = f"{liar}.sound(*a, **k)"
    said = f"await {said}" if awaits else f"(yield from {said})" if yields else said
    said = {"raise": f"{liar}.failed()", "skip": "None"}.get(lie, f"{liar}.told({said})")
    free = ", ".join(found.__code__.co_freevars)  # as `__class__` of a method that calls super
    lines = [
        f"def outer({free}):",
        f" {'async ' if awaits else ''}def lied(*a, **k):",
        f"  {free or 'pass'}",
        f"  return {said}",
    ]
    lines += ["  yield"] * yields + [" return lied"]
    made: dict[str, Any] = {}
    exec("\n".join(lines), made)
    found.__signature__ = inspect.signature(sound)
    found.__code__ = made["outer"](*found.__code__.co_freevars).__code__
    found.__defaults__ = found.__kwdefaults__ = None

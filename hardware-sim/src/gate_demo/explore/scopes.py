"""The scopes of an exploration: what may happen in each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Scope:
    """`odds`: faults and misbehaviour that may happen (`gate_demo.explore.world.ODD`), at most `odd` of them until the lane invites
    again. `late`: orders wait on their way. `crossings`: open or waiting at the same time.
    """

    name: str
    doors: int
    bodies: int
    odds: frozenset[str] = frozenset()
    odd: int = 0
    late: bool = False
    crossings: int = 1


def _scope(
    name: str, doors: int, bodies: int, odds: str = "", *, odd: int = 0, late: bool = False, crossings: int = 1
) -> Scope:
    kinds = frozenset(one.strip() for one in odds.split(",") if one.strip())
    return Scope(name, doors, bodies, kinds, odd, late, crossings)


_MEN = "intrude, follow, come in"
_VIEW = "misread, mistake, see, step aside, track, doubt"
_LINE = "lose, look, hush, lose part"
_OFFICERS = "admit, hold, stop, officer"
SCOPES: Final = (
    _scope("alone", 1, 1),
    _scope("people", 1, 2, _MEN, odd=2),
    _scope("view", 1, 1, f"{_VIEW}, lose part", odd=2),
    _scope("companion", 1, 2, "intrude, follow, step aside", odd=3),
    _scope("documents", 1, 2, "lay another, take early, step aside", odd=2, crossings=2),
    _scope("log", 1, 1, "refuse, repeat, lose part", odd=2),
    _scope("line", 1, 1, _LINE, odd=1, late=True),
    _scope("absence", 1, 1, "officer", odd=1),
    _scope("release", 1, 1, "stop, lose", odd=2, late=True),
    _scope("officers", 1, 1, _OFFICERS, odd=2),
    _scope("fire", 1, 1, "fire, stop, lose part", odd=2),
    _scope("alarms", 1, 1, "alarm, come in, fire", odd=2),
    _scope("alone, two doors", 2, 1),
    _scope("people, two doors", 2, 2, _MEN, odd=1),
    _scope("view, two doors", 2, 1, f"{_VIEW}, lose part", odd=1),
    _scope("log, two doors", 2, 1, "refuse, repeat", odd=1),
    _scope("line, two doors", 2, 1, _LINE, odd=1, late=True),
    _scope("officers, two doors", 2, 1, _OFFICERS, odd=2),
    _scope("fire, two doors", 2, 1, "fire, stop", odd=1),
    _scope("between, two doors", 2, 1, "press, leave bag, alarm, admit", odd=2),
)
ALONE: Final = SCOPES[0]

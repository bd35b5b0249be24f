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


def _scope(name: str, doors: int, bodies: int, odds: str = "", *, odd: int = 0, late: bool = False, crossings: int = 1) -> Scope:
    kinds = frozenset(one.strip() for one in odds.split(",") if one.strip())
    return Scope(name, doors, bodies, kinds, odd, late, crossings)


ALONE: Final = _scope("alone", 1, 1)
SCOPES: Final = (ALONE,)

"""The tour's scenes: who comes, what is told before and after, and how long whoever sits at the console has. Pure.

What is told after a scene is told of a scene that went as its stories say; of any other one, that it did not. All of it stands in `scenes.toml`.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

SECONDS_MAX: Final = 300  # the whole tour, whatever its user does
VISIT_S: Final = 10.0  # a traveller, from coming to the lane's being free again, without an officer's thinking


@dataclass(frozen=True, slots=True)
class Visitor:
    """A traveller of the simulated world, and the text shown while they are there."""

    scenario: str
    told: str


@dataclass(frozen=True, slots=True)
class Scene:
    """One scene. `reads_s` is before the first traveller comes, `stays_s` after the last one has left; `thinks_s` is how long a person at the
    console has before the automatic officer takes over. `is_theirs`: it is about that person's deciding.
    """

    title: str
    before: str
    after: str
    visitors: tuple[Visitor, ...] = ()
    reads_s: float = 7.0
    stays_s: float = 4.0
    thinks_s: float = 0.0
    is_theirs: bool = False

    @property
    def seconds(self) -> float:
        """How long it lasts at most, on a machine that keeps up."""
        return self.reads_s + len(self.visitors) * (VISIT_S + self.thinks_s) + self.stays_s


_TOLD: Final = tomllib.loads(Path(__file__).with_name("scenes.toml").read_text(encoding="utf-8"))
BORROWED: Final = "someone_elses_passport"
OTHERWISE: Final = "This went otherwise than the story says. The log has what happened, and the last page counts it."
SCENES: Final = msgspec.convert(_TOLD["scenes"], tuple[Scene, ...])
CAST: Final = tuple(visitor.scenario for scene in SCENES for visitor in scene.visitors)
SIMULATED: Final[tuple[str, ...]] = tuple(_TOLD["simulated"])
REAL: Final[str] = _TOLD["real"]
UNKNOWN: Final[tuple[str, ...]] = tuple(_TOLD["unknown"])

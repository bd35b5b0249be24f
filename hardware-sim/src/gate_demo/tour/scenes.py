"""The tour's scenes: the travellers, the text before and after, and the time for the person at the console. Pure.

The text after a scene is shown when it went as its stories; otherwise the page states that it did not. `scenes.toml` has all texts.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

SECONDS_MAX: Final = 300  # the whole tour, whatever its user does
VISIT_S: Final = 10.0  # from a traveller's arrival until the lane is free again, without an officer's decision


@dataclass(frozen=True, slots=True)
class Visitor:
    """A traveller of the simulated world, and the text shown while they are there."""

    scenario: str
    told: str


@dataclass(frozen=True, slots=True)
class Scene:
    """One scene. `reads_s` is before the first traveller, `stays_s` after the last; `thinks_s` is the console user's time before
    the automatic officer takes over. `is_theirs`: the scene is about that person's decision.
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
        """Return the maximum duration in seconds, on a machine that keeps up."""
        return self.reads_s + len(self.visitors) * (VISIT_S + self.thinks_s) + self.stays_s


_TOLD: Final = tomllib.loads(Path(__file__).with_name("scenes.toml").read_text(encoding="utf-8"))
BORROWED: Final = "someone_elses_passport"
OTHERWISE: Final = "This went otherwise than the story says. The log has what happened, and the last page counts it."
SCENES: Final = msgspec.convert(_TOLD["scenes"], tuple[Scene, ...])
CAST: Final = tuple(visitor.scenario for scene in SCENES for visitor in scene.visitors)
SIMULATED: Final[tuple[str, ...]] = tuple(_TOLD["simulated"])
REAL: Final[str] = _TOLD["real"]
UNKNOWN: Final[tuple[str, ...]] = tuple(_TOLD["unknown"])

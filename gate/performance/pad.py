"""Error rates of attack detection after ISO/IEC 30107-3: APCER a species, BPCER, non-responses; and the recipe of BSI TR-03122-3.

A presentation is one sequence before the camera. It is called an attack when its score lies below the bound. One without a score is
a non-response, counted apart: the gate refers it, but it says nothing about the score. Intervals are Wilson's: presentations of one
artefact are alike, so they are the least that is unsure.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

LEVEL: Final = 0.95
_Z: Final = 1.959964
# BSI TR-03122-3 TC-PAD-FI-APP-002: an artefact is detected when so many of its presentations raise the alarm.
DETECTED_SHARE_MIN: Final = 0.6
UNDETECTED_ARTEFACTS_MAX: Final = 8
FALSE_ALARM_SHARE_MAX: Final = 3 / 60


@dataclass(frozen=True, slots=True)
class Presentation:
    """One sequence. `species` is the class of the artefact, None for a person in the flesh; `source` the artefact or the person."""

    species: str | None
    source: str
    name: str
    score: float | None
    cues: Mapping[str, float | None]
    trouble: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rate:
    """`errors` of `of`, with Wilson's interval at LEVEL. `of` is never 0."""

    errors: int
    of: int

    @property
    def value(self) -> float:
        """The rate."""
        return self.errors / self.of

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's score interval."""
        n, p, z2 = self.of, self.value, _Z**2
        middle = (p + z2 / (2 * n)) / (1 + z2 / n)
        reach = _Z / (1 + z2 / n) * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n))
        return max(0.0, middle - reach), min(1.0, middle + reach)


@dataclass(frozen=True, slots=True)
class Row:
    """One species or the bona fide: its classification error rate, None when nothing responded, and its non-responses."""

    name: str
    sources: int
    error: Rate | None
    non_response: Rate


@dataclass(frozen=True, slots=True)
class AtBound:
    """Everything at one bound. `apcer_max` is the worst species', as ISO/IEC 30107-3 wants it stated; None without responses."""

    bound: float
    bona_fide: Row
    species: tuple[Row, ...]

    @property
    def apcer_max(self) -> float | None:
        """The worst species' rate."""
        return max((row.error.value for row in self.species if row.error is not None), default=None)


@dataclass(frozen=True, slots=True)
class Recipe:
    """What the recipe of TR-03122-3 says. `sized` is False for fewer classes, artefacts, presentations or people than it wants."""

    undetected: tuple[str, ...]
    silent_classes: tuple[str, ...]
    false_alarms: Rate
    sized: bool

    @property
    def passed(self) -> bool:
        """True when every class raises the alarm, few artefacts stay undetected and few people are flagged."""
        few = len(self.undetected) <= UNDETECTED_ARTEFACTS_MAX
        return not self.silent_classes and few and self.false_alarms.value <= FALSE_ALARM_SHARE_MAX


def at_bound(presentations: Sequence[Presentation], bound: float) -> AtBound:
    """Count at one bound. Raises ValueError without bona fide or without attacks."""
    bona_fide = [one for one in presentations if one.species is None]
    names = sorted({one.species for one in presentations if one.species is not None})
    if not bona_fide or not names:
        raise ValueError("attack detection is measured on people and on artefacts; one of the two is missing")
    return AtBound(
        bound=bound,
        bona_fide=_row("bona fide", bona_fide, lambda score: score < bound),
        species=tuple(
            _row(name, [one for one in presentations if one.species == name], lambda score: score >= bound)
            for name in names
        ),
    )


def bound_at_bpcer(presentations: Iterable[Presentation], bpcer: float) -> float | None:
    """The highest bound that flags at most this share of the people who got a score; None when nobody did."""
    scores = sorted(one.score for one in presentations if one.species is None and one.score is not None)
    return scores[int(bpcer * len(scores))] if scores else None


def recipe(presentations: Sequence[Presentation], bound: float) -> Recipe:
    """Apply TC-PAD-FI-APP-002: 8 classes of 4 artefacts, 10 presentations each; 3 people, 20 presentations each."""
    attacks: dict[tuple[str, str], list[bool]] = {}
    people: dict[str, list[bool]] = {}
    for one in presentations:
        flagged = one.score is None or one.score < bound
        if one.species is None:
            people.setdefault(one.source, []).append(flagged)
        else:
            attacks.setdefault((one.species, one.source), []).append(flagged)
    flagged_people = [flag for flags in people.values() for flag in flags]
    if not attacks or not flagged_people:
        raise ValueError("attack detection is measured on people and on artefacts; one of the two is missing")
    species = sorted({name for name, _ in attacks})
    return Recipe(
        undetected=tuple(
            f"{name}/{source}" for (name, source), flags in sorted(attacks.items()) if not _is_detected(flags)
        ),
        silent_classes=tuple(
            name for name in species if not any(any(flags) for (of, _), flags in attacks.items() if of == name)
        ),
        false_alarms=Rate(sum(flagged_people), len(flagged_people)),
        sized=(
            len(species) >= 8
            and all(sum(of == name for of, _ in attacks) >= 4 for name in species)
            and all(len(flags) >= 10 for flags in attacks.values())
            and len(people) >= 3
            and all(len(flags) >= 20 for flags in people.values())
        ),
    )


def _is_detected(flags: Sequence[bool]) -> bool:
    return sum(flags) >= DETECTED_SHARE_MIN * len(flags)


def _row(name: str, presentations: Sequence[Presentation], is_error: Callable[[float], bool]) -> Row:
    scores = [one.score for one in presentations if one.score is not None]
    return Row(
        name=name,
        sources=len({one.source for one in presentations}),
        error=Rate(sum(map(is_error, scores)), len(scores)) if scores else None,
        non_response=Rate(len(presentations) - len(scores), len(presentations)),
    )

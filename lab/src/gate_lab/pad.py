"""Error rates of attack detection after ISO/IEC 30107-3: APCER by species, BPCER, non-responses; and the recipe of BSI TR-03122-3.

A presentation is one sequence before the camera. It counts as an attack when its score is below the bound. One without a score is a
non-response, counted separately: the gate refers it, but the score's error rate does not include it. Intervals are Clopper and
Pearson's, also without an error. Presentations of one artefact or person are correlated, so the true uncertainty is larger.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from gate_lab.conditions import Condition
from gate_lab.exact_rates import ExactRate
from models.liveness_evidence import FIFTHS, Counted, Fifth, Service

# BSI TR-03122-3 TC-PAD-FI-APP-002: an artefact is detected when so many of its presentations raise the alarm.
CLASSES, ARTEFACTS, PRESENTATIONS = 8, 4, 10
PEOPLE, PEOPLES_PRESENTATIONS = 3, 20
DETECTED_SHARE_MIN: Final = 0.6
UNDETECTED_ARTEFACTS_MAX: Final = 8
FALSE_ALARM_SHARE_MAX: Final = 3 / 60


@dataclass(frozen=True, slots=True)
class Presentation:
    """One sequence. `species` is the class of the artefact, None for a bona fide person; `source` is the artefact or the person.

    `conditions` are medians over the frames with a measured face. `after` are the scores after given numbers of frames that a model
    had judged.
    """

    species: str | None
    source: str
    name: str
    score: float | None
    cues: Mapping[str, float | None]
    trouble: tuple[str, ...] = ()
    conditions: Mapping[Condition, float] = field(default_factory=dict)
    after: Mapping[int, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Part:
    """A fifth of the people's presentations by one condition, `lowest` to `highest`: how many were flagged, in all and after fewer frames."""

    lowest: float
    highest: float
    flagged: Counted
    after: Mapping[int, Counted]


@dataclass(frozen=True, slots=True)
class Row:
    """One species or the bona fide: its classification error rate, None without responses, and its non-responses."""

    name: str
    sources: int
    error: ExactRate | None
    non_response: ExactRate


@dataclass(frozen=True, slots=True)
class AtBound:
    """All results at one bound. `apcer_max` is the worst species', as ISO/IEC 30107-3 requires; None without responses.

    `artefacts` has the rates of each artefact, named CLASS/ARTEFACT: an attacker who tries several finds the worst of a class.
    """

    bound: float
    bona_fide: Row
    species: tuple[Row, ...]
    artefacts: tuple[Row, ...] = ()

    @property
    def apcer_max(self) -> float | None:
        """Return the worst species' rate."""
        return max((row.error.value for row in self.species if row.error is not None), default=None)

    def worst_of(self, species: str) -> Row | None:
        """Return the artefact of a class that passes most often; None when none of them responded."""
        of_class = [row for row in self.artefacts if row.name.startswith(f"{species}/") and row.error is not None]
        return max(of_class, key=lambda row: row.error.value if row.error else 0.0, default=None)


@dataclass(frozen=True, slots=True)
class Recipe:
    """The result of the recipe of TR-03122-3. `missing` lists everything that it requires and that was not presented."""

    undetected: tuple[str, ...]
    silent_classes: tuple[str, ...]
    false_alarms: ExactRate
    missing: tuple[str, ...]

    @property
    def sized(self) -> bool:
        """Return True when there were as many classes, artefacts, presentations and people as required."""
        return not self.missing

    @property
    def passed(self) -> bool:
        """Return True when every class raises the alarm, few artefacts stay undetected and few people are flagged."""
        few = len(self.undetected) <= UNDETECTED_ARTEFACTS_MAX
        return not self.silent_classes and few and self.false_alarms.value <= FALSE_ALARM_SHARE_MAX


def at_bound(presentations: Sequence[Presentation], bound: float) -> AtBound:
    """Count at one bound. Raises ValueError without bona fide presentations or without attacks."""
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
        artefacts=tuple(
            _row(
                "/".join(key),
                [one for one in presentations if (one.species, one.source) == key],
                lambda score: score >= bound,
            )
            for key in sorted({(one.species, one.source) for one in presentations if one.species is not None})
        ),
    )


def bound_at_bpcer(presentations: Iterable[Presentation], bpcer: float) -> float | None:
    """Return the highest bound that flags at most this share of the people with a score; None when no person has one."""
    scores = sorted(one.score for one in presentations if one.species is None and one.score is not None)
    return scores[int(bpcer * len(scores))] if scores else None


def for_service(presentations: Sequence[Presentation], bound: float) -> Service:
    """Count at the bound as a gate in service decides. Flagged are people without a score, and those whose video was doubted,
    since the gate refers both. Artefacts pass with a score at the bound or above; `apcer` counts only those with a score.
    """
    people = [one for one in presentations if one.species is None]
    passed: dict[str, list[bool]] = {}
    scored: dict[str, list[bool]] = {}
    for one in presentations:
        if one.species is not None:
            passed.setdefault(one.species, []).append(not _is_flagged(one, bound))
            scored.setdefault(one.species, []).extend([] if one.score is None else [one.score >= bound])
    return Service(
        flagged=_counted(_is_referred(one, bound) for one in people),
        people=len({one.source for one in people}),
        fifths=tuple(_fifths(people, bound)),
        passed={name: _counted(flags) for name, flags in sorted(passed.items())},
        apcer={name: _counted(flags) for name, flags in sorted(scored.items())},
    )


def for_frames(presentations: Sequence[Presentation], bound: float, frames: int) -> Service:
    """Count as `for_service` with the score after this number of frames, or after all when there were fewer."""
    return for_service([_after(one, frames) for one in presentations], bound)


def by_condition(
    presentations: Sequence[Presentation], bound: float, frames: Sequence[int]
) -> dict[Condition, tuple[Part, ...]]:
    """Split the people's presentations into fifths by each measured condition, and count each as `for_frames` does."""
    people = [one for one in presentations if one.species is None]
    return {
        condition: tuple(
            Part(
                lowest,
                highest,
                _counted(_is_referred(one, bound) for one in piece),
                {count: _counted(_is_referred(_after(one, count), bound) for one in piece) for count in frames},
            )
            for lowest, highest, piece in _in_fifths(people, condition)
        )
        for condition in Condition
        if any(condition in one.conditions for one in people)
    }


def _fifths(people: Sequence[Presentation], bound: float) -> Iterator[Fifth]:
    """Yield fifths by the brightness of the face, darkest first. People without a measured face are in none; the total includes them."""
    for lowest, highest, piece in _in_fifths(people, Condition.BRIGHTNESS):
        flagged = _counted(_is_referred(one, bound) for one in piece)
        yield Fifth(flagged.errors, flagged.of, darkest=lowest, brightest=highest)


def _in_fifths(
    people: Sequence[Presentation], condition: Condition
) -> Iterator[tuple[float, float, Sequence[Presentation]]]:
    """Yield the presentations with this condition, lowest first, in five parts of equal size; each with its lowest and highest value."""
    measured = sorted((one for one in people if condition in one.conditions), key=lambda one: one.conditions[condition])
    for part in range(FIFTHS):
        piece = measured[len(measured) * part // FIFTHS : len(measured) * (part + 1) // FIFTHS]
        if piece:
            yield piece[0].conditions[condition], piece[-1].conditions[condition], piece


def _after(one: Presentation, frames: int) -> Presentation:
    return replace(one, score=one.after.get(frames, one.score))


def _counted(flagged: Iterable[bool]) -> Counted:
    flags = list(flagged)
    return Counted(sum(flags), len(flags))


def _is_flagged(one: Presentation, bound: float) -> bool:
    return one.score is None or one.score < bound


def _is_referred(one: Presentation, bound: float) -> bool:
    return _is_flagged(one, bound) or bool(one.trouble)


def recipe(presentations: Sequence[Presentation], bound: float) -> Recipe:
    """Apply TC-PAD-FI-APP-002: 8 classes of 4 artefacts, 10 presentations each; 3 people, 20 presentations each."""
    attacks: dict[tuple[str, str], list[bool]] = {}
    people: dict[str, list[bool]] = {}
    for one in presentations:
        if one.species is None:
            people.setdefault(one.source, []).append(_is_referred(one, bound))
        else:
            attacks.setdefault((one.species, one.source), []).append(_is_flagged(one, bound))
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
        false_alarms=ExactRate(sum(flagged_people), len(flagged_people)),
        missing=tuple(_missing(attacks, people)),
    )


def _missing(attacks: Mapping[tuple[str, str], Sequence[bool]], people: Mapping[str, Sequence[bool]]) -> Iterator[str]:
    """Yield what the recipe requires and the set does not have, the largest gap first."""
    species = sorted({name for name, _ in attacks})
    if len(species) < CLASSES:
        yield f"{len(species)} of {CLASSES} classes of artefacts"
    for name in species:
        if (artefacts := sum(of == name for of, _ in attacks)) < ARTEFACTS:
            yield f"{name}: {artefacts} of {ARTEFACTS} artefacts"
    for (name, source), flags in sorted(attacks.items()):
        if len(flags) < PRESENTATIONS:
            yield f"{name}/{source}: {len(flags)} of {PRESENTATIONS} presentations"
    if len(people) < PEOPLE:
        yield f"{len(people)} of {PEOPLE} people"
    for source, flags in sorted(people.items()):
        if len(flags) < PEOPLES_PRESENTATIONS:
            yield f"{source}: {len(flags)} of {PEOPLES_PRESENTATIONS} presentations in the flesh"


def _is_detected(flags: Sequence[bool]) -> bool:
    return sum(flags) >= DETECTED_SHARE_MIN * len(flags)


def _row(name: str, presentations: Sequence[Presentation], is_error: Callable[[float], bool]) -> Row:
    scores = [one.score for one in presentations if one.score is not None]
    return Row(
        name=name,
        sources=len({one.source for one in presentations}),
        error=ExactRate(sum(map(is_error, scores)), len(scores)) if scores else None,
        non_response=ExactRate(len(presentations) - len(scores), len(presentations)),
    )

"""Error rates of attack detection after ISO/IEC 30107-3: APCER a species, BPCER, non-responses; and the recipe of BSI TR-03122-3.

A presentation is one sequence before the camera. It is called an attack when its score lies below the bound. One without a score is
a non-response, counted apart: the gate refers it, but it says nothing about the score. Intervals are Clopper and Pearson's, also where nothing went
wrong: presentations of one artefact or person are alike, so they are the least that is unsure.
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
    """One sequence. `species` is the class of the artefact, None for a person in the flesh; `source` the artefact or the person.

    `conditions` are medians of the frames, as far as a face was measured. `after` are the scores that there were after so many frames that a model had
    judged.
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
    """The people's presentations of a fifth by one condition, whose values lie from `lowest` to `highest`: how many were flagged, and how many after fewer frames."""

    lowest: float
    highest: float
    flagged: Counted
    after: Mapping[int, Counted]


@dataclass(frozen=True, slots=True)
class Row:
    """One species or the bona fide: its classification error rate, None when nothing responded, and its non-responses."""

    name: str
    sources: int
    error: ExactRate | None
    non_response: ExactRate


@dataclass(frozen=True, slots=True)
class AtBound:
    """Everything at one bound. `apcer_max` is the worst species', as ISO/IEC 30107-3 wants it stated; None without responses.

    `artefacts` are the species' own, named CLASS/ARTEFACT: the worst of a class is what somebody who tries several would bring.
    """

    bound: float
    bona_fide: Row
    species: tuple[Row, ...]
    artefacts: tuple[Row, ...] = ()

    @property
    def apcer_max(self) -> float | None:
        """The worst species' rate."""
        return max((row.error.value for row in self.species if row.error is not None), default=None)

    def worst_of(self, species: str) -> Row | None:
        """The artefact of a class that passes most; None when none of them responded."""
        of_class = [row for row in self.artefacts if row.name.startswith(f"{species}/") and row.error is not None]
        return max(of_class, key=lambda row: row.error.value if row.error else 0.0, default=None)


@dataclass(frozen=True, slots=True)
class Recipe:
    """What the recipe of TR-03122-3 says. `missing` is everything that it wants and that was not presented."""

    undetected: tuple[str, ...]
    silent_classes: tuple[str, ...]
    false_alarms: ExactRate
    missing: tuple[str, ...]

    @property
    def sized(self) -> bool:
        """True when there were as many classes, artefacts, presentations and people as it wants."""
        return not self.missing

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
    """The highest bound that flags at most this share of the people who got a score; None when nobody did."""
    scores = sorted(one.score for one in presentations if one.species is None and one.score is not None)
    return scores[int(bpcer * len(scores))] if scores else None


def for_service(presentations: Sequence[Presentation], bound: float) -> Service:
    """What counts for service, at the bound: a person without a score is flagged, and one whose video was doubted, since the gate refers them. Of
    artefacts, those pass that got a score at the bound or above; in `apcer` of those that got one.
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
    """What `for_service` counts, had the score been taken after so many frames, or after all where there were fewer."""
    return for_service([_after(one, frames) for one in presentations], bound)


def by_condition(
    presentations: Sequence[Presentation], bound: float, frames: Sequence[int]
) -> dict[Condition, tuple[Part, ...]]:
    """The people's presentations in fifths by each condition that was measured, and what `for_frames` would count of each."""
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
    """By the brightness of the face, darkest first. Of whom no face was measured stands in none: they count in the whole."""
    for lowest, highest, piece in _in_fifths(people, Condition.BRIGHTNESS):
        flagged = _counted(_is_referred(one, bound) for one in piece)
        yield Fifth(flagged.errors, flagged.of, darkest=lowest, brightest=highest)


def _in_fifths(
    people: Sequence[Presentation], condition: Condition
) -> Iterator[tuple[float, float, Sequence[Presentation]]]:
    """The presentations of which it was measured, lowest first, in five parts that are as large as one another; each with its least and its greatest value."""
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
    """What the recipe wants and does not have, the largest lack first."""
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

"""Measures error rates of comparison on a folder of pictures, with intervals, and by group when a table has groups.

Reads, embeds and counts; `error_rates`, `intervals` and `groups` do the arithmetic. Each picture is embedded twice, as
a chip's portrait and as a frame of the lane, since the gate treats them differently.
"""

from __future__ import annotations

import csv
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Final

from gate.face import compare
from gate.face.align import embed, embed_portrait, standard_position
from gate.face.chain import FaceModels, template_of
from gate.face.detect import central
from gate.face.values import FaceError, NoFaceError, Template
from gate.picture import BadPictureError, Picture, decode, read
from gate_lab.error_rates import FMR_POINTS, Comparisons, ErrorRates, compare_all, rates
from gate_lab.exact_rates import trials_for
from gate_lab.folders import SUFFIXES, Tracked, UnfitError
from gate_lab.groups import GroupRates, by_group, look_alikes, worst_over_mean
from gate_lab.intervals import LEVEL, Interval, draw_weights, fnmr_intervals
from models.cohort import Cohort, mark
from models.manifest import Model, Threshold, finders

IMAGES_MAX: Final = 10_000  # every pair is scored and kept: 50 million of them
LABELS: Final = "labels.csv"
_SEX: Final = "sex"  # the column by which each FMR is given among people of the same sex, too: strangers who are mistaken for one another mostly are
KINDS: Final = ("development", "chip_to_live")
CLAIM_LEVEL: Final = 0.90
CLAIMS: Final = (*FMR_POINTS, 1 / 33_333)  # the last is what is often asked of border gates
_LABEL_CHARACTERS_MAX: Final = 64
_NAMED_MAX: Final = 10
# Groups are judged where the least trusting point still has pairs to show errors.
_GROUP_FMR: Final = 1e-3


@dataclass(frozen=True, slots=True)
class TopPair:
    """A pair of pictures of different people (by their folders) with one of the highest scores."""

    score: float
    one: Path
    other: Path


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The result. `intervals` and `same_sex` have the order of FMR_POINTS. `groups` is empty and `group_threshold` None
    without labels, or with too few pairs to apply a threshold to groups; `alike` is None when no person has all labels.

    A point of FMR_POINTS has no rate and no threshold when the set has too few pairs for the claim. `top` are the pairs of
    different people with the highest scores, highest first.

    `same` is the lowest score of two successive frames of one person, in portraits and a lane's frames, and the number of
    such pairs; set `same_min` in site.toml lower than this.

    `missed` pictures gave no template; of these, `unreadable` could not be read or decoded, and the others showed no face.
    """

    folder: str
    kind: str
    images: int
    identities: int
    missed: int
    unreadable: int
    model: Model
    found_by: tuple[str, ...]
    compared: Comparisons
    found: ErrorRates
    intervals: tuple[Interval | None, ...]
    labelled: bool
    group_threshold: float | None
    groups: tuple[GroupRates, ...]
    took_ms: Mapping[str, float]
    cohort: Cohort | None = None
    alike: GroupRates | None = None
    same_sex: tuple[GroupRates | None, ...] = (None,) * len(FMR_POINTS)
    same: tuple[float, int] | None = None
    top: tuple[TopPair, ...] = ()

    @property
    def people_independent(self) -> int:
        """Return how many comparisons of two people share no person with another one: half of the people."""
        return len(self.compared.pictures) // 2

    def fields(self) -> dict[str, object]:
        """Return the result for JSON."""
        points = point_names()
        return {
            "kind": self.kind,
            "images": self.images,
            "identities": self.identities,
            "genuine": self.found.genuine,
            "impostor": self.found.impostor,
            "missed": self.missed,
            "unreadable": self.unreadable,
            "failure_to_acquire": self.missed / self.images,
            "eer": self.found.eer,
            "fnmr_at_fmr": dict(zip(points, self.found.fnmr, strict=True)),
            "fnmr_interval": {
                point: None if interval is None else [interval.low, interval.high]
                for point, interval in zip(points, self.intervals, strict=True)
            },
            "confidence": LEVEL,
            "threshold_at_fmr": dict(zip(points, self.found.threshold, strict=True)),
            "same_sex_at_fmr": {
                point: None if one is None else {"fmr": one.fmr, "interval": one.fmr_interval}
                for point, one in zip(points, self.same_sex, strict=True)
            },
            "groups": [asdict(group) for group in self.groups],
            "group_threshold": self.group_threshold,
            "same_person": None if self.same is None else {"lowest": self.same[0], "pairs": self.same[1]},
            "alike": None if self.alike is None else asdict(self.alike),
            "claims": {
                "confidence": CLAIM_LEVEL,
                "pairs_needed": {_one_in(fmr): trials_for(fmr, CLAIM_LEVEL) for fmr in CLAIMS},
                "pairs": self.found.impostor,
                "pairs_independent": self.people_independent,
            },
            "took_ms": dict(self.took_ms),
            "model": self.model.name,
            "model_sha256": self.model.sha256,
            "found_by": list(self.found_by),
            "cohort_sha256": None if self.cohort is None else self.cohort.sha256,
        }

    def lines(self) -> list[str]:
        """Return the result as lines of text."""
        found = self.found
        without = self.missed - self.unreadable
        lines = [] if self.cohort is None else [f"with the cohort {self.cohort.sha256} of {self.cohort.people} people"]
        lines += [
            f"{self.images} pictures of {self.identities} identities, {self.missed} missed",
            f"{self.unreadable} unreadable, {without} without a face",
            f"{found.genuine} genuine and {found.impostor} impostor pairs, EER {found.eer:.2%}",
        ]
        for point, fnmr, interval, threshold, sex in zip(
            point_names(), found.fnmr, self.intervals, found.threshold, self.same_sex, strict=True
        ):
            if fnmr is None:
                lines.append(f"FMR {point}: too few impostor pairs, not estimable from these")
            else:
                among = "" if sex is None else f"; FMR {small(sex.fmr)} among people of the same sex"
                lines.append(f"FMR {point}: FNMR {fnmr:.2%}{spread_of(interval)} at {threshold:.3f}{among}")
        if not any(self.same_sex):
            lines.append("FMR among people of the same sex is higher, and not known here: no label says who is")
        if self.same is not None:
            lines.append(
                f"from one frame to the next of one person: {self.same[0]:.3f} at least, of {self.same[1]} pairs; same_min lies below"
            )
        lines += self.claim_lines()
        if self.labelled and not self.groups:
            lines.append(f"by group: too few impostor pairs for FMR {_GROUP_FMR:g}")
        lines += [
            f"{group.attribute} {group.value}: FNMR {share(group.fnmr)}, FMR {share(group.fmr)} within the group"
            for group in self.groups
        ]
        if self.alike is not None:
            lines.append(
                f"people alike in every label: FMR {share(self.alike.fmr)}{spread_of(self.alike.fmr_interval)} "
                f"where it is {_GROUP_FMR:.2%} among all"
            )
        return lines

    def claim_lines(self) -> list[str]:
        """Return how many independent comparisons each claim needs, and how many there are."""
        needed = ", ".join(f"FMR {_one_in(fmr)} {trials_for(fmr, CLAIM_LEVEL):,}" for fmr in CLAIMS)
        return [
            f"a claim at {CLAIM_LEVEL:.0%} takes so many independent comparisons of two people without an error: {needed}",
            f"here are {self.found.impostor:,} of {len(self.compared.pictures)} people, who make {self.people_independent:,} that share nobody",
        ]

    def differentials(self) -> list[tuple[str, float | None, float | None]]:
        """Return each attribute with its worst group's FNMR and FMR over the groups' geometric mean."""
        attributes = sorted({group.attribute for group in self.groups})
        return [
            (
                attribute,
                worst_over_mean([group.fnmr for group in self.groups if group.attribute == attribute]),
                worst_over_mean([group.fmr for group in self.groups if group.attribute == attribute]),
            )
            for attribute in attributes
        ]


@dataclass(frozen=True, slots=True)
class Compared:
    """The score of the faces of two pictures, beside the embedder's own threshold."""

    score: float
    model: str
    threshold: Threshold

    @property
    def is_match(self) -> bool:
        """True if the score reaches the threshold."""
        return self.score >= self.threshold.value

    def fields(self) -> dict[str, object]:
        """Return the result for JSON."""
        found = {"score": round(self.score, 4), "threshold": self.threshold.value, "match": self.is_match}
        return {
            **found,
            "model": self.model,
            "fmr_at_threshold": self.threshold.fmr,
            "evidence": self.threshold.evidence,
        }

    def line(self) -> str:
        """Return the result as a line of text."""
        match = "match" if self.is_match else "no match"
        return f"{match}: {self.score:.3f}, threshold {self.threshold.value} ({self.model})"


def compare_two(chain: FaceModels, *paths: Path) -> Compared:
    """Compare the faces of two pictures. Raises OSError, and UnfitError for a picture without exactly one face."""
    templates = []
    for path in paths:
        try:
            templates.append(template_of(chain, decode(read(path))))
        except (BadPictureError, FaceError) as error:
            raise UnfitError(f"{path}: {error}") from error
    model = chain.embed.model
    assert model.threshold is not None, "the manifest gives an embedder its threshold"
    return Compared(compare.alike(*templates), model.name, model.threshold)


def point_names() -> list[str]:
    """Return the names of `FMR_POINTS` in text and JSON."""
    return [f"1e-{len(str(round(1 / fmr))) - 1}" for fmr in FMR_POINTS]


def share(rate: float | None) -> str:
    """Format a rate as text."""
    return "none" if rate is None else f"{rate:.2%}"


def small(rate: float | None) -> str:
    """Format as text a rate that `share` would round to 0."""
    return "none" if rate is None else f"{rate:.1e}"


def spread_of(interval: Interval | None) -> str:
    """Format an interval as text, in brackets."""
    return "" if interval is None else f" ({LEVEL:.0%}: {interval.low:.2%} to {interval.high:.2%})"


def claimed(found: ErrorRates) -> ErrorRates:
    """Return the rates without the points of FMR_POINTS that so few pairs of two people could not show, even without an error."""
    can = [found.impostor >= trials_for(fmr, CLAIM_LEVEL) for fmr in FMR_POINTS]
    return replace(
        found,
        fnmr=tuple(rate if fine else None for rate, fine in zip(found.fnmr, can, strict=True)),
        threshold=tuple(bound if fine else None for bound, fine in zip(found.threshold, can, strict=True)),
    )


def _one_in(fmr: float) -> str:
    """Format a rate such as 1e-4, or 1:33,333."""
    names = dict(zip(FMR_POINTS, point_names(), strict=True))
    return names.get(fmr) or f"1:{round(1 / fmr):,}"


def evaluate_folder(
    folder: Path, chain: FaceModels, kind: str, *, tracked: Tracked, tell: Callable[[str], None]
) -> Evaluation:
    """Embed and compare all pictures below `folder`; report left-out files to `tell`. Raises UnfitError when there is nothing to compare."""
    labels = _labels(folder / LABELS)
    pictures = pictures_of(folder, tell)
    _hold_to(labels, {identity for identity, _ in pictures}, folder / LABELS, tell)
    embedded = _embed_all(chain, tracked(pictures, "embedding"), tell)
    try:
        compared = compare_all(embedded.portraits, embedded.frames, embedded.identities)
        found = claimed(rates(compared))
        weights = draw_weights(len(compared.pictures))
        at_point = dict(zip(FMR_POINTS, found.threshold, strict=True))[_GROUP_FMR]
        groups: tuple[GroupRates, ...] = ()
        alike: GroupRates | None = None
        known = [labels.get(name, {}) for name in sorted(set(embedded.identities))]
        sexes = [{_SEX: label[_SEX]} if _SEX in label else {} for label in known]
        same_sex = tuple(
            None if bound is None else look_alikes(compared, sexes, bound, weights) for bound in found.threshold
        )
        if labels and at_point is not None:
            groups = by_group(compared, known, at_point, weights)
            alike = look_alikes(compared, known, at_point, weights)
    except ValueError as error:
        raise UnfitError(f"{folder}: {error}") from error
    return Evaluation(
        folder=folder.name,
        kind=kind,
        images=len(pictures),
        identities=len({identity for identity, _ in pictures}),
        missed=embedded.missed,
        unreadable=embedded.unreadable,
        model=chain.embed.model,
        found_by=finders(session.model for session in chain.sessions),
        compared=compared,
        found=found,
        intervals=tuple(
            None if bound is None else interval
            for bound, interval in zip(found.threshold, fnmr_intervals(compared, weights), strict=True)
        ),
        labelled=bool(labels),
        group_threshold=at_point if groups else None,
        groups=groups,
        took_ms={stage: round(statistics.median(times), 2) for stage, times in embedded.took_ms.items()},
        cohort=chain.cohort,
        alike=alike,
        same_sex=same_sex,
        same=_from_frame_to_frame(embedded) if kind == "chip_to_live" else None,
        top=tuple(
            TopPair(float(score), embedded.paths[one], embedded.paths[other])
            for score, (one, other) in zip(compared.tail, compared.top, strict=False)
        ),
    )


def pictures_of(folder: Path, tell: Callable[[str], None]) -> list[tuple[str, Path]]:
    """Return identity and path of every picture one folder below `folder`, in a fixed order. Reports left-out files to `tell`."""
    pictures: list[tuple[str, Path]] = []
    without: list[str] = []
    others = 0
    try:
        for inner in sorted(folder.iterdir()):
            if inner.name.startswith(".") or inner.name == LABELS:
                continue
            if not inner.is_dir():
                others += 1
                continue
            inside = [path for path in sorted(inner.iterdir()) if not path.name.startswith(".")]
            found = [(inner.name, path) for path in inside if path.suffix.lower() in SUFFIXES and not path.is_dir()]
            others += len(inside) - len(found)
            pictures += found
            without += [] if found else [inner.name]
    except OSError as error:
        raise UnfitError(f"cannot list {error.filename or folder}: {error.strerror}") from error
    if not pictures:
        raise UnfitError(f"{folder} holds no folder of pictures")
    if len(pictures) > IMAGES_MAX:
        raise UnfitError(f"{folder} holds {len(pictures)} pictures, more than {IMAGES_MAX}")
    if others:
        tell(f"left aside: {others} entries that are no {', '.join(sorted(SUFFIXES))} file of an identity")
    if without:
        more = " …" if len(without) > _NAMED_MAX else ""
        tell(f"without a picture of their own: {', '.join(without[:_NAMED_MAX])}{more}")
    return pictures


def _labels(path: Path) -> dict[str, dict[str, str]]:
    """Return the labels of each identity; empty without the table. Raises UnfitError for a malformed table."""
    if not path.exists():
        return {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:  # spreadsheets put a mark before the first name
            rows = list(csv.DictReader(file, strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UnfitError(f"{path} is no table: {error}") from error
    if not rows or "identity" not in rows[0]:
        raise UnfitError(f"{path} has no column called identity")
    labels: dict[str, dict[str, str]] = {}
    for row in rows:
        if None in row or any(value is None or len(value) > _LABEL_CHARACTERS_MAX for value in row.values()):
            raise UnfitError(f"{path} has a row with too few, too many or too long cells")
        identity = row.pop("identity")
        if identity in labels:
            raise UnfitError(f"{path} names {identity} twice")
        labels[identity] = {attribute: value for attribute, value in row.items() if value}
    return labels


def _hold_to(labels: Mapping[str, object], people: set[str], path: Path, tell: Callable[[str], None]) -> None:
    """Report labels of people without a folder. Raises UnfitError when all are: rates by group would be left out silently."""
    others = sorted(labels.keys() - people)
    if labels and len(others) == len(labels):
        raise UnfitError(f"{path} names nobody of whom there is a folder")
    if others:
        more = " …" if len(others) > _NAMED_MAX else ""
        tell(f"{path.name}: no folder of {', '.join(others[:_NAMED_MAX])}{more}")


@dataclass(slots=True)
class _Embedded:
    """The embedded pictures: two templates, an identity and a path for each with a face, and milliseconds by stage."""

    portraits: list[Template] = field(default_factory=list)
    frames: list[Template] = field(default_factory=list)
    identities: list[str] = field(default_factory=list)
    paths: list[Path] = field(default_factory=list)
    missed: int = 0
    unreadable: int = 0
    took_ms: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))


def _from_frame_to_frame(embedded: _Embedded) -> tuple[float, int] | None:
    """Return the lowest score of two successive frames of one person, and the number of such pairs. A person's first picture is the chip's portrait."""
    seen = list(zip(embedded.identities, embedded.frames, strict=True))
    scores = [
        compare.alike(one, other)
        for (before, _), (identity, one), (after, other) in zip(seen, seen[1:], seen[2:], strict=False)
        if before == identity == after
    ]
    return (min(scores), len(scores)) if scores else None


def _embed_all(chain: FaceModels, pictures: Iterable[tuple[str, Path]], tell: Callable[[str], None]) -> _Embedded:
    embedded = _Embedded()
    for identity, path in pictures:
        try:
            content = read(path)
            if chain.cohort is not None and mark(content) in chain.cohort.pictures:
                raise UnfitError(
                    f"{path} is among the pictures that the cohort was made of: a threshold takes other people"
                )
            _embed_one(chain, decode(content), embedded)
        except NoFaceError:
            embedded.missed += 1
        except (BadPictureError, FaceError, OSError) as error:
            tell(f"{path}: {error.strerror if isinstance(error, OSError) else error}")
            embedded.missed += 1
            embedded.unreadable += 1
        else:
            embedded.identities.append(identity)
            embedded.paths.append(path)
    return embedded


def _embed_one(chain: FaceModels, picture: Picture, embedded: _Embedded) -> None:
    """Embed one picture as portrait and as frame. Raises FaceError, and then adds only times to `embedded`."""
    marks = [time.perf_counter()]
    faces = chain.finder.find(picture)
    main = central(faces, width=picture.shape[1], height=picture.shape[0])
    if main is None:
        raise NoFaceError("no face in the picture")
    marks.append(time.perf_counter())
    aligned = standard_position(chain.embed, picture, chain.finder.points(picture, main).five)
    marks.append(time.perf_counter())
    frame = embed(chain.embed, [aligned], chain.cohort)
    marks.append(time.perf_counter())
    portrait = embed_portrait(chain.embed, aligned, chain.cohort)
    embedded.portraits.append(portrait)
    embedded.frames.append(frame)
    for stage, started, ended in zip(("detect", "align", "embed"), marks, marks[1:], strict=False):
        embedded.took_ms[stage].append((ended - started) * 1000)

"""What a site's report on attack detection must show before a gate in service relies on the score, and whether it does. Pure.

Of each species of artefacts at most `APCER_MAX` may pass, in at least `SPECIES_PRESENTATIONS_MIN` attempts with a score. At most `BPCER_MAX` of the
people's presentations may be flagged, and `FIFTH_BPCER_MAX` of each fifth by the face's brightness; one without a score, or with doubted video,
counts as flagged. Below `FIFTH_PRESENTATIONS_MIN` per fifth this cannot be shown: without a single error the one-sided limit at 95 % is still above 4
%. A report (`gate face evaluate-pad DIR --kind lane_camera --json`) pinned in `site.toml` that falls short is refused, for any purpose of the gate.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final, Self

import msgspec

from models.errors import ManifestError
from models.manifest import Evidence, Model, Name, Sha256, Table, Threshold

BPCER_MAX: Final = 0.02
FIFTH_BPCER_MAX: Final = 0.04
FIFTHS: Final = 5
FIFTH_PRESENTATIONS_MIN: Final = 75
PEOPLE_MIN: Final = 60
APCER_MAX: Final = 0.07
SPECIES_PRESENTATIONS_MIN: Final = 150

Count = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
SCHEMA: Final = "face.evaluate-pad/1"


class Counted(msgspec.Struct, frozen=True):
    """`errors` of `of` presentations. `interval`: as the report states it; not used for judging."""

    errors: Count
    of: Count
    interval: tuple[float, float] | None = None

    @property
    def share(self) -> float:
        """The rate; 1 if nothing was counted, which is no evidence of less."""
        return self.errors / self.of if self.of else 1.0

    @property
    def in_words(self) -> str:
        """Return it as text."""
        interval = "" if self.interval is None else "; {:.1%} to {:.1%}".format(*self.interval)
        return f"{self.share:.1%} ({self.errors} of {self.of}{interval})"


class Fifth(Counted, frozen=True, kw_only=True):
    """A fifth of the people's presentations: those with the face's mean grey between these."""

    darkest: float
    brightest: float


class Service(msgspec.Struct, frozen=True):
    """The part that counts for service: flagged people, by fifths from the darkest on, and for each class of artefacts how many
    passed. `apcer`: the same for attempts with a score only; reports of an earlier tool lack it, and do not suffice for service.
    """

    flagged: Counted
    people: Count
    fifths: Annotated[tuple[Fifth, ...], msgspec.Meta(max_length=FIFTHS)]
    passed: Annotated[dict[str, Counted], msgspec.Meta(max_length=1000)]
    apcer: Annotated[dict[str, Counted], msgspec.Meta(max_length=1000)] = {}

    @property
    def worst(self) -> tuple[str, Counted] | None:
        """The class of artefacts that passes most often; None without any."""
        return _worst(self.passed)

    @property
    def judged(self) -> dict[str, Counted]:
        """Return each class of artefacts as bounded by `APCER_MAX`."""
        return {**self.passed, **self.apcer}

    @property
    def worst_judged(self) -> tuple[str, Counted] | None:
        """The class furthest beyond that bound, or nearest to it."""
        return _worst(self.judged)

    def shortfalls(self) -> Iterator[str]:
        """Yield everything missing for service; nothing if it suffices."""
        if self.people < PEOPLE_MIN:
            yield f"{self.people} people, {PEOPLE_MIN} wanted"
        if self.flagged.share > BPCER_MAX:
            yield f"BPCER {self.flagged.in_words}, {BPCER_MAX:.0%} at most"
        if len(self.fifths) < FIFTHS or sum(one.of for one in self.fifths) > self.flagged.of:
            yield f"{len(self.fifths)} fifths by brightness, {FIFTHS} wanted, of no more presentations than there are"
        for number, fifth in enumerate(self.fifths, start=1):
            where = f"fifth {number} by brightness"
            if fifth.of < FIFTH_PRESENTATIONS_MIN:
                yield f"{where}: {fifth.of} presentations, {FIFTH_PRESENTATIONS_MIN} wanted"
            if fifth.share > FIFTH_BPCER_MAX:
                yield f"{where}: BPCER {fifth.in_words}, {FIFTH_BPCER_MAX:.0%} at most"
        if not self.passed:
            yield "no artefact was presented: APCER is not stated"
        if self.apcer.keys() != self.passed.keys():
            yield "of how many attempts there was a score is not said of each class: make the report anew"
        for name, one in self.judged.items():
            if one.of < SPECIES_PRESENTATIONS_MIN:
                yield f"{name}: {one.of} attempts with a score, {SPECIES_PRESENTATIONS_MIN} wanted"
            if one.share > APCER_MAX:
                yield f"{name}: APCER {one.in_words}, {APCER_MAX:.0%} at most"


def _worst(classes: dict[str, Counted]) -> tuple[str, Counted] | None:
    return max(classes.items(), key=lambda item: (item[1].share, item[0]), default=None)


class Filed(Table, frozen=True):
    """The report on a model at this site."""

    model: Name
    report: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
    sha256: Sha256


class Report(msgspec.Struct, frozen=True):
    """The used part of a report on a model."""

    schema: str
    model: str
    model_sha256: str
    kind: Evidence

    @classmethod
    def read(cls, content: bytes, path: Path, model: Model, *, schema: str) -> Self:
        """Parse a report. Raises ManifestError for an invalid one, and for one about another model."""
        try:
            report = msgspec.json.decode(content, type=cls)
        except (msgspec.DecodeError, RecursionError) as error:
            command = schema.replace(".", " ").partition("/")[0]
            raise ManifestError(f"{path} is no report of gate {command} --json: {error}") from error
        if report.schema != schema or report.model_sha256 != model.sha256:
            raise ManifestError(f"{path} is about another model than {model.name}")
        return report


class _LivenessReport(Report, frozen=True):
    bound: Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
    service: Service


def measured(content: bytes, path: Path, model: Model) -> Threshold:
    """Return the bound of a report, with its results. `path`: the report's.

    Raises ManifestError for a report about another model, or without what its kind requires.
    """
    if model.role != "liveness":
        raise ManifestError(f"{model.name} is no liveness model")
    report = _LivenessReport.read(content, path, model, schema=SCHEMA)
    found = report.service
    if report.kind == "lane_camera" and (missing := "; ".join(found.shortfalls())):
        raise ManifestError(f"{path} is not enough for service: {missing}")
    fifths = ", ".join(f"{one.share:.1%}" for one in found.fifths)
    worst = found.worst_judged
    passed = "no artefact presented" if worst is None else f"worst APCER {worst[1].in_words}, {worst[0][:64]}"
    in_words = f"{path.name}: BPCER {found.flagged.in_words} of {found.people} people; by brightness {fifths}; {passed}"
    return Threshold(value=report.bound, kind=report.kind, evidence=in_words)

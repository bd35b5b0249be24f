"""Measures error rates of attack detection on a folder of sequences.

The folder holds `bona_fide/PERSON/SEQUENCE/*.jpg` and `attack/CLASS/ARTEFACT/SEQUENCE/*.jpg`, frames in the order of their
names; a folder without a picture has not been presented yet and is not counted. A sequence may hold `truth.jsonl`, a line a
frame, with the frame's time and the display's colour (docs/protocols/simulated-faces.md); without it frames are 1/15 s apart
and no colour was shown. Every sequence runs through the same face code as a crossing.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

from gate.face.chain import FaceModels
from gate.face.injection import Feed
from gate.face.liveness.liveness_aggregate import LivenessAggregate
from gate.face.quality import Observation
from gate.face.values import LiveEvidence
from gate.face.watch import Watch
from gate.picture import BadPictureError, Picture, decode, read
from gate_lab.conditions import Condition, conditions_of
from gate_lab.exact_rates import ExactRate
from gate_lab.folders import SUFFIXES, Tracked, UnfitError
from gate_lab.pad import (
    AtBound,
    Part,
    Presentation,
    Recipe,
    Row,
    at_bound,
    bound_at_bpcer,
    by_condition,
    for_frames,
    for_service,
    recipe,
)
from models.liveness_evidence import Counted, Service
from models.manifest import Model

KINDS: Final = ("development", "lane_camera")
BPCER_POINTS: Final = (0.01, 0.05)
SEQUENCES_MAX: Final = 20_000
FRAMES_MAX: Final = 900
FRAMES: Final = (1, 3, 5)  # the last is what a crossing waits for
_FPS: Final = 15
_TRUTH_BYTES_MAX: Final = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class PadEvaluation:
    """The result: at the given bound, and where BPCER meets BPCER_POINTS (chosen on these same people)."""

    folder: str
    profile: str
    model: Model | None
    kind: str
    presentations: tuple[Presentation, ...]
    shipped: AtBound
    at_bpcer: tuple[tuple[float, AtBound], ...]
    recipe: Recipe
    service: Service
    after: tuple[tuple[int, Service], ...] = ()
    by: Mapping[Condition, tuple[Part, ...]] = field(default_factory=dict)

    @property
    def doubted(self) -> int:
        """Return how many people's videos were doubted; each is a false alarm."""
        return sum(1 for one in self.presentations if one.species is None and one.trouble)

    def fields(self) -> dict[str, object]:
        """Return the result for JSON."""
        return {
            "profile": self.profile,
            "model": "" if self.model is None else self.model.name,
            "model_sha256": "" if self.model is None else self.model.sha256,
            "kind": self.kind,
            "bound": self.shipped.bound,
            "presentations": len(self.presentations),
            "service": _service_fields(self.service),
            "at_bound": _fields(self.shipped),
            "after_frames": {str(frames): _service_fields(found) for frames, found in self.after},
            "by": {condition.value: [_part_fields(part) for part in parts] for condition, parts in self.by.items()},
            "at_bpcer": {f"{point:g}": _fields(found) for point, found in self.at_bpcer},
            "recipe": {
                "passed": self.recipe.passed,
                "sized": self.recipe.sized,
                "undetected": list(self.recipe.undetected),
                "silent_classes": list(self.recipe.silent_classes),
                "missing": list(self.recipe.missing),
            },
            "videos_doubted": {
                "bona_fide": self.doubted,
                "attack": sum(1 for one in self.presentations if one.species is not None and one.trouble),
            },
            "simulated": "whatever these sequences are: simulations prove the plumbing, not the defence",
        }

    def lines(self) -> list[str]:
        """Return the result as lines of text."""
        lines = [f"bound {self.shipped.bound:.3f}: BPCER {_row_text(self.shipped.bona_fide)}"]
        for condition, parts in self.by.items():
            for number, part in enumerate(parts, start=1):
                where = f"fifth {number} by {condition}, {condition.unit} {range_text(part)}"
                lines.append(f"  {where}: flagged {_counted_text(part.flagged)}")
        for frames, found in self.after:
            worst = (
                ""
                if found.worst is None
                else f"; worst of the artefacts, {found.worst[0]}: passed {_counted_text(found.worst[1])}"
            )
            lines.append(f"  after {_frames_text(frames)}: flagged {_counted_text(found.flagged)}{worst}")
        for row in self.shipped.species:
            lines.append(f"  {row.name}: APCER {_row_text(row)}")
            if (artefact := self.shipped.worst_of(row.name)) is not None and row.sources > 1:
                lines.append(f"    worst artefact, {artefact.name}: {_row_text(artefact)}")
        for point, at in self.at_bpcer:
            passed = "none" if at.apcer_max is None else f"{at.apcer_max:.1%}"
            lines.append(f"BPCER {point:.0%} at bound {at.bound:.3f}: worst APCER {passed}")
        verdict = "passed" if self.recipe.passed else "not passed"
        sized = "" if self.recipe.sized else ", with fewer classes, artefacts or presentations than it wants"
        lines.append(f"recipe of TR-03122-3: {verdict}{sized}; {self.doubted} videos of people doubted")
        lines += [f"  missing: {one}" for one in self.recipe.missing]
        lacks = self.lacks
        lines.append("service: not enough" if lacks else "service: enough, once it is filed in site.toml and approved")
        lines += [f"  {one}" for one in lacks]
        return lines

    @property
    def lacks(self) -> tuple[str, ...]:
        """Return why a gate in service would not rely on this report; empty when it would."""
        of_kind = () if self.kind == "lane_camera" else ("not said to be of the lane's own camera: --kind lane_camera",)
        model = () if self.model is not None else ("the profile has no model of liveness",)
        return (*model, *of_kind, *self.service.shortfalls())


def evaluate_folder(
    folder: Path, chain: FaceModels, *, profile: str, bound: float, tracked: Tracked, kind: str = "development"
) -> PadEvaluation:
    """Run all sequences below `folder`; `kind` is the caller's description of them. Raises UnfitError when there is
    nothing to measure, and OSError.
    """
    presentations = tuple(presented(folder, chain, tracked))
    try:
        points = [(point, bound_at_bpcer(presentations, point)) for point in BPCER_POINTS]
        frames = FRAMES if any(one.after for one in presentations) else ()
        return PadEvaluation(
            folder=folder.name,
            profile=profile,
            model=None if chain.liveness is None else chain.liveness.model,
            kind=kind,
            presentations=presentations,
            shipped=at_bound(presentations, bound),
            at_bpcer=tuple((point, at_bound(presentations, found)) for point, found in points if found is not None),
            recipe=recipe(presentations, bound),
            service=for_service(presentations, bound),
            after=tuple((count, for_frames(presentations, bound, count)) for count in frames),
            by=by_condition(presentations, bound, frames),
        )
    except ValueError as error:
        raise UnfitError(f"{folder}: {error}") from error


def presented(folder: Path, chain: FaceModels, tracked: Tracked) -> Iterator[Presentation]:
    """Yield every sequence below `folder` as a presentation. Raises UnfitError and OSError."""
    for species, source, path in tracked(_sequences(folder), "looking"):
        eyes = _Eyes(chain)
        for frame, at_ms, display in _frames(path):
            eyes.look(frame, at_ms=at_ms, display=display)
        yield Presentation(
            species=species,
            source=source,
            name=path.name,
            score=eyes.live.score,
            cues=dict(eyes.live.cues),
            trouble=eyes.trouble,
            conditions={name: statistics.median(values) for name, values in eyes.conditions.items()},
            after=dict(eyes.after),
        )
        eyes.wipe()


class _Eyes:
    """The face code of one crossing. The result counts once liveness is ready; otherwise the last result counts."""

    def __init__(self, chain: FaceModels) -> None:
        self._liveness = LivenessAggregate(chain.liveness)
        self._watch = Watch(chain, liveness=self)
        self._feed = Feed()
        self._display: tuple[float, ...] | None = None
        self.live: LiveEvidence = LiveEvidence(ready=False)
        self.trouble: tuple[str, ...] = ()
        self.after: dict[int, float] = {}  # the score after so many frames that the model judged
        self.conditions: dict[Condition, list[float]] = defaultdict(list)  # of each frame before the score stood

    def look(self, frame: Picture, *, at_ms: int, display: tuple[float, float, float] | None) -> None:
        """Process the next frame, with the display's colour at that time."""
        if display is not None and display != self._display:
            self._display = display
            self._liveness.show(display, at_ms=at_ms)
        self.trouble += tuple(trouble.value for trouble in self._feed.see(frame, at_ms=at_ms))
        self._watch.see(frame, at_ms=at_ms)

    def see(self, frame: Picture, seen: Observation) -> LiveEvidence:
        """Pass a frame from the watch to liveness."""
        if not self.live.ready:
            for condition, value in conditions_of(frame, seen).items():
                self.conditions[condition].append(value)
            before, self.live = self._liveness.judged, self._liveness.see(frame, seen)
            self._note(before)
        return self.live

    def _note(self, before: int) -> None:
        judged = self._liveness.judged
        if judged < before or judged == 1:
            self.after.clear()  # another face, or this one anew
        if judged > 0 and self.live.score is not None:
            self.after.setdefault(judged, self.live.score)

    def wipe(self) -> None:
        """Overwrite pictures of the person with zeros."""
        self._liveness.wipe()
        self._feed.wipe()


def _sequences(folder: Path) -> list[tuple[str | None, str, Path]]:
    """Return species, source and folder of every sequence, in a fixed order."""
    try:
        next(folder.iterdir(), None)  # globbing takes a folder that is not there for an empty one
        found: list[tuple[str | None, str, Path]] = [
            (None, path.parent.name, path)
            for path in sorted(folder.glob("bona_fide/*/*"))
            if _is_presented(path, below=folder)
        ]
        found += [
            (path.parent.parent.name, path.parent.name, path)
            for path in sorted(folder.glob("attack/*/*/*"))
            if _is_presented(path, below=folder)
        ]
    except OSError as error:
        raise UnfitError(f"cannot list {folder}: {error.strerror}") from error
    if not found:
        raise UnfitError(
            f"{folder} holds no bona_fide/PERSON/SEQUENCE and no attack/CLASS/ARTEFACT/SEQUENCE with a picture in it"
        )
    if len(found) > SEQUENCES_MAX:
        raise UnfitError(f"{folder} holds {len(found)} sequences, more than {SEQUENCES_MAX}")
    return found


def _is_presented(folder: Path, *, below: Path) -> bool:
    """Return True for a folder with a picture. An empty one, as the sheets make them, would count as an alarm; hidden files do not count."""
    is_hidden = any(part.startswith(".") for part in folder.relative_to(below).parts)
    return not is_hidden and folder.is_dir() and bool(_pictures(folder))


def _pictures(folder: Path) -> list[Path]:
    """Return the pictures in the order of their names, without hidden files."""
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.name[0] != ".")


def _frames(folder: Path) -> Iterator[tuple[Picture, int, tuple[float, float, float] | None]]:
    """Yield the frames of one sequence with their times and the display's colour. Raises UnfitError for a file that is not a picture."""
    paths = _pictures(folder)[:FRAMES_MAX]
    truth = _truth(folder / "truth.jsonl")
    for number, path in enumerate(paths):
        line = truth[number] if number < len(truth) else _Truth()
        try:
            frame = decode(read(path))
        except BadPictureError as error:
            raise UnfitError(f"{path}: {error}") from error
        at_s = number / _FPS if line.at_s is None else line.at_s
        yield frame, round(at_s * 1000), line.light.display


class _Light(msgspec.Struct, frozen=True):
    display: tuple[float, float, float] | None = None


class _Truth(msgspec.Struct, frozen=True):
    """The known facts of one frame that are used here."""

    at_s: float | None = None
    light: _Light = _Light()


def _truth(path: Path) -> Sequence[_Truth]:
    if not path.exists():
        return ()
    try:
        if path.stat().st_size > _TRUTH_BYTES_MAX:
            raise UnfitError(f"{path} is larger than {_TRUTH_BYTES_MAX} bytes")
        return [msgspec.json.decode(line, type=_Truth) for line in path.read_bytes().splitlines()]
    except (OSError, msgspec.DecodeError) as error:
        raise UnfitError(f"{path} is no ground truth: {error}") from error


def _fields(found: AtBound) -> dict[str, object]:
    return {
        "bound": found.bound,
        "bpcer": _row_fields(found.bona_fide, "bpnrr"),
        "apcer": {row.name: _row_fields(row, "apnrr") for row in found.species},
        "apcer_max": found.apcer_max,
        "artefacts": {row.name: _row_fields(row, "apnrr") for row in found.artefacts},
    }


def _service_fields(service: Service) -> dict[str, object]:
    """Return the fields that `models.liveness_evidence` reads, with each rate and its interval beside the counts."""
    return {
        "flagged": _counted_fields(service.flagged),
        "people": service.people,
        "fifths": [
            {**_counted_fields(one), "darkest": one.darkest, "brightest": one.brightest} for one in service.fifths
        ],
        "passed": {name: _counted_fields(one) for name, one in service.passed.items()},
        "apcer": {name: _counted_fields(one) for name, one in service.apcer.items()},
        "shortfalls": list(service.shortfalls()),
    }


def _part_fields(part: Part) -> dict[str, object]:
    after = {str(frames): _counted_fields(one) for frames, one in part.after.items()}
    return {
        **_counted_fields(part.flagged),
        "lowest": part.lowest,
        "highest": part.highest,
        "after_frames": after,
    }


def range_text(part: Part) -> str:
    """Format the range of a fifth's values, with enough digits to distinguish it from its neighbours."""
    digits = 0 if part.highest >= 20 else 1 if part.highest >= 2 else 2
    return f"{part.lowest:.{digits}f} to {part.highest:.{digits}f}"


def _counted_fields(counted: Counted) -> dict[str, object]:
    fields: dict[str, object] = {"errors": counted.errors, "of": counted.of}
    if counted.of:
        rate = ExactRate(counted.errors, counted.of)
        fields |= {"rate": rate.value, "interval": list(rate.interval)}
    return fields


def _frames_text(frames: int) -> str:
    return "1 frame" if frames == 1 else f"{frames} frames"


def _counted_text(counted: Counted) -> str:
    low, high = ExactRate(counted.errors, counted.of).interval
    return f"{counted.share:.1%} ({low:.1%} to {high:.1%}) of {counted.of}"


def _row_fields(row: Row, non_response: str) -> dict[str, object]:
    error = row.error
    return {
        "rate": None if error is None else error.value,
        "interval": None if error is None else list(error.interval),
        "presentations": row.non_response.of,
        "sources": row.sources,
        non_response: row.non_response.value,
    }


def _row_text(row: Row) -> str:
    if row.error is None:
        return f"unknown: none of {row.non_response.of} responded"
    low, high = row.error.interval
    return (
        f"{row.error.value:.1%} ({low:.1%} to {high:.1%}) of {row.error.of} with a score, "
        f"{row.non_response.errors} without, {row.sources} sources"
    )

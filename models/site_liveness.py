"""A site's own evidence for a liveness model: a report of `gate face evaluate-pad --json` that `site.toml` pins.

    [[liveness]]
    model = "fr_liveness"
    report = "pad.json"
    sha256 = "…"

The report must be the pinned bytes and about exactly the model's. One made before the lane's own camera must show all that service wants
(`models.liveness_evidence`): what falls short is refused, whatever the gate's purpose, with everything that is missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import msgspec

from models.errors import ManifestError
from models.liveness_evidence import Service
from models.manifest import Evidence, Model, Name, Sha256, Table, Threshold

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA: Final = "face.evaluate-pad/1"


class SiteLiveness(Table, frozen=True):
    """Which report says what a liveness model is worth at this site."""

    model: Name
    report: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
    sha256: Sha256


class _Report(msgspec.Struct, frozen=True):
    """What is read of a report; it says more."""

    schema: str
    model: str
    model_sha256: str
    kind: Evidence
    bound: Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
    service: Service


def measured(content: bytes, path: Path, model: Model) -> Threshold:
    """The bound that a report was made at, with what it showed there. `path` is where it lies.

    Raises ManifestError for a report that is about another model, or does not show what its kind promises.
    """
    if model.role != "liveness":
        raise ManifestError(f"{model.name} is no liveness model")
    try:
        report = msgspec.json.decode(content, type=_Report)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ManifestError(f"{path} is no report of gate face evaluate-pad --json: {error}") from error
    if report.schema != SCHEMA or report.model_sha256 != model.sha256:
        raise ManifestError(f"{path} is about another model than {model.name}")
    found = report.service
    if report.kind == "lane_camera" and (missing := found.shortfalls()):
        raise ManifestError(f"{path} is not enough for service: {'; '.join(missing)}")
    return Threshold(value=report.bound, kind=report.kind, evidence=_in_words(path.name, found))


def _in_words(name: str, found: Service) -> str:
    fifths = ", ".join(f"{one.share:.1%}" for one in found.fifths)
    worst = found.worst_judged
    passed = "no artefact presented" if worst is None else f"worst APCER {worst[1].in_words}, {worst[0][:64]}"
    return f"{name}: BPCER {found.flagged.in_words} of {found.people} people; by brightness {fifths}; {passed}"

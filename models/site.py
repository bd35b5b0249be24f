"""A site's additions to the shipped models: its own models, profiles, and thresholds with its own evidence.

`site.toml` is in the model folder, beside the files that it names:

    schema = 1
    [[models]]            # as in models/manifest.toml, without package and member; the file is NAME.onnx in the same folder
    [profiles]            # sets of models, which may name shipped ones
    [[thresholds]]        # model, report, sha256, fmr, same_min; cohort = { file, sha256 } where the report was made with one
    [[liveness]]          # model, report, sha256

A threshold is read from a report of `gate face evaluate --json`, pinned by its hash and made with exactly the model's bytes and the
stated cohort; it is valid only with the models that found the report's faces. A model without one can be evaluated but not used.
"""

import hashlib
import tomllib
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec

from models.errors import ManifestError
from models.liveness_evidence import Filed, Report, measured
from models.manifest import Manifest, Model, Name, Sha256, SiteCohort, Table, Threshold, check, load

FILE: Final = "site.toml"
FILE_BYTES_MAX: Final = 1024 * 1024
_SCHEMA: Final = "face.evaluate/1"


class SiteThreshold(Filed, frozen=True):
    """The report with a model's bound. `fmr`: one of the report's points, such as "1e-4". With a `cohort` every score
    is on another scale: the report must have been made with it, and `same_min` is on that scale.
    """

    fmr: Annotated[str, msgspec.Meta(pattern=r"^1e-[1-9]$")]
    same_min: float
    cohort: SiteCohort | None = None


class Site(Table, frozen=True):
    """The whole of `site.toml`."""

    schema: Literal[1]
    models: tuple[Model, ...] = ()
    profiles: dict[Name, tuple[Name, ...]] = msgspec.field(default_factory=dict)
    thresholds: tuple[SiteThreshold, ...] = ()
    liveness: tuple[Filed, ...] = ()


class _Among(msgspec.Struct, frozen=True):
    """A false match rate among some of the pairs of two people; None without a pair."""

    fmr: float | None


class _FaceReport(Report, frozen=True):
    images: int
    identities: int
    genuine: int
    impostor: int
    threshold_at_fmr: dict[str, float | None]
    fnmr_at_fmr: dict[str, float | None]
    same_sex_at_fmr: dict[str, _Among | None] = msgspec.field(default_factory=dict)
    cohort_sha256: Sha256 | None = None
    found_by: tuple[Sha256, ...] | None = None  # None: of a version that did not state it


def load_for(folder: Path, *, shipped: Manifest | None = None) -> Manifest:
    """Return the shipped manifest with the site's additions from the model folder. Raises ManifestError."""
    manifest = shipped or load()
    try:
        text = _read(folder / FILE)
    except FileNotFoundError:
        return manifest
    try:
        site = msgspec.convert(tomllib.loads(text.decode()), Site)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError, msgspec.ValidationError) as error:
        raise ManifestError(f"{folder / FILE} is wrong: {error}") from error
    added = tuple(_supplied(model) for model in site.models)
    models = {model.name: model for model in (*manifest.models, *added)}
    if len(models) != len(manifest.models) + len(added):
        raise ManifestError(f"{folder / FILE} names a model that there is already")
    for bound in site.thresholds:
        if bound.model not in models:
            raise ManifestError(f"{folder / FILE} gives a threshold to {bound.model}, which is no model")
        models[bound.model] = msgspec.structs.replace(
            models[bound.model], threshold=_threshold(folder, bound, models[bound.model]), cohort=bound.cohort
        )
    for filed in site.liveness:
        if filed.model not in models:
            raise ManifestError(f"{folder / FILE} files a report on {filed.model}, which is no model")
        model = models[filed.model]
        content = _pinned(folder / filed.report, filed.sha256, f"says what {filed.model} is worth here")
        models[filed.model] = msgspec.structs.replace(model, threshold=measured(content, folder / filed.report, model))
    if known := sorted(site.profiles.keys() & manifest.profiles.keys()):
        raise ManifestError(f"the profiles {', '.join(known)} ship with the program and cannot be changed")
    merged = msgspec.structs.replace(
        manifest, models=tuple(models.values()), profiles={**manifest.profiles, **site.profiles}
    )
    check(merged)
    return merged


def _supplied(model: Model) -> Model:
    """Return a model of the site's: its file is in the folder, and its threshold comes from a report or is missing."""
    if model.package or model.member or model.source:
        raise ManifestError(f"{model.name}: a site's model is supplied as a file, not fetched")
    if model.threshold is not None and model.role == "embed":
        raise ManifestError(f"{model.name}: an embedder's threshold is read from a report, see [[thresholds]]")
    if model.threshold is not None and model.threshold.kind != "development":
        raise ManifestError(f"{model.name}: what it is worth here, a report says and not the model, see [[liveness]]")
    if model.cohort is not None:
        raise ManifestError(
            f"{model.name}: a cohort stands beside the threshold that was made with it, see [[thresholds]]"
        )
    return msgspec.structs.replace(model, supplied=True)


def _pinned(path: Path, sha256: str, what_for: str) -> bytes:
    """A report, of exactly these bytes. Raises ManifestError."""
    try:
        content = _read(path)
    except FileNotFoundError as error:
        raise ManifestError(f"{path} is missing: it {what_for}") from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ManifestError(f"{path} is not the pinned report")
    return content


def _threshold(folder: Path, bound: SiteThreshold, model: Model) -> Threshold:
    """Return the report's bound. Raises ManifestError if it is not the pinned one, or about another model."""
    path = folder / bound.report
    if model.role != "embed":
        raise ManifestError(f"{model.name} is no embedder")
    content = _pinned(path, bound.sha256, f"gives {model.name} its threshold")
    report = _FaceReport.read(content, path, model, schema=_SCHEMA)
    if report.cohort_sha256 != (None if bound.cohort is None else bound.cohort.sha256):
        named = "none" if bound.cohort is None else bound.cohort.file
        raise ManifestError(f"{path} was made with another cohort than the one beside it ({named})")
    value, fnmr = report.threshold_at_fmr.get(bound.fmr), report.fnmr_at_fmr.get(bound.fmr)
    if value is None or fnmr is None or bound.same_min >= value:
        raise ManifestError(f"{path} has too few pairs for FMR {bound.fmr}, or same_min is not below its threshold")
    same_sex = report.same_sex_at_fmr.get(bound.fmr)
    rate = None if same_sex is None else same_sex.fmr
    of_one_sex = "among people of the same sex"
    among = f"{of_one_sex} higher and not known" if rate is None else f"{rate:.1e} {of_one_sex}"
    evidence = (
        f"{bound.report}: {report.images} pictures of {report.identities} people, {report.genuine} genuine and "
        f"{report.impostor} impostor pairs; FNMR {fnmr:.2%} at FMR {bound.fmr}, {among}"
    )
    return Threshold(
        value=value,
        evidence=evidence,
        fmr=float(bound.fmr),
        same_min=bound.same_min,
        kind=report.kind,
        found_by=report.found_by,
    )


def _read(path: Path) -> bytes:
    """Return the bytes of a small file. Raises ManifestError, and FileNotFoundError if there is none."""
    try:
        with path.open("rb") as file:
            content = file.read(FILE_BYTES_MAX + 1)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ManifestError(f"cannot read {path}: {error.strerror}") from error
    if len(content) > FILE_BYTES_MAX:
        raise ManifestError(f"{path} is larger than {FILE_BYTES_MAX} bytes")
    return content

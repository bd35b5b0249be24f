"""The list of loadable models with their contracts: `manifest.toml`, parsed once, strictly.

It pins every file by SHA-256 and size, and defines input, output, the threshold with its evidence, and the known licence.
Most files come from a package and are in a folder named by the caller; a small one of our own is beside this module.
"""

import functools
import hashlib
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from models.errors import ManifestError, ModelCorruptError, ModelMissingError

MANIFEST_PATH = Path(__file__).with_name("manifest.toml")
OWN_FOLDER = Path(__file__).with_name("weights")
MODEL_BYTES_MAX = 64 * 1024 * 1024
DEFAULT_PROFILE = "standard"
BATCH_MAX = 256
SIDE_MAX = 8192
FINDING = frozenset({"detect", "landmark", "propose", "refine", "locate"})  # the roles that find faces and their points

Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9_]{0,62}$")]
Sha256 = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]
Evidence = Literal["development", "chip_to_live", "lane_camera"]
Side = Annotated[int, msgspec.Meta(ge=0, le=SIDE_MAX)]


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The base of every table in the manifest."""


class Input(Table, frozen=True):
    """The input: a float32 NCHW array named `name` in the graph, values in `range`; `content`: how it is made.

    `shape`: of one example; a side of 0 is free up to `side_max`, and so are outputs' sides of 0. `batch_max`: the
    maximum number of examples at once; outputs then have as many rows.
    """

    name: Text
    shape: tuple[Literal[1], Side, Side, Side]
    range: tuple[float, float]
    content: Text
    batch_max: Annotated[int, msgspec.Meta(ge=1, le=BATCH_MAX)] = 1
    side_max: Side = 0

    def admits(self, shape: tuple[int, ...]) -> bool:
        """True if an array of this shape is permitted."""
        return (
            len(shape) == len(self.shape)
            and 1 <= shape[0] <= self.batch_max
            and all(
                1 <= is_ <= self.side_max if wanted == 0 else is_ == wanted
                for wanted, is_ in zip(self.shape[1:], shape[1:], strict=True)
            )
        )


class Output(Table, frozen=True):
    """The output: a float32 array of `shape`, named `name` in the graph. Sides of 0 follow from the input's."""

    name: Text
    shape: tuple[Side, ...]
    content: Text

    def admits(self, shape: tuple[int, ...], *, rows: int | None) -> bool:
        """True if the array's shape matches the contract, with this number of rows if the model takes several at once."""
        wanted = self.shape if rows is None else (rows, *self.shape[1:])
        return len(shape) == len(wanted) and all(side in (0, is_) for side, is_ in zip(wanted, shape, strict=True))


class Threshold(Table, frozen=True):
    """A bound on the model's score, and its measurement. `fmr`: the false match rate at the bound.

    `same_min` is clearly below an embedder's bound: one person before one camera always reaches it within seconds.
    `kind`: the kind of pictures: only chip portraits against a lane's camera are an embedder's evidence for service,
    and only people and artefacts before a lane's camera a liveness model's. `found_by`: the models that found the faces
    for an embedder's measurement, None if not stated.
    """

    value: float
    evidence: Text
    fmr: float | None = None
    same_min: float | None = None
    kind: Evidence = "development"
    found_by: tuple[Sha256, ...] | None = None


class Golden(Table, frozen=True):
    """The expected output for `models.runtime.golden_input`: values at even strides, and their tolerance.

    `output` names the array; `probes[i]` is element `i * (size // len(probes))` of it, flattened.
    """

    output: Text
    probes: Annotated[tuple[float, ...], msgspec.Meta(min_length=1, max_length=64)]
    tolerance: Annotated[float, msgspec.Meta(gt=0.0, le=0.1)]


class Pixels(Table, frozen=True):
    """An embedder's pixel format: their order, (x - mean) / divisor, and the template for alignment."""

    order: Literal["BGR", "RGB"]
    mean: float
    divisor: Annotated[float, msgspec.Meta(gt=0.0)]
    alignment: Literal["arcface", "dlib"]


class SiteCohort(Table, frozen=True):
    """The cohort of a site's threshold for an embedder: a file of the model folder (models.cohort)."""

    file: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
    sha256: Sha256


class _Pinned(Table, frozen=True):
    """A file of exactly these bytes."""

    sha256: Sha256
    size_bytes: Annotated[int, msgspec.Meta(gt=0, le=MODEL_BYTES_MAX)]

    def is_pinned(self, content: bytes) -> bool:
        """True for exactly these bytes."""
        return len(content) == self.size_bytes and hashlib.sha256(content).hexdigest() == self.sha256


class Source(_Pinned, frozen=True):
    """A published file from which the model is converted, and the converting program of `models.convert`."""

    converter: Literal["dlib_resnet", "blocked_layout"]


class Package(Table, frozen=True):
    """A file's origin: a package of a registry's ordinary client. No address: the client knows its registry."""

    name: Text
    version: Text
    sha256: Sha256
    archive_bytes_max: Annotated[int, msgspec.Meta(gt=0, le=256 * 1024 * 1024)]
    client: Literal["npm", "pip"]


class Model(_Pinned, frozen=True):
    """One model file and its contract. `package` and `member`: its origin; without them it is our own.

    The member is the model itself or, with `source`, what it is converted from. `supplied`: a site put the file into
    the model folder (models.site). `cohort`: a site's too; none is shipped.
    """

    name: Name
    version: Text
    role: Literal["detect", "landmark", "embed", "liveness", "pose", "eyes", "propose", "refine", "locate", "mrz"]
    licence: Text
    input: Input
    outputs: Annotated[tuple[Output, ...], msgspec.Meta(min_length=1)]
    golden: Annotated[tuple[Golden, ...], msgspec.Meta(min_length=1)]
    package: Name | None = None
    member: Text | None = None
    source: Source | None = None
    pixels: Pixels | None = None
    threshold: Threshold | None = None
    supplied: bool = False
    cohort: SiteCohort | None = None

    @property
    def file_name(self) -> str:
        """The file's name inside a model folder."""
        return f"{self.name}.onnx"

    @property
    def remedy(self) -> str:
        """What to do about a missing or damaged file."""
        if self.supplied:
            return "put the file there that models/site.toml pins"
        return "run `gate models fetch`" if self.package else "it comes with the program: install that again"

    def path(self, folder: Path) -> Path:
        """Return the file's path: in `folder`, or beside this module for our own."""
        return (folder if self.package or self.supplied else OWN_FOLDER) / self.file_name

    def is_intact(self, folder: Path) -> bool:
        """True if the folder has exactly the pinned file."""
        try:
            self.read(folder)
        except (ModelMissingError, ModelCorruptError):
            return False
        return True

    def read(self, folder: Path) -> bytes:
        """Return the pinned bytes, checked. Raises ModelMissingError and ModelCorruptError.

        The returned bytes are the hashed ones: the file cannot change between the check and its use.
        """
        path = self.path(folder)
        try:
            with path.open("rb") as file:
                content = file.read(self.size_bytes + 1)
        except FileNotFoundError as error:
            raise ModelMissingError(f"{path} is missing: {self.remedy}") from error
        except OSError as error:
            raise ModelMissingError(f"cannot read {path}: {error.strerror}") from error
        self.check(content)
        return content

    def check(self, content: bytes) -> None:
        """Raise ModelCorruptError unless these are the pinned bytes."""
        if not self.is_pinned(content):
            raise ModelCorruptError(f"{self.file_name} is not the pinned file: {self.remedy}")


class Manifest(Table, frozen=True):
    """Every known package and model, and the sets of models that see faces together."""

    schema: Literal[1]
    packages: dict[Name, Package]
    models: tuple[Model, ...]
    profiles: dict[Name, tuple[Name, ...]]

    def model(self, name: str) -> Model:
        """Return the model of that name. Raises ManifestError."""
        for model in self.models:
            if model.name == name:
                return model
        known = ", ".join(model.name for model in self.models)
        raise ManifestError(f"no model is called {name!r}; known are {known}")

    def profile(self, name: str) -> tuple[Model, ...]:
        """Return the models of a profile, one per role. Raises ManifestError."""
        if name not in self.profiles:
            raise ManifestError(f"no profile is called {name!r}; known are {', '.join(self.profiles)}")
        return tuple(self.model(model) for model in self.profiles[name])

    def needed_for(self, profile: str) -> tuple[Model, ...]:
        """Return the models of a profile, and our own, which every gate has. Raises ManifestError."""
        own = (model for model in self.models if model.package is None and not model.supplied)
        return (*self.profile(profile), *own)


def finders(models: Iterable[Model]) -> tuple[Sha256, ...]:
    """Return the models that find faces and points, by their bytes, in order."""
    return tuple(sorted(model.sha256 for model in models if model.role in FINDING))


def check_finders(models: Iterable[Model]) -> None:
    """Raise ManifestError if these models find faces otherwise than in the measurement of their embedder's threshold."""
    together = tuple(models)
    for model in together:
        bound = model.threshold
        if model.role == "embed" and bound is not None and bound.found_by not in {None, finders(together)}:
            raise ManifestError(
                f"the threshold of {model.name} was measured on faces that other models found: gate face evaluate with this profile gives it another"
            )


@functools.lru_cache(1)
def parse(text: str) -> Manifest:
    """Parse and check a manifest. Raises ManifestError."""
    try:
        manifest = msgspec.convert(tomllib.loads(text), Manifest)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ManifestError(f"the model manifest is wrong: {error}") from error
    check(manifest)
    return manifest


def check(manifest: Manifest) -> None:
    """Raise ManifestError unless the manifest is consistent."""
    names = [model.name for model in manifest.models]
    if len(set(names)) != len(names):
        raise ManifestError("the model manifest names a model twice")
    for model in manifest.models:
        if (model.package is None) != (model.member is None):
            raise ManifestError(f"{model.name} names a package without a member, or a member without a package")
        if model.package is not None and model.package not in manifest.packages:
            raise ManifestError(f"{model.name} comes from {model.package!r}, which is no package of the manifest")
        outputs = {output.name for output in model.outputs}
        if unknown := {golden.output for golden in model.golden} - outputs:
            raise ManifestError(f"{model.name} has golden values for outputs it lacks: {', '.join(sorted(unknown))}")
        if (model.role == "embed") != (model.pixels is not None):
            raise ManifestError(f"{model.name}: embedders say how they want their pixels, and nothing else does")
        bound = model.threshold
        missing = bound is None and not model.supplied
        if model.role == "embed" and (missing or (bound is not None and None in (bound.fmr, bound.same_min))):
            raise ManifestError(f"{model.name}: an embedder needs its bounds, with their false match rate and evidence")
    for profile in manifest.profiles:
        roles = [model.role for model in manifest.profile(profile)]
        if len(set(roles)) != len(roles):
            raise ManifestError(f"the profile {profile} has two models for one role")


def load(path: Path = MANIFEST_PATH) -> Manifest:
    """Read the manifest that ships with the code. Raises ManifestError."""
    try:
        manifest = parse(path.read_text())
    except OSError as error:
        raise ManifestError(f"cannot read {path}: {error.strerror}") from error
    if any(model.cohort is not None for model in manifest.models):
        raise ManifestError(f"{path} names a cohort, which is only ever a site's own")
    return manifest

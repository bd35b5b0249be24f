"""A site's own cohort: the similarity of each face to the site's people in general, relative to which comparisons are scored.

The mean and covariance of a site's templates give the mean and spread of a template's scores with all of them; a comparison
counts by its distance from both faces' own. `gate face cohort` makes the file (MessagePack) from consenting people of the
site. It belongs to one embedder's bytes, and to the threshold whose report was made with it (models.site). It has no template
and no name, yet `pictures` reveals to the holder of a picture whether it was included: protect the file like the pictures.
"""

import hashlib
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
import numpy as np
import numpy.typing as npt

from models.errors import CohortError
from models.manifest import Model, Name, Sha256

PEOPLE_MIN: Final = 300  # with a hundred the gain is not there
FILE_BYTES_MAX: Final = 8 * 1024 * 1024
PICTURES_MAX: Final = 10_000
MARK_BYTES: Final = 8
_LEAST: Final = 1e-8  # of a variance of scores, where a cohort's people are all alike
_NUMBERS_MAX: Final = 1024  # of a template
_SCHEMAS: Final = b"portcullis.cohort/"
_BEGINNING_BYTES: Final = 64
_ROUNDED: Final = 1e-4  # what rounding may do to these numbers, and much more
_Numbers = Annotated[bytes, msgspec.Meta(max_length=4 * _NUMBERS_MAX * _NUMBERS_MAX)]


class CohortFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole file: `mean` (n,) and `covariance` (n, n) as little-endian float32, `pictures`: marks of the pictures used."""

    schema: Literal["portcullis.cohort/3"] = "portcullis.cohort/3"
    model: Name
    model_sha256: Sha256
    people: Annotated[int, msgspec.Meta(ge=PEOPLE_MIN, le=PICTURES_MAX)]
    mean: _Numbers
    covariance: _Numbers
    pictures: Annotated[tuple[bytes, ...], msgspec.Meta(max_length=PICTURES_MAX)]


@dataclass(frozen=True, slots=True, eq=False)
class Cohort:
    """A cohort for the present embedder. `sha256`: its file's."""

    sha256: str
    people: int
    mean: npt.NDArray[np.float32] = field(repr=False)
    covariance: npt.NDArray[np.float32] = field(repr=False)
    pictures: frozenset[bytes] = field(repr=False)

    @property
    def usual_spread(self) -> float:
        """The spread of scores between the cohort's people; scores use this scale, so that they stay near cosines."""
        return math.sqrt(max(_LEAST, float((self.covariance**2).sum() + self.mean @ self.covariance @ self.mean)))

    def standing(self, vectors: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Return the mean and the spread of scores of templates (m, n) with the cohort's people, (m,) each."""
        spread = np.sqrt(np.maximum(_LEAST, ((vectors @ self.covariance) * vectors).sum(axis=1)))
        return (vectors @ self.mean).astype(np.float32), spread.astype(np.float32)

    def seen(
        self,
        cosines: npt.NDArray[np.float32],
        ones: tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]],
        others: tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]],
    ) -> npt.NDArray[np.float32]:
        """Return scores from -1 to 1 for cosines (p, q) of templates with these standings, (p,) and (q,): each one's distance from both faces' own."""
        (mean, spread), (other_mean, other_spread) = ones, others
        out = (cosines - mean[:, None]) / spread[:, None] + (cosines - other_mean) / other_spread
        scores: npt.NDArray[np.float32] = np.clip(out * (self.usual_spread / 2), -1.0, 1.0).astype(np.float32)
        return scores


def mark(picture: bytes) -> bytes:
    """Return a picture file's identifier in the cohort's file."""
    return hashlib.sha256(picture).digest()[:MARK_BYTES]


def files_in(folder: Path) -> tuple[Path, ...]:
    """Return a folder's cohorts, recognised by their first bytes, of any name and version. Raises OSError."""
    if not folder.is_dir():
        return ()
    return tuple(path for path in sorted(folder.iterdir()) if path.is_file() and _begins_as_one(path))


def _begins_as_one(path: Path) -> bool:
    with path.open("rb") as file:
        return _SCHEMAS in file.read(_BEGINNING_BYTES)


def read(path: Path, model: Model, *, sha256: str | None = None) -> Cohort:
    """Load a cohort, which must match the hash if one is given, and these bytes of the embedder. Raises CohortError."""
    try:
        with path.open("rb") as file:
            content = file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise CohortError(f"cannot read the cohort {path}: {error.strerror}") from error
    if len(content) > FILE_BYTES_MAX:
        raise CohortError(f"the cohort {path} is larger than {FILE_BYTES_MAX} bytes")
    found = hashlib.sha256(content).hexdigest()
    if sha256 is not None and found != sha256:
        raise CohortError(f"{path} is not the pinned cohort")
    try:
        told = msgspec.msgpack.decode(content, type=CohortFile)
    except (msgspec.DecodeError, RecursionError) as error:
        raise CohortError(
            f"{path} is no cohort of gate face cohort: {error}; make it and its threshold anew"
        ) from error
    if told.model_sha256 != model.sha256:
        raise CohortError(f"the cohort {path} was made with another model than {model.name}")
    try:
        mean, covariance = (
            np.frombuffer(numbers, "<f4").astype(np.float32) for numbers in (told.mean, told.covariance)
        )
        covariance = covariance.reshape(mean.size, mean.size)
    except ValueError as error:
        raise CohortError(f"the cohort {path} has a covariance of another size than its mean") from error
    if mean.size != model.outputs[0].shape[-1] or not np.isfinite(mean).all() or not np.isfinite(covariance).all():
        raise CohortError(f"the cohort {path} does not fit the numbers of {model.name}")
    if not _are_of_templates(mean, covariance):
        raise CohortError(f"the cohort {path} holds no mean and covariance of templates: make it anew")
    return Cohort(found, told.people, mean, covariance, frozenset(told.pictures))


def _are_of_templates(mean: npt.NDArray[np.float32], covariance: npt.NDArray[np.float32]) -> bool:
    """True if vectors of unit length can have these values. With others, strangers could get the highest scores."""
    exact = covariance.astype(np.float64)
    is_near = np.linalg.norm(mean.astype(np.float64)) <= 1 + _ROUNDED and np.abs(exact).max() <= 1 + _ROUNDED
    return bool(is_near and np.abs(exact - exact.T).max() <= _ROUNDED and np.linalg.eigvalsh(exact).min() >= -_ROUNDED)

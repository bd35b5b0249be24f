"""A site's own cohort: what the templates of its own people have in common, taken out of every template before two are compared.

An embedder's numbers differ more in some directions than in others, for whoever stands before one make of camera: the mean of a site's people is taken off, and
the matrix makes what is left differ alike in every direction. `gate face cohort` makes the file from consenting people of the site, one that ships does not exist.
It belongs to the bytes of one embedder, and scores with it are on another scale: a threshold's report must have been made with exactly this file (models.site).

The file is MessagePack. It holds no template and no name, yet it was made of people, and `pictures` tells whoever has a picture whether that was among them:
it is kept as the pictures are.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import msgspec
import numpy as np

from models.errors import CohortError
from models.manifest import Name, Sha256

if TYPE_CHECKING:
    import numpy.typing as npt

    from models.manifest import Model

PEOPLE_MIN: Final = 300  # with a hundred the gain is not there
FILE_BYTES_MAX: Final = 8 * 1024 * 1024
PICTURES_MAX: Final = 10_000
MARK_BYTES: Final = 8
_NUMBERS_MAX: Final = 1024  # of a template
_Numbers = Annotated[bytes, msgspec.Meta(max_length=4 * _NUMBERS_MAX * _NUMBERS_MAX)]


class CohortFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole of the file: `mean` (n,) and `matrix` (n, n) as little-endian float32, `pictures` the marks of those it was made of."""

    schema: Literal["portcullis.cohort/1"] = "portcullis.cohort/1"
    model: Name
    model_sha256: Sha256
    people: Annotated[int, msgspec.Meta(ge=PEOPLE_MIN, le=PICTURES_MAX)]
    mean: _Numbers
    matrix: _Numbers
    pictures: Annotated[tuple[bytes, ...], msgspec.Meta(max_length=PICTURES_MAX)]


@dataclass(frozen=True, slots=True, eq=False)
class Cohort:
    """A cohort that belongs to the embedder at hand. `sha256` is that of its file."""

    sha256: str
    people: int
    mean: npt.NDArray[np.float32] = field(repr=False)
    matrix: npt.NDArray[np.float32] = field(repr=False)
    pictures: frozenset[bytes] = field(repr=False)

    def seen_by(self, vector: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """A template's numbers without what the cohort has in common, (n,); their length is no longer one."""
        seen: npt.NDArray[np.float32] = self.matrix @ (vector - self.mean)
        return seen


def mark(picture: bytes) -> bytes:
    """What tells a picture's file from others, in the cohort's file."""
    return hashlib.sha256(picture).digest()[:MARK_BYTES]


def read(path: Path, model: Model, *, sha256: str | None = None) -> Cohort:
    """The cohort of a file, which must be the pinned one if a hash is given, and of these bytes of the embedder. Raises CohortError."""
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
        raise CohortError(f"{path} is no cohort of gate face cohort: {error}") from error
    if told.model_sha256 != model.sha256:
        raise CohortError(f"the cohort {path} was made with another model than {model.name}")
    try:
        mean, matrix = (np.frombuffer(numbers, "<f4").astype(np.float32) for numbers in (told.mean, told.matrix))
        matrix = matrix.reshape(mean.size, mean.size)
    except ValueError as error:
        raise CohortError(f"the cohort {path} has a matrix of another size than its mean") from error
    if mean.size != model.outputs[0].shape[-1] or not np.isfinite(mean).all() or not np.isfinite(matrix).all():
        raise CohortError(f"the cohort {path} does not fit the numbers of {model.name}")
    return Cohort(found, told.people, mean, matrix, frozenset(told.pictures))

"""Makes a site's cohort for score normalisation from pictures of its people (`models.cohort`).

Nothing is tuned: the cohort holds the mean and covariance of the people's templates. Each person has the same weight.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt

from gate.face.chain import FaceModels, template_of
from gate.face.values import FaceError
from gate.picture import BadPictureError, decode, read
from gate_lab.face_evaluation import pictures_of
from gate_lab.folders import Tracked, UnfitError
from models.cohort import PEOPLE_MIN, CohortFile, mark

Floats = npt.NDArray[np.float64]


def cohort_of(folder: Path, chain: FaceModels, *, tracked: Tracked, tell: Callable[[str], None]) -> CohortFile:
    """Embed the main face of every picture below `folder` as a frame of the lane; each subfolder is one person. Raises
    UnfitError for too few people, and for a picture that is in two people's folders.
    """
    people: list[str] = []
    vectors: list[npt.NDArray[np.float32]] = []
    shown: dict[bytes, str] = {}  # person of each picture, by the picture's digest
    pictures = pictures_of(folder, tell)
    require_people(len({identity for identity, _ in pictures}))
    for identity, path in tracked(pictures, "embedding"):
        try:
            content = read(path)
            if shown.setdefault(mark(content), identity) != identity:
                raise UnfitError(
                    f"{path} is a picture of {shown[mark(content)]}, too: people are counted by their folders"
                )
            vectors.append(template_of(chain, decode(content), alone=False).vector)
        except (BadPictureError, FaceError, OSError) as error:
            tell(f"{path}: {error.strerror if isinstance(error, OSError) else error}")
        else:
            people.append(identity)
    found = len(set(people))
    require_people(found)
    mean, covariance = statistics_of(np.array(vectors, np.float64), people)
    return CohortFile(
        model=chain.embed.model.name,
        model_sha256=chain.embed.model.sha256,
        people=found,
        mean=mean.astype("<f4").tobytes(),
        covariance=covariance.astype("<f4").tobytes(),
        pictures=tuple(sorted(shown)),
    )


def spelt(cohort: CohortFile) -> bytes:
    """Return the cohort as the bytes of its file."""
    return msgspec.msgpack.encode(cohort)


def require_people(count: int) -> None:
    """Raise UnfitError when a cohort of `count` people would not improve comparison."""
    if count < PEOPLE_MIN:
        raise UnfitError(f"a cohort takes {PEOPLE_MIN} people, each with a picture that shows a face; here are {count}")


def statistics_of(vectors: Floats, people: Sequence[str]) -> tuple[Floats, Floats]:
    """Return the mean (d,) and the covariance of templates (n, d). Each of the `people` has the same weight."""
    numbers, counts = np.unique(np.asarray(people), return_inverse=True, return_counts=True)[1:]
    weight = 1.0 / counts[numbers] / len(counts)
    mean: Floats = weight @ vectors
    centred = (vectors - mean) * np.sqrt(weight)[:, None]
    return mean, centred.T @ centred

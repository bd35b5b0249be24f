"""`python -m bench.face_variants DIR [--large] [--every N]`: what averaging, a second look for landmarks and a cohort do to error rates.

DIR is a set of pictures as `gate face evaluate` takes it. With `--large` each is first made three times as large, with the noise of a small sensor (its variance
25 + 2 x grey level) and JPEG of quality 85, as a close face on a large frame: these are made, no camera took them. People are split in two by the second lowest bit of
the first byte of the SHA-256 of their folder's name; a cohort is always made of the other half. Figures go to docs/biometrics.md.
"""

from __future__ import annotations

import argparse
import hashlib
import math
import sys
import zlib
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from gate.cli.models import default_folder
from gate.cli.output import say
from gate.face.align import ARCFACE, align, five_points, landmarks, similarity
from gate.face.chain import FaceModels, open_models
from gate.face.detect import Landmarked, central
from gate.face.embed import embed
from gate.face.values import Box, Points
from gate.performance.cohort import statistics_of
from gate.performance.error_rates import threshold_at
from gate.picture import Picture, decode, read
from models.cohort import Cohort

Floats = npt.NDArray[np.float32]
FMR = (1e-3, 1e-4)
# Where fr_detect puts a box about 68 points, in parts of their width and height: medians of 500 of the pictures, rounded.
SECOND = (0.0, -0.36, 0.01, -0.02)
VARIANTS = ("as shipped", "bilinear", "second look", "both looks averaged")


def large(picture: Picture, seed: int) -> Picture:
    """The picture as a large noisy frame."""
    big = cv2.resize(picture, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC).astype(np.float32)
    noise = np.random.default_rng(seed).standard_normal(big.shape, dtype=np.float32)
    noisy = np.clip(big + noise * np.sqrt(25 + 2 * np.maximum(big, 0)), 0, 255).astype(np.uint8)
    return decode(cv2.imencode(".jpg", noisy, [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes())


def bilinear(models: Landmarked, picture: Picture, box: Box) -> Picture:
    """The aligned face without any averaging."""
    left, top = max(0, round(box.left)), max(0, round(box.top))
    cut = picture[top : round(box.bottom), left : round(box.right)]
    small = cv2.resize(cv2.cvtColor(cut, cv2.COLOR_BGR2GRAY), (64, 64)).astype(np.float32)[None, None] / np.float32(256)
    points: Points = models.landmark.run(small)[0].reshape(68, 2).astype(np.float64) * cut.shape[1::-1] + (left, top)
    return cv2.warpAffine(picture, similarity(five_points(points), ARCFACE), (112, 112)).astype(np.uint8, copy=False)


def second_box(points: Points) -> Box:
    """Where the detector would have put its box about these points."""
    low, high = points.min(axis=0), points.max(axis=0)
    width, height = high - low
    return Box(
        low[0] + SECOND[0] * width,
        low[1] + SECOND[1] * height,
        high[0] + SECOND[2] * width,
        high[1] + SECOND[3] * height,
    )


def templates(models: FaceModels, picture: Picture) -> list[tuple[Floats, Floats]] | None:
    """By each variant the template as a frame, and as a portrait; None without a face."""
    finder = models.finder
    assert isinstance(finder, Landmarked), "the profile standard"
    face = central(finder.find(picture), width=picture.shape[1], height=picture.shape[0])
    if face is None:
        return None
    dense = landmarks(finder.landmark, picture, face.box)
    again = landmarks(finder.landmark, picture, second_box(dense))
    crops = (
        align(picture, five_points(dense)),
        bilinear(finder, picture, face.box),
        align(picture, five_points(again)),
    )
    found = [_both_ways(models, crop) for crop in crops]
    found.append((_unit(found[0][0] + found[2][0]), _unit(found[0][1] + found[2][1])))
    return found


def _both_ways(models: FaceModels, crop: Picture) -> tuple[Floats, Floats]:
    frame = embed(models.embed, crop).vector
    return frame, _unit(frame + embed(models.embed, np.ascontiguousarray(crop[:, ::-1])).vector)


def _unit(vectors: Floats) -> Floats:
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return (vectors / np.maximum(lengths, 1e-9)).astype(np.float32)


def half_of(name: str) -> int:
    """0 or 1."""
    return hashlib.sha256(name.encode()).digest()[0] >> 1 & 1


def cells(portraits: Floats, frames: Floats, names: npt.NDArray[np.str_], cohort: Cohort | None = None) -> str:
    """FNMR at each FMR, and how many genuine pairs that is."""
    scores = portraits @ frames.T
    if cohort is not None:
        scores = cohort.seen(scores, cohort.standing(portraits), cohort.standing(frames))
    later = np.triu(np.ones(scores.shape, bool), 1)
    same = names[:, None] == names[None]
    genuine, impostor = scores[later & same], np.sort(scores[later & ~same])[::-1]
    said = []
    for fmr in FMR:
        threshold = threshold_at(impostor, fmr)
        missed = math.nan if threshold is None else int((genuine < threshold).sum())
        said.append(f"{100 * missed / genuine.size:5.2f} % ({missed}) at {threshold:.3f}")
    return " / ".join(said)


def main() -> int:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--every", type=int, default=1, help="only every so-manieth folder")
    arguments = parser.parse_args()
    models = open_models(default_folder())
    found, owners = [], []
    for folder in sorted(path for path in arguments.folder.iterdir() if path.is_dir())[:: arguments.every]:
        for path in sorted(folder.iterdir()):
            picture = decode(read(path))
            made = large(picture, zlib.crc32(path.name.encode())) if arguments.large else picture
            if (one := templates(models, made)) is not None:
                found.append(one)
                owners.append(folder.name)
    names = np.array(owners)
    halves = np.array([half_of(name) for name in owners])
    stacked = np.array(found)  # pictures, variants, frame or portrait, numbers
    for number, variant in enumerate(VARIANTS):
        frames, portraits = stacked[:, number, 0], stacked[:, number, 1]
        say(f"{variant}: all {cells(portraits, frames, names)}")
        for half in (0, 1):
            mine, others = halves == half, halves != half
            told = statistics_of(frames[others].astype(np.float64), names[others].tolist())
            mean, covariance = (one.astype(np.float32) for one in told)
            cohort = Cohort("", len(set(names[others])), mean, covariance, frozenset())
            say(f"  half {half}: {cells(portraits[mine], frames[mine], names[mine])}")
            say(f"    with a cohort of the other: {cells(portraits[mine], frames[mine], names[mine], cohort)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""`python -m bench.face_variants DIR [--large] [--every N] [--halvings N]`: what averaging and a cohort do to error rates.

DIR is a set of pictures as `gate face evaluate` takes it. With `--large` each is first made three times as large, with the noise of a small sensor (its variance
25 + 2 x grey level) and JPEG of quality 85, as a close face on a large frame: these are made, no camera took them. People are split in two by the second lowest bit of
the first byte of the SHA-256 of their folder's name; a cohort is always made of the other half. With `--halvings` they are split at random as often as
that, and what is gained beside the shipped chain on the same half is given on the mean of all halves. Figures go to docs/biometrics.md.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import zlib
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from gate.cli.models import default_folder
from gate.face.align import ARCFACE, align, embed, embed_portrait, five_points, landmarks, similarity
from gate.face.chain import FaceModels, open_models
from gate.face.detect import Landmarked, central
from gate.face.values import Box, Points
from gate.picture import Picture, decode, read
from gate_core.command_line.output import say
from gate_lab.cohort import statistics_of
from gate_lab.error_rates import threshold_at
from models.cohort import Cohort

Floats = npt.NDArray[np.float32]
FMR = (1e-3, 1e-4)
VARIANTS = ("as shipped", "bilinear")


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


def templates(models: FaceModels, picture: Picture) -> list[tuple[Floats, Floats]] | None:
    """By each variant the template as a frame, and as a portrait; None without a face."""
    finder = models.finder
    assert isinstance(finder, Landmarked), "the profile standard"
    face = central(finder.find(picture), width=picture.shape[1], height=picture.shape[0])
    if face is None:
        return None
    dense = landmarks(finder.landmark, picture, face.box)
    crops = (align(picture, five_points(dense)), bilinear(finder, picture, face.box))
    return [_both_ways(models, crop) for crop in crops]


def _both_ways(models: FaceModels, crop: Picture) -> tuple[Floats, Floats]:
    return embed(models.embed, [crop]).vector, embed_portrait(models.embed, crop).vector


def half_of(name: str) -> int:
    """0 or 1."""
    return hashlib.sha256(name.encode()).digest()[0] >> 1 & 1


def cohort_of(frames: Floats, names: npt.NDArray[np.str_]) -> Cohort:
    """The cohort that these people make."""
    mean, covariance = (told.astype(np.float32) for told in statistics_of(frames.astype(np.float64), names.tolist()))
    return Cohort("", len(set(names)), mean, covariance, frozenset())


def misses(
    portraits: Floats, frames: Floats, names: npt.NDArray[np.str_], cohort: Cohort | None = None
) -> list[tuple[float, int, int]]:
    """At each FMR the threshold, the genuine pairs below it, and how many pairs there are."""
    scores = portraits @ frames.T
    if cohort is not None:
        scores = cohort.seen(scores, cohort.standing(portraits), cohort.standing(frames))
    later = np.triu(np.ones(scores.shape, bool), 1)
    same = names[:, None] == names[None]
    genuine, impostor = scores[later & same], np.sort(scores[later & ~same])[::-1]
    found = []
    for fmr in FMR:
        threshold = threshold_at(impostor, fmr)
        assert threshold is not None, "there are enough pairs of two people"
        found.append((threshold, int((genuine < threshold).sum()), genuine.size))
    return found


def cells(found: list[tuple[float, int, int]]) -> str:
    """The same for people."""
    return " / ".join(
        f"{100 * missed / pairs:5.2f} % ({missed}) at {threshold:.3f}" for threshold, missed, pairs in found
    )


def halvings(stacked: Floats, names: npt.NDArray[np.str_], times: int) -> None:
    """Split the people at random so often, and say what each variant gains on the mean, without a cohort and with one of the other half."""
    random, people = np.random.default_rng(1), np.unique(names)
    gained: dict[str, list[list[float]]] = {}
    for _ in range(times):
        mine = np.isin(names, random.permutation(people)[: len(people) // 2])
        for half in (mine, ~mine):
            shipped: list[float] = []
            for number, variant in enumerate(VARIANTS):
                frames, portraits = stacked[:, number, 0], stacked[:, number, 1]
                for cohort, said in ((None, ""), (cohort_of(frames[~half], names[~half]), ", a cohort")):
                    found = misses(portraits[half], frames[half], names[half], cohort)
                    rates = [100 * missed / pairs for _, missed, pairs in found]
                    shipped = shipped or rates
                    gained.setdefault(variant + said, []).append(
                        [before - after for before, after in zip(shipped, rates, strict=True)]
                    )
    for variant, gains in gained.items():
        mean, better, worse = (np.array(gains).mean(0), (np.array(gains) > 0).mean(0), (np.array(gains) < 0).mean(0))
        told = " / ".join(
            f"{mean[at]:+.3f} points, better on {better[at]:.0%}, worse on {worse[at]:.0%}" for at in range(len(FMR))
        )
        say(f"{variant}: {told} of {len(gains)} halves")


def main() -> int:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--every", type=int, default=1, help="only every so-manieth folder")
    parser.add_argument("--halvings", type=int, default=0, help="split the people at random so often")
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
        say(f"{variant}: all {cells(misses(portraits, frames, names))}")
        for half in (0, 1):
            mine, others = halves == half, halves != half
            cohort = cohort_of(frames[others], names[others])
            say(f"  half {half}: {cells(misses(portraits[mine], frames[mine], names[mine]))}")
            say(f"    with a cohort of the other: {cells(misses(portraits[mine], frames[mine], names[mine], cohort))}")
    halvings(stacked, names, arguments.halvings)
    return 0


if __name__ == "__main__":
    sys.exit(main())

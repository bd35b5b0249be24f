"""`python -m bench.face_sequences DIR`: what a template from several frames gains over a single one, on worsened frames.

Each person with two pictures gives a portrait and a short sequence: the other picture, worsened anew for each frame, as a capture
would be by blur, movement, noise, bad light, distance and a hand before the face. All ways of making one score from the
frames see the same templates. Impostors are every sequence against the portraits of everyone else. DIR is a set of pictures as
`gate face evaluate` takes it. Figures go to docs/biometrics.md; they compare ways, they are no error rates of a gate.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from gate.cli.models import default_folder
from gate.face.align import align, embed, embed_portrait, standard_position
from gate.face.chain import FaceModels, open_models
from gate.face.detect import central
from gate.face.values import FaceError
from gate.picture import decode, read
from gate_core.command_line.output import say
from gate_lab.error_rates import FMR_POINTS, threshold_at

FRAMES = 5
SEED = 20_260_301
Floats = npt.NDArray[np.floating]


@dataclass(frozen=True, slots=True, eq=False)
class Sequence:
    """The frames of one person: (n, d) templates, and the sharpness of each."""

    identity: int
    templates: npt.NDArray[np.float32]
    sharpness: Floats


def worsened(picture: npt.NDArray[np.uint8], random: np.random.Generator) -> npt.NDArray[np.uint8]:
    """The picture with one to three faults, drawn at random."""
    out = picture.copy()
    for fault in random.choice(len(FAULTS), size=int(random.integers(1, 4)), replace=False):
        out = FAULTS[fault](out, random)
    return out


def _blurred(picture: npt.NDArray[np.uint8], random: np.random.Generator) -> npt.NDArray[np.uint8]:
    return cv2.GaussianBlur(picture, (0, 0), float(random.uniform(0.5, 3.5))).astype(np.uint8)


def _moved(picture: npt.NDArray[np.uint8], random: np.random.Generator) -> npt.NDArray[np.uint8]:
    length = int(random.integers(3, 16))
    kernel = np.zeros((length, length), np.float32)
    kernel[length // 2] = 1 / length
    turn = cv2.getRotationMatrix2D((length / 2 - 0.5, length / 2 - 0.5), float(random.uniform(0, 180)), 1)
    turned = cv2.warpAffine(kernel, turn, (length, length))
    return cv2.filter2D(picture, -1, turned / turned.sum()).astype(np.uint8)


def _noisy(picture: npt.NDArray[np.uint8], random: np.random.Generator) -> npt.NDArray[np.uint8]:
    noise = random.normal(0, random.uniform(5, 30), picture.shape)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


def _dark_or_bright(picture: npt.NDArray[np.uint8], random: np.random.Generator) -> npt.NDArray[np.uint8]:
    gamma = float(np.exp(random.uniform(-1.2, 1.2)))
    return ((picture / 255.0) ** gamma * 255).astype(np.uint8)


def _far(picture: npt.NDArray[np.uint8], random: np.random.Generator) -> npt.NDArray[np.uint8]:
    scale = float(random.uniform(0.15, 0.7))
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return cv2.resize(small, picture.shape[1::-1], interpolation=cv2.INTER_LINEAR).astype(np.uint8)


def _covered(picture: npt.NDArray[np.uint8], random: np.random.Generator) -> npt.NDArray[np.uint8]:
    height, width = picture.shape[:2]
    side = int(random.uniform(0.1, 0.3) * width)
    x, y = (int(random.uniform(0.3, 0.7) * side_px - side / 2) for side_px in (width, height))
    picture[max(0, y) : y + side, max(0, x) : x + side] = random.integers(0, 255, 3)
    return picture


FAULTS = (_blurred, _moved, _noisy, _dark_or_bright, _far, _covered)


def seen(models: FaceModels, picture: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.float32], float] | None:
    """Template and sharpness of the main face, None without one."""
    face = central(models.finder.find(picture), width=picture.shape[1], height=picture.shape[0])
    if face is None:
        return None
    try:
        five = models.finder.points(picture, face).five
        template = embed(models.embed, [standard_position(models.embed, picture, five)])
    except FaceError:
        return None
    grey = cv2.cvtColor(align(picture, five), cv2.COLOR_BGR2GRAY)
    return template.vector, float(cv2.Laplacian(grey, cv2.CV_64F).var())


def gather(models: FaceModels, folder: Path) -> tuple[npt.NDArray[np.float32], list[Sequence]]:
    """Portraits of all identities, (n, d), and the sequences of those with a second picture."""
    portraits, sequences = [], []
    random = np.random.default_rng(SEED)
    for identity in sorted(path for path in folder.iterdir() if path.is_dir()):
        pictures = [decode(read(path)) for path in sorted(identity.iterdir())]
        face = central(models.finder.find(pictures[0]), width=pictures[0].shape[1], height=pictures[0].shape[0])
        if face is None:
            continue
        position = standard_position(models.embed, pictures[0], models.finder.points(pictures[0], face).five)
        portraits.append(embed_portrait(models.embed, position).vector)
        if len(pictures) > 1:
            frames = [seen(models, worsened(pictures[1], random)) for _ in range(FRAMES)]
            found = [frame for frame in frames if frame is not None]
            if len(found) >= 3:
                templates, sharpness = zip(*found, strict=True)
                sequences.append(Sequence(len(portraits) - 1, np.array(templates), np.array(sharpness)))
    return np.array(portraits), sequences


def _median(sequence: Sequence, portraits: npt.NDArray[np.float32]) -> Floats:
    return np.median(sequence.templates @ portraits.T, axis=0)


def _first(sequence: Sequence, portraits: npt.NDArray[np.float32]) -> Floats:
    return sequence.templates[0] @ portraits.T


def _mean_cosine(sequence: Sequence, portraits: npt.NDArray[np.float32]) -> Floats:
    return (sequence.templates @ portraits.T).mean(axis=0)


def _best(sequence: Sequence, portraits: npt.NDArray[np.float32]) -> Floats:
    return (sequence.templates @ portraits.T).max(axis=0)


def _fused(weights: Floats, sequence: Sequence, portraits: npt.NDArray[np.float32]) -> Floats:
    mean = weights @ sequence.templates
    return (mean / np.linalg.norm(mean)) @ portraits.T


def _mean_vector(sequence: Sequence, portraits: npt.NDArray[np.float32]) -> Floats:
    return _fused(np.ones(len(sequence.templates)), sequence, portraits)


def _by_sharpness(sequence: Sequence, portraits: npt.NDArray[np.float32]) -> Floats:
    return _fused(np.sqrt(sequence.sharpness), sequence, portraits)


def _by_agreement(sequence: Sequence, portraits: npt.NDArray[np.float32]) -> Floats:
    """Each frame weighs as much as it agrees with the others."""
    alike = sequence.templates @ sequence.templates.T
    return _fused(np.clip((alike.sum(axis=1) - 1) / (len(alike) - 1), 0.0, 1.0) + 1e-3, sequence, portraits)


WAYS = {
    "first frame": _first,
    "best cosine": _best,
    "mean of cosines": _mean_cosine,
    "median of cosines": _median,
    "mean vector": _mean_vector,
    "mean by sharpness": _by_sharpness,
    "mean by agreement": _by_agreement,
}


def main() -> int:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    portraits, sequences = gather(open_models(default_folder()), arguments.folder)
    say(f"{len(sequences)} sequences, {len(portraits)} portraits")
    for name, way in WAYS.items():
        scores = np.array([way(sequence, portraits) for sequence in sequences])
        own = np.zeros(scores.shape, bool)
        own[np.arange(len(sequences)), [sequence.identity for sequence in sequences]] = True
        impostor = np.sort(scores[~own])[::-1].astype(np.float32)
        cells = []
        for fmr in FMR_POINTS:
            threshold = threshold_at(impostor, fmr)
            assert threshold is not None
            cells.append(f"{fmr:.0e}: FNMR {100 * float((scores[own] < threshold).mean()):5.2f} % at {threshold:.3f}")
        fixed = float((scores[~own] >= 0.411).mean())
        say(f"{name:18} " + "  ".join(cells) + f"  FMR at 0.411 {fixed:.1e}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

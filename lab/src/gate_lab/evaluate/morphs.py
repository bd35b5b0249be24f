"""Makes portraits of two people each, and counts those that match both. For measurements only; no package contains one.

    python -m gate_lab.evaluate.morphs DIR [--morphs N]

DIR is a set of pictures as `gate face evaluate` takes it. A person's first picture is used for portraits, the others as
live frames. Each person with two pictures is paired with the most similar person by the standard embedder, as two people who share a passport would
choose each other. A morph is the average of both shapes (68 points and the border, Delaunay's triangles) and of both textures, as freely available
programs make it, without retouching by hand. A careful forger makes better ones. The output is one line of JSON with figures.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from gate.face.align import embed, embed_portrait
from gate.face.chain import FaceModels, aligned_face, open_models
from gate.face.compare import alike, fused
from gate.face.detect import central
from gate.face.likeness import cut_out
from gate.face.values import FaceError, NoFaceError, Points, Template
from gate.picture import BadPictureError, Picture, decode, read
from gate_core.settings.environment import cache_folder
from gate_lab.morphing import Morphs, Potential, attack_potential, potential, spoken

PROFILES: Final = ("standard", "clean")
FRAMES_MAX: Final = 2
_SHRINK: Final = 2  # of the officers' crop: the pictures of the sets at hand are no larger


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """A person who can be morphed: the portrait in a standard crop with its points, and a template by each profile of it and of each frame."""

    portrait: Picture
    points: Points
    own: tuple[Template, ...]
    frames: tuple[tuple[Template, ...], ...]


def morph(one: Picture, other: Picture, points: Points, other_points: Points) -> Picture:
    """Return the picture halfway between two of the same size, by triangles of the points halfway between."""
    height, width = one.shape[:2]
    border = np.array([(x, y) for x in (0, width // 2, width - 1) for y in (0, height // 2, height - 1)], np.float64)
    border = np.delete(border, 4, axis=0)  # its middle is no border
    shapes = [np.vstack((np.clip(at, 1, (width - 2, height - 2)), border)) for at in (points, other_points)]
    middle = (shapes[0] + shapes[1]) / 2
    out = np.zeros((height, width, 3), np.float32)
    for triangle in _triangles(middle, width, height):
        mask = np.zeros((height, width), np.uint8)
        cv2.fillConvexPoly(mask, np.round(middle[triangle]).astype(np.int32), 1)
        left, top, across, down = cv2.boundingRect(mask)
        inside = mask[top : top + down, left : left + across, None].astype(bool)
        mixed = np.zeros((down, across, 3), np.float32)
        for picture, shape in zip((one, other), shapes, strict=True):
            matrix = cv2.getAffineTransform(
                shape[triangle].astype(np.float32), (middle[triangle] - (left, top)).astype(np.float32)
            )
            mixed += cv2.warpAffine(picture, matrix, (across, down), borderMode=cv2.BORDER_REPLICATE).astype(np.float32)
        place = out[top : top + down, left : left + across]
        place[:] = np.where(inside, mixed / 2, place)
    return np.round(out).astype(np.uint8)


def _triangles(points: Points, width: int, height: int) -> list[list[int]]:
    """Return Delaunay's triangles, as numbers of the points."""
    division = cv2.Subdiv2D((0, 0, width, height))
    numbers: dict[tuple[float, float], int] = {}
    for number, (x, y) in enumerate(points.astype(np.float32).tolist()):
        if (x, y) not in numbers:
            numbers[x, y] = number
            division.insert((x, y))
    found = []
    for corners in np.asarray(division.getTriangleList()).reshape(-1, 3, 2).tolist():
        known = [numbers.get((x, y)) for x, y in corners]
        if None not in known:
            found.append([number for number in known if number is not None])
    return found


def person(models: Sequence[FaceModels], pictures: Sequence[Picture]) -> Person:
    """Return the person of these pictures. Raises FaceError when a picture cannot be used."""
    finder = models[0].finder
    main = central(finder.find(pictures[0]), width=pictures[0].shape[1], height=pictures[0].shape[0])
    if main is None:
        raise NoFaceError("no face in the picture")
    cut = cut_out(pictures[0], finder.points(pictures[0], main).five)
    small = cv2.resize(cut, None, fx=1 / _SHRINK, fy=1 / _SHRINK, interpolation=cv2.INTER_AREA).astype(np.uint8)
    face = central(finder.find(small), width=small.shape[1], height=small.shape[0])
    dense = None if face is None else finder.points(small, face).dense
    if dense is None:
        raise NoFaceError("no face in the crop")
    return Person(
        small,
        dense,
        tuple(of_portrait(one, small) for one in models),
        tuple(
            tuple(
                embed(one.embed, [aligned_face(one, picture, alone=False)]) for picture in pictures[1 : 1 + FRAMES_MAX]
            )
            for one in models
        ),
    )


def of_portrait(models: FaceModels, picture: Picture) -> Template:
    """The template of a portrait."""
    return embed_portrait(models.embed, aligned_face(models, picture, alone=False))


def pairs_of(people: Sequence[Person], limit: int) -> list[tuple[int, int]]:
    """Pair each person with the most similar one by the first profile; each pair once, the most similar first. Empty for fewer than two people."""
    if len(people) < 2:
        return []
    vectors = np.array([one.own[0].vector for one in people])
    scores = vectors @ vectors.T
    np.fill_diagonal(scores, -1.0)
    found = {(min(one, int(other)), max(one, int(other))) for one, other in enumerate(scores.argmax(axis=1))}
    return sorted(found, key=lambda pair: -float(scores[pair]))[:limit]


def measure(models: Sequence[FaceModels], people: Sequence[Person], limit: int) -> tuple[list[Potential], list[Morphs]]:
    """Make the morphs and compare them with both people by each profile. A morph in which no face is found matches neither person."""
    pairs = pairs_of(people, limit)
    made = [morph(people[a].portrait, people[b].portrait, people[a].points, people[b].points) for a, b in pairs]
    systems = []
    for number, one in enumerate(models):
        attempts, together = np.full((len(pairs), 2, FRAMES_MAX), np.nan), np.full((len(pairs), 2), -1.0)
        for row, (picture, pair) in enumerate(zip(made, pairs, strict=True)):
            try:
                template = of_portrait(one, picture)
            except FaceError:
                continue
            for side, who in enumerate(pair):
                frames = people[who].frames[number]
                attempts[row, side, : len(frames)] = [alike(template, frame) for frame in frames]
                together[row, side] = alike(template, _together(frames))
        morphed = sorted(set(itertools.chain.from_iterable(pairs)))
        genuine = [alike(people[who].own[number], _together(people[who].frames[number])) for who in morphed]
        systems.append(
            Morphs(one.embed.model.name, one.match_threshold, attempts, together, np.array(pairs), np.array(genuine))
        )
    return [potential(found) for found in systems], systems


def _together(frames: Sequence[Template]) -> Template:
    return fused(frames, [1.0] * len(frames))


def main() -> int:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--morphs", type=int, default=300)
    parser.add_argument("--people", type=int, default=10_000, help="at most so many of the folders, by name")
    parser.add_argument("--models", type=Path, default=cache_folder() / "models")
    arguments = parser.parse_args()
    models = [open_models(arguments.models, profile=profile) for profile in PROFILES]
    people = []
    for folder in sorted(path for path in arguments.folder.iterdir() if path.is_dir())[: arguments.people]:
        files = sorted(path for path in folder.iterdir() if path.suffix.lower() in {".jpg", ".jpeg", ".png"})
        if len(files) < 2:
            continue
        try:
            people.append(person(models, [decode(read(path)) for path in files[: 1 + FRAMES_MAX]]))
        except (FaceError, BadPictureError, OSError) as error:
            print(f"{folder.name}: {error.strerror if isinstance(error, OSError) else error}", file=sys.stderr)
    if len(people) < 2:
        print(f"{len(people)} people with two pictures that show a face: a morph takes two", file=sys.stderr)
        return 1
    found, systems = measure(models, people, arguments.morphs)
    for one in found:
        print(spoken(one), file=sys.stderr)
    table: npt.NDArray[np.float64] = attack_potential(systems)
    print(
        json.dumps({"people": len(people), "systems": [asdict(one) for one in found], "map": table.round(4).tolist()})
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())

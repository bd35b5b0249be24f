"""Reads the pictures that sequences are composed of: one NumPy archive of compressed pictures a person.

INDEX/layers        an animation of the layers of pose INDEX, in the order of the lights
INDEX/cover         share of the person in each pixel, lossless
INDEX/forward       distance of each pixel before the eyes
INDEX/expressions   an animation, each expression under each light; only for expressive poses

Memory holds the SHEETS_KEPT sheets used last.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from hardware_sim.faces import identity
from hardware_sim.faces.studio import animation
from hardware_sim.sequences import poses
from hardware_sim.sequences.poses import Anatomy, Bytes, Pose, Sheet

SHEETS_KEPT = 16  # about 1.7 MB each, 3.4 MB with expressions
POINTS = ("face", "lower_face", "eyes", "beard", "hair", "skin")


class UnknownPersonError(LookupError):
    """No person of this name has pictures for movement."""


def names() -> tuple[str, ...]:
    """Return the names of the people with pictures for movement, in a fixed order."""
    return tuple(name for name in identity.names() if (identity.DATA / f"{name}.npz").exists())


@lru_cache(maxsize=16)
def anatomy(name: str) -> Anatomy:
    """Return a person's points. Raises UnknownPersonError."""
    arrays = _read(name)
    return Anatomy(**{part: arrays[part].astype(np.float32) for part in POINTS}, crown_dm=float(arrays["crown_dm"]))


@lru_cache(maxsize=SHEETS_KEPT)
def sheet(name: str, pose: Pose) -> Sheet:
    """Return one pose of a person. Raises UnknownPersonError."""
    arrays, index = _read(name), poses.POSES.index(pose)
    expressions = None
    if pose in poses.EXPRESSIVE:
        seen = np.stack(animation(arrays[f"{index}/expressions"].tobytes()))
        expressions = seen.reshape(len(poses.EXPRESSIONS), len(poses.LIGHTS), *seen.shape[1:])
    return Sheet(
        pose,
        np.stack(animation(arrays[f"{index}/layers"].tobytes())),
        _grey(arrays[f"{index}/cover"]),
        _grey(arrays[f"{index}/forward"]),
        expressions,
    )


@lru_cache(maxsize=16)
def _read(name: str) -> dict[str, Bytes]:
    """Return the arrays of a file, still compressed."""
    if name not in names():
        raise UnknownPersonError(f"nobody is called {name}; there are {', '.join(names())}")
    with np.load(identity.DATA / f"{name}.npz") as archive:
        return dict(archive)


def _grey(blob: Bytes) -> Bytes:
    picture = cv2.imdecode(blob, cv2.IMREAD_GRAYSCALE)
    assert picture is not None, "the archive holds a broken picture"
    return picture.astype(np.uint8)

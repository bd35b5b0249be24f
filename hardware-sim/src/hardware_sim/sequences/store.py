"""Where the pictures that sequences are composed of are kept: one file a person in the user's cache, rendered once.

A file is the SHA-256 of what follows and a NumPy archive of compressed pictures; one whose digest does not hold is
rendered again. The folder's name is a digest of the code that renders. The newest `VERSIONS_KEPT` folders stay. A file
is at most FILE_BYTES_MAX; the ten people take some 30 MB. In memory the sheets used last stay, SHEETS_KEPT of them.
"""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from hardware_sim.faces import album
from hardware_sim.faces.head import Head
from hardware_sim.faces.people import people
from hardware_sim.sequences import poses
from hardware_sim.sequences.poses import Anatomy, Bytes, Pose, Sheet

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hardware_sim.faces.people import Person

FILE_BYTES_MAX = 16 * 1024 * 1024
SHEETS_KEPT = 16  # about 1.7 MB each, 3.4 MB with expressions
QUALITY = 94
FORMAT = 1  # of a file; another makes every file a stranger

_POINTS = ("face", "lower_face", "eyes", "beard")


class BadSheetsError(ValueError):
    """A file that does not hold a person's sheets, or not all of them."""


class UnknownPersonError(LookupError):
    """Nobody of this name is rendered."""


def names() -> tuple[str, ...]:
    """Return the names of the people who can move, in an order that never changes."""
    return tuple(person.name for person in people())


def folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the folder of this version's sheets; it may not exist yet."""
    return album.cache(environment) / "sim-sheets" / _version()


@lru_cache(maxsize=1)
def _version() -> str:
    source = Path(poses.__file__).read_bytes()
    return hashlib.sha256(f"{album.version()} {FORMAT} {QUALITY}\0".encode() + source).hexdigest()[:16]


def anatomy(name: str) -> Anatomy:
    """Return a person's points. Raises UnknownPersonError."""
    return _anatomy(_path(name, folder()))


def sheet(name: str, pose: Pose) -> Sheet:
    """Return one pose of a person. Raises UnknownPersonError."""
    return _sheet(_path(name, folder()), pose)


@lru_cache(maxsize=64)
def _path(name: str, place: Path) -> Path:
    """Return the path of a person's file, rendered when it is missing or damaged."""
    person = next((person for person in people() if person.name == name), None)
    if person is None:
        raise UnknownPersonError(f"nobody is called {name}; there are {', '.join(names())}")
    path = place / f"{name}.sheets"
    if not _sound(path):
        # People are rendered side by side: each has a lock of their own.
        with album.alone(place / f".{name}"):
            if not _sound(path):
                album.put(path, rendered(person))
        album.forget_old_versions(place)
    return path


def _sound(path: Path) -> bool:
    try:
        _read(path)
    except BadSheetsError:
        return False
    return True


def rendered(person: Person) -> bytes:
    """Return the bytes of one person's file: some 20 s of a core."""
    head = Head(person)
    return packed(poses.anatomy(head, seed=person.seed), [poses.photographed(head, pose) for pose in poses.POSES])


def packed(body: Anatomy, sheets: list[Sheet]) -> bytes:
    """Return the bytes of a file; the sheets stand in the order of the poses."""
    arrays: dict[str, Any] = {part: getattr(body, part).astype(np.float16) for part in _POINTS}
    arrays["crown_dm"] = np.float32(body.crown_dm)
    for index, seen in enumerate(sheets):
        arrays |= {f"{index}/{part}": blob for part, blob in _packed(seen).items()}
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    content = buffer.getvalue()
    return hashlib.sha256(content).digest() + content


def _packed(seen: Sheet) -> dict[str, Bytes]:
    alike = np.dstack([seen.cover, seen.forward, np.zeros_like(seen.cover)])
    blobs = {"shape": _blob(alike, ".png", [cv2.IMWRITE_PNG_COMPRESSION, 6])}
    blobs |= {f"layer{index}": _jpeg(layer) for index, layer in enumerate(seen.layers)}
    if seen.expressions is not None:
        for index, layers in enumerate(seen.expressions):
            blobs[f"expression{index}"] = _jpeg(np.vstack(list(layers)))
    return blobs


def _jpeg(picture: Bytes) -> Bytes:
    return _blob(picture, ".jpg", [cv2.IMWRITE_JPEG_QUALITY, QUALITY])


def _blob(picture: Bytes, kind: str, options: list[int]) -> Bytes:
    ok, encoded = cv2.imencode(kind, picture, options)
    if not ok:
        raise RuntimeError("the picture cannot be encoded")
    return encoded.astype(np.uint8).ravel()


@lru_cache(maxsize=16)
def _read(path: Path) -> dict[str, Bytes]:
    """Return the arrays of a file, still compressed. Raises BadSheetsError."""
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise BadSheetsError(f"larger than {FILE_BYTES_MAX} bytes")
        content = path.read_bytes()
    except OSError as error:
        raise BadSheetsError(f"cannot be read: {error.strerror}") from error
    if hashlib.sha256(content[32:]).digest() != content[:32]:
        raise BadSheetsError("the digest does not hold")
    try:
        with np.load(io.BytesIO(content[32:])) as archive:
            return {name: archive[name] for name in archive.files}
    except (ValueError, zipfile.BadZipFile) as error:
        raise BadSheetsError("not an archive") from error


@lru_cache(maxsize=16)
def _anatomy(path: Path) -> Anatomy:
    arrays = _read(path)
    points = {part: arrays[part].astype(np.float32) for part in _POINTS}
    return Anatomy(**points, crown_dm=float(arrays["crown_dm"]))


@lru_cache(maxsize=SHEETS_KEPT)
def _sheet(path: Path, pose: Pose) -> Sheet:
    arrays, index = _read(path), poses.POSES.index(pose)
    shape = _picture(arrays[f"{index}/shape"])
    layers = np.stack([_picture(arrays[f"{index}/layer{light}"]) for light in range(len(poses.LIGHTS))])
    expressions = None
    if pose in poses.EXPRESSIVE:
        stacked = [_picture(arrays[f"{index}/expression{kind}"]) for kind in range(len(poses.EXPRESSIONS))]
        expressions = np.stack([picture.reshape(len(layers), -1, *picture.shape[1:]) for picture in stacked])
    return Sheet(pose, layers, shape[..., 0].copy(), shape[..., 1].copy(), expressions)


def _picture(blob: Bytes) -> Bytes:
    picture = cv2.imdecode(blob, cv2.IMREAD_COLOR)
    assert picture is not None, "the file's digest holds, and it was written from pictures"
    return picture.astype(np.uint8)

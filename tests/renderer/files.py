"""The files of the simulated people, as `faces.identity` and `sequences.store` read them, and what they were drawn by. Same in, same out."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np

from hardware_sim.faces import identity
from hardware_sim.sequences.store import POINTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hardware_sim.faces.hall import Picture
    from hardware_sim.sequences.poses import Anatomy, Bytes, Sheet

LOOP_QUALITY: Final = 85
SHEET_QUALITY: Final = 75
DEPTH_QUALITY: Final = 90
_SPEED: Final = 4  # of the encoder: slower ones make nothing smaller that is worth the wait
_FRAME_MS: Final = 67

HERE: Final = Path(__file__).parent
# What plays the people uses these, too.
SHARED: Final = ("faces/hall.py", "faces/studio.py", "faces/vectors.py", "sequences/poses.py")
PLAYER: Final = Path(identity.__file__).parents[1]
PACKAGES: Final = HERE.parents[1] / "requirements" / "faces.txt"  # the mesh


def loop(frames: Sequence[Picture]) -> bytes:
    """Return the file of a loop of live frames."""
    return _animation(frames, LOOP_QUALITY)


def packed(body: Anatomy, sheets: Sequence[Sheet]) -> bytes:
    """Return the file of one person's sheets, which stand in the order of the poses."""
    arrays: dict[str, Any] = {part: getattr(body, part).astype(np.float16) for part in POINTS}
    arrays["crown_dm"] = np.float32(body.crown_dm)
    for index, seen in enumerate(sheets):
        arrays[f"{index}/layers"] = _blob(_animation(seen.layers, SHEET_QUALITY))
        arrays[f"{index}/cover"] = _blob(_encoded(seen.cover, ".png", [cv2.IMWRITE_PNG_COMPRESSION, 9]))
        arrays[f"{index}/forward"] = _blob(_encoded(seen.forward, ".avif", _options(DEPTH_QUALITY)))
        if seen.expressions is not None:
            pictures = seen.expressions.reshape(-1, *seen.expressions.shape[2:])
            arrays[f"{index}/expressions"] = _blob(_animation(pictures, SHEET_QUALITY))
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def manifest(folder: Path, people: Sequence[str]) -> bytes:
    """Return the manifest of a folder that has everybody's files: their order, each file's SHA-256, and what drew them."""
    files = {
        path.name: _digest(path.read_bytes()) for path in sorted(folder.iterdir()) if path.name != identity.MANIFEST
    }
    told = {"people": list(people), "renderer": renderer(), "files": files}
    return json.dumps(told, indent=1).encode() + b"\n"


def renderer() -> str:
    """Return a digest of everything that the pictures depend on: this code, what it shares, and the locked mesh."""
    sources = [path for path in sorted(HERE.iterdir()) if path.is_file()]
    sources += [*(PLAYER / name for name in SHARED), PACKAGES]
    return _digest(b"".join(path.name.encode() + b"\0" + path.read_bytes() + b"\0" for path in sources))


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _blob(content: bytes) -> Bytes:
    return np.frombuffer(content, np.uint8)


def _options(quality: int) -> list[int]:
    return [cv2.IMWRITE_AVIF_QUALITY, quality, cv2.IMWRITE_AVIF_SPEED, _SPEED]


def _encoded(picture: Bytes, kind: str, options: list[int]) -> bytes:
    done, content = cv2.imencode(kind, picture, options)
    if not done:
        raise RuntimeError("the picture cannot be encoded")
    return content.tobytes()


def _animation(pictures: Sequence[Picture] | Bytes, quality: int) -> bytes:
    film = cv2.Animation()
    film.frames = list(pictures)
    film.durations = [_FRAME_MS] * len(film.frames)
    done, content = cv2.imencodeanimation(".avif", film, _options(quality))
    if not done:
        raise RuntimeError("the pictures cannot be encoded")
    return _timeless(content.tobytes())


def _timeless(film: bytes) -> bytes:
    """Return an animation without the times when it was made and changed, so that the same pictures are the same bytes."""
    out = bytearray(film)
    for box in (b"mvhd", b"tkhd", b"mdhd"):  # ISO/IEC 14496-12, 8.2.2: version and flags, then the two times
        at = film.index(box) + len(box)
        assert film[at] == 1, "times of 64 bits"
        out[at + 4 : at + 20] = bytes(16)
    return bytes(out)

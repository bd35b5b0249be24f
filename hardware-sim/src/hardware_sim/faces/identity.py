"""The people that the world assigns to its travellers, in a fixed order.

`data` holds for each person a portrait, `NAME.jpg`, and the loop of live frames, `NAME.avif`; `manifest.json` holds
the order. `scripts/faces` generates these files.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from hardware_sim.faces.studio import animation

if TYPE_CHECKING:
    from hardware_sim.faces.hall import Picture

DATA = Path(__file__).with_name("data")
MANIFEST = "manifest.json"
LOOPS_KEPT = 4  # decoded loops in memory, 22 MB each


@dataclass(frozen=True)
class Identity:
    """One person of the simulated world, and the folder of the pictures. In one folder, equal names are one person."""

    name: str
    _folder: Path = DATA

    def portrait_jpeg(self) -> bytes:
        """Return the passport portrait, a JPEG of 413 x 531 pixels, small enough for DG2."""
        return (self._folder / f"{self.name}.jpg").read_bytes()

    def portrait(self) -> Picture:
        """Return the passport portrait, (531, 413, 3) BGR."""
        picture = cv2.imdecode(np.frombuffer(self.portrait_jpeg(), np.uint8), cv2.IMREAD_COLOR)
        assert picture is not None, "the portrait is not a JPEG"
        return picture.astype(np.uint8)

    @property
    def loop_length(self) -> int:
        """Return the number of frames in the loop."""
        return len(self.frames())

    def frame(self, index: int) -> Picture:
        """Return live frame `index` of the loop, (480, 640, 3) BGR, read-only."""
        return self.frames()[index]

    def frames(self) -> tuple[Picture, ...]:
        """Return all live frames of the loop, each (480, 640, 3) BGR, read-only."""
        return _loop(self._folder / f"{self.name}.avif")


def names() -> tuple[str, ...]:
    """Return the names of all identities, in their fixed order."""
    return tuple(json.loads((DATA / MANIFEST).read_bytes())["people"])


def identities() -> tuple[Identity, ...]:
    """Return all identities, in their fixed order."""
    return tuple(Identity(name) for name in names())


@lru_cache(maxsize=LOOPS_KEPT)
def _loop(path: Path) -> tuple[Picture, ...]:
    return animation(path.read_bytes())

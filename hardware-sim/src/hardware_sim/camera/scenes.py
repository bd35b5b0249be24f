"""What stands before the camera: a scene is a loop of pictures that the camera plays for ever.

Scenes are small frozen values, so a camera can keep what it encoded for them. The people in them come from
`hardware_sim.faces`; this module only arranges.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

import numpy as np

from hardware_sim.camera import print as printing
from hardware_sim.faces import studio
from hardware_sim.faces.hall import Picture, hall

if TYPE_CHECKING:
    from hardware_sim.faces import Identity

_EMPTY_LOOP_LENGTH = 8
_SEAM_PX = 24


class Scene(Protocol):
    """A loop of pictures, (480, 640, 3) BGR each. Hashable: equal scenes have equal pictures."""

    def __hash__(self) -> int:
        """Equal scenes hash alike."""

    @property
    def loop_length(self) -> int:
        """How many pictures until the first comes again."""

    def picture(self, index: int) -> Picture:
        """Return the picture at `index` of the loop."""


@dataclass(frozen=True, slots=True)
class Empty:
    """The hall with nobody in front of the camera."""

    @property
    def loop_length(self) -> int:
        """Enough that the noise does not stand still."""
        return _EMPTY_LOOP_LENGTH

    def picture(self, index: int) -> Picture:
        """Return the hall with fresh sensor noise."""
        return studio.with_noise(hall(), seed=index)


@dataclass(frozen=True, slots=True)
class Person:
    """One traveller at the kiosk, swaying a little."""

    identity: Identity

    @property
    def loop_length(self) -> int:
        """The identity's own loop."""
        return self.identity.loop_length

    def picture(self, index: int) -> Picture:
        """Return the identity's live frame."""
        return self.identity.frame(index)


@dataclass(frozen=True, slots=True)
class Persons:
    """Two people shoulder to shoulder, `left` and `right` in the picture, out of step with each other."""

    left: Identity
    right: Identity

    @property
    def loop_length(self) -> int:
        """The shorter of the two loops."""
        return min(self.left.loop_length, self.right.loop_length)

    def picture(self, index: int) -> Picture:
        """Join the middle of both live frames along a soft seam."""
        left = self.left.frame(index)
        right = self.right.frame((index + self.loop_length // 2) % self.loop_length)
        width = left.shape[1]
        quarter = width // 4
        share = np.clip((np.arange(width) - width / 2) / _SEAM_PX + 0.5, 0, 1)[None, :, None]
        joined = np.roll(left, -quarter, axis=1) * (1 - share) + np.roll(right, quarter, axis=1) * share
        picture: Picture = joined.astype(np.uint8)
        return picture


@dataclass(frozen=True, slots=True)
class PrintedPicture:
    """A print of the identity's passport portrait in somebody's hand."""

    identity: Identity

    @property
    def loop_length(self) -> int:
        """As long as that of a person."""
        return studio.FRAMES

    def picture(self, index: int) -> Picture:
        """Return the print before the hall, moving as a hand does."""
        turn = 2 * np.pi * index / self.loop_length
        width, height = studio.FRAME_SIZE
        scene = printing.held(
            _sheet(self.identity),
            hall(width, height),
            centre_px=(width / 2 + 6 * np.sin(turn), height / 2 + 4 * np.sin(2 * turn + 0.4)),
            scale=0.8 + 0.015 * float(np.sin(turn + 1)),
            tilt=0.03 + 0.025 * float(np.sin(turn + 2)),
        )
        return studio.with_noise(scene, seed=index)


@lru_cache(maxsize=4)
def _sheet(identity: Identity) -> Picture:
    return printing.printed(identity.portrait())

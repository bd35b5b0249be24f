"""What stands before the camera: a loop of pictures that the camera plays for ever, or a live scene, drawn as time goes.

Scenes are small frozen values, so a camera can keep what it encoded for them. The people in them come from
`hardware_sim.faces` and `hardware_sim.sequences`; this module only arranges.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

from hardware_sim.camera import print as printing
from hardware_sim.camera.display import shone_at, shone_at_person
from hardware_sim.faces import studio
from hardware_sim.faces.hall import Picture, hall

if TYPE_CHECKING:
    from hardware_sim.camera.settings import Rgb
    from hardware_sim.faces import Identity
    from hardware_sim.sequences import Sequence

_EMPTY_LOOP_LENGTH = 8
_SEAM_PX = 24
_COVERED_LEVEL = 5


class Scene(Protocol):
    """A loop of pictures, (480, 640, 3) BGR each. Hashable: equal scenes have equal pictures."""

    def __hash__(self) -> int:
        """Equal scenes hash alike."""

    @property
    def loop_length(self) -> int:
        """How many pictures until the first comes again."""

    def picture(self, index: int) -> Picture:
        """Return the picture at `index` of the loop."""


@runtime_checkable
class Shone(Protocol):
    """A loop that shows the light of the traveller's display. Its answer is an approximation: see `display`."""

    def picture_under(self, index: int, display: Rgb) -> Picture:
        """Return the picture at `index` of the loop while the display shines."""


@runtime_checkable
class Live(Protocol):
    """A scene that never comes again: drawn at each time, under the camera's own settings."""

    def picture_at(self, at_s: float, *, display: Rgb, exposure: float, gain: float) -> Picture:
        """Return the picture so long after the scene began."""


@dataclass(frozen=True, slots=True)
class Playing:
    """A sequence, once; at its end people stay as they are."""

    sequence: Sequence

    def picture_at(self, at_s: float, *, display: Rgb, exposure: float, gain: float) -> Picture:
        """Return the sequence's frame."""
        return self.sequence.frame(at_s, display=display, exposure=exposure, gain=gain)


@dataclass(frozen=True, slots=True)
class Injected:
    """Recorded video fed in behind the lens: a scene's loop, whatever the camera is told or the display shines."""

    scene: Scene

    @property
    def loop_length(self) -> int:
        """That of the recorded scene."""
        return self.scene.loop_length

    def picture(self, index: int) -> Picture:
        """Return the recorded picture."""
        return self.scene.picture(index)


@dataclass(frozen=True, slots=True)
class Covered:
    """A hand or tape on the lens: black, with the sensor's noise."""

    def picture_at(self, at_s: float, *, display: Rgb, exposure: float, gain: float) -> Picture:
        """Return what little light comes through."""
        del display, exposure, gain
        width, height = studio.FRAME_SIZE
        dark = np.full((height, width, 3), _COVERED_LEVEL, np.uint8)
        return studio.with_noise(dark, seed=round(at_s * 1000), sigma=1.5)


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

    def picture_under(self, index: int, display: Rgb) -> Picture:
        """Return the live frame with the display's light on the person."""
        return shone_at_person(self.picture(index), display)


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
        return self.picture_under(index, (0.0, 0.0, 0.0))

    def picture_under(self, index: int, display: Rgb) -> Picture:
        """Return the same with the display's light on both."""
        left = shone_at_person(self.left.frame(index), display)
        right = shone_at_person(self.right.frame((index + self.loop_length // 2) % self.loop_length), display)
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
        return self.picture_under(index, (0.0, 0.0, 0.0))

    def picture_under(self, index: int, display: Rgb) -> Picture:
        """Return the same with the display's light on the paper."""
        turn = 2 * np.pi * index / self.loop_length
        width, height = studio.FRAME_SIZE
        scene = printing.held(
            shone_at(_sheet(self.identity), display, np.float32(1)),
            hall(width, height),
            centre_px=(width / 2 + 6 * np.sin(turn), height / 2 + 4 * np.sin(2 * turn + 0.4)),
            scale=0.8 + 0.015 * float(np.sin(turn + 1)),
            tilt=0.03 + 0.025 * float(np.sin(turn + 2)),
        )
        return studio.with_noise(scene, seed=index)


@lru_cache(maxsize=4)
def _sheet(identity: Identity) -> Picture:
    return printing.printed(identity.portrait())

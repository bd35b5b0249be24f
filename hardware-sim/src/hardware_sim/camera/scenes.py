"""What stands before the camera: a scene is a loop of pictures that the camera plays for ever.

Scenes are small frozen values, so a camera can keep what it encoded for them. The people in them come from
`hardware_sim.faces`; this module only arranges.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from hardware_sim.faces.hall import Picture, hall

_NOISE_SIGMA = 2.2  # of a small sensor in a lit room, in grey levels
_EMPTY_LOOP_LENGTH = 8


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
        return with_noise(hall(), seed=index)


def with_noise(picture: Picture, *, seed: int) -> Picture:
    """Return the picture as a sensor sees it."""
    noise = np.random.default_rng(seed).normal(0.0, _NOISE_SIGMA, picture.shape)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)

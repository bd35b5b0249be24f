"""A person with a timeline of looks and small involuntary movements: drawn by `person`, with motion blur. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import cv2
import numpy as np

from hardware_sim.faces.vectors import Floats, floats
from hardware_sim.sequences import accessories, person
from hardware_sim.sequences.values import EXPOSURE_S, Lens, Lighting, Look, PersonTruth, Wears

if TYPE_CHECKING:
    from hardware_sim.sequences.values import Timeline

Layer = tuple[Floats, tuple[int, int]]  # (h, w, 4) linear BGR premultiplied by cover, and cover; left top in the frame

_BLUR_PX_MIN = 0.8
_BLUR_PX_MAX = 40


@dataclass(frozen=True, slots=True)
class Actor:
    """One living person.

    `sway` seeds the small involuntary movements; None leaves them out.

    An artefact covers the face of a `masked` person, so there is no truth of it.
    """

    identity: str
    looks: Timeline[Look]
    wears: frozenset[Wears] = frozenset()
    sway: int | None = 0
    masked: bool = False

    def look(self, at_s: float) -> Look:
        """Return the person's look at a time, in seconds."""
        look = self.looks.at(at_s)
        return look if self.sway is None else _swaying(look, at_s, self.sway)

    def distance_cm(self, at_s: float) -> float:
        """Return the person's distance from the lens."""
        return self.look(at_s).distance_cm

    def layer(self, at_s: float, lens: Lens, lighting: Lighting) -> Layer:
        """Return the drawn person with motion blur."""
        look = self.look(at_s)
        picture, corner = person.drawn(self.identity, look, lens, lighting)
        if not picture.size:
            return picture, corner
        picture = accessories.worn(
            picture, corner, name=self.identity, look=look, lens=lens, lighting=lighting, wears=self.wears
        )
        before = person.Placing.of(self.look(at_s - EXPOSURE_S), lens).eyes_px
        now = person.Placing.of(look, lens).eyes_px
        return smeared(picture, now[0] - before[0], now[1] - before[1]), corner

    def truths(self, at_s: float, lens: Lens) -> tuple[PersonTruth, ...]:
        """Return the truth of the person's face; empty when it is masked."""
        if self.masked:
            return ()
        wears = tuple(sorted(thing.value for thing in self.wears))
        return (person.truth(self.identity, self.look(at_s), lens, wears),)


def smeared(picture: Floats, right_px: float, down_px: float) -> Floats:
    """Return a layer with the blur of this movement during the exposure, in pixels."""
    length = min(float(np.hypot(right_px, down_px)), _BLUR_PX_MAX)
    if length < _BLUR_PX_MIN:
        return picture
    reach = int(np.ceil(length / 2))
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1), np.float32)
    along = np.array([right_px, down_px]) / np.hypot(right_px, down_px)
    for step in np.linspace(-length / 2, length / 2, 4 * reach + 1):
        column, row = np.round(reach + along * step).astype(int)
        kernel[row, column] += 1
    return floats(cv2.filter2D(picture, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE))


def _swaying(look: Look, at_s: float, seed: int) -> Look:
    """Return the look with involuntary movement: the body sways, the head is never quite still."""
    phase = np.random.default_rng(seed).uniform(0, 2 * np.pi, 5)
    turn = 2 * np.pi * at_s
    limit = 39.0  # of the angles, with room for the sway
    return replace(
        look,
        yaw_deg=float(np.clip(look.yaw_deg + 0.9 * np.sin(0.61 * turn + phase[0]), -limit, limit)),
        pitch_deg=look.pitch_deg + float(0.6 * np.sin(0.47 * turn + phase[1])) * (abs(look.pitch_deg) < limit / 2),
        roll_deg=look.roll_deg + float(0.5 * np.sin(0.39 * turn + phase[2])) * (abs(look.roll_deg) < limit),
        sideways_cm=look.sideways_cm + float(0.35 * np.sin(0.53 * turn + phase[3])),
        distance_cm=look.distance_cm * (1 + 0.004 * float(np.sin(0.71 * turn + phase[4]))),
    )

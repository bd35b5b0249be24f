"""A sequence: who and what moves before the lens, under which light, for how long. A value; its frames are pure.

`frame(at_s)` draws any moment, `truth(at_s)` says what it shows. The display's light may be given from outside, as a
screen beside the lens does in service.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from hardware_sim.sequences import sensor
from hardware_sim.sequences.timeline import Timeline, still
from hardware_sim.sequences.values import FPS, KIOSK, FrameTruth, Lens, Lighting, PersonTruth, Rgb

if TYPE_CHECKING:
    from hardware_sim.faces.hall import Picture
    from hardware_sim.sequences.actor import Layer

DURATION_S_MAX = 60.0
THINGS_MAX = 8
_LIT = still(Lighting())
NOISE_SIGMA = 0.9  # of a good sensor at a lit kiosk, in grey levels


class Thing(Protocol):
    """What stands or is held before the lens. Hashable: equal things look alike."""

    def __hash__(self) -> int:
        """Equal things hash alike."""

    def distance_cm(self, at_s: float) -> float:
        """How far away it is; what is nearer hides what is farther."""

    def layer(self, at_s: float, lens: Lens, lighting: Lighting) -> Layer:
        """Draw it."""

    def truths(self, at_s: float, lens: Lens) -> tuple[PersonTruth, ...]:
        """Return what is true of the faces that it shows."""


@dataclass(frozen=True, slots=True)
class Sequence:
    """`name` is the kind of story, `hall` seeds the background."""

    name: str
    duration_s: float
    things: tuple[Thing, ...]
    lighting: Timeline[Lighting] = _LIT
    lens: Lens = KIOSK
    hall: int = 0
    noise_sigma: float = NOISE_SIGMA

    def __post_init__(self) -> None:
        if not 0 < self.duration_s <= DURATION_S_MAX:
            raise ValueError(f"duration out of range: {self.duration_s}")
        if len(self.things) > THINGS_MAX:
            raise ValueError(f"more than {THINGS_MAX} things before the lens")

    @property
    def length(self) -> int:
        """How many frames there are, FPS a second."""
        return max(1, round(self.duration_s * FPS))

    def light(self, at_s: float, display: Rgb | None = None) -> Lighting:
        """Return the light at a time, with the display as given, else as the sequence says."""
        lighting = self.lighting.at(at_s)
        return lighting if display is None else replace(lighting, display=display)

    def frame(self, at_s: float, *, display: Rgb | None = None, exposure: float = 1.0, gain: float = 1.0) -> Picture:
        """Return the frame at a time, (h, w, 3) BGR. `exposure` and `gain` multiply the light; gain adds to the noise."""
        lighting = self.light(at_s, display)
        light = sensor.behind(self.lens, self.hall, lighting)
        for thing in sorted(self.things, key=lambda thing: -thing.distance_cm(at_s)):
            sensor.lay(light, *thing.layer(at_s, self.lens, lighting))
        if exposure * gain != 1:
            light *= np.float32(exposure * gain)
        return sensor.developed(light, seed=round(at_s * 1000), sigma=self.noise_sigma * max(gain, 1.0))

    def truth(self, at_s: float, *, display: Rgb | None = None) -> FrameTruth:
        """Return what the frame at a time shows; nobody who is out of the picture."""
        things = sorted(self.things, key=lambda thing: thing.distance_cm(at_s))
        faces = [face for thing in things for face in thing.truths(at_s, self.lens) if face.visible > 0]
        return FrameTruth(at_s, tuple(faces), self.light(at_s, display))

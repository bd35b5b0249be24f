"""What the frames of one tracked face say together about whether it is a person.

Takes a glimpse a frame, gives the readings of all cues at any time, and says when looking longer would not help. Whose frames
they are is the caller's business: another person is another witness.
"""

from __future__ import annotations

import statistics
from collections import deque
from typing import TYPE_CHECKING, Final

from gate.face.liveness.cues import Cue, Liveness, Reading
from gate.face.liveness.flicker import Flicker
from gate.face.liveness.light import Light, Rgb
from gate.face.liveness.motion import Motion
from gate.face.liveness.pattern import Pattern

if TYPE_CHECKING:
    from gate.face.liveness.fusion import Weights
    from gate.face.liveness.glimpse import Glimpse

LOOK_MS: Final = 1200  # how long a face is looked at before the cues of a sequence are believed
GAP_MAX_MS: Final = 600  # a longer pause begins anew
PASSIVE_MAX: Final = 15  # scores of the model that count, the newest


class Witness:
    """Looks at one face. `wipe` forgets it and leaves what the display shows."""

    def __init__(self, weights: Weights) -> None:
        self._weights = weights
        self._motion, self._pattern, self._flicker, self._light = Motion(), Pattern(), Flicker(), Light()
        self._passive: deque[float] = deque(maxlen=PASSIVE_MAX)
        self._since_ms: int | None = None
        self._last_ms = 0

    def see(self, glimpse: Glimpse, *, passive: float | None) -> None:
        """Take one frame of the face, and the passive model's score of it where there is one. Wipes the glimpse."""
        if self._since_ms is None or glimpse.at_ms - self._last_ms > GAP_MAX_MS:
            self.wipe()
            self._since_ms = glimpse.at_ms
        self._last_ms = glimpse.at_ms
        for cue in (self._motion, self._pattern, self._flicker, self._light):
            cue.see(glimpse)
        if passive is not None:
            self._passive.append(passive)
        glimpse.wipe()

    def show(self, colour: Rgb, *, at_ms: int) -> None:
        """The display was told to show a colour."""
        self._light.show(colour, at_ms=at_ms)

    @property
    def ready(self) -> bool:
        """True when the face was looked at for long enough."""
        return self._since_ms is not None and self._last_ms - self._since_ms >= LOOK_MS

    def judge(self) -> Liveness:
        """The score and what it rests on, so far."""
        readings = (
            Reading(Cue.PASSIVE, statistics.median(self._passive) if self._passive else None),
            Reading(Cue.MOTION, self._motion.value),
            Reading(Cue.PATTERN, self._pattern.value),
            Reading(Cue.FLICKER, self._flicker.value),
            Reading(Cue.LIGHT, self._light.value),
        )
        return self._weights.judge(readings)

    def wipe(self) -> None:
        """Zero what shows the person, and begin anew."""
        self._motion.wipe()
        self._flicker.wipe()
        self._motion, self._pattern, self._flicker = Motion(), Pattern(), Flicker()
        self._light = Light(self._light.shown)
        self._passive.clear()
        self._since_ms = None

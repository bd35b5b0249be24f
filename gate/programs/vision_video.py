"""A crossing's doubts about its video: watches every frame, and has the camera answer for itself.

The exposure is changed at moments that nobody can know beforehand; the judgement is `gate.face.injection`'s. A camera that takes no
controls is not challenged, and a challenge never delays a frame by more than the camera's answer: the controls are set beside the
loop.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Protocol

from drivers.errors import DriverError
from drivers.values import CameraControls
from gate.face.injection import Feed, Tamper

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from drivers.values import Frame
    from gate.face.chain import Observation
    from gate.face.values import LiveEvidence, Picture
    from gate.face.watch import Witness

DIMMED: Final = 0.72  # of the calibrated exposure: plain to the gate, mild to the face
CHANGES: Final = 4
BEGIN_MS: Final = 200
HOLD_MS: Final = (200, 320)
ANSWER_WITHIN_MS: Final = 400

log = logging.getLogger("vision")


class Camera(Protocol):
    """What is asked of the camera."""

    def set_controls(self, wanted: CameraControls) -> None:
        """Change exposure and gain. Raises DriverError."""


@dataclass(frozen=True, slots=True)
class Exposure:
    """What the exposure is to be, as a multiple of the calibrated one, so long after the first frame."""

    after_ms: int
    factor: float


def exposures(dice: random.Random) -> tuple[Exposure, ...]:
    """Draw the changes of one crossing. The first undoes what a crossing before may have left, the last what this one did."""
    after_ms, drawn = BEGIN_MS, [Exposure(0, 1.0)]
    for number in range(CHANGES):
        drawn.append(Exposure(after_ms, DIMMED if number % 2 == 0 else 1.0))
        after_ms += dice.randint(*HOLD_MS)
    return tuple(drawn)


class PatientWitness:
    """A witness who is not ready before the video has answered for itself."""

    def __init__(self, witness: Witness, video: Video) -> None:
        self._witness = witness
        self._video = video

    def see(self, frame: Picture, seen: Observation) -> LiveEvidence:
        """Take a frame with one face, alone, and return what is known up to it."""
        live = self._witness.see(frame, seen)
        return replace(live, ready=live.ready and self._video.settled)

    def wipe(self) -> None:
        """Zero what shows the person."""
        self._witness.wipe()


class Video:
    """Watches the video of one crossing. `see` is called with every frame that is looked at, in their order."""

    def __init__(self, camera: Camera, *, exposures: Sequence[Exposure] = ()) -> None:
        self._camera = camera
        self._feed = Feed()
        self._left = list(exposures)
        self._first_ms: int | None = None
        self._conclude_at_ms: int | None = None

    async def see(self, frame: Frame) -> tuple[Tamper, ...]:
        """Take the next frame and return what is newly found."""
        at_ms = int(frame.at_s * 1000)
        if self._first_ms is None:
            self._first_ms = at_ms
        found = self._feed.see(frame.pixels, at_ms=at_ms)
        if self._left and at_ms - self._first_ms >= self._left[0].after_ms:
            await self._set(self._left.pop(0), at_ms)
        if self._conclude_at_ms is not None and at_ms >= self._conclude_at_ms:
            self._conclude_at_ms = None
            found += self._feed.conclude()
        return found

    @property
    def settled(self) -> bool:
        """True when no challenge is under way or to come."""
        return not self._left and self._conclude_at_ms is None

    def wipe(self) -> None:
        """Zero what shows the person."""
        self._feed.wipe()

    async def _set(self, wanted: Exposure, at_ms: int) -> None:
        try:
            await asyncio.to_thread(self._camera.set_controls, CameraControls(exposure=wanted.factor))
        except DriverError as error:
            log.warning("camera_not_challenged", extra={"error": type(error).__name__})
            self._left.clear()
            self._conclude_at_ms = None
            return
        self._feed.command(wanted.factor, at_ms=at_ms)
        if not self._left:
            self._conclude_at_ms = at_ms + ANSWER_WITHIN_MS

"""A crossing's doubts about its video: watches every frame, and has the camera answer for itself.

The exposure is changed at moments and to levels that nobody can know beforehand, until the frames have followed it well, or so
often that they should have; the judgement is `gate.face.injection`'s. Until then, and for good where the camera takes no controls
though it is to be challenged, liveness counts as not run. A challenge never delays a frame by more than the camera's answer: the
controls are set beside the loop. An exposure counts from when the camera took it, not from the frame that had it asked for: on a busy
machine a frame is looked at a tenth of a second late, which would pass for a camera that does not follow.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

from gate.face.injection import Feed
from gate.face.quality import Observation
from gate.face.values import LiveEvidence
from gate.face.watch import Witness
from gate.picture import Picture
from gate_core.errors import DriverError, RefusedError
from gate_core.evidence.crossing import CameraTrouble
from gate_core.ports.values import CameraControls, Frame

LEVELS: Final = (1.0, 0.86, 0.74, 0.62)  # of the calibrated exposure: plain to the gate, mild to the face
CHANGES_MIN: Final = 4
CHANGES_MAX: Final = 10
BEGIN_MS: Final = 40
HOLD_MS: Final = (40, 190)  # one to three frames of 15 a second
ANSWER_WITHIN_MS: Final = 400
REFUSALS_MAX: Final = 40  # a camera that was just opened settles first
UNANSWERED: Final = "video_unanswered"

log = logging.getLogger("vision")


class Camera(Protocol):
    """What is asked of the camera."""

    def set_controls(self, wanted: CameraControls) -> None:
        """Change exposure and gain. Raises DriverError."""


@dataclass(frozen=True, slots=True)
class Exposure:
    """What the exposure is to be, as a multiple of the calibrated one, so long after the change before."""

    after_ms: int
    factor: float


def exposures(dice: random.Random) -> tuple[Exposure, ...]:
    """Draw the changes of one crossing. The first undoes what a crossing before may have left, the last what this one did."""
    drawn = [Exposure(0, 1.0), Exposure(BEGIN_MS, dice.choice(LEVELS[1:]))]
    while len(drawn) < CHANGES_MAX:
        others = [level for level in LEVELS if level != drawn[-1].factor]
        drawn.append(Exposure(dice.randint(*HOLD_MS), dice.choice(others)))
    if drawn[-1].factor == 1.0:
        drawn.pop()
    return *drawn, Exposure(dice.randint(*HOLD_MS), 1.0)


class PatientWitness:
    """A witness who says nothing before the video has answered for itself: until then liveness counts as not run."""

    def __init__(self, witness: Witness, video: Video) -> None:
        self._witness = witness
        self._video = video

    def see(self, frame: Picture, seen: Observation) -> LiveEvidence:
        """Take a frame with one face, alone, and return what is known up to it."""
        live = self._witness.see(frame, seen)
        return live if self._video.settled else replace(live, score=None, ready=False, reasons=(UNANSWERED,))

    def wipe(self) -> None:
        """Zero what shows the person."""
        self._witness.wipe()


class Video:
    """Watches the video of one crossing. `see` is called with every frame that is looked at, in their order.

    `settled` is True when the video has answered for itself, or was not asked to. `clock_ms` is the frames' clock, `lag_ms` how late
    the camera obeys, if it was measured.
    """

    def __init__(
        self,
        camera: Camera,
        *,
        clock_ms: Callable[[], int],
        exposures: Sequence[Exposure] = (),
        lag_ms: int | None = None,
    ) -> None:
        self.settled = not exposures
        self._camera = camera
        self._clock_ms = clock_ms
        self._feed = Feed(lag_ms=lag_ms)
        self._left = list(exposures)
        self._told: list[Exposure] = []
        self._told_ms = 0
        self._refusals = 0
        self._concluded = False

    async def see(self, frame: Frame) -> tuple[CameraTrouble, ...]:
        """Take the next frame and return what is newly found."""
        at_ms = int(frame.at_s * 1000)
        found = self._feed.see(frame.pixels, at_ms=at_ms)
        if self.settled:
            return found
        if len(self._told) > CHANGES_MIN and self._feed.follows:
            self.settled = True
            await self._restore()
        elif self._left:
            if not self._told or at_ms - self._told_ms >= self._left[0].after_ms:
                await self._change()
        elif not self._concluded and at_ms - self._told_ms >= ANSWER_WITHIN_MS:
            self._concluded = True
            found += self._feed.conclude()
        return found

    def wipe(self) -> None:
        """Zero what shows the person."""
        self._feed.wipe()

    async def _change(self) -> None:
        """Tell the camera the next exposure. One that does not take it is asked again, or never: then the video has not answered."""
        wanted, sent_ms = self._left[0], self._clock_ms()
        try:
            await self._set(wanted)
        except DriverError as error:
            if not self._refusals:
                log.warning("camera_not_challenged", extra={"error": type(error).__name__})
            self._refusals += 1
            if self._told or self._refusals >= REFUSALS_MAX or not isinstance(error, RefusedError):
                self._left.clear()
            return
        del self._left[0]
        self._told.append(wanted)
        self._told_ms = self._clock_ms()
        self._feed.command(wanted.factor, at_ms=sent_ms, taken_ms=self._told_ms)

    async def _restore(self) -> None:
        """Leave the camera as it was calibrated."""
        if self._told[-1].factor == 1.0:
            return
        try:
            await self._set(Exposure(0, 1.0))
        except DriverError as error:
            log.warning("exposure_not_restored", extra={"error": type(error).__name__})

    async def _set(self, wanted: Exposure) -> None:
        await asyncio.to_thread(self._camera.set_controls, CameraControls(exposure=wanted.factor))

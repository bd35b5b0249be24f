"""Whether the video answers what the gate commands, and what a liveness check waits for beside the frames.

The exposure is changed at moments and to levels that nobody can know beforehand, until the frames have followed it well
(`gate.face.injection` judges); until then, and for good where the camera takes no controls, liveness counts as not run. The display shows
one pale colour after another, drawn when it is due; it counts from when the page says that it is painted. A page that goes, or does not
answer in time, ends that challenge, and nobody is held to it. No frame and no comparison waits for a control, a colour or a sensor longer
than liveness may.
"""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

from drivers.pad.driver import Session, converse
from drivers.pad.settings import PadProfile
from gate.channel import messages
from gate.channel.messages import ShowTint
from gate.face.injection import Feed
from gate.face.liveness.cues import TINTS, Rgb, far_from, linear
from gate.face.quality import Observation
from gate.face.values import LiveEvidence
from gate.face.watch import LivenessCheck
from gate.picture import Picture
from gate_core.errors import DriverError, RefusedError
from gate_core.evidence.crossing import CameraTrouble
from gate_core.ports.pad import PadCodec
from gate_core.ports.values import CameraControls, Frame

LEVELS: Final = (1.0, 0.86, 0.74, 0.62)  # of the calibrated exposure: plain to the gate, mild to the face
CHANGES_MIN: Final = 4
CHANGES_MAX: Final = 10
BEGIN_MS: Final = 40
EXPOSURE_HOLD_MS: Final = (40, 190)  # one to three frames of 15 a second
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
        drawn.append(Exposure(dice.randint(*EXPOSURE_HOLD_MS), dice.choice(others)))
    if drawn[-1].factor == 1.0:
        drawn.pop()
    return *drawn, Exposure(dice.randint(*EXPOSURE_HOLD_MS), 1.0)


class VideoLiveness:
    """Liveness that says nothing before the video has answered for itself: until then liveness counts as not run."""

    def __init__(self, liveness: LivenessCheck, video: Video) -> None:
        self._liveness = liveness
        self._video = video

    def see(self, frame: Picture, seen: Observation) -> LiveEvidence:
        """Take a frame with one face, alone, and return what is known up to it."""
        live = self._liveness.see(frame, seen)
        return live if self._video.settled else replace(live, score=None, ready=False, reasons=(UNANSWERED,))

    def wipe(self) -> None:
        """Zero what shows the person."""
        self._liveness.wipe()


class Video:
    """Watches the video of one crossing, every frame that is looked at in their order. `settled` once it has answered for itself, or was not asked.

    `clock_ms` is the frames' clock, `lag_ms` how late the camera obeys, if it was measured. An exposure counts from when the camera took it: on
    a busy machine a frame is looked at a tenth of a second late, which would pass for a camera that does not follow.
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
            await self._set(wanted.factor)
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
        try:
            if self._told[-1].factor != 1.0:
                await self._set(1.0)
        except DriverError as error:
            log.warning("exposure_not_restored", extra={"error": type(error).__name__})

    async def _set(self, factor: float) -> None:
        await asyncio.to_thread(self._camera.set_controls, CameraControls(exposure=factor))


HOLD_MS: Final = 400
PAINTED_WITHIN_MS: Final = 1000  # until then the page shows what it showed before
AHEAD: Final = 3  # colours that do not wait for a face: whoever comes at once is seen under several
COLOURS_MAX: Final = 40  # 16 seconds: the light cue keeps no more frames either


class SensorLiveness:
    """Liveness that waits for the sensor's verdict on the person whom the frames show. `clock_ms` is the frames' clock."""

    def __init__(
        self, liveness: LivenessCheck, profile: PadProfile, codec: PadCodec, *, clock_ms: Callable[[], int]
    ) -> None:
        self._liveness = liveness
        self._session = Session(profile, crossing=secrets.token_hex(16), codec=codec)
        self._clock_ms = clock_ms
        self._subject = 0
        self._since_ms = 0

    def see(self, frame: Picture, seen: Observation) -> LiveEvidence:
        """Take a frame with one face, alone, and return what is known up to it."""
        if seen.subject != self._subject:
            self._subject, self._since_ms = seen.subject, seen.at_ms
        live = self._liveness.see(frame, seen)
        return live if self.said() is not None else replace(live, ready=False)

    def wipe(self) -> None:
        """Zero what shows the person."""
        self._liveness.wipe()

    def said(self) -> messages.PadSaid | None:
        """The verdict that counts now; None: not run."""
        found = self._session.verdict(self._clock_ms(), since_ms=self._since_ms)
        if found is None:
            return None
        return messages.PadSaid(found.name, found.version, found.bound, found.result, found.score, found.age_ms)

    async def hear(self, end: socket.socket) -> None:
        """Speak with the sensor until it hangs up, or is not to be believed any more."""
        try:
            await converse(end, self._session, clock_ms=self._clock_ms)
        except DriverError as error:
            log.warning("liveness_sensor_unheard", extra={"reason": messages.words(error)})


class DisplayLiveness(LivenessCheck, Protocol):
    """Liveness that is told what the display shows."""

    def show(self, colour: Rgb, *, at_ms: int) -> None:
        """The display shows a colour."""

    def show_nothing(self) -> None:
        """The display shows nothing, and what it showed does not count."""


class DisplayChallenge:
    """Has the display challenge whoever this check looks at."""

    def __init__(self, liveness: DisplayLiveness, dice: random.Random) -> None:
        self._liveness = liveness
        self._dice = dice
        self._there = False  # a page says that it shows what it is told
        self._over = False
        self._looking = False  # the newest frame showed one face, alone
        self._asked: ShowTint | None = None
        self._asked_ms = 0
        self._painted_ms: int | None = None  # None: the page has yet to answer

    def see(self, frame: Picture, seen: Observation) -> LiveEvidence:
        """Take a frame with one face, alone, and return what is known up to it."""
        self._looking = True
        return self._liveness.see(frame, seen)

    def wipe(self) -> None:
        """Zero what shows the person."""
        self._liveness.wipe()

    def page_is(self, *, there: bool) -> None:
        """A page shows what it is told, or none does any more. One that went may have shown anything: the challenge is over."""
        if self._there and not there and self._asked is not None:
            self._end()
        self._there = there

    def painted(self, number: int, *, at_ms: int, now_ms: int) -> None:
        """The page says that it has painted this tint, and when. What it cannot know or was not asked is not believed."""
        if self._over or self._asked is None or self._asked.number != number or self._painted_ms is not None:
            return
        if not self._asked_ms <= at_ms <= now_ms:
            return
        self._painted_ms = at_ms
        self._liveness.show(linear(self._asked.colour), at_ms=at_ms)

    def due(self, *, now_ms: int) -> ShowTint | None:
        """What the page is to show now, if it is time; to be asked after each frame."""
        looking, self._looking = self._looking, False
        if self._over or not self._there:
            return None
        if self._asked is not None and self._painted_ms is None:
            if now_ms - self._asked_ms > PAINTED_WITHIN_MS:
                self._end()
            return None
        if self._painted_ms is not None and now_ms - self._painted_ms < HOLD_MS:
            return None
        return self._next(now_ms, looking=looking)

    def _next(self, now_ms: int, *, looking: bool) -> ShowTint | None:
        number = 1 if self._asked is None else self._asked.number + 1
        if number > (COLOURS_MAX if looking else AHEAD):
            return None
        self._asked = ShowTint(
            number, self._dice.choice(TINTS if self._asked is None else far_from(self._asked.colour))
        )
        self._asked_ms, self._painted_ms = now_ms, None
        return self._asked

    def _end(self) -> None:
        self._over = True
        self._liveness.show_nothing()

"""Challenges of camera and display, and liveness checks that wait for their answers or for a sensor.

The exposure is changed at unpredictable times to unpredictable levels, until the frames have followed (judged by
`gate.face.injection`). Until then, and always if the camera accepts no controls, liveness counts as not run. The
display shows pale colours, each drawn when due, which count from the time that the page reports. If the page is closed
or late, that challenge ends without effect. Frames and comparisons never wait longer for these than liveness may take.
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
from gate.channel import vision_messages
from gate.channel.message import words
from gate.channel.preview_messages import ShowTint
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

LEVELS: Final = (1.0, 0.86, 0.74, 0.62)  # of the calibrated exposure: detectable, but mild
CHANGES_MIN: Final = 4
CHANGES_MAX: Final = 10
BEGIN_MS: Final = 40
EXPOSURE_HOLD_MS: Final = (40, 190)  # one to three frames of 15 a second
ANSWER_WITHIN_MS: Final = 400
REFUSALS_MAX: Final = 40  # a camera needs time after opening
UNANSWERED: Final = "video_unanswered"

log = logging.getLogger("vision")


class Camera(Protocol):
    """The camera, as the challenge uses it."""

    def set_controls(self, wanted: CameraControls) -> None:
        """Change exposure and gain. Raises DriverError."""


@dataclass(frozen=True, slots=True)
class Exposure:
    """One exposure, as a multiple of the calibrated one, `after_ms` after the previous change."""

    after_ms: int
    factor: float


def exposures(dice: random.Random) -> tuple[Exposure, ...]:
    """Draw a crossing's changes. The first and the last one restore the calibrated exposure."""
    drawn = [Exposure(0, 1.0), Exposure(BEGIN_MS, dice.choice(LEVELS[1:]))]
    while len(drawn) < CHANGES_MAX:
        others = [level for level in LEVELS if level != drawn[-1].factor]
        drawn.append(Exposure(dice.randint(*EXPOSURE_HOLD_MS), dice.choice(others)))
    if drawn[-1].factor == 1.0:
        drawn.pop()
    return *drawn, Exposure(dice.randint(*EXPOSURE_HOLD_MS), 1.0)


class VideoLiveness:
    """Liveness that counts as not run until the video has answered the challenge."""

    def __init__(self, liveness: LivenessCheck, video: Video) -> None:
        self._liveness = liveness
        self._video = video

    def see(self, frame: Picture, seen: Observation) -> LiveEvidence:
        """Process a frame with a single face; return the result so far."""
        live = self._liveness.see(frame, seen)
        return live if self._video.settled else replace(live, score=None, ready=False, reasons=(UNANSWERED,))

    def wipe(self) -> None:
        """Overwrite what shows the person."""
        self._liveness.wipe()


class Video:
    """Checks one crossing's video, frame by frame. `settled`: the challenge was answered, or there is none.

    `clock_ms`: the frames' clock. `lag_ms`: the camera's measured delay, or None. An exposure counts from when the
    camera took it: on a busy machine frames are processed 0.1 s late, which could look like a camera that does not
    follow.
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
        """Process the next frame; return new faults."""
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
        """Overwrite what shows the person."""
        self._feed.wipe()

    async def _change(self) -> None:
        """Set the next exposure. After a refusal retry later or give up: then the challenge stays unanswered."""
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
        try:
            if self._told[-1].factor != 1.0:
                await self._set(1.0)
        except DriverError as error:
            log.warning("exposure_not_restored", extra={"error": type(error).__name__})

    async def _set(self, factor: float) -> None:
        await asyncio.to_thread(self._camera.set_controls, CameraControls(exposure=factor))


HOLD_MS: Final = 400
PAINTED_WITHIN_MS: Final = 1000  # until then the page shows the previous colour
AHEAD: Final = 3  # colours shown before there is a face, so that a quick traveller is seen under several
COLOURS_MAX: Final = 40  # 16 s, as many frames as the light cue keeps


class SensorLiveness:
    """Liveness that waits for the PAD sensor's verdict on the person in the frames. `clock_ms`: the frames' clock."""

    def __init__(
        self, liveness: LivenessCheck, profile: PadProfile, codec: PadCodec, *, clock_ms: Callable[[], int]
    ) -> None:
        self._liveness = liveness
        self._session = Session(profile, crossing=secrets.token_hex(16), codec=codec)
        self._clock_ms = clock_ms
        self._subject = 0
        self._since_ms = 0

    def see(self, frame: Picture, seen: Observation) -> LiveEvidence:
        """Process a frame with a single face; return the result so far."""
        if seen.subject != self._subject:
            self._subject, self._since_ms = seen.subject, seen.at_ms
        live = self._liveness.see(frame, seen)
        return live if self.said() is not None else replace(live, ready=False)

    def wipe(self) -> None:
        """Overwrite what shows the person."""
        self._liveness.wipe()

    def said(self) -> vision_messages.PadSaid | None:
        """Return the sensor's valid verdict; None: not run."""
        found = self._session.verdict(self._clock_ms(), since_ms=self._since_ms)
        if found is None:
            return None
        return vision_messages.PadSaid(found.name, found.version, found.bound, found.result, found.score, found.age_ms)

    async def hear(self, end: socket.socket) -> None:
        """Run the sensor's session until it ends or breaks the protocol."""
        try:
            await converse(end, self._session, clock_ms=self._clock_ms)
        except DriverError as error:
            log.warning("liveness_sensor_unheard", extra={"reason": words(error)})


class DisplayLiveness(LivenessCheck, Protocol):
    """A liveness check that gets the displayed colours."""

    def show(self, colour: Rgb, *, at_ms: int) -> None:
        """Note a displayed colour."""

    def show_nothing(self) -> None:
        """End the challenge: earlier colours do not count."""


class DisplayChallenge:
    """Lets the display challenge the person that a liveness check looks at."""

    def __init__(self, liveness: DisplayLiveness, dice: random.Random) -> None:
        self._liveness = liveness
        self._dice = dice
        self._there = False  # a page shows tints
        self._over = False
        self._looking = False  # the newest frame showed a single face
        self._asked: ShowTint | None = None
        self._asked_ms = 0
        self._painted_ms: int | None = None  # None: the page has not answered

    def see(self, frame: Picture, seen: Observation) -> LiveEvidence:
        """Process a frame with a single face; return the result so far."""
        self._looking = True
        return self._liveness.see(frame, seen)

    def wipe(self) -> None:
        """Overwrite what shows the person."""
        self._liveness.wipe()

    def page_is(self, *, there: bool) -> None:
        """Note whether a page shows tints. If it closes during the challenge, that ends: what it showed is unknown."""
        if self._there and not there and self._asked is not None:
            self._end()
        self._there = there

    def painted(self, number: int, *, at_ms: int, now_ms: int) -> None:
        """Note the page's report that a tint is shown. Reports of other tints or impossible times are ignored."""
        if self._over or self._asked is None or self._asked.number != number or self._painted_ms is not None:
            return
        if not self._asked_ms <= at_ms <= now_ms:
            return
        self._painted_ms = at_ms
        self._liveness.show(linear(self._asked.colour), at_ms=at_ms)

    def due(self, *, now_ms: int) -> ShowTint | None:
        """Return the tint to show now, or None; called after each frame."""
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
        colours = TINTS if self._asked is None else far_from(self._asked.colour)
        self._asked = ShowTint(number, self._dice.choice(colours))
        self._asked_ms, self._painted_ms = now_ms, None
        return self._asked

    def _end(self) -> None:
        self._over = True
        self._liveness.show_nothing()

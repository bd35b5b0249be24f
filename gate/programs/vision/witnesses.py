"""Witnesses who look over another one's shoulder: one has the display challenge the face, one waits for a sensor's own verdict.

The challenge is one pale colour after another, in an order that nobody can know beforehand. A colour is drawn when it is due and counts from when the
page says that it is painted; the witness looks for it on the face. The first few come at once, the others while one face alone is looked at, until it
was compared. A page that goes, or does not answer in time, ends the challenge: then the display was none, and nobody is held to it. No frame and no
comparison waits for a colour.

The sensor's connection is opened by the parent and handed over; the verdict is heard here, where the face is. It never delays a comparison by more
than liveness may. A sensor that is not there, falls silent or breaks its protocol has given no verdict.
"""

from __future__ import annotations

import logging
import random
import secrets
import socket
from collections.abc import Callable
from dataclasses import replace
from typing import Final, Protocol

from drivers.pad.driver import converse
from drivers.pad.session import Session
from drivers.pad.settings import PadProfile
from gate.channel import messages
from gate.channel.messages import ShowTint
from gate.face.liveness.light import TINTS, Rgb, far_from, linear
from gate.face.quality import Observation
from gate.face.values import LiveEvidence
from gate.face.watch import Witness
from gate.picture import Picture
from gate_core.errors import DriverError

HOLD_MS: Final = 400
PAINTED_WITHIN_MS: Final = 1000  # until then the page shows what it showed before
AHEAD: Final = 3  # colours that do not wait for a face: whoever comes at once is seen under several
COLOURS_MAX: Final = 40  # 16 seconds: the light cue keeps no more frames either
log = logging.getLogger("vision")


class SensorWitness:
    """A witness who waits for the sensor's verdict on the person whom the frames show. `clock_ms` is the frames' clock."""

    def __init__(self, witness: Witness, profile: PadProfile, *, clock_ms: Callable[[], int]) -> None:
        self._witness = witness
        self._session = Session(profile, crossing=secrets.token_hex(16))
        self._clock_ms = clock_ms
        self._subject = 0
        self._since_ms = 0

    def see(self, frame: Picture, seen: Observation) -> LiveEvidence:
        """Take a frame with one face, alone, and return what is known up to it."""
        if seen.subject != self._subject:
            self._subject, self._since_ms = seen.subject, seen.at_ms
        live = self._witness.see(frame, seen)
        return live if self.said() is not None else replace(live, ready=False)

    def wipe(self) -> None:
        """Zero what shows the person."""
        self._witness.wipe()

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


class LightWitness(Witness, Protocol):
    """A witness who is told what the display shows."""

    def show(self, colour: Rgb, *, at_ms: int) -> None:
        """The display shows a colour."""

    def show_nothing(self) -> None:
        """The display shows nothing, and what it showed does not count."""


class TintWitness:
    """Has the display challenge whoever this witness looks at."""

    def __init__(self, witness: LightWitness, dice: random.Random) -> None:
        self._witness = witness
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
        return self._witness.see(frame, seen)

    def wipe(self) -> None:
        """Zero what shows the person."""
        self._witness.wipe()

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
        self._witness.show(linear(self._asked.colour), at_ms=at_ms)

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
        self._witness.show_nothing()

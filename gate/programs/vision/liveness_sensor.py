"""What a sensor with a verdict of its own says of the one crossing of this process.

The parent opens the connection and hands it over; the verdict is heard here, where the face is. It never delays a comparison by more than
liveness may. A sensor that is not there, falls silent or breaks its protocol has given no verdict.
"""

from __future__ import annotations

import logging
import secrets
from dataclasses import replace
from typing import TYPE_CHECKING

from drivers.pad.driver import converse
from drivers.pad.session import Session
from gate.channel import messages
from gate_core.errors import DriverError

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from drivers.pad.settings import PadProfile
    from gate.face.observation import Observation
    from gate.face.values import LiveEvidence
    from gate.face.watch import Witness
    from gate.picture import Picture

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

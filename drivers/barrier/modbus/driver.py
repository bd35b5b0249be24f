"""The barrier port over Modbus: a session's conversations on a link.

No traveller is granted twice (`drivers.barrier.promptness`): a grant's result is queried in pieces whose answers have no shape (function and
length) of an earlier question's answer. Over Modbus TCP each answer also has its question's number; one with another number is ignored.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import asdict

from drivers.barrier.board import require_rest
from drivers.barrier.driver import QUIET_SHARE, Driver
from drivers.barrier.modbus.profile import ModbusProfile
from drivers.barrier.modbus.session import Session
from drivers.barrier.orders import Urgency, loop_s
from drivers.links import Link
from drivers.modbus.exchange import byte_s, read, write_coils
from drivers.modbus.frames import FRAME_BYTES_MAX, READ_COILS, Reply, Request
from drivers.modbus.line import LineHealth, exchange, hear_no_other
from gate_core.errors import NotWellError
from gate_core.evidence.crossing import Alarm
from gate_core.ports.values import LampColour

PAUSE_S_MAX = 0.25  # between two looks of a lane
CHECK_SPARE_S = 0.2  # over the watchdog's time, before it must have noticed our silence


class ModbusBarrier(Driver[Link, Request, Reply | None]):
    """One barrier controller."""

    def __init__(
        self,
        *,
        open_link: Callable[[], Awaitable[Link]],
        profile: ModbusProfile,
        baud: int,
        unit: int = 1,
        entry_is_left: bool = True,
    ) -> None:
        self.health = LineHealth()
        self._open_link = open_link
        self._profile = profile
        self._unit = unit
        self._byte_s = byte_s(baud)
        self._session = Session(profile=profile, baud=baud, unit=unit, entry_is_left=entry_is_left, clock=loop_s)
        super().__init__(self._session, ttl_ms=profile.ttl_ms, has_lamp=profile.lamp is not None)
        self._asked: Request | None = None
        self._listened_at_s = 0.0
        self._greeting = False
        self._was_silent = False  # since then, no answer was alone on the line
        self._heard = bytearray()

    async def _open(self) -> Link:
        link = await self._open_link()
        self.health.connects += 1
        return link

    def _lose(self, error: BaseException) -> None:  # noqa: ARG002 - a recorded trace replays to the same words only without the reason
        self.close()

    async def _greet(self, *, revoke: bool) -> None:
        """Take the board over, arm its host watchdog, and make sure that no second board answers."""
        silences = self.health.silences
        self._greeting = True
        try:
            status = await self._converse(self._session.hello(revoke=revoke), urgency=None)
        finally:
            self._greeting = False
        if silences == self.health.silences:  # else a late answer would pass for another board's
            # Another board would obey every order, too.
            request = self._asked
            assert request is not None
            deadline_s = self._session.reply_deadline_s(request)
            await hear_no_other(self._require_line(), request, deadline_s=deadline_s, heard=self._heard, who="boards")
        if not self._was_silent:
            self._note(status)

    async def check(self) -> str:
        """Take the controller over, see it at rest, then stay silent and see that it reacts (safety invariant 5); report the findings.

        Grants nothing and does not move the leaf; closes the line at the end. Raises DriverError.
        """
        try:
            await self.connect()
            status = await self.status()
            await self._converse(
                self._session.rest(), urgency=Urgency.POLL
            )  # a contact must not be held while we are silent
            self._require_prompt()
            proven = await self._watchdog_proven()
            self._require_prompt()
            await self.clear_alarms(tuple(Alarm))
        finally:
            self.close()
        require_rest(status)
        return f"closed, {proven}"

    def _require_prompt(self) -> None:
        if self._session.late:
            raise NotWellError(self._session.late)

    async def _watchdog_proven(self) -> str:
        """Stay silent and see that the board reacts: with its alarm, or an output that it drops. Raises DriverError."""
        watchdog = self._profile.watchdog
        if watchdog is None:
            return f"no host watchdog; its {' and '.join(self._profile.grant_ends_by)} ends a grant"
        proof = watchdog.proof
        if proof is not None:
            await self._converse(write_coils(self._unit, proof, 1), urgency=Urgency.POLL)
            if not await self._is_on(proof):
                raise NotWellError(f"the output that proves the host watchdog (coil {proof}) does not switch on")
        await asyncio.sleep(watchdog.ms / 1000 + CHECK_SPARE_S)
        if proof is not None:
            noticed = not await self._is_on(proof)
            await self._converse(write_coils(self._unit, proof, 0), urgency=Urgency.POLL)
        else:
            noticed = Alarm.HOST_LOST in (await self.status()).alarms
        if not noticed:
            raise NotWellError("the controller did not notice our silence: its host watchdog does not work")
        return f"host watchdog of {watchdog.ms} ms works"

    async def _is_on(self, coil: int) -> bool:
        return await self._converse(read(self._unit, READ_COILS, coil, 1), urgency=Urgency.POLL) == (1,)

    def describe(self) -> dict[str, int]:
        """Return counters since the start: requests, silences, bytes outside of answers, connects, late answers."""
        return asdict(self.health) | {"late_answers": self._session.promptness.late_answers}

    async def lamp(self, colour: LampColour) -> None:
        """Show a colour."""
        await self._converse(self._session.lamp(colour), urgency=Urgency.POLL)

    async def _exchange(self, request: Request) -> Reply | None:
        """Returns None after silence."""
        link = self._require_line()
        if self._session.is_grant(request):
            self.grant_written_at_s = loop_s()
        now_s = loop_s()
        # A lane polls again soon. After a long pause the arrival time is unknown: the earliest possible one.
        self._session.overhears(link.discard(), min(now_s, self._listened_at_s + PAUSE_S_MAX))
        self._session.asks(request)
        overheard = self._session.promptness.overheard
        self._asked = request
        deadline_s = self._session.reply_deadline_s(request)
        reply, others = await exchange(
            link, request, deadline_s=deadline_s, byte_s=self._byte_s, health=self.health, heard=self._heard
        )
        self._session.hears(request, reply, others)
        self._listened_at_s = loop_s()
        if reply is None:
            self._was_silent = True
        elif self._was_silent and not self._greeting:  # which revokes, and so may not wait
            self._was_silent = not await self._quiet(self._overhear, QUIET_SHARE * deadline_s)
            if self._session.promptness.overheard != overheard:
                return None  # it may have been an earlier question's
        return reply

    async def _overhear(self, for_s: float) -> bool:
        """After an answer that followed a silence, listen for one more: the first may answer an earlier question."""
        strays = b""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(for_s):
                while True:
                    strays += await self._require_line().read(FRAME_BYTES_MAX)
        self._session.overhears(strays, loop_s())
        return bool(strays)

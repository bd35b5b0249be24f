"""The barrier port over short RS-485 frames: a session's conversations on a link.

A board that does not answer for SILENT_S is a lost line.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass

from drivers.barrier.board import require_rest
from drivers.barrier.driver import QUIET_SHARE, Driver
from drivers.barrier.framed.frames import FRAME_BYTES_MAX, Heard, Hearing
from drivers.barrier.framed.profile import FramedProfile
from drivers.barrier.framed.session import Request, Session
from drivers.barrier.orders import loop_s
from drivers.links import Link
from gate_core.errors import LinkLostError, NotWellError
from gate_core.evidence.crossing import Alarm

SILENT_S = 0.8  # no answer since the first request that had none: the wire is cut, or the board is gone
CHECK_SPARE_S = 0.2  # over the lease, before the board must have noticed our silence
# silence before a request, three and a half characters: a second answering board is then heard separately
GUARD_BITS = 35
BABBLE_S = 0.06  # an endless sender must not block for longer


@dataclass(slots=True)
class LineHealth:
    """Counters of the line since the start."""

    requests: int = 0
    silences: int = 0
    bytes_passed_over: int = 0
    strangers: int = 0
    unasked: int = 0
    connects: int = 0


class FramedBarrier(Driver[Link, Request, Heard]):
    """One board."""

    def __init__(
        self,
        *,
        open_link: Callable[[], Awaitable[Link]],
        profile: FramedProfile,
        baud: int,
        unit: int = 1,
        entry_is_left: bool = True,
    ) -> None:
        """Raises SetupError if the board cannot have this number."""
        self.health = LineHealth()
        self._open_link = open_link
        self._profile = profile
        self._session = Session(profile=profile, baud=baud, unit=unit, entry_is_left=entry_is_left, clock=loop_s)
        super().__init__(self._session, ttl_ms=profile.ttl_ms)
        self._guard_s = GUARD_BITS / baud
        self._hearing = Hearing(self._session.replies, self._session.unit)
        self._silent_since_s: float | None = None
        self._was_silent = False  # since then, no answer was alone on the line

    async def _open(self) -> Link:
        link = await self._open_link()
        self._hearing, self._silent_since_s = Hearing(self._session.replies, self._session.unit), None
        self.health.connects += 1
        return link

    async def check(self) -> str:
        """Take the board over, see it at rest and, if it has a lease, stay silent and see that it reacts (invariant 5).

        Grants nothing and does not move the leaf; closes the line at the end. Raises DriverError.
        """
        timings = self._profile.timings
        try:
            await self.connect()
            status = await self.status()
            self._require_prompt()
            ends = "an external timer ends a grant: see that it does"
            if timings.lease_ms is not None:
                ends = await self._check_lease(timings.lease_ms)
            elif timings.grant_ends_after_ms_max is not None:
                ends = f"its own timer must end a grant within {timings.grant_ends_after_ms_max} ms: only a walk shows that it does"
            self._require_prompt()
        finally:
            self.close()
        require_rest(status)
        return f"number {self._session.unit}, closed; {ends}"

    def _require_prompt(self) -> None:
        if self._session.late:
            raise NotWellError(self._session.late)

    async def _check_lease(self, lease_ms: int) -> str:
        await asyncio.sleep(lease_ms / 1000 + CHECK_SPARE_S)
        silent = await self.status()
        if Alarm.HOST_LOST not in silent.alarms:
            raise NotWellError("the board did not notice our silence: its lease does not work")
        await self.clear_alarms(tuple(Alarm))
        return f"a lease of {lease_ms} ms works"

    def describe(self) -> dict[str, int]:
        """Return counters since the start: requests, silences, bytes that were no answer of this board, connects, late answers."""
        return asdict(self.health) | {"late_answers": self._session.promptness.late_answers}

    async def _exchange(self, request: Request) -> Heard:
        """Raises LinkLostError also after too long a silence."""
        link = self._require_line()
        began_s = loop_s()
        stray = await self._stray(link)
        hearing = self._hearing
        hearing.begin(request.wire)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(request.listen_s):
                if request.grants:
                    self.grant_written_at_s = loop_s()
                if request.wire:
                    await link.write(request.wire)
                while hearing.reply is None:
                    hearing.take(await link.read(FRAME_BYTES_MAX))
        if hearing.reply is None:
            # What came in time, while this program was held up, is no late answer.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0):
                    hearing.take(await link.read(FRAME_BYTES_MAX))
        if hearing.reply is None:
            self._was_silent = self._was_silent or bool(request.wire)
        elif self._was_silent:
            self._was_silent = not await self._quiet(self._overhear, QUIET_SHARE * request.listen_s)
        heard = hearing.heard(after=stray)
        self.health.requests += bool(request.wire)
        self.health.silences += bool(request.wire) and heard.reply is None
        self.health.strangers += heard.strangers
        self.health.unasked += heard.unasked
        self.health.bytes_passed_over += heard.noise
        if heard.reply is not None:
            self._silent_since_s = None
        elif request.wire:
            self._silent_since_s = began_s if self._silent_since_s is None else self._silent_since_s
            if loop_s() - self._silent_since_s >= SILENT_S:
                raise LinkLostError(f"the board has answered nothing for {SILENT_S} s")
        return heard

    async def _overhear(self, for_s: float) -> bool:
        """After an answer that followed a silence, listen for one more: the first may answer an earlier question."""
        came = False
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(for_s):
                while True:
                    self._hearing.take(await self._require_line().read(FRAME_BYTES_MAX))
                    came = True
        return came

    async def _stray(self, link: Link) -> Heard:
        """Return what arrived unrequested since the last exchange. On return the line is quiet, or stays noisy."""
        hearing = self._hearing
        hearing.begin()
        until_s = loop_s() + BABBLE_S
        with contextlib.suppress(TimeoutError):
            while loop_s() < until_s:
                async with asyncio.timeout(self._guard_s):
                    hearing.take(await link.read(FRAME_BYTES_MAX))
            link.discard()
            hearing.forget()
        return hearing.heard()

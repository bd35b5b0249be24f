"""The sensor port over Modbus RTU: a session's conversations on a link, one request on the wire at a time. Nothing is written to the unit.

A report is never fresher than the unit's own measurement; a blind, late, silent or restarted unit never counts as an empty lane, or as one
person. After LinkLostError the caller connects again. The caller polls: no task runs here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import TypeVar

from drivers.links import Link
from drivers.modbus.exchange import Conversation, byte_s
from drivers.modbus.frames import Reply, Request
from drivers.modbus.line import LineHealth, exchange, hear_no_other
from drivers.sensors.profile import SensorProfile
from drivers.sensors.session import Session
from gate_core.errors import LinkLostError, NotWellError
from gate_core.ports.values import InsideStatus

Answer = TypeVar("Answer")


class ModbusSensors:
    """One sensor unit. All methods may be called from any task of one loop."""

    def __init__(
        self, *, open_link: Callable[[], Awaitable[Link]], profile: SensorProfile, baud: int, unit: int = 1
    ) -> None:
        self.health = LineHealth()
        self._open_link = open_link
        self._profile = profile
        self._unit = unit
        self._byte_s = byte_s(baud)
        self._session = Session(profile=profile, baud=baud, unit=unit, clock=lambda: asyncio.get_running_loop().time())
        self._turn = asyncio.Lock()
        self._link: Link | None = None
        self._asked: Request | None = None
        self._heard = bytearray()

    async def connect(self) -> None:
        """Open the line anew, check the unit, and make sure that no other one answers for it.

        Raises LinkLostError, NoReplyError, RefusedError, NotWellError or, for an unusable unit, SetupError.
        """
        self.close()
        async with self._turn:
            self.close()  # another caller may have connected while we waited
            try:
                self._link = await self._open_link()
                self.health.connects += 1
                await self._converse(self._session.hello())
                await self._hear_no_other()
            except BaseException:
                self.close()
                raise

    async def status(self) -> InsideStatus:
        """Query the unit. Raises LinkLostError, NoReplyError or RefusedError."""
        async with self._turn:
            try:
                return await self._converse(self._session.status())
            except LinkLostError:
                self.close()
                raise

    async def check(self) -> str:
        """Query twice, with a measurement in between, and report the findings. Raises DriverError.

        NotWellError lists everything that is wrong, without people and an object inside. The line is closed at the end.
        """
        try:
            await self.connect()
            await asyncio.sleep(self._profile.measurement_ms_max / 1000)
            status = await self.status()
        finally:
            self.close()
        if wrong := self._not_well(status):
            raise NotWellError("; ".join(wrong))
        left = "an object left" if status.object_left else "no object left"
        return f"{status.people} inside, {left}, measured {status.age_ms} ms ago, session {status.session}"

    def _not_well(self, status: InsideStatus) -> list[str]:
        """Return every objection to a unit in service."""
        wrong = []
        if status.age_ms > self._profile.measurement_ms_max:
            wrong.append(
                f"its measurement is {status.age_ms} ms old, {self._profile.measurement_ms_max} allowed: it does not measure"
            )
        elif status.people is None or status.object_left is None:
            unknown = "how many people are inside" if status.people is None else "whether an object was left"
            wrong.append(f"it cannot tell {unknown}")
        if status.call_pressed:
            wrong.append("the call button is pressed, or its wire is cut")
        if status.cabinet_open:
            wrong.append("the cabinet is open")
        if not status.mains_present:
            wrong.append("the mains are gone, it runs on its battery")
        return wrong

    def describe(self) -> dict[str, int]:
        """Return counters since the start: requests, silences, bytes outside of answers, connects."""
        return asdict(self.health)

    def close(self) -> None:
        """Close the line."""
        if self._link is not None:
            self._link.close()
            self._link = None

    def _require_link(self) -> Link:
        if self._link is None:
            raise LinkLostError("the sensor unit is not connected")
        return self._link

    async def _converse(self, conversation: Conversation[Answer]) -> Answer:
        """Carry out a conversation; the caller holds the turn."""
        try:
            request = next(conversation)
            while True:
                request = conversation.send(await self._exchange(request))
        except StopIteration as end:
            answer: Answer = end.value
            return answer
        finally:
            conversation.close()

    async def _exchange(self, request: Request) -> Reply | None:
        """Send one request and return its reply; None after silence. Raises LinkLostError."""
        self._asked = request
        deadline_s = self._session.reply_deadline_s(request)
        reply, _ = await exchange(
            self._require_link(),
            request,
            deadline_s=deadline_s,
            byte_s=self._byte_s,
            health=self.health,
            heard=self._heard,
        )
        return reply

    async def _hear_no_other(self) -> None:
        """Listen after the last answer: a second one is another unit's. Raises NotWellError or LinkLostError."""
        request = self._asked
        if request is None or self._session.any_late:
            return
        deadline_s = self._session.reply_deadline_s(request)
        await hear_no_other(self._require_link(), request, deadline_s=deadline_s, heard=self._heard, who="units")

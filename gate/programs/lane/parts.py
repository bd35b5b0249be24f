"""Keepers of the lane's devices: each owns a driver, reconnects it when lost, and posts its events.

A keeper reports a lost device once, and once that it is back. A device can be unplugged without effect on others.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import NoReturn, TypeVar

from gate.passage.events import DoorSeen, Event, LampAnswered, Part, PartBack, PartLost, SensorsSeen
from gate.programs.lane.barrier_orders import Kind, Ordering
from gate.programs.lane.documents import SWIPE, Documents, Presented
from gate.programs.lane.health_counters import LeafTimes
from gate.programs.shared.aligned_timer import after_pause_s
from gate.programs.shared.fault_latch import FaultLatch
from gate_core.errors import DriverError, NoReplyError, RefusedError
from gate_core.evidence.crossing import Alarm, Door
from gate_core.ports.drivers import BarrierDriver, MrzReader, SensorDriver
from gate_core.ports.values import BarrierStatus, Direction, InsideStatus, LampColour, LeafPosition
from gate_core.programs.reconnect import Backoff, keep
from gate_core.programs.task_groups import run_until_first_exits

RECONNECT_S = 0.25
LAMP_AGAIN_S = 5.0  # retry after a refused lamp
LOST_AFTER_S = 0.9  # of silence: a cut wire is detected within a second

Post = Callable[[Event], None]
Status = TypeVar("Status")
log = logging.getLogger(__name__)


async def polled(
    ask: Callable[[], Awaitable[Status]],
    heard: Callable[[Status], Awaitable[None]],
    *,
    look: asyncio.Event,
    every_s: float,
) -> NoReturn:
    """Poll until the line is lost: at once on `look`, else at most `every_s` after an answer. Raises DriverError."""
    loop = asyncio.get_running_loop()
    answered_s = loop.time()
    while True:
        look.clear()
        try:
            async with asyncio.timeout_at(answered_s + LOST_AFTER_S):
                status = await ask()
        except NoReplyError:
            if loop.time() - answered_s > LOST_AFTER_S:
                raise
            continue
        except TimeoutError as error:
            raise NoReplyError(f"silent for {LOST_AFTER_S:.1f} s") from error
        answered_s = loop.time()
        await heard(status)
        due = loop.call_at(after_pause_s(loop.time(), every_s), look.set)
        try:
            await look.wait()
        finally:
            due.cancel()


class BarrierKeeper:
    """Polls the barrier and runs the engine's orders in sequence; implements `engine.BarrierOrders`."""

    def __init__(
        self,
        driver: BarrierDriver,
        *,
        post: Post,
        poll_s: float,
        door: Door = Door.LAST,
        holds_open: Callable[[], bool] = lambda: False,
    ) -> None:
        """`holds_open`: True while a reopened line must not revoke (`gate.passage.desired_barrier_state.holds_open`)."""
        self._driver = driver
        self._holds_open = holds_open
        self._door = door
        self._part = Part.BARRIER if door is Door.LAST else Part.FIRST_BARRIER
        self._post = post
        self._poll_s = poll_s
        self._look = asyncio.Event()
        self._orders = Ordering(driver.withdraw)
        self._is_release_taken = True
        self._lamp: LampColour | None = None
        self._lamp_wanted = LampColour.RED
        self._lamp_again_s = 0.0
        self._lamp_trouble = FaultLatch(log, begins="lamp_refused", ends="lamp_shown", each=False)
        self._trouble = FaultLatch(log, begins="barrier_lost", ends="barrier_back", each=False)
        self.leaf = LeafTimes()

    def grant(self, ttl_ms: int) -> Awaitable[float | None]:
        """Grant one entry. Raises DriverError, LinkLostError at once without a line."""
        return self._orders.put(Kind.GRANT, lambda: self._grant(ttl_ms))

    async def _grant(self, ttl_ms: int) -> float | None:
        await self._driver.grant(Direction.ENTRY, ttl_ms)
        return self._driver.grant_written_at_s

    def revoke(self) -> Awaitable[None]:
        """Revoke every grant. Without a line the controller's watchdog does."""
        return self._orders.put(Kind.REVOKE, self._driver.revoke)

    def release(self) -> Awaitable[None]:
        """Open for a person inside. Until the controller has taken it, no status shows it: a leaf that closes looks open, too."""
        self._is_release_taken = False
        return self._orders.put(Kind.RELEASE, self._release)

    async def _release(self) -> None:
        await self._driver.release()
        self._is_release_taken = True

    def end_emergency(self) -> Awaitable[None]:
        """End the controller's emergency state."""
        return self._orders.put(Kind.END_EMERGENCY, self._driver.end_emergency)

    def clear_alarms(self, alarms: tuple[Alarm, ...]) -> Awaitable[None]:
        """Clear those of the controller's alarms whose cause has ended."""
        return self._orders.put(Kind.CLEAR_ALARMS, lambda: self._driver.clear_alarms(alarms))

    def describe(self) -> Mapping[str, int]:
        """Return the line's counters since the start."""
        return self._driver.describe()

    def look(self) -> None:
        """Poll now."""
        self._look.set()

    def lamp(self, colour: LampColour) -> None:
        """Set the lamp's colour, after more urgent requests."""
        self._lamp_wanted = colour

    async def run(self) -> None:
        """Keep the barrier connected until cancelled."""
        try:
            await keep(self._serve, ending=DriverError, lost=self._lose, backoff=Backoff(RECONNECT_S))
        finally:
            self._orders.close()
            self._driver.close()

    async def _serve(self) -> None:
        """Serve one line until it is lost. Raises DriverError."""
        await self._driver.connect(revoke=not self._holds_open())
        self._lamp = None
        self._orders.open()
        self._post(PartBack(self._part))
        self._trouble.is_now("")
        await run_until_first_exits(
            polled(self._driver.status, self._heard, look=self._look, every_s=self._poll_s), self._orders.run()
        )

    async def _lose(self, error: DriverError) -> None:
        self._orders.close()
        self.leaf.forget()
        if self._trouble.is_now(error):
            self._post(PartLost(self._part))
        self._driver.close()

    async def _heard(self, status: BarrierStatus) -> None:
        now_s = asyncio.get_running_loop().time()
        self.leaf.see(status.position, now_s * 1000)
        seen = door_seen(status, self._door)
        self._post(seen if self._is_release_taken else dataclasses.replace(seen, may_be_old=True))
        await self._show_lamp(now_s)

    async def _show_lamp(self, now_s: float) -> None:
        """Set the wanted colour. A refusal is reported once and retried every LAMP_AGAIN_S; the lane continues."""
        wanted = self._lamp_wanted
        if not self._driver.has_lamp or self._lamp is wanted or now_s < self._lamp_again_s:
            return
        try:
            await self._driver.lamp(wanted)
        except (RefusedError, NoReplyError) as error:
            # A single silence may be a lost line, which the next poll detects.
            is_sure = isinstance(error, RefusedError) or self._lamp_again_s > 0
            self._lamp_again_s = now_s + LAMP_AGAIN_S
            if is_sure:
                self._tell_lamp(error)
        else:
            self._lamp, self._lamp_again_s = wanted, 0.0
            self._tell_lamp("")

    def _tell_lamp(self, fault: DriverError | str) -> None:
        if self._lamp_trouble.is_now(fault):
            self._post(LampAnswered(shown=not self._lamp_trouble.words))


class Watching:
    """Implements `engine.BarrierOrders` in shadow mode: refuses every order."""

    def __init__(self) -> None:
        self.leaf = LeafTimes()  # stays empty

    def revoke(self, *_: object, **__: object) -> Awaitable[NoReturn]:
        """Refuse."""
        return _refused()

    grant = release = end_emergency = clear_alarms = revoke

    def look(self) -> None:
        """Do nothing: there is no status."""

    def lamp(self, colour: LampColour) -> None:
        """Do nothing: there is no lamp."""

    def describe(self) -> Mapping[str, int]:
        """Return no counters: there is no line."""
        return {}

    async def run(self) -> None:
        """Do nothing: there is no device."""


async def _refused() -> NoReturn:
    raise RefusedError("this gate only watches and gives no orders")


def door_seen(status: BarrierStatus, door: Door = Door.LAST) -> DoorSeen:
    """Convert a controller's status to an event. Only the position CLOSED counts as closed."""
    return DoorSeen(
        closed=status.position is LeafPosition.CLOSED,
        bodies=status.bodies,
        passages_entry=status.count_entry,
        passages_exit=status.count_exit,
        power_ups=status.restarts,
        grants_left=status.grants_left_entry + status.grants_left_exit,
        fire=status.fire,
        emergency_open=status.emergency_open,
        alarms=tuple(alarm for alarm in Alarm if alarm in status.alarms) if status.alarms else (),
        door=door,
        unknown=status.position is LeafPosition.UNKNOWN,
        may_be_old=status.may_be_old,
    )


class SensorsKeeper:
    """Polls the sensor unit between the doors and in the cabinet."""

    def __init__(self, driver: SensorDriver, *, post: Post, poll_s: float) -> None:
        self._driver = driver
        self._post = post
        self._poll_s = poll_s
        self._look = asyncio.Event()
        self._trouble = FaultLatch(log, begins="sensors_lost", ends="sensors_back", each=False)

    def look(self) -> None:
        """Poll now."""
        self._look.set()

    def describe(self) -> Mapping[str, int]:
        """Return the line's counters since the start."""
        return self._driver.describe()

    async def run(self) -> None:
        """Keep the sensors connected until cancelled."""
        try:
            await keep(self._serve, ending=DriverError, lost=self._lose, backoff=Backoff(RECONNECT_S))
        finally:
            self._driver.close()

    async def _serve(self) -> None:
        """Serve one line until it is lost. Raises DriverError."""
        await self._driver.connect()
        self._post(PartBack(Part.SENSORS))
        self._trouble.is_now("")
        await polled(self._driver.status, self._heard, look=self._look, every_s=self._poll_s)

    async def _heard(self, status: InsideStatus) -> None:
        self._post(sensors_seen(status))

    async def _lose(self, error: DriverError) -> None:
        if self._trouble.is_now(error):
            self._post(PartLost(Part.SENSORS))
        self._driver.close()


def sensors_seen(status: InsideStatus) -> SensorsSeen:
    """Convert a sensor unit's status to an event."""
    return SensorsSeen(**dataclasses.asdict(status))


class SwipeKeeper:
    """Receives MRZs from the serial reader; each opens a crossing."""

    def __init__(self, driver: MrzReader, documents: Documents) -> None:
        self._driver = driver
        self._documents = documents
        self._trouble = FaultLatch(log, begins="reader_lost", ends="reader_back", each=False)

    async def run(self) -> None:
        """Keep the reader connected until cancelled."""
        try:
            await keep(self._serve, ending=DriverError, lost=self._lose, backoff=Backoff(RECONNECT_S))
        finally:
            self._driver.close()

    async def _serve(self) -> None:
        """Serve one line until it is lost. Raises DriverError."""
        await self._driver.connect()
        self._documents.reader_back(SWIPE)
        self._trouble.is_now("")
        while True:
            # No reference to the lines stays here: the crossing takes them for its child.
            self._documents.present(Presented(((await self._driver.next_lines()).lines,)))

    async def _lose(self, error: DriverError) -> None:
        if self._trouble.is_now(error):
            self._documents.reader_lost(SWIPE)
        self._driver.close()

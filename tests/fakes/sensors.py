"""Sensor units for tests: one in memory that fills the port by itself, and the real driver before the simulated unit in virtual time."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass

from drivers.links import Link
from drivers.sensors.driver import ModbusSensors
from drivers.sensors.profile import load_profile
from gate_contract.virtual_time import run_virtual
from gate_core.errors import LinkLostError
from gate_core.ports.memory_link import MemoryLink, memory_pair
from gate_core.ports.values import InsideStatus
from hardware_sim.sensors.device import SensorDevice
from hardware_sim.sensors.unit import WARM_UP_MS

PROFILES = ("portcullis-sim", "inputs-8")
BAUD = 9_600
TICK_S = 0.02
HELD_MAX = 2_000  # the newest 40 seconds
WARM_S = WARM_UP_MS / 1000 + 0.05
ALL_WELL = InsideStatus(
    people=0, object_left=False, call_pressed=False, cabinet_open=False, mains_present=True, session=1, age_ms=0
)


class FakeSensors:
    """Fills the sensor port without bytes. Tests change `now` and `plugged`."""

    def __init__(self) -> None:
        self.now = ALL_WELL
        self.plugged = True
        self._connected = False

    async def connect(self) -> None:
        self._connected = self.plugged
        self._require_line()

    async def status(self) -> InsideStatus:
        self._require_line()
        return self.now

    async def check(self) -> str:
        await self.connect()
        self.close()
        return f"{self.now.people} inside"

    def describe(self) -> dict[str, int]:
        return {"connects": int(self._connected)}

    def close(self) -> None:
        self._connected = False

    def _require_line(self) -> None:
        if not (self._connected and self.plugged):
            raise LinkLostError("the sensor unit is not connected")


@dataclass(frozen=True)
class Held:
    """What was true at a unit at one time: what it shows, and when it measured that."""

    at_s: float
    measured_at_s: float | None
    people: int | None
    object_left: bool | None
    call: bool
    cabinet_open: bool
    mains: bool
    session: int


class SensorBench:
    """The real driver, a line in memory, and the simulated unit at its far end. `held` is what the unit showed lately, in order."""

    def __init__(self, profile: str, tasks: asyncio.TaskGroup, *, read_as: str) -> None:
        self.told: list[tuple[str, dict[str, object]]] = []
        self.device = SensorDevice(profile, lambda event, **fields: self.told.append((event, fields)))
        self.held: deque[Held] = deque(maxlen=HELD_MAX)
        self.plugged = True
        self.host_line: Callable[[Link], Link] = lambda link: link
        self.unit_line: Callable[[Link], Link] = lambda link: link
        self.requests: list[bytes] = []
        self._tasks = tasks
        self.opened: list[MemoryLink] = []
        self.sensors = ModbusSensors(open_link=self._open, profile=load_profile(read_as), baud=BAUD)

    async def _open(self) -> Link:
        if not self.plugged:
            raise LinkLostError("no such port")
        near, far = memory_pair()
        self.opened.append(near)
        self._tasks.create_task(self._serve(self.unit_line(far)))
        return self.host_line(near)

    async def _serve(self, link: Link) -> None:
        with contextlib.suppress(LinkLostError):
            while True:
                received = await link.read(256)
                self.requests.append(received)
                reply = self.device.receive(received, _now_s() * 1000)
                self._note()
                if reply:
                    await link.write(reply)

    async def live(self) -> None:
        """Let the unit's time pass for ever. Only noise is answered when silence ends it: that goes nowhere."""
        while True:
            self.device.tick(_now_s() * 1000)
            self._note()
            await asyncio.sleep(TICK_S)

    def _note(self) -> None:
        unit = self.device.unit
        measured, inside = unit.measured, unit.inside
        now = Held(
            at_s=_now_s(),
            measured_at_s=None if measured is None else measured.at_ms / 1000,
            people=None if measured is None else measured.people,
            object_left=None if measured is None else measured.object_left,
            call=unit.call_shown,
            cabinet_open=inside.cabinet_open,
            mains=inside.mains,
            session=unit.session,
        )
        self.held.append(now)

    def unplug(self) -> None:
        """Pull the cable; nothing opens until it is put back."""
        self.plugged = False
        for near in self.opened:
            near.close()


def _now_s() -> float:
    return asyncio.get_running_loop().time()


@contextlib.asynccontextmanager
async def sensor_bench(profile: str = "portcullis-sim", *, read_as: str | None = None) -> AsyncIterator[SensorBench]:
    """A bench whose unit has warmed up; it is cleared at the end. `read_as` is the driver's profile, when it is another one."""
    async with asyncio.TaskGroup() as tasks:
        made = SensorBench(profile, tasks, read_as=read_as or profile)
        living = tasks.create_task(made.live())
        await asyncio.sleep(WARM_S)
        try:
            yield made
        finally:
            living.cancel()
            made.sensors.close()
            made.unplug()


def on_sensor_bench(story: Callable[[SensorBench], Awaitable[None]], profile: str) -> None:
    """Tell a story to a connected driver."""

    async def run() -> None:
        async with sensor_bench(profile) as made:
            await made.sensors.connect()
            await story(made)

    run_virtual(run())


def unbacked(status: InsideStatus, held: Iterable[Held], now_s: float) -> list[str]:
    """What a status says that no truth of its unit bears out within the age that it claims. Empty: never fresher, never emptier."""
    since_s = now_s - status.age_ms / 1000 - 1e-6
    true = [one for one in held if one.session == status.session]
    young = [one for one in true if one.measured_at_s is not None and one.measured_at_s >= since_s]
    shown = [one for one in true if one.at_s >= since_s] or true[-1:]
    wrong = []
    if status.people is not None and status.people not in {one.people for one in young}:
        wrong.append(f"people = {status.people}")
    if status.object_left is not None and status.object_left not in {one.object_left for one in young}:
        wrong.append(f"object_left = {status.object_left}")
    if status.call_pressed not in {one.call for one in shown}:
        wrong.append(f"call_pressed = {status.call_pressed}")
    if status.cabinet_open not in {one.cabinet_open for one in shown}:
        wrong.append(f"cabinet_open = {status.cabinet_open}")
    if status.mains_present not in {one.mains for one in shown}:
        wrong.append(f"mains_present = {status.mains_present}")
    if not true:
        wrong.append(f"session = {status.session}")
    return wrong

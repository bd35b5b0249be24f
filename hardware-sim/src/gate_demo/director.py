"""Runs the demo: sends travellers, carries out a scenario's requests to the host, and records each traveller's crossings
and how late the machine was.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from gate.channel import screen_messages
from gate.programs.shared.supervisor import Child
from gate_core.evidence.screen import Screen
from gate_core.orders.order import Shift
from gate_core.programs.clock import monotonic_ms
from gate_demo.central import Central
from gate_demo.disk import LogDisk
from gate_demo.machine import Lateness, Machine
from gate_demo.officer import Officer
from gate_demo.world import Done, Host, World

TRAVELLER_DEADLINE_S = 90.0
SETTLED_DEADLINE_S = 30.0
OFFICER_FORGOTTEN_S = 6.0  # slightly longer than the demo's officer_presence_max_s


class DirectorError(Exception):
    """A traveller did not finish; `late` is the machine's lateness at that time."""

    def __init__(self, message: str, late: Lateness) -> None:
        super().__init__(message)
        self.late = late


@dataclass(slots=True)
class Visit:
    """One traveller's visit: begin and end by CLOCK_MONOTONIC, crossings in that time, and the world's result."""

    traveller: str
    scenario: str
    crossings: list[str] = field(default_factory=list)
    passed: int = 0
    late: Lateness = field(default_factory=Lateness)
    began_ms: int = 0
    ended_ms: int = 0


def plan(scenarios: list[str], travellers: int, seed: int) -> list[str]:
    """Return each scenario once and the rest genuine, in an order drawn from the seed; the first is genuine."""
    others = [name for name in scenarios if name != "genuine"][: max(0, travellers - 1)]
    rest = ["genuine"] * max(0, travellers - len(others) - 1)
    shuffled = [*others, *rest]
    random.Random(seed).shuffle(shuffled)
    return ["genuine", *shuffled][:travellers]


class Director:
    """Sends one traveller after another through the gate. `patience` multiplies the deadlines for a human officer."""

    def __init__(
        self,
        *,
        world: World,
        officer: Officer,
        programs: dict[str, Child],
        central: Central,
        disk: LogDisk,
        machine: Machine,
        on_progress: Callable[[Visit, int], None],
        patience: float = 1.0,
        supervisor: Shift | None = None,
    ) -> None:
        self._world = world
        self._officer = officer
        self._supervisor = supervisor
        self._turned = False
        self._programs = programs
        self._central = central
        self._disk = disk
        self._machine = machine
        self._patience = patience
        self._sent = 0
        self._on_progress = on_progress
        self._visit: Visit | None = None
        self._viewed = asyncio.Event()

    def see(self, view: screen_messages.View) -> None:
        """Pass the screen on to the traveller, and add its crossing to the visit."""
        visit = self._visit
        if visit is not None and view.crossing is not None and view.crossing not in visit.crossings:
            visit.crossings.append(view.crossing)
        self._world.tell({"see": {"screen": view.screen.value, "guidance": view.guidance.value}})
        self._viewed.set()

    async def run(self, scenarios: list[str]) -> list[Visit]:
        """Play these visits, after earlier ones. Raises DirectorError and WorldError."""
        visits = []
        for scenario in scenarios:
            self._sent += 1
            await self._settled(f"before traveller {self._sent}")
            self._machine.begin()
            visit = Visit(f"t{self._sent:03}", scenario, began_ms=monotonic_ms())
            self._visit = visit
            self._on_progress(visit, 0)
            self._world.tell({"do": "traveller", "id": visit.traveller, "scenario": scenario})
            try:
                async with asyncio.timeout(TRAVELLER_DEADLINE_S * self._patience):
                    world_ms = await self._until_done(visit)
            except TimeoutError:
                raise self._stuck(f"traveller {visit.traveller} ({scenario}) never left the lane") from None
            if self._turned and self._supervisor is not None:
                await self._turn("entry", self._supervisor)
                self._turned = False
            await self._settled(f"after traveller {self._sent} ({scenario})")
            visit.late, visit.ended_ms = self._machine.late(world_ms), monotonic_ms()
            visits.append(visit)
            self._on_progress(visit, 1)
        self._visit = None
        return visits

    def _stuck(self, why: str) -> DirectorError:
        return DirectorError(why, self._machine.late_throughout())

    async def _until_done(self, visit: Visit) -> int:
        """Wait for the end of the visit and record its result; return how late the world was, in milliseconds."""
        while True:
            match await self._world.next_event():
                case Host(do=deed):
                    await self._host(deed)
                    self._world.tell({"do": "host_done", "what": deed})
                case Done(id=traveller, passed=passed, late=late) if traveller == visit.traveller:
                    visit.passed = passed
                    return late.late_ms
                case _:
                    pass

    async def _settled(self, when: str) -> None:
        """Wait until the lane invites the next traveller."""
        try:
            async with asyncio.timeout(SETTLED_DEADLINE_S * self._patience):
                while not _inviting(self._officer.view):
                    self._viewed.clear()
                    await self._viewed.wait()
        except TimeoutError:
            view = self._officer.view
            shown = "nothing" if view is None else view.screen.value
            raise self._stuck(f"{when} the lane shows {shown} instead of inviting") from None

    async def _host(self, deed: str) -> None:
        match deed:
            case "kill_lane":
                self._programs["lane"].kill()
            case "fill_log_disk":
                self._disk.fill(self._log_pid())
            case "free_log_disk":
                self._disk.free(self._log_pid())
            case "release_lane":
                await self._officer.release()
            case "officer_absent":
                self._officer.absent = True
                await asyncio.sleep(OFFICER_FORGOTTEN_S)
            case "officer_back":
                self._officer.absent = False
            case "serve_exit" if self._supervisor is not None:
                await self._turn("exit", self._supervisor)
                self._turned = True
            case "central_away":
                await self._central.stop()
            case "central_back":
                await self._central.start()
            case _:
                raise DirectorError(f"a scenario asks the host for {deed}, which the demo cannot do", Lateness())

    async def _turn(self, direction: str, supervisor: Shift) -> None:
        if not await self._officer.turn(direction, supervisor):
            raise self._stuck(f"the lane is not turned to {direction}")

    def _log_pid(self) -> int:
        pid = self._programs["log"].pid
        if pid is None:
            raise self._stuck("the log program is not running")
        return pid


def _inviting(view: screen_messages.View | None) -> bool:
    return view is not None and view.screen is Screen.WELCOME and view.crossing is None

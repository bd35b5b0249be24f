"""A simulated lane: the real engine, keeper and driver, wired to a hall in place of hardware and of the other programs."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable
from dataclasses import dataclass

from drivers.barrier.modbus.driver import ModbusBarrier
from drivers.barrier.modbus.profile import ModbusProfile
from drivers.barrier.profiles import load_profile
from drivers.links import Link, MemoryLink
from gate.channel import messages
from gate.passage import records
from gate.passage.events import DocumentPresented, DocumentRemoved, Event, Part, PartBack, SiteSeen, TrackChange
from gate.passage.events import TrackChanged as TrackHasChanged
from gate.passage.evidence import Alarm, Score
from gate.passage.lane import Timing
from gate.passage.machine import Rules
from gate.passage.orders import (
    AcknowledgeAlarms,
    Admit,
    BePresent,
    Command,
    Disposition,
    EndEmergencyNow,
    Free,
    HandOver,
    OfficerRole,
    OpenLane,
    Ordered,
    Outcome,
    Said,
)
from gate.passage.policy import Policy
from gate.passage.screen import Purpose
from gate.programs.lane.engine import BarrierOrders, Engine
from gate.programs.lane.parts import BarrierKeeper
from gate.programs.lane.records import Remembered
from gate.simulate.evidence import tell
from gate.simulate.log import Left, SimulatedLog
from hardware_sim.hall.lane import Desk, Word
from hardware_sim.hall.line import BAUD, Line
from hardware_sim.hall.scene import Scene

POLL_S = 0.15  # a site may set 20 to 250 ms
SITE_S = 5.0
DAY_S = 86_400.0
LISTS_AGE_S = DAY_S  # at the beginning
PRESENCE_MAX_S = 20
SESSION_BITS = 53
RULES = Rules(
    Policy(
        face_match_min=Score(0.4), liveness_min=Score(0.5), officer_presence_max_s=PRESENCE_MAX_S, trust_age_max_days=90
    ),
    Timing(),
)
_SAID = Said("officer-1", OfficerRole.OFFICER, "simulated")


def command_of(word: Word, crossing: str) -> Command:
    """An officer's order as the lane takes it."""
    match word:
        case Word.PRESENT:
            return BePresent()
        case Word.ADMIT:
            return Admit(crossing)
        case Word.TAKE_OVER:
            return HandOver(crossing, Disposition.TAKEN_OVER)
        case Word.SEND_BACK:
            return HandOver(crossing, Disposition.WALKED_BACK)
        case Word.FREE:
            return Free()
        case Word.END_EMERGENCY:
            return EndEmergencyNow()
        case Word.ACKNOWLEDGE:
            return AcknowledgeAlarms()
        case Word.OPEN:  # pragma: no branch - the type checker proves the match complete
            return OpenLane()


@dataclass(frozen=True, slots=True)
class Tap:
    """What the engine asks of the barrier; the hall hears it as it is asked, whether or not it arrives."""

    scene: Scene
    keeper: BarrierKeeper

    def grant(self, ttl_ms: int) -> Awaitable[float | None]:
        """Grant one entry."""
        self.scene.ordered("grant")
        return self.keeper.grant(ttl_ms)

    def revoke(self) -> Awaitable[None]:
        """Take every grant back."""
        self.scene.ordered("revoke")
        return self.keeper.revoke()

    def release(self) -> Awaitable[None]:
        """Open for whoever is inside."""
        self.scene.ordered("release")
        return self.keeper.release()

    def end_emergency(self) -> Awaitable[None]:
        """Tell the controller that the emergency is over."""
        return self.keeper.end_emergency()

    def clear_alarms(self, alarms: tuple[Alarm, ...]) -> Awaitable[None]:
        """Clear alarms."""
        return self.keeper.clear_alarms(alarms)

    def look(self) -> None:
        """Ask for a fresh status now."""
        self.keeper.look()


class _Cable(MemoryLink):
    """The end of the driver's cable that is in the hall: what arrives there sets out on the line."""

    def __init__(self, line: Line) -> None:
        super().__init__()
        self._line = line

    def receive(self, payload: bytes) -> None:
        """Take what the driver sent."""
        self._line.send(payload)


class SimulatedLane:
    """Fills `hardware_sim.hall.lane.Lane`. `exchanges` counts the requests of every driver that it ever had."""

    def __init__(self, scene: Scene, rng: random.Random) -> None:
        self._scene = scene
        self._rng = rng
        self._left = Left(scene.disk, rng)
        self._log: SimulatedLog | None = None
        self._engine: Engine | None = None
        self._driver: ModbusBarrier | None = None
        self._task: asyncio.Task[None] | None = None
        profile = load_profile("portcullis-sim")
        assert isinstance(profile, ModbusProfile)
        self._profile = profile
        self._newest_import_s = scene.clock() - LISTS_AGE_S
        self._session = 0
        self._words: dict[int, Word] = {}
        self._orders = self._exchanged = 0

    @property
    def exchanges(self) -> int:
        """Requests that a driver put on the line."""
        return self._exchanged + (0 if self._driver is None else self._driver.health.requests)

    # ── the program ──────────────────────────────────────────────────────────────────────────────────────────────────

    def start(self) -> None:
        """Start the lane's program."""
        self._task = asyncio.ensure_future(self._run())

    async def die(self) -> None:
        """End it as SIGKILL does."""
        if self._log is not None:
            self._log.die()
        self._engine = self._log = None
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def fault(self) -> str:
        """What ended the program by itself."""
        task = self._task
        if task is None or not task.done() or task.cancelled() or (error := task.exception()) is None:
            return ""
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        return f"{type(error).__name__}: {error}"

    async def _run(self) -> None:
        scene = self._scene
        async with asyncio.TaskGroup() as tasks:

            async def open_link() -> Link:
                link = MemoryLink()
                link.peer = _Cable(scene.line)
                scene.line.deliver = link.receive
                return link

            self._driver = driver = ModbusBarrier(open_link=open_link, profile=self._profile, baud=BAUD)
            keeper = BarrierKeeper(driver, post=self._post, poll_s=POLL_S)
            log = SimulatedLog(self._left, post=self._post, told=self._recorded)
            self._log, self._engine = log, self._wire(Tap(scene, keeper), log)
            try:
                for running in (self._engine.run(), keeper.run(), log.run(), self._look_at_site()):
                    tasks.create_task(running)
                for part in (Part.VISION, Part.CAMERA):
                    self._post(PartBack(part))
                await asyncio.Event().wait()
            finally:
                self._exchanged, self._driver = self.exchanges, None

    def _wire(self, barrier: BarrierOrders, log: SimulatedLog) -> Engine:
        left, loop = self._left, asyncio.get_running_loop()
        return Engine(
            rules=RULES,
            barrier=barrier,
            recorder=log,
            start_crossing=self._cross,
            erase=lambda _: None,
            forget=lambda _: None,
            show=self._show,
            answer=self._answer,
            clock_ms=lambda: loop.time() * 1000,
            purpose=Purpose.DEMO,
            open_crossings=tuple(left.open),
            referred=tuple(left.referred),
            remembered=Remembered.of(left.remembered),
            missing=frozenset({Part.VISION, Part.CAMERA, Part.LOG}),
        )

    async def _look_at_site(self) -> None:
        """How old the lists are, and whether the clock can be relied on, as the lane program looks at them."""
        while True:
            age_s = self._scene.wall_s - self._newest_import_s
            self._post(SiteSeen(age_s / DAY_S, clock_sure=age_s >= 0))
            await asyncio.sleep(SITE_S)

    async def _cross(self, name: str) -> None:
        crossing = self._scene.crossing
        self._session = self._rng.getrandbits(SESSION_BITS)
        if crossing is not None and crossing.name == name:
            await tell(crossing, self._session, self._post)

    # ── what the lane does ───────────────────────────────────────────────────────────────────────────────────────────

    def _post(self, event: Event) -> None:
        if self._engine is not None:
            self._engine.post(event)

    def _show(self, view: messages.View) -> None:
        self._scene.shown(view.screen.value, view.crossing or "")

    def _answer(self, number: int, outcome: Outcome, detail: str) -> None:
        self._scene.answered(self._words.pop(number), outcome.value, detail)

    def _recorded(self, record: records.Record) -> None:
        self._scene.trace(f"writes {record.kind.value} {records.crossing_of(record) or ''}")
        if isinstance(record, records.Incident):
            self._scene.incident(record.incident.value)

    # ── what the hall does ───────────────────────────────────────────────────────────────────────────────────────────

    def lay(self, name: str) -> None:
        """A document is laid on the reader."""
        self._post(DocumentPresented(name))

    def pull(self) -> None:
        """It is taken away."""
        self._post(DocumentRemoved())

    def lose_sight(self, name: str) -> None:
        """The camera does not see this traveller any more."""
        self._post(TrackHasChanged(name, TrackChange.LOST, self._session))

    def order(self, word: Word, crossing: str = "") -> None:
        """An officer orders, answering the newest challenge. Where no lane runs, nobody hears it."""
        if self._engine is None:
            return
        self._orders += 1
        self._words = {self._orders: word, **self._words}
        self._post(Ordered(self._orders, self._engine.around.version, _SAID, command_of(word, crossing)))

    def desk(self) -> Desk:
        """What an officer is told."""
        if self._engine is None or self._log is None:
            return Desk((), alarmed=False, emergency=False, notices=(), closed=False, owed=0)
        around = self._engine.around
        return Desk(
            waiting=tuple(one.crossing for one in around.waiting),
            alarmed=any(one.waits for one in around.alarms),
            emergency=around.emergency(),
            notices=tuple(notice.value for notice in around.notices()),
            closed=around.closed_by is not None,
            owed=self._log.owed,
        )

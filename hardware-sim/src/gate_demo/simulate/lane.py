"""A simulated lane: the real engine, keepers and drivers, connected to a hall instead of hardware and other programs."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from typing import TYPE_CHECKING

from drivers.barrier.modbus.driver import ModbusBarrier
from drivers.barrier.modbus.profile import ModbusProfile
from drivers.barrier.profiles import load_profile
from drivers.sensors.driver import ModbusSensors
from drivers.sensors.profile import load_profile as load_sensor_profile
from gate.channel import screen_messages
from gate.passage import records
from gate.passage.effects import Erase
from gate.passage.events import DocumentPresented, DocumentRemoved, Event, Part, PartBack, SiteSeen, TravellerAsked
from gate.passage.events import TrackChanged as TrackHasChanged
from gate.passage.lane import Timing
from gate.passage.lasting_state import LastingState
from gate.passage.names import Disposition, Outcome, TrackChange, Wish
from gate.passage.orders import Admit, BePresent, Command, HandOver, LaneOrder, Ordered, Said
from gate.passage.policy import Policy
from gate.passage.states import Emergency, Rules
from gate.programs.lane.engine import Engine
from gate.programs.lane.parts import BarrierKeeper, SensorsKeeper
from gate.programs.lane.records import Remembered
from gate_core.evidence.crossing import Door, Score
from gate_core.evidence.names import Role
from gate_core.evidence.screen import Purpose
from gate_demo.simulate.evidence import tell, tell_document, tell_face
from gate_demo.simulate.log import Left, SimulatedLog
from gate_demo.simulate.wires import Tap, opener
from hardware_sim.hall.lane import FIRST, LAST, SENSORS, LaneReport, Word
from hardware_sim.hall.line import BAUD
from hardware_sim.hall.scene import Scene
from hardware_sim.hall.two_doors.scene import TwoDoorScene

if TYPE_CHECKING:
    from collections.abc import Callable

POLL_S = 0.15  # a site may set 20 to 250 ms
SITE_S = 5.0
DAY_S = 86_400.0
LISTS_AGE_S = DAY_S  # at the beginning
PRESENCE_MAX_S = 20
SESSION_BITS = 53
SENSORS_POLL_S = 0.1
RULES = Rules(
    Policy(
        face_match_min=Score(0.4),
        liveness_min=Score(0.5),
        officer_presence_max_s=PRESENCE_MAX_S,
        trust_age_max_days=90,
        camera_sees_zone=True,
    ),
    Timing(),
)
TWO_DOORS = replace(RULES, policy=replace(RULES.policy, sensors=True, two_doors=True))
_SAID = Said("officer-1", Role.OFFICER, "simulated")


def command_of(word: Word, crossing: str) -> Command:
    """Return an officer's order as the lane's command."""
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
            return LaneOrder.RELEASE
        case Word.END_EMERGENCY:
            return LaneOrder.END_EMERGENCY
        case Word.ACKNOWLEDGE:
            return LaneOrder.ACKNOWLEDGE
        case Word.OPEN:
            return LaneOrder.OPEN
        case Word.PAUSE:
            return LaneOrder.PAUSE
        case Word.EVACUATE:  # pragma: no branch - the type checker proves the match complete
            return LaneOrder.OPEN_EMERGENCY


class SimulatedLane:
    """Implements `hardware_sim.hall.lane.Lane`. `exchanges` counts the requests of all its drivers so far."""

    def __init__(self, scene: Scene, rng: random.Random, left: Left | None = None) -> None:
        self._scene = scene
        self._rng = rng
        self._left = left or Left(scene.disk, rng)
        self._log: SimulatedLog | None = None
        self._engine: Engine | None = None
        self._drivers: list[ModbusBarrier | ModbusSensors] = []
        self._task: asyncio.Task[None] | None = None
        self._looking: asyncio.Task[None] | None = None  # the camera between two doors
        profile = load_profile("portcullis-sim")
        assert isinstance(profile, ModbusProfile)
        self._profile = profile
        self._newest_import_s = scene.clock() - LISTS_AGE_S
        self._session = 0
        self._watched = ""  # the traveller whom the camera examines
        self._words: dict[int, Word] = {}
        self._orders = self._exchanged = 0
        self._last: LastingState | None = None  # the content of its state file

    @property
    def exchanges(self) -> int:
        """Return the number of requests that drivers have sent."""
        return self._exchanged + sum(driver.health.requests for driver in self._drivers)

    def lists_are_old(self, age_s: float) -> None:
        """Set the present age of the lists."""
        self._newest_import_s = self._scene.clock() - age_s

    # ── the program ──────────────────────────────────────────────────────────────────────────────────────────────────

    def start(self) -> None:
        """Start the lane's program."""
        self._task = asyncio.ensure_future(self._run())

    async def die(self) -> None:
        """End the program as SIGKILL does."""
        if self._log is not None:
            self._log.die()
        self._engine = self._log = None
        self._watched = ""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def fault(self) -> str:
        """Return the reason why the program ended by itself; empty while it runs."""
        task = self._task
        if task is None or not task.done() or task.cancelled() or (error := task.exception()) is None:
            return ""
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        return f"{type(error).__name__}: {error}"

    async def _run(self) -> None:
        barriers = {door: self._keeper(door) for door in self._scene.boards}
        sensors = self._sensors_keeper() if SENSORS in self._scene.lines else None
        log = SimulatedLog(self._left, post=self._post, told=self._recorded)
        async with asyncio.TaskGroup() as tasks:
            self._log, self._engine = log, self._wire(barriers, sensors, log, tasks)
            keepers = [keeper.run() for keeper in barriers.values()]
            if sensors is not None:
                keepers.append(sensors.run())
            try:
                for running in (self._engine.run(), *keepers, log.run(), self._look_at_site()):
                    tasks.create_task(running)
                for part in (Part.VISION, Part.CAMERA):
                    self._post(PartBack(part))
                await asyncio.Event().wait()
            finally:
                self._exchanged, self._drivers = self.exchanges, []

    def _keeper(self, door: str) -> BarrierKeeper:
        driver = ModbusBarrier(open_link=opener(self._scene.lines[door]), profile=self._profile, baud=BAUD)
        self._drivers.append(driver)
        return BarrierKeeper(
            driver,
            post=self._post,
            poll_s=POLL_S,
            door=Door(door),
            holds_open=lambda: self._engine is not None and isinstance(self._engine.state, Emergency),
        )

    def _keep(self, state: LastingState) -> None:
        self._last = state

    def _sensors_keeper(self) -> SensorsKeeper:
        open_link, profile = opener(self._scene.lines[SENSORS]), load_sensor_profile("portcullis-sim")
        driver = ModbusSensors(open_link=open_link, profile=profile, baud=BAUD)
        self._drivers.append(driver)
        return SensorsKeeper(driver, post=self._post, poll_s=SENSORS_POLL_S)

    def _wire(
        self,
        barriers: dict[str, BarrierKeeper],
        sensors: SensorsKeeper | None,
        log: SimulatedLog,
        tasks: asyncio.TaskGroup,
    ) -> Engine:
        left, loop, scene = self._left, asyncio.get_running_loop(), self._scene
        taps = {door: Tap(scene, keeper, door) for door, keeper in barriers.items()}

        def open_camera(name: str) -> None:
            self._looking = tasks.create_task(self._look_at(name))

        return Engine(
            rules=RULES if sensors is None else TWO_DOORS,
            barrier=taps[LAST],
            first_barrier=taps.get(FIRST),
            look_inside=sensors.look if sensors is not None else lambda: None,
            recorder=log,
            start_crossing=self._cross,
            open_camera=open_camera,
            erase=self._erase,
            forget=lambda _: None,
            show=self._show,
            answer=self._answer,
            clock_ms=lambda: loop.time() * 1000,
            purpose=Purpose.DEMO,
            open_crossings=tuple(left.open),
            referred=tuple(left.referred),
            remembered=Remembered.of(left.remembered),
            last=self._last,
            keep=self._keep,
            missing=frozenset({Part.VISION, Part.CAMERA, Part.LOG} | (set() if sensors is None else {Part.SENSORS})),
        )

    async def _look_at_site(self) -> None:
        """Report the age of the lists and whether the clock is reliable, as the lane program does."""
        while True:
            age_s = self._scene.wall_s - self._newest_import_s
            self._post(SiteSeen(age_s / DAY_S, clock_sure=age_s >= 0))
            await asyncio.sleep(SITE_S)

    async def _cross(self, name: str) -> None:
        crossing = self._scene.crossing
        self._session, self._watched = self._rng.getrandbits(SESSION_BITS), name
        if crossing is None or crossing.name != name:
            return
        if isinstance(self._scene, TwoDoorScene):
            await tell_document(crossing, self._post)
        else:
            await tell(crossing, self._session, self._post)

    async def _look_at(self, name: str) -> None:
        """Point the camera between two doors at the people there."""
        crossing, scene = self._scene.crossing, self._scene
        self._session = self._rng.getrandbits(SESSION_BITS)
        if crossing is not None and crossing.name == name and isinstance(scene, TwoDoorScene):
            await tell_face(crossing, self._session, lambda: scene.between.inside, self._post)

    def _erase(self, _: Erase) -> None:
        self._watched = ""
        if self._looking is not None:
            self._looking.cancel()
            self._looking = None

    # ── events of the lane ───────────────────────────────────────────────────────────────────────────────────────────

    def _post(self, event: Event) -> None:
        if self._engine is not None:
            self._engine.post(event)

    def _show(self, view: screen_messages.View) -> None:
        self._scene.shown(view.screen.value, view.crossing or "")

    def _answer(self, number: int, outcome: Outcome, detail: str) -> None:
        self._scene.answered(self._words.pop(number), outcome.value, detail)

    def _recorded(self, record: records.Record) -> None:
        self._scene.trace(f"writes {record.kind.value} {records.crossing_of(record) or ''}")
        if isinstance(record, records.Incident):
            self._scene.incident(record.incident.value)

    # ── events of the hall ───────────────────────────────────────────────────────────────────────────────────────────

    def lay(self, name: str) -> None:
        """Place a document on the reader."""
        self._post(DocumentPresented(name))

    def pull(self) -> None:
        """Take the document away."""
        self._post(DocumentRemoved())

    def ask(self, name: str, wish: str) -> None:
        """Let this traveller ask for something on the page."""
        self._post(TravellerAsked(f"{name}-asks", Wish(wish)))

    def lose_sight(
        self, name: str, after_s: float = 0.0, seen_ago_s: float = 0.6, size: Callable[[], float] = lambda: 1.0
    ) -> None:
        """End their track after `after_s`, unless their face was erased. It was last proved `seen_ago_s` earlier, with `size`."""
        lost = TrackHasChanged(name, TrackChange.LOST, self._session, round(seen_ago_s * 1_000))
        if not after_s:
            self._post(replace(lost, grown=size()))
            return
        later = asyncio.get_running_loop().call_later
        later(
            max(0.0, after_s - seen_ago_s),
            lambda: later(min(after_s, seen_ago_s), self._lose, replace(lost, grown=size())),
        )

    def _lose(self, lost: TrackHasChanged) -> None:
        if self._watched == lost.crossing:
            self._post(lost)

    def order(self, word: Word, crossing: str = "") -> None:
        """Give an officer's order that answers the newest challenge. Has no effect when no lane runs."""
        if self._engine is None:
            return
        self._orders += 1
        self._words = {self._orders: word, **self._words}
        self._post(Ordered(self._orders, self._engine.context.version, _SAID, command_of(word, crossing)))

    def report(self) -> LaneReport:
        """Return the report that an officer receives."""
        if self._engine is None or self._log is None:
            return LaneReport((), alarmed=False, emergency=False, notices=(), closed=False, owed=0)
        lane = self._engine.context
        return LaneReport(
            waiting=tuple(one.crossing for one in lane.waiting),
            alarmed=any(one.waits for one in lane.alarms),
            emergency=lane.emergency() or isinstance(self._engine.state, Emergency),
            notices=tuple(notice.value for notice in lane.notices()),
            closed=lane.closed_by is not None,
            owed=self._log.owed,
        )

"""The people of a walked lane: travellers of every kind and what they do when they may pass, wanderers, and officers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from fakes.passage_examples import GENUINE, SAME_FACE
from fakes.walked_lane import POLL_S, Plan, WalkedLane

from gate.passage.events import (
    DocumentPresented,
    DocumentRead,
    DocumentRemoved,
    Event,
    FaceCompared,
    FaceSeen,
    TrackChanged,
    TravellerAsked,
    VideoDoubted,
)
from gate.passage.names import Disposition, TrackChange, Wish
from gate.passage.orders import Admit, BePresent, Command, HandOver, Hold, LaneOrder
from gate_core.evidence.crossing import CameraTrouble, CheckId, CheckResult, Score
from gate_core.evidence.screen import Guidance, Screen

ADULT = replace(GENUINE, age=40)
FORGED = replace(
    ADULT,
    checks=tuple(
        replace(check, result=CheckResult.FAILED) if check.id is CheckId.SOD_SIGNATURE else check
        for check in GENUINE.checks
    ),
)
# Whom the written rules do not let go alone; of the last one the document does not tell.
RULED_OUT = (replace(GENUINE, age=11), replace(GENUINE, age=90), GENUINE)
ANOTHERS_FACE = replace(SAME_FACE, match=Score(0.1))
KINDS = ("document", "ruled out", "face", "several", "nobody", "track", "again", "removed", "video", "session")
OFFICERS = ("officer-1", "officer-1x", "officer-2", "officer-2")
WALKS = ("stays", "leaves", "walks back", "swaps", "tailgated", "met", "companion")
BLINK_S = 2.5 * POLL_S  # whoever changes places within one look of the board, no board tells from one who stayed

Said = tuple[float, Callable[[str, int], Event]]


class People:
    """Whoever comes to the lane."""

    def __init__(self, lane: WalkedLane) -> None:
        self._lane = lane
        self._rng = lane.rng
        self._known = 0
        self.absent = False  # no officer says that they are here

    def somebody(self) -> str:
        """Another person."""
        self._known += 1
        return f"p{self._known}"

    # ── travellers ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def come(self) -> None:
        """One traveller after another. For ever."""
        while True:
            await asyncio.sleep(self._rng.uniform(0.2, 4.0))
            if self._lane.shows(Screen.WELCOME) or self._rng.random() < 0.1:
                await self.cross(self.drawn())

    async def cross(self, plan: Plan) -> str:
        """One traveller: lays the document, waits, and walks when told to go. Returns the crossing."""
        lane = self._lane
        crossing = f"c{len(lane.plans)}-{plan.name}"
        lane.plans[crossing] = plan
        lane.post(DocumentPresented(crossing))
        for _ in range(500):
            await asyncio.sleep(0.1)
            if lane.view is not None and lane.view.screen is Screen.GO and lane.view.crossing == crossing:
                await self._walk(crossing, plan)
                break
            seen = lane.oracle.crossings.get(crossing)
            if seen is None or (seen.verdict is not None and not seen.waits):
                break
        return crossing

    async def _walk(self, crossing: str, plan: Plan) -> None:
        """Go through, or do something else."""
        lane, rng = self._lane, self._rng
        await asyncio.sleep(rng.uniform(0.2, 2.0))
        if plan.walk == "stays":
            return
        early = rng.random() < 0.7
        if early and plan.walk != "companion" and lane.sees:
            lane.post(TrackChanged(crossing, TrackChange.LOST, lane.session, 600, 2.5))
        lane.post(DocumentRemoved())
        if plan.walk == "leaves":
            return
        if plan.walk == "companion":  # the traveller stays before the camera
            plan = replace(plan, name=self.somebody())
            lane.oracle.count("companions")
        await asyncio.sleep(rng.uniform(0.1, 1.0))
        await self._step_in(plan.name)
        await asyncio.sleep(rng.uniform(0.3, 1.2))
        await self._go_on(plan)
        if not early and plan.walk != "companion" and lane.sees:  # where the tracker is later than the beams
            late_s = rng.uniform(0.0, 2.0)
            await asyncio.sleep(late_s)
            seen_ago_ms = 600 + round(1_000 * late_s)  # they were out of the picture when they were through
            lane.post(TrackChanged(crossing, TrackChange.LOST, lane.session, seen_ago_ms, 2.5))

    async def _go_on(self, plan: Plan) -> None:
        lane, rng = self._lane, self._rng
        match plan.walk:
            case "walks back":
                await self._step_back(plan.name)
            case "swaps":
                await self._step_back(plan.name)
                await asyncio.sleep(rng.uniform(0.3, 0.8))
                await self.wander()
            case "tailgated":
                await self._step_in(other := self.somebody())
                await asyncio.sleep(rng.uniform(0.3, 0.6))
                await self._through(plan.name)
                await asyncio.sleep(rng.uniform(0.1, 0.6))
                await self._through(other)
            case "met":
                lane.board.comes_out(self.somebody())
                await asyncio.sleep(rng.uniform(0.3, 0.6))
                await self._through(plan.name)
            case _:
                await self._through(plan.name)

    async def wander(self) -> None:
        """Somebody steps into the zone and goes wherever it is open."""
        name = self.somebody()
        await self._step_in(name)
        await asyncio.sleep(self._rng.uniform(0.4, 3.0))
        await self._through(name)

    async def _still(self) -> None:
        while (wait_s := self._lane.board.changed_s + BLINK_S - self._lane.clock()) > 0:  # noqa: ASYNC110 - others move meanwhile
            await asyncio.sleep(wait_s)

    async def _step_in(self, name: str) -> None:
        await self._still()
        self._lane.board.enters(name)

    async def _step_back(self, name: str) -> None:
        await self._still()
        if name in self._lane.board.zone:
            self._lane.board.steps_back(name)

    async def _through(self, name: str) -> None:
        """Through the leaf, or back where it does not open."""
        for _ in range(30):
            if self._lane.board.goes_through(name):
                return
            await asyncio.sleep(0.1)
        await self._step_back(name)

    # ── what is said of them ─────────────────────────────────────────────────────────────────────────────────────────

    def honest(self) -> Plan:
        """A traveller with whom nothing is wrong."""
        read_s, compared_s = self._rng.uniform(0.5, 4.0), self._rng.uniform(0.5, 4.0)
        said: list[Said] = [
            (0.3, lambda crossing, session: FaceSeen(crossing, 1, Guidance.NONE, session)),
            (read_s, lambda crossing, _: DocumentRead(crossing, ADULT)),
            (compared_s, lambda crossing, session: FaceCompared(crossing, SAME_FACE, session)),
        ]
        return Plan(self.somebody(), sorted(said, key=lambda one: one[0]))

    def drawn(self) -> Plan:
        """A traveller of any kind."""
        rng, plan = self._rng, self.honest()
        end_s = max(at_s for at_s, _ in plan.events)
        at_s = rng.choice([rng.uniform(0.1, end_s), end_s + rng.uniform(0.0, 0.4), end_s + rng.uniform(0.2, 4.0)])
        said = [*plan.events]
        if rng.random() < 0.6:
            kind = rng.choice(KINDS)
            said.append((0.4 if kind in {"document", "child", "face"} else at_s, self._doubt(kind)))
        walk = rng.choice(WALKS) if rng.random() < 0.5 else "passes"
        return Plan(plan.name, sorted(said, key=lambda one: one[0]), walk)

    def _doubt(self, kind: str) -> Callable[[str, int], Event]:
        """Something that speaks against a traveller."""
        rng = self._rng
        change, trouble = rng.choice(list(TrackChange)), rng.choice(list(CameraTrouble))
        another = f"again-{rng.getrandbits(40)}"
        doubts: dict[str, Callable[[str, int], Event]] = {
            "document": lambda crossing, _: DocumentRead(crossing, FORGED),
            "ruled out": lambda crossing, _: DocumentRead(crossing, rng.choice(RULED_OUT)),
            "face": lambda crossing, session: FaceCompared(crossing, ANOTHERS_FACE, session),
            "several": lambda crossing, session: FaceSeen(crossing, 2, Guidance.ONE_PERSON, session),
            "nobody": lambda crossing, session: FaceSeen(crossing, 0, Guidance.LOOK_AT_CAMERA, session),
            "track": lambda crossing, session: TrackChanged(crossing, change, session),
            "again": lambda _, __: DocumentPresented(another),
            "removed": lambda _, __: DocumentRemoved(),
            "video": lambda crossing, _: VideoDoubted(crossing, trouble),
            "session": lambda crossing, session: FaceSeen(crossing, 1, Guidance.NONE, session ^ 1),
        }
        return doubts[kind]

    # ── officers ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def ask(self) -> None:
        """Now and then somebody asks for something on the page, whoever it is and whatever goes on; some of them go on and on."""
        lane, rng = self._lane, self._rng
        while True:
            await asyncio.sleep(rng.uniform(20.0, 240.0))
            for _ in range(rng.choice([1, 1, 1, 1, 40])):
                lane.post(TravellerAsked(f"asks-{rng.getrandbits(64):x}", rng.choice(list(Wish))))
                await asyncio.sleep(rng.choice([0.0, 0.05, 3.0]))

    async def serve(self) -> None:
        """An officer at the lane who does what is to be done, now and then. For ever."""
        lane, rng = self._lane, self._rng
        while True:
            await asyncio.sleep(rng.uniform(1.0, 4.0))
            if not self.absent:
                lane.order(BePresent(rng.randrange(3_000)))
            waiting = lane.waiting()
            if waiting and rng.random() < 0.7:
                crossing = rng.choice(waiting)
                way = rng.choice([Disposition.WALKED_BACK, Disposition.TAKEN_OVER])
                admit = Admit(crossing, seen=rng.random() < 0.9)
                first = lane.oracle.crossings[crossing].first is not None
                settle: Command = Hold(crossing) if first and rng.random() < 0.5 else HandOver(crossing, way)
                lane.order(admit if rng.random() < 0.6 else settle, officer=rng.choice(OFFICERS))
            if (lane.shows(Screen.EMERGENCY) or lane.oracle.state_lost) and rng.random() < 0.4:
                lane.order(LaneOrder.END_EMERGENCY)
            if lane.board.alarms and rng.random() < 0.4:
                lane.order(LaneOrder.ACKNOWLEDGE)

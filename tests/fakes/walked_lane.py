"""A lane to be walked at random: the real engine and the real keeper of the barrier in virtual time, over a board, a log, a camera, and an
oracle that watches.

What people, officers and faults do with it is `fakes.walked_people`'s and `fakes.walked_troubles`'s; a walk is `fakes.walks`'s.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime

from fakes.lane_oracle import Oracle
from fakes.passage_examples import RULES, said
from fakes.walked_board import Board, Line
from fakes.walked_line import BoardDriver
from fakes.walked_log import WalkedLog

from gate.channel import screen_messages
from gate.passage import records
from gate.passage.conditions import AgeFrom
from gate.passage.events import (
    Event,
    FaceCompared,
    FaceSeen,
    Part,
    PartBack,
    PartLost,
    SiteSeen,
    Tick,
    TrackChanged,
    VideoDoubted,
)
from gate.passage.lasting_state import UNKNOWN, LastingState
from gate.passage.names import Outcome
from gate.passage.orders import Command, Ordered
from gate.passage.rule_set import Effect, Rule, RuleSet
from gate.programs.lane.engine import Engine
from gate.programs.lane.parts import BarrierKeeper
from gate_core.evidence.crossing import Alarm
from gate_core.evidence.reasons import Reason
from gate_core.evidence.screen import Purpose, Screen

WALL = datetime(2026, 11, 28, 12)  # noqa: DTZ001 - the site's own, and it stands still
WRITTEN = RuleSet(
    "walked",
    "walked",
    (
        Rule("twelve-and-older", Effect.ELIGIBLE, "", "", "", WALL.date(), WALL.date(), AgeFrom(12)),
        Rule("ninety-and-older", Effect.OFFICER, "", "", "", WALL.date(), WALL.date(), AgeFrom(90)),
    ),
)
WALKED = replace(
    RULES,
    policy=replace(RULES.policy, rules=WRITTEN.sha256, camera_sees_zone=True),
    rule_set=WRITTEN,
    two_officers_for=frozenset({Reason.FACE_BELOW_THRESHOLD, Reason.DOCUMENT_CHECK_FAILED, Reason.FACE_NOT_COMPARED}),
)
POLL_S = 0.1
STATE_LOST_SHARE = 0.1  # of the deaths after which the state file cannot be read
SITE_S = 5.0
LIVES_ON_S = 1.0  # a grant that nobody has any more, on a line that takes every order


class WatchedEngine(Engine):
    """The engine, with an ear at its queue."""

    hear: Callable[[Event], None]

    def post(self, event: Event) -> None:
        """Let the oracle hear it, too."""
        self.hear(event)
        super().post(event)


@dataclass(slots=True)
class Tap:
    """What the engine asks of the barrier, told to the oracle as it is asked, whether or not it arrives."""

    lane: WalkedLane
    keeper: BarrierKeeper

    def grant(self, ttl_ms: int) -> Awaitable[float | None]:
        """Grant one entry."""
        self.lane.oracle.grants(ttl_ms, self.lane.now_ms)
        return self.keeper.grant(ttl_ms)

    def revoke(self) -> Awaitable[None]:
        """Take every grant back."""
        self.lane.oracle.revokes(self.lane.now_ms)
        return self.keeper.revoke()

    def release(self) -> Awaitable[None]:
        """Open for whoever is inside."""
        self.lane.oracle.releases(self.lane.now_ms)
        return self.keeper.release()

    def end_emergency(self) -> Awaitable[None]:
        """Tell the controller that the emergency is over."""
        self.lane.oracle.ends_emergency(self.lane.now_ms)
        return self.keeper.end_emergency()

    def clear_alarms(self, alarms: tuple[Alarm, ...]) -> Awaitable[None]:
        """Clear alarms."""
        self.lane.oracle.clears_alarms(self.lane.now_ms)
        return self.keeper.clear_alarms(alarms)

    def look(self) -> None:
        """Ask for a fresh status now."""
        self.keeper.look()


@dataclass(slots=True)
class Plan:
    """How one traveller's crossing goes: what is said of them, after how long, and what they do when they may pass."""

    name: str
    events: list[tuple[float, Callable[[str, int], Event]]]
    walk: str = "passes"


class WalkedLane:
    """One lane with everything around it that is not drawn."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.oracle = Oracle(WALKED)
        self.clock: Callable[[], float] = asyncio.get_running_loop().time
        self.board = Board(self.clock, self.rng, count_entry=self.rng.choice([0, 2**32 - 3]))
        self.log = WalkedLog(self.rng, self.post, self._written)
        self.view: screen_messages.View | None = None
        self.vision = self.camera = self.reader = True
        self.plans: dict[str, Plan] = {}
        self.session = 0
        self.engine: WatchedEngine
        self.last: LastingState | None = None  # what its state file holds
        self._orders = 0
        self._heard_ms = 0.0
        self._runs = False
        self._begun_s = math.inf
        self._lane: asyncio.Task[None] | None = None

    # ── ports ────────────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def now_ms(self) -> float:
        """Milliseconds of this world."""
        return self.clock() * 1000

    @property
    def sees(self) -> bool:
        """True while somebody could be looked at."""
        return self.vision and self.camera

    def post(self, event: Event) -> None:
        """Something happens; where no lane program runs, nobody hears it."""
        if self._runs:
            self.engine.post(event)

    def _hear(self, event: Event) -> None:
        """The oracle hears what the engine is about to hear. What came at an earlier moment is done by then."""
        before_ms, self._heard_ms = self._heard_ms, self.now_ms
        if isinstance(event, Tick) and before_ms < self.now_ms:
            self.oracle.rests(self.now_ms, line_ms=self.board.line_good_s * 1000)
            self._hold_truth()
        fresh = not isinstance(event, Ordered) or event.version == self.engine.context.version
        self.oracle.hears(event, self.now_ms, fresh=fresh)

    def _written(self, record: records.Record, awaited: bool) -> None:  # noqa: FBT001 - a plain callback
        self.oracle.writes(record, self.now_ms, awaited=awaited)

    def _show(self, view: screen_messages.View) -> None:
        self.view = view
        self.oracle.shows(view.screen, self.now_ms)

    def shows(self, screen: Screen) -> bool:
        """True when the traveller's screen shows it."""
        return self.view is not None and self.view.screen is screen

    async def _cross(self, crossing: str) -> None:
        """Chip and camera of one crossing."""
        self.oracle.starts(crossing, self.now_ms)
        plan = self.plans.get(crossing)
        if plan is None:
            return
        session = self.session = self.rng.getrandbits(53)
        began_s = self.clock()
        for at_s, event_of in plan.events:
            await asyncio.sleep(max(0.0, began_s + at_s - self.clock()))
            event = event_of(crossing, session)
            if self.sees or not isinstance(event, FaceSeen | FaceCompared | TrackChanged | VideoDoubted):
                self.post(event)
        await asyncio.Event().wait()

    def order(self, command: Command, *, officer: str = "officer-1", behind: int = 0) -> None:
        """An officer orders; `behind`: they answer a challenge so many versions old. Who is called with an x has the key of the one without."""
        self._orders += 1
        key = frozenset({officer.rstrip("x")})
        self.post(Ordered(self._orders, self.engine.context.version - behind, said(officer), command, key))

    def waiting(self) -> list[str]:
        """The referrals that wait for an officer, as the records tell."""
        return [crossing for crossing, seen in self.oracle.crossings.items() if seen.waits]

    # ── the lane program ─────────────────────────────────────────────────────────────────────────────────────────────

    def start(self) -> None:
        """The lane program starts."""
        keeper = BarrierKeeper(BoardDriver(self.board), post=self.post, poll_s=POLL_S)
        self.engine = WatchedEngine(
            rules=WALKED,
            barrier=Tap(self, keeper),
            recorder=self.log,
            start_crossing=self._cross,
            erase=lambda erasing: self.oracle.erases(erasing.crossing, self.now_ms),
            forget=lambda _: None,
            show=self._show,
            answer=lambda number, outcome, _: self._answer(number, outcome),
            clock_ms=lambda: self.now_ms,
            purpose=Purpose.DEMO,
            open_crossings=self.log.left_open(),
            referred=self.log.referred(),
            remembered=self.log.remembered(),
            last=self.last,
            keep=self._keep,
            missing=frozenset({Part.VISION, Part.CAMERA}),
        )
        self.engine.hear = self._hear
        self._runs, self._begun_s = True, self.clock()
        self._lane = asyncio.ensure_future(self._run(keeper))

    def _keep(self, state: LastingState) -> None:
        self.last = state

    def _answer(self, number: int, outcome: Outcome) -> None:
        self.oracle.answers_order(number, outcome, self.now_ms)

    async def _run(self, keeper: BarrierKeeper) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.engine.run())
            tasks.create_task(keeper.run())
            tasks.create_task(self._look_at_site())
            for part, there in ((Part.VISION, self.vision), (Part.CAMERA, self.sees)):
                if there:
                    self.post(PartBack(part))
            if not self.reader:
                self.post(PartLost(Part.READER))

    async def _look_at_site(self) -> None:
        while True:
            self.post(SiteSeen(1.0, clock_sure=True, local=WALL))
            await asyncio.sleep(SITE_S)

    async def restart(self) -> None:
        """The lane program dies and starts anew; what it owed the log is gone with it. One that is not there yet does not die."""
        if not self._runs:
            return
        await self.end()
        self.log.owed = []
        if is_lost := random.Random(self.now_ms).random() < STATE_LOST_SHARE:
            self.last = UNKNOWN
        self.oracle.restarted(self.now_ms, self.log.durable, state_lost=is_lost)
        await asyncio.sleep(self.rng.uniform(0.3, 3.0))
        self.log.up = True  # a lane waits for its log before it serves
        self.start()

    async def end(self) -> None:
        """The lane program ends."""
        self._runs, self._begun_s = False, math.inf
        if self._lane is not None:
            self._lane.cancel()
            await asyncio.gather(self._lane, return_exceptions=True)

    def raise_what_ended(self) -> None:
        """Raise what ended the lane program, if it ended by itself: a broken invariant most of all."""
        if self._lane is not None and self._lane.done() and not self._lane.cancelled():
            error = self._lane.exception()
            while isinstance(error, BaseExceptionGroup):
                error = error.exceptions[0]
            raise AssertionError("the lane ended") if error is None else error

    # ── the truth ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _hold_truth(self) -> None:
        """What the board alone knows: grants never add up or live on, and none lets anybody but the first in the zone through."""
        board, oracle = self.board, self.oracle
        if board.doubled:
            oracle.broken("3", "the board was given a grant while one was outstanding")
        last_s = max(board.granted_at_s, board.line_good_at_s, oracle.revoked_ms / 1000)
        lives = board.granted_until_s is not None and self.clock() < board.granted_until_s
        nobodys = oracle.grant is None and oracle.screen is not Screen.EMERGENCY
        if lives and nobodys and board.line is Line.GOOD and self.clock() - last_s > LIVES_ON_S:
            oracle.broken("line 1", "a grant that nobody has any more lives on")
        while board.truth:
            one = board.truth.pop(0)
            oracle.note(self.now_ms, f"    ({one.name} went {'through' if one.entry else 'out'} by {one.by})")
            oracle.count(f"truth: {'in' if one.entry else 'out'} by {one.by}")
            # Who pushes in before the traveller has moved, no beam can tell; but the first in the zone it must stay. In an emergency the
            # way is open to everybody, and nothing is taken back (7): what is left of a grant then lets nobody in.
            # Nor does anybody see who changes places while the line is silent, or the lane is away.
            seen_s = min(one.line_good_s, one.at_s - self._begun_s)
            standing = seen_s > max(LIVES_ON_S, one.at_s - one.first_at_s) and oracle.screen is not Screen.EMERGENCY
            if one.by == "grant" and standing and one.first != one.name:
                oracle.broken("4", f"{one.name} went through by a grant on which {one.first} had come into the zone")

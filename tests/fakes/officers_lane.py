"""A lane's engine and its desk of orders over fakes that only remember, on a virtual clock."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field, replace
from typing import Any

from core_fakes.shifts import GATE, NOW_S, PUBLIC, shift
from fakes.passage_examples import AT_REST, CROSSING, GENUINE, RULES, SAME_FACE

from gate.channel import order_messages
from gate.passage import records, states
from gate.passage.events import DocumentPresented, DocumentRead, DoorSeen, FaceCompared, NotRecorded, Recorded, SiteSeen
from gate.passage.names import Outcome, RecordKind
from gate.passage.records import Record
from gate.programs.lane.engine import Engine
from gate.programs.lane.officers import Officers
from gate.programs.lane.referrals import Referrals
from gate_contract.virtual_time import run_virtual
from gate_core.errors import LinkLostError
from gate_core.evidence.crossing import Alarm, Score
from gate_core.evidence.screen import Purpose
from gate_core.orders.order import Challenge, Shift
from gate_core.orders.verbs import VERBS, Verb

POLL_S = 0.05


@dataclass
class Lane:
    """One lane whose traveller has another face than the document. What its devices do is a field."""

    seen: DoorSeen = AT_REST
    grant_fails: bool = False
    grant_hangs: bool = False
    grant_stands: bool = True
    release_opens: bool = True
    silent: bool = False
    log_full: bool = False
    log_silent: bool = False
    genuine: bool = False
    rules: states.Rules = RULES
    wall_s: int | None = NOW_S
    floor_s: int = 0
    authority: bytes | None = PUBLIC
    secret: bytes = bytes(32)
    referrals: Referrals = field(default_factory=Referrals)
    orders: list[str] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    engine: Engine = field(init=False)
    desk: Officers = field(init=False)

    def __post_init__(self) -> None:
        self.engine = Engine(
            rules=self.rules,
            barrier=self,
            recorder=self,
            start_crossing=self.cross,
            erase=lambda _: None,
            forget=lambda _: None,
            show=lambda _: None,
            answer=lambda number, outcome, detail: self.desk.answer(number, outcome, detail),  # noqa: PLW0108 - made below
            clock_ms=self.clock_ms,
            purpose=Purpose.DEMO,
            open_crossings=(),
        )
        self.restart()

    def restart(self) -> None:
        """A new desk, as after a new start of the lane: with another secret unless the same one is kept."""
        self.desk = Officers(
            lane=self.engine,
            gate=GATE,
            authority=self.authority,
            secret=self.secret,
            clock_ms=self.clock_ms,
            wall_s=lambda: self.wall_s,
            floor_s=lambda: self.floor_s,
            referrals=self.referrals,
            rules=self.rules,
        )

    @staticmethod
    def clock_ms() -> float:
        return asyncio.get_running_loop().time() * 1000

    # ── what the engine asks of its ports ────────────────────────────────────────────────────────────────────────────

    async def grant(self, ttl_ms: int) -> float | None:
        self.orders.append(f"grant {ttl_ms}")
        if self.grant_hangs:
            await asyncio.sleep(60)
        if self.grant_fails:
            raise LinkLostError("cut")
        self.seen = replace(self.seen, grants_left=int(self.grant_stands))
        return asyncio.get_running_loop().time()

    async def revoke(self) -> None:
        self.orders.append("revoke")
        self.seen = replace(self.seen, grants_left=0)

    async def release(self) -> None:
        self.orders.append("release")
        if self.release_opens:
            self.seen = replace(self.seen, closed=False)

    async def end_emergency(self) -> None:
        self.orders.append("end_emergency")
        self.seen = replace(self.seen, emergency_open=False)

    async def clear_alarms(self, alarms: tuple[Alarm, ...]) -> None:
        self.orders.append("clear_alarms")
        self.seen = replace(self.seen, alarms=tuple(alarm for alarm in self.seen.alarms if alarm not in alarms))

    def look(self) -> None:
        self.engine.post(self.seen)

    def append(self, record: Record, *, awaited: bool) -> None:
        self.records.append(record)
        self.referrals.record(record)
        if awaited and not self.log_silent:
            crossing = records.crossing_of(record) or ""
            answer = NotRecorded if self.log_full else Recorded
            self.engine.post(answer(crossing, record.kind))

    async def cross(self, crossing: str) -> None:
        self.engine.post(DocumentRead(crossing, GENUINE))
        self.engine.post(FaceCompared(crossing, SAME_FACE if self.genuine else replace(SAME_FACE, match=Score(0.1))))

    # ── what a test does ─────────────────────────────────────────────────────────────────────────────────────────────

    async def poll(self) -> None:
        while True:
            if not self.silent:
                self.engine.post(self.seen)
            await asyncio.sleep(POLL_S)

    async def refer(self, crossing: str = CROSSING) -> None:
        """A traveller comes and is referred."""
        self.engine.post(DocumentPresented(crossing))
        while not isinstance(self.engine.state, states.Referred):  # noqa: ASYNC110 - the clock is virtual
            await asyncio.sleep(POLL_S)

    def sign(self, verb: Verb, by: Shift | None = None, *, challenge: Challenge | None = None, **named: Any) -> bytes:
        """An order that answers a fresh challenge, complete for its verb."""
        rule, look = VERBS[verb], self.desk.look()
        fresh = Challenge(issued_ms=look.issued_ms, nonce=look.nonce, version=look.version)
        fields: dict[str, Any] = {
            "gate": GATE,
            "challenge": challenge or fresh,
            "crossing": CROSSING if rule.crossing else None,
            "reason": "I know her" if rule.reason else "",
            "argument": rule.arguments[0] if rule.arguments else "eu" if rule.named else None,
        }
        return (by or shift()).sign(verb, **{**fields, **named})

    async def say(self, verb: Verb, by: Shift | None = None, **named: Any) -> order_messages.OrderAnswer:
        """Sign and submit."""
        return await self.desk.submit(self.sign(verb, by, **named))

    def answer_for(self, kind: RecordKind) -> None:
        """The log, which was silent, has the record."""
        self.engine.post(Recorded(CROSSING, kind))

    def written(self, kind: type[Record]) -> list[Record]:
        return [record for record in self.records if isinstance(record, kind)]


def at_a_lane(story: Callable[[Lane], Awaitable[None]], **devices: Any) -> Lane:
    """Play a story on a virtual clock; the lane as it ended."""
    lane = Lane(**devices)

    async def play() -> None:
        async def run(coroutine: Coroutine[Any, Any, None]) -> None:
            await coroutine

        running = [asyncio.ensure_future(run(lane.engine.run())), asyncio.ensure_future(run(lane.poll()))]
        lane.engine.post(SiteSeen(1.0, clock_sure=True))
        await asyncio.sleep(POLL_S * 2)
        try:
            await story(lane)
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    run_virtual(play())
    return lane


def outcome(answer: order_messages.OrderAnswer) -> Outcome:
    return answer.outcome

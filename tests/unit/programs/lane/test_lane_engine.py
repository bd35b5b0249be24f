"""The lane's loop over a virtual clock and fakes that only remember."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from fakes.passage_examples import AT_REST, CROSSING, GENUINE, RULES, SAME_FACE, ordered

from gate.channel import screen_messages
from gate.passage import records, states
from gate.passage.draw_periods import due
from gate.passage.draws import OF, Draw
from gate.passage.events import (
    Counters,
    DocumentPresented,
    DocumentRead,
    DoorSeen,
    DrawDue,
    Event,
    FaceCompared,
    Part,
    PartBack,
    Recorded,
    SiteSeen,
)
from gate.passage.names import ClosedAs, Disposition, Outcome, RecordKind
from gate.passage.orders import Admit, BePresent, HandOver, LaneOrder, ServeTravellers
from gate.passage.policy import Verdict
from gate.programs.lane.engine import Engine
from gate.programs.lane.records import Remembered
from gate_core.errors import LinkLostError
from gate_core.evidence.crossing import Alarm
from gate_core.evidence.reasons import Objection, Reason
from gate_core.evidence.screen import Purpose, Screen
from gate_core.evidence.service_scope import EU, BorderDirection, Service


class World:
    """Barrier, log and screens of one engine under test."""

    def __init__(
        self,
        *,
        grant_fails: bool = False,
        open_crossings: tuple[str, ...] = (),
        referred: tuple[str, ...] = (),
        missing: frozenset[Part] = frozenset(),
        remembered: Remembered | None = None,
        rules: states.Rules = RULES,
    ) -> None:
        self.orders: list[str] = []
        self.records: list[records.Record] = []
        self.views: list[screen_messages.View] = []
        self.answers: list[tuple[int, Outcome, str]] = []
        self.erased: list[str] = []
        self.forgotten: list[str] = []
        self.grant_fails = grant_fails
        self.lane: DoorSeen = AT_REST
        self.engine = Engine(
            rules=rules,
            barrier=self,
            recorder=self,
            start_crossing=self.cross,
            erase=lambda erasing: self.erased.append(erasing.crossing),
            forget=self.forgotten.append,
            show=self.views.append,
            answer=lambda number, outcome, detail: self.answers.append((number, outcome, detail)),
            clock_ms=lambda: asyncio.get_running_loop().time() * 1000,
            purpose=Purpose.DEMO,
            open_crossings=open_crossings,
            referred=referred,
            missing=missing,
            remembered=remembered,
        )

    async def grant(self, ttl_ms: int) -> float | None:
        self.orders.append(f"grant {ttl_ms}")
        if self.grant_fails:
            raise LinkLostError("cut")
        return asyncio.get_running_loop().time()

    async def revoke(self) -> None:
        self.orders.append("revoke")

    async def release(self) -> None:
        self.orders.append("release")
        raise LinkLostError("cut")

    async def end_emergency(self) -> None:
        self.orders.append("end_emergency")

    async def clear_alarms(self, alarms: tuple[Alarm, ...]) -> None:
        self.orders.append(f"clear {' '.join(alarm.value for alarm in alarms)}")

    def look(self) -> None:
        self.orders.append("look")
        self.engine.post(self.lane)

    def append(self, record: records.Record, *, awaited: bool) -> None:
        self.records.append(record)
        if awaited:
            self.engine.post(Recorded(records.crossing_of(record) or "", record.kind))

    async def cross(self, crossing: str) -> None:
        self.orders.append("cross")
        self.engine.post(DocumentRead(crossing, GENUINE))
        self.engine.post(FaceCompared(crossing, SAME_FACE))

    async def tell(self, *events: Event) -> None:
        """Tell the engine, and let it do what comes of it."""
        for event in events:
            self.engine.post(event)
        for _ in range(50):
            await asyncio.sleep(0)


Start = Callable[..., Awaitable[World]]
SOUND = (AT_REST, ordered(BePresent()), SiteSeen(1.0, clock_sure=True))


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Start an engine with what `World` takes, tell it these events, and stop it at the end."""
    running: list[asyncio.Task[None]] = []

    async def begin(*events: Event, **world: Any) -> World:
        made = World(**world)
        running.append(asyncio.ensure_future(made.engine.run()))
        await made.tell(*events)
        return made

    yield begin
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)


@pytest.fixture
async def world(start: Start) -> World:
    return await start(*SOUND)


async def test_a_crossing_runs_from_document_to_grant(world: World) -> None:
    await world.tell(DocumentPresented(CROSSING))
    assert world.orders == ["cross", "look", "grant 10000"]
    assert world.views[-1].screen is Screen.GO
    kinds = [record.kind for record in world.records]
    assert kinds.index(RecordKind.OPENED) < kinds.index(RecordKind.DECIDED) < kinds.index(RecordKind.GRANTED)
    decided = next(record for record in world.records if isinstance(record, records.Decided))
    assert decided.decision is Verdict.ADMIT
    assert decided.evidence.face == replace(SAME_FACE, age_ms=0)


async def test_the_closing_record_tells_when_each_stage_was_reached(world: World) -> None:
    await world.tell(DocumentPresented(CROSSING))
    await world.tell(replace(AT_REST, closed=False, passages_entry=1), replace(AT_REST, passages_entry=1))
    closed = next(record for record in world.records if isinstance(record, records.Closed))
    assert closed.verdict is ClosedAs.ADMITTED
    assert {"presented", "opened", "decided", "granted", "grant_written", "passed"} <= closed.stages_ms.keys()
    assert world.erased == [CROSSING]


async def test_a_document_that_opens_nothing_is_forgotten_and_the_one_that_does_is_kept_until_it_is_read(
    world: World,
) -> None:
    """Its lines lay in the lane until the next document came, which may be never."""
    world.engine.post(DocumentPresented(CROSSING))
    world.engine.post(DocumentPresented("again, while the first one is opened"))
    while "cross" not in world.orders:
        await asyncio.sleep(0)
        assert CROSSING not in world.forgotten
    await world.tell()
    await world.tell(
        DocumentPresented("again, and that takes the grant back"), DocumentPresented("while an officer helps")
    )
    assert isinstance(world.engine.state, states.Referred)
    assert world.forgotten == [
        "again, while the first one is opened",
        CROSSING,  # taken long ago
        "again, and that takes the grant back",
        "while an officer helps",
    ]


async def test_a_document_laid_behind_a_passing_traveller_is_kept_for_its_crossing(world: World) -> None:
    await world.tell(DocumentPresented(CROSSING))
    await world.tell(replace(AT_REST, closed=False, passages_entry=1), DocumentPresented("early"))
    assert isinstance(world.engine.state, states.Passing)
    assert "early" not in world.forgotten
    await world.tell(replace(AT_REST, closed=False, passages_entry=1, fire=True))
    assert world.forgotten[-1] == "early"


async def test_a_grant_that_fails_is_revoked_and_referred(start: Start) -> None:
    world = await start(*SOUND, DocumentPresented(CROSSING), grant_fails=True)
    assert world.orders == ["cross", "look", "grant 10000", "revoke"]
    assert world.views[-1].referred == CROSSING
    assert world.engine.state == states.Referred(CROSSING, (Objection(Reason.BARRIER_LOST, "grant"),))


async def test_an_order_on_a_lost_line_does_not_end_the_engine(world: World) -> None:
    await world.tell(ordered(LaneOrder.RELEASE))
    assert world.orders == ["release"]
    await world.tell(DocumentPresented(CROSSING))
    assert "grant 10000" in world.orders


async def test_crossings_that_an_earlier_run_left_open_are_closed_first(start: Start) -> None:
    world = await start(open_crossings=("old",))
    assert world.records == [records.Closed("old", ClosedAs.REFERRED, (Objection(Reason.LANE_RESTARTED),))]
    assert world.views[-1].referred == "old"


async def test_who_is_recorded_to_be_through_when_the_program_dies_was_admitted_and_waits_for_nobody(
    start: Start,
) -> None:
    world = await start(open_crossings=("through", "other"), remembered=Remembered(through="through"))
    assert world.records == [
        records.Closed("through", ClosedAs.ADMITTED),
        records.Closed("other", ClosedAs.REFERRED, (Objection(Reason.LANE_RESTARTED),)),
    ]
    assert world.views[-1].referred == "other"
    (waits,) = world.engine.context.waiting
    assert waits.crossing == "other"
    assert waits.since_ms > 0, "how long it waits is counted from this start"


async def test_a_crossing_of_an_earlier_run_of_which_a_record_is_missing_is_granted_to_nobody(start: Start) -> None:
    world = await start(
        AT_REST,
        ordered(BePresent()),
        ordered(Admit("old")),
        open_crossings=("old",),
        remembered=Remembered(replaced=("old",)),
    )
    assert world.answers[-1][1:] == (Outcome.IMPOSSIBLE, "a record of this crossing could not be kept")


async def test_who_went_through_while_the_program_was_away_is_in_the_books_of_the_crossing_it_left(
    start: Start,
) -> None:
    world = await start(open_crossings=("old",), remembered=Remembered(Counters(0, 4, 1)))
    now = replace(AT_REST, passages_entry=1, passages_exit=4)
    await world.tell(now, now)
    unseen = records.PassedBy.UNSEEN
    assert [record for record in world.records if isinstance(record, records.Passed | records.Counted)] == [
        records.Passed("old", 1, unseen, counters=now.counters)
    ]


async def test_an_alarm_that_waits_for_an_officer_outlives_a_restart_and_closes_the_lane_until_it_is_acknowledged(
    start: Start,
) -> None:
    world = await start(*SOUND, remembered=Remembered(alarms=(Alarm.FORCED,)))
    assert world.views[-1].screen is Screen.CLOSED
    await world.tell(ordered(LaneOrder.ACKNOWLEDGE), AT_REST)
    assert world.views[-1].screen is Screen.WELCOME
    assert [record.alarm for record in world.records if isinstance(record, records.AlarmEnded)] == [Alarm.FORCED]


async def test_a_lane_that_an_officer_closed_stays_closed_over_a_restart_until_one_opens_it(start: Start) -> None:
    world = await start(*SOUND, remembered=Remembered(closed_by="anna"))
    assert (world.views[-1].screen, world.engine.context.closed_by) == (Screen.CLOSED, "anna")
    await world.tell(ordered(LaneOrder.OPEN))
    assert world.views[-1].screen is Screen.WELCOME


async def test_what_a_lane_was_ordered_to_serve_it_serves_after_a_restart(start: Start) -> None:
    both = replace(RULES, service=Service((BorderDirection.ENTRY, BorderDirection.EXIT)))
    world = await start(
        *SOUND,
        DocumentPresented(CROSSING),
        remembered=Remembered(direction=BorderDirection.EXIT, travellers="eu"),
        rules=both,
    )
    assert (world.views[-1].direction, world.views[-1].travellers) == (BorderDirection.EXIT, "eu")
    assert records.Opened(CROSSING, BorderDirection.EXIT) in world.records
    decided = next(record for record in world.records if isinstance(record, records.Decided))
    assert decided.policy.travellers == EU
    assert decided.reasons == (Objection(Reason.DOCUMENT_CHECK_MISSING, "nationality"),)


async def test_what_a_lane_drew_by_it_draws_by_after_a_restart_and_states_anew(start: Start) -> None:
    draw = Draw("2026-12-05", OF, bytes(32))
    kept = Remembered().after(records.DrawCommitted(draw.day, OF, draw.sha256, draw))
    world = await start(
        *SOUND,
        remembered=Remembered.of(kept.to_bytes()),
        rules=replace(RULES, policy=replace(RULES.policy, random_checks_per_10000=OF)),
    )
    again = due(world.engine.context, draw.day, OF, bytes(range(32)))
    assert again == DrawDue(draw)
    await world.tell(again, DocumentPresented(CROSSING))
    stated, opened = world.records[-4:-2]
    assert (type(stated), type(opened)) == (records.DrawCommitted, records.Opened)
    decided = next(record for record in world.records if isinstance(record, records.Decided))
    assert decided.reasons == (Objection(Reason.RANDOM_CHECK),)
    assert kept.after(records.DrawRevealed(draw.day, draw.sha256, draw.secret.hex())) == Remembered()


async def test_a_lane_of_one_direction_shows_none(world: World) -> None:
    await world.tell(ordered(ServeTravellers("eu")))
    assert (world.views[-1].screen, world.views[-1].direction, world.views[-1].travellers) == (
        Screen.WELCOME,
        None,
        "eu",
    )


async def test_crossings_that_waited_before_a_restart_wait_after_it_and_are_settled_once(start: Start) -> None:
    """The log told the open ones only: a referral that waited when the lane died was never settled."""
    world = await start(referred=("old-1", "old-2"))
    assert world.records == []  # they have their verdict
    assert world.views[-1].referred == "old-2"
    for number, crossing in enumerate(("old-2", "old-1")):
        await world.tell(ordered(HandOver(crossing, Disposition.TAKEN_OVER), version=number))
    assert [records.crossing_of(record) for record in world.records] == ["old-2", "old-1"]
    assert world.views[-1].screen is Screen.CLOSED


@pytest.mark.parametrize("missing", [frozenset({Part.VISION, Part.CAMERA}), frozenset()])
async def test_nobody_is_invited_before_every_part_was_heard_of(start: Start, missing: frozenset[Part]) -> None:
    """A lane that never had vision showed WELCOME, and a traveller found out."""
    world = await start(SiteSeen(1.0, clock_sure=True), AT_REST, missing=missing)
    assert {view.screen for view in world.views} == ({Screen.CLOSED} if missing else {Screen.CLOSED, Screen.WELCOME})
    for part in sorted(missing, key=lambda one: one.value):
        world.engine.post(PartBack(part))
    await world.tell()
    assert world.views[-1].screen is Screen.WELCOME
    assert not [one for one in world.records if isinstance(one, records.Incident)]
    assert world.engine.turned_ms < 5_000


async def test_the_view_names_the_state_of_the_document_as_long_as_its_crossing_runs_or_waits(world: World) -> None:
    world.engine.issued_by(CROSSING, "D")
    assert world.views[-1].issuer is None, "nobody is served"
    await world.tell(DocumentPresented(CROSSING))
    assert {view.issuer for view in world.views if view.crossing == CROSSING} == {"D"}
    await world.tell(DocumentPresented("again, and that takes the grant back"))
    assert (world.views[-1].screen, world.views[-1].referred, world.views[-1].issuer) == (Screen.OFFICER, CROSSING, "D")
    world.engine.issued_by("one that is not served", "F")
    assert world.views[-1].issuer is None

"""The table of degraded modes: each row is made to happen at a lane, which must do with travellers what the row says."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from fakes.officers_lane import POLL_S, Lane, at_a_lane
from fakes.passage_examples import CROSSING, GENUINE

from drivers.barrier.settings import Modbus
from drivers.camera.settings import Network
from drivers.reader.settings import Elyctis
from gate.channel.message import Status
from gate.passage import states
from gate.passage.events import (
    DocumentPresented,
    DocumentRead,
    HeadSeen,
    Part,
    PartBack,
    PartLost,
    SensorsSeen,
    SiteSeen,
)
from gate.passage.interior import Interior
from gate.passage.names import ClosedAs
from gate.passage.policy import PadPolicy
from gate.programs.lane.documents import Documents
from gate.programs.lane.health_counters import LATEST, ORDER_S_MAX, QUESTIONS_MIN, LeafTimes, Tally
from gate.programs.lane.published_status import counted, told
from gate.programs.log.server import Growth
from gate.programs.shared import degraded_modes
from gate.programs.shared.config import Audit, Config, Officers, Sync
from gate.programs.shared.degraded_modes import MODES, modes_now
from gate.programs.shared.program_status import ProgramStatus, Silence
from gate_core.evidence.crossing import Alarm, CheckId, DocumentEvidence, Score
from gate_core.evidence.names import Head
from gate_core.evidence.registers import Register
from gate_core.evidence.screen import Purpose, Screen
from gate_core.orders.verbs import Verb

CONFIG = Config(
    purpose=Purpose.DEMO,
    gate_id="g",
    operator="o",
    barrier=Modbus(port="/dev/b"),
    swipe=Elyctis(port="/dev/s"),
    camera=Network(address="http://127.0.0.1:1/"),
    audit=Audit(recipients=("age1x",)),
    officers=Officers(authority="A" * 43 + "="),
    sync=Sync(address="c:1", identity="i", mirror_vkey="v"),
)
WELL: dict[str, dict[str, Any]] = {
    "log": {"disk_free_bytes": 50 << 30, "disk_total_bytes": 100 << 30, "disk_days_left": 900.0},
    "vision": {"hot": []},
    "lane": {},
    "sync": {"problem": None, "certificate_days_left": 60.0, "lists": {"problem": None}},
    "screens": {"page": "shown"},
    "registers": {"registers": {"stolen-documents": {"state": "ready", "edition": 7}}, "problem": None},
}


@dataclass
class Gate:
    """A lane of a gate whose other programs say that all is well, but for what a test has them say."""

    lane: Lane
    more: dict[str, dict[str, Any]] = field(default_factory=dict)
    away: set[str] = field(default_factory=set)
    tally: Tally = field(default_factory=Tally)
    leaf: LeafTimes = field(default_factory=LeafTimes)

    def modes(self) -> set[str]:
        """The rows that hold."""
        now_ms = int(self.lane.clock_ms())
        of_the_lane = {
            **told(self.lane.engine.context, self.lane.engine.state, now_ms),
            **counted(self.tally, 0, leaf_slow=self.leaf.slow),
        }
        said = {**WELL, "lane": of_the_lane}
        answers: dict[str, Status | Silence] = {
            name: Silence.AWAY if name in self.away else Status(name, "ready", {**detail, **self.more.get(name, {})})
            for name, detail in said.items()
        }
        return {mode.name for mode in modes_now(ProgramStatus.of(answers), CONFIG)}

    def lose(self, *parts: Part) -> None:
        for part in parts:
            self.lane.engine.post(PartLost(part))

    async def serve(self, *, laid_is_judged: bool) -> degraded_modes.Lane:
        """What becomes of a genuine traveller, as the table puts it. Who is not invited, and lays a document all the same, is referred, unless
        that is `laid_is_judged` like any other.
        """
        await asyncio.sleep(POLL_S * 4)
        state = self.lane.engine.state
        invites = isinstance(state, states.Idle) and state.shown is Screen.WELCOME
        self.lane.engine.post(DocumentPresented(CROSSING))
        await asyncio.sleep(POLL_S)
        over = states.Granted | states.Referred | states.Emergency  # in an emergency a document begins nothing
        while not isinstance(self.lane.engine.state, over):  # noqa: ASYNC110 - virtual
            await asyncio.sleep(POLL_S)
        admitted = isinstance(self.lane.engine.state, states.Granted)
        if invites:
            return degraded_modes.Lane.OPEN if admitted else degraded_modes.Lane.REFERS
        assert admitted is laid_is_judged
        return degraded_modes.Lane.CLOSED


Story = Callable[[Gate], Awaitable[None] | None]


def says(program: str, **detail: Any) -> Story:
    return lambda gate: gate.more.setdefault(program, {}).update(detail)


def loses(*parts: Part) -> Story:
    return lambda gate: gate.lose(*parts)


def is_silent(gate: Gate) -> None:
    gate.lane.silent = True
    gate.lose(Part.BARRIER)


def loses_the_log(gate: Gate) -> None:
    gate.lane.log_full = True
    gate.lose(Part.LOG)


def fills_the_disk(gate: Gate) -> None:
    loses_the_log(gate)
    gate.more["log"] = {"disk_full": True}


def loses_its_lane(gate: Gate) -> None:
    """The lane's program is away: nobody shows a traveller anything, and no document is heard of."""
    gate.away.add("lane")
    is_silent(gate)


def loses_readers(*names: str) -> Story:
    def story(gate: Gate) -> None:
        documents = Documents(readers=frozenset({"swipe", "page"}), post=gate.lane.engine.post)
        for name in names:
            documents.reader_lost(name)
        gate.more["lane"] = {"readers": documents.readers()}

    return story


def reads_no_chip(gate: Gate) -> None:
    async def cross(crossing: str) -> None:
        gate.lane.engine.post(DocumentRead(crossing, DocumentEvidence.unreadable("no reader", CheckId.CHIP_ACCESS)))

    gate.lane.engine._start_crossing = cross
    gate.more["lane"] = {"chip": "the chip reader went away"}


def sees(**inside: Any) -> Story:
    def story(gate: Gate) -> None:
        seen = {"people": 0, "object_left": False, "call_pressed": False, "cabinet_open": False, "mains_present": True}
        gate.lane.engine._context = replace(gate.lane.engine.context, interior=Interior())
        gate.lane.engine.post(SensorsSeen(**{**seen, **inside}, session=1))

    return story


def loses_its_sensors(gate: Gate) -> None:
    rules = gate.lane.engine._rules
    gate.lane.engine._rules = replace(rules, policy=replace(rules.policy, sensors=True))
    gate.lose(Part.SENSORS)


def finds_a_log_that_nobody_confirms(gate: Gate) -> None:
    rules = gate.lane.engine._rules
    gate.lane.engine._rules = replace(rules, policy=replace(rules.policy, head_required=True))
    gate.lane.engine.post(HeadSeen(Head.UNCONFIRMED, 7, "00" * 32, 1.0))


def raises_an_alarm(gate: Gate) -> None:
    gate.lane.seen = replace(gate.lane.seen, alarms=(Alarm.FORCED,))


async def has_no_officer(gate: Gate) -> None:
    await asyncio.sleep(CONFIG.rules.officer_presence_max_s + 1)
    gate.lane.engine.post(SiteSeen(1.0, clock_sure=True))


def has_a_week_of_disk(gate: Gate) -> None:
    growth = Growth()
    growth.see(0.0, 10 << 30)
    gate.more["log"] = {"disk_days_left": growth.days_left(86_400.0, 8 << 30)}


def has_a_poor_line(gate: Gate) -> None:
    gate.tally.line("barrier", {"requests": QUESTIONS_MIN, "silences": QUESTIONS_MIN // 50})


def has_a_slow_leaf(gate: Gate) -> None:
    from gate_core.ports.values import LeafPosition as At

    at_ms = 0.0
    for took_ms in [*[500.0] * 50, *[900.0] * 5]:
        for position, passes_ms in ((At.CLOSED, 100.0), (At.OPENING, took_ms), (At.OPEN, 1000.0), (At.CLOSING, 500.0)):
            gate.leaf.see(position, at_ms)
            at_ms += passes_ms


def test_the_row_of_late_orders_has_the_counters_own_limits() -> None:
    (row,) = (mode for mode in MODES if mode.name == "orders_late")
    assert f"the last {LATEST} " in row.when
    assert f"later than {ORDER_S_MAX:g} s" in row.when


def frees_late(gate: Gate) -> None:
    gate.tally.order_took("release", 0.61)


def loses_chips(gate: Gate) -> None:
    for number in range(LATEST):
        gate.tally._read(GENUINE if number % 2 else DocumentEvidence.unreadable("gone", CheckId.CHIP_ACCESS))


def cannot_read_pages(gate: Gate) -> None:
    for number in range(LATEST):
        gate.tally.page(read=bool(number % 2))


def is_dark(gate: Gate) -> None:
    from gate.passage import records
    from gate_core.evidence.screen import Guidance

    for _ in range(LATEST):
        gate.tally.guided(Guidance.MORE_LIGHT)
        gate.tally.record(records.Closed("c", ClosedAs.ADMITTED, stages_ms={"face_compared": 3_000.0}))


def must_be_answered_by_a_register(gate: Gate) -> None:
    """By none that answers."""
    rules = gate.lane.engine._rules
    gate.lane.engine._rules = replace(rules, policy=replace(rules.policy, registers=(Register("stolen-documents"),)))


def test_a_register_that_is_suspended_is_not_silent() -> None:
    said: dict[str, object] = {"registers": {"entry-exit": {"state": "suspended", "edition": None}}, "problem": None}
    assert modes_now(ProgramStatus.of({"registers": Status("registers", "ready", said)}), CONFIG) == ()


def loses_its_sensor(gate: Gate) -> None:
    """The one whose verdict on liveness the lane must have."""
    rules = gate.lane.engine._rules
    wanted = PadPolicy("Simulated PAD", ("1",), Score(0.5), 1000)
    gate.lane.engine._rules = replace(rules, policy=replace(rules.policy, pad=wanted))
    gate.more["vision"] = {"sensor": "lost: its service does not answer"}


def loses_its_registers(gate: Gate) -> None:
    must_be_answered_by_a_register(gate)
    gate.away.add("registers")


def has_a_silent_register(gate: Gate) -> None:
    must_be_answered_by_a_register(gate)
    gate.more["registers"] = {"registers": {"stolen-documents": {"state": "list_old", "edition": 7}}}


def forgets_what_it_was(gate: Gate) -> None:
    """Its state file is lost with an earlier run."""
    engine = gate.lane.engine
    engine._context = replace(engine._context, state_unknown=True)
    engine._state = states.Emergency()


STORIES: dict[str, Story] = {
    "lane_away": loses_its_lane,
    "barrier_gone": is_silent,
    "sensors_gone": loses_its_sensors,
    "state_unknown": forgets_what_it_was,
    "state_not_kept": loses(Part.STATE),
    "readers_gone": loses_readers("swipe", "page"),
    "one_reader_down": loses_readers("page"),
    "chip_reader_gone": reads_no_chip,
    "vision_away": loses(Part.VISION),
    "camera_gone": loses(Part.CAMERA),
    "liveness_sensor_gone": loses_its_sensor,
    "camera_slow": says("lane", frames_per_second=2.5),
    "log_away": loses_the_log,
    "disk_full": fills_the_disk,
    "head_unconfirmed": finds_a_log_that_nobody_confirms,
    "disk_nearly_full": has_a_week_of_disk,
    "lists_old": lambda gate: gate.lane.engine.post(SiteSeen(91.0, clock_sure=True)),
    "lists_ending": lambda gate: gate.lane.engine.post(SiteSeen(85.0, clock_sure=True)),
    "rules_ending": says("lane", rules={"version": "v1", "days_left": 6}),
    "lists_not_imported": says("sync", lists={"problem": "the folder holds no list"}),
    "registers_away": loses_its_registers,
    "register_silent": has_a_silent_register,
    "signed_lists_refused": says("registers", problem="stolen-8.note: has 1 numbers after 4"),
    "clock_unsure": lambda gate: gate.lane.engine.post(SiteSeen(1.0, clock_sure=False)),
    "officer_absent": has_no_officer,
    "barrier_alarm": raises_an_alarm,
    "cabinet_open": sees(cabinet_open=True),
    "mains_lost": sees(mains_present=False),
    "central_away": says("sync", problem="no answer within 120 s"),
    "certificate_ending": says("sync", certificate_days_left=6.9),
    "page_gone": loses(Part.SCREEN),
    "screens_away": says("screens", page="not shown"),
    "throttled": says("vision", hot=["cpu-thermal"]),
    "machine_late": says("lane", late=True),
    "line_poor": has_a_poor_line,
    "orders_late": frees_late,
    "leaf_slow": has_a_slow_leaf,
    "chips_failing": loses_chips,
    "pages_unclear": cannot_read_pages,
    "light_poor": is_dark,
}


JUDGED = {"readers_gone", "state_not_kept"}  # without a reader nothing can be laid; a decision rests on no state file


def test_every_row_has_its_test() -> None:
    assert set(STORIES) == {mode.name for mode in MODES}
    assert len({mode.name for mode in MODES}) == len(MODES)


def played(story: Story, *, laid_is_judged: bool = False) -> tuple[set[str], set[str], degraded_modes.Lane]:
    """Which rows hold before and after, and what becomes of a traveller."""
    found: list[Any] = []

    async def play(lane: Lane) -> None:
        gate = Gate(lane)
        await lane.say(Verb.PRESENT)
        for part in (Part.VISION, Part.CAMERA, Part.LOG):
            lane.engine.post(PartBack(part))
        await asyncio.sleep(POLL_S * 2)
        found.append(gate.modes())
        if (playing := story(gate)) is not None:
            await playing
        await asyncio.sleep(POLL_S * 4)
        found.append(gate.modes())
        found.append(await gate.serve(laid_is_judged=laid_is_judged))

    at_a_lane(play, genuine=True)
    before, after, became = found
    return before, after, became


@pytest.mark.parametrize("name", STORIES)
def test_a_row_holds_when_it_happens_and_the_lane_does_what_it_says(name: str) -> None:
    (mode,) = (one for one in MODES if one.name == name)
    before, after, became = played(STORIES[name], laid_is_judged=name in JUDGED)
    assert before == set()
    assert name in after
    assert became is mode.lane
    assert after - {name} <= {"lists_ending"} if name == "lists_old" else after == {name} or name == "lane_away"


def test_a_gate_that_misses_nothing_admits() -> None:
    assert played(lambda _: None) == (set(), set(), degraded_modes.Lane.OPEN)


def test_what_says_something_else_than_it_should_has_said_nothing() -> None:
    told_ = ProgramStatus.of({"lane": Status("lane", "ready", {"lost": 7, "in_service": True})})
    assert not told_.lane.in_service

"""Orders that free people, under keys that must not: two hundred attempts each, none obeyed, each with an alarm; and the genuine ones, all obeyed."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest
from core_fakes.shifts import NOW_S, OTHER_AUTHORITY, shift
from fakes.officers_lane import Lane, at_a_lane
from fakes.stories import told_to

from gate.passage import misuse, records
from gate.passage.lane import Timing
from gate.passage.names import IncidentKind, Outcome
from gate.passage.orders import Missing, Said
from gate_core.evidence.crossing import Notice
from gate_core.evidence.names import Role
from gate_core.orders import certificate, order
from gate_core.orders.order import Lack, Order, Shift
from gate_core.orders.verbs import Party, Power, Verb

ATTEMPTS = 200
DAY_S = 24 * 3600
TEN_YEARS_S = 3653 * DAY_S
FREEING = (Verb.RELEASE, Verb.OPEN_EMERGENCY)
REFUSED, EXPIRED = IncidentKind.FREEING_REFUSED, IncidentKind.EXPIRED_KEY_USED


def over_since(seconds: int, **changes: Any) -> Shift:
    """A shift of an hour that ended so long before NOW_S."""
    return shift(not_before=NOW_S - seconds - 3600, until=NOW_S - seconds, **changes)


@dataclass(frozen=True)
class Case:
    """Whose orders, at what sort of gate, and why they must not be obeyed (empty: they must)."""

    name: str
    by: Shift
    lacks: tuple[Lack, ...]
    gate: dict[str, Any] = field(default_factory=dict)
    named: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name


LONG_OVER, UNSURE = Lack.SHIFT_LONG_OVER, Lack.CLOCK_UNSURE
MUST_NOT = [
    Case("expired_ten_years_ago", over_since(TEN_YEARS_S), (LONG_OVER,)),
    Case("certified_for_another_gate", shift(gates=("north-8",)), (Lack.GATE_NOT_CERTIFIED,)),
    Case("named_another_gate", shift(), (Lack.OTHER_GATE,), named={"gate": "north-8"}),
    Case("auditor", shift(role=Role.AUDITOR), (Lack.ROLE,)),
    Case("airports_officer", shift(party=Party.AIRPORT), (Lack.ROLE,)),
    Case(
        "all_of_these",
        over_since(TEN_YEARS_S, gates=("north-8",), party=Party.AIRPORT, role=Role.AUDITOR),
        (Lack.ROLE, Lack.GATE_NOT_CERTIFIED, LONG_OVER),
    ),
    Case("expired_a_day_and_a_second_ago", over_since(DAY_S + 1), (LONG_OVER,)),
    Case(
        "clock_set_back",
        over_since(DAY_S + 1),
        (LONG_OVER,),
        gate={"wall_s": NOW_S - DAY_S - 60, "floor_s": NOW_S},
    ),
    Case("clock_unsure", over_since(DAY_S + 1), (UNSURE, LONG_OVER), gate={"wall_s": None, "floor_s": NOW_S}),
]
NOBODYS = [
    Case("another_authority", shift(authority=OTHER_AUTHORITY), ()),
    Case("a_gate_without_officers", shift(), (), gate={"authority": None}),
]
LATELY = [
    Case("expired_a_second_ago", over_since(1), (Lack.SHIFT_OVER,)),
    Case("expired_a_day_ago", over_since(DAY_S), (Lack.SHIFT_OVER,)),
    Case(
        "expired_lately_clock_set_back",
        over_since(DAY_S),
        (Lack.SHIFT_OVER,),
        gate={"wall_s": NOW_S - DAY_S - 60, "floor_s": NOW_S},
    ),
    Case(
        "expired_lately_clock_unsure",
        over_since(DAY_S),
        (UNSURE, Lack.SHIFT_OVER),
        gate={"wall_s": None, "floor_s": NOW_S},
    ),
]
GENUINE = [
    Case("officer", shift(), ()),
    Case("technician", shift(role=Role.TECHNICIAN), ()),
    Case("integrators_technician", shift(party=Party.INTEGRATOR, role=Role.TECHNICIAN), ()),
    Case("officer_clock_unsure", shift(), (UNSURE,), gate={"wall_s": None, "floor_s": NOW_S}),
    Case("officer_clock_unsure_at_its_floor", shift(), (UNSURE,), gate={"wall_s": None, "floor_s": 0}),
    Case("shift_not_begun", shift(not_before=NOW_S + 1), (Lack.SHIFT_NOT_BEGUN,)),
]


def attempts(case: Case) -> tuple[int, Lane]:
    """How many of the attempts were obeyed; the lane as it stood a while after the last."""
    obeyed = 0

    async def story(lane: Lane) -> None:
        nonlocal obeyed
        for number in range(ATTEMPTS):
            answer = await lane.say(FREEING[number % 2], case.by, reason=str(number), **case.named)
            obeyed += answer.outcome is Outcome.DONE
            assert answer.outcome in {Outcome.DONE, Outcome.FORBIDDEN}
            if number == 0:
                await asyncio.sleep(0.01)  # at once: the machine has its turn, and no time limit has run out
                lane.first = told(lane)  # type: ignore[attr-defined]
        await asyncio.sleep(2 * Timing().misuse_again_ms / 1000)

    lane = at_a_lane(story, **case.gate)
    return obeyed, lane


def told(lane: Lane) -> list[records.Incident]:
    """The incidents of officers' keys."""
    kinds = {REFUSED, EXPIRED}
    return [one for one in lane.records if isinstance(one, records.Incident) and one.incident in kinds]


def alarms(lane: Lane, kind: IncidentKind) -> int:
    """How often the log says that a key was misused so; every other one is none of ours."""
    assert {one.incident for one in told(lane)} <= {kind}
    return sum(one.count or 0 for one in told(lane))


def shown(lane: Lane) -> list[Notice]:
    mine = {Notice.FREEING_REFUSED, Notice.EXPIRED_KEY_USED}
    return [notice for notice in lane.engine.context.notices() if notice in mine]


@pytest.mark.parametrize("case", [*MUST_NOT, *NOBODYS], ids=str)
def test_of_two_hundred_attempts_none_frees_anybody_and_each_raises_an_alarm(case: Case) -> None:
    obeyed, lane = attempts(case)
    print(f"{case}: {obeyed} of {ATTEMPTS} obeyed, {alarms(lane, REFUSED)} alarms")  # noqa: T201 - the count that is asked for
    assert obeyed == 0
    assert lane.orders == []
    assert alarms(lane, REFUSED) == ATTEMPTS
    assert len(told(lane)) == 2, "a flood fills no log"
    assert lane.first == told(lane)[:1], "the first is written at once"  # type: ignore[attr-defined]
    assert shown(lane) == [Notice.FREEING_REFUSED]
    assert {one.crossing for one in told(lane)} == {None}
    if case in NOBODYS:
        assert {one.order for one in told(lane)} == {None}
    else:
        for one in told(lane):
            assert one.order is not None
            assert (one.order.officer, one.order.reason) == ("anna", "")
            assert one.order.missing == tuple(Missing(lack.value) for lack in case.lacks)


@pytest.mark.parametrize("case", LATELY, ids=str)
def test_a_key_that_expired_within_a_day_frees_people_each_time_with_an_alarm(case: Case) -> None:
    obeyed, lane = attempts(case)
    print(f"{case}: {obeyed} of {ATTEMPTS} obeyed, {alarms(lane, EXPIRED)} alarms")  # noqa: T201 - the count that is asked for
    assert obeyed == ATTEMPTS
    assert alarms(lane, EXPIRED) == ATTEMPTS
    assert lane.first == told(lane)[:1]  # type: ignore[attr-defined]
    assert shown(lane) == [Notice.EXPIRED_KEY_USED]
    freed = [one for one in lane.records if isinstance(one, records.Released)]
    assert {one.order.missing[: len(case.lacks)] for one in freed} == {
        tuple(Missing(lack.value) for lack in case.lacks)
    }


@pytest.mark.parametrize("case", GENUINE, ids=str)
def test_a_genuine_order_frees_people_each_time_and_raises_no_alarm(case: Case) -> None:
    obeyed, lane = attempts(case)
    print(f"{case}: {obeyed} of {ATTEMPTS} obeyed, {len(told(lane))} alarms")  # noqa: T201 - the count that is asked for
    assert obeyed == ATTEMPTS
    assert told(lane) == []
    assert shown(lane) == []


@pytest.mark.parametrize("case", [one for one in MUST_NOT if len(set(one.lacks) - {UNSURE}) == 1], ids=str)
def test_each_condition_switched_off_lets_its_key_free_people_again(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    blockers = {**order._BLOCKERS, Power.FREES: order._BLOCKERS[Power.FREES] - {*case.lacks}}
    monkeypatch.setattr(order, "_BLOCKERS", blockers)
    assert attempts(case)[0] == ATTEMPTS


@pytest.mark.parametrize("case", [one for one in MUST_NOT if one.gate], ids=str)
def test_without_the_floor_a_clock_that_is_set_back_or_unsure_makes_the_key_good_again(case: Case) -> None:
    assert attempts(Case(case.name, case.by, (), {**case.gate, "floor_s": 0}))[0] == ATTEMPTS


# ── what a clock that is set back does not give back ─────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("verb", [Verb.PRESENT, Verb.ADMIT, Verb.VIEW, Verb.CLOSE, Verb.HAND_OVER])
@pytest.mark.parametrize("floored", [True, False])
def test_a_wall_clock_that_is_set_back_revives_no_shift(verb: Verb, *, floored: bool) -> None:
    by = over_since(1)

    async def story(lane: Lane) -> None:
        await lane.refer()
        for _ in range(3):
            answer = await lane.say(verb, by)
            if floored:
                assert (answer.outcome, answer.detail) == (Outcome.FORBIDDEN, f"{verb.value} by anna: shift_over")
        if not floored:  # the control off
            assert answer.outcome is not Outcome.FORBIDDEN
        assert (lane.desk.look().present == []) is (floored or verb is not Verb.PRESENT)
        await asyncio.sleep(0.01)

    lane = at_a_lane(story, wall_s=NOW_S - 60, floor_s=NOW_S if floored else 0)
    assert bool(lane.written(records.Presence)) is (verb is Verb.PRESENT and not floored)
    assert lane.written(records.Overruled) == [] or not floored
    assert bool(told(lane)) is floored
    if floored:
        said = Said("anna", Role.OFFICER, "", (Missing.SHIFT_OVER,))
        assert told(lane)[0] == records.Incident(None, EXPIRED, 1, order=said)


@told_to(at_a_lane)
async def test_to_a_shift_that_the_floor_ended_nothing_more_is_sealed(lane: Lane) -> None:
    by = shift(sealing="Z13VdO13iTELPS52gfN5C0ZsdzsVIf7PNld5WDcepS8=")
    assert (await lane.say(Verb.PRESENT, by)).outcome is Outcome.DONE
    assert len(lane.desk.recipients()) == 1
    lane.floor_s = NOW_S + 3600
    assert lane.desk.recipients() == ()


@told_to(at_a_lane, wall_s=None)
async def test_permission_is_not_taken_away_by_a_shift_that_the_floor_alone_ended(lane: Lane) -> None:
    for floor_s, outcome in ((NOW_S, Outcome.DONE), (NOW_S + 3600, Outcome.FORBIDDEN)):
        lane.floor_s = floor_s
        assert (await lane.say(Verb.CLOSE)).outcome is outcome


# ── alarms ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_alarm_stands_until_an_officer_acknowledges_it_and_rises_again_with_the_next() -> None:
    async def story(lane: Lane) -> None:
        auditor, late = shift(8, role=Role.AUDITOR, officer="bert"), over_since(1, officer="carl")
        await lane.say(Verb.RELEASE, auditor)
        await lane.say(Verb.RELEASE, late)
        assert shown(lane) == [Notice.FREEING_REFUSED, Notice.EXPIRED_KEY_USED]
        await asyncio.sleep(600)
        assert shown(lane) == [Notice.FREEING_REFUSED, Notice.EXPIRED_KEY_USED]
        assert (await lane.say(Verb.ACKNOWLEDGE, late)).outcome is Outcome.FORBIDDEN
        assert (await lane.say(Verb.ACKNOWLEDGE)).outcome is Outcome.DONE
        assert shown(lane) == []
        assert (await lane.say(Verb.ACKNOWLEDGE)).detail == "there is no alarm"
        await lane.say(Verb.RELEASE, auditor)
        await asyncio.sleep(0.01)
        assert shown(lane) == [Notice.FREEING_REFUSED]

    officers = [None if one.order is None else one.order.officer for one in told(at_a_lane(story))]
    assert officers == ["bert", "carl", "carl", "bert"]


@told_to(at_a_lane)
async def test_the_lane_serves_on_however_many_orders_are_refused(lane: Lane) -> None:
    assert (await lane.say(Verb.PRESENT)).outcome is Outcome.DONE
    await lane.say(Verb.RELEASE, shift(role=Role.AUDITOR))
    await asyncio.sleep(0.1)
    assert lane.engine.context.in_service()


@told_to(at_a_lane)
async def test_whoever_has_many_keys_fills_no_log_either(lane: Lane) -> None:
    count = misuse.OFFICERS_MAX + 20
    for _ in range(3):
        for number in range(count):
            await lane.say(Verb.RELEASE, shift(role=Role.AUDITOR, officer=f"officer-{number}"))
        await asyncio.sleep(0.01)
    assert len(told(lane)) == misuse.OFFICERS_MAX + 1
    await asyncio.sleep(60)
    assert alarms(lane, REFUSED) == 3 * count
    assert len(told(lane)) == 2 * (misuse.OFFICERS_MAX + 1)


@told_to(at_a_lane)
async def test_a_misuse_that_was_acknowledged_is_forgotten_once_it_is_over(lane: Lane) -> None:
    await lane.say(Verb.RELEASE, shift(role=Role.AUDITOR))
    await lane.say(Verb.ACKNOWLEDGE)
    assert lane.engine.context.misuses != ()
    await asyncio.sleep(11)
    assert lane.engine.context.misuses == ()


@told_to(at_a_lane)
async def test_a_replayed_release_of_a_key_that_expired_opens_nothing_more(lane: Lane) -> None:
    release = lane.sign(Verb.RELEASE, over_since(1))
    for _ in range(3):
        await lane.desk.submit(release)
    assert lane.orders == ["release"]
    assert alarms(lane, EXPIRED) == 1


@pytest.mark.parametrize("raw", [b"", bytes(65), bytes(certificate.CERTIFICATE_BYTES_MAX), b"x" * 10_000])
@told_to(at_a_lane)
async def test_what_is_no_order_raises_no_alarm(lane: Lane, *, raw: bytes) -> None:
    assert (await lane.desk.submit(raw)).outcome is Outcome.FORBIDDEN
    await asyncio.sleep(0.1)
    assert told(lane) == []


def test_a_freeing_order_is_in_the_machine_before_its_alarm() -> None:
    orders: list[str] = []

    class Told(list[Any]):
        def append(self, record: Any) -> None:
            orders.append(type(record).__name__)
            super().append(record)

    async def story(lane: Lane) -> None:
        lane.records = Told()
        await lane.say(Verb.RELEASE, over_since(1))

    at_a_lane(story)
    assert orders.index("Released") < orders.index("Incident")


@pytest.mark.parametrize(
    ("verb", "by", "incidents"),
    [
        (Verb.PRESENT, over_since(1), [EXPIRED]),
        (Verb.CLOSE, over_since(1), [EXPIRED]),
        (Verb.PRESENT, shift(), []),
        (Verb.RELEASE, over_since(1), [REFUSED]),
        (Verb.RELEASE, over_since(DAY_S + 1), [REFUSED]),
        (Verb.RELEASE, shift(), [REFUSED]),
    ],
)
@told_to(at_a_lane)
async def test_an_order_with_an_argument_too_many_is_refused_and_its_key_is_judged_as_with_any_other(
    lane: Lane, *, monkeypatch: pytest.MonkeyPatch, verb: Verb, by: Shift, incidents: list[IncidentKind]
) -> None:
    with monkeypatch.context() as made:
        made.setattr(Order, "problem", lambda _: "")
        raw = lane.sign(verb, by, argument="now")
    assert (await lane.desk.submit(raw)).outcome is Outcome.FORBIDDEN
    assert not lane.desk.look().present
    await asyncio.sleep(0.01)
    assert [one.incident for one in told(lane)] == incidents
    assert all(one.order is not None and one.order.officer == "anna" for one in told(lane))
    assert lane.orders == []

"""The lane's desk of orders: attacks on it, and answers by what the lane did."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from core_fakes.shifts import AUTHORITY, GATE, NOW_S, OTHER_AUTHORITY, certificate, key_of, shift
from fakes.officers_lane import POLL_S, Lane, at_a_lane
from fakes.passage_examples import AT_REST, CROSSING
from fakes.stories import told_to

from gate.channel import order_messages, screen_messages
from gate.channel.errors import ChannelError
from gate.channel.message import words
from gate.channel.sockets import connect
from gate.channel.table import CHANNELS
from gate.passage import records, states
from gate.passage.events import DocumentPresented, HeadSeen, Part, PartLost
from gate.passage.lane import LaneContext, Referral
from gate.passage.names import IncidentKind, Outcome
from gate.passage.orders import Missing, Said
from gate.passage.records import Counted, ObeyedVerb
from gate.programs.lane.officers import FREED_MAX, _admission
from gate.programs.shared.terminal import Terminal
from gate_core.evidence.crossing import Alarm
from gate_core.evidence.names import Head, Role
from gate_core.evidence.reasons import Objection, Reason
from gate_core.orders import order
from gate_core.orders.certificate import certify
from gate_core.orders.order import Challenger, Lack, Shift
from gate_core.orders.verbs import Party, Power, Verb

ANNA = shift(7)
BERT = shift(8, officer="bert")
GRANT = "grant 10000"


# ── nobody's orders ──────────────────────────────────────────────────────────────────────────────────────────────────


@told_to(at_a_lane)
async def test_an_order_of_another_authority_or_key_admits_nobody(lane: Lane) -> None:
    forged = [shift(7, authority=OTHER_AUTHORITY), Shift(key_of(8), certify(certificate(7), AUTHORITY))]
    await lane.refer()
    for by in forged:
        answer = await lane.say(Verb.ADMIT, by)
        assert answer.outcome is Outcome.FORBIDDEN
        assert "signature" in answer.detail
        (waits,) = answer.referred
        assert (waits.crossing, waits.objections) == (
            CROSSING,
            [Objection(Reason.FACE_BELOW_THRESHOLD), Objection(Reason.OFFICER_ABSENT)],
        )
    assert (await lane.desk.submit(b"")).outcome is Outcome.FORBIDDEN
    assert (await lane.say(Verb.RELEASE, forged[0])).outcome is Outcome.FORBIDDEN  # not even that
    assert lane.orders == []
    assert lane.written(records.Overruled) == []


@pytest.mark.parametrize("party", [Party.AIRPORT, Party.INTEGRATOR])
@told_to(at_a_lane)
async def test_whoever_works_for_no_police_is_no_officer_here_whatever_their_certificate_says(
    lane: Lane, *, party: Party
) -> None:
    await lane.refer()
    for by in (shift(7, party=party), shift(8, party=party, role=Role.SUPERVISOR)):
        for verb in (Verb.PRESENT, Verb.ADMIT, Verb.VIEW, Verb.HAND_OVER):
            answer = await lane.say(verb, by)
            assert (answer.outcome, answer.detail) == (Outcome.FORBIDDEN, f"{verb.value} by anna: role")
    assert lane.desk.look().present == []
    assert (await lane.say(Verb.RELEASE, shift(7, party=party))).outcome is Outcome.FORBIDDEN
    assert lane.written(records.Overruled) == []


@told_to(at_a_lane, authority=None)
async def test_a_gate_without_an_authority_has_no_officers(lane: Lane) -> None:
    await lane.refer()
    for verb in (Verb.PRESENT, Verb.ADMIT, Verb.RELEASE):
        answer = await lane.say(verb)
        assert answer.outcome is Outcome.FORBIDDEN
        assert "authority" in answer.detail
    assert not lane.desk.look().officers
    assert lane.orders == []


@told_to(at_a_lane)
async def test_a_flood_of_forged_orders_writes_nothing_and_says_little(
    lane: Lane, *, caplog: pytest.LogCaptureFixture
) -> None:
    await lane.refer()
    before = len(lane.records)
    with caplog.at_level(logging.WARNING):
        for _ in range(500):
            await lane.say(Verb.PRESENT, shift(7, authority=OTHER_AUTHORITY))
    assert len(lane.records) == before
    assert len(caplog.records) == 1
    assert (await lane.say(Verb.RELEASE)).outcome is Outcome.DONE


@told_to(at_a_lane)
async def test_a_flood_of_an_officers_own_presence_writes_once_a_minute(lane: Lane) -> None:
    for _ in range(1_000):
        assert (await lane.say(Verb.PRESENT)).outcome is Outcome.DONE
    assert len(lane.written(records.Presence)) == 1


# ── replays ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@told_to(at_a_lane)
async def test_an_order_is_not_obeyed_twice_in_one_start(lane: Lane) -> None:
    close = lane.sign(Verb.CLOSE)
    assert (await lane.desk.submit(close)).outcome is Outcome.DONE
    assert (await lane.say(Verb.OPEN)).outcome is Outcome.DONE
    assert (await lane.desk.submit(close)).outcome is Outcome.STALE
    assert len(lane.written(records.Obeyed)) == 2


@told_to(at_a_lane)
async def test_an_admission_that_is_replayed_after_it_failed_admits_nobody(lane: Lane) -> None:
    await lane.refer()
    admit = lane.sign(Verb.ADMIT)
    lane.grant_fails = True
    answer = await lane.desk.submit(admit)
    assert answer.outcome is Outcome.IMPOSSIBLE
    assert answer.detail.startswith("not granted: ")
    assert "barrier_lost:grant" in answer.detail
    lane.grant_fails = False
    assert (await lane.desk.submit(admit)).outcome is Outcome.STALE
    assert lane.orders == [GRANT, "revoke"]


def test_an_order_of_an_earlier_start_is_nobodys_now() -> None:
    for verb in Verb:

        async def story(lane: Lane, verb: Verb = verb) -> None:
            kept = lane.sign(verb, shift(role=Role.SUPERVISOR))
            lane.secret = bytes([1]) * 32
            lane.restart()
            answer = await lane.desk.submit(kept)
            assert answer.outcome is Outcome.FORBIDDEN
            assert "challenge_foreign" in answer.detail

        assert at_a_lane(story).orders == []


@told_to(at_a_lane)
async def test_a_release_is_obeyed_once_however_often_it_comes(lane: Lane) -> None:
    release = lane.sign(Verb.RELEASE)
    first = await lane.desk.submit(release)
    assert first.outcome is Outcome.DONE
    for _ in range(3):
        assert (await lane.desk.submit(release)).detail == first.detail
    assert lane.orders == ["release"]
    lane.desk._freed.clear()  # the control off
    await lane.desk.submit(release)
    assert lane.orders == ["release", "release"]


@told_to(at_a_lane)
async def test_the_memory_of_releases_has_an_end(lane: Lane) -> None:
    first = lane.sign(Verb.RELEASE)
    await lane.desk.submit(first)
    for number in range(FREED_MAX):
        await lane.say(Verb.RELEASE, reason=str(number))
    assert lane.orders.count("release") == 1 + FREED_MAX
    await lane.desk.submit(first)
    assert lane.orders.count("release") == 2 + FREED_MAX, "it was forgotten"


@told_to(at_a_lane)
async def test_an_order_for_another_gate_or_crossing_does_nothing_here(lane: Lane) -> None:
    await lane.refer()
    assert (await lane.say(Verb.ADMIT, gate="north-8")).outcome is Outcome.FORBIDDEN
    assert (await lane.say(Verb.RELEASE, gate="north-8")).outcome is Outcome.FORBIDDEN
    foreign = Challenger(bytes(32), "north-8").issue(0, int(lane.clock_ms()))
    assert (await lane.say(Verb.ADMIT, challenge=foreign)).outcome is Outcome.FORBIDDEN
    answer = await lane.say(Verb.ADMIT, crossing="another")
    assert (answer.outcome, answer.detail) == (Outcome.IMPOSSIBLE, "this crossing does not wait for an officer")
    assert lane.orders == []


# ── time ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_order_lives_thirty_seconds_whatever_the_wall_clock_does() -> None:
    async def story(lane: Lane, wait_s: float = 30.0, expected: Outcome = Outcome.DONE) -> None:
        close = lane.sign(Verb.CLOSE)
        lane.wall_s = NOW_S + 3500  # most of the shift at one jump
        await asyncio.sleep(wait_s)
        lane.wall_s = NOW_S - 3500  # and back
        assert (await lane.desk.submit(close)).outcome is expected

    at_a_lane(story)
    at_a_lane(lambda lane: story(lane, 30.1, Outcome.STALE))


@pytest.mark.parametrize(
    ("by", "wall_s", "lack"),
    [
        (shift(), NOW_S + 3600, Lack.SHIFT_OVER),
        (shift(), NOW_S - 3601, Lack.SHIFT_NOT_BEGUN),
        (shift(), None, Lack.CLOCK_UNSURE),
        (shift(role=Role.TECHNICIAN), NOW_S, Lack.ROLE),
    ],
    ids=lambda value: value.value if isinstance(value, Lack) else "",
)
def test_whoever_lacks_something_admits_nobody_and_frees_people_all_the_same(
    by: Shift, wall_s: int | None, lack: Lack
) -> None:
    async def story(lane: Lane) -> None:
        await lane.refer()
        for verb in (Verb.PRESENT, Verb.ADMIT):
            answer = await lane.say(verb, by)
            assert answer.outcome is Outcome.FORBIDDEN
            assert lack.value in answer.detail
        assert lane.orders == []
        assert (await lane.say(Verb.RELEASE, by)).outcome is Outcome.DONE
        assert (await lane.say(Verb.OPEN_EMERGENCY, by)).outcome is Outcome.DONE

    lane = at_a_lane(story, wall_s=wall_s)
    assert lane.orders[:2] == ["release", "release"]
    (freed,) = lane.written(records.Released)
    expected = () if lack is Lack.ROLE else (Missing(lack.value),)  # everybody's role may free people
    assert isinstance(freed, records.Released)
    assert freed.order.missing == expected
    assert lane.written(records.Presence) == []


@told_to(at_a_lane, wall_s=None)
async def test_permission_is_taken_away_by_an_unsure_clock_too(lane: Lane) -> None:
    await lane.refer()
    assert (await lane.say(Verb.HAND_OVER)).outcome is Outcome.DONE
    assert (await lane.say(Verb.CLOSE)).outcome is Outcome.DONE
    assert (await lane.say(Verb.OPEN)).outcome is Outcome.FORBIDDEN
    (settled,) = lane.written(records.Settled)
    assert isinstance(settled, records.Settled)
    assert settled.order.missing == (Missing.CLOCK_UNSURE,)


@told_to(at_a_lane)
async def test_a_release_is_obeyed_with_everything_missing_that_may_be(lane: Lane) -> None:
    await lane.say(Verb.CLOSE)
    old = lane.sign(Verb.RELEASE)
    await lane.say(Verb.OPEN)
    await asyncio.sleep(31)
    lane.wall_s = NOW_S + 4_000
    assert (await lane.desk.submit(old)).outcome is Outcome.DONE
    (freed,) = lane.written(records.Released)
    assert isinstance(freed, records.Released)
    assert set(freed.order.missing) == {
        Missing.CHALLENGE_OLD,
        Missing.SHIFT_OVER,
        Missing.VERSION,
    }


# ── answers by what the lane did ─────────────────────────────────────────────────────────────────────────────────────


@told_to(at_a_lane)
async def test_an_admission_is_answered_when_it_is_durable_and_the_barrier_took_it(lane: Lane) -> None:
    await lane.refer()
    answer = await lane.say(Verb.ADMIT)
    assert (answer.outcome, answer.detail, answer.state, answer.referred) == (
        Outcome.DONE,
        "granted",
        "granted",
        [],
    )
    assert lane.orders == [GRANT]
    (overruled,) = lane.written(records.Overruled)
    assert isinstance(overruled, records.Overruled)
    assert overruled.order.officer == "anna"
    assert overruled.order.role is Role.OFFICER
    assert overruled.order.reason == "I know her"


@told_to(at_a_lane)
async def test_an_admission_that_the_log_cannot_take_is_answered_no(lane: Lane) -> None:
    await lane.refer()
    lane.log_full = True
    answer = await lane.say(Verb.ADMIT)
    assert answer.outcome is Outcome.IMPOSSIBLE
    assert "log_unavailable" in answer.detail
    assert lane.orders == []


def test_an_admission_whose_grant_no_status_shows_is_taken_back_and_told_so() -> None:
    async def story(lane: Lane) -> None:
        await lane.refer()
        answer = await lane.say(Verb.ADMIT)
        assert answer.outcome is Outcome.IMPOSSIBLE
        assert "grant_not_shown" in answer.detail
        assert "revoke" in lane.orders

    at_a_lane(story, grant_hangs=True)
    at_a_lane(story, grant_stands=False)  # the barrier took it, and its status says otherwise


@told_to(at_a_lane, grant_hangs=True)
async def test_an_emergency_in_the_middle_of_an_admission_answers_no(lane: Lane) -> None:
    await lane.refer()
    asking = asyncio.ensure_future(lane.say(Verb.ADMIT))
    await asyncio.sleep(0.1)
    lane.seen = replace(AT_REST, fire=True)
    assert (await asking).detail == "not granted"


@told_to(at_a_lane)
async def test_a_release_is_answered_by_the_leaf(lane: Lane) -> None:
    assert (await lane.say(Verb.RELEASE)).detail == "the leaf is open"
    lane.seen, lane.release_opens = AT_REST, False
    answer = await lane.say(Verb.RELEASE)
    lost = "ordered, not confirmed: the leaf stays closed, and the barrier is told again"
    assert (answer.outcome, answer.detail) == (Outcome.ORDERED, lost)
    assert records.Incident(None, IncidentKind.RELEASE_NOT_SHOWN) in lane.records
    assert lane.orders.count("release") > 5
    lane.silent = True
    lane.engine.post(PartLost(Part.BARRIER))
    answer = await lane.say(Verb.OPEN_EMERGENCY)
    silence = "ordered, not confirmed: the barrier does not answer"
    assert (answer.outcome, answer.detail) == (Outcome.ORDERED, silence)


@told_to(at_a_lane)
async def test_an_emergency_and_alarms_are_answered_by_the_controller(lane: Lane) -> None:
    lane.seen = replace(AT_REST, emergency_open=True)
    await _until(lane, states.Emergency)
    assert (await lane.say(Verb.END_EMERGENCY)).detail == "the emergency is over"
    lane.seen = replace(AT_REST, alarms=(Alarm.FORCED,))
    await _until(lane, states.Idle)
    while not lane.engine.context.last.seen or not lane.engine.context.last.seen.alarms:
        await _turn()
    assert lane.desk.look().alarms == [Alarm.FORCED]
    assert (await lane.say(Verb.ACKNOWLEDGE)).detail == "no alarm stands"
    assert lane.desk.look().alarms == []


@told_to(at_a_lane)
async def test_a_lane_that_does_not_turn_any_more_is_not_waited_for(lane: Lane) -> None:
    lane.desk.lane = _Deaf(lane.engine)
    answer = await lane.say(Verb.CLOSE)
    assert (answer.outcome, answer.detail) == (Outcome.ORDERED, "ordered, not confirmed: the lane is busy")
    assert lane.desk._open == {}
    lane.desk.answer(1, Outcome.DONE, "too late")


class _Deaf:
    def __init__(self, engine: Any) -> None:
        self.state, self.context, self.taken = engine.state, engine.context, None

    def post(self, event: object) -> None:
        pass


@pytest.mark.parametrize(
    ("verb", "argument", "outcome", "detail"),
    [
        (Verb.DIRECTION, "entry", Outcome.IMPOSSIBLE, "this lane serves entry already"),
        (Verb.DIRECTION, "exit", Outcome.IMPOSSIBLE, "this lane may serve entry ([rules] in gate.toml)"),
        (Verb.MODE, "all", Outcome.IMPOSSIBLE, "this lane serves all already"),
        (Verb.MODE, "crew", Outcome.IMPOSSIBLE, "this lane may serve all, eu ([rules] in gate.toml)"),
        (Verb.ACCEPT_HEAD, None, Outcome.IMPOSSIBLE, "the log has not said yet what it found"),
    ],
)
@told_to(at_a_lane)
async def test_what_this_lane_cannot_do_it_says(
    lane: Lane, *, verb: Verb, argument: str | None, outcome: Outcome, detail: str
) -> None:
    answer = await lane.say(verb, shift(role=Role.SUPERVISOR), argument=argument)
    assert (answer.outcome, answer.detail) == (outcome, detail)
    assert (await lane.say(verb, argument=argument)).outcome is Outcome.FORBIDDEN  # an officer may not
    assert {type(record) for record in lane.records} == {Counted}, "the first look at the controller"


def test_a_supervisor_has_the_lane_serve_others_once_and_never_mid_crossing() -> None:
    supervisor = shift(role=Role.SUPERVISOR)

    async def story(lane: Lane) -> None:
        order = lane.sign(Verb.MODE, supervisor, argument="eu")
        assert (await lane.desk.submit(order)).outcome is Outcome.DONE
        assert (lane.desk.look().direction.value, lane.desk.look().travellers) == ("entry", "eu")
        assert (await lane.say(Verb.MODE, supervisor, argument="all")).outcome is Outcome.DONE
        assert (await lane.desk.submit(order)).outcome is Outcome.STALE
        await lane.refer()
        answer = await lane.say(Verb.MODE, supervisor, argument="eu")
        why = "somebody is in the lane, or waits for an officer"
        assert (answer.outcome, answer.detail) == (Outcome.IMPOSSIBLE, why)
        assert lane.desk.look().travellers == "all"

    written = at_a_lane(story).written(records.Obeyed)
    said = Said("anna", Role.SUPERVISOR)
    assert written == [
        records.Obeyed(None, said, ObeyedVerb.MODE, before="all", after="eu"),
        records.Obeyed(None, said, ObeyedVerb.MODE, before="eu", after="all"),
    ]


@pytest.mark.parametrize("takes", [True, False])
def test_a_supervisor_accepts_the_head_when_the_log_says_that_it_counts(takes: bool) -> None:  # noqa: FBT001
    supervisor = shift(role=Role.SUPERVISOR)
    root = "ab" * 32

    async def story(lane: Lane) -> None:
        lane.engine.post(HeadSeen(Head.UNCONFIRMED, 7, root, 1.0))
        await asyncio.sleep(POLL_S)
        order = lane.sign(Verb.ACCEPT_HEAD, supervisor)
        saying = asyncio.ensure_future(lane.desk.submit(order))
        await asyncio.sleep(POLL_S * 2)
        assert not saying.done(), "it was written; that it counts, the log says"
        if takes:
            lane.engine.post(HeadSeen(Head.ACCEPTED, 7, root, 0.0))
        answer = await saying
        said = (Outcome.DONE, "accepted: the log had 7 entries at the boot")
        unsaid = (Outcome.ORDERED, "ordered, not confirmed: the log has not said so")
        assert (answer.outcome, answer.detail) == (said if takes else unsaid)
        assert (await lane.desk.submit(order)).outcome is Outcome.STALE
        if takes:
            again = await lane.say(Verb.ACCEPT_HEAD, supervisor)
            assert (again.outcome, again.detail) == (Outcome.IMPOSSIBLE, "the log's head is accepted already")

    written = at_a_lane(story).written(records.HeadAccepted)
    assert written == [records.HeadAccepted(Said("anna", Role.SUPERVISOR), 7, root)]


@told_to(at_a_lane)
async def test_every_verb_that_has_no_answer_of_its_own_is_answered_by_the_machine(lane: Lane) -> None:
    assert (await lane.say(Verb.PRESENT)).detail == "anna is present"
    lane.engine.post(DocumentPresented("c2"))
    await _until(lane, states.Referred)
    assert (await lane.say(Verb.REFER, crossing="c2")).detail == "this crossing is referred already"
    assert (await lane.say(Verb.HAND_OVER, crossing="c2", argument="walked_back")).outcome is Outcome.DONE
    assert (await lane.say(Verb.CLOSE)).outcome is Outcome.DONE
    look = lane.desk.look()
    assert (look.gate, look.closed_by, look.running, look.referred) == (GATE, "anna", None, [])
    assert (await lane.say(Verb.OPEN)).outcome is Outcome.DONE
    assert [one.verb for one in lane.records if isinstance(one, records.Obeyed)] == [ObeyedVerb.CLOSE, ObeyedVerb.OPEN]


@told_to(at_a_lane)
async def test_of_two_officers_at_once_one_admits_and_the_other_hears_who(lane: Lane) -> None:
    await lane.refer()
    first, second = lane.sign(Verb.ADMIT, ANNA), lane.sign(Verb.ADMIT, BERT)
    answers = await asyncio.gather(lane.desk.submit(first), lane.desk.submit(second))
    assert [answer.detail for answer in answers] == ["granted", "already decided by anna"]
    assert lane.orders == [GRANT]


@pytest.mark.parametrize(
    ("state", "shown", "answered"),
    [
        (states.Looking(CROSSING, 0), True, None),
        (states.Granted(CROSSING, 0), False, None),
        (states.Granted(CROSSING, 0), True, (Outcome.DONE, "granted")),
        (states.Passing(CROSSING, 0), True, (Outcome.DONE, "passed")),
        (states.Referred(CROSSING, ()), False, (Outcome.IMPOSSIBLE, "not granted: ")),
        (states.Granted("another", 0), True, (Outcome.IMPOSSIBLE, "not granted")),
        (states.Emergency(), True, (Outcome.IMPOSSIBLE, "not granted")),
    ],
    ids=str,
)
def test_an_admission_is_answered_by_its_own_crossing(state: states.State, *, shown: bool, answered: object) -> None:
    assert _admission(state, CROSSING, shown=shown) == answered


async def test_an_answer_with_every_reason_there_is_still_fits_the_channel(tmp_path: Path) -> None:
    lane = Lane()
    everything = tuple(Objection(reason, "x" * 500) for reason in Reason)
    lane.engine._state = states.Referred(CROSSING, everything)
    lane.engine._context = LaneContext(waiting=(Referral(CROSSING, everything),))
    async with lane.desk.serve(tmp_path / "orders.sock"):
        terminal = await Terminal.reach(tmp_path / "orders.sock")
        (waiting,) = (await terminal.look()).referred
        assert [one.reason for one in waiting.objections] == list(Reason)
        terminal.close()
    outcome, detail = _admission(lane.engine.state, CROSSING, shown=False) or (None, "")
    assert outcome is Outcome.IMPOSSIBLE
    told = order_messages.OrderAnswer(Outcome.IMPOSSIBLE, words(detail), "referred", [waiting])
    decoded = msgspec.msgpack.decode(msgspec.msgpack.encode(told), type=order_messages.OrderAnswer)
    assert decoded == told


def test_every_power_has_its_row() -> None:
    assert set(order._BLOCKERS) == set(Power)


# ── over the socket ──────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_terminal_looks_signs_and_hears(tmp_path: Path) -> None:

    lane = Lane()
    running = [asyncio.ensure_future(lane.engine.run()), asyncio.ensure_future(lane.poll())]
    try:
        async with lane.desk.serve(tmp_path / "orders.sock"):
            terminal = await Terminal.reach(tmp_path / "orders.sock")
            assert (await terminal.look()).gate == GATE
            assert (await terminal.order(ANNA, Verb.PRESENT)).outcome is Outcome.DONE
            assert (await terminal.order(ANNA, Verb.RELEASE, gate="north-8")).outcome is Outcome.FORBIDDEN
            assert (await terminal.order(ANNA, Verb.CLOSE)).outcome is Outcome.DONE
            terminal.close()
            other = await connect(CHANNELS.orders, tmp_path / "orders.sock")
            await other.send(screen_messages.WatchView())
            with pytest.raises(ChannelError):
                await other.receive()
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def _turn() -> None:

    await asyncio.sleep(0.05)


async def _until(lane: Lane, state: type[states.State]) -> None:
    while not isinstance(lane.engine.state, state):
        await _turn()

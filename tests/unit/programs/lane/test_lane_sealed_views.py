"""The desk and what is sealed: who is present, for whom, and who is handed what when the record is durable."""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from core_fakes.shifts import NOW_S, of_an_officer, shift
from fakes.officers_lane import Lane, at_a_lane
from fakes.passage_examples import CROSSING, RULES, decided_record

from gate.channel import order_messages
from gate.channel.document_messages import EVIDENCE_BYTES_MAX, EVIDENCE_ITEMS_MAX
from gate.channel.errors import ChannelError
from gate.channel.sockets import BYTES_MAX, Connection, connect
from gate.channel.sockets import serve as channel
from gate.channel.table import CHANNELS
from gate.passage import records, two_officers
from gate.passage.names import Concern, Disposition, Outcome, RecordKind
from gate.passage.open_referrals import WAITING_MAX
from gate.passage.orders import Said
from gate.programs.lane.officers import NOT_SEEN, NOTHING_SEALED, PRESENT_MAX, RECIPIENTS_MAX
from gate.programs.lane.referrals import SEALED_S, Recipient, findings_of
from gate_core.evidence.crossing import Check, CheckId, CheckResult, DocumentEvidence
from gate_core.evidence.names import Role
from gate_core.evidence.reasons import Objection, Reason
from gate_core.orders.envelope import DOCUMENT, FACE, seen_of
from gate_core.orders.order import Shift
from gate_core.orders.verbs import Verb


def key_of(number: int) -> bytes:
    return bytes([number]) * 32


def officer(number: int, name: str, **changes: Any) -> Shift:
    """An officer whose page can show pictures."""
    return shift(number, officer=name, sealing=b64encode(key_of(number)).decode(), **changes)


def recipient(number: int, name: str) -> Recipient:
    return Recipient(name, key_of(number), of_an_officer(key_of(number), number=number, officer=name))


ANNA, BERT = officer(7, "anna"), officer(8, "bert")
ON_A_TERMINAL = shift(9, officer="carl")


async def sealed(lane: Lane) -> None:
    """A traveller is referred before whoever is present, and both children have sealed."""
    await lane.refer()
    present = lane.desk.recipients()
    lane.referrals.expect(CROSSING, present)
    for number, to in enumerate(present):
        for part in (FACE, DOCUMENT):
            lane.referrals.take(CROSSING, part, number, f"{part} for {to.officer}".encode(), last=True)


# ── who is present ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_sealed_is_to_the_officers_who_are_present_and_can_be_shown_something() -> None:
    async def story(lane: Lane) -> None:
        assert lane.desk.recipients() == ()
        await lane.say(Verb.PRESENT, ANNA)
        await asyncio.sleep(1)
        await lane.say(Verb.PRESENT, BERT)
        await lane.say(Verb.PRESENT, ON_A_TERMINAL)
        assert lane.desk.recipients() == (recipient(8, "bert"), recipient(7, "anna"))
        await asyncio.sleep(119.5)
        assert lane.desk.recipients() == (recipient(8, "bert"),)
        await asyncio.sleep(1)
        assert lane.desk.recipients() == ()

    at_a_lane(story)


def test_whose_shift_is_over_and_whoever_the_clock_cannot_vouch_for_is_sealed_nothing() -> None:
    async def story(lane: Lane) -> None:
        await lane.say(Verb.PRESENT, ANNA)
        lane.wall_s = NOW_S + 3599
        assert lane.desk.recipients()
        for wall_s in (NOW_S + 3600, None):
            lane.wall_s = wall_s
            assert lane.desk.recipients() == ()

    at_a_lane(story)


def test_a_presence_that_was_not_taken_counts_for_nothing() -> None:
    async def story(lane: Lane) -> None:
        assert (await lane.say(Verb.PRESENT, officer(7, "anna", role=Role.TECHNICIAN))).outcome is Outcome.FORBIDDEN
        assert (await lane.say(Verb.CLOSE, ANNA)).outcome is Outcome.DONE
        assert lane.desk.recipients() == ()

    at_a_lane(story)


class _Busy:
    """A lane that does not turn any more."""

    def __init__(self, lane: Lane) -> None:
        self.state, self.context = lane.engine.state, lane.engine.context

    def post(self, event: object) -> None:
        pass


def test_a_presence_that_the_lane_has_not_confirmed_counts_for_nothing() -> None:
    async def story(lane: Lane) -> None:
        lane.desk.lane = _Busy(lane)
        assert (await lane.say(Verb.PRESENT, ANNA)).outcome is Outcome.ORDERED
        assert lane.desk.recipients() == ()

    at_a_lane(story)


def test_presence_counts_from_when_it_was_said_and_an_old_word_changes_no_newer_one() -> None:
    async def story(lane: Lane) -> None:
        early = lane.sign(Verb.PRESENT, ANNA)
        await asyncio.sleep(29)
        assert (await lane.desk.submit(early)).outcome is Outcome.DONE
        await asyncio.sleep(0.5)
        await lane.say(Verb.PRESENT, ANNA)
        assert (await lane.desk.submit(early)).outcome is Outcome.DONE
        await asyncio.sleep(119)
        assert lane.desk.recipients() == (recipient(7, "anna"),)

    at_a_lane(story)


def test_an_officer_at_a_terminal_and_a_page_is_sealed_to_the_page() -> None:
    async def story(lane: Lane) -> None:
        await lane.say(Verb.PRESENT, ANNA)
        await lane.say(Verb.PRESENT, shift(9, officer="anna"))
        assert lane.desk.recipients() == (recipient(7, "anna"),)

    at_a_lane(story)


def test_sealed_is_to_four_at_most_and_the_memory_of_presence_has_an_end() -> None:
    async def story(lane: Lane) -> None:
        for number in range(1, PRESENT_MAX + 9):
            await asyncio.sleep(0.1)
            await lane.say(Verb.PRESENT, officer(number, f"o-{number}"))
        newest = range(PRESENT_MAX + 8, PRESENT_MAX + 8 - RECIPIENTS_MAX, -1)
        assert [one.officer for one in lane.desk.recipients()] == [f"o-{number}" for number in newest]
        assert len(lane.desk._present) == PRESENT_MAX

    assert RECIPIENTS_MAX == 4
    at_a_lane(story)


def test_officers_see_each_who_is_present_once_and_how_long_ago() -> None:
    async def story(lane: Lane) -> None:
        await lane.say(Verb.PRESENT, ANNA)
        await asyncio.sleep(60)
        await lane.say(Verb.PRESENT, BERT)
        await lane.say(Verb.PRESENT, ON_A_TERMINAL)
        await asyncio.sleep(1)
        assert lane.desk.look().present == [
            order_messages.Present("bert", 1_000),
            order_messages.Present("carl", 1_000),
            order_messages.Present("anna", 61_000),
        ]
        await lane.say(Verb.PRESENT, shift(10, officer="anna"))
        await asyncio.sleep(60)
        assert lane.desk.look().present[0] == order_messages.Present("anna", 60_000)
        assert [one.officer for one in lane.desk.look().present] == ["anna", "bert", "carl"]
        await asyncio.sleep(61)
        assert lane.desk.look().present == []

    at_a_lane(story)


# ── findings ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_officers_see_what_was_found_for_how_long_somebody_waits_and_who_can_view() -> None:
    async def story(lane: Lane) -> None:
        await lane.say(Verb.PRESENT, ANNA)
        await sealed(lane)
        (before,) = lane.desk.look().referred
        await asyncio.sleep(30)
        (waits,) = lane.desk.look().referred
        assert (waits.crossing, waits.since_ms - before.since_ms, waits.sealed_for) == (CROSSING, 30_000, ["anna"])
        assert waits.findings is not None
        assert [one.id for one in waits.findings.checks] == list(CheckId)
        assert (waits.findings.face_score, waits.findings.face_threshold) == (0.1, 0.411)
        lane.referrals.expect(CROSSING, ())  # what was sealed is forgotten, as after ten minutes
        (waits,) = lane.desk.look().referred
        assert (waits.sealed_for, waits.findings) == ([], before.findings)
        answer = await lane.say(Verb.VIEW, ANNA)
        assert (answer.outcome, answer.detail) == (Outcome.IMPOSSIBLE, NOTHING_SEALED)
        assert (await lane.say(Verb.HAND_OVER, ANNA)).referred == []
        assert lane.referrals.findings(CROSSING) is None

    at_a_lane(story)


# ── views ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_view_is_handed_to_whom_it_was_sealed_once_its_record_is_durable() -> None:
    async def story(lane: Lane) -> None:
        for by in (ANNA, BERT):
            await lane.say(Verb.PRESENT, by)
        await sealed(lane)
        for by, name in ((ANNA, "anna"), (BERT, "bert")):
            answer = await lane.say(Verb.VIEW, by)
            assert answer.outcome is Outcome.DONE
            assert answer.sealed == [f"face for {name}".encode(), f"document for {name}".encode()]
            assert lane.records[-1] == records.Viewed(CROSSING, Said(name, Role.OFFICER))

    assert at_a_lane(story).orders == []


def test_nothing_is_handed_out_whose_record_the_log_does_not_take() -> None:
    async def story(lane: Lane) -> None:
        await lane.say(Verb.PRESENT, ANNA)
        await sealed(lane)
        lane.log_full = True
        answer = await lane.say(Verb.VIEW, ANNA)
        assert (answer.outcome, answer.sealed) == (Outcome.IMPOSSIBLE, None)
        assert "the log does not take" in answer.detail

    at_a_lane(story)


def test_nothing_is_handed_out_while_the_log_says_nothing() -> None:
    async def story(lane: Lane) -> None:
        await lane.say(Verb.PRESENT, ANNA)
        await sealed(lane)
        lane.log_silent = True
        answer = await lane.say(Verb.VIEW, ANNA)
        assert (answer.outcome, answer.sealed) == (Outcome.ORDERED, None)
        lane.log_silent = False
        answer = await lane.say(Verb.VIEW, ANNA)
        assert (answer.outcome, answer.sealed) == (Outcome.IMPOSSIBLE, None)
        assert "has not answered for the view before" in answer.detail

    at_a_lane(story)


@pytest.mark.parametrize("by", [BERT, ON_A_TERMINAL, officer(17, "anna")], ids=["late", "terminal", "another key"])
def test_whoever_nothing_is_sealed_to_views_nothing_and_no_record_says_so(by: Shift) -> None:
    async def story(lane: Lane) -> None:
        await lane.say(Verb.PRESENT, ANNA)
        await sealed(lane)
        answer = await lane.say(Verb.VIEW, by)
        assert (answer.outcome, answer.detail, answer.sealed) == (Outcome.IMPOSSIBLE, NOTHING_SEALED, None)

    assert at_a_lane(story).written(records.Viewed) == []


def test_what_was_settled_is_viewed_no_more() -> None:
    async def story(lane: Lane) -> None:
        await lane.say(Verb.PRESENT, ANNA)
        await sealed(lane)
        view = lane.sign(Verb.VIEW, ANNA)
        assert (await lane.say(Verb.HAND_OVER, BERT)).outcome is Outcome.DONE
        for answer in (await lane.desk.submit(view), await lane.say(Verb.VIEW, ANNA)):
            assert (answer.outcome, answer.detail) == (Outcome.IMPOSSIBLE, "already decided by bert")
            assert answer.sealed is None

    assert at_a_lane(story).written(records.Viewed) == []


def test_a_view_is_not_handed_out_twice_for_one_order() -> None:
    async def story(lane: Lane) -> None:
        await lane.say(Verb.PRESENT, ANNA)
        await sealed(lane)
        view = lane.sign(Verb.VIEW, ANNA)
        assert (await lane.desk.submit(view)).sealed is not None
        again = await lane.desk.submit(view)
        assert (again.outcome, again.sealed) == (Outcome.STALE, None)

    assert len(at_a_lane(story).written(records.Viewed)) == 1


def test_what_was_forgotten_while_its_record_was_written_is_not_handed_out() -> None:
    async def story(lane: Lane) -> None:
        await lane.say(Verb.PRESENT, ANNA)
        await sealed(lane)
        lane.log_silent = True
        asking = asyncio.ensure_future(lane.say(Verb.VIEW, ANNA))
        await asyncio.sleep(0.1)
        lane.referrals.record(records.Settled(CROSSING, Said("bert", Role.OFFICER), Disposition.WALKED_BACK))
        lane.answer_for(RecordKind.VIEWED)
        answer = await asking
        assert (answer.outcome, answer.detail, answer.sealed) == (Outcome.IMPOSSIBLE, NOTHING_SEALED, None)

    at_a_lane(story)


@pytest.mark.parametrize("role", [Role.TECHNICIAN, Role.AUDITOR])
def test_whoever_may_not_be_present_may_not_view(role: Role) -> None:
    async def story(lane: Lane) -> None:
        await lane.say(Verb.PRESENT, ANNA)
        await sealed(lane)
        answer = await lane.say(Verb.VIEW, officer(7, "anna", role=role))
        assert (answer.outcome, answer.sealed) == (Outcome.FORBIDDEN, None)

    assert at_a_lane(story).written(records.Viewed) == []


def test_the_largest_answer_there_can_be_fits_the_channel() -> None:
    long = "x" * 100
    checks = tuple(Check(CheckId.MRZ, CheckResult.SUCCESSFUL, long, long) for _ in range(EVIDENCE_ITEMS_MAX))
    evidence = replace(decided_record().evidence, document=DocumentEvidence(checks))
    assert len(json.dumps(msgspec.to_builtins(evidence.document))) > EVIDENCE_BYTES_MAX
    found = findings_of(evidence, RULES.policy)
    objections = [Objection(reason, "x" * 500) for reason in Reason]
    referred = [order_messages.Waiting("c" * 64, objections, 1, found)] * WAITING_MAX
    whole = [bytes(order_messages.SEALED_BYTES_MAX)] * 2
    answer = order_messages.OrderAnswer(Outcome.DONE, "x" * 500, "referred", referred, whole)
    assert len(msgspec.msgpack.encode(answer)) < CHANNELS.orders.bytes_max


async def test_the_largest_view_there_can_be_goes_over_the_channel_and_nothing_long_comes_in(
    short_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    whole = [bytes(order_messages.SEALED_BYTES_MAX)] * 2
    lane = Lane()

    async def serve(connection: Connection[order_messages.ToOrders]) -> None:
        await connection.send(order_messages.OrderAnswer(Outcome.DONE, "", "referred", [], whole))

    async with channel(CHANNELS.orders, short_path / "o.sock", serve):
        caller = await connect(CHANNELS.orders, short_path / "o.sock")
        answer = await caller.receive()
        assert isinstance(answer, order_messages.OrderAnswer)
        assert answer.sealed == whole
        caller.close()
    async with lane.desk.serve(short_path / "p.sock"):
        caller = await connect(CHANNELS.orders, short_path / "p.sock")
        with pytest.raises(ChannelError):
            await _say_at_length(caller)
        caller.close()
    assert f"exceeds {BYTES_MAX}" in str([vars(record) for record in caplog.records]), "by its length alone"


async def _say_at_length(caller: Connection[order_messages.FromOrders]) -> None:
    await caller.send(order_messages.SubmitOrder(bytes(BYTES_MAX)))
    await caller.receive()


# ── flags ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("concern", Concern)
def test_a_flag_is_written_and_nothing_else_changes(concern: Concern) -> None:
    async def story(lane: Lane) -> None:
        await lane.refer()
        before = lane.engine.state
        answer = await lane.say(Verb.FLAG, ANNA, crossing=CROSSING, argument=concern.value, reason="alone with two men")
        assert answer.outcome is Outcome.DONE
        assert lane.engine.state == before
        await asyncio.sleep(5)
        flag = order_messages.Flag(concern, "anna", 5_000, CROSSING)
        assert lane.desk.look().flags == [flag]
        assert lane.desk.look().referred[0].flags == [flag]

    lane = at_a_lane(story)
    assert lane.orders == []
    said = Said("anna", Role.OFFICER, "alone with two men")
    assert lane.records[-1] == records.Flagged(CROSSING, said, concern)


def test_a_flag_waits_for_no_clock_and_needs_no_crossing() -> None:
    async def story(lane: Lane) -> None:
        assert (await lane.say(Verb.FLAG, officer(7, "anna", role=Role.TECHNICIAN))).outcome is Outcome.DONE
        assert (await lane.say(Verb.FLAG, officer(7, "anna", role=Role.AUDITOR))).outcome is Outcome.FORBIDDEN

    (flagged,) = at_a_lane(story, wall_s=None).written(records.Flagged)
    assert isinstance(flagged, records.Flagged)
    assert (flagged.crossing, flagged.concern) == (None, Concern.CHILD)


# ── what was seen, and what rests on it ──────────────────────────────────────────────────────────────────────────────


def test_an_admission_rests_on_what_the_lane_handed_out_and_not_on_what_somebody_showed_in_its_place() -> None:
    async def story(lane: Lane) -> None:
        await lane.say(Verb.PRESENT, ANNA)
        await lane.say(Verb.PRESENT, BERT)
        await sealed(lane)
        unseen = seen_of([b"face for anna", b"document for anna"])
        assert await refused(lane, ANNA, unseen), "it was not viewed yet"
        shown = (await lane.say(Verb.VIEW, ANNA)).sealed or []
        assert await refused(lane, ANNA, seen_of([b"another face", shown[1]]))
        assert await refused(lane, BERT, seen_of(shown)), "it was shown to somebody else"
        await asyncio.sleep(SEALED_S)
        await lane.say(Verb.PRESENT, ANNA)
        assert (await lane.say(Verb.ADMIT, ANNA, seen=seen_of(shown))).outcome is Outcome.DONE

    assert len(at_a_lane(story).written(records.Overruled)) == 1


async def refused(lane: Lane, by: Shift, seen: str) -> bool:
    """Nobody is admitted by it, and it is told to the journal."""
    before = lane.desk.refused
    answer = await lane.say(Verb.ADMIT, by, seen=seen)
    return (answer.outcome, NOT_SEEN in answer.detail, lane.desk.refused) == (Outcome.FORBIDDEN, True, before + 1)


def test_of_what_is_settled_whoever_saw_it_hears_who_settled_it() -> None:
    async def story(lane: Lane) -> None:
        await lane.say(Verb.PRESENT, ANNA)
        await sealed(lane)
        shown = (await lane.say(Verb.VIEW, ANNA)).sealed or []
        assert (await lane.say(Verb.HAND_OVER, BERT)).outcome is Outcome.DONE
        answer = await lane.say(Verb.ADMIT, ANNA, seen=seen_of(shown))
        assert (answer.outcome, answer.detail) == (Outcome.IMPOSSIBLE, "already decided by bert")

    at_a_lane(story)


# ── two officers ─────────────────────────────────────────────────────────────────────────────────────────────────────

OF_TWO = replace(RULES, two_officers_for=frozenset({Reason.FACE_BELOW_THRESHOLD}))


async def viewed(lane: Lane, *officers: Shift) -> dict[Shift, str]:
    """A traveller is referred, and these look at the pictures: what each has seen."""
    for one in officers:
        await lane.say(Verb.PRESENT, one)
    await sealed(lane)
    return {one: seen_of((await lane.say(Verb.VIEW, one)).sealed or []) for one in officers}


def test_the_second_officers_order_admits_and_both_were_shown_the_pictures() -> None:
    async def story(lane: Lane) -> None:
        seen = await viewed(lane, ANNA, BERT)
        (waiting,) = lane.desk.look().referred
        assert (waiting.two_officers, waiting.first) == (True, None)
        answer = await lane.say(Verb.ADMIT, ANNA, seen=seen[ANNA])
        assert (answer.outcome, answer.detail) == (Outcome.ONE_MORE, two_officers.ONE_MORE)
        assert answer.referred[0].first == lane.desk.look().referred[0].first == "anna"
        assert (await lane.say(Verb.ADMIT, ANNA, seen=seen[ANNA])).outcome is Outcome.ONE_MORE
        assert lane.orders == []
        assert (await lane.say(Verb.ADMIT, BERT, seen=seen[BERT])).outcome is Outcome.DONE

    lane = at_a_lane(story, rules=OF_TWO)
    assert len(lane.orders) == 1
    assert [one.order.officer for one in lane.records if isinstance(one, records.WouldAdmit)] == ["anna"]
    (overruled,) = (one for one in lane.records if isinstance(one, records.Overruled))
    assert overruled.first is not None
    assert (overruled.first.officer, overruled.order.officer) == ("anna", "bert")


def test_neither_a_terminal_nor_the_same_key_nor_what_a_colleague_saw_is_the_second_officer() -> None:
    async def story(lane: Lane) -> None:
        again = officer(7, "zoe")  # the same hand under another name
        sealed_alike = shift(12, officer="yves", sealing=b64encode(key_of(7)).decode())
        seen = await viewed(lane, ANNA, BERT)
        assert (await lane.say(Verb.ADMIT, ANNA, seen=seen[ANNA])).outcome is Outcome.ONE_MORE
        on_a_terminal = await lane.say(Verb.ADMIT, shift(9, officer="carl"))
        assert (on_a_terminal.outcome, on_a_terminal.detail) == (Outcome.IMPOSSIBLE, two_officers.NOT_SHOWN)
        assert (await lane.say(Verb.ADMIT, shift(10, officer="anna"))).outcome is Outcome.IMPOSSIBLE
        assert (await lane.say(Verb.ADMIT, again, seen=seen[ANNA])).outcome is Outcome.ONE_MORE
        assert (await lane.say(Verb.ADMIT, sealed_alike, seen=seen[ANNA])).outcome is Outcome.ONE_MORE
        assert (await lane.say(Verb.ADMIT, BERT, seen=seen[ANNA])).outcome is Outcome.FORBIDDEN
        assert (await lane.say(Verb.ADMIT, BERT)).outcome is Outcome.IMPOSSIBLE

    assert at_a_lane(story, rules=OF_TWO).written(records.Overruled) == []


def test_orders_that_were_signed_for_one_challenge_are_one_whoever_is_quicker() -> None:
    async def story(lane: Lane) -> None:
        seen = await viewed(lane, ANNA, BERT)
        both = [lane.sign(Verb.ADMIT, one, seen=seen[one]) for one in (ANNA, BERT)]
        outcomes = [answer.outcome for answer in await asyncio.gather(*map(lane.desk.submit, [*both, *both]))]
        assert outcomes == [Outcome.ONE_MORE, *(3 * [Outcome.STALE])]

    assert at_a_lane(story, rules=OF_TWO).written(records.Overruled) == []


def test_either_officer_takes_the_first_order_back_while_the_log_is_silent_and_whoever_gave_it_hears_so() -> None:
    async def story(lane: Lane) -> None:
        seen = await viewed(lane, ANNA, BERT)
        lane.log_silent = True
        order = asyncio.ensure_future(lane.say(Verb.ADMIT, ANNA, seen=seen[ANNA]))
        await asyncio.sleep(0.1)
        assert lane.desk.look().referred[0].first is None, "it is not durable"
        assert (await lane.say(Verb.REFER, BERT)).outcome is Outcome.DONE
        answer = await order
        assert (answer.outcome, answer.detail) == (Outcome.IMPOSSIBLE, "taken back by bert")

    assert at_a_lane(story, rules=OF_TWO).orders == []


def test_an_order_of_which_the_log_says_nothing_is_answered_in_time_and_stands_for_nothing() -> None:
    async def story(lane: Lane) -> None:
        seen = await viewed(lane, ANNA, BERT)
        lane.log_silent = True
        answer = await lane.say(Verb.ADMIT, ANNA, seen=seen[ANNA])
        assert answer.outcome in {Outcome.IMPOSSIBLE, Outcome.ORDERED}
        assert answer.detail in {two_officers.NOT_ANSWERED, "ordered, not confirmed: the lane is busy"}
        await asyncio.sleep(1)
        assert lane.desk.look().referred[0].first is None
        assert (await lane.say(Verb.ADMIT, BERT, seen=seen[BERT])).outcome is Outcome.IMPOSSIBLE

    assert at_a_lane(story, rules=OF_TWO).written(records.Overruled) == []

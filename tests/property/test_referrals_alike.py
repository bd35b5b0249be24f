"""A referral tells nothing of its cause: neither in what the page shows nor in when (safety invariant 13), and the onlooker is one who would see it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import date

import pytest
from fakes.onlooker import Cause, Lane, found, lower_bound, noted, told_apart
from fakes.passage_examples import AT_REST, CROSSING, GENUINE, RULES, SAME_FACE, ordered

from gate.passage.conditions import AgeFrom
from gate.passage.events import (
    DocumentPresented,
    DocumentRemoved,
    Event,
    Part,
    PartLost,
    RecordReplaced,
    RegistersAnswered,
    SiteSeen,
    TrackChanged,
    TravellerAsked,
    VideoDoubted,
)
from gate.passage.names import RecordKind, TrackChange, Wish
from gate.passage.orders import Hold, LaneOrder
from gate.passage.rule_set import Effect, Rule, RuleSet
from gate_contract.virtual_time import run_virtual
from gate_core.evidence.crossing import Alarm, CameraTrouble, CheckId, CheckResult, Score
from gate_core.evidence.reasons import Reason
from gate_core.evidence.registers import Register, RegisterAnswer, RegisterCause, RegisterFinding
from gate_core.evidence.screen import Screen

EACH = 14  # a half to learn from, and a half to tell


def checked(check: CheckId, result: CheckResult | None) -> Cause:
    """A document of which one check ends like this; None: it is missing."""
    reasons = {
        CheckResult.FAILED: Reason.DOCUMENT_CHECK_FAILED,
        CheckResult.UNDETERMINED: Reason.DOCUMENT_CHECK_UNDETERMINED,
        CheckResult.ABORTED: Reason.DOCUMENT_CHECK_ABORTED,
        None: Reason.DOCUMENT_CHECK_MISSING,
    }
    others = tuple(one for one in GENUINE.checks if one.id is not check)
    mine = () if result is None else (replace(next(one for one in GENUINE.checks if one.id is check), result=result),)
    return found(reasons[result], document=replace(GENUINE, checks=(*others, *mine)))


def said(reason: Reason, *events: Event, while_shown: Screen = Screen.LOOK) -> Cause:
    """Something happens while the page shows this."""

    async def happens(lane: Lane) -> None:
        await lane.until(while_shown)
        await asyncio.sleep(lane.rng.uniform(0.2, 0.8))
        await lane.say(*events)

    return Cause(reason, happens=happens)


def ruled(reason: Reason, effect: Effect) -> Cause:
    """A written rule has an officer see whoever it may mean: of this traveller's age the document does not tell."""
    rule = Rule("one", effect, "", "", "", date(2026, 1, 1), date(2026, 12, 31), AgeFrom(12))
    rule_set = RuleSet("1", "1", (rule,))
    return Cause(reason, rules=replace(RULES, policy=replace(RULES.policy, rules=rule_set.sha256), rule_set=rule_set))


def answered(reason: Reason, answer: RegisterAnswer, cause: RegisterCause) -> Cause:
    """A list that must answer says this of the document, while it is read."""
    said = RegisterFinding("stolen-documents", answer, cause, "7")
    policy = replace(RULES.policy, registers=(Register("stolen-documents"),))

    async def happens(lane: Lane) -> None:
        await lane.until(Screen.LOOK)
        await asyncio.sleep(lane.rng.uniform(0.005, 0.05))
        await lane.say(RegistersAnswered(CROSSING, (said,)))

    return Cause(reason, happens=happens, rules=replace(RULES, policy=policy))


def so(
    reason: Reason, prepare: Callable[[Lane], None], happens: Callable[[Lane], Awaitable[None]] | None = None
) -> Cause:
    """Something is so from the beginning on."""

    async def prepared(lane: Lane) -> None:
        await asyncio.sleep(0)
        prepare(lane)

    return Cause(reason, prepared) if happens is None else Cause(reason, prepared, happens)


def slow_face(lane: Lane) -> None:
    """The document is read, and the face takes longer."""
    lane.read_s, lane.face_s = 0.1, 6.0


def seen(**status: object) -> Callable[[Lane], None]:
    """The barrier says this."""

    def prepare(lane: Lane) -> None:
        lane.seen = replace(AT_REST, **status)  # type: ignore[arg-type]

    return prepare


async def barrier_goes(lane: Lane) -> None:
    """It says nothing more, and is lost."""
    await lane.until(Screen.LOOK)
    await asyncio.sleep(lane.rng.uniform(0.2, 0.8))
    lane.seen = None
    await lane.say(PartLost(Part.BARRIER))


async def status_grows_old(lane: Lane) -> None:
    """It says nothing more, and nobody notices."""
    await lane.until(Screen.LOOK)
    lane.seen = None


async def comes_and_goes(lane: Lane) -> None:
    """Somebody steps in on their grant, and back."""
    await lane.until(Screen.GO)
    lane.seen = replace(AT_REST, closed=False, bodies=1)
    await asyncio.sleep(lane.rng.uniform(0.3, 0.8))
    lane.seen = replace(AT_REST, closed=False)


def refuses_decisions(lane: Lane) -> None:
    """The log takes the opening alone."""
    lane.receipt_s = lambda: (
        lane.rng.uniform(0.003, 0.015) if lane.engine.state.__class__.__name__ == "Opening" else None
    )


def late_decisions(lane: Lane) -> None:
    """The log answers decisions late."""
    late = iter((0.01, 2.2))
    lane.receipt_s = lambda: next(late)


def nothing_comes(lane: Lane) -> None:
    """Neither the document nor the face within the limit."""
    lane.read_s, lane.face_s = 90.0, 91.0


def nobody(lane: Lane) -> None:
    """Nobody stands before the camera."""
    lane.faces = 0


CAUSES = (
    *(
        checked(CheckId.SOD_SIGNATURE, result)
        for result in (CheckResult.FAILED, CheckResult.UNDETERMINED, CheckResult.ABORTED, None)
    ),
    found(Reason.TEST_DOCUMENT, test_documents=False),
    ruled(Reason.NOT_ELIGIBLE, Effect.ELIGIBLE),
    ruled(Reason.RULE_OFFICER, Effect.OFFICER),
    ruled(Reason.RULE_CUSTOMS, Effect.CUSTOMS),
    answered(Reason.REGISTER_HIT, RegisterAnswer.HIT, RegisterCause.NUMBER_LISTED),
    answered(Reason.REGISTER_UNKNOWN, RegisterAnswer.UNKNOWN, RegisterCause.LIST_OLD),
    found(Reason.WEAK_ALGORITHM, document=replace(GENUINE, weak_algorithms=("ds_key:rsa-1024",))),
    found(Reason.FACE_BELOW_THRESHOLD, face=replace(SAME_FACE, match=Score(0.1))),
    found(Reason.FACE_NOT_COMPARED, face=replace(SAME_FACE, match=None)),
    found(Reason.LIVENESS_BELOW_BOUND, face=replace(SAME_FACE, liveness=Score(0.1))),
    found(Reason.LIVENESS_NOT_RUN, face=replace(SAME_FACE, liveness=None)),
    found(Reason.PORTRAIT_UNUSABLE, face=replace(SAME_FACE, portrait_usable=False)),
    found(Reason.TRACK_LOST, face=replace(SAME_FACE, track_held=False)),
    found(Reason.FACES_SEVERAL, face=replace(SAME_FACE, faces=2)),
    so(Reason.FACE_MISSING, nobody),
    said(Reason.CAMERA_TAMPERED, VideoDoubted(CROSSING, CameraTrouble.LOOPED)),
    said(Reason.CAMERA_LOST, PartLost(Part.CAMERA)),
    said(Reason.VISION_LOST, PartLost(Part.VISION)),
    so(Reason.DOCUMENT_REMOVED, slow_face, said(Reason.DOCUMENT_REMOVED, DocumentRemoved()).happens),
    said(Reason.DOCUMENT_PRESENTED_AGAIN, DocumentPresented("c2"), while_shown=Screen.GO),
    said(Reason.TRACK_SWITCHED, TrackChanged(CROSSING, TrackChange.SWITCHED), while_shown=Screen.GO),
    so(Reason.BODIES_SEVERAL, seen(bodies=2)),
    so(Reason.LANE_NOT_CLOSED, seen(closed=False)),
    so(Reason.BARRIER_ALARM, seen(alarms=(Alarm.OBSTRUCTED,))),
    so(Reason.BARRIER_LOST, lambda _: None, barrier_goes),
    so(Reason.LANE_STATUS_OLD, lambda _: None, status_grows_old),
    so(Reason.WALKED_BACK, lambda _: None, comes_and_goes),
    said(Reason.GRANT_NOT_USED, while_shown=Screen.GO),
    said(Reason.LISTS_STALE, SiteSeen(400.0, clock_sure=True)),
    said(Reason.CLOCK_UNSURE, SiteSeen(1.0, clock_sure=False)),
    so(Reason.LOG_UNAVAILABLE, refuses_decisions),
    so(Reason.RECEIPT_LATE, late_decisions),
    so(Reason.TIME_LIMIT, nothing_comes),
    found(Reason.OFFICER_ABSENT, officer_presence_max_s=0),
    said(Reason.RECORD_REPLACED, RecordReplaced(CROSSING, RecordKind.DECIDED)),
    said(Reason.HELD_BY_OFFICER, ordered(Hold(CROSSING))),
    said(Reason.RELEASED_BY_OFFICER, ordered(LaneOrder.RELEASE)),
    said(Reason.HELP_ASKED, TravellerAsked("c3", Wish.HELP)),
    said(Reason.PROTECTION_ASKED, TravellerAsked("c3", Wish.PROTECTION)),
)


def accuracy(causes: tuple[Cause, ...], each: int, *, paced: bool) -> tuple[int, int]:
    """How many referrals the onlooker names rightly, of how many."""
    notes, names = [], []
    for number in range(each):
        for place, cause in enumerate(causes):
            lane_of = random.Random(f"{number} {place}")

            async def play(cause: Cause = cause, rng: random.Random = lane_of) -> list[float]:
                return noted(await Lane(rng, cause.rules, paced=paced).play(cause))

            notes.append(run_virtual(play()))
            names.append(cause.reason)
    return told_apart(notes, names), len(names)


@pytest.mark.long
def test_five_hundred_referrals_over_all_causes_are_told_apart_no_better_than_by_chance() -> None:
    right, of = accuracy(CAUSES, EACH, paced=True)
    assert of >= 500
    assert len({cause.reason for cause in CAUSES}) == len(CAUSES)
    assert lower_bound(right, of) <= 1 / len(CAUSES), (right, of)


@pytest.mark.long
def test_the_onlooker_tells_them_apart_where_the_referral_shows_when_it_is_there() -> None:
    right, of = accuracy(CAUSES, EACH, paced=False)
    assert lower_bound(right, of) > 2 / len(CAUSES), (right, of)


def test_the_bound_is_the_exact_one() -> None:
    """Against the closed form where there is one: so many of so many are right with the chance 0.05 at the bound."""
    assert lower_bound(10, 10) == pytest.approx(0.05 ** (1 / 10))
    assert lower_bound(1, 20) == pytest.approx(1 - 0.95 ** (1 / 20))
    assert lower_bound(0, 20) == 0.0


def test_the_classifier_names_what_differs_and_draws_where_nothing_does() -> None:
    names = [Reason.FACE_MISSING, Reason.TIME_LIMIT] * 20
    assert told_apart([[float(place % 2)] for place in range(40)], names) == 40
    assert told_apart([[1.0]] * 40, names) == 20

"""Random checks: the hash first, then the crossings, then the secret; and what is not certain sends everybody to an officer."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace

import pytest
from fakes import passage_examples as one
from fakes.passage_examples import CROSSING, GENUINE, SAME_FACE, Run
from hypothesis import given
from hypothesis import strategies as st

from gate.passage.draw_periods import due
from gate.passage.draws import OF, SECRET_BYTES, Draw
from gate.passage.effects import Write
from gate.passage.events import (
    DocumentPresented,
    DocumentRead,
    DrawDue,
    FaceCompared,
    NotRecorded,
    Recorded,
    RecordReplaced,
)
from gate.passage.lane import LaneContext
from gate.passage.names import RecordKind
from gate.passage.policy import Verdict
from gate.passage.records import Decided, DrawCommitted, DrawRevealed, Record
from gate.passage.states import Inspecting, Referred
from gate_core.evidence.reasons import Objection, Reason

EVERYBODY = Draw("2026-12-05", OF, bytes(SECRET_BYTES))
HALF = Draw("2026-12-05", OF // 2, bytes(range(SECRET_BYTES)))
COMMITTED, REFUSED = Recorded("", RecordKind.DRAW_COMMITTED), NotRecorded("", RecordKind.DRAW_COMMITTED)
DRAWN = Objection(Reason.RANDOM_CHECK)
NOTHING = Objection(Reason.RANDOM_CHECK, "nothing to draw by")


def ready(share: int = OF // 2, run: Run | None = None) -> Run:
    """A lane that draws so many of 10,000."""
    run = run or one.ready()
    run.rules = replace(run.rules, policy=replace(run.rules.policy, random_checks_per_10000=share))
    return run


def decided(run: Run, crossing: str = CROSSING) -> Decided:
    """A genuine traveller, decided on."""
    run.feed(DocumentPresented(crossing), Recorded(crossing, RecordKind.OPENED))
    run.feed(DocumentRead(crossing, GENUINE), FaceCompared(crossing, SAME_FACE))
    return next(found for found in written(run) if isinstance(found, Decided))


def written(run: Run) -> list[Record]:
    return [effect.record for effect in run.effects if isinstance(effect, Write)]


def drawn_name(draw: Draw, *, drawn: bool) -> str:
    return next(name for name in map(str, range(1000)) if draw.draws(name) is drawn)


@given(secret=st.binary(min_size=32, max_size=32), crossing=st.text(max_size=40))
def test_a_crossing_is_drawn_by_every_share_above_its_number_as_the_protocol_says(secret: bytes, crossing: str) -> None:
    number = int.from_bytes(hmac.new(secret, crossing.encode(), hashlib.sha256).digest()[:8], "big")
    below = number * 10_000 // 2**64
    shares = range(max(1, below), min(below + 2, 10_000) + 1)
    drawn = [share for share in shares if Draw("", share, secret).draws(crossing)]
    assert drawn == [share for share in shares if share > below]


def test_a_share_is_the_share_of_many_crossings() -> None:
    for share in (100, 2_000, 9_000):
        draw = Draw("", share, b"7" * 32)
        assert abs(sum(draw.draws(f"c{number}") for number in range(20_000)) / 20_000 - share / OF) < 0.01
    assert all(EVERYBODY.draws(f"c{number}") for number in range(1_000))


@pytest.mark.parametrize(("share", "secret"), [(0, bytes(32)), (10_001, bytes(32)), (100, bytes(16))])
def test_a_draw_of_nobody_or_by_what_can_be_guessed_is_none(share: int, secret: bytes) -> None:
    with pytest.raises(ValueError, match="draws"):
        Draw("2026-12-05", share, secret)


def test_a_secret_is_in_no_representation() -> None:
    assert "secret" not in repr(Draw("2026-12-05", 100, b"s" * 32))


def test_nobody_is_drawn_before_the_hash_is_durable_and_so_an_officer_sees_everybody() -> None:
    for told in (
        [],
        [DrawDue(EVERYBODY)],
        [DrawDue(HALF), REFUSED],
        [DrawDue(HALF), RecordReplaced(None, RecordKind.DRAW_COMMITTED)],
    ):
        run = ready()
        run.feed(*told)
        assert run.lane.drawing == (EVERYBODY if told == [DrawDue(EVERYBODY)] else None), "what is refused is over"
        assert decided(run).reasons == (NOTHING,)


def test_whom_the_draw_means_an_officer_sees_and_nobody_else() -> None:
    for drawn, reasons in ((True, (DRAWN,)), (False, ())):
        run = ready()
        run.feed(DrawDue(HALF), COMMITTED)
        found = decided(run, drawn_name(HALF, drawn=drawn))
        assert (found.reasons, found.evidence.drawn) == (reasons, drawn)
        assert (found.decision is Verdict.ADMIT) is not drawn


def test_a_lane_that_draws_nobody_knows_nothing_of_it() -> None:
    run = ready(0)
    run.feed(DrawDue(HALF), COMMITTED)
    assert decided(run).evidence.drawn is None


def test_a_day_ends_with_its_secret_before_the_next_one_begins() -> None:
    run = ready()
    run.feed(DrawDue(HALF), COMMITTED, DrawDue(EVERYBODY), COMMITTED, DrawDue(None))
    assert written(run)[-4:] == [
        DrawCommitted(HALF.day, HALF.per_10000, HALF.sha256, HALF),
        DrawRevealed(HALF.day, HALF.sha256, HALF.secret.hex()),
        DrawCommitted(EVERYBODY.day, OF, EVERYBODY.sha256, EVERYBODY),
        DrawRevealed(EVERYBODY.day, EVERYBODY.sha256, EVERYBODY.secret.hex()),
    ]
    assert HALF.sha256 == hashlib.sha256(HALF.secret).hexdigest()
    assert run.lane.draw is run.lane.drawing is None


def test_a_crossing_is_decided_by_the_draw_that_stood_when_it_was_opened() -> None:
    run = ready()
    name = drawn_name(HALF, drawn=False)
    run.feed(DrawDue(HALF), COMMITTED, DocumentPresented(name), Recorded(name, RecordKind.OPENED), DrawDue(EVERYBODY))
    assert isinstance(run.state, Inspecting)
    assert run.lane.draw == HALF
    run.feed(DocumentRead(name, GENUINE), FaceCompared(name, SAME_FACE))
    (found,) = (record for record in written(run) if isinstance(record, Decided))
    assert found.evidence.drawn is False


def test_whoever_waits_for_an_officer_holds_up_no_day() -> None:
    run = one.referred()
    assert isinstance(run.state, Referred)
    committed = DrawCommitted(HALF.day, HALF.per_10000, HALF.sha256, HALF)
    assert run.feed(DrawDue(HALF)) == [Write(committed, awaited=True)]
    assert run.lane.drawing == HALF
    run.feed(DrawDue(EVERYBODY))
    assert run.lane.drawing == HALF, "one after the other"


def test_a_start_within_the_day_states_the_same_anew_and_one_after_it_reveals() -> None:
    left = LaneContext(draw_left=HALF)
    same = due(left, HALF.day, HALF.per_10000, bytes(32))
    assert same == DrawDue(HALF)
    run = ready(run=Run(lane=left))
    run.feed(DrawDue(HALF))
    assert [type(record) for record in written(run)] == [DrawCommitted]
    run = ready(run=Run(lane=left))
    other = due(left, "2026-12-06", HALF.per_10000, bytes(32))
    assert other is not None
    run.feed(other)
    assert [type(record) for record in written(run)] == [DrawRevealed, DrawCommitted]


def test_what_is_due_is_what_today_and_the_site_want() -> None:
    day, share, secret = HALF.day, HALF.per_10000, bytes(32)
    held = LaneContext(draw=HALF)
    assert due(LaneContext(), day, 0, secret) is None
    assert due(LaneContext(), day, share, secret) == DrawDue(Draw(day, share, secret))
    assert due(held, day, share, secret) is None
    assert due(held, day, share + 1, secret) == DrawDue(Draw(day, share + 1, secret))
    assert due(held, day, 0, secret) == DrawDue(None)
    assert due(LaneContext(drawing=HALF), day, share, secret) is None, "until the log has answered"

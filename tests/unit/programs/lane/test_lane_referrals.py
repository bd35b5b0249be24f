"""What is kept, sealed, of travellers who wait: whole or not at all, for whom it is, and no longer than it is of use."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from fakes.passage_examples import CROSSING, decided_record, said
from fakes.stories import told_to

from gate.channel.order_messages import SEALED_BYTES_MAX, Findings
from gate.passage import records
from gate.passage.names import ClosedAs, Concern, Disposition
from gate.passage.policy import Verdict
from gate.programs.lane.referrals import (
    FLAG_S,
    FLAGS_MAX,
    REFERRALS_MAX,
    SEALED_S,
    Raised,
    Recipient,
    Referrals,
    findings_of,
)
from gate_contract.virtual_time import run_virtual
from gate_core.evidence.crossing import (
    AccessEvidence,
    AccessProtocol,
    CameraTrouble,
    Check,
    CheckId,
    CheckResult,
    DocumentEvidence,
    FaceEvidence,
    PageCheck,
    PageEvidence,
    Password,
    Score,
)
from gate_core.evidence.names import PageCheckId
from gate_core.orders.envelope import DOCUMENT, FACE

ANNA, BERT = Recipient("anna", b"a" * 32, b"anna's"), Recipient("bert", b"b" * 32, b"bert's")


def keeping(story: Callable[[Referrals], Awaitable[None]]) -> None:
    """Play a story on a virtual clock, of one referral before two officers."""

    async def play() -> None:
        kept = Referrals()
        kept.expect(CROSSING, (ANNA, BERT))
        await story(kept)

    run_virtual(play())


def fill(kept: Referrals, crossing: str = CROSSING) -> None:
    for number, of in enumerate((b"for anna", b"for bert")):
        kept.take(crossing, FACE, number, of, last=False)
        kept.take(crossing, FACE, number, b" alone", last=True)


@told_to(keeping)
async def test_each_officer_has_what_was_sealed_to_their_own_key(kept: Referrals) -> None:
    assert kept.sealed_for(CROSSING) == []
    fill(kept)
    assert kept.sealed_for(CROSSING) == ["anna", "bert"]
    assert kept.sealed(CROSSING, ANNA.key) == [b"for anna alone", b""]
    assert kept.sealed(CROSSING, BERT.key) == [b"for bert alone", b""]
    assert kept.sealed(CROSSING, b"c" * 32) is None
    assert kept.sealed(CROSSING, None) is None
    assert kept.sealed("another", ANNA.key) is None
    kept.take(CROSSING, DOCUMENT, 0, b"lines", last=True)
    assert kept.sealed(CROSSING, ANNA.key) == [b"for anna alone", b"lines"]


@told_to(keeping)
async def test_a_part_that_broke_off_is_none(kept: Referrals) -> None:
    kept.take(CROSSING, FACE, 0, b"the beginning", last=False)
    kept.take(CROSSING, FACE, 1, b"", last=True)  # could not be sealed
    assert kept.sealed_for(CROSSING) == []
    assert kept.sealed(CROSSING, ANNA.key) is None


@told_to(keeping)
async def test_who_speaks_without_end_fills_no_memory_and_gives_nothing(kept: Referrals) -> None:
    for _ in range(100):
        kept.take(CROSSING, FACE, 0, bytes(60_000), last=False)
    (to_anna, _) = kept._of[CROSSING].sealed
    assert len(to_anna.coming[FACE]) <= SEALED_BYTES_MAX + 60_000
    kept.take(CROSSING, FACE, 0, b"", last=True)
    assert kept.sealed(CROSSING, ANNA.key) is None
    for number in (-1, 2, 10_000):
        kept.take(CROSSING, FACE, number, b"x", last=True)
    kept.take("another", FACE, 0, b"x", last=True)
    assert kept.sealed_for(CROSSING) == []


@told_to(keeping)
async def test_what_is_whole_does_not_change_any_more(kept: Referrals) -> None:
    fill(kept)
    kept.take(CROSSING, FACE, 0, b"another face", last=True)
    assert kept.sealed(CROSSING, ANNA.key) == [b"for anna alone", b""]


def test_it_is_gone_after_ten_minutes() -> None:
    async def story(kept: Referrals) -> None:
        fill(kept)
        await asyncio.sleep(SEALED_S - 1)
        assert kept.sealed_for(CROSSING) == ["anna", "bert"]
        await asyncio.sleep(1)
        assert kept.sealed_for(CROSSING) == []
        assert kept._of == {}

    assert SEALED_S == 600
    keeping(story)


@pytest.mark.parametrize("disposition", Disposition)
@told_to(keeping)
async def test_it_is_gone_with_the_disposition_and_what_comes_after_it_is_dropped(
    kept: Referrals, *, disposition: Disposition
) -> None:
    fill(kept)
    kept.record(records.Closed(CROSSING, ClosedAs.REFERRED))
    kept.record(records.Revoked(CROSSING, ()))  # an officer's admission that failed: they go on looking
    kept.record(records.Settled("another", said(), disposition))
    assert kept.sealed_for(CROSSING) == ["anna", "bert"]
    kept.record(records.Settled(CROSSING, said(), disposition))
    assert kept._of == {}
    fill(kept)
    assert kept._of == {}
    await asyncio.sleep(SEALED_S)  # the clock of what is gone ends nothing else


@told_to(keeping)
async def test_a_second_referral_begins_its_own_ten_minutes(kept: Referrals) -> None:
    fill(kept)
    await asyncio.sleep(SEALED_S / 2)
    kept.expect("c2", (ANNA, BERT))
    fill(kept, "c2")
    await asyncio.sleep(SEALED_S / 2)
    assert (kept.sealed_for(CROSSING), kept.sealed_for("c2")) == ([], ["anna", "bert"])


@told_to(keeping)
async def test_without_an_officer_nothing_is_expected(kept: Referrals) -> None:
    kept.expect("c2", ())
    fill(kept, "c2")
    assert list(kept._of) == [CROSSING]


@told_to(keeping)
async def test_the_oldest_of_too_many_is_forgotten(kept: Referrals) -> None:
    for number in range(REFERRALS_MAX):
        kept.expect(f"c-{number}", (ANNA,))
    assert len(kept._of) == REFERRALS_MAX
    assert CROSSING not in kept._of


# ── what was found, and flags ────────────────────────────────────────────────────────────────────────────────────────


@told_to(keeping)
async def test_what_was_found_is_that_of_the_latest_decision_and_goes_with_the_crossing(kept: Referrals) -> None:
    decided = replace(decided_record(), crossing=CROSSING)
    document_only = replace(decided.evidence, face=None)
    entry = records.EntryDecided(CROSSING, Verdict.ADMIT, (), document_only, decided.policy)
    assert kept.findings(CROSSING) is None
    kept.record(entry)
    assert kept.findings(CROSSING) == findings_of(document_only, decided.policy)
    kept.record(decided)
    assert kept.findings(CROSSING) == findings_of(decided.evidence, decided.policy)
    kept.record(records.Closed(CROSSING, ClosedAs.REFERRED))
    assert kept.findings(CROSSING) is not None
    kept.record(records.Settled(CROSSING, said(), Disposition.WALKED_BACK))
    assert kept.findings(CROSSING) is None
    kept.record(decided)
    kept.record(records.Closed(CROSSING, ClosedAs.ADMITTED))
    assert kept.findings(CROSSING) is None
    for number in range(100):
        kept.record(replace(decided, crossing=f"c-{number}"))
    assert len(kept._found) == REFERRALS_MAX + 1


def test_findings_say_what_the_evidence_has() -> None:
    decided = decided_record()
    page = PageCheck(PageCheckId.PAGE_ACCEPTED, CheckResult.SUCCESSFUL)
    print_ = PageCheck(PageCheckId.PRINTED_PORTRAIT_CHIP, CheckResult.FAILED, 0.2, 0.0, "225 pages")
    check = Check(CheckId.MRZ_DG1, CheckResult.FAILED, "they differ in number", "TR-03135-1 §5.7.2")
    document = DocumentEvidence(
        checks=(check,),
        access=AccessEvidence(AccessProtocol.PACE, Password.MRZ),
        page=PageEvidence("scanner", "TD3", 0.9, 1, checks=(page,)),
    )
    face = FaceEvidence(
        2, Score(0.3), Score(0.2), portrait_usable=False, trouble=(CameraTrouble.LOOPED,), page_checks=(print_,)
    )
    found = findings_of(replace(decided.evidence, document=document, face=face), decided.policy)
    assert found == Findings(
        checks=[Check(check.id, check.result, check.reason, check.clause)],
        page_checks=[
            PageCheck(page.id, page.result),
            PageCheck(print_.id, print_.result, 0.2, 0.0, "225 pages"),
        ],
        access=AccessProtocol.PACE,
        face_score=0.3,
        face_threshold=decided.policy.face_match_min.value,
        liveness=0.2,
        liveness_bound=decided.policy.liveness_min.value,
        quality=["several_faces", "portrait_unusable", "track_lost", "video_looped"],
    )
    nothing = findings_of(replace(decided.evidence, document=None, face=None), decided.policy)
    assert (nothing.checks, nothing.page_checks, nothing.access, nothing.quality) == ([], [], None, [])
    assert (nothing.face_score, nothing.liveness) == (None, None)
    assert findings_of(replace(decided.evidence, face=FaceEvidence(0)), decided.policy).quality == ["no_face"]


@told_to(keeping)
async def test_a_flag_is_remembered_for_an_hour_and_while_its_crossing_waits(kept: Referrals) -> None:
    for crossing in (CROSSING, None):
        kept.record(records.Flagged(crossing, said("anna"), Concern.CHILD))
        await asyncio.sleep(1)
    first, second = Raised(Concern.CHILD, "anna", CROSSING, 1000.0), Raised(Concern.CHILD, "anna", None, 1001.0)
    assert kept.flags(()) == (second, first)
    kept.record(records.Settled(CROSSING, said(), Disposition.WALKED_BACK))
    assert kept.flags(()) == (second, first)
    await asyncio.sleep(FLAG_S)
    assert kept.flags({CROSSING}) == (first,)
    assert kept.flags(()) == ()
    for _ in range(FLAGS_MAX + 1):
        kept.record(records.Flagged(None, said(), Concern.OTHER))
    assert len(kept.flags(())) == FLAGS_MAX

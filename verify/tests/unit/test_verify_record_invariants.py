"""What records may tell of a crossing, of doors and of time, and what contradicts itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from gate_verify.audit_record import AuditRecord
from gate_verify.record_invariants import Story

HOUR = "2026-11-25T10:00:00Z"
Line = tuple[str, str | None, Mapping[str, object]]
ADMIT: Mapping[str, object] = {"decision": "admit", "reasons": []}
REFER: Mapping[str, object] = {"decision": "refer", "reasons": [{"reason": "face_missing", "detail": ""}]}
STARTED: Line = ("started", None, {})


def counters(entry: int, leaving: int = 0) -> dict[str, object]:
    return {"entry": entry, "exit": leaving, "power_ups": 1}


def passed(name: str, entry: int, count: int = 1) -> Line:
    return (
        "passed",
        name,
        {"how": "grant", "count": count, "direction": "entry", "door": "last", "counters": counters(entry)},
    )


def admitted(name: str, entry: int) -> list[Line]:
    """An admission, and how often the door's controller has counted by then."""
    return [
        ("opened", name, {}),
        ("decided", name, ADMIT),
        ("granted", name, {"door": "last"}),
        passed(name, entry),
        ("grant_ended", name, {"how": "passage"}),
        ("closed", name, {"verdict": "admitted", "reasons": []}),
    ]


COUNTED: Line = ("counted", None, {"door": "last", "counters": counters(0), "before": None})
OVERRULED: list[Line] = [
    ("opened", "c2", {}),
    ("decided", "c2", REFER),
    ("closed", "c2", {"verdict": "referred", "reasons": REFER["reasons"]}),
    ("overruled", "c2", {"order": {}, "reasons": REFER["reasons"]}),
    ("granted", "c2", {"door": "last"}),
    passed("c2", 2),
    ("disposition", "c2", {"disposition": "admitted_by_officer"}),
]
TWO_DOORS: list[Line] = [
    ("opened", "c3", {}),
    ("entry_decided", "c3", ADMIT),
    ("granted", "c3", {"door": "first"}),
    ("passed", "c3", {"how": "grant", "count": 1, "direction": "entry", "door": "first", "counters": counters(1)}),
    ("decided", "c3", REFER),
    ("closed", "c3", {"verdict": "referred", "reasons": REFER["reasons"]}),
    ("disposition", "c3", {"disposition": "taken_over"}),
]
GOOD: list[Line] = [STARTED, COUNTED, *admitted("c1", 1), *OVERRULED, *TWO_DOORS]


def told(index: int, line: Line) -> AuditRecord:
    kind, crossing, body = line
    about = "device" if crossing is None else "crossing"
    return AuditRecord(
        index, HOUR, about, "k", kind, crossing, HOUR.replace("00:00", "07:30"), 1, "b", f"id-{index}", body
    )


def judged(lines: Sequence[Line | None], since: int = 0) -> Story:
    """The story of these records; None is one that does not open."""
    story = Story(since)
    for index, line in enumerate(lines, since):
        story.take(AuditRecord(index, HOUR, "crossing", "k", note="erased") if line is None else told(index, line))
    return story


def without(kind: str, crossing: str, lines: Sequence[Line] = GOOD) -> list[Line]:
    return [line for line in lines if line[:2] != (kind, crossing)]


def test_admissions_overrides_and_two_doors_contradict_nothing() -> None:
    story = judged(GOOD)
    assert (story.contradictions(), story.unsure()) == ((), ())


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (without("decided", "c1"), "granted in crossing c1 without a decision that opens the last door"),
        (without("decided", "c1"), "closed in crossing c1 as admitted without a decision that admits"),
        (without("overruled", "c2"), "granted in crossing c2 without a decision that opens the last door"),
        (without("entry_decided", "c3"), "granted in crossing c3 without a decision that opens the first door"),
        (without("granted", "c1"), "passed in crossing c1 on a grant that nobody had"),
        ([*GOOD[:5], passed("c1", 2, 2), *GOOD[6:]], "on a grant that nobody had"),
        (GOOD[1:], "before any start of the lane was recorded"),
        ([*GOOD, ("closed", "c1", {"verdict": "referred", "reasons": []})], "closed in crossing c1 a second time"),
        ([*GOOD, ("decided", "c1", REFER)], "decided in crossing c1 after what must follow it"),
        ([*GOOD, ("granted", "c2", {"door": "last"})], "granted in crossing c2 after what must follow it"),
        ([*GOOD, ("granted", "c1", {"door": "last"})], "granted in crossing c1 after what must follow it"),
        ([*GOOD[:4], GOOD[4], *GOOD[4:]], "granted in crossing c1 without a decision that opens the last door"),
        (without("opened", "c1"), "decided in crossing c1 without a beginning"),
        (without("closed", "c3"), "disposition in crossing c3 without a verdict"),
        ([*GOOD[:3], ("decided", "c1", REFER), *GOOD[3:]], "decided in crossing c1 a second time"),
        ([*GOOD[:3], GOOD[3], GOOD[3], GOOD[4], *GOOD[4:]], "decided in crossing c1 a second time"),
        (
            [*GOOD, ("opened", "c4", {}), ("entry_decided", "c4", REFER), ("entry_decided", "c4", ADMIT)],
            "entry_decided in crossing c4 a second time",
        ),
        (
            [*GOOD, ("opened", "c4", {}), ("decided", "c4", {**ADMIT, "reasons": REFER["reasons"]})],
            "admit in spite of reasons",
        ),
        ([*GOOD, ("opened", "c4", {}), ("decided", "c4", {**REFER, "reasons": []})], "refer without a reason"),
        ([*GOOD, ("opened", None, {})], "belongs to no crossing"),
        ([*GOOD, ("overruled", "c2", {})], "overruled in crossing c2 after what must follow it"),
        (
            without("passed", "c1"),
            "the controller of the last door counted 2 passages in direction entry, and the records tell of 1",
        ),
    ],
)
def test_what_cannot_have_been_is_a_contradiction(lines: list[Line], says: str) -> None:
    found = judged(lines).contradictions()
    assert any(says in one for one in found), found


def test_a_record_that_does_not_open_makes_a_contradiction_a_doubt() -> None:
    lines: list[Line | None] = [None if line[:2] == ("decided", "c1") else line for line in GOOD]
    story = judged(lines)
    assert story.contradictions() == ()
    assert story.unsure()[0] == "what 1 records tell: they do not open for you"
    assert any("whether" in one and "without a decision" in one for one in story.unsure())
    lines = [None if line[0] == "passed" and line[1] == "c1" else line for line in GOOD]
    assert judged(lines).contradictions() == ()


def test_records_that_the_lane_lost_do_too() -> None:
    lost: Line = ("incident", None, {"incident": "records_lost", "count": 1})
    assert judged([GOOD[0], GOOD[1], GOOD[2], lost, *without("decided", "c1")[3:]]).contradictions() == ()


def test_a_lane_that_died_after_an_officers_admission_closes_the_crossing_once_more() -> None:
    again: Line = ("closed", "c2", {"verdict": "referred", "reasons": [{"reason": "lane_restarted", "detail": ""}]})
    at = GOOD.index(OVERRULED[3]) + 1
    assert judged([*GOOD[:at], STARTED, again, OVERRULED[3], *GOOD[at:]]).contradictions() == ()
    assert any(
        "closed in crossing c2 a second time" in one for one in judged([*GOOD[:at], again, again]).contradictions()
    )


def called(*, opened_ms: int, boot: str = "b", document: bool = False) -> Story:
    """Somebody calls for an officer at a lane at rest whose disk is full: the beginning waits for room, and what follows passes it."""
    story = judged([STARTED, ("closed", "c9", {"verdict": "referred"}), ("asked", "c9", {"wish": "help"})])
    opened = told(3, ("opened", "c9", {"document": document}))
    story.take(replace(opened, monotonic_ms=opened_ms, boot=boot))
    story.take(told(4, ("disposition", "c9", {"disposition": "taken_over"})))
    return story


def test_a_call_for_an_officer_whose_beginning_waited_for_room_on_the_disk_contradicts_nothing() -> None:
    assert called(opened_ms=1).contradictions() == ()
    for other in (called(opened_ms=2), called(opened_ms=1, boot="another"), called(opened_ms=1, document=True)):
        assert any("opened in crossing c9 after what must follow it" in one for one in other.contradictions())


def test_a_log_that_begins_in_the_middle_of_a_crossing_contradicts_nothing() -> None:
    for since in range(1, len(GOOD)):
        assert judged(GOOD[since:], since).contradictions() == (), since


def test_the_books_begin_anew_with_a_power_up_and_go_on_at_zero() -> None:
    powered: Line = (
        "counted",
        None,
        {"door": "last", "counters": {**counters(1), "power_ups": 2}, "before": counters(2)},
    )
    unseen: Line = ("passed", None, {**passed("", 1)[2], "how": "unseen"})
    assert judged([*GOOD, powered, unseen]).contradictions() == ()
    assert len(judged([*GOOD, powered]).contradictions()) == 1
    full: Line = ("counted", None, {"door": "last", "counters": counters(2**32 - 1), "before": None})
    assert judged([STARTED, full, *admitted("c1", 0)]).contradictions() == ()


def test_two_who_are_counted_in_one_look_are_two_records_with_one_count() -> None:
    both: list[Line] = [
        passed("c9", 3),
        (
            "passed",
            "c9",
            {"how": "nothing", "count": 1, "direction": "exit", "door": "last", "counters": counters(3, 1)},
        ),
    ]
    both[0][2]["counters"] = counters(3, 1)  # type: ignore[index]
    lines = [*GOOD, ("opened", "c9", {}), ("decided", "c9", ADMIT), ("granted", "c9", {"door": "last"}), *both]
    assert judged(lines).contradictions() == ()


def test_a_record_twice_and_a_moment_outside_its_hour_are_contradictions() -> None:
    story = Story()
    story.take(told(0, STARTED))
    story.take(AuditRecord(1, HOUR, "device", "k", "presence", None, "2026-11-25T11:00:00.000Z", 1, "b", "id-0", {}))
    assert story.contradictions() == (
        "entry 1 is of 2026-11-25T11:00:00.000Z and stands under the hour 2026-11-25T10:00:00Z",
        "entry 1 is entry 0 once more",
    )


# ── two officers ─────────────────────────────────────────────────────────────────────────────────────────────────────

OF_TWO: Line = ("started", None, {"rules": {"two_officers_for": ["face_missing", "test_document"]}})
SHOWN: list[Line] = [("viewed", "c2", {"order": {"officer": who}}) for who in ("anna", "bert")]
FIRST: Line = ("would_admit", "c2", {"order": {"officer": "anna"}, "reasons": REFER["reasons"]})
SECOND: Line = ("overruled", "c2", {"order": {"officer": "bert"}, "reasons": REFER["reasons"]})
TAKEN_BACK: Line = ("obeyed", "c2", {"order": {"officer": "anna"}, "verb": "refer"})
OTHER_REASONS: Mapping[str, object] = {"reasons": [{"reason": "test_document", "detail": ""}]}
RESTARTED: Mapping[str, object] = {"verdict": "referred", "reasons": [{"reason": "lane_restarted", "detail": ""}]}


def by_two(*officers: Line) -> list[Line]:
    """An admission by officers at a lane whose rules want two, with what they ordered."""
    return [OF_TWO, COUNTED, *admitted("c1", 1), *OVERRULED[:3], *officers, *OVERRULED[4:]]


def test_an_admission_on_the_orders_of_two_officers_contradicts_nothing() -> None:
    story = judged(by_two(*SHOWN, FIRST, SECOND))
    assert (story.contradictions(), story.unsure()) == ((), ())


@pytest.mark.parametrize(
    ("officers", "says"),
    [
        ([*SHOWN, SECOND], "overruled in crossing c2 by bert alone, which takes two officers for face_missing"),
        ([*SHOWN, FIRST, (*SECOND[:2], {**SECOND[2], "order": {"officer": "anna"}})], "by anna alone"),
        ([*SHOWN, FIRST, TAKEN_BACK, SECOND], "by bert alone"),
        ([*SHOWN, FIRST, OF_TWO, SECOND], "by bert alone"),
        ([*SHOWN, FIRST, SECOND, SECOND], "by bert alone"),
        ([*SHOWN, (*FIRST[:2], {**FIRST[2], **OTHER_REASONS}), SECOND], "for different reasons"),
        ([SHOWN[1], FIRST, SECOND], "without pictures shown to anna"),
        ([SHOWN[0], FIRST, SECOND], "without pictures shown to bert"),
        ([FIRST, SECOND], "without pictures shown to anna, bert"),
        ([*SHOWN, FIRST, ("disposition", "c2", {}), FIRST], "would_admit in crossing c2 after what must follow it"),
        ([("would_admit", None, {})], "belongs to no crossing"),
    ],
)
def test_an_admission_by_officers_without_two_orders_is_a_contradiction(officers: list[Line], says: str) -> None:
    found = judged(by_two(*officers)).contradictions()
    assert any(says in one for one in found), found


def test_what_a_start_of_the_lane_forgot_takes_two_whatever_the_officer_says_of_it() -> None:
    again: Line = ("closed", "c2", RESTARTED)
    alone: Line = (*SECOND[:2], {**SECOND[2], "reasons": RESTARTED["reasons"]})
    referred = [("opened", "c2", {}), OF_TWO, again]
    lines: list[Line] = [OF_TWO, COUNTED, *referred, SHOWN[1], alone, *OVERRULED[4:]]
    assert any(
        "by bert alone, which takes two officers for lane_restarted" in one for one in judged(lines).contradictions()
    )


def test_a_first_order_that_stood_too_long_is_none() -> None:
    story = Story()
    lines = by_two(*SHOWN, FIRST, SECOND)
    for index, line in enumerate(lines):
        one = told(index, line)
        late = lines.index(SECOND) <= index
        story.take(
            AuditRecord(
                **{**{name: getattr(one, name) for name in one.__slots__}, "monotonic_ms": 400_000 if late else 1}
            )
        )
    assert any("by bert long after anna" in one for one in story.contradictions())


BY_RULE: Mapping[str, object] = {"reasons": [{"reason": "rule_two_officers", "detail": "one of v1"}]}


def test_what_a_written_rule_wants_two_for_takes_two_whatever_the_settings_say() -> None:
    alone: Line = (*SECOND[:2], {**SECOND[2], **BY_RULE})
    first: Line = (*FIRST[:2], {**FIRST[2], **BY_RULE})
    for officers, well in (([SHOWN[1], alone], False), ([*SHOWN, first, alone], True)):
        story = judged([STARTED, *by_two(*officers)[1:]])
        assert any("takes two officers for rule_two_officers" in one for one in story.contradictions()) is not well


@pytest.mark.parametrize("cut", range(12))
def test_written_rules_that_want_two_hold_for_whoever_a_start_of_the_lane_forgot(cut: int) -> None:
    text = '{"rules":{"a":{"officers":2}}}'
    at = text.index('"officers"') + cut
    stated: list[Line] = [("rules_stated", None, {"text": piece}) for piece in (text[:at], text[at:])]
    alone: Line = (*SECOND[:2], {**SECOND[2], "reasons": RESTARTED["reasons"]})
    lines = [STARTED, COUNTED, ("opened", "c2", {}), STARTED, *stated, ("closed", "c2", RESTARTED), SHOWN[1], alone]
    assert any("takes two officers for lane_restarted" in one for one in judged(lines).contradictions())
    without = [line for line in lines if line[0] != "rules_stated"]
    assert not any("takes two officers" in one for one in judged(without).contradictions())


def test_where_no_rule_is_told_of_one_officer_is_enough() -> None:
    for start in (STARTED, ("started", None, {"rules": {}}), ("started", None, {"rules": {"two_officers_for": "all"}})):
        lines = [start, *by_two(SECOND)[1:]]
        assert judged(lines).contradictions() == ()


def test_a_first_order_that_does_not_open_makes_a_contradiction_a_doubt() -> None:
    lines: list[Line | None] = [None if line == FIRST else line for line in by_two(*SHOWN, FIRST, SECOND)]
    story = judged(lines)
    assert story.contradictions() == ()
    assert any("whether" in one and "by bert alone" in one for one in story.unsure())

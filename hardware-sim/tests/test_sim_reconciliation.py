"""The recorded passages against the ground truth: each missing, invented or untrue record is found."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from hardware_sim.decision_log import Entry
from hardware_sim.reconciliation import BOOKED_MS_MAX, Different, differences
from hardware_sim.truth import Happening

FIRST = {"entry": 0, "exit": 0, "power_ups": 1}


def told(text: str) -> tuple[tuple[Happening, ...], tuple[Entry, ...]]:
    """A truth and a log, told in words and milliseconds. A passage is written with what the controller has counted until then in the text."""
    truth, log, counters = list[Happening](), list[Entry](), dict(FIRST)
    for word in filter(None, text.split(", ")):
        at_text, kind, *more = word.split()
        at_ms, crossing = int(at_text), more.pop() if more and more[-1] in {"c1", "c2"} else None
        way, count = "exit" if "exit" in more else "entry", int(more[0]) if more and more[0].isdigit() else 1
        match kind:
            case "counted":
                counters[way] += 1
                truth.append(Happening(at_ms, kind, {"direction": way, **counters}))
            case "power_up":
                counters = {**FIRST, "power_ups": counters["power_ups"] + 1}
                truth.append(Happening(at_ms, kind, {"power_ups": counters["power_ups"]}))
            case "barrier_unplugged" | "barrier_plugged":
                truth.append(Happening(at_ms, kind, {}))
            case "release" | "grant" | "unseen":
                body = {"count": count, "how": kind, "direction": way, "counters": dict(counters)}
                log.append(Entry(at_ms, "passed", crossing, body))
            case "admitted":
                log.append(Entry(at_ms, "closed", crossing, {"verdict": kind}))
            case "referred":
                reasons = {"reasons": [{"reason": reason, "detail": ""} for reason in more]} if more else {}
                log.append(Entry(at_ms, "closed", crossing, {"verdict": kind, **reasons}))
            case "books":
                log.append(Entry(at_ms, "counted", None, {"counters": dict(counters), "before": None}))
            case "erased":
                log.append(Entry(at_ms, "passed", None, {}))
            case "opened":
                log.append(Entry(at_ms, kind, crossing, {}))
            case _:
                log.append(Entry(at_ms, "disposition", crossing, {"disposition": kind}))
    return tuple(truth), tuple(log)


def found(text: str) -> list[str]:
    return sorted(one.kind.value for one in differences(*told(text)))


# A crossing from the document to the lane at rest, with a passage on its grant.
ADMITTED = "100 opened c1, 1000 counted, 1060 grant c1, 1900 admitted c1"
REFERRED = "100 opened c1, 200 referred c1"
BOOKED, LATER = f"{1_000 + BOOKED_MS_MAX} power_up", f"{1_001 + BOOKED_MS_MAX} power_up"
CASES = {
    # the same
    "nothing happened": ("", ""),
    "the books begin": ("1 books", ""),
    "a record was erased": ("1 erased", ""),
    "an admitted traveller and one who was released": (f"{ADMITTED}, 5000 counted, 5100 release", ""),
    "several in one record and both directions": (
        "1000 counted, 1010 counted exit, 1020 counted, 1100 release 2, 1100 release exit", ""),
    "who passed while the cable was out may be written long after": (
        "900 barrier_unplugged, 1000 counted, 90000 barrier_plugged, 90500 unseen", ""),
    "an officer's admission is borne out by a passage too": (
        f"{REFERRED}, 1000 counted, 1100 grant c1, 1500 admitted_by_officer c1", ""),
    "a referral on whose way somebody passed unseen is said": (f"{REFERRED}, 1000 counted, 1100 unseen c1", ""),
    "a companion passes on the grant of who is referred for it": (
        "100 opened c1, 1000 counted, 1100 grant c1, 4100 referred holder_in_view c1", ""),
    "the latest crossing may go on when the log ends": ("100 opened c1, 1000 counted, 1060 grant c1", ""),
    "what no gate could hear of before a power-up": (f"1000 counted, {BOOKED}, 9000 books", ""),
    "nor with its cable out": ("900 barrier_unplugged, 1000 counted, 60000 power_up", ""),
    # different
    "an officer's admission that ended otherwise": (
        f"{REFERRED}, 1000 counted, 1100 grant c1, 1500 walked_back c1", "verdict"),
    "a companion on the grant of who is referred for something else": (
        "100 opened c1, 1000 counted, 1100 grant c1, 4100 referred emergency c1", "verdict"),
    "a passage that is in no record": ("1000 counted", "passage_missing"),
    "and one that way": ("1000 counted exit", "passage_missing"),
    "four who became one": (
        "1000 counted, 1001 counted, 1002 counted, 1003 counted, 1100 release",
        "passage_missing passage_missing passage_missing"),
    "one of the other direction covers none": (
        "1000 counted, 1100 release exit", "passage_invented passage_missing"),
    "one that nobody counted": ("1000 counted, 1100 release, 1200 release", "passage_invented"),
    "one before it happened": ("2000 counted, 1000 release", "counters passage_invented passage_missing"),
    "one that could have been written before a power-up": (f"1000 counted, {LATER}", "passage_missing"),
    "an admission on which nobody passed": ("100 opened c1, 200 admitted c1", "verdict"),
    "one who passed on their grant and was called referred": (
        "100 opened c1, 1000 counted, 1060 grant c1, 2000 referred c1", "verdict"),
    "two who passed on one grant": (
        "100 opened c1, 1000 counted, 1060 grant c1, 1150 counted, 1200 grant c1, 1900 admitted c1", "verdict"),
    "a crossing without a verdict": ("100 opened c1, 300 opened c2", "verdict"),
    "a crossing with two": (f"{REFERRED}, 200 referred c1, 300 opened c2", "verdict"),
}  # fmt: skip


@pytest.mark.parametrize("what", CASES)
def test_the_books_are_held_against_the_truth(what: str) -> None:
    text, finds = CASES[what]
    assert Counter(found(text)) == Counter(finds.split())


def test_a_world_that_does_not_tell_what_its_controller_counts_is_believed_for_who_passed() -> None:
    truth = (Happening(1_000, "passed", {"direction": "entry", "traveller": "t1"}),)
    assert differences(truth, told("1100 release")[1]) == ()
    assert [one.kind for one in differences(truth, ())] == [Different.PASSAGE_MISSING]


@pytest.mark.parametrize("counters", [{"entry": 2, "exit": 0, "power_ups": 1}, {"entry": True}, None])
def test_counters_that_the_controller_never_had_differ(counters: Any) -> None:
    truth, (passed,) = told("1000 counted, 1100 release")
    wrong = Entry(passed.at_ms, passed.kind, None, {**passed.body, "counters": counters})
    assert [one.kind for one in differences(truth, (wrong,))] == [Different.COUNTERS]


def test_differences_say_when_and_why_as_json() -> None:
    (one,) = differences(*told("1000 counted"))
    assert one.as_json() == {"at_ms": 1_000, "kind": "passage_missing", "why": "in entry direction, in no record"}

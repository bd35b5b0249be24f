"""What a console is told of a lane: who is present, for how long somebody waits, what was found, who can view, and flags."""

from __future__ import annotations

import msgspec
import pytest
from fakes.gate_status import CONFIG, told

from gate.channel.document_messages import EVIDENCE_ITEMS_MAX
from gate.channel.order_messages import Findings, Flag, Look, Present, Waiting
from gate.passage.names import Concern
from gate.passage.open_referrals import WAITING_MAX
from gate.programs.screens.console_status import FINDINGS_MAX, lane_event
from gate_core import console_link
from gate_core.evidence.crossing import Check, CheckId, CheckResult
from gate_core.evidence.reasons import Objection, Reason
from gate_officers.console.view import read_findings as read

FOUND = Findings([], [], None, 0.1, 0.411, 0.9, 0.5, ["several_faces"])
WAITS = Waiting(
    crossing="c1",
    objections=[Objection(Reason.FACE_BELOW_THRESHOLD)],
    since_ms=34_500,
    findings=FOUND,
    sealed_for=["anna"],
    flags=[Flag(Concern.CHILD, "bert", 1_000, "c1")],
)


def look(*waiting: Waiting) -> Look:
    return Look("g", True, "referred", None, list(waiting), None, 1, "0" * 32, 0, present=[Present("anna", 2_500)])


def test_a_console_is_told_what_officers_are_shown() -> None:
    event = lane_event("boot", CONFIG, look(WAITS), told())
    (waits,) = event.waiting
    assert (waits.waiting_s, waits.sealed_for, waits.flags) == (34.5, ["anna"], ["child"])
    assert event.officers == [console_link.Present(officer="anna", seen_s=2.5)]
    found = read(waits.findings)
    assert (found.face_score, found.face_threshold, found.liveness, found.liveness_bound) == (0.1, 0.411, 0.9, 0.5)
    assert found.quality == ("several_faces",)
    assert lane_event("boot", CONFIG, None, told()).officers == []


def test_a_console_is_told_of_flags_over_somebody_who_does_not_wait() -> None:
    flags = [Flag(Concern.CHILD, "bert", 1_000, "c1"), Flag(Concern.TRAFFICKING, "bert", 9_000, None)]
    flags += [Flag(Concern.UNWELL, "anna", 9_500, "c2"), Flag(Concern.TRAFFICKING, "anna", 9_900, None)]
    flags += [Flag(Concern.OTHER, "anna", 9_990, "of whom somebody has settled")]
    flagged = msgspec.structs.replace(look(WAITS), flags=flags, running="c2")
    assert lane_event("boot", CONFIG, flagged, told()).flags == ["trafficking", "unwell"]
    assert lane_event("boot", CONFIG, None, told()).flags == []


@pytest.mark.parametrize("many", [1, WAITING_MAX])
def test_whatever_a_captured_child_found_a_console_takes_what_it_is_told(many: int) -> None:
    long = "x" * 200
    weak = [Objection(Reason.WEAK_ALGORITHM, long) for _ in range(EVIDENCE_ITEMS_MAX)]
    checks = [Check(CheckId.MRZ, CheckResult.FAILED, long, "x" * 64) for _ in range(EVIDENCE_ITEMS_MAX)]
    found = msgspec.structs.replace(FOUND, checks=checks)
    waits = msgspec.structs.replace(WAITS, objections=[*weak, Objection(Reason.FACE_MISSING)], findings=found)
    told_on = console_link.encode(lane_event("boot", CONFIG, look(*[waits] * many), told()))
    assert len(told_on) <= console_link.EVENT_BYTES_MAX
    event = console_link.decode(told_on, console_link.LaneEvent)
    assert len(event.waiting) == many
    for one in event.waiting:
        assert {why.reason for why in one.reasons} == {"weak_algorithm", "face_missing"}


def test_of_many_who_wait_all_is_told_of_the_latest() -> None:
    event = lane_event("boot", CONFIG, look(*[WAITS] * (FINDINGS_MAX + 2)), told())
    assert [bool(one.findings) for one in event.waiting] == [True] * FINDINGS_MAX + [False] * 2

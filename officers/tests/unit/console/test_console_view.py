"""What officers' pages show of what gates tell: order, words, and that the machine's opinion of a face comes last."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from core_fakes import shifts
from fluent.syntax import FluentParser, ast
from officers_fakes.console_doubles import event, waits

import gate_officers.console
from gate_core.console_link import Why
from gate_core.evidence.crossing import CameraTrouble, CheckId, CheckResult, Notice
from gate_core.evidence.names import PageCheckId, Role
from gate_core.evidence.reasons import Reason
from gate_core.orders.certificate import Certificate
from gate_core.orders.order import REASON_CHARACTERS_MAX, Lack
from gate_core.orders.verbs import VERBS, Verb
from gate_core.web_pages.texts import Say
from gate_officers.console import view
from gate_officers.console.alarms import CALLING, LOST, Calls, Seen, kinds
from gate_officers.console.app import TEXTS
from gate_officers.console.view import OPINIONS, REASONS_EACH, Action, Said

SAY = Say(TEXTS, "en")
CONSOLE = Path(gate_officers.console.__file__).parent
ANNA = shifts.certificate()


def lost(gate: str) -> Seen:
    return Seen(gate, None, silent_s=3.0, trouble="says nothing")


def seen(gate: str, **changes: Any) -> Seen:
    return Seen(gate, event(gate, **changes))


def overview(*gates: Seen, viewer: Certificate = ANNA, after_s: float = 0.0, goes: str = "") -> dict[str, Any]:
    calls = Calls()
    calls.look(gates, 100.0)
    for call in calls.standing if goes else ():
        calls.answer(call.gate, call.kind, goes)
    calls.look(gates, 100.0 + after_s)
    return view.overview(gates, calls.standing, viewer, SAY, now_s=100.0 + after_s)


def plain(words: str) -> str:
    """Without the bidi isolates around variables."""
    return re.sub("[\u2066-\u2069]", "", words)


# ── the order of the tiles ───────────────────────────────────────────────────────────────────────────────────────────


def test_who_needs_somebody_stands_first_then_who_waits_longest_then_lost_gates_then_what_else_calls_then_the_rest() -> (
    None
):
    shown = overview(
        seen("north-10"),
        seen("north-2"),
        lost("north-3"),
        seen("north-4", waiting=[waits("a", waiting_s=9.0)]),
        seen("north-5", waiting=[waits("b", waiting_s=31.0)]),
        seen("north-6", alarms=["forced"]),
        seen("north-7", notices=["person_inside"], waiting=[waits("c", waiting_s=2.0)]),
        seen("north-11", officers=[]),
    )
    order = [tile["gate"] for tile in shown["tiles"]]
    assert order == ["north-7", "north-6", "north-5", "north-4", "north-3", "north-11", "north-2", "north-10"]
    assert [tile["need"] for tile in shown["tiles"]] == [
        *("alarm", "alarm", "waits", "waits", "lost", "called", "nothing", "nothing")
    ]


def test_a_lost_gate_is_shown_as_nothing_known_and_keeps_what_was_urgent_before() -> None:
    calls = Calls()
    calls.look([seen("north-3", notices=["person_inside"])], 0.0)
    calls.look([lost("north-3")], 1.0)
    assert {call.kind for call in calls.standing} == {"person_inside", "lost"}
    tile = view.overview([lost("north-3")], calls.standing, ANNA, SAY, now_s=1.0)["tiles"][0]
    assert (tile["need"], tile["state"], tile["lost"], tile["waits"]) == ("alarm", "No connection", True, [])
    calls.look([seen("north-3")], 2.0)
    assert calls.standing == ()


def test_a_gate_whose_lane_does_not_answer_it_is_lost() -> None:
    tile = overview(seen("north-3", state=None))["tiles"][0]
    assert (tile["need"], tile["state"]) == ("lost", "No connection")


def test_seconds_are_as_old_as_the_word_that_told_them() -> None:
    told = Seen("north-3", event("north-3", waiting=[waits("a", waiting_s=9.0)]), lane_age_s=4.0)
    assert overview(told)["tiles"][0]["waits"][0]["waits_s"] == 13.0


def test_a_gate_that_says_what_this_console_has_no_words_for_is_shown_in_its_own() -> None:
    tile = overview(seen("north-3", state="dreaming", waiting=[waits("a", "moon_in_the_way")]))["tiles"][0]
    assert (tile["state"], tile["waits"][0]["why"]) == ("dreaming", "moon_in_the_way")


# ── alarms ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_alarm_that_nobody_answers_is_escalated_after_thirty_seconds_and_one_that_is_answered_is_not() -> None:
    alarm = seen("north-3", alarms=["forced"])
    assert [overview(alarm, after_s=after_s)["sound"] for after_s in (0.0, 29.9, 30.0)] == [
        "alarm",
        "alarm",
        "escalated",
    ]
    answered = overview(alarm, after_s=299.0, goes="ben")
    assert (answered["sound"], answered["title"]) == ("", "")
    call = answered["tiles"][0]["calls"][0]
    assert (plain(call["by"]), call["went"], call["escalated"]) == ("ben goes", "", False)


def test_an_alarm_that_stands_five_minutes_after_somebody_said_that_they_go_calls_everybody_again() -> None:
    calls, alarm = Calls(), [seen("north-3", alarms=["forced"])]
    calls.look(alarm, 0.0)
    calls.answer("north-3", "forced", "ben")
    calls.look(alarm, 20.0)
    calls.look(alarm, 320.0)
    shown = view.overview(alarm, calls.standing, ANNA, SAY, now_s=320.0)
    (call,) = shown["tiles"][0]["calls"]
    assert (shown["sound"], call["by"], call["escalated"]) == ("escalated", "", True)
    assert plain(call["went"]) == "ben said that they go, and it is not over"
    calls.answer("north-3", "forced", "anna")
    calls.look(alarm, 330.0)
    (call,) = view.overview(alarm, calls.standing, ANNA, SAY, now_s=330.0)["tiles"][0]["calls"]
    assert (plain(call["by"]), call["went"]) == ("anna goes", "")


def test_a_supervisor_hears_of_an_alarm_when_nobody_has_answered_and_at_once_when_nobody_is_present() -> None:
    boss = shifts.certificate(role=Role.SUPERVISOR)
    alarm = seen("north-3", alarms=["forced"])
    assert [overview(alarm, viewer=boss, after_s=after_s)["sound"] for after_s in (0.0, 30.0)] == ["", "escalated"]
    nobody = overview(seen("north-3", officers=[]), viewer=boss)
    assert (nobody["sound"], nobody["tiles"][0]["nobody"]) == ("alarm", True)


@pytest.mark.parametrize("changes", [{"closed_by": "ben"}, {"mode": "shadow"}], ids=["closed", "shadow"])
def test_nobody_needs_to_be_present_where_nobody_is_served(changes: dict[str, Any]) -> None:
    assert overview(seen("north-3", officers=[], **changes))["tiles"][0]["calls"] == []


def test_whoever_has_left_reads_where_they_count_as_present_still() -> None:
    here = [{"officer": "anna", "seen_s": 90.0}]
    shown = overview(seen("north-10", officers=here), seen("north-2", officers=here), seen("north-3", officers=[]))
    assert "at north-2, north-10:" in plain(shown["still"])
    gone = overview(
        seen("north-2", officers=here, state=None),
        lost("north-3"),
        seen("north-4", officers=[{**here[0], "officer": "ben"}]),
    )
    assert gone["still"] == ""


def test_whoever_orders_nothing_hears_nothing() -> None:
    auditor = shifts.certificate(role=Role.AUDITOR)
    assert overview(seen("north-3", alarms=["forced"]), viewer=auditor, after_s=60.0)["sound"] == ""


def test_the_title_counts_alarms_and_waiting_travellers() -> None:
    shown = overview(seen("north-3", alarms=["forced"], waiting=[waits("a")]), seen("north-4", waiting=[waits("b")]))
    assert plain(shown["title"]) == "1 ALARM · 2 waiting"
    assert plain(overview(seen("north-4", waiting=[waits("b")]))["title"]) == "1 waiting"


# ── the officer first, the machine after ─────────────────────────────────────────────────────────────────────────────


def test_nothing_before_the_officer_has_spoken_says_what_the_machine_thinks_of_the_face() -> None:
    every = waits("a", *sorted(OPINIONS), "document_check_failed")
    gate = seen("north-3", waiting=[every])
    before = plain(json.dumps([overview(gate), view.decision(every, gate, ANNA, SAY)], ensure_ascii=False))
    after = plain(json.dumps(view.opinion(every, SAY), ensure_ascii=False))
    telling = [SAY(f"reason-{reason}") for reason in OPINIONS] + ["0.31", "0.45", "0.62", "0.80"]
    assert [words for words in telling if words in before] == []
    assert [words for words in telling if words not in after] == []
    assert SAY("reason-document_check_failed") in before


def test_numbers_stand_beside_their_bounds_and_a_verdict_in_words() -> None:
    face, living = view.opinion(waits("a"), SAY)["numbers"]
    assert (face["value"], plain(face["bound"]), face["verdict"]) == ("0.31", "threshold 0.45", "below the threshold")
    assert (living["value"], living["verdict"], living["tone"]) == ("0.62", "below the bound", "bad")
    assert view.opinion(waits("a", findings={}), SAY)["numbers"][0]["value"] == "not compared"


def test_a_reason_stands_once_with_all_that_it_is_about_and_a_document_that_was_not_read_is_said_to_be_that() -> None:
    made = [("mrz", "successful"), ("chip_access", "failed"), ("expiry", "aborted"), ("country", "aborted")]
    kind = {"failed": "document_check_failed", "aborted": "document_check_aborted"}

    def reasons(checks: list[tuple[str, str]]) -> list[tuple[str, str]]:
        why = [Why(reason=kind[result], detail=one) for one, result in checks if result in kind]
        waiting = msgspec.structs.replace(
            waits("a", findings={"checks": [{"id": one, "result": result} for one, result in checks]}),
            reasons=[*why, Why(reason="zone_not_empty")],
        )
        return [(one["words"], one["detail"]) for one in view.decision(waiting, seen("north-3"), ANNA, SAY)["reasons"]]

    other = (SAY("reason-zone_not_empty"), "")
    assert reasons(made) == [
        (SAY("reason-document_check_failed"), "chip_access"),
        (SAY("reason-document_check_aborted"), "expiry, country"),
        other,
    ]
    assert reasons(made[1:]) == [(SAY("reason-unread"), ""), other]
    assert reasons([]) == [other]


def test_findings_that_cannot_be_read_are_none() -> None:
    odd = waits("a", findings={"checks": "yes", "face_score": {}})
    assert view.decision(odd, seen("north-3"), ANNA, SAY)["checks"] == []


# ── who sees what ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("changes", "sees"),
    [({}, False), ({"trained": True}, True), ({"role": Role.SUPERVISOR}, True)],
    ids=["an officer", "a trained officer", "a supervisor"],
)
def test_flags_are_for_trained_officers_and_supervisors(changes: dict[str, Any], sees: bool) -> None:  # noqa: FBT001
    viewer = shifts.certificate(**changes)
    waiting = waits("a", flags=["trafficking"])
    gate = seen("north-3", waiting=[waiting])
    shown = json.dumps([overview(gate, viewer=viewer), view.decision(waiting, gate, viewer, SAY)])
    assert ("trafficking" in shown) is sees
    of_nobody_who_waits = overview(seen("north-3", flags=["trafficking"]), viewer=viewer)["tiles"][0]
    notes = ["Flag: trafficking. It is about somebody who does not wait here."] if sees else []
    assert [plain(one) for one in of_nobody_who_waits["notes"]] == notes
    assert ("trafficking" in json.dumps(of_nobody_who_waits)) is sees


def test_pictures_are_for_those_to_whom_they_were_sealed() -> None:
    gate = seen("north-3")
    assert view.decision(waits("a", sealed_for=["anna"]), gate, ANNA, SAY)["pictures"]
    assert not view.decision(waits("a", sealed_for=["ben"]), gate, ANNA, SAY)["pictures"]


def test_each_role_is_offered_what_it_may_order_and_nothing_else() -> None:
    for role in Role:
        viewer = shifts.certificate(role=role)
        offered = {one["verb"] for group in view.controls(viewer, SAY) for one in group["verbs"]}
        on_other_pages = {"present", "admit", "hand-over", "view", "flag"}
        assert offered == {verb.value for verb in Verb if role in VERBS[verb].roles} - on_other_pages


def test_a_tile_says_in_words_the_stages_of_the_last_crossing_that_lanes_tell() -> None:
    told = dict.fromkeys(("chip_read", "face_compared", "decided", "passed"), 2.0) | {"grant_written": 1.0}
    (tile,) = overview(seen("north-2", last=told))["tiles"]
    assert plain(tile["last"]) == "document 2.0 s · face 2.0 s · decided 2.0 s · passed 2.0 s"


@pytest.mark.parametrize(
    "lie",
    [
        {"state": "closed_by"},
        {"notices": ["by", "do-forced", "escalated"]},
        {"waiting": [waits("c-1", "none\nsuch", "x" * 128, flags=["ask", ""])]},
        {"direction": "-", "travellers": "{ $x }", "last": {"none": 1e9}},
    ],
    ids=["state", "notices", "waiting", "rest"],
)
def test_no_word_of_a_lying_gate_ends_a_page(lie: dict[str, Any]) -> None:
    gates, viewer = [seen("north-2", **lie)], shifts.certificate(role=Role.SUPERVISOR)
    (tile,) = view.overview(gates, [], viewer, SAY, now_s=0.0)["tiles"]
    assert tile["gate"] == "north-2"
    assert view.open_things(gates, [], SAY)
    for waiting in lie.get("waiting", ()):
        assert view.decision(waiting, gates[0], viewer, SAY)
        assert view.opinion(waiting, SAY)


def test_a_handover_says_what_is_open_at_each_lane_and_no_flag() -> None:
    calls = Calls()
    gates = [
        seen("north-10"),
        seen("north-2", alarms=["forced"], waiting=[waits("c-1", "page_check", flags=["child"])], flags=["other"]),
    ]
    calls.look(gates, 0.0)
    open_at = view.open_things(gates, calls.standing, SAY)
    assert [(one["gate"], [plain(thing) for thing in one["things"]]) for one in open_at] == [
        ("north-2", ["The door was forced", "Waits for an officer: c-1"]),
        ("north-10", []),
    ]


@pytest.mark.parametrize(
    ("notice", "is_urgent"),
    [(Notice.FREEING_REFUSED, True), (Notice.STATE_UNKNOWN, True), (Notice.EXPIRED_KEY_USED, False)],
)
def test_a_misused_key_and_a_state_that_nobody_knows_call_for_somebody(notice: Notice, *, is_urgent: bool) -> None:
    gate, kind = seen("north-3", notices=[Notice.REFERRAL_WAITS.value, notice.value]), notice.value
    assert kinds(gate) == ((kind, "referral_waits") if is_urgent else ("referral_waits", kind))
    calls = Calls()
    calls.look([gate], 100.0)
    calls.look([lost("north-3")], 101.0)
    assert [one.kind for one in calls.standing] == ([kind, LOST] if is_urgent else [LOST])


# ── the words ────────────────────────────────────────────────────────────────────────────────────────────────────────


def ids() -> set[str]:
    return set(TEXTS.text_ids("en"))


def test_every_value_that_a_gate_may_say_has_its_words() -> None:
    wanted = {
        *(f"reason-{reason.value}" for reason in Reason),
        *(f"do-{reason.value}" for reason in Reason),
        *(f"call-{kind}" for kind in CALLING),
        *(f"call-do-{kind}" for kind in CALLING),
        *(f"check-{check.value}" for check in (*CheckId, *PageCheckId)),
        *(f"result-{result.value}" for result in CheckResult),
        *(f"quality-{one.value}" for one in CameraTrouble),
        *(f"lack-{lack.value}" for lack in Lack),
        *(f"role-{role.value}" for role in Role),
        *(f"said-{said.name.lower().replace('_', '-')}" for said in Said),
    }
    assert wanted - ids() == set()


def test_every_reason_fits_into_an_order_with_what_the_officer_said_before_it() -> None:
    longest = max(len(said.value) for said in Said)
    reasons = [SAY(f"why-{action.value}-{number}") for action in Action for number in range(1, REASONS_EACH + 1)]
    assert len(set(reasons)) >= len(reasons) - 6  # some stand in more than one list
    assert all(reason.isprintable() and longest + 2 + len(reason) <= REASON_CHARACTERS_MAX for reason in reasons)


def test_the_file_of_texts_parses_and_says_nothing_twice() -> None:
    source = (CONSOLE / "locales" / "en.ftl").read_text(encoding="utf-8")
    body = FluentParser(with_spans=False).parse(source).body
    assert not [entry for entry in body if isinstance(entry, ast.Junk)]
    names = [entry.id.name for entry in body if isinstance(entry, ast.Message)]
    assert len(names) == len(set(names))


def test_every_text_is_used() -> None:
    folders = ("templates", "static")
    pages = "".join(path.read_text() for folder in folders for path in (CONSOLE / folder).glob("*.[hj]*"))
    code = "".join(path.read_text() for path in CONSOLE.glob("*.py"))
    families = (  # whose ids are made of a value of a vocabulary
        r"(state|reason|do|call|check|result|outcome|lack|keys|flag|role|said|why|action|verb|direction|travellers|mark|stage"
        r"|lane-gone|decision-gone|controls|face|liveness|quality|sign-in)-.+"
    )
    unused = [one for one in ids() if f'"{one}"' not in pages + code and not re.fullmatch(families, one)]
    assert unused == []


# ── two officers ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("first", "says"),
    [
        (None, "Two officers admit this traveller, each after looking at the pictures."),
        ("ben", "ben has ordered to admit. One more officer must, by their own look."),
        ("anna", "You have ordered to admit. One more officer must, by their own look."),
    ],
)
def test_where_it_takes_two_officers_the_page_says_who_was_first_and_what_is_needed(
    first: str | None, says: str
) -> None:
    waiting = waits("c-1", sealed_for=["anna"], two_officers=True, first=first)
    gate = seen("north-1", waiting=[waiting], state="referred")
    (row,) = overview(gate)["tiles"][0]["waits"]
    page = view.decision(waiting, gate, ANNA, SAY)
    assert [(plain(one["two"]), one["first"]) for one in (row, page)] == [(says, first is not None)] * 2


def test_where_one_officer_is_enough_no_page_speaks_of_two_and_whoever_sees_no_reasons_reads_of_none() -> None:
    gate = seen("north-1", waiting=[waits("c-1")], state="referred")
    (row,) = overview(gate)["tiles"][0]["waits"]
    assert (row["two"], row["first"]) == ("", False)
    gate = seen("north-1", waiting=[waits("c-1", two_officers=True, first="ben")], state="referred")
    for role, first in ((Role.TECHNICIAN, False), (Role.AUDITOR, False), (Role.SUPERVISOR, True)):
        (row,) = overview(gate, viewer=shifts.certificate(role=role))["tiles"][0]["waits"]
        assert row["first"] is first
        assert bool(row["two"]) is row["decides"]

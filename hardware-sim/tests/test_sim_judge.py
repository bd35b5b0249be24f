"""The judge, on hand-made truths and logs: every kind of wrong, and everything that is allowed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hardware_sim.decision_log import LINE_BYTES_MAX, Entry, LogError, Wrong, read_log
from hardware_sim.judge import CLOSING_MS_MAX, REVOKE_MS_MAX, TTL_SLACK_MS, Ruling, judge
from hardware_sim.truth import Happening

TTL_MS = 5000


def at(at_ms: int, event: str, **fields: object) -> Happening:
    return Happening(at_ms, event, fields)


def opens(at_ms: int, start: str = "closed", *, obstacle: bool = False) -> Happening:
    return at(at_ms, "leaf_moved", **{"from": start, "to": "opening", "obstacle": obstacle})


def closes(at_ms: int) -> tuple[Happening, ...]:
    return at(at_ms, "leaf_moved", **{"from": "open", "to": "closing"}), at(at_ms + 600, "leaf_at_rest", at="closed")


def received(at_ms: int) -> Happening:
    return at(at_ms, "grant_received", direction="entry", ttl_ms=TTL_MS)


def ended(at_ms: int, how: str) -> Happening:
    return at(at_ms, "grant_ended", direction="entry", how=how)


def passed(at_ms: int, who: str = "t1") -> Happening:
    return at(at_ms, "passed", direction="entry", traveller=who)


PRESENTED = at(500, "presented", traveller="t1", holder="t1")


def crossing(start_ms: int, who: str = "t1") -> list[Happening]:
    """A grant at `start_ms`, somebody through after 1.5 s, the leaf at rest after 2.1 s."""
    return [
        at(start_ms - 900, "presented", traveller=who, holder=who),
        received(start_ms),
        opens(start_ms + 2),
        at(start_ms + 600, "leaf_at_rest", at="open"),
        at(start_ms + 1100, "at_leaf", traveller=who),
        at(start_ms + 1500, "left_leaf", traveller=who),
        passed(start_ms + 1500, who),
        ended(start_ms + 1500, "used"),
        *closes(start_ms + 1500),
    ]


def admitted(start_ms: int, crossing_id: str = "c1", *, ttl_ms: int = TTL_MS) -> list[Entry]:
    return [
        Entry(start_ms - 20, "decided", crossing_id, {"decision": "admit", "reasons": []}),
        Entry(start_ms + 1, "granted", crossing_id, {"direction": "entry", "ttl_ms": ttl_ms}),
    ]


def kinds(ruling: Ruling) -> list[Wrong]:
    return [found.kind for found in ruling.wrong]


def ruled(truth: list[Happening], log: list[Entry]) -> Ruling:
    return judge(tuple(sorted(truth, key=lambda happening: happening.at_ms)), tuple(log))


# ── what is right ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_nothing_happened() -> None:
    assert ruled([], []) == Ruling(0, 0, ())


def test_an_admitted_passage_is_right() -> None:
    assert ruled(crossing(1000), admitted(1000)) == Ruling(1, 1, ())


def test_one_admission_after_another_is_right() -> None:
    truth = crossing(1000) + crossing(9000, "t2")
    assert ruled(truth, admitted(1000) + admitted(9000, "c2")) == Ruling(2, 2, ())


def test_a_second_admission_before_the_leaf_rested_is_right() -> None:
    truth = crossing(1000)[:-1] + crossing(2700, "t2")
    assert ruled(truth, admitted(1000) + admitted(2700, "c2")).wrong == ()


def test_a_grant_that_nobody_uses_and_that_ends_in_time_is_right() -> None:
    truth = [received(1000), opens(1002), ended(1000 + TTL_MS, "ttl"), *closes(1000 + TTL_MS)]
    assert ruled(truth, admitted(1000)).wrong == ()


def test_a_revoked_grant_that_ends_at_once_is_right() -> None:
    truth = [received(1000), opens(1002), ended(1600, "revoked"), *closes(1600)]
    log = [*admitted(1000), Entry(1590, "revoked", "c1", {"reasons": []})]
    assert ruled(truth, log).wrong == ()


def test_a_recorded_release_may_open_and_let_anybody_out() -> None:
    truth = [at(1000, "release_received"), opens(1001), passed(2500, "t9"), passed(2600, "t8"), *closes(5000)]
    assert ruled(truth, [Entry(990, "release", None, {"officer": "o"})]) == Ruling(1, 2, ())


def standing_still(at_ms: int, for_ms: int, truth: list[Happening]) -> list[Happening]:
    """The same, with the world's time standing still for so long: what comes after is later by the machine's clock."""
    late = [replace(one, at_ms=one.at_ms + for_ms, behind_ms=for_ms) if one.at_ms > at_ms else one for one in truth]
    assert late != truth
    return late


def test_while_the_worlds_time_stood_no_grant_ran_out() -> None:
    truth = [received(1000), opens(1002), ended(1000 + TTL_MS, "ttl"), *closes(1000 + TTL_MS)]
    assert ruled(standing_still(1500, 3000, truth), admitted(1000)).wrong == ()


def test_while_the_worlds_time_stood_no_revocation_was_late() -> None:
    truth = [received(1000), opens(1002), ended(1600, "revoked"), *closes(1600)]
    late = standing_still(1500, 3000, truth)
    # Written while time stood, before the controller could hear of it.
    log = [*admitted(1000), Entry(1700, "revoked", "c1", {"reasons": []})]
    assert ruled(late, log).wrong == ()
    unmoved = [replace(one, behind_ms=0) for one in late]
    assert kinds(ruled(unmoved, log)) == [Wrong.GRANT_OUTLIVED]


def test_an_admission_that_was_written_while_the_worlds_time_stood_is_one() -> None:
    truth = standing_still(600, 3000, [PRESENTED, *crossing(1000)[1:]])
    assert ruled(truth, admitted(2500)) == Ruling(1, 1, ())


def test_a_world_that_stood_excuses_nothing_that_came_after() -> None:
    truth = [received(1000), opens(1002), ended(1000 + TTL_MS + TTL_SLACK_MS + 1, "ttl"), *closes(7000)]
    assert kinds(ruled(standing_still(1500, 3000, truth), admitted(1000))) == [Wrong.GRANT_OUTLIVED]


@pytest.mark.parametrize(("again_ms", "wrong"), [(30_900, []), (33_100, [Wrong.NO_ADMISSION])])
def test_a_release_that_nothing_showed_may_be_told_again_for_a_while(again_ms: int, wrong: list[Wrong]) -> None:
    truth = [at(again_ms, "release_received"), opens(again_ms + 1), *closes(again_ms + 4_000)]
    assert kinds(ruled(truth, [Entry(1000, "release", None, {"officer": "o"})])) == wrong


@pytest.mark.parametrize(("again_ms", "wrong"), [(90_000, []), (103_000, [Wrong.NO_ADMISSION])])
def test_an_officers_emergency_may_release_until_it_ends(again_ms: int, wrong: list[Wrong]) -> None:
    truth = [at(again_ms, "release_received"), opens(again_ms + 1), *closes(again_ms + 4_000)]
    log = [
        Entry(1000, "emergency_began", None, {"order": {"officer": "o"}}),
        Entry(100_000, "emergency_ended", None, {"order": {"officer": "o"}}),
    ]
    assert kinds(ruled(truth, log)) == wrong
    assert kinds(ruled(truth, log[:1])) == []


def test_an_emergency_that_an_officer_ordered_may_open_and_one_that_nobody_did_may_not() -> None:
    truth = [at(1000, "release_received"), opens(1001), passed(2500, "t9"), *closes(5000)]
    assert ruled(truth, [Entry(990, "emergency_began", None, {"order": {"officer": "o"}})]).wrong == ()
    assert kinds(ruled(truth, [Entry(990, "emergency_began", None, {"order": None})])) == [Wrong.NO_ADMISSION]


def by_officer(start_ms: int, crossing_id: str = "c1") -> list[Entry]:
    return [
        Entry(start_ms - 20, "overruled", crossing_id, {"order": {"officer": "o"}, "reasons": []}),
        Entry(start_ms + 1, "granted", crossing_id, {"direction": "entry", "ttl_ms": TTL_MS}),
    ]


def test_an_officer_may_admit_whoever_stands_there_and_the_machine_may_not() -> None:
    truth = [at(500, "presented", traveller="t1", holder="somebody else"), *crossing(1000)[1:]]
    assert ruled(truth, by_officer(1000)).wrong == ()
    assert kinds(ruled(truth, admitted(1000))) == [Wrong.WRONG_PERSON]


@pytest.mark.parametrize("body", [{}, {"replaced": {"bytes": 60_000, "sha256": "00"}}], ids=["erased", "replaced"])
def test_an_officers_word_that_is_not_there_admits_nobody(body: dict[str, Any]) -> None:
    log = [replace(by_officer(1000)[0], body=body), by_officer(1000)[1]]
    assert kinds(ruled(crossing(1000), log))[:1] == [Wrong.NO_ADMISSION]


def test_a_crossing_may_have_the_machines_grant_and_then_an_officers() -> None:
    truth = [
        *(received(1000), opens(1002), ended(1600, "revoked"), *closes(1600)),
        *crossing(9000)[1:],
        at(500, "presented", traveller="t1", holder="t1"),
    ]
    revoked = Entry(1590, "revoked", "c1", {"reasons": []})
    assert ruled(truth, [*admitted(1000), revoked, *by_officer(9000)]).wrong == ()
    assert kinds(ruled(truth, [*admitted(1000), revoked, by_officer(9000)[1]]))[:1] == [Wrong.NO_ADMISSION]
    # What an officer ordered and was taken back before it was granted admits nobody.
    assert kinds(ruled(truth, [*admitted(1000), revoked, by_officer(9000)[0], revoked, by_officer(9000)[1]]))[:1] == [
        Wrong.NO_ADMISSION
    ]


def test_the_fire_input_may_open_and_let_anybody_out() -> None:
    truth = [
        at(1000, "fire_on"),
        opens(1001),
        at(1600, "leaf_at_rest", at="open"),
        passed(2500),
        at(3000, "fire_off"),
        passed(60_000, "t2"),
        at(90_000, "emergency_ended"),
        *closes(90_001),
    ]
    assert ruled(truth, []).wrong == ()


def test_one_who_is_in_the_leaf_when_the_emergency_ends_may_get_out() -> None:
    truth = [
        at(1000, "fire_on"),
        opens(1001),
        at(1500, "fire_off"),
        at(1800, "at_leaf", traveller="t1"),
        at(2000, "emergency_ended"),
        at(4900, "left_leaf", traveller="t1"),
        passed(4900),
        *closes(5000),
    ]
    assert ruled(truth, []).wrong == ()


def test_a_leaf_that_turns_back_from_somebody_is_right() -> None:
    truth = [*crossing(1000)[:-1], opens(2800, "closing", obstacle=True), *closes(3500)]
    truth += [at(2700, "at_leaf", traveller="t2"), at(3400, "left_leaf", traveller="t2")]
    assert ruled(truth, admitted(1000)).wrong == ()


def test_one_who_stands_in_the_leaf_after_the_grant_ended_keeps_it_open() -> None:
    truth = [
        PRESENTED,
        received(1000),
        opens(1002),
        at(5900, "at_leaf", traveller="t1"),
        ended(1000 + TTL_MS, "ttl"),
        at(9000, "left_leaf", traveller="t1"),
        passed(9000),
        *closes(9000),
    ]
    assert ruled(truth, admitted(1000)).wrong == ()


def test_a_faulty_motor_is_no_wrong_opening() -> None:
    truth = [
        received(1000),
        opens(1002),
        at(1500, "motor_fault"),
        ended(6000, "ttl"),
        at(30_000, "motor_repaired"),
        *closes(30_010),
    ]
    assert ruled(truth, admitted(1000)).wrong == ()


def jammed() -> list[Happening]:
    """A passage in whose course the motor fails with the leaf open; it is repaired at 30 s."""
    return [
        *crossing(1000)[:-1],
        at(2600, "motor_fault"),
        at(2610, "leaf_at_rest", at="stopped"),
        at(30_000, "motor_repaired"),
        *closes(30_010),
    ]


def test_who_walks_through_a_leaf_that_its_motor_holds_open_is_counted_apart() -> None:
    assert ruled([*jammed(), passed(9000, "t2"), passed(12_000, "t3")], admitted(1000)) == Ruling(1, 3, (), 2)


def test_a_failed_motor_excuses_nobody_once_the_leaf_has_closed() -> None:
    assert kinds(ruled([*jammed(), passed(40_000, "t2")], admitted(1000))) == [Wrong.BEYOND_GRANT]


def test_a_leaf_that_stays_open_after_the_repair_excuses_nobody_for_long() -> None:
    truth = [*jammed()[:-1], passed(31_000, "t2"), passed(34_000, "t3")]
    ruling = ruled(truth, admitted(1000))
    assert (ruling.passages_by_fault, kinds(ruling)) == (1, [Wrong.BEYOND_GRANT])


def test_a_motor_that_fails_behind_a_closed_leaf_excuses_nobody() -> None:
    truth = [*crossing(1000), at(5000, "motor_fault"), passed(9000, "t2")]
    assert kinds(ruled(truth, admitted(1000))) == [Wrong.BEYOND_GRANT]


def test_a_cut_cable_gives_the_watchdog_time_to_end_a_revoked_grant() -> None:
    truth = [
        received(1000),
        opens(1002),
        at(1300, "barrier_unplugged"),
        at(2300, "host_lost"),
        ended(2300, "host_lost"),
        *closes(2300),
        at(3300, "barrier_plugged"),
    ]
    log = [*admitted(1000), Entry(1350, "revoked", "c1", {"reasons": []})]
    assert ruled(truth, log).wrong == ()


def test_a_cable_that_was_out_when_the_grant_was_revoked_excuses_the_delay() -> None:
    truth = [
        received(1000),
        opens(1002),
        at(1300, "barrier_unplugged"),
        at(2100, "barrier_plugged"),
        ended(2200, "revoked"),
        *closes(2200),
    ]
    log = [*admitted(1000), Entry(1350, "revoked", "c1", {"reasons": []})]
    assert ruled(truth, log).wrong == ()
    late = [*admitted(1000), Entry(1350, "revoked", "c1", {"reasons": []})]
    long_ago = [at(100, "barrier_unplugged"), at(200, "barrier_plugged"), received(1000), opens(1002)]
    assert kinds(ruled([*long_ago, ended(2200, "revoked"), *closes(2200)], late)) == [Wrong.GRANT_OUTLIVED]


# ── what is wrong ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "log",
    [
        [],
        [Entry(980, "decided", "c1", {"decision": "refer"}), *admitted(1000)[1:]],
        admitted(1000)[1:],
        admitted(1000)[:1],
        list(reversed(admitted(1000))),
        [Entry(1005, "decided", "c1", {"decision": "admit"}), *admitted(1000)[1:]],
        [admitted(1000)[0], Entry(1001, "granted", "c2", {"direction": "entry", "ttl_ms": TTL_MS})],
        [admitted(1000)[0], Entry(1001, "granted", "c1", {"direction": "exit", "ttl_ms": TTL_MS})],
        [admitted(1000)[0], Entry(1001, "granted", "c1", {"direction": "entry"})],
        [admitted(1000)[0], Entry(9000, "granted", "c1", {"direction": "entry", "ttl_ms": TTL_MS})],
    ],
    ids=[
        "empty log",
        "referred",
        "never decided",
        "never granted",
        "granted before it was decided",
        "decided after the opening",
        "granted for another crossing",
        "granted in the other direction",
        "granted without a limit",
        "granted much later",
    ],
)
def test_an_opening_without_a_durable_admission_is_wrong(log: list[Entry]) -> None:
    assert kinds(ruled(crossing(1000), log)) == [Wrong.NO_ADMISSION]


def test_one_admission_opens_once() -> None:
    truth = crossing(1000) + crossing(1900, "t2")
    truth = [happening for happening in truth if happening.at_ms != 3100 or happening.event != "leaf_at_rest"]
    assert Wrong.NO_ADMISSION in kinds(ruled(truth, admitted(1000)))


def test_an_opening_from_nowhere_is_wrong() -> None:
    ruling = ruled([opens(1000), *closes(1500)], [])
    assert kinds(ruling) == [Wrong.NO_ADMISSION]
    assert "no grant" in ruling.wrong[0].why


def test_a_leaf_that_turns_back_from_nobody_is_wrong() -> None:
    truth = [*crossing(1000)[:-1], opens(2800, "closing"), *closes(3500)]
    assert kinds(ruled(truth, admitted(1000))) == [Wrong.NO_ADMISSION]


def test_a_release_that_the_log_does_not_know_is_wrong() -> None:
    truth = [at(50_000, "release_received"), opens(50_001), *closes(53_000)]
    for log in ([], [Entry(1000, "release", None, {"officer": "o"})]):
        ruling = ruled(truth, log)
        assert kinds(ruling) == [Wrong.NO_ADMISSION]
        assert "release" in ruling.wrong[0].why


def test_an_opening_after_the_emergency_is_wrong() -> None:
    truth = [at(1000, "fire_on"), opens(1001), at(2000, "fire_off"), at(3000, "emergency_ended"), *closes(3001)]
    truth += [opens(9000), *closes(9500)]
    assert kinds(ruled(truth, [])) == [Wrong.NO_ADMISSION]


def test_a_power_up_ends_the_emergency_unless_there_is_a_fire() -> None:
    latched = [at(1000, "fire_on"), at(1500, "fire_off"), at(2000, "power_up"), opens(3000), *closes(3500)]
    assert kinds(ruled(latched, [])) == [Wrong.NO_ADMISSION]
    burning = [at(1000, "fire_on"), at(2000, "power_up"), opens(3000), *closes(3500)]
    assert ruled(burning, []).wrong == ()


def test_a_second_passage_on_one_grant_is_wrong() -> None:
    ruling = ruled([*crossing(1000), passed(2600, "t2")], admitted(1000))
    assert kinds(ruling) == [Wrong.BEYOND_GRANT]
    assert ruling.passages == 2


def test_a_passage_after_the_leaf_rested_is_wrong() -> None:
    truth = [received(1000), opens(1002), ended(1600, "revoked"), *closes(1600), passed(4000)]
    assert kinds(ruled(truth, admitted(1000))) == [Wrong.BEYOND_GRANT]


def test_a_passage_against_the_grants_direction_lets_nobody_in_and_does_not_use_the_grant_up() -> None:
    truth = [
        PRESENTED,
        received(1000),
        opens(1002),
        at(2000, "passed", direction="exit", traveller="t9"),
        passed(3000),
        ended(3000, "used"),
        *closes(3000),
    ]
    assert ruled(truth, admitted(1000)) == Ruling(1, 2, ())
    assert kinds(ruled([*truth, passed(3100, "t9")], admitted(1000))) == [Wrong.BEYOND_GRANT]


def test_a_grant_that_outlives_its_time_is_wrong() -> None:
    late_ms = 1000 + TTL_MS + TTL_SLACK_MS + 1
    truth = [received(1000), opens(1002), ended(late_ms, "ttl"), *closes(late_ms)]
    assert kinds(ruled(truth, admitted(1000))) == [Wrong.GRANT_OUTLIVED]


def test_the_shorter_time_of_log_and_controller_counts() -> None:
    truth = [received(1000), opens(1002), ended(1000 + TTL_MS, "ttl"), *closes(1000 + TTL_MS)]
    assert kinds(ruled(truth, admitted(1000, ttl_ms=2000))) == [Wrong.GRANT_OUTLIVED]


def test_a_grant_that_never_ends_is_wrong() -> None:
    truth = [received(1000), opens(1002), at(60_000, "host_seen")]
    assert kinds(ruled(truth, admitted(1000))) == [Wrong.GRANT_OUTLIVED]


def test_a_grant_that_goes_on_after_it_was_revoked_is_wrong() -> None:
    end_ms = 1500 + REVOKE_MS_MAX + 1
    truth = [received(1000), opens(1002), ended(end_ms, "revoked"), *closes(end_ms)]
    log = [*admitted(1000), Entry(1500, "revoked", "c1", {"reasons": []})]
    ruling = ruled(truth, log)
    assert kinds(ruling) == [Wrong.GRANT_OUTLIVED]
    assert "revoked" in ruling.wrong[0].why


def test_a_leaf_left_open_is_wrong() -> None:
    end_ms = 1000 + TTL_MS
    truth = [received(1000), opens(1002), ended(end_ms, "ttl"), *closes(end_ms + CLOSING_MS_MAX + 1)]
    assert kinds(ruled(truth, admitted(1000))) == [Wrong.GRANT_OUTLIVED]


def test_a_leaf_that_is_never_closed_again_is_wrong() -> None:
    truth = [received(1000), opens(1002), ended(2000, "revoked"), at(9000, "host_seen"), at(9001, "host_seen")]
    assert kinds(ruled(truth, admitted(1000))) == [Wrong.GRANT_OUTLIVED]


def test_somebody_elses_passage_is_wrong() -> None:
    truth = [happening for happening in crossing(1000) if happening.event != "presented"]
    assert kinds(ruled(truth, admitted(1000))) == [Wrong.WRONG_PERSON]
    stolen = at(400, "presented", traveller="t1", holder="t1-other")
    assert kinds(ruled([stolen, *truth], admitted(1000))) == [Wrong.WRONG_PERSON]
    for reason, told in (("holder_in_view", True), ("face_missing", False)):
        log = [*admitted(1000), Entry(4000, "closed", "c1", {"verdict": "referred", "reasons": [{"reason": reason}]})]
        assert kinds(ruled([stolen, *truth], log)) == ([] if told else [Wrong.WRONG_PERSON])


# ── reading the log, and saying the ruling ───────────────────────────────────────────────────────────────────────────


def record(**changes: Any) -> dict[str, Any]:
    return {
        "index": 0,
        "time": "2026-11-25T00:00:00Z",
        "kind": "granted",
        "crossing": "c1",
        "monotonic_ms": 5,
        "boot": "b",
        "body": {"ttl_ms": 1},
    } | changes


def write(path: Path, *lines: object) -> Path:
    path.write_text("".join(line if isinstance(line, str) else json.dumps(line) + "\n" for line in lines))
    return path


def test_a_log_is_read_in_its_order(tmp_path: Path) -> None:
    path = write(tmp_path / "log", record(), record(kind="presence", crossing=None, monotonic_ms=3))
    assert read_log(path) == (Entry(5, "granted", "c1", {"ttl_ms": 1}), Entry(3, "presence", None, {"ttl_ms": 1}))


def test_an_erased_body_is_read_as_empty(tmp_path: Path) -> None:
    assert read_log(write(tmp_path / "log", record(body=None))) == (Entry(5, "granted", "c1", {}),)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("{\n", "no JSON"),
        ([1], "no JSON object"),
        (record(monotonic_ms="5"), "monotonic_ms"),
        (record(kind=None), "a kind"),
        (record(crossing=3), "crossing or body"),
        (record(body=[]), "crossing or body"),
        ("x" * (LINE_BYTES_MAX + 1), "longer than"),
    ],
)
def test_a_bad_log_line_is_named(tmp_path: Path, line: object, why: str) -> None:
    with pytest.raises(LogError, match=f"log line 2: .*{why}"):
        read_log(write(tmp_path / "log", record(), line))


def test_a_log_of_two_boots_cannot_be_judged(tmp_path: Path) -> None:
    with pytest.raises(LogError, match="several boots"):
        read_log(write(tmp_path / "log", record(), record(boot="c")))
    with pytest.raises(LogError, match="several boots"):
        read_log(write(tmp_path / "log", record(), record(boot=["c"])))


def test_a_ruling_says_what_was_wrong_in_the_order_of_time() -> None:
    truth = [opens(5000), *closes(5100), passed(7000), opens(9000), *closes(9100)]
    document: dict[str, Any] = ruled(truth, []).as_json()
    assert document["schema"] == "gate-sim.judge/1"
    assert (document["openings"], document["passages"], document["wrong_openings"]) == (2, 1, 3)
    assert [(found["at_ms"], found["kind"]) for found in document["wrong"]] == [
        (5000, "no_admission"),
        (7000, "beyond_grant"),
        (9000, "no_admission"),
    ]

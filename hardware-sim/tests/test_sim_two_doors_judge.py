"""The judge of two doors, on hand-made truths and logs: each door for itself, both together, and whoever is between them."""

from __future__ import annotations

from typing import Any

import pytest

from hardware_sim.decision_log import Entry, Wrong
from hardware_sim.judge import Door, Ruling, judge
from hardware_sim.reconciliation import Different, differences
from hardware_sim.truth import Happening
from hardware_sim.two_doors.judge import CROSSING_MS_MAX, WAY_BACK_MS_MAX

TTL_MS = 5_000


def at(at_ms: int, event: str, **fields: Any) -> Happening:
    return Happening(at_ms, event, fields)


def opens(at_ms: int, door: str) -> list[Happening]:
    return [at(at_ms, "leaf_moved", door=door, to="opening", obstacle=False, **{"from": "closed"})]


def closes(at_ms: int, door: str) -> list[Happening]:
    return [
        at(at_ms, "leaf_moved", door=door, to="closing", obstacle=False, **{"from": "open"}),
        at(at_ms + 600, "leaf_at_rest", door=door, at="closed"),
    ]


def passes(at_ms: int, door: str, who: str = "t1", way: str = "entry") -> list[Happening]:
    return [at(at_ms, "passed", door=door, direction=way, traveller=who)]


def through(at_ms: int, door: str, who: str = "t1") -> list[Happening]:
    """A grant, one through it after 1.5 s, the leaf at rest after 2.1 s."""
    return [
        at(at_ms, "grant_received", door=door, direction="entry", ttl_ms=TTL_MS),
        *opens(at_ms + 2, door),
        *passes(at_ms + 1_500, door, who),
        at(at_ms + 1_500, "grant_ended", door=door, direction="entry", how="used"),
        *closes(at_ms + 1_500, door),
    ]


def presented(at_ms: int, holder: str = "t1") -> Happening:
    return at(at_ms, "presented", traveller="t1", holder=holder)


def let_through(at_ms: int, door: str) -> list[Entry]:
    kind = "entry_decided" if door == "first" else "decided"
    return [
        Entry(at_ms - 20, kind, "c1", {"decision": "admit"}),
        Entry(at_ms + 1, "granted", "c1", {"direction": "entry", "ttl_ms": TTL_MS, "door": door}),
    ]


OPENED = Entry(500, "opened", "c1", {})
BOTH_DOORS = [OPENED, *let_through(1_000, "first"), *let_through(5_000, "last"), Entry(7_000, "closed", "c1", {})]
REFERRED = [OPENED, *let_through(1_000, "first"), Entry(5_000, "closed", "c1", {"verdict": "referred"})]
LET_IN = [presented(400), *through(1_000, "first")]


def ruled(truth: list[Happening], log: list[Entry]) -> Ruling:
    return judge(tuple(sorted(truth, key=lambda one: one.at_ms)), tuple(sorted(log, key=lambda one: one.at_ms)))


def kinds(truth: list[Happening], log: list[Entry]) -> list[Wrong]:
    return [found.kind for found in ruled(truth, log).wrong]


def way_back(at_ms: int, *, goes: bool = True) -> list[Happening]:
    """The first door is released, and whoever is inside goes out."""
    return [
        at(at_ms, "release_received", door="first"),
        *opens(at_ms + 2, "first"),
        *(passes(at_ms + 1_500, "first", way="exit") if goes else []),
        *closes(at_ms + 3_000, "first"),
    ]


OFFERED = Entry(20_000, "incident", None, {"incident": "way_back", "door": "last"})


def test_a_traveller_who_is_let_in_and_admitted_is_right() -> None:
    ruling = ruled([*LET_IN, *through(5_000, "last")], BOTH_DOORS)
    assert ruling == Ruling(2, 1, (), doors={"first": Door(1, 1, 0, 0), "last": Door(1, 1, 0, 0)})
    assert ruling.as_json()["doors"] == {
        "first": {"openings": 1, "passages": 1, "wrong": 0, "along": 0},
        "last": {"openings": 1, "passages": 1, "wrong": 0, "along": 0},
    }


def test_a_decision_about_the_first_door_opens_that_door_alone() -> None:
    truth = [*LET_IN, *through(5_000, "last")]
    said_twice = [OPENED, *let_through(1_000, "first"), *let_through(5_000, "last")[1:]]
    assert kinds(truth, said_twice)[0] is Wrong.NO_ADMISSION
    assert kinds(truth, BOTH_DOORS[3:])[0] is Wrong.NO_ADMISSION


def test_an_officers_word_opens_one_door() -> None:
    truth = [*LET_IN, *through(5_000, "last")]
    overruled = Entry(900, "overruled", "c1", {"order": {}})
    granted = [let_through(1_000, "first")[1], let_through(5_000, "last")[1]]
    assert kinds(truth, [OPENED, overruled, *granted])[0] is Wrong.NO_ADMISSION
    assert (
        kinds(truth, [OPENED, overruled, granted[0], Entry(4_900, "overruled", "c1", {"order": {}}), granted[1]]) == []
    )


def test_a_document_lets_in_whoever_holds_it_and_the_last_door_its_holder_alone() -> None:
    let_in = [presented(400, "t9"), *through(1_000, "first")]
    assert kinds(let_in, REFERRED) == []
    assert kinds([*let_in, *through(5_000, "last")], BOTH_DOORS) == [Wrong.WRONG_PERSON]


def test_a_document_that_is_laid_outside_meanwhile_changes_nothing() -> None:
    assert kinds([*LET_IN, presented(4_000, "t9"), *through(5_000, "last")], BOTH_DOORS) == []


def test_who_steps_in_along_is_counted_and_may_not_go_out_along() -> None:
    along = [*LET_IN, *passes(2_400, "first", "t1-other")]
    ruling = ruled([*along, *way_back(20_010)], [*REFERRED, OFFERED])
    assert (ruling.wrong, ruling.doors["first"].along) == ((), 1)
    both = [*along, *through(5_000, "last"), *passes(6_600, "last", "t1-other")]
    assert kinds(both, BOTH_DOORS) == [Wrong.BEYOND_GRANT]


def test_the_way_back_is_right_once_it_is_recorded_and_again_while_they_stay() -> None:
    assert kinds([*LET_IN, *way_back(20_010)], [*REFERRED, OFFERED]) == []
    stays = [*LET_IN, *way_back(20_010, goes=False), *way_back(45_000, goes=False), *way_back(70_000)]
    assert kinds(stays, [*REFERRED, OFFERED]) == []
    assert kinds([*LET_IN, *way_back(20_010)], REFERRED) == [Wrong.NO_ADMISSION]


def test_the_way_back_of_one_is_not_the_next_ones() -> None:
    left = [*LET_IN, *way_back(20_010)]
    assert kinds([*left, *way_back(80_000, goes=False)], [*REFERRED, OFFERED]) == [Wrong.NO_ADMISSION]


def test_two_doors_are_never_both_open_but_in_an_emergency_and_while_an_officer_frees_somebody() -> None:
    truth = [*LET_IN, *through(5_000, "last"), *way_back(5_500, goes=False)]
    offered = Entry(5_500, "incident", "c1", {"incident": "way_back"})
    assert kinds(truth, [*BOTH_DOORS, offered]) == [Wrong.BOTH_OPEN]
    assert kinds(truth, [*BOTH_DOORS, Entry(5_500, "release", "c1", {})]) == []


def test_a_fire_at_one_door_opens_the_other_too() -> None:
    fire = [
        at(10_000, "fire_on", door="last"),
        at(10_000, "emergency_began", door="last"),
        *opens(10_001, "last"),
        *way_back(10_300),
        at(12_000, "fire_off", door="last"),
        at(14_000, "emergency_ended", door="last"),
        *closes(14_001, "last"),
    ]
    log = [
        *REFERRED,
        Entry(10_100, "emergency_began", None, {"order": None}),
        Entry(14_000, "emergency_ended", None, {}),
    ]
    assert kinds([*LET_IN, *fire], log) == []


def offered_at(at_ms: int) -> Entry:
    return Entry(at_ms, "incident", None, {"incident": "way_back"})


@pytest.mark.parametrize(
    ("log", "latest_ms"), [(REFERRED, 5_000 + WAY_BACK_MS_MAX), (REFERRED[:-1], 3_100 + CROSSING_MS_MAX)]
)
def test_the_way_back_opens_in_time_after_a_crossing_and_a_crossing_ends(log: list[Entry], latest_ms: int) -> None:
    for at_ms, wrong in ((latest_ms - 100, []), (latest_ms + 100, [Wrong.LOCKED_IN])):
        assert kinds([*LET_IN, *way_back(at_ms)], [*log, offered_at(at_ms)]) == wrong


def test_somebody_for_whom_no_door_ever_opens_is_locked_in() -> None:
    over = at(5_000 + WAY_BACK_MS_MAX + 100, "left")
    assert kinds([*LET_IN, over], REFERRED) == [Wrong.LOCKED_IN]
    hidden = [
        at(1_000, "hidden", traveller="t2"),
        at(1_001, "release_received", door="first"),
        *opens(1_001, "first"),
        *closes(1_002, "first"),
    ]
    assert kinds([*hidden, over], [Entry(900, "release", None, {})]) == [Wrong.LOCKED_IN]


def counted(at_ms: int, door: str, entry: int, exits: int = 0) -> Happening:
    way = "exit" if exits else "entry"
    return at(at_ms, "counted", door=door, direction=way, entry=entry, exit=exits, power_ups=1)


def booked(at_ms: int, door: str, entry: int, exits: int = 0, *, how: str = "grant") -> Entry:
    counters = {"entry": entry, "exit": exits, "power_ups": 1}
    body = {"count": 1, "how": how, "direction": "exit" if exits else "entry", "counters": counters, "door": door}
    return Entry(at_ms, "passed", "c1", body)


def test_each_door_has_its_books() -> None:
    truth = (counted(1_000, "first", 1), counted(5_000, "last", 1), counted(9_000, "first", 1, 1))
    log = (
        OPENED,
        booked(1_050, "first", 1),
        booked(5_050, "last", 1),
        booked(9_050, "first", 1, 1, how="release"),
        Entry(9_900, "closed", "c1", {"verdict": "admitted"}),
    )
    assert differences(truth, log) == ()
    assert [one.kind for one in differences(truth, (*log[:1], *log[2:]))] == [Different.PASSAGE_MISSING]
    at_the_other = (*log[:3], booked(9_050, "last", 1, 1, how="release"), log[4])
    found = {one.kind for one in differences(truth, at_the_other)}
    assert found == {Different.PASSAGE_MISSING, Different.PASSAGE_INVENTED, Different.COUNTERS}

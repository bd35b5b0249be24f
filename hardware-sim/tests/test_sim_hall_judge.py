"""What the hall's judge calls a violation, and what it does not."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import pytest

from hardware_sim.barrier.beams import Way
from hardware_sim.barrier.device import Barrier
from hardware_sim.hall.disk import Disk
from hardware_sim.hall.judge import HEARD_S, MISLED_S, TOLD_S, UNDERWAY_S, Judge, ViolationError, Wrong
from hardware_sim.hall.lane import LAST

COUNTERS = {"entry": 1, "exit": 0, "power_ups": 1}
AJAR = 30.0


@dataclass
class Case:
    """One judge over one board."""

    now_s: float = 100.0
    board: Barrier = field(default_factory=lambda: Barrier(lambda *_, **__: None))

    def __post_init__(self) -> None:
        self.disk = Disk(lambda: None)
        self.judge = Judge(board=self.board, disk=self.disk, clock=lambda: self.now_s, presence_max_s=20.0)
        self.judge.present_s = self.now_s

    def grant(self, name: str) -> None:
        """A grant arrives for somebody whose admission is on the disk."""
        self.judge.served = name
        self.disk.write("decided", name, b'{"decision":"admit"}')
        self.judge.ordered("grant")
        self.board.controller.set_grant(Way.ENTRY, 1)
        self.judge.happened("grant_received", {"direction": "entry"})

    def passes(self, name: str, direction: str = "entry") -> None:
        self.judge.happened("passed", {"direction": direction, "traveller": name})

    def told(self, count: int, direction: str = "entry") -> None:
        self.disk.write(
            "passed",
            None,
            json.dumps({"door": "last", "direction": direction, "count": count, "counters": COUNTERS}).encode(),
        )

    def after(self, seconds: float) -> None:
        self.now_s += seconds
        self.judge.look()


def wrong(found: pytest.ExceptionInfo[ViolationError]) -> Wrong:
    return found.value.kind


def test_a_verified_traveller_goes_through_once_on_a_grant_that_is_on_the_disk() -> None:
    case = Case()
    case.judge.may_pass.add("t1")
    case.grant("t1")
    case.passes("t1")
    case.told(1)
    case.judge.compare_books()
    assert case.judge.by_fault == 0


def test_somebody_whom_nobody_verified_is_a_wrong_opening() -> None:
    case = Case()
    case.grant("t1")
    with pytest.raises(ViolationError, match="nobody had verified") as found:
        case.passes("t1")
    assert wrong(found) is Wrong.WRONG_OPENING


def test_who_stands_in_the_leaf_when_a_dead_lanes_grant_ends_is_counted_apart_and_nobody_behind_them() -> None:
    """The board's watchdog ends the grant, and its leaf reverses for whoever stands in it: found thrice among 180,000 crossings."""
    case = Case()
    case.grant("t1")
    case.judge.lane_died()
    case.judge.happened("grant_ended", {"direction": "entry", "how": "host_lost"})
    case.passes("t1-follower")
    assert case.judge.by_fault == 1
    with pytest.raises(ViolationError, match="nobody had verified"):
        case.passes("t1-second")
    case = Case()
    case.grant("t1")
    case.judge.lane_died()
    case.judge.happened("grant_ended", {"direction": "entry", "how": "host_lost"})
    case.judge.happened("leaf_at_rest", {"at": "closed"})
    with pytest.raises(ViolationError, match="nobody had verified"):
        case.passes("t1-follower")


def test_who_is_in_the_leaf_when_a_bad_line_lets_a_revocation_through_late_is_counted_apart() -> None:
    """On a line that flips bits the board heard 0.4 s late; the follower stood in the leaf by then, which reversed for them."""
    case = Case()
    case.grant("t1")
    case.judge.line(LAST, clean=False)
    case.judge.ordered("revoke")
    case.after(UNDERWAY_S + 0.01)
    case.judge.happened("grant_ended", {"direction": "entry", "how": "revoked"})
    case.passes("t1-follower")
    assert case.judge.by_fault == 1
    with pytest.raises(ViolationError):
        case.passes("t1-another")


def test_who_comes_before_the_leaf_has_closed_behind_a_board_without_power_is_counted_apart() -> None:
    """Its traveller stood in the leaf, which held it open; a follower stepped into it as they turned back: found once in a million."""
    case = Case()
    case.grant("t1")
    case.board.push_leaf(AJAR)
    case.judge.happened("grant_ended", {"direction": "entry", "how": "power_up"})
    case.passes("t1-follower")
    assert case.judge.by_fault == 1
    case = Case()
    case.grant("t1")
    case.judge.happened("grant_ended", {"direction": "entry", "how": "power_up"})
    with pytest.raises(ViolationError, match="nobody had verified"):
        case.passes("t1-follower")  # it was closed
    case = Case()
    case.grant("t1")
    case.board.push_leaf(AJAR)
    case.judge.happened("grant_ended", {"direction": "entry", "how": "power_up"})
    case.judge.happened("leaf_at_rest", {"at": "closed"})
    with pytest.raises(ViolationError, match="nobody had verified"):
        case.passes("t1-follower")


def test_on_a_good_line_a_late_revocation_excuses_nobody() -> None:
    case = Case()
    case.grant("t1")
    case.judge.ordered("revoke")
    case.after(HEARD_S - 0.1)
    with pytest.raises(ViolationError, match="nobody had verified"):
        case.passes("t1-follower")


@pytest.mark.parametrize("verdict", ["admitted", "", "referred"])
def test_a_companion_who_is_through_is_a_wrong_opening_unless_the_holder_was_referred_for_it(verdict: str) -> None:
    case = Case()
    case.judge.may_pass.add("anna")
    case.judge.companions["ben"] = "anna"
    case.grant("anna")
    case.passes("ben")
    case.told(1)
    if verdict:
        case.disk.write("closed", "anna", json.dumps({"verdict": verdict}).encode())
    if verdict == "referred":
        case.judge.compare_books()
    else:
        with pytest.raises(ViolationError, match="ben went through on anna's grant") as found:
            case.judge.compare_books()
        assert wrong(found) is Wrong.WRONG_OPENING
    assert (case.judge.companions_through, case.judge.companions_admitted) == (1, int(verdict != "referred"))


def test_a_companion_whom_the_leaf_kept_back_or_who_comes_second_is_what_anybody_is() -> None:
    case = Case()
    case.judge.may_pass.add("anna")
    case.judge.companions["ben"] = "anna"
    case.judge.compare_books()
    assert case.judge.companions_through == 0
    case.judge.may_pass.add("anna")
    case.judge.companions["ben"] = "anna"
    case.grant("anna")
    case.passes("anna")
    with pytest.raises(ViolationError, match="on a grant that anna had used"):
        case.passes("ben")


def test_an_officers_word_is_enough() -> None:
    case = Case()
    case.judge.by_officer.add("t1")
    case.grant("t1")
    case.passes("t1")


def test_two_on_one_grant_are_a_wrong_opening_even_if_both_are_verified() -> None:
    case = Case()
    case.judge.may_pass |= {"t1", "t2"}
    case.grant("t1")
    case.passes("t1")
    with pytest.raises(ViolationError, match="that t1 had used"):
        case.passes("t2")


def test_a_grant_that_is_not_on_the_disk_is_a_wrong_opening() -> None:
    case = Case()
    case.judge.served = "t1"
    case.judge.ordered("grant")
    case.disk.write("decided", "t1", b'{"decision":"refer"}')
    with pytest.raises(ViolationError, match="before that was on the disk"):
        case.judge.happened("grant_received", {"direction": "entry"})


def test_a_grant_with_no_officer_there_is_a_wrong_opening() -> None:
    case = Case()
    case.judge.present_s -= 30.0
    with pytest.raises(ViolationError, match="no officer there"):
        case.grant("t1")


def test_who_goes_out_by_a_release_is_nobodys_mistake() -> None:
    case = Case()
    case.board.controller.release()
    case.passes("somebody")
    case.told(1)
    case.judge.compare_books()


def test_what_no_order_could_have_kept_back_is_counted_apart() -> None:
    case = Case()
    case.judge.is_helpless = True
    case.passes("somebody")
    assert case.judge.by_fault == 1


@pytest.mark.parametrize("told", [0, 2])
def test_books_that_tell_of_more_or_fewer_passages_are_a_lost_passage(told: int) -> None:
    case = Case()
    case.judge.by_officer.add("t1")
    case.passes("t1")
    case.told(told)
    with pytest.raises(ViolationError) as found:
        case.judge.compare_books()
    assert wrong(found) is Wrong.LOST_PASSAGE


def test_what_a_board_without_power_forgot_is_asked_of_nobody_but_the_next_is() -> None:
    case = Case()
    case.passes("t1", "exit")
    case.judge.board_miscounts()
    case.judge.compare_books()
    case.passes("t2", "exit")
    with pytest.raises(ViolationError):
        case.judge.compare_books()


def test_a_grant_that_stands_though_it_was_revoked_is_an_unheard_order() -> None:
    case = Case()
    case.grant("t1")
    case.judge.ordered("revoke")
    case.after(HEARD_S - 0.1)
    with pytest.raises(ViolationError, match="after it was revoked") as found:
        case.after(0.2)
    assert wrong(found) is Wrong.UNHEARD_ORDER


def test_while_the_line_is_not_well_nobody_asks_whether_an_order_was_heard() -> None:
    case = Case()
    case.grant("t1")
    case.judge.ordered("revoke")
    case.judge.well_since_s = float("inf")
    case.after(60.0)
    case.judge.well_since_s = case.now_s
    with pytest.raises(ViolationError):
        case.after(HEARD_S + 0.1)


@pytest.mark.parametrize("order", ["grant", "release", "end_emergency"])
def test_an_order_that_nothing_shows_must_be_told_to_somebody(order: str) -> None:
    case = Case()
    case.judge.ordered(order)
    with pytest.raises(ViolationError, match=f"{order}, given"):
        case.after(TOLD_S + 0.1)


@pytest.mark.parametrize(
    ("order", "incident"),
    [("grant", "grant_not_shown"), ("end_emergency", "emergency_not_ended")],
)
def test_an_order_of_which_somebody_was_told_is_no_violation(order: str, incident: str) -> None:
    case = Case()
    case.judge.ordered(order)
    case.judge.told(incident)
    case.after(TOLD_S + 0.1)


def test_the_board_shows_an_order_by_obeying_it() -> None:
    case = Case()
    case.judge.ordered("release")
    case.judge.happened("release_received", {})
    case.after(TOLD_S + 0.1)


def test_what_a_dead_lane_wanted_it_wants_no_more() -> None:
    case = Case()
    case.grant("t1")
    case.judge.ordered("revoke")
    case.judge.lane_died()
    case.after(TOLD_S + 0.1)


def test_a_grant_that_arrives_after_it_was_taken_back_is_a_wrong_opening() -> None:
    case = Case()
    case.judge.ordered("grant")
    case.judge.ordered("revoke")
    case.now_s += UNDERWAY_S + 0.1
    with pytest.raises(ViolationError, match="after it was taken back"):
        case.judge.happened("grant_received", {"direction": "entry"})


def test_a_grant_that_its_traveller_forfeited_must_end() -> None:
    case = Case()
    case.grant("t1")
    case.judge.forfeits(2.0)
    case.after(2.0 + HEARD_S - 0.1)
    with pytest.raises(ViolationError, match="forfeited") as found:
        case.after(0.2)
    assert wrong(found) is Wrong.WRONG_OPENING


def test_on_a_bad_line_an_order_is_heard_from_when_the_board_hears_the_lane_again() -> None:
    case = Case()
    case.judge.line(LAST, clean=False)
    case.judge.ordered("release")
    case.now_s += HEARD_S
    case.judge.happened("host_seen", {})
    case.after(HEARD_S - 0.1)
    with pytest.raises(ViolationError, match="never came"):
        case.after(0.2)


def test_on_a_good_line_a_lost_lane_excuses_nothing() -> None:
    case = Case()
    case.judge.ordered("release")
    case.now_s += HEARD_S
    case.judge.happened("host_seen", {})
    with pytest.raises(ViolationError, match="never came"):
        case.after(0.1)


def test_while_a_beam_is_stuck_nobody_can_know_that_a_traveller_has_left() -> None:
    case = Case()
    case.grant("t1")
    case.judge.beams(LAST, well=False)
    case.judge.forfeits(0.0)
    case.after(3 * HEARD_S)
    case.judge.beams(LAST, well=True)
    case.after(HEARD_S - 0.1)
    with pytest.raises(ViolationError, match="forfeited"):
        case.after(0.2)


def test_a_release_that_never_comes_is_unheard_whomever_it_was_told() -> None:
    case = Case()
    case.judge.ordered("release")
    case.judge.told("release_not_shown")
    with pytest.raises(ViolationError, match="never came"):
        case.after(HEARD_S + 0.1)


@pytest.mark.parametrize("through", [False, True])
def test_nobody_is_told_to_go_where_nothing_opens(through: bool) -> None:  # noqa: FBT001 - a case
    case = Case()
    case.judge.shows, case.judge.served = "go", "t1"
    case.judge.through |= {"t1"} if through else set()
    case.after(0.1)
    if through:
        case.after(MISLED_S + 0.1)
        return
    with pytest.raises(ViolationError, match="nothing opens") as found:
        case.after(MISLED_S + 0.1)
    assert wrong(found) is Wrong.LOCKED_LANE


def test_a_release_in_an_emergency_has_nothing_to_open() -> None:
    case = Case()
    case.board.controller.emergency = True
    case.judge.ordered("release")
    case.after(HEARD_S + 0.1)


def test_a_stuck_beam_may_tell_the_lane_that_somebody_went() -> None:
    case = Case()
    case.judge.shows, case.judge.served = "go", "t1"
    case.judge.beams(LAST, well=False)
    case.after(0.1)
    case.after(MISLED_S + 0.1)


def test_a_slow_leaf_tells_nobody_that_somebody_went() -> None:
    case = Case()
    case.judge.shows, case.judge.served, case.judge.is_helpless = "go", "t1", True
    case.after(0.1)
    with pytest.raises(ViolationError, match="nothing opens"):
        case.after(MISLED_S + 0.1)

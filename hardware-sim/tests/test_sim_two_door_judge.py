"""What the judge before two doors calls a violation, and what it does not."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import pytest

from hardware_sim.barrier.beams import Way
from hardware_sim.barrier.device import Barrier
from hardware_sim.hall.disk import Disk
from hardware_sim.hall.judge import HEARD_S, UNDERWAY_S, ViolationError, Wrong
from hardware_sim.hall.lane import FIRST, LAST, WELCOME
from hardware_sim.hall.two_doors.between import Between
from hardware_sim.hall.two_doors.judge import ESCAPE_S, FREED_S, HELPED_S, LOCKED_IN_S, TOLD_OF_S, TwoDoorJudge

COUNTERS = {"entry": 1, "exit": 0, "power_ups": 1}
AJAR = 30.0


@dataclass
class Case:
    """One judge over two boards that nothing moves but the test."""

    now_s: float = 100.0
    boards: dict[str, Barrier] = field(
        default_factory=lambda: {door: Barrier(lambda *_, **__: None) for door in (FIRST, LAST)}
    )

    def __post_init__(self) -> None:
        self.disk = Disk(lambda: None)
        self.between = Between(self.boards, lambda *_, **__: None)
        self.judge = TwoDoorJudge(
            boards=self.boards, between=self.between, disk=self.disk, clock=lambda: self.now_s, presence_max_s=20.0
        )
        self.judge.present_s = self.now_s

    def grant(self, door: str, name: str) -> None:
        """A grant arrives for somebody whose decision is on the disk."""
        self.judge.served = name
        self.disk.write("entry_decided" if door == FIRST else "decided", name, b'{"decision":"admit"}')
        self.judge.ordered("grant", door)
        self.boards[door].controller.set_grant(Way.ENTRY, 1)
        self.judge.happened("grant_received", {"direction": "entry"}, door)

    def passes(self, door: str, name: str, direction: str = "entry") -> None:
        self.between.passed(door, name, direction)
        self.judge.happened("passed", {"direction": direction, "traveller": name}, door)

    def inside(self, *names: str) -> None:
        for name in names:
            self.between.passed(FIRST, name, "entry")

    def told(self, door: str, direction: str) -> None:
        body = {"door": door, "direction": direction, "count": 1, "counters": COUNTERS}
        self.disk.write("passed", None, json.dumps(body).encode())

    def after(self, seconds: float) -> None:
        self.now_s += seconds
        self.judge.look()


def verified(case: Case) -> None:
    """A traveller whom both decisions let through."""
    case.judge.may_pass.add("t1")
    case.grant(FIRST, "t1")
    case.passes(FIRST, "t1")
    case.judge.happened("grant_ended", {}, FIRST)
    case.grant(LAST, "t1")


def test_in_by_one_decision_and_out_by_the_other() -> None:
    case = Case()
    verified(case)
    case.passes(LAST, "t1")
    case.told(FIRST, "entry")
    case.told(LAST, "entry")
    case.judge.compare_books()
    assert case.judge.by_fault == 0


@pytest.mark.parametrize("missing", [FIRST, LAST])
def test_the_passages_of_each_door_are_told(missing: str) -> None:
    case = Case()
    verified(case)
    case.passes(LAST, "t1")
    case.told(FIRST if missing == LAST else LAST, "entry")
    with pytest.raises(ViolationError, match=f"through the {missing} door") as found:
        case.judge.compare_books()
    assert found.value.kind is Wrong.LOST_PASSAGE


@pytest.mark.parametrize("door", [FIRST, LAST])
def test_a_door_whose_own_decision_is_not_durable_is_a_wrong_opening(door: str) -> None:
    case = Case()
    case.judge.served = "t1"
    case.disk.write("decided" if door == FIRST else "entry_decided", "t1", b'{"decision":"admit"}')
    case.judge.ordered("grant", door)
    with pytest.raises(ViolationError, match="before that was on the disk"):
        case.judge.happened("grant_received", {}, door)


@pytest.mark.parametrize(("door", "inside"), [(FIRST, ("a",)), (LAST, ()), (LAST, ("a",)), (LAST, ("t1", "a"))])
def test_the_first_door_is_granted_to_an_empty_lane_and_the_last_to_who_is_alone_there(
    door: str, inside: tuple[str, ...]
) -> None:
    case = Case()
    case.inside(*inside)
    with pytest.raises(ViolationError, match="inside are"):
        case.grant(door, "t1")


def test_nobody_is_let_in_where_a_bag_was_left() -> None:
    case = Case()
    case.between.lay((case.now_s - TOLD_OF_S - 0.1) * 1000)
    with pytest.raises(ViolationError, match="left a bag"):
        case.grant(FIRST, "t1")


def test_a_door_is_not_granted_while_the_other_is_open() -> None:
    case = Case()
    case.inside("t1")
    case.boards[FIRST].push_leaf(AJAR)
    with pytest.raises(ViolationError, match="the other is not closed"):
        case.grant(LAST, "t1")


def test_who_leaves_by_the_last_door_was_verified_or_let_out() -> None:
    case = Case()
    verified(case)
    case.inside("other")
    with pytest.raises(ViolationError, match="other went through the last door, whom nobody had verified"):
        case.passes(LAST, "other")


def test_somebody_else_may_step_in_and_only_one() -> None:
    case = Case()
    case.grant(FIRST, "t1")
    case.passes(FIRST, "other")
    with pytest.raises(ViolationError, match="that other had used"):
        case.passes(FIRST, "t1")


def test_two_whom_beams_cannot_tell_apart_may_step_in_together() -> None:
    case = Case()
    case.judge.together.add("follower")
    case.grant(FIRST, "t1")
    case.passes(FIRST, "t1")
    case.passes(FIRST, "follower")


@pytest.mark.parametrize("excuse", ["none", "freed", "evacuating", "helpless"])
def test_both_doors_are_open_in_an_emergency_and_when_an_officer_frees_somebody(excuse: str) -> None:
    case = Case()
    for board in case.boards.values():
        board.push_leaf(AJAR)
    if excuse == "freed":
        case.judge.freed()
    case.judge.evacuating = excuse == "evacuating"
    case.judge.is_helpless = excuse == "helpless"
    if excuse in {"freed", "evacuating"}:
        case.after(0.1)
        case.judge.evacuating = False
        case.now_s += FREED_S
    with pytest.raises(ViolationError, match="both doors are open"):
        case.after(0.2)


def test_an_emergency_at_one_door_opens_the_other() -> None:
    case = Case()
    case.boards[FIRST].controller.emergency = True
    case.boards[FIRST].push_leaf(AJAR)
    case.after(0.1)
    with pytest.raises(ViolationError, match="opened one door") as found:
        case.after(ESCAPE_S + 0.1)
    assert found.value.kind is Wrong.LOCKED_IN


def test_nobody_is_kept_inside() -> None:
    case = Case()
    case.inside("t1")
    case.after(0.1)
    with pytest.raises(ViolationError, match="t1 is between the doors") as found:
        case.after(LOCKED_IN_S + 0.1)
    assert found.value.kind is Wrong.LOCKED_IN


def test_whoever_is_sent_back_is_let_back_and_who_may_go_on_is_not() -> None:
    case = Case()
    case.inside("t1")
    case.judge.sent_back()
    with pytest.raises(ViolationError, match="was to be let back"):
        case.after(HELPED_S + 0.1)
    going = Case()
    verified(going)
    going.judge.sent_back()
    going.after(HELPED_S + 0.1)


@pytest.mark.parametrize("why", ["inside", "calls"])
def test_nobody_is_invited_into_a_lane_that_is_not_empty_or_calls_for_help(why: str) -> None:
    case = Case()
    if why == "inside":
        case.inside("t1")
    else:
        case.judge.told("help_called")
    case.judge.shows = WELCOME
    case.after(0.1)
    with pytest.raises(ViolationError, match="is invited"):
        case.after(TOLD_OF_S + 0.1)


# ── what no order could have kept back ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("harmed", [FIRST, LAST])
def test_a_bad_line_excuses_its_own_door_alone(harmed: str) -> None:
    case = Case()
    verified(case)
    case.judge.line(harmed, clean=False)
    case.judge.ordered("revoke", LAST)
    case.after(UNDERWAY_S + 0.01)
    case.judge.happened("grant_ended", {"how": "revoked"}, LAST)
    if harmed == LAST:
        case.passes(LAST, "t1-follower")
        assert case.judge.by_fault == 1
        return
    with pytest.raises(ViolationError, match="nobody had verified"):
        case.passes(LAST, "t1-follower")


@pytest.mark.parametrize("is_open", [True, False])
def test_a_board_without_power_excuses_who_stands_in_its_open_leaf(is_open: bool) -> None:  # noqa: FBT001 - a case
    case = Case()
    verified(case)
    if is_open:
        case.boards[LAST].push_leaf(AJAR)
    case.judge.happened("grant_ended", {"how": "power_up"}, LAST)
    if is_open:
        case.passes(LAST, "t1-follower")
        assert case.judge.by_fault == 1
        return
    with pytest.raises(ViolationError, match="nobody had verified"):
        case.passes(LAST, "t1-follower")


@pytest.mark.parametrize("stuck", [FIRST, LAST])
def test_a_stuck_beam_hides_who_is_before_its_own_door_alone(stuck: str) -> None:
    case = Case()
    verified(case)
    case.judge.beams(stuck, well=False)
    case.judge.forfeits(0.0)
    if stuck == FIRST:
        with pytest.raises(ViolationError, match="forfeited"):
            case.after(HEARD_S + 0.1)
        return
    case.after(3 * HEARD_S)
    case.judge.beams(LAST, well=True)
    with pytest.raises(ViolationError, match="forfeited"):
        case.after(HEARD_S + 0.1)


@pytest.mark.parametrize("harmed", [FIRST, LAST])
def test_what_a_lane_wants_is_heard_from_when_a_board_on_a_bad_line_hears_it_again(harmed: str) -> None:
    case = Case()
    case.judge.line(harmed, clean=False)
    case.judge.ordered("release", LAST)
    case.now_s += HEARD_S
    case.judge.happened("host_seen", {}, LAST)
    if harmed == LAST:
        case.after(HEARD_S - 0.1)
    with pytest.raises(ViolationError, match="never came"):
        case.after(0.2)


@pytest.mark.parametrize("emergency", [FIRST, LAST])
def test_only_a_board_that_stands_open_in_an_emergency_needs_no_release(emergency: str) -> None:
    case = Case()
    case.boards[emergency].controller.emergency = True
    case.judge.evacuating = True
    case.judge.ordered("release", LAST)
    if emergency == LAST:
        case.after(HEARD_S + 0.1)
        return
    with pytest.raises(ViolationError, match="never came"):
        case.after(HEARD_S + 0.1)

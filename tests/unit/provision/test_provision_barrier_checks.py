"""What a technician does at a barrier: each check ends with what the board has shown, or with what it has not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import pytest
from fakes.barrier import AT_REST

from gate.provision import barrier_checks
from gate.provision.barrier_checks import BarrierCheck, ClearAlarms, EndEmergency, Grant, Look, Reading, Request
from gate.provision.steps import Finding, StepError
from gate_core.evidence.crossing import Alarm
from gate_core.ports.values import BarrierStatus, Direction, LeafPosition

TTL_MS, WAIT_MS = 5_000, 20_000
STEP_MS = 100
GRANTED = replace(AT_REST, grants_left_entry=1, position=LeafPosition.OPEN)
WALKING = replace(GRANTED, bodies=1)
PASSED = replace(AT_REST, count_entry=1, position=LeafPosition.CLOSING)
REST_AFTER = replace(AT_REST, count_entry=1)
LATE = replace(REST_AFTER, bodies=1)
BURNING = replace(AT_REST, fire=True, emergency_open=True, position=LeafPosition.OPEN)


@dataclass
class Board:
    """Shows one status after another, the last for ever; keeps what it was told."""

    shows: list[BarrierStatus | None]
    refuses: dict[type, str] = field(default_factory=dict)
    told: list[Request] = field(default_factory=list)
    now_ms: int = 0

    def play(self, check: BarrierCheck) -> Finding:
        """Raises StepError."""
        statuses = self._statuses()
        request = next(check)
        while True:
            self.told.append(request)
            self.now_ms += STEP_MS
            try:
                request = check.send(Reading(self.now_ms, next(statuses), self.refuses.get(type(request), "")))
            except StopIteration as end:
                seen: Finding = end.value
                return seen

    @property
    def said(self) -> list[str]:
        """What the technician was told."""
        return [request.say for request in self.told if isinstance(request, Look) and request.say]

    def _statuses(self) -> Iterator[BarrierStatus | None]:
        yield from self.shows
        while True:
            yield self.shows[-1]


def entry() -> BarrierCheck:
    return barrier_checks.walk(Direction.ENTRY, ttl_ms=TTL_MS, wait_ms=WAIT_MS)


def test_one_person_on_one_grant_is_counted_once() -> None:
    board = Board([AT_REST, GRANTED, GRANTED, WALKING, PASSED, REST_AFTER])
    seen = board.play(entry())
    assert board.told[1] == Grant(Direction.ENTRY, TTL_MS)
    assert "one passage entry" in seen.detail
    assert (seen.figures["bodies_at_once"], seen.figures["leaf_open_after_ms"]) == (1, 100)


def test_a_way_that_is_counted_as_the_other_names_the_setting() -> None:
    wrong = replace(AT_REST, count_exit=1)
    with pytest.raises(StepError, match=r"counted entry as exit: turn entry_is_left round"):
        Board([AT_REST, GRANTED, GRANTED, WALKING, wrong]).play(entry())


def test_two_who_are_counted_on_one_grant_are_no_walk_of_one() -> None:
    with pytest.raises(StepError, match="counted 2 passages, not one"):
        Board([AT_REST, GRANTED, WALKING, PASSED, replace(AT_REST, count_entry=2)]).play(entry())


@pytest.mark.parametrize(
    ("check", "shows", "missing"),
    [
        (entry, [AT_REST, GRANTED, AT_REST], "nobody walked through within 5 s"),
        (entry, [WALKING], "the barrier at rest"),
        (entry, [AT_REST, GRANTED, None], "the board went silent"),
        (entry, [AT_REST, GRANTED, WALKING, PASSED], "15 s after the passage: leaf closed, zone empty; it shows the leaf closing, the zone empty"),
        (lambda: barrier_checks.grant_ends(ttl_ms=TTL_MS, wait_ms=WAIT_MS), [AT_REST, GRANTED], "the grant stands, or the leaf is open"),
        (lambda: barrier_checks.grant_ends(ttl_ms=TTL_MS, wait_ms=WAIT_MS), [AT_REST, GRANTED, PASSED], "somebody walked through"),
        (lambda: barrier_checks.tailgate(ttl_ms=TTL_MS, wait_ms=WAIT_MS), [AT_REST, GRANTED, WALKING, REST_AFTER], "tells of no second one; it shows the leaf closed, the zone empty"),
        (lambda: barrier_checks.tailgate(ttl_ms=TTL_MS, wait_ms=WAIT_MS), [AT_REST, GRANTED, WALKING, LATE], "the other one came too late, and must walk closer behind; it shows the leaf closed, somebody in the zone"),
        (lambda: barrier_checks.tailgate(ttl_ms=TTL_MS, wait_ms=WAIT_MS), [AT_REST, GRANTED, AT_REST], "nobody walked through"),
        (lambda: barrier_checks.fire(wait_ms=WAIT_MS), [AT_REST], "within 20 s: the fire input"),
        (lambda: barrier_checks.fire(wait_ms=WAIT_MS), [AT_REST, replace(AT_REST, fire=True)], "the leaf open, or the board's emergency"),
        (lambda: barrier_checks.fire(wait_ms=WAIT_MS), [AT_REST, BURNING], "the fire input clear again"),
        (lambda: barrier_checks.power(wait_ms=WAIT_MS), [AT_REST, None, AT_REST], "was not powered up anew within 20 s"),
    ],
)  # fmt: skip
def test_what_the_board_does_not_show_is_named(
    check: Callable[[], BarrierCheck], shows: list[BarrierStatus | None], missing: str
) -> None:
    with pytest.raises(StepError, match=missing):
        Board(shows).play(check())


@pytest.mark.parametrize(
    "check",
    [
        entry,
        lambda: barrier_checks.grant_ends(ttl_ms=TTL_MS, wait_ms=WAIT_MS),
        lambda: barrier_checks.tailgate(ttl_ms=TTL_MS, wait_ms=WAIT_MS),
        lambda: barrier_checks.fire(wait_ms=WAIT_MS),
        lambda: barrier_checks.power(wait_ms=WAIT_MS),
    ],
    ids=["walk", "grant_ends", "tailgate", "fire", "power"],
)
def test_who_stands_in_the_zone_from_the_check_before_is_told_to_leave(check: Callable[[], BarrierCheck]) -> None:
    board = Board([LATE])
    with pytest.raises(StepError) as failed:
        board.play(check())
    assert board.said == ["Somebody is still in the zone: have them leave"]
    assert str(failed.value) == (
        "wanted within 20 s: the barrier at rest, which is leaf closed, zone empty, no grant, no fire; "
        "it shows the leaf closed, somebody in the zone"
    )


def test_who_leaves_the_zone_by_themselves_is_told_nothing() -> None:
    board = Board([*[LATE] * 10, AT_REST, *[GRANTED] * 40, AT_REST])
    board.play(barrier_checks.grant_ends(ttl_ms=TTL_MS, wait_ms=WAIT_MS))
    assert board.said == ["Stay out of the lane: the barrier is granted, and nobody walks"]


def test_a_board_that_refuses_a_grant_is_quoted() -> None:
    with pytest.raises(StepError, match=r"refuses a grant: exception 4"):
        Board([AT_REST], refuses={Grant: "exception 4"}).play(entry())


def test_a_grant_that_nobody_uses_ends_by_itself() -> None:
    seen = Board([AT_REST, *[GRANTED] * 40, AT_REST]).play(barrier_checks.grant_ends(ttl_ms=TTL_MS, wait_ms=WAIT_MS))
    assert seen.figures["ended_after_ms"] == 4_000


@pytest.mark.parametrize(
    "sign",
    [
        replace(WALKING, bodies=2),
        replace(AT_REST, count_entry=2),
        replace(REST_AFTER, alarms=frozenset({Alarm.PASSAGE_WITHOUT_GRANT})),
    ],
)
def test_any_sign_of_a_second_person_tells_two_apart(sign: BarrierStatus) -> None:
    board = Board([AT_REST, GRANTED, WALKING, sign, replace(AT_REST, count_entry=2)])
    assert "tells two people" in board.play(barrier_checks.tailgate(ttl_ms=TTL_MS, wait_ms=WAIT_MS)).detail
    assert isinstance(board.told[-1], ClearAlarms)
    assert board.said[-1] == "Both leave the lane again"


def test_a_fire_opens_the_leaf_and_is_ended_by_the_board_where_we_cannot() -> None:
    after = replace(BURNING, fire=False)
    board = Board(
        [AT_REST, AT_REST, BURNING, BURNING, BURNING, after, after, AT_REST], refuses={EndEmergency: "exception 1"}
    )
    seen = board.play(barrier_checks.fire(wait_ms=WAIT_MS))
    assert "the leaf opened" in seen.detail
    assert board.said[-1] == "End the emergency at the board (its key): exception 1"


def test_a_power_cut_is_known_by_the_boards_own_count() -> None:
    board = Board([AT_REST, AT_REST, None, None, replace(AT_REST, restarts=2)])
    seen = board.play(barrier_checks.power(wait_ms=WAIT_MS))
    assert (seen.figures["restarts"], seen.figures["away_ms"]) == (2, 200)

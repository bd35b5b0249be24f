"""Finds violations in the hall before two doors, from what truly happened.

In addition to the one-door judge's checks: both doors open, a grant without a durable record or with an occupied lane,
people who leave by the last door without admission, people who are kept between the doors.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hardware_sim.hall.judge import CLOSES_S, Bench, Orders, ViolationError, Wrong
from hardware_sim.hall.lane import FIRST, LAST, WELCOME

if TYPE_CHECKING:
    from hardware_sim.barrier.device import Barrier
    from hardware_sim.hall.two_doors.between import Between

FREED_S = 8.0  # an officer's release opens the first door at once; the last may still close, slowly
# without faults no one is inside for longer without an opening leaf: 15 s for entering, 30 s for a referral
LOCKED_IN_S = 52.0
HELPED_S = 6.0  # after the call button, or an officer's order
ESCAPE_S = 3.5  # a fire at one door opens the other
TOLD_OF_S = 1.5  # by then the sensors have reported the people and things inside
_OTHER = {FIRST: LAST, LAST: FIRST}


@dataclass(slots=True)
class _Side:
    """One door."""

    board: Barrier
    orders: Orders
    open_until_s: float = -math.inf
    granted_to: str = ""
    passed_by_grant: list[str] = field(default_factory=list)
    # The leaf is open by a grant that was not revoked: the lane was down, the line lost the order, or the board lost its power.
    unled: bool = False
    blind: bool = False
    went: dict[str, int] = field(default_factory=lambda: {"entry": 0, "exit": 0})
    told: dict[str, int] = field(default_factory=lambda: {"entry": 0, "exit": 0})

    @property
    def is_open(self) -> bool:
        """Return True unless the leaf is closed and at rest."""
        return not self.board.leaf_closed


@dataclass(slots=True, kw_only=True)
class TwoDoorJudge(Bench):
    """Judges a hall before a two-door lane."""

    boards: dict[str, Barrier]
    between: Between
    let_in: set[str] = field(default_factory=set)  # through the first door, by an officer
    together: set[str] = field(default_factory=set)  # so close behind another person that the beams see one body
    owed_s: float = math.inf  # since when the way back is due to a person inside: they called, or were sent back
    _invites_s: float = math.inf  # since when it invites while the lane is not empty
    calls: bool = False  # a person called for help, and no officer has answered
    evacuating: bool = False  # an officer declared an emergency, and has not ended it
    _freed_s: float = -math.inf
    _fire_s: float = math.inf
    _shut_s: dict[str, float] = field(default_factory=dict)  # since when a person is inside without an opening leaf
    _sides: dict[str, _Side] = field(init=False)

    def __post_init__(self) -> None:
        """Begin without events."""
        self._sides = {door: _Side(board, Orders(self.clock)) for door, board in self.boards.items()}

    # ── what happens ─────────────────────────────────────────────────────────────────────────────────────────────────

    def happened(self, event: str, fields: dict[str, str | int | bool], door: str) -> None:
        """Process an event of a board or its people. Raises ViolationError."""
        side = self._sides[door]
        controller = side.board.controller
        if controller.emergency or controller.releasing:
            side.open_until_s = self.clock() + CLOSES_S
        side.orders.arrives(event)
        match event:
            case "passed":
                self._passed(door, side, str(fields["traveller"]), str(fields["direction"]))
            case "grant_received":
                side.unled = False
                side.passed_by_grant.clear()
                self._granted(door, side)
            case "grant_ended" if fields.get("how") == "power_up":
                side.unled = side.is_open
            case "leaf_at_rest" if fields["at"] == "closed":
                side.unled = False
            case "release_received" if door == FIRST:
                self.owed_s = math.inf
            case _:
                pass

    def _granted(self, door: str, side: _Side) -> None:
        """Check a grant that arrived at a board. Raises ViolationError."""
        name = side.granted_to
        written = self.disk.entries if door == FIRST else self.disk.admissions
        if name not in written:
            raise ViolationError(
                Wrong.WRONG_OPENING, f"the {door} door is granted to {name} before that was on the disk"
            )
        if name not in self.let_in:
            self.need_officer(name)
        other = self._sides[_OTHER[door]]
        if (other.is_open or other.orders.granted) and self.clock() > max(side.open_until_s, other.open_until_s):
            raise ViolationError(Wrong.WRONG_OPENING, f"the {door} door is granted while the other is not closed")
        inside = self.between.inside
        if inside != (() if door == FIRST else (name,)):
            raise ViolationError(Wrong.WRONG_OPENING, f"the {door} door is granted to {name}, and inside are {inside}")
        since_ms = self.between.bag_since_ms
        if door == FIRST and since_ms is not None and self.clock() - since_ms / 1000 > TOLD_OF_S:
            raise ViolationError(Wrong.WRONG_OPENING, f"{name} is let in where somebody left a bag")

    def _passed(self, door: str, side: _Side, name: str, direction: str) -> None:
        side.went[direction] += 1
        if direction == "exit" or self.clock() <= side.open_until_s:
            return
        others, side.passed_by_grant = side.passed_by_grant, [*side.passed_by_grant, name]
        if door == FIRST:
            # The lane does not know the entering person's face: it lets in one person, whoever it is.
            may, others = True, [] if name in self.together else others
        else:
            may = name in self.may_pass | self.by_officer and name in self.disk.admissions
            self.through.add(name)
        if not may and side.unled and not others:
            self.by_fault += 1
        elif not may:
            self._blame(side, f"{name} went through the {door} door, whom nobody had verified")
        elif others:
            self._blame(side, f"{name} went through the {door} door on a grant that {others[0]} had used")

    def _blame(self, side: _Side, why: str) -> None:
        if not self.is_helpless:
            raise ViolationError(Wrong.WRONG_OPENING, why)
        self.by_fault += 1
        side.blind = True

    def board_miscounts(self, door: str) -> None:
        """Note that the board loses or misses counts."""
        self._sides[door].blind = True

    # ── orders ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def ordered(self, order: str, door: str) -> None:
        """Note that the lane sent a board an order, or confirmed one to an officer."""
        side = self._sides[door]
        if order == "grant":
            side.granted_to = self.served
        if order == "release" and side.board.controller.emergency:
            return  # it is already open
        side.orders.ordered(order)

    def freed(self) -> None:
        """Note that an officer frees the person inside."""
        self._freed_s = self.clock()

    def sent_back(self) -> None:
        """Note that the person inside must get the way back, unless a leaf is already open for them."""
        if self.between.inside and not self._sides[LAST].orders.granted:
            self.owed_s = min(self.owed_s, self.clock())

    def forfeits(self, after_s: float) -> None:
        """Note that the admitted traveller has lost the grant."""
        self._sides[LAST].orders.forfeit_s = self.clock() + after_s

    def orders_of(self, door: str) -> Orders:
        """Return the orders to a door's board."""
        return self._sides[door].orders

    def told(self, incident: str) -> None:
        """Note that an officer is informed of what a board does not show."""
        self.calls = self.calls or incident == "help_called"
        for side in self._sides.values():
            side.orders.told(incident)

    def lane_died(self) -> None:
        """Forget the orders of the lane that died."""
        self.owed_s = math.inf  # an officer handles it
        self.evacuating = self.calls = False
        for side in self._sides.values():
            side.orders.lane_died()
            side.unled = side.orders.granted

    # ── comparison with the true state ───────────────────────────────────────────────────────────────────────────────

    def look(self) -> None:
        """Compare the orders with the true state. Raises ViolationError."""
        now_s = self.clock()
        for side in self._sides.values():
            controller = side.board.controller
            if controller.emergency or controller.releasing:
                side.open_until_s = now_s + CLOSES_S
            side.orders.look(self.well_since_s)
            side.unled = side.unled or side.orders.is_lost
        self.look_at_go(opens=any(side.orders.granted or side.is_open for side in self._sides.values()))
        self._look_at_both(now_s)
        self._look_for_help(now_s)
        self._look_inside(now_s)
        self._look_at_screen(now_s)

    def _look_at_both(self, now_s: float) -> None:
        """Check that both are open only in an emergency, or while the last closes after an officer's release."""
        emergency = self.evacuating or any(side.board.controller.emergency for side in self._sides.values())
        if emergency:
            self._freed_s = now_s
        self._fire_s = min(self._fire_s, now_s) if emergency else math.inf
        both = all(side.is_open for side in self._sides.values())
        # The person inside gets the way back also while the last door's line is down.
        let_back = now_s <= self._sides[FIRST].open_until_s and now_s - self.well_since_s <= FREED_S
        if both and now_s - self._freed_s > FREED_S and not let_back:
            raise ViolationError(Wrong.WRONG_OPENING, "both doors are open")
        late = now_s - max(self._fire_s, self.well_since_s) > ESCAPE_S
        if late and not both:
            raise ViolationError(Wrong.LOCKED_IN, f"an emergency opened one door for {ESCAPE_S} s and not the other")

    def _look_for_help(self, now_s: float) -> None:
        if not self.between.inside:
            self.owed_s = math.inf
        elif self.owed_s < math.inf and any(side.is_open for side in self._sides.values()):
            self.owed_s = now_s
        if now_s - max(self.owed_s, self.well_since_s, self.believed_s) > HELPED_S:
            raise ViolationError(Wrong.LOCKED_IN, f"{now_s - self.owed_s:.1f} s ago somebody was to be let back")

    def _look_at_screen(self, now_s: float) -> None:
        """Check that the lane invites no one while a person or thing is inside, or before a call is answered."""
        is_taken = bool(self.between.inside) or self.between.bag_since_ms is not None or self.calls
        self._invites_s = min(self._invites_s, now_s) if is_taken and self.shows == WELCOME else math.inf
        if now_s - max(self._invites_s, self.well_since_s) > TOLD_OF_S:
            raise ViolationError(
                Wrong.WRONG_OPENING, "the next traveller is invited into a lane that is not empty, or calls for help"
            )

    def _look_inside(self, now_s: float) -> None:
        is_open = any(side.is_open for side in self._sides.values()) or math.isinf(self.well_since_s)
        self._shut_s = {name: now_s if is_open else self._shut_s.get(name, now_s) for name in self.between.inside}
        for name, since_s in self._shut_s.items():
            if now_s - max(since_s, self.well_since_s) > LOCKED_IN_S:
                raise ViolationError(Wrong.LOCKED_IN, f"{name} is between the doors for {now_s - since_s:.0f} s")

    # ── at rest ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def compare_books(self) -> None:
        """Check at rest and without faults that every passage of either door is recorded. Raises ViolationError."""
        for door, side in self._sides.items():
            for way, went in side.went.items():
                told = self.disk.told[door][way] - side.told[way]
                if told != went and not side.blind:
                    raise ViolationError(
                        Wrong.LOST_PASSAGE, f"{went} went through the {door} door ({way}), and records tell of {told}"
                    )
                side.told[way], side.went[way] = self.disk.told[door][way], 0
            side.blind = False
            side.passed_by_grant.clear()
        self.is_helpless = self.beams_failed = False
        for names in (self.through, self.may_pass, self.by_officer, self.let_in, self.together):
            names.clear()
        self.disk.admissions.clear()
        self.disk.entries.clear()

"""Finds violations in the hall, from what truly happened: wrong openings, lost passages, a locked lane, lost orders.

The judge has each traveller's document, the passages, the board's state and the disk's records. The gate's own state is
no evidence. Its reports to an officer count only for the question whether an officer was informed.
"""

from __future__ import annotations

import abc
import enum
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hardware_sim.hall.lane import GO, LAST

if TYPE_CHECKING:
    from collections.abc import Callable

    from hardware_sim.barrier.device import Barrier
    from hardware_sim.hall.disk import Disk

HEARD_S = 1.5  # on a line without faults every order arrives within this time
TOLD_S = 4.0  # after this time an officer must be informed of an order that did not arrive
UNDERWAY_S = 0.15  # a grant on the wire may still arrive after its revocation
MISLED_S = 2.6  # the longest time for which GO may be shown while nothing opens
CLOSES_S = 3.0  # a leaf that a release or an emergency opened may let a person through for this long afterwards
PRESENCE_SPARE_S = 1.0
_ORDER_OF_INCIDENT = {"grant_not_shown": "grant", "emergency_not_ended": "end_emergency"}


class Wrong(enum.Enum):
    """The kinds of violation. The values appear in `gate simulate --json`."""

    WRONG_OPENING = "wrong_opening"
    LOST_PASSAGE = "lost_passage"
    LOCKED_IN = "locked_in"  # between two doors
    LOCKED_LANE = "locked_lane"
    UNHEARD_ORDER = "unheard_order"


class ViolationError(Exception):
    """A violation: its kind, and what happened."""

    def __init__(self, kind: Wrong, why: str) -> None:
        super().__init__(f"{kind.value}: {why}")
        self.kind = kind
        self.why = why


@dataclass(slots=True)
class Orders:
    """The orders to one board that it has not shown yet."""

    clock: Callable[[], float]
    granted: bool = False
    granted_s: float = 0.0
    heard: int = 0  # how often the last ordered grant arrived
    revoked_s: float | None = None
    forfeit_s: float = math.inf  # from then on the grant is invalid
    seen_since_s: float = 0.0  # since when the beams are correct; inf while one is stuck
    clean_since_s: float = 0.0  # since when the line loses no order; inf while it may
    host_seen_s: float = 0.0  # on a line that may lose orders: when the board last received a host again
    freeing_s: float = math.inf  # since when a release is ordered; the lane repeats it until it arrives
    waiting: dict[str, float] = field(default_factory=dict)  # orders that have not arrived, with their times

    def ordered(self, order: str) -> None:
        """Note that the lane sent the board an order, or confirmed one to an officer."""
        if order in {"grant", "revoke"}:
            self.waiting.pop("grant", None)
            self.revoked_s = self.clock() if order == "revoke" else None
        if order == "grant":
            self.freeing_s, self.heard = math.inf, 0
        elif order == "release":
            self.freeing_s = min(self.freeing_s, self.clock())
        if order not in {"revoke", "release"}:
            self.waiting.setdefault(order, self.clock())

    def arrives(self, event: str) -> None:
        """Note that the board did something that confirms an order."""
        match event:
            case "grant_received":
                self._hear_grant()
                late_s = 0.0 if self.revoked_s is None else self.clock() - self.revoked_s
                if late_s > UNDERWAY_S:
                    raise ViolationError(Wrong.WRONG_OPENING, f"a grant arrives {late_s:.1f} s after it was taken back")
                self.granted, self.granted_s, self.forfeit_s = True, self.clock(), math.inf
                self.waiting.pop("grant", None)
            case "grant_repeated":
                self._hear_grant()
            case "grant_ended":
                self.granted, self.forfeit_s = False, math.inf
            case "host_seen" if self.clock() - self.clean_since_s <= HEARD_S:
                self.host_seen_s = self.clock()  # the lane's orders count as sent from this time
            case "release_received":
                self.freeing_s = math.inf
            case "emergency_began":
                self.waiting.clear()
                self.freeing_s = math.inf
            case "emergency_ended":
                self.waiting.pop("end_emergency", None)
            case _:
                pass

    def _hear_grant(self) -> None:
        self.heard += 1
        if self.heard > 1:
            raise ViolationError(Wrong.WRONG_OPENING, "a grant arrives twice")

    def told(self, incident: str) -> None:
        """Note that an officer is informed of what the board does not show."""
        if incident == "revoke_not_shown":
            self.revoked_s = None
        order = _ORDER_OF_INCIDENT.get(incident)
        if order is not None:
            self.waiting.pop(order, None)

    def look(self, well_since_s: float) -> None:
        """Compare the orders with the board's state; time limits begin at `well_since_s`. Raises ViolationError."""
        now_s = self.clock()
        well_since_s = max(well_since_s, self.host_seen_s)
        stands_s = math.inf if not self.granted or self.revoked_s is None else max(self.revoked_s, self.granted_s)
        if now_s - max(stands_s, well_since_s) > HEARD_S:
            raise ViolationError(Wrong.UNHEARD_ORDER, f"a grant stands {now_s - stands_s:.1f} s after it was revoked")
        if now_s - max(self.freeing_s, well_since_s) > HEARD_S:
            raise ViolationError(
                Wrong.UNHEARD_ORDER, f"a release, given {now_s - self.freeing_s:.1f} s ago, never came"
            )
        if self.granted and now_s - max(self.forfeit_s, self.seen_since_s, well_since_s) > HEARD_S:
            raise ViolationError(Wrong.WRONG_OPENING, "a grant stands that its traveller has forfeited")
        for order, at_s in self.waiting.items():
            if now_s - max(at_s, well_since_s) > TOLD_S:
                raise ViolationError(
                    Wrong.UNHEARD_ORDER, f"{order}, given {now_s - at_s:.1f} s ago, and nobody was told"
                )

    @property
    def is_lost(self) -> bool:
        """Return True while a revoked grant is active because the line lost the order: a lane can only repeat it."""
        if not self.granted or self.revoked_s is None or self.clock() - self.clean_since_s > HEARD_S:
            return False
        return self.clock() - self.revoked_s > UNDERWAY_S

    def lane_died(self) -> None:
        """Forget the orders of the lane that died."""
        self.waiting.clear()
        self.revoked_s, self.forfeit_s, self.freeing_s = None, math.inf, math.inf


@dataclass(slots=True, kw_only=True)
class Bench(abc.ABC):
    """The state of every hall's judge. `presence_max_s` is how long an officer's report of presence is valid."""

    disk: Disk
    clock: Callable[[], float]
    presence_max_s: float
    well_since_s: float = 0.0  # inf while something is wrong
    believed_s: float = 0.0  # a late line: until then the lane may have no leaf status (docs/protocols/links.md)
    may_pass: set[str] = field(default_factory=set)  # with a valid document and a matching face
    by_officer: set[str] = field(default_factory=set)  # travellers whom an officer admits
    companions: dict[str, str] = field(default_factory=dict)  # a person on another person's grant, and that person
    companions_through: int = 0
    companions_admitted: int = 0
    present_s: float = -math.inf
    served: str = ""  # the traveller whom the lane serves
    shows: str = ""  # the screen
    _goes_s: float = math.inf  # since when it shows GO while nothing opens
    through: set[str] = field(default_factory=set)
    by_fault: int = 0
    is_helpless: bool = False  # leaf or beam failed since the last rest: no order could have stopped a person
    beams_failed: bool = False  # since the lane was last at rest

    @abc.abstractmethod
    def happened(self, event: str, fields: dict[str, str | int | bool], door: str) -> None:
        """Process an event of a board or its people. Raises ViolationError."""

    @abc.abstractmethod
    def ordered(self, order: str, door: str) -> None:
        """Note that the lane sent a board an order, or confirmed one to an officer."""

    @abc.abstractmethod
    def forfeits(self, after_s: float) -> None:
        """Note that the admitted traveller left or presented another document: from `after_s` on no grant may be active."""

    @abc.abstractmethod
    def orders_of(self, door: str) -> Orders:
        """Return the orders to a door's board, and the known state of its line and beams."""

    def beams(self, door: str, *, well: bool) -> None:
        """Note that a beam sticks, or works again. While it sticks, the occupation of the zone is unknown."""
        self.beams_failed = True
        self.orders_of(door).seen_since_s = self.clock() if well else math.inf

    def line(self, door: str, *, clean: bool) -> None:
        """Note that a door's line may lose orders, or no longer may."""
        self.orders_of(door).clean_since_s = self.clock() if clean else math.inf

    @abc.abstractmethod
    def told(self, incident: str) -> None:
        """Note that an officer is informed of what a board does not show."""

    @abc.abstractmethod
    def look(self) -> None:
        """Compare the orders with the true state. Raises ViolationError."""

    @abc.abstractmethod
    def lane_died(self) -> None:
        """Forget the orders of the lane that died."""

    @abc.abstractmethod
    def board_miscounts(self, door: str) -> None:
        """Note that the board loses or misses counts: passages without a record by now may never get one."""

    @abc.abstractmethod
    def compare_books(self) -> None:
        """Check at rest and without faults that every passage is recorded. Raises ViolationError."""

    def look_at_go(self, *, opens: bool) -> None:
        """Check that GO is shown only where something opens, or after a stuck beam. Raises ViolationError."""
        now_s = self.clock()
        is_told = self.shows == GO and self.served not in self.through and not self.beams_failed
        self._goes_s = min(self._goes_s, now_s) if is_told and not opens else math.inf
        if now_s - max(self._goes_s, self.well_since_s) > MISLED_S:
            raise ViolationError(Wrong.LOCKED_LANE, f"it tells {self.served} to go, and nothing opens")

    def need_officer(self, name: str) -> None:
        """Check that the machine grants only while an officer is there. Raises ViolationError."""
        absent_s = self.clock() - self.present_s
        if name not in self.by_officer and absent_s > self.presence_max_s + PRESENCE_SPARE_S:
            raise ViolationError(Wrong.WRONG_OPENING, f"{name} was granted with no officer there")


@dataclass(slots=True, kw_only=True)
class Judge(Bench):
    """Judges a hall before a one-door lane."""

    board: Barrier
    passed_by_grant: list[str] = field(default_factory=list)  # since the last grant arrived
    passages: dict[str, int] = field(default_factory=lambda: {"entry": 0, "exit": 0})
    _blind: bool = False  # since the last comparison, a passage could not be counted or reported
    _open_until_s: float = -math.inf
    # The leaf is open by a grant that was not revoked: the lane was down, the line lost the order, or the board lost its power. The
    # board ends the grant by itself; a person in the leaf by then gets out either way.
    _unled: bool = False
    _granted_to: str = ""
    _orders: Orders = field(init=False)
    _told: dict[str, int] = field(default_factory=lambda: {"entry": 0, "exit": 0})

    def __post_init__(self) -> None:
        """Begin without orders."""
        self._orders = Orders(self.clock)

    # ── what happens ─────────────────────────────────────────────────────────────────────────────────────────────────

    def happened(self, event: str, fields: dict[str, str | int | bool], door: str = LAST) -> None:
        """Process an event of the board or its people. Raises ViolationError."""
        del door
        controller = self.board.controller
        if controller.emergency or controller.releasing:
            self._open_until_s = self.clock() + CLOSES_S
        self._orders.arrives(event)
        match event:
            case "passed":
                self._passed(str(fields["traveller"]), str(fields["direction"]))
            case "grant_received":
                self._grant_arrives()
            case "grant_ended" if fields.get("how") == "power_up":
                self._unled = not self.board.leaf_closed
            case "leaf_at_rest" if fields["at"] == "closed":
                self._unled = False
            case _:
                pass

    def _grant_arrives(self) -> None:
        self._unled = False
        self.passed_by_grant.clear()
        name = self._granted_to
        if name not in self.disk.admissions:
            raise ViolationError(Wrong.WRONG_OPENING, f"{name} was granted before that was on the disk")
        self.need_officer(name)

    def _passed(self, name: str, direction: str) -> None:
        self.passages[direction] += 1
        self.through.add(name)
        if direction == "exit" or self.clock() <= self._open_until_s:
            return
        others, self.passed_by_grant = self.passed_by_grant, [*self.passed_by_grant, name]
        if name not in self._let_through and self._unled and not others:
            self.by_fault += 1
        elif name not in self._let_through:
            self._blame(f"{name} went through, whom nobody had verified")
        elif others:
            self._blame(f"{name} went through on a grant that {others[0]} had used")

    @property
    def _let_through(self) -> set[str]:
        """Return who may pass on a grant. Companions are known only after passing; an officer must then be informed."""
        return self.may_pass | self.by_officer | self.companions.keys()

    def _judge_companions(self) -> None:
        """Check at the next invitation that each traveller whose companion passed was referred. Raises ViolationError."""
        for companion, holder in self.companions.items():
            if companion not in self.through:
                continue
            self.companions_through += 1
            verdict = self.disk.verdicts.get(holder, "open")
            if verdict != "referred":
                self.companions_admitted += 1
                raise ViolationError(
                    Wrong.WRONG_OPENING,
                    f"{companion} went through on {holder}'s grant, and that crossing is {verdict}",
                )

    def _blame(self, why: str) -> None:
        if self.is_helpless:
            self.by_fault += 1
            self._blind = True  # the beams see two people in a slow leaf as one
            return
        raise ViolationError(Wrong.WRONG_OPENING, why)

    def board_miscounts(self, door: str = LAST) -> None:
        """Note that the board loses or misses counts: passages without a record by now may never get one."""
        del door
        self._blind = True

    # ── orders ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def ordered(self, order: str, door: str = LAST) -> None:
        """Note that the lane sent a board an order, or confirmed one to an officer."""
        del door
        if order == "grant":
            self._granted_to = self.served
        if order == "release" and self.board.controller.emergency:
            return  # it is already open
        self._orders.ordered(order)

    def forfeits(self, after_s: float) -> None:
        """Note that the admitted traveller has lost the grant."""
        self._orders.forfeit_s = self.clock() + after_s

    def orders_of(self, door: str) -> Orders:
        """Return the orders to the only board."""
        del door
        return self._orders

    def told(self, incident: str) -> None:
        """Note that an officer is informed of what a board does not show."""
        self._orders.told(incident)

    def look(self) -> None:
        """Compare the orders with the board's state. Raises ViolationError."""
        controller = self.board.controller
        if controller.emergency or controller.releasing:
            self._open_until_s = self.clock() + CLOSES_S
        self._orders.look(self.well_since_s)
        self._unled = self._unled or self._orders.is_lost
        self.look_at_go(opens=self._orders.granted or not self.board.leaf_closed)

    def lane_died(self) -> None:
        """Forget the orders of the lane that died."""
        self._orders.lane_died()
        self._unled = self._orders.granted

    # ── at rest ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def compare_books(self) -> None:
        """Check at rest and without faults that every passage is recorded. Raises ViolationError."""
        self._judge_companions()
        for way, went in self.passages.items():
            told = self.disk.told[LAST][way] - self._told[way]
            if told != went and not self._blind:
                raise ViolationError(Wrong.LOST_PASSAGE, f"{went} went through ({way}), and records tell of {told}")
            self._told[way] = self.disk.told[LAST][way]
            self.passages[way] = 0
        self._blind = self.is_helpless = self.beams_failed = False
        self.through.clear()
        self.may_pass.clear()
        self.by_officer.clear()
        self.companions.clear()
        self.disk.verdicts.clear()
        self.disk.admissions.clear()
        self.disk.entries.clear()
        self.passed_by_grant.clear()

"""What went wrong in the hall, by what truly happened there: wrong openings, lost passages, a locked lane, orders that nobody heard.

The judge knows who came with which document, who went through the leaf, what the board held and what stands on the disk. What the gate
believes is no evidence; what it told an officer counts only where the question is whether anybody was told.
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

HEARD_S = 1.5  # on a line without faults for so long every order arrives
TOLD_S = 4.0  # after so long an officer must have been informed of one that did not
UNDERWAY_S = 0.15  # what is on the wire when it is taken back may still arrive
MISLED_S = 2.6  # the longest time for which a traveller is sent where nothing opens
CLOSES_S = 3.0  # a leaf that a release or an emergency opened may let a person through for so long after
PRESENCE_SPARE_S = 1.0
_ORDER_OF_INCIDENT = {"grant_not_shown": "grant", "emergency_not_ended": "end_emergency"}


class Wrong(enum.Enum):
    """The kinds of violation. The words are those of `gate simulate --json`."""

    WRONG_OPENING = "wrong_opening"
    LOST_PASSAGE = "lost_passage"
    LOCKED_IN = "locked_in"  # between two doors
    LOCKED_LANE = "locked_lane"
    UNHEARD_ORDER = "unheard_order"


class ViolationError(Exception):
    """A violation: what kind, and what happened."""

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
    heard: int = 0  # how often the grant that was ordered last arrived
    revoked_s: float | None = None
    forfeit_s: float = math.inf  # from then on the grant belongs to no one
    seen_since_s: float = 0.0  # since when the beams show who is there; inf while one is stuck
    clean_since_s: float = 0.0  # since when the line loses no order; inf while it may
    host_seen_s: float = 0.0  # when the board, on a line that may lose orders, heard a lane again that it had lost
    freeing_s: float = math.inf  # since when somebody is to be freed: that is told until it is heard
    waiting: dict[str, float] = field(default_factory=dict)  # what nobody has heard yet, and since when

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
        """The board did something that bears an order out."""
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
                self.host_seen_s = self.clock()  # what the lane wants is heard from when the board hears it again
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
        """Hold what was ordered against what the board shows. Raises ViolationError."""
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
        """True while a grant stands that was taken back, on a line that lost the order: no lane can do more than repeat it."""
        if not self.granted or self.revoked_s is None or self.clock() - self.clean_since_s > HEARD_S:
            return False
        return self.clock() - self.revoked_s > UNDERWAY_S

    def lane_died(self) -> None:
        """What the lane wanted of the board, it wants no more."""
        self.waiting.clear()
        self.revoked_s, self.forfeit_s, self.freeing_s = None, math.inf, math.inf


@dataclass(slots=True, kw_only=True)
class Bench(abc.ABC):
    """The state that every judge of a hall has. `presence_max_s` is how long an officer's report of presence holds."""

    disk: Disk
    clock: Callable[[], float]
    presence_max_s: float
    well_since_s: float = 0.0  # inf while something is wrong
    believed_s: float = 0.0  # until then a lane may know nothing of a leaf: its line was late (docs/protocols/links.md)
    may_pass: set[str] = field(default_factory=set)  # whose document and face were found good
    by_officer: set[str] = field(default_factory=set)  # travellers whom an officer lets through
    companions: dict[str, str] = field(default_factory=dict)  # who goes on another person's grant, and on whose
    companions_through: int = 0
    companions_admitted: int = 0
    present_s: float = -math.inf
    served: str = ""  # the traveller whom the lane serves
    shows: str = ""  # the screen
    _goes_s: float = math.inf  # since when it shows go, and nothing opens
    through: set[str] = field(default_factory=set)
    by_fault: int = 0
    is_helpless: bool = False  # since the lane was at rest, leaf or beam failed: no order could have kept somebody back
    beams_failed: bool = False  # since the lane was at rest

    @abc.abstractmethod
    def happened(self, event: str, fields: dict[str, str | int | bool], door: str) -> None:
        """A board or its people did something. Raises ViolationError."""

    @abc.abstractmethod
    def ordered(self, order: str, door: str) -> None:
        """Note that the lane sent a board an order, or confirmed one to an officer."""

    @abc.abstractmethod
    def forfeits(self, after_s: float) -> None:
        """Whoever may leave the lane laid another document, or is not seen any more: so long after, nobody may."""

    @abc.abstractmethod
    def orders_of(self, door: str) -> Orders:
        """Return the orders to a door's board, and the known state of its line and beams."""

    def beams(self, door: str, *, well: bool) -> None:
        """A beam sticks, or no longer does: meanwhile nobody can know who is in the zone."""
        self.beams_failed = True
        self.orders_of(door).seen_since_s = self.clock() if well else math.inf

    def line(self, door: str, *, clean: bool) -> None:
        """A door's line may lose an order, or no longer does."""
        self.orders_of(door).clean_since_s = self.clock() if clean else math.inf

    @abc.abstractmethod
    def told(self, incident: str) -> None:
        """Note that an officer is informed of what a board does not show."""

    @abc.abstractmethod
    def look(self) -> None:
        """Hold what was ordered against what is to be seen. Raises ViolationError."""

    @abc.abstractmethod
    def lane_died(self) -> None:
        """What the lane wanted of its boards, it wants no more."""

    @abc.abstractmethod
    def board_miscounts(self, door: str) -> None:
        """What the board counted it forgets, or it cannot count: what no record tells by now, none may ever."""

    @abc.abstractmethod
    def compare_books(self) -> None:
        """Check at rest and without faults that every passage is recorded. Raises ViolationError."""

    def look_at_go(self, *, opens: bool) -> None:
        """Nobody is told to go where nothing opens, unless a stuck beam has told the lane that they went. Raises ViolationError."""
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
    """Watches a hall before a lane of one door."""

    board: Barrier
    passed_by_grant: list[str] = field(default_factory=list)  # since the latest grant arrived
    passages: dict[str, int] = field(default_factory=lambda: {"entry": 0, "exit": 0})
    _blind: bool = False  # since the books were compared last, something was not to be counted, or not to be told
    _open_until_s: float = -math.inf
    # The leaf is open by a grant that nobody took back: no lane was there to do so, the line lost the order, or the board lost its power. The
    # board has ended it, or will; whoever stands in the leaf by then it lets out either way.
    _unled: bool = False
    _granted_to: str = ""
    _orders: Orders = field(init=False)
    _told: dict[str, int] = field(default_factory=lambda: {"entry": 0, "exit": 0})

    def __post_init__(self) -> None:
        """Nothing was ordered yet."""
        self._orders = Orders(self.clock)

    # ── what happens ─────────────────────────────────────────────────────────────────────────────────────────────────

    def happened(self, event: str, fields: dict[str, str | int | bool], door: str = LAST) -> None:
        """The board or its people did something."""
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
        """Who may go on a grant. That a companion went is known when they are through: then an officer must be told (`_judge_companions`)."""
        return self.may_pass | self.by_officer | self.companions.keys()

    def _judge_companions(self) -> None:
        """The lane invites the next traveller: whoever sent a companion through must have been referred by then. Raises ViolationError."""
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
            self._blind = True  # two in a leaf that moves slowly are one to the beams
            return
        raise ViolationError(Wrong.WRONG_OPENING, why)

    def board_miscounts(self, door: str = LAST) -> None:
        """What the board counted it forgets, or it cannot count: what no record tells by now, none may ever."""
        del door
        self._blind = True

    # ── orders ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def ordered(self, order: str, door: str = LAST) -> None:
        """Note that the lane sent a board an order, or confirmed one to an officer."""
        del door
        if order == "grant":
            self._granted_to = self.served
        if order == "release" and self.board.controller.emergency:
            return  # it stands open already
        self._orders.ordered(order)

    def forfeits(self, after_s: float) -> None:
        """Whoever may leave the lane has lost the right to."""
        self._orders.forfeit_s = self.clock() + after_s

    def orders_of(self, door: str) -> Orders:
        """The one board's."""
        del door
        return self._orders

    def told(self, incident: str) -> None:
        """Note that an officer is informed of what a board does not show."""
        self._orders.told(incident)

    def look(self) -> None:
        """Hold what was ordered against what the board shows. Raises ViolationError."""
        controller = self.board.controller
        if controller.emergency or controller.releasing:
            self._open_until_s = self.clock() + CLOSES_S
        self._orders.look(self.well_since_s)
        self._unled = self._unled or self._orders.is_lost
        self.look_at_go(opens=self._orders.granted or not self.board.leaf_closed)

    def lane_died(self) -> None:
        """What the lane wanted of the board, it wants no more."""
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

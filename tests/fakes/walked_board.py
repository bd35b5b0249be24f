"""A barrier board with people before it, in the world's own time: what docs/protocols/barrier-modbus.md promises, at the driver's port.

The leaf moves, a grant ends with its time or its passage, the host watchdog ends it too, fire opens whatever the host says. The line can be
good, busy (every order is refused), silent (half of the orders arrive all the same) or cut. Whoever goes through is known by name, so the
truth of every passage is known: by whose grant, and who it was.
"""

from __future__ import annotations

import enum
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from gate_core.errors import RefusedError
from gate_core.evidence.crossing import Alarm
from gate_core.ports.values import BarrierStatus, LampColour, LeafPosition

MOVING_S = 0.3
RELEASED_S = 3.0  # open at least so long after a release
WATCHDOG_S = 1.0


class Line(enum.Enum):
    """How the line to the board is."""

    GOOD = "good"
    BUSY = "busy"
    SILENT = "silent"
    CUT = "cut"


@dataclass(frozen=True, slots=True)
class Through:
    """Somebody went through the leaf."""

    at_s: float
    name: str
    by: str  # grant, release, emergency, nothing
    line_good_s: float  # for how long every order had been taken by then
    first: str | None = None  # who was the first in the zone since the grant
    first_at_s: float = 0.0
    entry: bool = True


@dataclass(slots=True)
class Board:
    """The board, the leaf and the zone."""

    clock: Callable[[], float]
    rng: random.Random
    zone: list[str] = field(default_factory=list)
    count_entry: int = 0
    count_exit: int = 0
    restarts: int = 1
    fire: bool = False
    emergency: bool = False
    alarms: set[Alarm] = field(default_factory=set)
    granted_until_s: float | None = None
    granted_at_s: float = 0.0
    released_until_s: float = -1.0
    stuck: bool = False  # something holds the leaf open
    line: Line = Line.GOOD
    line_good_at_s: float = 0.0
    lamp_shown: LampColour = LampColour.RED
    truth: list[Through] = field(default_factory=list)
    entries_ever: int = 0
    exits_ever: int = 0
    changed_s: float = -10.0  # when somebody last came into the zone or left it
    doubled: int = 0  # grants taken while one was outstanding
    grants: int = 0
    _open: bool = False
    _moved_s: float = -10.0
    _heard_s: float = 0.0
    _first: str | None = None
    _first_at_s: float = 0.0

    # ── the leaf ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def settle(self) -> None:
        """Let pass what time brings."""
        now_s = self.clock()
        if self.granted_until_s is not None and now_s >= self.granted_until_s:
            self.granted_until_s = None
        if now_s - self._heard_s > WATCHDOG_S and Alarm.HOST_LOST not in self.alarms:
            self.alarms.add(Alarm.HOST_LOST)
            self.granted_until_s = None
        self.emergency = self.emergency or self.fire
        stays = self._open and bool(self.zone)
        wanted = (
            self.granted_until_s is not None or self.emergency or stays or self.stuck or now_s < self.released_until_s
        )
        if wanted is not self._open:
            self._open, self._moved_s = wanted, now_s

    @property
    def position(self) -> LeafPosition:
        """Where the leaf is."""
        moving = self.clock() - self._moved_s < MOVING_S
        if self._open:
            return LeafPosition.OPENING if moving else LeafPosition.OPEN
        return LeafPosition.CLOSING if moving else LeafPosition.CLOSED

    @property
    def line_good_s(self) -> float:
        """For how long the line has taken every order."""
        return self.clock() - self.line_good_at_s if self.line is Line.GOOD else 0.0

    def set_line(self, line: Line) -> None:
        """Make the line good or bad."""
        if line is Line.GOOD and self.line is not Line.GOOD:
            self.line_good_at_s = self.clock()
        self.line = line

    def hears(self) -> None:
        """A request arrives: the host is there."""
        self.settle()
        self._heard_s = self.clock()

    def power_cycle(self) -> None:
        """The board powers up: counters and grants begin at 0, nothing is remembered."""
        self.count_entry = self.count_exit = 0
        self.granted_until_s = None
        self.released_until_s = -1.0
        self.restarts += 1
        self.alarms.clear()
        self.emergency = self.fire
        self._heard_s = self.clock()
        self.settle()

    def force(self) -> None:
        """Somebody pushes the closed leaf."""
        self.settle()
        if not self._open:
            self.alarms.add(Alarm.FORCED)

    # ── people ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def enters(self, name: str) -> None:
        """Somebody steps into the zone."""
        self.settle()
        if self._first is None:
            self._first, self._first_at_s = name, self.clock()
        self.changed_s = self.clock()
        self.zone.append(name)

    def steps_back(self, name: str) -> None:
        """Somebody leaves the zone where they came from."""
        self.zone.remove(name)
        self.changed_s = self.clock()
        self.settle()

    def goes_through(self, name: str) -> bool:
        """Somebody in the zone goes through, if the leaf lets them."""
        self.settle()
        if not self._open or name not in self.zone:
            return False
        self.zone.remove(name)
        self.changed_s = self.clock()
        self.count_entry = (self.count_entry + 1) % 2**32
        self.entries_ever += 1
        by = self._by()
        self.truth.append(Through(self.clock(), name, by, self.line_good_s, self._first, self._first_at_s))
        if by == "grant":
            self.granted_until_s = None
        elif by == "nothing":
            self.alarms.add(Alarm.PASSAGE_WITHOUT_GRANT)
        self.settle()
        return True

    def comes_out(self, name: str) -> bool:
        """Somebody from inside goes out against the direction, if the leaf lets them."""
        self.settle()
        if not self._open:
            return False
        self.count_exit = (self.count_exit + 1) % 2**32
        self.exits_ever += 1
        by = "nothing" if self._by() == "grant" else self._by()
        self.truth.append(Through(self.clock(), name, by, self.line_good_s, entry=False))
        if by == "nothing":
            self.alarms.add(Alarm.REVERSE_PASSAGE)
        return True

    def _by(self) -> str:
        if self.emergency:
            return "emergency"
        if self.granted_until_s is not None:
            return "grant"
        return "release" if self.clock() < self.released_until_s + 2.0 else "nothing"

    # ── orders, as they arrive ───────────────────────────────────────────────────────────────────────────────────────

    def status_now(self) -> BarrierStatus:
        """What the board answers."""
        self.settle()
        return BarrierStatus(
            position=self.position,
            bodies=len(self.zone),
            count_entry=self.count_entry,
            count_exit=self.count_exit,
            grants_left_entry=int(self.granted_until_s is not None),
            grants_left_exit=0,
            fire=self.fire,
            emergency_open=self.emergency,
            alarms=frozenset(self.alarms),
            restarts=self.restarts,
        )

    def take_grant(self, ttl_ms: int) -> None:
        """A grant arrives."""
        self.settle()
        if self.emergency:
            raise RefusedError("an emergency is on")
        self.doubled += self.granted_until_s is not None
        self.grants += 1
        self.granted_at_s = self.clock()
        self._first, self._first_at_s = (self.zone[0] if self.zone else None), self.clock()
        self.granted_until_s = self.clock() + ttl_ms / 1000
        self.settle()

    def take_revoke(self) -> None:
        """A revocation arrives."""
        self.granted_until_s = None
        self.settle()

    def take_release(self) -> None:
        """A release arrives."""
        self.released_until_s = self.clock() + RELEASED_S
        self.settle()

    def take_end(self) -> None:
        """The end of the emergency arrives."""
        if self.fire:
            raise RefusedError("the fire input is active")
        self.emergency = False
        self.take_revoke()

    def take_clearing(self, alarms: frozenset[Alarm]) -> None:
        """Alarms are cleared; none here has a cause that lasts."""
        self.alarms -= alarms
        if Alarm.HOST_LOST in alarms:
            self._heard_s = self.clock()

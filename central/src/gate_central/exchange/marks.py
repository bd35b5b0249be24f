"""Marks of one day: finds gates of a site that report the same mark within minutes. Pure.

A gate computes a mark from a document's chip with the day's key (docs/protocols/exchange.md). A mark is kept for the
minutes that its gate gives, by the monotonic clock, and at most until the end of its day; then the key and all marks
are deleted. Each gate has its own limit. Nothing is written to disk.

MarksError
├── OtherKeyError   the mark was made with another key: of another day, or before a restart
└── TooManyError    the gate's limit of marks is reached
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

KEY_BYTES: Final = 32
KEY_NAME_BYTES: Final = 8
MARK_BYTES: Final = KEY_NAME_BYTES + 32
MINUTES_MAX: Final = 60
SET_S_MAX: Final = 60.0  # clock changes up to this, within a day, count as none
OF_A_GATE_MAX: Final = 1000  # a gate serves some 400 travellers an hour; further marks are refused


class MarksError(Exception):
    """A mark is refused. The message names no gate."""


class OtherKeyError(MarksError):
    """The mark was made with another key."""


class TooManyError(MarksError):
    """The gate's limit of marks is reached."""


@dataclass(frozen=True, slots=True)
class DayKey:
    """The key of one day, or of the rest of it after a start."""

    day: date
    key: bytes = field(repr=False)

    @property
    def name(self) -> bytes:
        """The first KEY_NAME_BYTES of each mark made with this key."""
        return hashlib.sha256(self.key).digest()[:KEY_NAME_BYTES]


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Another gate reported the same mark: its name, and the site's local time (`14:05`)."""

    gate: str
    at: str


@dataclass(frozen=True, slots=True)
class _Told:
    at: str
    told_s: float
    until_s: float


class Marks:
    """The marks of a site. `local`: the site's wall-clock time; `clock_s`: monotonic seconds; `random`: returns that
    many unpredictable bytes.
    """

    def __init__(self, *, random: Callable[[int], bytes], local: datetime, clock_s: float) -> None:
        self._random = random
        self._since_s = clock_s
        self._told: dict[bytes, dict[str, _Told]] = {}
        self._of: Counter[str] = Counter()
        self._begin(local, clock_s)

    def __len__(self) -> int:
        """Number of marks kept, over all gates."""
        return self._of.total()

    def key(self, local: datetime, clock_s: float) -> DayKey:
        """Return today's key."""
        self._turn(local, clock_s)
        return self._day

    def is_sure(self, minutes: int, clock_s: float) -> bool:
        """False if marks of the last `minutes` may be lost: by a restart, or because the wall clock was set."""
        return clock_s - self._since_s >= minutes * 60

    def tell(self, gate: str, mark: bytes, *, minutes: int, local: datetime, clock_s: float) -> Elsewhere | None:
        """Keep a gate's mark; return the last other gate that sent it within `minutes`, or None. Raises MarksError."""
        self._turn(local, clock_s)
        if mark[:KEY_NAME_BYTES] != self._day.name:
            raise OtherKeyError("made with another key")
        told = self._told.get(mark, {})
        if gate not in told:
            if self._of[gate] >= OF_A_GATE_MAX:
                raise TooManyError(f"{OF_A_GATE_MAX} marks of one gate are remembered")
            self._of[gate] += 1
        elsewhere = [
            (one.told_s, other, one.at)
            for other, one in told.items()
            if other != gate and clock_s < min(one.until_s, one.told_s + minutes * 60)
        ]
        self._told.setdefault(mark, told)[gate] = _Told(f"{local:%H:%M}", clock_s, clock_s + minutes * 60)
        if not elsewhere:
            return None
        _, other, at = max(elsewhere)
        return Elsewhere(other, at)

    def forget(self, local: datetime, clock_s: float) -> None:
        """Delete expired marks."""
        self._turn(local, clock_s)
        alive = {
            mark: left
            for mark, told in self._told.items()
            if (left := {gate: one for gate, one in told.items() if clock_s < one.until_s})
        }
        self._told = alive
        self._of = Counter(gate for told in alive.values() for gate in told)

    def _turn(self, local: datetime, clock_s: float) -> None:
        """If the date differs from the key's, also backwards, delete all marks and make a new key."""
        if local.date() != self._day.day:
            self._told.clear()
            self._of.clear()
            if abs(local.timestamp() - clock_s - self._apart_s) > SET_S_MAX:
                self._since_s = clock_s
            self._begin(local, clock_s)

    def _begin(self, local: datetime, clock_s: float) -> None:
        self._day = DayKey(local.date(), self._random(KEY_BYTES))
        self._apart_s = local.timestamp() - clock_s  # constant unless a clock is set

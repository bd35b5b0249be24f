"""Marks of one day: which gates of a site told the same one within minutes. Pure: time and chance are arguments.

A mark is what a gate makes of a document's chip with the day's key (docs/protocols/exchange.md). Promises: a mark is remembered for the minutes
that its gate named, by a clock that nobody sets, and no longer than the day lasts in which it was told; with the day go its key and every mark.
What one gate tells takes nothing from another's share. Nothing here is written anywhere.

MarksError
├── OtherKeyError   the mark was made with another key: of another day, or of another start
└── TooManyError    the gate has told as many marks as are remembered of one
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
SET_S_MAX: Final = 60.0  # by which the wall clock may be set in a day that ends at midnight
OF_A_GATE_MAX: Final = 1000  # a gate serves some 400 travellers an hour; whatever else it tells is refused


class MarksError(Exception):
    """A mark cannot be told. The message names nobody."""


class OtherKeyError(MarksError):
    """It was made with another key."""


class TooManyError(MarksError):
    """As many as are remembered of this gate."""


@dataclass(frozen=True, slots=True)
class DayKey:
    """The key of one day, or of what is left of it after a start."""

    day: date
    key: bytes = field(repr=False)

    @property
    def name(self) -> bytes:
        """What each mark begins with that was made by it."""
        return hashlib.sha256(self.key).digest()[:KEY_NAME_BYTES]


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Another gate told the same mark: which, and when on the site's own clock, to the minute (`14:05`)."""

    gate: str
    at: str


@dataclass(frozen=True, slots=True)
class _Told:
    at: str
    told_s: float
    until_s: float


class Marks:
    """The marks of a site. `local` is the site's wall clock, `clock_s` one that nobody sets, in seconds; `random` gives that many unpredictable
    bytes.
    """

    def __init__(self, *, random: Callable[[int], bytes], local: datetime, clock_s: float) -> None:
        self._random = random
        self._since_s = clock_s
        self._told: dict[bytes, dict[str, _Told]] = {}
        self._of: Counter[str] = Counter()
        self._begin(local, clock_s)

    def __len__(self) -> int:
        """How many are remembered."""
        return self._of.total()

    def key(self, local: datetime, clock_s: float) -> DayKey:
        """The key of today."""
        self._turn(local, clock_s)
        return self._day

    def is_sure(self, minutes: int, clock_s: float) -> bool:
        """False while this start is younger than the minutes that are asked about: what was told before it, nobody knows any more. Nor what was
        told before a day's end that came because the wall clock was set.
        """
        return clock_s - self._since_s >= minutes * 60

    def tell(self, gate: str, mark: bytes, *, minutes: int, local: datetime, clock_s: float) -> Elsewhere | None:
        """Remember that this gate told the mark; where it was told last by another one, in the minutes before. Raises MarksError."""
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
        """Forget whatever is over."""
        self._turn(local, clock_s)
        alive = {
            mark: left
            for mark, told in self._told.items()
            if (left := {gate: one for gate, one in told.items() if clock_s < one.until_s})
        }
        self._told = alive
        self._of = Counter(gate for told in alive.values() for gate in told)

    def _turn(self, local: datetime, clock_s: float) -> None:
        """On another day than that of the key: another key, and no mark. So it is, too, when the clock goes back over midnight."""
        if local.date() != self._day.day:
            self._told.clear()
            self._of.clear()
            if abs(local.timestamp() - clock_s - self._apart_s) > SET_S_MAX:
                self._since_s = clock_s
            self._begin(local, clock_s)

    def _begin(self, local: datetime, clock_s: float) -> None:
        self._day = DayKey(local.date(), self._random(KEY_BYTES))
        self._apart_s = local.timestamp() - clock_s  # the two clocks, as long as nobody sets one

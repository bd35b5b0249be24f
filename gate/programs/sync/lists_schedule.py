"""When the folder of lists is to be imported. Pure: what was seen of it goes in, a yes or no comes out.

A file may still be written when it is seen: the folder must look the same twice before it is touched. What was imported is not
imported again while it stays the same, unless that failed: then after a pause that doubles up to a bound.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gate.trust.looking import Entry
from gate_core.programs.reconnect import Backoff

RETRY_MIN_S: Final = 60.0
RETRY_MAX_S: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Seen:
    """The folder at one moment: its files, or why it could not be looked at."""

    files: tuple[Entry, ...] = ()
    problem: str = ""


class Schedule:
    """Compares what is seen with what was seen and imported before. Times are seconds of any steady clock."""

    def __init__(self) -> None:
        self._last: Seen | None = None
        self._imported: Seen | None = None
        self._backoff = Backoff(RETRY_MIN_S, RETRY_MAX_S)
        self._retry_at_s: float | None = None

    def is_due(self, seen: Seen, now_s: float) -> bool:
        """True when the folder is to be imported now."""
        settled = seen == self._last
        self._last = seen
        if seen.problem or not seen.files or not settled:
            return False
        return seen != self._imported or (self._retry_at_s is not None and now_s >= self._retry_at_s)

    def imported(self, seen: Seen, now_s: float, *, well: bool) -> None:
        """Note that an import of what was seen has ended. A folder that has changed since is due again as soon as it settles."""
        if seen != self._imported:
            self._backoff.reset()
        self._imported = seen
        self._retry_at_s = None if well else now_s + self._backoff.next_s()

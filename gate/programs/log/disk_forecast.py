"""How many days it takes until the log's disk is full, at the pace at which it has filled since the program started. Pure.

Whatever else fills that disk counts, too: the log has no room then, whoever took it. Until an hour has been seen nothing is said, and
neither while the disk does not fill.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final

SEEN_MIN_S: Final = 3_600.0
EVERY_S: Final = 600.0
KEPT: Final = 7 * 24 * 6  # a week
_DAY_S: Final = 86_400.0


@dataclass(slots=True)
class Growth:
    """Remembers what was free, ten minutes apart."""

    _seen: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=KEPT))

    def see(self, at_s: float, free_bytes: int) -> None:
        """So much is free now, by a monotonic clock."""
        if not self._seen or at_s - self._seen[-1][0] >= EVERY_S:
            self._seen.append((at_s, free_bytes))

    def days_left(self, at_s: float, free_bytes: int) -> float | None:
        """Until nothing is free; None when that cannot be told."""
        if not self._seen:
            return None
        since_s, free_then = self._seen[0]
        taken = free_then - free_bytes
        if at_s - since_s < SEEN_MIN_S or taken <= 0:
            return None
        return free_bytes / taken * (at_s - since_s) / _DAY_S

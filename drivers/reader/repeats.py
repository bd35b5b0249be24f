"""Tells a document that is read again from a new one. Pure.

Some readers read a document twice, or as long as it lies on them; one presentation must open one crossing. Only a hash with
the process's own random key is kept, not the lines.
"""

from __future__ import annotations

from collections.abc import Hashable

REPEAT_S = 2.0  # seen again within so long is the same presentation; each sight renews it


class Repeats:
    """The last document that was seen."""

    def __init__(self) -> None:
        self._mark: int | None = None
        self._seen_at_s = 0.0

    def is_repeat(self, lines: Hashable, at_s: float) -> bool:
        """Note what was read at a time in monotonic seconds; true when the same was seen just before."""
        mark = hash(lines)
        repeat = mark == self._mark and at_s - self._seen_at_s <= REPEAT_S
        self._mark, self._seen_at_s = mark, at_s
        return repeat

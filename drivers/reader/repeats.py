"""Tells a document that is read again from a new one. Pure.

Some readers read a document twice, or as long as it lies on them; one presentation must open one crossing. Only a hash with
the process's own random key is kept, not the lines.
"""

from __future__ import annotations

from collections.abc import Hashable

# Units that read on look at the document once a second at least; each sight renews it. One that is taken away and presented again
# faster than that cannot be told from one that stayed.
READS_ON_S = 2.0
# Units that read a document once, and may send it twice. Presented again means that somebody did it.
READS_ONCE_S = 0.3


class Repeats:
    """The last document that was seen. Seen again within so long is the same presentation."""

    def __init__(self, within_s: float) -> None:
        self._within_s = within_s
        self._mark: int | None = None
        self._seen_at_s = 0.0

    def is_repeat(self, lines: Hashable, at_s: float) -> bool:
        """Note what was read at a time in monotonic seconds; true when the same was seen just before."""
        mark = hash(lines)
        repeat = mark == self._mark and at_s - self._seen_at_s <= self._within_s
        self._mark, self._seen_at_s = mark, at_s
        return repeat

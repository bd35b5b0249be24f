"""Whether a page that was read lies there still, or was taken up: it may have changed hands, and then it is to be presented anew.

A passport that is handed over at the door says the same text as before. What tells is where it lies afterwards: nobody lays a page down
within a millimetre of where it lay. As long as its MRZ stays readable a page may be pushed about, and a hand may hide it for a moment.
"""

from __future__ import annotations

import math

from gate.page.stream.live import DOUBTFUL_CHARACTERS_MAX, unlike
from gate.page.values import Geometry, NoReading, Reading

PUSHED_PITCHES_MAX = 4.0  # from one look to the next; a pitch is 2.54 mm
LAID_PITCHES_MAX = 0.5  # once it was out of sight
HIDDEN_MAX_MS = 2_000


class Resting:
    """One page where it lies, from the reading that was told of it."""

    def __init__(self, reading: Reading, at_ms: int) -> None:
        self.text = reading.lines
        self._geometry = reading.geometry
        self._hidden = False
        self._seen_ms = at_ms

    def left(self, seen: Reading | NoReading, *, at_ms: int) -> bool:
        """Take what the newest look found; True when the page is no longer known to lie where it lay."""
        if not isinstance(seen, Reading) or unlike(self.text, seen.lines) > DOUBTFUL_CHARACTERS_MAX:
            self._hidden = True
            return at_ms - self._seen_ms >= HIDDEN_MAX_MS
        moved = _moved_pitches(self._geometry, seen.geometry)
        if moved > (LAID_PITCHES_MAX if self._hidden else PUSHED_PITCHES_MAX):
            return True
        self._geometry, self._hidden, self._seen_ms = seen.geometry, False, at_ms
        return False


def _moved_pitches(before: Geometry, after: Geometry) -> float:
    """How far the first line's end that moved more went."""
    first, now = before.lines[0], after.lines[0]
    return max(math.dist(first.start, now.start), math.dist(first.end, now.end)) / before.pitch_px

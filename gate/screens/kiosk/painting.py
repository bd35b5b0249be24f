"""Whether a browser still paints what the lane shows.

A page says after each state and each beat which state it has painted. One whose script has stopped, whose display is gone, or that is
stuck with an older state says nothing that counts. Where no page ever painted, there is none to miss: the display may be elsewhere.
"""

from __future__ import annotations

from typing import Final

PAINTED_S_MAX: Final = 3.5  # a page speaks once a second, and within 50 ms of a state


class Painting:
    """What the open pages say that they have painted. Times are of any one clock, in seconds."""

    def __init__(self) -> None:
        self._painted_s: float | None = None

    def seen(self, event: str, *, newest: str, at_s: float) -> None:
        """A page has painted the state of this event; only the `newest` counts."""
        if event == newest:
            self._painted_s = at_s

    def close(self) -> None:
        """The page was closed or hidden on purpose: there is none to miss until one paints again."""
        self._painted_s = None

    def is_painted(self, now_s: float) -> bool | None:
        """True while a page shows what it should, False when the one that did does no more, None when there never was one."""
        return None if self._painted_s is None else now_s - self._painted_s <= PAINTED_S_MAX

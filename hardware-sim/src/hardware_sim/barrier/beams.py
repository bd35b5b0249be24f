"""The controller's evaluation of its beams: how many bodies it distinguishes, and passages with their direction. Pure.

The controller has only beams. It sees two bodies without a gap as one; the ground truth has both.
"""

from __future__ import annotations

import enum


class Way(enum.Enum):
    """A direction of passage."""

    ENTRY = "entry"
    EXIT = "exit"


def bodies_told_apart(broken: tuple[bool, ...]) -> int:
    """Return the number of groups of broken beams with a free beam between them."""
    return sum(now and not before for before, now in zip((False, *broken), broken, strict=False))


class BeamWatcher:
    """Follows the three beams and detects when a body has passed the middle one, at the leaf.

    A passage counts when the middle beam clears and the body that broke it is on the far side. From there it cannot be
    held back, so the leaf may close behind it at once.
    """

    def __init__(self) -> None:
        self._middle = False
        self._came_from: Way | None = None

    def see(self, broken: tuple[bool, ...]) -> Way | None:
        """Take the state of the beams; return the direction of a passage that has just been completed."""
        first, middle, last = broken
        passed = None
        if middle and not self._middle:
            self._came_from = Way.ENTRY if first or not last else Way.EXIT
        elif self._middle and not middle:
            if self._came_from is Way.ENTRY and last:
                passed = Way.ENTRY
            elif self._came_from is Way.EXIT and first:
                passed = Way.EXIT
        self._middle = middle
        return passed

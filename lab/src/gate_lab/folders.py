"""Folders with test data from others. Any file may be missing, huge, or of another type than its name shows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Protocol, TypeVar

SUFFIXES: Final = frozenset({".jpg", ".jpeg", ".jp2", ".j2k", ".png"})
Item = TypeVar("Item")


class UnfitError(Exception):
    """Nothing can be measured on a folder; the message names the file and what is wrong with it."""


class Tracked(Protocol):
    """Yields the items and shows the user the progress of a task."""

    def __call__(self, items: Sequence[Item], doing: str) -> Iterable[Item]:
        """Return the same items."""

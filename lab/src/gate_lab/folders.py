"""Folders to measure on: somebody's files, of which any may be missing, huge or something else than its name says."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Protocol, TypeVar

SUFFIXES: Final = frozenset({".jpg", ".jpeg", ".jp2", ".j2k", ".png"})
Item = TypeVar("Item")


class UnfitError(Exception):
    """Nothing can be measured on a folder; the message names the file and what is wrong with it."""


class Tracked(Protocol):
    """Hands out the items, and shows whoever waits how far it is with what is being done."""

    def __call__(self, items: Sequence[Item], doing: str) -> Iterable[Item]:
        """The same items."""

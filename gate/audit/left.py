"""What an earlier run left in the log: a value that the store answers with, and its error where it cannot be opened."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Left:
    """What whoever writes to the log is told at its start: crossings that something led on in and nothing ended since, and crossings that
    wait for an officer, both oldest first, and what it asked to remember.
    """

    open_crossings: tuple[str, ...]
    referred: tuple[str, ...]
    remembered: bytes

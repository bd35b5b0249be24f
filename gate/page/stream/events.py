"""What a gate is told of the pages of a camera or a scanner."""

from __future__ import annotations

from dataclasses import dataclass, field

from gate.page.values import Pixels, Reading, Why


@dataclass(frozen=True, slots=True)
class Read:
    """An MRZ was read, by the whole acceptance rule or not. `portrait` is its part of the page, None where there is none."""

    page: int
    reading: Reading
    accepted: bool
    portrait: Pixels | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Unread:
    """Something lies there for long and cannot be read. Given once."""

    page: int


@dataclass(frozen=True, slots=True)
class Advised:
    """What would make the page readable, None when nothing does; given when it changes."""

    why: Why | None


@dataclass(frozen=True, slots=True)
class Gone:
    """The page left, or another one took its place."""

    page: int


Event = Read | Unread | Advised | Gone

"""Which lists of countries judge documents here: names and dates, never their content."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class PublishedList:
    """The newest signed list of one kind by one publisher, a country, that the lists were made from. `signed_at` is RFC 3339."""

    kind: str
    publisher: str
    signed_at: str


@dataclass(frozen=True, slots=True)
class Edition:
    """Which revocation list of a CSCA is held: its country (`-` if none is known), its number, and its two dates, each with its zone."""

    country: str
    number: str | None
    this_update: datetime
    next_update: datetime | None

    def __post_init__(self) -> None:
        """Refuse a date without its zone: nobody knows which one it is."""
        if self.this_update.tzinfo is None or (self.next_update is not None and self.next_update.tzinfo is None):
            raise ValueError("a revocation list's date without its zone")

"""Names and dates of the countries' signed lists in use, without their content."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class PublishedList:
    """The newest signed list of a kind by a publisher (a country). `signed_at` is RFC 3339."""

    kind: str
    publisher: str
    signed_at: str


@dataclass(frozen=True, slots=True)
class Edition:
    """A CSCA's stored revocation list: country (`-` if unknown), number, and its two dates with time zones."""

    country: str
    number: str | None
    this_update: datetime
    next_update: datetime | None

    def __post_init__(self) -> None:
        """Raise ValueError for a date without a time zone."""
        if self.this_update.tzinfo is None or (self.next_update is not None and self.next_update.tzinfo is None):
            raise ValueError("a revocation list's date without its zone")

"""Class and day of the age files that entries name; retention is by these. Pure.

A gate's key normally seals records of one class and one day; otherwise the first entry sets the class, and the newest
the day. The day is never before a day already in the log, so that a clock set back does not delete evidence early. It
is never after the day of arrival, so that a gate cannot prolong retention.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from gate_core.audit_format.record import Header


@dataclass(frozen=True, slots=True)
class Wanted:
    """An age file: index of the first entry that names it, its class, and the day of its records."""

    first_index: int
    about: str
    day: str

    def again(self, later: Wanted) -> Wanted:
        """Return this with the later of both days."""
        return replace(self, day=max(self.day, later.day))


def wanted_of(headers: Iterable[Header], day: str, today: str) -> tuple[dict[str, Wanted], str]:
    """Return the age files that `headers` name, by id, and the log's newest day, which was `day` before them."""
    found = dict[str, Wanted]()
    for header in headers:
        day = min(max(header.hour[:10], day), today)
        one = Wanted(header.index, header.about, day)
        found[header.key] = found[header.key].again(one) if header.key in found else one
    return found, day

"""Which age files entries name, and of what class and day each is: by these they are kept and forgotten.

Pure. A key of a gate seals records of one class and one day; of one that seals more, the first entry says the class and the newest the day. By which day
a key is kept: no earlier than any that the log has said before, since a clock that was set back would have evidence forgotten early, and no later than
the day of arrival, so that no gate keeps anything for longer by dating it ahead.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from gate_core.audit_format.record import Header


@dataclass(frozen=True, slots=True)
class Wanted:
    """The first entry that names an age file, its class, and the day of what it opens."""

    first_index: int
    about: str
    day: str

    def again(self, later: Wanted) -> Wanted:
        """The same, named by a later entry, too."""
        return replace(self, day=max(self.day, later.day))


def wanted_of(headers: Iterable[Header], day: str, today: str) -> tuple[dict[str, Wanted], str]:
    """By id, what entries name, in their order, after a log whose newest day was `day`; and its newest day now."""
    found = dict[str, Wanted]()
    for header in headers:
        day = min(max(header.hour[:10], day), today)
        one = Wanted(header.index, header.about, day)
        found[header.key] = found[header.key].again(one) if header.key in found else one
    return found, day

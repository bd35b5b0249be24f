"""Which age files entries name, and of what class and day each is: by these they are kept and forgotten.

Pure. A key of a gate seals records of one class and one day; of one that seals more, the first entry says the class and the newest the day. A day that
is yet to come is the day of arrival, so that no gate keeps anything for longer by dating it ahead.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from gate.audit.record import Header


@dataclass(frozen=True, slots=True)
class Wanted:
    """The first entry that names an age file, its class, and the day of what it opens."""

    first_index: int
    about: str
    day: str

    def again(self, later: Wanted) -> Wanted:
        """The same, named by a later entry, too."""
        return replace(self, day=max(self.day, later.day))


def wanted_of(headers: Iterable[Header], today: str) -> dict[str, Wanted]:
    """By id, what entries name, in their order."""
    found = dict[str, Wanted]()
    for header in headers:
        one = Wanted(header.index, header.about, min(header.hour[:10], today))
        found[header.key] = found[header.key].again(one) if header.key in found else one
    return found

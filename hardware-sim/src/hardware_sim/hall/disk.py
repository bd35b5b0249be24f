"""The disk under the lane's log: what is on it outlives every program. It may be full.

The records are the gate's own; of each the hall reads its kind, its crossing and, of those that count passages, how many.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_PASSED, _COUNTED = "passed", "counted"


@dataclass(slots=True)
class Disk:
    """What is durable, as far as the hall asks after it. `decided` is the verdict of the crossings that were decided last."""

    refused: Callable[[], None]
    full: bool = False
    records: int = 0
    told: dict[str, int] = field(default_factory=lambda: {"entry": 0, "exit": 0})  # passages that a record tells
    counters: dict[str, int] | None = None  # how far the books go
    admissions: set[str] = field(default_factory=set)  # crossings that a record admits, by machine or officer
    incidents: dict[str, int] = field(default_factory=dict)

    def takes(self, *, leads_to_admission: bool) -> bool:
        """True when there is room: the last is kept for what admits nobody."""
        if self.full and leads_to_admission:
            self.refused()
            return False
        return True

    def write(self, kind: str, crossing: str | None, body: bytes) -> None:
        """A record is on the disk."""
        self.records += 1
        if kind in {_PASSED, _COUNTED}:
            fields = json.loads(body)
            self.counters = fields.get("counters") or self.counters
            if kind == _PASSED:
                self.told[fields["direction"]] += fields["count"]
        elif kind == "overruled" or (kind == "decided" and json.loads(body).get("decision") == "admit"):
            self.admissions.add(crossing or "")
        elif kind == "incident":
            incident = json.loads(body).get("incident", "")
            self.incidents[incident] = self.incidents.get(incident, 0) + 1

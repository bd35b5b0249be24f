"""The disk under the lane's log: its content survives every program. It may be full.

The records are the gate's. The hall reads a record's kind, crossing and, where present, the number of passages.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hardware_sim.hall.lane import FIRST, LAST

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(slots=True)
class Disk:
    """The durable records, as far as the hall uses them."""

    refused: Callable[[], None]
    full: bool = False
    records: int = 0
    told: dict[str, dict[str, int]] = field(  # passages in records, for each door and direction
        default_factory=lambda: {door: {"entry": 0, "exit": 0} for door in (FIRST, LAST)}
    )
    admissions: set[str] = field(default_factory=set)  # crossings that a record admits, by machine or officer
    entries: set[str] = field(default_factory=set)  # crossings that a record lets through the first of two doors
    verdicts: dict[str, str] = field(default_factory=dict)  # of crossings that a record closes

    def takes(self, *, leads_to_admission: bool) -> bool:
        """Return True when there is room: the last space is kept for records that admit no one."""
        if self.full and leads_to_admission:
            self.refused()
            return False
        return True

    def write(self, kind: str, crossing: str | None, body: bytes) -> None:
        """Store a record."""
        self.records += 1
        match kind:
            case "passed":
                fields = json.loads(body)
                self.told[fields["door"]][fields["direction"]] += fields["count"]
            case "overruled":
                self.admissions.add(crossing or "")
                self.entries.add(crossing or "")
            case "decided" if json.loads(body).get("decision") == "admit":
                self.admissions.add(crossing or "")
            case "entry_decided" if json.loads(body).get("decision") == "admit":
                self.entries.add(crossing or "")
            case "closed":
                self.verdicts[crossing or ""] = json.loads(body).get("verdict", "")
            case _:
                pass

"""The disk under the lane's log: what is on it outlives every program. It may be full.

The records are the gate's own; of each the hall reads its kind, its crossing and, of those that count passages, how many.
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
    """What is durable, as far as the hall asks after it."""

    refused: Callable[[], None]
    full: bool = False
    records: int = 0
    told: dict[str, dict[str, int]] = field(  # passages that a record tells, of each door and way
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
        """A record is on the disk."""
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

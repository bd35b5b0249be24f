"""Returns the state of each gate that a person may see. Read-only; three statements for any number of gates.

It does not verify the stored logs against their signed roots: `gate central fleet` does.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from gate_central.database import reading
from gate_central.schema import answers, evidence, gates, heads, retired
from gate_central.settings import Settings
from gate_central.tenants import Person, Place, Tenants

SILENT = "silent"  # open while the gate is silent; ends with its next request


@dataclass(frozen=True, slots=True)
class Row:
    """A gate: place, how much of its log is stored and signed, open alarms, and when it was last seen."""

    device: str
    place: Place
    state: str  # enrolled, revoked, retired
    signed: int  # entries for which a receipt was given
    behind: int  # entries of the newest checkpoint without a receipt
    bodies_missing: int
    alarms: tuple[str, ...]  # kinds of open alarms
    evidence: int  # pieces stored, open or answered
    software: str | None
    last_seen: str | None
    silent_since: str | None

    @property
    def is_well(self) -> bool:
        """True if the gate has no open alarm."""
        return not self.alarms


def fleet(engine: sa.Engine, settings: Settings, person: Person, now: datetime) -> list[Row]:
    """Return every gate that this person sees, those with alarms first, then by name."""
    joined = gates.join(heads, heads.c.device == gates.c.device).outerjoin(retired, retired.c.device == gates.c.device)
    columns = (gates, heads.c.size, heads.c.pending, heads.c.bodies, retired.c.at.label("retired_at"))
    with reading(engine).connect() as connection:
        known = connection.execute(sa.select(*columns).select_from(joined).order_by(gates.c.device)).all()
        held = connection.execute(_HELD).all()
    places = Tenants(engine).everywhere()
    standing, pieces = defaultdict[str, list[str]](list), defaultdict[str, int](int)
    for one in held:
        pieces[one.device] += 1
        if one.answered is None:
            standing[one.device].append(one.kind)
    rows = list[Row]()
    for one in known:
        place = places.get(one.device, Place(one.device))
        if not person.sees(place):
            continue
        speaks = one.retired_at is None and not one.revoked
        since = settings.silent_since(one.last_seen or one.enrolled_at, now) if speaks else None
        rows.append(
            Row(
                device=one.device,
                place=place,
                state="retired" if one.retired_at is not None else "revoked" if one.revoked else "enrolled",
                signed=one.size,
                behind=one.pending - one.size,
                bodies_missing=max(0, one.size - one.bodies),
                alarms=(*sorted(set(standing[one.device])), *(() if since is None else (SILENT,))),
                evidence=pieces[one.device],
                software=one.software,
                last_seen=one.last_seen,
                silent_since=since,
            )
        )
    return sorted(rows, key=lambda row: (row.is_well, row.device))


_HELD = sa.select(evidence.c.device, evidence.c.kind, answers.c.at.label("answered")).select_from(
    evidence.outerjoin(answers, (evidence.c.device == answers.c.device) & (evidence.c.digest == answers.c.digest))
)

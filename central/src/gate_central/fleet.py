"""The fleet as people see it: what there is to say of each gate that is theirs to look at. Read-only, three statements however many gates there are.

What is stored is not judged here: that a gate's rows lead to its signed root says `gate central fleet`, which reads all of them.
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

SILENT = "silent"  # stands as long as the gate says nothing, and is answered by its next word


@dataclass(frozen=True, slots=True)
class Row:
    """A gate: where it stands, how much of its log is here and signed for, what is wrong, and when it was heard of last."""

    device: str
    place: Place
    state: str  # enrolled, revoked, retired
    signed: int  # entries for which a receipt was given
    behind: int  # entries that the gate has told of, and that did not come yet
    bodies_missing: int
    alarms: tuple[str, ...]  # kinds that stand, the gravest matter of anybody's eyes
    evidence: int  # pieces that are held, answered or not
    software: str | None
    last_seen: str | None
    silent_since: str | None

    @property
    def is_well(self) -> bool:
        """False for a gate that somebody should look at."""
        return not self.alarms


def fleet(engine: sa.Engine, settings: Settings, person: Person, now: datetime) -> list[Row]:
    """Every gate that this person sees, those that need somebody first, then by name."""
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

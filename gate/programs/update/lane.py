"""How the programs are, and whether an update may run: nobody in the lane, and for a change of what runs the lane closed by an officer.

The lane's word over its status channel. A lane whose unit is stopped or failed holds nobody: no program gives its barrier an order, and the
controller has ended its grants. One that is up and cannot be understood is taken for occupied.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from gate.channel.messages import Status
from gate.channel.row import PROGRAMS
from gate.programs.shared.status import hear_at
from gate.programs.update.site import Site

_IDLE: Final = "idle"
HOW_TO_CLOSE: Final = "close it (gate officer close), or stop the gate (systemctl stop portcullis.target)"


@dataclass(frozen=True, slots=True)
class Programs:
    """How each program that answers is; `lane` is the lane's own detail, None while it does not answer."""

    states: Mapping[str, str] = field(default_factory=dict)
    lane: Mapping[str, object] | None = None

    def occupied(self) -> str:
        """Why somebody may be in the lane; empty when nobody is."""
        if self.lane is None:
            return "the lane does not say how it is"
        if self.lane.get("state") != _IDLE:
            return f"somebody is in the lane ({self.lane.get('state')})"
        leaves = [self.lane.get(key) for key in ("leaf_closed", "first_leaf_closed") if key in self.lane]
        if self.lane.get("mode") != "shadow" and leaves != [True] * len(leaves):
            return "a door of the lane is not closed"
        return f"{self.lane['people_inside']} inside" if self.lane.get("people_inside") else ""

    def open(self) -> str:
        """Why the lane may serve somebody; empty when it is closed."""
        return self.occupied() or (
            "" if self.lane and self.lane.get("closed_by") else f"the lane is open: {HOW_TO_CLOSE}"
        )

    def worse_than(self, before: Mapping[str, str]) -> str:
        """The program that is not as well as it was before; empty when all are."""
        for name, state in before.items():
            now = self.states.get(name)
            if now not in {state, "ready"}:
                return f"{name} is {now or 'away'}, and was {state}"
        return ""


def programs_of(site: Site) -> Callable[[], Programs]:
    """What asks every program how it is."""

    async def ask() -> Programs:
        answers = await asyncio.gather(*(hear_at(name, site.socket(name)) for name in PROGRAMS))
        told = {name: answer for name, answer in zip(PROGRAMS, answers, strict=True) if isinstance(answer, Status)}
        lane = told.get("lane")
        return Programs({name: answer.state for name, answer in told.items()}, None if lane is None else lane.detail)

    return lambda: asyncio.run(ask())

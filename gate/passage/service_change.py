"""A lane that serves the other direction, or other travellers, from an officer's order on: never while anybody is in it.

So every crossing is of one direction and of one group of travellers, from its opening to its decisions.
"""

from __future__ import annotations

from dataclasses import replace

from gate.passage import records
from gate.passage.effects import Write
from gate.passage.lane import LaneContext
from gate.passage.orders import Said, ServeDirection, ServeTravellers
from gate.passage.records import ObeyedVerb
from gate.passage.states import Emergency, Idle, Referred, Rules, State

OCCUPIED = "somebody is in the lane, or waits for an officer"


def may_be_inside(lane: LaneContext) -> bool:
    """True while nobody can say that the space between two doors is empty."""
    return lane.two_doors and not (lane.interior is not None and lane.interior.nobody)


def switch(
    rules: Rules, lane: LaneContext, state: State, said: Said, command: ServeDirection | ServeTravellers
) -> tuple[LaneContext, Write] | str:
    """The lane as they are from now on, with the record of it; or why not, in a few words."""
    if why := _occupied(rules, lane, state):
        return why
    service = rules.service
    if isinstance(command, ServeDirection):
        verb, before, after = ObeyedVerb.DIRECTION, lane.direction.value, command.direction.value
        allowed = tuple(one.value for one in service.directions)
        changed = replace(lane, direction=command.direction)
    else:
        verb, before, after = ObeyedVerb.MODE, lane.travellers.name, command.name
        allowed = tuple(one.name for one in service.groups)
        changed = replace(lane, travellers=service.group(after) or lane.travellers)
    if after not in allowed:
        return f"this lane may serve {', '.join(allowed)} ([rules] in gate.toml)"
    if after == before:
        return f"this lane serves {after} already"
    return changed, Write(records.Obeyed(None, said, verb, before=before, after=after))


def _occupied(rules: Rules, lane: LaneContext, state: State) -> str:
    """Why it is not the time between two travellers. A referral beside a gate that only watches holds up nobody."""
    if isinstance(state, Emergency):
        return "an emergency"
    between = isinstance(state, Idle) or (rules.policy.shadow and isinstance(state, Referred))
    in_zone = any(one.seen is not None and one.seen.bodies > 0 for one in lane.doors)
    return OCCUPIED if not between or in_zone or may_be_inside(lane) else ""

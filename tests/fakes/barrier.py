"""A barrier's status at rest."""

from __future__ import annotations

from gate_core.ports.values import BarrierStatus, LeafPosition

AT_REST = BarrierStatus(
    LeafPosition.CLOSED, 0, 0, 0, 0, 0, fire=False, emergency_open=False, alarms=frozenset(), restarts=1
)


def at_rest(status: BarrierStatus) -> bool:
    """True when closed, with nobody in the zone and no grant outstanding."""
    granted = (status.grants_left_entry, status.grants_left_exit)
    return (status.position, status.bodies, *granted) == (LeafPosition.CLOSED, 0, 0, 0)

"""Whether a traveller could pass now, and what speaks against it, in words of closed vocabularies. Pure."""

from __future__ import annotations

from gate.programs.shared.config import Config
from gate.programs.shared.degraded import Lane, modes_now
from gate.programs.shared.program_status import ProgramStatus
from gate_core.evidence.reasons import Reason

# Somebody is being served: what the lane says of its door meanwhile is that traveller's.
_SERVING = frozenset({"opening", "reading", "inspecting", "recording", "looking", "granted", "entering", "passing"})
OWN_WORDS = ("shadow", "closed_by_officer", "emergency", "traveller_waits_for_officer", "out_of_service")
_REASONS = frozenset(one.value for one in Reason)


def reasons_against(told: ProgramStatus, config: Config) -> list[str]:
    """Everything because of which nobody could pass; empty when a traveller with a document in order could.

    A lane that serves somebody counts as one that can; one where somebody waits for an officer does not.
    """
    lane = told.lane
    against = [mode.name for mode in modes_now(told, config) if mode.lane is not Lane.OPEN]
    if not told.says("lane"):
        return against or ["lane_away"]
    if config.mode == "shadow":
        against.append("shadow")
    if lane.closed_by is not None:
        against.append("closed_by_officer")
    if lane.state in {"emergency", "referred", "overruling"}:
        against.append("emergency" if lane.state == "emergency" else "traveller_waits_for_officer")
    elif lane.state not in _SERVING:
        found = (one.partition(":")[0] for one in lane.hinders)
        against += [reason for reason in dict.fromkeys(found) if reason in _REASONS and not _is_a_mode(reason, against)]
    if not (against or lane.in_service or lane.state in _SERVING):
        against.append("out_of_service")
    return against


def _is_a_mode(reason: str, against: list[str]) -> bool:
    """True for what a row of the table says already."""
    rows = {"lists_stale": "lists_old", "barrier_lost": "barrier_gone"}
    return rows.get(reason, reason) in against

"""Repeats decisions from their records, for `gate audit report` (entry point `gate.replay`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gate.passage.names import RecordKind
from gate.programs.lane.records import RecordedRuleSets, RecordError, replay
from gate_core.evidence.crossing import Door

_DOORS: Final = {"entry_decided": Door.FIRST, "decided": Door.LAST}


class Replay:
    """Repeats one log's decisions, in the sequence of their records."""

    def __init__(self) -> None:
        self._rule_sets = RecordedRuleSets()

    def take(self, kind: str, body: Mapping[str, object]) -> str | None:
        """Return "same", "other" or "without evidence" for a decision's record, None for other records."""
        if kind == RecordKind.RULES_STATED.value:
            self._rule_sets.take(body)
        if kind not in _DOORS:
            return None
        try:
            _, is_same = replay(dict(body), door=_DOORS[kind], rule_sets=self._rule_sets)
        except RecordError:
            return "without evidence"
        return "same" if is_same else "other"

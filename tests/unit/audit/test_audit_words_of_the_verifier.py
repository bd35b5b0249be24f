"""The verifier's own spellings of what a gate writes are the gate's: it shares no code with the writer."""

from __future__ import annotations

import ast
from pathlib import Path

from verify_fakes.audit_logs import OWN_KINDS

from gate.passage.names import IncidentKind, RecordKind
from gate.passage.records import PassedBy
from gate.programs import log as log_program
from gate_verify import record_invariants as stories


def said_by_the_log() -> list[str]:
    """The kinds that the log program writes of its own, as its code spells them."""
    programs = Path(log_program.__file__).parent.glob("*.py")
    calls = [one for path in programs for one in ast.walk(ast.parse(path.read_text())) if isinstance(one, ast.Call)]
    said = [one for one in calls if ast.unparse(one.func) in {"self._log.say", "own.say", "own.wanted"}]
    words = [word.value for one in said for word in one.args if isinstance(word, ast.Constant)]
    return sorted(word for word in words if isinstance(word, str))


def test_the_words_are_those_that_the_lane_writes() -> None:
    kinds = {kind.value for kind in RecordKind}
    assert kinds >= stories._CROSSINGS_OWN
    assert {kind.value for kind in IncidentKind} >= stories._LOSSES
    assert PassedBy.GRANT.value == "grant"


def test_the_kinds_that_the_log_program_writes_of_its_own_are_those_of_the_verifiers_tests() -> None:
    assert set(said_by_the_log()) == set(OWN_KINDS)

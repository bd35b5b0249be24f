"""What a row of the catalogue is: a clause, what is wrong in the clause's words, a document, and the results that follow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from catalogue.documents import Case

from gate_documents.checks import CheckId, Result

Results = frozenset[Result]

SUCCESSFUL: Results = frozenset({Result.SUCCESSFUL})
FAILED: Results = frozenset({Result.FAILED})
UNDETERMINED: Results = frozenset({Result.UNDETERMINED})
NOT_SUPPORTED: Results = frozenset({Result.NOT_SUPPORTED})
# "MRTD inspection procedure failed": a test plan's word, which does not tell failed, undetermined and aborted apart.
REFUSED: Results = frozenset({Result.FAILED, Result.UNDETERMINED, Result.ABORTED})
# A single check about which the clause says only that it cannot hold.
NOT_HELD: Results = REFUSED | NOT_SUPPORTED

NO_CHECKS: Mapping[CheckId, Results] = {}


@dataclass(frozen=True)
class Row:
    """One row. `overall` and `checks` are what the clause allows, and follow from nothing else."""

    clause: str
    wrong: str
    case: Callable[[], Case]
    overall: Results
    checks: Mapping[CheckId, Results] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.clause}: {self.wrong}"


def fine(clause: str, unusual: str, case: Callable[[], Case], **checks: Results) -> Row:
    """A conforming document that is unusual: it must come out successful."""
    return Row(clause, unusual, case, SUCCESSFUL, named(checks))


def refused(clause: str, wrong: str, case: Callable[[], Case], **checks: Results) -> Row:
    """A document that must not come out successful."""
    return Row(clause, wrong, case, REFUSED, named(checks))


def failed(clause: str, wrong: str, case: Callable[[], Case], **checks: Results) -> Row:
    """A document for which the clause says: failed."""
    return Row(clause, wrong, case, FAILED, named(checks))


def undetermined(clause: str, wrong: str, case: Callable[[], Case], **checks: Results) -> Row:
    """A document for which the clause says: undetermined."""
    return Row(clause, wrong, case, UNDETERMINED, named(checks))


def named(checks: Mapping[str, Results]) -> dict[CheckId, Results]:
    return {CheckId[check.upper()]: results for check, results in checks.items()}

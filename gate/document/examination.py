"""What is known about one document so far, and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gate.document.checks import Check, CheckId, Result, combine

if TYPE_CHECKING:
    from datetime import date


@dataclass(frozen=True, slots=True)
class DocumentFields:
    """The facts of a document that are not personal. From EF.DG1 where it was read, else from the printed zone."""

    type: str
    issuer: str
    number_present: bool
    issued: date | None
    expires: date | None


@dataclass(frozen=True, slots=True)
class Inspection:
    """The outcome of one inspection. `test_issuer` says that the document is signed under a CSCA marked as test."""

    checks: tuple[Check, ...]
    document: DocumentFields
    test_issuer: bool

    @property
    def overall(self) -> Result:
        """Successful only if every check is, unsupported features apart."""
        return combine(check.result for check in self.checks)

    def result_of(self, check_id: CheckId) -> Result:
        """The result of one check."""
        return next(check.result for check in self.checks if check.id is check_id)


class Examination:
    """See the module."""

"""The outcome of one inspection, as it leaves `gate.document`: checks, and facts that are not personal."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from gate.document.checks import Check, CheckId, Result, combine

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from gate.document.access_checks import AccessFacts
    from gate.document.integrity import Integrity
    from gate.document.signature_facts import SignatureFacts

_VALIDITY_CHECKS: Final = (CheckId.DS_VALIDITY, CheckId.CSCA_VALIDITY)


@dataclass(frozen=True, slots=True)
class DocumentFields:
    """The facts of a document that are not personal. From EF.DG1 where it was read, else from the printed zone."""

    type: str
    issuer: str
    number_present: bool
    issued: date | None
    expires: date | None


@dataclass(frozen=True, slots=True)
class AgreementFacts:
    """Chip Authentication as it was carried out: the protocol's object identifier, the cipher, the group."""

    protocol: str
    cipher: str
    parameters: str


@dataclass(frozen=True, slots=True)
class Inspection:
    """The outcome of one inspection, one check of each kind in the order of CheckId; Terminal Authentication only if asked for.

    `test_issuer` says that the document is a specimen: signed under a CSCA marked as test, or issued by Utopia.
    `access` says how the chip was opened, None when it was not, with the protocol `none` when it has no access control; `agreement` how it did Chip Authentication, if it did.
    `groups` is the integrity of every data group that EF.SOD lists or the chip was asked for. `signature` is how EF.SOD was
    signed, None when it could not be read; `weak_algorithms` says what of it is weak. `fingerprints` is how many EF.DG3 holds,
    None when it was not read or is not what EF.SOD says; nothing else is kept of them.
    """

    checks: tuple[Check, ...]
    document: DocumentFields
    test_issuer: bool
    access: AccessFacts | None = None
    agreement: AgreementFacts | None = None
    groups: Mapping[int, Integrity] = field(default_factory=dict)
    signature: SignatureFacts | None = None
    fingerprints: int | None = None

    @property
    def overall(self) -> Result:
        """The result of all checks together."""
        return overall_of(self.checks)

    def result_of(self, check_id: CheckId) -> Result:
        """The result of one check that was made."""
        return next(check.result for check in self.checks if check.id is check_id)


def overall_of(checks: Iterable[Check]) -> Result:
    """Successful only if every one of these checks is, unsupported features apart.

    A validity that is not judged, since it is known to be wrong, is no feature that a document may lack: of the whole,
    it leaves at best undetermined (TR-03135-1 §5.8.2.1.6).
    """
    return combine(
        Result.UNDETERMINED if check.id in _VALIDITY_CHECKS and check.result is Result.NOT_SUPPORTED else check.result
        for check in checks
    )

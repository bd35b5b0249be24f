"""What a document signer may sign, and when (ICAO 9303-12 §7.1.1): refinements of two checks of TR-03135-1.

A key that signs outside its period of use may have been stolen or lent; a key that signs documents of another type than
its own is used by the wrong office. A valid signature shows neither.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Final

from gate_documents.checks import Check, Result

if TYPE_CHECKING:
    from datetime import date

    from gate_documents.pki.certificate import Certificate

# A date of issue is the issuer's local day, and documents are dated some days before or after they are signed.
ISSUE_TOLERANCE: Final = timedelta(days=31)


def judge_signing_time(
    check: Check, signer: Certificate, signed_at: datetime | None, issued: date | None, *, now: datetime
) -> Check:
    """Refine the check of the signer's validity: the document's own dates must be in the signer's period.

    The time in EF.SOD is the signer's exact statement: outside its period, or in the future, it fails. The date of
    issue in EF.DG12 is an office's, so a date far outside is only undetermined.
    """
    if check.result is not Result.SUCCESSFUL:
        return check
    if signed_at is not None and signed_at > now:
        return replace(check, result=Result.FAILED, reason="EF.SOD says that it was signed in the future")
    if signed_at is not None and not signer.may_sign_at(signed_at):
        return replace(check, result=Result.FAILED, reason="EF.SOD was signed outside the time in which its signer may")
    if issued is None:
        return check
    day = datetime.combine(issued, time(12), UTC)
    if not any(signer.may_sign_at(moment) for moment in _context(day, signer)):
        return replace(check, result=Result.UNDETERMINED, reason="issued outside the time in which the signer may sign")
    return check


def _context(day: datetime, signer: Certificate) -> tuple[datetime, ...]:
    """Return times of which one is in the signer's period if that period comes near the day at all."""
    first, last = signer.key_use
    ends = (signer.not_before, signer.not_after, first or signer.not_before, last or signer.not_after)
    return day, *(end for end in ends if abs(end - day) <= ISSUE_TOLERANCE)


def judge_document_type(check: Check, signer: Certificate, document_type: str) -> Check:
    """Refine the check of the issuing state: the signer must be of that state, for documents of this type.

    Subject and issuer of its certificate must name the same country (ICAO 9303-12 §7.1.1). A single letter in the list
    of types means every type with that first letter.
    """
    if check.result is not Result.SUCCESSFUL:
        return check
    if signer.country not in ("", signer.issuer_country):
        return replace(check, result=Result.FAILED, reason="the document signer's certificate names two countries")
    if signer.document_types is None:
        return check
    if not signer.document_types:
        reason = "the document signer's list of document types is empty or cannot be read"
        return replace(check, result=Result.UNDETERMINED, reason=reason)
    if covers_type(signer.document_types, document_type):
        return check
    return replace(check, result=Result.FAILED, reason="the document signer may not sign documents of this type")


def covers_type(document_types: frozenset[str], document_type: str) -> bool:
    """True if a list of document types has this one; a single letter means every type with that first letter."""
    kind = document_type.replace("<", "")
    listed = {one.replace("<", "") for one in document_types}
    return kind in listed or kind[:1] in listed

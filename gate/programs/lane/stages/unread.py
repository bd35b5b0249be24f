"""The document evidence of a crossing whose chip was never spoken to."""

from __future__ import annotations

from gate_core.evidence.evidence import Check, CheckId, CheckResult, DocumentEvidence


def unreadable(reason: str, broken: CheckId, result: CheckResult = CheckResult.ABORTED) -> DocumentEvidence:
    """The evidence when the chip was never spoken to: `broken` has this result, and nothing after it ran."""
    return DocumentEvidence(
        checks=tuple(
            Check(check_id, result if check_id is broken else CheckResult.ABORTED, reason if check_id is broken else "")
            for check_id in CheckId
        )
    )

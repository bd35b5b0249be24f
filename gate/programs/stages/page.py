"""What vision says of a printed page as passage's page evidence."""

from __future__ import annotations

from collections.abc import Iterable

from gate.channel import messages
from gate.document.checks import CheckId, Result
from gate.document.outcome import Inspection
from gate.passage.evidence import CheckResult, PageCheck, PageCheckId, PageEvidence


def page_evidence(read: messages.PageRead, inspection: Inspection, *, tries: int, visa: bool) -> PageEvidence:
    """How the page was read, and whether that counts: by the acceptance rule, or because EF.DG1 says the same.

    The acceptance of vision is that of the first reading; the second one counts only if EF.DG1 equals it.
    """
    equal = any(check.id is CheckId.MRZ_DG1 and check.result is Result.SUCCESSFUL for check in inspection.checks)
    accepted = equal or (read.accepted and tries == 1)
    result = CheckResult.SUCCESSFUL if accepted else CheckResult.FAILED
    return PageEvidence(
        source=read.source,
        format=read.format,
        weakest=read.weakest,
        tries=tries,
        visa=visa,
        checks=(PageCheck(PageCheckId.PAGE_ACCEPTED, result), *page_checks(read.findings)),
    )


def page_checks(findings: Iterable[messages.PageFinding]) -> tuple[PageCheck, ...]:
    """Findings as evidence, the first one of a kind; whether a page is accepted is not for vision alone to say."""
    checks = {
        finding.id: PageCheck(
            finding.id, finding.result, finding.measured, finding.false_alarm_rate, finding.measured_on
        )
        for finding in reversed(tuple(findings))
        if finding.id is not PageCheckId.PAGE_ACCEPTED
    }
    return tuple(checks.values())

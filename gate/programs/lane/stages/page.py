"""What vision found on a printed page, as passage's page checks."""

from __future__ import annotations

from collections.abc import Iterable

from gate.channel import messages
from gate_core.evidence.evidence import PageCheck
from gate_core.evidence.names import PageCheckId


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

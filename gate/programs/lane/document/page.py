"""How a printed page was read, and what its chip says to that, as passage's page evidence."""

from __future__ import annotations

from gate.channel import messages
from gate.document.checks import CheckId, Result
from gate.document.verdict.conclusion import Inspection
from gate.passage.evidence import CheckResult, PageCheck, PageEvidence
from gate.passage.evidence_names import PageCheckId
from gate.programs.lane.stages.page import page_checks


def page_evidence(shown: messages.PageShown, inspection: Inspection, *, tries: int) -> PageEvidence:
    """How the page was read, and whether that counts: by the acceptance rule, or because EF.DG1 says the same.

    The acceptance of vision is that of the first reading; the second one counts only if EF.DG1 equals it.
    """
    equal = any(check.id is CheckId.MRZ_DG1 and check.result is Result.SUCCESSFUL for check in inspection.checks)
    accepted = equal or (shown.accepted and tries == 1)
    result = CheckResult.SUCCESSFUL if accepted else CheckResult.FAILED
    return PageEvidence(
        source=shown.source,
        format=shown.format,
        weakest=shown.weakest,
        tries=tries,
        visa=shown.visa,
        checks=(PageCheck(PageCheckId.PAGE_ACCEPTED, result), *page_checks(shown.findings)),
    )

"""What the page room and a vendor's service found on a page, as messages to the lane: readings, checks, advice.

The rates of false alarms of our own checks were measured on simulated pages only, and say so: none of 300 genuine pages failed
(tests/integration/test_page_false_alarms.py does it again), which leaves up to 1.2 % at 95 %.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gate.channel import messages
from gate.page.picture.crosscheck import print_findings
from gate.page.values import Why
from gate_core.evidence.evidence import CheckResult, PageCheck
from gate_core.evidence.names import PageCheckId
from gate_core.evidence.screen import Guidance
from gate_core.ports.values import PageResult

if TYPE_CHECKING:
    from gate.page.picture.crosscheck import Finding
    from gate.page.values import Read
    from gate_core.ports.values import PageVerdicts

MEASURED_ON: Final = "300 simulated pages"
FALSE_ALARM_RATE: Final = 0.0
READINGS_MAX = 2  # that are tried as the chip's key: chips answer wrong ones ever more slowly

_RESULT_OF: Final = {
    PageResult.PASSED: CheckResult.SUCCESSFUL,
    PageResult.FAILED: CheckResult.FAILED,
    PageResult.UNDETERMINED: CheckResult.UNDETERMINED,
}


def message_of(read: Read, *, source: str, verdicts: PageVerdicts | None) -> messages.PageRead:
    """A reading with everything that is said of the page."""
    reading = read.reading
    return messages.PageRead(
        page=read.page,
        source=source,
        format=reading.format.value,
        weakest=min(1.0, max(0.0, float(reading.weakest))),
        accepted=read.accepted,
        findings=[*map(_printed, print_findings(reading)), *vendors_findings(verdicts)],
    )


def readings_of(read: Read) -> list[list[str]]:
    """The readings to try, likeliest first, `READINGS_MAX` at most, each other than the ones before."""
    unique = dict.fromkeys(tuple(lines) for lines in (read.reading.lines, *read.reading.alternatives))
    return [list(lines) for lines in tuple(unique)[:READINGS_MAX]]


def vendors_findings(verdicts: PageVerdicts | None) -> list[PageCheck]:
    """The verdicts of a multispectral reader's service, with the rates that it states."""
    if verdicts is None:
        return []
    return [
        PageCheck(
            id=PageCheckId(verdict.check.value),
            result=_RESULT_OF[verdict.result],
            measured=verdict.score,
            false_alarm_rate=verdict.false_alarm_rate,
            measured_on=verdicts.reader,
        )
        for verdict in verdicts.verdicts
    ]


def _printed(finding: Finding) -> PageCheck:
    result = {True: CheckResult.SUCCESSFUL, False: CheckResult.FAILED, None: CheckResult.UNDETERMINED}[finding.usual]
    measured = None if finding.measured is None else float(finding.measured)
    return PageCheck(finding.trait, result, measured, FALSE_ALARM_RATE, MEASURED_ON)


def guidance_of(why: Why | None) -> Guidance:
    """What the traveller is asked to do about it."""
    match why:
        case None:
            return Guidance.NONE
        case Why.NO_MRZ:
            return Guidance.PAGE_OPEN
        case Why.UPSIDE_DOWN:
            return Guidance.PAGE_TURN
        case Why.TOO_SMALL | Why.BLURRED | Why.UNREADABLE:
            return Guidance.PAGE_FLAT
        case Why.GLARE:
            return Guidance.PAGE_GLARE
        case Why.MOVING:
            return Guidance.PAGE_STILL
        case Why.COVERED:
            return Guidance.PAGE_CLEAR

"""What the page room and a vendor's service found on a page, as messages to the lane: readings, checks, advice.

The rates of false alarms of our own checks were measured on simulated pages only, and say so: none of 300 genuine pages failed
(tests/integration/test_page_false_alarms.py does it again), which leaves up to 1.2 % at 95 %.
"""

from __future__ import annotations

from typing import Final

from gate.channel import messages
from gate.page.picture.crosscheck import Finding, Trait, print_findings
from gate.page.stream.events import Read
from gate.page.values import Why
from gate_core.evidence.evidence import CheckResult, PageCheck
from gate_core.evidence.names import PageCheckId
from gate_core.evidence.screen import Guidance
from gate_core.ports.values import PageResult, PageVerdicts, VendorCheck

MEASURED_ON: Final = "300 simulated pages"
FALSE_ALARM_RATE: Final = 0.0
READINGS_MAX = 2  # that are tried as the chip's key: chips answer wrong ones ever more slowly

# What was looked at, as a record names it.
CHECK_OF: Final = {
    Trait.PITCH_EVEN: PageCheckId.MRZ_PITCH_EVEN,
    Trait.BASELINE_EVEN: PageCheckId.MRZ_BASELINE_EVEN,
    Trait.CHARACTER_HEIGHT: PageCheckId.MRZ_CHARACTER_HEIGHT,
    Trait.LINE_SPACING: PageCheckId.MRZ_LINE_SPACING,
    VendorCheck.B900_INK: PageCheckId.B900_INK,
    VendorCheck.INFRARED_DROPOUT: PageCheckId.INFRARED_DROPOUT,
    VendorCheck.PORTRAIT_INFRARED: PageCheckId.PORTRAIT_INFRARED,
    VendorCheck.DULL_PAPER: PageCheckId.DULL_PAPER,
    VendorCheck.ULTRAVIOLET_PATTERN: PageCheckId.ULTRAVIOLET_PATTERN,
}
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
        PageCheck(CHECK_OF[one.check], _RESULT_OF[one.result], one.score, one.false_alarm_rate, verdicts.reader)
        for one in verdicts.verdicts
    ]


def _printed(finding: Finding) -> PageCheck:
    result = {True: CheckResult.SUCCESSFUL, False: CheckResult.FAILED, None: CheckResult.UNDETERMINED}[finding.usual]
    check = CHECK_OF[finding.trait]
    measured = None if finding.measured is None else float(finding.measured)
    return PageCheck(check, result, measured, FALSE_ALARM_RATE, MEASURED_ON)


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

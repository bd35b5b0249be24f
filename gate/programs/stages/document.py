"""An inspection as passage's document evidence, and the conversation with the chip that leads to it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from typing import Protocol

from drivers.errors import DriverError
from gate.document import checks
from gate.document.errors import ChipLostError
from gate.document.inspection import Inspection, Portrait, Step, Transmit
from gate.passage.evidence import Check, CheckId, CheckResult, DocumentEvidence


class Chip(Protocol):
    """A chip on a reader."""

    async def transmit(self, apdu: bytes) -> bytes:
        """Send one command and return the answer with its status word. Raises DriverError."""
        ...


async def converse(
    conversation: Generator[Step, bytes | None, Inspection],
    chip: Chip,
    on_portrait: Callable[[Portrait], Awaitable[None]],
) -> Inspection:
    """Carry an inspection's commands to the chip and back. A lost reader or chip ends in aborted checks, never in an error."""
    try:
        step = next(conversation)
        while True:
            match step:
                case Transmit(apdu):
                    try:
                        response = await chip.transmit(apdu)
                    except DriverError as error:
                        step = conversation.throw(ChipLostError(str(error)))
                    else:
                        step = conversation.send(response)
                case Portrait():
                    await on_portrait(step)
                    step = conversation.send(None)
    except StopIteration as end:
        inspection: Inspection = end.value
        return inspection


def result_of(result: checks.Result) -> CheckResult:
    """The result of a check in passage's terms."""
    match result:
        case checks.Result.SUCCESSFUL:
            return CheckResult.SUCCESSFUL
        case checks.Result.FAILED:
            return CheckResult.FAILED
        case checks.Result.UNDETERMINED:
            return CheckResult.UNDETERMINED
        case checks.Result.NOT_SUPPORTED:
            return CheckResult.NOT_SUPPORTED
        case checks.Result.ABORTED:
            return CheckResult.ABORTED


def document_evidence(inspection: Inspection) -> DocumentEvidence:
    """What the inspection found, without anything personal."""
    document = inspection.document
    return DocumentEvidence(
        checks=tuple(
            Check(CheckId(check.id.value), result_of(check.result), check.reason, check.clause)
            for check in inspection.checks
        ),
        issuer=document.issuer,
        document_type=document.type,
        issued=document.issued,
        expires=document.expires,
        test_issuer=inspection.test_issuer,
    )


def unreadable(reason: str, broken: CheckId) -> DocumentEvidence:
    """The evidence when the chip was never spoken to: `broken` failed or was aborted, and nothing after it ran."""
    result = CheckResult.FAILED if broken is CheckId.MRZ else CheckResult.ABORTED
    return DocumentEvidence(
        checks=tuple(
            Check(check_id, result if check_id is broken else CheckResult.ABORTED, reason if check_id is broken else "")
            for check_id in CheckId
        )
    )

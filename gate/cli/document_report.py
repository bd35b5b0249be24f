"""Prints the checks of `gate document`: one JSON document, or lines for people."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from gate_core.command_line.output import Exit, note, say, tell
from gate_documents.authenticity.signature_facts import weak_algorithms
from gate_documents.checks import Result
from gate_documents.verdict.conclusion import overall_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gate_documents.checks import Check
    from gate_documents.seal.judge import SealCheck
    from gate_documents.verdict.conclusion import Inspection


def report_inspection(
    schema: str,
    inspection: Inspection,
    *,
    json: bool,
    only: tuple[str, ...] | None = None,
    took_ms: Mapping[str, float] | None = None,
) -> None:
    """Print an inspection, or a part of its checks, and end: 0 only if all of it was successful."""
    checks = [check for check in inspection.checks if only is None or check.id.value in only]
    overall = overall_of(checks)
    more = {} if took_ms is None else {"took_ms": dict(took_ms)}
    report_checks(schema, checks, overall, {**_facts(inspection), **more}, json=json)
    if not json:
        if took_ms is not None:
            say("took ms        " + ", ".join(f"{part} {ms:.0f}" for part, ms in took_ms.items()))
        if inspection.signature is not None and (weak := weak_algorithms(inspection.signature)):
            note(f"weak algorithms, of which the gate's policy decides: {', '.join(weak)}")
        if inspection.test_issuer:
            note("a specimen: its issuer is marked as test")
    if overall is not Result.SUCCESSFUL:
        raise typer.Exit(int(Exit.NO))


def _facts(inspection: Inspection) -> dict[str, object]:
    """Return an inspection's facts besides its checks; null if unknown."""
    document, signature = inspection.document, inspection.signature
    return {
        "document": {
            "type": document.type,
            "issuer": document.issuer,
            "number_present": document.number_present,
            "issued": document.issued,
            "expiry": document.expires,
        },
        "test_issuer": inspection.test_issuer,
        "access": None if inspection.access is None else asdict(inspection.access),
        "chip_authentication": None if inspection.agreement is None else asdict(inspection.agreement),
        "signature": None if signature is None else asdict(signature),
        "weak_algorithms": [] if signature is None else list(weak_algorithms(signature)),
        "groups": {f"DG{number}": one.value for number, one in sorted(inspection.groups.items())},
        "fingerprints": inspection.fingerprints,
    }


def report_checks(
    schema: str,
    checks: Sequence[Check] | Sequence[SealCheck],
    overall: Result,
    facts: Mapping[str, object],
    *,
    json: bool,
) -> None:
    """Print checks: as JSON with the facts, or one line each for people."""
    listed = [
        {"id": check.id.value, "result": check.result.value, "reason": check.reason, "clause": check.clause}
        for check in checks
    ]
    said = (f"{check.result.value:14} {check.id.value:24} {check.reason}" for check in checks)
    fields = {"overall": overall.value, "checks": listed, **facts}
    tell(schema, fields, *said, f"{overall.value:14} overall", as_json=json)

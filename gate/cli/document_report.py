"""What `gate document` prints of an inspection and a seal: one JSON document, or lines for people."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from gate_core.command_line.output import Exit, emit_json, note, say
from gate_documents.authenticity.signature_facts import weak_algorithms
from gate_documents.checks import Result
from gate_documents.verdict.conclusion import overall_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gate_documents.checks import Check
    from gate_documents.seal.judge import SealCheck, SealVerdict
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
    if json:
        more = {} if took_ms is None else {"took_ms": dict(took_ms)}
        emit_json(schema, {"overall": overall.value, "checks": _listed(checks), **_facts(inspection), **more})
    else:
        _say_checks(checks, overall)
        if took_ms is not None:
            say("took ms        " + ", ".join(f"{part} {ms:.0f}" for part, ms in took_ms.items()))
        if inspection.signature is not None and (weak := weak_algorithms(inspection.signature)):
            note(f"weak algorithms, of which the gate's policy decides: {', '.join(weak)}")
        if inspection.test_issuer:
            note("a specimen: its issuer is marked as test")
    if overall is not Result.SUCCESSFUL:
        raise typer.Exit(int(Exit.NO))


def _facts(inspection: Inspection) -> dict[str, object]:
    """What an inspection tells besides its checks; null where it does not know."""
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


def report_seal(verdict: SealVerdict, *, json: bool) -> None:
    """Print the checks of a seal, and end: 0 only if all of it was successful."""
    if json:
        kind = None if verdict.content is None else verdict.content.profile.name
        fields = {"overall": verdict.overall.value, "checks": _listed(verdict.checks), "kind": kind}
        emit_json("document.verify-seal/1", fields)
    else:
        _say_checks(verdict.checks, verdict.overall)
    if verdict.overall is not Result.SUCCESSFUL:
        raise typer.Exit(int(Exit.NO))


def _listed(checks: Sequence[Check] | Sequence[SealCheck]) -> list[dict[str, str]]:
    return [
        {"id": check.id.value, "result": check.result.value, "reason": check.reason, "clause": check.clause}
        for check in checks
    ]


def _say_checks(checks: Sequence[Check] | Sequence[SealCheck], overall: Result) -> None:
    for check in checks:
        say(f"{check.result.value:14} {check.id.value:24} {check.reason}")
    say(f"{overall.value:14} overall")

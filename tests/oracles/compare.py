"""EF.SODs judged by gate_documents, gmrtd and pymrtd, as one table: what scripts/compare-documents prints.

Every implementation is given the same CSCA certificates and the same bytes, and is asked for one of these: genuine (signature, signer and
issuer hold), signed by an unknown issuer, not genuine, not read, panicked.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from gate_documents.authenticity.passive_authentication import judge_sod
from gate_documents.checks import CheckId, Result
from gate_documents.pki.anchors import HeldAnchors
from gate_documents.pki.certificate import parse_certificate

NOW = datetime(2020, 1, 1, tzinfo=UTC)  # expiry is another question than genuineness


@dataclass(frozen=True, slots=True)
class Said:
    """What one implementation said of one file, and after how many milliseconds."""

    said: str
    reason: str
    ms: float


def ours(sods: list[Path], anchors: HeldAnchors) -> list[Said]:
    """What gate_documents says of each."""
    return [_judged(path.read_bytes(), anchors) for path in sods]


def _judged(data: bytes, anchors: HeldAnchors) -> Said:
    began = time.perf_counter()
    verdict = judge_sod(data, anchors, NOW)
    ms = (time.perf_counter() - began) * 1000
    checks = {check.id: check for check in verdict.checks}
    signature, signer = checks[CheckId.SOD_SIGNATURE], checks[CheckId.DS_SIGNATURE]
    if verdict.security is None:
        return Said("not read", signature.reason, ms)
    if signature.result is not Result.SUCCESSFUL:
        return Said("not genuine", signature.reason, ms)
    match signer.result:
        case Result.SUCCESSFUL:
            return Said("genuine", "", ms)
        case Result.UNDETERMINED:
            return Said("signed by an unknown issuer", signer.reason, ms)
        case _:
            return Said("not genuine", signer.reason, ms)


def theirs(command: list[str], certificates: Path, sods: list[Path]) -> list[Said]:
    """What another program says of each."""
    done = subprocess.run([*command, certificates, *sods], stdout=subprocess.PIPE, check=True)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return [Said(line["said"], line["reason"], line["ms"]) for line in lines]


def main() -> None:
    """Arguments: the folder of EF.SODs and certificates, one to copy the certificates into, pymrtd's python, gmrtd's program."""
    data, certificates = Path(sys.argv[1]), Path(sys.argv[2])
    sods = sorted({*data.glob("sod/*.sod.bin"), *data.glob("sod/*EF_SOD.bin"), *data.glob("lds*/EF_SOD.bin")})
    found = sorted({*data.glob("sod/*.csca.der"), *data.glob("certs/*CSCA*.cer")})
    for path in found:
        (certificates / path.name).write_bytes(path.read_bytes())
    anchors = HeldAnchors([parse_certificate(path.read_bytes()) for path in found])
    runner = Path(__file__).with_name("pymrtd_sod.py")
    columns = {
        "gate_documents": ours(sods, anchors),
        "gmrtd": theirs([sys.argv[4]], certificates, sods),
        "pymrtd": theirs([sys.argv[3], str(runner)], certificates, sods),
    }
    _say(f"{len(sods)} security objects, {len(found)} CSCA certificates.\n")
    _say(f"| EF.SOD | {' | '.join(columns)} |\n| --- | --- | --- | --- |")
    for number, path in enumerate(sods):
        said = [f"{column[number].said}" for column in columns.values()]
        _say(f"| {path.relative_to(data)} | {' | '.join(said)} |")
    medians = [f"{statistics.median(one.ms for one in column):.2f} ms" for column in columns.values()]
    _say(f"| median, one after the other | {' | '.join(medians)} |\n")
    _say("Where they differ, each one's reason:\n")
    for number, path in enumerate(sods):
        row = {name: column[number] for name, column in columns.items()}
        if len({one.said for one in row.values()}) > 1:
            reasons = [f"{name}: {one.said}{': ' if one.reason else ''}{one.reason}" for name, one in row.items()]
            _say(f"- {path.relative_to(data)}: {'; '.join(reasons)}")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    main()

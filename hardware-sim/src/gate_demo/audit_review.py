"""The auditor's and the judge's review of the demo: the log's records of each visit, and whether an opening was wrong."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import msgspec

from gate_demo import foreign
from gate_demo import stage as staging
from gate_demo.director import Visit
from gate_demo.report import Expected, Foreign, Judged, Line, Outcome, outcome_of
from gate_demo.stage import Stage, StageError
from hardware_sim.scenario import Scenario

DEADLINE_S = 60.0
REPORT = "audit-report.html"


@dataclass(frozen=True, slots=True)
class Records:
    """The decrypted records, and the file that they were read from."""

    path: Path
    lines: list[Line]


def read(stage: Stage, bundle: Path) -> Records:
    """Export the published log into a bundle, in place of an earlier one, and decrypt it. Raises StageError."""
    bundle.unlink(missing_ok=True)
    staging.command("audit", "export", "--out", str(bundle), "--spool", str(stage.spool))
    path, note = bundle.with_suffix(".jsonl"), bundle.with_suffix(".access.note")
    note.unlink(missing_ok=True)
    why = ("--purpose", "the demonstration's report", "--case", "demo", "--access-note", str(note))
    words = ("audit", "decrypt", str(bundle), "--identity", str(stage.identities[0]), *why)
    with path.open("wb") as file:
        done = subprocess.run(
            [sys.executable, "-m", "gate.cli", *words],
            stdout=file,
            stderr=subprocess.PIPE,
            timeout=DEADLINE_S,
            check=False,
        )
    if done.returncode:
        raise StageError(f"gate audit decrypt: {done.stderr.decode(errors='replace').strip()[-200:]}")
    return Records(path, [msgspec.json.decode(line, type=Line) for line in path.read_text().splitlines()])


def report(stage: Stage, bundle: Path, out: Path) -> tuple[str, ...]:
    """Write the auditor's page; return the log's contradictions. Raises StageError."""
    keys = ("--identity", str(stage.identities[0]), "--vkey", str(stage.vkey))
    made = staging.command("audit", "report", str(bundle), *keys, "--out", str(out), may_say_no=True)
    return tuple(made["problems"])


def foreign_word(stage: Stage, folder: Path) -> Foreign:
    """Return the result of Go's own packages for the log as tiles. Raises StageError."""
    if not foreign.is_here():
        return Foreign(None, f"none is here; {foreign.NEEDS}")
    tiles = folder / "tiles"
    staging.command("audit", "export", "--format", "tiles", "--out", str(tiles), "--spool", str(stage.spool))
    try:
        return Foreign(*foreign.check(foreign.build(folder), stage.vkey.read_text(), tiles))
    except (OSError, subprocess.SubprocessError) as error:
        return Foreign(None, f"it cannot be made here: {error}")


def outcomes_of(visits: list[Visit], records: Records, scenarios: dict[str, Scenario]) -> list[Outcome]:
    """Return the outcome of each visit, with the outcome that its scenario expects."""
    return [outcome_of(visit, records.lines, expected(scenarios[visit.scenario])) for visit in visits]


def expected(scenario: Scenario) -> Expected:
    """Return the outcome that a scenario expects."""
    return Expected(
        verdict=scenario.verdict.value,
        incidents=scenario.incidents,
        reasons=scenario.reasons,
        passages=scenario.passages,
    )


def judge(truth: Path, records: Records) -> Judged:
    """Return the simulator's judgement of ground truth and log. Raises StageError."""
    done = subprocess.run(
        [sys.executable, "-m", "hardware_sim", "judge", "--truth", str(truth), "--log", str(records.path), "--json"],
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    if done.returncode not in {0, 1}:
        raise StageError(f"gate-sim judge: {done.stderr.strip()[-200:]}")
    return msgspec.json.decode(done.stdout, type=Judged)

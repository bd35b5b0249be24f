"""The end of the tour: the log is verified, one of its bytes is changed and detected, and the results are counted."""

from __future__ import annotations

import asyncio
import json
from base64 import b64decode, b64encode
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gate.passage.records import Decided, Overruled, Settled
from gate_demo import audit_review
from gate_demo import stage as staging
from gate_demo.report import Checked, Line, summary

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gate_demo.audit_review import Records
    from gate_demo.director import Visit
    from gate_demo.report import Judged, Outcome
    from gate_demo.stage import Stage
    from hardware_sim.scenario import Scenario

BYTE: Final = 100  # the index of the changed byte in a sealed record


@dataclass(frozen=True, slots=True)
class Carried:
    """The log as exported for an auditor, and the verifier's result."""

    bundle: Path
    records: Records
    checked: Checked


async def carry(stage: Stage) -> Carried:
    """Export the published log, verify and decrypt it. Raises StageError."""
    bundle = stage.folder / "so-far"
    records = await asyncio.to_thread(audit_review.read, stage, bundle)
    checked, _ = await asyncio.to_thread(_verify, stage, bundle)
    return Carried(bundle, records, checked)


@dataclass(frozen=True, slots=True)
class Changed:
    """The changed bundle, and the byte before and after."""

    bundle: bytes
    was: int
    now: int


def change_one_byte(bundle: bytes, entry: int, at: int) -> Changed:
    """Change byte `at` of this entry's sealed body; both count from 0. Raises IndexError when there is none."""
    lines = bundle.splitlines(keepends=True)
    entries = [number for number, line in enumerate(lines) if b'"ct":' in line]
    number = entries[entry]
    text = json.loads(lines[number])["ct"]
    sealed = bytearray(b64decode(text))
    was, now = sealed[at], sealed[at] ^ 1
    sealed[at] = now
    lines[number] = lines[number].replace(text.encode(), b64encode(sealed))
    return Changed(b"".join(lines), was, now)


async def change(stage: Stage, carried: Carried, entry: int) -> tuple[Changed, tuple[str, ...]]:
    """Change one byte of this entry in a copy; return the verifier's findings. Raises StageError, OSError."""
    changed = change_one_byte(carried.bundle.read_bytes(), entry, BYTE)
    copy = carried.bundle.with_name("changed")
    copy.write_bytes(changed.bundle)
    _, problems = await asyncio.to_thread(_verify, stage, copy)
    return changed, problems


def _verify(stage: Stage, bundle: Path) -> tuple[Checked, tuple[str, ...]]:
    """Return the verifier's result and its problems."""
    said = staging.command("audit", "verify", str(bundle), "--vkey", str(stage.vkey), may_say_no=True)
    return Checked(said["entries"], said["verified"]), tuple(said["problems"])


def decision_about(visit: Visit, lines: Iterable[Line]) -> int:
    """Return the entry with the gate's decision on this visit, or the log's first entry."""
    return next((one.index for one in lines if one.kind == Decided.kind.value and one.crossing in visit.crossings), 0)


def decided_by(visits: Iterable[Visit], lines: Iterable[Line]) -> dict[str, int]:
    """Return the number of referred visits that each officer decided first, by the log."""
    crossings = {crossing for visit in visits for crossing in visit.crossings}
    first: dict[str, str] = {}
    for line in lines:
        record = line.record(Overruled) or line.record(Settled)
        if record is not None and record.crossing in crossings:
            first.setdefault(record.crossing, record.order.officer)
    return dict(Counter(first.values()))


@dataclass(frozen=True, slots=True)
class Measured:
    """The results of the tour."""

    outcomes: tuple[Outcome, ...]
    judged: Judged
    decided_by: dict[str, int]
    checked: Checked
    changed_entry: int
    found: tuple[str, ...]
    seconds: float

    def fields(self) -> dict[str, object]:
        """Return the JSON document."""
        return {
            "seconds": self.seconds,
            "decided_by": self.decided_by,
            "changed": {"entry": self.changed_entry, "found": list(self.found)},
        }

    def lines(self, you: str) -> list[str]:
        """Return the lines of the last page; `you` is the officer at the console's frame."""
        well = sum(not one.differences for one in self.outcomes)
        mine, others = self.decided_by.get(you, 0), sum(self.decided_by.values()) - self.decided_by.get(you, 0)
        found = "; ".join(self.found) or "nothing, which is a fault of ours"
        return [
            f"{len(self.outcomes)} travellers came; what came of {well} is what their stories say.",
            *_times(summary(list(self.outcomes))),
            f"The judge of the simulated world counts {self.judged.wrong_openings} wrong openings, and {len(self.judged.different)} differences between the log and what happened.",
            f"Of those who were referred you decided {mine}, the automatic officer {others}.",
            f"{self.checked.entries} entries of the log: {'verified' if self.checked.verified else 'NOT VERIFIED'}.",
            f"One byte of entry {self.changed_entry} changed; the verifier found: {found}.",
            f"The eight scenes took {self.seconds:.0f} s.",
        ]


def _times(counted: Mapping[str, object]) -> list[str]:
    """Return lines on the admitted travellers' times; empty when none was admitted."""
    decision, transaction = counted["decision_ms"], counted["transaction_ms"]
    if not isinstance(decision, dict) or not isinstance(transaction, dict):
        return []
    about = f"from the last fact that it needed to the order to open: {decision['p50']} ms, the median of {counted['admitted']} admitted"
    return [f"{transaction['p50'] / 1000:.1f} s from the document's being presented to the order to open; {about}."]


async def measure(
    visits: list[Visit],
    carried: Carried,
    *,
    scenarios: dict[str, Scenario],
    truth: Path,
    changed_entry: int,
    found: tuple[str, ...],
    seconds: float,
) -> Measured:
    """Count the results, and run the judge. Raises StageError."""
    return Measured(
        tuple(audit_review.outcomes_of(visits, carried.records, scenarios)),
        await asyncio.to_thread(audit_review.judge, truth, carried.records),
        decided_by(visits, carried.records.lines),
        carried.checked,
        changed_entry,
        found,
        seconds,
    )

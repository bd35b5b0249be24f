"""The final report of a simulation: fields for machines, a table for people."""

from __future__ import annotations

import math
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from gate_demo.simulate.run import CPU_S_MAX, Run
from hardware_sim.hall.plan import Kind

GENUINE_SHARE_MIN = 0.92  # share of genuine travellers whom the machine must admit despite faults
GENUINE_MANY = 1_000  # minimum number of travellers for that requirement
ERRORS = 3.0  # standard errors by which a drawn share may be below the minimum
TRACE_LINES = 40


@dataclass(frozen=True, slots=True)
class Report:
    """One simulation. `replay` is the shortest known command line that shows its violation again. `cut_short`: the search ended
    early.
    """

    run: Run
    replay: str = ""
    cut_short: bool = False

    @property
    def ok(self) -> bool:
        """Return True when no violation was found, and at least one crossing was played."""
        return not self.troubles()

    def troubles(self) -> list[str]:
        """Return every reason for a failed simulation."""
        run, found = self.run, []
        if run.violation is not None:
            found.append(f"{run.violation.kind} in crossing {run.violation.crossing}: {run.violation.why}")
        if not run.exchanges or not run.wire_bytes:
            found.append("no driver exchanged anything with a board: nothing was simulated")
        if not run.wishes.faults and run.tally.genuine_admitted != run.tally.genuine:
            found.append("without faults every genuine traveller is let through; some were not")
        share, genuine = run.tally.share, run.tally.genuine
        spare = ERRORS * math.sqrt(GENUINE_SHARE_MIN * (1 - GENUINE_SHARE_MIN) / max(1, genuine))
        if run.wishes.faults and genuine >= GENUINE_MANY and share < GENUINE_SHARE_MIN - spare:
            found.append(
                f"{share:.1%} of the genuine travellers were let through; {GENUINE_SHARE_MIN:.0%} is the floor"
            )
        return found

    def fields(self) -> dict[str, object]:
        """Return the JSON document."""
        run, tally = self.run, self.run.tally
        violation = run.violation
        return {
            "seed": run.wishes.seed,
            "lane": run.wishes.doors.value,
            "crossings": tally.crossings,
            "genuine": {"total": tally.genuine, "admitted": tally.genuine_admitted},
            "companions": {
                "total": tally.companions,
                "admitted": tally.companions_admitted,
                "through": tally.companions_through,
            },
            "admitted": tally.admitted,
            "referred": tally.referred,
            "faults": {kind.value: tally.hits[kind] for kind in _met(run)},
            "effects": {
                kind.value: {"orders_again": tally.again[kind], "referrals": tally.referrals[kind]}
                for kind in _met(run)
            },
            "by_fault": tally.by_fault,
            "driver": {"exchanges": run.exchanges, "bytes": run.wire_bytes, "orders_again": run.orders_again},
            "records": run.records,
            "violations": []
            if violation is None
            else [
                {
                    "kind": violation.kind,
                    "crossing": violation.crossing,
                    "why": violation.why,
                    "replay": self.replay,
                    "cut_short": self.cut_short,
                }
            ],
            "trace": run.digest,
            "virtual_seconds": round(run.virtual_s, 1),
            "seconds": round(run.cpu_s, 2),
        }

    def draw(self, console: Console) -> None:
        """Draw the report as text."""
        run, tally = self.run, self.run.tally
        console.print(
            f"{tally.crossings} crossings of seed {run.wishes.seed} in {run.virtual_s / 3600:.1f} hours of the lane; "
            f"{run.cpu_s:.1f} s of processor time, {tally.crossings / run.cpu_s if run.cpu_s else 0:.0f} crossings a second"
        )
        console.print(
            f"{tally.admitted} admitted by the machine, {tally.referred} referred; genuine travellers: "
            f"{tally.genuine_admitted} of {tally.genuine} admitted ({tally.share:.1%}; floor with faults {GENUINE_SHARE_MIN:.0%})"
        )
        console.print(
            f"companions who went on somebody else's grant: {tally.companions} came, {tally.companions_through} were through before anybody could know, "
            f"{tally.companions_admitted} admitted"
        )
        console.print(
            f"driver: {run.exchanges} exchanges, {run.wire_bytes} bytes, {run.orders_again} orders given again; "
            f"{run.records} records on the disk; {tally.by_fault} passages that no order could have kept back"
        )
        if run.wishes.faults:
            console.print(_table(run))
        console.print(f"trace {run.digest}")
        if run.violation is not None:
            for line in run.lines[-TRACE_LINES:]:
                console.print(line, markup=False, highlight=False, soft_wrap=True)
        for trouble in self.troubles():
            console.print(trouble, style="bold red", markup=False, highlight=False, soft_wrap=True)
        if self.replay:
            console.print(f"again: {self.replay}", markup=False, highlight=False, soft_wrap=True)
        if self.cut_short:
            console.print(
                f"a shorter one was looked for until {CPU_S_MAX:.0f} s of processor time were over, and no longer"
            )


def _met(run: Run) -> list[Kind]:
    return [kind for kind in Kind if kind in run.wishes.met]


def _table(run: Run) -> Table:
    table = Table("fault", "crossings hit", "share", "orders given again", "referrals")
    tally = run.tally
    for kind in _met(run):
        share = tally.hits[kind] / tally.crossings if tally.crossings else 0.0
        cells = (tally.hits[kind], f"{share:.1%}", tally.again[kind], tally.referrals[kind])
        table.add_row(kind.value, *map(str, cells))
    return table

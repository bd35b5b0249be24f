"""The report of a soak: whether it passed and why not, for machines, for a terminal, and as one page for paper and signatures."""

from __future__ import annotations

import math
import platform
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from gate_core.web_pages.templates import environment
from gate_demo.simulate.report import ERRORS, GENUINE_SHARE_MIN
from gate_demo.simulate.run import Wishes as Replay
from gate_demo.simulate.run import replay_command
from gate_demo.soak.days import EVENTS, PLAN, Lived
from gate_demo.soak.flatness import QUANTITIES, Verdict, judge
from gate_demo.soak.installation import OTHERS_KEPT_DAYS

if TYPE_CHECKING:
    from rich.console import Console

KIB = 1024
REPLAYED_MAX = 1_000  # crossings before a violation that its replay has


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the result: what was asked, what was found, what is allowed."""

    title: str
    found: str
    limit: str
    ok: bool


@dataclass(frozen=True, slots=True)
class Report:
    """A soak's report."""

    lived: Lived

    @property
    def ok(self) -> bool:
        """Return True when every check is well."""
        return all(one.ok for one in self.checks())

    @property
    def verdicts(self) -> list[Verdict]:
        """Return the judgement about each quantity."""
        return [judge(one, self.lived.samples, self.lived.wishes.warm_days) for one in QUANTITIES]

    def planned(self) -> dict[str, int]:
        """Return how often each event is planned; one without a day of its own at least once."""
        plan = self.lived.wishes.planned().values()
        return {name: sum(name in day for day in plan) if name in PLAN else 1 for name in EVENTS}

    def checks(self) -> list[Check]:
        """Return all checks, quantities last."""
        lived, wishes = self.lived, self.lived.wishes
        count = len(lived.violations)
        found = [
            Check("Crossings", f"{lived.crossings:,}", f"{wishes.crossings:,}", lived.crossings == wishes.crossings),
            Check("Days", str(len(lived.days)), str(wishes.days), len(lived.days) == wishes.days),
            Check("Violations", f"{count}{self._bound()}", "0", not count),
            self._genuine(),
        ]
        for name, times in self.planned().items():
            seen = lived.happened[name]
            found.append(Check(EVENTS[name], f"{seen} times", f"at least {times}", seen >= times))
        return found + [_flat(one) for one in self.verdicts]

    def _bound(self) -> str:
        """Return the upper 95 % bound beside a zero (the rule of three)."""
        lived = self.lived
        if lived.violations or not lived.crossings:
            return ""
        return f"; with 95 % confidence fewer than {-math.log(0.05) / lived.crossings:.1e} a crossing"

    def _genuine(self) -> Check:
        lived = self.lived
        share = lived.admitted / lived.genuine if lived.genuine else 0.0
        spare = ERRORS * math.sqrt(GENUINE_SHARE_MIN * (1 - GENUINE_SHARE_MIN) / max(1, lived.genuine))
        words = f"{lived.admitted:,} of {lived.genuine:,} ({share:.1%})"
        limit = GENUINE_SHARE_MIN - spare
        return Check(
            "Genuine travellers admitted by the machine",
            words,
            f"at least {limit:.1%} ({GENUINE_SHARE_MIN:.0%} less three standard errors)",
            share >= limit,
        )

    def replay(self) -> str:
        """Return the command that plays the crossings before the first violation again; empty without one."""
        lived = self.lived
        if not lived.violations:
            return ""
        last = lived.violations[0].crossing
        numbers = tuple(range(max(0, last - REPLAYED_MAX), last + 1))
        return replay_command(Replay(lived.wishes.seed, numbers, lived.wishes.faults))

    def identity(self) -> dict[str, str]:
        """Return the installation's identity."""
        lived = self.lived
        is_short = lived.kept.others < OTHERS_KEPT_DAYS
        return {
            "Installation": lived.origin,
            "Software": f"portcullis {metadata.version('portcullis')}, central server {metadata.version('portcullis-central')}",
            "Machine": f"Python {platform.python_version()}, {platform.system()} {platform.release()}, {platform.machine()}",
            "Seed": str(lived.wishes.seed),
            "Faults": "on" if lived.wishes.faults else "off",
            "Keys kept": f"of crossings {lived.kept.crossings} days, of others {lived.kept.others} days",
            "Entries kept": f"{lived.kept.mirrored} days after the central server confirmed them"
            + (" (these times are shorter than a site may set)" if is_short else ""),
            "Days": f"{lived.days[0].date} to {lived.days[-1].date}" if lived.days else "none",
            "Trace": lived.digest,
        }

    def fields(self) -> dict[str, object]:
        """Return the JSON document."""
        lived = self.lived
        return {
            "ok": self.ok,
            "seed": lived.wishes.seed,
            "days": len(lived.days),
            "crossings": lived.crossings,
            "genuine": {"total": lived.genuine, "admitted": lived.admitted},
            "referred": lived.referred,
            "identity": self.identity(),
            "violations": [{"kind": one.kind, "crossing": one.crossing, "why": one.why} for one in lived.violations],
            "replay": self.replay(),
            "events": {
                name: {"planned": times, "happened": lived.happened[name]} for name, times in self.planned().items()
            },
            "warm_days": lived.wishes.warm_days,
            "flat": {
                one.quantity.name: {
                    "first": _number(one.first),
                    "last": _number(one.last),
                    "rise": _number(one.rise),
                    "rise_max": _number(one.bound),
                    "allowed": one.allowed,
                    "flat": one.flat,
                }
                for one in self.verdicts
            },
            "each_day": [
                {
                    "date": one.date,
                    "crossings": one.crossings,
                    "records": one.records,
                    "events": one.events,
                    **one.values,
                }
                for one in lived.days
            ],
            "central_bytes": lived.centre_bytes,
            "virtual_seconds": round(lived.virtual_s, 1),
            "seconds": round(lived.cpu_s, 2),
            "wall_seconds": round(lived.seconds, 2),
        }

    def page(self) -> str:
        """Return the report as one page without script, font or address."""
        templates = environment(Path(__file__).with_name("pages"))
        return templates.get_template("soak.html").render(
            report=self, lived=self.lived, identity=self.identity(), checks=self.checks(), shown=shown, events=EVENTS
        )

    def draw(self, console: Console) -> None:
        """Draw the report as text."""
        lived = self.lived
        console.print(
            f"{lived.crossings} crossings in {len(lived.days)} days of {lived.origin}, seed {lived.wishes.seed}; {lived.cpu_s:.0f} s of processor time"
        )
        for one in self.checks():
            mark = "passed" if one.ok else "FAILED"
            console.print(
                f"{mark} {one.title}: {one.found} ({one.limit})", markup=False, highlight=False, soft_wrap=True
            )
        for violation in lived.violations:
            text = f"{violation.kind} in crossing {violation.crossing}: {violation.why}"
            console.print(text, style="bold red", markup=False, highlight=False, soft_wrap=True)
        if again := self.replay():
            console.print(f"the lane alone, again: {again}", markup=False, highlight=False, soft_wrap=True)


def _flat(one: Verdict) -> Check:
    unit = one.quantity.unit
    if math.isnan(one.bound):
        return Check(f"{one.quantity.title}: flat", "too few samples after the warm-up", "at least 5", ok=False)
    found = f"{shown(one.first, unit)} to {shown(one.last, unit)}; rise up to {shown(one.bound, unit)}"
    return Check(f"{one.quantity.title}: flat", found, f"rise at most {shown(one.allowed, unit)}", one.flat)


def shown(value: float, unit: str) -> str:
    """Return a value with its unit."""
    return f"{value / KIB / KIB:,.1f} MiB" if unit == "bytes" else f"{value:,.1f}".removesuffix(".0")


def _number(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 1)

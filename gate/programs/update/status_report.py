"""What `gate update status` reports: what is installed, was fetched, was not kept and why, and an update under way."""

from __future__ import annotations

import json
from collections.abc import Iterator

import msgspec

from gate.channel.message import Status
from gate.programs.shared.program_status import Silence
from gate.programs.update.ledger import Ledger
from gate.programs.update.program import LIBRARY


class StatusReport:
    """The ledger's state. `version`: the one that `gate` runs from, if a package installed it; `fetched`: what `sync` reports."""

    def __init__(self, ledger: Ledger, sync: Status | Silence) -> None:
        """Read the ledger. Raises OSError."""
        try:
            self.version: str | None = (LIBRARY / "current").readlink().name
        except OSError:
            self.version = None
        self.fetched = sync.detail.get("updates") if isinstance(sync, Status) else None
        self.installed, self.journal, self.outcome = ledger.installed, ledger.journal, ledger.outcome

    @property
    def is_settled(self) -> bool:
        """True if no update is under way and everything was kept."""
        return self.journal is None and not self.installed.refused

    def fields(self) -> dict[str, object]:
        """Return the report for JSON."""
        return {
            "runs": self.version,
            "current": msgspec.to_builtins(self.installed.current),
            "fetched": self.fetched,
            "refused": [
                {"kind": kind, "number": one.install.number, "name": one.install.name, "why": one.why}
                for kind, one in self.installed.refused.items()
            ],
            "before": msgspec.to_builtins(self.installed.before_installs),
            "step": None if self.journal is None else self.journal.step,
            "last": None if self.outcome is None else msgspec.to_builtins(self.outcome),
        }

    def lines(self) -> Iterator[str]:
        """Yield the lines of the printed report."""
        yield f"version {self.version or 'of no package'} runs; 0 is the package's own"
        for kind, one in self.installed.current.items():
            yield f"{kind:14} {one.number} ({one.name}), since {one.at}"
        if not self.installed.current:
            yield "nothing is installed but what the package brought"
        if isinstance(self.fetched, dict):
            yield f"fetched {json.dumps(self.fetched['fetched'])}, checked {self.fetched['checked_at'] or 'not yet'}"
            if self.fetched["problem"]:
                yield f"problem: {self.fetched['problem']}"
        for kind, refusal in self.installed.refused.items():
            yield f"not kept: {kind} {refusal.install.number} ({refusal.install.name}): {refusal.why}"
        if self.journal is not None:
            yield f"under way: {self.journal.verb}, at step {self.journal.step}"
        if self.outcome is not None:
            yield f"last: {self.outcome.verb} at {self.outcome.at}: {self.outcome.words}"

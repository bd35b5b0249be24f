"""A record as the auditor reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gate_verify.findings import about


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """A record as the auditor reads it. If it does not open, `kind` and `body` are None and `note` gives the reason;
    `hour`, `about`, `key` and `recipients` are in clear, and empty if the entry is no record. `readers`: the number of
    recipients of the key's age file, if it is here, and the auditor's identities that do not open it.
    """

    index: int
    hour: str
    about: str
    key: str
    kind: str | None = None
    crossing: str | None = None
    time: str | None = None
    monotonic_ms: int | None = None
    boot: str | None = None
    id: str | None = None
    body: Mapping[str, object] | None = None
    note: str | None = None
    recipients: str = ""
    readers: tuple[int, frozenset[str]] | None = None

    @property
    def when(self) -> str:
        """The record's time; if it does not open, its approximate hour, as text."""
        return self.time or about(self.hour)

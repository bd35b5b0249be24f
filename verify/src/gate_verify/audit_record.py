"""A record as the auditor reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gate_verify.findings import about


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """A record as the auditor reads it. Of one that does not open `kind` and `body` are None and `note` says why; `hour`, `about`, `key` and
    `recipients` stand in clear, and are empty where an entry is no record at all. `readers` is for how many the key's age file is, if it is here, and which
    identities of the auditor's do not open it.
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
        """Its moment; of one that does not open, about when it was, as people read it."""
        return self.time or about(self.hour)

"""A record as the auditor reads it, and typed readings of its body.

A compromised lane may write any JSON value into any field. So every field is read by one of these functions, or matched
with its type. A value of another type counts as empty; nothing converts, hashes or compares it before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gate_verify.findings import about

COUNT_MAX = 2**53  # what any JSON reader takes as it is


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

    @property
    def reasons(self) -> tuple[str, ...]:
        """The reasons that the record names, each once."""
        return tuple(dict.fromkeys(why for one in rows(self.body, "reasons") if (why := text(one, "reason"))))

    @property
    def officer(self) -> str:
        """The officer whose order the record holds; empty without one."""
        return text(self.body, "order", "officer")


def _at(body: object, path: tuple[str, ...], missing: object = None) -> object:
    for name in path:
        body = body.get(name, missing) if isinstance(body, Mapping) else None
    return body


def text(body: object, *path: str, missing: str = "") -> str:
    """Return a field's text; `missing` without the field, as in old records; empty for a value of another type."""
    found = _at(body, path, missing)
    return found if isinstance(found, str) else ""


def table(body: object, *path: str) -> Mapping[str, object]:
    """Return a field's fields; none if it has none."""
    found = _at(body, path)
    return found if isinstance(found, Mapping) else {}


def rows(body: object, *path: str) -> list[Mapping[str, object]]:
    """Return a list's members that have fields."""
    found = _at(body, path)
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


def words(value: object) -> tuple[str, ...]:
    """Return a list's members that are text."""
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list) else ()


def count(value: object) -> int | None:
    """Return a number of things; None if it is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= COUNT_MAX else None

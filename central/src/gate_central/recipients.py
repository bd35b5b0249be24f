"""Whom a gate seals its records for, held against the sets of auditors that were approved: the field `recipients` of a record's header.

Pure. A header of an older version names no set, and says nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

from gate_core.audit_format.record import Header


def unknown_sets(headers: Iterable[Header], approved: frozenset[str] | None) -> dict[str, int]:
    """The digests of sets that nobody approved, each with the first entry that names it; none while nothing is known of the gate."""
    found = dict[str, int]()
    if approved is None:
        return found
    for header in headers:
        if header.recipients and header.recipients not in approved:
            found.setdefault(header.recipients, header.index)
    return found

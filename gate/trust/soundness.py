"""Whether the rows of a store can be read by everybody who will ask for them later. Pure.

What was imported has its digest beside it; the dates and numbers that were taken from it have none. One that is damaged would
be noticed by whoever asks for it, such as the lane while it starts a crossing, and that is too late.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from types import NoneType
from typing import Final

# What a column holds; SQLite itself holds it to nothing. Those of which nothing but a date or number is made are checked as such.
_KINDS: Final[dict[str, type | tuple[type, ...]]] = {
    "fingerprint": bytes,
    "der": bytes,
    "sha256": bytes,
    "subject": str,
    "subject_id": bytes,
    "issuer_id": bytes,
    "key_id": (bytes, NoneType),
    "country": str,
    "standing": str,
    "kind": str,
    "test": int,
}


def is_whole(rows: Iterable[sqlite3.Row]) -> bool:
    """True when every column holds what it should, so that whoever looks at it later finds that."""
    return all(isinstance(row[name], _KINDS[name]) for row in rows for name in row.keys() if name in _KINDS)  # noqa: SIM118


def is_sound(
    certificates: Sequence[sqlite3.Row], revocation_lists: Sequence[sqlite3.Row], others: Sequence[str | None]
) -> bool:
    """True when every date and number is one. `others` are further dates, None where there is none."""
    moments = _moments(certificates, revocation_lists)
    return (
        all(map(_is_moment, moments))
        and all(_is_moment(one) for one in others if one is not None)
        and all(_is_number(row["number"]) for row in revocation_lists if row["number"] is not None)
    )


def _moments(certificates: Sequence[sqlite3.Row], revocation_lists: Sequence[sqlite3.Row]) -> Iterator[object]:
    for row in certificates:
        yield from (row["not_before"], row["not_after"])
    for row in revocation_lists:
        yield row["this_update"]
        if row["next_update"] is not None:
            yield row["next_update"]


def _is_moment(value: object) -> bool:
    """True for a date with its zone: without, it could not be compared."""
    try:
        return datetime.fromisoformat(str(value)).tzinfo is not None
    except ValueError:
        return False


def _is_number(value: object) -> bool:
    return isinstance(value, str) and value.removeprefix("-").isdecimal()

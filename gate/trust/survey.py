"""What a store covers by country, for its operator: the origin of certificates, and the state of revocation lists.

A survey is read once and contains dates; their meaning at a given time is computed from them.
"""

import contextlib
import enum
import sqlite3
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Final

from gate.trust.errors import StoreError
from gate.trust.freshness import Alarm, alarms, in_words, is_overdue
from gate.trust.snapshot import open_snapshot, shown
from gate.trust.store import TrustStore
from gate_core.evidence.trust_lists import Edition
from gate_documents.checks import Tolerance

_ORIGINS: Final = (
    "SELECT coalesce(nullif(certificate.country, ''), '-') AS code, source.kind, source.publisher, source.signed_at, count(*) "
    "FROM listing JOIN certificate ON certificate.fingerprint = listing.fingerprint JOIN source ON source.id = listing.source "
    "GROUP BY 1, 2, 3, 4 ORDER BY source.kind, source.publisher"
)
_TOLERATED: Final = (
    "SELECT country, subject, tolerance.name FROM certificate JOIN tolerance ON digest = lower(hex(fingerprint)) "
    "UNION SELECT publisher, kind || ' ' || source.name, tolerance.name FROM source JOIN tolerance ON digest = sha256 "
    "WHERE publisher IS NOT NULL OR kind = 'RevocationList'"
)
_SIGNERS: Final = "SELECT issuer_id, count(*) FROM document_signer GROUP BY issuer_id"


class Revocation(enum.Enum):
    """State of a country's revocation lists, ordered from good to bad."""

    CURRENT = "current"
    OVERDUE = "overdue"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Country:
    """One country's row. `origins`: the sources of its certificates, as text; `editions`: its revocation lists."""

    code: str
    certificates: int
    valid: int
    listed_only: int
    for_demos: int
    newest: date
    expires: date
    document_signers: int
    origins: tuple[str, ...]
    editions: tuple[Edition, ...]
    revocation: Revocation


@dataclass(frozen=True, slots=True)
class Survey:
    """The whole store at one time."""

    at: datetime
    version: str
    imported_at: datetime | None
    countries: tuple[Country, ...]
    lists: tuple[tuple[str, str, datetime], ...]  # kind in words, publisher, signed
    alarms: tuple[Alarm, ...]
    tolerated: tuple[tuple[str, str, str], ...]  # country, certificate or list, what departs from the standards

    def count(self, revocation: Revocation) -> int:
        """Return the number of countries with this state of revocation lists."""
        return sum(one.revocation is revocation for one in self.countries)


def survey(path: Path, now: datetime, *, age_max_days: int) -> Survey:
    """Read the store. Raises StoreError."""
    with contextlib.closing(open_snapshot(path)) as snapshot:
        store = TrustStore(snapshot, path)
        try:
            origins: dict[str, list[str]] = defaultdict(list)
            for code, kind, publisher, signed_at, count in snapshot.rows(_ORIGINS):
                origins[code].append(_origin(kind, publisher, signed_at, count))
            signers = dict(map(tuple, snapshot.rows(_SIGNERS))) if store.document_signers_count else {}
            tolerated = [tuple(row) for row in snapshot.rows(_TOLERATED)] if store.names_tolerances else []
            tolerated += store.csca_departures()
        except sqlite3.Error as error:
            raise StoreError(f"{path}: cannot be read ({shown(error)})") from error
    editions: dict[str, list[Edition]] = defaultdict(list)
    for edition in store.editions():
        editions[edition.country].append(edition)
    return Survey(
        at=now,
        version=store.version,
        imported_at=store.newest_import,
        countries=tuple(
            _country(code, found, origins=origins[code], signers=signers, editions=editions[code], now=now)
            for code, found in store.by_country()
        ),
        lists=tuple(
            (in_words(one.kind), one.publisher, datetime.fromisoformat(one.signed_at)) for one in store.published
        ),
        alarms=alarms(store, now, age_max_days=age_max_days),
        tolerated=tuple(sorted((code or "-", whose, Tolerance[name].value) for code, whose, name in tolerated)),
    )


def _country(
    code: str,
    rows: list[sqlite3.Row],
    *,
    origins: list[str],
    signers: dict[bytes, int],
    editions: list[Edition],
    now: datetime,
) -> Country:
    begins = [datetime.fromisoformat(row["not_before"]) for row in rows]
    ends = [datetime.fromisoformat(row["not_after"]) for row in rows]
    return Country(
        code=code,
        certificates=len(rows),
        valid=sum(begin <= now <= end for begin, end in zip(begins, ends, strict=True)),
        listed_only=sum(row["standing"] == "listed" for row in rows),
        for_demos=sum(bool(row["test"]) for row in rows),
        newest=max(begins).date(),
        expires=max(ends).date(),
        document_signers=sum(signers.get(issuer, 0) for issuer in {row["subject_id"] for row in rows}),
        origins=tuple(origins),
        editions=tuple(editions),
        revocation=_revocation(editions, now),
    )


def _origin(kind: str, publisher: str | None, signed_at: str | None, count: int) -> str:
    if publisher is not None and signed_at is not None:
        return f"{count} from the {in_words(kind)} of {publisher}, {signed_at[:10]}"
    return f"{count} as links" if kind == "Link" else f"{count} by hand"


def _revocation(editions: list[Edition], now: datetime) -> Revocation:
    """Return a country's state by its newest list: superseded CSCAs stop publishing."""
    if not editions:
        return Revocation.NONE
    return Revocation.OVERDUE if all(is_overdue(one, now) for one in editions) else Revocation.CURRENT

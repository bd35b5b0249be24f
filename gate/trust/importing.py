"""Bringing certificates and lists into the store, each verified on the way in.

An import is one transaction: after a power cut the store is as it was before or as it is after.
"""

from __future__ import annotations

import hashlib
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlite_utils import Database

from gate.document.errors import DocumentError
from gate.document.pki.certificate import Certificate, parse_certificate
from gate.document.pki.master_list import MasterList
from gate.trust.admission import Admission, Rejected
from gate.trust.errors import StoreError
from gate.trust.schema import connect, migrate

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from pathlib import Path

    from gate.document.pki.revocation import RevocationList
    from gate.trust.sources import Source


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did. `certificates` were found, `accepted` of them are in the store now."""

    certificates: int
    accepted: int
    rejected: tuple[Rejected, ...]
    countries: int
    revocation_lists: int


def import_sources(
    path: Path,
    sources: Sequence[Source],
    *,
    signer: Certificate | None,
    test: bool,
    now: datetime,
    progress: Callable[[int, int], None] = lambda done, total: None,  # noqa: ARG005 - the callback's shape
) -> ImportReport:
    """Verify what the sources hold and write it to the store, which is made if need be.

    `signer` vouches for lists; `test` marks everything as fit for demos only. `progress` is told (done, total) of a list.
    Raises SourceError before anything is written, or StoreError.
    """
    connection = connect(path, writable=True)
    try:
        database = Database(connection)
        migrate(database)
        # What is fit for demos only vouches for nothing that is not.
        rows = connection.execute("SELECT der FROM certificate WHERE test <= ?", (int(test),))
        known = [parse_certificate(row[0]) for row in rows]
        under_way = Admission(known, signer=signer, now=now)
        under_way.admit(sources, progress)
        with connection:
            _write(connection, under_way, sources, test=test, now=now)
    except sqlite3.Error as error:
        raise StoreError(f"{path}: cannot be written ({error})") from error
    except DocumentError as error:
        raise StoreError(f"{path}: holds a certificate that cannot be read ({error})") from error
    finally:
        connection.close()
    return ImportReport(
        certificates=under_way.found,
        accepted=len(under_way.accepted),
        rejected=tuple(under_way.rejected),
        countries=len({certificate.country for certificate, _, _ in under_way.accepted.values()}),
        revocation_lists=len(under_way.revocation_lists),
    )


def _write(
    connection: sqlite3.Connection,
    under_way: Admission,
    sources: Sequence[Source],
    *,
    test: bool,
    now: datetime,
) -> None:
    """Write everything. A certificate that is there already keeps being fit for service if it ever was."""
    ids = [
        connection.execute(
            "INSERT INTO source (name, kind, sha256, signer, signed_at, imported_at, test) VALUES (?, ?, ?, ?, ?, ?, ?)",
            _source_row(source, under_way.list_signers.get(index), test=test, now=now),
        ).lastrowid
        for index, source in enumerate(sources)
    ]
    connection.executemany(
        "INSERT INTO certificate VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (fingerprint) DO UPDATE SET test = min(test, excluded.test), source = excluded.source",
        [
            (
                fingerprint,
                one.der,
                one.subject,
                one.subject_id,
                one.key_id,
                one.country,
                one.not_before.isoformat(),
                one.not_after.isoformat(),
                standing.value,
                int(test),
                ids[source],
            )
            for fingerprint, (one, standing, source) in under_way.accepted.items()
        ],
    )
    for one, source in under_way.revocation_lists:
        _write_revocation_list(connection, under_way, one, ids[source])


def _source_row(source: Source, signer: Certificate | None, *, test: bool, now: datetime) -> tuple[Any, ...]:
    content = source.content
    signed_at = content.message.signers[0].signing_time if isinstance(content, MasterList) else None
    return (
        source.name,
        type(content).__name__,
        source.sha256,
        None if signer is None else signer.subject,
        None if signed_at is None else signed_at.isoformat(),
        now.isoformat(),
        int(test),
    )


def _write_revocation_list(
    connection: sqlite3.Connection,
    under_way: Admission,
    one: RevocationList,
    source: int | None,
) -> None:
    """Keep the newest list of each issuing key; an older one than is known is a roll-back and is refused."""
    key = (one.issuer_id, one.authority_key_id or b"")
    known = connection.execute(
        "SELECT this_update FROM revocation_list WHERE issuer_id = ? AND authority_key_id = ?",
        key,
    ).fetchone()
    if known is not None and known[0] > one.this_update.isoformat():
        under_way.rejected.append(Rejected("revocation list", "older than the one in the store"))
        return
    connection.execute(
        "INSERT OR REPLACE INTO revocation_list VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *key,
            one.der,
            hashlib.sha256(one.der).digest(),
            None if one.number is None else str(one.number),
            one.this_update.isoformat(),
            None if one.next_update is None else one.next_update.isoformat(),
            source,
        ),
    )

"""Bringing certificates and lists into the store, each verified on the way in.

An import is one transaction: after a power cut the store is as it was before or as it is after.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from sqlite_utils import Database

from gate.document.errors import DocumentError
from gate.document.pki.certificate import parse_certificate
from gate.trust.admission import Admission, Known, Rejected
from gate.trust.errors import StoreError
from gate.trust.schema import connect, migrate
from gate.trust.writing import write

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from gate.document.pki.certificate import Certificate
    from gate.trust.sources import Source

# A certificate vouches for master lists if the operator gave it as a file, or its own country's list names it.
_KNOWN: Final = (
    "SELECT der, EXISTS (SELECT 1 FROM listing JOIN source ON source.id = listing.source "
    "WHERE listing.fingerprint = certificate.fingerprint AND source.test <= :test "
    "AND (source.kind = 'Certificate' OR source.publisher = certificate.country)) "
    "FROM certificate WHERE test <= :test"
)
_LISTS: Final = (
    "SELECT kind, publisher, max(signed_at) FROM source WHERE publisher IS NOT NULL AND test <= :test "
    "GROUP BY kind, publisher"
)


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did. `certificates` were found, `accepted` of them are in the store now, `withdrawn` no longer are."""

    certificates: int
    accepted: int
    rejected: tuple[Rejected, ...]
    countries: int
    revocation_lists: int
    defect_lists: int = 0
    withdrawn: int = 0


def import_sources(
    path: Path,
    sources: Sequence[Source],
    *,
    signer: Certificate | None,
    test: bool,
    now: datetime,
    tolerant: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,  # noqa: ARG005 - the callback's shape
) -> ImportReport:
    """Verify what the sources hold and write it to the store, which is made if need be.

    `signer` vouches for lists; `test` marks everything as fit for demos only; `tolerant` leaves out lists that nobody vouches
    for. `progress` is told (done, total) of a list. Raises SourceError before anything is written, or StoreError.
    """
    connection = connect(path, writable=True)
    try:
        database = Database(connection)
        migrate(database)
        under_way = Admission(_known(connection, test=test), signer=signer, now=now)
        under_way.admit(sources, progress, tolerant=tolerant)
        with connection:
            written = write(connection, under_way, sources, test=test, now=now)
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
        countries=len({certificate.country for certificate, _ in under_way.accepted.values()}),
        revocation_lists=written.revocation_lists,
        defect_lists=written.defect_lists,
        withdrawn=written.withdrawn,
    )


def _known(connection: sqlite3.Connection, *, test: bool) -> Known:
    """What the store holds. What is fit for demos only vouches for nothing that is not."""
    certificates, vouching = [], []
    for der, vouches in connection.execute(_KNOWN, {"test": int(test)}):
        certificate = parse_certificate(der)
        certificates.append(certificate)
        if vouches:
            vouching.append(certificate)
    lists = connection.execute(_LISTS, {"test": int(test)}).fetchall()
    return Known(
        certificates=certificates,
        vouching=vouching,
        signed_at={(kind, publisher): datetime.fromisoformat(moment) for kind, publisher, moment in lists},
    )

"""Writing an import to the store's tables, inside the transaction of its caller."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from gate.document.pki.defect_list import DefectList
from gate.document.pki.deviation_list import DeviationList
from gate.document.pki.master_list import MasterList
from gate.trust.admission import Rejected

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence
    from datetime import datetime

    from gate.document.pki.revocation import RevocationList
    from gate.trust.admission import Admission
    from gate.trust.sources import Source

# What only older lists of the same publisher name is withdrawn: the list that is current now does not name it.
_WITHDRAW: Final = (
    "DELETE FROM listing WHERE source IN (SELECT id FROM source WHERE kind = 'MasterList' AND publisher = ? AND test = ? "
    "AND id <> ?)"
)
_FORGET: Final = "DELETE FROM certificate WHERE fingerprint NOT IN (SELECT fingerprint FROM listing)"
_MARK: Final = (
    "UPDATE certificate SET test = (SELECT min(source.test) FROM listing JOIN source ON source.id = listing.source "
    "WHERE listing.fingerprint = certificate.fingerprint)"
)


@dataclass(frozen=True, slots=True)
class Written:
    """How many lists were taken, and how many certificates were withdrawn."""

    revocation_lists: int
    defect_lists: int
    withdrawn: int


def write(
    connection: sqlite3.Connection,
    under_way: Admission,
    sources: Sequence[Source],
    *,
    test: bool,
    now: datetime,
) -> Written:
    """Write everything. A certificate stays fit for service as long as any source for service names it."""
    ids = [
        _write_source(connection, source, under_way, index, test=test, now=now) for index, source in enumerate(sources)
    ]
    _write_certificates(connection, under_way, ids, test=test)
    withdrawn = _withdraw(connection, under_way, sources, ids, test=test)
    connection.execute(_MARK)
    taken = sum(
        _write_revocation_list(connection, under_way, one, ids[source]) for one, source in under_way.revocation_lists
    )
    defect_lists = 0
    for index, signer in under_way.lists.items():
        content = sources[index].content
        if isinstance(content, (DeviationList, DefectList)):
            _write_defect_list(connection, content, signer.issuer_country, ids[index], test=test)
            defect_lists += 1
    return Written(taken, defect_lists, withdrawn)


def _write_source(
    connection: sqlite3.Connection, source: Source, under_way: Admission, index: int, *, test: bool, now: datetime
) -> int:
    signer = under_way.lists.get(index)
    content: Any = source.content
    signed_at = None if signer is None else content.message.signers[0].signing_time or now
    cursor = connection.execute(
        "INSERT INTO source (name, kind, sha256, signer, publisher, signed_at, imported_at, test) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            source.name,
            type(content).__name__,
            source.sha256,
            None if signer is None else signer.subject,
            None if signer is None else signer.issuer_country,
            None if signed_at is None else signed_at.isoformat(),
            now.isoformat(),
            int(test),
        ),
    )
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def _write_certificates(
    connection: sqlite3.Connection, under_way: Admission, ids: Sequence[int], *, test: bool
) -> None:
    connection.executemany(
        "INSERT INTO certificate VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (fingerprint) DO UPDATE SET standing = excluded.standing",
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
            )
            for fingerprint, (one, standing) in under_way.accepted.items()
        ],
    )
    connection.executemany(
        "INSERT OR IGNORE INTO listing VALUES (?, ?)",
        [(fingerprint, ids[source]) for fingerprint, source in under_way.listings],
    )


def _withdraw(
    connection: sqlite3.Connection, under_way: Admission, sources: Sequence[Source], ids: Sequence[int], *, test: bool
) -> int:
    """Forget what only older lists of a publisher named. Returns how many certificates that were."""
    for index, signer in under_way.lists.items():
        if isinstance(sources[index].content, MasterList):
            connection.execute(_WITHDRAW, (signer.issuer_country, int(test), ids[index]))
    return connection.execute(_FORGET).rowcount


def _write_revocation_list(
    connection: sqlite3.Connection, under_way: Admission, one: RevocationList, source: int
) -> bool:
    """Keep the newest list of each issuing key; one older by date or by number than is known is a roll-back and is refused."""
    key = (one.issuer_id, one.authority_key_id or b"")
    known = connection.execute(
        "SELECT this_update, number FROM revocation_list WHERE issuer_id = ? AND authority_key_id = ?",
        key,
    ).fetchone()
    if known is not None:
        older_number = one.number is not None and known[1] is not None and one.number < int(known[1])
        if known[0] > one.this_update.isoformat() or older_number:
            under_way.rejected.append(Rejected("revocation list", "older than the one in the store"))
            return False
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
    return True


def _write_defect_list(
    connection: sqlite3.Connection, one: DeviationList | DefectList, publisher: str, source: int, *, test: bool
) -> None:
    """Keep the newest list of each publisher; Admission has refused the older ones."""
    connection.execute(
        "INSERT OR REPLACE INTO defect_list VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            type(one).__name__,
            publisher,
            one.der,
            hashlib.sha256(one.der).digest(),
            one.signed_at.isoformat(),
            int(test),
            source,
        ),
    )

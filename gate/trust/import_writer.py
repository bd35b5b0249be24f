"""Writes an import to the store's tables, and removes the content of a list whose signer is revoked, then or later.

Runs inside the caller's transaction. Lists for service are judged only by data for service. Certificates that an operator gave by
hand, or that another list names, stay. The list is deleted with its date, so that a revoked signer's date keeps no older list out.
"""

import hashlib
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final

from gate.trust import signers
from gate.trust.admission import Admission
from gate.trust.list_kinds import ListOfCertificates, ListOfDefects, signing_time
from gate.trust.revocations import Revocations
from gate.trust.schema import SOURCED
from gate.trust.sources import Rejected, Source
from gate_documents.pki.anchors import HeldAnchors
from gate_documents.pki.certificate import Certificate, parse_certificate
from gate_documents.pki.revocation import RevocationList

_SIGNED: Final = (
    "SELECT source.id, source.name, list_signer.der FROM list_signer JOIN source ON source.id = list_signer.source "
    "WHERE source.test = ? ORDER BY source.id"
)
_DELIVERED: Final = "SELECT id FROM source WHERE publisher IS NOT NULL AND sha256 = ? AND test = ?"
_CERTIFICATES: Final = "SELECT der FROM certificate WHERE test <= ?"
REVOCATION_LISTS: Final = (
    "SELECT revocation_list.issuer_id, CAST(revocation_list.der AS BLOB) FROM revocation_list "
    "JOIN source ON source.id = revocation_list.source WHERE source.test <= ?"
)
WITHDRAWN: Final = "withdrawn"  # how the reason begins
FORGET: Final = "DELETE FROM certificate WHERE fingerprint NOT IN (SELECT fingerprint FROM listing)"
_SOURCE: Final = (
    "INSERT INTO source (name, kind, sha256, signer, publisher, signed_at, imported_at, test) "
    "VALUES (:name, :kind, :sha256, :signer, :publisher, :signed_at, :imported_at, :test)"
)
_AGAIN: Final = (
    "UPDATE source SET name = :name, signer = :signer, publisher = :publisher, signed_at = coalesce(signed_at, :signed_at), "
    "imported_at = :imported_at WHERE id = :id"
)
# What only older lists of the same publisher name is withdrawn: the list that is current now does not name it.
_WITHDRAW: Final = (
    "DELETE FROM listing WHERE source IN (SELECT id FROM source WHERE kind = ? AND publisher = ? AND test = ? "
    "AND id <> ?)"
)
# A source stays as long as something rests on it, or it is the newest list of its publisher: older ones are refused by it.
_RESTED_ON: Final = " UNION ALL ".join(f"SELECT source FROM {table}" for table in SOURCED)  # noqa: S608 - names of our own
_TIDY: Final = (
    f"DELETE FROM source WHERE id NOT IN ({_RESTED_ON}) "  # noqa: S608 - as above
    "AND (publisher IS NULL OR EXISTS (SELECT 1 FROM source AS newer WHERE newer.kind = source.kind "
    "AND newer.publisher = source.publisher AND newer.test = source.test "
    "AND (newer.signed_at, newer.id) > (source.signed_at, source.id)))"
)
_MARK: Final = (
    "UPDATE certificate SET test = (SELECT min(source.test) FROM listing JOIN source ON source.id = listing.source "
    "WHERE listing.fingerprint = certificate.fingerprint)"
)


def withdraw_revoked(
    connection: sqlite3.Connection, refused: Collection[str], *, test: bool, now: datetime
) -> tuple[tuple[Rejected, ...], int]:
    """Remove what rests on lists of revoked signers; return these lists, and the number of certificates removed.

    `refused`: digests of lists that came again and were refused for their signer, since a store before version 4 does
    not record signers.
    """
    for digest in refused:
        for (source,) in connection.execute(_DELIVERED, (digest, int(test))).fetchall():
            _forget_source(connection, source)
    gone: list[Rejected] = []
    withdrawn = connection.execute(FORGET).rowcount
    for kind in (0, 1):
        while found := _revoked(connection, kind, now):
            for source, name, signer in found:
                why = f"{WITHDRAWN}: the certificate of its signer ({signer.subject}) was revoked since"
                gone.append(Rejected(name, why))
                _forget_source(connection, source)
            # Certificates named only by these lists revoke nothing any more.
            withdrawn += connection.execute(FORGET).rowcount
    return tuple(gone), withdrawn


def _revoked(connection: sqlite3.Connection, test: int, now: datetime) -> list[tuple[int, str, Certificate]]:
    """Return the lists whose signers are on a revocation list."""
    signed = connection.execute(_SIGNED, (test,)).fetchall()
    if not signed:
        return []
    pool = HeldAnchors(parse_certificate(der) for (der,) in connection.execute(_CERTIFICATES, (test,)))
    revocations = Revocations(connection.execute(REVOCATION_LISTS, (test,)).fetchall(), {}, now)
    signers = [(source, name, parse_certificate(der)) for source, name, der in signed]
    return [one for one in signers if revocations.has(one[2], pool)]


def _forget_source(connection: sqlite3.Connection, source: int) -> None:
    for table in (*SOURCED, "list_signer"):
        connection.execute(f"DELETE FROM {table} WHERE source = ?", (source,))  # noqa: S608 - names of our own
    connection.execute("DELETE FROM source WHERE id = ?", (source,))


def write(
    connection: sqlite3.Connection, under_way: Admission, sources: Sequence[Source], *, test: bool, now: datetime
) -> int:
    """Write everything; return the number of certificates removed. One stays fit for service while any source for service names it."""
    known = {tuple(row): number for number, *row in connection.execute("SELECT id, sha256, kind, test FROM source")}
    ids = {
        index: _write_source(connection, sources[index], under_way, index, known, test=test, now=now)
        for index in sorted(under_way.used)
    }
    _write_anchors(connection, under_way, ids, test=test)
    for index, signer in under_way.lists.items():
        content = sources[index].content
        if isinstance(content, ListOfCertificates):
            connection.execute(_WITHDRAW, (content.kind.name, signer.issuer_country, int(test), ids[index]))
    withdrawn = connection.execute(FORGET).rowcount
    for one, source in under_way.revocation_lists:
        _write_revocation_list(connection, one, ids[source])
    for index, signer in under_way.lists.items():
        content = sources[index].content
        if isinstance(content, ListOfDefects):
            # The newest of each publisher; Admission has refused the older ones.
            kind, publisher, signed_at = content.kind.name, signer.issuer_country, content.parsed.signed_at.isoformat()
            connection.execute(
                "INSERT OR REPLACE INTO defect_list VALUES (?, ?, ?, ?, ?, ?, ?)",
                (kind, publisher, content.der, hashlib.sha256(content.der).digest(), signed_at, int(test), ids[index]),
            )
        connection.execute("INSERT OR REPLACE INTO list_signer VALUES (?, ?)", (ids[index], signer.der))
    connection.executemany(
        "INSERT OR IGNORE INTO tolerance VALUES (?, ?)",
        [
            (sources[whose].sha256 if isinstance(whose, int) else whose.hex(), one.name)
            for whose, tolerated in under_way.tolerated.items()
            for one in tolerated
        ],
    )
    signers.write(connection, under_way.signers, under_way.seal_signers, now)
    tidy(connection)
    return withdrawn


def tidy(connection: sqlite3.Connection) -> None:
    """Mark what is for demos only, and delete sources that nothing uses, with what was tolerated of them."""
    connection.execute(_MARK)
    connection.execute(_TIDY)
    connection.execute("DELETE FROM list_signer WHERE source NOT IN (SELECT id FROM source)")
    connection.execute(
        "DELETE FROM tolerance WHERE digest NOT IN "
        "(SELECT sha256 FROM source UNION SELECT lower(hex(fingerprint)) FROM certificate)"
    )


def _write_source(
    connection: sqlite3.Connection,
    source: Source,
    under_way: Admission,
    index: int,
    known: dict[tuple[object, ...], int],
    *,
    test: bool,
    now: datetime,
) -> int:
    """Store a source, or that a known one came again; a list without a signing time keeps its first date."""
    signer = under_way.lists.get(index)
    signed_at = None
    if signer is not None and isinstance(source.content, (ListOfCertificates, ListOfDefects)):
        signed_at = signing_time(source.content) or now
    fields = {
        "name": source.name,
        "kind": under_way.kind_of(source),
        "sha256": source.sha256,
        "signer": None if signer is None else signer.subject,
        "publisher": None if signer is None else signer.issuer_country,
        "signed_at": None if signed_at is None else signed_at.isoformat(),
        "imported_at": now.isoformat(),
        "test": int(test),
    }
    key = (fields["sha256"], fields["kind"], fields["test"])
    if key in known:
        connection.execute(_AGAIN, {**fields, "id": known[key]})
        return known[key]
    cursor = connection.execute(_SOURCE, fields)
    assert cursor.lastrowid is not None
    known[key] = cursor.lastrowid
    return cursor.lastrowid


def _write_anchors(connection: sqlite3.Connection, under_way: Admission, ids: Mapping[int, int], *, test: bool) -> None:
    rows = []
    for fingerprint, (one, standing) in under_way.accepted.items():
        names = one.subject, one.subject_id, one.key_id, one.country
        valid = one.not_before.isoformat(), one.not_after.isoformat()
        rows.append((fingerprint, one.der, *names, *valid, standing.value, int(test)))
    connection.executemany(
        "INSERT INTO certificate VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (fingerprint) DO UPDATE SET standing = excluded.standing",
        rows,
    )
    connection.executemany(
        "INSERT OR IGNORE INTO listing VALUES (?, ?)",
        [(fingerprint, ids[source]) for fingerprint, source in under_way.listings],
    )


def _write_revocation_list(connection: sqlite3.Connection, one: RevocationList, source: int) -> None:
    """Keep the newest list of each issuing key; Admission has refused older ones."""
    number = None if one.number is None else str(one.number)
    dates = one.this_update.isoformat(), None if one.next_update is None else one.next_update.isoformat()
    connection.execute(
        "INSERT OR REPLACE INTO revocation_list VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (one.issuer_id, one.authority_key_id or b"", one.der, hashlib.sha256(one.der).digest(), number, *dates, source),
    )

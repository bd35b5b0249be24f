"""What a list brought is withdrawn when its signer turns out to be revoked, whenever the revocation comes.

Inside the transaction of the caller. Lists for service are judged by what is for service only; the certificates that an operator
gave by hand, or that another list names, stay. The list itself is forgotten with its date: what a revoked signer dated keeps
nobody's older list out.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from datetime import datetime
from typing import Final

from gate.trust.known import Rejected
from gate.trust.pool import Pool
from gate.trust.revocations import Revocations
from gate.trust.schema import SOURCED
from gate_documents.pki.certificate import Certificate, parse_certificate

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


def withdraw_revoked(
    connection: sqlite3.Connection, refused: Collection[str], *, test: bool, now: datetime
) -> tuple[tuple[Rejected, ...], int]:
    """Withdraw what rests on lists of revoked signers; which lists they were, and how many certificates went with them.

    `refused` are the digests of lists that came again and were refused for their signer: a store of before version 4 does not say
    who signed what it holds.
    """
    for digest in refused:
        for (source,) in connection.execute(_DELIVERED, (digest, int(test))).fetchall():
            _forget_source(connection, source)
    gone: list[Rejected] = []
    withdrawn = connection.execute(FORGET).rowcount
    for kind in (0, 1):
        while found := _revoked(connection, kind, now):
            for source, name, signer in found:
                gone.append(
                    Rejected(name, f"{WITHDRAWN}: the certificate of its signer ({signer.subject}) was revoked since")
                )
                _forget_source(connection, source)
            # Whom only these lists named answers for no revocation any more.
            withdrawn += connection.execute(FORGET).rowcount
    return tuple(gone), withdrawn


def _revoked(connection: sqlite3.Connection, test: int, now: datetime) -> list[tuple[int, str, Certificate]]:
    """The lists whose signers stand on a revocation list."""
    signed = connection.execute(_SIGNED, (test,)).fetchall()
    if not signed:
        return []
    pool = Pool(parse_certificate(der) for (der,) in connection.execute(_CERTIFICATES, (test,)))
    revocations = Revocations(connection.execute(REVOCATION_LISTS, (test,)).fetchall(), {}, now)
    signers = [(source, name, parse_certificate(der)) for source, name, der in signed]
    return [one for one in signers if revocations.has(one[2], pool)]


def _forget_source(connection: sqlite3.Connection, source: int) -> None:
    for table in (*SOURCED, "list_signer"):
        connection.execute(f"DELETE FROM {table} WHERE source = ?", (source,))  # noqa: S608 - names of our own
    connection.execute("DELETE FROM source WHERE id = ?", (source,))

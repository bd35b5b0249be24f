"""Signers of a public key directory: of documents whose EF.SOD lacks its own, and of seals, which never contain theirs.

They vouch for nothing: an inspection judges them like one in EF.SOD. Signers that no known CSCA signed, and expired ones, are
not stored. A directory has 30,000: each is looked up in the file when needed. The seal's own checks verify its issuer.
"""

import hashlib
import sqlite3
import weakref
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from gate.trust.snapshot import Snapshot
from gate_documents.checks import Result
from gate_documents.errors import SignerMissingError
from gate_documents.pki.anchors import KnownIssuers
from gate_documents.pki.certificate import Certificate, parse_certificate
from gate_documents.pki.names import read_name
from gate_documents.pki.path import find_issuer
from gate_documents.pki.signed_data import Signer
from gate_documents.seal.profiles import SIGNER_PURPOSES

SIGNERS_MAX: Final = 100_000  # beyond, new ones are left out
NAMESAKES_MAX: Final = 8  # signers of one key identifier that are tried
_TABLES: Final = "SELECT name FROM sqlite_master WHERE name IN ('document_signer', 'seal_signer')"
_BY_NAME: Final = (
    "SELECT fingerprint, CAST(der AS BLOB) AS der FROM document_signer WHERE issuer_id = ? AND serial = ? LIMIT ?"
)
_BY_SEAL: Final = "SELECT fingerprint, CAST(der AS BLOB) AS der FROM seal_signer WHERE country = ? AND name = ? AND serial = ? LIMIT ?"
_BY_KEY: Final = "SELECT fingerprint, CAST(der AS BLOB) AS der FROM document_signer WHERE key_id = ? LIMIT ?"


@dataclass(frozen=True, slots=True)
class Admitted:
    """`new`: to be stored; `known`: stored already; `refused`: number of others by reason."""

    new: tuple[Certificate, ...] = ()
    known: int = 0
    refused: tuple[tuple[str, int], ...] = ()


def admit(
    found: Iterable[Certificate],
    anchors: KnownIssuers,
    known: frozenset[bytes],
    now: datetime,
    why_not: Callable[[Certificate], str],
) -> Admitted:
    """Split signers into those that a known CSCA signed, and unusable ones. `known`: fingerprints verified before.

    `why_not` returns an objection to a certificate itself: `no_document_signer` or `no_seal_signer`.
    """
    new: dict[bytes, Certificate] = {}
    again: set[bytes] = set()
    refused: Counter[str] = Counter()
    for certificate in found:
        fingerprint = certificate.fingerprint
        if fingerprint in known:
            again.add(fingerprint)
        elif fingerprint in new:
            continue
        elif reason := why_not(certificate) or _why_not(certificate, anchors, now):
            refused[reason] += 1
        elif len(known) + len(new) == SIGNERS_MAX:
            refused[f"beyond the {SIGNERS_MAX} that the store holds"] += 1
        else:
            new[fingerprint] = certificate
    return Admitted(tuple(new.values()), len(again), tuple(refused.items()))


def no_document_signer(certificate: Certificate) -> str:
    """Return why a certificate is no document signer's; empty if it is."""
    fit = certificate.may_sign_documents and certificate.has_key_usage
    return "" if fit else "not a document signer's certificate"


def no_seal_signer(certificate: Certificate) -> str:
    """Return why a certificate is no seal signer's; empty if it is (ICAO 9303-12 §7.1.3)."""
    if not certificate.may_sign_documents or not certificate.purposes & SIGNER_PURPOSES:
        return "not a seal signer's certificate"
    return "" if certificate.country == certificate.issuer_country else "names two countries"


def _why_not(certificate: Certificate, anchors: KnownIssuers, now: datetime) -> str:
    if certificate.not_after < now:
        return "ended"
    signed = find_issuer(certificate, anchors, now).result is Result.SUCCESSFUL
    return "" if signed else "signed by no known CSCA"


def fingerprints(connection: sqlite3.Connection, table: str) -> frozenset[bytes]:
    """Return the stored fingerprints."""
    return frozenset(row[0] for row in connection.execute(_fingerprints(table)))


def _fingerprints(table: str) -> str:
    return f"SELECT fingerprint FROM {table}"  # noqa: S608 - names of our own


def write(connection: sqlite3.Connection, admitted: Admitted, seal_signers: Admitted, now: datetime) -> None:
    """Store the new ones and delete expired ones, inside the caller's transaction."""
    seals = [
        (one.fingerprint, one.der, one.country, one.common_name, str(one.serial), one.not_after.isoformat())
        for one in seal_signers.new
    ]
    documents = [
        (one.fingerprint, one.der, one.issuer_id, str(one.serial), one.key_id, one.not_after.isoformat())
        for one in admitted.new
    ]
    for table, rows in (("seal_signer", seals), ("document_signer", documents)):
        connection.executemany(f"INSERT INTO {table} VALUES (?, ?, ?, ?, ?, ?)", rows)  # noqa: S608 - names of our own
        connection.execute(f"DELETE FROM {table} WHERE not_after < ?", (now.isoformat(),))  # noqa: S608


class DirectorySigners:
    """The signers of one snapshot of the store, which stays open while this exists.

    `count`, `seal_count`: of documents and of seals; `digest`, `seal_digest`: SHA-256 over their fingerprints.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        """Take over the snapshot; it may belong to another thread if only one uses it at a time. Raises sqlite3.Error."""
        tables = {row["name"] for row in snapshot.rows(_TABLES)}
        documents, seals = (
            [row[0] for row in snapshot.rows(_fingerprints(table))] if table in tables else []
            for table in ("document_signer", "seal_signer")
        )
        if not all(isinstance(one, bytes) for one in (*documents, *seals)):
            raise sqlite3.DatabaseError("a fingerprint that is none")
        self._snapshot = snapshot
        weakref.finalize(self, snapshot.close)
        self.count, self.seal_count = len(documents), len(seals)
        self.digest, self.seal_digest = (hashlib.sha256(b"".join(sorted(one))).digest() for one in (documents, seals))

    def named(self, signer: Signer) -> tuple[Certificate, ...]:
        """Return the certificates that this signer identifier may mean. Raises SignerMissingError if they cannot be read."""
        if not self.count:
            return ()
        if signer.issuer_and_serial is None:
            return self._read(_BY_KEY, signer.key_id)
        issuer, serial = signer.issuer_and_serial
        # Tolerantly: a signer may write its issuer's name in other string types than its certificate does.
        return self._read(_BY_NAME, read_name(issuer).id, str(serial))

    def of_seal(self, country: str, name: str, serial: int) -> tuple[Certificate, ...]:
        """Return the certificates that a seal may mean. Raises SignerMissingError if they cannot be read."""
        return self._read(_BY_SEAL, country, name, str(serial)) if self.seal_count else ()

    def _read(self, question: str, *values: object) -> tuple[Certificate, ...]:
        try:
            rows = self._snapshot.rows(question, *values, NAMESAKES_MAX)
        except sqlite3.Error as error:
            raise SignerMissingError("the signers of the trust store cannot be read") from error
        if any(hashlib.sha256(row["der"] or b"").digest() != row["fingerprint"] for row in rows):
            raise SignerMissingError("the trust store is damaged; make it anew with `gate trust import`")
        return tuple(parse_certificate(row["der"]) for row in rows)

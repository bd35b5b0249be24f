"""Bringing certificates and lists into the store, each verified on the way in.

A certificate is taken when it signed itself, when a known one signed it (a link), or when a list names it whose signer is
vouched for. A list's signer is vouched for by a certificate given for the purpose, or by one already in the store. An import
is one transaction: after a power cut the store is as it was before or as it is after.
"""

from __future__ import annotations

import enum
import hashlib
import sqlite3
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlite_utils import Database

from gate.document.checks import Result
from gate.document.errors import DocumentError
from gate.document.pki.anchors import Anchor
from gate.document.pki.certificate import Certificate, parse_certificate
from gate.document.pki.master_list import MasterList
from gate.document.pki.path import find_issuer
from gate.document.pki.revocation import RevocationList
from gate.trust.errors import SourceError, StoreError
from gate.trust.schema import connect, migrate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime
    from pathlib import Path

    from gate.trust.sources import Source


class Standing(enum.Enum):
    """Why a certificate is trusted. Stored in the database; never renamed."""

    SELF_SIGNED = "self_signed"
    LINKED = "linked"
    LISTED = "listed"


@dataclass(frozen=True, slots=True)
class Rejected:
    """A certificate or list that was left out, and why."""

    subject: str
    reason: str


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did. `certificates` were found, `accepted` of them are in the store now."""

    certificates: int
    accepted: int
    rejected: tuple[Rejected, ...]
    countries: int
    revocation_lists: int


class _Pool:
    """The certificates that are trusted so far, found as an inspection finds them."""

    def __init__(self, known: Iterable[Certificate]) -> None:
        self._by_key_id: dict[bytes, list[Anchor]] = defaultdict(list)
        self._by_subject: dict[bytes, list[Anchor]] = defaultdict(list)
        for certificate in known:
            self.add(certificate)

    def add(self, certificate: Certificate) -> None:
        anchor = Anchor(certificate)
        self._by_subject[certificate.subject_id].append(anchor)
        if certificate.key_id is not None:
            self._by_key_id[certificate.key_id].append(anchor)

    def with_key_id(self, key_id: bytes) -> Sequence[Anchor]:
        return self._by_key_id.get(key_id, ())

    def with_subject(self, subject_id: bytes) -> Sequence[Anchor]:
        return self._by_subject.get(subject_id, ())

    def revocation_lists(self, issuer_id: bytes) -> Sequence[RevocationList]:  # noqa: ARG002 - the port's shape
        return ()


class _Import:
    """One import under way: the pool grows, the accepted and the rejected are noted, nothing is written yet."""

    def __init__(self, known: Iterable[Certificate], *, signer: Certificate | None, now: datetime) -> None:
        self._pool = _Pool(known)
        self._signers = None if signer is None else _Pool([signer])
        self._now = now
        self.accepted: dict[bytes, tuple[Certificate, Standing, int]] = {}
        self.rejected: list[Rejected] = []
        self.revocation_lists: list[tuple[RevocationList, int]] = []
        self.list_signers: dict[int, Certificate] = {}
        self.found = 0

    def accept(self, certificate: Certificate, standing: Standing, source: int) -> None:
        self._pool.add(certificate)
        self.accepted[certificate.fingerprint] = (certificate, standing, source)

    def admit_single(self, waiting: Sequence[tuple[int, Certificate]]) -> list[tuple[int, Certificate]]:
        """Admit what signed itself or is signed by a known one, until nothing more can be; return the rest."""
        while True:
            left = [(source, one) for source, one in waiting if not self._admit(source, one)]
            if len(left) == len(waiting):
                return left
            waiting = left

    def _admit(self, source: int, certificate: Certificate) -> bool:
        if not certificate.may_sign_certificates:
            return False
        if _signed_itself(certificate):
            self.accept(certificate, Standing.SELF_SIGNED, source)
            return True
        if find_issuer(certificate, self._pool, self._now).result is Result.SUCCESSFUL:
            self.accept(certificate, Standing.LINKED, source)
            return True
        return False

    def admit_list(self, source: int, name: str, master_list: MasterList, progress: Callable[[int, int], None]) -> None:
        """Admit the certificates of a list whose signer is vouched for. Raises SourceError when nobody does."""
        self.list_signers[source] = self._signer_of(name, master_list)
        certificates: list[Certificate] = []
        for number, der in enumerate(master_list.certificates, 1):
            try:
                certificates.append(parse_certificate(der))
            except DocumentError as error:
                self.rejected.append(Rejected(f"certificate {number} of {name}", str(error)))
        self.found += len(master_list.certificates)
        for certificate in certificates:
            self._pool.add(certificate)
        for number, certificate in enumerate(certificates, 1):
            self.accepted[certificate.fingerprint] = (certificate, self._standing(certificate), source)
            progress(number, len(certificates))

    def _standing(self, certificate: Certificate) -> Standing:
        """How a listed certificate is borne out. Links whose predecessor is in no list are real, and stay listed only."""
        if _signed_itself(certificate):
            return Standing.SELF_SIGNED
        linked = find_issuer(certificate, self._pool, self._now).result is Result.SUCCESSFUL
        return Standing.LINKED if linked else Standing.LISTED

    def _signer_of(self, name: str, master_list: MasterList) -> Certificate:
        try:
            signer = master_list.verify()
        except DocumentError as error:
            raise SourceError(f"{name}: {error}") from error
        moment = master_list.message.signers[0].signing_time or self._now
        if moment > self._now or not signer.valid_at(moment):
            raise SourceError(f"{name}: its signer's certificate was not valid when it was signed")
        for pool in (self._signers, self._pool):
            if pool is not None and find_issuer(signer, pool, moment).result is Result.SUCCESSFUL:
                return signer
        raise SourceError(
            f"{name}: nobody vouches for its signer ({signer.subject}); give the CSCA that issued it as --signer, "
            "or import that first",
        )

    def admit_revocation_list(self, source: int, name: str, one: RevocationList) -> None:
        """Admit a list that a known key of its issuer signed."""
        anchors = self._pool.with_key_id(one.authority_key_id) if one.authority_key_id else ()
        for anchor in anchors or self._pool.with_subject(one.issuer_id):
            try:
                one.verify_signed_by(anchor.certificate)
            except DocumentError:
                continue
            if anchor.certificate.subject_id == one.issuer_id:
                self.revocation_lists.append((one, source))
                return
        self.rejected.append(Rejected(name, "a revocation list that no known CSCA signed"))


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
        known = [parse_certificate(row[0]) for row in connection.execute("SELECT der FROM certificate")]
        under_way = _Import(known, signer=signer, now=now)
        _admit_all(under_way, sources, progress)
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


def _admit_all(under_way: _Import, sources: Sequence[Source], progress: Callable[[int, int], None]) -> None:
    """Single certificates first, so that they can vouch for lists; what is left waits for the lists' certificates."""
    single = [(index, one.content) for index, one in enumerate(sources) if isinstance(one.content, Certificate)]
    under_way.found += len(single)
    waiting = under_way.admit_single(single)
    for index, source in enumerate(sources):
        if isinstance(source.content, MasterList):
            under_way.admit_list(index, source.name, source.content, progress)
    for _, certificate in under_way.admit_single(waiting):
        may_sign = certificate.may_sign_certificates
        reason = "neither self-signed nor signed by a known CSCA" if may_sign else "not a CSCA certificate"
        under_way.rejected.append(Rejected(certificate.subject, reason))
    for index, source in enumerate(sources):
        if isinstance(source.content, RevocationList):
            under_way.admit_revocation_list(index, source.name, source.content)


def _signed_itself(certificate: Certificate) -> bool:
    if certificate.subject_id != certificate.issuer_id:
        return False
    try:
        certificate.verify_signed_by(certificate)
    except DocumentError:
        return False
    return True


def _write(
    connection: sqlite3.Connection,
    under_way: _Import,
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
    under_way: _Import,
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

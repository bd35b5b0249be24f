"""Imports certificates and lists into the store, each verified first.

An import copies the store to a draft beside it, changes, closes and re-reads the draft, syncs it to the disk, and renames it to the store. A
kill at any step leaves the old store, or the new one, and at most a draft that the next import deletes. One import runs at a time.
"""

import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final

from gate.trust import signers
from gate.trust.admission import Admission, Known
from gate.trust.errors import BusyError, StoreError
from gate.trust.import_writer import REVOCATION_LISTS, WITHDRAWN, tidy, withdraw_revoked, write
from gate.trust.list_kinds import ListOfDefects
from gate.trust.schema import connect_draft, migrate
from gate.trust.snapshot import open_snapshot
from gate.trust.sources import Rejected, Source, Way
from gate.trust.store import TrustStore
from gate_core import durable
from gate_documents.errors import DocumentError
from gate_documents.pki.certificate import Certificate, parse_certificate
from gate_documents.pki.revocation import RevocationList

DRAFT: Final = ".draft"
_MODE: Final = 0o644  # certificates are no secret
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


class Replacement:
    """The draft of a new store. `commit` replaces the old one; otherwise the draft is deleted."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.draft = path.with_name(path.name + DRAFT)

    def throw_away(self) -> None:
        """Delete all files that SQLite may leave of a draft."""
        for ending in ("", "-journal", "-wal", "-shm"):
            self.draft.with_name(self.draft.name + ending).unlink(missing_ok=True)

    def commit(self) -> TrustStore:
        """Re-read the draft, as the lane will, and replace the store with it. Raises StoreError and OSError."""
        with closing(open_snapshot(self.draft)) as snapshot:
            problem = snapshot.rows("PRAGMA integrity_check(1)")[0][0]
        if problem != "ok":
            raise StoreError(f"{self.draft}: was not written as it should be ({problem})")
        store = TrustStore.open(self.draft)
        mode = self.path.stat().st_mode & 0o777 if self.path.exists() else _MODE
        durable.replace(self.draft, self.path, mode=mode)
        return store


@contextmanager
def replacing(path: Path) -> Iterator[Replacement]:
    """Yield a draft: a copy of the store, or empty if there is none. Raises StoreError."""
    replacement = Replacement(path)
    try:
        with _alone(path):
            replacement.throw_away()
            try:
                if path.exists() and path.stat().st_size:
                    # SQLite's own copying, of a file that was seen to be a trust store.
                    with closing(open_snapshot(path)) as old, closing(sqlite3.connect(replacement.draft)) as new:
                        old.backup(new)
                yield replacement
            finally:
                replacement.throw_away()
    except (sqlite3.Error, OSError) as error:
        raise StoreError(f"the trust store {path} cannot be written: {getattr(error, 'strerror', error)}") from error


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold the lock file beside the store. It stays: deleting a lock file would break the lock. Read permission suffices."""
    descriptor = os.open(path.with_name(path.name + ".lock"), os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, _MODE)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BusyError(f"{path}: another import is under way") from error
        yield
    finally:
        os.close(descriptor)


@dataclass(frozen=True, slots=True)
class ImportReport:
    """Result of an import. `certificates`: found; `accepted`: of these, now in the store; `withdrawn`: removed from it.

    `document_signers`, `seal_signers`: found and now in the store, not counted above. `version`: the store's
    afterwards; `replaced`: False if the store is unchanged.
    """

    certificates: int
    accepted: int
    rejected: tuple[Rejected, ...]
    countries: int
    revocation_lists: int
    defect_lists: int = 0
    withdrawn: int = 0
    document_signers: int = 0
    seal_signers: int = 0
    version: str = ""
    replaced: bool = True

    @property
    def took_nothing(self) -> bool:
        """True if nothing that was found is in the store now."""
        signers = self.document_signers or self.seal_signers
        return not (self.accepted or self.revocation_lists or self.defect_lists or signers)


def import_sources(
    path: Path,
    sources: Sequence[Source],
    *,
    signer: Certificate | None,
    test: bool,
    now: datetime,
    way: Way = Way.HANDED,
    progress: Callable[[int, int], None] = lambda done, total: None,  # noqa: ARG005 - the callback's shape
) -> ImportReport:
    """Verify the sources' content and write it to the store, which is created if missing.

    `signer` vouches for lists; `test` marks everything as fit for demos only. `progress` receives (done, total) for a
    list. Watched sources replace the store only if they change it: repeated delivery makes nothing younger. Raises
    SourceError or StoreError; the store is then unchanged.
    """
    with replacing(path) as replacement:
        before = TrustStore.open(path).version if replacement.draft.exists() else ""
        report = _import_into(replacement.draft, sources, signer=signer, test=test, now=now, way=way, progress=progress)
        version = TrustStore.open(replacement.draft).version
        if report.took_nothing or (way is Way.WATCHED and version == before):
            return replace(report, version=before, replaced=False)
        return replace(report, version=replacement.commit().version)


def _import_into(
    path: Path,
    sources: Sequence[Source],
    *,
    signer: Certificate | None,
    test: bool,
    now: datetime,
    way: Way,
    progress: Callable[[int, int], None],
) -> ImportReport:
    """Import into this private file. Raises as `import_sources`, and sqlite3.Error.

    Revocation lists come first: a certificate that they revoke must vouch for nothing else in the import.
    """

    def go_round(connection: sqlite3.Connection, some: Sequence[Source]) -> ImportReport:
        under_way = Admission(_known(connection, test=test), signer=signer, now=now, way=way)
        under_way.admit(some, progress)
        with connection:
            unnamed = write(connection, under_way, some, test=test, now=now)
            refused = {some[index].sha256 for index in under_way.revoked}
            gone, withdrawn = withdraw_revoked(connection, refused, test=test, now=now)
            tidy(connection)
        return ImportReport(
            certificates=under_way.found,
            accepted=len(under_way.accepted),
            rejected=(*gone, *under_way.rejected),
            countries=len({certificate.country for certificate, _ in under_way.accepted.values()}),
            revocation_lists=len(under_way.revocation_lists),
            defect_lists=sum(isinstance(some[index].content, ListOfDefects) for index in under_way.lists),
            withdrawn=unnamed + withdrawn,
            document_signers=len(under_way.signers.new) + under_way.signers.known,
            seal_signers=len(under_way.seal_signers.new) + under_way.seal_signers.known,
        )

    revocations = [one for one in sources if isinstance(one.content, RevocationList)]
    with closing(connect_draft(path)) as connection:
        try:
            migrate(connection)
            first = go_round(connection, revocations) if 0 < len(revocations) < len(sources) else None
            report = go_round(connection, sources)
        except DocumentError as error:
            raise StoreError(f"{path}: holds a certificate that cannot be read ({error})") from error
    if first is None:
        return report
    gone = tuple(one for one in first.rejected if one not in report.rejected and one.reason.startswith(WITHDRAWN))
    return replace(report, rejected=gone + report.rejected, withdrawn=first.withdrawn + report.withdrawn)


def _known(connection: sqlite3.Connection, *, test: bool) -> Known:
    """Return the store's content. Data for demos vouches only for data for demos."""
    known = [(parse_certificate(der), vouches) for der, vouches in connection.execute(_KNOWN, {"test": int(test)})]
    lists = connection.execute(_LISTS, {"test": int(test)}).fetchall()
    editions = connection.execute("SELECT issuer_id, authority_key_id, this_update, number FROM revocation_list")
    return Known(
        certificates=[certificate for certificate, _ in known],
        vouching=[certificate for certificate, vouches in known if vouches],
        signed_at={(kind, publisher): datetime.fromisoformat(moment) for kind, publisher, moment in lists},
        editions={
            (issuer, key): (datetime.fromisoformat(moment), None if number is None else int(number))
            for issuer, key, moment, number in editions
        },
        revocations=connection.execute(REVOCATION_LISTS, (int(test),)).fetchall(),
        signers=signers.fingerprints(connection, "document_signer"),
        seal_signers=signers.fingerprints(connection, "seal_signer"),
    )

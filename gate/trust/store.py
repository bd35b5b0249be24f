"""The trust store for inspections: a snapshot in memory, loaded in milliseconds.

Certificates were verified at import. Here they are found by key identifier or name, and parsed when first requested, so
that opening a store needs no cryptography. Only document signers stay in the file: there may be many.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from gate.trust.errors import StoreError
from gate.trust.list_kinds import LISTS_OF_DEFECTS, MASTER_LIST
from gate.trust.signers import DirectorySigners
from gate.trust.snapshot import Snapshot, is_sound, is_whole, open_snapshot, shown
from gate_core.evidence.trust_lists import Edition, PublishedList
from gate_documents.checks import Tolerance
from gate_documents.dates import revocation_list_until
from gate_documents.pki.anchors import Anchor
from gate_documents.pki.certificate import Certificate, parse_certificate
from gate_documents.pki.known_defects import KnownDefects
from gate_documents.pki.revocation import RevocationList, parse_revocation_list
from gate_documents.pki.signed_data import Signer

_CERTIFICATES: Final = (
    "SELECT fingerprint, CAST(der AS BLOB) AS der, subject, subject_id, key_id, country, not_before, not_after, standing, test "
    "FROM certificate"
)
_REVOCATION_LISTS: Final = (
    "SELECT issuer_id, CAST(der AS BLOB) AS der, revocation_list.sha256, number, this_update, next_update, "
    "coalesce(source.test, 1) AS test FROM revocation_list LEFT JOIN source ON source.id = revocation_list.source"
)
_DEFECT_LISTS: Final = "SELECT kind, CAST(der AS BLOB) AS der, sha256, test FROM defect_list"
_SOURCES: Final = "SELECT kind, publisher, signed_at, imported_at FROM source"
# What was tolerated of a certificate, of every list that a certificate comes from, of a revocation list.
_TOLERATED: Final = (
    "SELECT CAST(fingerprint AS BLOB), tolerance.name FROM certificate JOIN tolerance ON digest = lower(hex(fingerprint)) "
    "UNION SELECT CAST(fingerprint AS BLOB), tolerance.name FROM listing JOIN source ON source.id = listing.source "
    "JOIN tolerance ON digest = sha256 WHERE NOT EXISTS (SELECT 1 FROM listing AS other JOIN source ON source.id = other.source "
    "WHERE other.fingerprint = listing.fingerprint AND sha256 NOT IN (SELECT digest FROM tolerance)) "
    "UNION SELECT CAST(sha256 AS BLOB), name FROM revocation_list JOIN tolerance ON digest = lower(hex(sha256))"
)
_HAS_TOLERANCES: Final = "SELECT 1 FROM sqlite_master WHERE name = 'tolerance'"
_DEFECT_PARSERS: Final = {kind.name: kind.parse for kind in LISTS_OF_DEFECTS}
_LIST_KINDS: Final = frozenset({MASTER_LIST.name, *_DEFECT_PARSERS})


@dataclass(frozen=True, slots=True)
class Coverage:
    """The store's content for one country: dates of the newest certificate and of the last to expire.

    `revocation_until`: the date until which the newest revocation list is valid, empty if there is none.
    """

    code: str
    certificates: int
    newest: str
    expires: str
    revocation_until: str = ""


class TrustStore:
    """A snapshot of the store; satisfies `gate_documents.pki.anchors.TrustAnchors`.

    `version` identifies the content, whatever its file: the SHA-256, in hex, of every certificate and list with how it
    is trusted. Audit records contain it, so that an auditor knows which lists judged a crossing.
    """

    def __init__(self, snapshot: Snapshot, path: Path) -> None:
        """Read an opened snapshot, which stays open for lookups of document signers. Raises StoreError."""
        try:
            certificates = snapshot.rows(_CERTIFICATES)
            lists = snapshot.rows(_REVOCATION_LISTS)
            defects = snapshot.rows(_DEFECT_LISTS)
            sources = snapshot.rows(_SOURCES)
            self._signers = signers = DirectorySigners(snapshot)
            self.document_signers_count, self.seal_signers_count = signers.count, signers.seal_count
            self.names_tolerances = bool(snapshot.rows(_HAS_TOLERANCES))  # older stores do not
            tolerances = snapshot.rows(_TOLERATED) if self.names_tolerances else []
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise StoreError(f"{path}: cannot be read ({shown(error)})") from error
        whole = is_whole((*certificates, *lists, *defects)) and _are_whole(sources, defects)
        whole = whole and all(name in Tolerance.__members__ for _, name in tolerances)
        if not whole or not _are_undamaged(certificates, lists, defects):
            raise StoreError(f"{path}: is damaged; make it anew with `gate trust import`")
        moments = [row[name] for row in sources for name in ("signed_at", "imported_at")]
        if not is_sound(certificates, lists, moments):
            raise StoreError(f"{path}: holds a date or number that is none; make it anew with `gate trust import`")
        newest = max((row["imported_at"] for row in sources), default=None)
        self.newest_import = None if newest is None else datetime.fromisoformat(newest).astimezone(UTC)
        self.published = tuple(_published(sources))
        self._tolerated: dict[bytes, frozenset[Tolerance]] = defaultdict(frozenset)
        for fingerprint, name in tolerances:
            self._tolerated[fingerprint] |= {Tolerance[name]}
        # Sorted not by SQLite: rows are counted as they come, and it would heap them up.
        self._certificates = sorted(certificates, key=lambda row: row["fingerprint"])
        self._revocation_lists, self._defect_lists = lists, defects
        self.version = self._named_by_content()
        self._revocations: dict[bytes, tuple[RevocationList, ...]] = {}
        self._defects: tuple[tuple[KnownDefects, bool], ...] | None = None
        self._anchors: dict[int, Anchor] = {}
        self._by_key_id: dict[bytes, list[int]] = defaultdict(list)
        self._by_subject: dict[bytes, list[int]] = defaultdict(list)
        self._by_country: dict[str, list[int]] = defaultdict(list)
        for index, row in enumerate(self._certificates):
            self._by_country[row["country"]].append(index)
            self._by_subject[row["subject_id"]].append(index)
            if row["key_id"] is not None:
                self._by_key_id[row["key_id"]].append(index)

    def _named_by_content(self) -> str:
        signers = self._signers
        lines = sorted(
            [f"certificate {row['fingerprint'].hex()} {row['standing']} {row['test']}" for row in self._certificates]
            + [f"revocation {row['sha256'].hex()}" for row in self._revocation_lists]
            + [f"defects {row['sha256'].hex()} {row['test']}" for row in self._defect_lists]
            + [f"published {one.kind} {one.publisher} {one.signed_at}" for one in self.published]
            + ([f"document signers {signers.digest.hex()}"] if signers.count else [])
            + ([f"seal signers {signers.seal_digest.hex()}"] if signers.seal_count else [])
        )
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    @classmethod
    def open(cls, path: Path) -> TrustStore:
        """Read the whole store. Raises StoreError; also if a byte of the imported data has changed on the disk."""
        snapshot = open_snapshot(path)
        try:
            store = cls(snapshot, path)
        except StoreError:
            snapshot.close()
            raise
        if not store.document_signers_count and not store.seal_signers_count:
            snapshot.close()
        return store

    def __len__(self) -> int:
        return len(self._certificates)

    def with_key_id(self, key_id: bytes) -> Sequence[Anchor]:
        """The anchors whose subject key identifier is `key_id`."""
        return [self._anchor(index) for index in self._by_key_id.get(key_id, ())]

    def with_subject(self, subject_id: bytes) -> Sequence[Anchor]:
        """The anchors with this subject."""
        return [self._anchor(index) for index in self._by_subject.get(subject_id, ())]

    def with_key_of(self, certificate: Certificate) -> Sequence[Certificate]:
        """Return the anchors' certificates with this one's country and key, under any name."""
        indexes = self._by_country.get(certificate.country, ())
        known = (self._anchor(index).certificate for index in indexes)
        return [one for one in known if one.has_key_of(certificate)]

    def revocation_lists(self, issuer_id: bytes) -> Sequence[RevocationList]:
        """Return this issuer's revocation lists, newest first. Parsed once: some have tens of thousands of entries."""
        if issuer_id not in self._revocations:
            rows = [row for row in self._revocation_lists if row["issuer_id"] == issuer_id]
            if not rows:
                return ()  # not cached: presented documents may name any number of issuers
            lists = [
                replace(parse_revocation_list(row["der"]), tolerated=self._tolerated.get(row["sha256"], frozenset()))
                for row in rows
            ]
            self._revocations[issuer_id] = tuple(sorted(lists, key=lambda one: one.this_update, reverse=True))
        return self._revocations[issuer_id]

    def known_defects(self, signer: Certificate) -> Sequence[KnownDefects]:
        """Return the entries of defect and deviation lists that name this signer, or only its country's documents.

        The lists are parsed when first requested. Those for demos concern only documents under a CSCA for demos.
        """
        found = [(entry, test) for entry, test in self._all_defects() if entry.affected.names(signer)]
        anchors: Sequence[Anchor] = ()
        if any(test for _, test in found):
            anchors = self.with_key_id(signer.authority_key_id or b"") or self.with_subject(signer.issuer_id)
        demo = bool(anchors) and all(anchor.test for anchor in anchors)
        return [entry for entry, test in found if demo or not test]

    def read_ahead(self) -> None:
        """Parse every list now: a state may publish one that takes seconds, which must not delay a traveller or the beams."""
        for row in self._revocation_lists:
            self.revocation_lists(row["issuer_id"])
        self._all_defects()

    def _all_defects(self) -> tuple[tuple[KnownDefects, bool], ...]:
        if self._defects is None:
            self._defects = tuple(
                (entry, bool(row["test"]))
                for row in self._defect_lists
                for entry in _DEFECT_PARSERS[row["kind"]](row["der"]).entries
            )
        return self._defects

    def document_signers(self, signer: Signer) -> Sequence[Certificate]:
        """Return a directory's certificates that this signer identifier may mean. Raises SignerMissingError if they cannot be read."""
        return self._signers.named(signer)

    def seal_signers(self, country: str, name: str, serial: int) -> Sequence[Certificate]:
        """Return the certificates that a seal may mean. Raises SignerMissingError if they cannot be read."""
        return self._signers.of_seal(country, name, serial)

    @property
    def marked_as_test(self) -> int:
        """Return the number of certificates and lists fit for demos only."""
        rows = (*self._certificates, *self._revocation_lists, *self._defect_lists)
        return sum(bool(row["test"]) for row in rows)

    def standings(self) -> dict[str, int]:
        """Return the number of certificates by standing: self_signed, linked, or listed only."""
        return dict(Counter(row["standing"] for row in self._certificates))

    def coverage(self) -> tuple[Coverage, ...]:
        """Return one row per country, sorted by code."""
        return tuple(
            Coverage(
                code=code,
                certificates=len(found),
                newest=max(row["not_before"] for row in found)[:10],
                expires=max(row["not_after"] for row in found)[:10],
                revocation_until=self._revocation_until({row["subject_id"] for row in found}),
            )
            for code, found in self.by_country()
        )

    def editions(self) -> tuple[Edition, ...]:
        """Return the stored revocation lists, by country."""
        countries = {row["subject_id"]: row["country"] or "-" for row in self._certificates}
        editions = [
            Edition(
                country=countries.get(row["issuer_id"], "-"),
                number=row["number"],
                this_update=datetime.fromisoformat(row["this_update"]),
                next_update=None if row["next_update"] is None else datetime.fromisoformat(row["next_update"]),
            )
            for row in self._revocation_lists
        ]
        return tuple(sorted(editions, key=lambda one: (one.country, one.this_update)))

    def by_country(self) -> list[tuple[str, list[sqlite3.Row]]]:
        """Return the certificates' rows by country code; those without a country under `-`."""
        rows: dict[str, list[sqlite3.Row]] = defaultdict(list)
        for row in self._certificates:
            rows[row["country"] or "-"].append(row)
        return sorted(rows.items())

    def csca_departures(self) -> list[tuple[str, str, str]]:
        """Return country, subject and tolerance of each certificate without the right to sign certificates."""
        return [
            (row["country"], row["subject"], departure.name)
            for index, row in enumerate(self._certificates)
            for departure in self._anchor(index).certificate.csca_departures
        ]

    def _revocation_until(self, issuer_ids: set[bytes]) -> str:
        ends = [
            revocation_list_until(
                datetime.fromisoformat(row["this_update"]), datetime.fromisoformat(row["next_update"])
            )
            for row in self._revocation_lists
            if row["issuer_id"] in issuer_ids and row["next_update"] is not None
        ]
        return max((one.date().isoformat() for one in ends if one is not None), default="")

    def _anchor(self, index: int) -> Anchor:
        if index not in self._anchors:
            row = self._certificates[index]
            tolerated = self._tolerated.get(row["fingerprint"], frozenset())
            self._anchors[index] = Anchor(parse_certificate(row["der"]), test=bool(row["test"]), tolerated=tolerated)
        return self._anchors[index]


def _are_whole(sources: Sequence[sqlite3.Row], defects: Sequence[sqlite3.Row]) -> bool:
    """True if each source has kind and import time, and each publisher's list a kind and date."""
    published = [row for row in sources if row["publisher"] is not None]
    return (
        all(isinstance(row[name], str) for row in sources for name in ("kind", "imported_at"))
        and all(isinstance(row[name], str) for row in published for name in ("publisher", "signed_at"))
        and {row["kind"] for row in published} <= _LIST_KINDS
        and {row["kind"] for row in defects} <= _DEFECT_PARSERS.keys()
    )


def _are_undamaged(certificates: Sequence[sqlite3.Row], *lists: Sequence[sqlite3.Row]) -> bool:
    digests = [(row["fingerprint"], row["der"]) for row in certificates]
    digests += [(row["sha256"], row["der"]) for rows in lists for row in rows]
    return all(hashlib.sha256(der).digest() == digest for digest, der in digests)


def _published(sources: Sequence[sqlite3.Row]) -> list[PublishedList]:
    """The newest list of each kind and publisher."""
    newest: dict[tuple[str, str], str] = {}
    for row in sources:
        if row["publisher"] is not None:
            key = (row["kind"], row["publisher"])
            newest[key] = max(row["signed_at"], newest.get(key, ""))
    return [PublishedList(kind, publisher, signed_at) for (kind, publisher), signed_at in sorted(newest.items())]

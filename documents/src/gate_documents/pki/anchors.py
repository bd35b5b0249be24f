"""The port of the trusted certificates and lists for judging documents, and its simplest implementation."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gate_documents.checks import Tolerance
    from gate_documents.pki.certificate import Certificate
    from gate_documents.pki.known_defects import KnownDefects
    from gate_documents.pki.revocation import RevocationList
    from gate_documents.pki.signed_data import Signer


@dataclass(frozen=True, slots=True)
class Anchor:
    """A trusted country signing certificate (CSCA). `test` marks one for demos and specimens only.

    `tolerated`: deviations that were accepted.
    """

    certificate: Certificate
    test: bool = False
    tolerated: frozenset[Tolerance] = frozenset()


class KnownIssuers(Protocol):
    """The trusted CSCA certificates, all of them verified."""

    def with_key_id(self, key_id: bytes) -> Sequence[Anchor]:
        """The anchors whose subject key identifier is `key_id`."""
        ...

    def with_subject(self, subject_id: bytes) -> Sequence[Anchor]:
        """The anchors with this subject, as `Certificate.subject_id` and `Certificate.issuer_id` name it."""
        ...

    def with_key_of(self, certificate: Certificate) -> Sequence[Certificate]:
        """Return the anchors' certificates of this anchor's country and key, under any name, itself included."""
        ...


class TrustAnchors(KnownIssuers, Protocol):
    """The CSCA certificates and the lists that are trusted, all of them verified when they were imported."""

    def revocation_lists(self, issuer_id: bytes) -> Sequence[RevocationList]:
        """The revocation lists of this issuer, newest first."""
        ...

    def document_signers(self, signer: Signer) -> Sequence[Certificate]:
        """Return known certificates that this signer identifier may mean. Being found does not make them trusted.

        Raises SignerMissingError if they cannot be read.
        """
        ...

    def seal_signers(self, country: str, name: str, serial: int) -> Sequence[Certificate]:
        """Return known certificates of a seal's signer with this country, common name and number.

        Being found does not make them trusted. Raises SignerMissingError if they cannot be read.
        """
        ...

    def known_defects(self, signer: Certificate) -> Sequence[KnownDefects]:
        """Return the entries of defect and deviation lists that name this document signer, or may cover its documents."""
        ...


class HeldAnchors:
    """CSCA certificates and revocation lists that the caller trusts. Satisfies TrustAnchors; everything else is empty."""

    def __init__(self, certificates: Iterable[Certificate] = (), lists: Iterable[RevocationList] = ()) -> None:
        self._by_key_id: dict[bytes, list[Anchor]] = defaultdict(list)
        self._by_subject: dict[bytes, list[Anchor]] = defaultdict(list)
        self._by_country: dict[str, list[Certificate]] = defaultdict(list)
        self._lists = sorted(lists, key=lambda one: one.this_update, reverse=True)
        for certificate in certificates:
            self.add(certificate)

    def add(self, certificate: Certificate) -> None:
        """Trust this certificate too."""
        anchor = Anchor(certificate)
        self._by_subject[certificate.subject_id].append(anchor)
        self._by_country[certificate.country].append(certificate)
        if certificate.key_id is not None:
            self._by_key_id[certificate.key_id].append(anchor)

    def with_key_id(self, key_id: bytes) -> Sequence[Anchor]:
        """See TrustAnchors."""
        return self._by_key_id.get(key_id, ())

    def with_subject(self, subject_id: bytes) -> Sequence[Anchor]:
        """See TrustAnchors."""
        return self._by_subject.get(subject_id, ())

    def with_key_of(self, certificate: Certificate) -> Sequence[Certificate]:
        """See TrustAnchors."""
        return [one for one in self._by_country.get(certificate.country, ()) if one.has_key_of(certificate)]

    def revocation_lists(self, issuer_id: bytes) -> Sequence[RevocationList]:
        """See TrustAnchors."""
        return [one for one in self._lists if one.issuer_id == issuer_id]

    def document_signers(self, signer: Signer) -> Sequence[Certificate]:
        """Always empty: the signer's certificate must be in the document."""
        del signer
        return ()

    def seal_signers(self, country: str, name: str, serial: int) -> Sequence[Certificate]:
        """Always empty."""
        del country, name, serial
        return ()

    def known_defects(self, signer: Certificate) -> Sequence[KnownDefects]:
        """Always empty."""
        del signer
        return ()

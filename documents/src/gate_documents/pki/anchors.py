"""What documents are judged against, as a port: `gate.trust` fills it, tests fill it with lists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gate_documents.checks import Tolerance
    from gate_documents.pki.certificate import Certificate
    from gate_documents.pki.known_defects import KnownDefects
    from gate_documents.pki.revocation import RevocationList
    from gate_documents.pki.signed import Signer


@dataclass(frozen=True, slots=True)
class Anchor:
    """A trusted country signing certificate (CSCA). `test` marks one that only demos and specimens are signed under.

    `tolerated` is what had to be tolerated for it to be trusted.
    """

    certificate: Certificate
    test: bool = False
    tolerated: frozenset[Tolerance] = frozenset()


class KnownIssuers(Protocol):
    """The CSCA certificates that are trusted, all of them verified."""

    def with_key_id(self, key_id: bytes) -> Sequence[Anchor]:
        """The anchors whose subject key identifier is `key_id`."""
        ...

    def with_subject(self, subject_id: bytes) -> Sequence[Anchor]:
        """The anchors with this subject, as `Certificate.subject_id` and `Certificate.issuer_id` name it."""
        ...

    def with_key_of(self, certificate: Certificate) -> Sequence[Certificate]:
        """The anchors' certificates of this anchor's country and key, whatever names they give it, itself among them."""
        ...


class TrustAnchors(KnownIssuers, Protocol):
    """The CSCA certificates and the lists that are trusted, all of them verified when they were imported."""

    def revocation_lists(self, issuer_id: bytes) -> Sequence[RevocationList]:
        """The revocation lists of this issuer, newest first."""
        ...

    def document_signers(self, signer: Signer) -> Sequence[Certificate]:
        """The certificates that are known from elsewhere and that this signer may mean. They are not trusted for being found.

        Raises SignerMissingError when that cannot be told.
        """
        ...

    def seal_signers(self, country: str, name: str, serial: int) -> Sequence[Certificate]:
        """The certificates that are known of whoever signs seals under this country, common name and number.

        They are not trusted for being found. Raises SignerMissingError when that cannot be told.
        """
        ...

    def known_defects(self, signer: Certificate) -> Sequence[KnownDefects]:
        """The entries of defect and deviation lists that name this document signer, or may cover its documents."""
        ...

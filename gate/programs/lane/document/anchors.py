"""A trust store that remembers which CSCA certificates one inspection was given, for the record of the decision."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from gate_documents.pki.anchors import TrustAnchors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gate_documents.pki.anchors import Anchor
    from gate_documents.pki.certificate import Certificate
    from gate_documents.pki.known_defects import KnownDefects
    from gate_documents.pki.revocation import RevocationList
    from gate_documents.pki.signed import Signer


class VersionedAnchors(TrustAnchors, Protocol):
    """Trust anchors with a name for their content."""

    version: str


class RememberingAnchors:
    """The anchors of one inspection; satisfies `gate_documents.pki.anchors.TrustAnchors`.

    An inspection asks for the issuer of whoever signed the document, so `given` are the CSCA certificates that it was judged
    against, each once, in the order of asking.
    """

    def __init__(self, anchors: VersionedAnchors) -> None:
        self._anchors = anchors
        self._given: dict[bytes, Anchor] = {}

    @property
    def version(self) -> str:
        """The version of the trust store."""
        return self._anchors.version

    @property
    def given(self) -> tuple[Anchor, ...]:
        """What the inspection was given so far."""
        return tuple(self._given.values())

    def with_key_id(self, key_id: bytes) -> Sequence[Anchor]:
        """The anchors whose subject key identifier is `key_id`."""
        return self._remembered(self._anchors.with_key_id(key_id))

    def with_subject(self, subject_id: bytes) -> Sequence[Anchor]:
        """The anchors with this subject."""
        return self._remembered(self._anchors.with_subject(subject_id))

    def with_key_of(self, certificate: Certificate) -> Sequence[Certificate]:
        """The certificates of one key, asked for their names only: nothing is judged against them."""
        return self._anchors.with_key_of(certificate)

    def revocation_lists(self, issuer_id: bytes) -> Sequence[RevocationList]:
        """The revocation lists of this issuer, newest first."""
        return self._anchors.revocation_lists(issuer_id)

    def document_signers(self, signer: Signer) -> Sequence[Certificate]:
        """The certificates that this signer may mean, when it did not bring its own."""
        return self._anchors.document_signers(signer)

    def seal_signers(self, country: str, name: str, serial: int) -> Sequence[Certificate]:
        """The certificates that a seal may mean."""
        return self._anchors.seal_signers(country, name, serial)

    def known_defects(self, signer: Certificate) -> Sequence[KnownDefects]:
        """The entries of defect and deviation lists that may concern what this signer signed."""
        return self._anchors.known_defects(signer)

    def _remembered(self, anchors: Sequence[Anchor]) -> Sequence[Anchor]:
        self._given |= {anchor.certificate.fingerprint: anchor for anchor in anchors}
        return anchors

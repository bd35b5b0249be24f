"""The certificates that are trusted so far during an import, found as an inspection finds them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from gate_documents.pki.anchors import Anchor
from gate_documents.pki.certificate import Certificate
from gate_documents.pki.known_defects import KnownDefects
from gate_documents.pki.revocation import RevocationList
from gate_documents.pki.signed import Signer


class Pool:
    """Satisfies `gate_documents.pki.anchors.TrustAnchors`, without lists."""

    def __init__(self, known: Iterable[Certificate] = ()) -> None:
        self._by_key_id: dict[bytes, list[Anchor]] = defaultdict(list)
        self._by_subject: dict[bytes, list[Anchor]] = defaultdict(list)
        self._by_country: dict[str, list[Certificate]] = defaultdict(list)
        for certificate in known:
            self.add(certificate)

    def add(self, certificate: Certificate) -> None:
        """Trust this one, too."""
        anchor = Anchor(certificate)
        self._by_subject[certificate.subject_id].append(anchor)
        self._by_country[certificate.country].append(certificate)
        if certificate.key_id is not None:
            self._by_key_id[certificate.key_id].append(anchor)

    def with_key_id(self, key_id: bytes) -> Sequence[Anchor]:
        """The anchors whose subject key identifier is `key_id`."""
        return self._by_key_id.get(key_id, ())

    def with_subject(self, subject_id: bytes) -> Sequence[Anchor]:
        """The anchors with this subject."""
        return self._by_subject.get(subject_id, ())

    def with_key_of(self, certificate: Certificate) -> Sequence[Certificate]:
        """The certificates of this one's country and key, whatever names they give it."""
        return [one for one in self._by_country.get(certificate.country, ()) if one.has_key_of(certificate)]

    def revocation_lists(self, issuer_id: bytes) -> Sequence[RevocationList]:  # noqa: ARG002 - the port's shape
        """None: an import judges nobody's documents."""
        return ()

    def document_signers(self, signer: Signer) -> Sequence[Certificate]:  # noqa: ARG002 - the port's shape
        """None: what is imported brings its signers with it."""
        return ()

    def seal_signers(self, country: str, name: str, serial: int) -> Sequence[Certificate]:  # noqa: ARG002 - the port's shape
        """None: an import judges nobody's seals."""
        return ()

    def known_defects(self, signer: Certificate) -> Sequence[KnownDefects]:  # noqa: ARG002 - the port's shape
        """None: an import judges nobody's documents."""
        return ()

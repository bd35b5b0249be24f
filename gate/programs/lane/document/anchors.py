"""A trust store that remembers which CSCA certificates one inspection was given, for the record of the decision."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from gate_documents.pki.anchors import Anchor, TrustAnchors


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
        # Whatever else is asked, nothing is judged against it.
        self.with_key_of = anchors.with_key_of
        self.revocation_lists = anchors.revocation_lists
        self.document_signers = anchors.document_signers
        self.seal_signers = anchors.seal_signers
        self.known_defects = anchors.known_defects

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

    def _remembered(self, anchors: Sequence[Anchor]) -> Sequence[Anchor]:
        self._given |= {anchor.certificate.fingerprint: anchor for anchor in anchors}
        return anchors

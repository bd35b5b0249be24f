"""Trust anchors as plain lists, for tests that need no store."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gate_documents.pki.anchors import Anchor
from gate_documents.pki.certificate import Certificate, parse_certificate
from gate_documents.pki.known_defects import KnownDefects
from gate_documents.pki.revocation import RevocationList, parse_revocation_list
from gate_documents.pki.signed_data import Signer


class ListedAnchors:
    """Finds anchors by looking at every one of them."""

    version = "0f" * 32

    def __init__(
        self,
        certificates: Iterable[bytes] = (),
        lists: Iterable[bytes] = (),
        *,
        test: bool = False,
        defects: Iterable[KnownDefects] = (),
        signers: Iterable[bytes] = (),
        sealing: Iterable[bytes] = (),
    ) -> None:
        self.sealing = [parse_certificate(der) for der in sealing]
        self.signers = [parse_certificate(der) for der in signers]
        self.defects = tuple(defects)
        self.anchors = [Anchor(parse_certificate(der), test=test) for der in certificates]
        self.lists = [parse_revocation_list(der) for der in lists]

    def with_key_id(self, key_id: bytes) -> Sequence[Anchor]:
        return [anchor for anchor in self.anchors if anchor.certificate.key_id == key_id]

    def with_subject(self, subject_id: bytes) -> Sequence[Anchor]:
        return [anchor for anchor in self.anchors if anchor.certificate.subject_id == subject_id]

    def with_key_of(self, certificate: Certificate) -> Sequence[Certificate]:
        known = [anchor.certificate for anchor in self.anchors if anchor.certificate.country == certificate.country]
        return [one for one in known if one.has_key_of(certificate)]

    def revocation_lists(self, issuer_id: bytes) -> Sequence[RevocationList]:
        found = [one for one in self.lists if one.issuer_id == issuer_id]
        return sorted(found, key=lambda one: one.this_update, reverse=True)

    def document_signers(self, signer: Signer) -> Sequence[Certificate]:
        if signer.key_id is not None:
            return [one for one in self.signers if one.key_id == signer.key_id]
        return [one for one in self.signers if (one.issuer, one.serial) == signer.issuer_and_serial]

    def seal_signers(self, country: str, name: str, serial: int) -> Sequence[Certificate]:
        wanted = (country, name, serial)
        return [one for one in self.sealing if (one.country, one.common_name, one.serial) == wanted]

    def known_defects(self, signer: Certificate) -> Sequence[KnownDefects]:
        return [one for one in self.defects if one.affected.names(signer)]

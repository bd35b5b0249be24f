"""Which certificates and lists may enter the store, and why. Pure: nothing is read or written here.

A certificate is admitted when it signed itself, when a known one signed it (a link), or when a list names it whose signer is
vouched for. A list's signer is vouched for by a certificate given for the purpose, or by one that is known already.
"""

from __future__ import annotations

import enum
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gate.document.checks import Result
from gate.document.errors import DocumentError
from gate.document.pki.anchors import Anchor
from gate.document.pki.certificate import Certificate, parse_certificate
from gate.document.pki.master_list import MasterList
from gate.document.pki.path import find_issuer
from gate.document.pki.revocation import RevocationList
from gate.trust.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

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


class Admission:
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

    def admit(self, sources: Sequence[Source], progress: Callable[[int, int], None]) -> None:
        """Single certificates first, so that they can vouch for lists; what is left waits for the lists' certificates."""
        single = [(index, one.content) for index, one in enumerate(sources) if isinstance(one.content, Certificate)]
        self.found += len(single)
        waiting = self._admit_single(single)
        for index, source in enumerate(sources):
            if isinstance(source.content, MasterList):
                self._admit_list(index, source.name, source.content, progress)
        for _, certificate in self._admit_single(waiting):
            may_sign = certificate.may_sign_certificates
            reason = "neither self-signed nor signed by a known CSCA" if may_sign else "not a CSCA certificate"
            self.rejected.append(Rejected(certificate.subject, reason))
        for index, source in enumerate(sources):
            if isinstance(source.content, RevocationList):
                self._admit_revocation_list(index, source.name, source.content)

    def _accept(self, certificate: Certificate, standing: Standing, source: int) -> None:
        self._pool.add(certificate)
        self.accepted[certificate.fingerprint] = (certificate, standing, source)

    def _admit_single(self, waiting: Sequence[tuple[int, Certificate]]) -> list[tuple[int, Certificate]]:
        """Admit what signed itself or is signed by a known one, until nothing more can be; return the rest."""
        while True:
            left = [(source, one) for source, one in waiting if not self._admit_one(source, one)]
            if len(left) == len(waiting):
                return left
            waiting = left

    def _admit_one(self, source: int, certificate: Certificate) -> bool:
        if not certificate.may_sign_certificates:
            return False
        if _signed_itself(certificate):
            self._accept(certificate, Standing.SELF_SIGNED, source)
            return True
        if find_issuer(certificate, self._pool, self._now).result is Result.SUCCESSFUL:
            self._accept(certificate, Standing.LINKED, source)
            return True
        return False

    def _admit_list(
        self, source: int, name: str, master_list: MasterList, progress: Callable[[int, int], None]
    ) -> None:
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

    def _admit_revocation_list(self, source: int, name: str, one: RevocationList) -> None:
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


def _signed_itself(certificate: Certificate) -> bool:
    if certificate.subject_id != certificate.issuer_id:
        return False
    try:
        certificate.verify_signed_by(certificate)
    except DocumentError:
        return False
    return True

"""Decides which certificates and lists may enter the store, and why. Pure: reads and writes nothing.

A certificate is admitted if it is self-signed, if a known one signed it (a link), or if a list with an accepted signer names it.
Who accepts a list's signer depends on the kind of list (`gate.trust.list_kinds`):

- A master list contains certificates of every country. The operator accepts its signer: by `--signer`, or by a CSCA
  certificate given as a file of its own. A country whose list was taken vouches for its next signers with the certificates
  that its own list names. A country known only from another country's list vouches for none.
- A deviation list concerns its own country's documents. Any known CSCA of that country vouches for its signer.
- A defect list concerns every country's documents. Only `--signer` vouches for its signer.
- A revocation list concerns what its own issuer has signed. Any known CSCA of that name and key signs it.

A list whose signer is on a revocation list, in the store or in the same import, is never accepted.

A directory's signers of documents and of seals vouch for nothing and enter if a known CSCA signed them (`gate.trust.signers`). The
content of an admitted list is removed if its signer is revoked later (`gate.trust.import_writer`).

Nobody has checked the files in a watched folder. A single certificate there vouches for nothing: it is a link signed by a known
CSCA of its own country, or it is skipped; and a list must state its signing time.
"""

import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from gate.trust import signers
from gate.trust.errors import SourceError
from gate.trust.list_kinds import ListOfCertificates, ListOfDefects, SignedList, Vouching, signing_time
from gate.trust.revocations import Edition, Revocations, revocation_lists_of
from gate.trust.sources import DocumentSigner, Rejected, SealSigner, Source, Way
from gate_documents.checks import Result, Tolerance
from gate_documents.errors import DocumentError
from gate_documents.pki.anchors import HeldAnchors
from gate_documents.pki.certificate import Certificate, parse_certificate
from gate_documents.pki.path import ISSUED_OUT_OF_TIME, Path, find_issuer, issued_in_time
from gate_documents.pki.revocation import RevocationList
from gate_documents.seal.profiles import SIGNER_PURPOSES

# ── how a CSCA certificate is borne out: by itself, by another one, by a list ─────────────────────────────────────────


class Standing(enum.Enum):
    """Why a certificate is trusted. Stored in the database; never renamed."""

    SELF_SIGNED = "self_signed"
    LINKED = "linked"
    LISTED = "listed"


def standing_of(certificate: Certificate, pool: HeldAnchors, moment: datetime) -> tuple[Standing, frozenset[Tolerance]]:
    """Return how a certificate is trusted, and what was tolerated. Links whose predecessor is in no list stay listed only."""
    tolerated: set[Tolerance] = set()
    if signed_itself(certificate, tolerated):
        return Standing.SELF_SIGNED, frozenset(tolerated)
    path = _link(certificate, pool, moment)
    return (Standing.LISTED, frozenset()) if path is None else (Standing.LINKED, path.tolerated)


def signed_itself(certificate: Certificate, tolerated: set[Tolerance]) -> bool:
    """True for a self-signed certificate with a valid signature; equal names alone do not suffice. Adds what it tolerated."""
    if certificate.subject_id != certificate.issuer_id:
        return False
    try:
        certificate.verify_signed_by(certificate, tolerated)
    except DocumentError:
        return False
    return True


def why_no_link(certificate: Certificate, pool: HeldAnchors, moment: datetime) -> str:
    """Return why a single file is no link; empty if it is. Real lists contain deviating links, and vouch for them."""
    path = _link(certificate, pool, moment)
    if path is None or path.anchor is None:
        return "neither self-signed nor signed by a known CSCA"
    if certificate.csca_departures:
        return "without key usage and basic constraints it may be a document signer's; a signed list may name it"
    in_time = issued_in_time(certificate, path.anchor.certificate, pool)
    return "" if in_time else "signed outside the period in which its CSCA's key may be used; a signed list may name it"


def _link(certificate: Certificate, pool: HeldAnchors, moment: datetime) -> Path | None:
    """Return the path if a certificate of the same country in the pool signed it: no state makes another's CSCA."""
    if certificate.country != certificate.issuer_country:
        return None
    path = find_issuer(certificate, pool, moment)
    return path if path.result is Result.SUCCESSFUL else None


def signs_seals(certificate: Certificate) -> bool:
    """True for a signer of bar codes. It has no key usage and no constraints (ICAO 9303-12 §7.1.3), and is no CSCA for that."""
    return bool(certificate.purposes & SIGNER_PURPOSES)


def signs_documents_only(certificate: Certificate) -> bool:
    """True for a certificate of a document signer that another one signed. Real CSCA certificates with incomplete usages are excluded."""
    says_otherwise = certificate.has_key_usage and Tolerance.CSCA_WITHOUT_CERT_SIGN not in certificate.csca_departures
    says_so = certificate.may_sign_documents and not certificate.may_sign_certificates and not says_otherwise
    return says_so and not signed_itself(certificate, set())


# ── what an import admits ─────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Known:
    """The store's content: its certificates, those that vouch for master lists, and the dates of its lists.

    `signed_at`: by kind and publisher, the country of the list's signer. `editions`: the dates and numbers of
    revocation lists, by issuer and key; `revocations`: these lists in DER with their issuer; `signers` and
    `seal_signers`: the fingerprints of document and seal signers.
    """

    certificates: Sequence[Certificate] = ()
    vouching: Sequence[Certificate] = ()
    signed_at: Mapping[tuple[str, str], datetime] = field(default_factory=dict)
    editions: Mapping[tuple[bytes, bytes], Edition] = field(default_factory=dict)
    revocations: Sequence[tuple[bytes, bytes]] = ()
    signers: frozenset[bytes] = frozenset()
    seal_signers: frozenset[bytes] = frozenset()


class Admission:
    """One import: the pools grow, accepted and rejected items are collected, nothing is written yet.

    Numbers are those of the sources. `listings`: the sources that named a certificate; `revoked`: lists whose signer
    was revoked.
    """

    def __init__(self, known: Known, *, signer: Certificate | None, now: datetime, way: Way = Way.HANDED) -> None:
        self._way = way
        self._pool = HeldAnchors(known.certificates)
        self._known = {certificate.fingerprint for certificate in known.certificates}
        self._vouching = HeldAnchors(known.vouching)
        self._operators = HeldAnchors([] if signer is None else [signer])
        self._signed_at = dict(known.signed_at)
        self._revocations = Revocations(known.revocations, known.editions, now)
        self._stored = known
        self._renewed: set[tuple[str, str]] = set()
        self._now = now
        self.accepted: dict[bytes, tuple[Certificate, Standing]] = {}
        self.listings: set[tuple[bytes, int]] = set()
        self._tolerated: dict[bytes | int, frozenset[Tolerance]] = {}
        self.rejected: list[Rejected] = []
        self.lists: dict[int, Certificate] = {}
        self.revoked: set[int] = set()
        self.signers = signers.Admitted()
        self.seal_signers = signers.Admitted()
        self.found = 0

    def admit(self, sources: Sequence[Source], progress: Callable[[int, int], None]) -> None:
        """Admit single certificates first, so that they can vouch for lists; the rest waits for the lists' certificates.

        Raises SourceError for a list that was given by hand and cannot be trusted; all others are skipped.
        """
        single = [
            (index, one.content)
            for index, one in enumerate(sources)
            if isinstance(one.content, Certificate) and not signs_seals(one.content)
        ]
        self.found += len(single)
        waiting = self._admit_single(single)
        # Revocation lists may name the signers of other lists. Those that no CSCA is known for yet wait for the lists' certificates.
        unexplained = self._revocations.admit(revocation_lists_of(sources), self._pool)
        lists = [
            (index, one.name, one.content)
            for index, one in enumerate(sources)
            if isinstance(one.content, (ListOfCertificates, ListOfDefects))
        ]
        # Newest first, to detect an older list of the same publisher; lists that vouch come before the rest.
        lists.sort(key=lambda one: self._time_of(one[2]), reverse=True)
        lists.sort(key=lambda one: not isinstance(one[2], ListOfCertificates))
        for index, name, content in lists:
            try:
                self._admit_list(index, name, content, progress)
            except SourceError as error:
                if self._way is Way.HANDED:
                    raise
                self.rejected.append(Rejected(name, str(error)))
        for _, certificate in self._admit_single(waiting):
            if certificate.fingerprint not in self._known | self.accepted.keys():
                self.rejected.append(Rejected(certificate.subject, self._why_not(certificate)))
        for _, name, _ in self._revocations.admit(unexplained, self._pool):
            self.rejected.append(Rejected(name, "a revocation list that no known CSCA signed"))
        self.rejected.extend(self._revocations.rejected)
        self._admit_signers(sources)

    def _admit_signers(self, sources: Sequence[Source]) -> None:
        """Admit document signers of a directory, and seal signers of a directory or in files of their own."""
        of_documents = [one.content.certificate for one in sources if isinstance(one.content, DocumentSigner)]
        known = self._stored
        self.signers = signers.admit(of_documents, self._pool, known.signers, self._now, signers.no_document_signer)
        of_seals = [one.content.certificate for one in sources if isinstance(one.content, SealSigner)]
        of_seals += [
            one.content for one in sources if isinstance(one.content, Certificate) and signs_seals(one.content)
        ]
        self.seal_signers = signers.admit(of_seals, self._pool, known.seal_signers, self._now, signers.no_seal_signer)
        for kind, admitted in (("document", self.signers), ("seal", self.seal_signers)):
            self.rejected += [Rejected(f"{kind} signers: {number}", reason) for reason, number in admitted.refused]

    @property
    def revocation_lists(self) -> list[tuple[RevocationList, int]]:
        """Return the accepted revocation lists, each with its source."""
        return self._revocations.taken

    @property
    def tolerated(self) -> dict[bytes | int, frozenset[Tolerance]]:
        """Return what was tolerated: for certificates by fingerprint, for lists by source."""
        return self._tolerated | self._revocations.tolerated

    @property
    def used(self) -> set[int]:
        """Return the sources from which something was accepted."""
        return {source for _, source in (*self.listings, *self.revocation_lists)} | set(self.lists)

    def kind_of(self, source: Source) -> str:
        """Return the database's name of a source. A certificate that was not given by hand does not vouch later either."""
        alone = isinstance(source.content, Certificate) and self._way is Way.WATCHED
        return "Link" if alone else source.kind

    # ── certificates ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _admit_single(self, waiting: Sequence[tuple[int, Certificate]]) -> list[tuple[int, Certificate]]:
        """Admit certificates that are self-signed or signed by a known one, until none is left to admit; return the rest."""
        while True:
            left = [(source, one) for source, one in waiting if not self._admit_one(source, one)]
            if len(left) == len(waiting):
                return left
            waiting = left

    def _admit_one(self, source: int, certificate: Certificate) -> bool:
        if self._why_not(certificate):
            return False
        standing, tolerated = standing_of(certificate, self._pool, self._now)
        if self._way is not Way.WATCHED or not why_no_link(certificate, self._vouching, self._now):
            self._vouching.add(certificate)
        self._pool.add(certificate)
        self._accept(certificate, standing, tolerated, source)
        return True

    def _why_not(self, certificate: Certificate) -> str:
        """Return why a single file does not make this certificate an anchor; empty if it does."""
        if not certificate.understood:
            return "has a critical extension that is not known"
        if not certificate.may_sign_certificates:
            return "not a CSCA certificate"
        if not signed_itself(certificate, set()):
            return why_no_link(certificate, self._pool, self._now)
        if self._way is Way.WATCHED:
            return "a self-signed CSCA certificate is taken from an operator's hand only: gate trust import"
        return ""

    def _accept(
        self, certificate: Certificate, standing: Standing, tolerated: frozenset[Tolerance], source: int
    ) -> None:
        self.accepted[certificate.fingerprint] = (certificate, standing)
        self._tolerated[certificate.fingerprint] = tolerated
        self.listings.add((certificate.fingerprint, source))

    # ── lists ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _admit_list(self, source: int, name: str, one: SignedList, progress: Callable[[int, int], None]) -> None:
        """Admit a list with an accepted signer that is not older than the known one."""
        signer = self._signer_of(source, name, one)
        key, moment = (one.kind.name, signer.issuer_country), self._time_of(one)
        newest = self._signed_at.get(key)
        if newest is not None and moment < newest:
            reason = f"of {moment:%Y-%m-%d}, older than the one of {newest:%Y-%m-%d} by the same publisher"
            self.rejected.append(Rejected(name, reason, older=key not in self._renewed))
            return
        self._signed_at[key] = moment
        self._renewed.add(key)
        self.lists[source] = signer
        if isinstance(one, ListOfCertificates):
            self._admit_listed(source, name, one, signer.issuer_country, progress)

    def _admit_listed(
        self, source: int, name: str, one: ListOfCertificates, publisher: str, progress: Callable[[int, int], None]
    ) -> None:
        certificates: list[Certificate] = []
        for number, der in enumerate(one.parsed.certificates, 1):
            try:
                certificates.append(parse_certificate(der))
            except DocumentError as error:
                self.rejected.append(Rejected(f"certificate {number} of {name}", str(error)))
        self.found += len(one.parsed.certificates)
        reasons = [(certificate, _why_no_anchor(certificate)) for certificate in certificates]
        self.rejected.extend(Rejected(certificate.subject, reason) for certificate, reason in reasons if reason)
        certificates = [certificate for certificate, reason in reasons if not reason]
        for certificate in certificates:
            self._pool.add(certificate)
            if certificate.country == publisher:
                self._vouching.add(certificate)
        for number, certificate in enumerate(certificates, 1):
            self._accept(certificate, *standing_of(certificate, self._pool, self._now), source)
            progress(number, len(certificates))

    def _time_of(self, one: SignedList) -> datetime:
        """Return when a list was signed; a master list without a time counts as signed now."""
        return signing_time(one) or self._now

    def _signer_of(self, source: int, name: str, one: SignedList) -> Certificate:
        tolerated: set[Tolerance] = set()
        try:
            signer = one.parsed.verify()
            one.parsed.message.verify(tolerated=tolerated)  # once more, to know what its kind tolerated
        except DocumentError as error:
            raise SourceError(f"{name}: {error}") from error
        if self._way is Way.WATCHED and signing_time(one) is None:
            raise SourceError(f"{name}: does not say when it was signed, so it may be an old one")
        moment = self._time_of(one)
        if moment > self._now or not signer.valid_at(moment):
            raise SourceError(f"{name}: its signer's certificate was not valid when it was signed")
        if self._revocations.has(signer, self._pool):
            self.revoked.add(source)
            raise SourceError(f"{name}: the certificate of its signer ({signer.subject}) was revoked")
        reason = ""
        vouching = {Vouching.CHOSEN_CSCA: [self._vouching], Vouching.ANY_CSCA: [self._pool], Vouching.NOBODY: []}
        for pool in (self._operators, *vouching[one.kind.vouching]):
            path = find_issuer(signer, pool, moment)
            if path.anchor is not None and not issued_in_time(signer, path.anchor.certificate, pool):
                raise SourceError(f"{name}: {ISSUED_OUT_OF_TIME}; ask its publisher for another")
            if path.anchor is not None:
                self._tolerated[source] = path.tolerated | tolerated
                return signer
            reason = path.reason
        raise SourceError(
            f"{name}: nobody vouches for its signer ({signer.subject}): {reason}; give the CSCA that issued it as --signer, "
            "or import that first"
        )


def _why_no_anchor(certificate: Certificate) -> str:
    """Return why a list cannot make this certificate, checked by nobody else, an anchor; empty if it can."""
    if not certificate.understood:
        return "has a critical extension that is not known"
    if signs_seals(certificate):
        return "a seal signer's certificate, and no CSCA's"
    return "a document signer's certificate, and no CSCA's" if signs_documents_only(certificate) else ""

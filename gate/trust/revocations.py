"""The revocation lists of an import, and their effect on lists' signers. Pure.

A list is accepted if the CSCA of its name signed it, and it is not older than the known one. A certificate on any list,
however old, vouches for nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import chain

from gate.trust.sources import Rejected, Source
from gate_documents.checks import Tolerance
from gate_documents.errors import DocumentError
from gate_documents.pki.anchors import HeldAnchors
from gate_documents.pki.certificate import Certificate
from gate_documents.pki.names import same_parts
from gate_documents.pki.path import find_issuer
from gate_documents.pki.revocation import RevocationList, parse_revocation_list
from gate_documents.pki.revocation_check import names_of_issuer

Edition = tuple[datetime, int | None]  # date and number
NamedRevocationList = tuple[int, str, RevocationList]  # the source's number and name, and what it holds


class Revocations:
    """Known lists and those of the import. `taken`: the latter, each with its source's number, as in `tolerated`.

    `known`: lists in DER with the name under which they are stored; `editions`: their dates and numbers, by name and key.
    """

    def __init__(
        self, known: Sequence[tuple[bytes, bytes]], editions: Mapping[tuple[bytes, bytes], Edition], now: datetime
    ) -> None:
        self._known = known
        self._editions = dict(editions)
        self._renewed: set[tuple[bytes, bytes]] = set()
        self._now = now
        self.taken: list[tuple[RevocationList, int]] = []
        self.tolerated: dict[bytes | int, frozenset[Tolerance]] = {}
        self.rejected: list[Rejected] = []

    def admit(self, waiting: Sequence[NamedRevocationList], pool: HeldAnchors) -> list[NamedRevocationList]:
        """Accept lists signed by a known key of their issuer; return the others."""
        left: list[NamedRevocationList] = []
        for source, name, one in waiting:
            tolerated: set[Tolerance] = set()
            issuer = _issuer_of(one, pool, tolerated)
            if issuer is None:
                left.append((source, name, one))
            else:
                self.tolerated[source] = frozenset(tolerated)
                self._admit(source, name, replace(one, issuer_id=issuer.subject_id))
        return left

    def has(self, signer: Certificate, pool: HeldAnchors) -> bool:
        """True if the certificate is on any revocation list of its issuer, however old."""
        anchor = find_issuer(signer, pool, self._now).anchor
        names = names_of_issuer(signer, None if anchor is None else anchor.certificate, pool)
        brought = (one for one, _ in self.taken if one.issuer_id in names)
        known = (parse_revocation_list(der) for issuer, der in self._known if issuer in names)
        return any(signer.serial in one.serials for one in chain(brought, known))

    def _admit(self, source: int, name: str, one: RevocationList) -> None:
        """Accept a list that is not older than the known one."""
        if one.this_update > self._now:
            # It would take the place of the one that holds today.
            self.rejected.append(Rejected(name, f"a revocation list of {one.this_update:%Y-%m-%d}, which is to come"))
            return
        key = (one.issuer_id, one.authority_key_id or b"")
        if key in self._editions and _is_older(one, *self._editions[key]):
            self.rejected.append(Rejected(name, "older than the one in the store", older=key not in self._renewed))
            return
        if key in self._renewed:
            return  # the same list, once more
        self._editions[key] = (one.this_update, one.number)
        self._renewed.add(key)
        self.taken.append((one, source))


def revocation_lists_of(sources: Sequence[Source]) -> list[NamedRevocationList]:
    """Return the revocation lists among the sources, newest first."""
    found = [
        (index, one.name, one.content) for index, one in enumerate(sources) if isinstance(one.content, RevocationList)
    ]
    return sorted(found, key=lambda one: (one[2].this_update, one[2].number or 0), reverse=True)


def _issuer_of(one: RevocationList, pool: HeldAnchors, tolerated: set[Tolerance]) -> Certificate | None:
    """Return the known CSCA whose key signed the list in its own name, with name parts in any order."""
    anchors = pool.with_key_id(one.authority_key_id) if one.authority_key_id else ()
    for certificate in (anchor.certificate for anchor in anchors or pool.with_subject(one.issuer_id)):
        if not certificate.understood:
            continue
        try:
            one.verify_signed_by(certificate, tolerated)
        except DocumentError:
            continue
        if certificate.subject_id == one.issuer_id or same_parts(certificate.subject_der, one.issuer):
            return certificate
    return None


def _is_older(one: RevocationList, this_update: datetime, number: int | None) -> bool:
    return one.this_update < this_update or (one.number is not None and number is not None and one.number < number)

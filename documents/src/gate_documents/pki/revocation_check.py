"""Checks a certificate's revocation (TR-03135-1 §5.6.4.3.5): by the lists of its issuer's key, under every name of that key. Pure.

A CSCA may have certificates with several names for one key, mostly the same name in another order, and it publishes one list for
everything that it has signed (ICAO 9303-12 §7.1.4). A certificate on such a list is revoked. Its absence from a list counts only if
the certificate names its issuer by one of these names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gate_documents.checks import Result, tolerating
from gate_documents.pki.names import same_parts

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from gate_documents.pki.anchors import Anchor, KnownIssuers, TrustAnchors
    from gate_documents.pki.certificate import Certificate
    from gate_documents.pki.revocation import RevocationList


def judge_revocation(
    certificate: Certificate, anchor: Anchor | None, anchors: TrustAnchors, now: datetime
) -> tuple[Result, str]:
    """On any list of its issuer: failed. On none: successful only if the newest list is current. `anchor` is who signed it."""
    issuer = None if anchor is None else anchor.certificate
    lists = lists_about(certificate, issuer, anchors)
    if any(certificate.serial in one.serials for one in lists):
        return Result.FAILED, "the signer's certificate was revoked"
    if not lists:
        return Result.UNDETERMINED, "there is no revocation list of this issuer"
    if not lists[0].current_at(now):
        return Result.UNDETERMINED, "the revocation list of this issuer is out of date"
    if issuer is not None and not _names(certificate, issuer, anchors):
        return Result.UNDETERMINED, "the signer's certificate gives its issuer a name that the CSCA does not have"
    return Result.SUCCESSFUL, tolerating(
        "the signer's certificate is on no current revocation list", lists[0].tolerated
    )


def names_of_issuer(certificate: Certificate, issuer: Certificate | None, anchors: KnownIssuers) -> tuple[bytes, ...]:
    """The name that the certificate gives its issuer, and those of the key that is known to have signed it."""
    if issuer is None:
        return (certificate.issuer_id,)
    names = (certificate.issuer_id, *(one.subject_id for one in anchors.with_key_of(issuer)))
    return tuple(dict.fromkeys(names))


def lists_about(
    certificate: Certificate, issuer: Certificate | None, anchors: TrustAnchors
) -> Sequence[RevocationList]:
    """Return the lists that may name this certificate, newest first. `issuer`: the CSCA whose key signed it, if known."""
    names = names_of_issuer(certificate, issuer, anchors)
    if len(names) == 1:
        return anchors.revocation_lists(names[0])
    found = [one for name in names for one in anchors.revocation_lists(name)]
    return sorted(found, key=lambda one: one.this_update, reverse=True)


def _names(certificate: Certificate, issuer: Certificate, anchors: KnownIssuers) -> bool:
    """True if the certificate names its issuer as one of that key's certificates does, in any order of parts."""
    return any(
        one.subject_id == certificate.issuer_id or same_parts(one.subject_der, certificate.issuer)
        for one in anchors.with_key_of(issuer)
    )

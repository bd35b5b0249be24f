"""From a document signer to the country that signed it: one step, never a chain (ICAO 9303-12 §5, TR-03135-1 §5.6.4.3.3).

The authority key identifier finds the CSCA; without one, or without a result, the issuer's name does. A search by name never
yields a failure: equal names are common, and the right key may be in no list. A CSCA certificate with an unknown critical
extension vouches for nothing (RFC 5280 §4.2).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gate_documents.checks import Result, Tolerance, tolerating
from gate_documents.errors import AlgorithmUnknownError, DocumentError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from gate_documents.pki.anchors import Anchor, KnownIssuers
    from gate_documents.pki.certificate import Certificate

ISSUED_OUT_OF_TIME: Final = "the signer's certificate was issued outside the period in which the CSCA's key may be used"


@dataclass(frozen=True, slots=True)
class Path:
    """The search's result: successful with the anchor and what was tolerated of the signature, else failed or undetermined; the reason."""

    result: Result
    reason: str
    anchor: Anchor | None = None
    tolerated: frozenset[Tolerance] = frozenset()


def find_issuer(certificate: Certificate, anchors: KnownIssuers, now: datetime) -> Path:
    """The anchor whose key signed the certificate. Of several with that key, one that is valid now is preferred."""
    by_key = anchors.with_key_id(certificate.authority_key_id) if certificate.authority_key_id else ()
    tolerated: set[Tolerance] = set()
    found, unknown = _first_that_signed(certificate, _best_first(by_key, now), tolerated)
    if found is not None and found.certificate.country != certificate.issuer_country:
        # Else a state could sign in another's name, and be believed by its key alone.
        return Path(Result.FAILED, "signed in the name of another country than that of the CSCA")
    if found is not None:
        return _found("signed by the CSCA that the key identifier names", found, tolerated)
    if by_key:
        if unknown:
            return Path(Result.UNDETERMINED, "the CSCA that the key identifier names cannot be used")
        return Path(Result.FAILED, "not signed by the CSCA that the key identifier names")
    by_name = anchors.with_subject(certificate.issuer_id)
    found, _ = _first_that_signed(certificate, _best_first(by_name, now), tolerated)
    if found is not None:
        return _found("signed by the CSCA that the issuer's name leads to", found, tolerated)
    if by_name:
        return Path(Result.UNDETERMINED, "the CSCA certificates with the issuer's name did not sign it")
    return Path(Result.UNDETERMINED, "no CSCA certificate of this issuer is known")


def issued_in_time(certificate: Certificate, issuer: Certificate, anchors: KnownIssuers) -> bool:
    """True if the issuer's key was allowed to sign on the certificate's date of issue, the begin of its validity.

    A key may have several certificates, such as links, whose periods begin at different times. One that allows it is
    enough. One without a period is ignored; if none has one, there is no limit.
    """
    stated = [one for one in anchors.with_key_of(issuer) if one.key_use != (None, None)]
    return not stated or any(one.key_may_be_used_at(certificate.not_before) for one in stated)


def _found(reason: str, anchor: Anchor, tolerated: set[Tolerance]) -> Path:
    """Return the success. Its reason names what was tolerated of this signature and of the anchor."""
    everything = tolerated | anchor.tolerated | anchor.certificate.csca_departures
    return Path(Result.SUCCESSFUL, tolerating(reason, everything), anchor, frozenset(tolerated))


def _best_first(anchors: Iterable[Anchor], now: datetime) -> list[Anchor]:
    return sorted(
        anchors, key=lambda anchor: (anchor.certificate.valid_at(now), anchor.certificate.not_after), reverse=True
    )


def _first_that_signed(
    certificate: Certificate, anchors: Iterable[Anchor], tolerated: set[Tolerance]
) -> tuple[Anchor | None, bool]:
    """The first anchor whose key verifies, and whether one of them could not be tried."""
    unknown = False
    for anchor in anchors:
        if not anchor.certificate.understood:
            unknown = True
            continue
        try:
            certificate.verify_signed_by(anchor.certificate, tolerated)
        except AlgorithmUnknownError:
            unknown = True
        except DocumentError:
            continue
        else:
            return anchor, unknown
    return None, unknown

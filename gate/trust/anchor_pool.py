"""The certificates that are trusted so far during an import, and how a CSCA certificate is borne out: by itself, by another one, by a list. Pure.

Who may vouch for a list, and what an import makes of all this, is `gate.trust.admission`'s to say.
"""

import enum
from datetime import datetime

from gate_documents.checks import Result, Tolerance
from gate_documents.errors import DocumentError
from gate_documents.pki.anchors import HeldAnchors
from gate_documents.pki.certificate import Certificate
from gate_documents.pki.path import Path, find_issuer, issued_in_time
from gate_documents.seal.profiles import SIGNER_PURPOSES


class Standing(enum.Enum):
    """Why a certificate is trusted. Stored in the database; never renamed."""

    SELF_SIGNED = "self_signed"
    LINKED = "linked"
    LISTED = "listed"


def standing_of(certificate: Certificate, pool: HeldAnchors, moment: datetime) -> tuple[Standing, frozenset[Tolerance]]:
    """How a certificate is borne out, and what was tolerated. Links whose predecessor is in no list stay listed only."""
    tolerated: set[Tolerance] = set()
    if signed_itself(certificate, tolerated):
        return Standing.SELF_SIGNED, frozenset(tolerated)
    path = _link(certificate, pool, moment)
    return (Standing.LISTED, frozenset()) if path is None else (Standing.LINKED, path.tolerated)


def signed_itself(certificate: Certificate, tolerated: set[Tolerance]) -> bool:
    """True for a self-signed certificate whose signature holds; the same name alone makes none. Adds what it tolerated."""
    if certificate.subject_id != certificate.issuer_id:
        return False
    try:
        certificate.verify_signed_by(certificate, tolerated)
    except DocumentError:
        return False
    return True


def why_no_link(certificate: Certificate, pool: HeldAnchors, moment: datetime) -> str:
    """Why a file of its own brings no link; empty: it does. Real lists name links that depart, and vouch for them."""
    path = _link(certificate, pool, moment)
    if path is None or path.anchor is None:
        return "neither self-signed nor signed by a known CSCA"
    if certificate.csca_departures:
        return "without key usage and basic constraints it may be a document signer's; a signed list may name it"
    in_time = issued_in_time(certificate, path.anchor.certificate, pool)
    return "" if in_time else "signed outside the period in which its CSCA's key may be used; a signed list may name it"


def _link(certificate: Certificate, pool: HeldAnchors, moment: datetime) -> Path | None:
    """The path when a certificate of this country's that is in the pool signed it: no state makes another's CSCA."""
    if certificate.country != certificate.issuer_country:
        return None
    path = find_issuer(certificate, pool, moment)
    return path if path.result is Result.SUCCESSFUL else None


def signs_seals(certificate: Certificate) -> bool:
    """True for a signer of bar codes. It has no key usage and no constraints (ICAO 9303-12 §7.1.3), and is no CSCA for that."""
    return bool(certificate.purposes & SIGNER_PURPOSES)


def signs_documents_only(certificate: Certificate) -> bool:
    """True for what says so, and that another one signed. Real CSCA certificates that say only half of what they are remain."""
    says_otherwise = certificate.has_key_usage and Tolerance.CSCA_WITHOUT_CERT_SIGN not in certificate.csca_departures
    says_so = certificate.may_sign_documents and not certificate.may_sign_certificates and not says_otherwise
    return says_so and not signed_itself(certificate, set())

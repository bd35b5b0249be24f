"""How a CSCA certificate is borne out: by itself, by another one of its country, or by a list that names it. Pure.

Who may vouch for a list, and what an import makes of all this, is `gate.trust.admission`'s to say.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from gate.document.checks import Result
from gate.document.errors import DocumentError
from gate.document.pki.path import find_issuer
from gate.document.seal.profiles import SIGNER_PURPOSES

if TYPE_CHECKING:
    from datetime import datetime

    from gate.document.checks import Tolerance
    from gate.document.pki.certificate import Certificate
    from gate.document.pki.path import Path
    from gate.trust.pool import Pool


class Standing(enum.Enum):
    """Why a certificate is trusted. Stored in the database; never renamed."""

    SELF_SIGNED = "self_signed"
    LINKED = "linked"
    LISTED = "listed"


def standing_of(certificate: Certificate, pool: Pool, moment: datetime) -> tuple[Standing, frozenset[Tolerance]]:
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


def is_linked(certificate: Certificate, pool: Pool, moment: datetime) -> bool:
    """True when a certificate of this country's that is in the pool signed it: no state makes another's CSCA."""
    return _link(certificate, pool, moment) is not None


def _link(certificate: Certificate, pool: Pool, moment: datetime) -> Path | None:
    if certificate.country != certificate.issuer_country:
        return None
    path = find_issuer(certificate, pool, moment)
    return path if path.result is Result.SUCCESSFUL else None


def signs_seals(certificate: Certificate) -> bool:
    """True for a signer of bar codes. It has no key usage and no constraints (ICAO 9303-12 §7.1.3), and is no CSCA for that."""
    return bool(certificate.purposes & SIGNER_PURPOSES)


def signs_documents_only(certificate: Certificate) -> bool:
    """True for what says so. Real CSCA certificates that say only half of what they are remain: a list vouches for them."""
    return certificate.may_sign_documents and not certificate.may_sign_certificates

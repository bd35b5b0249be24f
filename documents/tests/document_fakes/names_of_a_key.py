"""One CSCA key under several names, and what revocation lists of these names say of a document signer."""

from __future__ import annotations

from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from document_fakes.master_lists import NOW, Party, party

from gate_documents.authenticity.passive_authentication import judge_signer
from gate_documents.checks import Check, CheckId
from gate_documents.pki.anchors import TrustAnchors
from gate_documents.pki.certificate import parse_certificate

DAY = timedelta(days=1)
KEY = ec.generate_private_key(ec.SECP256R1())
CSCA = party("CSCA", key=KEY)
RENAMED = party("CSCA of the Ministry", key=KEY)
STRANGER = party("Stranger", country="ZZ")
DS = party("DS", issuer=CSCA, authority=False)


def turned(name: x509.Name) -> x509.Name:
    return x509.Name(list(reversed(list(name))))


def written_by(authority: Party, name: x509.Name) -> Party:
    """The authority's key under another name, without a certificate of it."""
    return Party(name, authority.key, authority.certificate)


TURNED = written_by(CSCA, turned(CSCA.name))


def signed_as(issuer: Party, serial: int = 77) -> bytes:
    """A document signer's certificate, its issuer named as `issuer` is."""
    made = (
        x509.CertificateBuilder()
        .subject_name(DS.name)
        .issuer_name(issuer.name)
        .public_key(DS.key.public_key())
        .serial_number(serial)
        .not_valid_before(NOW - DAY)
        .not_valid_after(NOW + 1000 * DAY)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()), critical=False)
    )
    return made.sign(issuer.key, hashes.SHA256()).public_bytes(Encoding.DER)


def revocation(anchors: TrustAnchors, certificate: bytes, now: datetime = NOW) -> Check:
    (found,) = (
        one for one in judge_signer(parse_certificate(certificate), anchors, now).checks if one.id is CheckId.REVOCATION
    )
    return found

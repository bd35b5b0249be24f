"""The country's certificates and lists, read with two other libraries."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from asn1crypto import crl as asn1_crl
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID
from document_fakes.sample_passports import TODAY, utopia

from hardware_sim.passport import domain, keys, pki

CSCA_FILES = ("UTO_csca_1.cer", "UTO_csca_2.cer", "UTO_csca_3.cer")
MIDNIGHT = datetime(TODAY.year, TODAY.month, TODAY.day, tzinfo=UTC)
PERIOD = pki.Period(MIDNIGHT, datetime(2036, 1, 1, tzinfo=UTC))


def verify(public_info: asn1_x509.PublicKeyInfo, signature: bytes, signed: bytes) -> None:
    """Verify with the point or modulus as it stands in the key info; raises InvalidSignature."""
    if public_info.algorithm == "rsa":
        numbers = public_info["public_key"].parsed.native
        rsa.RSAPublicNumbers(numbers["public_exponent"], numbers["modulus"]).public_key().verify(
            signature, signed, padding.PKCS1v15(), SHA256()
        )
        return
    kind, parameters = public_info.curve
    explicit = kind == "specified" and parameters["field_id"]["parameters"] == domain.BRAINPOOL_P256.p
    curve = ec.BrainpoolP256R1() if explicit else ec.SECP256R1()
    point = bytes(public_info["public_key"])
    ec.EllipticCurvePublicKey.from_encoded_point(curve, point).verify(signature, signed, ec.ECDSA(SHA256()))


@pytest.mark.parametrize("name", CSCA_FILES)
def test_a_csca_certificate_verifies_with_its_own_key(name: str) -> None:
    certificate = asn1_x509.Certificate.load(utopia().csca_files()[name], strict=True)
    verify(certificate.public_key, certificate["signature_value"].native, certificate["tbs_certificate"].dump())


@pytest.mark.parametrize("name", CSCA_FILES)
def test_a_csca_certificate_carries_what_the_profile_asks(name: str) -> None:
    certificate = x509.load_der_x509_certificate(utopia().csca_files()[name])
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage)
    constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    own = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    signer = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    key_use = certificate.extensions.get_extension_for_class(x509.PrivateKeyUsagePeriod).value
    assert usage.critical
    assert (usage.value.key_cert_sign, usage.value.crl_sign, usage.value.digital_signature) == (True, True, False)
    assert constraints.critical
    assert constraints.value == x509.BasicConstraints(ca=True, path_length=0)
    assert signer.key_identifier == own.digest
    assert certificate.subject.get_attributes_for_oid(NameOID.COUNTRY_NAME)[0].value == "UT"
    assert certificate.not_valid_before_utc <= MIDNIGHT < certificate.not_valid_after_utc
    assert key_use.not_after is not None
    assert key_use.not_after < certificate.not_valid_after_utc.replace(tzinfo=None)
    state = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert state.get_values_for_type(x509.DirectoryName)[0].rfc4514_string() == "L=UTO"


def test_the_second_csca_shows_its_curve_by_parameters() -> None:
    certificate = asn1_x509.Certificate.load(utopia().csca_files()["UTO_csca_2.cer"])
    kind, shown = certificate.public_key.curve
    assert kind == "specified"
    assert shown["field_id"]["parameters"] == domain.BRAINPOOL_P256.p
    assert shown["order"] == domain.BRAINPOOL_P256.n
    assert shown["cofactor"] == 1


@pytest.mark.parametrize("curve", keys.known_curves(), ids=lambda curve: curve.name)
def test_a_curves_written_parameters_are_the_librarys_curve(curve: domain.Curve) -> None:
    one = ec.derive_private_key(1, keys.implementation(curve)).public_key().public_numbers()
    minus_one = ec.derive_private_key(curve.n - 1, keys.implementation(curve)).public_key().public_numbers()
    assert (one.x, one.y) == (curve.x, curve.y)
    assert (minus_one.x, minus_one.y) == (curve.x, curve.p - curve.y)  # n is the order: (n-1)G = -G
    assert (curve.y**2 - curve.x**3 - curve.a * curve.x - curve.b) % curve.p == 0


def test_a_document_signer_is_certified_for_passports_and_nothing_else() -> None:
    authority_key = keys.SigningKey(keys.elliptic_key(domain.P256, "authority"))
    name = pki.Name("ut", "Office", "CSCA")
    authority = pki.make_authority(name, authority_key, state="UTO", serial=1, validity=PERIOD, use=PERIOD)
    signer_key = keys.SigningKey(keys.elliptic_key(domain.P256, "signer"))
    signer = pki.make_document_signer(
        authority, pki.Name("UT", "Office", "DS"), signer_key, serial=9, validity=PERIOD, use=PERIOD
    )
    certificate = x509.load_der_x509_certificate(signer.certificate)
    certificate.verify_directly_issued_by(x509.load_der_x509_certificate(authority.certificate))
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    signed_by = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    types = certificate.extensions.get_extension_for_oid(x509.ObjectIdentifier("2.23.136.1.1.6.2")).value
    assert (usage.digital_signature, usage.key_cert_sign) == (True, False)
    assert signed_by.key_identifier == authority_key.identifier()
    assert isinstance(types, x509.UnrecognizedExtension)
    assert types.value.hex() == "30080201003103130150"


def test_each_csca_has_a_revocation_list_that_it_signed() -> None:
    for index, content in enumerate(utopia().crl_files().values(), start=1):
        revocations = asn1_crl.CertificateList.load(content, strict=True)
        certificate = asn1_x509.Certificate.load(utopia().csca_files()[f"UTO_csca_{index}.cer"])
        verify(certificate.public_key, revocations["signature"].native, revocations["tbs_cert_list"].dump())
        assert revocations.issuer == certificate.subject
        assert revocations.authority_key_identifier == certificate.key_identifier
        assert revocations["tbs_cert_list"]["revoked_certificates"].native is None


def test_a_revocation_list_names_the_revoked() -> None:
    key = keys.SigningKey(keys.elliptic_key(domain.P256, "authority"))
    name = pki.Name("UT", "Office", "CSCA")
    authority = pki.make_authority(name, key, state="UTO", serial=1, validity=PERIOD, use=PERIOD)
    revocations = x509.load_der_x509_crl(pki.make_crl(authority, [(77, MIDNIGHT)], number=5, period=PERIOD))
    assert revocations.is_signature_valid(key.private.public_key())
    entry = revocations.get_revoked_certificate_by_serial_number(77)
    assert entry is not None
    assert entry.revocation_date_utc == MIDNIGHT
    assert revocations.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number == 5


def test_a_signature_that_follows_from_the_seed_is_the_same_every_time() -> None:
    key = keys.SigningKey(keys.elliptic_key(domain.BRAINPOOL_P256, "seed"))
    assert key.sign(b"message") == keys.SigningKey(keys.elliptic_key(domain.BRAINPOOL_P256, "seed")).sign(b"message")
    assert key.sign(b"message") != keys.SigningKey(keys.elliptic_key(domain.BRAINPOOL_P256, "other")).sign(b"message")

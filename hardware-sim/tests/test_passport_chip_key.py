"""A chip's answers to a challenge, verified as a terminal would."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_der_public_key
from document_fakes.sample_passports import numbered, portrait, utopia

from hardware_sim.passport import domain, keys
from hardware_sim.passport.chip_key import ChipKey, Scheme

CHALLENGE = bytes.fromhex("0123456789ABCDEF")


def chip_key(scheme: Scheme) -> ChipKey:
    """The key of the first passport whose chip signs so."""
    for count in range(99):
        passport = utopia().issue(numbered(count), portrait_jpeg=portrait())
        if passport.chip_key is not None and passport.chip_key.scheme is scheme:
            return passport.chip_key
    raise AssertionError("no number of 99 meets this scheme")


def recovered(key: ChipKey, signature: bytes) -> bytes:
    public = load_der_public_key(key.public_info())
    assert isinstance(public, rsa.RSAPublicKey)
    numbers = public.public_numbers()
    return pow(int.from_bytes(signature), numbers.e, numbers.n).to_bytes(256)


@pytest.mark.parametrize(
    ("scheme", "name", "trailer"), [(Scheme.RSA_SHA1, "sha1", "bc"), (Scheme.RSA_SHA256, "sha256", "34cc")]
)
def test_an_rsa_chip_answers_with_a_message_that_can_be_recovered(scheme: Scheme, name: str, trailer: str) -> None:
    key = chip_key(scheme)
    message = recovered(key, key.answer(CHALLENGE))
    end = len(message) - len(bytes.fromhex(trailer))
    start = end - hashlib.new(name).digest_size
    assert message[0] == 0x6A
    assert message[end:].hex() == trailer
    assert message[start:end] == hashlib.new(name, message[1:start] + CHALLENGE).digest()


def test_an_rsa_chip_never_answers_the_same_twice() -> None:
    key = chip_key(Scheme.RSA_SHA256)
    assert key.answer(CHALLENGE) != key.answer(CHALLENGE)


def test_an_elliptic_chip_answers_with_plain_r_and_s() -> None:
    key = ChipKey(Scheme.ECDSA_SHA256, keys.elliptic_key(domain.P256, "chip"))
    signature = key.answer(CHALLENGE)
    assert len(signature) == 64
    public = load_der_public_key(key.public_info())
    assert isinstance(public, ec.EllipticCurvePublicKey)
    encoded = encode_dss_signature(int.from_bytes(signature[:32]), int.from_bytes(signature[32:]))
    public.verify(encoded, CHALLENGE, ec.ECDSA(SHA256()))
    with pytest.raises(InvalidSignature):
        public.verify(encoded, bytes(8), ec.ECDSA(SHA256()))


@pytest.mark.parametrize("scheme", Scheme)
def test_a_chips_key_survives_its_way_to_the_card(scheme: Scheme) -> None:
    key = chip_key(scheme)
    arrived = ChipKey.from_bytes(scheme.value, key.to_bytes())
    assert arrived.scheme is scheme
    assert arrived.to_bytes() == key.to_bytes()


def test_a_key_of_another_kind_than_its_scheme_is_refused() -> None:
    with pytest.raises(ValueError, match="scheme's kind"):
        ChipKey(Scheme.RSA_SHA1, keys.elliptic_key(domain.P256, "chip"))


def test_a_key_that_no_chip_has_is_refused() -> None:
    private = ed25519.Ed25519PrivateKey.generate().private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(ValueError, match="RSA or elliptic"):
        ChipKey.from_bytes("rsa_sha1", private)

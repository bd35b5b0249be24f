"""Secure messaging with AES: its keys, a chip that keeps to the standard, and one that breaks it."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher as LibraryCipher
from cryptography.hazmat.primitives.ciphers import algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC
from document_fakes.document_chip import converse, scripted
from hypothesis import given, settings
from hypothesis import strategies as st

from gate_documents import tlv
from gate_documents.access import aes
from gate_documents.access.commands import Command, Response
from gate_documents.access.secure_messaging import SecureMessaging
from gate_documents.access.suites import FOR_ENCRYPTION, FOR_MAC, FOR_PASSWORD, SessionKeys, Suite
from gate_documents.errors import SecureMessagingError
from gate_documents.lds.security_infos import Cipher
from hardware_sim.chip import crypto
from hardware_sim.chip.apdu import Response as ChipResponse
from hardware_sim.chip.apdu import parse
from hardware_sim.chip.secure_messaging import Session
from hardware_sim.passport import algorithms as simulated

SECRET = bytes(range(32))
KEYS_OF_CHIP = {
    Cipher.TDES: simulated.Cipher.TDES,
    Cipher.AES_128: simulated.Cipher.AES_128,
    Cipher.AES_192: simulated.Cipher.AES_192,
    Cipher.AES_256: simulated.Cipher.AES_256,
}
READ = Command(0xB0, 0, 0, answer_max=256)
every_cipher = pytest.mark.parametrize("cipher", list(Cipher), ids=lambda cipher: cipher.value)
every_aes = pytest.mark.parametrize(
    "cipher", [Cipher.AES_128, Cipher.AES_192, Cipher.AES_256], ids=lambda cipher: cipher.value
)


def session(cipher: Cipher) -> SecureMessaging:
    return SecureMessaging(SessionKeys.derived(Suite(cipher), SECRET))


class Chip:
    """The simulator's side of secure messaging, with keys from the same secret."""

    def __init__(self, cipher: Cipher) -> None:
        self.session = Session(crypto.derive(SECRET, KEYS_OF_CHIP[cipher]), 0)
        self.heard: list[bytes] = []
        self.answers: list[bytes] = []

    def answer(self, apdu: bytes, data: bytes = b"", status: int = 0x9000) -> bytes:
        opened = self.session.open(parse(apdu))
        self.heard.append(opened.body)
        self.answers.append(self.session.protect(ChipResponse(status, data), odd=bool(opened.ins & 1)).encode())
        return self.answers[-1]


@every_cipher
@settings(max_examples=40, deadline=None)
@given(data=st.binary(max_size=300), said=st.binary(max_size=200), odd=st.booleans())
def test_what_one_side_says_the_other_hears(cipher: Cipher, data: bytes, said: bytes, odd: bool) -> None:  # noqa: FBT001
    chip, ours = Chip(cipher), session(cipher)
    command = Command(0xB1 if odd else 0xB0, 0, 0, said, answer_max=65_536)
    for _ in range(3):
        response, _, _ = converse(ours.exchange(command), lambda apdu: chip.answer(apdu, data, 0x6282))
        assert response == Response(data, 0x6282)
    assert chip.heard == [said] * 3


@every_aes
def test_any_flipped_bit_of_an_answer_ends_the_session(cipher: Cipher) -> None:
    chip = Chip(cipher)
    converse(session(cipher).exchange(READ), lambda apdu: chip.answer(apdu, b"a file"))
    for bit in range(len(chip.answers[0]) * 8):
        changed = bytearray(chip.answers[0])
        changed[bit // 8] ^= 1 << bit % 8
        ours = session(cipher)
        with pytest.raises(SecureMessagingError):
            converse(ours.exchange(READ), scripted([bytes(changed)]))
        with pytest.raises(SecureMessagingError, match="has ended"):
            next(ours.exchange(READ))


@every_aes
def test_an_old_answer_played_again_is_refused(cipher: Cipher) -> None:
    chip, ours = Chip(cipher), session(cipher)
    converse(ours.exchange(READ), lambda apdu: chip.answer(apdu, b"a file"))
    with pytest.raises(SecureMessagingError, match="wrong MAC"):
        converse(ours.exchange(READ), scripted(chip.answers))


class Forger:
    """Knows the keys and answers the first command with objects of the test's choice under a right MAC.

    Written from ICAO 9303-11 §9.8.6 with the library alone, so that it does not share a mistake with the code under test.
    """

    def __init__(self, cipher: Cipher) -> None:
        suite = Suite(cipher)
        self.encryption_key = suite.derive(SECRET, FOR_ENCRYPTION)
        self.mac_key = suite.derive(SECRET, FOR_MAC)
        self.counter = (2).to_bytes(16, "big")

    def cryptogram(self, padded: bytes) -> bytes:
        ecb = LibraryCipher(algorithms.AES(self.encryption_key), modes.ECB()).encryptor()
        return (
            LibraryCipher(algorithms.AES(self.encryption_key), modes.CBC(ecb.update(self.counter)))
            .encryptor()
            .update(padded)
        )

    def answer(self, objects: bytes, status: bytes = b"\x90\x00") -> bytes:
        covered = self.counter + objects + b"\x80"
        code = CMAC(algorithms.AES(self.mac_key))
        code.update(covered + bytes(-len(covered) % 16))
        return objects + b"\x8e\x08" + code.finalize()[:8] + status


GOOD_STATUS = b"\x99\x02\x90\x00"


@every_aes
def test_the_forger_is_believed_when_it_keeps_to_the_standard(cipher: Cipher) -> None:
    forger = Forger(cipher)
    objects = tlv.encode(0x87, b"\x01" + forger.cryptogram(b"abc\x80" + bytes(12))) + GOOD_STATUS
    response, _, _ = converse(session(cipher).exchange(READ), scripted([forger.answer(objects)]))
    assert response == Response(b"abc", 0x9000)


@pytest.mark.parametrize(
    ("objects", "reason"),
    [
        (b"", "status is missing"),
        (b"\x99\x02\x62\x82", "differs inside and outside"),
        (b"\x99\x01\x90", "status is missing"),
        (b"\x87\x11\x02" + bytes(16) + GOOD_STATUS, "unknown padding"),
        (b"\x87\x09\x01" + bytes(8) + GOOD_STATUS, "no whole number of blocks"),
        (b"\x87\x01\x01" + GOOD_STATUS, "no whole number of blocks"),
        (b"\x87\x11\x01" + bytes(16) + GOOD_STATUS, "without padding"),
        (GOOD_STATUS + GOOD_STATUS, "stands twice"),
    ],
)
@every_aes
def test_a_right_mac_does_not_excuse_wrong_objects(cipher: Cipher, objects: bytes, reason: str) -> None:
    with pytest.raises(SecureMessagingError, match=reason):
        converse(session(cipher).exchange(READ), scripted([Forger(cipher).answer(objects)]))


@every_cipher
def test_an_answer_in_clear_ends_the_session_and_tells_its_status(cipher: Cipher) -> None:
    ours = session(cipher)
    with pytest.raises(SecureMessagingError) as caught:
        converse(ours.exchange(READ), scripted([b"\x69\x88"]))
    assert caught.value.status == 0x6988
    with pytest.raises(SecureMessagingError, match="has ended"):
        next(ours.exchange(READ))


def test_keys_are_derived_with_the_hash_that_fits_their_length() -> None:
    # The password key of appendix G.1 to ICAO 9303-11, and NIST's hash of the same input for longer keys.
    seed = bytes.fromhex("7E2D2A41C74EA0B38CD36F863939BFA8E9032AAD")
    assert Suite(Cipher.AES_128).derive(seed, FOR_PASSWORD).hex() == "89ded1b26624ec1e634c1989302849dd"
    long = Suite(Cipher.AES_256).derive(seed, FOR_PASSWORD)
    assert Suite(Cipher.AES_192).derive(seed, FOR_PASSWORD) == long[:24]
    assert len(long) == 32


def test_the_mac_is_that_of_rfc_4493_cut_to_eight_bytes() -> None:
    key = bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c")
    assert aes.mac(key, b"").hex() == "bb1d6929e9593728"
    assert aes.mac(key, bytes.fromhex("6bc1bee22e409f96e93d7e117393172a")).hex() == "070a16b46b4d4144"

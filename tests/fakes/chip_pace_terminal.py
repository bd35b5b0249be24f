"""A terminal that runs PACE and Chip Authentication against the simulated chip, for tests only.

Curves come from the `ecdsa` package and ciphers from `cryptography`: nothing of the card's own arithmetic is used, and
nothing of the gate's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import ecdsa
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives import cmac
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from ecdsa.ellipticcurve import Point, PointJacobi
from fakes import chip_terminal
from fakes.chip_terminal import objects

from hardware_sim.passport import domain

Transmit = Callable[[bytes], bytes]
Element = Any  # a number, or a point of the ecdsa package, which is untyped
CURVES = {
    8: ecdsa.NIST192p,
    9: ecdsa.BRAINPOOLP192r1,
    10: ecdsa.NIST224p,
    11: ecdsa.BRAINPOOLP224r1,
    12: ecdsa.NIST256p,
    13: ecdsa.BRAINPOOLP256r1,
    14: ecdsa.BRAINPOOLP320r1,
    15: ecdsa.NIST384p,
    16: ecdsa.BRAINPOOLP384r1,
    17: ecdsa.BRAINPOOLP512r1,
    18: ecdsa.NIST521p,
}
KEY_BYTES = {1: 16, 2: 16, 3: 24, 4: 32}
GENERIC, INTEGRATED, CHIP_AUTHENTICATION = 2, 4, 6
RANDOM = int.from_bytes(hashlib.sha512(b"terminal").digest())


class PaceRefusedError(Exception):
    """The card answered with another status than 9000."""


def tlv(tag: str, value: bytes) -> bytes:
    size = len(value)
    length = bytes([size]) if size < 0x80 else bytes([0x81, size]) if size < 0x100 else b"\x82" + size.to_bytes(2)
    return bytes.fromhex(tag) + length + value


class Agreement:
    """Diffie-Hellman in one of the standardised groups, the terminal's half."""

    def __init__(self, parameter_id: int) -> None:
        self.curve = CURVES.get(parameter_id)
        self.field = domain.STANDARDISED[parameter_id]
        self.size = (self.prime.bit_length() + 7) // 8

    @property
    def prime(self) -> int:
        return int(self.curve.curve.p()) if self.curve else self.field.p

    @property
    def order(self) -> int:
        return int(self.curve.order) if self.curve else self._modp.q

    @property
    def generator(self) -> Element:
        return self.curve.generator if self.curve else self._modp.g

    @property
    def _modp(self) -> domain.ModularField:
        assert isinstance(self.field, domain.ModularField)
        return self.field

    def decode(self, encoded: bytes) -> Element:
        if self.curve is None:
            return int.from_bytes(encoded)
        return PointJacobi.from_affine(Point.from_bytes(self.curve.curve, encoded))

    def encode(self, element: Element) -> bytes:
        if self.curve is None:
            return element.to_bytes((element.bit_length() + 7) // 8)
        return element.to_bytes("uncompressed")

    def power(self, element: Element, scalar: int) -> Element:
        return pow(element, scalar, self.prime) if self.curve is None else element * scalar

    def join(self, one: Element, other: Element) -> Element:
        return one * other % self.prime if self.curve is None else one + other

    def secret(self, element: Element) -> bytes:
        return (element if self.curve is None else int(element.to_affine().x())).to_bytes(self.size)


def derive(secret: bytes, purpose: int, cipher: int) -> bytes:
    name = "sha256" if cipher > 2 else "sha1"
    return hashlib.new(name, secret + bytes((0, 0, 0, purpose))).digest()[: KEY_BYTES[cipher]]


def cbc(key: bytes, data: bytes, cipher: int, *, encrypt: bool, start: bytes | None = None) -> bytes:
    algorithm = TripleDES(key + key[:8]) if cipher == 1 else algorithms.AES(key)
    block = Cipher(algorithm, modes.CBC(start or bytes(8 if cipher == 1 else 16)))
    context = block.encryptor() if encrypt else block.decryptor()
    return context.update(data) + context.finalize()


def mac(key: bytes, data: bytes, cipher: int) -> bytes:
    if cipher == 1:
        return chip_terminal.mac(key, data)
    context = cmac.CMAC(algorithms.AES(key))
    context.update(data)
    return context.finalize()[:8]


@dataclass
class AesProtected(chip_terminal.Protected):
    """An open session with AES; its counter is a block long."""

    cipher: int = 2

    def _padded(self, data: bytes) -> bytes:
        return data + b"\x80" + bytes(-(len(data) + 1) % 16)

    def _start(self) -> bytes:
        return cbc(self.enc, self.counter.to_bytes(16), self.cipher, encrypt=True)

    def wrap(self, header: bytes, body: bytes = b"", ne: int | None = None, *, extended: bool = False) -> bytes:
        self.counter += 1
        covered = b""
        if body:
            ciphered = cbc(self.enc, self._padded(body), self.cipher, encrypt=True, start=self._start())
            covered += tlv("85", ciphered) if header[1] % 2 else tlv("87", b"\x01" + ciphered)
        if ne is not None:
            covered += tlv("97", (ne % 65536).to_bytes(2) if extended else bytes([ne % 256]))
        signed = self.counter.to_bytes(16) + self._padded(header) + (self._padded(covered) if covered else b"")
        content = covered + tlv("8E", mac(self.mac_key, signed, self.cipher))
        if extended or len(content) > 255:
            return header + b"\x00" + len(content).to_bytes(2) + content + b"\x00\x00"
        return header + bytes([len(content)]) + content + b"\x00"

    def unwrap(self, answer: bytes, *, odd: bool = False) -> tuple[bytes, int]:
        self.counter += 1
        found = objects(answer[:-2])
        proof = found.pop(0x8E)
        covered = b"".join(tlv(f"{tag:02X}", value) for tag, value in found.items())
        signed = self.counter.to_bytes(16) + self._padded(covered)
        assert proof == mac(self.mac_key, signed, self.cipher), "the answer's MAC does not hold"
        assert found[0x99] == answer[-2:], "the status inside is not the status outside"
        plain = b""
        if (ciphered := found.get(0x85 if odd else 0x87)) is not None:
            content = ciphered if odd else ciphered[1:]
            plain = cbc(self.enc, content, self.cipher, encrypt=False, start=self._start()).rstrip(b"\x00")[:-1]
        return plain, int.from_bytes(found[0x99])


def session(transmit: Transmit, secret: bytes, cipher: int) -> chip_terminal.Protected:
    enc, mac_key = (derive(secret, purpose, cipher) for purpose in (1, 2))
    if cipher == 1:
        return chip_terminal.Protected(transmit, enc, mac_key, 0)
    return AesProtected(transmit, enc, mac_key, 0, cipher)


@dataclass
class PaceRun:
    """What a finished run has found out. `mapping_key` and `authentication_data` matter to chip authentication mapping."""

    protected: chip_terminal.Protected
    chip_key: bytes
    mapping_key: bytes = b""
    authentication_data: bytes = field(default=b"", repr=False)


def _general(transmit: Transmit, content: bytes, *, last: bool = False) -> dict[int, bytes]:
    body = tlv("7C", content)
    head = b"\x00\x86\x00\x00" if last else b"\x10\x86\x00\x00"
    if len(body) > 255:
        answer = transmit(head + b"\x00" + len(body).to_bytes(2) + body + b"\x00\x00")
    else:
        answer = transmit(head + bytes([len(body)]) + body + b"\x00")
    if answer[-2:] != b"\x90\x00":
        raise PaceRefusedError(answer[-2:].hex())
    return objects(objects(answer[:-2])[0x7C])


def protocol(parameter_id: int, mapping: int, cipher: int) -> bytes:
    arc = mapping if parameter_id in CURVES else mapping - 1
    return bytes.fromhex("04007F0007020204") + bytes((arc, cipher))


def choose(transmit: Transmit, name: bytes, reference: int, parameter_id: int | None) -> str:
    fields = tlv("80", name) + tlv("83", bytes((reference,)))
    if parameter_id is not None:
        fields += tlv("84", bytes((parameter_id,)))
    return transmit(b"\x00\x22\xc1\xa4" + bytes([len(fields)]) + fields).hex()


def run_pace(
    transmit: Transmit,
    seed: bytes,
    *,
    parameter_id: int,
    mapping: int = GENERIC,
    cipher: int = 2,
    reference: int = 1,
    token_twist: int = 0,
) -> PaceRun:
    """All of PACE with a password seed. Raises PaceRefusedError."""
    group = Agreement(parameter_id)
    name = protocol(parameter_id, mapping, cipher)
    if (status := choose(transmit, name, reference, parameter_id)) != "9000":
        raise PaceRefusedError(status)
    ciphered = _general(transmit, b"")[0x80]
    nonce = cbc(derive(seed, 3, cipher), ciphered, cipher, encrypt=False)
    mapping_key = b""
    if mapping == INTEGRATED:
        terminal_nonce = RANDOM.to_bytes(64)[: KEY_BYTES[cipher]]
        assert _general(transmit, tlv("81", terminal_nonce)) == {0x82: b""}
        generator = integrated(group, nonce, terminal_nonce, cipher)
    else:
        private = RANDOM % group.order
        own = group.encode(group.power(group.generator, private))
        mapping_key = _general(transmit, tlv("81", own))[0x82]
        common = group.power(group.decode(mapping_key), private)
        generator = group.join(group.power(group.generator, int.from_bytes(nonce)), common)
    private = RANDOM // 3 % group.order
    own = group.encode(group.power(generator, private))
    chip_key = _general(transmit, tlv("83", own))[0x84]
    secret = group.secret(group.power(group.decode(chip_key), private))
    mac_key = derive(secret, 2, cipher)
    tag = "86" if parameter_id in CURVES else "84"
    shown, expected = (mac(mac_key, tlv("7F49", tlv("06", name) + tlv(tag, key)), cipher) for key in (chip_key, own))
    last = _general(transmit, tlv("85", bytes((shown[0] ^ token_twist,)) + shown[1:]), last=True)
    assert last[0x86] == expected
    return PaceRun(session(transmit, secret, cipher), chip_key, mapping_key, last.get(0x8A, b""))


def integrated(group: Agreement, nonce: bytes, terminal_nonce: bytes, cipher: int) -> Element:
    """The generator of integrated mapping (ICAO 9303-11 §B.1 to §B.3)."""
    constants = (
        ("a668892a7c41e3ca739f40b057d85904", "a4e136ac725f738b01c1f60217c188ad")
        if len(nonce) == 16
        else (
            "d463d65234124ef7897054986dca0a174e28df758cbaa03f240616414d5a1676",
            "54bd7255f0aaf831bec3423fcf39d69b6cbf066677d0faae5aadd99df8e53517",
        )
    )
    onward, outward = (bytes.fromhex(constant) for constant in constants)
    key = cbc(terminal_nonce, nonce, cipher, encrypt=True)[: KEY_BYTES[cipher]]
    made = b""
    while len(made) * 8 < group.prime.bit_length() + 64:
        made += cbc(key, outward, cipher, encrypt=True)
        key = cbc(key, onward, cipher, encrypt=True)[: KEY_BYTES[cipher]]
    number = int.from_bytes(made) % group.prime
    if group.curve is None:
        return pow(number, (group.prime - 1) // group.order, group.prime)
    p, a, b = group.prime, int(group.curve.curve.a()), int(group.curve.curve.b())
    alpha = -(number**2) % p
    x = -b * pow(a, -1, p) * (1 + pow(alpha + alpha**2, -1, p)) % p
    square = (x**3 + a * x + b) % p
    if pow(square, (p - 1) // 2, p) == 1:
        y = square * pow(square, p - 1 - (p + 1) // 4, p) % p
    else:
        y = pow(square, p - 1 - (p + 1) // 4, p) * number**3 * square % p
        x = alpha * x % p
    return PointJacobi(group.curve.curve, x, y, 1)

"""How PACE turns the chip's nonce into a generator that only both sides know (ICAO 9303-11 §4.4.3.3, §B)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gate_documents.errors import MalformedError

if TYPE_CHECKING:
    from gate_documents.access.groups import Group
    from gate_documents.access.suites import Suite

_SHORT_NONCE_BYTES: Final = 16
_LONG_NONCE_BYTES: Final = 32
_SPARE_BITS: Final = 64
# The constants c0 and c1, for nonces of 16 and of 32 bytes (ICAO 9303-11 §B.3.2).
_CONSTANTS: Final = {
    _SHORT_NONCE_BYTES: (
        bytes.fromhex("a668892a7c41e3ca739f40b057d85904"),
        bytes.fromhex("a4e136ac725f738b01c1f60217c188ad"),
    ),
    _LONG_NONCE_BYTES: (
        bytes.fromhex("d463d65234124ef7897054986dca0a174e28df758cbaa03f240616414d5a1676"),
        bytes.fromhex("54bd7255f0aaf831bec3423fcf39d69b6cbf066677d0faae5aadd99df8e53517"),
    ),
}


def map_generic(group: Group, nonce: bytes, common: bytes) -> bytes:
    """Return the nonce times the generator, plus an element on which both sides agreed (§4.4.3.3.1)."""
    return group.add(group.multiply(group.generator, int.from_bytes(nonce, "big")), common)


def map_integrated(group: Group, suite: Suite, nonce: bytes, terminal_nonce: bytes) -> bytes:
    """An element computed from both sides' nonces (§4.4.3.3.2). Raises MalformedError on a nonce of the wrong length."""
    number = int.from_bytes(pseudo_random(group, suite, nonce, terminal_nonce), "big") % group.prime
    return group.element_of(number)


def pseudo_random(group: Group, suite: Suite, nonce: bytes, terminal_nonce: bytes) -> bytes:
    """Return bytes longer than the prime by at least 64 bits, for a uniform distribution below it (§B.3)."""
    expected = _SHORT_NONCE_BYTES if suite.key_bytes == _SHORT_NONCE_BYTES else _LONG_NONCE_BYTES
    if len(nonce) != expected:
        raise MalformedError("a nonce of the wrong length for integrated mapping")
    onward, outward = _CONSTANTS[expected]
    key = suite.encrypt(terminal_nonce, nonce)[: suite.key_bytes]
    made = b""
    while len(made) * 8 < group.prime.bit_length() + _SPARE_BITS:
        made += suite.encrypt(key, outward)
        key = suite.encrypt(key, onward)[: suite.key_bytes]
    return made

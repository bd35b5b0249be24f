"""PACE, the chip's side, as a conversation: data objects in, data objects out (ICAO 9303-11 §4.4).

Generic, integrated and chip authentication mapping, over curves and prime fields. The source of randomness is an
argument. `application` handles MANAGE SECURITY ENVIRONMENT and the chaining of commands.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from hardware_sim.chip import RefusedError, crypto, status
from hardware_sim.chip.quirks import Lie
from hardware_sim.passport import groups
from hardware_sim.passport.algorithms import Mapping, Pace
from hardware_sim.passport.der import oid, tlv
from hardware_sim.passport.domain import Curve

_NONCE_BYTES: Final = 16
_MAPPING_DATA: Final = 0x81
_EPHEMERAL_KEY: Final = 0x83
_TOKEN: Final = 0x85

# Constants of the pseudo-random function (ICAO 9303-11 §B.3), for nonces of 16 and of 32 bytes.
_CONSTANTS: Final = {
    16: (bytes.fromhex("a668892a7c41e3ca739f40b057d85904"), bytes.fromhex("a4e136ac725f738b01c1f60217c188ad")),
    32: (
        bytes.fromhex("d463d65234124ef7897054986dca0a174e28df758cbaa03f240616414d5a1676"),
        bytes.fromhex("54bd7255f0aaf831bec3423fcf39d69b6cbf066677d0faae5aadd99df8e53517"),
    ),
}


@dataclass(frozen=True, slots=True)
class Agreed:
    """The last answer of a run and its result. The ephemeral keys identify both sides in Terminal Authentication."""

    answer: bytes
    keys: crypto.KeyPair = field(repr=False)
    chip_ephemeral: bytes
    terminal_ephemeral: bytes


Conversation: TypeAlias = Generator[bytes, dict[int, bytes], Agreed]


@dataclass(frozen=True, slots=True)
class Chip:
    """The chip's data for one run. `mapping_key` is its static private key for chip authentication mapping."""

    pace: Pace
    password_seed: bytes = field(repr=False)
    random_bytes: Callable[[int], bytes]
    mapping_key: int | None = field(default=None, repr=False)
    lie: Lie | None = None

    @property
    def group(self) -> groups.Group:
        """Return the group of the standardised domain parameters."""
        return groups.group_of(self.pace.domain)

    def private_key(self) -> int:
        """Return a new random private key for this run."""
        order = self.group.order
        return int.from_bytes(self.random_bytes((order.bit_length() + 7) // 8)) % order or 1


def conversation(chip: Chip) -> Conversation:
    """Return the chip's side of one run. Start it with `next`, then send each command's objects. Raises RefusedError."""
    cipher = chip.pace.cipher
    nonce = chip.random_bytes(_nonce_bytes(chip.pace))
    if (yield b""):  # the first command carries no data
        raise RefusedError(status.WRONG_DATA)
    password_key = crypto.derive_one(chip.password_seed, crypto.FOR_PASSWORD, cipher)
    received = yield tlv(0x80, crypto.encipher(password_key, nonce, cipher))

    mapping_private = 0 if chip.pace.mapping is Mapping.INTEGRATED else chip.private_key()
    generator, answer = _map(chip, nonce, mapping_private, _only(received, _MAPPING_DATA))
    received = yield tlv(0x82, answer)

    terminal_key = _only(received, _EPHEMERAL_KEY)
    private = chip.private_key()
    public = chip.group.multiply(generator, private)
    if terminal_key == public:
        raise RefusedError(status.WRONG_DATA)
    keys = crypto.derive(_secret(chip.group, terminal_key, private), cipher)
    shown = _shown_key(chip, public, terminal_key)
    received = yield tlv(0x84, shown)

    proof = _only(received, _TOKEN)
    if chip.lie is Lie.PACE_ECHOES_KEY:
        # A chip that echoes key and token has no key, and needs none.
        return Agreed(tlv(0x86, proof), keys, public, terminal_key)
    if not hmac.compare_digest(proof, token(chip.pace, keys, public)):
        raise RefusedError(status.PROOF_WRONG)
    answer = tlv(0x86, _shown_token(chip, token(chip.pace, keys, terminal_key)))
    if chip.pace.mapping is Mapping.CHIP_AUTHENTICATION:
        answer += tlv(0x8A, authentication_data(chip, keys, mapping_private))
    return Agreed(answer, keys, public, terminal_key)


def _only(received: dict[int, bytes], tag: int) -> bytes:
    if list(received) != [tag]:
        raise RefusedError(status.WRONG_DATA)
    return received[tag]


def _nonce_bytes(pace: Pace) -> int:
    """Return the length of the nonce. Integrated mapping needs at least the key's length, in whole blocks (§4.4.3.3.2)."""
    if pace.mapping is Mapping.INTEGRATED and pace.cipher.key_bytes > _NONCE_BYTES:
        return 2 * _NONCE_BYTES
    return _NONCE_BYTES


def _map(chip: Chip, nonce: bytes, private: int, received: bytes) -> tuple[bytes, bytes]:
    """Return the generator of this run, and the answer from which the terminal derives it."""
    group = chip.group
    if chip.pace.mapping is Mapping.INTEGRATED:
        if len(received) != chip.pace.cipher.key_bytes:
            raise RefusedError(status.WRONG_DATA)
        number = int.from_bytes(pseudo_random(nonce, received, chip.pace)) % chip.pace.domain.p
        return group.map_number(number), b""
    try:
        common = group.multiply(received, private)
        generator = group.add(group.multiply(group.generator, int.from_bytes(nonce)), common)
    except groups.NotInGroupError as foreign:
        raise RefusedError(status.WRONG_DATA) from foreign
    public = group.multiply(group.generator, private)
    return generator, received if chip.lie is Lie.PACE_ECHOES_MAPPING else public


def pseudo_random(nonce: bytes, terminal_nonce: bytes, pace: Pace) -> bytes:
    """Return R(s, t) of integrated mapping: at least 64 bits longer than the prime (ICAO 9303-11 §B.3)."""
    onward, outward = _CONSTANTS[len(nonce)]
    key_bytes = pace.cipher.key_bytes
    key = crypto.encipher(terminal_nonce, nonce, pace.cipher)[:key_bytes]
    made = b""
    while len(made) * 8 < pace.domain.p.bit_length() + 64:
        made += crypto.encipher(key, outward, pace.cipher)
        key = crypto.encipher(key, onward, pace.cipher)[:key_bytes]
    return made


def _secret(group: groups.Group, terminal_key: bytes, private: int) -> bytes:
    try:
        return group.secret(group.multiply(terminal_key, private))
    except groups.NotInGroupError as foreign:
        raise RefusedError(status.WRONG_DATA) from foreign


def token(pace: Pace, keys: crypto.KeyPair, public: bytes) -> bytes:
    """Return the MAC over the other side's ephemeral key, as a public key data object (§4.4.3.4)."""
    tag = 0x86 if isinstance(pace.domain, Curve) else 0x84
    return crypto.mac(keys, tlv(0x7F49, oid(pace.oid), tlv(tag, public)))


def authentication_data(chip: Chip, keys: crypto.KeyPair, mapping_private: int) -> bytes:
    """Return the encrypted quotient of mapping key and static key (§4.4.3.3.3, §4.4.3.5). Raises RefusedError."""
    if chip.mapping_key is None:
        raise RefusedError(status.WRONG_DATA)
    order, block = chip.group.order, keys.cipher.block_bytes
    quotient = mapping_private * pow(chip.mapping_key, -1, order) % order
    plain = crypto.pad(quotient.to_bytes((order.bit_length() + 7) // 8), block)
    start = crypto.encipher(keys.enc, b"\xff" * block, keys.cipher)
    return crypto.encipher(keys.enc, plain, keys.cipher, start=start)


def _shown_key(chip: Chip, public: bytes, terminal_key: bytes) -> bytes:
    match chip.lie:
        case Lie.PACE_ECHOES_KEY:
            return terminal_key
        case Lie.PACE_KEY_OUTSIDE:
            # Not a point of the curve; in a prime group, of twice the order, which its size does not show.
            if isinstance(chip.pace.domain, Curve):
                return public[:-1] + bytes((public[-1] ^ 1,))
            return (chip.pace.domain.p - int.from_bytes(public)).to_bytes(chip.pace.domain.size_bytes)
        case Lie.PACE_NEUTRAL_KEY:
            return b"\x00" if isinstance(chip.pace.domain, Curve) else b"\x01"
        case _:
            return public


def _shown_token(chip: Chip, honest: bytes) -> bytes:
    return bytes((honest[0] ^ 1,)) + honest[1:] if chip.lie is Lie.PACE_WRONG_TOKEN else honest

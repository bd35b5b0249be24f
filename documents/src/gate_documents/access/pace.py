"""Password Authenticated Connection Establishment, the terminal's part (ICAO 9303-11 §4.4).

Generic, integrated and chip authentication mapping over curves and prime fields. A chip that returns the terminal's own
key, an invalid element, or a wrong token has not proven that it knows the password, and stays closed. The variant is
chosen from EF.CardAccess, which is unsigned: the caller compares it with EF.DG14 later.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from asn1crypto import core

from gate_documents import tlv
from gate_documents.access.agreement_keys import group_of_algorithm
from gate_documents.access.commands import EXTENDED_ANSWER_MAX, OK, SHORT_ANSWER_MAX, Command, Transmit, exchange
from gate_documents.access.groups import Group, compressed, private_key, standard_group
from gate_documents.access.mapping import map_generic, map_integrated
from gate_documents.access.padding import unpad
from gate_documents.access.secure_messaging import SecureMessaging
from gate_documents.access.suites import FOR_PASSWORD, SessionKeys, Suite
from gate_documents.errors import AccessDeniedError, AlgorithmUnknownError, CardAccessNumberError, MalformedError
from gate_documents.lds.security_infos import Cipher, KeyAgreement, Mapping, PaceInfo

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from collections.abc import Mapping as Mapped

    from gate_documents.lds.security_infos import SecurityInfos
    from gate_documents.mrz.parser import MrzKey

_VERSION: Final = 2  # the only one that Doc 9303 has (§9.2.1)
_STANDARD_PARAMETERS_MAX: Final = 31
_NONCE_BYTES_MAX: Final = 64
_OBJECT_HEADERS_BYTES: Final = 8
_CHAINED: Final = 0x10
_CERTIFICATE_REFERENCES: Final = frozenset({0x87, 0x88})
_CHIP_DATA: Final = 0x8A
_AES_BLOCK_BYTES: Final = 16


@dataclass(frozen=True, slots=True, repr=False)
class Password:
    """The chip's password: its reference in MSE:Set AT, and the bytes from which keys are derived."""

    reference: int
    secret: bytes

    @classmethod
    def of_mrz(cls, key: MrzKey) -> Password:
        """The key of the printed MRZ (§9.7.3)."""
        return cls(1, hashlib.sha1(key.information, usedforsecurity=False).digest())

    @classmethod
    def of_card_access_number(cls, number: str) -> Password:
        """The card access number, as printed. Raises CardAccessNumberError."""
        if not number.isascii():
            raise CardAccessNumberError("the card access number has characters that none has")
        return cls(2, number.encode("ascii"))


@dataclass(frozen=True, slots=True)
class PaceWay:
    """One variant of PACE, and its group."""

    info: PaceInfo
    group: Group


@dataclass(frozen=True, slots=True, repr=False)
class MappingProof:
    """The chip's proof in PACE-CAM that it holds a static key: its mapping key divided by that key."""

    group: Group
    mapping_key: bytes
    quotient: int

    def fits(self, static_key: bytes) -> bool:
        """True when the holder of this key ran PACE with us (§4.4.3.5.2)."""
        try:
            return hmac.compare_digest(self.group.multiply(static_key, self.quotient), self.mapping_key)
        except MalformedError:
            return False


@dataclass(frozen=True, slots=True, repr=False)
class Opened:
    """The session from PACE, and both ephemeral keys compressed; with chip authentication mapping, the chip's proof."""

    session: SecureMessaging
    chip_key: bytes
    terminal_key: bytes
    proof: MappingProof | None


def choose_way(offered: SecurityInfos) -> PaceWay | None:
    """Return the best known variant: with chip authentication, then AES, then curves, then longer keys; None without one."""
    ways = [way for info in offered.pace if (way := _way(info, offered)) is not None]
    return max(ways, key=_worth, default=None)


def _worth(way: PaceWay) -> tuple[bool, bool, bool, int]:
    info = way.info
    return (
        info.mapping is Mapping.CHIP_AUTHENTICATION,
        info.cipher is not Cipher.TDES,
        info.agreement is KeyAgreement.ECDH,
        Suite(info.cipher).key_bytes,
    )


def _way(info: PaceInfo, offered: SecurityInfos) -> PaceWay | None:
    """Return an entry's variant, or None if it is not the standard's, or its group is unknown."""
    if info.version != _VERSION or (info.mapping is Mapping.CHIP_AUTHENTICATION and info.cipher is Cipher.TDES):
        return None
    try:
        group = _group(info, offered)
    except (AlgorithmUnknownError, MalformedError):
        return None
    curve = group.key_tag == 0x86
    if curve is not (info.agreement is KeyAgreement.ECDH):
        return None
    if info.mapping is Mapping.INTEGRATED and curve and group.prime % 4 != 3:
        return None
    return PaceWay(info, group)


def _group(info: PaceInfo, offered: SecurityInfos) -> Group:
    if info.parameter_id is not None and info.parameter_id <= _STANDARD_PARAMETERS_MAX:
        return standard_group(info.parameter_id)
    for one in offered.pace_parameters:
        if (one.agreement, one.mapping, one.parameter_id) == (info.agreement, info.mapping, info.parameter_id):
            return group_of_algorithm(one.algorithm)
    raise AlgorithmUnknownError("domain parameters that are not given")


def open_with_pace(
    way: PaceWay, password: Password, *, random: Callable[[int], bytes]
) -> Generator[Transmit, bytes | None, Opened]:
    """Run PACE with the chip, whose master file is selected.

    Raises AccessDeniedError if the chip refuses, or does not prove that it knows the password.
    """
    try:
        return (yield from _run(way, password, random))
    except MalformedError as error:
        raise AccessDeniedError(f"the chip breaks PACE: {error}") from error


def _run(way: PaceWay, password: Password, random: Callable[[int], bytes]) -> Generator[Transmit, bytes | None, Opened]:
    group, suite = way.group, Suite(way.info.cipher)
    yield from _choose(way, password)
    ciphered = (yield from _authenticate({}, SHORT_ANSWER_MAX, 0x80))[0x80]
    if not 0 < len(ciphered) <= _NONCE_BYTES_MAX or len(ciphered) % suite.block_bytes:
        raise MalformedError("a nonce that is no whole number of blocks")
    nonce = suite.decrypt(suite.derive(password.secret, FOR_PASSWORD), ciphered)
    generator, chip_mapping_key = yield from _map(way, suite, nonce, random)
    private = private_key(group, random)
    ours = group.multiply(generator, private)
    theirs = (yield from _authenticate({0x83: ours}, _answer_max(group), 0x84))[0x84]
    if theirs == ours:
        raise MalformedError("the chip sends the terminal's own key back")
    keys = SessionKeys.derived(suite, group.secret(group.multiply(theirs, private)))
    cam = way.info.mapping is Mapping.CHIP_AUTHENTICATION
    answer = yield from _authenticate(
        {0x85: keys.token(_key_object(way, theirs))},
        SHORT_ANSWER_MAX,
        *((0x86, _CHIP_DATA) if cam else (0x86,)),
        last=True,
    )
    if not hmac.compare_digest(answer[0x86], keys.token(_key_object(way, ours))):
        raise MalformedError("the chip's token is wrong")
    proof = MappingProof(group, chip_mapping_key, _quotient(keys, answer[_CHIP_DATA])) if cam else None
    return Opened(SecureMessaging(keys), compressed(group, theirs), compressed(group, ours), proof)


def _choose(way: PaceWay, password: Password) -> Generator[Transmit, bytes | None, None]:
    """MSE:Set AT (§4.4.4.1). Some chips insist on the domain parameters being named."""
    data = tlv.encode(0x80, core.ObjectIdentifier(way.info.protocol).contents)
    data += tlv.encode(0x83, bytes([password.reference]))
    if way.info.parameter_id is not None:
        number = way.info.parameter_id
        data += tlv.encode(0x84, number.to_bytes(max(1, (number.bit_length() + 7) // 8), "big"))
    chosen = yield from exchange(Command(0x22, 0xC1, 0xA4, data))
    if chosen.status != OK:
        raise AccessDeniedError(f"the chip refuses the PACE that it offers: status {chosen.status:04X}")


def _map(
    way: PaceWay, suite: Suite, nonce: bytes, random: Callable[[int], bytes]
) -> Generator[Transmit, bytes | None, tuple[bytes, bytes]]:
    """Return this run's generator, and the chip's mapping key if there is one."""
    group = way.group
    if way.info.mapping is Mapping.INTEGRATED:
        ours = random(suite.key_bytes)
        answer = yield from _authenticate({0x81: ours}, SHORT_ANSWER_MAX, 0x82, empty=True)
        if answer.get(0x82):
            raise MalformedError("mapping data where there is none")
        return map_integrated(group, suite, nonce, ours), b""
    private = private_key(group, random)
    ours = group.multiply(group.generator, private)
    theirs = (yield from _authenticate({0x81: ours}, _answer_max(group), 0x82))[0x82]
    if theirs == ours:
        raise MalformedError("the chip sends the terminal's own mapping key back")
    return map_generic(group, nonce, group.multiply(theirs, private)), theirs


def _authenticate(
    sent: Mapped[int, bytes], answer_max: int, *wanted: int, last: bool = False, empty: bool = False
) -> Generator[Transmit, bytes | None, dict[int, bytes]]:
    """GENERAL AUTHENTICATE (§4.4.4.2): send objects, return the wanted ones; `empty` permits none."""
    body = b"".join(tlv.encode(tag, value) for tag, value in sent.items())
    command = Command(
        0x86, 0x00, 0x00, tlv.encode(0x7C, body), answer_max=answer_max, instruction_class=0x00 if last else _CHAINED
    )
    response = yield from exchange(command)
    if response.status != OK:
        what = "the password" if last else "a step of PACE"
        raise AccessDeniedError(f"the chip refuses {what}: status {response.status:04X}")
    found = tuple(tlv.elements(tlv.only(response.data, 0x7C)))
    objects = {element.tag: element.value for element in found}
    unasked = objects.keys() - set(wanted) - (_CERTIFICATE_REFERENCES if last else frozenset())
    if len(objects) != len(found) or unasked or (not empty and not set(wanted) <= objects.keys()):
        raise MalformedError("not the data objects of this step")
    return objects


def _answer_max(group: Group) -> int:
    """Long elements need an answer of extended length."""
    element_bytes = (
        2 * ((group.prime.bit_length() + 7) // 8) if group.key_tag == 0x86 else group.prime.bit_length() // 8
    )
    return SHORT_ANSWER_MAX if element_bytes + _OBJECT_HEADERS_BYTES <= SHORT_ANSWER_MAX else EXTENDED_ANSWER_MAX


def _key_object(way: PaceWay, element: bytes) -> bytes:
    """Return the public key data object for a token (§4.4.3.4, TR-03110-3 §D.3)."""
    protocol = tlv.encode(0x06, core.ObjectIdentifier(way.info.protocol).contents)
    return tlv.encode(0x7F49, protocol + tlv.encode(way.group.key_tag, element))


def _quotient(keys: SessionKeys, ciphered: bytes) -> int:
    if not ciphered or len(ciphered) % _AES_BLOCK_BYTES:
        raise MalformedError("chip authentication data that is no whole number of blocks")
    data = unpad(keys.decrypt_proof(ciphered), _AES_BLOCK_BYTES)
    if not data:
        raise MalformedError("chip authentication data without padding, or empty")
    return int.from_bytes(data, "big")

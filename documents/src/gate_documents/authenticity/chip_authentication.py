"""Chip Authentication version 1: the chip agrees on new keys with its static key (ICAO 9303-11 §6.2, TR-03110-3 §B.1).

A chip without the private key cannot answer with the new keys, so its first answer is the proof. Shows that the holder
of the key answered; EF.SOD shows that the key is the issuer's, and only both together make a chip genuine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from asn1crypto import core

from gate_documents import tlv
from gate_documents.access.agreement_keys import AgreementKey, parse_agreement_key
from gate_documents.access.commands import OK, SHORT_ANSWER_MAX, Command, Response, Transmit
from gate_documents.access.groups import compressed, private_key
from gate_documents.access.secure_messaging import SecureMessaging
from gate_documents.access.suites import SessionKeys, Suite
from gate_documents.errors import AlgorithmUnknownError, ChipStatusError, MalformedError, SecureMessagingError
from gate_documents.lds.files import data_group
from gate_documents.lds.security_infos import Cipher, KeyAgreement

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from gate_documents.access.chip_access import Chip
    from gate_documents.lds.security_infos import ChipAuthenticationInfo, SecurityInfos

_VERSION: Final = 1  # later ones belong to identity cards, after Terminal Authentication
_PROTOCOLS: Final = {KeyAgreement.DH: "0.4.0.127.0.7.2.2.3.1.1", KeyAgreement.ECDH: "0.4.0.127.0.7.2.2.3.2.1"}


@dataclass(frozen=True, slots=True)
class AgreementOffer:
    """One variant of Chip Authentication. `announced` is False for old chips that name a key and no algorithm."""

    protocol: str
    cipher: Cipher
    key: AgreementKey
    key_id: int | None
    announced: bool


def choose_offer(infos: SecurityInfos) -> AgreementOffer | None:
    """Return the best known variant, AES and long keys first; None without one."""
    offers: list[AgreementOffer] = []
    for one in infos.chip_keys:
        try:
            key = parse_agreement_key(one.spki)
        except (AlgorithmUnknownError, MalformedError):
            continue
        if (key.group.key_tag == 0x86) is not (one.agreement is KeyAgreement.ECDH):
            continue
        named = [info for info in infos.chip_authentications if _belongs(info, one.agreement, one.key_id)]
        offers += [
            AgreementOffer(info.protocol, info.cipher, key, info.key_id, announced=True)
            for info in named
            if info.version == _VERSION
        ]
        if not named:
            offers.append(AgreementOffer(_PROTOCOLS[one.agreement], Cipher.TDES, key, one.key_id, announced=False))
    return max(offers, key=_worth, default=None)


def _belongs(info: ChipAuthenticationInfo, agreement: KeyAgreement, key_id: int | None) -> bool:
    return info.agreement is agreement and (info.key_id == key_id or None in (info.key_id, key_id))


def _worth(offer: AgreementOffer) -> tuple[bool, bool, int]:
    return offer.announced, offer.cipher is not Cipher.TDES, Suite(offer.cipher).key_bytes


def prove(
    chip: Chip, offer: AgreementOffer, *, random: Callable[[int], bytes]
) -> Generator[Transmit, bytes | None, str | None]:
    """Carry out Chip Authentication. Returns None if the chip holds its key, else why that was not shown.

    The conversation continues with the new keys, also after each reopening. If they were not reached, the chip was
    reopened if necessary. Raises SecureMessagingError on an answer that breaks the session before.
    """
    try:
        ours = _new_keys(offer, random)
    except MalformedError as error:
        return f"the chip's key is none: {error}"
    try:
        yield from _tell(chip, offer, ours.public)
    except ChipStatusError as error:
        return str(error)
    except SecureMessagingError as error:
        if error.status is None:
            raise
        reason = f"the chip breaks off Chip Authentication: {error}"
    else:
        try:
            yield from _go_over(chip, offer, ours, random)
        except SecureMessagingError:
            reason = "the chip does not hold the key of Chip Authentication"
        else:
            return None
    chip.forget_rekeying()
    yield from chip.reopen()
    return reason


def _again(
    chip: Chip, offer: AgreementOffer, random: Callable[[int], bytes]
) -> Generator[Transmit, bytes | None, None]:
    """Repeat it for a proven chip that was reopened: any error ends the inspection."""
    ours = _new_keys(offer, random)
    yield from _tell(chip, offer, ours.public)
    yield from _go_over(chip, offer, ours, random)


@dataclass(frozen=True, slots=True, repr=False)
class _Ours:
    """Our public key, and the session with the new keys."""

    public: bytes
    session: SecureMessaging


def _new_keys(offer: AgreementOffer, random: Callable[[int], bytes]) -> _Ours:
    """Return a key pair for one run, and its session keys with the chip's key."""
    group = offer.key.group
    private = private_key(group, random)
    secret = group.secret(group.multiply(offer.key.element, private))
    session = SecureMessaging(SessionKeys.derived(Suite(offer.cipher), secret))
    return _Ours(group.multiply(group.generator, private), session)


def _go_over(
    chip: Chip, offer: AgreementOffer, ours: _Ours, random: Callable[[int], bytes]
) -> Generator[Transmit, bytes | None, None]:
    """Switch to the new keys, with a command to which any answer suffices, even a refusal."""
    terminal_key = compressed(offer.key.group, ours.public)
    chip.rekey(ours.session, lambda: _again(chip, offer, random), terminal_key=terminal_key)
    yield from chip.ask(Command(0xA4, 0x02, 0x0C, data_group(1).identifier.to_bytes(2, "big")))


def _tell(chip: Chip, offer: AgreementOffer, public: bytes) -> Generator[Transmit, bytes | None, None]:
    """Send our key to the chip. With triple DES there are two ways; the second is tried if the chip refuses the first."""
    first, second = (_set_and_authenticate, _set_key) if offer.announced else (_set_key, _set_and_authenticate)
    answer = yield from first(chip, offer, public)
    if answer.status != OK and offer.cipher is Cipher.TDES:
        answer = yield from second(chip, offer, public)
    if answer.status != OK:
        raise ChipStatusError("the chip refuses the Chip Authentication that it offers", answer.status)


def _set_key(chip: Chip, offer: AgreementOffer, public: bytes) -> Generator[Transmit, bytes | None, Response]:
    """MSE:Set KAT (§6.2.4.1)."""
    return (yield from chip.ask(Command(0x22, 0x41, 0xA6, tlv.encode(0x91, public) + _reference(offer))))


def _set_and_authenticate(
    chip: Chip, offer: AgreementOffer, public: bytes
) -> Generator[Transmit, bytes | None, Response]:
    """MSE:Set AT, then GENERAL AUTHENTICATE (§6.2.4.2)."""
    protocol = tlv.encode(0x80, core.ObjectIdentifier(offer.protocol).contents)
    chosen = yield from chip.ask(Command(0x22, 0x41, 0xA4, protocol + _reference(offer)))
    if chosen.status != OK:
        return chosen
    return (
        yield from chip.ask(
            Command(0x86, 0x00, 0x00, tlv.encode(0x7C, tlv.encode(0x80, public)), answer_max=SHORT_ANSWER_MAX)
        )
    )


def _reference(offer: AgreementOffer) -> bytes:
    """Names the key, if it has a name."""
    if offer.key_id is None:
        return b""
    return tlv.encode(0x84, offer.key_id.to_bytes(max(1, (offer.key_id.bit_length() + 7) // 8), "big"))

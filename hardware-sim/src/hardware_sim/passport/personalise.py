"""Puts keys into chips: private keys derived from a seed, and the files that announce the public keys."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from hardware_sim.passport import lds, security_infos
from hardware_sim.passport.abilities import Abilities, Agreement, AgreementKey, Features
from hardware_sim.passport.algorithms import Cipher, Mapping, Pace
from hardware_sim.passport.chip_key import ChipKey, Scheme
from hardware_sim.passport.domain import STANDARDISED
from hardware_sim.passport.faults import Draft
from hardware_sim.passport.groups import group_of

WEAK_PACE: Final = Pace(Mapping.GENERIC, 12, Cipher.TDES)  # what a downgrade attack offers


def abilities(features: Features, seed: str) -> Abilities:
    """Return the private keys for the ordered features; the same seed gives the same keys."""
    mapped = {way.parameter_id for way in features.pace if way.mapping is Mapping.CHIP_AUTHENTICATION}
    return Abilities(
        bac=features.bac,
        pace=features.pace,
        can=features.can,
        mapping_keys=tuple(AgreementKey(number, _private(number, f"{seed}/mapping")) for number in sorted(mapped)),
        agreement_keys=tuple(_agreement_key(order, seed) for order in features.chip_authentication),
    )


def group14(chip_key: ChipKey | None, features: Features, held: Abilities) -> bytes | None:
    """Return DG14 with everything that the chip announces; None when it announces nothing."""
    infos = [security_infos.pace_info(way) for way in features.pace]
    if chip_key is not None and chip_key.scheme is Scheme.ECDSA_SHA256:
        infos.append(security_infos.active_authentication_info())
    for order, key in zip(features.chip_authentication, held.agreement_keys, strict=True):
        if order.cipher is not None:
            infos.append(security_infos.chip_authentication_info(order.parameter_id, order.cipher, order.key_id))
        infos.append(security_infos.chip_authentication_key(order, key))
    if features.terminal_authentication:
        infos.append(security_infos.terminal_authentication_info())
    return lds.dg14(dict.fromkeys(infos)) if infos else None


def announce(draft: Draft, features: Features) -> None:
    """Write the files that announce the chip's keys into the draft."""
    announced = group14(draft.chip_key, features, draft.abilities)
    if announced is not None:
        draft.groups[14] = announced
    if draft.chip_key is not None:
        draft.groups[15] = lds.dg15(draft.chip_key.public_info())
    if features.pace:
        draft.card_access = card_access(features.pace)


def card_access(ways: Iterable[Pace]) -> bytes:
    """Return EF.CardAccess for these variants of PACE."""
    return security_infos.security_infos([security_infos.pace_info(way) for way in ways])


def card_security_infos(held: Abilities) -> bytes:
    """Return the content of EF.CardSecurity: the variants of PACE, and the keys of chip authentication mapping."""
    infos = [security_infos.pace_info(way) for way in held.pace]
    return security_infos.security_infos([*infos, *(security_infos.mapping_key(key) for key in held.mapping_keys)])


def with_other_agreement_keys(held: Abilities, seed: str) -> Abilities:
    """Return the same abilities with unannounced keys of Chip Authentication."""
    return replace(held, agreement_keys=tuple(_another(key, f"{seed}/agreement") for key in held.agreement_keys))


def with_other_mapping_keys(held: Abilities, seed: str) -> Abilities:
    """Return the same abilities with unannounced keys of chip authentication mapping."""
    return replace(held, mapping_keys=tuple(_another(key, f"{seed}/mapping") for key in held.mapping_keys))


def _another(key: AgreementKey, seed: str) -> AgreementKey:
    return replace(key, private=_private(key.parameter_id, seed))


def _agreement_key(order: Agreement, seed: str) -> AgreementKey:
    """Return the key for an order. Orders with the same key number get the same key, with any cipher."""
    private = _private(order.parameter_id, f"{seed}/agreement/{order.key_id}")
    return AgreementKey(order.parameter_id, private, order.cipher or Cipher.TDES, order.key_id)


def _private(parameter_id: int, seed: str) -> int:
    order = group_of(STANDARDISED[parameter_id]).order
    return int.from_bytes(hashlib.sha512(f"{seed}/{parameter_id}".encode()).digest()) % (order - 1) + 1

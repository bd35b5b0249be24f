"""Writes SecurityInfos: the protocols that a chip announces, in EF.CardAccess, EF.CardSecurity and DG14.

ICAO 9303-11 §9.2 and BSI TR-03110-3 §A.1. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from hardware_sim.passport import der
from hardware_sim.passport.abilities import Agreement, AgreementKey
from hardware_sim.passport.algorithms import (
    ID_CA_DH,
    ID_CA_ECDH,
    ID_PK_DH,
    ID_PK_ECDH,
    ID_TA,
    STANDARDISED_PARAMETERS,
    Cipher,
    Pace,
)
from hardware_sim.passport.domain import STANDARDISED, Curve, ModularField
from hardware_sim.passport.keys import EC_PUBLIC_KEY, explicit_parameters

_PKCS3: Final = "1.2.840.113549.1.3.1"
_X942: Final = "1.2.840.10046.2.1"
_ECDSA_PLAIN_SHA256: Final = "0.4.0.127.0.7.1.1.4.1.3"


def pace_info(way: Pace) -> bytes:
    """Return a PACEInfo, version 2, with standardised domain parameters."""
    return der.sequence(der.oid(way.oid), der.integer(2), der.integer(way.parameter_id))


def chip_authentication_info(parameter_id: int, cipher: Cipher, key_id: int | None) -> bytes:
    """Return a ChipAuthenticationInfo, version 1."""
    base = ID_CA_ECDH if isinstance(STANDARDISED[parameter_id], Curve) else ID_CA_DH
    return der.sequence(der.oid(f"{base}.{cipher.value}"), der.integer(1), *_reference(key_id))


def chip_authentication_key(order: Agreement, key: AgreementKey) -> bytes:
    """Return a ChipAuthenticationPublicKeyInfo for DG14."""
    public = public_info(key, explicit=order.explicit_parameters)
    return der.sequence(der.oid(_key_kind(key)), public, *_reference(order.key_id))


def mapping_key(key: AgreementKey) -> bytes:
    """Return a ChipAuthenticationPublicKeyInfo of chip authentication mapping: parameters by their number (§9.2.9)."""
    algorithm = der.sequence(der.oid(STANDARDISED_PARAMETERS), der.integer(key.parameter_id))
    public = der.sequence(algorithm, der.bits(key.public))
    return der.sequence(der.oid(ID_PK_ECDH), public, der.integer(key.parameter_id))


def terminal_authentication_info() -> bytes:
    """Return a TerminalAuthenticationInfo, version 1, without a file identifier: EF.CVCA has its usual one."""
    return der.sequence(der.oid(ID_TA), der.integer(1))


def active_authentication_info() -> bytes:
    """Return an ActiveAuthenticationInfo with ecdsa-plain-SHA256 (ICAO 9303-11 §9.2.6)."""
    return der.sequence(der.oid("2.23.136.1.1.5"), der.integer(1), der.oid(_ECDSA_PLAIN_SHA256))


def security_infos(infos: Iterable[bytes]) -> bytes:
    """Return the SET of `infos`: the whole EF.CardAccess, and the content of EF.CardSecurity and DG14."""
    return der.set_of(*infos)


def public_info(key: AgreementKey, *, explicit: bool) -> bytes:
    """Return a SubjectPublicKeyInfo: a curve by parameters or by name, a prime group as PKCS #3 or as ANSI X9.42."""
    match STANDARDISED[key.parameter_id]:
        case Curve() as curve:
            shown = explicit_parameters(curve) if explicit else der.oid(curve.oid)
            return der.sequence(der.sequence(der.oid(EC_PUBLIC_KEY), shown), der.bits(key.public))
        case ModularField(p=p, g=g, q=q):
            kind, numbers = (_PKCS3, (p, g)) if explicit else (_X942, (p, g, q))
            algorithm = der.sequence(der.oid(kind), der.sequence(*(der.integer(number) for number in numbers)))
            return der.sequence(algorithm, der.bits(der.integer(int.from_bytes(key.public))))


def _key_kind(key: AgreementKey) -> str:
    return ID_PK_ECDH if isinstance(STANDARDISED[key.parameter_id], Curve) else ID_PK_DH


def _reference(key_id: int | None) -> tuple[bytes, ...]:
    return () if key_id is None else (der.integer(key_id),)

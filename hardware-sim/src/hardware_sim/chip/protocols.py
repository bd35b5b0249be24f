"""Selects the protocol and its keys by the fields of MANAGE SECURITY ENVIRONMENT.

Chip Authentication version 1 is one key agreement with a static key (ICAO 9303-11 §6.2, TR-03110-3 §B.1). `application`
handles the command with the terminal's key, and activates the new keys for the next command. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from hardware_sim.chip import RefusedError, crypto, pace, status
from hardware_sim.chip.quirks import Quirks
from hardware_sim.passport.abilities import AgreementKey
from hardware_sim.passport.algorithms import ID_CA_DH, ID_CA_ECDH, Cipher, Mapping, Pace
from hardware_sim.passport.der import oid
from hardware_sim.passport.domain import STANDARDISED, Curve
from hardware_sim.passport.groups import NotInGroupError
from hardware_sim.passport.issuer import Passport

KEY_REFERENCE: Final = 0x84
_PROTOCOL: Final = 0x80
_PASSWORD: Final = 0x83
_MRZ_PASSWORD: Final = b"\x01"
_CAN_PASSWORD: Final = b"\x02"


def choose_key(keys: Sequence[AgreementKey], *, reference: bytes | None, protocol: bytes | None) -> AgreementKey:
    """Return the key that the terminal selects. `protocol` is the content of its object identifier, None for triple DES.

    Raises RefusedError when no key, or more than one, matches.
    """
    wanted = None if reference is None else int.from_bytes(reference)
    named = [key for key in keys if wanted is None or key.key_id == wanted]
    if not named or (len(named) > 1 and len({key.public for key in named}) > 1):
        raise RefusedError(status.NO_SUCH_REFERENCE)
    for key in named:
        if (protocol is None and key.cipher is Cipher.TDES) or protocol == oid(protocol_of(key))[2:]:
            return key
    raise RefusedError(status.WRONG_DATA)


def protocol_of(key: AgreementKey) -> str:
    """Return the object identifier of Chip Authentication with this key and its cipher."""
    base = ID_CA_ECDH if isinstance(STANDARDISED[key.parameter_id], Curve) else ID_CA_DH
    return f"{base}.{key.cipher.value}"


def agree(key: AgreementKey, terminal_key: bytes) -> crypto.KeyPair:
    """Return the new session keys. Raises RefusedError on a key outside the group."""
    try:
        secret = key.group.secret(key.group.multiply(terminal_key, key.private))
    except NotInGroupError as foreign:
        raise RefusedError(status.WRONG_DATA) from foreign
    return crypto.derive(secret, key.cipher)


class Protocols:
    """The keys of one chip for PACE and Chip Authentication. All methods raise RefusedError."""

    def __init__(self, passport: Passport, random_bytes: Callable[[int], bytes], quirks: Quirks) -> None:
        self._abilities = passport.abilities
        self._seed = crypto.document_seed(passport.mrz_lines)
        self._random_bytes = random_bytes
        self._quirks = quirks

    def begin_pace(self, fields: dict[int, bytes]) -> tuple[Pace, pace.Conversation]:
        """Begin PACE by MSE:Set AT: return the variant, and its conversation before the first command (9303-11 §4.4.4.1)."""
        if not self._abilities.pace:
            raise RefusedError(status.CONDITIONS_MISSING)
        if self._quirks.parameter_reference_required and KEY_REFERENCE not in fields:
            raise RefusedError(status.INCONSISTENT)
        chosen = [way for way in self._abilities.pace if oid(way.oid)[2:] == fields.get(_PROTOCOL)]
        if KEY_REFERENCE in fields:
            chosen = [way for way in chosen if way.parameter_id == int.from_bytes(fields[KEY_REFERENCE])]
        if len(chosen) != 1:
            raise RefusedError(status.WRONG_DATA)
        seed = self._password_seed(fields.get(_PASSWORD, b""))
        run = pace.conversation(
            pace.Chip(chosen[0], seed, self._random_bytes, self._mapping_key(chosen[0]), self._quirks.lie)
        )
        next(run)
        return chosen[0], run

    def agreement_key(self, reference: bytes | None, protocol: bytes | None) -> AgreementKey:
        """Return the selected key of Chip Authentication; `protocol` None is triple DES."""
        if not self._abilities.agreement_keys:
            raise RefusedError(status.CONDITIONS_MISSING)
        return choose_key(self._abilities.agreement_keys, reference=reference, protocol=protocol)

    def _password_seed(self, reference: bytes) -> bytes:
        if reference == _MRZ_PASSWORD:
            return self._seed
        if reference == _CAN_PASSWORD and self._abilities.can is not None:
            return self._abilities.can.encode("ascii")
        raise RefusedError(status.NO_SUCH_REFERENCE)

    def _mapping_key(self, way: Pace) -> int | None:
        if way.mapping is not Mapping.CHIP_AUTHENTICATION:
            return None
        keys = (key for key in self._abilities.mapping_keys if key.parameter_id == way.parameter_id)
        return next((key.private for key in keys), None)

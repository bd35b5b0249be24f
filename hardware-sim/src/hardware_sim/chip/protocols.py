"""Which protocol the terminal means, by the fields of MANAGE SECURITY ENVIRONMENT, and the keys that the chip has for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from hardware_sim.chip import RefusedError, agreement, crypto, pace, status
from hardware_sim.chip.quirks import Quirks
from hardware_sim.passport.abilities import AgreementKey
from hardware_sim.passport.algorithms import Mapping, Pace
from hardware_sim.passport.der import oid
from hardware_sim.passport.issuer import Passport

KEY_REFERENCE: Final = 0x84
_PROTOCOL: Final = 0x80
_PASSWORD: Final = 0x83
_MRZ_PASSWORD: Final = b"\x01"
_CAN_PASSWORD: Final = b"\x02"


class Protocols:
    """What one chip has been given for PACE and Chip Authentication. Everything raises RefusedError."""

    def __init__(self, passport: Passport, random_bytes: Callable[[int], bytes], quirks: Quirks) -> None:
        self._abilities = passport.abilities
        self._seed = crypto.document_seed(passport.mrz_lines)
        self._random_bytes = random_bytes
        self._quirks = quirks

    def begin_pace(self, fields: dict[int, bytes]) -> tuple[Pace, pace.Conversation]:
        """MSE:Set AT for PACE: the way in, and its conversation, which waits for the first command (ICAO 9303-11 §4.4.4.1)."""
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
        """The key of Chip Authentication that is meant; `protocol` None is triple DES."""
        if not self._abilities.agreement_keys:
            raise RefusedError(status.CONDITIONS_MISSING)
        return agreement.choose(self._abilities.agreement_keys, reference=reference, protocol=protocol)

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

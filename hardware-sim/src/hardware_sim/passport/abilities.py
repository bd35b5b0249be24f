"""The protocols that a chip supports beyond answering a challenge, with the private keys for them.

`Features` is the order to the issuer; `Abilities` is the content of the finished chip.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from hardware_sim.passport import groups
from hardware_sim.passport.algorithms import Cipher, Mapping, Pace
from hardware_sim.passport.domain import STANDARDISED
from hardware_sim.passport.terminal_keys import Algorithm
from hardware_sim.passport.terminals import TrustPoint

_CAN_DIGITS: Final = 6


@dataclass(frozen=True, slots=True)
class Agreement:
    """One key of Chip Authentication in an order.

    `cipher` None leaves out the ChipAuthenticationInfo, as in the first passports. Terminals then assume triple DES.
    """

    parameter_id: int = 13
    cipher: Cipher | None = Cipher.AES_128
    key_id: int | None = None
    explicit_parameters: bool = True


@dataclass(frozen=True, slots=True)
class Features:
    """The protocols that a chip shall support; `terminal_algorithm` is its CVCA's. Raises ValueError if impossible."""

    bac: bool = True
    pace: tuple[Pace, ...] = ()
    can: str | None = field(default=None, repr=False)
    chip_authentication: tuple[Agreement, ...] = ()
    terminal_authentication: bool = False
    terminal_algorithm: Algorithm = "ecdsa"

    def __post_init__(self) -> None:
        if self.can is not None and not (self.can.isascii() and self.can.isdigit() and len(self.can) == _CAN_DIGITS):
            raise ValueError("a card access number is six digits")
        proves_chip = self.chip_authentication or any(way.mapping is Mapping.CHIP_AUTHENTICATION for way in self.pace)
        if self.terminal_authentication and not proves_chip:
            raise ValueError("Terminal Authentication follows Chip Authentication or PACE-CAM and needs a key of them")


@dataclass(frozen=True, slots=True)
class AgreementKey:
    """A static private key, its group, and the cipher of the session that it opens."""

    parameter_id: int
    private: int = field(repr=False)
    cipher: Cipher = Cipher.TDES
    key_id: int | None = None

    @property
    def group(self) -> groups.Group:
        """Return the group that its standardised domain parameters define."""
        return groups.group_of(STANDARDISED[self.parameter_id])

    @property
    def public(self) -> bytes:
        """Return the encoded public key."""
        return self.group.multiply(self.group.generator, self.private)


@dataclass(frozen=True, slots=True)
class Abilities:
    """The protocols that a chip supports, with their keys.

    `mapping_keys` are for chip authentication mapping, `agreement_keys` for Chip Authentication, `trust_point` for
    Terminal Authentication.
    """

    bac: bool = True
    pace: tuple[Pace, ...] = ()
    can: str | None = field(default=None, repr=False)
    mapping_keys: tuple[AgreementKey, ...] = ()
    agreement_keys: tuple[AgreementKey, ...] = ()
    trust_point: TrustPoint | None = None

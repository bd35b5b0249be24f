"""What a chip can do beyond answering a challenge, with the private keys that it does it with.

`Features` is what an office orders, `Abilities` what a chip then holds.
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
    """One key of Chip Authentication to order.

    `cipher` None leaves out the ChipAuthenticationInfo, as the first passports did: triple DES is then understood.
    """

    parameter_id: int = 13
    cipher: Cipher | None = Cipher.AES_128
    key_id: int | None = None
    explicit_parameters: bool = True


@dataclass(frozen=True, slots=True)
class Features:
    """What a chip shall be able to do; `terminal_algorithm` is its CVCA's. Raises ValueError on what no chip could be."""

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
    """A static private key, the group that it is of, and the cipher that is used after it."""

    parameter_id: int
    private: int = field(repr=False)
    cipher: Cipher = Cipher.TDES
    key_id: int | None = None

    @property
    def group(self) -> groups.Group:
        """The group of the standardised domain parameters."""
        return groups.group_of(STANDARDISED[self.parameter_id])

    @property
    def public(self) -> bytes:
        """The public key's encoding."""
        return self.group.multiply(self.group.generator, self.private)


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a chip can do.

    `mapping_keys` are for chip authentication mapping, `agreement_keys` for Chip Authentication, `trust_point` for
    Terminal Authentication.
    """

    bac: bool = True
    pace: tuple[Pace, ...] = ()
    can: str | None = field(default=None, repr=False)
    mapping_keys: tuple[AgreementKey, ...] = ()
    agreement_keys: tuple[AgreementKey, ...] = ()
    trust_point: TrustPoint | None = None

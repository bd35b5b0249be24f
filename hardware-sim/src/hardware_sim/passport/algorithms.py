"""The algorithms that chips negotiate: ciphers of secure messaging, mappings of PACE, and their object identifiers.

BSI TR-03110-3 §A.1 and ICAO 9303-11 §9.2 define the same identifiers. Values only.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from hardware_sim.passport.domain import STANDARDISED, Curve, ModularField

_BSI: Final = "0.4.0.127.0.7.2.2"
ID_PK_DH: Final = f"{_BSI}.1.1"
ID_PK_ECDH: Final = f"{_BSI}.1.2"
ID_TA: Final = f"{_BSI}.2"
ID_CA_DH: Final = f"{_BSI}.3.1"
ID_CA_ECDH: Final = f"{_BSI}.3.2"
ID_PACE: Final = f"{_BSI}.4"
STANDARDISED_PARAMETERS: Final = "0.4.0.127.0.7.1.2"


class Cipher(Enum):
    """The cipher of a session. The value is the last arc of the object identifier."""

    TDES = 1
    AES_128 = 2
    AES_192 = 3
    AES_256 = 4

    @property
    def key_bytes(self) -> int:
        """Return the length of a key in bytes; triple DES uses two keys of 8 bytes."""
        return {Cipher.TDES: 16, Cipher.AES_128: 16, Cipher.AES_192: 24, Cipher.AES_256: 32}[self]

    @property
    def block_bytes(self) -> int:
        """Return the length of a block in bytes."""
        return 8 if self is Cipher.TDES else 16


class Mapping(Enum):
    """How PACE maps the nonce to a generator. The value is the arc of the object identifier for elliptic curves."""

    GENERIC = 2
    INTEGRATED = 4
    CHIP_AUTHENTICATION = 6


@dataclass(frozen=True, slots=True)
class Pace:
    """One variant of PACE: a mapping, the number of standardised domain parameters, and a cipher.

    Raises ValueError on a combination that ICAO 9303-11 §4.4.1 does not define.
    """

    mapping: Mapping
    parameter_id: int
    cipher: Cipher

    def __post_init__(self) -> None:
        domain = STANDARDISED.get(self.parameter_id)
        if domain is None:
            raise ValueError(f"no standardised domain parameters have the number {self.parameter_id}")
        if self.mapping is Mapping.CHIP_AUTHENTICATION:
            if not isinstance(domain, Curve) or self.cipher is Cipher.TDES:
                raise ValueError("chip authentication mapping is for curves and AES")
        elif self.mapping is Mapping.INTEGRATED and isinstance(domain, Curve) and domain.p % 4 == 1:
            raise ValueError(
                f"integrated mapping cannot reach {domain.name}"
            )  # the root of ICAO 9303-11 §B.2 is computed as a power

    @property
    def domain(self) -> Curve | ModularField:
        """Return the domain parameters."""
        return STANDARDISED[self.parameter_id]

    @property
    def oid(self) -> str:
        """Return the protocol's object identifier, such as that of id-PACE-ECDH-GM-AES-CBC-CMAC-128."""
        arc = self.mapping.value if isinstance(self.domain, Curve) else self.mapping.value - 1
        return f"{ID_PACE}.{arc}.{self.cipher.value}"

"""The editions of passport that travellers carry: how the chip is opened, how it proves itself, who signed it.

An office issues new editions while old ones remain valid for years, so the gate meets every kind on one day.
`EDITIONS` are genuine. `DRILLS` are for scenarios only: forgeries for officers to practise on.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from hardware_sim.passport.abilities import Agreement, Features
from hardware_sim.passport.algorithms import Cipher, Pace
from hardware_sim.passport.algorithms import Mapping as PaceMapping
from hardware_sim.passport.security_object import SecurityObject

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hardware_sim.passport.issuer import ActiveAuthentication

_P256, _BRAINPOOL_P256, _BRAINPOOL_P320, _P384 = 12, 13, 14, 15
_MODP_2048: Final = 2
_SHA1: Final = SecurityObject(digest="sha1")
_SHA256: Final = SecurityObject()
_SHA384: Final = SecurityObject(digest="sha384")
_SHA512: Final = SecurityObject(digest="sha512")


@dataclass(frozen=True, slots=True)
class Edition:
    """One edition. `signer` is a name of `office.SIGNERS`. Every edition has a key for Active Authentication."""

    features: Features
    active_authentication: ActiveAuthentication
    signer: str
    security_object: SecurityObject = _SHA256


def _pace(mapping: PaceMapping, parameter_id: int, cipher: Cipher, *agreements: int, bac: bool = True) -> Features:
    """Return the features of a chip with one variant of PACE, and Chip Authentication with the same cipher."""
    offered: tuple[Pace, ...] = (Pace(mapping, parameter_id, cipher),)
    if mapping is PaceMapping.CHIP_AUTHENTICATION:  # never alone: a terminal without support uses the other mapping
        offered += (Pace(PaceMapping.GENERIC, parameter_id, cipher),)
    return Features(bac=bac, pace=offered, chip_authentication=tuple(Agreement(group, cipher) for group in agreements))


_GENERIC, _INTEGRATED, _CHIP = PaceMapping.GENERIC, PaceMapping.INTEGRATED, PaceMapping.CHIP_AUTHENTICATION

EDITIONS: Final[Mapping[str, Edition]] = MappingProxyType(
    {
        "bac_aa_rsa": Edition(Features(), "rsa", "rsa_pkcs1"),
        "bac_aa_ecdsa": Edition(Features(), "ecdsa", "p256"),
        # As in the first passports with Chip Authentication: a key, but no information on the algorithm.
        "bac_ca": Edition(
            Features(chip_authentication=(Agreement(_BRAINPOOL_P256, cipher=None),)), "rsa", "brainpool256"
        ),
        "pace_gm_brainpool256_ca": Edition(
            _pace(_GENERIC, _BRAINPOOL_P256, Cipher.AES_128, _BRAINPOOL_P256), "ecdsa", "brainpool384", _SHA384
        ),
        "pace_gm_brainpool320_ca": Edition(
            _pace(_GENERIC, _BRAINPOOL_P320, Cipher.AES_192, _BRAINPOOL_P320), "rsa", "rsa_pss"
        ),
        "pace_gm_p384_ca": Edition(_pace(_GENERIC, _P384, Cipher.AES_256, _P384), "ecdsa", "p384", _SHA384),
        "pace_gm_field_aa": Edition(_pace(_GENERIC, _MODP_2048, Cipher.AES_128), "rsa", "rsa_pss"),
        "pace_im_p256_aa": Edition(_pace(_INTEGRATED, _P256, Cipher.AES_128), "ecdsa", "rsa_pkcs1"),
        "pace_cam_brainpool256": Edition(
            _pace(_CHIP, _BRAINPOOL_P256, Cipher.AES_128, _BRAINPOOL_P256), "ecdsa", "brainpool512", _SHA512
        ),
        "pace_only_p256_ca": Edition(
            _pace(_GENERIC, _P256, Cipher.AES_256, _P256, bac=False), "ecdsa", "p521", _SHA512
        ),
    }
)
DRILLS: Final[Mapping[str, Edition]] = MappingProxyType(
    {
        "weak_signature": Edition(Features(), "rsa", "rsa_1024", _SHA1),
        "signer_withdrawn": Edition(_pace(_GENERIC, _P256, Cipher.AES_128, _P256), "ecdsa", "withdrawn"),
    }
)
KNOWN: Final[Mapping[str, Edition]] = MappingProxyType({**EDITIONS, **DRILLS})

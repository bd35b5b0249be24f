"""SecurityInfos: a chip's protocols, with their algorithms and keys (ICAO 9303-11 §9.2, TR-03110-3 §A.1).

EF.CardAccess, EF.CardSecurity and EF.DG14 have the same structure. The object identifier gives an entry's kind; an
unknown entry, or one with an unknown algorithm, is kept by its identifier only and hides nothing. A malformed entry of
a known kind makes the whole file malformed: it could hide a stronger offer.

Nothing here is proven. EF.CardAccess is unsigned; its user compares it with EF.DG14 or EF.CardSecurity.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from asn1crypto import core

from gate_documents.errors import MalformedError
from gate_documents.pki.asn1 import FIELDS_MAX, load, reading, require_few

INFOS_MAX: Final = 64
_BSI: Final = "0.4.0.127.0.7.2.2."
_KEY: Final = _BSI + "1."
_TERMINAL_AUTHENTICATION: Final = _BSI + "2"
_CHIP_AUTHENTICATION: Final = _BSI + "3."
_PACE: Final = _BSI + "4."
_ACTIVE_AUTHENTICATION: Final = "2.23.136.1.1.5"


class KeyAgreement(enum.Enum):
    """The group in which two parties agree on a key."""

    DH = "DH"
    ECDH = "ECDH"


class Mapping(enum.Enum):
    """How PACE turns the nonce into a generator (ICAO 9303-11 §4.4.3.3)."""

    GENERIC = "GM"
    INTEGRATED = "IM"
    CHIP_AUTHENTICATION = "CAM"


class Cipher(enum.Enum):
    """The cipher of the secure messaging that follows."""

    TDES = "3DES"
    AES_128 = "AES-128"
    AES_192 = "AES-192"
    AES_256 = "AES-256"


_AGREEMENTS: Final = {"1": KeyAgreement.DH, "2": KeyAgreement.ECDH}
_PACE_KINDS: Final = {
    "1": (KeyAgreement.DH, Mapping.GENERIC),
    "2": (KeyAgreement.ECDH, Mapping.GENERIC),
    "3": (KeyAgreement.DH, Mapping.INTEGRATED),
    "4": (KeyAgreement.ECDH, Mapping.INTEGRATED),
    "6": (KeyAgreement.ECDH, Mapping.CHIP_AUTHENTICATION),
}
_CIPHERS: Final = {"1": Cipher.TDES, "2": Cipher.AES_128, "3": Cipher.AES_192, "4": Cipher.AES_256}


@dataclass(frozen=True, slots=True)
class PaceInfo:
    """PACEInfo: one variant of PACE. `protocol`: the object identifier as in MSE:Set AT.

    `parameter_id` is a standardised domain parameter, or names a PaceDomainParameters; None if omitted.
    """

    protocol: str
    agreement: KeyAgreement
    mapping: Mapping
    cipher: Cipher
    version: int
    parameter_id: int | None


@dataclass(frozen=True, slots=True)
class PaceDomainParameters:
    """PACEDomainParameterInfo: explicit parameters. `algorithm` is the AlgorithmIdentifier in DER, unread."""

    agreement: KeyAgreement
    mapping: Mapping
    algorithm: bytes
    parameter_id: int | None


@dataclass(frozen=True, slots=True)
class ChipAuthenticationInfo:
    """ChipAuthenticationInfo: one variant of Chip Authentication; `key_id` names the key if there are several."""

    protocol: str
    agreement: KeyAgreement
    cipher: Cipher
    version: int
    key_id: int | None


@dataclass(frozen=True, slots=True)
class ChipAuthenticationKey:
    """ChipAuthenticationPublicKeyInfo: the chip's static key as a SubjectPublicKeyInfo in DER, unread."""

    agreement: KeyAgreement
    spki: bytes
    key_id: int | None


@dataclass(frozen=True, slots=True)
class TerminalAuthenticationInfo:
    """TerminalAuthenticationInfo. `cvca_file`: the file identifier of EF.CVCA if it differs from the standard's."""

    version: int
    cvca_file: int | None


@dataclass(frozen=True, slots=True)
class ActiveAuthenticationInfo:
    """ActiveAuthenticationInfo: the object identifier of the chip's ECDSA algorithm."""

    version: int
    algorithm: str


Info = (
    PaceInfo
    | PaceDomainParameters
    | ChipAuthenticationInfo
    | ChipAuthenticationKey
    | TerminalAuthenticationInfo
    | ActiveAuthenticationInfo
)


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SecurityInfos:
    """What a chip offers, each kind in the order of the file. `unknown` are the identifiers of all other entries."""

    pace: tuple[PaceInfo, ...] = ()
    pace_parameters: tuple[PaceDomainParameters, ...] = ()
    chip_authentications: tuple[ChipAuthenticationInfo, ...] = ()
    chip_keys: tuple[ChipAuthenticationKey, ...] = ()
    terminal_authentications: tuple[TerminalAuthenticationInfo, ...] = ()
    active_authentications: tuple[ActiveAuthenticationInfo, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def chip_authentication(self) -> bool:
        """True when the chip offers Chip Authentication; the oldest documents hold the key alone."""
        return bool(self.chip_authentications or self.chip_keys)

    @property
    def active_authentication_algorithm(self) -> str | None:
        """The object identifier of the ECDSA algorithm of Active Authentication, if given."""
        return self.active_authentications[0].algorithm if self.active_authentications else None


class _Info(core.Sequence):  # type: ignore[misc] # asn1crypto is untyped
    _fields = [  # noqa: RUF012 - asn1crypto's way of declaring
        ("protocol", core.ObjectIdentifier),
        ("required", core.Any),
        ("optional", core.Any, {"optional": True}),
    ]


class _Infos(core.SetOf):  # type: ignore[misc]
    _child_spec = _Info


def parse_security_infos(data: bytes, what: str) -> SecurityInfos:
    """Read a SecurityInfos that stands in the file named `what`. Raises MalformedError."""
    parsed = load(_Infos, data, what)
    with reading(what):
        require_few(parsed, INFOS_MAX, what)
        if not len(parsed):
            raise MalformedError(f"{what} has no entries")
        for entry in parsed:
            require_few(entry, FIELDS_MAX, what)
        entries = [(entry["protocol"].dotted, _read(entry)) for entry in parsed]
    found = [info for _, info in entries]
    return SecurityInfos(
        pace=_of(found, PaceInfo),
        pace_parameters=_of(found, PaceDomainParameters),
        chip_authentications=_of(found, ChipAuthenticationInfo),
        chip_keys=_of(found, ChipAuthenticationKey),
        terminal_authentications=_of(found, TerminalAuthenticationInfo),
        active_authentications=_of(found, ActiveAuthenticationInfo),
        unknown=tuple(protocol for protocol, info in entries if info is None),
    )


def _of(found: list[Info | None], kind: type[T]) -> tuple[T, ...]:
    return tuple(info for info in found if isinstance(info, kind))


def _read(entry: Any) -> Info | None:  # noqa: ANN401 - asn1crypto is untyped
    protocol: str = entry["protocol"].dotted
    if protocol == _ACTIVE_AUTHENTICATION:
        return ActiveAuthenticationInfo(
            _small(entry["required"]), str(entry["optional"].parse(core.ObjectIdentifier).dotted)
        )
    if protocol == _TERMINAL_AUTHENTICATION:
        return TerminalAuthenticationInfo(_small(entry["required"]), _cvca_file(entry["optional"]))
    if protocol.startswith(_PACE):
        return _pace(entry, protocol, protocol.removeprefix(_PACE).split("."))
    if protocol.startswith(_CHIP_AUTHENTICATION):
        return _chip_authentication(entry, protocol, protocol.removeprefix(_CHIP_AUTHENTICATION).split("."))
    agreement = _AGREEMENTS.get(protocol.removeprefix(_KEY)) if protocol.startswith(_KEY) else None
    if agreement is not None:
        spki = entry["required"].parse(core.Sequence).dump()
        return ChipAuthenticationKey(agreement, spki, _small_or_none(entry["optional"]))
    return None


def _pace(entry: Any, protocol: str, arcs: list[str]) -> Info | None:  # noqa: ANN401 - asn1crypto is untyped
    kind = _PACE_KINDS.get(arcs[0])
    if kind is None:
        return None
    if len(arcs) == 1:
        algorithm = entry["required"].parse(core.Sequence).dump()
        return PaceDomainParameters(*kind, algorithm, _small_or_none(entry["optional"]))
    cipher = _CIPHERS.get(arcs[1]) if len(arcs) == 2 else None
    if cipher is None:
        return None
    return PaceInfo(protocol, *kind, cipher, _small(entry["required"]), _small_or_none(entry["optional"]))


def _chip_authentication(entry: Any, protocol: str, arcs: list[str]) -> Info | None:  # noqa: ANN401 - asn1crypto is untyped
    """An entry with a cipher; one without gives domain parameters of version 2, which passports do not use."""
    agreement = _AGREEMENTS.get(arcs[0])
    cipher = _CIPHERS.get(arcs[1]) if len(arcs) == 2 else None
    if agreement is None or cipher is None:
        return None
    return ChipAuthenticationInfo(
        protocol, agreement, cipher, _small(entry["required"]), _small_or_none(entry["optional"])
    )


def _small(value: Any) -> int:  # noqa: ANN401 - asn1crypto is untyped
    """A version or identifier. Raises MalformedError on anything but a small number."""
    number = int(value.parse(core.Integer).native)
    if not 0 <= number <= 0xFFFF:
        raise MalformedError("a version or identifier that is out of range")
    return number


def _small_or_none(value: Any) -> int | None:  # noqa: ANN401 - asn1crypto is untyped
    return _small(value) if isinstance(value, core.Any) else None


def _cvca_file(value: Any) -> int | None:  # noqa: ANN401 - asn1crypto is untyped
    """FileID ::= SEQUENCE { fid OCTET STRING (2), sfid OCTET STRING (1) OPTIONAL } (TR-03110-3 §A.1.1.3)."""
    if not isinstance(value, core.Any):
        return None
    identifier = bytes(value.parse(core.SequenceOf, spec_params={"spec": core.OctetString})[0].native)
    if len(identifier) != 2:
        raise MalformedError("a file identifier that is not two bytes long")
    return int.from_bytes(identifier, "big")

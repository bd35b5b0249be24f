"""EF.DG14: security infos, what the chip can do and with which algorithms (ICAO 9303-11 §9.2).

Always parsed from the bytes that were hashed, never written anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from asn1crypto import core

from gate.document import tlv
from gate.document.errors import MalformedError
from gate.document.pki.asn1 import load, reading

TAG: Final = 0x6E
INFOS_MAX: Final = 64
_ACTIVE_AUTHENTICATION: Final = "2.23.136.1.1.5"
_CHIP_AUTHENTICATION: Final = ("0.4.0.127.0.7.2.2.1.", "0.4.0.127.0.7.2.2.3.")


class _SecurityInfo(core.Sequence):  # type: ignore[misc] # asn1crypto is untyped
    _fields = [  # noqa: RUF012
        ("protocol", core.ObjectIdentifier),
        ("required", core.Any),
        ("more", core.Any, {"optional": True}),
    ]


class _SecurityInfos(core.SetOf):  # type: ignore[misc]
    _child_spec = _SecurityInfo


@dataclass(frozen=True, slots=True)
class SecurityInfos:
    """What is used of EF.DG14. `active_authentication_algorithm` is the ECDSA algorithm's object identifier, if given."""

    chip_authentication: bool
    active_authentication_algorithm: str | None


def parse_dg14(data: bytes) -> SecurityInfos:
    """Read EF.DG14. Raises MalformedError."""
    infos = load(_SecurityInfos, tlv.only(data, TAG), "EF.DG14")
    with reading("EF.DG14"):
        if len(infos) > INFOS_MAX:
            raise MalformedError("EF.DG14 has too many entries")
        by_protocol: dict[str, Any] = {info["protocol"].native: info for info in infos}
        active = by_protocol.get(_ACTIVE_AUTHENTICATION)
        algorithm = None
        if active is not None:
            algorithm = active["more"].parse(core.ObjectIdentifier).dotted
        return SecurityInfos(
            chip_authentication=any(protocol.startswith(_CHIP_AUTHENTICATION) for protocol in by_protocol),
            active_authentication_algorithm=algorithm,
        )

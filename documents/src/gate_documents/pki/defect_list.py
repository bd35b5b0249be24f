"""Defect lists: a control centre's statements on defects of documents of any country (BSI TR-03129-2 §7).

Such a list has a wide effect: it can lower the weight of a check for documents that its signer did not issue. So its
signer is trusted only by the operator's decision, never because some country's CSCA issued the certificate.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from asn1crypto import cms, core

from gate_documents.errors import MalformedError
from gate_documents.pki.asn1 import FIELDS_MAX, load, reading, require_few
from gate_documents.pki.hashes import hash_name
from gate_documents.pki.known_defects import Defect, Flaw, KnownDefects, named_signer
from gate_documents.pki.signed_data import SIGNED_BYTES_MAX, SignedMessage, parse_signed_message

if TYPE_CHECKING:
    from datetime import datetime

    from gate_documents.pki.certificate import Certificate

CONTENT_TYPE: Final = "0.4.0.127.0.7.3.1.5"
DEFECTS_MAX: Final = 10_000
PARTS_MAX: Final = 64  # of one entry: defects, and data groups of one defect
_AUTHENTICATION: Final = CONTENT_TYPE + ".1."
_PASSPORT: Final = CONTENT_TYPE + ".2."
_DOCUMENT: Final = CONTENT_TYPE + ".4."
# TR-03135-1 table 5.54: what a status code of a revoked document signer makes of its trust.
_UNDETERMINED_FROM: Final = 32
_UNDETERMINED: Final = frozenset({1, 5})
_POWER_DOWN: Final = _DOCUMENT + "3"

_BY_STATUS: Final = {
    # AuthenticationProtocolFailure
    _AUTHENTICATION + "5": (
        (Flaw.CHIP_AUTHENTICATION_FAILS,),
        (Flaw.ACTIVE_AUTHENTICATION_FAILS,),
        (Flaw.CHIP_AUTHENTICATION_FAILS, Flaw.ACTIVE_AUTHENTICATION_FAILS),
        (Flaw.PACE_CAM_FAILS,),
        (Flaw.CHIP_AUTHENTICATION_FAILS, Flaw.PACE_CAM_FAILS),
        (Flaw.ACTIVE_AUTHENTICATION_FAILS, Flaw.PACE_CAM_FAILS),
        (Flaw.CHIP_AUTHENTICATION_FAILS, Flaw.ACTIVE_AUTHENTICATION_FAILS, Flaw.PACE_CAM_FAILS),
    ),
    # ValidityPeriodIncorrect
    _AUTHENTICATION + "6": ((Flaw.CSCA_VALIDITY,), (Flaw.DS_VALIDITY,), (Flaw.CSCA_VALIDITY, Flaw.DS_VALIDITY)),
}
_PLAIN: Final = {
    _AUTHENTICATION + "3": Flaw.CHIP_KEYS_COMPROMISED,
    _AUTHENTICATION + "4": Flaw.ACTIVE_KEYS_COMPROMISED,
    _PASSPORT + "3": Flaw.COM_SOD,
    _PASSPORT + "4": Flaw.WRONG_SIGNER,
    _DOCUMENT + "1": Flaw.CARD_SECURITY,
    _DOCUMENT + "2": Flaw.CHIP_SECURITY,
}


class _SignerIdentifier(core.Choice):  # type: ignore[misc] # asn1crypto is untyped
    _alternatives = [  # noqa: RUF012
        ("issuer_and_serial", cms.IssuerAndSerialNumber),
        ("key_id", core.OctetString, {"implicit": 0}),
    ]


class _Known(core.Sequence):  # type: ignore[misc]
    _fields = [("kind", core.ObjectIdentifier), ("parameters", core.Any, {"optional": True})]  # noqa: RUF012


class _More(core.Choice):  # type: ignore[misc]
    """What may follow. An optional field of any type would take the place of the next one."""

    _alternatives = [  # noqa: RUF012
        ("parameters", core.Any, {"explicit": 0}),
        ("description", core.UTF8String, {"implicit": 1}),
    ]


class _KnownOfVersion2(core.Sequence):  # type: ignore[misc]
    _fields = [  # noqa: RUF012
        ("kind", core.ObjectIdentifier),
        ("parameters", _More, {"optional": True}),
        ("description", _More, {"optional": True}),
    ]


class _VersionedKnown(core.Choice):  # type: ignore[misc]
    _alternatives = [("first", _Known), ("second", _KnownOfVersion2, {"implicit": 0})]  # noqa: RUF012


class _AllKnown(core.SetOf):  # type: ignore[misc]
    _child_spec = _VersionedKnown


class _Defect(core.Sequence):  # type: ignore[misc]
    _fields = [  # noqa: RUF012
        ("signer", _SignerIdentifier, {"optional": True}),
        ("certificate_hash", core.OctetString, {"optional": True}),
        ("known", _AllKnown),
        ("description", core.UTF8String, {"optional": True}),
    ]


class _Defects(core.SetOf):  # type: ignore[misc]
    _child_spec = _Defect


class _List(core.Sequence):  # type: ignore[misc]
    _fields = [  # noqa: RUF012
        ("version", core.Integer),
        ("hash_algorithm", core.ObjectIdentifier),
        ("defects", _Defects),
    ]


class _Status(core.Enumerated):  # type: ignore[misc]
    _map = {0: "unused"}  # noqa: RUF012 - asn1crypto wants one


class _Integers(core.SetOf):  # type: ignore[misc]
    _child_spec = core.Integer


@dataclass(frozen=True, slots=True)
class DefectList:
    """One list. Its entries apply to documents of every country."""

    der: bytes
    message: SignedMessage
    entries: tuple[KnownDefects, ...]
    signed_at: datetime

    def verify(self) -> Certificate:
        """Verify the signature and return the signer's certificate. The caller must check who issued it.

        The certificate's purpose is not checked: TR-03129-2 §7.2 only recommends it.
        """
        return self.message.verify(tolerated=set())


def parse_defect_list(data: bytes) -> DefectList:
    """Read a list of version 1 or 2. Raises MalformedError or AlgorithmUnknownError."""
    message = parse_signed_message(data, "a defect list")
    if message.content_type != CONTENT_TYPE:
        raise MalformedError("a signed message that is no defect list")
    signed_at = message.signers[0].signing_time
    if signed_at is None:
        raise MalformedError("a defect list without the time of signing")
    parsed = load(_List, message.content, "a defect list", bytes_max=SIGNED_BYTES_MAX)
    with reading("a defect list"):
        require_few(parsed, FIELDS_MAX, "a defect list")
        require_few(parsed["defects"], DEFECTS_MAX, "a defect list")
        if int(parsed["version"].native) not in (0, 1):
            raise MalformedError("a defect list of an unknown version")
        algorithm = hash_name(parsed["hash_algorithm"].dotted)
        entries = tuple(_entry(one, algorithm) for one in parsed["defects"])
    return DefectList(data, message, entries, signed_at)


def _entry(defect: Any, algorithm: str) -> KnownDefects:  # noqa: ANN401 - asn1crypto is untyped
    require_few(defect, FIELDS_MAX, "a defect list")
    value = defect["certificate_hash"].native
    affected = replace(
        named_signer(defect["signer"]), certificate_hash=None if value is None else (algorithm, bytes(value))
    )
    require_few(defect["known"], PARTS_MAX, "a defect list")
    known = [one.chosen for one in defect["known"]]
    return KnownDefects(affected, tuple(found for one in known for found in _defects(one)))


def _defects(known: Any) -> tuple[Defect, ...]:  # noqa: ANN401 - asn1crypto is untyped
    """Return an entry's defects that concern this gate; those of the eID application do not."""
    require_few(known, FIELDS_MAX, "a defect list")
    kind, parameters = known["kind"].dotted, known["parameters"]
    if isinstance(parameters, _More):
        parameters = parameters.chosen if parameters.name == "parameters" else core.Void()
    if kind == _AUTHENTICATION + "1":
        status = _status(parameters)
        unsure = status in _UNDETERMINED or status >= _UNDETERMINED_FROM
        return (Defect(Flaw.DS_UNDER_INVESTIGATION if unsure else Flaw.DS_NOT_TRUSTED),)
    if kind == _AUTHENTICATION + "2":
        return (Defect(Flaw.DS_REPLACED, replacement=bytes(parameters.parse(core.OctetString).native)),)
    if kind in _BY_STATUS:
        status, flaws = _status(parameters), _BY_STATUS[kind]
        if status >= len(flaws):
            raise MalformedError("a defect list with an unknown status code")
        return tuple(Defect(flaw) for flaw in flaws[status])
    if kind == _PASSPORT + "1":
        numbers = parameters.parse(_Integers)
        require_few(numbers, PARTS_MAX, "a defect list")
        groups = frozenset(int(one.native) for one in numbers)
        return (Defect(Flaw.DATA_GROUP_MALFORMED, groups),)
    if kind == _PASSPORT + "2":
        return _wrong_sod(0 if isinstance(parameters, core.Void) else _status(parameters))
    if kind == _PASSPORT + "5":
        country = str(parameters.parse(core.PrintableString).native).strip().upper()
        return (Defect(Flaw.ISSUING_COUNTRY, country=country),)
    if kind in _PLAIN:
        return (Defect(_PLAIN[kind]),)
    # §7.3.3: with an unknown defect of the document, its chip must not be relied on.
    unknown = kind.startswith(_DOCUMENT) and kind != _POWER_DOWN
    return (Defect(Flaw.UNKNOWN_DOCUMENT_DEFECT),) if unknown else ()


def _wrong_sod(status: int) -> tuple[Defect, ...]:
    """SodFaultStatusCode: 1 to 3 are about the message, 4 is about its hashes; the others are unspecific."""
    about_message = (Defect(Flaw.SOD_SIGNATURE),) if status != 4 else ()
    about_hashes = (Defect(Flaw.DATA_GROUP_HASH, frozenset(range(1, 17))),) if status not in (1, 2, 3) else ()
    return about_message + about_hashes


def _status(parameters: Any) -> int:  # noqa: ANN401 - asn1crypto is untyped
    """Return a status code as a number: the enumeration may get new members."""
    return int.from_bytes(parameters.parse(_Status).contents, "big")

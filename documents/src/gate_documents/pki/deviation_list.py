"""Deviation lists: an issuing state's statements on defects of its documents (ICAO 9303-12 §10)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from asn1crypto import cms, core

from gate_documents.errors import MalformedError, SignatureError
from gate_documents.pki.asn1 import FIELDS_MAX, load, moment, reading, require_few
from gate_documents.pki.hashes import hash_name
from gate_documents.pki.known_defects import Affected, Defect, Flaw, KnownDefects, named_signer
from gate_documents.pki.signed_data import SIGNED_BYTES_MAX, SignedMessage, parse_signed_message

if TYPE_CHECKING:
    from datetime import datetime

    from gate_documents.pki.certificate import Certificate

CONTENT_TYPE: Final = "2.23.136.1.1.7"
LIST_SIGNER: Final = "2.23.136.1.1.8"
DEVIATIONS_MAX: Final = 10_000
DESCRIPTIONS_MAX: Final = 64  # of one entry
DOCUMENT_NUMBERS_MAX: Final = 1_000_000
DOCUMENT_NUMBER_BYTES_MAX: Final = 32
_SOD: Final = 20
_COM: Final = 21
_FLAWS: Final = {
    "1.1": (Flaw.DS_SIGNATURE,),
    "1.2": (Flaw.DS_ENCODING,),
    "1.3": (Flaw.CSCA_ENCODING,),
    "1.4": (Flaw.ACTIVE_KEYS_COMPROMISED,),
    "2.1": (Flaw.DATA_GROUP_MALFORMED,),
    "2.2": (Flaw.DATA_GROUP_HASH,),
    "2.3": (Flaw.SOD_SIGNATURE,),
    "2.4": (Flaw.COM_SOD,),
    "3.1": (Flaw.MRZ_DATA,),
    "3.2": (Flaw.MRZ_CHECK_DIGIT,),
    "4": (Flaw.CHIP,),
}


class _Algorithm(core.Sequence):  # type: ignore[misc] # asn1crypto is untyped
    _fields = [("algorithm", core.ObjectIdentifier), ("parameters", core.Any, {"optional": True})]  # noqa: RUF012


class _Digest(core.Sequence):  # type: ignore[misc]
    _fields = [("algorithm", _Algorithm), ("value", core.OctetString)]  # noqa: RUF012


class _SignerIdentifier(core.Choice):  # type: ignore[misc]
    _alternatives = [  # noqa: RUF012
        ("issuer_and_serial", cms.IssuerAndSerialNumber, {"implicit": 1}),
        ("key_id", core.OctetString, {"implicit": 2}),
        ("digest", _Digest, {"implicit": 3}),
    ]


class _Period(core.Sequence):  # type: ignore[misc]
    _fields = [("first", core.GeneralizedTime), ("last", core.GeneralizedTime)]  # noqa: RUF012


class _Numbers(core.SetOf):  # type: ignore[misc]
    """Parsed by `_numbers`: a list may have hundreds of thousands, and asn1crypto is slow for each."""

    _child_spec = core.Any


class _Documents(core.Sequence):  # type: ignore[misc]
    _fields = [  # noqa: RUF012
        ("document_type", core.PrintableString, {"implicit": 0, "optional": True}),
        ("signer", _SignerIdentifier, {"optional": True}),
        ("issued", _Period, {"implicit": 4, "optional": True}),
        ("numbers", _Numbers, {"implicit": 5, "optional": True}),
    ]


class _More(core.Choice):  # type: ignore[misc]
    """What may follow. An optional field of any type would take the place of the next one."""

    _alternatives = [  # noqa: RUF012
        ("parameters", core.Any, {"explicit": 0}),
        ("national", core.Any, {"explicit": 1}),
    ]


class _Description(core.Sequence):  # type: ignore[misc]
    _fields = [  # noqa: RUF012
        ("text", core.PrintableString, {"optional": True}),
        ("kind", core.ObjectIdentifier),
        ("parameters", _More, {"optional": True}),
        ("national", _More, {"optional": True}),
    ]


class _Descriptions(core.SetOf):  # type: ignore[misc]
    _child_spec = _Description


class _Deviation(core.Sequence):  # type: ignore[misc]
    _fields = [("documents", _Documents), ("descriptions", _Descriptions)]  # noqa: RUF012


class _Deviations(core.SetOf):  # type: ignore[misc]
    _child_spec = _Deviation


class _List(core.Sequence):  # type: ignore[misc]
    _fields = [  # noqa: RUF012
        ("version", core.Integer),
        ("digest_algorithm", _Algorithm, {"optional": True}),
        ("deviations", _Deviations),
    ]


@dataclass(frozen=True, slots=True)
class DeviationList:
    """One list. Its entries apply only to documents of `country`, the country of the list's signer."""

    der: bytes
    message: SignedMessage
    entries: tuple[KnownDefects, ...]
    country: str
    signed_at: datetime

    def verify(self) -> Certificate:
        """Verify the signature and return the signer's certificate. The caller must check who issued it."""
        signer = self.message.verify(tolerated=set())
        if LIST_SIGNER not in signer.purposes:
            raise SignatureError("the signer's certificate is not one of a deviation list signer")
        if signer.issuer_country != self.country:
            raise SignatureError("the signer's certificate is of another country")
        return signer


def parse_deviation_list(data: bytes) -> DeviationList:
    """Read a list. Raises MalformedError or AlgorithmUnknownError."""
    message = parse_signed_message(data, "a deviation list")
    if message.content_type != CONTENT_TYPE:
        raise MalformedError("a signed message that is no deviation list")
    signed_at = message.signers[0].signing_time
    if signed_at is None or not message.certificates:
        raise MalformedError("a deviation list without the time of signing, or without its signer's certificate")
    parsed = load(_List, message.content, "a deviation list", bytes_max=SIGNED_BYTES_MAX)
    country = message.certificates[0].issuer_country
    with reading("a deviation list"):
        require_few(parsed, FIELDS_MAX, "a deviation list")
        require_few(parsed["deviations"], DEVIATIONS_MAX, "a deviation list")
        if int(parsed["version"].native) != 0:
            raise MalformedError("a deviation list of an unknown version")
        entries = tuple(_entry(one, country) for one in parsed["deviations"])
    return DeviationList(data, message, entries, country, signed_at)


def _entry(deviation: Any, country: str) -> KnownDefects:  # noqa: ANN401 - asn1crypto is untyped
    require_few(deviation, FIELDS_MAX, "a deviation list")
    require_few(deviation["descriptions"], DESCRIPTIONS_MAX, "a deviation list")
    defects = tuple(defect for one in deviation["descriptions"] for defect in _defects(one))
    return KnownDefects(_affected(deviation["documents"]), defects, country)


def _affected(documents: Any) -> Affected:  # noqa: ANN401 - asn1crypto is untyped
    require_few(documents, FIELDS_MAX, "a deviation list")
    signer, period, numbers = documents["signer"], documents["issued"], documents["numbers"]
    if not isinstance(period, core.Void):
        require_few(period, FIELDS_MAX, "a deviation list")
    hashed = not isinstance(signer, core.Void) and signer.name == "digest"
    return replace(
        named_signer(signer),
        certificate_hash=_hash(signer.chosen) if hashed else None,
        document_type=documents["document_type"].native,
        issued=None if isinstance(period, core.Void) else (moment(period["first"]), moment(period["last"])),
        document_numbers=None if isinstance(numbers, core.Void) else _numbers(numbers.contents),
    )


def _numbers(contents: bytes) -> frozenset[str]:
    """The document numbers: short strings of any kind, one after the other."""
    found: set[str] = set()
    position, end = 0, len(contents)
    while position < end:
        size = contents[position + 1]
        value = contents[position + 2 : position + 2 + size]
        if size > DOCUMENT_NUMBER_BYTES_MAX or len(value) != size or len(found) >= DOCUMENT_NUMBERS_MAX:
            raise MalformedError("a deviation list with a document number that is none, or with too many")
        found.add(value.decode("ascii"))
        position += 2 + size
    return frozenset(found)


def _hash(chosen: Any) -> tuple[str, bytes]:  # noqa: ANN401 - asn1crypto is untyped
    """Return a certificate's hash. With an unknown algorithm the list is unusable: its entry would not be found."""
    require_few(chosen, FIELDS_MAX, "a deviation list")
    require_few(chosen["algorithm"], FIELDS_MAX, "a deviation list")
    return hash_name(chosen["algorithm"]["algorithm"].dotted), bytes(chosen["value"].native)


def _defects(description: Any) -> tuple[Defect, ...]:  # noqa: ANN401 - asn1crypto is untyped
    """Return an entry's defects, as far as they concern checks; national use and unknown kinds do not."""
    require_few(description, FIELDS_MAX, "a deviation list")
    flaws = _FLAWS.get(description["kind"].dotted.removeprefix(CONTENT_TYPE + "."), ())
    number = None
    if flaws in ((Flaw.DATA_GROUP_MALFORMED,), (Flaw.DATA_GROUP_HASH,)):
        number = int(description["parameters"].chosen.parse(core.Integer).native)
    if number == _SOD:
        return (Defect(Flaw.SOD_SIGNATURE),)
    if number == _COM:
        return (Defect(Flaw.COM_SOD),)
    if number is not None and not 1 <= number <= 16:
        raise MalformedError("a deviation list names a data group that cannot be")
    groups = frozenset() if number is None else frozenset({number})
    return tuple(Defect(flaw, groups) for flaw in flaws)

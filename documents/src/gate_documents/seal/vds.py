"""The zones of a seal: header, message, signature (ICAO 9303-13 §2 and §3).

Only the form is parsed: the claimed signer, the features by tag, and the signed bytes. Lengths are one byte, or in the
long form of DER with one or two bytes. Two deviations of real seals are tolerated by name; each has one meaning only.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Final

from gate_documents.checks import Tolerance
from gate_documents.errors import MalformedError
from gate_documents.seal import c40

if TYPE_CHECKING:
    from collections.abc import Mapping

SEAL_BYTES_MAX: Final = 4096
FEATURES_MAX: Final = 64
_MAGIC: Final = 0xDC
_SIGNATURE: Final = 0xFF
_VERSIONS: Final = {0x02: 3, 0x03: 4}
_COUNTRY_CHARACTERS: Final = 3
_SIGNER_CHARACTERS: Final = 4
_REFERENCE_CHARACTERS: Final = 5  # in version 3; version 4 states the number
_REFERENCE_CHARACTERS_MAX: Final = 40  # a SHA-1 in hexadecimal, which DEZV writes
_DECIMAL_SIGNER: Final = "DEZV"  # writes the length of its reference in decimal (BSI TR-03171)
_ARRIVAL_ATTESTATION: Final = (0xFD, 0x02)


@dataclass(frozen=True, slots=True)
class Header:
    """The seal's issuer, kind and dates. `country`: the three-letter code of the MRZ, fillers removed.

    `signer`: the two letters of its country and two characters; `reference`: its certificate's serial number in
    hexadecimal. `profile`: the reference of the feature definition and the category of the document.
    """

    version: int
    country: str
    signer: str
    reference: str
    issued: date
    signed: date
    profile: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Seal:
    """One seal. `features` are the values of the message zone by tag, personal data and therefore not shown."""

    header: Header
    features: Mapping[int, bytes] = field(repr=False)
    signed: bytes = field(repr=False)
    signature: bytes = field(repr=False)
    tolerated: frozenset[Tolerance] = frozenset()


def parse_seal(data: bytes) -> Seal:
    """Read the bytes of a bar code. Raises MalformedError."""
    if len(data) > SEAL_BYTES_MAX:
        raise MalformedError(f"a seal longer than {SEAL_BYTES_MAX} bytes")
    reader = _Reader(data)
    header = _header(reader)
    features: dict[int, bytes] = {}
    while True:
        signed_bytes = reader.position
        tag, value = reader.feature()
        if tag == _SIGNATURE:
            break
        if tag in features or len(features) >= FEATURES_MAX:
            raise MalformedError("a seal with a feature that stands twice, or with too many")
        features[tag] = value
    if not features or not value or reader.position != len(data):
        raise MalformedError("a seal without features or signature, or with something after it")
    return Seal(header, features, data[:signed_bytes], value, frozenset(reader.tolerated))


class _Reader:
    """Takes the bytes of a seal from the front."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.position = 0
        self.tolerated: set[Tolerance] = set()

    def take(self, count: int) -> bytes:
        """The next so many bytes. Raises MalformedError when there are fewer."""
        found = self._data[self.position : self.position + count]
        if len(found) != count:
            raise MalformedError("a seal that ends in the middle")
        self.position += count
        return found

    def text(self, characters: int) -> str:
        """The next string of so many characters."""
        found = c40.decode(self.take(c40.encoded_bytes(characters)))
        if len(found) != characters:
            raise MalformedError("a seal with a string of another length")
        return found

    def day(self) -> date:
        """The next date: month, day and year as one number of eight digits."""
        digits = f"{int.from_bytes(self.take(3), 'big'):08}"
        try:
            return date(int(digits[4:]), int(digits[:2]), int(digits[2:4]))
        except ValueError as error:
            raise MalformedError("a seal with a date that is none") from error

    def feature(self) -> tuple[int, bytes]:
        """The next tag and value."""
        tag, size = self.take(2)
        if size > 0x82 or (size == 0x80 and tag == _SIGNATURE):
            raise MalformedError("a seal with a length that is none")
        if size == 0x80:
            self.tolerated.add(Tolerance.SEAL_LENGTH_BYTE_80)
        elif size > 0x80:
            size = int.from_bytes(self.take(size & 0x7F), "big")
        return tag, self.take(size)


def _header(reader: _Reader) -> Header:
    magic, version = reader.take(2)
    if magic != _MAGIC or version not in _VERSIONS:
        raise MalformedError("no seal, or one of an unknown version")
    country = _country(reader, _VERSIONS[version])
    signer, reference = _signer(reader, _VERSIONS[version])
    header = Header(
        version=_VERSIONS[version],
        country=country.rstrip("<"),
        signer=signer,
        reference=reference,
        issued=reader.day(),
        signed=reader.day(),
        profile=(reader.take(1)[0], reader.take(1)[0]),
    )
    if Tolerance.SEAL_OLDER_HEADER in reader.tolerated and header.profile != _ARRIVAL_ATTESTATION:
        raise MalformedError("a seal with an older header that its kind does not have")
    return header


def _country(reader: _Reader, version: int) -> str:
    """Return the three letters; early arrival attestations of version 4 have D alone, without fillers."""
    start = reader.position
    if version == 4 and c40.decode(reader.take(c40.encoded_bytes(_COUNTRY_CHARACTERS))) == "D":
        reader.tolerated.add(Tolerance.SEAL_OLDER_HEADER)
        return "D"
    reader.position = start
    return reader.text(_COUNTRY_CHARACTERS)


def _signer(reader: _Reader, version: int) -> tuple[str, str]:
    """Return the signer and its certificate's reference; version 4 has the reference's length in between (§2.2).

    Early arrival attestations of version 4 have none: their references of five characters begin with 00, which is no length.
    """
    start = reader.position
    known = _SIGNER_CHARACTERS + 2
    prefix = "" if version == 3 else reader.text(known)
    reader.position = start
    if prefix.endswith("00"):
        reader.tolerated.add(Tolerance.SEAL_OLDER_HEADER)
    if version == 3 or prefix.endswith("00"):
        text = reader.text(_SIGNER_CHARACTERS + _REFERENCE_CHARACTERS)
        return text[:_SIGNER_CHARACTERS], text[_SIGNER_CHARACTERS:]
    try:
        size = int(prefix[_SIGNER_CHARACTERS:], 10 if prefix.startswith(_DECIMAL_SIGNER) else 16)
    except ValueError as error:
        raise MalformedError("a seal whose signer's certificate has no length") from error
    if not 1 <= size <= _REFERENCE_CHARACTERS_MAX:
        raise MalformedError("a seal whose signer's certificate has a reference of that length")
    text = reader.text(known + size)
    return text[:_SIGNER_CHARACTERS], text[known:]

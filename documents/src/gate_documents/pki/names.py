"""Distinguished names in certificates and lists (RFC 5280 §4.1.2.4).

Each name is parsed once. In practice two names of the same issuer differ in case, blanks and string types, and in the
order of their parts.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gate_documents.pki.asn1 import SEQUENCE, SET, Part, dotted, parts, parts_of, reading

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_COUNTRY_NAME: Final = "2.5.4.6"
_TEXT_CHARACTERS_MAX: Final = 200
# The string types by tag: UTF8, numeric, printable, teletex, IA5, universal, BMP. Issuers write western letters into those that
# have none, too.
_ENCODINGS: Final = {
    0x0C: "utf-8",
    0x12: "latin-1",
    0x13: "latin-1",
    0x14: "cp1252",
    0x16: "latin-1",
    0x1C: "utf-32-be",
    0x1E: "utf-16-be",
}
_NUMERIC: Final = 0x12  # no text, and one bit away from a printable string
_TEXTS: Final = {tag: encoding for tag, encoding in _ENCODINGS.items() if tag != _NUMERIC}
_COMMON_NAME: Final = "2.5.4.3"


@dataclass(frozen=True, slots=True)
class Name:
    """One name. `id` is for comparing; `country`: the first one's, in upper case, or empty; `text` is for reports.

    `id` is the SHA-256 with case, blanks and string types normalised (RFC 5280 §7.1, more tolerantly); `text` has the
    values only, printable and bounded. `common`: the exact common name, empty if there is none or more than one.
    """

    id: bytes
    country: str
    text: str
    common: str


def read_name(encoded: bytes) -> Name:
    """Read a Name in DER or BER. Raises MalformedError."""
    with reading("a name"):
        (sequence,) = parts(encoded)
        relative_names = [
            [_type_and_value(pair) for pair in parts_of(relative, SET)] for relative in parts_of(sequence, SEQUENCE)
        ]
        pairs = [pair for relative in relative_names for pair in relative]
        return Name(
            id=_id(relative_names),
            # Lower-case ones are in circulation.
            country=next((text.strip().upper() for kind, text in pairs if kind == _COUNTRY_NAME), ""),
            text=_printable(", ".join(text for _, text in pairs)),
            common=_only(text for kind, text in pairs if kind == _COMMON_NAME),
        )


def same_parts(one: bytes, other: bytes) -> bool:
    """True for two names, in DER or BER, that differ only in the order and grouping of their parts and in string types.

    Letters must be equal, unlike in `Name.id`: for unsigned fields. Raises MalformedError.
    """
    return one == other or _parts(one) == _parts(other)


def _parts(encoded: bytes) -> list[tuple[str, str]]:
    with reading("a name"):
        (sequence,) = parts(encoded)
        relatives = parts_of(sequence, SEQUENCE)
        return sorted(_type_and_value(pair, _TEXTS) for relative in relatives for pair in parts_of(relative, SET))


def _only(found: Iterable[str]) -> str:
    values = list(found)
    return values[0] if len(values) == 1 else ""


def _type_and_value(pair: Part, texts: Mapping[int, str] = _ENCODINGS) -> tuple[str, str]:
    kind, value = parts_of(pair, SEQUENCE)
    encoding = texts.get(value.tag)
    # A value that is no text is written as RFC 4514 §2.4 writes it.
    return dotted(kind), f"#{value.encoded.hex()}" if encoding is None else value.contents.decode(encoding)


def _id(relative_names: list[list[tuple[str, str]]]) -> bytes:
    levelled = "\x00".join(
        "\x01".join(sorted(f"{kind}={' '.join(text.casefold().split())}" for kind, text in relative))
        for relative in relative_names
    )
    return hashlib.sha256(levelled.encode("utf-8", "surrogatepass")).digest()


def _printable(text: str) -> str:
    text = text[:_TEXT_CHARACTERS_MAX]
    return text if text.isprintable() else "".join(one if one.isprintable() else "?" for one in text)

"""Rows on what is only read: MRZs of every size, EF.DG3, EF.DG7, EF.DG11, EF.DG12, EF.DG16, and master lists.

An MRZ is valid, or has a problem, or is none at all; a file is read or refused; a list puts its certificates into the store
or does not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from document_fakes.master_lists import NOW, Party, master_list, party, signed_list

from gate_documents.lds.dg3 import count_fingerprints
from gate_documents.lds.dg7 import parse_dg7
from gate_documents.lds.dg11 import parse_dg11
from gate_documents.lds.dg12 import parse_dg12
from gate_documents.lds.dg16 import parse_dg16
from hardware_sim.passport import der, lds


class Mrz(Enum):
    """What an MRZ is."""

    VALID = auto()
    PROBLEM = auto()
    NONE = auto()


@dataclass(frozen=True)
class MrzRow:
    """One MRZ: its clause, what is unusual or wrong about it, its lines."""

    clause: str
    what: str
    lines: tuple[str, ...]
    expected: Mrz

    def __str__(self) -> str:
        return f"{self.clause}: {self.what}"


@dataclass(frozen=True)
class FileRow:
    """One file: `expected` are attributes of what is read, or the value itself; None when it must be refused."""

    clause: str
    what: str
    read: Callable[[bytes], Any]
    file: bytes
    expected: Any

    def __str__(self) -> str:
        return f"{self.clause}: {self.what}"


# ── MRZs: the specimens of ICAO 9303-4 to 9303-7 and 9303-11 D.2, and what is wrong with them ───────────────────────

TD3 = ("P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C36UTO7408122F1204159ZE184226B<<<<<10")
TD1 = ("I<UTOD231458907<<<<<<<<<<<<<<<", "7408122F1204159UTO<<<<<<<<<<<6", "ERIKSSON<<ANNA<MARIA<<<<<<<<<<")
TD2 = ("I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<", "D231458907UTO7408122F1204159<<<<<<<6")
MRV_A = ("V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L8988901C4XXX4009078F96121096ZE184226B<<<<<<")
MRV_B = ("V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<", "L8988901C4XXX4009078F9612109<<<<<<<<")
LONG = ("I<UTOD23145890<7349<<<<<<<<<<<", "3407127M9507122UTO<<<<<<<<<<<2", "STEVENSON<<PETER<JOHN<<<<<<<<<")


def _with(lines: tuple[str, ...], row: int, column: int, text: str) -> tuple[str, ...]:
    changed = lines[row][:column] + text + lines[row][column + len(text) :]
    return (*lines[:row], changed, *lines[row + 1 :])


MRZS = (
    MrzRow("9303-4 §B", "specimen TD3", TD3, Mrz.VALID),
    MrzRow("9303-5 §B", "specimen TD1", TD1, Mrz.VALID),
    MrzRow("9303-6 §B", "specimen TD2", TD2, Mrz.VALID),
    MrzRow("9303-7 §5", "specimen MRV-A: no check digit over all", MRV_A, Mrz.VALID),
    MrzRow("9303-7 §6", "specimen MRV-B: no check digit over all", MRV_B, Mrz.VALID),
    MrzRow("9303-5 §4.2.2", "TD1, document number of eleven characters", LONG, Mrz.VALID),
    MrzRow("9303-5 §4.2.2", "its check digit wrong", _with(LONG, 0, 18, "8"), Mrz.PROBLEM),
    MrzRow("9303-3 §4.9", "TD1, check digit of the number", _with(TD1, 0, 14, "8"), Mrz.PROBLEM),
    MrzRow("9303-3 §4.9", "TD1, check digit of birth", _with(TD1, 1, 6, "3"), Mrz.PROBLEM),
    MrzRow("9303-3 §4.9", "TD1, check digit of expiry", _with(TD1, 1, 14, "8"), Mrz.PROBLEM),
    MrzRow("9303-3 §4.9", "TD1, check digit over all", _with(TD1, 1, 29, "7"), Mrz.PROBLEM),
    MrzRow(
        "9303-5 §4.2.2",
        "TD1, optional data changed: the digit over all covers it",
        _with(TD1, 1, 18, "1"),
        Mrz.PROBLEM,
    ),
    MrzRow("9303-3 §4.9", "TD2, check digit over all", _with(TD2, 1, 35, "7"), Mrz.PROBLEM),
    MrzRow("9303-6 §4.2.2", "TD2, optional data changed", _with(TD2, 1, 28, "1"), Mrz.PROBLEM),
    MrzRow("9303-3 §4.9", "MRV-A, check digit of the number", _with(MRV_A, 1, 9, "5"), Mrz.PROBLEM),
    MrzRow("9303-3 §4.9", "MRV-B, check digit of birth", _with(MRV_B, 1, 19, "9"), Mrz.PROBLEM),
    MrzRow("9303-3 §4.9", "TD3, check digit of optional data", _with(TD3, 1, 42, "2"), Mrz.PROBLEM),
    MrzRow("9303-3 §4.8", "TD3, a letter in the date of birth", _with(TD3, 1, 13, "74O812"), Mrz.PROBLEM),
    MrzRow("9303-4 §4.2.2.2", "TD3, sex is a letter of no meaning", _with(TD3, 1, 20, "Q"), Mrz.PROBLEM),
    MrzRow("9303-3 §4.6", "TD3, a digit in the name", _with(TD3, 0, 6, "4"), Mrz.PROBLEM),
    MrzRow("9303-3 §5", "TD3, a digit in the nationality", _with(TD3, 1, 10, "U7O"), Mrz.PROBLEM),
    MrzRow("9303-3 §4.6", "TD3, the name is void", (TD3[0][:5].ljust(44, "<"), TD3[1]), Mrz.PROBLEM),
    MrzRow("9303-4 §4.2.2", "TD3, document code Q", _with(TD3, 0, 0, "Q<"), Mrz.PROBLEM),
    MrzRow("9303-5 §4.2.2", "TD1, document code P", _with(TD1, 0, 0, "P<"), Mrz.PROBLEM),
    MrzRow("9303-5 §4.2.2", "TD1, document code of a crew member", _with(TD1, 0, 0, "AC"), Mrz.VALID),
    MrzRow("9303-6 §4.2.2", "TD2, document code V is that of a visa", _with(TD2, 0, 0, "V<"), Mrz.VALID),
    MrzRow("9303-3 §4.3", "a character outside the MRZ's alphabet", _with(TD3, 0, 6, "ß"), Mrz.NONE),
    MrzRow("9303-3 §4.3", "small letters", (TD3[0].lower(), TD3[1]), Mrz.NONE),
    MrzRow("9303-3 §4.2", "a line of 43 characters", (TD3[0][:-1], TD3[1]), Mrz.NONE),
    MrzRow("9303-3 §4.2", "one line of TD3", (TD3[0],), Mrz.NONE),
    MrzRow("9303-3 §4.2", "two lines of TD1", TD1[:2], Mrz.NONE),
    MrzRow("9303-3 §4.2", "nothing", (), Mrz.NONE),
)


# ── files ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def details(*fields: tuple[int, bytes], tag: int = 0x6B, tags: bytes | None = None) -> bytes:
    """A tag list, then the fields (ICAO 9303-10 §4.7.11 and §4.7.12)."""
    listed = b"".join(at.to_bytes(2) for at, _ in fields if at > 0xFF) if tags is None else tags
    return der.tlv(tag, der.tlv(0x5C, listed), *(der.tlv(at, value) for at, value in fields))


def others(count: int, *values: bytes, inner: int = 0x5F0F) -> tuple[int, bytes]:
    return 0xA0, der.integer(count) + b"".join(der.tlv(inner, value) for value in values)


NAME = (0x5F0E, b"ERIKSSON<<ANNA<MARIA")
GREEK = "ΘΕΟΔΩΡΟΥ<<ΦΩΤΕΙΝΗ"
DG12 = "9303-10 §4.7.12"
DG11 = "9303-10 §4.7.11"
DG16 = "9303-10 §4.7.16"
PERSON = der.tlv(0x5F50, b"20200101") + der.tlv(0x5F51, b"SMITH<<CHARLES")


def notified(count: int, *persons: bytes) -> bytes:
    return der.tlv(0x70, der.integer(count), *(der.tlv(0xA1 + index, person) for index, person in enumerate(persons)))


# A field of DG11 or DG12 that cannot be read is none: the issuer signed it so, and nothing is decided by it.
FILES = (
    FileRow(DG11, "the name alone", parse_dg11, details(NAME), {"full_name": "ERIKSSON<<ANNA<MARIA"}),
    FileRow(DG11, "nothing but the tag list", parse_dg11, details(), {"full_name": None, "other_names": ()}),
    FileRow(DG11, "a name outside Latin letters", parse_dg11, details((0x5F0E, GREEK.encode())), {"full_name": GREEK}),
    FileRow(DG11, "date of birth", parse_dg11, details((0x5F2B, b"19940812")), {"born.isoformat": "1994-08-12"}),
    FileRow(DG11, "month and day of birth unknown: zeros", parse_dg11, details((0x5F2B, b"19940000")), {"born": None}),
    FileRow(DG11, "other names", parse_dg11, details(NAME, others(2, b"A", b"B")), {"other_names": ("A", "B")}),
    FileRow(DG11, "fewer other names than counted", parse_dg11, details(NAME, others(3, b"A", b"B")), {"full_name": "ERIKSSON<<ANNA<MARIA", "other_names": ()}),
    FileRow(DG11, "more other names than counted", parse_dg11, details(NAME, others(1, b"A", b"B")), {"full_name": "ERIKSSON<<ANNA<MARIA", "other_names": ()}),
    FileRow(DG11, "tag 6C instead of 6B", parse_dg11, details(NAME, tag=0x6C), None),
    FileRow(DG11, "the name twice", parse_dg11, details(NAME, NAME), {"full_name": None}),
    FileRow(DG11, "a name that is no UTF-8", parse_dg11, details((0x5F0E, b"\xff\xfe")), {"full_name": None}),
    FileRow(DG11, "a field cut short", parse_dg11, der.tlv(0x6B, der.tlv(0x5C, b"\x5f\x0e"), b"\x5f\x0e\x20AB"), {"full_name": None}),
    FileRow(DG11, "length byte too big", parse_dg11, b"\x6b\x40" + details(NAME)[2:], None),
    FileRow(DG12, "authority and date of issue", parse_dg12, details((0x5F19, b"UTOPIA"), (0x5F26, b"20210415"), tag=0x6C), {"authority": "UTOPIA", "issued.isoformat": "2021-04-15"}),
    FileRow(DG12, "date of issue in BCD, as LDS 1.7 had it", parse_dg12, details((0x5F26, bytes.fromhex("20210415")), tag=0x6C), {"issued.isoformat": "2021-04-15"}),
    FileRow(DG12, "a date that no calendar has", parse_dg12, details((0x5F26, b"20210230"), tag=0x6C), {"issued": None}),
    FileRow(DG12, "other persons", parse_dg12, details(others(1, b"SMITH<<BRENDA", inner=0x5F1A), tag=0x6C), {"other_persons": ("SMITH<<BRENDA",)}),
    FileRow(DG12, "tag 6B instead of 6C", parse_dg12, details((0x5F19, b"UTOPIA")), None),
    FileRow(DG12, "fewer other persons than counted", parse_dg12, details(others(2, b"SMITH<<BRENDA", inner=0x5F1A), tag=0x6C), {"other_persons": ()}),
    FileRow(DG16, "two persons", lambda file: len(parse_dg16(file)), notified(2, PERSON, PERSON), 2),
    FileRow(DG16, "a person with a name only", lambda file: parse_dg16(file)[0].name, notified(1, der.tlv(0x5F51, b"SMITH<<CHARLES")), "SMITH<<CHARLES"),
    FileRow(DG16, "fewer persons than counted", parse_dg16, notified(2, PERSON), None),
    FileRow(DG16, "more persons than counted", parse_dg16, notified(1, PERSON, PERSON), None),
    FileRow(DG16, "count is missing", parse_dg16, der.tlv(0x70, der.tlv(0xA1, PERSON)), None),
    FileRow(DG16, "tag 6D instead of 70", parse_dg16, b"\x6d" + notified(1, PERSON)[1:], None),
    FileRow("9303-10 §4.7.7", "a picture of a signature", lambda file: len(parse_dg7(file)), lds.dg7(b"\xff\xd8\xff"), 1),
    FileRow("9303-10 §4.7.7", "fewer pictures than counted", parse_dg7, der.tlv(0x67, der.integer(2), der.tlv(0x5F43, b"x")), None),
    FileRow("9303-10 §4.7.7", "count is missing", parse_dg7, der.tlv(0x67, der.tlv(0x5F43, b"x")), None),
    FileRow("9303-10 §4.7.3", "EF.DG3 with no fingerprint, and random bytes in their place", count_fingerprints, der.tlv(0x63, der.tlv(0x7F61, der.integer(0), der.tlv(0x53, bytes(16)))), 0),
    FileRow("TR-03105-5.1 LDS_D_02", "two fingerprints", count_fingerprints, lds.dg3(b"one", b"two"), 2),
    FileRow("TR-03105-5.1 LDS_D_04", "EF.DG3, tag 64 instead of 63", count_fingerprints, b"\x64" + lds.dg3(b"one")[1:], None),
    FileRow("TR-03105-5.1 LDS_D_07", "EF.DG3, number of instances is missing", count_fingerprints, der.tlv(0x63, der.tlv(0x7F61, b"")), None),
)  # fmt: skip


# ── master lists (ICAO 9303-12 §9) ───────────────────────────────────────────────────────────────────────────────────

CSCA = party("CSCA")
FOREIGN = party("Foreign CSCA", country="ZZ")
SIGNER = party("List signer", issuer=CSCA, authority=False, lists=True)
MASTER_LIST = "2.23.136.1.1.2"


@dataclass(frozen=True)
class ListRow:
    """One master list of the trusted CSCA's country, and whether the foreign CSCA in it is believed."""

    clause: str
    what: str
    make: Callable[[], bytes]
    believed: bool

    def __str__(self) -> str:
        return f"{self.clause}: {self.what}"


def _content(version: int, *certificates: bytes) -> bytes:
    return der.sequence(der.integer(version), der.tlv(0x31, *certificates))


def _signed(content: bytes, by: Party = SIGNER, kind: str = MASTER_LIST) -> bytes:
    return signed_list(by, content, content_type=kind)


def _broken() -> bytes:
    good = master_list(SIGNER, [CSCA.der, FOREIGN.der])
    return good[:-1] + bytes((good[-1] ^ 1,))


def _swapped() -> bytes:
    """Another CSCA of the same length in the place of the signed one."""
    good = master_list(SIGNER, [CSCA.der, FOREIGN.der])
    other = bytearray(good)
    other[good.index(FOREIGN.der) + len(FOREIGN.der) - 1] ^= 1
    return bytes(other)


LISTS = (
    ListRow("9303-12 §9", "a list as it should be", lambda: master_list(SIGNER, [CSCA.der, FOREIGN.der]), believed=True),
    ListRow("9303-12 §9.2", "version 1", lambda: _signed(_content(1, CSCA.der, FOREIGN.der)), believed=False),
    ListRow("9303-12 §9.2", "content type of the security object", lambda: _signed(_content(0, CSCA.der, FOREIGN.der), kind="2.23.136.1.1.1"), believed=False),
    ListRow("9303-12 table 6", "signer without extended key usage", lambda: _signed(_content(0, CSCA.der, FOREIGN.der), party("Other signer", issuer=CSCA, authority=False)), believed=False),
    ListRow("9303-12 table 6", "signer for deviation lists", lambda: _signed(_content(0, CSCA.der, FOREIGN.der), party("Other signer", issuer=CSCA, authority=False, purpose="2.23.136.1.1.8")), believed=False),
    ListRow("9303-12 §6.1.1", "signer under a CSCA that only the list itself brings", lambda: _signed(_content(0, FOREIGN.der), party("Foreign signer", country="ZZ", issuer=FOREIGN, authority=False, lists=True)), believed=False),
    ListRow("RFC 5652 §5.6", "signature is wrong", _broken, believed=False),
    ListRow("RFC 5652 §5.4", "a certificate changed after signing", _swapped, believed=False),
    ListRow("9303-12 §9.1", "a document signer among the CSCAs is not believed", lambda: _signed(_content(0, CSCA.der, party("Foreign CSCA", country="ZZ", issuer=FOREIGN, authority=False).der)), believed=False),
    ListRow("RFC 5280 §6.1.3 (a)(2)", "the signer is not valid any more", lambda: _signed(_content(0, CSCA.der, FOREIGN.der), party("Old signer", issuer=CSCA, authority=False, lists=True, days=-1)), believed=False),
)  # fmt: skip

AT = NOW

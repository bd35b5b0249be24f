"""The MRZ's layout for reading pictures: permitted characters, ranges of check digits, codes of states (ICAO 9303-3 to 9303-7).

`gate_documents.mrz` interprets fields and reports their problems; tests compare both for check digits and codes.
"""

import enum
import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from gate.page.values import ALPHABET, MrzFormat

Place = tuple[int, int, int]  # line, first character, one past the last

_WEIGHTS: Final = (7, 3, 1)
_ISSUER: Final[Place] = (0, 2, 5)


class Kind(enum.Enum):
    """The content of a place."""

    LETTER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ<"
    DIGIT = "0123456789"
    DATE = "0123456789<"
    NUMBER = "0123456789<ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    SEX = "MFX<"
    VISA = "V"
    NO_VISA = "ABCDEFGHIJKLMNOPQRSTUWXYZ"


@dataclass(frozen=True, slots=True)
class Check:
    """A check digit: the places it covers, in order, and its own place."""

    name: str
    covers: tuple[Place, ...]
    digit: Place
    may_be_left_out: bool = False


@dataclass(frozen=True, slots=True)
class Layout:
    """The kinds of all characters, line by line, the check digits of a format, its first letters, and the places of states."""

    kinds: tuple[tuple[Kind, ...], ...]
    checks: tuple[Check, ...]
    begins: str  # with one of these letters
    states: tuple[Place, Place]  # issuer and nationality
    overflow: Place | None = None  # where a long number continues, digit last, then a filler (ICAO 9303-5 §4.2.2)


def check_digit(text: str) -> str:
    """The check digit of a field: weights 7, 3, 1, modulo 10 (ICAO 9303-3 §4.9)."""
    values = (0 if character == "<" else int(character, 36) for character in text)
    return str(sum(value * _WEIGHTS[position % 3] for position, value in enumerate(values)) % 10)


# Kinds as letters, for lines as patterns.
_KINDS: Final = {
    "L": Kind.LETTER, "9": Kind.DIGIT, "d": Kind.DATE, "X": Kind.NUMBER, "s": Kind.SEX, "V": Kind.VISA, "P": Kind.NO_VISA,
}  # fmt: skip
_LOWER: Final = "XXXXXXXXXXLLLdddddd9sdddddd9"  # of two lines: number, nationality, birth, sex, expiry
_LOWER_CHECKS: Final = (
    Check("number", ((1, 0, 9),), (1, 9, 10)),
    Check("birth", ((1, 13, 19),), (1, 19, 20)),
    Check("expiry", ((1, 21, 27),), (1, 27, 28)),
)


def _kinds(*lines: str) -> tuple[tuple[Kind, ...], ...]:
    return tuple(tuple(_KINDS[letter] for letter in line) for line in lines)


def _two_lines(upper: str, end: str, *checks: Check, begins: str, overflow: Place | None = None) -> Layout:
    """Return the layout of two lines; `end` follows the expiry. The first letter distinguishes visas from others of their size."""
    return Layout(_kinds(upper, _LOWER + end), (*_LOWER_CHECKS, *checks), begins, (_ISSUER, (1, 10, 13)), overflow)


def _composite(width: int) -> Check:
    return Check("composite", ((1, 0, 10), (1, 13, 20), (1, 21, width - 1)), (1, width - 1, width))


LAYOUTS: Final[Mapping[MrzFormat, Layout]] = {
    MrzFormat.TD1: Layout(
        kinds=_kinds("PLLLL" + 25 * "X", "dddddd9sdddddd9LLL" + 11 * "X" + "9", 30 * "L"),
        checks=(
            Check("number", ((0, 5, 14),), (0, 14, 15)),
            Check("birth", ((1, 0, 6),), (1, 6, 7)),
            Check("expiry", ((1, 8, 14),), (1, 14, 15)),
            Check("composite", ((0, 5, 30), (1, 0, 7), (1, 8, 15), (1, 18, 29)), (1, 29, 30)),
        ),
        begins="ACI",
        states=(_ISSUER, (1, 15, 18)),
        overflow=(0, 15, 30),
    ),
    MrzFormat.TD2: _two_lines("P" + 35 * "L", 7 * "X" + "9", _composite(36), begins="ACI", overflow=(1, 28, 35)),
    MrzFormat.TD3: _two_lines(
        "P" + 43 * "L",
        14 * "X" + "d9",
        Check("personal_number", ((1, 28, 42),), (1, 42, 43), may_be_left_out=True),
        _composite(44),
        begins="P",
    ),
    MrzFormat.MRV_A: _two_lines("V" + 43 * "L", 16 * "X", begins="V"),
    MrzFormat.MRV_B: _two_lines("V" + 35 * "L", 8 * "X", begins="V"),
}


def check_digits(mrz_format: MrzFormat, lines: Sequence[str]) -> dict[str, bool]:
    """Return for each check digit of the format whether it holds."""
    layout = LAYOUTS[mrz_format]
    return {check.name: _holds(check, layout, lines) for check in layout.checks}


def at(lines: Sequence[str], place: Place) -> str:
    """The characters of a place."""
    line, start, end = place
    return lines[line][start:end]


def _holds(check: Check, layout: Layout, lines: Sequence[str]) -> bool:
    covered = "".join(at(lines, place) for place in check.covers)
    digit = at(lines, check.digit)
    if check.may_be_left_out and not (covered + digit).strip("<"):
        return True
    if check.name == "number" and layout.overflow is not None and digit == "<":
        rest = at(lines, layout.overflow).partition("<")[0]
        if len(rest) >= 2:
            covered, digit = covered + rest[:-1], rest[-1]
    return check_digit(covered) == digit


def _columns(*places: Place) -> set[tuple[int, int]]:
    """Return their characters: line and column."""
    return {(line, column) for line, start, end in places for column in range(start, end)}


def within_reach(mrz_format: MrzFormat, names: Sequence[str]) -> frozenset[tuple[int, int]]:
    """Return the characters, line and column, on which all of these check digits depend: one change there may correct all of them."""
    layout = LAYOUTS[mrz_format]
    reaches = []
    for check in layout.checks:
        if check.name in names:
            places = [*check.covers, check.digit]
            if check.name == "number" and layout.overflow is not None:
                places.append(layout.overflow)
            reaches.append(_columns(*places))
    return frozenset(set.intersection(*reaches)) if reaches else frozenset()


_DIGITS: Final = {character: check_digit(character) for character in ALPHABET}


@functools.cache
def beyond_check(mrz_format: MrzFormat) -> frozenset[tuple[int, int]]:
    """The characters that no check digit covers: line and column."""
    layout = LAYOUTS[mrz_format]
    every = {(line, column) for line, kinds in enumerate(layout.kinds) for column in range(len(kinds))}
    return frozenset(every.difference(*(_columns(*check.covers, check.digit) for check in layout.checks)))


@functools.cache
def unchecked(mrz_format: MrzFormat) -> frozenset[tuple[int, int]]:
    """The characters of numbers that no check digit covers: line and column."""
    kinds = LAYOUTS[mrz_format].kinds
    return frozenset((line, column) for line, column in beyond_check(mrz_format) if kinds[line][column] is Kind.NUMBER)


def mistakable(mrz_format: MrzFormat, line: int, column: int, character: str) -> str:
    """Return the characters for which this one could be mistaken at its place without a wrong check digit."""
    others = LAYOUTS[mrz_format].kinds[line][column].value.replace(character, "")
    if (line, column) in beyond_check(mrz_format):
        return others
    return "".join(other for other in others if _DIGITS[other] == _DIGITS[character])


# Of an MRZ's issuer and nationality: ICAO 9303-3 §5, parts A to E.
_ICAO: Final = """
ABW AFG AGO AIA ALA ALB AND ARE ARG ARM ASM ATA ATF ATG AUS AUT AZE BDI BEL BEN BES BFA BGD BGR BHR BHS BIH BLM BLR BLZ BMU BOL
BRA BRB BRN BTN BVT BWA CAF CAN CCK CHE CHL CHN CIV CMR COD COG COK COL COM CPV CRI CUB CUW CXR CYM CYP CZE DJI DMA DNK DOM DZA
ECU EGY ERI ESH ESP EST ETH FIN FJI FLK FRA FRO FSM GAB GBR GEO GGY GHA GIB GIN GLP GMB GNB GNQ GRC GRD GRL GTM GUF GUM GUY HKG
HMD HND HRV HTI HUN IDN IMN IND IOT IRL IRN IRQ ISL ISR ITA JAM JEY JOR JPN KAZ KEN KGZ KHM KIR KNA KOR KWT LAO LBN LBR LBY LCA
LIE LKA LSO LTU LUX LVA MAC MAF MAR MCO MDA MDG MDV MEX MHL MKD MLI MLT MMR MNE MNG MNP MOZ MRT MSR MTQ MUS MWI MYS MYT NAM NCL
NER NFK NGA NIC NIU NLD NOR NPL NRU NZL OMN PAK PAN PCN PER PHL PLW PNG POL PRI PRK PRT PRY PSE PYF QAT REU ROU RUS RWA SAU SDN
SEN SGP SGS SHN SJM SLB SLE SLV SMR SOM SPM SRB SSD STP SUR SVK SVN SWE SWZ SXM SYC SYR TCA TCD TGO THA TJK TKL TKM TLS TON TTO
TUN TUR TUV TWN TZA UGA UKR UMI URY USA UZB VAT VCT VEN VGB VIR VNM VUT WLF WSM YEM ZAF ZMB ZWE
D<< GBD GBN GBO GBP GBS RKS EUE UNO UNA UNK UTO
XBA XCC XCE XCO XCT XDC XEC XES XIM XMP XOM XPO XXA XXB XXC XXX IAO NTZ
"""
_CODES: Final = frozenset(_ICAO.split())


def exists(code: str) -> bool:
    """True for three characters, fillers included, that name an issuer or a nationality."""
    return code in _CODES

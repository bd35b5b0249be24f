"""The printed text: machine-readable zones of invented people, and strings that are not an MRZ.

All five layouts of ICAO 9303-4 to 9303-7 have right check digits, so that the recogniser sees characters where and as
often as they occur. Random strings keep it from learning to guess by the layout. Mixes of the characters that differ
little in OCR-B are added.
"""

from __future__ import annotations

import string
from typing import Final, Literal

import numpy as np

from gate_documents.mrz.parser import check_digit

Mrz = tuple[str, ...]
LayoutName = Literal["TD1", "TD2", "TD3", "MRV-A", "MRV-B"]

LAYOUTS: Final[tuple[LayoutName, ...]] = ("TD1", "TD2", "TD3", "MRV-A", "MRV-B")
ALPHABET: Final = string.digits + string.ascii_uppercase + "<"
LINE_CHARACTERS: Final = (30, 36, 44)
LOOK_ALIKES: Final = (
    "0O",
    "0OQD",
    "1I",
    "8B",
    "5S",
    "2Z",
    "6G",
    "0O8B1I5S2Z",
    "VY",
    "MNW",
    "UVO",
    "EF",
    "<KX",
    "4A",
    "CG6",
)
_STATES: Final = (
    "UTO", "XOM", "XPO", "XXA", "XXB", "XXC", "D<<", "AUT", "BRA", "CAN", "CHE", "CZE", "DNK", "ESP", "FIN", "FRA", "GBR", "HRV",
    "HUN", "IND", "ITA", "JPN", "KAZ", "LVA", "MEX", "NLD", "NOR", "POL", "QAT", "ROU", "RUS", "SVN", "SWE", "TUR", "UKR", "USA",
    "UZB", "VNM", "YEM", "ZAF", "ZWE",
)  # fmt: skip
_ONSETS: Final = (
    "B", "BR", "C", "CH", "D", "DR", "F", "FJ", "G", "GR", "H", "HJ", "J", "K", "KR", "KW", "L", "M", "MB", "N", "NG", "P", "PF",
    "QU", "R", "S", "SCH", "ST", "SZ", "T", "TR", "TZ", "V", "W", "X", "Y", "Z", "ZH", "",
)  # fmt: skip
_NUCLEI: Final = ("A", "AE", "AI", "AU", "E", "EE", "I", "IE", "O", "OE", "OU", "U", "UE", "Y")
_CODAS: Final = (
    "",
    "",
    "",
    "CK",
    "D",
    "F",
    "G",
    "K",
    "L",
    "LL",
    "M",
    "N",
    "NN",
    "R",
    "RT",
    "S",
    "SS",
    "TT",
    "V",
    "X",
    "Z",
)


def invented(rng: np.random.Generator, layout: LayoutName) -> Mrz:
    """Return an invented MRZ of that layout with every check digit right."""
    match layout:
        case "TD1":
            return _td1(rng)
        case "TD2":
            return _two_lines(rng, str(rng.choice(["I", "A", "C"])), 36, optional=7)
        case "TD3":
            return _passport(rng)
        case "MRV-A":
            return _two_lines(rng, "V", 44, optional=16)
        case "MRV-B":
            return _two_lines(rng, "V", 36, optional=8)


def random_line(rng: np.random.Generator) -> str:
    """Return a line of no layout: any characters, one kind of them, or look-alikes only."""
    characters = int(rng.choice(LINE_CHARACTERS))
    kind = rng.random()
    if kind < 0.45:
        pool = str(rng.choice(LOOK_ALIKES))
    elif kind < 0.6:
        pool = string.digits
    elif kind < 0.7:
        pool = string.ascii_uppercase
    else:
        pool = ALPHABET
    line = "".join(rng.choice(list(pool), characters))
    if rng.random() < 0.3:
        start = int(rng.integers(characters))
        line = (line[:start] + "<" * int(rng.integers(1, 12)) + line[start:])[:characters]
    return line


def _td1(rng: np.random.Generator) -> Mrz:
    state, number = _state(rng), _number(rng)
    first = _fill(str(rng.choice(["I", "A", "C"])) + _kind(rng) + state + number + check_digit(number), 15)
    first += _optional(rng, 15)
    birth, expiry = _date(rng), _date(rng)
    second = birth + check_digit(birth) + _sex(rng) + expiry + check_digit(expiry) + _state(rng) + _optional(rng, 11)
    composite = check_digit(first[5:] + second[:7] + second[8:15] + second[18:])
    return first, second + composite, _name(rng, 30)


def _passport(rng: np.random.Generator) -> Mrz:
    first = "P" + _kind(rng) + _state(rng) + _name(rng, 39)
    number, birth, expiry, optional = _number(rng), _date(rng), _date(rng), _optional(rng, 14)
    second = number + check_digit(number) + _state(rng) + birth + check_digit(birth) + _sex(rng)
    digit = "<" if optional == "<" * 14 and rng.random() < 0.5 else check_digit(optional)
    second += expiry + check_digit(expiry) + optional + digit
    return first, second + check_digit(second[:10] + second[13:20] + second[21:])


def _two_lines(rng: np.random.Generator, kind: str, characters: int, *, optional: int) -> Mrz:
    """Return TD2 (whose last character is the composite digit) or a visa (which has none)."""
    first = kind + _kind(rng) + _state(rng) + _name(rng, characters - 5)
    number, birth, expiry = _number(rng), _date(rng), _date(rng)
    second = number + check_digit(number) + _state(rng) + birth + check_digit(birth) + _sex(rng)
    second += expiry + check_digit(expiry) + _optional(rng, optional)
    if kind != "V":
        second += check_digit(second[:10] + second[13:20] + second[21:])
    return first, second


def _fill(text: str, characters: int) -> str:
    return text[:characters].ljust(characters, "<")


def _kind(rng: np.random.Generator) -> str:
    return "<" if rng.random() < 0.6 else str(rng.choice(list(string.ascii_uppercase)))


def _sex(rng: np.random.Generator) -> str:
    return str(rng.choice(["F", "M", "<", "X"], p=[0.42, 0.42, 0.13, 0.03]))


def _state(rng: np.random.Generator) -> str:
    return str(rng.choice(_STATES)) if rng.random() < 0.8 else "".join(rng.choice(list(string.ascii_uppercase), 3))


def _number(rng: np.random.Generator) -> str:
    """Return a document number of nine characters: letters and digits as issuers mix them."""
    letters, digits = list(string.ascii_uppercase), list(string.digits)
    kind = rng.random()
    if kind < 0.35:
        head = "".join(rng.choice(letters, int(rng.integers(1, 4))))
        return _fill(head + "".join(rng.choice(digits, int(rng.integers(5, 9)))), 9)
    if kind < 0.6:
        return _fill("".join(rng.choice(digits, int(rng.integers(7, 10)))), 9)
    return _fill("".join(rng.choice(letters + digits, int(rng.integers(7, 10)))), 9)


def _optional(rng: np.random.Generator, characters: int) -> str:
    kind = rng.random()
    if kind < 0.45:
        return "<" * characters
    pool = list(string.digits if kind < 0.75 else string.digits + string.ascii_uppercase)
    return _fill("".join(rng.choice(pool, int(rng.integers(1, characters + 1)))), characters)


def _date(rng: np.random.Generator) -> str:
    if rng.random() < 0.02:
        return f"{int(rng.integers(100)):02}<<<<"
    return f"{int(rng.integers(100)):02}{int(rng.integers(1, 13)):02}{int(rng.integers(1, 32)):02}"


def _name(rng: np.random.Generator, characters: int) -> str:
    surname = "<".join(_word(rng) for _ in range(int(rng.choice([1, 1, 1, 2, 3]))))
    given = "<".join(_word(rng) for _ in range(int(rng.choice([0, 1, 1, 2, 2, 3]))))
    return _fill(f"{surname}<<{given}" if given else surname, characters)


def _word(rng: np.random.Generator) -> str:
    if rng.random() < 0.12:  # letters that no syllable brings together
        return "".join(rng.choice(list(string.ascii_uppercase), int(rng.integers(1, 10))))
    syllables = int(rng.choice([1, 2, 2, 3, 3, 4]))
    return "".join(f"{rng.choice(_ONSETS)}{rng.choice(_NUCLEI)}" for _ in range(syllables)) + str(rng.choice(_CODAS))

"""Writes the machine readable zone: of passport booklets (ICAO 9303-4 §4.2, TD3) and of cards (9303-5 TD1, 9303-6 TD2).

The MRZ has two digits for a year; the reader must resolve the century.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from datetime import date
from typing import Final, Literal

Size = Literal["TD1", "TD2", "TD3"]
_NUMBER_CHARACTERS: Final = 9
_NUMBER_CHARACTERS_MAX: Final[Mapping[Size, int]] = {"TD1": 22, "TD2": 14, "TD3": 9}
_CARD_LINES: Final = 3  # format TD1
_VISA_CHARACTERS: Final = 44  # format MRV-A
_WEIGHTS: Final = (7, 3, 1)
# Letters of ICAO 9303-3 §6 A that do not decompose into a base letter and an accent.
_WRITTEN_OUT: Final = str.maketrans(
    {"Ä": "AE", "Ö": "OE", "Ü": "UE", "Å": "AA", "Æ": "AE", "Ø": "OE", "Œ": "OE", "ẞ": "SS", "Þ": "TH"}
    | {"Ð": "D", "Đ": "D", "Ł": "L", "'": "", "\u2019": ""}
)


def check_digit(text: str) -> str:
    """Return the check digit over digits, letters and fillers, weights 7 3 1 (ICAO 9303-3 §4.9)."""
    values = (0 if character == "<" else int(character, 36) for character in text)
    return str(sum(value * _WEIGHTS[index % 3] for index, value in enumerate(values)) % 10)


def transliterate(name: str) -> str:
    """Return a name in the MRZ's letters; one filler separates words."""
    written = unicodedata.normalize("NFC", name.upper()).translate(_WRITTEN_OUT)
    plain = unicodedata.normalize("NFKD", written)
    kept = "".join(character for character in plain if not unicodedata.combining(character))
    words = "".join(character if character in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" else " " for character in kept).split()
    return "<".join(words)


def lines(
    *,
    issuer: str,
    surname: str,
    given: str,
    number: str,
    nationality: str,
    birth: date,
    sex: str,
    expiry: date,
    size: Size = "TD3",
) -> tuple[str, ...]:
    """Return the lines of a passport (TD3, document code P) or of a card (TD1 and TD2, document code I).

    On cards a long number continues in the optional data. Raises ValueError when a field does not fit.
    """
    if not (number.isascii() and number.isalnum()) or len(number) > _NUMBER_CHARACTERS_MAX[size]:
        raise ValueError("the document number must be 1 to 9 letters and digits, on cards somewhat more")
    if sex not in {"M", "F", "X"}:
        raise ValueError("sex must be M, F or X")
    primary, secondary = transliterate(surname), transliterate(given)
    if not primary:
        raise ValueError("the surname has no letter that the MRZ can show")
    head = ("P<" if size == "TD3" else "I<") + _state(issuer)
    name = f"{primary}<<{secondary}"
    numbered, rest = _numbered(number.upper())
    born, expires = _with_check(birth.strftime("%y%m%d")), _with_check(expiry.strftime("%y%m%d"))
    shown_sex, state = "<" if sex == "X" else sex, _state(nationality)
    match size:
        case "TD3":
            optional = _with_check("<" * 14)
            composite = check_digit(numbered + born + expires + optional)
            lower = f"{numbered}{state}{born}{shown_sex}{expires}{optional}{composite}"
            return _filled(head + name, len(lower)), lower
        case "TD2":
            optional = rest.ljust(7, "<")
            composite = check_digit(numbered + born + expires + optional)
            lower = f"{numbered}{state}{born}{shown_sex}{expires}{optional}{composite}"
            return _filled(head + name, len(lower)), lower
        case "TD1":
            upper = f"{head}{numbered}{rest.ljust(15, '<')}"
            middle = f"{born}{shown_sex}{expires}{state}{'<' * 11}"
            composite = check_digit(upper[5:] + born + expires + "<" * 11)
            return upper, middle + composite, _filled(name, len(upper))


def visa_lines(
    *, issuer: str, surname: str, given: str, number: str, nationality: str, birth: date, sex: str, expiry: date
) -> tuple[str, str]:
    """Return the lines of a visa of format MRV-A (ICAO 9303-7 §4.2.2): two of 44, no composite check digit."""
    name = f"V<{_state(issuer)}{transliterate(surname)}<<{transliterate(given)}"
    born, expires = _with_check(birth.strftime("%y%m%d")), _with_check(expiry.strftime("%y%m%d"))
    shown_sex = "<" if sex == "X" else sex
    lower = (
        f"{_with_check(number.upper().ljust(_NUMBER_CHARACTERS, '<'))}{_state(nationality)}{born}{shown_sex}{expires}"
    )
    return _filled(name, _VISA_CHARACTERS), _filled(lower, _VISA_CHARACTERS)


def _numbered(number: str) -> tuple[str, str]:
    """Return the number's field with its check digit, and the part for the optional data (ICAO 9303-5 §4.2.2)."""
    if len(number) <= _NUMBER_CHARACTERS:
        return _with_check(number.ljust(_NUMBER_CHARACTERS, "<")), ""
    return number[:_NUMBER_CHARACTERS] + "<", number[_NUMBER_CHARACTERS:] + check_digit(number) + "<"


def _filled(text: str, characters: int) -> str:
    return text[:characters].ljust(characters, "<")


def key_information(mrz: tuple[str, ...]) -> str:
    """Return document number, birth and expiry with check digits, from an MRZ of any size (ICAO 9303-11 §9.7.2)."""
    dates = mrz[1][0:7] + mrz[1][8:15] if len(mrz) == _CARD_LINES else mrz[1][13:20] + mrz[1][21:28]
    return document_number(mrz) + dates


def document_number(mrz: tuple[str, ...]) -> str:
    """Return the document number with its check digit, from an MRZ of any size.

    A number too long for its field continues in the optional data, up to a filler, its check digit last (9303-5 §4.2.2).
    """
    if len(mrz) == _CARD_LINES:
        number, mark, rest = mrz[0][5:14], mrz[0][14], mrz[0][15:]
    else:
        number, mark, rest = mrz[1][0:9], mrz[1][9], mrz[1][28:-1]
    return number + (rest.split("<")[0] if mark == "<" else mark)


def _with_check(field: str) -> str:
    return field + check_digit(field)


def _state(code: str) -> str:
    if not (1 <= len(code) <= 3 and code.isascii() and code.isalpha()):
        raise ValueError("a state is 1 to 3 letters")
    return code.upper().ljust(3, "<")

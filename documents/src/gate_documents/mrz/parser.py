"""The machine-readable zone: text to fields, check digits and problems (ICAO 9303-3 to 9303-7).

Sizes TD1, TD2 and TD3 and the visas MRV-A and MRV-B, with document numbers that continue in the optional data. The
print is reported as it is: wrong check digits and odd fields become problems, nothing is repaired or guessed. Text that
cannot be a machine-readable zone raises MrzError. Values redact themselves: their repr never shows a field.
"""

from __future__ import annotations

import string
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Final

from gate_documents.countries import is_state_code
from gate_documents.dates import date_of_birth, date_of_expiry
from gate_documents.errors import MrzError
from gate_documents.mrz.layouts import LAYOUTS, Layout, MrzFormat, Place

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TEXT_CHARACTERS_MAX: Final = 256
_ALPHABET: Final = frozenset(string.ascii_uppercase + string.digits + "<")
_WEIGHTS: Final = (7, 3, 1)
# What the document code of each size begins with (ICAO 9303-4 to 9303-7, §4.2.2).
_FIRST_LETTERS: Final = {
    MrzFormat.TD1: "ACI",
    MrzFormat.TD2: "ACI",
    MrzFormat.TD3: "P",
    MrzFormat.MRV_A: "V",
    MrzFormat.MRV_B: "V",
}
_SEXES: Final = ("M", "F", "X", "<")
_ANY_DAY: Final = date(2000, 1, 1)  # whether six digits are a date does not depend on the century, 29 February apart


@dataclass(frozen=True, slots=True, repr=False)
class MrzKey:
    """The "MRZ information" that opens a chip: number, birth and expiry, each with its check digit (ICAO 9303-11 §4.3.2)."""

    number: str
    birth: str
    expiry: str

    @property
    def information(self) -> bytes:
        """The concatenation that the key seed is hashed from."""
        return (self.number + self.birth + self.expiry).encode("ascii")

    def __repr__(self) -> str:
        """Never shows the key."""
        return "MrzKey(…)"


@dataclass(frozen=True, slots=True, repr=False)
class Mrz:
    """One MRZ.

    `check_digits`: for each digit of the format whether it is correct. `problems`: texts that name a field, never its
    content. Fields are as printed, without fillers at the end; dates are six characters.
    """

    format: MrzFormat
    lines: tuple[str, ...]
    document_type: str
    issuer: str
    number: str
    nationality: str
    birth: str
    sex: str
    expiry: str
    surname: str
    given_names: str
    optional: tuple[str, ...]
    check_digits: Mapping[str, bool]
    problems: tuple[str, ...]
    key: MrzKey = field(compare=False)

    @property
    def valid(self) -> bool:
        """True if every check digit is correct."""
        return all(self.check_digits.values())

    def expires_on(self, today: date) -> date | None:
        """Return the date of expiry, relative to today, or None if it cannot be read."""
        return date_of_expiry(self.expiry, today)

    def born_on(self, today: date) -> date | None:
        """Return the date of birth, relative to today, or None if it is partly unknown or cannot be read."""
        return date_of_birth(self.birth, today)

    def __repr__(self) -> str:
        """Never shows a field: they are personal data."""
        return f"Mrz({self.format.value}, {len(self.problems)} problems)"


@dataclass(frozen=True, slots=True)
class _Laid:
    """The lines and their layout."""

    lines: tuple[str, ...]
    layout: Layout

    def at(self, place: Place) -> str:
        line, start, end = place
        return self.lines[line][start:end]

    def digit_after(self, place: Place) -> str:
        line, _, end = place
        return self.lines[line][end]

    def with_digit(self, place: Place) -> str:
        return self.at(place) + self.digit_after(place)

    def holds(self, place: Place) -> bool:
        return check_digit(self.at(place)) == self.digit_after(place)


def check_digit(text: str) -> str:
    """The check digit of a field: weights 7, 3, 1, modulo 10 (ICAO 9303-3 §4.9). Raises MrzError on a foreign character."""
    total = 0
    for position, character in enumerate(text):
        if character not in _ALPHABET:
            raise MrzError("a character that no machine-readable zone has")
        total += (0 if character == "<" else int(character, 36)) * _WEIGHTS[position % 3]
    return str(total % 10)


def parse(text: str | Sequence[str]) -> Mrz:
    """Parse the MRZ from its lines, or from text with the lines joined or separated by blanks or line ends.

    Raises MrzError when length or characters fit no format.
    """
    lines = _split(text)
    mrz_format = _format_of(lines)
    laid = _Laid(lines, LAYOUTS[mrz_format])
    number, number_digit, optional = _number_of(laid)
    digits = _check_digits(laid, number, number_digit)
    surname, _, given = laid.at(laid.layout.names).partition("<<")
    return Mrz(
        format=mrz_format,
        lines=lines,
        document_type=lines[0][:2].rstrip("<"),
        issuer=lines[0][2:5].rstrip("<"),
        number=number.rstrip("<"),
        nationality=laid.at(laid.layout.nationality).rstrip("<"),
        birth=laid.at(laid.layout.birth),
        sex=laid.at(laid.layout.sex),
        expiry=laid.at(laid.layout.expiry),
        surname=_words(surname),
        given_names=_words(given),
        optional=tuple(part.rstrip("<") for part in optional),
        check_digits=digits,
        problems=_problems(laid, mrz_format, digits),
        key=MrzKey(number + number_digit, laid.with_digit(laid.layout.birth), laid.with_digit(laid.layout.expiry)),
    )


def _split(text: str | Sequence[str]) -> tuple[str, ...]:
    """The lines, cut to one of the known shapes when they came joined."""
    given = text.split() if isinstance(text, str) else [line.strip() for line in text]
    if not given or sum(map(len, given)) > TEXT_CHARACTERS_MAX:
        raise MrzError("no machine-readable zone: empty or too long")
    if len(given) > 1:
        return tuple(given)
    count, width = {90: (3, 30), 72: (2, 36), 88: (2, 44)}.get(len(given[0]), (1, len(given[0])))
    return tuple(given[0][line * width : (line + 1) * width] for line in range(count))


def _format_of(lines: tuple[str, ...]) -> MrzFormat:
    """Return the format by shape and first character."""
    if not all(character in _ALPHABET for line in lines for character in line):
        raise MrzError("a character that no machine-readable zone has; only A to Z, 0 to 9 and < occur")
    visa = lines[0].startswith("V")
    match tuple(map(len, lines)):
        case (30, 30, 30):
            return MrzFormat.TD1
        case (36, 36):
            return MrzFormat.MRV_B if visa else MrzFormat.TD2
        case (44, 44):
            return MrzFormat.MRV_A if visa else MrzFormat.TD3
        case shape:
            raise MrzError(f"lines of {', '.join(map(str, shape))} characters fit no format of ICAO 9303")


def _number_of(laid: _Laid) -> tuple[str, str, tuple[str, ...]]:
    """Return the document number, its check digit and the optional data without the number's part.

    A long number has `<` for its digit and continues in the optional data, digit last, ended by `<` (ICAO 9303-5 §4.2.2).
    """
    number, digit = laid.at(laid.layout.number), laid.digit_after(laid.layout.number)
    optional = tuple(laid.at(place) for place in laid.layout.optional)
    if not laid.layout.overflow or digit != "<":
        return number, digit, optional
    rest, _, beyond = optional[0].partition("<")
    if len(rest) < 2:
        return number, digit, optional
    return number + rest[:-1], rest[-1], (beyond, *optional[1:])


def _check_digits(laid: _Laid, number: str, number_digit: str) -> dict[str, bool]:
    """Return for each check digit of the format whether it is correct."""
    layout = laid.layout
    digits = {
        "number": check_digit(number) == number_digit,
        "birth": laid.holds(layout.birth),
        "expiry": laid.holds(layout.expiry),
    }
    if layout.personal_number is not None:
        # The one digit that may be left out, and only together with its field (ICAO 9303-4 §4.2.2.2).
        left_out = not laid.with_digit(layout.personal_number).strip("<")
        digits["personal_number"] = left_out or laid.holds(layout.personal_number)
    if layout.composite_digit is not None:
        covered = "".join(laid.at(place) for place in layout.composite)
        digits["composite"] = check_digit(covered) == laid.at(layout.composite_digit)
    return digits


def _problems(laid: _Laid, mrz_format: MrzFormat, digits: Mapping[str, bool]) -> tuple[str, ...]:
    """Return the MRZ's problems, which name the field and never its content."""
    layout, first = laid.layout, laid.lines[0]
    problems = [f"the check digit of {name} is wrong" for name, holds in digits.items() if not holds]
    if first[0] not in _FIRST_LETTERS[mrz_format]:
        problems.append("the document code is none of this size")
    if not is_state_code(first[2:5].rstrip("<")):
        problems.append("the issuer is no state code")
    if not is_state_code(laid.at(layout.nationality).rstrip("<")):
        problems.append("the nationality is no state code")
    if not laid.at(layout.number).strip("<"):
        problems.append("there is no document number")
    if laid.at(layout.sex) not in _SEXES:
        problems.append("the sex is none of M, F, X and <")
    if not _is_date(laid.at(layout.birth), fillers=True):
        problems.append("the date of birth is no date")
    if not _is_date(laid.at(layout.expiry), fillers=False):
        problems.append("the date of expiry is no date")
    if laid.at(layout.names).startswith("<") or any(map(str.isdigit, laid.at(layout.names))):
        problems.append("the name begins with a filler or holds a digit")
    return tuple(problems)


def _is_date(text: str, *, fillers: bool) -> bool:
    """True for YYMMDD; with `fillers`, unknown parts may be `<<`, or XX as in older documents."""
    if not fillers:
        return date_of_expiry(text, _ANY_DAY) is not None
    year, month, day = text[:2], text[2:4], text[4:]
    known = "".join(
        (year if year.isdigit() else "00", month if month.isdigit() else "01", day if day.isdigit() else "01")
    )
    unknown_parts = (part for part in (year, month, day) if not part.isdigit())
    return all(part in ("<<", "XX") for part in unknown_parts) and date_of_expiry(known, _ANY_DAY) is not None


def _words(text: str) -> str:
    return " ".join(part for part in text.split("<") if part)

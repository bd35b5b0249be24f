"""The printed text of a page: MRZs of invented people, in the five formats of ICAO 9303-4 to 9303-7.

Written from the standard, with its own check digits. Every state code is one of ICAO 9303-3, every date exists in the calendar.
"""

from __future__ import annotations

import calendar
import string
from typing import Final

import numpy as np

Mrz = tuple[str, ...]
FORMATS: Final = ("TD1", "TD2", "TD3", "MRVA", "MRVB")
WIDTHS: Final = {"TD1": 30, "TD2": 36, "TD3": 44, "MRVA": 44, "MRVB": 36}
_OF_9303: Final = """
AFG ALB DZA AND AGO ARG ARM AUS AUT AZE BHS BGD BRB BLR BEL BLZ BEN BTN BOL BIH BWA BRA BGR BFA CPV KHM CMR CAN CHL CHN COL CRI
CIV HRV CUB CYP CZE DNK DOM ECU EGY SLV EST ETH FJI FIN FRA GAB GMB GEO GHA GRC GRD GTM GIN GUY HTI HND HKG HUN ISL IND IDN IRN
IRQ IRL ISR ITA JAM JPN JOR KAZ KEN KOR KWT KGZ LAO LVA LBN LSO LIE LTU LUX MAC MDG MWI MYS MLI MLT MUS MEX MDA MCO MNG MNE MAR
MOZ MMR NAM NPL NLD NZL NIC NGA MKD NOR OMN PAK PAN PRY PER PHL POL PRT QAT ROU RUS RWA WSM SMR SAU SEN SRB SGP SVK SVN ZAF ESP
LKA SDN SUR SWE CHE SYR TJK TZA THA TGO TTO TUN TUR TKM UGA UKR ARE GBR USA URY UZB VUT VEN VNM YEM ZMB ZWE D D D UTO RKS UNO
EUE GBN GBO XXA XXB XOM
"""
_FAMILIES: Final = """
ABE ADEYEMI AL<KHALIFA ANDERSSON BAJWA BAKKER BERGER BIELEC CHUKWU CSIKI DA<SILVA DEFFERRARD DIOP DJOKIC DUBOIS ECHEVERRIA
EIRIKSDOTTIR FALK FEKETE FITZGERALD GARCIA<LOPEZ GHAZARYAN GUTIERREZ HADZIC HOEGBERG HUYNH IBRAHIM IVANOVA JANKOWSKI JOUBERT KAYA
KEOUGH KIM KOVALENKO KRUEGER KUZNETSOV LEFEBVRE LIM LUNDQVIST MACDONALD MARTIN MBEKI MUELLER<WEISS NAKAMURA NGUYEN NIEMI NOWAK
OBI OCONNOR OEZDEMIR ORTEGA PAPADOPOULOS PEREIRA PHAM QUISPE RADU RAHMAN REZAEI ROSSI SAITO SCHMIDT SINGH SMITH SOTO STEINER
SULTANOV SZABO TAKAHASHI THORNE TRAN UGALDE URBAN VAN<DER<BERG VARGA VELAZQUEZ WANG WILLIAMS WOJCIK WRIGHT XU YAMAMOTO YILDIZ
ZAMFIR ZHANG ZULU
"""
_PEOPLE: Final = """
AADHYA ADAM AISHA ALEXEI AMELIE ANNA ARJUN BEATRIZ BJOERN BRUNO CHLOE DAVID DMITRI ELENA EMEKA FATIMA FILIP GABRIELA GEORG HANA
HENRIK HUGO IBRAHIM INES ISABEL JAN JIRO JOSE JULIA KATARZYNA KENJI KOFI LARS LEILA LI LUCIA MARIA MEHMET MIA MIGUEL MOHAMMED
NADIA NIKOLAOS NOAH OLGA OMAR OWEN PAULA PIERRE PRIYA QUENTIN RACHEL RAVI SAMUEL SOFIA SVEN THANH THEO UMA VALENTINA VICTOR WEI
WILLIAM XIMENA YASMIN YUKI YUSUF ZOE ZSOFIA
"""
STATES: Final = _OF_9303.split()
_SURNAMES, _GIVEN = _FAMILIES.split(), _PEOPLE.split()
_LETTERS, _DIGITS = list(string.ascii_uppercase), list(string.digits)
_NO_LETTER_O: Final = [letter for letter in _LETTERS if letter != "O"]


def digit(text: str) -> str:
    """Return the check digit of a field: its characters' values, weighted 7, 3, 1 in turn, modulo ten."""
    total = 0
    for place, character in enumerate(text):
        value = 0 if character == "<" else ord(character) - 48 if character <= "9" else ord(character) - 55
        total += value * (7, 3, 1)[place % 3]
    return str(total % 10)


def invented(rng: np.random.Generator, name: str) -> Mrz:
    """Return the lines of an MRZ of that format; every check digit is right."""
    width = WIDTHS[name]
    state, nationality = (str(rng.choice(STATES)).ljust(3, "<") for _ in range(2))
    nationality = state if rng.random() < 0.8 else nationality
    number, birth, expiry = _with_digit(_number(rng)), _with_digit(_day(rng)), _with_digit(_day(rng))
    sex = str(rng.choice(["F", "M", "<", "X"], p=[0.47, 0.47, 0.04, 0.02]))
    names = _names(rng)
    if name == "TD1":
        return _card(rng, state, number, birth + sex + expiry + nationality, names)
    letter = {"TD2": str(rng.choice(["I", "A", "C"])), "TD3": "P", "MRVA": "V", "MRVB": "V"}[name]
    first = _to(_kind(rng, letter) + state + names, width)
    second = number + nationality + birth + sex + expiry
    if letter == "V":
        return first, _to(second + _optional(rng, width - 28), width)
    if name == "TD3":
        optional = _to(_optional(rng, 14), 14)
        bare = not optional.strip("<") and rng.random() < 0.5
        second += optional + ("<" if bare else digit(optional))
    second = _to(second + ("" if name == "TD3" else _optional(rng, 7)), width - 1)
    return first, second + digit(second[:10] + second[13:20] + second[21:])


def _card(rng: np.random.Generator, state: str, number: str, middle: str, names: str) -> Mrz:
    """Return a card's three lines; one in twenty has a number that continues in the optional data."""
    head = _kind(rng, str(rng.choice(["I", "A", "C"]))) + state
    if rng.random() < 0.05:
        rest = "".join(rng.choice(_DIGITS, int(rng.integers(1, 4))))
        first = _to(head + number[:9] + "<" + rest + digit(number[:9] + rest), 30)
    else:
        first = _to(head + number + _optional(rng, 15), 30)
    second = _to(middle + _optional(rng, 11), 29)
    whole = first[5:] + second[:7] + second[8:15] + second[18:]
    return first, second + digit(whole), _to(names, 30)


def _to(text: str, width: int) -> str:
    return text[:width].ljust(width, "<")


def _with_digit(text: str) -> str:
    return text + digit(text)


def _kind(rng: np.random.Generator, letter: str) -> str:
    return letter + ("<" if rng.random() < 0.7 else str(rng.choice(list("ABCDELMNOPRST"))))


def _day(rng: np.random.Generator) -> str:
    year, month = int(rng.integers(100)), int(rng.integers(1, 13))
    return f"{year:02}{month:02}{int(rng.integers(1, calendar.monthrange(2000 + year, month)[1] + 1)):02}"


def _number(rng: np.random.Generator) -> str:
    letters = "".join(rng.choice(_NO_LETTER_O, int(rng.choice([0, 1, 2, 3], p=[0.35, 0.3, 0.25, 0.1]))))
    if rng.random() < 0.2:
        return "".join(rng.choice(_LETTERS + _DIGITS, 9))
    return _to(letters + "".join(rng.choice(_DIGITS, int(rng.integers(6, 10)))), 9)


def _optional(rng: np.random.Generator, most: int) -> str:
    kind = rng.random()
    if kind < 0.5:
        return ""
    pool = _DIGITS if kind < 0.8 else _NO_LETTER_O + _DIGITS if kind < 0.95 else _LETTERS
    return "".join(rng.choice(pool, int(rng.integers(1, most + 1))))


def _names(rng: np.random.Generator) -> str:
    count = int(rng.choice([0, 1, 2, 3], p=[0.03, 0.45, 0.4, 0.12]))
    given = "<".join(map(str, rng.choice(_GIVEN, count)))
    surname = str(rng.choice(_SURNAMES))
    if rng.random() < 0.1:
        surname += "<" + str(rng.choice(_SURNAMES))
    return f"{surname}<<{given}" if given else surname

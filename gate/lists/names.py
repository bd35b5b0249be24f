"""Finds people on a list by name and date of birth, with tolerance for spelling.

Names are compared in MRZ letters (`gate.lists.latin`), in any order of their parts, by rapidfuzz's measure. Two known dates
of birth must be equal, or have day and month exchanged, or share the year if one has no more; then similar names suffice.
Without one they must be nearly equal. Arabic writes no short vowels: names from it are compared by their consonants.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from rapidfuzz import fuzz, process

from gate.lists.entries import NAME_CHARACTERS_MAX, Named
from gate.lists.errors import BadListError
from gate.lists.latin import in_mrz_letters

ALIKE_MIN: Final = 80.0  # of 100, with a date of birth that agrees
NEARLY_SAME_MIN: Final = 94.0  # without one
SPELLINGS_IN_ALL_MAX: Final = 100_000  # of one list: looked through in 50 ms where no date of birth narrows them
_WITHOUT_BIRTH: Final = ""
_WITH_ANY: Final = "+"
_ARABIC: Final = re.compile(r"[\u0600-\u06ff]")
# How one sound is spelt in the letters of the MRZ by several states; the rarer spelling first.
_ONE_SOUND: Final = (
    ("SHCH", "SH"), ("SCH", "SH"), ("KH", "H"), ("CH", "H"), ("XH", "H"), ("PH", "F"), ("TH", "T"), ("DH", "D"), ("MP", "B"), ("NT", "D"),
    ("EF", "EU"), ("AF", "AU"), ("EV", "EU"), ("AV", "AU"), ("Y", "I"), ("J", "I"), ("OI", "I"), ("AE", "A"), ("AA", "A"), ("OE", "O"), ("UE", "U"),
    ("OU", "U"), ("IE", "E"), ("IU", "U"), ("IA", "A"), ("EE", "I"), ("W", "V"), ("TS", "K"), ("C", "K"), ("Q", "K"), ("X", "K"), ("ZK", "Z"),
)  # fmt: skip
_ESCAPED: Final = re.compile(r"X(?=[A-Z])")  # of the Arabic table: XKH, XSH
_ARTICLE: Final = re.compile(r"\b[AE]L[- ]?(?=[A-Z])")
_VOWELS: Final = re.compile(r"[AEIOUYWV]")


def folded(name: str) -> str:
    """Return a name in MRZ letters with equivalent spellings of several states unified."""
    for spelt, once in _ONE_SOUND:
        name = name.replace(spelt, once)
    return re.sub(r"([A-Z])\1+", r"\1", name)


def bones(name: str) -> str:
    """Return a name's consonants in MRZ letters, one per sound, without articles."""
    parts = (_VOWELS.sub("", folded(part)) for part in _ARTICLE.sub("", _ESCAPED.sub("", name)).split())
    return " ".join(part for part in parts if part)


class People:
    """The people on a list, searchable by name. Raises BadListError for a script that cannot be compared."""

    def __init__(self, people: Sequence[Named]) -> None:
        self._people = people
        if sum(len(person.names) for person in people) > SPELLINGS_IN_ALL_MAX:
            raise BadListError(f"it has more than {SPELLINGS_IN_ALL_MAX} spellings of names")
        # By date of birth: those whose parts are compared as they are spelt, and those by their consonants alone.
        self._spelt: dict[str, tuple[list[str], list[int]]] = {}
        self._boned: dict[str, tuple[list[str], list[int]]] = {}
        for at, person in enumerate(people):
            for name in person.names:
                try:
                    letters = in_mrz_letters(name)
                except ValueError as error:
                    raise BadListError(f"one of its names cannot be compared: {error}") from error
                if not letters:
                    raise BadListError("one of its names has no letters")
                index, text = (self._boned, bones(letters)) if _ARABIC.search(name) else (self._spelt, folded(letters))
                for born in _keys_of(person.born):
                    texts, owners = index.setdefault(born, ([], []))
                    texts.append(text)
                    owners.append(at)

    def like(self, surname: str, given: str, born: str) -> list[Named]:
        """Return possible matches of a traveller with these MRZ names; `born`: a day (YYYY-MM-DD), a year, or empty."""
        letters = in_mrz_letters(f"{surname} {given}"[:NAME_CHARACTERS_MAX])
        spelt, boned = folded(letters), bones(letters)
        found: dict[int, None] = {}
        for key, bound in _looked_for(born):
            for index, text in ((self._spelt, spelt), (self._boned, boned)):
                texts, owners = index.get(key, ((), ()))
                for _, _, at in process.extract(
                    text, texts, scorer=fuzz.token_sort_ratio, score_cutoff=bound, limit=None
                ):
                    found[owners[at]] = None
        return [self._people[at] for at in found]


def _keys_of(born: str) -> Iterator[str]:
    """Yield the dates under which an entry is stored: its own, and less precise ones."""
    yield born
    if born:
        yield _WITH_ANY
    if len(born) > 4:
        yield f"{born[:4]}+"


def _looked_for(born: str) -> Iterator[tuple[str, float]]:
    """Yield the dates under which to search for a traveller, each with the required similarity."""
    yield _WITHOUT_BIRTH, NEARLY_SAME_MIN
    if not born:
        yield _WITH_ANY, NEARLY_SAME_MIN
        return
    year = born[:4]
    yield year, ALIKE_MIN
    if len(born) == 4:
        yield f"{year}+", ALIKE_MIN
        return
    yield born, ALIKE_MIN
    year, month, day = born.split("-")
    if month != day:
        yield f"{year}-{day}-{month}", ALIKE_MIN

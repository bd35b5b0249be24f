"""What may be wrong with a list. Whoever catches it keeps the list that is held, and says so: the message says what is wrong, without an entry.

ListError
├── BadListError     it is no list, or not the one that its owner signed
├── NotNewerError    it does not follow the one that is held
├── ShrunkError      it has half as many entries as the one that is held, or fewer, and does not say that this is meant
└── NoCopyError      its owner allows no copy here, or not any more
"""

from __future__ import annotations


class ListError(Exception):
    """A list cannot be used."""


class BadListError(ListError):
    """It is no list, or not the one that its owner signed."""


class NotNewerError(ListError):
    """It does not follow the one that is held."""


class ShrunkError(ListError):
    """It has half as many entries as the one that is held, or fewer, and does not say that this is meant."""


class NoCopyError(ListError):
    """Its owner allows no copy here, or not any more."""

"""Errors of lists. The catcher keeps the stored list and reports it: the message explains the error, without an entry.

ListError
├── BadListError     it is no list, or not the one that its owner signed
├── NotNewerError    it does not follow the stored one
├── ShrunkError      it has at most half as many entries as the stored one, without declaring this as intended
└── NoCopyError      its owner permits no copy here, or no longer
"""

from __future__ import annotations


class ListError(Exception):
    """A list cannot be used."""


class BadListError(ListError):
    """It is no list, or not the one that its owner signed."""


class NotNewerError(ListError):
    """It does not follow the stored list."""


class ShrunkError(ListError):
    """It has at most half as many entries as the stored list, without declaring this as intended."""


class NoCopyError(ListError):
    """Its owner permits no copy here, or no longer."""

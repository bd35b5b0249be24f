"""Dates as travel documents write them: six digits with a two-digit year, or eight in the data groups.

Unknown parts are fillers and give None: a date is never guessed (ICAO 9303-3 §4.8).
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final

# A document is valid for ten years, some for a little longer; TR-03135-1 §5.7.1 looks fifteen years ahead.
EXPIRY_YEARS_AHEAD: Final = 15
REVOCATION_LIST_AGE_MAX: Final = timedelta(days=90)  # a CSCA publishes one at least every 90 days (ICAO 9303-12)


def revocation_list_until(this_update: datetime, next_update: datetime | None) -> datetime | None:
    """Return the time until which a revocation list is current, by its own date and that of the next one. None: never."""
    if next_update is None or next_update - this_update <= REVOCATION_LIST_AGE_MAX:
        return next_update
    return this_update + REVOCATION_LIST_AGE_MAX  # before next_update, so that no date is too large


def date_of_expiry(text: str, today: date) -> date | None:
    """The date of YYMMDD in the hundred years that end fifteen years after today, or None."""
    return _six_digits(text, today.year + EXPIRY_YEARS_AHEAD)


def date_of_birth(text: str, today: date) -> date | None:
    """The date of YYMMDD in the hundred years that end today, or None."""
    born = _six_digits(text, today.year)
    return _six_digits(text, today.year - 1) if born is not None and born > today else born


def full_date(text: str) -> date | None:
    """The date of YYYYMMDD, or None."""
    if len(text) != 8 or not _digits(text):
        return None
    return _date(int(text[:4]), text[4:])


def _six_digits(text: str, last_year: int) -> date | None:
    if len(text) != 6 or not _digits(text):
        return None
    return _date(last_year - (last_year - int(text[:2])) % 100, text[2:])


def _digits(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _date(year: int, month_and_day: str) -> date | None:
    try:
        return date(year, int(month_and_day[:2]), int(month_and_day[2:]))
    except ValueError:
        return None

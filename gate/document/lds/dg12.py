"""EF.DG12: further details of the document, of which the date of issue is read (ICAO 9303-10 §4.7.12)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gate.document import tlv
from gate.document.dates import full_date
from gate.document.errors import MalformedError

if TYPE_CHECKING:
    from datetime import date

TAG: Final = 0x6C


def date_of_issue(data: bytes) -> date | None:
    """The date of issue, or None when it is not given or no date. Raises MalformedError."""
    text = tlv.first(tlv.only(data, TAG), 0x5F26)
    if text is None:
        return None
    if len(text) == 4:  # binary coded decimals, as older documents have them
        return full_date(text.hex())
    try:
        return full_date(text.decode("ascii"))
    except UnicodeDecodeError as error:
        raise MalformedError("EF.DG12 has a date of issue that is no text") from error

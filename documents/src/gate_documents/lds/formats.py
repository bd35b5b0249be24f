"""The format check of every data group, used or not.

EF.DG14 and EF.DG15 are parsed where the chip is judged by them. EF.DG4 to EF.DG6 and EF.DG8 to EF.DG10 have no format
that ICAO 9303 fixes, or none that is in use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gate_documents.lds.dg1 import parse_dg1
from gate_documents.lds.dg2 import parse_dg2
from gate_documents.lds.dg3 import count_fingerprints
from gate_documents.lds.dg7 import parse_dg7
from gate_documents.lds.dg11 import parse_dg11
from gate_documents.lds.dg12 import parse_dg12
from gate_documents.lds.dg13 import parse_dg13
from gate_documents.lds.dg16 import parse_dg16

if TYPE_CHECKING:
    from collections.abc import Callable

_PARSERS: Final[dict[int, Callable[[bytes], object]]] = {
    1: parse_dg1,
    2: parse_dg2,
    3: count_fingerprints,
    7: parse_dg7,
    11: parse_dg11,
    12: parse_dg12,
    13: parse_dg13,
    16: parse_dg16,
}


def check_format(number: int, content: bytes) -> None:
    """Return if the data group has the format of its number, or has none. Raises MalformedError."""
    parse = _PARSERS.get(number)
    if parse is not None:
        parse(content)

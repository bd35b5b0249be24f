"""What an officer sees of the document of a traveller who was referred: the MRZ as printed, as the chip has it, and where they differ.

Personal, and so never outside the crossing's document child but sealed to an officer.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from gate_documents.mrz.checks import differences
from gate_documents.mrz.parsing import Mrz


@dataclass(frozen=True, slots=True, repr=False)
class Particulars:
    """`printed` are the lines as they were read, parsed or not; `chip` is EF.DG1's MRZ, None where it was not read."""

    printed: tuple[str, ...]
    parsed: Mrz | None = None
    chip: Mrz | None = None

    def __repr__(self) -> str:
        """Never shows a line."""
        return "Particulars()"

    def shown(self) -> bytes:
        """As it is sealed (docs/protocols/orders.md)."""
        differ = () if self.parsed is None or self.chip is None else differences(self.parsed, self.chip)
        told = {
            "printed": list(self.printed) or None,
            "chip": None if self.chip is None else list(self.chip.lines),
            "differ": list(differ),
        }
        return json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()

"""Where in a log a stretch of time lies, by the hours that its entries say, and that stretch as a bundle that `gate audit verify` takes.

Hours come from the gate's clock, which may have been set: each step is a record of its own, and what was asked for is looked up as the log was written.
A bundle begins with the first entry asked for and goes on to the signed end, since only so can it be verified; the age files are those of the stretch
alone, so nobody can open more than they asked for.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gate.audit.errors import BadFormatError
from gate.audit.export import Outlet, bundle
from gate.audit.record import Header
from gate.central.archive import export
from gate.central.errors import DamagedError
from gate.central.ledger import Ledger
from gate.central.roster import Gate


@dataclass(frozen=True, slots=True)
class Stretch:
    """Entries `[start, end)` of a log of `size` entries, and the first and last hour of them; empty where nothing lies in the time."""

    start: int
    end: int
    size: int
    first_hour: str = ""
    last_hour: str = ""

    @property
    def entries(self) -> int:
        """How many."""
        return self.end - self.start


def stretch(ledger: Ledger, device: str, first: str, last: str) -> Stretch:
    """The entries from one hour to another, both included, written as headers write them. Raises CentralError."""
    size = ledger.head(device).size
    start, end = (
        _first_at(ledger, device, size, first),
        _first_at(ledger, device, size, last + "~"),
    )  # after every text that begins so
    if end <= start:
        return Stretch(start, start, size)
    return Stretch(start, end, size, _hour(ledger, device, start), _hour(ledger, device, end - 1))


def _first_at(ledger: Ledger, device: str, size: int, hour: str) -> int:
    """The first entry of the log that says this hour or a later one, `size` where there is none: in some twenty looks, however long the log is."""
    low, high = 0, size
    while low < high:
        middle = (low + high) // 2
        if _hour(ledger, device, middle) < hour:
            low = middle + 1
        else:
            high = middle
    return low


def _hour(ledger: Ledger, device: str, index: int) -> str:
    found = ledger.entries(device, index, index + 1)
    try:
        return Header.parse(found[0]).hour
    except (BadFormatError, IndexError) as error:
        raise DamagedError(f"entry {index} of {device} cannot be read") from error


@contextmanager
def carried(ledger: Ledger, gate: Gate, wanted: Stretch) -> Iterator[Path]:
    """The bundle as a file, for as long as the block lasts. Raises CentralError and OSError."""
    with tempfile.TemporaryDirectory(prefix="portcullis-export-") as folder:
        out = Path(folder) / "bundle"
        export(ledger, gate, Path(folder) / "log", keys_of=range(wanted.start, wanted.end))
        with out.open("wb") as file:
            bundle(Outlet(Path(folder) / "log"), file, since=wanted.start)
        yield out

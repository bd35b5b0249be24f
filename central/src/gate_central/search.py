"""Finds the entries of a period in a log, by their hours, and exports them as a bundle for `gate audit verify`.

Hours come from the gate's clock, which may have been set back. So every upload is checked, and the result reaches from
the first matching entry to the last, with any others between. A wrong hour that began and ended within one upload is
not found. A bundle reaches from the first entry to the signed end, as verification needs; it contains age files only
for the requested hours, so that no other records can be opened.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Final

from gate_central.archive import export
from gate_central.errors import DamagedError
from gate_central.ledger import Ledger
from gate_central.roster import Gate
from gate_core.audit_format.export import Outlet, bundle
from gate_core.audit_format.tiles import TILE_WIDTH

_HOUR: Final = re.compile(rb'"hour":"([0-9TZ:-]{20})"')


@dataclass(frozen=True, slots=True)
class Stretch:
    """Entries `[start, end)` of a log of `size` entries, and their first and last hour; empty if none match."""

    start: int
    end: int
    size: int
    first_hour: str = ""
    last_hour: str = ""
    asked: tuple[str, str] | None = None  # first and last hour whose entries may be opened; None: all of these

    @property
    def entries(self) -> int:
        """Number of entries."""
        return self.end - self.start


def stretch(ledger: Ledger, device: str, first: str, last: str) -> Stretch:
    """Return the entries from hour `first` to hour `last`, inclusive, in the headers' format. Raises CentralError."""
    size = ledger.head(device).size
    runs = _runs(ledger, device, size, first, last)
    found = [next(_within(ledger, device, order, first, last), None) for order in (_up(runs), _down(runs))]
    start, end = found
    if start is None or end is None:
        return Stretch(size, size, size)
    return Stretch(start[0], end[0] + 1, size, start[1], end[1], (first, last))


def _runs(ledger: Ledger, device: str, size: int, first: str, last: str) -> list[tuple[int, int]]:
    """Return the ranges of uploads that may match: an upload's hours lie between its first and the next one's first."""
    runs: list[tuple[int, int]] = []
    before: tuple[int, str] | None = None
    beginnings = ((start, _hour_in(raw, device, start)) for start, raw in ledger.beginnings(device))
    for start, hour in chain(beginnings, [(size, "")]):
        if before is not None and before[0] < size:
            hours = sorted((before[1], hour)) if hour else ["", "~"]  # the newest upload's last hour is unknown
            if hours[0] <= last and first <= hours[1]:
                joined = bool(runs) and runs[-1][1] == before[0]
                runs[-1:] = [(runs[-1][0], min(start, size))] if joined else [*runs[-1:], (before[0], min(start, size))]
        before = (start, hour)
    return runs


def _up(runs: Sequence[tuple[int, int]]) -> Iterator[range]:
    for start, end in runs:
        for at in range(start - start % TILE_WIDTH, end, TILE_WIDTH):
            yield range(max(start, at), min(end, at + TILE_WIDTH))


def _down(runs: Sequence[tuple[int, int]]) -> Iterator[range]:
    for piece in reversed(list(_up(runs))):
        yield piece[::-1]


def _within(ledger: Ledger, device: str, order: Iterator[range], first: str, last: str) -> Iterator[tuple[int, str]]:
    """Yield index and hour of each entry in the period. Raises DamagedError."""
    for indices in order:
        low, high = min(indices), max(indices) + 1
        entries = ledger.entries(device, low, high)
        if len(entries) != high - low:
            raise DamagedError(f"entries {low} to {high - 1} of {device} are not all here")
        for index in indices:
            hour = _hour_in(entries[index - low], device, index)
            if first <= hour <= last:
                yield index, hour


def _hour_in(entry: bytes, device: str, index: int) -> str:
    """Return the hour in an entry, of which the beginning is enough. Raises DamagedError."""
    found = _HOUR.search(entry)
    if found is None:
        raise DamagedError(f"entry {index} of {device} cannot be read")
    return found[1].decode()


@contextmanager
def carried(ledger: Ledger, gate: Gate, wanted: Stretch) -> Iterator[Path]:
    """Provide the bundle as a temporary file during the block. Raises CentralError and OSError."""
    with tempfile.TemporaryDirectory(prefix="portcullis-export-") as folder:
        out = Path(folder) / "bundle"
        export(ledger, gate, Path(folder) / "log", keys_of=range(wanted.start, wanted.end), hours=wanted.asked)
        with out.open("wb") as file:
            bundle(Outlet(Path(folder) / "log"), file, since=wanted.start)
        yield out

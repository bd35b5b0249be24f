"""The records of a bundle in clear, for commands: what opens, and for what does not, why.

Promise: one record that does not open, whatever is wrong with it, costs none of the others. Whether the bundle is the log's is the
verifier's to say.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import typer

from gate.audit.errors import BadFormatError
from gate.audit.record import Header
from gate.audit.unsealing import Closed, OpenedRecord, Unsealer
from gate.cli.output import Exit, code_of, fail, note
from gate.verify.bundle import Closing, EntryLine, KeyLine, Opening, lines
from gate.verify.findings import StructureError, UnreadableError, VerifyError
from gate.verify.verify import verify

NO_HEADER = "the entry is no record of the log"


def records_of(bundle: Path, identity: Path, vkey: str | None) -> Iterator[dict[str, object]]:
    """Yield the records of a bundle in clear, for a command: what is wrong ends it with one line and an exit code.

    That is 1 for a bundle that `vkey` does not verify, 77 when nothing is for this identity; and at the end, when some stayed closed,
    1 for what is sealed for others, 65 for what is damaged.
    """
    if vkey is not None:
        _refuse_unless_verified(bundle, vkey)
    try:
        reading = Reading(bundle, Unsealer.from_file(identity))
        if reading.is_for_another():
            fail(Exit.NOT_PERMITTED, f"cannot decrypt {bundle.name}: the records are not sealed for this identity")
        yield from reading.records()
    except (BadFormatError, VerifyError) as error:
        fail(Exit.BAD_DATA, f"cannot decrypt {bundle.name}: {error}")
    except OSError as error:
        fail(Exit.IO_ERROR, f"cannot read {error.filename}: {error.strerror}")
    if vkey is None:
        note("gate: the log's signature was not checked; give --vkey, or use gate audit verify")
    for why, indices in reading.closed.items():
        note(f"gate: not opened: {ranges(indices)}: {why}")
    if reading.closed:
        raise typer.Exit(int(Exit.BAD_DATA if reading.is_damaged else Exit.NO))


def _refuse_unless_verified(bundle: Path, vkey: str) -> None:
    try:
        report = verify(bundle, vkey)
    except UnreadableError as error:
        fail(code_of(error), str(error))
    if not report.verified:
        fail(Exit.NO, f"{bundle.name} is not verified: {report.problems[0]}; see gate audit verify")


@dataclass
class Reading:
    """One reading of a bundle. `closed` fills while `records` is read: why records did not open, and which."""

    bundle: Path
    unsealer: Unsealer
    closed: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    is_damaged: bool = False

    def is_for_another(self) -> bool:
        """True when there are age files and none is wrapped for this identity. Raises StructureError and OSError."""
        found = False
        with self.bundle.open("rb") as file:
            for line in lines(file):
                if isinstance(line, KeyLine):
                    if self.unsealer.learn(line.wrapped):
                        return False
                    found = True
        return found

    def records(self) -> Iterator[dict[str, object]]:
        """Yield each record with its body; the body of one that does not open is null, and it says why.

        Raises StructureError where the bundle itself cannot be read on, and OSError.
        """
        with self.bundle.open("rb") as file:
            index = 0
            for line in lines(file):
                match line:
                    case Opening():
                        index = line.since
                    case KeyLine(wrapped):
                        self.unsealer.learn(wrapped)
                    case EntryLine(leaf, sealed):
                        yield {"index": index, **self._in_clear(index, leaf, sealed)}
                        index += 1
                    case Closing():
                        return
        raise StructureError("it is cut off")

    def _in_clear(self, index: int, leaf: bytes, sealed: bytes) -> dict[str, object]:
        """The rest of a line. `key` names the age file that opens it, which is what is deleted to erase the crossing."""
        try:
            header = Header.parse(leaf)
        except BadFormatError:
            self._note(index, NO_HEADER, is_damage=True)
            return {**_NOTHING, "time": None, "class": None, "key": None, "note": NO_HEADER}
        found = self.unsealer.open(header, sealed)
        outside = {"class": header.about, "key": header.key}
        if isinstance(found, OpenedRecord):
            return {**dataclasses.asdict(found), **outside}
        if found is not Closed.ERASED:
            self._note(index, found.value.partition(";")[0], is_damage=found.is_damage)
        return {"time": header.hour, **_NOTHING, **outside, "note": found.value}

    def _note(self, index: int, why: str, *, is_damage: bool) -> None:
        self.closed[why].append(index)
        self.is_damaged = self.is_damaged or is_damage


_NOTHING: dict[str, object] = dict.fromkeys(("kind", "crossing", "monotonic_ms", "boot", "id", "body"))


def ranges(indices: list[int]) -> str:
    """Rising numbers as people write them: `0-4, 7`."""
    runs: list[list[int]] = []
    for one in indices:
        if runs and runs[-1][1] == one - 1:
            runs[-1][1] = one
        else:
            runs.append([one, one])
    return ", ".join(f"{first}" if first == last else f"{first}-{last}" for first, last in runs)

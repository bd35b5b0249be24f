"""Prints a log's records for commands, and turns errors of verification into one line and an exit code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

from gate_core.command_line.output import Exit, code_of, fail, note
from gate_verify.findings import NotSealedForError, NotSignedError, UnreadableError, UnwrittenError
from gate_verify.records import Reading, fields_of, ranges, unsealer_of
from gate_verify.verify import verify


@contextmanager
def explained() -> Iterator[None]:
    """End the command with one line and an exit code if the block raises an error of verification."""
    codes = {NotSignedError: Exit.NO, NotSealedForError: Exit.NOT_PERMITTED, UnwrittenError: Exit.IO_ERROR}
    try:
        yield
    except (UnreadableError, *codes) as error:
        fail(codes.get(type(error)) or code_of(error), str(error))


def records_of(log: Path, identity: Path, vkey: str | None) -> Iterator[dict[str, object]]:
    """Yield a log's records in clear as JSON documents. Errors end the command with one line.

    Exit codes: 1 for a log that `vkey` does not verify; 77 if no record is sealed for this identity; at the end, if records stayed
    closed, 1 for records sealed for others, 65 for damaged ones.
    """
    with explained():
        if vkey is not None and not (report := verify(log, vkey)).intact:
            fail(Exit.NO, f"{log.name} is not verified: {report.problems[0]}; see gate audit verify")
        reading = Reading((log,), unsealer_of(identity))
        yield from map(fields_of, reading.told())
    if vkey is None:
        note("gate: the log's signature was not checked; give --vkey, or use gate audit verify")
    for why, indices in reading.closed.items():
        note(f"gate: not opened: {ranges(indices)}: {why}")
    if reading.closed:
        raise typer.Exit(int(Exit.BAD_DATA if reading.is_damaged else Exit.NO))

"""Stores the newest approval that each gate has shown and returns it, so that a restored or reinstalled gate gets it.

An approval is stored if it is for this gate and has a higher serial. Central does not verify its signatures: the gate
does, since it knows its approvers (docs/protocols/approval.md).
"""

from __future__ import annotations

import re
from typing import Final

import sqlalchemy as sa

from gate_central.errors import UnprovenError
from gate_central.roster import Gate
from gate_central.schema import approvals
from gate_core.audit_format.errors import BadFormatError
from gate_core.audit_format.note import Note

NOTE_BYTES_MAX: Final = 16 * 1024
_TEXT: Final = re.compile(r"portcullis approval/1\n([!-~]+)\n([1-9][0-9]{0,15})\n[0-9a-f]{64}\n")


class Approvals:
    """The table."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def exchange(self, gate: Gate, shown: bytes) -> bytes:
        """Store the gate's approval if it is newer, and return the newest; empty means none. Raises UnprovenError."""
        serial = _serial_of(gate, shown) if shown else 0
        of_gate = approvals.c.device == gate.device
        with self._engine.begin() as connection:
            known = connection.execute(sa.select(approvals).where(of_gate)).one_or_none()
            if known is None and shown:
                connection.execute(approvals.insert().values(device=gate.device, serial=serial, note=shown))
            elif known is not None and serial > known.serial:
                connection.execute(
                    approvals.update().where(of_gate, approvals.c.serial < serial).values(serial=serial, note=shown)
                )
            else:
                return b"" if known is None else bytes(known.note)
        return shown


def _serial_of(gate: Gate, shown: bytes) -> int:
    try:
        text = Note.parse(shown).text
    except BadFormatError as error:
        raise UnprovenError(f"this is no approval: {error}") from error
    found = _TEXT.fullmatch(text)
    if found is None or found[1] != gate.origin:
        raise UnprovenError(f"this is no approval of {gate.origin}")
    return int(found[2])

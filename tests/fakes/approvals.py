"""An approval that lies where the lane of a configuration finds it, signed by the approvers of `core_fakes.approvals`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from core_fakes.approvals import PERSONS, signed, write_approvers

from gate.programs.shared.basis import basis_of
from gate.programs.shared.config import Config
from gate_core.approval.canonical import digest
from gate_core.approval.note import Approval


def approve(
    config: Config, *, serial: int = 1, persons: Sequence[str] = ("anna", "ben"), listed: Sequence[str] = PERSONS
) -> Path:
    """Put approvers and their approval where the lane of this configuration finds them; returns the note's path."""
    write_approvers(config.approvers_path, listed)
    wanted = Approval(config.origin, serial, digest(basis_of(config)))
    config.approval_path.write_bytes(signed(wanted, persons).note.to_bytes())
    return config.approval_path

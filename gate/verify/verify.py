"""Verifies a log, whatever form it was carried away in."""

from __future__ import annotations

from pathlib import Path

from gate.verify.bundle import verify_bundle
from gate.verify.database import MAGIC, verify_database
from gate.verify.findings import Report, UnreadableError
from gate.verify.folder import verify_folder
from gate.verify.keyring import KeyRing, read_keys


def verify(path: Path, vkey: str, *, at_least: int | None = None) -> Report:
    """Judge a bundle, a spool or tile folder, or a copy of the database by the log's public key, or several, one a line.

    `at_least`: how many entries the log is known to have had, so that a tail that was taken away shows.

    Everything wrong is in the report's `problems`. Raises UnreadableError when there is nothing to judge.
    """
    key = KeyRing(read_keys(vkey))
    if path.is_dir():
        return verify_folder(path, key).report(at_least)
    try:
        with path.open("rb") as file:
            is_database = file.read(len(MAGIC)) == MAGIC
    except OSError as error:
        raise UnreadableError(f"cannot read {path}: {error.strerror}") from error
    return (verify_database if is_database else verify_bundle)(path, key).report(at_least)

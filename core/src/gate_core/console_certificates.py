"""Reads the file with the certificates of a site's consoles (made by `gate console init`)."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from gate_core import pinned_certificates
from gate_core.console_link import CONSOLES_MAX
from gate_core.ordinary import read_ordinary

FILE_BYTES_MAX: Final = 64 * 1024


class ConsolesError(Exception):
    """The file cannot be used; the message gives the reason."""


def consoles_in(path: Path) -> tuple[str, dict[str, str]]:
    """Return a file's certificates as PEM, and their names by SHA-256. Raises ConsolesError."""
    try:
        raw = read_ordinary(path.resolve(), FILE_BYTES_MAX)
        found = pinned_certificates.certificates(raw)
    except OSError as error:
        raise ConsolesError(f"{path} cannot be read: {error.strerror}") from error
    except pinned_certificates.PinnedError as error:
        raise ConsolesError(f"{path}: {error}") from error
    if len(found) > CONSOLES_MAX:
        raise ConsolesError(f"{path}: {len(found)} certificates; a gate knows {CONSOLES_MAX} consoles at most")
    return raw.decode("ascii", "ignore"), found  # ssl takes ASCII only; other text is outside the PEM blocks

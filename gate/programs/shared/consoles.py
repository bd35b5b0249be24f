"""The two files of the console's road on a gate: its own key with its certificate, and the certificates of the site's consoles.

The gate's key is made here at the first start, for the user that runs `screens`; a console is told its fingerprint. The consoles' certificates
come from the consoles (`gate console init`), and approvals cover the file.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gate.programs.shared.config import Config
from gate_core import durable, pinned_certificates
from gate_core.console_link import CONSOLES_MAX
from gate_core.ordinary import read_ordinary

KEY: Final = "console.pem"
FILE_BYTES_MAX: Final = 64 * 1024


class ConsolesError(Exception):
    """One of the two files cannot be used, and why."""


@dataclass(frozen=True, slots=True)
class RoadKey:
    """The file of the gate's own key and certificate, and the fingerprint that consoles pin."""

    path: Path
    fingerprint: str


def key_path(config: Config) -> Path:
    """Where the gate's key for the road lies."""
    return Path(config.paths.state) / "screens" / KEY


def road_key(config: Config) -> RoadKey:
    """The gate's key, which is made if there is none. Raises ConsolesError."""
    path = key_path(config)
    try:
        if not path.exists():
            durable.make_folder(path.parent, mode=0o700)
            pinned_certificates.make(path, config.gate_id)
        return RoadKey(path, pinned_certificates.fingerprint_in(path))
    except OSError as error:
        raise ConsolesError(f"{path}: {error.strerror}") from error
    except pinned_certificates.PinnedError as error:
        raise ConsolesError(str(error)) from error


def known_fingerprint(config: Config) -> str:
    """What consoles pin of this gate, empty where there is no key yet or this user may not read it."""
    try:
        return pinned_certificates.fingerprint_in(key_path(config))
    except (OSError, pinned_certificates.PinnedError):
        return ""


def consoles_in(path: Path) -> tuple[str, dict[str, str]]:
    """The certificates of a file, as PEM, and their names by their SHA-256. Raises ConsolesError."""
    try:
        raw = read_ordinary(path.resolve(), FILE_BYTES_MAX)
        found = pinned_certificates.certificates(raw)
    except OSError as error:
        raise ConsolesError(f"{path} cannot be read: {error.strerror}") from error
    except pinned_certificates.PinnedError as error:
        raise ConsolesError(f"{path}: {error}") from error
    if len(found) > CONSOLES_MAX:
        raise ConsolesError(f"{path}: {len(found)} certificates; a gate knows {CONSOLES_MAX} consoles at most")
    return raw.decode(
        "ascii", "ignore"
    ), found  # ssl takes no other letters, which only words between the certificates have

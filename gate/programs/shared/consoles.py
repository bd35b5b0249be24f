"""The gate's own key for consoles, created at the first start by the user that runs `screens`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from gate.programs.shared.config import Config
from gate_core import durable, pinned_certificates
from gate_core.console_certificates import ConsolesError

KEY: Final = "console.pem"


def key_path(config: Config) -> Path:
    """Return the path of the gate's key and certificate for consoles."""
    return Path(config.paths.state) / "screens" / KEY


def console_key(config: Config) -> str:
    """Create the gate's key if it is missing; return the fingerprint that consoles pin. Raises ConsolesError."""
    path = key_path(config)
    try:
        if not path.exists():
            durable.make_folder(path.parent, mode=0o700)
            pinned_certificates.make(path, config.gate_id)
        return pinned_certificates.fingerprint_in(path)
    except OSError as error:
        raise ConsolesError(f"{path}: {error.strerror}") from error
    except pinned_certificates.PinnedError as error:
        raise ConsolesError(str(error)) from error


def known_fingerprint(config: Config) -> str:
    """Return the fingerprint that consoles pin; empty if there is no key yet or this user may not read it."""
    try:
        return pinned_certificates.fingerprint_in(key_path(config))
    except (OSError, pinned_certificates.PinnedError):
        return ""

"""The log's own key: a file (mode 0600) or a credential of systemd. Never replaced in place: another key is another log."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from gate_core import durable
from gate_core.audit_format.errors import BadFormatError, KeyFileError
from gate_core.audit_format.note import KEY_TEXT_MAX, Algorithm, Signer, Verifier


def generate(path: Path, name: str, algorithm: Algorithm = Algorithm.ED25519) -> Verifier:
    """Make a key, write it (mode 0600, durable) and return its public half. Raises KeyFileError if the file exists."""
    signer = Signer.generate(name, algorithm)
    try:
        durable.write(path, signer.secret_text().encode() + b"\n", mode=0o600, new_only=True)
    except FileExistsError as error:
        raise KeyFileError(f"{path} exists; another key would be another log") from error
    except OSError as error:
        raise KeyFileError(f"cannot write {path}: {error.strerror}") from error
    return signer.verifier


def load(path: Path, name: str, algorithm: Algorithm = Algorithm.ED25519, *, sealed: bool = False) -> Signer:
    """Read a key that must be of `name` and for us alone; `sealed`: in systemd's own folder, which nobody else enters. Raises KeyFileError."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        with open(descriptor, "rb") as file:  # noqa: PTH123 - a descriptor, not a path
            if not sealed:
                _refuse_loose_access(path, os.fstat(descriptor))
            raw = file.read(KEY_TEXT_MAX + 1)
    except OSError as error:
        raise KeyFileError(f"cannot read {path}: {error.strerror}; run gate provision init") from error
    return parsed(raw, path, name, algorithm)


def parsed(raw: bytes, path: Path, name: str, algorithm: Algorithm = Algorithm.ED25519) -> Signer:
    """A key that must be of `name`, out of what `path` holds. Raises KeyFileError."""
    try:
        signer = Signer.parse(raw.decode("ascii"))
    except (BadFormatError, UnicodeDecodeError) as error:
        raise KeyFileError(f"{path} holds no note key") from error
    if signer.verifier.name != name or signer.verifier.algorithm is not algorithm:
        raise KeyFileError(f"{path} is a key of {signer.verifier.name}, not of {name}")
    return signer


def publish(path: Path, verifier: Verifier) -> None:
    """Write the public half, for whoever provisions. Raises KeyFileError."""
    try:
        durable.write(path, verifier.vkey.encode() + b"\n", mode=0o644)
    except OSError as error:
        raise KeyFileError(f"cannot write {path}: {error.strerror}") from error


def load_public(path: Path, name: str) -> Verifier:
    """The public half of a key, from its own file or from the one that `publish` wrote beside a sealed one. Raises KeyFileError."""
    if path.exists():
        return load(path, name).verifier
    try:
        verifier = Verifier.parse(path.with_suffix(".vkey").read_text("ascii"))
    except (OSError, BadFormatError, UnicodeDecodeError) as error:
        raise KeyFileError(f"cannot read {path}, nor the public key beside it; run gate provision init") from error
    if verifier.name != name:
        raise KeyFileError(f"{path.with_suffix('.vkey')} is a key of {verifier.name}, not of {name}")
    return verifier


def _refuse_loose_access(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise KeyFileError(f"{path} is no file")
    if status.st_mode & 0o077:
        raise KeyFileError(f"{path} is open to others (mode {status.st_mode & 0o777:04o}); set it to 0600")
    # Root, who provisions, reads the key that it has handed over to the log program's user.
    if os.geteuid() != 0 and status.st_uid not in {os.geteuid(), 0}:
        raise KeyFileError(f"{path} belongs to another user")

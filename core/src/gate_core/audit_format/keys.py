"""The log's key: a file readable only by the log program's user, or a systemd credential.

Provisioning generates it once. It is never replaced in place: another key means another log. Auditors keep
`Verifier.vkey`.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from gate_core import durable
from gate_core.audit_format.errors import BadFormatError, KeyFileError
from gate_core.audit_format.note import KEY_TEXT_MAX, Algorithm, Signer, Verifier


def generate(path: Path, name: str, algorithm: Algorithm = Algorithm.ED25519) -> Verifier:
    """Generate a key, write it (mode 0600, durable), return its public key. Raises KeyFileError, also if it exists."""
    signer = Signer.generate(name, algorithm)
    try:
        durable.write(path, signer.secret_text().encode() + b"\n", mode=0o600, new_only=True)
    except FileExistsError as error:
        raise KeyFileError(f"{path} exists; another key would be another log") from error
    except OSError as error:
        raise KeyFileError(f"cannot write {path}: {error.strerror}") from error
    return signer.verifier


def load(path: Path, name: str, algorithm: Algorithm = Algorithm.ED25519, *, sealed: bool = False) -> Signer:
    """Read the key of `name`. `sealed`: a systemd credential, whose mode is not checked. Raises KeyFileError."""
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
    """Parse the key of `name`; `path` is for messages. Raises KeyFileError."""
    try:
        signer = Signer.parse(raw.decode("ascii"))
    except (BadFormatError, UnicodeDecodeError) as error:
        raise KeyFileError(f"{path} holds no note key") from error
    if signer.verifier.name != name or signer.verifier.algorithm is not algorithm:
        raise KeyFileError(f"{path} is a key of {signer.verifier.name}, not of {name}")
    return signer


def publish(path: Path, verifier: Verifier) -> None:
    """Write the public key, for provisioning. Raises KeyFileError."""
    try:
        durable.write(path, verifier.vkey.encode() + b"\n", mode=0o644)
    except OSError as error:
        raise KeyFileError(f"cannot write {path}: {error.strerror}") from error


def load_public(path: Path, name: str) -> Verifier:
    """Read a public key, from the key's file or from the one that `publish` wrote. Raises KeyFileError."""
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
    # Root, during provisioning, also reads a key that belongs to the log program's user.
    if os.geteuid() != 0 and status.st_uid not in {os.geteuid(), 0}:
        raise KeyFileError(f"{path} belongs to another user")

"""The log's key as whoever provisions needs it, a file or sealed: made, its public half, and opened to sign with."""

from __future__ import annotations

from pathlib import Path

from gate.provision.sealing import LOG_KEY, opened
from gate.provision.steps import StepError
from gate_core.audit_format import keys
from gate_core.audit_format.errors import AuditError
from gate_core.audit_format.note import Signer


def make_key(path: Path, origin: str) -> str:
    """Make a key; its public half. Raises StepError."""
    try:
        return keys.generate(path, origin).vkey
    except AuditError as error:
        raise StepError(str(error)) from error


def publish(path: Path, origin: str) -> None:
    """Lay a key's public half beside it, for when it is sealed. Raises StepError."""
    try:
        keys.publish(path.with_suffix(".vkey"), keys.load_public(path, origin))
    except AuditError as error:
        raise StepError(str(error)) from error


def vkey_of(path: Path, origin: str) -> str:
    """The public half of a key. Raises StepError."""
    try:
        return keys.load_public(path, origin).vkey
    except AuditError as error:
        raise StepError(str(error)) from error


def signer_of(folder: Path, origin: str) -> Signer:
    """The log's key in a folder of keys. A sealed one is opened, which root alone can, on the machine that sealed it. Raises StepError."""
    plain, sealed = folder / LOG_KEY.name, LOG_KEY.sealed(folder)
    try:
        if plain.exists() or not sealed.exists():
            return keys.load(plain, origin)
        return keys.parsed(_opened(folder), sealed, origin)
    except AuditError as error:
        raise StepError(str(error)) from error


def _opened(folder: Path) -> bytes:
    try:
        return opened(LOG_KEY, folder)
    except StepError as error:
        raise StepError(
            f"{LOG_KEY.sealed(folder)} cannot be opened to sign ({error}): do it as root, on the machine that sealed it"
        ) from error

"""Officers' key files: mode 0600, not overwritten, refused if others can read them. Format: `gate_core.orders.keys`."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeVar

import msgspec

from gate_core import durable
from gate_core.command_line.output import Exit, fail
from gate_core.orders import keys
from gate_core.orders.certificate import OfficerId
from gate_core.orders.errors import MalformedError
from gate_core.orders.order import REASON_CHARACTERS_MAX, Argument, Crossing
from gate_core.orders.signed_text import GateId

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from gate_core.orders.certificate import Certificate
    from gate_core.orders.order import Shift


Key = TypeVar("Key")


class KeyFileError(Exception):
    """A key file cannot be written or used; `code` is the command's exit code."""

    def __init__(self, code: Exit, text: str) -> None:
        super().__init__(text)
        self.code = code


def read_authority(path: Path) -> Ed25519PrivateKey:
    """Read the authority's key. Raises KeyFileError."""
    return _read(path, keys.read_authority)


def read_shift(path: Path) -> tuple[Shift, Certificate]:
    """Read a shift key, and its certificate, unverified. Raises KeyFileError."""
    return _read(path, keys.read_shift)


def write(path: Path, text: bytes) -> None:
    """Write a new key file durably. Raises KeyFileError, also if the file exists."""
    try:
        durable.write(path, text, mode=0o600, new_only=True)
    except FileExistsError as error:
        raise KeyFileError(Exit.IO_ERROR, f"{path} exists and is kept") from error
    except OSError as error:
        raise KeyFileError(Exit.IO_ERROR, f"cannot write {path}: {error.strerror}") from error


def _read(path: Path, parse: Callable[[bytes], Key]) -> Key:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            _refuse_loose_access(path, os.fstat(descriptor))
            return parse(file.read(keys.KEY_TEXT_MAX))
    except OSError as error:
        raise KeyFileError(Exit.IO_ERROR, f"cannot read {path}: {error.strerror}") from error
    except MalformedError as error:
        raise KeyFileError(Exit.BAD_DATA, f"{path} holds {error}") from error


def _refuse_loose_access(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise KeyFileError(Exit.IO_ERROR, f"{path} is no file")
    if status.st_mode & 0o077:
        mode = status.st_mode & 0o777
        raise KeyFileError(
            Exit.NOT_PERMITTED, f"{path} is open to others (mode {mode:04o}); chmod 600, or have a new one made"
        )


Reason = Annotated[str, msgspec.Meta(max_length=REASON_CHARACTERS_MAX)]
Kind = Literal["gate", "officer", "crossing", "reason", "argument"]

_WORDS: Final[dict[Kind, tuple[Any, str]]] = {
    "gate": (GateId, "a gate's id is small letters, digits and hyphens, 63 at most"),
    "officer": (OfficerId, "an officer's name is small letters, digits, dot, hyphen and underscore, 64 at most"),
    "crossing": (Crossing, "this is no crossing's id; gate officer list shows them"),
    "argument": (
        Argument,
        "directions, dispositions and groups of travellers are small letters, digits, hyphen and underscore, 32 at most",
    ),
    "reason": (Reason, f"a reason has {REASON_CHARACTERS_MAX} characters at most"),
}


def require(kind: Kind, *texts: str | None) -> None:
    """End the command with one line unless each text that is not None is valid for `kind`."""
    type_, words = _WORDS[kind]
    for text in texts:
        try:
            msgspec.convert(text, type_ | None)
        except msgspec.ValidationError:
            fail(Exit.USAGE, words)

"""Key files of officers: the authority's own, and a shift's key with its certificate. Mode 0600; what others may read is refused.

A key is PKCS #8 PEM as `openssl` reads it. A shift's file has a second block, the certificate that the authority signed.
"""

from __future__ import annotations

import os
import re
import stat
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from gate.cli.output import Exit
from gate.orders.certificate import Certificate, unverified
from gate.orders.errors import OrderError
from gate.orders.order import Shift

FILE_BYTES_MAX: Final = 16 * 1024
_LABEL: Final = "PORTCULLIS SHIFT CERTIFICATE"
_BLOCK: Final = re.compile(rf"-----BEGIN {_LABEL}-----\n([A-Za-z0-9+/=\n]+)-----END {_LABEL}-----\n")


class KeyFileError(Exception):
    """A key file cannot be written or used; `code` is what the command ends with."""

    def __init__(self, code: Exit, text: str) -> None:
        super().__init__(text)
        self.code = code


def public_text(key: Ed25519PrivateKey) -> str:
    """The public half as gates are configured with it: Base64 of 32 bytes."""
    return b64encode(key.public_key().public_bytes_raw()).decode()


def write_authority(path: Path, key: Ed25519PrivateKey) -> None:
    """Write a new authority's key. Raises KeyFileError, also when the file exists."""
    _write(path, _pem(key))


def write_shift(path: Path, key: Ed25519PrivateKey, certificate: bytes) -> None:
    """Write a shift key with its certificate. Raises KeyFileError, also when the file exists."""
    text = b64encode(certificate).decode()
    lines = "\n".join(text[at : at + 64] for at in range(0, len(text), 64))
    _write(path, _pem(key) + f"-----BEGIN {_LABEL}-----\n{lines}\n-----END {_LABEL}-----\n".encode())


def read_authority(path: Path) -> Ed25519PrivateKey:
    """The authority's key. Raises KeyFileError."""
    return _key(path, _read(path))


def read_shift(path: Path) -> tuple[Shift, Certificate]:
    """A shift key that can sign, and what its certificate says. Raises KeyFileError."""
    raw = _read(path)
    key = _key(path, raw)
    block = _BLOCK.search(raw.decode("ascii", errors="replace"))
    if block is None:
        raise KeyFileError(
            Exit.BAD_DATA, f"{path} holds no shift certificate; gate officer authority certify makes one"
        )
    try:
        certificate = b64decode(block[1].replace("\n", ""), validate=True)
        says = unverified(certificate)
    except (ValueError, OrderError) as error:
        raise KeyFileError(Exit.BAD_DATA, f"{path}: {error}") from error
    if says.key != public_text(key):
        raise KeyFileError(Exit.BAD_DATA, f"{path}: the certificate is of another key")
    return Shift(key, certificate), says


def _pem(key: Ed25519PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _key(path: Path, raw: bytes) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(raw, password=None)
    except (ValueError, TypeError) as error:
        raise KeyFileError(Exit.BAD_DATA, f"{path} holds no key in the clear (PKCS #8 PEM)") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFileError(Exit.BAD_DATA, f"{path} holds another kind of key than Ed25519")
    return key


def _write(path: Path, content: bytes) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError as error:
        raise KeyFileError(Exit.IO_ERROR, f"{path} exists and is kept") from error
    except OSError as error:
        raise KeyFileError(Exit.IO_ERROR, f"cannot write {path}: {error.strerror}") from error


def _read(path: Path) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise KeyFileError(Exit.IO_ERROR, f"{path} is no file")
            if status.st_mode & 0o077:
                raise KeyFileError(
                    Exit.NOT_PERMITTED,
                    f"{path} is open to others (mode {status.st_mode & 0o777:04o}); chmod 600, or have a new one made",
                )
            return file.read(FILE_BYTES_MAX)
    except OSError as error:
        raise KeyFileError(Exit.IO_ERROR, f"cannot read {path}: {error.strerror}") from error

"""The server's own folder: authority, server certificate, cosigning key, and the database unless a URL names another.

Made once by `gate central init`; nothing in it is overwritten. Private keys have mode 0600.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from gate import durable
from gate.audit import keys
from gate.audit.errors import KeyFileError
from gate.audit.note import KEY_TEXT_MAX, Algorithm, Signer, Verifier
from gate.central import authority
from gate.central.authority import Authority
from gate.central.errors import FolderError

AUTHORITY_CERTIFICATE, AUTHORITY_KEY = "ca.pem", "ca.key"
SERVER_CERTIFICATE, SERVER_KEY = "server.pem", "server.key"
MIRROR_VKEY, MIRROR_KEY = "mirror.vkey", "mirror.key"
DATABASE = "central.sqlite"
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.:-]{0,251}[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True)
class Folder:
    """What the server works with."""

    path: Path
    authority: Authority
    mirror: Signer


def init(path: Path, name: str, now: datetime) -> Verifier:
    """Make everything new and return the mirror's public key. Raises FolderError, also when there is one already."""
    if _HOST.fullmatch(name) is None:
        raise FolderError("the server's name is a host name or an IP address, 253 characters at most")
    try:
        durable.make_folder(path, mode=0o700)
        root, server = authority.found(name, now), authority.new_key()
        durable.write(path / AUTHORITY_KEY, _pem(root.key), mode=0o600, new_only=True)
        durable.write(path / SERVER_KEY, _pem(server), mode=0o600, new_only=True)
        durable.write(
            path / AUTHORITY_CERTIFICATE, root.certificate.public_bytes(Encoding.PEM), mode=0o644, new_only=True
        )
        certificate = authority.issue_server(root, name, server.public_key(), now)
        durable.write(path / SERVER_CERTIFICATE, certificate.public_bytes(Encoding.PEM), mode=0o644, new_only=True)
        verifier = keys.generate(path / MIRROR_KEY, f"{name}/mirror", Algorithm.COSIGNATURE_V1)
        durable.write(path / MIRROR_VKEY, verifier.vkey.encode() + b"\n", mode=0o644, new_only=True)
    except FileExistsError as error:
        raise FolderError(f"{error.filename} exists: this central server was set up before") from error
    except (OSError, KeyFileError) as error:
        raise FolderError(f"cannot set up {path}: {error}") from error
    return verifier


def load(path: Path) -> Folder:
    """Read the folder. Raises FolderError."""
    try:
        key = load_pem_private_key((path / AUTHORITY_KEY).read_bytes(), password=None)
        certificate = x509.load_pem_x509_certificate((path / AUTHORITY_CERTIFICATE).read_bytes())
        vkey = (path / MIRROR_VKEY).read_text("ascii")[:KEY_TEXT_MAX]
        name = vkey.partition("+")[0]
        mirror = keys.load(path / MIRROR_KEY, name, Algorithm.COSIGNATURE_V1)
    except (OSError, ValueError, KeyFileError) as error:
        raise FolderError(f"cannot use {path}: {error}; was gate central init run?") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise FolderError(f"{path / AUTHORITY_KEY} holds another kind of key")
    return Folder(path, Authority(key, certificate), mirror)


def database_url(path: Path, url: str | None) -> str:
    """Return the URL that applies."""
    return url or f"sqlite:///{path / DATABASE}"


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

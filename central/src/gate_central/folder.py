"""The server's own folder: authority, server certificate, cosigning key, and the database unless a URL names another.

Made once by `gate central init`, which overwrites nothing; `gate_central.rotation` replaces keys. Private keys have mode 0600.
"""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pyrage
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from gate_central import authority
from gate_central.authority import Authority
from gate_central.errors import FolderError
from gate_central.settings import NAME as SETTINGS
from gate_core import durable
from gate_core.audit_format import keys
from gate_core.audit_format.errors import KeyFileError
from gate_core.audit_format.note import KEY_TEXT_MAX, Algorithm, Signer, Verifier
from gate_core.audit_format.statements import Handover

AUTHORITY_CERTIFICATE, AUTHORITY_KEY = "ca.pem", "ca.key"
AUTHORITY_KEY_NEXT, AUTHORITY_HANDOVERS = "ca-next.key", "ca-handover.pem"
SERVER_CERTIFICATE = "server.pem"  # with its key, so that both are replaced together
SERVER_KEY = "server.key"  # in older folders
MIRROR_VKEY, MIRROR_KEY = "mirror.vkey", "mirror.key"
MIRROR_KEY_NEXT, MIRROR_HANDOVERS = "mirror-next.key", "mirror-handovers"
ACTS_KEY, ACTS_VKEY, ACTS_IDENTITY = "acts.key", "acts.vkey", "acts.identity"
ACTS_NOTE = "acts.note"  # the newest checkpoint of central's own log
DATABASE = "central.sqlite"
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.:-]{0,251}[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True)
class Folder:
    """The folder's keys and certificates."""

    path: Path
    authority: Authority  # the issuing one
    roots: tuple[x509.Certificate, ...]  # the valid ones, newest first
    handovers: tuple[x509.Certificate, ...]  # certificates of a newer root's key by an older root
    mirror: Signer
    mirror_handovers: tuple[bytes, ...] = ()

    @property
    def shown(self) -> tuple[x509.Certificate, ...]:
        """The authority certificates that gates get."""
        return (*self.roots, *self.handovers)

    @property
    def mirrors(self) -> tuple[Verifier, ...]:
        """All keys that the mirror has signed with, newest first."""
        before = [Handover.parse(one).old for one in self.mirror_handovers]
        return (self.mirror.verifier, *reversed(before))


def init(path: Path, name: str, now: datetime, settings: bytes = b"") -> Verifier:
    """Create the folder with these settings; return the mirror's public key. Raises FolderError, also if it exists."""
    if _HOST.fullmatch(name) is None:
        raise FolderError("the server's name is a host name or an IP address, 253 characters at most")
    try:
        durable.make_folder(path, mode=0o700)
        root, server = authority.found(name, now), authority.new_key()
        durable.write(path / AUTHORITY_KEY, key_pem(root.key), mode=0o600, new_only=True)
        durable.write(
            path / AUTHORITY_CERTIFICATE, root.certificate.public_bytes(Encoding.PEM), mode=0o644, new_only=True
        )
        certificate = authority.issue_server(root, name, server.public_key(), now)
        durable.write(path / SERVER_CERTIFICATE, server_pem(server, certificate), mode=0o600, new_only=True)
        verifier = keys.generate(path / MIRROR_KEY, f"{name}/mirror", Algorithm.COSIGNATURE_V1)
        durable.write(path / MIRROR_VKEY, verifier.vkey.encode() + b"\n", mode=0o644, new_only=True)
        if settings and not (path / SETTINGS).exists():
            durable.write(path / SETTINGS, settings)
    except FileExistsError as error:
        raise FolderError(f"{error.filename} exists: this central server was set up before") from error
    except (OSError, KeyFileError) as error:
        raise FolderError(f"cannot set up {path}: {error}") from error
    return verifier


def load(path: Path) -> Folder:
    """Read the folder. Raises FolderError."""
    try:
        key = read_key(path / AUTHORITY_KEY)
        roots = tuple(x509.load_pem_x509_certificates((path / AUTHORITY_CERTIFICATE).read_bytes()))
        bonds = (path / AUTHORITY_HANDOVERS).read_bytes() if len(roots) > 1 else b""
        handovers = tuple(x509.load_pem_x509_certificates(bonds)) if bonds else ()
        mirror, given = mirror_key(path), mirror_handovers(path)
    except (OSError, ValueError, KeyFileError) as error:
        raise FolderError(f"cannot use {path}: {error}; was gate central init run?") from error
    if given and Handover.parse(given[-1]).new != mirror.verifier:
        raise FolderError("a rotation of the mirror's key was not finished; run gate central rotate mirror")
    issuing = next((one for one in roots if one.public_key() == key.public_key()), None)
    if issuing is None:
        raise FolderError(f"{path / AUTHORITY_KEY} is the key of no certificate in {AUTHORITY_CERTIFICATE}")
    return Folder(path, Authority(key, issuing), roots, handovers, mirror, given)


def mirror_key(path: Path) -> Signer:
    """Read the mirror's key. Raises OSError and KeyFileError."""
    name = (path / MIRROR_VKEY).read_text("ascii")[:KEY_TEXT_MAX].partition("+")[0]
    return keys.load(path / MIRROR_KEY, name, Algorithm.COSIGNATURE_V1)


def acts_keys(path: Path, mirror: Verifier) -> tuple[Signer, str]:
    """Return the key of central's own log and its recipient, created at first use. Raises FolderError."""
    name = f"{mirror.name.removesuffix('/mirror')}/central"
    try:
        if not (path / ACTS_IDENTITY).exists():
            identity = pyrage.x25519.Identity.generate()
            with contextlib.suppress(FileExistsError):  # another process was faster
                durable.write(path / ACTS_IDENTITY, f"{identity}\n".encode(), mode=0o600, new_only=True)
        if not (path / ACTS_KEY).exists():
            with contextlib.suppress(KeyFileError):
                keys.generate(path / ACTS_KEY, name)
        signer = keys.load(path / ACTS_KEY, name)
        if not (path / ACTS_VKEY).exists():
            durable.write(path / ACTS_VKEY, signer.verifier.vkey.encode() + b"\n", mode=0o644)
        identity = pyrage.x25519.Identity.from_str((path / ACTS_IDENTITY).read_text("ascii").strip())
    except (OSError, ValueError, KeyFileError, pyrage.IdentityError) as error:
        raise FolderError(f"cannot use the keys of central's own log in {path}: {error}") from error
    return signer, str(identity.to_public())


def mirror_handovers(path: Path) -> tuple[bytes, ...]:
    """Read the handovers of the mirror's keys, oldest first. Raises OSError."""
    folder = path / MIRROR_HANDOVERS
    return tuple(one.read_bytes() for one in sorted(folder.glob("*.note"))) if folder.is_dir() else ()


def read_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """Read an authority's key. Raises OSError and ValueError."""
    key = load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError(f"{path} holds another kind of key")  # noqa: TRY004 - as for every content that is wrong
    return key


def server_certificate(path: Path) -> x509.Certificate:
    """Read the server's certificate. Raises FolderError."""
    try:
        return x509.load_pem_x509_certificate((path / SERVER_CERTIFICATE).read_bytes())
    except (OSError, ValueError) as error:
        raise FolderError(f"cannot use {path / SERVER_CERTIFICATE}: {error}") from error


def server_files(path: Path) -> tuple[Path, Path | None]:
    """Return the file of the server's certificate, and that of its key, None if it is the same. Raises OSError."""
    certificate = path / SERVER_CERTIFICATE
    return certificate, None if b"PRIVATE KEY" in certificate.read_bytes() else path / SERVER_KEY


def server_pem(key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> bytes:
    """Return key and certificate as one PEM."""
    return key_pem(key) + certificate.public_bytes(Encoding.PEM)


def database_url(path: Path, url: str | None) -> str:
    """Return `url`, or that of the folder's SQLite file if None."""
    return url or f"sqlite:///{path / DATABASE}"


def key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return a private key as PEM."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

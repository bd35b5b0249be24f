"""Rotates central's keys, each signed by its predecessor: server certificate, authority, mirror key.

Every step replaces a file atomically; an interrupted rotation continues when repeated. Gates learn a new key over a
connection authenticated by an old one. A step that would disconnect gates is refused: a new server certificate before
all gates trust its authority, and the old authority's removal before its certificates expire. A running server uses
the new keys after a restart.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding

from gate_central import authority, folder
from gate_central.errors import FolderError, NotYetError
from gate_central.folder import (
    AUTHORITY_CERTIFICATE,
    AUTHORITY_HANDOVERS,
    AUTHORITY_KEY,
    AUTHORITY_KEY_NEXT,
    MIRROR_HANDOVERS,
    MIRROR_KEY,
    MIRROR_KEY_NEXT,
    MIRROR_VKEY,
    SERVER_CERTIFICATE,
    SERVER_KEY,
    Folder,
)
from gate_central.roster import Roster
from gate_core import durable
from gate_core.audit_format import keys
from gate_core.audit_format.errors import KeyFileError
from gate_core.audit_format.note import Algorithm, Verifier
from gate_core.audit_format.statements import HANDOVERS_MAX, hand_over

NAMED_MAX = 5


def gates_without(loaded: Folder, engine: sa.Engine) -> list[str]:
    """Return the unrevoked gates that do not trust the issuing authority yet; none if there is only one authority."""
    return (
        Roster(engine).who_lacks(authority.fingerprint(loaded.authority.certificate)) if len(loaded.roots) > 1 else []
    )


def rotate_server(loaded: Folder, now: datetime, lacking: Sequence[str]) -> datetime:
    """Replace the server's key and certificate; return its expiry. `lacking`: gates that do not trust the issuing
    authority yet. Raises FolderError, and NotYetError if there are any.
    """
    if lacking:
        more = f" and {len(lacking) - NAMED_MAX} more" if len(lacking) > NAMED_MAX else ""
        raise NotYetError(
            f"not all gates trust the newest authority yet: {', '.join(lacking[:NAMED_MAX])}{more}; "
            "wait until they were here, or revoke what is gone"
        )
    path, key = loaded.path, authority.new_key()
    certificate = authority.issue_server(loaded.authority, _server_name(path), key.public_key(), now)
    with _writing(path / SERVER_CERTIFICATE):
        durable.write(path / SERVER_CERTIFICATE, folder.server_pem(key, certificate), mode=0o600)
        durable.wipe(path / SERVER_KEY)  # older folders have the key in its own file
    return certificate.not_valid_after_utc


def rotate_authority(path: Path, now: datetime) -> str:
    """Add a new issuing root, certified by the old one; return its SHA-256. Raises FolderError, NotYetError."""
    draft = path / AUTHORITY_KEY_NEXT
    with _writing(path):
        loaded = folder.load(path)
        if not draft.exists():
            if len(loaded.roots) > 1:
                raise NotYetError("the last rotation is not over: gate central rotate authority --retire ends it")
            durable.write(draft, folder.key_pem(authority.new_key()), mode=0o600)
        new = folder.read_key(draft)
        roots = [one for one in loaded.roots if one.public_key() == new.public_key()]
        if not roots:
            root = authority.found_with(new, loaded.authority.certificate.subject, now)
            bond = authority.certify_next(loaded.authority, root, now)
            durable.write(path / AUTHORITY_HANDOVERS, bond.public_bytes(Encoding.PEM), mode=0o644)
            pem = b"".join(one.public_bytes(Encoding.PEM) for one in (root, *loaded.roots))
            durable.write(path / AUTHORITY_CERTIFICATE, pem, mode=0o644)
            roots = [root]
        draft.replace(path / AUTHORITY_KEY)
        durable.sync(path)
    return authority.fingerprint(roots[0])


def retire_authority(path: Path, now: datetime) -> None:
    """Remove the old root. Raises FolderError, and NotYetError while a certificate that it issued may be in use."""
    loaded = folder.load(path)
    if len(loaded.roots) == 1:
        raise NotYetError("there is one authority alone; gate central rotate authority makes another")
    root = loaded.authority.certificate
    over = root.not_valid_before_utc + authority.CLOCK_SKEW + timedelta(days=authority.DEVICE_DAYS)
    if now < over:
        raise NotYetError(f"certificates of the old authority may be in use until {over:%Y-%m-%d}")
    server = folder.server_certificate(path)
    try:
        server.verify_directly_issued_by(root)
    except (ValueError, TypeError, InvalidSignature) as error:
        raise NotYetError("the server's own certificate is of the old authority: gate central rotate server") from error
    with _writing(path):
        durable.write(path / AUTHORITY_CERTIFICATE, root.public_bytes(Encoding.PEM), mode=0o644)
        (path / AUTHORITY_HANDOVERS).unlink(missing_ok=True)


def rotate_mirror(path: Path, now: datetime) -> Verifier:
    """Replace the cosigning key; the old key signs the handover. Returns the public key. Raises FolderError."""
    draft = path / MIRROR_KEY_NEXT
    with _writing(path):
        old = folder.mirror_key(path)
        if not draft.exists():
            keys.generate(draft, old.verifier.name, Algorithm.COSIGNATURE_V1)
        new = keys.load(draft, old.verifier.name, Algorithm.COSIGNATURE_V1)
        durable.make_folder(path / MIRROR_HANDOVERS, mode=0o700)
        given = folder.mirror_handovers(path)
        if len(given) >= HANDOVERS_MAX and not any(new.verifier.vkey.encode() in one for one in given):
            raise FolderError(f"the mirror's key was replaced {len(given)} times, and gates follow no further")
        note = hand_over(old, new, at_s=int(now.timestamp()))
        if not any(new.verifier.vkey.encode() in one for one in given):
            durable.write(path / MIRROR_HANDOVERS / f"{len(given):03}.note", note)
        durable.write(path / MIRROR_VKEY, new.verifier.vkey.encode() + b"\n", mode=0o644)
        draft.replace(path / MIRROR_KEY)
        durable.sync(path)
    return new.verifier


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except KeyFileError as error:
        raise FolderError(str(error)) from error
    except OSError as error:
        raise FolderError(f"cannot write {path}: {error.strerror}") from error


def _server_name(path: Path) -> str:
    names = folder.server_certificate(path).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return str(next(iter(names)).value)

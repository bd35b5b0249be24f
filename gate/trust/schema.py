"""The store's tables, and the one connection to its file.

One SQLite file. `source` holds one row a file that was imported, `certificate` one row a country signing certificate, `listing`
which sources named it, `revocation_list` one row an issuing key, `defect_list` one row a publisher, `document_signer` one row a certificate. Written by imports only,
each in one transaction; readers take a snapshot.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Final

from gate.trust.errors import StoreError

if TYPE_CHECKING:
    from pathlib import Path

    from sqlite_utils import Database

VERSION: Final = 3
READABLE: Final = (2, 3)  # one of version 2 has no document signers
_BUSY_S: Final = 5.0
_SOURCE: Final = {
    "id": int,
    "name": str,
    "kind": str,
    "sha256": str,
    "signer": str,
    "publisher": str,  # the country of a list's signer
    "signed_at": str,
    "imported_at": str,
    "test": int,
}
_CERTIFICATE: Final = {
    "fingerprint": bytes,
    "der": bytes,
    "subject": str,
    "subject_id": bytes,
    "key_id": bytes,
    "country": str,
    "not_before": str,
    "not_after": str,
    "standing": str,
    "test": int,
}
_LISTING: Final = {"fingerprint": bytes, "source": int}
_REVOCATION_LIST: Final = {
    "issuer_id": bytes,
    "authority_key_id": bytes,
    "der": bytes,
    "sha256": bytes,
    "number": str,  # up to 20 bytes long, more than an integer column holds
    "this_update": str,
    "next_update": str,
    "source": int,
}
_DEFECT_LIST: Final = {
    "kind": str,
    "publisher": str,
    "der": bytes,
    "sha256": bytes,
    "signed_at": str,
    "test": int,
    "source": int,
}
_DOCUMENT_SIGNER: Final = {
    "fingerprint": bytes,
    "der": bytes,
    "issuer_id": bytes,
    "serial": str,
    "key_id": bytes,
    "not_after": str,
}
_TABLES: Final = (
    ("certificate", _CERTIFICATE, "fingerprint"),
    ("listing", _LISTING, ("fingerprint", "source")),
    ("revocation_list", _REVOCATION_LIST, ("issuer_id", "authority_key_id")),
    ("defect_list", _DEFECT_LIST, ("kind", "publisher", "test")),
    ("document_signer", _DOCUMENT_SIGNER, "fingerprint"),
)
SOURCED: Final = tuple(
    name for name, columns, _ in _TABLES if "source" in columns
)  # the tables whose rows rest on a source


def connect(path: Path, *, writable: bool) -> sqlite3.Connection:
    """Open the file. Raises StoreError; also when it does not exist and is only to be read.

    A connection for reading may be handed to another thread.
    """
    if path.exists() and not path.is_file():  # a pipe that nobody writes to would hold SQLite up for ever
        raise StoreError(f"{path}: cannot be opened as a trust store (no ordinary file)")
    uri = f"{path.absolute().as_uri()}?mode={'rwc' if writable else 'ro'}"
    try:
        connection = sqlite3.connect(uri, uri=True, timeout=_BUSY_S, check_same_thread=writable)
    except sqlite3.Error as error:
        raise StoreError(f"{path}: cannot be opened as a trust store ({error})") from error
    try:
        connection.execute("PRAGMA synchronous=FULL")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
    except (sqlite3.Error, UnicodeDecodeError) as error:  # SQLite quotes what it cannot read, whatever its bytes are
        connection.close()
        raise StoreError(f"{path}: cannot be opened as a trust store ({error})") from error
    if version == 1:
        connection.close()
        raise StoreError(f"{path}: is a trust store of version 1; make it anew with `gate trust import`")
    if version not in ((0, *READABLE) if writable else READABLE):
        connection.close()
        raise StoreError(f"{path}: is no trust store of version {VERSION}")
    return connection


def holds_document_signers(connection: sqlite3.Connection) -> bool:
    """True when there is one, which a store of version 2 cannot have."""
    known = connection.execute("SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE name = 'document_signer')").fetchone()[
        0
    ]
    return bool(known and connection.execute("SELECT EXISTS (SELECT 1 FROM document_signer)").fetchone()[0])


def migrate(database: Database) -> None:
    """Bring an empty file, or one of version 2, to the current version.

    A store of version 1 is not carried over: it does not say which certificates the operator gave and which a list did.
    """
    if database.execute("PRAGMA user_version").fetchone()[0] == VERSION:
        return
    database.table("source").create(_SOURCE, pk="id", if_not_exists=True)
    for name, columns, key in _TABLES:
        foreign_keys = [("source", "source", "id")] if "source" in columns else []
        database.table(name).create(columns, pk=key, foreign_keys=foreign_keys, if_not_exists=True)
    for searched in (("issuer_id", "serial"), ("key_id",)):
        database.table("document_signer").create_index(searched, if_not_exists=True)
    database.execute(f"PRAGMA user_version={VERSION}")

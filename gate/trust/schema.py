"""The store's tables.

One SQLite file, one row per item: `source` per imported file, `certificate` per CSCA certificate, `listing` per source
that names one, `revocation_list` per issuing key, `defect_list` per publisher, `document_signer` and `seal_signer` per
certificate, `list_signer` per signed list, `tolerance` per tolerated deviation. Only imports write it, each in one
transaction; readers refuse a file whose tables differ in any letter.
"""

import sqlite3
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Final

SOURCED: Final = ("listing", "revocation_list", "defect_list")  # the tables whose rows rest on a source
_TABLES: Final = (
    """CREATE TABLE "source" (
   "id" INTEGER PRIMARY KEY,
   "name" TEXT,
   "kind" TEXT,
   "sha256" TEXT,
   "signer" TEXT,
   "publisher" TEXT,
   "signed_at" TEXT,
   "imported_at" TEXT,
   "test" INTEGER
)""",  # the publisher is the country of a list's signer
    """CREATE TABLE "certificate" (
   "fingerprint" BLOB PRIMARY KEY,
   "der" BLOB,
   "subject" TEXT,
   "subject_id" BLOB,
   "key_id" BLOB,
   "country" TEXT,
   "not_before" TEXT,
   "not_after" TEXT,
   "standing" TEXT,
   "test" INTEGER
)""",
    """CREATE TABLE "listing" (
   "fingerprint" BLOB,
   "source" INTEGER REFERENCES "source"("id"),
   PRIMARY KEY ("fingerprint", "source")
)""",
    """CREATE TABLE "revocation_list" (
   "issuer_id" BLOB,
   "authority_key_id" BLOB,
   "der" BLOB,
   "sha256" BLOB,
   "number" TEXT,
   "this_update" TEXT,
   "next_update" TEXT,
   "source" INTEGER REFERENCES "source"("id"),
   PRIMARY KEY ("issuer_id", "authority_key_id")
)""",  # the number is up to 20 bytes long, more than an integer column holds
    """CREATE TABLE "defect_list" (
   "kind" TEXT,
   "publisher" TEXT,
   "der" BLOB,
   "sha256" BLOB,
   "signed_at" TEXT,
   "test" INTEGER,
   "source" INTEGER REFERENCES "source"("id"),
   PRIMARY KEY ("kind", "publisher", "test")
)""",
)
_DOCUMENT_SIGNERS: Final = (
    """CREATE TABLE "document_signer" (
   "fingerprint" BLOB PRIMARY KEY,
   "der" BLOB,
   "issuer_id" BLOB,
   "serial" TEXT,
   "key_id" BLOB,
   "not_after" TEXT
)""",
    """CREATE INDEX "idx_document_signer_issuer_id_serial"
    ON "document_signer" ("issuer_id", "serial")""",
    """CREATE INDEX "idx_document_signer_key_id"
    ON "document_signer" ("key_id")""",
)
_OTHER_SIGNERS: Final = (
    """CREATE TABLE "seal_signer" (
   "fingerprint" BLOB PRIMARY KEY,
   "der" BLOB,
   "country" TEXT,
   "name" TEXT,
   "serial" TEXT,
   "not_after" TEXT
)""",
    """CREATE INDEX "idx_seal_signer_country_name_serial"
    ON "seal_signer" ("country", "name", "serial")""",
    """CREATE TABLE "list_signer" (
   "source" INTEGER PRIMARY KEY REFERENCES "source"("id"),
   "der" BLOB
)""",
)
_TOLERANCES: Final = (
    """CREATE TABLE "tolerance" (
   "digest" TEXT,
   "name" TEXT,
   PRIMARY KEY ("digest", "name")
)""",  # the SHA-256 of the certificate or list in hex
)
_STEPS: Final = ((2, _TABLES), (3, _DOCUMENT_SIGNERS), (4, _OTHER_SIGNERS), (5, _TOLERANCES))  # what each version added
READABLE: Final = tuple(version for version, _ in _STEPS)
VERSION: Final = READABLE[-1]


def _statements(before: int, after: int) -> tuple[str, ...]:
    """Return the statements that migrate a store from one version to another; 0: an empty file."""
    return tuple(one for version, statements in _STEPS if before < version <= after for one in statements)


@cache
def schema_of(version: int) -> frozenset[tuple[str, str, str, str | None]]:
    """Return the rows of `sqlite_master` for a store of this version: type, name, table and SQL text."""
    with closing(sqlite3.connect(":memory:")) as connection:
        for statement in _statements(0, version):
            connection.execute(statement)
        return frozenset(connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master").fetchall())


def connect_draft(path: Path) -> sqlite3.Connection:
    """Open an import's private file for writing. Raises sqlite3.Error."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA synchronous=FULL")
    return connection


def migrate(connection: sqlite3.Connection) -> None:
    """Migrate an empty file, or one of an older version, to the current one.

    A store of version 1 is not migrated: it does not record which certificates the operator gave and which a list contained.
    """
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    for statement in _statements(version, VERSION):
        connection.execute(statement)
    connection.execute(f"PRAGMA user_version={VERSION}")

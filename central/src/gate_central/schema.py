"""The tables (docs/decisions/0022-central-only-adds.md, 0030-erasure-at-central.md).

Keys of gates' tables begin with the gate, and no query joins two gates, so the database can be sharded by it. Log
tables only get new rows; one row per gate, its head, is updated by compare and swap.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from gate_core.audit_format.merkle import EMPTY_ROOT

VERSION = 4

metadata = sa.MetaData()
_ID, _TIME = sa.String(64), sa.String(32)  # an id or a SHA-256; an RFC 3339 time

Type = type[sa.types.TypeEngine[Any]] | sa.types.TypeEngine[Any]


def _table(name: str, *columns: sa.Column[Any]) -> sa.Table:
    return sa.Table(name, metadata, *columns)


def key(name: str, type_: Type) -> sa.Column[Any]:
    """Return a column of the primary key."""
    return sa.Column(name, type_, primary_key=True, autoincrement=False)


def _column(name: str, type_: Type, *, unique: bool | None = None, default: object = None) -> sa.Column[Any]:
    return sa.Column(name, type_, nullable=False, unique=unique, default=default)


versions = _table("schema_version", key("one", sa.Integer), _column("version", sa.Integer))

gates = _table(
    "gate",
    key("device", _ID),
    _column("origin", sa.String(512), unique=True),
    _column("log_vkey", sa.String(1024)),
    _column("certificate", _ID),  # SHA-256 of the current one
    _column("revoked", sa.Boolean),
    _column("enrolled_at", _TIME),
    sa.Column("last_seen", _TIME),
    sa.Column("software", _ID),  # from the gate's User-Agent
)
# A newer certificate of a gate, issued but not used yet.
renewals = _table("renewal", key("device", _ID), _column("certificate", _ID), _column("issued_at", _TIME))
# Handovers of a gate's log keys: the old key signs up to `since` entries, the next one from there.
handovers = _table("log_handover", key("device", _ID), key("since", sa.BigInteger), _column("note", sa.LargeBinary))
# Retired gates: their ids and logs stay, and the ids cannot be enrolled again.
retired = _table("retired", key("device", _ID), _column("at", _TIME))
# The authorities that a gate reports to trust, SHA-256.
trusted = _table("trusted", key("device", _ID), key("authority", _ID))
tokens = _table(
    "token", key("hash", _ID), _column("device", _ID), _column("expires_s", sa.BigInteger), sa.Column("used_at", _TIME)
)
# The trusted table. `size`, `root`, `note`: what the mirror signed last. `pending`: size of the newest accepted
# checkpoint. `next_entry`, `bodies`: first missing entry and sealed body. `frontier`: of the tree up to `next_entry`.
# `day`: newest day in an entry, at most its day of arrival. `came_on`, `came_bytes`: day and volume of the last upload.
heads = _table(
    "log_head",
    key("device", _ID),
    _column("size", sa.BigInteger),
    _column("root", sa.LargeBinary),
    sa.Column("note", sa.LargeBinary),
    _column("pending", sa.BigInteger),
    _column("next_entry", sa.BigInteger),
    _column("bodies", sa.BigInteger),
    _column("frontier", sa.LargeBinary),
    _column("day", sa.String(10)),
    _column("came_on", sa.String(10), default=""),
    _column("came_bytes", sa.BigInteger, default=0),
)
EMPTY_HEAD = {"size": 0, "root": EMPTY_ROOT, "pending": 0, "next_entry": 0, "bodies": 0, "frontier": b"", "day": ""}
# Checkpoints signed by the gate whose entries are not all stored; the note of `size` is in the head.
checkpoints = _table("checkpoint", key("device", _ID), key("size", sa.BigInteger), _column("note", sa.LargeBinary))
# Entries `[start, start + width)` of one piece, as uploaded.
packages = _table(
    "package",
    key("device", _ID),
    key("start", sa.BigInteger),
    _column("width", sa.Integer),
    _column("entries", sa.LargeBinary),
)
# Their sealed bodies as JSON lines, as uploaded.
sealed = _table(
    "sealed",
    key("device", _ID),
    key("start", sa.BigInteger),
    _column("width", sa.Integer),
    _column("lines", sa.LargeBinary),
)
# Stored age files, with class and day of the records that each opens. Retention and erasure delete these rows.
age_keys = _table(
    "age_key",
    key("device", _ID),
    key("id", _ID),
    _column("about", sa.String(16)),
    _column("day", sa.String(10)),
    _column("first_index", sa.BigInteger),
    _column("wrapped", sa.LargeBinary),
)
age_keys_of_day = sa.Index("age_key_day", age_keys.c.device, age_keys.c.about, age_keys.c.day)
# Age files that entries name and that are missing. One that the gate reported absent is requested again at `due_s`.
awaited = _table(
    "age_key_awaited",
    key("device", _ID),
    key("id", _ID),
    _column("about", sa.String(16)),
    _column("day", sa.String(10)),
    _column("first_index", sa.BigInteger),
    _column("due_s", sa.BigInteger),
)
awaited_due = sa.Index("age_key_due", awaited.c.device, awaited.c.due_s, awaited.c.first_index)
# Age files erased by an order: never stored again.
erased = _table(
    "age_key_erased",
    key("device", _ID),
    key("id", _ID),
    _column("at", _TIME),
    _column("order", _ID),  # SHA-256 of the note
)
# Parties, their sites, the gates there, and each gate's update group.
parties = _table("party", key("id", _ID), _column("name", sa.String(200)))
sites = _table("site", key("id", _ID), _column("party", _ID), _column("name", sa.String(200)))
places = _table("place", key("device", _ID), sa.Column("site", _ID), sa.Column("canary", _ID))
# SHA-256 of the settings last recorded in central's own log.
told = _table("setting_told", key("one", sa.Integer), _column("digest", _ID))
# People with access to the pages; `party` NULL: the whole nation.
people = _table(
    "person",
    key("name", _ID),
    _column("role", sa.String(16)),
    sa.Column("party", _ID),
    _column("certificate", _ID, unique=True),  # SHA-256
    _column("revoked", sa.Boolean),
)
evidence = _table(
    "evidence",
    key("device", _ID),
    key("digest", _ID),
    _column("at", _TIME),
    _column("kind", sa.String(32)),
    _column("content", sa.LargeBinary),
)
# An answer closes an alarm. `repeat` counts evidence that was not stored.
answers = _table(
    "answer",
    key("device", _ID),
    key("digest", _ID),
    _column("at", _TIME),
    _column("by", sa.String(128)),
    _column("words", sa.String(512)),
)
repeats = _table(
    "repeat", key("device", _ID), key("kind", sa.String(32)), _column("count", sa.BigInteger), _column("last_at", _TIME)
)
# Hash over the 256 entries of each full piece.
piece_hashes = _table("piece_hash", key("device", _ID), key("n", sa.BigInteger), _column("hash", sa.LargeBinary))
# The newest approval that a gate has shown.
approvals = _table("approval", key("device", _ID), _column("serial", sa.BigInteger), _column("note", sa.LargeBinary))

"""The tables (docs/decisions/0022-central-only-adds.md, 0030-erasure-at-central.md).

What is of a gate begins with the gate, and no query joins two gates, so a database may be spread over machines by it. What holds a log grows by rows
that are never rewritten; one row a gate, its head, is swapped.
"""

from __future__ import annotations

import sqlalchemy as sa

VERSION = 4

metadata = sa.MetaData()

versions = sa.Table(
    "schema_version",
    metadata,
    sa.Column("one", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("version", sa.Integer, nullable=False),
)

gates = sa.Table(
    "gate",
    metadata,
    sa.Column("device", sa.String(64), primary_key=True),
    sa.Column("origin", sa.String(512), nullable=False, unique=True),
    sa.Column("log_vkey", sa.String(1024), nullable=False),
    sa.Column("certificate", sa.String(64), nullable=False),  # SHA-256 of the one that counts
    sa.Column("revoked", sa.Boolean, nullable=False),
    sa.Column("enrolled_at", sa.String(32), nullable=False),
    sa.Column("last_seen", sa.String(32)),
    sa.Column("software", sa.String(64)),  # what the gate calls itself
)
# A certificate that was issued to a gate that has one, and was not used yet.
renewals = sa.Table(
    "renewal",
    metadata,
    sa.Column("device", sa.String(64), primary_key=True),
    sa.Column("certificate", sa.String(64), nullable=False),
    sa.Column("issued_at", sa.String(32), nullable=False),
)
# What a gate's log keys said of one another: each answers for entries up to `since`, and the next from there on.
handovers = sa.Table(
    "log_handover",
    metadata,
    sa.Column("device", sa.String(64), primary_key=True),
    sa.Column("since", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("note", sa.LargeBinary, nullable=False),
)
# Gates that are no more: their names and logs stay, and nobody enrols as one of them again.
retired = sa.Table(
    "retired",
    metadata,
    sa.Column("device", sa.String(64), primary_key=True),
    sa.Column("at", sa.String(32), nullable=False),
)
# The authorities that a gate said it trusts, SHA-256.
trusted = sa.Table(
    "trusted",
    metadata,
    sa.Column("device", sa.String(64), primary_key=True),
    sa.Column("authority", sa.String(64), primary_key=True),
)
tokens = sa.Table(
    "token",
    metadata,
    sa.Column("hash", sa.String(64), primary_key=True),
    sa.Column("device", sa.String(64), nullable=False),
    sa.Column("expires_s", sa.BigInteger, nullable=False),
    sa.Column("used_at", sa.String(32)),
)
# The trusted table: `size`, `root` and `note` are what the mirror signed last; `pending` is the newest checkpoint it is
# locked onto; `next_entry` and `bodies` are the first entry and the first sealed body that are missing; `frontier` is of the tree up to `next_entry`,
# `day` the newest that an entry says, and no later than it came; `came_on` is the day on which something came last, `came_bytes` how much did on that day.
heads = sa.Table(
    "log_head",
    metadata,
    sa.Column("device", sa.String(64), primary_key=True),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("root", sa.LargeBinary, nullable=False),
    sa.Column("note", sa.LargeBinary),
    sa.Column("pending", sa.BigInteger, nullable=False),
    sa.Column("next_entry", sa.BigInteger, nullable=False),
    sa.Column("bodies", sa.BigInteger, nullable=False),
    sa.Column("frontier", sa.LargeBinary, nullable=False),
    sa.Column("day", sa.String(10), nullable=False),
    sa.Column("came_on", sa.String(10), nullable=False, default=""),
    sa.Column("came_bytes", sa.BigInteger, nullable=False, default=0),
)
# Signed by the gate, and its entries are not all here; the note of `size` stands in the head.
checkpoints = sa.Table(
    "checkpoint",
    metadata,
    sa.Column("device", sa.String(64), primary_key=True),
    sa.Column("size", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("note", sa.LargeBinary, nullable=False),
)
# Entries `[start, start + width)` of one piece, as they came.
packages = sa.Table(
    "package",
    metadata,
    sa.Column("device", sa.String(64), primary_key=True),
    sa.Column("start", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("width", sa.Integer, nullable=False),
    sa.Column("entries", sa.LargeBinary, nullable=False),
)
# Their sealed bodies, JSON lines, as they came.
sealed = sa.Table(
    "sealed",
    metadata,
    sa.Column("device", sa.String(64), primary_key=True),
    sa.Column("start", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("width", sa.Integer, nullable=False),
    sa.Column("lines", sa.LargeBinary, nullable=False),
)
# The age files that are here, each with the class and day of the records that it opens. What is to be forgotten is deleted here, and nowhere else.
age_keys = sa.Table(
    "age_key",
    metadata,
    sa.Column("device", sa.String(64), primary_key=True),
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("about", sa.String(16), nullable=False),
    sa.Column("day", sa.String(10), nullable=False),
    sa.Column("first_index", sa.BigInteger, nullable=False),
    sa.Column("wrapped", sa.LargeBinary, nullable=False),
)
age_keys_of_day = sa.Index("age_key_day", age_keys.c.device, age_keys.c.about, age_keys.c.day)
# Those that entries name and that are not here. One that the gate said it does not have is due again after a while.
awaited = sa.Table(
    "age_key_awaited",
    metadata,
    sa.Column("device", sa.String(64), primary_key=True),
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("about", sa.String(16), nullable=False),
    sa.Column("day", sa.String(10), nullable=False),
    sa.Column("first_index", sa.BigInteger, nullable=False),
    sa.Column("due_s", sa.BigInteger, nullable=False),
)
awaited_due = sa.Index("age_key_due", awaited.c.device, awaited.c.due_s, awaited.c.first_index)
# Those that an order named: never taken again, whoever brings them.
erased = sa.Table(
    "age_key_erased",
    metadata,
    sa.Column("device", sa.String(64), primary_key=True),
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("at", sa.String(32), nullable=False),
    sa.Column("order", sa.String(64), nullable=False),  # SHA-256 of the note
)
# What is known of the nation: parties, their sites, the gates there, and which group of updates a gate is in.
parties = sa.Table(
    "party",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("name", sa.String(200), nullable=False),
)
sites = sa.Table(
    "site",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("party", sa.String(64), nullable=False),
    sa.Column("name", sa.String(200), nullable=False),
)
places = sa.Table(
    "place",
    metadata,
    sa.Column("device", sa.String(64), primary_key=True),
    sa.Column("site", sa.String(64)),
    sa.Column("canary", sa.String(64)),
)
# SHA-256 of the settings that central's own log tells of last.
told = sa.Table(
    "setting_told",
    metadata,
    sa.Column("one", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("digest", sa.String(64), nullable=False),
)
# People who look: of one party, or of the whole nation where there is none.
people = sa.Table(
    "person",
    metadata,
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("role", sa.String(16), nullable=False),
    sa.Column("party", sa.String(64)),
    sa.Column("certificate", sa.String(64), nullable=False, unique=True),  # SHA-256
    sa.Column("revoked", sa.Boolean, nullable=False),
)
evidence = sa.Table(
    "evidence",
    metadata,
    sa.Column("device", sa.String(64), primary_key=True),
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("at", sa.String(32), nullable=False),
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("content", sa.LargeBinary, nullable=False),
)
# An answer makes an alarm stand no more; what came again, or found no slot, is counted.
answers = sa.Table(
    "answer",
    metadata,
    sa.Column("device", sa.String(64), primary_key=True),
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("at", sa.String(32), nullable=False),
    sa.Column("by", sa.String(128), nullable=False),
    sa.Column("words", sa.String(512), nullable=False),
)
repeats = sa.Table(
    "repeat",
    metadata,
    sa.Column("device", sa.String(64), primary_key=True),
    sa.Column("kind", sa.String(32), primary_key=True),
    sa.Column("count", sa.BigInteger, nullable=False),
    sa.Column("last_at", sa.String(32), nullable=False),
)
# The hash over the 256 entries of each full piece.
piece_hashes = sa.Table(
    "piece_hash",
    metadata,
    sa.Column("device", sa.String(64), primary_key=True),
    sa.Column("n", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("hash", sa.LargeBinary, nullable=False),
)
# The newest approval that a gate has shown.
approvals = sa.Table(
    "approval",
    metadata,
    sa.Column("device", sa.String(64), primary_key=True),
    sa.Column("serial", sa.BigInteger, nullable=False),
    sa.Column("note", sa.LargeBinary, nullable=False),
)

"""Stores evidence against gates' logs, and the alarms that it raises. An alarm stays open until a person answers it.

The same evidence is stored once. Each kind has its own limit of open pieces, so that a frequent kind does not block a
grave one; pieces above the limit are only counted. Nothing is changed or deleted: an answer is a separate row.
`gate_central.mirror` decides what is evidence.
"""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import sqlalchemy as sa

from gate_central.errors import UnknownError
from gate_central.ledger import lock
from gate_central.roster import Recorder, recorded
from gate_central.schema import answers, evidence, repeats

ID_DIGITS = 16
BY_MAX, WORDS_MAX = 100, 500
_BETWEEN = b"\n\n"  # separates two notes; no note contains two empty lines


class Kind(enum.Enum):
    """Kinds of evidence, most of them signed checkpoints. The values are stored and never renamed."""

    FORK = "fork"  # the gate signed a root that differs from the known root of that size
    INCONSISTENT = "inconsistent"  # the gate signed a longer log without proof that it extends the stored one
    WENT_BACK = "went_back"  # the gate showed as newest a shorter log, a prefix of the stored one
    UNDECIDED = "undecided"  # the gate signed a shorter log, of a size whose root is not known here
    STORED_DIFFERS = (
        "stored_differs"  # the gate proved an entry that differs from the stored one: one of the two is damaged
    )
    UNKNOWN_RECIPIENTS = "unknown_recipients"  # records are sealed for a set of auditors that is not approved
    VOLUME = "volume"  # the gate uploaded more than `alarm_mb_a_day` in a day
    LEFT = "left"  # the gate asked to be refused; answered when two approvers retire it
    MIRROR_WENT_BACK = "mirror_went_back"  # a receipt of ours covers more than is stored: this server was restored


def slots(kind: Kind) -> int:
    """Return the maximum number of open pieces of a kind per gate: 1 for kinds whose repeats add no information."""
    return 1 if kind in {Kind.WENT_BACK, Kind.LEFT} else 16


@dataclass(frozen=True, slots=True)
class Answer:
    """A person's answer to an alarm: time (RFC 3339), name and text."""

    at: str
    by: str
    words: str


@dataclass(frozen=True, slots=True)
class Alarm:
    """A piece of evidence, open while `answer` is None. `shown`: what the gate sent; `against`: what it contradicts."""

    id: str
    kind: str
    at: str
    shown: bytes
    against: bytes
    answer: Answer | None

    def fields(self) -> dict[str, object]:
        """Return the fields for JSON and pages."""
        notes = {"shown": self.shown.decode(errors="replace"), "against": self.against.decode(errors="replace")}
        answer = None if self.answer is None else asdict(self.answer)
        return {"id": self.id, "kind": self.kind, "at": self.at, **notes, "answer": answer}


@dataclass(frozen=True, slots=True)
class Repeats:
    """Number of pieces of a kind that were not stored: repeats, or above the limit of `slots`."""

    kind: str
    count: int
    last_at: str


class Evidence:
    """The tables of evidence and answers."""

    def __init__(self, engine: sa.Engine, admin_log: Recorder | None = None) -> None:
        """`admin_log` is central's own log, which records each answer."""
        self._engine = engine
        self._admin_log = admin_log

    def keep(self, device: str, kind: Kind, shown: bytes, *, against: bytes, at: str) -> bool:
        """Store a piece, or only count it. Returns True if it was stored, which opens an alarm."""
        digest = hashlib.sha256(shown).hexdigest()
        with self._engine.begin() as connection:
            lock(connection, device)  # one writer per gate
            mine = evidence.c.device == device
            known = connection.execute(sa.select(evidence.c.at).where(mine, evidence.c.digest == digest)).one_or_none()
            if known is not None or _standing(connection, device, kind.value) >= slots(kind):
                _count_again(connection, device, kind.value, at)
                return False
            content = shown + _BETWEEN + against if against else shown
            row = {"device": device, "digest": digest, "at": at, "kind": kind.value, "content": content}
            connection.execute(evidence.insert().values(row))
        return True

    def alarms(self, device: str) -> tuple[Alarm, ...]:
        """Return all evidence against a gate, open or answered, oldest first."""
        joined = evidence.outerjoin(answers, _SAME)
        query = sa.select(evidence, answers.c.at.label("answered"), answers.c.by, answers.c.words).select_from(joined)
        with self._engine.begin() as connection:
            rows = connection.execute(
                query.where(evidence.c.device == device).order_by(evidence.c.at, evidence.c.digest)
            )
            return tuple(map(_alarm, rows))

    def repeats(self, device: str) -> tuple[Repeats, ...]:
        """Return the counts of pieces that were not stored, by kind."""
        query = (
            sa.select(repeats.c.kind, repeats.c.count, repeats.c.last_at)
            .where(repeats.c.device == device)
            .order_by(repeats.c.kind)
        )
        with self._engine.begin() as connection:
            return tuple(Repeats(kind, count, last_at) for kind, count, last_at in connection.execute(query))

    def answer(self, device: str, alarm: str, answer: Answer) -> None:
        """Close an open alarm with an answer. Raises UnknownError."""

        def act(connection: sa.Connection) -> tuple[None, Mapping[str, object]]:
            lock(connection, device)
            query = sa.select(evidence.c.digest).select_from(evidence.outerjoin(answers, _SAME))
            open_ones = query.where(evidence.c.device == device, answers.c.digest.is_(None))
            found = [one for one in connection.execute(open_ones).scalars() if one[:ID_DIGITS] == alarm]
            if len(found) != 1:
                raise UnknownError(f"no alarm {alarm} of {device} stands")
            row = {"device": device, "digest": found[0], "at": answer.at, "by": answer.by, "words": answer.words}
            connection.execute(answers.insert().values(row))
            return None, {"gate": device, "alarm": found[0], "by": answer.by, "words": answer.words}

        recorded(self._engine, self._admin_log, "alarm_answered", act)


_SAME = (evidence.c.device == answers.c.device) & (evidence.c.digest == answers.c.digest)


def _standing(connection: sa.Connection, device: str, kind: str) -> int:
    query = sa.select(sa.func.count()).select_from(evidence.outerjoin(answers, _SAME))
    return connection.execute(
        query.where(evidence.c.device == device, evidence.c.kind == kind, answers.c.digest.is_(None))
    ).scalar_one()


def _count_again(connection: sa.Connection, device: str, kind: str, at: str) -> None:
    mine = (repeats.c.device == device) & (repeats.c.kind == kind)
    counted = connection.execute(repeats.update().where(mine).values(count=repeats.c.count + 1, last_at=at))
    if counted.rowcount == 0:
        connection.execute(repeats.insert().values(device=device, kind=kind, count=1, last_at=at))


def _alarm(row: sa.Row[tuple[object, ...]]) -> Alarm:
    shown, _, against = bytes(row.content).partition(b"\n" + _BETWEEN)
    answer = None if row.answered is None else Answer(row.answered, row.by, row.words)
    return Alarm(row.digest[:ID_DIGITS], row.kind, row.at, shown + b"\n" if against else shown, against, answer)

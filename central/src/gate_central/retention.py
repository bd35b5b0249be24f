"""Deletes the keys to sealed records after the retention period of their class and day, except for held days.

One transaction deletes the keys of a class and day of all gates and records it in central's own log, oldest day first
(SQLite: at most KEYS_AT_ONCE keys). Nothing is deleted unless some gate's log has a day of yesterday or later, since a
clock set forward would delete everything. Keys that a gate reports as deleted are deleted here too. Entries and sealed
bodies stay: they prove the log. Copies of the database are not changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import sqlalchemy as sa

from gate_central.admin_log import DEVICE
from gate_central.database import reading
from gate_central.errors import ForbiddenError
from gate_central.schema import age_keys, awaited, heads
from gate_central.settings import Hold
from gate_core.audit_format.errors import BadFormatError, BadSignatureError
from gate_core.audit_format.statements import Expired

if TYPE_CHECKING:
    from gate_central.admin_log import AdminLog
    from gate_central.roster import Gate
    from gate_central.settings import Settings

KEYS_AT_ONCE = 50_000  # on SQLite, where other writers wait at most 10 s; the loop continues with the rest
CLASSES, EVERY_GATE = ("crossing", "device", "administration"), "*"


class Retention:
    """Deletes expired keys. Its methods block."""

    def __init__(self, engine: sa.Engine, admin_log: AdminLog, settings: Settings, now: Callable[[], datetime]) -> None:
        self._engine = reading(engine)
        self._admin_log = admin_log
        self._settings = settings
        self._now = now

    def look(self, stop: Callable[[], bool] = lambda: False) -> int:
        """Delete expired keys until `stop()` is true; return their number. Raises CentralError and SQLAlchemyError."""
        today, gone = self._today(), 0
        while self._is_borne_out(today) and not stop() and (oldest := self._oldest(today)) is not None:
            gone += self._forget(partial(self._is_of, *oldest), {"class": oldest[1], "day": oldest[0]})
        if gone:
            self._admin_log.sweep()
        return gone

    def _is_of(self, day: str, about: str, one: sa.Table) -> sa.ColumnElement[bool]:
        """Return the condition that a row is a gate's, of this day and class, and not held."""
        gates = one.c.device.in_(sa.select(heads.c.device).where(heads.c.device != DEVICE))
        over = gates & (one.c.about == about) & (one.c.day == day) & ~_held(one, self._settings.holds)
        if one is awaited or self._engine.dialect.name != "sqlite":
            return over
        rowid: sa.ColumnClause[int] = sa.literal_column("rowid")
        return rowid.in_(sa.select(rowid).select_from(one).where(over).limit(KEYS_AT_ONCE))

    def heed(self, gate: Gate, word: bytes) -> int:
        """Delete the keys that a gate's signed statement reports as deleted, and return their number. Keeps days that
        the gate or central holds, and those younger than `gates_from_days`. Raises CentralError and SQLAlchemyError.
        """
        try:
            expired = Expired.read(word, gate.log_newest)
        except (BadFormatError, BadSignatureError) as error:
            raise ForbiddenError(f"what the gate has forgotten: {error}") from error
        newest = self._today() - timedelta(days=self._settings.kept.gates_from_days)
        before = {about: min(day, newest).isoformat() for about, day in expired.before.items()}
        holds = [
            *self._settings.holds,
            *(Hold(first=first, last=last, case=gate.device) for first, last in expired.held),
        ]

        def over(one: sa.Table) -> sa.ColumnElement[bool]:
            classes = [(one.c.about == about) & (one.c.day < day) for about, day in before.items()]
            return (one.c.device == gate.device) & sa.or_(sa.false(), *classes) & ~_held(one, holds)

        gone = self._forget(over, {"gate": gate.device, "before": before, "by": gate.origin})
        if gone:
            self._admin_log.sweep()
        return gone

    def is_waiting(self) -> bool:
        """True if keys are expired by this clock, but no gate's log confirms the date yet. Raises SQLAlchemyError."""
        today = self._today()
        return not self._is_borne_out(today) and self._oldest(today) is not None

    def _today(self) -> date:
        return self._now().astimezone(UTC).date()

    def _is_borne_out(self, today: date) -> bool:
        """True if some gate's log has a day of yesterday or later."""
        newest = sa.select(sa.func.max(heads.c.day)).where(heads.c.device != DEVICE)
        with self._engine.connect() as connection:
            day = connection.execute(newest).scalar() or ""
        return day >= (today - timedelta(days=1)).isoformat()

    def _oldest(self, today: date) -> tuple[str, str] | None:
        """Return the oldest day with expired keys of gates, and their class. Central's own records never expire."""
        found = list[tuple[str, str]]()
        with self._engine.connect() as connection:
            for about in CLASSES:
                limit = self._settings.over_before(about, today)
                if limit is None:
                    continue
                over = (age_keys.c.day < limit.isoformat()) & ~_held(age_keys, self._settings.holds)
                mine = (age_keys.c.device == heads.c.device) & (age_keys.c.about == about)
                # One index lookup per gate: the cost does not grow with the number of keys.
                of_gate = sa.select(sa.func.min(age_keys.c.day)).where(mine, over).scalar_subquery()
                day = connection.execute(sa.select(sa.func.min(of_gate)).where(heads.c.device != DEVICE)).scalar()
                found += [] if day is None else [(day, about)]
        return min(found, default=None)

    def _forget(self, over: Callable[[sa.Table], sa.ColumnElement[bool]], told: Mapping[str, object]) -> int:
        """Delete and record. Takes no gate's lock: a key stored meanwhile is deleted by the next run."""

        def act(connection: sa.Connection) -> tuple[int, Mapping[str, object]]:
            gates = connection.execute(sa.select(age_keys.c.device).where(over(age_keys)).distinct()).scalars().all()
            gone = sum(connection.execute(one.delete().where(over(one))).rowcount for one in (age_keys, awaited))
            whose = {"gate": gates[0]} if len(gates) == 1 else {"gate": EVERY_GATE, "gates": len(gates)}
            # Another process may have been faster: then there is nothing to record.
            return gone, {**whose, **told, "keys": gone} if gone else {}

        return self._admin_log.do("keys_expired", act)


def _held(one: sa.Table, holds: Iterable[Hold]) -> sa.ColumnElement[bool]:
    """Return the condition that a row's day is held."""
    days = [
        one.c.day.between(hold.first.isoformat(), hold.last.isoformat()) & (one.c.device == (hold.gate or one.c.device))
        for hold in holds
    ]
    return sa.or_(sa.false(), *days)

"""How long central keeps the keys to sealed records: by class and day, as its settings say, but for days that are held.

Promises: the keys' end and its record in central's own log are one transaction, one for a class and day of all gates, the oldest day first; nothing is forgotten by a
clock of which no gate's bears out that it is no further ahead than a day: one that was set forward would forget everything. What a gate says that it has forgotten
itself is forgotten here, too (`gate.audit.expired`). Entries and sealed bodies stay: they prove the log, and open no more. What a copy of the database holds is not reached.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from gate.audit.errors import BadFormatError, BadSignatureError
from gate.audit.expired import CLASSES, Expired
from gate.central.acts import DEVICE
from gate.central.database import reading
from gate.central.errors import BadRequestError, ForbiddenError
from gate.central.ledger import lock
from gate.central.schema import age_keys, awaited, heads

if TYPE_CHECKING:
    from gate.central.acts import Acts
    from gate.central.roster import Gate
    from gate.central.settings import Settings

EVERY_GATE = "*"


class Retention:
    """Forgets. Blocking."""

    def __init__(self, engine: sa.Engine, acts: Acts, settings: Settings, now: Callable[[], datetime]) -> None:
        self._engine = reading(engine)
        self._acts = acts
        self._settings = settings
        self._now = now

    def look(self, stop: Callable[[], bool] = lambda: False) -> int:
        """Forget what is over, until `stop` says so; how many keys. Raises CentralError and SQLAlchemyError."""
        today, gone = self._today(), 0
        if not self._is_borne_out(today):
            return 0
        while not stop() and (oldest := self._oldest(today)) is not None:
            gone += self._forget(*oldest)
        if gone:
            self._acts.sweep()
        return gone

    def heed(self, gate: Gate, word: bytes) -> int:
        """Forget what a gate's log says that the gate has forgotten itself, but for days that either of us holds and those that are younger than
        `gates_from_days`; how many keys. Raises CentralError and SQLAlchemyError.
        """
        try:
            expired = Expired.read(word, gate.log_newest)
        except BadFormatError as error:
            raise BadRequestError(f"{error}") from error
        except BadSignatureError as error:
            raise ForbiddenError("what was forgotten is not signed by the gate's log key") from error
        newest = self._today() - timedelta(days=self._settings.kept.gates_from_days)
        before = {about: min(day, newest).isoformat() for about, day in sorted(expired.before.items())}

        def over(table: sa.Table) -> sa.ColumnElement[bool]:
            classes = [(table.c.about == about) & (table.c.day < day) for about, day in before.items()]
            held = [table.c.day.between(since.isoformat(), until.isoformat()) for since, until in expired.held]
            mine = (table.c.device == gate.device) & sa.or_(sa.false(), *classes)
            return mine & ~sa.or_(sa.false(), *held) & self._not_held(table)

        def act(connection: sa.Connection) -> tuple[int, Mapping[str, object]]:
            lock(connection, gate.device)
            gone = sum(connection.execute(one.delete().where(over(one))).rowcount for one in (age_keys, awaited))
            return gone, {"gate": gate.device, "before": before, "keys": gone, "by": gate.origin} if gone else {}

        with self._engine.connect() as connection:  # it comes again and again: mostly there is nothing left to do
            if not any(
                connection.execute(sa.select(sa.exists().where(over(one)))).scalar() for one in (age_keys, awaited)
            ):
                return 0
        gone = self._acts.do("keys_expired", act)
        self._acts.sweep()
        return gone

    def is_waiting(self) -> bool:
        """Whether keys are over by the clock alone, so that they are kept beyond their time until some gate is heard of. Raises SQLAlchemyError."""
        today = self._today()
        return not self._is_borne_out(today) and self._oldest(today) is not None

    def _today(self) -> date:
        return self._now().astimezone(UTC).date()

    def _is_borne_out(self, today: date) -> bool:
        """Whether some gate's entries say that it is so late."""
        newest = sa.select(sa.func.max(heads.c.day)).where(heads.c.device != DEVICE)
        with self._engine.connect() as connection:
            day = connection.execute(newest).scalar() or ""
        return day >= (today - timedelta(days=1)).isoformat()

    def _oldest(self, today: date) -> tuple[str, str] | None:
        """The oldest day of which keys of some gate are over, and their class. Central's own records are kept for good."""
        found = list[tuple[str, str]]()
        with self._engine.connect() as connection:
            for about in CLASSES:
                limit = self._settings.over_before(about, today)
                if limit is None:
                    continue
                # A look into the index a gate: what that costs does not grow with how many keys there are.
                over = (age_keys.c.about == about) & (age_keys.c.day < limit.isoformat()) & self._not_held(age_keys)
                of_gate = sa.select(sa.func.min(age_keys.c.day)).where(age_keys.c.device == heads.c.device, over)
                oldest = sa.select(sa.func.min(of_gate.scalar_subquery())).where(heads.c.device != DEVICE)
                day = connection.execute(oldest).scalar()
                found += [] if day is None else [(day, about)]
        return min(found, default=None)

    def _not_held(self, table: sa.Table) -> sa.ColumnElement[bool]:
        """That a row's day is kept for nobody."""
        held = [
            table.c.day.between(one.first.isoformat(), one.last.isoformat())
            & (sa.true() if one.gate is None else table.c.device == one.gate)
            for one in self._settings.holds
        ]
        return ~sa.or_(sa.false(), *held)

    def _forget(self, day: str, about: str) -> int:
        """A key of that day that a round brings just now is found by the next look: no round waits for this."""

        def act(connection: sa.Connection) -> tuple[int, Mapping[str, object]]:
            every, those = sa.select(heads.c.device).where(heads.c.device != DEVICE), (age_keys, awaited)
            over = [
                (one.c.device.in_(every)) & (one.c.about == about) & (one.c.day == day) & self._not_held(one)
                for one in those
            ]
            gates = connection.execute(sa.select(age_keys.c.device).where(over[0]).distinct()).scalars().all()
            gone = sum(
                connection.execute(one.delete().where(is_over)).rowcount
                for one, is_over in zip(those, over, strict=True)
            )
            whose = {"gate": gates[0]} if len(gates) == 1 else {"gate": EVERY_GATE, "gates": len(gates)}
            # Another process may have been faster: then there is nothing to record.
            return gone, {**whose, "class": about, "day": day, "keys": gone} if gone else {}

        return self._acts.do("keys_expired", act)

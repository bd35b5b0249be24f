"""How long central keeps the keys to sealed records: by class and day, as its settings say, but for days that are held.

Promises: the keys' end and its record in central's own log are one transaction, a day of a class of a gate each; nothing is forgotten by a clock of which no
gate's bears out that it is no further ahead than a day: one that was set forward would forget everything. Entries and sealed bodies stay: they prove the log, and open no more. What a copy of the database holds is not reached.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING

import sqlalchemy as sa

from gate.central.acts import DEVICE
from gate.central.database import reading
from gate.central.ledger import lock
from gate.central.schema import age_keys, awaited, heads

if TYPE_CHECKING:
    from gate.central.acts import Acts
    from gate.central.settings import Settings

CLASSES = ("crossing", "device", "administration")
DAYS_MAX = 1000  # a look; the rest with the next


class Retention:
    """Forgets. Blocking."""

    def __init__(self, engine: sa.Engine, acts: Acts, settings: Settings, now: Callable[[], datetime]) -> None:
        self._engine = reading(engine)
        self._acts = acts
        self._settings = settings
        self._now = now

    def look(self) -> int:
        """Forget what is over; how many keys. Raises CentralError and SQLAlchemyError."""
        today = self._now().astimezone(UTC).date()
        if not self._is_borne_out(today):
            return 0
        gone = sum(self._forget(*one) for one in list(islice(self._over(today), DAYS_MAX)))
        if gone:
            self._acts.sweep()
        return gone

    def is_waiting(self) -> bool:
        """Whether keys are over by the clock alone, so that they are kept beyond their time until some gate is heard of. Raises SQLAlchemyError."""
        today = self._now().astimezone(UTC).date()
        return not self._is_borne_out(today) and next(self._over(today), None) is not None

    def _is_borne_out(self, today: date) -> bool:
        """Whether some gate's entries say that it is so late."""
        newest = sa.select(sa.func.max(heads.c.day)).where(heads.c.device != DEVICE)
        with self._engine.connect() as connection:
            day = connection.execute(newest).scalar() or ""
        return day >= (today - timedelta(days=1)).isoformat()

    def _over(self, today: date) -> Iterator[tuple[str, str, str]]:
        """Gate, class and day of keys that are over. Central's own records are kept for good."""
        limits = {about: self._settings.over_before(about, today) for about in CLASSES}
        with self._engine.connect() as connection:
            devices = connection.execute(sa.select(heads.c.device).where(heads.c.device != DEVICE)).scalars().all()
        for device in devices:
            for about, limit in limits.items():
                if limit is None:
                    continue
                those = (
                    (age_keys.c.device == device) & (age_keys.c.about == about) & (age_keys.c.day < limit.isoformat())
                )
                with self._engine.connect() as connection:
                    days = connection.execute(sa.select(age_keys.c.day).where(those).distinct()).scalars().all()
                for day in sorted(days):
                    if not self._settings.is_held(device, date.fromisoformat(day)):
                        yield device, about, day

    def _forget(self, device: str, about: str, day: str) -> int:
        def act(connection: sa.Connection) -> tuple[int, Mapping[str, object]]:
            lock(connection, device)
            gone = 0
            for table in (age_keys, awaited):
                those = (table.c.device == device) & (table.c.about == about) & (table.c.day == day)
                gone += connection.execute(table.delete().where(those)).rowcount
            # Another process may have been faster: then there is nothing to record.
            return gone, {"gate": device, "class": about, "day": day, "keys": gone} if gone else {}

        return self._acts.do("keys_expired", act)

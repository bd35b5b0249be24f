"""Retention of keys to sealed records: moves them from the database to files by class and day, and deletes old files.

Keys are deleted only after their time by a confirmed clock, if their day is not held, and after a record of it.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import date, timedelta

from gate.audit.key_days import KeyDay, KeyDays
from gate.programs.log.context import LogContext
from gate.programs.shared.config import Config
from gate.programs.shared.fault_latch import FaultLatch
from gate_core.audit_format.errors import StoreError
from gate_core.audit_format.spool import EXPIRED, key_path
from gate_core.audit_format.statements import Expired

log = logging.getLogger("gate.log")


@dataclass(frozen=True, slots=True)
class Kept:
    """Days that keys are kept after their day, by class of record (None: for ever), and held days, both included."""

    days: dict[str, int | None]
    holds: tuple[tuple[date, date], ...]

    @classmethod
    def by(cls, config: Config) -> Kept:
        """Return the configured values. For crossings the notice to travellers states the days."""
        crossing = None if config.notice is None else config.notice.results_kept_days
        others = config.audit.others_kept_days
        holds = tuple((hold.first, hold.last) for hold in config.audit.holds)
        return cls({"crossing": crossing, "device": others, "administration": others}, holds)

    def is_over(self, one: KeyDay, today: date) -> bool:
        """True if the day's keys are to be deleted."""
        limit = self.expired(today).before.get(one.about)
        return limit is not None and one.day < limit and not self.is_held(one.day)

    def expired(self, today: date) -> Expired:
        """Return the limits that apply on a day."""
        kept = {about: days for about, days in self.days.items() if days is not None}
        return Expired({about: today - timedelta(days=days) for about, days in kept.items()}, self.holds)

    def is_held(self, day: date) -> bool:
        """True if the day is kept regardless of its age."""
        return any(first <= day <= last for first, last in self.holds)


class Retention:
    """Moves keys to files, and deletes them. `trouble`: why that failed last."""

    def __init__(self, log_context: LogContext, kept: Kept, key_days: KeyDays) -> None:
        self._log = log_context
        self._kept = kept
        self._key_days = key_days
        self._oldest: dict[str, date] = {}
        self._told = b""
        self.trouble = FaultLatch(log, begins="keys_not_kept_in_order", ends="keys_kept_in_order", each=False)

    def detail(self) -> dict[str, object]:
        """Return status fields: days that keys are kept, oldest days with keys, and whether today is confirmed."""
        return {
            "kept_days": self._kept.days,
            "oldest": {about: day.isoformat() for about, day in self._oldest.items()},
            "held": len(self._kept.holds),
            "clock_borne_out": self._log.today() is not None,
            "problem": self.trouble.words or None,
        }

    async def move(self) -> None:
        """Move published keys if there are enough, and today is confirmed."""
        today = self._log.today()
        try:
            if today is not None:
                await self._log.in_store(self._log.writer.move_keys, self._log.publisher.published, today)
        except OSError as error:
            self.trouble.is_now(f"the keys' folder: {error.strerror}")

    async def look(self) -> None:
        """Move all published keys and delete expired ones, if today is confirmed."""
        today = self._log.today()
        try:
            if today is not None:
                if not await self._file_and_forget(today):
                    return
                await self._tell(today)
            left = await self._log.in_store(self._key_days.days)
        except StoreError:
            return  # reported by the writer
        except OSError as error:
            self.trouble.is_now(f"the keys' folder: {error.strerror}")
            return
        self._oldest = {one.about: one.day for one in reversed(left)}
        self.trouble.is_now("")

    async def _file_and_forget(self, today: date) -> bool:
        """Return False if the writer has failed, which it reports. Raises StoreError and OSError."""
        while not await self._log.in_store(
            self._log.writer.move_keys, self._log.publisher.published, today, whole=True
        ):
            if self._log.writer.standing.problem is not None:
                return False
        for one in await self._log.in_store(self._key_days.days):
            if self._kept.is_over(one, today) and not await self._forget(one):
                return False
        return True

    async def _tell(self, today: date) -> None:
        """Write the log's signed list of expired days to the spool, for the central server's copies. Raises OSError."""
        expired = self._kept.expired(today)
        word = await self._log.in_store(self._log.writer.tell_expired, expired) if expired.before else b""
        if word and word != self._told:
            await self._log.in_spool(self._log.spool.write, {EXPIRED: word})
        self._told = word

    async def _forget(self, one: KeyDay) -> bool:
        """Record it, then delete the spool's copies and the file. False if not recorded. Raises StoreError, OSError."""
        keys = await self._log.in_store(self._key_days.read, one)
        fields = {"class": one.about, "day": one.day.isoformat(), "keys": len(keys)}
        if not isinstance(await self._log.say("keys_expired", fields), int):
            return False
        async with self._log.publisher.between_pieces:
            await self._log.in_spool(self._log.spool.forget, [key_path(key_id) for key_id in keys])
            await self._log.in_store(self._log.writer.forget_day, one)
        log.info("keys_expired", extra=fields)
        return True

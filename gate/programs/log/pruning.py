"""Deletes old entries that the mirror holds, to limit disk use. Their hashes stay, so every proof remains valid.

An entry is deleted only if the mirror has signed that it holds it and its body: on a day longer ago than configured, on
every day with a signature since, and since yesterday. Nothing is deleted while the log's head is not confirmed in this
boot, or today is not confirmed. A record comes first. A mirror that signs for entries it does not keep is believed.
"""

from __future__ import annotations

import logging
from datetime import UTC, date, datetime, timedelta
from typing import Final

from gate.audit.inbox import HELD, Found, MirrorKeys
from gate.programs.log.context import LogContext, found_head
from gate.programs.shared.fault_latch import FaultLatch
from gate_core.audit_format.errors import BadFormatError, BadSignatureError, StoreError
from gate_core.audit_format.spool import sealed_path
from gate_core.audit_format.statements import Held
from gate_core.audit_format.tiles import entries_path, pieces_between
from gate_core.evidence.names import Head

ENTRIES_MAX: Final = 256 * 256  # per look; the rest follows in the next
SIGNED_MAX: Final = timedelta(days=1)  # in the past or future

log = logging.getLogger("gate.log")


class Pruning:
    """Reads the mirror's statements and deletes entries. `days`: how long entries stay after that, None for ever."""

    def __init__(self, log_context: LogContext, days: int | None) -> None:
        self._log = log_context
        self._days = days
        self._first = 0
        self._trouble = FaultLatch(log, begins="entries_not_dropped", ends="entries_dropped_again", each=False)

    def detail(self) -> dict[str, object]:
        """Return status fields: first stored entry, and days that entries stay (None: for ever)."""
        return {"first": self._first, "days": self._days, "problem": self._trouble.words or None}

    async def look(self) -> None:
        """Read the mirror's statement, then delete old entries."""
        today, mirror = self._log.today(), self._log.mirror
        try:
            self._first = await self._log.in_store(self._log.writer.first_here)
            if self._days is None or mirror is None or today is None:
                return
            refused = await self._hear(mirror, today)
            await self._drop(today, self._days)
        except StoreError:
            return  # reported by the writer
        except OSError as error:
            self._trouble.is_now(f"{error.filename or 'the inbox'}: {error.strerror}")
            return
        self._trouble.is_now(refused)

    async def _hear(self, mirror: MirrorKeys, today: date) -> str:
        """Store the mirror's statement; return its problem, or an empty text. Raises StoreError and OSError."""
        found = await self._log.in_inbox(self._log.inbox.named, HELD)
        if found is None:
            return ""
        try:
            held = self._judged(found, mirror)
        except (BadFormatError, BadSignatureError) as error:
            await self._log.in_inbox(self._log.inbox.refuse, found)
            return f"what the central server holds: {error}"
        await self._log.in_store(self._log.writer.take_held, held.entries, today)
        await self._log.in_inbox(self._log.inbox.remove, found)
        return ""

    def _judged(self, found: Found, mirror: MirrorKeys) -> Held:
        held, signed_s = Held.read(found.note, mirror.newest)
        if held.origin != self._log.origin:
            raise BadFormatError("it is of another log")
        if abs(self._log.now.wall().timestamp() - signed_s) > SIGNED_MAX.total_seconds():
            signed = datetime.fromtimestamp(min(signed_s, 253402300799), UTC)
            raise BadFormatError(f"it was signed at another time, {signed}")
        checkpoint = self._log.writer.standing.checkpoint
        if held.entries > (0 if checkpoint is None else checkpoint.size):
            raise BadFormatError("the log has fewer entries")
        return held

    async def _drop(self, today: date, days: int) -> None:
        standing = self._log.writer.standing
        if found_head(standing, self._log.now.boot).state is not Head.CONFIRMED or standing.problem is not None:
            return
        first, until = await self._log.in_store(self._log.writer.prunable, today, days, self._log.publisher.published)
        until = min(until, first + ENTRIES_MAX)
        span = {"since": first, "until": until}
        if first >= until or not isinstance(await self._log.say("entries_dropped", span), int):
            return
        pieces = list(pieces_between(first, until))
        async with self._log.publisher.between_pieces:
            paths = [path(piece) for piece in pieces for path in (entries_path, sealed_path)]
            await self._log.in_spool(self._log.spool.forget, paths)
        for piece in pieces:
            await self._log.in_store(self._log.writer.prune, piece, today, days)
        self._first = until
        log.info("entries_dropped", extra=span)

"""Erasures that two approvers have signed, on their way from the inbox to every place where this gate keeps a key.

Promise: only what two of the approvers in force have signed for this log counts, whoever brought it, and no key of a held day. A record says who ordered
what before it is done; the order stays in the inbox until it is done, so an end of the program at any step is gone on with.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from gate.approval.approvers import Approvers
from gate.approval.erasure import SignedErasure
from gate.approval.errors import ApprovalError
from gate.audit.errors import StoreError
from gate.audit.spool import key_path
from gate.programs.shared.approvers import approvers_in
from gate.programs.shared.config import ConfigError
from gate.programs.shared.trouble import Trouble

if TYPE_CHECKING:
    from gate.audit.inbox import Found, Inbox
    from gate.audit.spool import Spool
    from gate.audit.writer import Outcome, Writer
    from gate.programs.log.publishing import Worker
    from gate.programs.log.retention import Kept

log = logging.getLogger("gate.log")


class Erasures:
    """Takes them in. `approvers` is the list beside the configuration, which counts until a lane has begun with one; `say` writes a record of the log's own."""

    def __init__(
        self,
        inbox: Inbox,
        kept: Kept,
        *,
        writer: Writer,
        spool: Spool,
        origin: str,
        approvers: Path,
        say: Callable[[str, Mapping[str, object]], Awaitable[Outcome]],
        in_store: Worker,
        in_spool: Worker,
        in_inbox: Worker,
    ) -> None:
        self._inbox = inbox
        self._kept = kept
        self._writer = writer
        self._spool = spool
        self._origin = origin
        self._approvers = approvers
        self._say = say
        self._in_store = in_store
        self._in_spool = in_spool
        self._in_inbox = in_inbox
        self._trouble = Trouble(log, begins="erasure_not_done", ends="erasures_done", each=False)

    async def look(self) -> bool:
        """Do what lies there, or put it aside; True when something was done."""
        try:
            found = await self._in_inbox(self._inbox.erasure)
            if found is None:
                return False
            try:
                order, signers = await self._in_inbox(self._judged, found)
                await self._in_store(self._require_not_held, order)
            except (ApprovalError, ConfigError) as error:
                self._trouble.is_now(f"an erasure was refused: {error}")
                await self._in_inbox(self._inbox.refuse, found)
                return False
            return await self._do(found, order, signers)
        except (StoreError, OSError) as error:
            self._trouble.is_now(f"an erasure waits: {error}")
            return False

    def _judged(self, found: Found) -> tuple[SignedErasure, tuple[str, ...]]:
        known = self._writer.standing.approved
        approvers = approvers_in(self._approvers) if known is None else Approvers.from_bytes(known.approvers)
        order = SignedErasure.parse(found.note)
        return order, order.require(origin=self._origin, approvers=approvers)

    def _require_not_held(self, order: SignedErasure) -> None:
        for day in sorted(self._writer.days_of(order.erasure.keys)):
            if self._kept.is_held(day.day):
                raise ApprovalError(f"the day {day.day.isoformat()} is held (audit.holds)")

    async def _do(self, found: Found, order: SignedErasure, signers: tuple[str, ...]) -> bool:
        keys = order.erasure.keys
        fields = {"by": list(signers), "keys": list(keys), "note": hashlib.sha256(found.note).hexdigest()}
        if not isinstance(await self._say("keys_erased", fields), int):
            return False  # the disk is full, or the database in doubt: the writer says so
        await self._in_store(self._writer.erase_keys, keys)
        await self._in_spool(self._spool.forget, [key_path(key_id) for key_id in keys])
        await self._in_inbox(self._inbox.remove, found)
        log.warning("keys_erased", extra={"keys": len(keys)})
        self._trouble.is_now("")
        return True

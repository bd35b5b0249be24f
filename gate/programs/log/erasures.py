"""Erasures that two approvers have signed, on their way from the inbox to every place where this gate keeps a key.

Promise: only what two of the approvers in force have signed for this log counts, whoever brought it, and no key of a held day. A record says who ordered
what before it is done; the order stays in the inbox until it is done, so an end of the program at any step is gone on with. Of an order that
names no key that is still here there is no record.
"""

from __future__ import annotations

import hashlib
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Final

from gate.audit.inbox import ERASURE
from gate.programs.shared.fault_latch import FaultLatch
from gate_core.approval.approvers import Approvers
from gate_core.approval.approvers_file import approvers_in
from gate_core.approval.erasure import SignedErasure
from gate_core.approval.errors import ApprovalError
from gate_core.audit_format.errors import StoreError
from gate_core.audit_format.spool import key_path
from gate_core.settings.config_file import ConfigError

if TYPE_CHECKING:
    from gate.audit.inbox import Found
    from gate.programs.log.context import LogContext
    from gate.programs.log.retention import Kept

AGAIN_MAX: Final = 64  # orders that came again, each of which is told once; then the oldest may be told again
QUIET_LOOKS: Final = 30  # then what was wrong with an order is over: it was taken away, or put aside

log = logging.getLogger("gate.log")


class Erasures:
    """Takes them in."""

    def __init__(
        self,
        log_context: LogContext,
        kept: Kept,
        *,
        names: bool,
        carry: Callable[[str, bytes], Awaitable[None]] | None = None,
    ) -> None:
        """`names`: records name who signed. `carry` takes an order on to the mirror, by the SHA-256 of its note."""
        self._log = log_context
        self._kept = kept
        self._names = names
        self._carry = carry
        self._trouble = FaultLatch(log, begins="erasure_not_done", ends="erasures_done", each=False)
        self._quiet_looks = 0
        self._came_again: deque[str] = deque(maxlen=AGAIN_MAX)

    async def look(self) -> bool:
        """Do what lies there, or put it aside; True when something was done."""
        try:
            found = await self._log.in_inbox(self._log.inbox.named, ERASURE)
            if found is None:
                self._nothing_lies_there()
                return False
            self._quiet_looks = 0
            try:
                order, signers = await self._log.in_inbox(self._judged, found)
                await self._log.in_store(self._require_not_held, order)
            except (ApprovalError, ConfigError) as error:
                self._trouble.is_now(f"an erasure was refused: {error}")
                await self._log.in_inbox(self._log.inbox.refuse, found)
                return False
            return await self._do(found, order, signers)
        except (StoreError, OSError) as error:
            self._trouble.is_now(f"an erasure waits: {error}")
            return False

    def _nothing_lies_there(self) -> None:
        """Say that a trouble is over, which a neighbour who brings what is refused again and again does not end and begin with each."""
        self._quiet_looks += 1
        if self._quiet_looks >= QUIET_LOOKS:
            self._trouble.is_now("")

    def _judged(self, found: Found) -> tuple[SignedErasure, tuple[str, ...]]:
        known = self._log.writer.standing.left.approved
        approvers = approvers_in(self._log.approvers) if known is None else Approvers.from_bytes(known.approvers)
        order = SignedErasure.parse(found.note)
        return order, order.require(origin=self._log.origin, approvers=approvers)

    def _require_not_held(self, order: SignedErasure) -> None:
        for day in sorted(self._log.writer.days_of(order.erasure.keys)):
            if self._kept.is_held(day.day):
                raise ApprovalError(f"the day {day.day.isoformat()} is held (audit.holds)")

    async def _has_any(self, keys: Sequence[str]) -> bool:
        """True when one of these keys is anywhere here. An order holds for ever, so whoever writes the inbox may bring it for ever."""
        if await self._log.in_store(self._log.writer.has_any, keys):
            return True
        return await self._log.in_spool(self._log.spool.has_any, [key_path(key_id) for key_id in keys])

    async def _do(self, found: Found, order: SignedErasure, signers: tuple[str, ...]) -> bool:
        keys, note = order.erasure.keys, hashlib.sha256(found.note).hexdigest()
        if not await self._has_any(keys):
            await self._log.in_inbox(self._log.inbox.remove, found)
            self._trouble.is_now("")
            if note not in self._came_again:
                self._came_again.append(note)
                log.warning("erasure_was_done", extra={"note": note})
            return False
        who = {"by": list(signers), "signatures": [one.line for one in order.note.signatures]} if self._names else {}
        fields = {**who, "keys": list(keys), "note": note}
        if not isinstance(await self._log.say("keys_erased", fields), int):
            return False  # the disk is full, or the database in doubt: the writer says so
        # Before the keys go: of an order none of whose keys is here, nobody knows whether it was carried on.
        if self._carry is not None:
            await self._carry(note, found.note)
        async with self._log.publisher.between_pieces:
            await self._log.in_store(self._log.writer.erase_keys, keys)
            await self._log.in_spool(self._log.spool.forget, [key_path(key_id) for key_id in keys])
        await self._log.in_inbox(self._log.inbox.remove, found)
        log.warning("keys_erased", extra={"keys": len(keys)})
        self._trouble.is_now("")
        return True

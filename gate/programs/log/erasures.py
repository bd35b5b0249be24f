"""Executes erasure orders from the inbox, signed by two approvers, in all places where this gate stores a key.

Only orders for this log with two signatures of approvers in force count, whoever brought them; keys of held days stay.
A record names the order and its signers before it is executed. The order stays in the inbox until then, so an
interrupted one is continued. There is no record if none of its keys is here.
"""

from __future__ import annotations

import hashlib
import logging
from collections import deque
from typing import Final

from gate.audit.inbox import ERASURE, ERASURE_RECEIPT, Found, MirrorKeys
from gate.programs.log.context import LogContext
from gate.programs.log.retention import Kept
from gate.programs.shared.fault_latch import FaultLatch
from gate_core.approval.approvers import Approvers, approvers_in
from gate_core.approval.erasure import SignedErasure
from gate_core.approval.errors import ApprovalError
from gate_core.audit_format.errors import BadFormatError, BadSignatureError, StoreError
from gate_core.audit_format.note import Note
from gate_core.audit_format.spool import erasure_path, key_path
from gate_core.settings.config_file import ConfigError

AGAIN_MAX: Final = 64  # repeated orders that are logged only once
QUIET_LOOKS: Final = 30  # looks without an order that end the fault

log = logging.getLogger("gate.log")
FIRST_LINE: Final = "portcullis erasure receipt/1"
ORDERS_MAX: Final = 16  # per look


class ErasedElsewhere:
    """Passes executed erasures to the central server, and records its receipts; does nothing without a mirror.

    An order stays in the spool until the mirror's receipt is in the inbox, so it is sent again after an outage. Only a
    receipt that the mirror signed for this order and this log is recorded, once.
    """

    def __init__(self, log_context: LogContext) -> None:
        self._log = log_context

    async def carry(self, digest: str, note: bytes) -> None:
        """Write an executed order to the spool, for sync. Raises OSError."""
        if self._log.mirror is not None:
            await self._log.in_spool(self._log.spool.write, {erasure_path(digest): note})

    async def look(self) -> bool:
        """Record the mirror's receipts; True if one was recorded."""
        if self._log.mirror is None:
            return False
        recorded = False
        try:
            for digest in (await self._log.in_spool(self._log.spool.erasures))[:ORDERS_MAX]:
                recorded = await self._take(digest, self._log.mirror) or recorded
        except (OSError, StoreError):
            return recorded  # it stays there for the next look
        return recorded

    async def _take(self, digest: str, mirror: MirrorKeys) -> bool:
        found = await self._log.in_inbox(self._log.inbox.named, ERASURE_RECEIPT.format(digest))
        if found is None:
            return False
        if not self._is_true(found.note, digest, mirror):
            await self._log.in_inbox(self._log.inbox.refuse, found)
            return False
        fields = {"note": digest, "mirror": mirror.newest.name}
        if not isinstance(await self._log.say("keys_erased_at_mirror", fields), int):
            return False
        await self._log.in_spool(self._log.spool.forget, [erasure_path(digest)])
        await self._log.in_inbox(self._log.inbox.remove, found)
        return True

    def _is_true(self, receipt: bytes, digest: str, mirror: MirrorKeys) -> bool:
        try:
            note = Note.parse(receipt)
            note.verify(mirror.newest)
        except (BadFormatError, BadSignatureError):
            return False
        return note.text == f"{FIRST_LINE}\n{self._log.origin}\n{digest}\n"


class Erasures:
    """Executes the inbox's erasure orders; `elsewhere` passes them to the central server."""

    def __init__(self, log_context: LogContext, kept: Kept, *, names: bool) -> None:
        """`names`: records name the signers."""
        self.elsewhere = ErasedElsewhere(log_context)
        self._log = log_context
        self._kept = kept
        self._names = names
        self._trouble = FaultLatch(log, begins="erasure_not_done", ends="erasures_done", each=False)
        self._quiet_looks = 0
        self._came_again: deque[str] = deque(maxlen=AGAIN_MAX)

    async def look(self) -> bool:
        """Execute or reject the order in the inbox; True if one was executed."""
        try:
            found = await self._log.in_inbox(self._log.inbox.named, ERASURE)
            if found is None:
                self._quiet_looks += 1
                if self._quiet_looks >= QUIET_LOOKS:  # not sooner, or repeated bad orders would log it again and again
                    self._trouble.is_now("")
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

    def _judged(self, found: Found) -> tuple[SignedErasure, tuple[str, ...]]:
        known = self._log.writer.standing.left.approved
        approvers = approvers_in(self._log.approvers) if known is None else Approvers.from_bytes(known.approvers)
        order = SignedErasure.parse(found.note)
        return order, order.require(origin=self._log.origin, approvers=approvers)

    def _require_not_held(self, order: SignedErasure) -> None:
        for day in sorted(self._log.writer.days_of(order.erasure.keys)):
            if self._kept.is_held(day.day):
                raise ApprovalError(f"the day {day.day.isoformat()} is held (audit.holds)")

    async def _do(self, found: Found, order: SignedErasure, signers: tuple[str, ...]) -> bool:
        keys, note = order.erasure.keys, hashlib.sha256(found.note).hexdigest()
        paths, in_store, in_spool = [key_path(key_id) for key_id in keys], self._log.in_store, self._log.in_spool
        # An order is valid for ever, so it may be brought again when none of its keys is here.
        if not (await in_store(self._log.writer.has_any, keys) or await in_spool(self._log.spool.has_any, paths)):
            await self._log.in_inbox(self._log.inbox.remove, found)
            self._trouble.is_now("")
            if note not in self._came_again:
                self._came_again.append(note)
                log.warning("erasure_was_done", extra={"note": note})
            return False
        who = {"by": list(signers), "signatures": [one.line for one in order.note.signatures]} if self._names else {}
        fields = {**who, "keys": list(keys), "note": note}
        if not isinstance(await self._log.say("keys_erased", fields), int):
            return False  # full disk or faulty database, reported by the writer
        # Before the keys are deleted: without keys it would be unknown whether the order was passed on.
        await self.elsewhere.carry(note, found.note)
        async with self._log.publisher.between_pieces:
            await in_store(self._log.writer.erase_keys, keys)
            await in_spool(self._log.spool.forget, paths)
        await self._log.in_inbox(self._log.inbox.remove, found)
        log.warning("keys_erased", extra={"keys": len(keys)})
        self._trouble.is_now("")
        return True

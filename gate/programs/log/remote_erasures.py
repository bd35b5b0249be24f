"""Erasures on their way to the central server, and its word that they were carried out there.

An order that was carried out here lies in the spool until the mirror's receipt for it is in the inbox: so it is carried again after any outage. Promise:
only a receipt that the mirror has signed for this order and this log is recorded, and once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gate.audit.inbox import ERASURE_RECEIPT
from gate_core.audit_format.errors import BadFormatError, BadSignatureError, StoreError
from gate_core.audit_format.note import Note
from gate_core.audit_format.spool import erasure_path

if TYPE_CHECKING:
    from gate.audit.inbox import MirrorKeys
    from gate.programs.log.context import LogContext

FIRST_LINE: Final = "portcullis erasure receipt/1"
ORDERS_MAX: Final = 16  # a look


class ErasedElsewhere:
    """Takes the mirror's receipts in. Without a mirror nothing is carried and nothing awaited."""

    def __init__(self, log_context: LogContext) -> None:
        self._log = log_context

    async def carry(self, digest: str, note: bytes) -> None:
        """Lay an order that was carried out here where sync finds it. Raises OSError."""
        if self._log.mirror is not None:
            await self._log.in_spool(self._log.spool.write, {erasure_path(digest): note})

    async def look(self) -> bool:
        """Record what the mirror says it has carried out; True when something was recorded."""
        if self._log.mirror is None:
            return False
        recorded = False
        try:
            for digest in (await self._log.in_spool(self._log.spool.erasures))[:ORDERS_MAX]:
                recorded = await self._take(digest, self._log.mirror) or recorded
        except (OSError, StoreError):
            return recorded  # it lies there, for another look
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

"""Passes the mirror's receipts, and the newest approval that it knows, from the inbox to the log's writer.

The inbox is another program's folder, and must not delay a record: a separate thread reads it, in parts, and the
writer's thread gets single receipts. A problem is logged when it begins and when it ends.

A gate with a restored or new disk does not know its last approval; the central server does. Only one signed by two
approvers for this gate counts, whoever brought it, and its only effect is to forbid older ones.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from gate.audit.inbox import APPROVAL, Found, MirrorKeys
from gate.programs.log.context import LogContext
from gate.programs.shared.fault_latch import FaultLatch
from gate_core.approval.approvers import SIGNERS_MIN, Approvers, approvers_in
from gate_core.approval.errors import ApprovalError
from gate_core.approval.note import SignedApproval, signers_of
from gate_core.audit_format.errors import BadFormatError, BadSignatureError, StoreError
from gate_core.audit_format.resume_state import Approved
from gate_core.settings.config_file import ConfigError

log = logging.getLogger("gate.log")


class Receipts:
    """Reads receipts. `refused`: number of invalid ones. Without a mirror there are none."""

    def __init__(self, log_context: LogContext, *, every_s: float) -> None:
        self._log = log_context
        self._every_s = every_s
        self._trouble = FaultLatch(log, begins="inbox_problem", ends="inbox_well_again", each=False)
        self._is_in_doubt = False
        self.refused = 0

    async def begin(self) -> None:
        """Look once before the first record: the inbox may hold an approval that forbids it."""
        if self._log.mirror is not None:
            self._report(await self._look(self._log.mirror))

    async def end(self) -> None:
        """Close the folder, which the last look may have left open."""
        await self._log.in_inbox(self._log.inbox.close)

    async def run(self, taken: Callable[[], None]) -> None:
        """Watch the inbox until cancelled; `taken` is called after each look."""
        while (mirror := self._log.mirror) is not None:
            self._report(await self._look(mirror))
            taken()
            await asyncio.sleep(self._every_s)

    async def _look(self, mirror: MirrorKeys) -> str:
        """Process the inbox; return its problem, or an empty text."""
        problem = ""
        try:
            for found in await self._log.in_inbox(self._log.inbox.look):
                problem = await self._take(found, mirror) or problem
            problem = await self._look_for_approval() or problem
        except StoreError:
            return problem  # reported by the writer; the receipts stay for later
        except OSError as error:
            return f"the inbox cannot be read: {error.strerror}"
        return problem

    async def _look_for_approval(self) -> str:
        """Store or reject the central server's newest approval; return its problem. Raises StoreError and OSError."""
        found = await self._log.in_inbox(self._log.inbox.named, APPROVAL)
        if found is None:
            return ""
        try:
            newer = await self._log.in_inbox(self._approval_in, found)
        except (ApprovalError, ConfigError) as error:
            await self._log.in_inbox(self._log.inbox.refuse, found)
            return f"an approval from the centre was refused: {error}"
        await self._log.in_store(self._log.writer.know_approval, newer)
        await self._log.in_inbox(self._log.inbox.remove, found)
        return ""

    def _approval_in(self, found: Found) -> Approved:
        """Verify and return the approval. Raises ApprovalError, or ConfigError without approvers."""
        known = self._log.writer.standing.left.approved
        approvers = approvers_in(self._log.approvers) if known is None else Approvers.from_bytes(known.approvers)
        signed = SignedApproval.parse(found.note)
        newer = signed.approval
        if newer.origin != self._log.origin:
            raise ApprovalError(f"it is for another gate, {newer.origin}")
        if len(signers_of(signed.note, approvers.keys)) < SIGNERS_MIN:
            raise ApprovalError(f"fewer than {SIGNERS_MIN} of the approvers in force have signed serial {newer.serial}")
        if known is not None and newer.serial == known.serial and newer.sha256 != known.sha256:
            raise ApprovalError(f"it has the serial {known.serial} and another digest than the one in force")
        return Approved(newer.serial, newer.sha256, approvers.to_bytes())

    async def _take(self, found: Found, mirror: MirrorKeys) -> str:
        """Store or reject one receipt; return its problem. Raises StoreError, or OSError if it cannot be moved."""
        try:
            if found.is_of_keys:
                await self._log.in_inbox(mirror.take, found.note)
            else:
                await self._log.in_store(
                    self._log.writer.take_receipt, found.note, mirror.newest, self._log.now.monotonic_ms()
                )
        except (BadFormatError, BadSignatureError) as error:
            self.refused += 1
            await self._log.in_inbox(self._log.inbox.refuse, found)
            return f"a receipt was refused: {error}"
        await self._log.in_inbox(self._log.inbox.remove, found)
        return ""

    def _report(self, problem: str) -> None:
        """Log the inbox's fault once, and its end once a whole turn found no problem."""
        if problem:
            self._trouble.is_now(problem)
            self._is_in_doubt = True
        elif self._log.inbox.is_through:
            if not self._is_in_doubt:
                self._trouble.is_now("")
            self._is_in_doubt = False  # the next turn decides

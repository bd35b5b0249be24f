"""The newest approval that the centre knows, on its way from the inbox to the log's database.

A gate whose disk was set back, or that was set up anew, has forgotten on which approval it began last; the centre was shown it. Promise: only what
two of the approvers have signed for this gate counts, whoever brought it, and it can only forbid what is older.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gate_core.approval.approvers import SIGNERS_MIN, Approvers
from gate_core.approval.approvers_file import approvers_in
from gate_core.approval.errors import ApprovalError
from gate_core.approval.note import SignedApproval, signers_of
from gate_core.audit_format.resume_state import Approved
from gate_core.settings.config_file import ConfigError

if TYPE_CHECKING:
    from gate.audit.inbox import Found, Inbox
    from gate.audit.writer import Writer
    from gate.programs.log.spool_publisher import Worker


class NewestApproval:
    """Takes it in. `approvers` is the list beside the configuration, which counts until a lane has begun with one."""

    def __init__(
        self, inbox: Inbox, writer: Writer, origin: str, approvers: Path, *, in_store: Worker, in_inbox: Worker
    ) -> None:
        self._inbox = inbox
        self._writer = writer
        self._origin = origin
        self._approvers = approvers
        self._in_store = in_store
        self._in_inbox = in_inbox

    async def look(self) -> str:
        """Take in what lies there, or put it aside; returns what is wrong with it, in words. Raises StoreError and OSError."""
        found = await self._in_inbox(self._inbox.approval)
        if found is None:
            return ""
        try:
            newer = await self._in_inbox(self._judged, found)
        except (ApprovalError, ConfigError) as error:
            await self._in_inbox(self._inbox.refuse, found)
            return f"an approval from the centre was refused: {error}"
        await self._in_store(self._writer.know_approval, newer)
        await self._in_inbox(self._inbox.remove, found)
        return ""

    def _judged(self, found: Found) -> Approved:
        """What it says. Raises ApprovalError, and ConfigError when there is nobody to have signed it."""
        known = self._writer.standing.approved
        approvers = approvers_in(self._approvers) if known is None else Approvers.from_bytes(known.approvers)
        signed = SignedApproval.parse(found.note)
        newer = signed.approval
        if newer.origin != self._origin:
            raise ApprovalError(f"it is for another gate, {newer.origin}")
        if len(signers_of(signed.note, approvers.keys)) < SIGNERS_MIN:
            raise ApprovalError(f"fewer than {SIGNERS_MIN} of the approvers in force have signed serial {newer.serial}")
        if known is not None and newer.serial == known.serial and newer.sha256 != known.sha256:
            raise ApprovalError(f"it has the serial {known.serial} and another digest than the one in force")
        return Approved(newer.serial, newer.sha256, approvers.to_bytes())

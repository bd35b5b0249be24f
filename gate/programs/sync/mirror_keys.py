"""The mirror's keys as sync knows them: from the one that the gate enrolled with to the newest, each by the word of the one before.

What is heard is handed on to the log program, which judges it for itself, before any receipt of a new key.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec

from gate.sync import inbox
from gate_core.audit_format.handover import Handover, follow
from gate_core.audit_format.note import Verifier
from gate_core.mirror_client.errors import BadAnswerError
from gate_core.mirror_client.https import Courier
from gate_core.mirror_client.wire import Request

TAKEN_WITHIN_S = 10.0  # a log that runs looks once a second; the receipts of one that does not are not lost, only later
_LOOK_S = 0.1


class _Told(msgspec.Struct, frozen=True):
    handovers: list[str] = []


class MirrorKeys:
    """Begins with the key of the configuration."""

    def __init__(self, anchor: Verifier, folder: Path) -> None:
        self._anchor = anchor
        self._inbox = folder
        self._chain: tuple[Handover, ...] = ()

    @property
    def newest(self) -> Verifier:
        """The key of receipts."""
        return self._chain[-1].new if self._chain else self._anchor

    @property
    def before(self) -> tuple[Verifier, ...]:
        """The keys that have handed over."""
        return tuple(one.old for one in self._chain)

    async def learn(self, courier: Courier) -> bool:
        """Ask the server for handovers; True when there is a newer key. Raises SyncError, and OSError when the inbox cannot be written."""
        response = await courier.send(Request("GET", "/mirror-keys"))
        try:
            told = msgspec.json.decode(response.body, type=_Told) if response.status == 200 else _Told()
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise BadAnswerError("the mirror's word about its keys is not as agreed") from error
        notes = [one.encode() for one in told.handovers]
        chain = follow(self._anchor, notes)
        if len(chain) <= len(self._chain):
            return False
        by_text = {one.partition("\n\n")[0] + "\n": one for one in told.handovers}
        left = [
            await asyncio.to_thread(inbox.drop_mirror_key, self._inbox, number, by_text[one.text].encode())
            for number, one in enumerate(chain)
        ]
        ends_s = asyncio.get_running_loop().time() + TAKEN_WITHIN_S
        while any(one.exists() for one in left) and asyncio.get_running_loop().time() < ends_s:  # noqa: ASYNC110 - another program takes them
            await asyncio.sleep(_LOOK_S)
        self._chain = chain
        return True

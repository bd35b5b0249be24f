"""A conversation with the mirror that is broken off in the midst of a step."""

import asyncio
import threading
from pathlib import Path
from typing import Any, cast

import pytest
from fakes.central_process import settings_of
from fakes.sync_gate import SyncGate

from gate.audit.note import Algorithm, Signer
from gate.programs.shared.config import Sync
from gate.programs.sync.mirror_keys import MirrorKeys
from gate.programs.sync.program import Outbox
from gate.sync.standing import Conversation
from gate.sync.wire import Request


class ReadsLong:
    """Reads the spool for its first step until it may go on."""

    head_size = 0

    def __init__(self) -> None:
        self.reads, self.may_go_on, self.ended = threading.Event(), threading.Event(), threading.Event()

    def round(self) -> Conversation:
        self.reads.set()
        self.may_go_on.wait(10)
        try:
            yield cast("Request", None)
        finally:
            self.ended.set()
        return None


async def test_a_program_that_ends_while_the_spool_is_read_waits_for_that_step_and_closes_the_conversation(
    tmp_path: Path,
) -> None:
    gate = SyncGate.make(tmp_path)
    mirror = Signer.generate("central.example/mirror", Algorithm.COSIGNATURE_V1)
    sync = Sync(address="central.example", mirror_vkey=mirror.verifier.vkey, identity=str(tmp_path))
    outbox = Outbox(settings_of(gate, sync), MirrorKeys(mirror.verifier, gate.inbox))
    slow = ReadsLong()
    outbox._client = cast("Any", slow)
    talking = asyncio.ensure_future(outbox._converse_with_mirror(cast("Any", None)))
    await asyncio.to_thread(slow.reads.wait, 10)
    talking.cancel()
    await asyncio.sleep(0.01)
    assert not talking.done()
    slow.may_go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await talking
    assert slow.ended.is_set()

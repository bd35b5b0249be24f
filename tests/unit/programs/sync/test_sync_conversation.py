"""A conversation with the mirror that is broken off in the midst of a step, and what the gate tells the centre that it has forgotten."""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from fakes.central_process import settings_of
from fakes.sync_gate import SyncGate

from gate.programs.shared.config import Sync
from gate.programs.sync.program import UNTOLD_AGAIN_MS, Outbox, _status
from gate.programs.sync.upkeep import MirrorKeys
from gate_core.audit_format.note import Algorithm, Signer
from gate_core.audit_format.spool import EXPIRED, Spool
from gate_core.mirror_client.mirror_state import Conversation
from gate_core.mirror_client.wire import Request, Response
from gate_core.programs import clock


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


def outbox_of(gate: SyncGate, monotonic_ms: Callable[[], int] = clock.monotonic_ms) -> Outbox:
    mirror = Signer.generate("central.example/mirror", Algorithm.COSIGNATURE_V1)
    sync = Sync(address="central.example", mirror_vkey=mirror.verifier.vkey, identity=str(gate.folder))
    return Outbox(settings_of(gate, sync), MirrorKeys(mirror.verifier, gate.inbox), monotonic_ms=monotonic_ms)


async def test_a_program_that_ends_while_the_spool_is_read_waits_for_that_step_and_closes_the_conversation(
    tmp_path: Path,
) -> None:
    outbox = outbox_of(SyncGate.make(tmp_path))
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


@pytest.mark.parametrize("status", [403, 404, 503])
async def test_what_is_forgotten_and_the_centre_does_not_take_is_a_problem_and_is_told_again_soon(
    tmp_path: Path, status: int
) -> None:
    """Any answer counted as told for an hour, and nothing said that the centre keeps the keys."""
    gate, now_ms, asked = SyncGate.make(tmp_path), 1_000, list[bytes]()
    outbox = outbox_of(gate, lambda: now_ms)
    outbox.problem = None

    class Centre:
        async def send(self, request: Request) -> Response:
            asked.append(request.body)
            return Response(status, "text/plain", b"not now\n")

    async def tell() -> None:
        await outbox._tell_what_is_forgotten(cast("Any", Centre()))

    Spool(gate.log.spool).write({EXPIRED: b"a word"})
    for _ in range(2):
        await tell()
    assert asked == [b"a word"], "a centre that refuses is not asked in each round"
    said = f"the centre keeps keys that are forgotten here ({status}: not now)"
    assert (shown := _status(outbox, None, None, None)).detail["problem"] == said
    assert shown.state == "degraded"
    now_ms += UNTOLD_AGAIN_MS
    status = 204
    for _ in range(2):
        await tell()
    assert (len(asked), _status(outbox, None, None, None).state) == (2, "ready")
    now_ms += UNTOLD_AGAIN_MS
    await tell()
    assert len(asked) == 2, "what was taken is told hourly"
    Spool(gate.log.spool).write({EXPIRED: b"another"})
    await tell()
    assert asked[2:] == [b"another"]

"""Two logs with one key: the gate stops, and the central server keeps what both of them signed."""

from __future__ import annotations

from pathlib import Path

import pytest
from fakes.central_server import Bench

from gate.audit.checkpoint import Checkpoint
from gate.sync import wire
from gate.sync.errors import OtherHistoryError, RefusedError
from gate.sync.round import Client
from gate.sync.spool import SpoolLog
from gate.sync.wire import Request, Response


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def restored(bench: Bench, folder: Path, travellers: int) -> None:
    """The gate goes on with another disk under the same keys."""
    other = Bench(folder)
    other.log.signer = bench.log.signer
    other.grow(travellers)
    bench.client = Client(SpoolLog(other.log.spool), bench.origin, bench.server.signer.verifier)


def evidence(bench: Bench) -> int:
    return bench.server.ledger.evidence_count(bench.gate.device)


@pytest.mark.parametrize("travellers", [1, 2], ids=["fewer entries", "as many entries"])
async def test_a_cloned_gate_is_known_to_both_sides(bench: Bench, tmp_path: Path, travellers: int) -> None:
    bench.grow(2)
    await bench.round()
    restored(bench, tmp_path / "clone", travellers)
    with pytest.raises(OtherHistoryError, match="another log than we do"):
        await bench.round()
    assert evidence(bench) == 1
    head = bench.server.ledger.head(bench.gate.device)
    assert (head.size, head.pending) == (10, 10)


async def test_a_clone_that_grew_further_is_refused_and_kept(bench: Bench, tmp_path: Path) -> None:
    bench.grow(2)
    await bench.round()
    restored(bench, tmp_path / "clone", 3)
    with pytest.raises(RefusedError, match="422"):
        await bench.round()
    assert evidence(bench) == 1


async def test_another_log_of_the_pending_size_is_known_to_both_sides(bench: Bench) -> None:
    pending = Checkpoint(bench.origin, 5, b"\x01" * 32).sign(bench.log.signer)
    assert (await bench.ask(wire.add_checkpoint(0, (), pending))).status == 200
    bench.grow()
    with pytest.raises(OtherHistoryError, match="of this size"):
        await bench.round()
    assert evidence(bench) == 1


async def test_a_mirror_that_will_not_look_at_a_checkpoint_is_reported(bench: Bench) -> None:
    bench.grow()

    async def broken_off(request: Request) -> Response:
        if request.path == "/add-entries" and request.compress:
            return Response(503, "text/plain", b"later")
        return await bench.ask(request)

    async def refusing(request: Request) -> Response:
        if request.path == "/add-checkpoint":
            return Response(403, "text/plain", b"no")
        return await bench.ask(request)

    with pytest.raises(RefusedError, match="503"):
        await bench.round(broken_off)
    with pytest.raises(RefusedError, match=r"the checkpoint \(403: no"):
        await bench.round(refusing)
    assert await bench.round() is not None

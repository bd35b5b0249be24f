"""However often a round is interrupted, the mirror ends with exactly the log, nothing twice, and never signs a gap."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from fakes.central_server import Bench
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gate_central.archive import export, is_intact
from gate_core.audit_format.checkpoint import read_checkpoint
from gate_core.mirror_client.errors import MirrorAwayError, SyncError
from gate_core.mirror_client.wire import Request, Response
from gate_verify.verify import verify

# What happens to a request: it and its answer arrive, it never arrives, its answer is lost, or it is cut short.
FATES = st.sampled_from(["well", "well", "well", "lost", "answer_lost", "cut", "restart"])


class Weather:
    """Gives each request its fate, and fair weather when there are no more."""

    def __init__(self, bench: Bench, fates: list[str]) -> None:
        self._bench = bench
        self._fates = fates

    async def carry(self, request: Request) -> Response:
        fate = self._fates.pop() if self._fates else "well"
        if fate == "lost":
            raise MirrorAwayError("lost")
        if fate == "restart":
            self._bench.client = self._bench.new_client()
            raise MirrorAwayError("restarted")
        if fate == "cut":
            half = request.body[: len(request.body) // 2]
            await self._bench.ask(Request(request.method, request.path, half, request.content_type))
            raise MirrorAwayError("cut")
        answer = await self._bench.ask(request)
        if fate == "answer_lost":
            raise MirrorAwayError("answer lost")
        return answer


async def story(folder: Path, growth: list[int], fates: list[str]) -> None:
    bench = Bench(folder)
    weather = Weather(bench, fates)
    for travellers in growth:
        size = bench.grow(travellers)
        for _ in range(len(fates) + 1):
            try:
                receipt = await bench.round(weather.carry)
            except SyncError:
                head = bench.server.ledger.head(bench.gate.device)
                assert head.size <= head.next_entry <= size
                assert head.bodies <= head.next_entry
                continue
            assert receipt is not None
            both = (bench.log.signer.verifier, bench.server.signer.verifier)
            assert read_checkpoint(receipt.note, *both).size == size
            break
        else:
            raise AssertionError("fair weather, and no receipt")
    assert is_intact(bench.server.ledger, bench.gate, [bench.server.signer.verifier])
    assert len(bench.server.evidence.alarms(bench.gate.device)) == 0
    exported = export(bench.server.ledger, bench.gate, folder / "out")
    assert exported.entries == 5 * sum(growth)
    assert verify(folder / "out", bench.log.vkey).verified
    bench.server.ledger._engine.dispose()


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(growth=st.lists(st.sampled_from([1, 2, 60]), min_size=1, max_size=2), fates=st.lists(FATES, max_size=14))
def test_after_any_interruptions_the_mirror_holds_exactly_the_log(growth: list[int], fates: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(story(Path(folder), growth, fates))

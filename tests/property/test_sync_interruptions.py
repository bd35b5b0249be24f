"""However requests and answers get lost, every entry arrives once, in order, and every receipt tells the truth."""

from __future__ import annotations

import asyncio
import enum
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from fakes.central_server import Bench
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gate.audit.checkpoint import read_checkpoint
from gate.central.archive import export, is_intact
from gate.sync.errors import MirrorAwayError
from gate.sync.round import Receipt
from gate.sync.wire import Request, Response
from gate.verify.verify import verify


class Fate(enum.Enum):
    """What becomes of one request."""

    ARRIVES = "arrives"
    LOST = "lost before it arrived"
    ANSWER_LOST = "lost after it arrived"
    CUT = "cut off in the middle"
    TWICE = "sent again by something on the way"


class Turn(enum.Enum):
    """What happens between two rounds."""

    NOTHING = "nothing"
    GROW = "the log grows by a traveller"
    GROW_MUCH = "the log grows by more than a package"
    RESTART = "the sync program starts anew"


FATES = st.lists(st.sampled_from(Fate), max_size=30)
TURNS = st.lists(st.sampled_from(Turn), min_size=1, max_size=6)


class Wire:
    """Carries requests to the real server, each to its fate; when fates run out all of them arrive."""

    def __init__(self, bench: Bench, fates: list[Fate]) -> None:
        self._bench = bench
        self._fates: Iterator[Fate] = iter(fates)

    async def carry(self, request: Request) -> Response:
        fate = next(self._fates, Fate.ARRIVES)
        if fate is Fate.LOST:
            raise MirrorAwayError("lost")
        if fate is Fate.CUT:
            await self._bench.ask(replace(request, body=request.body[: len(request.body) * 2 // 3]))
            raise MirrorAwayError("cut off")
        response = await self._bench.ask(request)
        if fate is Fate.TWICE:
            response = await self._bench.ask(request)
        if fate is Fate.ANSWER_LOST:
            raise MirrorAwayError("no answer")
        return response


def turn(bench: Bench, what: Turn) -> None:
    match what:
        case Turn.NOTHING:
            pass
        case Turn.GROW:
            bench.grow()
        case Turn.GROW_MUCH:
            bench.grow(60)
        case Turn.RESTART:
            bench.client = bench.new_client()


async def attempt(bench: Bench, wire: Wire) -> Receipt | None:
    try:
        return await bench.round(wire.carry)
    except MirrorAwayError:
        return None


async def play(folder: Path, fates: list[Fate], turns: list[Turn]) -> None:
    bench = Bench(folder)
    bench.grow()
    wire = Wire(bench, fates)
    gate, mirror = bench.gate, bench.server.signer.verifier
    for what in turns:
        turn(bench, what)
        receipt = await attempt(bench, wire)
        head = bench.server.ledger.head(gate.device)
        assert head.size <= head.next_entry <= head.pending
        assert is_intact(bench.server.ledger, gate, mirror)
        if receipt is not None:
            signed = read_checkpoint(receipt.note, gate.log, mirror)
            assert (signed.size, signed.root) == (head.size, head.root)
            assert (head.bodies, bench.server.ledger.lacking_keys(gate.device)) == (head.size, [])

    bench.client = bench.new_client()
    for _ in range(len(fates) + 1):
        await attempt(bench, wire)
    exported = export(bench.server.ledger, gate, folder / "out")
    theirs, ours = verify(folder / "out", bench.log.vkey), verify(bench.log.spool, bench.log.vkey)
    assert (theirs.verified, theirs.problems) == (True, ())
    assert (exported.entries, theirs.root, theirs.bodies, theirs.keys) == (
        ours.entries,
        ours.root,
        ours.bodies,
        ours.keys,
    )
    kinds = bench.server.ledger.evidence_count(gate.device)
    assert kinds == 0, "an honest gate is never under suspicion"


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(fates=FATES, turns=TURNS)
def test_whatever_gets_lost_the_log_arrives_whole_and_once(fates: list[Fate], turns: list[Turn]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(play(Path(folder), fates, turns))

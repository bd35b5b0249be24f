"""Random lives of a gate and its mirror: it grows, rounds break off, disks are restored. A gate that went on from an old disk stops.

The oracle knows nothing of the protocol: it remembers every checkpoint that left the gate, and asks of the log whether it continues it.
"""

from __future__ import annotations

import contextlib
import random
import shutil
from pathlib import Path

import pytest
from central_fakes.server import GATE_ID
from fakes.audit_logs import SmallLog, crossing, wanted
from fakes.central_server import Bench

from gate_central.wire import parse_add_checkpoint, parse_round
from gate_core.audit_format.checkpoint import Checkpoint
from gate_core.audit_format.errors import RolledBackError
from gate_core.audit_format.merkle import subtree_hash
from gate_core.audit_format.note import Note
from gate_core.mirror_client.errors import OtherHistoryError, SyncError
from gate_core.mirror_client.round import Client
from gate_core.mirror_client.spool import SpoolLog
from gate_core.mirror_client.wire import Request, Response

STEPS = 14


class Life:
    """One gate, its disks, and what the mirror was told."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.chance = random.Random(seed)
        self.folder = folder
        self.bench = Bench(folder / "bench")
        self.log = self.bench.log
        self.backups: list[Path] = []
        self.told: list[Checkpoint] = []
        self.was_restored = False
        self.travellers = 0

    def grow(self) -> None:
        self.travellers += 1
        self.log.write(crossing(f"c{self.travellers}"))

    def back_up(self) -> None:
        copy = self.folder / f"backup-{len(self.backups)}"
        shutil.copytree(self.log.folder, copy, ignore=shutil.ignore_patterns("central.sqlite*"))
        self.backups.append(copy)

    def restore(self) -> None:
        disk = self.folder / f"disk-{self.chance.random()}"
        shutil.copytree(self.chance.choice(self.backups), disk)
        self.log = SmallLog(disk, self.bench.log.signer, self.bench.log.auditors)
        self.was_restored = True
        self.start()

    def start(self) -> None:
        """A start of the sync program: it remembers nothing."""
        self.bench.client = Client(SpoolLog(self.log.spool), self.bench.origin, self.bench.server.signer.verifier)

    async def ask(self, request: Request) -> Response:
        response = await self.bench.ask(request)
        if request.path in {"/add-checkpoint", "/round"} and response.status == 200:
            is_round = request.path == "/round"
            asked = parse_round(request.body).checkpoint if is_round else parse_add_checkpoint(request.body)
            self.told.append(Checkpoint.parse(Note.parse(asked.note).text))
        return response

    def continues_what_was_told(self) -> bool:
        spool = SpoolLog(self.log.spool)
        head = spool.head()
        size = 0 if head is None else head[0].size
        return all(
            one.size <= size and subtree_hash(spool.hashes(size), 0, one.size) == one.root
            for one in self.told
            if one.size
        )

    async def meet_the_mirror(self, break_at: int) -> str:
        """A round that may break off at some request, and what came of it."""
        asked = 0

        async def meddle(request: Request) -> Response:
            nonlocal asked
            asked += 1
            return Response(503, "", b"") if asked == break_at else await self.ask(request)

        try:
            await self.bench.round(meddle)
        except OtherHistoryError as error:
            return "stopped" if self.stops_at(error.evidence) else "accused and went on"
        except SyncError:
            return "broke off" if asked >= break_at > 0 else "failed"
        return "went well"

    def stops_at(self, evidence: bytes | None) -> bool:
        """Whether the log program takes no record any more, once it has seen what the sync program left it."""
        if evidence is None:
            return False
        with self.log.writer() as writer:
            with contextlib.suppress(RolledBackError):
                writer.take_receipt(evidence, self.bench.server.signer.verifier, 0)
            return not isinstance(writer.append([wanted("decided", "late")], 0)[0], int)


@pytest.mark.parametrize("seed", range(10))
async def test_no_restored_gate_goes_on_once_it_has_met_its_mirror(tmp_path: Path, seed: int) -> None:
    life = Life(tmp_path, seed)
    life.grow()
    life.back_up()
    deeds = [life.grow, life.grow, life.back_up, life.restore, life.start]
    for _ in range(STEPS):
        for _ in range(life.chance.randint(1, 5)):  # an outage is long enough to outgrow the mirror
            life.chance.choice(deeds)()
        honest = life.continues_what_was_told()
        came = await life.meet_the_mirror(life.chance.choice((0, 0, 1, 2, 3, 4, 5, 6, 7)))
        assert came in ({"went well", "broke off"} if honest else {"stopped", "broke off"})
        if came == "stopped":
            break
        assert honest or came == "broke off"
        assert life.was_restored or not life.bench.server.evidence.alarms(GATE_ID)

"""Many simulated gates at a real central server: each with a log of its own in memory, lag, answers that are lost on the way, and some that enrol anew."""

from __future__ import annotations

import asyncio
import random
import ssl
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import cast

import pyrage
import sqlalchemy as sa
from fakes.audited_days import Day
from fakes.mirrored_gate import Central
from fakes.replayed_gates import carry

from gate_central import authority, folder, schema
from gate_central.roster import Roster
from gate_core.audit_format.checkpoint import Checkpoint
from gate_core.audit_format.merkle import EMPTY_ROOT, HashAt, leaf_hash, root_of
from gate_core.audit_format.note import Note, Signer, Verifier
from gate_core.audit_format.record import time_text
from gate_core.audit_format.sealer import Sealer, seal
from gate_core.audit_format.spool import encode_sealed
from gate_core.mirror_client.errors import MirrorAwayError, SyncError
from gate_core.mirror_client.https import Courier, tls
from gate_core.mirror_client.round import Client
from gate_core.mirror_client.spool import SpoolLog
from gate_core.mirror_client.wire import Request, Response

AUDITORS = [str(pyrage.x25519.Identity.generate().to_public()) for _ in range(2)]


class SimulatedLog(SpoolLog):
    """What sync carries, without a disk."""

    def __init__(self, signer: Signer) -> None:
        super().__init__(Path("nowhere"))
        self._signer = signer
        self._sealer, self._day = Sealer(AUDITORS), Day()
        self._leaves: list[bytes] = []
        self._hashes: list[bytes] = []
        self._lines: list[bytes] = []
        self._keys: dict[str, bytes] = {}
        self._note: Note | None = None

    def travel(self) -> None:
        """One traveller whom the gate admits, with the records that a lane writes."""
        key = self._sealer.new_key()
        self._keys[key.id] = key.wrapped
        for one in self._day.admitted():
            index = len(self._leaves)
            made = seal(one.happening, one.plain, origin=self._signer.verifier.name, index=index, key=key)
            self._lines.append(encode_sealed([made.sealed], len(self._leaves)))
            self._leaves.append(made.header.leaf())
            self._hashes.append(leaf_hash(self._leaves[-1]))
        self._note = Checkpoint(self._signer.verifier.name, len(self._leaves), root_of(self._hashes)).sign(self._signer)

    def head(self) -> tuple[Checkpoint, Note] | None:
        return None if self._note is None else (Checkpoint.parse(self._note.text), self._note)

    def hashes(self, size: int) -> HashAt:  # noqa: ARG002 - as the spool has it
        return lambda height, index: root_of(self._hashes[index << height : (index + 1) << height])

    def leaves(self, start: int, end: int) -> tuple[bytes, ...]:
        return tuple(self._leaves[start:end])

    def sealed_lines(self, start: int, end: int, bytes_max: int) -> bytes:  # noqa: ARG002
        return b"".join(self._lines[start:end])

    def handovers(self) -> tuple[bytes, ...]:
        return ()

    def key(self, key_id: str) -> bytes | None:
        return self._keys.get(key_id)


@dataclass
class Weather:
    """How bad the lines are: each request waits up to `lag_s`; of so many, half never arrive and half lose their answer."""

    chance: random.Random
    lag_s: float
    loss: float


class Line:
    """A connection in this weather."""

    def __init__(self, courier: Courier, weather: Weather) -> None:
        self._courier = courier
        self._weather = weather

    async def send(self, request: Request) -> Response:
        """Send, unless the line is cut before or after."""
        await asyncio.sleep(self._weather.chance.uniform(0, self._weather.lag_s))
        drawn = self._weather.chance.random()
        if drawn < self._weather.loss / 2:
            raise MirrorAwayError("lost on the way there")
        response = await self._courier.send(request)
        if drawn < self._weather.loss:
            raise MirrorAwayError("lost on the way back")
        return response


@dataclass
class SimulatedGate:
    """A gate at its place in the roster."""

    name: str
    signer: Signer
    log: SimulatedLog
    context: ssl.SSLContext
    took_s: list[float] = field(default_factory=list)
    tries: int = 0


@dataclass(eq=False)
class SimulatedNation:
    """All of them, before one server."""

    central: Central
    engine: sa.Engine
    root: Path
    weather: Weather
    gates: list[SimulatedGate] = field(default_factory=list)

    def enrol(self, count: int) -> None:
        """Enter so many gates in the roster, in one transaction: how long that takes is not what is measured."""
        empty = {"size": 0, "root": EMPTY_ROOT, "pending": 0, "next_entry": 0, "bodies": 0, "frontier": b"", "day": ""}
        known, logs = list[dict[str, object]](), list[dict[str, object]]()
        for number in range(count):
            name = f"gate-{number:04}"
            signer = Signer.generate(f"border.example/{name}/demo")
            fingerprint, context = self._certified(name)
            self.gates.append(SimulatedGate(name, signer, SimulatedLog(signer), context))
            at = {"enrolled_at": time_text(datetime.now(UTC)), "revoked": False, "certificate": fingerprint}
            known.append({"device": name, "origin": signer.verifier.name, "log_vkey": signer.verifier.vkey, **at})
            logs.append({"device": name, **empty})
        with self.engine.begin() as connection:
            connection.execute(schema.gates.insert(), known)
            connection.execute(schema.heads.insert(), logs)

    def _certified(self, name: str) -> tuple[str, ssl.SSLContext]:
        """A new certificate: its SHA-256, and what connects with it."""
        root, key, now = self._authority(), authority.new_key(), datetime.now(UTC)
        certificate = authority.issue_device(root, name, key.public_key(), now)
        path = self.root / f"{name}.pem"
        path.write_bytes(folder.server_pem(key, certificate))
        return authority.fingerprint(certificate), tls(ca=self.central.ca, certificate=str(path))

    def _enrolled_anew(self, gate: SimulatedGate) -> ssl.SSLContext:
        """As a technician does it: another token, another certificate."""
        fingerprint, context = self._certified(gate.name)
        roster, now = Roster(self.engine), datetime.now(UTC)
        now_s = int(now.timestamp())
        token = roster.new_token(gate.name, now_s + 60)
        key = gate.signer.verifier
        roster.enrol(token, gate.name, key, certificate=fingerprint, now_s=now_s, at=time_text(now))
        return context

    @cache  # noqa: B019 - there is one nation a measurement
    def _authority(self) -> authority.Authority:
        return folder.load(self.central.folder).authority

    async def day(self, travellers: int, *, anew: int, at_once: int) -> None:
        """Every gate has so many travellers, each carried as it comes; one in `anew` enrols again in the middle. So many begin at the same time."""
        mirror, begun = Verifier.parse(self.central.mirror_vkey), asyncio.Semaphore(at_once)

        async def live(gate: SimulatedGate, *, enrols_anew: bool) -> None:
            client = Client(cast("SpoolLog", gate.log), gate.signer.verifier.name, mirror)
            until = travellers // 2 if enrols_anew else travellers
            async with begun:
                for part in (range(until), range(until, travellers)):
                    if part and part.start:
                        gate.context = await asyncio.to_thread(self._enrolled_anew, gate)
                    async with Courier(self.central.address, gate.context) as courier:
                        for _ in part:
                            await self._traveller(gate, client, Line(courier, self.weather))

        await asyncio.gather(*(live(gate, enrols_anew=n % anew == 0) for n, gate in enumerate(self.gates)))

    async def _traveller(self, gate: SimulatedGate, client: Client, line: Line) -> None:
        await asyncio.to_thread(gate.log.travel)
        began = time.monotonic()
        while True:
            gate.tries += 1
            try:
                receipt = await carry(client, line)
            except SyncError:
                continue
            head = gate.log.head()
            assert head is not None
            if receipt is None or receipt.checkpoint.size == head[0].size:
                break
        gate.took_s.append(time.monotonic() - began)

"""Gates whose logs were written before, enrolled at a central server: what carries them to it takes no time from the writing."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from fakes.audit_logs import SmallLog
from fakes.audited_days import Day
from fakes.central_process import certified
from fakes.mirrored_gate import Central

from gate.device_certificate.device import DEVICE, Identity
from gate_central import authority, folder
from gate_central.database import open_database
from gate_central.roster import Roster
from gate_core.audit_format.checkpoint import Checkpoint
from gate_core.audit_format.note import Note, Signer
from gate_core.mirror_client.https import tls
from gate_core.mirror_client.mirror_state import Receipt
from gate_core.mirror_client.round import Client
from gate_core.mirror_client.spool import SpoolLog
from gate_core.mirror_client.wire import Request, Response


class ReplayedLog(SpoolLog):
    """A log as it was at one of its checkpoints."""

    def __init__(self, spool: Path, notes: list[bytes]) -> None:
        super().__init__(spool)
        self._notes = notes
        self.at = 0

    def head(self) -> tuple[Checkpoint, Note] | None:
        read = Note.parse(self._notes[self.at])
        return Checkpoint.parse(read.text), read


@dataclass
class ReplayedGate:
    """A gate that is enrolled, and the checkpoints of its log, each of which may be carried."""

    name: str
    log: SmallLog
    context: ssl.SSLContext
    notes: list[bytes] = field(default_factory=list)
    day: Day = field(default_factory=Day)

    @classmethod
    def enrolled(cls, central: Central, root: Path, number: int) -> ReplayedGate:
        """Make one, and enter it in the roster with a certificate."""
        name = f"gate-{number:04}"
        home = root / name
        home.mkdir()
        log = SmallLog(home, Signer.generate(f"border.example/{name}/demo"))
        identity = certified(central.folder, home, name)
        engine = open_database(folder.database_url(central.folder, central.database))
        roster, now = Roster(engine), datetime.now(UTC)
        token = roster.new_token(name, int(now.timestamp()) + 60)
        fingerprint = authority.fingerprint(Identity.load(identity).certificate)
        roster.enrol(
            *(token, name, log.signer.verifier),
            certificate=fingerprint,
            now_s=int(now.timestamp()),
            at="2026-11-25T10:00:00.000Z",
        )
        engine.dispose()
        return cls(name, log, tls(ca=central.ca, certificate=str(identity / DEVICE)))

    def travel(self, count: int, *, at_once: bool) -> None:
        """Log so many travellers whom the gate admits, each with the records that a lane writes: one checkpoint, or one each."""
        travellers = [self.day.admitted() for _ in range(count)]
        with self.log.writer() as writer:
            for batch in [[one for each in travellers for one in each]] if at_once else travellers:
                writer.append(batch, 0)
                self.log.publish(writer)
                self.notes.append((self.log.spool / "checkpoint").read_bytes())

    def replayed(self) -> ReplayedLog:
        """The log at its first checkpoint."""
        return ReplayedLog(self.log.spool, self.notes)


class Sends(Protocol):
    """A courier, or a line that loses what it carries."""

    async def send(self, request: Request) -> Response: ...


async def carry(client: Client, courier: Sends) -> Receipt | None:
    """Do a round."""
    conversation, response = client.round(), None
    try:
        while True:
            request = next(conversation) if response is None else conversation.send(response)
            response = await courier.send(request)
    except StopIteration as end:
        receipt: Receipt | None = end.value
        return receipt
    finally:
        conversation.close()

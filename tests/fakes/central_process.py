"""`gate central serve` as a process, and the files that an enrolled gate has of it."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from fakes.sync_gate import SyncGate

from gate.device_certificate.device import AUTHORITIES, DEVICE
from gate.programs.shared import config as configuration
from gate.programs.shared.config import Config, Sync
from gate_central import authority, folder, settings
from gate_central.database import open_database
from gate_central.roster import Roster
from gate_core.audit_format.note import Verifier

KEPT = ("--crossings-kept-days", "3650", "--others-kept-days", "3650")  # for gate central init


@contextlib.contextmanager
def serving(central: Path, port: int = 0) -> Iterator[int]:
    """Run the server and yield its port; it ends without warning. A folder that does not say how long keys are kept says so then."""
    if not (central / settings.NAME).exists():
        (central / settings.NAME).write_text("[kept]\ncrossings_days = 3650\nothers_days = 3650\n")
    command = [sys.executable, "-m", "gate.cli", "central", "serve", "--dir", str(central), "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as started:
        try:
            assert started.stdout is not None
            yield int(json.loads(started.stdout.readline())["port"])
        finally:
            started.kill()


def certified(central: Path, target: Path, name: str, *, days_ago: int = 0) -> Path:
    """Issue a certificate for `name`, and write and return the folder of its identity."""
    loaded, key, then = folder.load(central), authority.new_key(), datetime.now(UTC) - timedelta(days=days_ago)
    certificate = authority.issue_device(loaded.authority, name, key.public_key(), then)
    identity = target / "identity" / "1"
    identity.mkdir(parents=True)
    (identity / DEVICE).write_bytes(folder.server_pem(key, certificate))
    (identity / AUTHORITIES).write_bytes((central / "ca.pem").read_bytes())
    return identity


def registered(central: Path, gate_id: str, log: Verifier, fingerprint: str) -> None:
    """Enter a gate in the roster."""
    engine = open_database(folder.database_url(central, None))
    roster, now_s = Roster(engine), 1_800_000_000
    token = roster.new_token(gate_id, now_s + 1)
    roster.enrol(token, gate_id, log, certificate=fingerprint, now_s=now_s, at="2026-11-25T10:00:00.000Z")
    engine.dispose()


def settings_of(gate: SyncGate, sync: Sync | None) -> Config:
    """The gate's configuration with another [sync] table."""
    loaded = configuration.load(gate.config)
    fields = {name: getattr(loaded, name) for name in loaded.__struct_fields__}
    return Config(**{**fields, "sync": sync})

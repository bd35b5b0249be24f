"""What an enrolled gate has of its central server: its identity, and the table of its configuration."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from fakes.sync_gate import SyncGate

from gate.device_certificate.device import AUTHORITIES, DEVICE
from gate.programs.shared import config as configuration
from gate.programs.shared.config import Config, Sync
from gate_central import authority, folder


def certified(central: Path, target: Path, name: str, *, days_ago: int = 0) -> Path:
    """Issue a certificate for `name`, and write and return the folder of its identity."""
    loaded, key, then = folder.load(central), authority.new_key(), datetime.now(UTC) - timedelta(days=days_ago)
    certificate = authority.issue_device(loaded.authority, name, key.public_key(), then)
    identity = target / "identity" / "1"
    identity.mkdir(parents=True)
    (identity / DEVICE).write_bytes(folder.server_pem(key, certificate))
    (identity / AUTHORITIES).write_bytes((central / "ca.pem").read_bytes())
    return identity


def settings_of(gate: SyncGate, sync: Sync | None) -> Config:
    """The gate's configuration with another [sync] table."""
    loaded = configuration.load(gate.config)
    fields = {name: getattr(loaded, name) for name in loaded.__struct_fields__}
    return Config(**{**fields, "sync": sync})

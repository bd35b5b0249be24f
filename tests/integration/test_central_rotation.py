"""Central's own keys change, over real TLS: gates follow, and nothing that one of them would lose by is done."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from central_fakes.process import registered, serving
from cryptography import x509
from fakes.central_process import certified, settings_of
from fakes.sync_gate import GATE_ID, SyncGate
from typer.testing import CliRunner

from gate.audit.inbox import MirrorKeys
from gate.device_certificate.authorities import issuer_of
from gate.device_certificate.device import DEVICE, Identity
from gate.programs.shared.config import Config, Sync
from gate.programs.sync import program as sync
from gate_central import authority, folder, rotation
from gate_central.commands.central import app as central_app
from gate_central.errors import FolderError, NotYetError
from gate_core.audit_format.checkpoint import read_checkpoint
from gate_core.audit_format.note import Verifier

DEADLINE_S = 20.0


@pytest.fixture
def central(short_path: Path) -> Path:
    folder.init(short_path / "central", "127.0.0.1", datetime.now(UTC))
    return short_path / "central"


@pytest.fixture
def gate(short_path: Path) -> SyncGate:
    made = SyncGate.make(short_path / "gate")
    made.grow(1)
    return made


def enrolled(central: Path, gate: SyncGate, port: int, *, days_ago: int) -> Config:
    identity = certified(central, gate.folder, GATE_ID, days_ago=days_ago)
    found = x509.load_pem_x509_certificate((identity / DEVICE).read_bytes())
    registered(central, GATE_ID, gate.log.signer.verifier, authority.fingerprint(found))
    vkey = (central / "mirror.vkey").read_text().strip()
    return settings_of(
        gate, Sync(address=f"127.0.0.1:{port}", identity=str(identity), mirror_vkey=vkey, interval_ms=50)
    )


def command(*arguments: str, code: int = 0) -> dict[str, Any]:
    done = CliRunner().invoke(central_app, [*arguments, "--json"])
    assert done.exit_code == code, done.output
    return dict(json.loads(done.stdout)) if done.stdout else {"said": done.stderr}


@contextlib.asynccontextmanager
async def syncing(config: Config) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(sync.run(config, stop=stop, look_every_s=0.2))
    try:
        yield
    finally:
        stop.set()
        async with asyncio.timeout(DEADLINE_S):
            await task


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not holds():  # noqa: ASYNC110 - another program is watched from outside
            await asyncio.sleep(0.05)


@pytest.mark.long
@pytest.mark.filterwarnings(
    "ignore:unclosed:ResourceWarning"
)  # the library leaves to the collector what a program's end cuts off in a handshake
async def test_a_gate_goes_through_a_renewal_and_every_rotation_without_a_person(central: Path, gate: SyncGate) -> None:
    here = ("--dir", str(central))
    with serving(central) as port:
        config = enrolled(central, gate, port, days_ago=61)
        assert config.sync is not None
        place = Path(config.sync.identity)
        command("rotate", "authority", *here)
    roots = folder.load(central).roots
    assert "not all gates" in command("rotate", "server", *here, code=75)["said"]
    with serving(central, port):
        async with syncing(config):
            await until(lambda: set(Identity.load(place).authorities) == set(roots))
            await until(lambda: issuer_of(Identity.load(place).certificate, roots) == roots[0])
            await until((gate.inbox / "receipt-5.note").exists)
            await until(lambda: CliRunner().invoke(central_app, ["rotate", "server", *here]).exit_code == 0)
    assert "until" in command("rotate", "authority", "--retire", *here, code=75)["said"]
    command("rotate", "mirror", *here)
    gate.grow(1)
    log = MirrorKeys(Verifier.parse(config.sync.mirror_vkey), gate.folder / "mirror-keys")

    def the_log_takes() -> bool:
        for one in sorted(gate.inbox.glob("mirror-key-*.note")):
            log.take(one.read_bytes())
            one.unlink()
        return (gate.inbox / "receipt-10.note").exists()

    with serving(central, port):
        async with syncing(config):
            await until(the_log_takes)
    receipt = (gate.inbox / "receipt-10.note").read_bytes()
    newest = Verifier.parse((central / "mirror.vkey").read_text())
    assert log.newest == newest != Verifier.parse(config.sync.mirror_vkey)
    assert read_checkpoint(receipt, gate.log.signer.verifier, newest).size == 10
    rotation.retire_authority(central, datetime.now(UTC) + timedelta(days=authority.DEVICE_DAYS + 1))
    with serving(central, port):
        async with syncing(config):
            await until(lambda: Identity.load(place).authorities == roots[:1])


# ── the server's folder ──────────────────────────────────────────────────────────────────────────────────────────────


def now() -> datetime:
    return datetime.now(UTC)


def test_the_next_authority_issues_at_once_and_the_old_one_ends_when_nothing_of_it_is_in_use(central: Path) -> None:
    old = folder.load(central).authority.certificate
    rotation.rotate_authority(central, now())
    loaded = folder.load(central)
    assert loaded.roots == (loaded.authority.certificate, old)
    loaded.handovers[0].verify_directly_issued_by(old)
    with pytest.raises(NotYetError, match="not over"):
        rotation.rotate_authority(central, now())
    later = now() + timedelta(days=authority.DEVICE_DAYS + 1)
    with pytest.raises(NotYetError, match="in use until"):
        rotation.retire_authority(central, now())
    with pytest.raises(NotYetError, match="rotate server"):
        rotation.retire_authority(central, later)
    with pytest.raises(NotYetError, match="gate-0001"):
        rotation.rotate_server(folder.load(central), now(), ["gate-0001"])
    rotation.rotate_server(folder.load(central), now(), [])
    pem = (central / "server.pem").read_bytes()
    (central / "server.pem").write_bytes(b"no certificate")
    with pytest.raises(FolderError, match=r"server\.pem"):
        rotation.retire_authority(central, later)
    (central / "server.pem").write_bytes(pem)
    rotation.retire_authority(central, later)
    assert folder.load(central).roots == (loaded.authority.certificate,)
    with pytest.raises(NotYetError, match="alone"):
        rotation.retire_authority(central, later)
    assert {one.name for one in central.glob("*.key")} == {"ca.key", "mirror.key"}


def test_a_rotation_that_was_killed_goes_on_where_it_was(central: Path) -> None:
    """Before the new key took the old one's place: what the earlier run left is what the next one ends."""
    mirror, root = (central / "mirror.key").read_bytes(), (central / "ca.key").read_bytes()
    made = rotation.rotate_mirror(central, now())
    (central / "mirror.key").rename(central / "mirror-next.key")
    (central / "mirror.key").touch(0o600)
    (central / "mirror.key").write_bytes(mirror)
    with pytest.raises(FolderError, match="rotate mirror"):
        folder.load(central)
    assert rotation.rotate_mirror(central, now()) == made
    assert len(folder.load(central).mirror_handovers) == 1
    fingerprint = rotation.rotate_authority(central, now())
    (central / "ca.key").rename(central / "ca-next.key")
    (central / "ca.key").touch(0o600)
    (central / "ca.key").write_bytes(root)
    assert len(folder.load(central).roots) == 2
    assert rotation.rotate_authority(central, now()) == fingerprint
    assert authority.fingerprint(folder.load(central).authority.certificate) == fingerprint


def test_what_the_mirror_signed_before_still_counts(central: Path) -> None:
    keys = [folder.load(central).mirror.verifier, *(rotation.rotate_mirror(central, now()) for _ in range(2))]
    assert folder.load(central).mirrors == tuple(reversed(keys))


def test_a_folder_from_before_key_and_certificate_were_one_file_still_serves(central: Path) -> None:
    pem = (central / "server.pem").read_text()
    key, _, certificate = pem.partition("-----BEGIN CERTIFICATE")
    (central / "server.key").write_text(key)
    (central / "server.pem").write_text("-----BEGIN CERTIFICATE" + certificate)
    assert folder.server_files(central) == (central / "server.pem", central / "server.key")
    rotation.rotate_server(folder.load(central), now(), [])
    assert folder.server_files(central) == (central / "server.pem", None)
    assert not (central / "server.key").exists()

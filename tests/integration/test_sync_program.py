"""The sync program over real TLS: receipts, outages, a log that went back in time, hostile servers, and its status."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from central_fakes.process import registered, serving
from core_fakes.approvals import signed
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from fakes.audit_logs import ORIGIN
from fakes.central_process import certified, settings_of
from fakes.sync_gate import GATE_ID, SyncGate
from msgspec import structs

from gate.channel.message import Status
from gate.device_certificate.credentials import DEVICE_PASSPHRASE
from gate.device_certificate.device import AUTHORITIES, DEVICE, Wanted, lock
from gate.programs.shared.config import Config, Sync
from gate.programs.shared.runner import status_of
from gate.programs.sync import program as sync
from gate.provision.enrolment import enrol
from gate.provision.steps import StepError
from gate_central import authority, folder
from gate_central.archive import is_intact
from gate_central.database import open_database
from gate_central.ledger import Ledger
from gate_central.roster import Roster
from gate_central.schema import age_keys
from gate_core.approval.note import Approval
from gate_core.audit_format.checkpoint import read_checkpoint
from gate_core.audit_format.note import Verifier
from gate_core.audit_format.spool import EXPIRED, Spool
from gate_core.audit_format.statements import Expired, Held
from gate_core.command_line.output import Exit
from gate_core.mirror_client import wire
from gate_core.mirror_client.errors import BadAnswerError, ExpiredError, MirrorAwayError, SyncError
from gate_core.mirror_client.https import Courier, tls
from gate_core.programs import clock
from gate_core.settings.config_file import ConfigError

DEADLINE_S = 30.0


@pytest.fixture(scope="module")
def central(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("central")
    folder.init(made, "127.0.0.1", datetime.now(UTC))
    return made


@pytest.fixture
def gate(short_path: Path) -> SyncGate:
    return SyncGate.make(short_path / "gate")


def enrolled(central: Path, gate: SyncGate, port: int, *, days_ago: int = 0) -> Config:
    identity = certified(central, gate.folder, GATE_ID, days_ago=days_ago)
    loaded = x509.load_pem_x509_certificate((identity / DEVICE).read_bytes())
    registered(central, GATE_ID, gate.log.signer.verifier, authority.fingerprint(loaded))
    vkey = (central / "mirror.vkey").read_text().strip()
    table = Sync(address=f"127.0.0.1:{port}", identity=str(identity), mirror_vkey=vkey, interval_ms=50)
    return settings_of(gate, table)


@pytest.fixture
def own_central(short_path: Path) -> Path:
    folder.init(short_path / "central", "127.0.0.1", datetime.now(UTC))
    return short_path / "central"


@contextlib.asynccontextmanager
async def running(config: Config, *, look_every_s: float = 3600.0) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(sync.run(config, stop=stop, look_every_s=look_every_s))
    try:
        yield
    finally:
        stop.set()
        async with asyncio.timeout(DEADLINE_S):
            await task


async def until(question: Callable[[], Awaitable[Any]]) -> Any:
    async with asyncio.timeout(DEADLINE_S):
        while not (answer := await question()):  # noqa: ASYNC110 - another program is watched from outside
            await asyncio.sleep(0.02)
        return answer


async def status_like(config: Config, state: str, **detail: Any) -> Status:
    async def looks_so() -> Status | None:
        found = await status_of(config, "sync")
        wanted = found is not None and found.state == state and all(found.detail[k] == v for k, v in detail.items())
        return found if wanted else None

    found: Status = await until(looks_so)
    return found


async def test_the_program_leaves_receipts_through_an_outage_and_says_each_change_once(
    own_central: Path, gate: SyncGate, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "gate.sync")
    gate.grow(1)
    with serving(own_central) as found:
        config = enrolled(own_central, gate, found)
        async with running(config):
            await status_like(config, "ready", head=5, mirrored=5, pending=0)
            mirror = Verifier.parse((own_central / "mirror.vkey").read_text().strip())
            note = (gate.inbox / "receipt-5.note").read_bytes()
            assert read_checkpoint(note, gate.log.signer.verifier, mirror).size == 5
    async with running(config):
        gate.grow(1)
        away = await status_like(config, "away", head=10)
        assert away.detail["problem"]
        with serving(own_central, found):
            status = await status_like(config, "ready", head=10, mirrored=10, pending=0)
            assert status.detail["last_receipt"]
    assert caplog.messages.count("mirror_not_reached") == 1
    assert caplog.messages.count("mirror_reached") == 1
    assert sorted(one.name for one in gate.inbox.iterdir()) == ["held.note", "receipt-10.note", "receipt-5.note"]
    held, _ = Held.read((gate.inbox / "held.note").read_bytes(), mirror)
    assert held == Held(ORIGIN, 10)


async def test_what_the_gate_has_forgotten_goes_from_the_central_server_too(own_central: Path, gate: SyncGate) -> None:
    gate.grow(2)
    with serving(own_central) as found:
        config = enrolled(own_central, gate, found)
        engine = open_database(folder.database_url(own_central, None))

        async def keys() -> int:
            with engine.connect() as connection:
                mine = sa.select(sa.func.count()).where(age_keys.c.device == GATE_ID)
                return int(connection.execute(mine).scalar_one())

        async def are_gone() -> bool:
            return await keys() == 0

        async with running(config):
            await status_like(config, "ready", mirrored=10)
            assert await keys() == 2
            word = Expired({"crossing": datetime.now(UTC).date()}).sign(gate.log.signer)
            Spool(gate.log.spool).write({EXPIRED: word})
            await until(are_gone)
        engine.dispose()


async def test_a_gate_that_was_set_back_is_told_of_the_newest_approval(own_central: Path, gate: SyncGate) -> None:
    gate.grow(1)

    def lay(serial: int) -> bytes:
        raw = signed(Approval(ORIGIN, serial, "ab" * 32)).note.to_bytes()
        config.approval_path.write_bytes(raw)
        return raw

    async def told() -> bool:
        return (gate.inbox / "approval.note").exists()

    with serving(own_central) as port:
        config = enrolled(own_central, gate, port)
        config = structs.replace(config, paths=structs.replace(config.paths, approval=str(gate.folder)))
        newest = lay(5)
        async with running(config):
            await status_like(config, "ready", mirrored=5)
            lay(4)
            await until(told)
    assert (gate.inbox / "approval.note").read_bytes() == newest


async def test_a_centre_that_dies_in_the_middle_of_an_upload_is_filled_up_later(
    own_central: Path, gate: SyncGate
) -> None:
    gate.grow(430)  # two requests of entries
    engine = open_database(folder.database_url(own_central, None))

    async def some_entries_are_there() -> bool:
        return Ledger(engine).head(GATE_ID).next_entry > 0

    with serving(own_central) as found:
        config = enrolled(own_central, gate, found)
        pushing = asyncio.create_task(sync.push(config))
        await until(some_entries_are_there)
    with pytest.raises(SyncError):
        await pushing
    kept = Ledger(engine).head(GATE_ID).next_entry
    assert 0 < kept <= gate.size
    with serving(own_central, found):
        pushed = await sync.push(config)
        assert (pushed["mirrored"], pushed["problem"]) == (gate.size, None)
    one = Roster(engine).find(GATE_ID)
    assert one is not None
    assert is_intact(Ledger(engine), one, folder.load(own_central).mirrors)
    engine.dispose()


async def test_an_inbox_that_cannot_be_written_gets_its_receipt_later(own_central: Path, gate: SyncGate) -> None:
    gate.grow(1)
    gate.inbox.rmdir()
    with serving(own_central) as found:
        config = enrolled(own_central, gate, found)
        async with running(config):
            await status_like(config, "away", head=5)
            gate.inbox.mkdir()
            await status_like(config, "ready", mirrored=5)
    assert (gate.inbox / "receipt-5.note").exists()


async def test_a_rolled_back_log_leaves_the_mirrors_note_for_the_log_program(
    own_central: Path, gate: SyncGate, short_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    gate.grow(2)
    with serving(own_central) as found:
        config = enrolled(own_central, gate, found)
        await sync.push(config)
        restored = SyncGate.make(short_path / "restored")
        restored.log.signer = gate.log.signer
        restored.grow(1)
        assert config.sync is not None
        async with running(behind := settings_of(restored, config.sync)):
            await status_like(behind, "away", problem="the mirror holds another log than we do")
    note = (restored.inbox / "receipt-10.note").read_bytes()
    assert read_checkpoint(note, gate.log.signer.verifier).size == 10
    assert "mirror_contradicts" in caplog.messages


async def test_a_program_without_a_usable_sync_table_says_what_to_do(gate: SyncGate, central: Path) -> None:
    with pytest.raises(ConfigError, match="enrol"):
        await sync.push(settings_of(gate, None))
    vkey = (central / "mirror.vkey").read_text().strip()
    missing = Sync(address="127.0.0.1:1", identity="none", mirror_vkey=vkey)
    with pytest.raises(ConfigError, match="certificate"):
        await sync.push(settings_of(gate, missing))
    with pytest.raises(ConfigError, match="mirror_vkey"):
        await sync.push(settings_of(gate, Sync(address="x", identity="x", mirror_vkey="x")))


async def test_a_sealed_key_is_used_and_renewed_under_its_passphrase_and_not_without(
    own_central: Path, gate: SyncGate, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate.grow(1)
    passphrase, credentials = b"ab" * 32, gate.folder / "credentials"
    credentials.mkdir()
    (credentials / DEVICE_PASSPHRASE.name).write_bytes(passphrase)
    with serving(own_central) as port:
        config = enrolled(own_central, gate, port, days_ago=61)
        assert config.sync is not None
        device = Path(config.sync.identity) / DEVICE
        lock(device.parent, passphrase)
        before = device.read_bytes()

        async def is_renewed() -> bool:
            return device.read_bytes() != before

        with pytest.raises(ConfigError, match="nobody gave a passphrase"):
            await sync.push(config)
        monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
        async with running(config, look_every_s=0.1):
            await until(is_renewed)
            gate.grow(1)
            await status_like(config, "ready", mirrored=10)
    assert b"BEGIN ENCRYPTED PRIVATE KEY" in device.read_bytes()
    assert load_pem_private_key(device.read_bytes(), passphrase)


async def test_a_passphrase_that_cannot_be_opened_is_a_configuration_that_cannot_work(
    own_central: Path, gate: SyncGate
) -> None:
    config = enrolled(own_central, gate, 1)
    DEVICE_PASSPHRASE.sealed(gate.folder / "keys").write_text("no seal")
    with pytest.raises(ConfigError, match="its key is sealed"):
        await sync.push(config)


# ── hostile servers ──────────────────────────────────────────────────────────────────────────────────────────────────


@contextlib.asynccontextmanager
async def hostile(central: Path, answer: bytes) -> AsyncIterator[str]:
    """A server with the right certificate that says anything and hangs up."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(central / "server.pem")

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(speak, sock=socket.create_server(("127.0.0.1", 0)), ssl=context)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


def context_of(identity: Path) -> ssl.SSLContext:
    return tls(ca=str(identity / AUTHORITIES), certificate=str(identity / DEVICE))


ENDLESS = b"HTTP/1.1 200 OK\r\ncontent-length: 9000000\r\n\r\n" + bytes(200_000)
CUT = b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\nabc"
BOMB = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 3\r\n\r\nabc"


@pytest.mark.parametrize(
    ("answer", "error"),
    [(b"garbage\r\n\r\n", MirrorAwayError), (b"", MirrorAwayError), (CUT, MirrorAwayError), (ENDLESS, BadAnswerError)],
)
async def test_an_answer_that_is_none_is_one_clear_error(
    central: Path, short_path: Path, answer: bytes, error: type[Exception]
) -> None:
    context = context_of(certified(central, short_path, "gate-0001"))
    async with (
        hostile(central, answer) as address,
        Courier(address, context) as courier,
    ):
        with pytest.raises(error):
            await courier.send(wire.bodies_request())


async def test_redirects_are_not_followed_and_nothing_is_uncompressed(central: Path, short_path: Path) -> None:
    context = context_of(certified(central, short_path, "gate-0001"))
    moved = b"HTTP/1.1 302 Found\r\nlocation: https://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n"
    for answer, status, body in ((moved, 302, b""), (BOMB, 200, b"abc")):
        async with (
            hostile(central, answer) as address,
            Courier(address, context) as courier,
        ):
            response = await courier.send(wire.bodies_request())
            assert (response.status, response.body) == (status, body)


def no_token() -> str:
    raise AssertionError("the token was asked for, of a server that is none")


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"garbage\r\n\r\n", Exit.UNREACHABLE),
        (b"", Exit.UNREACHABLE),
        (CUT, Exit.UNREACHABLE),
        (ENDLESS, Exit.BAD_DATA),
    ],
)
async def test_enrolment_believes_no_answer_that_is_none_and_keeps_the_token(
    central: Path, answer: bytes, error: Exit
) -> None:
    roots = folder.load(central).roots
    wanted = Wanted.new(GATE_ID)
    async with hostile(central, answer) as address:
        with pytest.raises(StepError) as caught:
            await asyncio.to_thread(enrol, address, roots, wanted, token=no_token, log_vkey="x", now=clock.now)
    assert caught.value.code is error
    assert str(caught.value).isprintable()


async def test_enrolment_tells_its_token_to_no_server_of_another_authority(central: Path) -> None:
    stranger = authority.found("stranger.example", datetime.now(UTC)).certificate
    wanted = Wanted.new(GATE_ID)
    async with hostile(central, b"") as address:
        with pytest.raises(
            StepError, check=lambda error: error.code is Exit.UNREACHABLE, match="CERTIFICATE_VERIFY_FAILED"
        ):
            await asyncio.to_thread(enrol, address, (stranger,), wanted, token=no_token, log_vkey="x", now=clock.now)


async def test_a_gate_whose_certificate_has_expired_says_what_to_do_and_asks_nobody(
    own_central: Path, gate: SyncGate
) -> None:
    gate.grow(1)
    config = enrolled(own_central, gate, 1, days_ago=91)
    async with running(config):
        status = await status_like(config, "away")
        assert "gate provision enrol --again" in str(status.detail["problem"])
        assert status.detail["certificate_days_left"] == -1.0
    with pytest.raises(ExpiredError, match="enrol --again"):
        await sync.push(config)

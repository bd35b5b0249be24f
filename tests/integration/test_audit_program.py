"""The log program over its socket: receipts, refusals, status, receipts of the mirror, and recovery without a restart."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import shutil
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pyrage
import pytest
from fakes.audit_logs import ENDING, LEADING
from msgspec.structs import replace

from drivers.barrier.settings import Modbus
from drivers.camera.settings import Network
from drivers.reader.settings import Elyctis
from gate.audit.inbox import Found, Inbox
from gate.audit.store import Store
from gate.audit.writer import Writer
from gate.channel.errors import ChannelClosedError
from gate.channel.log_messages import (
    Append,
    Appended,
    FromLog,
    NewRecord,
    NotKnown,
    NotRecorded,
    OpenCrossings,
    OpenCrossingsRequest,
    Recorded,
)
from gate.channel.message import Status, StatusRequest
from gate.channel.screen_messages import WatchView
from gate.channel.sockets import Connection, connect
from gate.channel.table import CHANNELS
from gate.passage.names import RecordClass, RecordKind
from gate.programs.log import program as log
from gate.programs.log import server
from gate.programs.log.context import Timing
from gate.programs.shared.config import Audit, Config, Notice, Paths, Sync
from gate.provision.log_key import rotation
from gate.provision.steps import StepState, carry_out
from gate_core.audit_format import keys
from gate_core.audit_format.checkpoint import Checkpoint, read_checkpoint
from gate_core.audit_format.errors import StoreError
from gate_core.audit_format.note import Algorithm, Note, Signer, Verifier
from gate_core.evidence.screen import Purpose
from gate_core.programs import clock
from gate_core.settings.config_file import ConfigError
from gate_verify.verify import verify

MIRROR = Signer.generate("mirror.example/m", Algorithm.COSIGNATURE_V1)
AUDITOR = pyrage.x25519.Identity.generate()
OFTEN = Timing(receipts_every_s=0.01, erasures_every_s=0.01, publish_again_s=0.01)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    names = ("run", "state", "spool", "inbox", "keys")
    for name in ("inbox", "keys", "spool"):
        (tmp_path / name).mkdir()
    sync = Sync(address="none", identity="none", mirror_vkey=MIRROR.verifier.vkey)
    made = Config(
        purpose=Purpose.DEMO,
        gate_id="gate-0001",
        operator="border.example",
        paths=Paths(**{name: str(tmp_path / name) for name in names}),
        barrier=Modbus(port="none"),
        swipe=Elyctis(port="nothing"),
        camera=Network(address="http://127.0.0.1:9/"),
        audit=Audit(recipients=(str(AUDITOR.to_public()),)),
        sync=sync,
    )
    keys.generate(tmp_path / "keys" / "log.key", made.origin)
    return made


def write(folder: str, name: str, content: bytes) -> None:
    (Path(folder) / name).write_bytes(content)


def names_in(folder: str) -> list[str]:
    return [one.name for one in Path(folder).iterdir()]


def verifier_of(config: Config) -> Verifier:
    return keys.load(Path(config.paths.keys) / "log.key", config.origin).verifier


@contextlib.asynccontextmanager
async def running(
    config: Config, timing: Timing = OFTEN, boot: str | None = None, wall: Callable[[], datetime] = clock.now
) -> AsyncIterator[Connection[FromLog]]:
    """The program, and a connection to it. `boot` is the kernel's name of the boot, if it is to be another one."""
    stop = asyncio.Event()
    task = asyncio.create_task(log.run(config, stop=stop, timing=timing, boot=boot, wall=wall))
    try:
        connection = await connected(config, task)
        yield connection
        connection.close()
    finally:
        stop.set()
        async with asyncio.timeout(20):
            await task


async def connected(config: Config, program: asyncio.Task[None]) -> Connection[FromLog]:
    """Connect as soon as the program listens; raise what it raised if it does not."""
    while True:
        try:
            return await connect(CHANNELS.log, config.socket("log"))
        except ChannelClosedError:
            if program.done():
                program.result()
            await asyncio.sleep(0.005)


def new(kind: str, crossing: str | None = None, *, append_id: bytes | None = None, body: bytes = b"{}") -> NewRecord:
    return NewRecord(
        id=append_id or os.urandom(16),
        kind=RecordKind(kind),
        about=RecordClass.DEVICE if crossing is None else RecordClass.CROSSING,
        crossing=crossing,
        monotonic_ms=1,
        leads_to_admission=kind in LEADING,
        ends_crossing=kind in ENDING,
        bytes_min=0,
        body=body,
    )


def append(kind: str, crossing: str | None = None, body: bytes = b"{}") -> Append:
    return Append([new(kind, crossing, body=body)])


def recorded(*indexes: int) -> Appended:
    return Appended([Recorded(index) for index in indexes])


def is_recorded(answer: FromLog) -> bool:
    return isinstance(answer, Appended) and all(isinstance(one, Recorded) for one in answer.outcomes)


async def ask(connection: Connection[FromLog], message: Any) -> FromLog:
    await connection.send(message)
    return await connection.receive()


async def status(connection: Connection[FromLog]) -> Status:
    answer = await ask(connection, StatusRequest())
    assert isinstance(answer, Status)
    return answer


async def until(connection: Connection[FromLog], state: str | None = None, **detail: Any) -> Status:
    """Wait until the status says so."""
    async with asyncio.timeout(10):
        while True:
            found = await status(connection)
            if state in {None, found.state} and all(found.detail[name] == value for name, value in detail.items()):
                return found
            await asyncio.sleep(0.01)


async def test_a_receipt_follows_each_record_and_the_spool_follows_the_receipts(config: Config) -> None:
    async with running(config) as lane:
        for index, kind in enumerate(("opened", "decided", "closed")):
            assert await ask(lane, append(kind, "c1")) == recorded(index)
        found = await until(lane, published=3)
        assert (found.program, found.state) == ("log", "ready")
        assert found.detail["entries"] == 3
        free_bytes = found.detail["disk_free_bytes"]
        assert isinstance(free_bytes, int)
        assert free_bytes > 0
        checkpoint = read_checkpoint((Path(config.paths.spool) / "checkpoint").read_bytes(), verifier_of(config))
        assert checkpoint.root.hex() == found.detail["root"]
    assert verify(Path(config.paths.spool), verifier_of(config).vkey).verified


async def test_records_sent_together_are_answered_in_order_and_kept_at_the_end(config: Config) -> None:
    async with running(config) as lane:
        for _ in range(200):
            await lane.send(append("incident"))
        answers = [await lane.receive() for _ in range(200)]
        assert answers == [recorded(index) for index in range(200)]
        await lane.send(append("stopped"))
        await lane.receive()
    report = verify(Path(config.paths.spool), verifier_of(config).vkey)
    assert (report.verified, report.entries) == (True, 201), "what was recorded last is published before the end"


async def left(lane: Connection[FromLog]) -> OpenCrossings:
    """What the log says an earlier run left, apart from the time."""
    answer = await ask(lane, OpenCrossingsRequest())
    assert isinstance(answer, OpenCrossings)
    return replace(answer, written_s=0)


async def test_open_crossings_are_remembered_over_a_restart(config: Config) -> None:
    async with running(config) as lane:
        await ask(lane, append("opened", "c1"))
        await ask(lane, Append([new("opened", "c2"), new("closed", "c1")]))
    async with running(config) as lane:
        assert await left(lane) == OpenCrossings(["c2"])


async def test_what_the_lane_wants_to_be_told_again_is_told_at_its_next_start(config: Config) -> None:
    async with running(config) as lane:
        assert await left(lane) == OpenCrossings([], b"")
        await ask(lane, Append([replace(new("passed"), remember=b"counters")]))
    async with running(config) as lane:
        assert await left(lane) == OpenCrossings([], b"counters")


async def test_who_waits_for_an_officer_is_remembered_over_a_restart_until_settled(config: Config) -> None:
    waits = replace(new("closed", "c1"), awaits_officer=True)
    async with running(config) as lane:
        await ask(lane, Append([new("opened", "c1"), waits, new("opened", "c2"), new("closed", "c2")]))
    async with running(config) as lane:
        assert await left(lane) == OpenCrossings([], b"", ["c1"])
        await ask(lane, append("disposition", "c1"))
        assert await left(lane) == OpenCrossings([])


@pytest.mark.parametrize(
    "impossible",
    [
        new("opened", "no such id!"),
        replace(new("opened", "c1"), monotonic_ms=-1),
        replace(new("opened", "c1"), about=RecordClass.DEVICE),
        new("incident", body=b"bytes"),
        new("incident", body=b"{}\n{}"),
        new("incident", body=b'{"long":"' + b"x" * 49_000 + b'"}'),
    ],
)
async def test_what_can_be_no_record_is_not_recorded_and_holds_up_nothing(
    config: Config, impossible: NewRecord
) -> None:
    async with running(config) as lane:
        answer = await ask(lane, Append([new("opened", "c1"), impossible, new("closed", "c1")]))
        assert isinstance(answer, Appended)
        first, refused, last = answer.outcomes
        assert (first, last) == (Recorded(0), Recorded(1))
        assert isinstance(refused, NotRecorded)
        assert not refused.again


async def test_a_log_takes_admissions_again_when_it_has_proven_so_since_it_refused_a_record(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:

    def broken(*_: object, **__: object) -> None:
        raise StoreError("disk I/O error")

    async with running(config, Timing(proof_again_s=0.3)) as lane:
        assert (await until(lane, "ready")).detail["takes_admissions"]
        answer = await ask(lane, append("opened", "no such id!"))
        assert isinstance(answer, Appended)
        assert (await status(lane)).detail["takes_admissions"], "what can be no record says nothing of the disk"
        with monkeypatch.context() as patch:
            patch.setattr(Store, "append", broken)
            assert not is_recorded(await ask(lane, append("opened", "c1")))
        assert not (await status(lane)).detail["takes_admissions"]
        assert (await until(lane, "ready")).detail["takes_admissions"]


async def test_an_append_that_is_offered_again_is_answered_with_the_first_ones_index(config: Config) -> None:
    first, second = new("opened", "c1"), new("closed", "c1")
    async with running(config) as lane:
        assert await ask(lane, Append([first])) == recorded(0)
        assert await ask(lane, Append([first, second, second])) == recorded(0, 1, 1)
    async with running(config) as lane:
        assert await ask(lane, Append([second, new("release"), first])) == recorded(1, 2, 0)
    assert verify(Path(config.paths.spool), verifier_of(config).vkey).entries == 3


async def test_a_peer_that_breaks_the_protocol_is_hung_up_on_alone(config: Config) -> None:
    async with running(config) as lane:
        rude = await connect(CHANNELS.log, config.socket("log"))
        await rude.send(WatchView())
        with pytest.raises(ChannelClosedError):
            await rude.receive()
        assert await ask(lane, append("opened", "c1")) == recorded(0)


async def test_a_peer_that_leaves_without_its_answer_holds_up_nobody(config: Config) -> None:
    async with running(config) as lane:
        hasty = await connect(CHANNELS.log, config.socket("log"))
        for _ in range(50):
            await hasty.send(append("incident"))
        hasty.close()
        assert is_recorded(await ask(lane, append("opened", "c1")))
        assert (await status(lane)).state == "ready"


async def test_a_full_queue_is_answered_and_not_waited_for(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "WAITING_MAX", 1)
    async with running(config) as lane:
        for _ in range(60):
            await lane.send(append("incident"))
        outcomes = []
        for _ in range(60):
            answer = await lane.receive()
            assert isinstance(answer, Appended)
            outcomes += answer.outcomes
        assert any(isinstance(one, NotKnown) and "wait for the disk" in one.reason for one in outcomes)
        assert (await status(lane)).detail["entries"] == sum(isinstance(one, Recorded) for one in outcomes)


async def _written_by_a_flood(config: Config) -> tuple[int, float]:
    """How many records a lane that never stops gets written over all its connections, and in how many seconds."""

    async def pour(line: Connection[FromLog]) -> None:
        while True:
            await line.send(Append([new("incident") for _ in range(64)]))

    async def drain(line: Connection[FromLog]) -> None:
        async for _ in line:
            pass

    clock_s = asyncio.get_running_loop().time
    async with running(config) as first:
        lines = [first, *[await connect(CHANNELS.log, config.socket("log")) for _ in range(2)]]
        began_s = clock_s()
        tasks = [asyncio.ensure_future(of(line)) for line in lines for of in (pour, drain)]
        await asyncio.sleep(1.5)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for line in lines:
            line.close()
    return verify(Path(config.paths.spool), verifier_of(config).vkey).entries, clock_s() - began_s


async def test_a_flood_writes_no_more_records_than_its_callers_rate(config: Config) -> None:
    rate = CHANNELS.log.to_listener_rate
    entries, took_s = await _written_by_a_flood(config)
    begun = 3 * 64  # an append is heard whole
    assert rate.burst <= entries <= rate.burst + rate.a_second * took_s + begun


async def test_receipts_of_the_mirror_are_taken_in_and_forged_ones_put_aside(config: Config) -> None:
    async with running(config) as lane:
        await ask(lane, append("opened", "c1"))
        await until(lane, published=1)
        note = Note.parse((Path(config.paths.spool) / "checkpoint").read_bytes())
        stranger = Signer.generate(MIRROR.verifier.name, Algorithm.COSIGNATURE_V1)
        forged = note.with_signatures([stranger.cosign(note.text, 1)])
        receipt = note.with_signatures([MIRROR.cosign(note.text, 1)])
        write(config.paths.inbox, "receipt-9.note", forged.to_bytes())
        write(config.paths.inbox, "receipt-1.note", receipt.to_bytes())
        await until(lane, mirrored=1, receipts_refused=1)
        async with asyncio.timeout(10):
            while names_in(config.paths.inbox):  # a receipt is taken away once it counts
                await status(lane)
    assert names_in(f"{config.paths.state}/audit/refused") == ["receipt-9.note"]


async def test_the_head_is_confirmed_by_a_receipt_of_this_boot_and_accepted_by_a_record(config: Config) -> None:
    async def head(lane: Connection[FromLog]) -> tuple[object, object]:
        told = (await status(lane)).detail["head"]
        assert isinstance(told, dict)
        return told["state"], told["entries"]

    async with running(config, boot="aaaa") as lane:
        assert await head(lane) == ("unconfirmed", 0)
        await ask(lane, append("started"))
        await until(lane, published=1)
        assert await head(lane) == ("unconfirmed", 0)
        note = Note.parse((Path(config.paths.spool) / "checkpoint").read_bytes())
        signed = note.with_signatures([MIRROR.cosign(note.text, 1)]).to_bytes()
        write(config.paths.inbox, "receipt-1.note", signed)
        await until(lane, mirrored=1)
        assert await head(lane) == ("confirmed", 0)
    async with running(config, boot="aaaa") as lane:
        assert await head(lane) == ("confirmed", 0)
    async with running(config, boot="bbbb") as lane:
        write(config.paths.inbox, "receipt-1.note", signed)
        await ask(lane, append("started"))
        assert await head(lane) == ("unconfirmed", 1)
        await ask(lane, Append([replace(new("head_accepted"), accepts_head=True)]))
        assert await head(lane) == ("accepted", 1)


def ticking(since: datetime) -> Callable[[], datetime]:
    """A clock that goes on from that time."""
    then_ms = clock.monotonic_ms()
    return lambda: since + timedelta(milliseconds=clock.monotonic_ms() - then_ms)


async def test_each_step_of_the_clock_is_a_record_and_the_log_says_what_it_cannot_stand_before(config: Config) -> None:
    timing, then = Timing(clock_every_s=0.01), datetime(2026, 11, 23, 12, 30, tzinfo=UTC)
    walls = [ticking(then)]
    async with running(config, timing, wall=lambda: walls[-1]()) as lane:  # noqa: PLW0108 - the list changes
        await ask(lane, append("started"))
        assert (await status(lane)).detail["times"] == {"written": "2026-11-23T12:00:00Z", "cosigned": None}
        walls.append(ticking(then + timedelta(days=1)))
        await until(lane, entries=2)
        walls.append(ticking(then))
        await until(lane, published=3, times={"written": "2026-11-24T12:00:00Z", "cosigned": None})
        told = await ask(lane, OpenCrossingsRequest())
        assert isinstance(told, OpenCrossings)
        assert told.written_s == datetime(2026, 11, 24, 12, tzinfo=UTC).timestamp(), "a lane that starts hears it, too"
    earlier = ticking(then - timedelta(days=9))
    async with running(config, timing, wall=earlier) as lane:
        await until(lane, published=4)
        note = Note.parse((Path(config.paths.spool) / "checkpoint").read_bytes())
        receipt = note.with_signatures([MIRROR.cosign(note.text, int(then.timestamp()))])
        write(config.paths.inbox, "receipt-4.note", receipt.to_bytes())
        await until(lane, mirrored=4)
        times = {"written": "2026-11-24T12:00:00Z", "cosigned": "2026-11-23T12:30:00.000Z"}
        assert (await status(lane)).detail["times"] == times
    async with running(config, timing, wall=ticking(then + timedelta(days=2))) as lane:
        assert (await status(lane)).detail["times"] == times
    report = verify(Path(config.paths.spool), verifier_of(config).vkey)
    assert (report.verified, report.entries) == (True, 4), "a clock that stands after all that makes no step"


async def test_keys_go_to_their_days_and_are_forgotten_after_their_time(config: Config) -> None:
    notice = Notice(contact="c@d.example", address="https://d.example/n", results_kept_days=2)
    config = replace(config, notice=notice)
    then = clock.now()  # no clock stands before the program's build
    timing = Timing(receipts_every_s=0.01, erasures_every_s=0.01, publish_again_s=0.01, keys_every_s=0.05)

    def signed_at(moment: datetime) -> bytes:
        note = Note.parse((Path(config.paths.spool) / "checkpoint").read_bytes())
        return note.with_signatures([MIRROR.cosign(note.text, int(moment.timestamp()))]).to_bytes()

    async with running(config, timing, wall=ticking(then)) as lane:
        await ask(lane, append("opened", "c1"))
        found = await until(lane, published=1)
        assert found.detail["keys"]["oldest"] == {}, "nobody knows yet of which day it is"  # type: ignore[index]
        write(config.paths.inbox, "receipt-1.note", signed_at(then))
        async with asyncio.timeout(10):
            while (await status(lane)).detail["keys"]["oldest"] != {"crossing": then.date().isoformat()}:  # type: ignore[index]  # noqa: ASYNC110 - another program
                await asyncio.sleep(0.01)
        assert verify(Path(config.paths.spool), verifier_of(config).vkey).erased == 0
    later = then + timedelta(days=4)
    async with running(config, timing, wall=ticking(later)) as lane:
        await ask(lane, append("incident"))
        await until(lane, published=2)
        write(config.paths.inbox, "receipt-2.note", signed_at(later))
        await until(lane, published=3, mirrored=2)  # with the record that says so
    assert verify(Path(config.paths.spool), verifier_of(config).vkey).erased == 1


async def test_whatever_lies_in_the_inbox_records_are_written_and_receipts_taken(
    config: Config, caplog: pytest.LogCaptureFixture
) -> None:
    """A pipe held the log up for good, and 40,000 names each append for as long as it took to list them."""
    folder = Path(config.paths.inbox)
    os.mkfifo(folder / "receipt-900.note")
    (folder / "receipt-800.note").mkdir()
    for n in range(40_000):
        os.mknod(folder / f"receipt-{n + 1000}.note.{n}")
    for n in range(20):
        write(config.paths.inbox, f"receipt-{n + 100}.note", b"forged")
    async with running(config) as lane:
        for seq in range(50):
            async with asyncio.timeout(2):
                assert is_recorded(await ask(lane, append("opened", f"c{seq}")))
            await asyncio.sleep(0.01)
        found = await until(lane, "ready", receipts_refused=20)
    assert found.detail["entries"] == 50
    assert [one.getMessage() for one in caplog.records].count("inbox_problem") == 1


async def test_an_inbox_that_is_no_folder_is_said_once_and_stops_nothing(
    config: Config, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.rmtree(config.paths.inbox)
    os.mkfifo(config.paths.inbox)
    async with running(config) as lane:
        assert is_recorded(await ask(lane, append("opened", "c1")))
        await asyncio.sleep(0.1)
        assert (await status(lane)).state == "ready"
    assert [one.getMessage() for one in caplog.records].count("inbox_problem") == 1


async def test_the_end_of_a_problem_with_the_inbox_is_said_too(
    config: Config, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "gate.log")
    write(config.paths.inbox, "receipt-1.note", b"forged")
    async with running(config) as lane:
        await until(lane, receipts_refused=1)
        await asyncio.sleep(0.1)
    told = [one.getMessage() for one in caplog.records]
    assert (told.count("inbox_problem"), told.count("inbox_well_again")) == (1, 1)


async def test_a_spool_that_cannot_be_written_is_said_once_and_caught_up_with(
    config: Config, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    spool = Path(config.paths.spool)
    async with running(config) as lane:
        (spool / "sealed").write_bytes(b"in the way")
        assert is_recorded(await ask(lane, append("opened", "c1")))
        await until(lane, "degraded")
        assert is_recorded(await ask(lane, append("closed", "c1"))), "a receipt does not depend on the spool"
        (spool / "sealed").unlink()
        assert (await until(lane, published=2)).state == "ready"
    events = [record.message for record in caplog.records if record.name == "gate.log"]
    assert events.count("publishing_failed") == 1
    assert events.count("publishing_resumed") == 1


async def test_a_log_from_the_past_answers_but_records_nothing(
    config: Config, caplog: pytest.LogCaptureFixture
) -> None:
    database = Path(config.paths.state) / "audit" / "log.sqlite"
    async with running(config) as lane:
        await ask(lane, append("opened", "c1"))
    old = database.read_bytes()
    async with running(config) as lane:
        await ask(lane, append("closed", "c1"))
    database.write_bytes(old)
    async with running(config) as lane:
        answer = await ask(lane, append("release"))
        assert isinstance(answer, Appended)
        (outcome,) = answer.outcomes
        assert isinstance(outcome, NotKnown)
        assert "from the past" in outcome.reason
        assert not outcome.tried
        assert (await status(lane)).state == "degraded"
    assert "writing_failed" in [record.message for record in caplog.records]


async def test_a_log_that_was_contradicted_takes_no_record_after_any_start(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the mirror showed lies in the inbox; it is looked at before the first record, and stays."""

    def slow_look(inbox: Inbox) -> list[Found]:
        time.sleep(0.2)
        return look(inbox)

    look = Inbox.look
    monkeypatch.setattr(Inbox, "look", slow_look)
    async with running(config) as lane:
        assert is_recorded(await ask(lane, append("presence")))
    signer = keys.load(Path(config.paths.keys) / "log.key", config.origin)
    other = Checkpoint(config.origin, 1, b"\x01" * 32).sign(signer)
    write(config.paths.inbox, "receipt-1.note", other.to_bytes())
    for _ in range(2):
        async with running(config) as lane:
            assert not is_recorded(await ask(lane, append("presence")))
            assert (await status(lane)).state == "degraded"
        assert names_in(config.paths.inbox) == ["receipt-1.note"]


async def test_a_spool_checkpoint_that_we_did_not_sign_counts_for_nothing(config: Config) -> None:
    write(config.paths.spool, "checkpoint", b"nonsense")
    async with running(config) as lane:
        await ask(lane, append("opened", "c1"))
        await until(lane, published=1)
    assert verify(Path(config.paths.spool), verifier_of(config).vkey).verified


async def test_keys_and_recipients_that_can_never_work_are_configuration_errors(config: Config) -> None:
    key = Path(config.paths.keys) / "log.key"
    wrong = msgspec.structs.replace(config, audit=Audit(recipients=("nonsense",)))
    with pytest.raises(ConfigError, match="recipient"):
        await log.run(wrong, stop=asyncio.Event())
    assert config.sync is not None
    wrong = msgspec.structs.replace(config, sync=msgspec.structs.replace(config.sync, mirror_vkey="nonsense"))
    with pytest.raises(ConfigError):
        await log.run(wrong, stop=asyncio.Event())
    key.chmod(0o644)
    with pytest.raises(ConfigError, match="0600"):
        await log.run(config, stop=asyncio.Event())
    key.unlink()
    with pytest.raises(ConfigError, match="provision"):
        await log.run(config, stop=asyncio.Event())


async def test_a_database_of_another_key_is_a_configuration_error(config: Config) -> None:
    async with running(config) as lane:
        await ask(lane, append("opened", "c1"))
    key = Path(config.paths.keys) / "log.key"
    key.unlink()
    keys.generate(key, config.origin)
    with pytest.raises(ConfigError, match="another key"):
        await log.run(config, stop=asyncio.Event())


async def test_a_database_of_the_first_format_is_a_configuration_error(config: Config) -> None:
    async with running(config) as lane:
        await ask(lane, append("opened", "c1"))
    database = Path(config.paths.state) / "audit" / "log.sqlite"
    with contextlib.closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("PRAGMA user_version=1")
    with pytest.raises(ConfigError, match="of format 1, which no gate in service has written; move it away"):
        await log.run(config, stop=asyncio.Event())


async def test_a_writer_that_hangs_is_neither_ready_nor_alive_though_its_socket_answers(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    freed, hangs = threading.Event(), threading.Event()
    honest = Writer.probe

    def hanging(writer: Writer, value: bytes) -> bool:
        if hangs.is_set():
            freed.wait(20)
        return honest(writer, value)

    monkeypatch.setattr(Writer, "probe", hanging)
    async with running(config, Timing(proof_every_s=0.05, proven_max_s=0.4, proof_answer_max_s=0.4)) as lane:
        assert (await until(lane, "ready")).alive
        hangs.set()
        found = await until(lane, "degraded")
        await asyncio.sleep(0.5)
        found = await status(lane)
        assert (found.state, found.alive, found.detail["problem"]) == ("degraded", False, None)
        freed.set()
        assert (await until(lane, "ready")).alive


async def test_a_log_that_cannot_read_what_it_wrote_is_not_ready_and_is_alive(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:

    def forgetful(*_: object) -> None:
        raise StoreError("what was written cannot be read back")

    async with running(config, Timing(proof_every_s=0.05, proven_max_s=0.3)) as lane:
        await until(lane, "ready")
        with monkeypatch.context() as patch:
            patch.setattr(Store, "probe", forgetful)
            assert (await until(lane, "degraded")).alive
        await until(lane, "ready")


async def test_the_next_key_follows_with_a_start_and_the_old_one_goes(config: Config) -> None:
    old, folder = verifier_of(config), Path(config.paths.keys)
    path = folder.parent / "gate.toml"

    def rotated() -> list[StepState]:
        return [one.state for one in carry_out(rotation(config))]

    async with running(config) as connection:
        await connection.send(append("started"))
        await connection.receive()
    assert rotated() == [StepState.DONE, StepState.FAILED, StepState.SKIPPED]  # it has not started anew
    assert not path.exists()
    async with running(config) as connection:
        await connection.send(append("stopped"))
        await connection.receive()
    assert rotated() == [StepState.KEPT, StepState.DONE, StepState.DONE]
    new = verifier_of(config)
    assert new != old
    assert sorted(names_in(config.paths.keys)) == ["log.key", "log.vkey"]
    async with running(config) as connection:
        await connection.send(append("stopped"))
        await connection.receive()
    for vkey in (old.vkey, new.vkey):
        report = verify(Path(config.paths.spool), vkey)
        assert (report.problems, report.entries) == ((), 4)

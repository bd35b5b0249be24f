"""One gate that floods central: an alarm is raised, then it is refused for that day, keeps what it has, and loses nothing; no other gate notices."""

from __future__ import annotations

import hashlib
import json
import os
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from central_fakes.folder import make_context
from central_fakes.server import GATE_ID, NOW, Bench
from core_fakes.sealed_log import GateLog, SealedLog, plain_record
from typer.testing import CliRunner

from gate_central import settings
from gate_central.archive import is_intact
from gate_central.commands import central as command
from gate_central.database import open_database
from gate_central.errors import FolderError
from gate_central.evidence import Kind
from gate_central.ledger import Ledger
from gate_central.schema import heads, versions
from gate_central.settings import Settings, Volume
from gate_core.audit_format.note import Note, Signer
from gate_core.mirror_client import wire
from gate_core.mirror_client.errors import RefusedError
from gate_core.mirror_client.round import Client
from gate_core.mirror_client.spool import SpoolLog

BODY = 40_000  # of an entry: some 54,000 bytes as a line


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    made = Bench(tmp_path / "log")
    set_volume(made, Settings(volume=Volume(alarm_mb_a_day=1, quota_mb_a_day=2)))
    return made


def set_volume(bench: Bench, found: Settings) -> None:
    bench.server.mirror._volume = found.volume_of


def flood(log: GateLog, entries: int) -> None:
    log.write([plain_record("presence", "c0", {"of": os.urandom(BODY // 2).hex()}) for _ in range(entries)])


def kinds(bench: Bench) -> list[str]:
    return [one.kind for one in bench.server.evidence.alarms(GATE_ID) if one.answer is None]


async def test_a_gate_that_floods_is_told_of_and_then_refused_and_all_of_it_comes_on_the_next_days(
    bench: Bench,
) -> None:
    flood(bench.log, 10)
    await bench.round()
    assert kinds(bench) == []
    flood(bench.log, 15)
    await bench.round()
    assert kinds(bench) == [Kind.VOLUME.value], "the alarm comes before anything is refused"
    flood(bench.log, 50)
    said = f"refuses the round .429: {GATE_ID} may bring 2 MB a day here, and has brought 1.. MB today: keep the rest"
    with pytest.raises(RefusedError, match=said):
        await bench.round()
    held = bench.server.ledger.head(GATE_ID)
    assert held.came_bytes <= 2_000_000
    assert held.next_entry < 75
    with pytest.raises(RefusedError, match="429"):
        await bench.round()
    assert bench.server.ledger.head(GATE_ID) == held, "nothing more is taken on this day"
    days = 0
    while bench.server.ledger.head(GATE_ID).bodies < 75:
        days += 1
        bench.server.clock.now += timedelta(days=1)
        try:
            receipt = await bench.round()
        except RefusedError:
            continue
    assert receipt is not None
    assert (receipt.checkpoint.size, days) == (75, 2)
    assert is_intact(bench.server.ledger, bench.gate, [bench.server.signer.verifier])
    assert len(kinds(bench)) == 3, "each day is told of once"


async def test_another_gate_is_not_concerned(bench: Bench, tmp_path: Path) -> None:
    flood(bench.log, 60)
    with pytest.raises(RefusedError, match="429"):
        await bench.round()
    (tmp_path / "other").mkdir()
    second = SealedLog(tmp_path / "other", Signer.generate("border.example/gate-0002/demo"))
    certificate = bench.server.enrol(second.signer.verifier, "gate-0002")
    flood(second, 5)
    client = Client(SpoolLog(second.spool), second.signer.verifier.name, bench.server.signer.verifier)
    talk, response = client.round(), None
    try:
        while True:
            response = await bench.ask(next(talk) if response is None else talk.send(response), certificate)
    except StopIteration as end:
        receipt = end.value
    assert receipt.checkpoint.size == 5
    assert [one.kind for one in bench.server.evidence.alarms("gate-0002")] == []


async def lacking(bench: Bench) -> tuple[str, bytes]:
    """Bring entries of which one names an age file that does not come; its id and content."""
    bench.log.write([plain_record("presence", f"c{n}") for n in range(3)])
    key = min((bench.log.spool / "keys").rglob("*.age"))
    content = key.read_bytes()
    key.unlink()
    await bench.round()
    return key.stem, content


async def test_an_age_file_counts_when_it_is_stored_and_not_again(bench: Bench) -> None:
    key, content = await lacking(bench)
    before = bench.server.ledger.head(GATE_ID).came_bytes
    set_volume(bench, Settings(volume=Volume(alarm_mb_a_day=0, quota_mb_a_day=0)))
    assert (await bench.ask(wire.put_key(key, content))).status == 429
    set_volume(bench, Settings())
    for _ in range(2):
        assert (await bench.ask(wire.put_key(key, content))).status == 204
    assert bench.server.ledger.head(GATE_ID).came_bytes - before == len(content)
    assert bench.server.ledger.key(GATE_ID, key) == content
    unknown = b"age-encryption.org/v1\n"
    assert (await bench.ask(wire.put_key(hashlib.sha256(unknown).hexdigest(), unknown))).status == 404


@pytest.mark.parametrize("is_lacking", [False, True])
async def test_a_thief_of_the_certificate_uses_up_no_quota_with_files_that_nothing_names(
    bench: Bench, *, is_lacking: bool
) -> None:
    """The gate's own signed note, as the server gives it out, and 2 MB of noise: it was answered 200, counted, and not stored."""
    key, content = await lacking(bench)
    if not is_lacking:
        await bench.ask(wire.put_key(key, content))
    before = bench.server.ledger.head(GATE_ID)
    given = await bench.ask(wire.checkpoint_request(bench.origin))
    note = Note.parse(given.body)
    note = Note(note.text, note.signatures[:1])
    noise = [os.urandom(7000) for _ in range(200)]
    files: dict[str, bytes | None] = {hashlib.sha256(one).hexdigest(): one for one in noise}
    announced = wire.add_checkpoint(before.size, (), note)
    for _ in range(3):
        answer = await bench.ask(wire.round_request(announced, (0, 0, b""), b"", files))
        assert answer.status == 200
    after = bench.server.ledger.head(GATE_ID)
    assert (after.came_bytes, kinds(bench)) == (before.came_bytes, [])
    answer = await bench.ask(wire.round_request(announced, (0, 0, b""), b"", {**files, key: content}))
    assert (answer.status, bench.server.ledger.key(GATE_ID, key)) == (200, content)
    assert bench.server.ledger.head(GATE_ID).came_bytes - before.came_bytes == is_lacking * len(content)
    flood(bench.log, 1)
    assert await bench.round() is not None, "the gate itself brings what it has"


def test_a_stick_that_an_operator_carries_in_is_no_flood(bench: Bench, tmp_path: Path) -> None:
    make_context(bench, tmp_path / "server", "[volume]\nalarm_mb_a_day = 9\nquota_mb_a_day = 10\n")
    flood(bench.log, 220)
    words = ["--dir", str(tmp_path / "server"), "--database", f"sqlite:///{tmp_path / 'log' / 'central.sqlite'}"]
    done = CliRunner().invoke(command.app, ["import", str(bench.log.spool), *words])
    assert (done.exit_code, "220 new entries" in done.stdout) == (0, True), done.output


# ── what is set and shown ────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_fleet_shows_what_came_today_beside_the_quota(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [NOW.astimezone(UTC)]
    monkeypatch.setattr(command, "now", lambda: now[0])
    make_context(bench, tmp_path / "server", "[volumes.gate-0001]\nalarm_mb_a_day = 1\nquota_mb_a_day = 20\n")
    flood(bench.log, 25)
    await bench.round()
    words = ["--quick", "--dir", str(tmp_path / "server")]
    words += ["--database", f"sqlite:///{tmp_path / 'log' / 'central.sqlite'}"]
    done = CliRunner().invoke(command.app, ["fleet", *words, "--json"])
    (row,) = json.loads(done.stdout)["gates"]
    assert (done.exit_code, row["quota_bytes"]) == (1, 20_000_000)
    assert row["today_bytes"] == bench.server.ledger.head(GATE_ID).came_bytes > 1_000_000
    assert [one["kind"] for one in row["alarms"]] == ["volume"]
    assert "2 MB today; beyond 20 MB refused" in CliRunner().invoke(command.app, ["fleet", *words]).stdout
    now[0] += timedelta(days=1)
    (row,) = json.loads(CliRunner().invoke(command.app, ["fleet", *words, "--json"]).stdout)["gates"]
    assert row["today_bytes"] == 0


def test_without_a_word_a_gate_may_bring_twenty_ordinary_days_in_one(tmp_path: Path) -> None:
    found = settings.load(tmp_path).volume_of(GATE_ID)
    assert (found.alarm_mb_a_day, found.quota_mb_a_day) == (200, 1000)


@pytest.mark.parametrize(
    "text",
    [
        "[volume]\nquota_mb_a_day = 100\n",
        "[volumes.gate-0001]\nalarm_mb_a_day = 2000\n",
        "[volume]\nquota_mb_a_day = 0\n",
        "[volume]\nquota = 7\n",
    ],
)
def test_an_alarm_that_would_come_too_late_or_a_quota_that_takes_nothing_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "central.toml").write_text(text)
    with pytest.raises(FolderError, match=r"central\.toml"):
        settings.load(tmp_path)


async def test_a_database_of_before_counts_from_now_on(bench: Bench) -> None:
    flood(bench.log, 1)
    await bench.round()
    engine = bench.server.ledger._engine
    with engine.begin() as connection:
        for column in ("came_on", "came_bytes"):
            connection.execute(sa.text(f"ALTER TABLE log_head DROP COLUMN {column}"))
        connection.execute(versions.update().values(version=3))
    opened = open_database(engine.url.render_as_string(hide_password=False))
    found: Any = Ledger(opened).head(GATE_ID)
    assert (found.size, found.came_on, found.came_bytes) == (1, "", 0)
    with opened.connect() as connection:
        assert connection.execute(sa.select(heads.c.came_bytes)).scalars().all()
    opened.dispose()

"""Keys are forgotten after their time, by a clock that somebody bears out, and never before, nor while their day is held."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import io
import json
import shutil
from base64 import b64decode
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fakes.audit_logs import LateSpool, SmallLog, happening
from fakes.log_context import LogParts, log_parts

from gate.audit.key_days import KeyDay, KeyDays
from gate.audit.writer import Wanted
from gate.programs.log.context import borne_out
from gate.programs.log.retention import Kept, Retention
from gate_core.audit_format.errors import BadSignatureError
from gate_core.audit_format.export import Outlet, bundle
from gate_core.audit_format.note import Signer
from gate_core.audit_format.record import Header
from gate_core.audit_format.spool import EXPIRED, key_path
from gate_core.audit_format.statements import Expired
from gate_core.audit_format.unsealer import OpenedRecord, Unsealer
from gate_verify.verify import verify

DAY = date(2026, 11, 23)
MONDAY = KeyDay(DAY, "crossing")
TWO_DAYS = Kept({"crossing": 2, "device": None, "administration": None}, ())


def record(kind: str, crossing: str | None = None, *, day: date = DAY) -> Wanted:
    one = dataclasses.replace(happening(kind, crossing), time=f"{day.isoformat()}T10:00:00.000Z")
    return Wanted.of(one, b"{}")


class Gate(LogParts):
    """A log whose keys are kept; `today` is what the clock says, as far as it is borne out."""

    retention: Retention
    today: date | None = DAY

    def parts(self) -> dict[str, Any]:
        return {"today": lambda: self.today}

    async def write(self, *wanted: Wanted) -> None:
        await self.in_store(self.writer.append, wanted, 0, dated=self.today is not None)
        assert await self.publisher.catch_up()

    def entries(self) -> int:
        checkpoint = self.writer.standing.checkpoint
        return 0 if checkpoint is None else checkpoint.size

    def report(self) -> tuple[bool, int, int]:
        found = verify(self.log.spool, self.log.vkey)
        return found.intact, found.entries, found.erased

    def names(self) -> list[str]:
        return [one.name for one in KeyDays(self.log.folder / "keys").days()]

    def told(self) -> list[dict[str, object]]:
        """What records in clear say of keys that were forgotten."""
        out, unsealer = io.BytesIO(), Unsealer(self.log.auditors)
        bundle(Outlet(self.log.spool), out)
        lines = [json.loads(line) for line in out.getvalue().splitlines()]
        for line in lines:
            if "key" in line:
                unsealer.learn(b64decode(line["key"]))
        opened = [
            unsealer.open(Header.parse(one["leaf"].encode()), b64decode(one["ct"])) for one in lines if "leaf" in one
        ]
        return [one.body for one in opened if isinstance(one, OpenedRecord) and one.kind == "keys_expired"]


@contextlib.asynccontextmanager
async def gate(folder: Path, kept: Kept = TWO_DAYS, *, again: SmallLog | None = None) -> AsyncIterator[Gate]:
    async with log_parts(Gate, again or SmallLog(folder)) as (made, shared):
        made.retention = Retention(shared, kept, KeyDays(made.log.folder / "keys"))
        yield made


async def test_a_day_is_kept_for_its_time_and_then_goes_with_a_record_that_says_so(tmp_path: Path) -> None:
    async with gate(tmp_path) as log:
        await log.write(record("opened", "c1"), record("closed", "c1"), record("incident"))
        await log.write(record("opened", "c2", day=DAY + timedelta(days=1)))
        log.today = DAY + timedelta(days=2)
        await log.retention.look()
        assert log.names() == ["crossing-2026-11-23", "device-2026-11-23", "crossing-2026-11-24"]
        assert log.report() == (True, 4, 0)
        log.today = DAY + timedelta(days=3)
        await log.retention.look()
        await log.publisher.catch_up()
        assert log.names() == ["device-2026-11-23", "crossing-2026-11-24"], "what was just said waits to be published"
        assert log.report() == (True, 5, 1)
        assert log.told() == [{"class": "crossing", "day": "2026-11-23", "keys": 1}]
        assert log.retention.detail()["oldest"] == {"crossing": "2026-11-24", "device": "2026-11-23"}
        await log.retention.look()
        assert log.entries() == 5, "a day goes once"
        assert verify(log.log.database, log.log.vkey).verified


async def test_what_was_forgotten_is_told_to_the_central_server_when_it_is_gone_and_not_before(tmp_path: Path) -> None:
    held = (DAY - timedelta(days=9), DAY - timedelta(days=8))
    word = tmp_path / "spool" / EXPIRED
    async with gate(tmp_path, Kept(TWO_DAYS.days, (held,))) as log:
        await log.write(record("opened", "c1"))
        log.today = None
        await log.retention.look()
        assert not word.exists(), "nobody bears today out"
        log.today, log.refuses = DAY + timedelta(days=3), True
        await log.retention.look()
        assert not word.exists(), "the keys are still here"
        log.refuses = False
        await log.retention.look()
        told = Expired.read(word.read_bytes(), log.log.signer.verifier)
        assert told == Expired({"crossing": DAY + timedelta(days=1)}, (held,))
        log.today = DAY + timedelta(days=4)
        await log.retention.look()
        assert Expired.read(word.read_bytes(), log.log.signer.verifier).before == {"crossing": DAY + timedelta(days=2)}
    with pytest.raises(BadSignatureError):
        Expired.read(word.read_bytes(), Signer.generate(log.log.signer.verifier.name).verifier)


@pytest.mark.parametrize(
    ("kept", "today"),
    [
        (TWO_DAYS, None),
        (Kept({"crossing": None, "device": None, "administration": None}, ()), DAY + timedelta(days=9000)),
        (Kept(TWO_DAYS.days, ((DAY - timedelta(days=1), DAY),)), DAY + timedelta(days=9000)),
    ],
    ids=["nobody bears the clock out", "kept for good", "held"],
)
async def test_no_day_goes_by_a_clock_of_its_own_or_while_it_is_held(
    tmp_path: Path, kept: Kept, today: date | None
) -> None:
    async with gate(tmp_path, kept) as log:
        await log.write(record("opened", "c1"))
        await log.retention.look()
        log.today = today
        await log.retention.look()
        assert (log.names(), log.report()) == (["crossing-2026-11-23"], (True, 1, 0))


@pytest.mark.parametrize("clock", [date(2020, 1, 1), DAY - timedelta(days=30), date(2099, 1, 1)])
async def test_what_is_sealed_while_nobody_bears_the_clock_out_is_of_the_day_when_somebody_does(
    tmp_path: Path, clock: date
) -> None:
    """A flat battery: the machine thinks that it is 2020, and its records are no older for that."""
    async with gate(tmp_path) as log:
        await log.write(record("opened", "c0"))
        await log.retention.look()
        log.today = None
        for number in range(3):
            await log.write(record("opened", f"c{number}", day=clock + timedelta(days=number)))
            await log.retention.look()
        log.today = DAY + timedelta(days=2)
        for _ in range(2):
            await log.retention.look()
        assert log.names() == ["crossing-2026-11-23", "crossing-2026-11-25"]
        assert log.report() == (True, 4, 0)
        log.today = DAY + timedelta(days=5)
        await log.retention.look()
        await log.publisher.catch_up()
        assert log.names() == []
        assert log.report() == (True, 6, 4), "their time ends like everybody's"
        assert verify(log.log.database, log.log.vkey).intact


async def test_a_clock_that_was_borne_out_wrongly_makes_no_day_older_than_those_before(tmp_path: Path) -> None:
    async with gate(tmp_path) as log:
        await log.write(record("opened", "c1"))
        await log.retention.look()
        await log.write(record("opened", "c2", day=date(2020, 1, 1)))
        await log.write(record("opened", "c3", day=date(2099, 1, 1)))
        log.today = DAY + timedelta(days=1)
        await log.retention.look()
        assert log.names() == ["crossing-2026-11-23", "crossing-2026-11-24"]


async def test_wherever_a_key_lies_a_spool_that_was_lost_has_it_again_and_an_erasure_finds_it(tmp_path: Path) -> None:
    async with gate(tmp_path) as log:
        log.today = None
        await log.write(record("opened", "c1", day=date(2020, 1, 1)))
        log.today = DAY
        await log.retention.look()
    shutil.rmtree(tmp_path / "spool")
    async with gate(tmp_path, again=log.log) as log:
        await log.write(record("closed", "c1"))
        assert log.report() == (True, 2, 0)
        (leaf,) = await log.in_store(log.writer._open_store().leaves, 0, 1)
        key = Header.parse(leaf).key
        assert await log.in_store(log.writer.days_of, [key]) == {MONDAY}
        await log.in_store(log.writer.erase_keys, [key])
        assert KeyDays(tmp_path / "keys").read(MONDAY).keys().isdisjoint({key})
        assert not await log.in_store(log.writer.has_any, [key])


async def test_a_key_that_is_being_published_is_not_back_in_the_spool_after_its_day_was_forgotten(
    tmp_path: Path,
) -> None:
    async with gate(tmp_path) as log:
        await log.write(record("opened", "c1"))
        await log.retention.look()
        (key,) = KeyDays(tmp_path / "keys").read(MONDAY)
    shutil.rmtree(tmp_path / "spool")
    async with gate(tmp_path, again=log.log) as log:
        log.today = DAY + timedelta(days=3)
        log.publisher._in_spool = LateSpool(log.publisher._in_spool, lambda: not log.names())
        async with asyncio.TaskGroup() as tasks:  # the spool is made anew, from the keys that were moved
            tasks.create_task(log.publisher.catch_up())
            tasks.create_task(log.retention.look())
        await log.publisher.catch_up()
        assert (log.names(), (tmp_path / "spool" / key_path(key)).exists()) == ([], False)


async def test_a_day_that_nobody_could_write_of_stays_until_somebody_can(tmp_path: Path) -> None:
    async with gate(tmp_path) as log:
        await log.write(record("opened", "c1"))
        log.today, log.refuses = DAY + timedelta(days=3), True
        await log.retention.look()
        assert (log.names(), log.report()) == (["crossing-2026-11-23"], (True, 1, 0))
        log.refuses = False
        await log.retention.look()
        assert log.names() == []


async def test_an_end_between_the_record_and_the_file_is_gone_on_with(tmp_path: Path) -> None:
    async with gate(tmp_path) as log:
        await log.write(record("opened", "c1"))
        log.today = DAY + timedelta(days=3)
        (tmp_path / "spool" / "keys").rename(tmp_path / "elsewhere")
        (tmp_path / "spool" / "keys").write_text("in the way")
        await log.retention.look()
        assert log.names() == ["crossing-2026-11-23"]
        assert "the keys' folder" in log.retention.trouble.words
        (tmp_path / "spool" / "keys").unlink()
        (tmp_path / "elsewhere").rename(tmp_path / "spool" / "keys")
        await log.retention.look()
        await log.publisher.catch_up()
        assert (log.names(), log.retention.trouble.words) == ([], "")
        assert log.report() == (True, 3, 1)
        assert len(log.told()) == 2, "it was said before each try"


async def test_what_cannot_be_moved_is_said_and_holds_up_nothing(tmp_path: Path) -> None:
    async with gate(tmp_path) as log:
        (tmp_path / "keys").write_text("in the way")
        await log.write(record("opened", "c1"))
        await log.retention.look()
        assert "the keys' folder" in log.retention.trouble.words
        await log.write(record("closed", "c1"))
        assert log.report() == (True, 2, 0)
        (tmp_path / "keys").unlink()
        await log.retention.look()
        assert (log.names(), log.retention.trouble.words) == (["crossing-2026-11-23"], "")


@pytest.mark.parametrize(
    ("synchronised", "cosigned", "known"),
    [
        (True, None, True),
        (True, timedelta(days=-90), True),
        (True, timedelta(hours=23), True),
        (True, timedelta(days=2), False),
        (False, None, False),
        (False, timedelta(hours=-23), True),
        (False, timedelta(hours=23), True),
        (False, timedelta(days=-2), False),
        (False, timedelta(days=2), False),
    ],
)
def test_today_is_what_the_time_service_or_the_mirror_bears_out(
    synchronised: bool,  # noqa: FBT001
    cosigned: timedelta | None,
    known: bool,  # noqa: FBT001
) -> None:
    wall = datetime(2026, 11, 23, 12, tzinfo=UTC)
    cosigned_s = None if cosigned is None else int((wall + cosigned).timestamp())
    found = borne_out(wall, synchronised=synchronised, cosigned_s=cosigned_s, built=wall - timedelta(days=9))
    assert found == (DAY if known else None)


def test_nobody_bears_out_a_clock_that_stands_before_the_programs_build() -> None:
    wall = datetime(2020, 1, 1, tzinfo=UTC)
    cosigned_s = int(wall.timestamp())
    built = datetime(2026, 11, 1, tzinfo=UTC)
    assert borne_out(wall, synchronised=True, cosigned_s=cosigned_s, built=built) is None

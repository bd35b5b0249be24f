"""Erasures in the log program: what two approvers signed is gone from every place at the gate, whatever ends in between."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator, Mapping
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from core_fakes.approvals import approvers, signer, write_approvers
from fakes.audit_logs import ORIGIN, LateSpool, SmallLog, crossing, happening, wanted
from fakes.log_context import LogParts, log_parts

from gate.audit.inbox import ERASURE, Inbox, MirrorKeys
from gate.audit.key_days import KeyDays
from gate.audit.writer import Outcome, Wanted
from gate.programs.log.erasures import QUIET_LOOKS, Erasures
from gate.programs.log.retention import Kept
from gate_core.approval.erasure import Erasure, SignedErasure
from gate_core.audit_format.note import Algorithm, Signer
from gate_core.audit_format.record import Header
from gate_core.audit_format.resume_state import Approved
from gate_core.audit_format.spool import erasure_path, key_path
from gate_verify.verify import verify

KEPT = Kept({"crossing": None, "device": None, "administration": None}, ())
TODAY = date(2026, 11, 25)  # of the fakes


class Gate(LogParts):
    """A log, its inbox, and what it said of erasures."""

    erasures: Erasures

    def parts(self) -> dict[str, Any]:
        folder = self.log.folder
        inbox, approvers = Inbox(folder / "inbox", folder / "refused"), folder / "approvers.toml"
        return {"inbox": inbox, "origin": ORIGIN, "approvers": approvers}

    @property
    def inbox(self) -> Path:
        return self.log.folder / "inbox"

    async def write(self, *records: Wanted) -> list[str]:
        """Write and publish; returns the key of each record."""
        outcomes = await self.in_store(self.writer.append, records, 0)
        assert await self.publisher.catch_up()
        found = [one for one in outcomes if isinstance(one, int)]
        assert len(found) == len(records)
        leaves = await self.in_store(self.writer._open_store().leaves, found[0], found[-1] + 1)
        return [Header.parse(leaf).key for leaf in leaves]

    def order(self, *keys: str, by: tuple[str, ...] = ("anna", "ben"), origin: str = ORIGIN) -> None:
        """Leave an order in the inbox."""
        made = SignedErasure.new(Erasure(origin, tuple(sorted(keys))))
        for name in by:
            made = made.signed_by(signer(name))
        (self.inbox / ERASURE).write_bytes(made.note.to_bytes())

    async def move(self) -> None:
        checkpoint = self.writer.standing.checkpoint
        assert checkpoint is not None
        assert await self.in_store(self.writer.move_keys, checkpoint.size, TODAY, whole=True)

    def traces(self, key: str) -> list[str]:
        """Where the key is still found."""
        days = KeyDays(self.log.folder / "keys")
        return [
            *(["spool"] if (self.log.spool / key_path(key)).exists() else []),
            *(one.name for one in days.days() if key in days.read(one)),
        ]


@contextlib.asynccontextmanager
async def gate(
    folder: Path, kept: Kept = KEPT, *, names: bool = True, mirror: MirrorKeys | None = None
) -> AsyncIterator[Gate]:
    (folder / "inbox").mkdir()
    write_approvers(folder / "approvers.toml")
    async with log_parts(Gate, SmallLog(folder)) as (made, shared):
        made.erasures = Erasures(dataclasses.replace(shared, mirror=mirror), kept, names=names)
        yield made


@pytest.mark.parametrize("moved", [True, False], ids=["after it moved", "while it is in the database"])
async def test_what_two_approvers_ordered_is_gone_everywhere_and_the_rest_is_not(
    tmp_path: Path,
    moved: bool,  # noqa: FBT001
) -> None:
    async with gate(tmp_path) as log:
        first = (await log.write(*crossing("c1")))[0]
        other = (await log.write(*crossing("c2")))[0]
        if moved:
            await log.move()
        log.order(first)
        assert await log.erasures.look()
        assert not await log.erasures.look(), "once"
        assert list(log.inbox.iterdir()) == []
        (said,) = log.said
        assert (said["by"], said["keys"]) == (["anna.example", "ben.example"], [first])
        order = "\n".join(("portcullis erasure/1", ORIGIN, first, "", *map(str, said["signatures"]), ""))
        assert sha256(order.encode()).hexdigest() == said["note"], "whoever reads the record has the whole order"
        await log.publisher.catch_up()
        await log.move()
        assert (log.traces(first), log.traces(other)) == ([], ["spool", "crossing-2026-11-25"])
        report = verify(log.log.spool, log.log.vkey)
        assert (report.verified, report.entries, report.erased) == (True, 11, 1)
        report = verify(log.log.database, log.log.vkey)
        assert (report.verified, report.erased) == (True, 1)


async def test_an_executed_order_waits_in_the_spool_for_the_central_server_if_there_is_one(tmp_path: Path) -> None:
    key = Signer.generate("central.example/mirror", Algorithm.COSIGNATURE_V1).verifier
    for mirror in (None, MirrorKeys(key, tmp_path / "mirror-keys")):
        folder = tmp_path / f"with {mirror is not None}"
        folder.mkdir()
        async with gate(folder, mirror=mirror) as log:
            (erased,) = await log.write(wanted("opened", "c1"))
            log.order(erased)
            assert await log.erasures.look()
            (said,) = log.said
            assert (log.log.spool / erasure_path(str(said["note"]))).exists() is (mirror is not None)


async def test_a_log_that_holds_nothing_personal_does_not_say_who_ordered_it(tmp_path: Path) -> None:
    async with gate(tmp_path, names=False) as log:
        (key,) = await log.write(wanted("opened", "c1"))
        log.order(key)
        assert await log.erasures.look()
        assert [set(one) for one in log.said] == [{"keys", "note"}]


async def test_a_crossing_that_goes_on_goes_on_under_another_key(tmp_path: Path) -> None:
    async with gate(tmp_path) as log:
        (before,) = await log.write(wanted("opened", "c1"))
        log.order(before)
        assert await log.erasures.look()
        (after,) = await log.write(wanted("closed", "c1"))
        assert after != before
        assert (log.traces(before), log.traces(after)) == ([], ["spool"])


@pytest.mark.parametrize(
    ("order", "why"),
    [
        ({"by": ("anna",)}, "alone"),
        ({"by": ("anna", "mallory")}, "alone"),
        ({"origin": "border.example/gate-0002/demo"}, "another gate"),
    ],
)
async def test_what_is_not_ordered_by_two_for_this_log_is_put_aside(
    tmp_path: Path, order: dict[str, Any], why: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with gate(tmp_path) as log:
        key = (await log.write(*crossing("c1")))[0]
        log.order(key, **order)
        assert not await log.erasures.look()
        assert (log.said, log.traces(key)) == ([], ["spool"])
        assert [one.name for one in (tmp_path / "refused").iterdir()] == [ERASURE]
        assert list(log.inbox.iterdir()) == []
    assert [why in str(vars(one).get("reason")) for one in caplog.records if one.message == "erasure_not_done"] == [
        True
    ]


async def test_those_who_approve_now_are_those_whom_a_lane_began_with(tmp_path: Path) -> None:
    async with gate(tmp_path) as log:
        others = approvers(("dora", "emil", "fay"))
        begun = dataclasses.replace(happening("started"), approved=Approved(1, "ab" * 32, others.to_bytes()))
        (key,) = await log.write(Wanted.of(begun, b"{}"))
        log.order(key)
        assert not await log.erasures.look()
        log.order(key, by=("dora", "fay"))
        assert await log.erasures.look()


@pytest.mark.parametrize("moved", [True, False], ids=["after it moved", "while it is in the database"])
async def test_a_held_day_keeps_its_keys(tmp_path: Path, moved: bool) -> None:  # noqa: FBT001
    async with gate(tmp_path, Kept(KEPT.days, ((TODAY, TODAY),))) as log:
        key = (await log.write(*crossing("c1")))[0]
        if moved:
            await log.move()
        log.order(key)
        assert not await log.erasures.look()
        await log.move()
        assert log.traces(key) == ["spool", "crossing-2026-11-25"]


async def test_an_order_that_nobody_could_write_of_waits(tmp_path: Path) -> None:
    async with gate(tmp_path) as log:
        key = (await log.write(*crossing("c1")))[0]
        log.order(key)
        log.refuses = True
        assert not await log.erasures.look()
        assert log.traces(key) == ["spool"]
        log.refuses = False
        assert await log.erasures.look()
        assert log.traces(key) == []


async def test_what_could_not_be_done_to_its_end_is_gone_on_with(tmp_path: Path) -> None:
    async with gate(tmp_path) as log:
        key = (await log.write(*crossing("c1")))[0]
        await log.move()
        (tmp_path / "spool" / "keys").rename(tmp_path / "elsewhere")
        (tmp_path / "spool" / "keys").write_text("in the way")
        log.order(key)
        assert not await log.erasures.look()
        assert (log.inbox / ERASURE).exists()
        (tmp_path / "spool" / "keys").unlink()
        (tmp_path / "elsewhere").rename(tmp_path / "spool" / "keys")
        assert await log.erasures.look()
        assert (log.traces(key), len(log.said)) == ([], 2)


async def test_an_order_that_was_carried_out_is_no_record_however_often_somebody_brings_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with gate(tmp_path) as log:
        key = (await log.write(*crossing("c1")))[0]
        log.order(key)
        assert await log.erasures.look()
        for _ in range(5):
            log.order(key)
            assert not await log.erasures.look()
            assert list(log.inbox.iterdir()) == []
        assert len(log.said) == 1
    assert [one.message for one in caplog.records].count("erasure_was_done") == 1


@pytest.mark.parametrize("where", ["database", "day", "spool"])
async def test_an_order_about_a_key_that_is_anywhere_yet_is_carried_out(tmp_path: Path, where: str) -> None:
    """A disk that was put back has what was erased since."""
    async with gate(tmp_path) as log:
        key = (await log.write(*crossing("c1")))[0]
        if where != "database":
            await log.move()
        if where == "spool":
            KeyDays(tmp_path / "keys").erase([key])
        else:
            (log.log.spool / key_path(key)).unlink()
        log.order(key)
        assert await log.erasures.look()
        assert (log.traces(key), len(log.said)) == ([], 1)


async def test_an_order_that_came_while_another_was_carried_out_is_carried_out_next(tmp_path: Path) -> None:
    async with gate(tmp_path) as log:
        first = (await log.write(*crossing("c1")))[0]
        second = (await log.write(*crossing("c2")))[0]
        log.order(first)
        whole = log.erasures._log

        async def say(kind: str, fields: Mapping[str, object]) -> Outcome:
            log.erasures._log = whole
            log.order(second)
            return await whole.say(kind, fields)

        log.erasures._log = dataclasses.replace(whole, say=say)
        assert await log.erasures.look()
        assert await log.erasures.look()
        assert (log.traces(first), log.traces(second)) == ([], [])


async def test_a_key_that_is_being_published_is_not_back_in_the_spool_after_its_erasure(tmp_path: Path) -> None:
    async with gate(tmp_path) as log:
        await log.in_store(log.writer.append, crossing("c1"), 0)
        (leaf,) = await log.in_store(log.writer._open_store().leaves, 0, 1)
        key = Header.parse(leaf).key
        log.order(key)
        log.publisher._in_spool = LateSpool(log.publisher._in_spool, lambda: not list(log.inbox.iterdir()))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(log.publisher.catch_up())
            tasks.create_task(log.erasures.look())
        assert (log.traces(key), len(log.said)) == ([], 1)


async def test_what_was_wrong_with_an_order_is_over_when_no_order_is_there(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    async with gate(tmp_path) as log:
        key = (await log.write(*crossing("c1")))[0]
        for _ in range(3):  # a neighbour in bad hands makes no line with each
            log.order(key, by=("anna",))
            await log.erasures.look()
            await log.erasures.look()
        for _ in range(QUIET_LOOKS):
            await log.erasures.look()
    said = [one.message for one in caplog.records if one.message in {"erasure_not_done", "erasures_done"}]
    assert said == ["erasure_not_done", "erasures_done"]

"""What the centre knows to be newer is kept before a lane begins on what is older; what nobody has signed is put aside."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import ParamSpec, TypeVar

import pytest
from core_fakes.approvals import approvers, signed, write_approvers
from fakes.audit_logs import ORIGIN, SmallLog, happening
from fakes.log_context import log_context

from gate.audit.inbox import Inbox
from gate.audit.writer import OLDER_APPROVAL, Refused, Wanted, Writer
from gate.programs.log.context import Worker
from gate.programs.log.receipts import Receipts
from gate.programs.sync.inbox import drop
from gate_core.approval.note import Approval
from gate_core.audit_format.resume_state import Approved

DIGEST = "ab" * 32


P = ParamSpec("P")
T = TypeVar("T")


class Here(Worker):
    """Works in the thread of the test, which has opened the database."""

    async def __call__(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return work(*args, **kwargs)


def looked(folder: Path, writer: Writer) -> str:
    """What one look into the inbox says."""

    async def look(in_store: Worker, in_inbox: Worker) -> str:
        shared = log_context(
            inbox=Inbox(folder / "inbox", folder / "refused"),
            writer=writer,
            origin=ORIGIN,
            approvers=folder / "approvers.toml",
            in_store=in_store,
            in_inbox=in_inbox,
        )
        return await Receipts(shared, every_s=1.0)._look_for_approval()

    with Here("store") as in_store, Here("inbox") as in_inbox:
        return asyncio.run(look(in_store, in_inbox))


def start(serial: int, digest: str = DIGEST) -> Wanted:
    approved = Approved(serial, digest, approvers().to_bytes())
    return Wanted.of(replace(happening("started"), approved=approved), b"{}")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "inbox").mkdir()
    write_approvers(tmp_path / "approvers.toml")
    return tmp_path


def left(folder: Path, approval: Approval, *persons: str) -> None:
    drop(folder / "inbox", "approval", signed(approval, persons or ("anna", "ben")).note.to_bytes())


def test_a_newer_approval_forbids_what_is_older(folder: Path) -> None:
    log = SmallLog(folder)
    with log.writer() as writer:
        assert looked(folder, writer) == ""
        left(folder, Approval(ORIGIN, 6, DIGEST))
        assert looked(folder, writer) == ""
        assert not list((folder / "inbox").iterdir())
        assert writer.append([start(5)], 0) == [Refused(OLDER_APPROVAL)]
    with log.writer() as writer:
        assert writer.standing.left.approved is not None, "it is known before the first record"
        assert writer.standing.left.approved.serial == 6
        assert writer.append([start(5)], 0) == [Refused(OLDER_APPROVAL)]


def test_an_older_one_changes_nothing(folder: Path) -> None:
    with SmallLog(folder).writer() as writer:
        assert writer.append([start(7)], 0) == [0]
        left(folder, Approval(ORIGIN, 6, DIGEST))
        assert looked(folder, writer) == ""
        assert writer.standing.left.approved is not None
        assert writer.standing.left.approved.serial == 7


@pytest.mark.parametrize(
    ("approval", "persons", "why"),
    [
        (Approval(ORIGIN, 9, DIGEST), ("anna",), "fewer than 2 of the approvers in force have signed serial 9"),
        (Approval(ORIGIN, 9, DIGEST), ("dora", "emil"), "fewer than 2"),
        (Approval("border.example/other", 9, DIGEST), ("anna", "ben"), "for another gate"),
        (Approval(ORIGIN, 7, "cd" * 32), ("anna", "ben"), "another digest"),
    ],
)
def test_what_nobody_has_signed_for_this_gate_is_put_aside(
    folder: Path, approval: Approval, persons: tuple[str, ...], why: str
) -> None:
    with SmallLog(folder).writer() as writer:
        writer.append([start(7)], 0)
        left(folder, approval, *persons)
        assert why in looked(folder, writer)
        assert [path.name for path in (folder / "refused").iterdir()] == ["approval.note"]
        assert looked(folder, writer) == ""
        assert writer.append([start(8)], 0) == [1]


def test_bytes_of_a_stranger_are_put_aside_and_a_link_is_not_followed(folder: Path) -> None:
    with SmallLog(folder).writer() as writer:
        (folder / "inbox" / "approval.note").write_bytes(b"\x00" * 100)
        assert "refused" in looked(folder, writer)
        (folder / "inbox" / "approval.note").symlink_to(folder / "approvers.toml")
        with pytest.raises(OSError, match="link"):
            looked(folder, writer)

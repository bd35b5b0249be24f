"""What waits for the owner of a list."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from gate.channel.register_messages import HitSettled, ToRegisters
from gate.passage.names import Disposition
from gate.programs.registers.program import Hit, Outbox, OutboxFullError
from gate_core import durable

HANDLE = "0123456789abcdef" * 2
HIT = Hit("stolen-documents", "police.example", "1", "ab", "number_listed", "gate-7", "2026-11-28T09:00:00Z")


def test_what_is_being_written_does_not_wait_yet(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path)
    outbox.hit(HANDLE, HIT)
    path = tmp_path / HIT.register / f"{HANDLE}.disposition.json"
    with durable.writing(path, mode=0o640) as file:
        assert outbox.count() == 1
        file.write(b"{}")
    assert outbox.count() == 2


def test_what_a_killed_program_had_half_written_is_thrown_away(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path)
    outbox.hit(HANDLE, HIT)
    draft = tmp_path / HIT.register / f"{durable.DRAFT}{HANDLE}.disposition.json"
    draft.write_bytes(b'{"handle":')
    outbox.tidy()
    assert [path.name for path in (tmp_path / HIT.register).iterdir()] == [f"{HANDLE}.hit.json"]


def test_a_full_outbox_of_one_register_is_no_other_s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gate.programs.registers.program.FILES_MAX", 1)
    outbox = Outbox(tmp_path)
    outbox.hit(HANDLE, HIT)
    with pytest.raises(OutboxFullError, match="1 files wait"):
        outbox.settled(HIT.register, HANDLE, Disposition.TAKEN_OVER, "2026-11-28T09:00:00Z")
    outbox.settled("another", HANDLE, Disposition.TAKEN_OVER, "2026-11-28T09:00:00Z")
    assert outbox.count() == 2


@pytest.mark.parametrize("handle", ["../" + HANDLE, "*", HANDLE[:-1], HANDLE.upper(), ""])
def test_what_is_no_handle_is_no_message(handle: str) -> None:
    raw = msgspec.msgpack.encode(HitSettled(HIT.register, handle, Disposition.TAKEN_OVER))
    with pytest.raises(msgspec.ValidationError):
        msgspec.msgpack.decode(raw, type=ToRegisters)

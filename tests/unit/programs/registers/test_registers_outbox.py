"""What waits for the owner of a list."""

from __future__ import annotations

from pathlib import Path

from gate import durable
from gate.passage.orders import Disposition
from gate.programs.registers.outbox import Hit, Outbox

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


def test_what_became_of_no_hit_of_ours_is_not_kept(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path)
    outbox.hit(HANDLE, HIT)
    for handle in ("../" + HANDLE, "*", HANDLE[:-1], HANDLE.upper(), HANDLE[::-1]):
        assert not outbox.settled(handle, Disposition.TAKEN_OVER, "2026-11-28T09:00:00Z"), handle
    assert outbox.count() == 1

"""The two files of a request for access: the traveller's letter and the controller's file."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from pathlib import Path

import pytest

from gate_lab.rights.access import Access, write
from gate_lab.rights.answers import Controller
from gate_verify.audit_record import AuditRecord

NUMBER = "c843b93c8155d3df4d5cf0ac7988b94d"
CONTROLLER = Controller("border.example", "north-7", "privacy@border.example", 30)


def record(index: int, key: str, **body: object) -> AuditRecord:
    at = f"2026-11-25T06:0{index}:00.000Z"
    return AuditRecord(index, at, "crossing", key, kind="decided", crossing=NUMBER, time=at, body=body)


def test_the_letter_names_day_and_hour_and_holds_nothing_of_the_records() -> None:
    held = Access(NUMBER, [record(1, "k2", reason="face_below_threshold"), record(2, "k1")], ["entry 3: no end"])
    files = held.files(CONTROLLER)
    letter = files["letter.txt"].decode()
    assert "2026-11-25, 06 h UTC" in letter
    assert "face" not in letter.replace("your face", "")
    of_controller = json.loads(files["controller.json"])
    assert (of_controller["keys"], len(of_controller["records"])) == (["k1", "k2"], 2)
    assert of_controller["contradictions"] == ["entry 3: no end"]


def test_without_records_the_letter_says_that_nothing_is_kept() -> None:
    assert b"Nothing is kept" in Access(NUMBER, [], []).files(CONTROLLER)["letter.txt"]


def test_files_are_written_once_for_one_user_and_the_event_holds_their_digests(tmp_path: Path) -> None:
    out, files = tmp_path / "out", {"letter.txt": b"a letter"}
    event = write(out, files, date(2026, 12, 2))
    assert event.files == {"letter.txt": hashlib.sha256(b"a letter").hexdigest()}
    assert (out / "letter.txt").stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        write(out, files, date(2026, 12, 2))

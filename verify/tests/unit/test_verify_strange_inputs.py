"""What an auditor may be handed instead of a log: pipes, devices, endless folders, the same thing twice, moments and numbers that cannot be."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from core_fakes.sealed_log import BOOT, TIME, crossing
from core_fakes.sealed_log import plain_record as wanted
from typer.testing import CliRunner
from verify_fakes.audit_logs import StoredLog, Wanted

from gate_verify.audit_record import AuditRecord
from gate_verify.commands.audit import app
from gate_verify.findings import PROBLEM_LETTERS_MAX, Findings, UnreadableError
from gate_verify.record_invariants import Story
from gate_verify.verify import Known, verify


@pytest.fixture
def log(tmp_path: Path) -> StoredLog:
    small = StoredLog(tmp_path)
    small.write(crossing("c1"))
    (tmp_path / "a.bundle").write_bytes(small.bundle())
    return small


def test_a_pipe_or_a_device_is_refused_and_not_waited_for(log: StoredLog) -> None:
    pipe = log.folder / "pipe"
    os.mkfifo(pipe)
    for path in (pipe, Path("/dev/zero")):
        for paths in ((path,), (log.folder / "a.bundle", path)):
            with pytest.raises(UnreadableError, match="neither a file nor a folder"):
                verify(paths[0], log.vkey, *paths[1:])
    given = CliRunner().invoke(app, ["verify", str(pipe), "--vkey", log.vkey])
    assert (given.exit_code, "neither a file" in given.stderr) == (74, True)


def test_pipes_in_a_folder_are_no_pieces_of_the_log(log: StoredLog) -> None:
    os.mkfifo(log.spool / "sealed/001")
    (log.spool / "sealed/000.p/5").unlink()
    os.mkfifo(log.spool / "sealed/000.p/5")
    report = verify(log.spool, log.vkey)
    assert not report.intact
    assert report.bodies == 0


def test_a_folder_without_a_floor_is_a_problem_and_no_crash(log: StoredLog) -> None:
    here = Path.cwd()
    try:
        os.chdir(log.spool)
        for _ in range(1100):
            Path("a").mkdir()
            os.chdir("a")
        os.chdir(here)
        (problem,) = verify(log.spool, log.vkey).problems
    finally:
        os.chdir(here)
        subprocess.run(["rm", "-rf", str(log.spool / "a")], check=True)
    assert problem.endswith("is no file of the log")


def test_the_folder_that_somebody_stands_in_has_a_name_in_what_is_said(
    log: StoredLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(log.folder)
    with pytest.raises(UnreadableError, match=r"^\. has no checkpoint"):
        verify(Path(), log.vkey)


def test_the_same_file_twice_is_one(log: StoredLog) -> None:
    bundle, link = log.folder / "a.bundle", log.folder / "b.bundle"
    link.symlink_to(bundle)
    for paths in ((bundle, bundle), (bundle, link), (link, bundle)):
        report = verify(paths[0], log.vkey, *paths[1:])
        assert len(report.copies) == 1
        assert "was given twice" in report.unknown[0]
        assert not any("known to have been" in one for one in report.unknown), "it knows nothing that it did not know"
    copy = Path(shutil.copy(bundle, log.folder / "c.bundle"))
    assert len(verify(bundle, log.vkey, copy).copies) == 2


@pytest.mark.parametrize("hour", ["2026-13-45T99", "2026-02-30T10", "2026-11-25T24"])
def test_an_hour_that_no_calendar_has_is_a_problem_of_what_is_told(tmp_path: Path, hour: str) -> None:
    """A gate's own log program stops at such an hour; whoever wrote this log went on."""
    log = StoredLog(tmp_path)
    log.write([Wanted.of(replace(wanted("release").happening, time=f"{hour}:00:00.000Z"), b"{}")])
    report = verify(log.spool, log.vkey, known=Known(hour_max="2027-01-01T00:00:00Z"))
    assert (report.verified, report.intact) == (False, True)
    assert report.problems == (f"1 entries, the first of them 0, say the hour {hour}:00:00Z: no calendar has it",)


@pytest.mark.parametrize(
    "time",
    [
        "2026-11-25T10:00:00.000",
        "2026-11-25T10:00:00.000+14:00",
        "2026-11-25T10:61:00.000Z",
        "2026-11-25T10",
    ],
)
def test_a_moment_that_is_none_is_a_contradiction(time: str) -> None:
    story = Story()
    told = AuditRecord(0, "2026-11-25T10:00:00Z", "device", "k", "release", None, TIME, 1, BOOT, "1", {})
    story.take(told)
    assert story.contradictions() == ()
    story.take(replace(told, index=1, id="2", time=time))
    assert story.contradictions() == (f"entry 1 is of {time} and stands under the hour 2026-11-25T10:00:00Z",)


def test_a_table_that_is_computed_is_not_read(log: StoredLog) -> None:
    with closing(sqlite3.connect(log.database)) as connection:
        connection.execute("DROP TABLE entries")
        connection.execute("CREATE VIRTUAL TABLE entries USING fts5(i, leaf, sealed)")
        connection.commit()
    assert "table entries is computed, and not read" in verify(log.database, log.vkey).problems


def test_a_problem_is_as_long_as_a_person_reads() -> None:
    findings = Findings()
    findings.add("x" * 1_000_000)
    (line,) = findings.all()
    assert len(line) == PROBLEM_LETTERS_MAX + 1
    assert line.endswith("…")

"""Several copies of one log, receipts, cosignatures, hours: what the verifier makes of all that an auditor has."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from core_fakes.sealed_log import ORIGIN, TIME, crossing
from core_fakes.sealed_log import plain_record as wanted
from verify_fakes.audit_logs import StoredLog, Wanted

from gate_core.audit_format.checkpoint import Checkpoint
from gate_core.audit_format.export import Outlet
from gate_core.audit_format.note import Algorithm, Note, Signer
from gate_verify.findings import Report, UnreadableError
from gate_verify.signed_note import exact_base64
from gate_verify.verify import Known, verify

MIRROR = Signer.generate("central.example/mirror", Algorithm.COSIGNATURE_V1)
COSIGNED_S, COSIGNED = 1_795_600_000, "2026-11-25T09:46:40Z"


@pytest.fixture
def log(tmp_path: Path) -> StoredLog:
    """Eleven entries; what it was after five is kept in `early.bundle`."""
    small = StoredLog(tmp_path)
    small.write(crossing("c1"))
    keep(small, "early.bundle")
    small.write([wanted("presence")], crossing("c2"))
    return small


def keep(log: StoredLog, name: str, since: int = 0) -> Path:
    path = log.folder / name
    path.write_bytes(log.bundle(since))
    return path


def receipt(log: StoredLog, name: str = "receipt.note", signer: Signer = MIRROR) -> Path:
    """What the mirror signed of the log as it is now."""
    note = Outlet(log.spool).note()
    path = log.folder / name
    path.write_bytes(Note(note.text, (*note.signatures, signer.cosign(note.text, COSIGNED_S))).to_bytes())
    return path


def judged(log: StoredLog, *paths: Path, at_least: int | None = None, hour_max: str = "2026-11-26T00:00:00Z") -> Report:
    cosigners = MIRROR.verifier.vkey if any(one.suffix == ".note" for one in paths) else ""
    return verify(paths[0], log.vkey, *paths[1:], known=Known(at_least, cosigners, hour_max))


def fork(log: StoredLog, folder: str = "fork") -> StoredLog:
    """Another log of the same key that begins alike: what a restored or copied gate would sign."""
    other = StoredLog(log.folder / folder, log.signer, log.auditors)
    other.folder.mkdir()
    shutil.copy(log.folder / "log.sqlite", other.database)
    shutil.copytree(log.spool, other.spool)
    return other


# ── copies ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_older_copy_agrees_and_says_how_long_the_log_must_be(log: StoredLog) -> None:
    early, late = log.folder / "early.bundle", keep(log, "late.bundle")
    for paths in ((early, late), (late, early), (log.spool, early), (log.database, early, late)):
        report = judged(log, *paths)
        assert (report.problems, report.entries) == ((), 11), paths
        assert len(report.copies) == len(paths)
        assert report.is_open_ended
    assert "the 5 entries known to have been are here" in judged(log, late, early).unknown[-1]


@pytest.mark.parametrize("form", ["early.bundle", "old-spool", "old.sqlite"])
def test_an_older_copy_alone_is_found_by_whatever_else_is_known(log: StoredLog, tmp_path: Path, form: str) -> None:
    """A bundle, a spool and a database from before: each is whole in itself."""
    older = StoredLog(tmp_path / "older", log.signer, log.auditors)
    older.folder.mkdir()
    older.write(crossing("c9"))
    old = {"early.bundle": keep(older, "early.bundle"), "old-spool": older.spool, "old.sqlite": older.database}[form]
    alone = judged(older, old)
    assert alone.verified
    assert "whether the log went on" in alone.unknown[-1], "it must be said"
    assert judged(older, old, at_least=6).problems == ("the log had 6 entries at least, and ends after 5",)
    older.write(crossing("c10"))
    if form == "early.bundle":
        assert judged(older, old, receipt(older)).problems == (
            "receipt.note says that the log had 10 entries, and what is here ends after 5",
        )


def test_two_histories_of_one_key_are_found_wherever_they_part(log: StoredLog) -> None:
    other = fork(log)
    log.write(crossing("c3"))
    other.write([wanted("release")], crossing("c4"))
    for mine, theirs in ((log.spool, other.spool), (keep(log, "a"), keep(other, "b")), (log.database, other.spool)):
        assert judged(log, mine).verified
        assert judged(log, theirs).verified
        (problem,) = judged(log, mine, theirs).problems
        assert "differ from entry 11 on" in problem


def test_a_history_that_parts_before_what_is_here_is_found_by_its_hashes(log: StoredLog) -> None:
    other = StoredLog(log.folder / "other", log.signer, log.auditors)
    other.folder.mkdir()
    other.write([wanted("release") for _ in range(12)])
    part = keep(other, "part.bundle", since=11)
    (problem,) = judged(log, keep(log, "whole.bundle"), part).problems
    assert (
        problem
        == "whole.bundle and part.bundle are not copies of one log: they differ in entries of which only hashes are here"
    )


def test_parts_that_follow_on_one_another_are_the_whole(log: StoredLog) -> None:
    early, rest = log.folder / "early.bundle", keep(log, "rest.bundle", since=4)
    report = judged(log, rest, early, at_least=11)
    assert (report.verified, report.since, report.entries, report.bodies, report.unknown) == (True, 0, 11, 11, ())
    assert (report.first_time, report.last_time) == ("2026-11-25T10:00:00Z", "2026-11-25T10:00:00Z")
    alone = judged(log, rest, at_least=11)
    assert (alone.since, alone.is_partial) == (4, True)


def test_parts_between_which_something_is_missing_are_not_compared(log: StoredLog) -> None:
    report = judged(log, keep(log, "rest.bundle", since=7), log.folder / "early.bundle")
    assert (report.verified, report.since) == (True, 7)
    assert any("whether early.bundle is the beginning of this log" in one for one in report.unknown)


def test_a_damaged_copy_is_named_and_the_other_is_intact(log: StoredLog) -> None:
    bad = keep(log, "bad.bundle")
    bad.write_bytes(bad.read_bytes().replace(b"T10:00:00Z", b"T11:00:00Z", 1))
    report = judged(log, bad, log.spool)
    assert {one.name: one.intact for one in report.copies} == {"bad.bundle": False, "spool": True}
    assert any(one.startswith("bad.bundle: ") for one in report.problems)


def test_a_key_that_one_copy_lacks_is_an_erasure_that_did_not_reach_the_other(log: StoredLog) -> None:
    whole = keep(log, "whole.bundle")
    next((log.spool / "keys").rglob("*.age")).unlink()
    report = judged(log, log.spool, whole, at_least=11)
    assert (report.verified, report.erased) == (True, 0)
    assert report.unknown == (
        "1 keys are missing in spool and are there in another copy: an erasure that did not reach every copy, or keys that were taken away",
    )


# ── receipts and cosignatures ────────────────────────────────────────────────────────────────────────────────────────


def test_a_receipt_says_until_when_the_log_is_known(log: StoredLog) -> None:
    report = judged(log, log.spool, receipt(log))
    assert report.verified
    (mark,) = report.cosignatures
    assert (mark.by, mark.size, mark.time, mark.checked) == (MIRROR.verifier.name, 11, COSIGNED, True)
    assert report.unknown == (f"whether the log went on after {COSIGNED}, when all of it was cosigned",)


def test_a_receipt_for_another_history_is_a_problem(log: StoredLog) -> None:
    other = fork(log)
    other.write([wanted("release")])
    log.write(crossing("c3"))
    (problem,) = judged(log, log.spool, receipt(other, "their.note")).problems
    assert problem == "spool is not the log of their.note: its first 12 entries have another root"


def test_a_cosignature_that_does_not_hold_is_a_problem_and_one_without_a_key_is_not_known(log: StoredLog) -> None:
    note = receipt(log)
    unknown = verify(log.spool, log.vkey, note)
    assert unknown.verified
    assert [mark.checked for mark in unknown.cosignatures] == [False]
    assert any("--mirror-vkey gives its key" in one for one in unknown.unknown)
    forged = Signer.generate(MIRROR.verifier.name, Algorithm.COSIGNATURE_V1)
    assert any(
        "nothing here bears its cosignature" in one
        for one in judged(log, log.spool, receipt(log, "f.note", forged)).unknown
    )
    text, _, line = note.read_text().rstrip("\n").rpartition(" ")
    raw = bytearray(exact_base64(line))
    raw[-1] ^= 1
    import base64

    note.write_text(f"{text} {base64.b64encode(raw).decode()}\n")
    assert judged(log, log.spool, note).problems == (
        "receipt.note: the cosignature of central.example/mirror is not valid",
    )


def test_a_receipt_of_a_stranger_is_a_problem_and_tells_nothing(log: StoredLog) -> None:
    stranger = Signer.generate(ORIGIN)
    note = log.folder / "stranger.note"
    note.write_bytes(Checkpoint(ORIGIN, 99, bytes(32)).sign(stranger).to_bytes())
    assert judged(log, log.spool, note).problems == ("stranger.note: the checkpoint is not signed with the log's key",)


def test_receipts_alone_are_nothing_to_judge(log: StoredLog) -> None:
    with pytest.raises(UnreadableError, match="only notes"):
        judged(log, receipt(log))


# ── hours ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("year", "why"), [("2019", "nothing of this format was written so early"), ("9999", "it has not come yet")]
)
def test_an_hour_that_cannot_have_been_is_a_problem_of_what_is_told(tmp_path: Path, year: str, why: str) -> None:
    from dataclasses import replace

    log = StoredLog(tmp_path)
    happening = replace(wanted("release").happening, time=TIME.replace("2026", year))
    log.write([wanted("presence"), Wanted.of(happening, b"{}")])
    report = judged(log, log.spool)
    assert (report.verified, report.intact) == (False, True)
    assert report.problems == (f"1 entries, the first of them 1, say the hour {year}-11-25T10:00:00Z: {why}",)


def test_a_report_of_several_copies_is_plain_json(log: StoredLog) -> None:
    fields = judged(log, log.spool, receipt(log)).fields()
    assert json.loads(json.dumps(fields))["copies"][1]["kind"] == "receipt"

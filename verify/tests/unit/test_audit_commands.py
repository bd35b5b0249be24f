"""`gate audit`: what the commands print, and how they end."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyrage
import pytest
from core_fakes.sealed_log import TIME, crossing, happening
from core_fakes.sealed_log import plain_record as wanted
from typer.testing import CliRunner, Result
from verify_fakes.audit_logs import StoredLog, Wanted

from gate_core.command_line.tree import verbs
from gate_core.programs.clock import now

RUNNER = CliRunner()
NUMBERS = itertools.count()


@pytest.fixture
def log(tmp_path: Path) -> StoredLog:
    small = StoredLog(tmp_path)
    small.write(crossing("c1"), [wanted("presence", None, {"officer": "officer-7"})])
    (tmp_path / "log.vkey").write_text(small.vkey + "\n")
    (tmp_path / "one.identity").write_text(f"{small.auditors[0]}\n")
    (tmp_path / "a.bundle").write_bytes(small.bundle())
    return small


def run(*arguments: object) -> Result:
    words = [str(one) for one in arguments]
    if words[0] == "decrypt":
        words += ["--purpose", "a test", "--case", "1"]
        words += ["--access-note", str(Path(words[1]).with_name(f"{next(NUMBERS)}.note"))]
    return RUNNER.invoke(verbs("audit"), words)


def document(result: Result) -> dict[str, Any]:
    (line,) = result.stdout.splitlines()
    found: dict[str, Any] = json.loads(line)
    return found


def test_a_good_log_is_verified_with_the_key_or_its_file(log: StoredLog) -> None:
    for vkey in (log.vkey, log.folder / "log.vkey"):
        result = run("verify", log.folder / "a.bundle", "--vkey", vkey, "--json")
        assert result.exit_code == 0
        found = document(result)
        assert found["schema"] == "audit.verify/1"
        assert (found["entries"], found["verified"], found["problems"]) == (6, True, [])
        assert {"root", "checkpoints", "first_time", "last_time"} <= set(found)


def test_a_changed_log_ends_with_one_and_its_problems(log: StoredLog) -> None:
    bundle = log.folder / "a.bundle"
    bundle.write_bytes(bundle.read_bytes()[:-10])
    assert document(run("verify", bundle, "--vkey", log.vkey, "--json"))["problems"]
    result = run("verify", bundle, "--vkey", log.vkey)
    assert result.exit_code == 1
    assert result.stdout.startswith("NOT VERIFIED")
    assert "cut off" in result.stdout


def test_people_read_that_a_log_is_verified(log: StoredLog) -> None:
    result = run("verify", log.spool, "--vkey", log.vkey)
    assert result.stdout.startswith("VERIFIED")
    assert "6" in result.stdout


def test_hours_of_headers_are_never_shown_as_if_they_were_moments(log: StoredLog) -> None:
    told = run("verify", log.spool, "--vkey", log.vkey).stdout
    assert "from about 2026-11-25 10h UTC to about 2026-11-25 10h UTC" in told
    assert "10:00:00" not in told
    found = document(run("verify", log.spool, "--vkey", log.vkey, "--json"))
    assert (found["first_time"], found["time_precision"]) == ("2026-11-25T10:00:00Z", "hour")


@pytest.mark.parametrize(("ahead_h", "code"), [(20, 0), (28, 1)])
def test_an_hour_that_has_not_come_by_the_auditors_own_clock_and_a_day_is_wrong(
    log: StoredLog, ahead_h: int, code: int
) -> None:
    time = f"{now() + timedelta(hours=ahead_h):%Y-%m-%dT%H}:00:00.000Z"
    log.write([Wanted.of(replace(happening("presence"), time=time), b"{}")])
    result = run("verify", log.spool, "--vkey", log.vkey)
    assert (result.exit_code, "it has not come yet" in result.stdout) == (code, bool(code)), result.stdout


def test_what_cannot_be_judged_is_bad_data(log: StoredLog) -> None:
    result = run("verify", log.folder / "a.bundle", "--vkey", "non+sense+key")
    assert (result.exit_code, result.stdout) == (65, "")
    assert len(result.stderr.splitlines()) == 1


def test_an_auditor_reads_every_record(log: StoredLog) -> None:
    result = run("decrypt", log.folder / "a.bundle", "--identity", log.folder / "one.identity", "--vkey", log.vkey)
    assert result.exit_code == 0
    assert result.stderr.startswith("gate: access note ")
    assert result.stderr.count("\n") == 1
    records = [json.loads(line) for line in result.stdout.splitlines()]
    assert [record["index"] for record in records] == list(range(6))
    assert [record["kind"] for record in records] == ["opened", "decided", "granted", "passed", "closed", "presence"]
    assert records[0]["body"] == {"about": "opened in c1"}
    assert records[5]["body"] == {"officer": "officer-7"}
    assert (records[0]["crossing"], records[0]["class"], records[0]["time"]) == ("c1", "crossing", TIME)
    assert {"monotonic_ms", "boot", "id", "key"} <= set(records[0])
    assert {record["time_precision"] for record in records} == {"millisecond"}


def test_an_auditor_is_told_that_the_signature_was_not_checked(log: StoredLog) -> None:
    result = run("decrypt", log.folder / "a.bundle", "--identity", log.folder / "one.identity")
    assert result.exit_code == 0
    assert "signature was not checked" in result.stderr


def test_an_erased_crossing_has_no_body_and_says_so(log: StoredLog) -> None:
    for key in list((log.spool / "keys").rglob("*.age")):
        key.unlink()
    (log.folder / "a.bundle").write_bytes(log.bundle())
    result = run("decrypt", log.folder / "a.bundle", "--identity", log.folder / "one.identity")
    records = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(record["body"], record["kind"], record["crossing"]) for record in records] == [(None, None, None)] * 6
    assert {record["note"] for record in records} == {"the key was erased; the time is the hour"}
    assert {(record["time"], record["time_precision"]) for record in records} == {("2026-11-25T10:00:00Z", "hour")}


def test_whoever_reads_a_crossing_knows_which_key_to_erase(log: StoredLog) -> None:
    log.write(crossing("c2"))
    (log.folder / "a.bundle").write_bytes(log.bundle())
    command = ("decrypt", log.folder / "a.bundle", "--identity", log.folder / "one.identity", "--vkey", log.vkey)
    records = [json.loads(line) for line in run(*command).stdout.splitlines()]
    (key,) = {record["key"] for record in records if record["crossing"] == "c1"}
    (log.spool / "keys" / key[:2] / f"{key}.age").unlink()
    (log.folder / "a.bundle").write_bytes(log.bundle())
    left = [json.loads(line) for line in run(*command).stdout.splitlines()]
    assert [record["kind"] for record in left] == [None] * 5 + [record["kind"] for record in records[5:]]
    assert document(run("verify", log.spool, "--vkey", log.vkey, "--json"))["erased"] == 1


def test_a_stranger_reads_nothing(log: StoredLog) -> None:
    (log.folder / "stranger.identity").write_text(f"{pyrage.x25519.Identity.generate()}\n")
    result = run("decrypt", log.folder / "a.bundle", "--identity", log.folder / "stranger.identity")
    assert (result.exit_code, result.stdout) == (77, "")


def test_an_age_file_for_somebody_else_closes_its_own_records_only(log: StoredLog) -> None:
    """An auditor who came or went: of three crossings one is sealed for others."""
    others = StoredLog(log.folder, log.signer, (pyrage.x25519.Identity.generate(),))
    others.write(crossing("c2"))
    log.write(crossing("c3"))
    bundle = log.folder / "a.bundle"
    bundle.write_bytes(log.bundle())
    result = run("decrypt", bundle, "--identity", log.folder / "one.identity", "--vkey", log.vkey)
    records = [json.loads(line) for line in result.stdout.splitlines()]
    assert [record["index"] for record in records] == list(range(16))
    assert [record["crossing"] for record in records] == ["c1"] * 5 + [None] * 6 + ["c3"] * 5
    assert {record["note"] for record in records[6:11]} == {
        "the key is wrapped for others than this identity; the time is the hour"
    }
    assert (records[6]["class"], records[6]["body"], len(records[6]["key"])) == ("crossing", None, 64)
    assert result.stderr.endswith("\ngate: not opened: 6-10: the key is wrapped for others than this identity\n")
    assert result.exit_code == 1


def test_a_damaged_body_closes_its_own_record_only_and_is_bad_data(log: StoredLog) -> None:
    bundle = log.folder / "a.bundle"
    lines = bundle.read_bytes().splitlines(keepends=True)
    changed = json.loads(lines[4])
    changed["ct"] = "AAAA" + changed["ct"][4:]
    lines[4] = json.dumps(changed, separators=(",", ":")).encode() + b"\n"
    noise = json.loads(lines[6])
    noise["leaf"] = noise["leaf"][:-1]
    lines[6] = json.dumps(noise, separators=(",", ":")).encode() + b"\n"
    bundle.write_bytes(b"".join(lines))
    result = run("decrypt", bundle, "--identity", log.folder / "one.identity")
    records = [json.loads(line) for line in result.stdout.splitlines()]
    assert [record["index"] for record in records] == list(range(6))
    assert [record["kind"] for record in records] == ["opened", "decided", None, "passed", None, "presence"]
    assert "gate: not opened: 2: the sealed body is not the one that was logged" in result.stderr
    assert "gate: not opened: 4: the entry is no record of the log" in result.stderr
    assert result.exit_code == 65


def test_people_and_programs_are_told_what_is_not_here(log: StoredLog) -> None:
    for key in (log.spool / "keys").rglob("*.age"):
        key.unlink()
    result = run("verify", log.spool, "--vkey", log.vkey, "--at-least", "6")
    assert result.exit_code == 3
    said = result.stdout.splitlines()
    assert said[0] == "VERIFIED, BUT NOT ALL OF IT IS HERE"
    assert (
        said[-2]
        == "? 2 keys of 6 entries are not here, and no record that was read says that they were to go: erased, or taken away"
    )
    assert (
        said[-1] == "? what the records tell: they are sealed, and --identity judges it for an auditor who holds a key"
    )
    found = document(run("verify", log.spool, "--vkey", log.vkey, "--json"))
    assert (found["verified"], len(found["unknown"])) == (True, 3)
    assert run("verify", log.spool, "--vkey", log.vkey, "--at-least", "7").exit_code == 1


def test_what_the_records_tell_is_judged_for_whoever_can_open_them(log: StoredLog) -> None:
    """`crossing` of the test's log grants before any start, and on no decision: its bodies are no lane's."""
    told = run("verify", log.spool, "--vkey", log.vkey, "--identity", log.folder / "one.identity")
    assert told.exit_code == 1
    assert told.stdout.startswith("NOT VERIFIED: AS IT WAS SIGNED, BUT WHAT IT TELLS CANNOT BE")
    assert "- entry 2: granted in crossing c1 without a decision that opens the last door" in told.stdout
    bundle = log.folder / "a.bundle"
    for words in ((bundle,), (log.spool, bundle), (log.database, bundle)):
        found = document(run("verify", *words, "--vkey", log.vkey, "--identity", log.folder / "one.identity", "--json"))
        assert (found["verified"], found["intact"], len(found["problems"])) == (False, True, 2), words
    assert document(run("verify", bundle, "--vkey", log.vkey, "--json"))["verified"]


def test_a_copy_that_is_not_intact_is_not_read_any_further(log: StoredLog) -> None:
    bundle = log.folder / "a.bundle"
    bundle.write_bytes(bundle.read_bytes().replace(b"T10:00:00Z", b"T11:00:00Z", 1))
    found = document(run("verify", bundle, "--vkey", log.vkey, "--identity", log.folder / "one.identity", "--json"))
    assert found["unknown"][-1] == "what the records tell: they are read only where all is as it was signed"


def test_a_file_name_that_steers_a_terminal_is_harmless_in_text_and_in_json(log: StoredLog) -> None:
    (log.spool / "\x1b[2J\x1b]0;VERIFIED\x07").touch()
    (log.spool / "\udcff").touch()
    for flags in ((), ("--json",)):
        result = run("verify", log.spool, "--vkey", log.vkey, *flags)
        assert result.exit_code == 1
        assert all(line.isprintable() for line in result.stdout.splitlines())
    assert len(document(result)["problems"]) == 2


def test_a_bundle_that_is_not_the_logs_is_not_decrypted_with_its_key(log: StoredLog) -> None:
    bundle = log.folder / "a.bundle"
    bundle.write_bytes(bundle.read_bytes().replace(b"T10:00:00Z", b"T11:00:00Z"))
    result = run("decrypt", bundle, "--identity", log.folder / "one.identity", "--vkey", log.vkey)
    assert (result.exit_code, result.stdout) == (1, "")
    result = run("decrypt", bundle, "--identity", log.folder / "one.identity", "--vkey", "non+sense+key")
    assert result.exit_code == 65


def test_a_file_that_is_not_there_is_an_io_error_and_not_bad_data(log: StoredLog) -> None:
    bundle, identity, missing = log.folder / "a.bundle", log.folder / "one.identity", log.folder / "missing"
    for words in (
        ("verify", missing, "--vkey", log.vkey),
        ("verify", bundle, "--vkey", missing),
        ("decrypt", missing, "--identity", identity),
        ("decrypt", missing, "--identity", identity, "--vkey", log.vkey),
        ("decrypt", bundle, "--identity", missing),
    ):
        result = run(*words)
        assert (result.exit_code, result.stdout) == (74, ""), words
        assert "cannot read" in result.stderr


def test_a_broken_bundle_or_identity_is_bad_data(log: StoredLog) -> None:
    identity, bundle = log.folder / "one.identity", log.folder / "a.bundle"
    (log.folder / "cut.bundle").write_bytes(b"".join(bundle.read_bytes().splitlines(keepends=True)[:-1]))
    (log.folder / "noise.bundle").write_bytes(b"noise\n")
    assert run("decrypt", log.folder / "cut.bundle", "--identity", identity).exit_code == 65
    assert run("decrypt", log.folder / "noise.bundle", "--identity", identity).exit_code == 65
    assert run("decrypt", bundle, "--identity", log.folder / "log.vkey").exit_code == 65

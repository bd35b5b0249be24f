"""Access notes and hand-over records: who opened a log, for what, and what went to whom."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pyrage
import pytest
from fakes.audit_logs import ORIGIN, SmallLog, crossing
from typer.testing import CliRunner, Result

from gate_core.audit_format.errors import BadFormatError, BadSignatureError
from gate_core.audit_format.note import Signer
from gate_core.audit_format.unsealer import Unsealer
from gate_core.command_line.tree import verbs
from gate_verify.access_note import WORDS_MAX, Access

RUNNER = CliRunner()
GOOD = Access("2026-11-25T10:00:00.000Z", "age1x", ORIGIN, "5", "0" * 64, "a complaint", "2026/17")


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SmallLog:
    monkeypatch.chdir(tmp_path)
    small = SmallLog(tmp_path)
    small.write(crossing("c1"), crossing("c2"))
    Path("one.identity").write_text(f"{small.auditors[0]}\n")
    Path("two.identity").write_text(f"{small.auditors[1]}\n")
    Path("a.bundle").write_bytes(small.bundle())
    return small


def decrypt(*words: object, log: str = "a.bundle", identity: str = "one.identity") -> Result:
    return RUNNER.invoke(verbs("audit"), ["decrypt", log, "--identity", identity, *map(str, words)])


def vkey(identity: str = "one.identity") -> str:
    return Unsealer.from_file(Path(identity)).signer().verifier.vkey


pytestmark = pytest.mark.usefixtures("log")
WHY = ("--purpose", "a complaint", "--case", "2026/17")


def test_an_access_leaves_a_note_that_the_auditors_key_signed(log: SmallLog) -> None:
    result = decrypt(*WHY, "--access-note", "n.note")
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) == 10
    assert vkey() in result.stderr, "for whoever reads the note later"
    read = RUNNER.invoke(verbs("audit"), ["access", "n.note", "--vkey", vkey(), "--json"])
    (found,) = json.loads(read.stdout)["notes"]
    assert (found["purpose"], found["case"], found["log"], found["entries"]) == ("a complaint", "2026/17", ORIGIN, "10")
    assert found["by"] == str(log.auditors[0].to_public())
    assert "a complaint, case 2026/17" in RUNNER.invoke(verbs("audit"), ["access", "n.note", "--vkey", vkey()]).stdout


def test_a_note_is_the_word_of_whoever_could_open_and_of_nobody_else() -> None:
    decrypt(*WHY, "--access-note", "n.note")
    assert RUNNER.invoke(verbs("audit"), ["access", "n.note", "--vkey", vkey("two.identity")]).exit_code == 1
    note = Path("n.note")
    note.write_text(note.read_text().replace("2026/17", "2026/18"))
    assert RUNNER.invoke(verbs("audit"), ["access", "n.note", "--vkey", vkey()]).exit_code == 1
    note.write_text("nonsense")
    assert RUNNER.invoke(verbs("audit"), ["access", "n.note", "--vkey", vkey()]).exit_code == 65
    assert RUNNER.invoke(verbs("audit"), ["access", "missing.note", "--vkey", vkey()]).exit_code == 74


def test_where_nobody_can_be_asked_nothing_is_opened_without_a_purpose() -> None:
    """It printed everything, and wrote no note."""
    for words in ((), ("--purpose", "a complaint"), ("--case", "2026/17"), ("--purpose", "", "--case", "1")):
        result = decrypt(*words)
        assert (result.exit_code, result.stdout) == (2, ""), words
        assert "--purpose" in result.stderr
    assert list(Path().glob("*.note")) == []
    assert decrypt(*WHY).exit_code == 0
    assert len(list(Path().glob("access-*.note"))) == 1


def test_what_does_not_open_leaves_no_note() -> None:
    Path("stranger.identity").write_text(f"{pyrage.x25519.Identity.generate()}\n")
    assert decrypt(*WHY, identity="stranger.identity").exit_code == 77
    assert decrypt(*WHY, "--vkey", Signer.generate(ORIGIN).verifier.vkey).exit_code == 1
    missing = decrypt(*WHY, identity="missing.identity")
    assert missing.exit_code == 74
    assert "cannot read the key file missing.identity" in missing.stderr
    assert decrypt(*WHY, log="missing.bundle").exit_code == 74
    assert list(Path().glob("*.note")) == []


@pytest.mark.parametrize("form", ["spool", "log.sqlite", "a.bundle"])
def test_every_form_of_a_log_opens_alike(log: SmallLog, form: str) -> None:
    assert (
        decrypt(*WHY, "--vkey", log.vkey, log=form).stdout
        == decrypt(*WHY, "--vkey", log.vkey, "--access-note", "other.note").stdout
    )


def test_what_an_authority_gets_has_its_record() -> None:
    result = decrypt(*WHY, "--crossing", "c2", "--out", "for-them.jsonl", "--to", "Public prosecutor, Utopia")
    assert (result.exit_code, result.stdout) == (0, "")
    handed = Path("for-them.jsonl")
    assert [json.loads(line)["crossing"] for line in handed.read_text().splitlines()] == ["c2"] * 5
    assert handed.stat().st_mode & 0o077 == 0
    read = RUNNER.invoke(verbs("audit"), ["access", "for-them.jsonl.handover.note", "--vkey", vkey(), "--json"])
    (found,) = json.loads(read.stdout)["notes"]
    assert (found["to"], found["file"], found["records"]) == ("Public prosecutor, Utopia", "for-them.jsonl", "5")
    assert found["sha256"] == hashlib.sha256(handed.read_bytes()).hexdigest()
    assert decrypt(*WHY, "--to", "somebody").exit_code == 2


def test_a_crossing_that_is_not_there_is_said_and_leaves_nothing_to_hand_over() -> None:
    result = decrypt(*WHY, "--crossing", "c3", "--out", "for-them.jsonl", "--to", "Public prosecutor, Utopia")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "c3" in result.stderr
    assert {one.name for one in Path().glob("*.note")} | {one.name for one in Path().glob("*.jsonl")} == set()


def test_no_file_is_written_over() -> None:
    bundle = Path("a.bundle").read_bytes()
    assert decrypt(*WHY, "--out", "a.bundle").exit_code == 74
    assert decrypt(*WHY, "--access-note", "a.bundle").exit_code == 74
    export = RUNNER.invoke(verbs("audit"), ["export", "--spool", "spool", "--out", "a.bundle"])
    assert export.exit_code == 74
    assert "is there already" in export.stderr
    assert Path("a.bundle").read_bytes() == bundle


def test_a_note_says_what_it_must_in_lines_of_its_own() -> None:
    signer = Signer.generate("age1x")
    for words in ('a\nto "x"', "a\u2028b", "“Akte”", '"', "\x1b[2J"):
        odd = replace(GOOD, purpose=words)
        assert Access.parse(odd.sign(signer), signer.verifier) == odd
    for wrong in ({"purpose": " "}, {"case": ""}, {"at": "today"}, {"to": "x" * (WORDS_MAX + 1)}):
        with pytest.raises(BadFormatError):
            replace(GOOD, **wrong)
    other = Signer.generate("age1y")
    with pytest.raises(BadSignatureError, match="is of age1x"):
        Access.parse(GOOD.sign(other), other.verifier)

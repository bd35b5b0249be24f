"""`gate lists`: an agency makes and signs an edition that a gate takes, and whatever a gate would refuse is refused first."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fakes.signed_lists import GATE
from typer.testing import CliRunner

from gate.lists.stored_list import StoredList
from gate_core.audit_format.note import Verifier
from gate_core.command_line.tree import application
from gate_core.evidence.registers import RegisterAnswer
from gate_core.ports.registers import Question
from gate_lab import list_edition as making

SAID = """agency = "police.example"
name = "stolen-documents"
serial = 7
about = "lost_documents"
purpose = "Documents that were reported lost or stolen"
basis = "Notice 12/2026"
instructions = "Keep the document."
first = 2026-01-01T00:00:00Z
last = 2099-01-01T00:00:00Z
age_max_hours = 24
priority = 1
copies_at = ["north-7"]
copies_kept_hours = 48
names_allowed = true
"""
SECRET = "5a" * 32
ANNA = '{"reference":"A-17","names":["Eriksson, Anna Maria"],"born":"1974-08-12"}\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "list.toml").write_text(SAID)
    (tmp_path / "numbers").write_text("UTO L898902C3\n\nD C01X0006H\nUTO L898902C3\n")
    (tmp_path / "names").write_text(ANNA + "\n")
    (tmp_path / "secret").write_text(SECRET + "\n")
    made = CliRunner().invoke(
        application(["config"]), ["config", "key", "--name", "police.example", "--out", str(tmp_path / "key"), "--json"]
    )
    (tmp_path / "vkey").write_text(json.loads(made.stdout)["vkey"])
    return tmp_path


def run(*words: object) -> tuple[int, str, str]:
    done = CliRunner().invoke(application(["lists"]), ["lists", *map(str, words)])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.stdout, done.stderr


def sign(folder: Path, *more: object) -> tuple[int, str, str]:
    files = ("--numbers", folder / "numbers", "--secret", folder / "secret", "--names", folder / "names")
    whose = ("--key", folder / "key", "--name", "police.example", "--out", folder / "out")
    return run("sign", folder / "list.toml", *whose, *files, *more)


def test_an_edition_that_is_signed_here_answers_at_a_gate(folder: Path) -> None:
    code, out, _ = sign(folder, "--json")
    assert code == 0
    told = json.loads(out)
    assert (told["schema"], told["numbers"], told["names"], told["serial"]) == ("lists.sign/1", 2, 1, 7)
    stored = StoredList(
        folder / "held",
        name="stolen-documents",
        agency="police.example",
        keys=[Verifier.parse((folder / "vkey").read_text())],
        secret=bytes.fromhex(SECRET),
        gate=GATE,
    )
    note = folder / "out" / "stolen-documents-7.note"
    now = datetime.now(UTC) + timedelta(seconds=1)
    stored.take(note.read_bytes(), note.with_suffix(".entries"), now)
    question = Question("P", "UTO", "L898902C3", "UTO", "BERG", "BO", "1990-01-01")
    assert stored.ask(question, now).answer is RegisterAnswer.HIT
    stored.close()


def test_a_delta_from_the_edition_before_leads_a_gate_to_the_same_list(folder: Path) -> None:
    assert sign(folder)[0] == 0
    before = folder / "out" / "stolen-documents-7.note"
    stored = StoredList(
        folder / "held",
        name="stolen-documents",
        agency="police.example",
        keys=[Verifier.parse((folder / "vkey").read_text())],
        secret=bytes.fromhex(SECRET),
        gate=GATE,
    )
    now = datetime.now(UTC) + timedelta(seconds=1)
    stored.take(before.read_bytes(), before.with_suffix(".entries"), now)
    (folder / "list.toml").write_text(SAID.replace("serial = 7", "serial = 9"))
    (folder / "numbers").write_text("UTO L898902C3\nUTO NEW123\n")
    (folder / "names").write_text(ANNA.replace("A-17", "A-18"))
    code, out, _ = sign(folder, "--since", before, "--json")
    assert code == 0
    delta = Path(json.loads(out)["delta_note"])
    assert delta.name == "stolen-documents-9-from-7.note"
    stored.take(delta.read_bytes(), delta.with_suffix(".delta"), now)
    assert stored.header is not None
    assert (stored.header.serial, stored.header.entries) == (9, json.loads(out)["entries"])
    assert stored.ask(Question("P", "UTO", "NEW123", "UTO", "BERG", "BO"), now).answer is RegisterAnswer.HIT
    assert stored.ask(Question("P", "D", "C01X0006H", "D", "BERG", "BO"), now).answer is RegisterAnswer.NONE
    anna = stored.ask(Question("P", "D", "C01X0006H", "D", "ERIKSSON", "ANNA MARIA", "1974-08-12"), now)
    assert anna.reference == "A-18"
    stored.close()


@pytest.mark.parametrize(
    ("said", "numbers", "why"),
    [
        (SAID, "UTO L898902C3\n", "has serial 7, and the edition before has 7"),
        (SAID.replace("serial = 7", "serial = 8"), "UTO L898902C3\n", "has 1 numbers after 2"),
        (SAID.replace("serial = 7", "serial = 8") + "withdrawn = true\n", "", "no delta"),
        (
            SAID.replace("serial = 7", "serial = 8").replace("stolen-documents", "another"),
            "UTO L898902C3\nD C01X0006H\n",
            "another list",
        ),
    ],
)
def test_a_delta_that_no_gate_would_take_is_not_made(folder: Path, said: str, numbers: str, why: str) -> None:
    assert sign(folder)[0] == 0
    (folder / "list.toml").write_text(said)
    (folder / "numbers").write_text(numbers)
    (folder / "names").write_text(ANNA if numbers else "")
    before = {path.name for path in (folder / "out").iterdir()}
    code, _, words = sign(folder, "--since", folder / "out" / "stolen-documents-7.note")
    assert (code, why in words) == (65, True)
    assert {path.name for path in (folder / "out").iterdir()} == before
    assert sign(folder, "--since", folder / "nowhere.note")[0] == 74


def test_an_edition_is_shown_without_anybody_on_it(folder: Path) -> None:
    assert sign(folder)[0] == 0
    note = folder / "out" / "stolen-documents-7.note"
    code, out, _ = run("show", note, "--key", (folder / "vkey").read_text())
    assert code == 0
    assert "edition 7: 2 numbers, 1 names" in out
    assert "ERIKSSON" not in out.upper()
    code, out, _ = run("show", note, "--key", (folder / "vkey").read_text(), "--json")
    assert json.loads(out)["schema"] == "lists.show/1"
    note.with_suffix(".entries").write_bytes(b"other")
    assert run("show", note, "--key", (folder / "vkey").read_text())[0] == 65
    note.with_suffix(".entries").unlink()
    assert run("show", note, "--key", (folder / "vkey").read_text())[0] == 74
    assert run("show", folder / "absent", "--key", (folder / "vkey").read_text())[0] == 74
    assert run("show", note, "--key", "no key")[0] == 2


def test_a_withdrawal_has_no_entries(folder: Path) -> None:
    (folder / "list.toml").write_text(SAID + "withdrawn = true\n")
    whose = ("--key", folder / "key", "--name", "police.example", "--out", folder / "out")
    assert run("sign", folder / "list.toml", *whose)[0] == 0
    assert [one.name for one in (folder / "out").iterdir()] == ["stolen-documents-7.note"]
    code, out, _ = run("show", folder / "out" / "stolen-documents-7.note", "--key", (folder / "vkey").read_text())
    assert (code, "withdrawn" in out) == (0, True)


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("list.toml", "serial = 7\n", "missing required field"),
        ("list.toml", "serial = \n", "list.toml"),
        ("list.toml", SAID.replace("priority = 1", "priority = 12"), "priority"),
        ("list.toml", SAID.replace("names_allowed = true", "names_allowed = false"), "does not allow them"),
        ("list.toml", SAID + "risk = 1\n", "unknown field"),
        ("numbers", "L898902C3\n", "line 1: an issuer and a number"),
        ("numbers", "UTO L898902C3\nUTOPIA 1\n", "line 2: no document has such a number"),
        ("names", ANNA.replace("Eriksson", "王"), "line 1: one of its names cannot be compared"),
        ("names", "{}\n", "line 1"),
        ("secret", "5a" * 31, "is no key of 32 bytes"),
        ("secret", "five", "is no key of 32 bytes"),
    ],
)
def test_what_a_gate_would_refuse_is_refused_with_its_line(file: str, content: str, said: str, folder: Path) -> None:
    (folder / file).write_text(content)
    code, _, err = sign(folder)
    assert (code, said in err, err.count("\n")) == (65, True, 1), err
    assert not (folder / "out").exists()


def test_bytes_that_are_no_text_and_files_that_are_not_there_are_one_line(folder: Path) -> None:
    (folder / "numbers").write_bytes(b"\xff\n")
    assert sign(folder)[0] == 65
    (folder / "numbers").unlink()
    assert sign(folder)[0] == 74
    whose = ("--key", folder / "key", "--name", "police.example", "--out", folder / "out")
    (folder / "numbers").write_text("UTO A1\n")
    assert run("sign", folder / "list.toml", *whose, "--numbers", folder / "numbers")[0] == 2
    (folder / "out").write_bytes(b"no folder")
    assert sign(folder)[0] == 74


def test_more_entries_than_a_gate_takes_are_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limits: dict[str, Any] = {"NUMBERS_MAX": 1, "NAMES_MAX": 0}
    for name, limit in limits.items():
        with monkeypatch.context() as patched:
            patched.setattr(making, name, limit)
            code, _, err = sign(folder)
            assert (code, "more than" in err) == (65, True)

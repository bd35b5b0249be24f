"""`gate officer authority enrol, list, remove`: a supervisor's acts at the authority's machine, and its file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from typer.testing import CliRunner, Result

from gate_core.command_line.output import Exit
from gate_core.command_line.tree import verbs
from gate_core.settings.config_file import ConfigError
from gate_officers.authority.config import load
from gate_officers.authority.enrolment_history import Enrolled
from gate_officers.authority.enrolment_history import line as line_of

WHOLE = {
    "key": "officers-authority.key",
    "rp_id": "console.example",
    "origins": ["https://console.example:8443"],
    "address": "127.0.0.1:8450",
    "consoles": "consoles.pem",
}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "authority.toml"
    path.write_text(tomli_w.dumps({**WHOLE, "folder": str(tmp_path / "authority")}))
    return path


def run(config: Path, *words: str) -> Result:
    return CliRunner().invoke(verbs("officer"), ["authority", *words, "--config", str(config)])


def told(result: Result) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_somebody_is_invited_listed_and_removed(config: Path) -> None:
    words = ("enrol", "anna", "--role", "supervisor", "--party", "police", "--gate", "north-7", "--trained", "--json")
    made = told(run(config, *words))
    assert made["schema"] == "officer.authority-enrol/1"
    standing = {"role": "supervisor", "party": "police", "gates": ["north-7"], "trained": True}
    assert standing.items() <= made.items()
    assert len(made["code"].split("-")) == 4
    [row] = told(run(config, "list", "--json"))["people"]
    assert row == {"officer": "anna", **standing, "state": "invited", "synced": False, "certified": None}
    assert "anna" in run(config, "list").stdout
    assert told(run(config, "remove", "anna", "--json"))["removed"] is True
    assert told(run(config, "list", "--json"))["people"] == []


def test_a_passkey_that_can_be_copied_is_allowed_by_name_and_is_listed_as_one(config: Path) -> None:
    assert told(run(config, "enrol", "anna", "--every-gate", "--synced", "--json"))["synced"] is True
    assert told(run(config, "enrol", "boris", "--every-gate", "--json"))["synced"] is False
    book = config.parent / "authority/book.jsonl"
    allowed = [json.loads(line).get("synced", False) for line in book.read_text().splitlines()]
    assert allowed == [True, False]
    passkey = Enrolled(at=1, officer="anna", console="hall-b", counter=0, credential=b"c", key=b"k", synced=True)
    book.write_bytes(book.read_bytes() + line_of(passkey))
    assert [one["synced"] for one in told(run(config, "list", "--json"))["people"]] == [True, False]
    assert [row.endswith("; synced") for row in run(config, "list").stdout.splitlines()] == [True, False]


def test_a_code_alone_is_printed_so_that_it_can_be_handed_on(config: Path) -> None:
    printed = run(config, "enrol", "boris", "--every-gate", "--role", "technician", "--party", "integrator")
    assert printed.exit_code == Exit.OK
    assert len(printed.stdout.strip()) == 19
    assert printed.stdout.strip() not in (config.parent / "authority/book.jsonl").read_text()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("enrol", "anna"), Exit.USAGE, "--gate"),
        (("enrol", "anna", "--gate", "a", "--every-gate"), Exit.USAGE, "--every-gate"),
        (("enrol", "Anna B", "--every-gate"), Exit.USAGE, "small letters"),
        (("enrol", "anna", "--gate", "North 7"), Exit.USAGE, "gate's id"),
        (("enrol", "anna", "--every-gate", "--party", "friends"), Exit.USAGE, "friends"),
        (("enrol", "anna", *(f"--gate=g{n}" for n in range(17))), Exit.USAGE, "16"),
        (("enrol", "anna", "--every-gate", "--party", "airport"), Exit.USAGE, "auditor"),
        (("enrol", "anna", "--every-gate", "--party", "integrator", "--role", "supervisor"), Exit.USAGE, "technician"),
        (("remove", "nobody"), Exit.USAGE, "nobody is called nobody"),
    ],
)
def test_a_mistake_is_one_line_and_one_code(config: Path, words: tuple[str, ...], code: Exit, said: str) -> None:
    result = run(config, *words)
    assert result.exit_code == code
    assert said in result.stderr


def test_a_book_that_holds_something_else_and_a_file_that_is_not_there_have_their_codes(config: Path) -> None:
    assert run(config.with_name("other.toml"), "list").exit_code == Exit.IO_ERROR
    run(config, "list")
    book = config.parent / "authority/book.jsonl"
    assert book.stat().st_mode & 0o777 == 0o600
    book.write_text("nothing\n")
    result = run(config, "list")
    assert (result.exit_code, "line 1" in result.stderr) == (Exit.BAD_DATA, True)
    book.unlink()
    book.mkdir()
    assert run(config, "list").exit_code == Exit.IO_ERROR


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"address": None}, "listens"),
        ({"socket": "/run/authority.sock"}, "only one"),
        ({"address": "console.example"}, "no IP address"),
        ({"consoles": None}, "consoles"),
        ({"origins": ["http://console.example"]}, "no https"),
        ({"origins": ["https://console.evil"]}, "outside console.example"),
        ({"origins": ["https://evilconsole.example"]}, "outside console.example"),
        ({"origins": ["https://console.example/"]}, "no origin"),
        ({"origins": []}, "origins"),
        ({"rp_id": "https://console.example"}, "rp_id"),
        ({"hours": 24.0}, "hours"),
        ({"secret": "x"}, "secret"),
    ],
)
def test_a_file_that_cannot_work_is_refused_with_its_key(tmp_path: Path, changed: dict[str, Any], said: str) -> None:
    path = tmp_path / "authority.toml"
    fields = {name: value for name, value in {**WHOLE, "folder": "f", **changed}.items() if value is not None}
    path.write_text(tomli_w.dumps(fields))
    with pytest.raises(ConfigError, match=said):
        load(path)
    assert run(path, "list").exit_code == Exit.CONFIG


def test_pages_of_this_machine_need_no_https(tmp_path: Path) -> None:
    path = tmp_path / "authority.toml"
    local = {"rp_id": "localhost", "origins": ["http://localhost:8080"]}
    path.write_text(tomli_w.dumps({**WHOLE, "folder": "f", **local}))
    assert load(path).origins == ("http://localhost:8080",)

"""`gate central` and `gate sync` where something is missing: one line, the promised exit code, no traceback."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from pathlib import Path

import pytest
from fakes.sync_gate import SyncGate
from typer.testing import CliRunner

from gate.cli.central import app as central
from gate.cli.sync import app as sync


def refused(app: object, *arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, list(arguments))  # type: ignore[arg-type]
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("gate: ")
    return done.exit_code, done.stderr


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "central"
    done = CliRunner().invoke(central, ["init", "--dir", str(made), "--name", "central.example"])
    assert done.exit_code == 0
    assert str(made / "ca.pem") in done.stdout
    return made


def test_a_server_is_set_up_once(folder: Path) -> None:
    before = (folder / "ca.key").read_bytes()
    code, said = refused(central, "init", "--dir", str(folder), "--name", "central.example")
    assert (code, "set up before" in said) == (78, True)
    assert (folder / "ca.key").read_bytes() == before
    assert {one.stat().st_mode & 0o777 for one in folder.glob("*.key")} == {0o600}


def test_a_folder_that_is_not_there_is_a_matter_of_configuration(tmp_path: Path) -> None:
    code, said = refused(central, "fleet", "--dir", str(tmp_path / "none"))
    assert (code, "gate central init" in said) == (78, True)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("mysql://central@/gates", "SQLite or PostgreSQL, and not mysql"),
        ("postgresql+of_nobody://central@/gates", "cannot be opened"),
        ("central.sqlite", "cannot be opened"),
        ("sqlite:////nowhere/at/all.sqlite", "cannot be opened"),
    ],
)
def test_a_database_that_is_none_of_ours_is_a_matter_of_configuration(folder: Path, url: str, says: str) -> None:
    code, said = refused(central, "fleet", "--dir", str(folder), "--database", url)
    assert (code, says in said) == (78, True)


def test_a_token_is_for_a_gate_id_and_not_for_anything(folder: Path) -> None:
    code, said = refused(central, "token", "Gate 1", "--dir", str(folder))
    assert (code, "small letters" in said) == (2, True)


def test_a_token_is_shown_to_people_alone_on_its_line_and_is_nowhere_in_the_database(folder: Path) -> None:
    done = CliRunner().invoke(central, ["token", "gate-1", "--dir", str(folder), "--valid-hours", "1"])
    token = done.stdout.strip()
    assert len(token) >= 22
    assert done.stderr.startswith("for gate-1, once, until ")
    stored = b"".join(one.read_bytes() for one in folder.glob("central.sqlite*"))
    assert token.encode() not in stored


@pytest.mark.parametrize("verb", [("export", "--out", "out"), ("revoke",)])
def test_an_unknown_gate_is_a_wrong_word(folder: Path, tmp_path: Path, verb: tuple[str, ...]) -> None:
    more = [str(tmp_path / one) if one == "out" else one for one in verb[1:]]
    code, said = refused(central, verb[0], "gate-404", "--dir", str(folder), *more)
    assert (code, "gate-404" in said) == (2, True)


def test_an_empty_fleet_is_an_empty_list(folder: Path) -> None:
    done = CliRunner().invoke(central, ["fleet", "--dir", str(folder), "--json"])
    assert (done.exit_code, json.loads(done.stdout)) == (0, {"schema": "central.fleet/1", "gates": []})


def test_a_database_of_something_else_is_one_clear_error(folder: Path) -> None:
    (folder / "central.sqlite").write_bytes(b"no database, " * 100)
    code, said = refused(central, "fleet", "--dir", str(folder))
    assert (code, "database" in said) == (78, True)


def test_a_server_on_a_database_without_its_tables_says_so(folder: Path) -> None:
    CliRunner().invoke(central, ["fleet", "--dir", str(folder)])
    with contextlib.closing(sqlite3.connect(folder / "central.sqlite")) as connection, connection:
        connection.execute("DROP TABLE token")
        connection.execute("CREATE VIEW token AS SELECT 1 AS hash")
    connection.close()
    code, said = refused(central, "token", "gate-1", "--dir", str(folder))
    assert (code, "database" in said) == (74, True)


def test_a_gate_without_a_central_server_says_how_to_get_one(tmp_path: Path) -> None:
    gate = SyncGate.make(tmp_path / "gate")
    code, said = refused(sync, "push", "--config", str(gate.config))
    assert (code, "gate provision enrol" in said) == (78, True)
    code, said = refused(sync, "status", "--config", str(gate.config))
    assert (code, "does not answer" in said) == (69, True)


def test_a_log_with_nothing_in_it_cannot_be_carried_away(tmp_path: Path) -> None:
    gate = SyncGate.make(tmp_path / "gate")
    code, said = refused(sync, "export-usb", "--config", str(gate.config), "--out", str(tmp_path / "stick"))
    assert (code, "was anything logged yet" in said) == (74, True)
    gate.grow(1)
    done = CliRunner().invoke(sync, ["export-usb", "--config", str(gate.config), "--out", str(tmp_path / "stick")])
    assert done.exit_code == 0
    code, said = refused(sync, "export-usb", "--config", str(gate.config), "--out", str(tmp_path / "stick"))
    assert (code, "not empty" in said) == (65, True)

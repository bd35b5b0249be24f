"""`gate central` where something is missing: one line, the promised exit code, no traceback."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from central_fakes.process import KEPT
from central_fakes.server import Bench
from typer.testing import CliRunner

from gate_central import settings
from gate_central.commands.central import app as central
from gate_core.audit_format.note import Signer
from gate_core.mirror_client.wire import Request


def refused(app: object, *arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, list(arguments))  # type: ignore[arg-type]
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("gate: ")
    return done.exit_code, done.stderr


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "central"
    done = CliRunner().invoke(central, ["init", "--dir", str(made), "--name", "central.example", *KEPT])
    assert done.exit_code == 0
    assert str(made / "ca.pem") in done.stdout
    return made


def test_a_server_is_set_up_once(folder: Path) -> None:
    before = (folder / "ca.key").read_bytes()
    code, said = refused(central, "init", "--dir", str(folder), "--name", "central.example")
    assert (code, "set up before" in said) == (78, True)
    assert (folder / "ca.key").read_bytes() == before
    assert {one.stat().st_mode & 0o777 for one in folder.glob("*.key")} == {0o600}


def test_how_long_keys_are_kept_is_said_when_a_server_is_set_up(tmp_path: Path) -> None:
    made = tmp_path / "central"
    begin = ("init", "--dir", str(made), "--name", "central.example")
    code, said = refused(central, *begin)
    assert (code, "--crossings-kept-days is missing" in said) == (2, True)
    code, said = refused(central, *begin, "--crossings-kept-days", "30")
    assert (code, "--others-kept-days is missing" in said) == (2, True)
    assert not made.exists()
    days = ("--crossings-kept-days", "30", "--others-kept-days", "400")
    assert CliRunner().invoke(central, [*begin, *days]).exit_code == 0
    kept = settings.load(made).kept
    assert (kept.crossings_days, kept.others_days) == (30, 400)


@pytest.mark.parametrize(("typed", "code"), [(b"for ever\n30\n400\n", 0), (b"30\n182\n", 78)])
def test_on_a_terminal_it_is_asked(tmp_path: Path, typed: bytes, code: int) -> None:
    ours, theirs = pty.openpty()
    command = [
        sys.executable,
        "-m",
        "gate_core",
        "central",
        "init",
        "--dir",
        str(tmp_path / "c"),
        "--name",
        "localhost",
    ]
    with subprocess.Popen(command, stdin=theirs, stdout=subprocess.DEVNULL, stderr=theirs) as asked:
        os.write(ours, typed)
        assert asked.wait(60) == code
    said = os.read(ours, 10_000).decode()
    os.close(ours)
    os.close(theirs)
    assert said.count("For how many days are keys to records of crossings kept") == 1 + (b"ever" in typed)
    assert "Traceback" not in said
    assert (tmp_path / "c").exists() is (code == 0)
    if code == 0:
        kept = settings.load(tmp_path / "c").kept
        assert (kept.crossings_days, kept.others_days) == (30, 400)


@pytest.mark.parametrize(
    ("said", "key"),
    [(None, "crossings_days"), ("", "crossings_days"), ("[kept]\ncrossings_days = 30\n", "others_days")],
)
def test_no_gate_is_served_before_it_is_said_how_long_keys_are_kept(folder: Path, said: str | None, key: str) -> None:
    if said is None:
        (folder / "central.toml").unlink()
    else:
        (folder / "central.toml").write_text(said)
    code, why = refused(central, "serve", "--dir", str(folder), "--port", "0")
    assert (code, f"central.toml: kept.{key} is missing" in why, "gate central init" in why) == (78, True, True)


@pytest.mark.parametrize(
    "words",
    [("fleet",), ("serve",), ("pages",), ("token", "gate-1"), ("serve", "--database", "sqlite://")],
    ids=" ".join,
)
def test_a_folder_that_is_not_there_is_a_missing_file(tmp_path: Path, words: tuple[str, ...]) -> None:
    code, said = refused(central, *words, "--dir", str(tmp_path / "none"))
    assert (code, "gate central init" in said) == (74, True)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("mysql://central@/gates", "SQLite or PostgreSQL, and not mysql"),
        ("postgresql+of_nobody://central@/gates", "cannot be opened"),
        ("central.sqlite", "cannot be opened"),
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
    assert (done.exit_code, json.loads(done.stdout)) == (0, {"schema": "central.fleet/1", "gates": [], "alarms": []})


# ── a store that is damaged ──────────────────────────────────────────────────────────────────────────────────────────

ALL = (
    ("serve", "--port", "0"),
    ("fleet",),
    ("fleet", "--json"),
    ("export", "gate-0001", "--out", "OUT"),
    ("answer", "gate-0001", "0" * 16, "--by", "A. Operator", "--words", "nothing"),
)


def every_command(folder: Path, database: str | None = None) -> set[tuple[int, str]]:
    """The exit code and line of each command that opens the store."""
    found = set()
    for verb, *more in ALL:
        arguments = [str(folder.parent / "out") if one == "OUT" else one for one in more]
        chosen = [] if database is None else ["--database", database]
        done = CliRunner().invoke(central, [verb, *arguments, "--dir", str(folder), *chosen])
        assert done.stderr.count("\n") == 1, done.stderr
        found.add((done.exit_code, done.stderr))
    return found


def test_a_file_that_is_no_database_is_one_line_whatever_is_asked(folder: Path) -> None:
    (folder / "central.sqlite").write_bytes(b"no database, " * 1000)
    ((code, said),) = every_command(folder)
    assert (code, "not a database" in said) == (65, True)


@pytest.mark.parametrize("table", ["log_head", "package", "age_key", "evidence", "schema_version"])
def test_a_table_that_is_missing_is_named_and_not_made_anew(folder: Path, table: str) -> None:
    CliRunner().invoke(central, ["fleet", "--dir", str(folder)])
    with contextlib.closing(sqlite3.connect(folder / "central.sqlite")) as connection, connection:
        connection.execute(f"DROP TABLE {table}")
    ((code, said),) = every_command(folder)
    assert (code, f"the table {table} is missing" in said) == (65, True)


def test_a_column_that_is_missing_is_named(folder: Path) -> None:
    CliRunner().invoke(central, ["fleet", "--dir", str(folder)])
    with contextlib.closing(sqlite3.connect(folder / "central.sqlite")) as connection, connection:
        connection.execute("ALTER TABLE log_head DROP COLUMN frontier")
    ((code, said),) = every_command(folder)
    assert (code, "log_head lacks the column frontier" in said) == (65, True)


def test_a_database_of_another_version_is_one_line_whatever_is_asked(folder: Path) -> None:
    CliRunner().invoke(central, ["fleet", "--dir", str(folder)])
    with contextlib.closing(sqlite3.connect(folder / "central.sqlite")) as connection, connection:
        connection.execute("UPDATE schema_version SET version = 99")
    ((code, said),) = every_command(folder)
    assert (code, "newer version (99)" in said) == (65, True)


def test_a_database_that_cannot_be_had_is_an_io_error(folder: Path) -> None:
    ((code, said),) = every_command(folder, "sqlite:////nowhere/at/all.sqlite")
    assert (code, "unable to open" in said) == (74, True)
    ((code, said),) = every_command(folder, "postgresql+psycopg://nobody@/none?host=/nowhere")
    assert (code, "database" in said) == (74, True)


DAMAGE = {
    "head": "UPDATE log_head SET frontier = x'00' WHERE device = 'gate-0001'",
    "no head": "DELETE FROM log_head WHERE device = 'gate-0001'",
    "log key": "UPDATE gate SET log_vkey = 'no key' WHERE device = 'gate-0001'",
    "note": "UPDATE log_head SET note = x'00' WHERE device = 'gate-0001'",
    "entries": "UPDATE package SET entries = x'00' WHERE device = 'gate-0001'",
}


@pytest.mark.parametrize("damage", sorted(DAMAGE))
async def test_a_damaged_gate_hides_no_other(tmp_path: Path, damage: str) -> None:
    bench = Bench(tmp_path / "log")
    bench.server.enrol(Signer.generate("border.example/gate-0002/demo").verifier, "gate-0002")
    bench.grow()
    await bench.round()
    folder = tmp_path / "central"
    assert (
        CliRunner().invoke(central, ["init", "--dir", str(folder), "--name", "central.example", *KEPT]).exit_code == 0
    )
    database = f"sqlite:///{tmp_path / 'log' / 'central.sqlite'}"
    with contextlib.closing(sqlite3.connect(tmp_path / "log" / "central.sqlite")) as connection, connection:
        connection.execute(DAMAGE[damage])
    done = CliRunner().invoke(central, ["fleet", "--dir", str(folder), "--database", database, "--json"])
    assert done.exit_code == 1
    damaged, other = json.loads(done.stdout)["gates"]
    assert (damaged["id"], damaged["verified"]) == ("gate-0001", False)
    assert (damaged["problem"] is None) is (damage in {"note", "entries"})
    assert (other["id"], other["verified"], other["problem"]) == ("gate-0002", True, None)
    shown = CliRunner().invoke(central, ["fleet", "--dir", str(folder), "--database", database])
    assert (shown.exit_code, shown.stderr.count("\n"), "DAMAGED" in shown.stdout) == (1, 1, True)
    assert "no earlier look is known" in shown.stderr, "no gate was verified with an entry yet"
    code, said = refused(
        central, *("export", "gate-0001", "--dir", str(folder), "--database", database, "--out", str(tmp_path / "out"))
    )
    assert (code, said.count("\n")) == (2 if damage == "no head" else 65, 1)
    assert (await bench.ask(Request("GET", "/bodies"))).status in {200, 404, 500}

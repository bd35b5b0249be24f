"""An error is one line, whatever a file is called."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from gate_core.command_line.output import Exit, emit_json, fail, say


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a\nb", r"a\nb"),
        ("\x1b[2J", r"\x1b[2J"),
        ("a\u2028b", r"a\u2028b"),
        ("\udcff", r"\udcff"),
        ("é <x> 中", "é <x> 中"),
    ],
)
def test_a_strangers_name_neither_ends_the_line_nor_steers_the_terminal(
    name: str, shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(typer.Exit) as ended:
        fail(Exit.BAD_DATA, f"{name}: no such file")
    assert ended.value.exit_code == 65
    assert capsys.readouterr().err == f"gate: {shown}: no such file\n"


def test_what_cannot_be_printed_is_escaped_in_lines_and_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    hostile = "\x1b[2J\x9b\u202e\udcff\U000e0001 é 中"
    say(f"{hostile}\nsecond")
    first, second = capsys.readouterr().out.splitlines()
    assert (first, second) == ("\\x1b[2J\\x9b\\u202e\\udcff\\U000e0001 é 中", "second")
    emit_json("a.b/1", {"name": hostile})
    (line,) = capsys.readouterr().out.splitlines()
    assert line.isprintable()
    assert json.loads(line)["name"] == hostile


def test_a_command_that_fails_still_writes_its_one_json_document() -> None:
    command = [sys.executable, "-m", "gate.cli", "audit", "verify", "/none\x1b[2J", "--vkey", "non+sense+key"]
    told = subprocess.run([*command, "--json"], capture_output=True, text=True, check=False)
    assert told.returncode == Exit.BAD_DATA
    assert told.stderr == "gate: the log's key must be name+id+Base64\n"
    assert json.loads(told.stdout) == {
        "schema": "gate.error/1",
        "error": {"code": 65, "text": "the log's key must be name+id+Base64"},
    }
    assert subprocess.run(command, capture_output=True, text=True, check=False).stdout == ""


def test_output_that_cannot_be_written_is_one_line_and_an_io_error(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "gate.cli", "officer", "authority", "init", "--json", "--out"]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*command, str(tmp_path / "a")], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == Exit.IO_ERROR
    assert done.stderr == "gate: cannot write the output: No space left on device\n"
    told = subprocess.run([*command, str(tmp_path / "b")], capture_output=True, check=True)
    assert json.loads(told.stdout)["schema"] == "officer.authority-init/1"

"""An error is one line, whatever a file is called."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from gate.cli.output import Exit, fail


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

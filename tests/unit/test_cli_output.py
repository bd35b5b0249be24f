"""An error is one line, whatever a file is called."""

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

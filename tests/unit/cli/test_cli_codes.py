"""One mistake, one exit code, whatever the command: a missing file is 74 and says what to do next, an unknown name is 2."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from gate.cli.demo import played
from gate.cli.nouns import application
from gate.demo.play import UnknownScenarioError
from gate.demo.report import Result

RUNNER = CliRunner()


@pytest.mark.parametrize(
    "words",
    [
        ("status", "--config"),
        ("selftest", "--config"),
        ("config", "show", "--config"),
        ("officer", "list", "--config"),
        ("run", "lane", "--config"),
    ],
    ids=" ".join,
)
def test_a_configuration_that_is_not_there_is_74_and_the_next_step_is_named(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    done = RUNNER.invoke(
        application(["config", "officer", "run", "selftest", "status"]), [*words, str(tmp_path / "absent.toml")]
    )
    assert (done.exit_code, done.stdout) == (74, "")
    assert "cannot be read: No such file or directory; name the file with --config" in done.stderr


def test_a_scenario_that_nobody_wrote_is_an_unknown_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    class Wrong:
        async def run(self) -> Result:
            raise UnknownScenarioError("no scenario nosuch: one of genuine")

    with pytest.raises(typer.Exit) as ended:
        played(Wrong(), tmp_path, None)
    assert ended.value.exit_code == 2
    assert "one of genuine" in capsys.readouterr().err

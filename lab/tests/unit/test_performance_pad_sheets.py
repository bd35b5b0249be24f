"""The sheets name what the recipe wants, and the folder that a lab fills by them is what the kit reads."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from gate_lab.commands.face import app
from gate_lab.pad import Presentation, recipe
from gate_lab.pad_sheets import OURS, SHEETS, UnfitPlanError, plan, written


def presented(folder: Path) -> list[Presentation]:
    """Everything that the folders stand for, as if it had been done."""
    people = [Presentation(None, path.parent.name, path.name, 0.9, {}) for path in sorted(folder.glob("bona_fide/*/*"))]
    attacks = [
        Presentation(path.parent.parent.name, path.parent.name, path.name, 0.1, {})
        for path in sorted(folder.glob("attack/*/*/*"))
    ]
    return [*people, *attacks]


def test_whoever_does_all_that_the_sheets_say_has_all_that_the_recipe_wants(tmp_path: Path) -> None:
    page = written(tmp_path / "trial", plan())
    done = presented(tmp_path / "trial")
    assert (len(done), recipe(done, 0.5).missing) == (8 * 4 * 10 + 60, ())
    text = page.read_text()
    assert text.count("<section>") == 8 * 4 + 3
    assert (text.count('<tr><th scope="row">'), "<script" in text, "src=" in text) == (380, False, False)
    assert all(f"attack/{name}/artefact4/10" in text for name in OURS)


def test_classes_are_the_labs_and_are_eight() -> None:
    names = [f"class_{number}" for number in range(9)]
    assert len(plan(names)) == 3 + 9 * 4
    for wrong in (names[:7], [*names[:7], names[0]], [*names[:7], "../out"], [*names[:7], "<b>"]):
        with pytest.raises(UnfitPlanError):
            plan(wrong)


def test_the_command_writes_them_once_and_says_where(tmp_path: Path) -> None:
    folder = tmp_path / "trial"
    made = CliRunner().invoke(app, ["pad-sheets", str(folder)])
    assert (made.exit_code, SHEETS in made.stdout) == (0, True)
    again = CliRunner().invoke(app, ["pad-sheets", str(folder)])
    assert (again.exit_code, "there is something in it already" in again.stderr) == (74, True)
    few = CliRunner().invoke(app, ["pad-sheets", str(tmp_path / "other"), "--class", "one"])
    assert (few.exit_code, (tmp_path / "other").exists()) == (2, False)

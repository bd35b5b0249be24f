"""What differs where a package brought the program: what is said where no simulator is, and where the models lie."""

from __future__ import annotations

from pathlib import Path

import pytest

from gate.cli.models import OF_PACKAGE, default_folder
from gate_core.command_line.main import remedy


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ("/home/anna/portcullis/.venv", "run scripts/setup in the checkout"),
        ("/usr/lib/portcullis/versions/0", "install the package portcullis-simulator"),
        ("/usr/lib/portcullis/versions/7", "it goes with the package's own version of the gate"),
        ("/usr/lib/portcullis-central/versions/0", "install the package portcullis-simulator"),
    ],
)
def test_what_brings_the_simulator_depends_on_where_the_program_runs(environment: str, says: str) -> None:
    assert remedy("portcullis-simulator", Path(environment)).startswith(says)


def test_a_program_of_the_package_has_the_packages_models_until_its_user_has_fetched_some(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    own = tmp_path / "portcullis/models"
    assert default_folder(OF_PACKAGE) == Path("/usr/share/portcullis/models")
    assert default_folder(Path("/home/anna/portcullis/.venv")) == own
    own.mkdir(parents=True)
    assert default_folder(OF_PACKAGE) == own

"""What differs where a package brought the program: what is said where no simulator is, and where the models lie."""

from __future__ import annotations

from pathlib import Path

import pytest

from gate.cli.models import OF_PACKAGE, default_folder
from gate_core.command_line.main import remedy


@pytest.mark.parametrize(
    ("package", "environment", "says"),
    [
        ("portcullis-simulator", "/home/anna/portcullis/.venv", "run scripts/setup in the checkout"),
        ("portcullis-simulator", "/usr/lib/portcullis/versions/0", "install the package portcullis-simulator"),
        (
            "portcullis-simulator",
            "/usr/lib/portcullis/versions/7",
            "it goes with the package's own version of the gate",
        ),
        ("portcullis-simulator", "/usr/lib/portcullis-central/versions/0", "install the package portcullis-simulator"),
        ("portcullis-lab", "/usr/lib/portcullis/versions/0", "install the package portcullis-lab"),
        ("portcullis-lab", "/usr/lib/portcullis/versions/7", "it goes with the package's own version of the gate"),
        ("portcullis-central", "/usr/lib/portcullis/versions/7", "install the package portcullis-central"),
    ],
)
def test_what_brings_a_package_depends_on_where_the_program_runs(package: str, environment: str, says: str) -> None:
    assert remedy(package, Path(environment)).startswith(says)


def test_a_program_of_the_package_has_the_packages_models_until_its_user_has_fetched_some(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    own = tmp_path / "portcullis/models"
    assert default_folder(OF_PACKAGE) == Path("/usr/share/portcullis/models")
    assert default_folder(Path("/home/anna/portcullis/.venv")) == own
    own.mkdir(parents=True)
    assert default_folder(OF_PACKAGE) == own

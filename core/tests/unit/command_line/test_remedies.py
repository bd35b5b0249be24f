"""What is said where a command needs a package that is not there depends on what brought the program."""

from __future__ import annotations

from pathlib import Path

import pytest

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

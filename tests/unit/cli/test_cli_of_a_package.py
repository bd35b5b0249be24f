"""What is said where no simulator is: what brings one there."""

from __future__ import annotations

from pathlib import Path

import pytest

from gate.cli.simulator import remedy


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ("/home/anna/portcullis/.venv", "run scripts/setup in the checkout"),
        ("/usr/lib/portcullis/versions/0", "install the package portcullis-simulator"),
        ("/usr/lib/portcullis/versions/7", "it goes with the package's own version of the gate"),
        ("/usr/lib/portcullis-central/versions/0", "run scripts/setup in the checkout"),
    ],
)
def test_what_brings_the_simulator_depends_on_where_the_program_runs(environment: str, says: str) -> None:
    assert remedy(Path(environment)).startswith(says)

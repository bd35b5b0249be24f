"""Where the models lie for a program that a package brought."""

from __future__ import annotations

from pathlib import Path

import pytest

from gate.cli.models import OF_PACKAGE, default_folder


def test_a_program_of_the_package_has_the_packages_models_until_its_user_has_fetched_some(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    own = tmp_path / "portcullis/models"
    assert default_folder(OF_PACKAGE) == Path("/usr/share/portcullis/models")
    assert default_folder(Path("/home/anna/portcullis/.venv")) == own
    own.mkdir(parents=True)
    assert default_folder(OF_PACKAGE) == own

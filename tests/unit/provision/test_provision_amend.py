"""A key of the configuration is changed, and the file stands sound or as it was."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from gate.programs.provisioning.camera_tasks import amend
from gate.provision.steps import ConfigurationStepError, StepError


def test_only_what_is_named_changes(tmp_path: Path) -> None:
    path = tmp_path / "gate.toml"
    path.write_text('purpose = "trial"\n[camera]\naddress = "a"\nlag_ms = 5\n')
    amend(path, {"camera": {"lag_ms": 120}, "screens": {"challenge": True}}, check=lambda _: None)
    assert tomllib.loads(path.read_text()) == {
        "purpose": "trial",
        "camera": {"address": "a", "lag_ms": 120},
        "screens": {"challenge": True},
    }


def test_a_change_that_cannot_work_is_not_made(tmp_path: Path) -> None:
    path = tmp_path / "gate.toml"
    path.write_text("a = 1\n")

    def refuse(_: Path) -> None:
        raise ConfigurationStepError("lag_ms: is above 1000")

    with pytest.raises(ConfigurationStepError):
        amend(path, {"camera": {"lag_ms": 1}}, check=refuse)
    assert path.read_text() == "a = 1\n"
    assert [one.name for one in tmp_path.iterdir()] == ["gate.toml"]


def test_a_file_that_is_gone_or_none_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(StepError, match="cannot write"):
        amend(tmp_path / "none.toml", {}, check=lambda _: None)
    (tmp_path / "gate.toml").write_text("a = ")
    with pytest.raises(StepError, match="is not TOML"):
        amend(tmp_path / "gate.toml", {}, check=lambda _: None)

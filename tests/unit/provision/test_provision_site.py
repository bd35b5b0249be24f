"""What root provisions belongs to the program that uses it; a key of the configuration is changed, and the file stands sound or as it was."""

from __future__ import annotations

import os
import pwd
import tomllib
from pathlib import Path

import pytest
from fakes.strangers import NOBODY, needs_root

from gate.provision.site import amend, hand_over
from gate.provision.steps import ConfigurationStepError, StepError


@pytest.fixture
def key(tmp_path: Path) -> Path:
    key = tmp_path / "log.key"
    key.touch()
    return key


@pytest.fixture
def users(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which the log program has a user."""
    known = {"portcullis-log": pwd.struct_passwd(("portcullis-log", "x", NOBODY, NOBODY, "", "/", "/bin/false"))}
    monkeypatch.setattr(pwd, "getpwnam", known.__getitem__)


@needs_root
@pytest.mark.usefixtures("users")
def test_root_gives_a_key_to_the_programs_user(key: Path) -> None:
    hand_over(key, "log")
    assert (key.stat().st_uid, key.stat().st_gid) == (NOBODY, NOBODY)


@needs_root
@pytest.mark.usefixtures("users")
def test_a_link_is_handed_over_and_not_what_it_leads_to(key: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(key)
    hand_over(tmp_path / "link", "log")
    assert (key.stat().st_uid, (tmp_path / "link").lstat().st_uid) == (os.geteuid(), NOBODY)


@pytest.mark.usefixtures("users")
def test_without_the_user_it_stays_as_it_is(key: Path) -> None:
    hand_over(key, "no-such-program")
    assert key.stat().st_uid == os.geteuid()


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.usefixtures("users")
def test_who_is_not_root_may_provision_and_it_stays_as_it_is(key: Path) -> None:
    child = os.fork()
    if child == 0:
        if os.geteuid() == 0:
            os.setuid(NOBODY)
        try:
            hand_over(key, "log")
        except OSError:
            os._exit(1)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert key.stat().st_uid == os.geteuid()


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

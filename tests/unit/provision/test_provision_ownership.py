"""What root provisions belongs to the program that uses it."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest
from fakes.strangers import NOBODY, needs_root

from gate.provision.ownership import hand_over


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

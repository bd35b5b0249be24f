"""What root provisions belongs to the program that uses it."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from gate.provision.ownership import hand_over

NOBODY = 65534


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Path, int, int]]:
    chowned: list[tuple[Path, int, int]] = []
    monkeypatch.setattr(os, "chown", lambda path, uid, gid, **_: chowned.append((path, uid, gid)))
    return chowned


def test_root_gives_a_key_to_the_programs_user(
    tmp_path: Path, given: list[tuple[Path, int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    asked: list[str] = []

    def getpwnam(name: str) -> pwd.struct_passwd:
        asked.append(name)
        return pwd.struct_passwd((name, "x", NOBODY, NOBODY, "", "/", "/bin/false"))

    monkeypatch.setattr(pwd, "getpwnam", getpwnam)
    hand_over(tmp_path / "log.key", "log")
    assert (asked, given) == (["portcullis-log"], [(tmp_path / "log.key", NOBODY, NOBODY)])


def test_without_root_or_without_the_user_it_stays_as_it_is(
    tmp_path: Path, given: list[tuple[Path, int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    hand_over(tmp_path, "log")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    hand_over(tmp_path, "no-such-program")
    assert given == []

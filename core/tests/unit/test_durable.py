"""Durable files: in which order they reach the disk, and what is left of them wherever the writing ends."""

from __future__ import annotations

import errno
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from core_fakes.killing import killed_at, refused, steps_of

from gate_core import durable

pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
STEPS_MAX = 50


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "folder"
    made.mkdir()
    return made


def names(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir())


def put_in_place(path: Path, content: bytes) -> None:
    draft = path.with_name(f"{path.name}.draft")
    draft.write_bytes(content)
    durable.replace(draft, path, mode=0o644)


def test_a_file_reaches_the_disk_before_its_name_and_the_folder_after(folder: Path) -> None:
    assert steps_of(partial(durable.write, folder / "file", b"new")) == [
        "remove .tmp-file",
        "fsync .tmp-file",
        "rename .tmp-file file",
        "remove .tmp-file",
        "fsync folder",
    ]


def test_a_new_file_is_given_its_name_as_a_link_which_replaces_nothing(folder: Path) -> None:
    steps = steps_of(partial(durable.write, folder / "file", b"new", new_only=True))
    assert steps[1:3] == ["fsync .tmp-file", "link .tmp-file file"]
    assert steps[-1] == "fsync folder"


def test_a_draft_of_somebody_else_reaches_the_disk_before_it_takes_the_name(folder: Path) -> None:
    assert steps_of(partial(put_in_place, folder / "file", b"new")) == [
        "chmod",
        "fsync file.draft",
        "rename file.draft file",
        "fsync folder",
    ]


@pytest.mark.parametrize(
    "write", [durable.write, partial(durable.write, new_only=True), put_in_place], ids=["write", "new only", "replace"]
)
def test_a_kill_at_any_step_leaves_the_old_content_or_the_new(
    folder: Path, write: Callable[[Path, bytes], object]
) -> None:
    found = []
    for step in range(1, STEPS_MAX):
        path = folder / str(step)
        old = None if getattr(write, "keywords", {}) else b"old"
        if old:
            path.write_bytes(old)
        if not killed_at(step, partial(write, path, b"new")):
            break
        found.append(path.read_bytes() if path.exists() else None)
        assert found[-1] in {old, b"new"}
        path.unlink(missing_ok=True)
        write(path, b"newer")
        assert path.read_bytes() == b"newer"
        assert not path.with_name(f".tmp-{path.name}").exists()
    assert len(found) > 6
    assert found == sorted(found, key=[old, b"new"].index)  # and once it is the new one it stays so


@pytest.mark.parametrize("there", ["file", "link", "dangling link"])
def test_a_file_that_must_be_new_replaces_nothing(folder: Path, there: str) -> None:
    path, other = folder / "file", folder / "other"
    if there == "file":
        path.write_bytes(b"old")
    else:
        path.symlink_to(other)
    if there == "link":
        other.write_bytes(b"old")
    before = names(folder)
    with pytest.raises(FileExistsError) as caught:
        durable.write(path, b"new", new_only=True)
    assert caught.value.filename == str(path)
    assert names(folder) == before
    assert there == "dangling link" or path.read_bytes() == b"old"


@pytest.mark.parametrize("number", [errno.EPERM, errno.EOPNOTSUPP])
def test_on_a_stick_without_hard_links_a_new_file_is_written_and_replaces_nothing(folder: Path, number: int) -> None:
    path = folder / "shift.key"

    def write(content: bytes) -> str:
        return refused(partial(durable.write, path, content, mode=0o600, new_only=True), at="link", reason=number)

    assert write(b"key") == ""
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"key", 0o600)
    assert "File exists" in write(b"another")
    assert (path.read_bytes(), names(folder)) == (b"key", ["shift.key"])


def test_a_disk_that_is_full_leaves_the_old_file_and_no_draft(folder: Path) -> None:
    path = folder / "file"
    path.write_bytes(b"old")
    assert "No space left" in refused(partial(durable.write, path, b"new"), at="fsync")
    assert (path.read_bytes(), names(folder)) == (b"old", ["file"])


def test_what_fails_while_it_is_written_is_thrown_away(folder: Path) -> None:
    def fail_half_way() -> None:
        with durable.writing(folder / "file") as file:
            file.write(b"half")
            raise ValueError("half")

    with pytest.raises(ValueError, match="half"):
        fail_half_way()
    assert names(folder) == []


def test_a_draft_that_a_kill_left_is_never_written_into(folder: Path) -> None:
    left = folder / ".tmp-file"
    left.symlink_to(folder / "other")
    durable.write(folder / "file", b"new")
    assert names(folder) == ["file"]


def test_nobody_else_may_read_a_key_at_any_time(folder: Path) -> None:
    with durable.writing(folder / "key", mode=0o600) as file:
        assert Path(file.name).stat().st_mode & 0o777 == 0o600
    assert (folder / "key").stat().st_mode & 0o777 == 0o600


def test_a_folder_lasts_with_those_above_it(folder: Path) -> None:
    made = folder / "a" / "b"
    assert steps_of(partial(durable.make_folder, made, mode=0o700)) == ["fsync a", "fsync folder"]
    assert made.stat().st_mode & 0o777 == 0o700
    assert steps_of(partial(durable.make_folder, made)) == []


@pytest.mark.parametrize("name", ["", ".", "/"])
def test_what_names_a_folder_is_no_file(name: str) -> None:
    with pytest.raises(IsADirectoryError):
        durable.write(Path(name), b"x")

"""Pictures of pages: a vendor's folder, what lies beside a picture, and a camera that streams."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.reader.page import CameraPage, PageEvent
from drivers.reader.page_folder import ENTRIES_MAX, SETTLE_S, SIDECAR_BYTES_MAX, FolderPage, parse_sidecar
from gate_core.errors import BadFrameError, LinkLostError, SetupError
from gate_core.ports.values import Frame, PagePresence, PageResult, PageVerdict, PageVerdicts, VendorCheck

BYTES_MAX = 1000
VERDICTS: dict[str, Any] = {
    "schema": "page-verdicts/1",
    "reader": "ACME Pages 3",
    "verdicts": [
        {"check": "b900_ink", "result": "passed", "score": 0.97, "false_alarm_rate": 0.002},
        {"check": "dull_paper", "result": "undetermined"},
    ],
}


def decode(content: bytes) -> npt.NDArray[np.uint8] | None:
    """A picture here is P and one number; it becomes one pixel of it."""
    return np.full((1, 1, 3), content[1], np.uint8) if content.startswith(b"P") else None


class Scanner:
    """A folder, a clock that the test moves, and the source that watches."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now_s = 100.0
        self.changed_ns = 1_700_000_000_000_000_000
        self.page = FolderPage(folder, decode=decode, bytes_max=BYTES_MAX, clock=lambda: self.now_s)

    def drop(self, name: str, content: bytes) -> None:
        """Write a file, newer than all before it."""
        path = self.folder / name
        path.write_bytes(content)
        self.changed_ns += 1_000_000
        os.utime(path, ns=(self.changed_ns, self.changed_ns))

    def picture(self, name: str, number: int) -> None:
        self.drop(name, b"P" + bytes([number]))

    def look(self) -> None:
        """Look, let files settle, and look again."""
        self.page.look()
        self.now_s += SETTLE_S
        self.page.look()

    def events(self) -> list[PageEvent]:
        self.look()
        found = []
        while (event := self.page.next_event(wait_s=0)) is not None:
            found.append(event)
        return found

    def names(self) -> set[str]:
        return {path.name for path in self.folder.iterdir()}


@pytest.fixture
def scanner(tmp_path: Path) -> Scanner:
    scanner = Scanner(tmp_path)
    scanner.page.open()
    return scanner


def number_of(event: PageEvent) -> int:
    assert isinstance(event, Frame)
    return int(event.pixels[0, 0, 0])


def test_a_picture_is_taken_once_and_leaves_the_disk(scanner: Scanner) -> None:
    scanner.picture("0001.jpg", 7)
    presence, frame = scanner.events()
    assert presence is PagePresence.PRESENT
    assert isinstance(frame, Frame)
    assert (number_of(frame), frame.seq, frame.at_s) == (7, 1, 100.0 + SETTLE_S)
    assert scanner.names() == set()
    assert scanner.events() == []


def test_the_next_picture_of_the_same_page_is_a_frame_alone(scanner: Scanner) -> None:
    scanner.picture("1.png", 1)
    scanner.events()
    scanner.picture("2.PNG", 2)
    (frame,) = scanner.events()
    assert isinstance(frame, Frame)
    assert (number_of(frame), frame.seq) == (2, 2)


def test_only_the_newest_counts_and_older_ones_are_removed_unread(scanner: Scanner) -> None:
    scanner.picture("b.jpg", 1)
    scanner.picture("a.jpg", 2)
    _, frame = scanner.events()
    assert number_of(frame) == 2
    assert scanner.names() == set()


def test_a_picture_that_still_grows_is_not_taken(scanner: Scanner) -> None:
    for size in range(1, 5):
        scanner.drop("1.jpg", b"P" * size)
        scanner.page.look()
        scanner.now_s += SETTLE_S * 0.9
    assert scanner.page.next_event(wait_s=0) is None
    assert number_of(scanner.events()[1]) == ord("P")


def test_what_was_there_before_is_anothers_and_is_removed_unread(tmp_path: Path) -> None:
    scanner = Scanner(tmp_path)
    scanner.picture("old.jpg", 1)
    scanner.drop("old.json", b"{}")
    scanner.page.open()
    assert scanner.names() == set()
    assert scanner.events() == []


@pytest.mark.parametrize("name", [".1.jpg", "1.jpg.part", "1.txt", "1"])
def test_what_is_no_finished_picture_is_left_alone(scanner: Scanner, name: str) -> None:
    scanner.picture(name, 1)
    assert scanner.events() == []
    assert scanner.names() == {name}


def test_links_pipes_and_folders_are_not_followed(scanner: Scanner, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "secret.jpg"
    elsewhere.write_bytes(b"P\x09")
    (scanner.folder / "1.jpg").symlink_to(elsewhere)
    os.mkfifo(scanner.folder / "2.jpg")
    (scanner.folder / "3.jpg").mkdir()
    assert scanner.events() == []
    assert elsewhere.exists()


def test_a_sidecar_that_is_a_link_is_not_read(scanner: Scanner, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "verdicts.json"
    elsewhere.write_text(json.dumps(VERDICTS))
    (scanner.folder / "1.json").symlink_to(elsewhere)
    scanner.picture("1.jpg", 1)
    assert [type(event) for event in scanner.events()] == [PagePresence, Frame]
    assert scanner.names() == set()
    assert elsewhere.exists()


def test_a_picture_swapped_for_a_link_or_a_pipe_after_the_look_is_not_read(scanner: Scanner) -> None:
    os.mkfifo(scanner.folder / "pipe")
    (scanner.folder / "link").symlink_to("/etc/hostname")
    assert scanner.page._read("pipe", 100) is None
    assert scanner.page._read("link", 100) is None


def test_a_picture_over_the_limit_is_removed_at_once(scanner: Scanner) -> None:
    with (scanner.folder / "1.jpg").open("wb") as file:
        file.truncate(BYTES_MAX + 1)
    scanner.page.look()
    assert scanner.page.pictures_refused == 1
    assert scanner.names() == set()
    assert scanner.page.next_event(wait_s=0) is None


def test_what_cannot_be_decoded_is_counted_and_removed(scanner: Scanner) -> None:
    scanner.drop("1.jpg", b"nonsense")
    assert scanner.events() == []
    assert scanner.page.pictures_refused == 1
    assert scanner.names() == set()


def test_the_marker_says_that_the_page_was_taken_away(scanner: Scanner) -> None:
    scanner.picture("1.jpg", 1)
    scanner.events()
    scanner.drop("removed", b"")
    assert scanner.events() == [PagePresence.REMOVED]
    assert scanner.names() == set()
    scanner.drop("removed", b"")
    assert scanner.events() == []


def test_pictures_of_a_page_that_was_taken_away_meanwhile_are_removed_unread(scanner: Scanner) -> None:
    scanner.picture("1.jpg", 1)
    scanner.drop("removed", b"")
    scanner.picture("2.jpg", 2)
    presence, frame = scanner.events()
    assert presence is PagePresence.PRESENT
    assert number_of(frame) == 2
    scanner.picture("3.jpg", 3)
    scanner.drop("removed", b"")
    assert scanner.events() == [PagePresence.REMOVED]


def test_verdicts_come_before_their_picture(scanner: Scanner) -> None:
    scanner.drop("1.json", json.dumps(VERDICTS).encode())
    scanner.picture("1.jpg", 1)
    _, verdicts, frame = scanner.events()
    assert verdicts == PageVerdicts(
        "ACME Pages 3",
        (
            PageVerdict(VendorCheck.B900_INK, PageResult.PASSED, 0.97, 0.002),
            PageVerdict(VendorCheck.DULL_PAPER, PageResult.UNDETERMINED),
        ),
    )
    assert number_of(frame) == 1
    assert scanner.names() == set()


def test_a_sidecar_that_is_none_is_counted_and_its_picture_still_read(scanner: Scanner) -> None:
    scanner.drop("1.json", b"{")
    scanner.picture("1.jpg", 1)
    assert [type(event) for event in scanner.events()] == [PagePresence, Frame]
    assert scanner.page.sidecars_refused == 1


def test_a_flooded_folder_ends_the_source(scanner: Scanner) -> None:
    for number in range(ENTRIES_MAX + 1):
        (scanner.folder / f"{number}.txt").touch()
    with pytest.raises(LinkLostError, match="more than 256"):
        scanner.page.look()


def test_a_folder_that_goes_away_ends_the_source(scanner: Scanner) -> None:
    scanner.folder.rmdir()
    with pytest.raises(LinkLostError, match="went away"):
        scanner.page.look()


def test_files_that_cannot_be_removed_end_the_source(scanner: Scanner, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError

    scanner.picture("1.jpg", 1)
    monkeypatch.setattr("os.unlink", refuse)
    with pytest.raises(LinkLostError, match="cannot be removed"):
        scanner.events()


@pytest.mark.parametrize("what", ["nothing", "file", "link"])
def test_only_a_folder_is_watched(tmp_path: Path, what: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("/tmp")
    with pytest.raises(SetupError, match="no folder"):
        FolderPage(tmp_path / what, decode=decode, bytes_max=BYTES_MAX).open()


def test_a_closed_source_is_lost(scanner: Scanner) -> None:
    scanner.page.close()
    scanner.page.close()
    with pytest.raises(LinkLostError, match="not open"):
        scanner.page.next_event(wait_s=10)


def test_waiting_ends_with_a_picture_or_in_time(tmp_path: Path) -> None:
    page = FolderPage(tmp_path, decode=decode, bytes_max=BYTES_MAX)
    page.open()
    assert page.next_event(wait_s=0.01) is None
    (tmp_path / "1.jpg").write_bytes(b"P\x01")
    assert page.next_event(wait_s=5) is PagePresence.PRESENT
    page.close()


# ── verdicts ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "changes",
    [
        {"schema": "page-verdicts/2"},
        {"stranger": 1},
        {"reader": ""},
        {"reader": "x" * 65},
        {"reader": "two\nlines"},
        {"verdicts": [{"check": "astrology", "result": "passed"}]},
        {"verdicts": [{"check": "b900_ink", "result": "maybe"}]},
        {"verdicts": [{"check": "b900_ink", "result": "passed", "score": 1.5}]},
        {"verdicts": [{"check": "b900_ink", "result": "passed", "stranger": 1}]},
        {"verdicts": [{"check": "b900_ink", "result": "passed"}] * 2},
        {"verdicts": [{"check": "b900_ink", "result": "passed"}] * 99},
    ],
)
def test_a_sidecar_is_believed_whole_or_not_at_all(changes: dict[str, Any]) -> None:
    parse_sidecar(json.dumps(VERDICTS).encode())
    with pytest.raises(BadFrameError, match="no sidecar"):
        parse_sidecar(json.dumps({**VERDICTS, **changes}).encode())


@pytest.mark.parametrize("content", [b"", b"[" * 10_000, b"\xff", b" " * (SIDECAR_BYTES_MAX + 1), b'{"schema":NaN}'])
def test_what_is_no_json_is_no_sidecar(content: bytes) -> None:
    with pytest.raises(BadFrameError):
        parse_sidecar(content)


@given(content=st.binary(max_size=200))
def test_noise_is_no_sidecar(content: bytes) -> None:
    with pytest.raises(BadFrameError):
        parse_sidecar(content)


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
def test_a_verdict_with_an_impossible_share_cannot_be_built(value: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        PageVerdict(VendorCheck.B900_INK, PageResult.PASSED, false_alarm_rate=value)


# ── cameras ──────────────────────────────────────────────────────────────────────────────────────────────────────────


class Camera:
    """Gives frames 1, 2, 3."""

    def __init__(self) -> None:
        self.deeds: list[object] = []

    def open(self) -> None:
        self.deeds.append("open")

    def newest(self, *, after: int, wait_s: float) -> Frame | None:
        self.deeds.append((after, wait_s))
        return Frame(pixels=np.zeros((1, 1, 3), np.uint8), seq=after + 1, at_s=0.0) if after < 3 else None

    def close(self) -> None:
        self.deeds.append("close")


def test_a_camera_gives_each_frame_once() -> None:
    camera = Camera()
    page = CameraPage(camera)
    page.open()
    frames = [page.next_event(wait_s=0.5) for _ in range(4)]
    page.close()
    assert [frame.seq if isinstance(frame, Frame) else frame for frame in frames] == [1, 2, 3, None]
    assert camera.deeds == ["open", (0, 0.5), (1, 0.5), (2, 0.5), (3, 0.5), "close"]

"""Sheets in their files, and sets of frames on disk."""

import json
from collections.abc import Iterator
from pathlib import Path

import cv2
import pytest
from fakes.sheets import pretend_anatomy, pretend_sheet, pretended

from hardware_sim import cli
from hardware_sim.sequences import UnknownPersonError, conditions, library, people, poses, store
from hardware_sim.sequences.produce import TRUTH_FILE, TestSet, items, produce

ONE, OTHER = people()[:2]


@pytest.fixture
def ellipses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (tmp_path / "data").mkdir()
    with pretended(tmp_path / "data", monkeypatch):
        yield tmp_path / "data"


def test_nobody_else_can_move() -> None:
    with pytest.raises(UnknownPersonError, match=ONE):
        store.sheet("mona", (0.0, 0.0))


def test_what_is_packed_is_read_again(ellipses: Path) -> None:
    assert ellipses.is_dir()
    for pose in (poses.POSES[0], poses.POSES[5]):
        made, read = pretend_sheet(pose), store.sheet(ONE, pose)
        assert (made.cover == read.cover).all()
        assert abs(made.forward.astype(int) - read.forward).max() <= 3
        assert abs(made.layers.astype(int) - read.layers).mean() < 1
        assert (made.expressions is None) == (read.expressions is None)
    eyes = store.anatomy(ONE).eyes
    assert eyes == pytest.approx(pretend_anatomy().eyes, abs=1e-3)


# ── sets ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_set_names_every_sequence_once_and_everybody(ellipses: Path) -> None:
    assert ellipses.is_dir()
    made = list(items(frozenset(TestSet), people()))
    assert len({item.path for item in made}) == len(made)
    bona_fide = [item for item in made if item.path.startswith(f"bona_fide/{ONE}/")]
    assert len(bona_fide) == len(library.NAMES) + len(conditions.NAMES)
    attacks = [item for item in made if item.path.startswith("attack/")]
    assert len(attacks) == 5 * 2 * len(people())
    assert len({item.path.split("/")[1] for item in attacks}) == 5
    lively = list(items(frozenset({TestSet.LIVENESS}), (ONE,)))
    assert len(lively) == 4 + 10


def test_frames_and_their_truth_are_written(ellipses: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ellipses.is_dir()
    monkeypatch.setattr(conditions, "NAMES", ("well", "hat"))
    seen: list[tuple[int, int]] = []
    chosen = frozenset({TestSet.GUIDANCE})
    total = produce(tmp_path / "out", chosen, (ONE,), workers=1, done=lambda *step: seen.append(step))
    assert total == 30
    assert seen[-1] == (30, 30)
    lines = [json.loads(line) for line in (tmp_path / "out" / TRUTH_FILE).read_text().splitlines()]
    assert [line["file"] for line in lines][:2] == [f"bona_fide/{ONE}/well/000.jpg", f"bona_fide/{ONE}/well/001.jpg"]
    assert len(lines) == 30
    for line in lines[::10]:
        picture = cv2.imread(str(tmp_path / "out" / line["file"]))
        assert picture is not None
        assert picture.shape == (480, 640, 3)
        (face,) = line["people"]
        assert (line["subject"], face["identity"]) == (ONE, ONE)
    assert {tuple(line["people"][0]["wears"]) for line in lines} == {(), ("hat",)}


def test_the_command_writes_a_set_and_refuses_strangers(
    ellipses: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ellipses.is_dir()
    monkeypatch.setattr(conditions, "NAMES", ("well",))
    words = ["faces", "render", "--out", str(tmp_path / "out"), "--set", "guidance", "--workers", "1", "--person"]
    assert cli.main([*words, ONE]) == 0
    assert "15 frames" in capsys.readouterr().out
    assert len(list((tmp_path / "out").rglob("*.jpg"))) == 15
    assert cli.main([*words, "mona"]) == cli.EXIT_BAD_DATA
    assert "mona" in capsys.readouterr().err


@pytest.mark.parametrize("wrong", [["--workers", "0"], ["--set", "holidays"], ["--workers", "many"]])
def test_a_command_that_makes_no_sense_is_a_usage_error(wrong: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["faces", "render", "--out", "x", *wrong])
    assert ended.value.code == 2

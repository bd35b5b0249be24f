"""The network camera against a real server on loopback: fresh frames, and one clear end for every fault."""

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from fakes.mjpeg_server import ANSWERS, FAULTS, MjpegServer, number_of

from drivers.camera.link import Link
from drivers.camera.network import NetworkCamera
from drivers.camera.newest import check_size
from gate.programs.shared.devices.cameras import decode_frame
from gate_core.errors import DriverError, FrozenError, LinkLostError, RefusedError, SetupError
from gate_core.ports.values import CameraControls
from hardware_sim.camera import MjpegCamera

TIMEOUT_MS = 400
ROOT = Path(__file__).resolve().parents[2]


def camera_at(address: str, *, timeout_ms: int = TIMEOUT_MS, frozen_after_s: float | None = None) -> NetworkCamera:
    return NetworkCamera(Link(address, timeout_ms=timeout_ms), decode=decode_frame, frozen_after_s=frozen_after_s)


def opened(server: MjpegServer) -> NetworkCamera:
    camera = camera_at(server.address)
    camera.open()
    return camera


def first_frame(camera: NetworkCamera) -> int:
    frame = camera.newest(after=0, wait_s=3)
    assert frame is not None
    return frame.seq


def wait_until_lost(camera: NetworkCamera) -> float:
    """How many seconds until the loss was told; frames that come before it are taken."""
    started = time.monotonic()
    seq = 0
    while time.monotonic() - started < 5:
        try:
            frame = camera.newest(after=seq, wait_s=3)
        except (LinkLostError, RefusedError):
            return time.monotonic() - started
        seq = frame.seq if frame is not None else seq
    raise AssertionError("the loss was never told")


def test_frames_arrive_decoded_with_growing_numbers_and_times() -> None:
    with MjpegServer() as server:
        camera = opened(server)
        first = camera.newest(after=0, wait_s=3)
        assert first is not None
        second = camera.newest(after=first.seq, wait_s=3)
        assert second is not None
        camera.close()
    assert first.pixels.shape == (240, 320, 3)
    assert first.pixels.dtype == np.uint8
    assert second.seq > first.seq
    assert second.at_s > first.at_s


def test_a_slow_consumer_gets_the_newest_frame_not_the_next() -> None:
    with MjpegServer(frames_per_second=60) as server:
        camera = opened(server)
        seq = first_frame(camera)
        while server.sent < 30:  # the consumer is busy meanwhile
            time.sleep(0.01)
        frame = camera.newest(after=seq, wait_s=1)
        sent = server.sent
        assert frame is not None
        camera.close()
    assert sent - number_of(frame.pixels) <= 4
    assert frame.seq > seq + 15


def test_no_new_frame_in_time_is_not_a_loss() -> None:
    with MjpegServer() as server:
        camera = opened(server)
        seq = first_frame(camera)
        assert camera.newest(after=seq + 1000, wait_s=0.05) is None
        camera.close()


@pytest.mark.parametrize("mode", ["mute", "slow", "endless_head", "stall", *ANSWERS, *FAULTS])
def test_a_stream_that_gives_no_picture_is_lost_within_its_time_out(mode: str) -> None:
    with MjpegServer() as server:
        server.mode = mode
        camera = opened(server)
        took_s = wait_until_lost(camera)
        camera.close()
    assert took_s < 6 * TIMEOUT_MS / 1000


@pytest.mark.parametrize("mode", ["stall", "drop", *FAULTS])
def test_a_stream_that_breaks_after_good_frames_is_lost(mode: str) -> None:
    with MjpegServer() as server:
        camera = opened(server)
        first_frame(camera)
        server.mode = mode
        took_s = wait_until_lost(camera)
        camera.close()
    assert took_s < 6 * TIMEOUT_MS / 1000


def test_nobody_listening_is_a_loss() -> None:
    with MjpegServer() as server:
        address = server.address
    camera = camera_at(address)
    camera.open()
    with pytest.raises(LinkLostError, match="does not answer"):
        camera.newest(after=0, wait_s=3)
    camera.close()


@pytest.mark.parametrize(
    ("mode", "why"),
    [
        ("redirect", "GET /stream with status 302: name the address"),
        ("missing", "status 404"),
        ("chunked", "pieces"),
        ("page", "no MJPEG stream"),
        ("playlist", "no MJPEG stream"),
        ("babble", "not answer in HTTP"),
        ("slow", "sends nothing"),
        ("endless_head", "more than 8192 bytes"),
        ("wrong_boundary", "boundary"),
        ("huge_part", "900000000 bytes"),
        ("endless_part", "more than 8388608 bytes"),
        ("endless_fields", "more than 8192 bytes"),
        ("truncated_part", "boundary"),
        ("garbage", "sends nothing"),
        ("drop", "ended the connection"),
    ],
)
def test_what_is_no_stream_of_pictures_ends_the_camera_with_its_reason(mode: str, why: str) -> None:
    with MjpegServer() as server:
        server.mode = mode
        camera = opened(server)
        with pytest.raises(DriverError, match=why):
            camera.newest(after=0, wait_s=5)
        camera.close()
        assert server.accepted == 1, "a redirection is not followed"


def test_closing_is_quick_while_the_stream_is_stuck_and_ends_every_wait() -> None:
    with MjpegServer() as server:
        server.mode = "mute"
        camera = camera_at(server.address, timeout_ms=3000)
        camera.open()
        started = time.monotonic()
        camera.close()
        took_s = time.monotonic() - started
        with pytest.raises(LinkLostError):
            camera.newest(after=0, wait_s=3)
    assert took_s < 1.0


def test_a_camera_that_was_never_opened_can_be_closed() -> None:
    camera = camera_at("http://127.0.0.1:9/stream")
    camera.close()
    with pytest.raises(LinkLostError):
        camera.newest(after=0, wait_s=0)


@pytest.mark.parametrize("size", [(8, 8), (5000, 480), (4096, 4096), (0, 0)])
def test_frames_of_a_senseless_size_are_refused(size: tuple[int, int]) -> None:
    with pytest.raises(LinkLostError):
        check_size(*size)


def test_tiny_frames_end_the_camera() -> None:
    with MjpegServer(picture=lambda _: np.zeros((32, 32, 3), np.uint8)) as server:
        camera = opened(server)
        wait_until_lost(camera)
        camera.close()


@pytest.mark.parametrize(
    "address",
    [
        "file:///etc/passwd",
        "rtsp://camera/1",
        "/dev/video0",
        "http://",
        "http://a b/",
        "http://c/" + "x" * 600,
        "concat:a",
    ],
)
def test_only_an_http_address_is_a_network_camera(address: str) -> None:
    with pytest.raises(SetupError):
        Link(address)


def test_the_libraries_write_nothing_of_their_own() -> None:
    program = (
        "import sys\n"
        "from fakes.mjpeg_server import MjpegServer\n"
        "from contract.test_camera_network import camera_at\n"
        "from gate_core.errors import LinkLostError\n"
        "for mode in ('garbage', 'truncated_part', 'stall', 'drop'):\n"
        "    with MjpegServer() as server:\n"
        "        camera = camera_at(server.address, timeout_ms=200)\n"
        "        camera.open()\n"
        "        camera.newest(after=0, wait_s=2)\n"
        "        server.mode = mode\n"
        "        try:\n"
        "            while True: camera.newest(after=10**6, wait_s=2)\n"
        "        except LinkLostError: pass\n"
        "        camera.close()\n"
    )
    outcome = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"},
        capture_output=True,
        timeout=30,
        check=False,
    )
    assert (outcome.returncode, outcome.stdout, outcome.stderr) == (0, b"", b"")


def test_pictures_that_stand_still_end_a_camera_that_looks_for_it() -> None:
    still = np.full((240, 320, 3), 90, np.uint8)
    with MjpegServer(picture=lambda _: still) as server:
        camera = camera_at(server.address, frozen_after_s=0.3)
        camera.open()
        wait_until_lost(camera)
        with pytest.raises(FrozenError, match="stands still"):
            camera.newest(after=0, wait_s=0)
        camera.close()


def test_exposure_and_gain_reach_the_simulated_camera_and_show_in_its_pictures() -> None:
    simulated = MjpegCamera()
    simulated.start()
    try:
        camera = camera_at(simulated.address)
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


def test_a_camera_that_refuses_the_controls_says_with_what() -> None:
    with MjpegServer(wants=lambda _: b"HTTP/1.0 403 Forbidden\r\nContent-Length: 0\r\n\r\n") as server:
        with pytest.raises(RefusedError, match="POST /control with status 403"):
            camera_at(server.address).set_controls(CameraControls(gain=2.0))
        assert server.requests[0].startswith(b"POST /control HTTP/1.0\r\n")


def test_of_pictures_that_came_together_the_newest_is_shown() -> None:
    """A processor that is behind finds a second of pictures in the socket; a look at the first of them would be a look at the past."""
    with MjpegServer(frames_per_second=60) as server:
        looked: list[int] = []

        def slowly(jpeg: bytes) -> np.ndarray | None:
            pixels = decode_frame(jpeg)
            assert pixels is not None
            looked.append(server.sent - number_of(pixels))
            time.sleep(0.2)
            return pixels

        camera = NetworkCamera(Link(server.address), decode=slowly)
        camera.open()
        seq = 0
        while len(looked) < 5:
            seq = (camera.newest(after=seq, wait_s=2) or pytest.fail("no picture")).seq
        camera.close()
    assert max(looked) <= 4, "how many pictures behind each one was that was decode_frame"


def test_opencv_is_given_no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """FFmpeg, through OpenCV, took any certificate; it opens nothing of a network any more."""
    found = {
        path.relative_to(ROOT).as_posix(): line.strip()
        for room in ("drivers", "gate", "models")
        for path in (ROOT / room).rglob("*.py")
        for line in path.read_text().splitlines()
        if "VideoCapture(" in line or "CAP_FFMPEG" in line or "CAP_ANY" in line
    }
    assert found.keys() == {"drivers/camera/v4l2.py"}
    assert found["drivers/camera/v4l2.py"].startswith("return cv2.VideoCapture(path, cv2.CAP_V4L2)")

    def refused(*_: object) -> None:
        raise AssertionError("OpenCV was to open a stream")

    monkeypatch.setattr("cv2.VideoCapture", refused)
    with MjpegServer() as server:
        camera = opened(server)
        assert first_frame(camera)
        camera.close()

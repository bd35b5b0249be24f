"""The simulated network camera, over real sockets on loopback."""

import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import cv2
import numpy as np
import pytest

from hardware_sim.camera import MjpegCamera, Settings
from hardware_sim.camera.player import JPEG_QUALITY, encoded
from hardware_sim.camera.server import CLIENTS_MAX
from hardware_sim.clock import WorldClock
from hardware_sim.faces import studio
from hardware_sim.faces.hall import Picture

PATIENCE_S = 5.0
QUIET_S = 0.15


@dataclass(frozen=True)
class Plain:
    """A loop of evenly grey pictures, each a little brighter; counts how often one is made."""

    level: int
    loop_length: int = 3
    size: tuple[int, int] = (32, 24)
    made: list[int] = field(default_factory=list, compare=False)

    def picture(self, index: int) -> Picture:
        self.made.append(index)
        return np.full((self.size[1], self.size[0], 3), self.level + 20 * index, np.uint8)


@pytest.fixture
def camera() -> Iterator[MjpegCamera]:
    camera = MjpegCamera(fps=100, size=(32, 24))
    camera.start()
    yield camera
    camera.stop()


class Viewer:
    """A client that takes the stream apart."""

    def __init__(self, address: str, path: str = "/stream") -> None:
        place = urlsplit(address)
        assert place.hostname is not None
        self.connection = socket.create_connection((place.hostname, place.port or 0), PATIENCE_S)
        self.file = self.connection.makefile("rb")
        self.connection.sendall(f"GET {path} HTTP/1.1\r\nHost: kiosk\r\n\r\n".encode())

    def head(self) -> bytes:
        lines = []
        while (line := self.file.readline()) not in (b"\r\n", b""):
            lines.append(line)
        return b"".join(lines)

    def picture(self) -> bytes:
        head = self.head()
        length = int(head.split(b"Content-Length: ")[1].split(b"\r\n")[0])
        content = self.file.read(length)
        assert self.file.readline() == b"\r\n"
        return content

    def until(self, wanted: bytes) -> None:
        """Read on until a picture is `wanted`; a hundred others are too many."""
        assert any(self.picture() == wanted for _ in range(100))

    def drain(self) -> None:
        """Read until the camera hangs up; raises TimeoutError when it does not."""
        try:
            while self.connection.recv(65536):
                pass
        except ConnectionResetError:
            pass

    def ended(self) -> bool:
        self.drain()
        return True

    def close(self) -> None:
        self.file.close()
        self.connection.close()


def watch(camera: MjpegCamera) -> Viewer:
    viewer = Viewer(camera.address)
    assert b"200 OK" in viewer.head()
    return viewer


def test_a_viewer_gets_the_loop_in_order_and_each_picture_is_made_once(camera: MjpegCamera) -> None:
    scene = Plain(100)
    loop = [encoded(Plain(100), index, (32, 24)) for index in range(3)]
    camera.show(scene)
    viewer = watch(camera)
    viewer.until(loop[0])
    assert [viewer.picture() for _ in range(5)] == [loop[1], loop[2], loop[0], loop[1], loop[2]]
    assert sorted(scene.made) == [0, 1, 2]
    viewer.close()


def test_another_scene_is_shown_at_once_and_from_its_beginning(camera: MjpegCamera) -> None:
    camera.show(Plain(20))
    viewer = watch(camera)
    viewer.picture()
    camera.show(Plain(150))
    viewer.until(encoded(Plain(150), 0, (32, 24)))
    assert viewer.picture() == encoded(Plain(150), 1, (32, 24))
    viewer.close()


def test_a_scene_of_another_size_is_scaled(camera: MjpegCamera) -> None:
    camera.show(Plain(90, size=(64, 48)))
    viewer = watch(camera)
    viewer.until(encoded(Plain(90, size=(64, 48)), 0, (32, 24)))
    picture = cv2.imdecode(np.frombuffer(viewer.picture(), np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    assert picture.shape == (24, 32, 3)
    viewer.close()


def test_a_stalled_camera_keeps_the_connection_and_says_nothing_until_the_next_scene(camera: MjpegCamera) -> None:
    viewer = watch(camera)
    viewer.picture()
    camera.stall()
    viewer.connection.settimeout(QUIET_S)
    with pytest.raises(TimeoutError):
        viewer.drain()
    viewer.connection.settimeout(PATIENCE_S)
    camera.show(Plain(60))
    assert viewer.connection.recv(20).startswith(b"--")
    viewer.close()


def test_a_drop_closes_every_connection_and_a_new_one_is_served(camera: MjpegCamera) -> None:
    first, second = watch(camera), watch(camera)
    camera.drop()
    assert first.ended()
    assert second.ended()
    again = watch(camera)
    assert again.picture().startswith(b"\xff\xd8")
    for viewer in (first, second, again):
        viewer.close()


def test_garbage_is_no_picture_and_ends_with_the_next_scene(camera: MjpegCamera) -> None:
    camera.garbage()
    viewer = watch(camera)
    noise = viewer.picture()
    assert cv2.imdecode(np.frombuffer(noise, np.uint8), cv2.IMREAD_COLOR) is None
    camera.show(Plain(60))
    viewer.until(encoded(Plain(60), 0, (32, 24)))
    viewer.close()


def test_a_camera_starts_again_at_the_address_that_it_had(camera: MjpegCamera) -> None:
    address = camera.address
    viewer = watch(camera)
    camera.stop()
    assert viewer.ended()
    with pytest.raises(ConnectionRefusedError):
        Viewer(address)
    camera.start()
    assert camera.address == address
    watch(camera).close()
    viewer.close()


def test_stopping_twice_is_harmless_and_starting_twice_is_a_mistake(camera: MjpegCamera) -> None:
    with pytest.raises(RuntimeError, match="already"):
        camera.start()
    camera.stop()
    camera.stop()
    camera.drop()


def test_a_camera_that_never_ran_has_no_address_and_an_odd_rate_is_refused() -> None:
    with pytest.raises(RuntimeError, match="never started"):
        _ = MjpegCamera().address
    with pytest.raises(ValueError, match="out of range"):
        MjpegCamera(fps=0)


def test_another_path_is_not_found_and_noise_is_hung_up_on(camera: MjpegCamera) -> None:
    lost = Viewer(camera.address, "/admin")
    assert b"404" in lost.head()
    assert lost.ended()
    noisy = Viewer(camera.address, "/\r\n\r\nx")
    assert noisy.ended()
    for viewer in (lost, noisy):
        viewer.close()


def test_one_viewer_too_many_is_turned_away(camera: MjpegCamera) -> None:
    viewers = [watch(camera) for _ in range(CLIENTS_MAX)]
    turned_away = Viewer(camera.address)
    assert turned_away.ended()
    for viewer in [*viewers, turned_away]:
        viewer.close()


def test_a_viewer_that_reads_nothing_holds_up_nobody(camera: MjpegCamera) -> None:
    camera.garbage()  # 20 kB a picture: the idle viewer's buffers fill soon
    idle, busy = watch(camera), watch(camera)
    for _ in range(60):
        busy.picture()
    for viewer in (idle, busy):
        viewer.close()


def test_pictures_come_at_the_rate_that_was_asked_for() -> None:
    camera = MjpegCamera(fps=50, size=(32, 24))
    camera.start()
    viewer = watch(camera)
    viewer.picture()
    began = time.monotonic()
    for _ in range(20):
        viewer.picture()
    assert 0.3 < time.monotonic() - began < 2.0
    viewer.close()
    camera.stop()


def test_the_worlds_time_waits_for_a_camera_that_somebody_watches_and_for_no_other() -> None:
    real_s = [100.0]
    clock = WorldClock(lambda: real_s[0])
    camera = MjpegCamera(fps=100, size=(32, 24), part=clock.part("camera", every_s=0.01, late_s_max=0.2))
    camera.start()
    viewer = watch(camera)
    viewer.picture()
    viewer.close()
    camera.stop()
    real_s[0] += 60.0
    assert clock.now_s() == 160.0, "one without power holds up nobody"
    camera.start()
    viewer = watch(camera)
    viewer.picture()
    before_s = clock.now_s()
    real_s[0] += 60.0
    for _ in range(20):
        viewer.picture()
    assert clock.now_s() == pytest.approx(before_s + 0.21), "time stood until its next picture came, a minute late"
    assert clock.take_lateness().part == "camera"
    viewer.close()
    camera.stop()


def test_opencv_reads_the_stream_and_misses_it_when_it_stops(camera: MjpegCamera) -> None:
    camera.show(Plain(120, loop_length=1))
    time_outs = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, 2000, cv2.CAP_PROP_READ_TIMEOUT_MSEC, 2000]
    capture = cv2.VideoCapture(camera.address, cv2.CAP_FFMPEG, time_outs)
    ok, frame = capture.read()
    assert ok
    assert frame.shape == (24, 32, 3)
    assert abs(int(frame.mean()) - 120) <= 2
    camera.stop()
    assert not all(capture.read()[0] for _ in range(200))
    capture.release()


def posted(camera: MjpegCamera, path: str, body: bytes) -> bytes:
    place = urlsplit(camera.address)
    with socket.create_connection((place.hostname or "", place.port or 0), PATIENCE_S) as connection:
        head = f"POST {path} HTTP/1.1\r\nHost: kiosk\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        connection.sendall(head + body)
        answer = b""
        while part := connection.recv(4096):
            answer += part
        return answer


def test_exposure_and_light_are_set_by_a_post_and_the_stream_shows_it(camera: MjpegCamera) -> None:
    camera.show(Plain(50, loop_length=1))
    viewer = watch(camera)
    viewer.picture()
    assert posted(camera, "/control", b'{"exposure": 4, "gain": 1.0}').startswith(b"HTTP/1.0 204 ")
    assert posted(camera, "/light", b'{"rgb": [0, 0, 1]}').startswith(b"HTTP/1.0 204 ")
    assert camera.settings == Settings(exposure=4.0, display=(0.0, 0.0, 1.0))
    bright = studio.jpeg(camera.settings.sensed(Plain(50).picture(0), seed=0), JPEG_QUALITY)
    viewer.until(bright)
    viewer.close()


def test_a_setting_that_cannot_be_is_refused_with_a_reason_and_changes_nothing(camera: MjpegCamera) -> None:
    answer = posted(camera, "/control", b'{"exposure": -1}')
    assert answer.startswith(b"HTTP/1.0 400 ")
    assert b"a number from" in answer
    assert posted(camera, "/stream", b"{}").startswith(b"HTTP/1.0 404 ")
    assert camera.settings == Settings()

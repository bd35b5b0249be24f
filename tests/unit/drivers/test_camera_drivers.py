"""The cameras that are no network's: what they insist on, what ends them, and what a stuck picture is."""

import itertools
import stat
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from drivers.camera.files import FilesCamera, pictures_in
from drivers.camera.gstreamer import FIRST_PICTURE_S, GstreamerCamera, pipeline
from drivers.camera.link import Link
from drivers.camera.network import NetworkCamera
from drivers.camera.newest import FROZEN_FRAMES_MIN, NewestFrame, Stillness, check_size
from drivers.camera.settings import Calibration
from drivers.camera.v4l2 import SETTLING_FRAMES, V4l2Camera, serial_number_of
from gate_core.errors import DriverError, FrozenError, LinkLostError, RefusedError, SetupError
from gate_core.ports.values import CameraControls, Frame

DEVICE = "/dev/v4l/by-id/usb-046d_HD_Pro_Webcam_C920_ABC123-video-index0"
SIZE = (320, 240)


def noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (SIZE[1], SIZE[0], 3), dtype=np.uint8)


def ending_of(camera: NewestFrame) -> DriverError:
    """What ended the camera."""
    seq = 0
    until_s = time.monotonic() + 5
    while time.monotonic() < until_s:
        try:
            frame = camera.newest(after=seq, wait_s=3)
        except DriverError as error:
            return error
        seq = frame.seq if frame is not None else seq
    raise AssertionError("the camera never ended")


# ── a picture that stands still ──────────────────────────────────────────────────────────────────────────────────────


def test_equal_pictures_for_long_enough_are_a_frozen_camera() -> None:
    stillness = Stillness(1.0)
    for number in range(15):
        stillness.see(Frame(noise(0), number, number / 15))
    with pytest.raises(FrozenError, match="stands still"):
        stillness.see(Frame(noise(0), 15, 15 / 15))


def test_equal_pictures_for_a_moment_or_few_of_them_are_none() -> None:
    moment, few = Stillness(1.0), Stillness(1.0)
    for number in range(14):
        moment.see(Frame(noise(0), number, number / 15))
    for number in range(FROZEN_FRAMES_MIN):
        few.see(Frame(noise(0), number, float(number)))


def test_one_grey_level_of_noise_is_a_living_sensor() -> None:
    stillness = Stillness(1.0)
    for number in range(60):
        picture = noise(0)
        picture[0, number] ^= 1
        stillness.see(Frame(picture, number, number / 15))


# ── files ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def recording(folder: Path, count: int) -> str:
    for number in range(count):
        cv2.imwrite(str(folder / f"{number:04}.png"), noise(number))
    return str(folder)


def test_a_folder_is_played_in_order_and_begins_again(tmp_path: Path) -> None:
    camera = FilesCamera(recording(tmp_path, 3), sleep=lambda _: None)
    expected = [int(noise(n)[0, 0, 0]) for n in (0, 1, 2, 0)]
    assert [int(picture[0, 0, 0]) for picture in _some(camera, 4)] == expected


def _some(camera: NewestFrame, count: int) -> Iterator[np.ndarray]:
    pictures = camera._pictures()
    yield from (next(pictures) for _ in range(count))
    pictures.close()


def test_a_folder_keeps_the_pace_that_it_is_told(tmp_path: Path) -> None:
    waits: list[float] = []
    camera = FilesCamera(recording(tmp_path, 2), frames_per_second=10, clock=lambda: 0.0, sleep=waits.append)
    list(_some(camera, 4))
    assert waits == pytest.approx([0.1, 0.2, 0.3])


def test_a_folder_with_one_picture_is_a_frozen_camera(tmp_path: Path) -> None:
    camera = FilesCamera(recording(tmp_path, 1), frozen_after_s=0.0, sleep=lambda _: None)
    camera.open()
    assert isinstance(ending_of(camera), FrozenError)


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n"])
def test_a_file_that_is_no_picture_ends_the_camera(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "0.png").write_bytes(content)
    camera = FilesCamera(str(tmp_path))
    camera.open()
    assert "0.png cannot be decoded" in str(ending_of(camera))


def test_a_folder_without_pictures_or_no_folder_can_never_work(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing to see")
    for folder in (tmp_path, tmp_path / "absent"):
        with pytest.raises(SetupError, match="pictures"):
            pictures_in(str(folder))


# ── Video4Linux ──────────────────────────────────────────────────────────────────────────────────────────────────────


class Webcam:
    """A camera as OpenCV shows it. `stubborn` controls stay as they are, `frames` is how many come before it is unplugged."""

    def __init__(self, *, frames: int = 60, stubborn: tuple[int, ...] = (), opens: bool = True) -> None:
        self.values = {
            cv2.CAP_PROP_EXPOSURE: 312.0,
            cv2.CAP_PROP_GAIN: 20.0,
            cv2.CAP_PROP_WB_TEMPERATURE: 4600.0,
            cv2.CAP_PROP_AUTO_EXPOSURE: 3.0,
        }
        self.frames, self.stubborn, self.opens = frames, stubborn, opens
        self.log: list[tuple[int, float]] = []
        self.released = False

    def isOpened(self) -> bool:  # noqa: N802 - OpenCV's name
        return self.opens

    def read(self) -> tuple[bool, np.ndarray]:
        self.frames -= 1
        return self.frames >= 0, noise(abs(self.frames))

    def get(self, prop: int) -> float:
        return self.values.get(prop, -1.0)

    def set(self, prop: int, value: float) -> bool:
        self.log.append((prop, value))
        if prop not in self.stubborn:
            self.values[prop] = value
        return True

    def release(self) -> None:
        self.released = True


def webcam(device: Webcam, **settings: object) -> V4l2Camera:
    return V4l2Camera(DEVICE, size=SIZE, open_device=lambda _: device, **settings)  # type: ignore[arg-type]


def test_a_usb_camera_gives_pictures_until_it_is_unplugged_and_is_released() -> None:
    device = Webcam(frames=5)
    camera = webcam(device)
    camera.open()
    assert "unplugged" in str(ending_of(camera))
    assert device.released


def test_another_camera_in_the_same_socket_is_no_camera_and_is_not_opened() -> None:
    device = Webcam()
    camera = webcam(device, serial="ABC123", serial_number=lambda _path: "XYZ789")
    camera.open()
    error = ending_of(camera)
    assert isinstance(error, LinkLostError)
    assert "another camera" in str(error)
    assert device.log == []
    asked: list[str] = []

    def serial_number(path: str) -> str:
        asked.append(path)
        return "ABC123"

    same = webcam(Webcam(), serial="ABC123", serial_number=serial_number)
    assert len(list(_some(same, 1))) == 1
    assert asked == [DEVICE]


def test_the_serial_number_is_the_usb_devices_own(tmp_path: Path) -> None:
    usb = tmp_path / "devices" / "usb1" / "1-2"
    (usb / "1-2:1.0" / "video4linux" / "video7").mkdir(parents=True)
    (tmp_path / "class" / "video7").mkdir(parents=True)
    (tmp_path / "class" / "video7" / "device").symlink_to(usb / "1-2:1.0")
    (tmp_path / "video7").touch()
    (tmp_path / "by-path").symlink_to("video7")
    path, sysfs = str(tmp_path / "by-path"), tmp_path / "class"
    assert serial_number_of(path, sysfs) == ""
    (usb / "idVendor").write_text("046d\n")
    assert serial_number_of(path, sysfs) == ""  # a camera without one
    (usb / "serial").write_bytes(b"ABC123\n")
    assert serial_number_of(path, sysfs) == "ABC123"
    (usb / "serial").write_bytes(b"\xff" * 10_000)
    assert 0 < len(serial_number_of(path, sysfs)) <= 256
    (tmp_path / "video7").unlink()
    assert serial_number_of(path, sysfs) == ""


def test_a_camera_settles_by_itself_and_then_stays_there() -> None:
    device = Webcam(frames=SETTLING_FRAMES + 2)
    camera = webcam(device)
    list(_some(camera, SETTLING_FRAMES))
    assert camera.calibration is None
    assert device.values[cv2.CAP_PROP_AUTO_EXPOSURE] == 3.0
    device = Webcam(frames=SETTLING_FRAMES + 2)
    camera = webcam(device)
    list(_some(camera, SETTLING_FRAMES + 1))
    assert camera.calibration == Calibration(312, 20, 4600)
    assert device.values[cv2.CAP_PROP_AUTO_EXPOSURE] == 1.0
    assert device.values[cv2.CAP_PROP_AUTO_WB] == 0


def test_a_calibrated_camera_is_fixed_before_its_first_picture() -> None:
    device = Webcam()
    list(_some(webcam(device, calibration=Calibration(150, 8, 5200)), 1))
    assert device.values[cv2.CAP_PROP_EXPOSURE] == 150
    assert device.values[cv2.CAP_PROP_WB_TEMPERATURE] == 5200


@pytest.mark.parametrize(
    ("stubborn", "told"),
    [(cv2.CAP_PROP_EXPOSURE, "exposure is 312, not 150"), (cv2.CAP_PROP_AUTO_EXPOSURE, "manual exposure is 3, not 1")],
)
def test_a_control_that_reads_back_otherwise_is_refused(stubborn: int, told: str) -> None:
    camera = webcam(Webcam(stubborn=(stubborn,)), calibration=Calibration(150, 8, 5200))
    camera.open()
    error = ending_of(camera)
    assert isinstance(error, RefusedError)
    assert told in str(error)


@pytest.mark.parametrize(
    ("device", "told"),
    [
        (Webcam(stubborn=(cv2.CAP_PROP_FOURCC,)), "no MJPG"),
        (Webcam(stubborn=(cv2.CAP_PROP_FRAME_WIDTH,)), "not 320x240"),
        (Webcam(opens=False), "cannot be opened"),
        (Webcam(frames=0), "sends no picture"),
    ],
)
def test_a_camera_that_cannot_give_what_is_asked_says_what(device: Webcam, told: str) -> None:
    camera = webcam(device)
    camera.open()
    assert told in str(ending_of(camera))


def test_exposure_and_gain_follow_the_calibration_and_are_read_back() -> None:
    device = Webcam(frames=10**6)
    camera = webcam(device, calibration=Calibration(100, 10, 5000))
    camera.open()
    camera.set_controls(CameraControls(exposure=2.0, gain=0.5))
    assert (device.values[cv2.CAP_PROP_EXPOSURE], device.values[cv2.CAP_PROP_GAIN]) == (200, 5)
    device.stubborn = (cv2.CAP_PROP_GAIN,)
    with pytest.raises(RefusedError, match="gain is 5, not 10"):
        camera.set_controls(CameraControls())
    camera.close()


def test_a_camera_that_has_not_settled_takes_no_controls() -> None:
    class Slow(Webcam):
        def read(self) -> tuple[bool, np.ndarray]:
            time.sleep(0.02)
            return super().read()

    camera = webcam(Slow())
    camera.open()
    with pytest.raises(RefusedError, match="not settled"):
        camera.set_controls(CameraControls())
    camera.close()


@pytest.mark.parametrize("path", ["/dev/video0", "/dev/v4l/by-id/../../video0", "", "/dev/v4l/by-id/a b"])
def test_only_stable_names_are_cameras(path: str) -> None:
    with pytest.raises(SetupError, match="by-id"):
        V4l2Camera(path)


@pytest.mark.parametrize("controls", [{"exposure": 0.0}, {"gain": 11.0}, {"exposure": float("nan")}])
def test_senseless_controls_cannot_be_made(controls: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="calibrated"):
        CameraControls(**controls)


# ── GStreamer ────────────────────────────────────────────────────────────────────────────────────────────────────────

JETSON = (
    'nvarguscamerasrc sensor-id=0 exposuretimerange="4000000 4000000" aelock=true '
    "! video/x-raw(memory:NVMM),width=1280,height=720,framerate=30/1 ! nvvidconv ! video/x-raw,format=BGRx"
)


def launcher(folder: Path, script: str) -> str:
    path = folder / "gst-launch-1.0"
    path.write_text(f"#!{sys.executable}\nimport sys, time\nout = sys.stdout.buffer\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def test_the_documented_pipeline_of_a_jetson_is_taken() -> None:
    words = pipeline(JETSON, (1280, 720), 15)
    assert words[:4] == ("nvarguscamerasrc", "sensor-id=0", "exposuretimerange=4000000 4000000", "aelock=true")
    assert words[-3:] == ("fdsink", "fd=1", "sync=false")
    assert "video/x-raw,format=BGR,width=1280,height=720,framerate=15/1" in words


@pytest.mark.parametrize(
    "address",
    [
        "",
        "v4l2src ! filesink location=/tmp/faces",
        "v4l2src ! tee name=t ! tcpserversink",
        "v4l2src device=$(reboot)",
        "v4l2src ! ",
        'v4l2src device="/dev/video0',
        "v4l2src " + "x" * 600,
    ],
)
def test_a_pipeline_that_could_do_anything_else_is_refused(address: str) -> None:
    with pytest.raises(SetupError, match=r"camera\.address"):
        pipeline(address, SIZE, 15)


def test_without_gstreamer_the_reason_says_what_to_install() -> None:
    with pytest.raises(SetupError, match="gstreamer1"):
        GstreamerCamera("v4l2src", launcher="no-such-launcher")


def test_raw_pictures_come_through_the_pipe_whole(tmp_path: Path) -> None:
    script = "for n in range(3):\n    out.write(bytes([n * 40]) * (320 * 240 * 3)); out.flush()\n"
    camera = GstreamerCamera("v4l2src", size=SIZE, launcher=launcher(tmp_path, script))
    assert [picture.mean() for picture in _some(camera, 3)] == [0, 40, 80]
    camera = GstreamerCamera("v4l2src", size=SIZE, launcher=launcher(tmp_path, script + "time.sleep(9)"))
    camera.open()
    frame = camera.newest(after=0, wait_s=5)
    assert frame is not None
    assert frame.pixels.shape == (240, 320, 3)
    started_s = time.monotonic()
    camera.close()
    assert time.monotonic() - started_s < 2


def test_a_pipeline_that_ends_in_the_middle_of_a_picture_is_lost(tmp_path: Path) -> None:
    camera = GstreamerCamera("v4l2src", size=SIZE, launcher=launcher(tmp_path, "out.write(bytes(1000))"))
    camera.open()
    error = ending_of(camera)
    assert isinstance(error, LinkLostError)
    assert "ended" in str(error)


def test_a_pipeline_that_says_nothing_is_lost(tmp_path: Path) -> None:
    silent = launcher(tmp_path, "time.sleep(30)")
    camera = GstreamerCamera(
        "v4l2src", size=SIZE, launcher=silent, clock=itertools.count(0.0, FIRST_PICTURE_S).__next__
    )
    camera.open()
    assert "sends no picture" in str(ending_of(camera))


# ── what all share ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_camera_without_controls_says_so(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="no controls"):
        FilesCamera(recording(tmp_path, 1)).set_controls(CameraControls())


def test_nobody_at_the_controls_of_a_network_camera_is_a_lost_link() -> None:
    with pytest.raises(LinkLostError, match="does not answer"):
        NetworkCamera(Link("http://127.0.0.1:9/stream"), decode=lambda _: None).set_controls(CameraControls())


def test_a_driver_that_breaks_down_ends_with_a_reason_not_in_silence() -> None:
    class Broken(NewestFrame):
        def __init__(self, fault: Exception) -> None:
            super().__init__()
            self.fault = fault

        def _pictures(self):  # type: ignore[no-untyped-def] # noqa: ANN202 - as short as can be
            yield noise(0)
            raise self.fault

    for fault in (OSError(19, "No such device"), MemoryError(), cv2.error("broken")):
        camera = Broken(fault)
        camera.open()
        assert isinstance(ending_of(camera), LinkLostError)


def test_no_frame_is_as_large_as_it_likes() -> None:
    with pytest.raises(LinkLostError, match="more than"):
        check_size(4096, 4096)

"""A configuration means one driver, with what it needs; what can never work is told before anyone stands there."""

import time
from pathlib import Path

import cv2
import msgspec
import numpy as np
import pytest

from drivers.camera.files import FilesCamera
from drivers.camera.gstreamer import LAUNCHER, GstreamerCamera
from drivers.camera.network import NetworkCamera
from drivers.camera.newest import NewestFrame
from drivers.camera.settings import Calibration, CameraSettings, Files, Gstreamer, Network, V4l2
from drivers.camera.v4l2 import V4l2Camera
from gate.programs.shared.devices.cameras import camera_for
from gate.programs.vision.face_child import gives_pictures
from gate_core.errors import SetupError

DEVICE = "/dev/v4l/by-id/usb-camera-index0"


def test_each_driver_is_made_of_what_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    launcher = tmp_path / LAUNCHER
    launcher.touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    cv2.imwrite(str(tmp_path / "0.png"), np.zeros((120, 160, 3), np.uint8))
    made: dict[type, CameraSettings] = {
        NetworkCamera: Network(address="http://127.0.0.1/stream"),
        V4l2Camera: V4l2(address=DEVICE),
        GstreamerCamera: Gstreamer(address="v4l2src ! jpegdec"),
        FilesCamera: Files(address=str(tmp_path)),
    }
    for kind, setup in made.items():
        assert type(camera_for(setup)) is kind


def test_calibrated_values_reach_the_camera() -> None:
    camera = camera_for(V4l2(address=DEVICE, calibration=Calibration(150, 8, 5200)))
    assert isinstance(camera, V4l2Camera)
    assert camera.calibration == Calibration(150, 8, 5200)


@pytest.mark.parametrize(
    "settings", [V4l2(address="/dev/video0"), Network(address="https://192.0.2.7/", authorities="/none.pem")]
)
def test_what_can_never_work_is_told_at_once(settings: CameraSettings) -> None:
    with pytest.raises(SetupError):
        camera_for(settings)


def test_only_a_usb_camera_is_calibrated() -> None:
    table = {"address": DEVICE, "calibration": {"exposure": 150, "gain": 8, "white_balance": 5200}}
    assert msgspec.convert({**table, "driver": "v4l2"}, CameraSettings).calibration is not None
    with pytest.raises(msgspec.ValidationError, match="unknown field `calibration`"):
        msgspec.convert({**table, "driver": "gstreamer"}, CameraSettings)
    with pytest.raises(msgspec.ValidationError, match="'lidar'"):
        msgspec.convert({"address": DEVICE, "driver": "lidar"}, CameraSettings)


class Recorded(NewestFrame):
    """Gives these pictures and then ends."""

    def __init__(self, *greys: int) -> None:
        super().__init__()
        self.greys = greys

    def _pictures(self):  # type: ignore[no-untyped-def] # noqa: ANN202 - as short as can be
        for grey in self.greys:
            yield np.full((120, 160, 3), grey, np.uint8)
            time.sleep(0.02)
        time.sleep(1)


@pytest.mark.parametrize(("greys", "moving"), [((5, 5, 9), 1), ((5, 5, 5), 0), ((5,), 0)])
def test_a_camera_is_back_when_it_gives_two_pictures_that_differ(
    greys: tuple[int, ...], moving: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gate.programs.vision.face_child.PROBE_S", 0.2)
    camera = Recorded(*greys)
    camera.open()
    assert gives_pictures(camera) is bool(moving)
    camera.close()

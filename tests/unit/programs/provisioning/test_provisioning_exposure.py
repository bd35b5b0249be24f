"""A camera's exposure is measured from nothing each time."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from drivers.camera.settings import Calibration, CameraSettings, V4l2
from drivers.errors import LinkLostError
from gate.programs.provisioning import camera_acts
from gate.provision.steps import StepError

if TYPE_CHECKING:
    from drivers.camera.newest import NewestFrame
    from gate.face.chain import FaceModels


def test_a_usb_camera_settles_anew_whatever_it_was_fixed_to() -> None:
    asked: list[CameraSettings] = []

    def unplugged(settings: CameraSettings) -> NewestFrame:
        asked.append(settings)
        raise LinkLostError("unplugged")

    camera = V4l2(address="/dev/v4l/by-id/camera", serial="7", calibration=Calibration(300, 10, 4600))
    with pytest.raises(StepError, match="camera: unplugged"):
        camera_acts.exposure(camera, cast("FaceModels", None), unplugged)
    assert asked == [V4l2(address="/dev/v4l/by-id/camera", serial="7", calibration=None)]

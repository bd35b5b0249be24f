"""A camera's exposure is measured from nothing each time."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from drivers.camera.settings import Calibration, CameraSettings, V4l2
from gate.provision import checks
from gate.provision.camera import exposure
from gate.provision.steps import Finding, StepError, Verified
from gate_core.errors import LinkLostError

if TYPE_CHECKING:
    from drivers.camera.newest import NewestFrame
    from gate.face.chain import FaceModels
    from gate.programs.shared.config import Config
    from gate.provision.site import Site


def test_a_usb_camera_settles_anew_whatever_it_was_fixed_to() -> None:
    asked: list[CameraSettings] = []

    def unplugged(settings: CameraSettings) -> NewestFrame:
        asked.append(settings)
        raise LinkLostError("unplugged")

    camera = V4l2(address="/dev/v4l/by-id/camera", serial="7", calibration=Calibration(300, 10, 4600))
    with pytest.raises(StepError, match="camera: unplugged"):
        exposure(camera, cast("FaceModels", None), unplugged)
    assert asked == [V4l2(address="/dev/v4l/by-id/camera", serial="7", calibration=None)]


@pytest.mark.parametrize("challenge", [True, False])
def test_a_camera_that_must_obey_and_takes_no_controls_is_no_step_that_was_done(
    monkeypatch: pytest.MonkeyPatch, *, challenge: bool
) -> None:
    """In service `init` writes the challenge for a camera that nothing else shows to be the one."""
    found = Finding("this camera has no controls: it is not challenged to change its exposure", {}, Verified.NO)
    monkeypatch.setattr(checks, "control_lag", lambda *_: (found, None))
    site = cast("Site", SimpleNamespace(tell=lambda _: None, dice=None))
    camera = V4l2(address="/dev/v4l/by-id/camera", challenge=challenge)
    config = cast("Config", SimpleNamespace(camera=camera))
    if not challenge:
        assert checks._control_lag(site, config) == found
        return
    with pytest.raises(
        StepError, match=r"no controls: .* everybody would be referred: take a camera that obeys, or one with https"
    ):
        checks._control_lag(site, config)

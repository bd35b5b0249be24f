"""Which driver the pictures of the page come from, by what the configuration says of their place."""

import pytest

from drivers.camera.network import NetworkCamera
from drivers.camera.v4l2 import V4l2Camera
from drivers.reader.page import CameraPage
from drivers.reader.page_folder import FolderPage
from drivers.reader.settings import PageCamera, PageFolder
from gate.programs.vision.page_source_child import source_for
from gate_core.errors import SetupError


@pytest.mark.parametrize(
    ("place", "camera"),
    [
        ("/dev/v4l/by-id/usb-Maker_Document_Camera_0001-video-index0", V4l2Camera),
        ("http://127.0.0.1:8080/page", NetworkCamera),
    ],
)
def test_a_document_camera_is_one_on_usb_or_one_that_streams(place: str, camera: type) -> None:
    source = source_for(PageCamera(address=place))
    assert isinstance(source, CameraPage)
    assert isinstance(source.camera, camera)


def test_a_usb_camera_is_known_by_a_name_that_stays() -> None:
    with pytest.raises(SetupError, match="by-id"):
        source_for(PageCamera(address="/dev/video0"))


def test_a_vendors_service_drops_its_pictures_into_a_folder() -> None:
    assert isinstance(source_for(PageFolder(path="/run/pages")), FolderPage)

"""The camera above the kiosk: an MJPEG stream on loopback and the scenes that it can show."""

from hardware_sim.camera.scenes import Empty, Injected, Live, Person, Persons, Playing, PrintedPicture, Scene
from hardware_sim.camera.server import MjpegCamera
from hardware_sim.camera.settings import Settings, SettingsError

__all__ = [
    "Empty",
    "Injected",
    "Live",
    "MjpegCamera",
    "Person",
    "Persons",
    "Playing",
    "PrintedPicture",
    "Scene",
    "Settings",
    "SettingsError",
]

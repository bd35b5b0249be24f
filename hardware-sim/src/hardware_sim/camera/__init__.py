"""The camera above the kiosk: an MJPEG stream on loopback and the scenes it can show."""

from hardware_sim.camera.scenes import Empty, Person, Persons, PrintedPicture, Scene
from hardware_sim.camera.server import MjpegCamera

__all__ = ["Empty", "MjpegCamera", "Person", "Persons", "PrintedPicture", "Scene"]

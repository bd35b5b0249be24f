"""The camera above the kiosk: an MJPEG stream on loopback and the scenes it can show."""

from hardware_sim.camera.scenes import Empty, Scene
from hardware_sim.camera.server import MjpegCamera

__all__ = ["Empty", "MjpegCamera", "Scene"]

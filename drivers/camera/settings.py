"""The settings of cameras that look at travellers, one struct a driver. Loads no image library.

`zone_bottom` is no driver's: no traveller's face is lower in the picture, as a part of its height (docs/biometrics.md). Neither is the geometry of live
images, those of the traveller that officers see: `live_image_px` is how high they are, `live_image_head` how much of that the head is, from crown
to chin (BSI TR-03121-3 §4.4.1); without them they are 600 pixels high, the head 0.74 of it. `challenge` is of
cameras that have controls: their exposure changes at random moments of a crossing, and pictures that do not follow are doubted. How late the
pictures are is measured by `gate provision` and is None until then: `lag_ms` behind what the traveller's page has painted, `control_lag_ms`
behind an exposure that was commanded. `pad`: the sensor beside it that gives a verdict of its own (docs/protocols/pad-sensor.md), if there is one.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Final

import msgspec

from drivers.pad.settings import PadSensor
from drivers.settings import Reach, Settings, Text
from drivers.toml_file import Contradictions, Wrong

STABLE_NAME: Final = re.compile(r"/dev/v4l/by-(?:id|path)/[\w.:+@-]{1,200}")  # of a USB camera
LIVE_IMAGE_ASPECT: Final = 0.75  # its width by its height
LagMs = Annotated[int, msgspec.Meta(ge=0, le=1000)]


class Calibration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a USB camera's controls are fixed to, in its own units: exposure in 100 µs, white balance in kelvin."""

    exposure: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
    gain: Annotated[int, msgspec.Meta(ge=0, le=100_000)]
    white_balance: Annotated[int, msgspec.Meta(ge=1000, le=20_000)]


class _Camera(Settings, frozen=True, kw_only=True):
    """Size and rate are asked of a camera that is told; a network camera has its own."""

    address: Text
    width: Annotated[int, msgspec.Meta(ge=320, le=4096)] = 1280
    height: Annotated[int, msgspec.Meta(ge=240, le=4096)] = 720
    frames_per_second: Annotated[int, msgspec.Meta(ge=5, le=60)] = 15
    zone_bottom: Annotated[float, msgspec.Meta(ge=0.5, le=1.0)] = 0.95
    lag_ms: LagMs | None = None
    live_image_px: Annotated[int, msgspec.Meta(ge=800, le=1600)] | None = None
    live_image_head: Annotated[float, msgspec.Meta(ge=0.6, le=0.9)] = 0.7
    pad: PadSensor | None = None

    def live_image_problem(self, width: int, height: int) -> str:
        """Why pictures of this size hold no live image of the geometry that is asked for; empty when they may."""
        if self.live_image_px is None:
            return ""
        across = round(LIVE_IMAGE_ASPECT * self.live_image_px)
        if width >= across and height >= self.live_image_px:
            return ""
        return (
            f"pictures of {width} x {height} pixels hold no live image of {across} x {self.live_image_px} (live_image_px) without "
            "enlarging: turn the camera upright, or ask it for larger pictures"
        )

    def simulated(self) -> list[str]:
        """Say so of the sensor beside it."""
        return [] if self.pad is None else self.pad.simulated()

    @property
    def obeys_after_ms(self) -> int | None:
        """How late its pictures follow its exposure; None where it takes no controls or nobody measured it."""
        return None

    @property
    def is_challenged(self) -> bool:
        """True when its exposure is to change and its pictures must follow."""
        return False

    @property
    def reach(self) -> Reach:
        """What the process that looks through it must reach."""
        return Reach(devices=True)


class _Challenged(_Camera, frozen=True, kw_only=True):
    challenge: bool = False
    control_lag_ms: LagMs | None = None

    @property
    def obeys_after_ms(self) -> int | None:
        return self.control_lag_ms

    @property
    def is_challenged(self) -> bool:
        return self.challenge


class Network(_Challenged, frozen=True, kw_only=True, tag="network"):
    """An MJPEG stream by its address, which names the camera by its IP address. `credentials`: a file with its user and password, or the name of
    a credential of systemd's.
    """

    credentials: Annotated[str, msgspec.Meta(max_length=512)] = ""

    def __post_init__(self) -> None:
        refuse_names(self.address)

    @property
    def reach(self) -> Reach:
        """The one address."""
        return Reach(address=self.address)


class V4l2(_Challenged, frozen=True, kw_only=True, tag="v4l2"):
    """A USB camera by its name in /dev/v4l/by-id/ or by-path/.

    `calibration` None: it settles by itself first; the self-test shows where. `serial`: the serial number that it must have, beside its
    address by-path; another one is no camera.
    """

    calibration: Calibration | None = None
    serial: Annotated[str, msgspec.Meta(max_length=128)] = ""


class Gstreamer(_Camera, frozen=True, kw_only=True, tag="gstreamer"):
    """A sensor behind an accelerator: the beginning of a pipeline. Its camera service is spoken with over a Unix socket."""

    def __post_init__(self) -> None:
        if "@" in self.address or "user-pw" in self.address:
            why = "it holds a password, and a pipeline has no other place for one: use a network camera"
            raise Contradictions([Wrong("address", why)])

    @property
    def reach(self) -> Reach:
        """Its sensor and its service."""
        return Reach(devices=True, unix_sockets=True)


class Files(_Camera, frozen=True, kw_only=True, tag="files"):
    """A folder of pictures. Shows recordings: never in service."""

    @property
    def reach(self) -> Reach:
        """Nothing: its pictures may be read from anywhere."""
        return Reach()

    def simulated(self) -> list[str]:
        """Say so of all of it."""
        return ["driver = files shows recordings", *_Camera.simulated(self)]


CameraSettings = Network | V4l2 | Gstreamer | Files


def refuse_names(address: str) -> None:
    """Raise Contradictions for an address at which no network camera may be named: see `address_problem`."""
    if why := address_problem(address):
        raise Contradictions([Wrong("address", why)])


def address_problem(address: str) -> str:
    """What is wrong with a network camera's address; empty when nothing is. It is an IP address, for what looks through it may ask no name
    server, and holds no password: configurations are shown and signed.
    """
    if "@" in address:
        return (
            'it holds a user or a password; write "user:password" into a file of mode 0600 that belongs to the user of vision, '
            'and name that: credentials = "FILE"'
        )
    try:
        host = Reach(address=address).host
    except ValueError as error:
        return str(error)
    if host == "localhost":
        return ""
    try:
        ipaddress.ip_address(str(host))
    except ValueError:
        return f"name the camera by its IP address and not as {host}: vision may ask no name server"
    return ""

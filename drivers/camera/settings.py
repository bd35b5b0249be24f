"""The settings of cameras that look at travellers, one struct a driver. Loads no image library.

`zone_bottom`: no traveller's face is lower in the picture, as a part of its height (docs/biometrics.md). `live_image_px`: how high the picture of the traveller
is that officers see, `live_image_head` how much of that the head is, from crown to chin (BSI TR-03121-3 §4.4.1); else 600 pixels and 0.74. `challenge`:
exposure changes at random moments of a crossing, and pictures that do not follow are doubted; in service a camera has that, or a link that nobody else's
pictures come over. How late pictures are `gate provision` measures: `lag_ms` behind what the traveller's page has painted, `control_lag_ms` behind a
commanded exposure. `pad`: the sensor beside it that gives a verdict of its own (docs/protocols/pad-sensor.md).
"""

import ipaddress
import re
from typing import Annotated, Final, Protocol
from urllib.parse import urlsplit

import msgspec

from drivers.pad.settings import PadSensor
from gate_core.settings.base import Reach, Settings, Text
from gate_core.settings.outside import Code
from gate_core.settings.toml_file import Contradictions, Wrong

STABLE_NAME: Final = re.compile(r"/dev/v4l/by-(?:id|path)/[\w.:+@-]{1,200}")  # of a USB camera
LIVE_IMAGE_ASPECT: Final = 0.75  # its width by its height
LagMs = Annotated[int, msgspec.Meta(ge=0, le=1000)]
FileName = Annotated[str, msgspec.Meta(max_length=512)]
SHA256: Final = r"^([0-9A-Fa-f]{2}(:?[0-9A-Fa-f]{2}){31})?$"
WHY: Final = r"^(\S.{8,298}\S)?$"
Sha256 = Annotated[str, msgspec.Meta(pattern=SHA256)]
Why = Annotated[str, msgspec.Meta(pattern=WHY)]
_ADDRESS: Final = re.compile(r"https?://[!-~]{1,504}")
# In an address's query, as cheap cameras want it.
_PASSWORD: Final = re.compile(r"[?&;][^=&;]*(?:pas|pwd)[^=&;]*=", re.IGNORECASE)
_OWN_SENSORS: Final = re.compile(r"\s*nvarguscamerasrc\s")  # at the computer's own camera connector, and nowhere else


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
    def is_authenticated(self) -> bool:
        """True when no other source's pictures come over its link."""
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
    """An MJPEG stream over https by its address, which names the camera by its IP address. `certificate_sha256`: the SHA-256 of the certificate
    that the camera shows, 64 hexadecimal digits; or `authorities`: the file (PEM) of those that vouch for one made out to its address.
    `credentials`: a file with its user and password, or the name of a credential of systemd's. `plain_http_risk`: why an http address, which
    anybody in that network can read and answer for, is accepted.
    """

    credentials: FileName = ""
    certificate_sha256: Sha256 = ""
    authorities: FileName = ""
    plain_http_risk: Why = ""

    def __post_init__(self) -> None:
        require_link(self)

    @property
    def is_authenticated(self) -> bool:
        """Its certificate shows who it is."""
        return is_https(self.address)

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
    def is_authenticated(self) -> bool:
        """A sensor at the connector on the computer's own board: whoever reaches that has the computer."""
        return _OWN_SENSORS.match(self.address) is not None

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


class Outside(_Challenged, frozen=True, kw_only=True, tag="outside"):
    """A camera that a driver of another distribution looks through (docs/guides/driver.md)."""

    code: Code


CameraSettings = Network | V4l2 | Gstreamer | Files | Outside


class _Stream(Protocol):
    @property
    def address(self) -> str: ...
    @property
    def credentials(self) -> str: ...
    @property
    def certificate_sha256(self) -> str: ...
    @property
    def authorities(self) -> str: ...
    @property
    def plain_http_risk(self) -> str: ...


def require_link(stream: _Stream) -> None:
    """Raise Contradictions for an address at which no network camera may be named, and for keys that do not go with it."""
    pin, authorities, risk = stream.certificate_sha256, stream.authorities, stream.plain_http_risk
    why = address_problem(stream.address)
    tls = not why and is_https(stream.address)
    in_clear = "would cross the network in clear: give the camera an https address, or say in plain_http_risk why that is accepted"
    for key, is_wrong, said in (
        ("address", bool(why), why),
        ("address", _PASSWORD.search(stream.address) is not None and not (tls or risk), f"holds a password, which {in_clear}"),
        ("address", tls and not (pin or authorities), "nothing tells this camera from another: name its certificate in certificate_sha256, or those that vouch for it in authorities"),
        ("authorities", bool(pin and authorities), "stands beside certificate_sha256: leave out one of the two"),
        ("certificate_sha256", bool(pin) and not tls, "is for an https address: http shows no certificate"),
        ("authorities", bool(authorities) and not tls, "is for an https address: http shows no certificate"),
        ("plain_http_risk", bool(risk) and tls, "is for an http address"),
        ("credentials", bool(stream.credentials) and not (tls or risk), in_clear),
    ):  # fmt: skip
        if is_wrong:
            raise Contradictions([Wrong(key, said)])


def is_https(address: str) -> bool:
    """True for an address of TLS."""
    return address.startswith("https:")


def address_problem(address: str) -> str:
    """What is wrong with a network camera's address; empty when nothing is. It is an IP address, for what looks through it may ask no name
    server, and holds no password: configurations are shown and signed.
    """
    if "@" in address:
        return (
            'it holds a user or a password; write "user:password" into a file of mode 0600 that belongs to the user of vision, '
            'and name that: credentials = "FILE"'
        )
    reach = Reach(address=address)
    try:
        scheme, host, port = urlsplit(address).scheme, reach.host, reach.port
    except ValueError:
        scheme, host, port = "", None, None
    if scheme == "rtsp":
        return (
            "rtsp is not read, for nothing shows whose pictures come over it: give the camera's MJPEG stream over https"
        )
    if port == 0 or _ADDRESS.fullmatch(address) is None:
        return f"{address!r} is no network camera's address: https://192.0.2.7/stream"
    if host == "localhost":
        return ""
    try:
        ipaddress.ip_address(str(host))
    except ValueError:
        return f"name the camera by its IP address and not as {host}: vision may ask no name server"
    return ""

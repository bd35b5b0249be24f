"""The settings of face cameras, one struct per driver. Loads no image library.

`zone_bottom`: the lowest position of a face, as a part of the picture's height (docs/biometrics.md). `live_image_px`: height of the
traveller's picture that officers see; `live_image_head`: part of it from crown to chin (BSI TR-03121-3 §4.4.1); default 600 pixels and
0.74. `challenge`: exposure changes at random moments of a crossing, and pictures that do not follow are doubted; in service a camera has
that, or an authenticated link. `gate provision` measures delays: `lag_ms` of pictures behind the painted traveller's page,
`control_lag_ms` behind a commanded exposure. `pad`: a sensor beside the camera with its own verdict (docs/protocols/pad-sensor.md).
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
    """A USB camera's fixed controls, in its own units: exposure in 100 µs, white balance in kelvin."""

    exposure: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
    gain: Annotated[int, msgspec.Meta(ge=0, le=100_000)]
    white_balance: Annotated[int, msgspec.Meta(ge=1000, le=20_000)]


class _Camera(Settings, frozen=True, kw_only=True):
    """Size and rate are set on the camera; a network camera has its own."""

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
        """Return why pictures of this size hold no live image of the required geometry; empty if they may."""
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
        """Return what is simulated of the sensor beside it."""
        return [] if self.pad is None else self.pad.simulated()

    @property
    def obeys_after_ms(self) -> int | None:
        """How late its pictures follow its exposure; None without controls or measurement."""
        return None

    @property
    def is_challenged(self) -> bool:
        """True if its exposure changes and its pictures must follow."""
        return False

    @property
    def is_authenticated(self) -> bool:
        """True if its link carries no other source's pictures."""
        return False

    @property
    def reach(self) -> Reach:
        """Return what its process must reach."""
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
    """An MJPEG stream over https; the address contains the camera's IP address. `certificate_sha256`: the SHA-256 of
    the camera's certificate, 64 hexadecimal digits; or `authorities`: a file (PEM) of those that certify one for its
    address. `credentials`: a file with user and password, or the name of a systemd credential. `plain_http_risk`: why
    an http address is accepted, which anybody in that network can read and impersonate.
    """

    credentials: FileName = ""
    certificate_sha256: Sha256 = ""
    authorities: FileName = ""
    plain_http_risk: Why = ""

    def __post_init__(self) -> None:
        require_link(self)

    @property
    def is_authenticated(self) -> bool:
        """True if its certificate is verified."""
        return is_https(self.address)

    @property
    def reach(self) -> Reach:
        """Return its one address."""
        return Reach(address=self.address)


class V4l2(_Challenged, frozen=True, kw_only=True, tag="v4l2"):
    """A USB camera by its name in /dev/v4l/by-id/ or by-path/.

    `calibration` None: it settles by itself first; the self-test shows the values. `serial`: the required serial
    number, besides an address by-path; another one is refused.
    """

    calibration: Calibration | None = None
    serial: Annotated[str, msgspec.Meta(max_length=128)] = ""


class Gstreamer(_Camera, frozen=True, kw_only=True, tag="gstreamer"):
    """A sensor behind an accelerator: the beginning of a pipeline. Its camera service is reached over a Unix socket."""

    def __post_init__(self) -> None:
        if "@" in self.address or "user-pw" in self.address:
            why = "it holds a password, and a pipeline has no other place for one: use a network camera"
            raise Contradictions([Wrong("address", why)])

    @property
    def is_authenticated(self) -> bool:
        """True for a sensor at the computer's own connector: access to it means access to the computer."""
        return _OWN_SENSORS.match(self.address) is not None

    @property
    def reach(self) -> Reach:
        """Return its sensor and service."""
        return Reach(devices=True, unix_sockets=True)


class Files(_Camera, frozen=True, kw_only=True, tag="files"):
    """A folder of recorded pictures: never in service."""

    @property
    def reach(self) -> Reach:
        """Return nothing: its pictures may be read from anywhere."""
        return Reach()

    def simulated(self) -> list[str]:
        """Return that all of it is simulated."""
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
    """Raise Contradictions for an address that no network camera may have, and for keys that do not fit it."""
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
    """True for an https address."""
    return address.startswith("https:")


def address_problem(address: str) -> str:
    """Return what is wrong with a network camera's address; empty if valid. It is an IP address, because the process
    may use no name server, and has no password: configurations are shown and signed.
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

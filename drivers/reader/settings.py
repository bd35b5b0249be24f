"""The settings of document readers, one struct per driver: MRZ readers on a line, page cameras, chip readers."""

from __future__ import annotations

from drivers.camera.settings import FileName, Sha256, Why, require_link
from gate_core.settings.base import Baud, LineSettings, Reach, Settings, Text
from gate_core.settings.outside import OutsideDevice
from gate_core.settings.toml_file import Contradictions, Wrong


class _Serial(LineSettings, frozen=True, kw_only=True):
    """A serial line. `baud` None: the profile's, or the driver's default."""

    baud: Baud | None = None


class Elyctis(_Serial, frozen=True, kw_only=True, tag="elyctis"):
    """A reader of the Elyctis command set."""


class Stx(_Serial, frozen=True, kw_only=True, tag="stx"):
    """A reader that sends frames; `profile`: one of drivers/profiles/readers/."""

    profile: Text


class TextWedge(_Serial, frozen=True, kw_only=True, tag="text"):
    """A reader that sends bare lines."""


class Scanner(_Serial, frozen=True, kw_only=True, tag="imager"):
    """A scanner configured and triggered by commands; `profile`: one of drivers/profiles/readers/."""

    profile: Text


class Keyboard(_Serial, frozen=True, kw_only=True, tag="keyboard"):
    """A keyboard wedge; its port is /dev/input/by-id/…-event-kbd."""


class Outside(OutsideDevice, frozen=True, kw_only=True, tag="outside"):
    """A reader that a driver of another distribution drives (docs/guides/driver.md)."""


LineReaderSettings = Elyctis | Stx | TextWedge | Scanner | Keyboard
MrzReaderSettings = LineReaderSettings | Outside


class PageCamera(Settings, frozen=True, kw_only=True, tag="camera"):
    """A document camera: the address of an MJPEG stream, or a USB camera's name in /dev/v4l/by-id/ or by-path/.
    `credentials`, `certificate_sha256`, `authorities` and `plain_http_risk` as for a face camera.
    """

    address: Text
    credentials: FileName = ""
    certificate_sha256: Sha256 = ""
    authorities: FileName = ""
    plain_http_risk: Why = ""

    def __post_init__(self) -> None:
        if not self.is_usb:
            require_link(self)
        elif given := next((key for key in self.__struct_fields__ if key != "address" and getattr(self, key)), ""):
            raise Contradictions([Wrong(given, "is for a network camera")])

    @property
    def is_usb(self) -> bool:
        """True for a device of this machine."""
        return self.address.startswith("/dev/")

    @property
    def reach(self) -> Reach:
        """Return what its process must reach."""
        return Reach(devices=True) if self.is_usb else Reach(address=self.address)


class PageFolder(Settings, frozen=True, kw_only=True, tag="folder"):
    """The folder into which a vendor's service puts pictures of pages."""

    path: Text

    @property
    def reach(self) -> Reach:
        """Return what its process must reach."""
        return Reach(folder=self.path)


PageSettings = PageCamera | PageFolder


class Pcsc(Settings, frozen=True, kw_only=True, tag="pcsc"):
    """A chip reader through PC/SC. `reader`: part of its name, empty: the first one; `socket`: PCSCLITE_CSOCK_NAME if
    pcscd is not at its default place.
    """

    reader: str = ""
    socket: str = ""


class Direct(Settings, frozen=True, kw_only=True, tag="direct"):
    """The simulator's APDU link, for machines without PC/SC: never in service."""

    socket: Text

    def simulated(self) -> list[str]:
        """Return that all of it is simulated."""
        return ["driver = direct is the simulator's"]


ChipReaderSettings = Pcsc | Direct

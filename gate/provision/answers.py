"""What a technician answers, and the configuration that follows from it. Looks at what is named on this machine, and writes nothing."""

from __future__ import annotations

import os
import re
import stat
import zoneinfo
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import pyrage

from drivers.barrier.profiles import load_profile
from drivers.camera.settings import SHA256, STABLE_NAME, WHY, address_problem, is_https
from drivers.pad.settings import SOCKET, USER
from gate_core.errors import DriverError
from gate_core.evidence.screen import Purpose

_PURPOSES: Final = tuple(Purpose)
_GATE_ID: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_OPERATOR: Final = re.compile(r"[a-z0-9][a-z0-9.-]{0,252}")
_AUTHORITY: Final = re.compile(r"[A-Za-z0-9+/]{43}=")
BARRIER_DRIVERS: Final = {
    "modbus": "modbus-rtu",
    "modbus-tcp": "modbus-rtu",
    "framed": "framed",
    "contacts": "contacts",
}  # and the protocol of their profiles
SWIPE_DRIVERS: Final = {"elyctis": "", "stx": "stx", "text": "", "imager": "imager", "keyboard": ""}
CHIP_DRIVERS: Final = ("pcsc", "direct")
BAUDS: Final = range(1200, 921_601)
BY_CHARACTERS_MAX: Final = 100
UTC: Final = "UTC"
_NOTICE: Final = {
    "results_kept_days": ("[0-9]+", "for how many days results are kept, as your law has it, such as 30"),
    "contact": (".{3,80}", "where travellers ask and complain, such as privacy@border.example"),
    "address": ("https://[!-~]{3,150}", "where the whole notice is published, such as https://border.example/north-7"),
}
_PAD_SOCKET: Final = "/run/vendor-pad/pad.sock"


@dataclass(frozen=True, slots=True)
class Problem:
    """An answer that cannot be right: the key that it has in a file of answers, what is wrong, and what would be right."""

    key: str
    why: str

    def __str__(self) -> str:
        return f"{self.key}: {self.why}"


@dataclass(frozen=True, slots=True)
class Answers:
    """The facts of one site. `root` is where all folders go, for a gate that is not installed system-wide."""

    purpose: str
    operator: str
    gate_id: str
    barrier_port: str
    barrier_driver: str
    barrier_profile: str
    swipe_port: str
    swipe_driver: str
    swipe_profile: str
    page: str
    chip_driver: str
    chip_socket: str
    camera: str
    recipients: tuple[str, ...]
    first_barrier_port: str = ""
    camera_link: str = ""
    page_link: str = ""
    sensors_port: str = ""
    sensors_profile: str = ""
    pad_socket: str = ""
    pad_profile: str = ""
    pad_user: str = ""
    officers: str = ""
    time_zone: str = UTC
    line: dict[str, int] = field(
        default_factory=dict
    )  # `baud` and `unit` of the barriers, where they are not the usual ones
    notice: dict[str, object] = field(default_factory=dict)  # the table; a gate in service has all of it
    root: Path | None = None

    def problems(self) -> list[Problem]:
        """Everything that can be seen to be wrong before anything is written."""
        return [
            *_named("purpose", purpose_problem(self.purpose)),
            *_named("operator", operator_problem(self.operator)),
            *_named("gate_id", gate_id_problem(self.gate_id)),
            *_named("time_zone", zone_problem(self.time_zone)),
            *self._barrier_problems(),
            *self._reader_problems(),
            *_named("chip.driver", one_of(self.chip_driver, CHIP_DRIVERS)),
            *(_named("chip.socket", socket_problem(self.chip_socket)) if self.chip_socket else []),
            *_named("camera.address", camera_problem(self.camera)),
            *_named("camera.link", link_problem(self.camera, self.camera_link, self.purpose)),
            *_named("page.link", link_problem(self.page, self.page_link, self.purpose)),
            *self._pad_problems(),
            *_named("auditors", auditors_problem(self.recipients)),
            *_named("officers", officers_problem(self.officers)),
            *(self._notice_problems() if self.notice or self.purpose == "service" else ()),
        ]

    def _barrier_problems(self) -> Iterator[Problem]:
        for name in ("barrier", "first_barrier", "sensors"):
            if port := getattr(self, f"{name}_port"):
                yield from _named(f"{name}.port", port_problem(port))
        for key, why in shared_lines(
            {
                "barrier.port": self.barrier_port,
                "first_barrier.port": self.first_barrier_port,
                "sensors.port": self.sensors_port,
                "swipe.port": self.swipe_port,
            },
            one_chip=self.barrier_driver == "contacts",
        ).items():
            yield Problem(key, why)
        if self.first_barrier_port and not (self.barrier_port and self.sensors_port):
            yield Problem(
                "first_barrier.port",
                "a lane of two doors has --first-barrier, --barrier for the last one, and --sensors between them",
            )
        if self.barrier_port:
            yield from _named("barrier.driver", one_of(self.barrier_driver, BARRIER_DRIVERS))
            yield from _named("barrier.profile", barrier_profile_problem(self.barrier_driver, self.barrier_profile))
        if self.sensors_port:
            yield from _named("sensors.profile", name_problem(self.sensors_profile, shipped("sensors")))

    def _notice_problems(self) -> Iterator[Problem]:
        for key in _NOTICE:
            yield from _named(f"notice.{key}", notice_problem(key, str(self.notice.get(key, ""))))

    def _pad_problems(self) -> Iterator[Problem]:
        if self.pad_socket:
            yield from _named("pad.socket", pad_socket_problem(self.pad_socket))
            yield from _named("pad.profile", name_problem(self.pad_profile, shipped("pad")))
            yield from _named("pad.user", user_problem(self.pad_user))

    def _reader_problems(self) -> Iterator[Problem]:
        if not (self.swipe_port or self.page):
            yield Problem("swipe.port", "documents need a reader: --swipe, --page, or both")
        if self.swipe_port:
            yield from _named("swipe.port", port_problem(self.swipe_port))
            yield from _named("swipe.driver", one_of(self.swipe_driver, SWIPE_DRIVERS))
            yield from _named("swipe.profile", swipe_profile_problem(self.swipe_driver, self.swipe_profile))
        if self.page:
            yield from _named("page.source", page_problem(self.page))

    def table(self) -> dict[str, object]:
        """The tables of gate.toml."""
        paths = {}
        if self.root is not None:
            paths = {
                "run": str(self.root / "run"),
                "state": str(self.root / "state"),
                "spool": str(self.root / "spool"),
                "inbox": str(self.root / "inbox"),
                "models": str(self.root / "models"),
                "trust": str(self.root / "trust.sqlite"),
                "keys": str(self.root / "keys"),
                "approval": str(self.root),
                "identity": str(self.root / "identity"),
            }
        return {
            "purpose": self.purpose,
            "gate_id": self.gate_id,
            "operator": self.operator,
            **({"time_zone": self.time_zone} if self.time_zone != UTC else {}),
            **({"paths": paths} if paths else {}),
            **self._barriers(),
            **({"sensors": self._sensors()} if self.sensors_port else {}),
            **({"swipe": self._swipe()} if self.swipe_port else {}),
            **({"page": self._page()} if self.page else {}),
            "chip": {"driver": self.chip_driver, "socket": self.chip_socket},
            "camera": self._camera(),
            **({"officers": {"authority": self.officers}} if self.officers else {}),
            "audit": {"recipients": list(self.recipients)},
            **({"notice": self.notice} if self.notice else {}),
        }

    def _barriers(self) -> dict[str, object]:
        """Both doors have boards of one kind; who has others writes them into gate.toml."""
        if not self.barrier_port:
            return {"mode": "shadow"}
        board = {"driver": self.barrier_driver, "profile": self.barrier_profile, **self.line}
        ports = {"barrier": self.barrier_port, "first_barrier": self.first_barrier_port}
        return {name: {**board, "port": port} for name, port in ports.items() if port}

    def _sensors(self) -> dict[str, str]:
        return {"port": self.sensors_port, "profile": self.sensors_profile}

    def _swipe(self) -> dict[str, str]:
        profile = {"profile": self.swipe_profile} if self.swipe_profile else {}
        return {"port": self.swipe_port, "driver": self.swipe_driver, **profile}

    def _page(self) -> dict[str, str]:
        is_camera = self.page.startswith("/dev/") or "://" in self.page
        if not is_camera:
            return {"driver": "folder", "path": self.page}
        return {"driver": "camera", "address": self.page, **_link(self.page, self.page_link)}

    def _camera(self) -> dict[str, object]:
        """In service a camera that no certificate shows must obey; how late it does is measured later."""
        usb = {"driver": "v4l2"} if self.camera.startswith("/dev/") else {}
        obeys = {"challenge": True} if self.purpose == "service" and not is_https(self.camera) else {}
        pad = {"pad": self._pad()} if self.pad_socket else {}
        return {**usb, "address": self.camera, **_link(self.camera, self.camera_link), **obeys, **pad}

    def _pad(self) -> dict[str, str]:
        user = {"user": self.pad_user} if self.pad_user else {}
        return {"socket": self.pad_socket, "profile": self.pad_profile, **user}


def _link(address: str, link: str) -> dict[str, str]:
    """The key that an answer about a network camera's link is of."""
    if not is_https(address):
        return {"plain_http_risk": link} if link else {}
    return {"authorities" if link.startswith("/") else "certificate_sha256": link}


def _named(key: str, why: str) -> list[Problem]:
    return [Problem(key, why)] if why else []


# ── one answer ───────────────────────────────────────────────────────────────────────────────────────────────────────
# Each returns what is wrong and what would be right, or nothing.


def purpose_problem(purpose: str) -> str:
    """What the gate is run for."""
    return "" if purpose in _PURPOSES else f"{purpose!r}: a purpose is one of {', '.join(_PURPOSES)}"


def gate_id_problem(gate_id: str) -> str:
    """The gate's name."""
    good = _GATE_ID.fullmatch(gate_id)
    return "" if good else f"{gate_id!r}: a gate's id is small letters, digits and hyphens, 63 at most, such as north-7"


def operator_problem(operator: str) -> str:
    """The operator's domain."""
    return "" if _OPERATOR.fullmatch(operator) else f"{operator!r} is no domain's name such as border.example"


def zone_problem(name: str) -> str:
    """The time zone's IANA name."""
    good = name in zoneinfo.available_timezones()
    return "" if good else f"{name!r} is no time zone's IANA name such as Europe/Amsterdam, or not on this machine"


def notice_problem(key: str, answer: str) -> str:
    """What travellers are told of how long results are kept, whom to ask, and where more is said."""
    pattern, wants = _NOTICE[key]
    return "" if re.fullmatch(pattern, answer) else f"{answer!r}: say {wants}" if answer else f"say {wants}"


def port_problem(port: str) -> str:
    """A device's path. That it is there is not asked: a gate may be made before its cables are in."""
    good = port.startswith("/") and port.isprintable() and " " not in port and not Path(port).is_dir()
    return "" if good else f"{port!r} is no device's path such as /dev/portcullis-barrier or /dev/serial/by-id/…"


def shared_lines(ports: Mapping[str, str], *, one_chip: bool) -> dict[str, str]:
    """What is wrong with each line that another device has already, by key. `one_chip`: both doors may be wired to one GPIO chip."""
    wrong: dict[str, str] = {}
    taken: dict[str, str] = {}
    for key, port in ports.items():
        if not port:
            continue
        before = taken.setdefault(os.path.realpath(port), key)
        if before != key and not (one_chip and {before, key} == {"barrier.port", "first_barrier.port"}):
            wrong[key] = f"{port} is the line of {before} already: each device has its own"
    return wrong


def one_of(name: str, known: dict[str, str] | tuple[str, ...]) -> str:
    """A name out of few."""
    return "" if name in known else f"{name!r} is none of {', '.join(known)}"


def shipped(room: str) -> list[str]:
    """The profiles that come with the gate, of a room of drivers."""
    return sorted(
        path.name.removesuffix(".toml")
        for path in (resources.files("drivers.profiles") / room).iterdir()
        if path.name.endswith(".toml")
    )


def shipped_for(driver: str) -> list[str]:
    """The barrier profiles that come with the gate for a driver."""
    return [name for name in shipped("barrier") if _protocol(name) == BARRIER_DRIVERS.get(driver)]


def _protocol(name: str) -> str:
    return str(load_profile(name).__struct_config__.tag)


def barrier_profile_problem(driver: str, name: str) -> str:
    """The profile of a barrier's board. A site's own file is read when the configuration is checked."""
    return name_problem(name, shipped_for(driver)) if driver in BARRIER_DRIVERS else ""


def name_problem(name: str, known: list[str]) -> str:
    """A shipped profile's name, or the path of a site's own."""
    if name.startswith("/") or name in known:
        return ""
    return f"{name!r} is no profile for this; there are {', '.join(known)}, or the absolute path of your own"


def own_profile_problem(room: str, driver: str, name: str) -> str:
    """What is wrong with a site's own profile, of a barrier's board, a sensor unit or a sensor beside the camera; nothing for a shipped one."""
    from drivers.pad.profile import load_profile as load_pad  # noqa: PLC0415 - beside the barriers' of the same name
    from drivers.sensors.profile import load_profile as load_sensors  # noqa: PLC0415

    if not name.startswith("/"):
        return ""
    try:
        if room == "pad":
            load_pad(name)
        elif room == "sensors":
            load_sensors(name)
        elif _protocol(name) != BARRIER_DRIVERS.get(driver):
            return f"{name} is a profile of {_protocol(name)}, not of driver {driver}"
    except DriverError as error:
        return str(error)
    return ""


def file_problem(path: str) -> str:
    """A file that is read later."""
    try:
        if not stat.S_ISREG(Path(path).stat().st_mode):
            return f"{path} is no file"
        Path(path).open("rb").close()
    except OSError as error:
        return f"cannot read {path}: {error.strerror}"
    return ""


def socket_problem(path: str, such_as: str = "/run/pcscd/pcscd.comm") -> str:
    """A service's socket, which may come later: by default the chip reader's."""
    if not path.startswith("/"):
        return f"{path!r} is no socket's path such as {such_as}"
    place = Path(path)
    return f"{path} is no socket" if place.exists() and not place.is_socket() else ""


def pad_socket_problem(path: str) -> str:
    """The socket of the service of a sensor beside the camera, which may come later."""
    if not re.search(SOCKET, path):
        return f"{path!r} is no socket's path of 107 characters at most, such as {_PAD_SOCKET}"
    return socket_problem(path, _PAD_SOCKET)


def user_problem(name: str) -> str:
    """Whom a service runs as; nothing is root."""
    return "" if re.search(USER, name) else f"{name!r} is no user's name such as sensor"


def central_problem(address: str) -> str:
    """The central server."""
    try:
        parts = urlsplit(f"//{address}")
        good = bool(parts.hostname and parts.port) and parts.netloc == address and "@" not in address
    except ValueError:
        good = False
    return "" if good and " " not in address else f"{address!r}: give HOST:PORT, such as central.example:8443"


def swipe_profile_problem(driver: str, name: str) -> str:
    """The profile of a document reader, which some drivers need and the others have none of."""
    from drivers.reader.profile import load_profile as load_reader  # noqa: PLC0415 - beside the barriers' of the same name

    protocol = SWIPE_DRIVERS.get(driver, "")
    known = [one for one in shipped("readers") if load_reader(one).protocol == protocol]
    if not protocol:
        return f"the driver {driver} has no profiles" if name else ""
    return "" if name in known else f"{name!r} is no profile of driver {driver}; there are {', '.join(known)}"


def camera_problem(address: str) -> str:
    """A camera that looks at travellers: in the network by its IP address, or at this machine by its lasting name."""
    if address.startswith("/"):
        return (
            "" if STABLE_NAME.fullmatch(address) else f"{address!r}: name a USB camera by /dev/v4l/by-id/… or by-path/…"
        )
    return _stream_problem(address)


def link_problem(address: str, link: str, purpose: str) -> str:
    """What shows that a network camera's pictures are its own, or why nothing has to."""
    if "://" not in address:
        return "is for a network camera" if link else ""
    if is_https(address):
        good = link and (link.startswith("/") or re.search(SHA256, link))
        return (
            ""
            if good
            else "give the SHA-256 of the camera's certificate, 64 hexadecimal digits, or the path of a file of authorities (PEM)"
        )
    if re.search(WHY, link) is None or (purpose == "service" and not link):
        return "give the camera an https address, or say in 10 to 300 characters why http, which anybody in that network reads and answers, is accepted"
    return ""


def page_problem(source: str) -> str:
    """Where pages come from: a camera, or the folder of a scanner's service."""
    if source.startswith("/dev/"):
        return camera_problem(source)
    return "" if source.startswith("/") else _stream_problem(source)


def _stream_problem(address: str) -> str:
    if "@" not in address and not _is_stream(address):
        return f"{address!r} is neither a network camera's address such as http://192.0.2.7/stream nor a device such as /dev/v4l/by-id/…"
    return address_problem(address)


def _is_stream(address: str) -> bool:
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port  # a port that is none is a ValueError, too
    except ValueError:
        return False
    return bool(host) and parts.scheme in {"http", "https"} and " " not in address


def auditors_problem(recipients: tuple[str, ...]) -> str:
    """Who can read the records."""
    for recipient in recipients:
        try:
            pyrage.x25519.Recipient.from_str(recipient)
        except pyrage.RecipientError:
            return f"{recipient[:16]}… is no age recipient; age-keygen prints one that begins with age1"
    if len(set(recipients)) < len(recipients):
        return "an auditor is named twice"
    return "" if len(recipients) >= 2 else "name two auditors at least: the log can be read by nobody else"


def officers_problem(authority: str) -> str:
    """The officers' authority, or nothing: there are no officers."""
    good = not authority or _AUTHORITY.fullmatch(authority)
    return (
        ""
        if good
        else "an officers' authority is named by its public key, 44 characters of Base64 (gate officer authority init)"
    )

"""Checks of single answers: each takes an answer and the earlier ones, and returns what is wrong with a correct example, or an empty text.

They read this machine's files and profiles, and write nothing. `gate.provision.questions` assigns the checks.
"""

from __future__ import annotations

import os
import re
import stat
import zoneinfo
from collections.abc import Callable, Mapping
from importlib import resources
from pathlib import Path
from typing import Final, TypeAlias
from urllib.parse import urlsplit

import pyrage

from drivers.barrier.profiles import load_profile
from drivers.camera.settings import SHA256, STABLE_NAME, WHY, address_problem, is_https
from drivers.pad.settings import SOCKET
from drivers.pad.settings import load_profile as load_pad
from drivers.reader.profile import load_profile as load_reader
from drivers.sensors.profile import load_profile as load_sensors
from gate_core.errors import DriverError

BARRIER_DRIVERS: Final = {
    "modbus": "modbus-rtu",
    "modbus-tcp": "modbus-rtu",
    "framed": "framed",
    "contacts": "contacts",
}  # and the protocol of their profiles
SWIPE_DRIVERS: Final = {"elyctis": "", "stx": "stx", "text": "", "imager": "imager", "keyboard": ""}
CHIP_DRIVERS: Final = ("pcsc", "direct")
BAUDS: Final = range(1200, 921_601)
AUDITORS_MIN: Final = 2
LINES: Final = ("barrier.port", "first_barrier.port", "sensors.port", "swipe.port")
Given: TypeAlias = Mapping[str, "str | list[str]"]  # answers by their keys
Check: TypeAlias = Callable[[str, Given], str]
_PAD_SOCKET: Final = "/run/vendor-pad/pad.sock"
_DOORS: Final = {"barrier.port", "first_barrier.port"}


def text(given: Given, key: str) -> str:
    """Return an answer that is one text; empty if it was not given."""
    value = given.get(key, "")
    return value if isinstance(value, str) else ""


def spelt(pattern: str, why: str) -> Check:
    """Return a check for answers of this form; `why` follows the answer in the message."""
    return lambda answer, _: "" if re.search(pattern, answer) else f"{answer!r}{why}"


def number_problem(numbers: range, answer: str, _: Given) -> str:
    """Check for a number of these."""
    good = answer.isascii() and answer.isdigit() and int(answer) in numbers
    return "" if good else f"a number from {numbers.start} to {numbers.stop - 1}"


def zone_problem(name: str, _: Given) -> str:
    """Check for a time zone's IANA name."""
    good = name in zoneinfo.available_timezones()
    return "" if good else f"{name!r} is no time zone's IANA name such as Europe/Amsterdam, or not on this machine"


# ── lines, sockets, files ────────────────────────────────────────────────────────────────────────────────────────────


def line_problem(key: str, port: str, given: Given) -> str:
    """Check for a device's line that no earlier device has. It need not exist: a gate may be configured before its cables are connected."""
    has_two_doors = bool(port if key == "first_barrier.port" else given.get("first_barrier.port"))
    wanted = given.get("barrier.port") if key == "first_barrier.port" else port or key != "sensors.port"
    if has_two_doors and not wanted:
        return "a lane of two doors has barrier.port for the last one, and sensors.port between them"
    if not port:
        return ""
    if not port.startswith("/") or not port.isprintable() or " " in port or Path(port).is_dir():
        return f"{port!r} is no device's path such as /dev/portcullis-barrier or /dev/serial/by-id/…"
    for before in LINES[: LINES.index(key)]:
        # Both doors may be wired to one GPIO chip.
        is_one_chip = text(given, "barrier.driver") == "contacts" and {before, key} == _DOORS
        taken = text(given, before)
        if taken and os.path.realpath(taken) == os.path.realpath(port) and not is_one_chip:
            return f"{port} is the line of {before} already: each device has its own"
    return ""


def socket_problem(path: str, _: Given, such_as: str = "/run/pcscd/pcscd.comm") -> str:
    """Check for a service's socket, which need not exist yet; by default the chip reader's."""
    if not path.startswith("/"):
        return f"{path!r} is no socket's path such as {such_as}"
    place = Path(path)
    return f"{path} is no socket" if place.exists() and not place.is_socket() else ""


def pad_socket_problem(path: str, given: Given) -> str:
    """Check for the socket of the service of a sensor beside the camera, which need not exist yet."""
    if not re.search(SOCKET, path):
        return f"{path!r} is no socket's path of 107 characters at most, such as {_PAD_SOCKET}"
    return socket_problem(path, given, _PAD_SOCKET)


def file_problem(path: str, _: Given) -> str:
    """Check for a file that is read later."""
    try:
        if not stat.S_ISREG(Path(path).stat().st_mode):
            return f"{path} is no file"
        Path(path).open("rb").close()
    except OSError as error:
        return f"cannot read {path}: {error.strerror}"
    return ""


def central_problem(address: str, _: Given) -> str:
    """Check for the central server's address."""
    try:
        parts = urlsplit(f"//{address}")
        good = bool(parts.hostname and parts.port) and parts.netloc == address and "@" not in address
    except ValueError:
        good = False
    return "" if good and " " not in address else f"{address!r}: give HOST:PORT, such as central.example:8443"


# ── profiles ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def shipped(room: str) -> list[str]:
    """Return the shipped profiles of a room of drivers."""
    names = (path.name for path in (resources.files("drivers.profiles") / room).iterdir())
    return sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml"))


def shipped_for(driver: str) -> list[str]:
    """Return the shipped barrier profiles for a driver."""
    return [name for name in shipped("barrier") if _protocol(name) == BARRIER_DRIVERS.get(driver)]


def _protocol(name: str) -> str:
    return str(load_profile(name).__struct_config__.tag)


def profile_problem(room: str, name: str, given: Given) -> str:
    """Check for a shipped profile's name, or the path of a site's own, which is read with the configuration."""
    driver = text(given, "barrier.driver")
    known = shipped_for(driver) if room == "barrier" else shipped(room)
    if name.startswith("/") or name in known or (room == "barrier" and driver not in BARRIER_DRIVERS):
        return ""
    return f"{name!r} is no profile for this; there are {', '.join(known)}, or the absolute path of your own"


def own_profile_problem(room: str, name: str, given: Given) -> str:
    """Check a site's own profile of a barrier's board, a sensor unit or a sensor beside the camera. Shipped ones are correct."""
    if not name.startswith("/"):
        return ""
    driver = text(given, "barrier.driver")
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


def swipe_profile_problem(name: str, given: Given) -> str:
    """Check for a document reader's profile, which some drivers require and others do not have."""
    driver = text(given, "swipe.driver")
    protocol = SWIPE_DRIVERS.get(driver, "")
    known = [one for one in shipped("readers") if load_reader(one).protocol == protocol]
    if not protocol:
        return f"the driver {driver} has no profiles" if name else ""
    return "" if name in known else f"{name!r} is no profile of driver {driver}; there are {', '.join(known)}"


# ── cameras ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def camera_problem(address: str, _: Given) -> str:
    """Check for a face camera: in the network by its IP address, or on this machine by its permanent name."""
    if address.startswith("/"):
        good = STABLE_NAME.fullmatch(address)
        return "" if good else f"{address!r}: name a USB camera by /dev/v4l/by-id/… or by-path/…"
    if "@" not in address and not _is_stream(address):
        return f"{address!r} is neither a network camera's address such as http://192.0.2.7/stream nor a device such as /dev/v4l/by-id/…"
    return address_problem(address)


def page_problem(source: str, given: Given) -> str:
    """Check for the source of pages: a camera, or the folder of a scanner's service."""
    if not source:
        return "" if given.get("swipe.port") else "documents need a reader: swipe.port, page.source, or both"
    is_folder = source.startswith("/") and not source.startswith("/dev/")
    return "" if is_folder else camera_problem(source, given)


def link_problem(address_key: str, link: str, given: Given) -> str:
    """Check for what authenticates a network camera's pictures, or why nothing has to."""
    address = text(given, address_key)
    if "://" not in address:
        return "is for a network camera" if link else ""
    if is_https(address):
        good = link and (link.startswith("/") or re.search(SHA256, link))
        wanted = "give the SHA-256 of the camera's certificate, 64 hexadecimal digits, or the path of a file of authorities (PEM)"
        return "" if good else wanted
    if re.search(WHY, link) is None or (text(given, "purpose") == "service" and not link):
        return "give the camera an https address, or say in 10 to 300 characters why http, which anybody in that network reads and answers, is accepted"
    return ""


def _is_stream(address: str) -> bool:
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port  # a port that is none is a ValueError, too
    except ValueError:
        return False
    return bool(host) and parts.scheme in {"http", "https"} and " " not in address


# ── people ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def auditor_problem(recipient: str, given: Given) -> str:
    """Check for one more recipient of the records; empty: no more."""
    before = given.get("auditors", [])
    if not recipient:
        is_enough = len(before) >= AUDITORS_MIN
        return "" if is_enough else "name two auditors at least: the log can be read by nobody else"
    try:
        pyrage.x25519.Recipient.from_str(recipient)
    except pyrage.RecipientError:
        return f"{recipient[:16]}… is no age recipient; age-keygen prints one that begins with age1"
    return "an auditor is named twice" if recipient in before else ""

"""Creates the configured MRZ reader, and loads only its driver; or detects the reader on a port."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from drivers.links import DeviceLine, Link, SerialLink
from drivers.reader.framed import Decode, OpenLink
from drivers.reader.mrz_text import is_mrz
from drivers.reader.profile import ImagerProfile, StxProfile, all_profiles, load_profile
from drivers.reader.settings import (
    Elyctis,
    Keyboard,
    LineReaderSettings,
    MrzReaderSettings,
    Outside,
    Scanner,
    Stx,
    TextWedge,
)
from gate.programs.shared.config import Config
from gate.programs.shared.devices.problems import problems_of
from gate_core.errors import BadFrameError, DriverError, LinkLostError, SetupError
from gate_core.ports.drivers import MrzReader
from gate_core.settings.base import is_pseudo_terminal
from gate_core.settings.toml_file import Problem

INPUT_FOLDER = Path("/dev/input")
BAUD = 115_200  # default of configuration and profile
ELYCTIS_BAUDS = (115_200, 9_600)
HEARD_BYTES_MAX = 2048  # while listening; at the limit the oldest are dropped

DecodeLines = Decode[tuple[str, ...]]


def mrz_reader(settings: MrzReaderSettings) -> MrzReader:
    """Return the reader, not connected. Raises SetupError if driver and profile do not match."""
    if isinstance(settings, Outside):
        from gate_core.outside import opened  # noqa: PLC0415 - where there is such a driver

        driver: MrzReader = opened(settings.code, MrzReader, DeviceLine(settings.port))
        return driver
    open_link = _link_opener(settings)
    match settings:
        case Elyctis():
            from drivers.reader.swipe import ElyctisSwipe  # noqa: PLC0415

            return ElyctisSwipe(open_link=open_link)
        case TextWedge():
            from drivers.reader import text_wedge  # noqa: PLC0415
            from drivers.reader.framed import TalkingReader  # noqa: PLC0415

            return TalkingReader(text_wedge.decode, source=settings.driver, open_link=open_link)
        case Keyboard():
            from drivers.reader.keyboard import KeyboardWedge  # noqa: PLC0415

            return KeyboardWedge(open_link=open_link)
        case Stx() | Scanner():
            return _profiled(settings, open_link)


def problems(config: Config) -> Iterator[Problem]:
    """Yield the problems of the MRZ reader's profile."""
    if config.swipe is not None:
        yield from problems_of("swipe", config.swipe, mrz_reader)


def is_verified(settings: MrzReaderSettings) -> bool:
    """True if the profile says that the protocol was tried on hardware; False for drivers without profile."""
    profile = profile_of(settings)
    return profile is not None and load_profile(profile).verified_on_hardware


def profile_of(settings: MrzReaderSettings) -> str | None:
    """Return the reader's profile; None for drivers without profiles."""
    return settings.profile if isinstance(settings, Stx | Scanner) else None


def _profiled(settings: Stx | Scanner, open_link: OpenLink) -> MrzReader:
    profile = load_profile(settings.profile)
    match settings, profile:
        case Stx(), StxProfile():
            from drivers.reader.framed import TalkingReader  # noqa: PLC0415
            from drivers.reader.stx import StxDecoder  # noqa: PLC0415

            return TalkingReader(StxDecoder(profile), source=settings.profile, open_link=open_link)
        case Scanner(), ImagerProfile():
            from drivers.reader.imager import Imager  # noqa: PLC0415

            return Imager(profile, source=settings.profile, open_link=open_link)
        case _:
            raise SetupError(f"{settings.profile} is for the driver {profile.protocol}")


def _link_opener(settings: LineReaderSettings) -> OpenLink:
    async def serial() -> Link:
        return await SerialLink.open(settings.port, baud_of(settings))

    async def keyboard() -> Link:
        from drivers.reader.keyboard import InputDevice  # noqa: PLC0415

        # A simulated wedge sends its events over a pseudo-terminal, which service refuses (safety invariant 14).
        return await (serial() if is_pseudo_terminal(settings.port) else InputDevice.open(settings.port))

    return keyboard if isinstance(settings, Keyboard) else serial


def baud_of(settings: LineReaderSettings) -> int:
    """Return the line's speed in baud. Raises SetupError for an unknown profile."""
    if settings.baud is not None:
        return settings.baud
    profile = profile_of(settings)
    return BAUD if profile is None else load_profile(profile).baud


@dataclass(frozen=True, slots=True)
class FoundReader:
    """A detected reader, as settings, and how it was recognised."""

    settings: LineReaderSettings
    detail: str


async def find_reader(port: str, *, listen_s: float) -> FoundReader | None:
    """Detect the reader on a port, by its answer or by what it sends within `listen_s` seconds; None if not recognised.

    Raises LinkLostError if the port cannot be opened.
    """
    if _is_input_device(port):
        return FoundReader(Keyboard(port=port), "an input device")
    for settings in _answering(port):
        reader = mrz_reader(settings)
        try:
            await reader.connect()
        except LinkLostError:
            raise
        except DriverError:
            continue
        finally:
            reader.close()
        identity = getattr(reader, "identity", None)  # only of a reader that identifies itself
        return FoundReader(settings, f"answers: {identity.version if identity else 'obeys its commands'}")
    return await _listen(port, listen_s)


def _is_input_device(port: str) -> bool:
    return Path(port).resolve().is_relative_to(INPUT_FOLDER)


def _answering(port: str) -> Iterator[Elyctis | Scanner]:
    """Yield the readers that identify themselves or obey commands."""
    for baud in ELYCTIS_BAUDS:
        yield Elyctis(port=port, baud=baud)
    for name, profile in all_profiles().items():
        if isinstance(profile, ImagerProfile):
            yield Scanner(port=port, profile=name)


async def _listen(port: str, listen_s: float) -> FoundReader | None:
    """Wait for a document at each speed in turn, for all readers of that speed."""
    talkers = _talkers(port)
    bauds = sorted({baud_of(settings) for settings, _ in talkers})
    for baud in bauds:
        here = [(settings, decode) for settings, decode in talkers if baud_of(settings) == baud]
        link = await SerialLink.open(port, baud)
        try:
            async with asyncio.timeout(listen_s / len(bauds)):
                return await _hear_document(link, here)
        except TimeoutError:
            continue
        finally:
            link.close()
    return None


def _talkers(port: str) -> list[tuple[LineReaderSettings, DecodeLines]]:
    """Return the readers recognised by their data; strictest framing first, as one can look like part of another."""
    from drivers.reader import text_wedge  # noqa: PLC0415
    from drivers.reader.stx import StxDecoder  # noqa: PLC0415

    profiles = [(name, profile) for name, profile in all_profiles().items() if isinstance(profile, StxProfile)]
    profiles.sort(key=lambda named: named[1].check is None)
    return [
        *((Stx(port=port, profile=name), StxDecoder(one)) for name, one in profiles),
        (TextWedge(port=port), text_wedge.decode),
    ]


async def _hear_document(link: Link, talkers: list[tuple[LineReaderSettings, DecodeLines]]) -> FoundReader:
    """Read until an MRZ is found in one of the framings."""
    heard = b""
    while True:
        heard = (heard + await link.read(HEARD_BYTES_MAX))[-HEARD_BYTES_MAX:]
        for settings, decode in talkers:
            if _holds_mrz(heard, decode):
                return FoundReader(settings, "sent a machine-readable zone")


def _holds_mrz(heard: bytes, decode: DecodeLines) -> bool:
    at = 0
    while at < len(heard):
        try:
            lines, used = decode(heard[at:])
        except BadFrameError:
            lines, used = None, 1
        if lines and is_mrz(lines):
            return True
        at += used or 1
    return False

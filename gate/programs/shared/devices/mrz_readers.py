"""Which driver reads machine-readable zones: made from the configuration, which loads no other, or found out on a port (by its answer, or its first document)."""

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
BAUD = 115_200  # where neither configuration nor profile says more
ELYCTIS_BAUDS = (115_200, 9_600)
HEARD_BYTES_MAX = 2048  # while listening; at the limit the oldest are forgotten

DecodeLines = Decode[tuple[str, ...]]


def mrz_reader(settings: MrzReaderSettings) -> MrzReader:
    """The reader, not yet connected. Raises SetupError when driver and profile do not belong together."""
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
    """What is wrong with the profile of the reader of machine-readable zones."""
    if config.swipe is None:
        return
    try:
        mrz_reader(config.swipe)
    except SetupError as error:
        yield from problems_of("swipe", config.swipe, error)


def is_verified(settings: MrzReaderSettings) -> bool:
    """True when the reader's protocol was tried on hardware; the profiles say so, the others never were."""
    profile = profile_of(settings)
    return profile is not None and load_profile(profile).verified_on_hardware


def profile_of(settings: MrzReaderSettings) -> str | None:
    """The reader's profile, of a driver that has them."""
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
    """The speed of the reader's line. Raises SetupError for a profile that does not exist."""
    if settings.baud is not None:
        return settings.baud
    profile = profile_of(settings)
    return BAUD if profile is None else load_profile(profile).baud


@dataclass(frozen=True, slots=True)
class FoundReader:
    """A reader that was found, as it is to be configured, and how it was known."""

    settings: LineReaderSettings
    detail: str


async def find_reader(port: str, *, listen_s: float) -> FoundReader | None:
    """Find out what reader hangs on a port; None when nothing is known by its answer or by what it says in `listen_s` seconds.

    Raises LinkLostError when the port cannot be opened.
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
        identity = getattr(reader, "identity", None)  # of the one that says who it is
        return FoundReader(settings, f"answers: {identity.version if identity else 'obeys its commands'}")
    return await _listen(port, listen_s)


def _is_input_device(port: str) -> bool:
    return Path(port).resolve().is_relative_to(INPUT_FOLDER)


def _answering(port: str) -> Iterator[Elyctis | Scanner]:
    """The readers that can be asked who they are."""
    for baud in ELYCTIS_BAUDS:
        yield Elyctis(port=port, baud=baud)
    for name, profile in all_profiles().items():
        if isinstance(profile, ImagerProfile):
            yield Scanner(port=port, profile=name)


async def _listen(port: str, listen_s: float) -> FoundReader | None:
    """Wait for a document, at one speed after the other; readers of one speed are listened to together."""
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
    """The readers that are known only by what they say, the strictest framing first: one can look like part of another."""
    from drivers.reader import text_wedge  # noqa: PLC0415
    from drivers.reader.stx import StxDecoder  # noqa: PLC0415

    profiles = [(name, profile) for name, profile in all_profiles().items() if isinstance(profile, StxProfile)]
    profiles.sort(key=lambda named: named[1].check is None)
    return [
        *((Stx(port=port, profile=name), StxDecoder(one)) for name, one in profiles),
        (TextWedge(port=port), text_wedge.decode),
    ]


async def _hear_document(link: Link, talkers: list[tuple[LineReaderSettings, DecodeLines]]) -> FoundReader:
    """Read until one of the framings holds an MRZ."""
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

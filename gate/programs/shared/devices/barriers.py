"""Creates and checks the configured barrier."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from drivers.barrier.contacts.profile import ContactsProfile
from drivers.barrier.framed.profile import FramedProfile
from drivers.barrier.modbus.profile import ModbusProfile
from drivers.barrier.profiles import BarrierProfile, LineProfile, line_barrier, load_profile
from drivers.barrier.settings import BarrierSettings, Contacts, Framed, LineSettings, Modbus, ModbusTcp, Outside
from drivers.links import DeviceLine, Link, SerialLink, SocketLink
from drivers.modbus.tcp import TcpLink
from drivers.profile_file import ProfileFile
from gate.programs.shared.config import TRIED_ON_A_SIMULATOR, Config
from gate.programs.shared.devices.problems import problems_of
from gate_core.errors import SetupError
from gate_core.ports.drivers import BarrierDriver, BarrierFacts
from gate_core.settings.toml_file import Problem, Wrong

if TYPE_CHECKING:
    from drivers.barrier.tracing.coverage import Coverage
    from drivers.barrier.tracing.recorder import Recorder
    from drivers.barrier.tracing.replay import Replayed
    from drivers.barrier.tracing.trace import Trace


def barrier(settings: BarrierSettings, *, recorder: Recorder | None = None) -> BarrierDriver:
    """Return the barrier, not connected; `recorder` records its line. Raises SetupError if that can never work."""
    if isinstance(settings, Outside):
        from gate_core.outside import opened  # noqa: PLC0415 - where there is such a driver

        driver: BarrierDriver = opened(settings.code, BarrierDriver, DeviceLine(settings.port))
        return driver
    match settings, load_profile(settings.profile):
        case (Modbus() | ModbusTcp() as line, ModbusProfile() as profile) | (
            Framed() as line,
            FramedProfile() as profile,
        ):
            open_link = partial(_open, line)
            return line_barrier(
                profile,
                open_link=open_link if recorder is None else recorder.tapped(open_link),
                baud=line.baud,
                unit=line.unit,
                entry_is_left=line.entry_is_left,
            )
        case Contacts(), ContactsProfile() if recorder is not None:
            raise SetupError("contacts carry no bytes, and cannot be traced")
        case Contacts(), ContactsProfile() as contacts:
            from drivers.barrier.contacts.driver import ContactsBarrier  # noqa: PLC0415 - a lane loads only its own driver
            from drivers.barrier.contacts.gpio import Kernel  # noqa: PLC0415

            is_left = settings.entry_is_left
            return ContactsBarrier(kernel=Kernel(), path=settings.port, profile=contacts, entry_is_left=is_left)
        case _:
            raise SetupError(f"{settings.profile} is no profile for barrier.driver = {settings.driver}")


async def _open(line: LineSettings) -> Link:
    """Open the board's line. Raises LinkLostError or SetupError."""
    if isinstance(line, ModbusTcp):
        return TcpLink(await SocketLink.open(line.port))
    return await SerialLink.open(line.port, line.baud)


def problems(config: Config) -> Iterator[Problem]:
    """Yield the problems of each barrier's profile, and where it does not fit this gate."""
    for name, settings in (("barrier", config.driven), ("first_barrier", config.first_driven)):
        if settings is not None:
            yield from _problems(config, name, settings)


def _problems(config: Config, name: str, settings: BarrierSettings) -> Iterator[Problem]:
    if found := tuple(problems_of(name, settings, described)) or tuple(problems_of(name, settings, barrier)):
        yield from found
        return
    profile = described(settings)
    if config.purpose == "service" and isinstance(profile, FramedProfile | ContactsProfile) and profile.assumed:
        yield Problem(
            f"{name}.profile",
            f"purpose = service refuses what rests on assumptions: {', '.join(profile.assumed)}; a trace of a real board decides them "
            "(docs/guides/bring-up-a-barrier.md)",
        )
    # Of contacts there are no traces, so no profile of theirs can say hardware; a simulated chip shows in its port.
    if config.purpose == "service" and isinstance(profile, LineProfile) and profile.verified == "simulator":
        yield Problem(f"{name}.profile", TRIED_ON_A_SIMULATOR)
    if config.purpose == "service" and isinstance(profile, BarrierFacts) and profile.verified != "hardware":
        yield Problem(
            f"{name}.code.name",
            f'purpose = service refuses: its driver states verified = "{profile.verified}"; try it on the board itself, '
            'and have its maker state BarrierFacts(verified="hardware")',
        )
    asked = config.rules.grant_ttl_ms
    if asked not in profile.ttl_ms:
        takes = f"{profile.ttl_ms.start} to {profile.ttl_ms.stop - 1} ms"
        yield Problem("rules.grant_ttl_ms", f"the board of {name} takes {takes}, not {asked}")


def is_verified(settings: BarrierSettings) -> bool:
    """True if the profile says that the board's protocol was tried on hardware and its traces show it.

    Raises SetupError, also if the traces do not show it. Not callable within a running loop.
    """
    from drivers.barrier.tracing.coverage import objections  # noqa: PLC0415 - too slow for a lane that starts in an emergency
    from drivers.barrier.tracing.trace import TRACE_BYTES_MAX, read_trace  # noqa: PLC0415

    profile = described(settings)
    if isinstance(settings, Outside):
        return profile.verified == "hardware"  # by its maker's word: its line leaves no traces
    if profile.verified != "hardware" or not isinstance(profile, LineProfile):
        return False
    files = (
        ProfileFile.beside(settings.profile, name, room="barrier", bytes_max=TRACE_BYTES_MAX) for name in profile.traces
    )
    if found := objections(profile, replayed(profile, [read_trace(file) for file in files])):
        raise SetupError(
            f'{settings.profile} says verified = "hardware", and its traces do not show it: {"; ".join(found)}'
        )
    return True


def replayed(profile: LineProfile, traces: Sequence[Trace]) -> list[tuple[Replayed, Coverage]]:
    """Replay traces in virtual time, outside a running loop; return what each covers. Raises SetupError."""
    from drivers.barrier.tracing.coverage import coverage  # noqa: PLC0415
    from drivers.barrier.tracing.replay import replay  # noqa: PLC0415
    from gate.programs.shared.virtual_time import run_virtual  # noqa: PLC0415

    played = [run_virtual(replay(trace, profile)) for trace in traces]
    return [(each, coverage(each, profile)) for each in played]


def described(settings: BarrierSettings) -> BarrierProfile | BarrierFacts:
    """What is known of the board: its profile, or what another distribution's driver states. Raises SetupError."""
    if not isinstance(settings, Outside):
        return load_profile(settings.profile)
    from gate_core.outside import OutsideError, foreign, settings_of  # noqa: PLC0415

    own = settings_of(settings.code, BarrierDriver)
    with foreign(settings.code, "does not state its facts"):
        facts = getattr(own, "facts", None)
    if type(facts) is not BarrierFacts:
        raise OutsideError(Wrong("name", f"{settings.code.name} states no BarrierFacts as its facts; ask its maker"))
    return facts

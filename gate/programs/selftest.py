"""Tests every device, model, list, clock and disk of a gate, one after another. No test grants or moves a leaf.

A device that the lane has open is busy, or wrong if the lane has lost it. Missing permission is a state of its own.
"""

from __future__ import annotations

import asyncio
import enum
import grp
import os
import pwd
import shutil
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType

from drivers.barrier.settings import BarrierSettings
from drivers.reader.settings import PageCamera, PageFolder
from gate.channel.message import Status
from gate.channel.row import OPERATORS
from gate.programs.shared.config import Config
from gate.programs.shared.devices import mrz_readers, pads, sensors
from gate.programs.shared.devices.barriers import barrier, is_verified
from gate.programs.shared.program_status import Silence
from gate.programs.shared.status import hear, hear_all
from gate.trust.errors import TrustError
from gate.trust.store import TrustStore
from gate_core.audit_format import keys
from gate_core.audit_format.errors import AuditError
from gate_core.errors import BusyError, DriverError, NoReplyError, NoRightError, NotWellError
from gate_core.programs import clock

DISK_FREE_BYTES_MIN = 512 * 1024 * 1024
DEVICE_DEADLINE_S = 10.0
FRAME_WAIT_S = 3.0
CARD_WAIT_S = 0.3
REFERENCE = Path(__file__).parent / "reference"  # ICAO 9303's specimen, issued and printed by the simulator
REFERENCE_AT = datetime(2026, 11, 25, 10, tzinfo=UTC)


class State(enum.Enum):
    """Outcome of one test."""

    WELL = "well"
    BUSY = "busy"  # the lane or another program has it open: not tested
    NO_RIGHT = "no_right"  # this user lacks permission: not tested
    CLOSED = "closed"  # an officer has closed the lane; no other problem
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class TestOutcome:
    """One test: id, state, what was found, and duration."""

    id: str
    state: State
    detail: str
    took_ms: int

    @property
    def ok(self) -> bool:
        """True if the state is WELL."""
        return self.state is State.WELL


Test = Callable[[Config], Awaitable[str]]


class _ClosedError(NotWellError):
    """An officer has closed the lane."""


async def run_all(
    config: Config,
    *,
    on_outcome: Callable[[TestOutcome], None] = lambda _: None,
    more: Mapping[str, Test] = MappingProxyType({}),
) -> list[TestOutcome]:
    """Run every test, then those of `more`. A failed test does not stop the others."""
    lane = await hear(config, "lane")
    outcomes = []
    for name, test in {**TESTS, **more}.items():
        start_ns = time.perf_counter_ns()
        try:
            async with asyncio.timeout(DEVICE_DEADLINE_S):
                if isinstance(lane, Status) and name in _of_the_lane(config):
                    _taken(name, lane)
                detail, state = await test(config), State.WELL
        except TimeoutError:
            detail, state = f"no answer within {DEVICE_DEADLINE_S:.0f} s", State.WRONG
        except (DriverError, OSError) as error:
            detail, state = judged(error)
        except Exception as error:  # noqa: BLE001 - of another distribution's driver: the other tests go on
            detail, state = f"failed with {type(error).__name__}; an error of its driver or of the gate", State.WRONG
        outcome = TestOutcome(name, state, detail, (time.perf_counter_ns() - start_ns) // 1_000_000)
        outcomes.append(outcome)
        on_outcome(outcome)
    return outcomes


def _of_the_lane(config: Config) -> set[str]:
    """Return the tests of devices that a lane with this configuration opens."""
    opens = {
        "barrier": config.driven,
        "first_barrier": config.first_driven,
        "sensors": config.sensors,
        "swipe": config.swipe,
        "chip": config.chip,
    }
    return {name for name, settings in opens.items() if settings is not None}


def judged(error: DriverError | OSError) -> tuple[str, State]:
    """Return an error's text and state: missing permission, busy, closed by an officer, or wrong."""
    cause: BaseException | None = error
    while cause is not None:
        match cause:
            case NoRightError(path=path):
                return f"{error}{_whose(path)}", State.NO_RIGHT
            case PermissionError(filename=name):
                return f"{error}{_whose(str(name or ''))}", State.NO_RIGHT
            case BusyError():
                return str(error), State.BUSY
            case _ClosedError():
                return str(error), State.CLOSED
            case _:
                cause = cause.__cause__
    return str(error), State.WRONG


def _whose(path: str) -> str:
    """Return text that names a file's owner and this user; empty if the file cannot be examined."""
    try:
        found = os.stat(path)  # noqa: PTH116 - a path as text
    except OSError:
        return ""
    names = []
    for find, number in ((pwd.getpwuid, found.st_uid), (grp.getgrgid, found.st_gid)):
        try:
            names.append(find(number)[0])
        except KeyError:
            names.append(str(number))
    owner, group = names
    shared = f" and the group {group}" if found.st_mode & 0o060 else ""
    return f"; {path} is for {owner}{shared}, and this is {_us()}"


def _us() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return f"user {os.geteuid()}"


def _taken(name: str, lane: Status) -> None:
    """Report a device that the lane has open. Raises NotWellError if the lane has lost it, else BusyError."""
    chip = lane.detail.get("chip", "up")
    if name == "chip" and chip != "up":
        raise NotWellError(f"the lane program has it and says: {chip}")
    lost = lane.detail.get("lost")
    if isinstance(lost, list) and OF_THE_LANE[name] in lost:
        raise NotWellError("the lane program has this device and has lost it")
    raise BusyError("the lane program has this device and misses nothing; stop it to test the device itself")


def _watched(source: str, vision: Status) -> None:
    """Report a camera that only vision decodes while it runs. Raises NotWellError if it has a fault, else BusyError."""
    said = str(vision.detail.get(source, ""))
    if said not in {"up", "starting", "closed", "open"}:
        raise NotWellError(f"the vision program has this camera and says: {said}")
    raise BusyError("the vision program has this camera and misses nothing; stop it to test the camera itself")


def _in_thread(test: Callable[[Config], str]) -> Test:
    return lambda config: asyncio.to_thread(test, config)


def _disk(config: Config) -> str:
    folders = [Path(name) for name in (config.paths.state, config.paths.spool, config.paths.inbox)]
    for path in folders:
        if not path.is_dir():
            raise NotWellError(f"{path} is not there; run gate provision init")
        if os.statvfs(path).f_flag & os.ST_RDONLY:
            raise NotWellError(f"{path} lies on a disk that is mounted read-only")
    least = min(shutil.disk_usage(path).free for path in folders)
    if least < DISK_FREE_BYTES_MIN:
        raise NotWellError(f"{least // 2**20} MiB free, {DISK_FREE_BYTES_MIN // 2**20} wanted")
    for path in folders:
        if not os.access(path, os.W_OK):
            raise NoRightError(f"{least // 2**20} MiB free; whether it can be written is not known", str(path))
    return f"{least // 2**20} MiB free"


async def _log_key(config: Config) -> str:
    try:
        return keys.load_public(Path(config.paths.keys) / "log.key", config.origin).vkey
    except AuditError as error:
        raise NotWellError(str(error)) from error


async def _trust(config: Config) -> str:
    try:
        store = TrustStore.open(Path(config.paths.trust))
    except TrustError as error:
        raise NotWellError(f"{error}; run gate trust import") from error
    countries = store.coverage()
    if store.newest_import is None or not countries:
        raise NotWellError("no certificate was imported; run gate trust import")
    age_days = (clock.now() - store.newest_import) / timedelta(days=1)
    if age_days > config.rules.trust_age_max_days:
        raise NotWellError(f"{age_days:.0f} days old, {config.rules.trust_age_max_days} allowed")
    return f"{len(countries)} countries, {age_days:.1f} days old"


async def _clock(config: Config) -> str:
    must = config.purpose == "service"
    if not clock.is_sure(not_before=None, must_be_synchronised=must):
        raise NotWellError("no time service has synchronised it in the last eight hours of this boot")
    return clock.in_words(sure=True, synchronised=clock.is_synchronised())


async def _models(config: Config) -> str:
    from models import cohort, runtime  # noqa: PLC0415 - the inference library loads in this test only
    from models.acceptance import providers_for  # noqa: PLC0415
    from models.errors import ModelError  # noqa: PLC0415
    from models.site import load_for  # noqa: PLC0415

    used, folder = set(), Path(config.paths.models)
    try:
        models = load_for(folder).needed_for(config.face.profile)
        providers = providers_for(config.face.providers, models, folder)
        for model in models:
            session = await asyncio.to_thread(runtime.open_session, model, folder, providers=providers)
            used.add(session.provider)
            if model.cohort is not None:
                cohort.read(folder / model.cohort.file, model, sha256=model.cohort.sha256)
    except ModelError as error:
        raise NotWellError(str(error)) from error
    return f"{len(models)} models give their golden values on {', '.join(sorted(used))}"


async def _reference_page(config: Config) -> str:
    """Read a picture of a specimen's page; its lines must be those of its chip."""
    from gate.page.picture.reader import open_recogniser, read  # noqa: PLC0415
    from gate.page.values import Reading, RecogniserError  # noqa: PLC0415 - the image library loads in these tests only
    from gate.picture import decode  # noqa: PLC0415

    def reading() -> object:
        return read(decode((REFERENCE / "page.jpg").read_bytes()), open_recogniser(Path(config.paths.models)))

    try:
        found = await asyncio.to_thread(reading)
    except RecogniserError as error:
        raise NotWellError(str(error)) from error
    lines = "".join(found.lines).encode() if isinstance(found, Reading) else b""
    if not lines or lines not in (REFERENCE / "EF_DG1.bin").read_bytes():
        raise NotWellError(
            "the specimen's page is not read as it is printed: verify the models with gate models verify"
        )
    return "the specimen's page is read as it is printed"


def _reference_document(_: Config) -> str:
    """Inspect a specimen's files at the time of their issue: every check that needs no chip must succeed."""
    from gate_documents.checks import CheckId, Result  # noqa: PLC0415 - nothing else of this module judges documents
    from gate_documents.inspection import inspect_files  # noqa: PLC0415

    files = {path.stem.replace("_", "."): path.read_bytes() for path in REFERENCE.glob("EF_*.bin")}
    try:
        anchors = TrustStore.open(REFERENCE / "trust.sqlite")
    except TrustError as error:
        raise NotWellError(str(error)) from error
    inspection = inspect_files(files, anchors=anchors, now=REFERENCE_AT)
    # Without a chip, the checks that need one cannot succeed.
    of_a_chip = {CheckId.CHIP_ACCESS, CheckId.CHIP_AUTHENTICITY, CheckId.TERMINAL_AUTHENTICATION}
    of_a_chip |= {CheckId.MRZ, CheckId.MRZ_DG1}
    judged_of = [check for check in inspection.checks if check.id not in of_a_chip]
    wrong = [f"{check.id.value} {check.result.value}" for check in judged_of if check.result is not Result.SUCCESSFUL]
    if wrong or not judged_of:
        raise NotWellError(f"a specimen that is in order is not judged so: {', '.join(wrong) or 'nothing was checked'}")
    return f"{len(judged_of)} checks of the specimen are successful"


async def _camera(config: Config) -> str:
    vision = await hear(config, "vision")
    if isinstance(vision, Status):
        _watched("camera", vision)
    from gate.programs.shared.devices.cameras import camera_for  # noqa: PLC0415 - the image library loads in these tests only

    width, height = await asyncio.to_thread(camera_for(config.camera).size, wait_s=FRAME_WAIT_S)
    if problem := config.camera.live_image_problem(width, height):
        raise NotWellError(problem)
    return f"{width} x {height} pixels"


async def _pad(config: Config) -> str:
    settings = config.camera.pad
    if settings is None:
        return "none: the camera's pictures alone say whether somebody lives"
    detail = await pads.check(settings)
    return detail if pads.is_verified(settings) else f"{detail}; this profile was not tried on a real sensor"


async def _page(config: Config) -> str:
    match config.page:
        case None:
            return "none: a serial reader reads the MRZs"
        case PageCamera() as settings:
            vision = await hear(config, "vision")
            if isinstance(vision, Status):
                _watched("page", vision)
            from gate.programs.shared.devices.cameras import page_camera  # noqa: PLC0415 - the image library loads in these tests only

            return await asyncio.to_thread(page_camera(settings).check, wait_s=FRAME_WAIT_S)
        case PageFolder(path=path):
            if not await asyncio.to_thread(Path(path).is_dir):
                raise NotWellError(f"{path} is no folder in which files can be read and removed")
            if not os.access(f"{path}/.", os.R_OK | os.W_OK | os.X_OK):
                raise NoRightError("files can be read and removed there by others only", path)
            return f"the folder {path}; whether pictures come shows with the first document"


async def _barrier(settings: BarrierSettings | None, without: str) -> str:
    if settings is None:
        return without
    detail = await barrier(settings).check()
    is_tried = await asyncio.to_thread(is_verified, settings)
    untried = "driver" if hasattr(settings, "code") else "profile"
    return detail if is_tried else f"{detail}; this {untried} was not tried on a real board"


async def _sensors(config: Config) -> str:
    settings = config.sensors
    if settings is None:
        return "none: a lane with one door"
    detail = await sensors.sensors(settings).check()
    untried = "driver" if hasattr(settings, "code") else "profile"
    return detail if sensors.is_verified(settings) else f"{detail}; this {untried} was not tried on a real unit"


async def _swipe(config: Config) -> str:
    settings = config.swipe
    if settings is None:
        return "none: the page source reads the MRZs"
    detail = await mrz_readers.mrz_reader(settings).check()
    return detail if mrz_readers.is_verified(settings) else f"{detail}; this protocol was not tried on a real unit"


async def _chip(config: Config) -> str:
    from gate.programs.shared.devices.chip_readers import chip_reader  # noqa: PLC0415 - loads the PC/SC library

    reader = chip_reader(config.chip)
    try:
        await reader.wait_for_card(CARD_WAIT_S)
        found = "a document lies on it"
    except NoReplyError:
        found = "no document on it"
    finally:
        await reader.close()
    return f"{config.chip.driver}, {found}"


async def _programs(config: Config) -> str:
    answers = {name: await hear(config, name) for name in config.programs}
    silent = [name for name, answer in answers.items() if answer is Silence.AWAY]
    if len(silent) == len(answers):
        return "not started"
    if Silence.NO_RIGHT in answers.values():
        raise NoRightError(f"{_us()} may not ask them; root and members of {OPERATORS} may")
    if silent:
        raise NotWellError(f"no answer from {', '.join(silent)}")
    return ", ".join(f"{name} {answer.state}" for name, answer in answers.items() if isinstance(answer, Status))


async def in_service(config: Config) -> str:
    """Check by the programs' status that the gate is in service; never passes where `gate status` fails. Not part of an
    update's checks, since no program runs then.
    """
    told = await hear_all(config)
    if told.ok:
        return "in service"
    if Silence.NO_RIGHT in told.answers.values():
        raise NoRightError(f"{_us()} may not ask the programs; root and members of {OPERATORS} may")
    silent = [name for name in config.programs if told.is_away(name)]
    if silent == list(config.programs):
        raise NotWellError("out of service: no program runs; systemctl start portcullis.target")
    log, alarms = told.states()["log"], [one["alarm"] for one in told.lane.alarms]
    why = [f"no answer from {name}" for name in silent]
    why += [f"the log is {log}"] if told.says("log") and log != "ready" else []
    why += ["an emergency"] if told.lane.state == "emergency" else []
    why += [*(f"{part} is lost" for part in told.lane.lost), *told.lane.blockers, *alarms]
    if not why and told.lane.closed_by is not None:
        raise _ClosedError("out of service: an officer has closed the lane, and opens it with gate officer open")
    raise NotWellError(f"out of service: {', '.join(why) or 'the lane invites nobody'}; gate status says more")


TESTS: dict[str, Test] = {
    "disk": _in_thread(_disk),
    "log_key": _log_key,
    "trust": _trust,
    "clock": _clock,
    "models": _models,
    "reference_page": _reference_page,
    "reference_document": _in_thread(_reference_document),
    "barrier": lambda config: _barrier(config.driven, "none is driven: mode = shadow"),
    "first_barrier": lambda config: _barrier(config.first_driven, "none: a lane with one door"),
    "sensors": _sensors,
    "swipe": _swipe,
    "page": _page,
    "chip": _chip,
    "camera": _camera,
    "pad": _pad,
    "programs": _programs,
}
# The lane's part for each test. The part `reader` is lost once every reader is lost.
OF_THE_LANE = {name: name for name in ("barrier", "first_barrier", "sensors", "chip")} | {"swipe": "reader"}

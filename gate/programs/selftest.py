"""Every device, model, list, clock and disk of one gate, tried one after another.

Devices are opened exclusively, so their tests need the lane stopped; while it runs they say so instead of guessing. No test
grants, and the barrier's test leaves its leaf where it was.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from drivers.barrier.settings import BarrierSettings
from drivers.errors import DriverError, NoReplyError, NotWellError
from drivers.reader.settings import PageCamera, PageFolder
from gate.audit import keys
from gate.audit.errors import AuditError
from gate.programs.shared import clock
from gate.programs.shared.config import Config
from gate.programs.shared.devices import mrz_readers, sensors
from gate.programs.shared.devices.barriers import barrier, is_verified
from gate.programs.shared.runner import programs_of, status_of
from gate.trust.errors import TrustError
from gate.trust.store import TrustStore

DISK_FREE_BYTES_MIN = 512 * 1024 * 1024
DEVICE_DEADLINE_S = 10.0
FRAME_WAIT_S = 3.0
CARD_WAIT_S = 0.3


@dataclass(frozen=True, slots=True)
class TestOutcome:
    """One test: its id, whether all is well, what was found, and how long it took."""

    id: str
    ok: bool
    detail: str
    took_ms: int


Test = Callable[[Config], Awaitable[str]]


async def run_all(config: Config, *, on_outcome: Callable[[TestOutcome], None] = lambda _: None) -> list[TestOutcome]:
    """Run every test; none can stop another."""
    lane_runs = await status_of(config, "lane") is not None
    outcomes = []
    for name, test in TESTS.items():
        start_ns = time.perf_counter_ns()
        try:
            async with asyncio.timeout(DEVICE_DEADLINE_S):
                detail, ok = await (_taken if lane_runs and name in OF_THE_LANE else test)(config), True
        except DriverError as error:
            detail, ok = str(error), False
        except TimeoutError:
            detail, ok = f"no answer within {DEVICE_DEADLINE_S:.0f} s", False
        outcome = TestOutcome(name, ok, detail, (time.perf_counter_ns() - start_ns) // 1_000_000)
        outcomes.append(outcome)
        on_outcome(outcome)
    return outcomes


async def _taken(_: Config) -> str:
    raise NotWellError("the lane program has this device; stop it to test the device itself")


async def _disk(config: Config) -> str:
    return await asyncio.to_thread(_free_space, config)


def _free_space(config: Config) -> str:
    free = {}
    for name in (config.paths.state, config.paths.spool, config.paths.inbox):
        path = Path(name)
        if not path.is_dir():
            raise NotWellError(f"{path} is not there; run gate provision init")
        if not os.access(path, os.W_OK):
            raise NotWellError(f"{path} cannot be written")
        free[name] = shutil.disk_usage(path).free
    least = min(free.values())
    if least < DISK_FREE_BYTES_MIN:
        raise NotWellError(f"{least // 2**20} MiB free, {DISK_FREE_BYTES_MIN // 2**20} wanted")
    return f"{least // 2**20} MiB free"


async def _log_key(config: Config) -> str:
    try:
        signer = keys.load(Path(config.paths.keys) / "log.key", config.origin)
    except AuditError as error:
        raise NotWellError(str(error)) from error
    return signer.verifier.vkey


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
    return "synchronised" if clock.is_synchronised() else "not synchronised; allowed outside service"


async def _models(config: Config) -> str:
    from models import runtime  # noqa: PLC0415 - the inference library loads in this test only
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
    except ModelError as error:
        raise NotWellError(str(error)) from error
    return f"{len(models)} models give their golden values on {', '.join(sorted(used))}"


async def _camera(config: Config) -> str:
    from gate.programs.shared.devices.cameras import camera_for  # noqa: PLC0415 - the image library loads in these tests only

    return await asyncio.to_thread(camera_for(config.camera).check, wait_s=FRAME_WAIT_S)


async def _page(config: Config) -> str:
    match config.page:
        case None:
            return "none: a serial reader reads the MRZs"
        case PageCamera() as settings:
            from gate.programs.shared.devices.cameras import page_camera  # noqa: PLC0415 - the image library loads in these tests only

            return await asyncio.to_thread(page_camera(settings).check, wait_s=FRAME_WAIT_S)
        case PageFolder(path=path):
            if not os.access(f"{path}/.", os.R_OK | os.W_OK | os.X_OK):
                raise NotWellError(f"{path} is no folder in which files can be read and removed")
            return f"the folder {path}; whether pictures come shows with the first document"


async def _barrier(config: Config) -> str:
    return "none is driven: mode = shadow" if config.driven is None else await _checked(config.driven)


async def _first_barrier(config: Config) -> str:
    return "none: a lane with one door" if config.first_driven is None else await _checked(config.first_driven)


async def _checked(settings: BarrierSettings) -> str:
    detail = await barrier(settings).check()
    is_tried = await asyncio.to_thread(is_verified, settings)
    return detail if is_tried else f"{detail}; this profile was not tried on a real board"


async def _sensors(config: Config) -> str:
    settings = config.sensors
    if settings is None:
        return "none: a lane with one door"
    detail = await sensors.sensors(settings).check()
    return detail if sensors.is_verified(settings) else f"{detail}; this profile was not tried on a real unit"


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
    names = programs_of(config)
    answers = {name: await status_of(config, name) for name in names}
    if all(answer is None for answer in answers.values()):
        return "not started"
    silent = [name for name, answer in answers.items() if answer is None]
    if silent:
        raise NotWellError(f"{', '.join(silent)} do not answer")
    return ", ".join(f"{name} {answer.state}" for name, answer in answers.items() if answer)


TESTS: dict[str, Test] = {
    "disk": _disk,
    "log_key": _log_key,
    "trust": _trust,
    "clock": _clock,
    "models": _models,
    "barrier": _barrier,
    "first_barrier": _first_barrier,
    "sensors": _sensors,
    "swipe": _swipe,
    "page": _page,
    "chip": _chip,
    "camera": _camera,
    "programs": _programs,
}
OF_THE_LANE = frozenset({"barrier", "first_barrier", "sensors", "swipe", "chip"})

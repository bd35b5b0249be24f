"""The technician's steps at one gate, behind those that make it (`gate.provision.init_steps`): the plan with its devices.

A step at a device wants the lane stopped, since devices are opened exclusively. What a step rests on is what it opens: whoever changes a
device's settings repeats its steps.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from drivers.barrier.modbus.profile import ModbusProfile
from drivers.barrier.profiles import BarrierProfile, load_profile
from drivers.barrier.settings import BarrierSettings
from drivers.camera.settings import CameraSettings
from drivers.errors import DriverError, NoReplyError
from drivers.values import Direction
from gate import durable
from gate.audit import keys
from gate.audit.errors import AuditError
from gate.programs import selftest
from gate.programs.provisioning import barrier_acts, genuine
from gate.programs.provisioning.lists import take_in
from gate.programs.shared import config as configuration
from gate.programs.shared.config import Config, ConfigError
from gate.programs.shared.devices import mrz_readers, sensors
from gate.programs.shared.devices.barriers import barrier
from gate.programs.shared.devices.chip_readers import chip_reader
from gate.programs.shared.runner import status_of
from gate.provision import acts
from gate.provision.amend import amend
from gate.provision.answers_file import SiteAnswers
from gate.provision.course import Figure, Finding, Task, Verified
from gate.provision.enrol_steps import Central, enrol_steps
from gate.provision.steps import ConfigurationStepError, StepError, StepState
from gate.provision.steps import carry_out as carry_out_steps

DEVICE_S: Final = 20.0
GRANT_SHORT_MS: Final = 5_000
BAG_S: Final = 15.0


@dataclass(frozen=True, slots=True)
class Site:
    """One gate that is being set up: its configuration's file, the technician's answers, and how to speak to them.

    `check` reads a configuration and raises StepError; `wait_s` is how long the technician may take.
    """

    path: Path
    answers: SiteAnswers
    tell: Callable[[str], None]
    wait_s: float
    check: Callable[[Path], object]
    dice: random.Random

    @property
    def config(self) -> Config:
        """As it is now: steps change it. Raises ConfigurationStepError."""
        try:
            return configuration.load(self.path)
        except ConfigError as error:
            raise ConfigurationStepError(str(error)) from error

    @property
    def wait_ms(self) -> int:
        """The same in milliseconds."""
        return int(self.wait_s * 1000)


def folder_of(config: Config) -> Path:
    """Where what is kept of the way lies."""
    return Path(config.paths.state) / "provision"


def tasks_of(site: Site) -> Iterator[Task]:
    """Every step, in order. Raises ConfigurationStepError."""
    config = site.config
    yield Task("disk", _tested(site, "disk"), fresh=True)
    yield Task("clock", _tested(site, "clock"), fresh=True)
    yield Task("golden_vectors", _tested(site, "models"), fresh=True)
    yield Task("lists", partial(_import_lists, site), fresh=True)
    yield from _reader_tasks(site, config)
    yield from _camera_tasks(site, config.camera)
    for prefix, settings in (("first_", config.first_driven), ("", config.driven)):
        if settings is not None:
            yield from _barrier_tasks(site, prefix, settings)
    if config.sensors is not None:
        look = partial(_left_bag, site)
        yield Task("left_bag", _at_device(site, look), basis=config.sensors.spelt(), acts=True)
    yield _enrolment(site, config)
    yield Task("recipients", partial(_write_vkey, site), fresh=True)
    yield Task("approval", _nothing, missing=_approval_missing(config))


def _nothing() -> Finding:
    raise StepError("this step cannot be done yet")


def _approval_missing(config: Config) -> str:
    return (
        "not checked here: two persons approve the configuration of a gate in service (docs/guides/technician.md, Before service)"
        if not config.approval
        else "not checked here: the lane checks the approvals that gate.toml holds at its start"
    )


def _tested(site: Site, name: str) -> Callable[[], Finding]:
    """A test of the self-test as a step."""

    def run() -> Finding:
        return Finding(_run(selftest.TESTS[name](site.config)))

    return run


def _run(test: Awaitable[str], *, within_s: float = DEVICE_S) -> str:
    """Raises StepError with what a device says."""

    async def timed() -> str:
        async with asyncio.timeout(within_s):
            return await test

    try:
        return asyncio.run(timed())
    except DriverError as error:
        raise StepError(str(error)) from error
    except TimeoutError as error:
        raise StepError(f"no answer within {within_s:.0f} s") from error


def _at_device(site: Site, do: Callable[[Config], Finding]) -> Callable[[], Finding]:
    """The step, once the lane has let its devices go."""

    def run() -> Finding:
        config = site.config
        if asyncio.run(status_of(config, "lane")) is not None:
            raise StepError(
                "the lane program has the devices: stop it (systemctl stop portcullis.target), then repeat this step"
            )
        return do(config)

    return run


# ── lists, readers ───────────────────────────────────────────────────────────────────────────────────────────────────


def _import_lists(site: Site) -> Finding:
    config, wanted = site.config, site.answers.lists
    taken = ""
    if wanted.files:
        signer = Path(wanted.signer) if wanted.signer else None
        taken = take_in(
            Path(config.paths.trust), [Path(name) for name in wanted.files], signer=signer, test=wanted.test
        )
    state = _run(selftest.TESTS["trust"](config))
    return Finding(f"{taken}{state}")


def _reader_tasks(site: Site, config: Config) -> Iterator[Task]:
    def tested(name: str, verified: Callable[[Config], Verified]) -> Callable[[], Finding]:
        return _at_device(site, lambda now: Finding(_run(selftest.TESTS[name](now)), {}, verified(now)))

    swipe, page, unit = config.swipe, config.page, config.sensors
    if swipe is not None:
        yield Task("swipe", tested("swipe", lambda _: genuine.of_line(swipe)), basis=swipe.spelt())
    if page is not None:
        yield Task("page", tested("page", lambda _: genuine.of_page(page)), basis=page.spelt())
    chip = config.chip
    yield Task("chip", tested("chip", lambda _: genuine.of_chip(chip)), basis=chip.spelt())
    if swipe is not None:
        basis = [swipe.spelt(), chip.spelt()]
        yield Task("document", _at_device(site, partial(_document, site)), basis=basis, acts=True)
    if unit is not None:
        yield Task("sensors", tested("sensors", lambda _: genuine.of_line(unit)), basis=unit.spelt())


def _document(site: Site, config: Config) -> Finding:
    site.tell("Lay a travel document on the reader and leave it there")
    settings = config.swipe
    assert settings is not None, "there is a reader"
    began_s = time.monotonic()

    async def read() -> tuple[int, str]:
        reader = mrz_readers.mrz_reader(settings)
        try:
            await reader.connect()
            lines = await reader.next_lines()
        finally:
            reader.close()
        zone_s = time.monotonic()
        chips = chip_reader(config.chip)
        try:
            await chips.wait_for_card(DEVICE_S)
        except NoReplyError:
            return len(lines.lines), "no chip answered"
        finally:
            await chips.close()
        return len(lines.lines), f"its chip answered {(time.monotonic() - zone_s) * 1000:.0f} ms later"

    async def timed() -> str:
        rows, chip = await read()
        return f"a zone of {rows} lines was read after {time.monotonic() - began_s:.1f} s; {chip}"

    said = _run(timed(), within_s=site.wait_s)
    if "no chip" in said:
        raise StepError(said)
    both = {genuine.of_line(settings), genuine.of_chip(config.chip)}
    return Finding(said, {}, _least(both))


def _least(seen: set[Verified]) -> Verified:
    """Several devices are as real as the least real of them."""
    return next(one for one in (Verified.NO, Verified.SIMULATOR, Verified.HARDWARE) if one in seen)


# ── the camera ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _camera_tasks(site: Site, camera: CameraSettings) -> Iterator[Task]:
    basis = [camera.driver, camera.address, camera.width, camera.height, camera.frames_per_second]
    yield Task("camera_exposure", _at_camera(site, _exposure), basis=basis, acts=True)
    yield Task("camera_control_lag", _at_camera(site, _control_lag), basis=basis, acts=True)
    yield Task("camera_lag", _at_camera(site, _display_lag), basis=[*basis, "display"], acts=True)
    yield Task("camera_height", _at_camera(site, _height), basis=[*basis, site.answers.eyes_cm], acts=True)
    yield Task("lighting", _at_camera(site, _lighting), basis=basis, acts=True)


def _at_camera(site: Site, do: Callable[[Site, Config], Finding]) -> Callable[[], Finding]:
    return _at_device(site, lambda config: do(site, config))


# The image library and the models load with the first of these steps only.


def _exposure(site: Site, config: Config) -> Finding:
    from gate.programs.provisioning import camera_acts  # noqa: PLC0415

    site.tell("Nobody stands before the camera now")
    found = camera_acts.exposure(config.camera, _models(config))
    if found.calibration is not None:
        values = msgspec.to_builtins(found.calibration)
        amend(site.path, {"camera": {"calibration": values}}, check=site.check)
    return found.finding


def _control_lag(site: Site, config: Config) -> Finding:
    from gate.programs.provisioning import camera_acts  # noqa: PLC0415

    site.tell("Nobody stands before the camera now; its exposure changes for ten seconds")
    found, lag_ms = camera_acts.control_lag(config.camera, site.dice)
    if lag_ms is not None:
        amend(site.path, {"camera": {"control_lag_ms": lag_ms, "challenge": True}}, check=site.check)
    return found


def _display_lag(site: Site, config: Config) -> Finding:
    from gate.programs.provisioning import colours  # noqa: PLC0415

    async def measured() -> tuple[Finding, int]:
        return await colours.measure(config, _models(config), wait_s=site.wait_s, tell=site.tell, dice=site.dice)

    found, lag_ms = asyncio.run(measured())
    amend(site.path, {"camera": {"lag_ms": lag_ms}, "screens": {"challenge": True}}, check=site.check)
    return found


def _height(site: Site, config: Config) -> Finding:
    from gate.programs.provisioning import camera_acts  # noqa: PLC0415

    stood = camera_acts.stand_before(config.camera, _models(config), wait_s=site.wait_s, tell=site.tell)
    return camera_acts.height(stood, config.camera, eyes_cm=site.answers.eyes_cm)


def _lighting(site: Site, config: Config) -> Finding:
    from gate.programs.provisioning import camera_acts  # noqa: PLC0415

    stood = camera_acts.stand_before(config.camera, _models(config), wait_s=site.wait_s, tell=site.tell)
    return camera_acts.lighting(stood, config.camera)


def _models(config: Config):  # type: ignore[no-untyped-def]  # noqa: ANN202 - FaceModels, which loads with these steps only
    from gate.face.chain import open_models  # noqa: PLC0415
    from models.errors import ModelError  # noqa: PLC0415

    try:
        return open_models(Path(config.paths.models), profile=config.face.profile, providers=config.face.providers)
    except ModelError as error:
        raise StepError(str(error)) from error


# ── the barrier ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _barrier_tasks(site: Site, prefix: str, settings: BarrierSettings) -> Iterator[Task]:
    profile = _profile(settings)
    ttl_ms = site.config.rules.grant_ttl_ms
    basis = [settings.spelt(), repr(profile)]
    short_ms = max(profile.ttl_ms.start, min(GRANT_SHORT_MS, profile.ttl_ms[-1]))
    wait_ms = site.wait_ms

    def act(name: str, make: Callable[[], acts.Act]) -> Task:
        def do(_: Config) -> Finding:
            seen = asyncio.run(barrier_acts.carry_out(make(), settings, tell=site.tell))
            return _seen(seen, settings)

        return Task(f"{prefix}{name}", _at_device(site, do), basis=basis, acts=True)

    def watchdog(_: Config) -> Finding:
        figures: dict[str, Figure] = {}
        if isinstance(profile, ModbusProfile) and profile.watchdog is not None:
            figures = {"watchdog_ms": profile.watchdog.ms}
        return Finding(_run(barrier(settings).check()), figures, genuine.of_board(settings))

    def host_kill(_: Config) -> Finding:
        site.tell("Stay out of the lane: a program opens the leaf and is killed")
        return _seen(asyncio.run(barrier_acts.host_killed(settings, profile, ttl_ms=ttl_ms)), settings)

    yield Task(f"{prefix}watchdog", _at_device(site, watchdog), basis=basis)
    yield act("walk_entry", lambda: acts.walk(Direction.ENTRY, ttl_ms=ttl_ms, wait_ms=wait_ms))
    yield act("walk_exit", lambda: acts.walk(Direction.EXIT, ttl_ms=ttl_ms, wait_ms=wait_ms))
    yield act("grant_ends", lambda: acts.grant_ends(ttl_ms=short_ms))
    yield act("tailgate", lambda: acts.tailgate(ttl_ms=ttl_ms, wait_ms=wait_ms))
    yield act("fire", lambda: acts.fire(wait_ms=wait_ms))
    yield Task(f"{prefix}host_kill", _at_device(site, host_kill), basis=basis, acts=True)
    yield act("power", lambda: acts.power(wait_ms=wait_ms))


def _profile(settings: BarrierSettings) -> BarrierProfile:
    try:
        return load_profile(settings.profile)
    except DriverError as error:
        raise ConfigurationStepError(str(error)) from error


def _seen(seen: acts.Seen, settings: BarrierSettings) -> Finding:
    return Finding(seen.detail, seen.figures, genuine.of_board(settings) if seen.shown else Verified.NO)


# ── what is left ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _left_bag(site: Site, config: Config) -> Finding:
    settings = config.sensors
    assert settings is not None, "there is a unit"

    async def watch() -> str:
        unit = sensors.sensors(settings)
        try:
            await unit.connect()
            site.tell("Lay a bag between the doors, or before the sensor, and go away")
            seen_s = await _until(unit, left=True, within_s=site.wait_s)
            site.tell("Take the bag away")
            await _until(unit, left=False, within_s=site.wait_s)
        finally:
            unit.close()
        return f"the bag was seen after {seen_s:.1f} s, and that it was taken away"

    detail = _run(watch(), within_s=2 * site.wait_s + DEVICE_S)
    return Finding(detail, {}, genuine.of_line(settings))


async def _until(unit: sensors.SensorDriver, *, left: bool, within_s: float) -> float:
    began_s = time.monotonic()
    while time.monotonic() - began_s <= within_s:
        with contextlib.suppress(NoReplyError):
            if (await unit.status()).object_left is left:
                return time.monotonic() - began_s
        await asyncio.sleep(0.1)
    raise StepError(f"the unit does not say that {'something was left' if left else 'nothing is left any more'}")


def _enrolment(site: Site, config: Config) -> Task:
    central = site.answers.central
    if not central.address:
        missing = "" if config.sync is not None else "no central server was named: the log stays on this machine alone"
        return Task("enrolment", lambda: Finding("enrolled before"), missing=missing)
    return Task("enrolment", partial(_enrol, site), basis=[central.address, config.gate_id])


def _enrol(site: Site) -> Finding:
    config, central = site.config, site.answers.central
    try:
        with Path(central.token_file).open(encoding="utf-8") as file:
            token = file.read(256).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise StepError(f"cannot read {central.token_file}: {getattr(error, 'strerror', 'it is no text')}") from error
    steps = enrol_steps(
        site.path,
        Central(central.address, Path(central.ca), token),
        gate_id=config.gate_id,
        keys=Path(config.paths.keys),
        again=False,
        log_vkey=partial(log_vkey, config),
        check=site.check,
    )
    done = list(carry_out_steps(steps))
    if failed := [one.detail for one in done if one.state is StepState.FAILED]:
        raise StepError(failed[0])
    return Finding("; ".join(one.detail for one in done if one.detail) or f"enrolled at {central.address} before")


def _write_vkey(site: Site) -> Finding:
    config = site.config
    vkey = log_vkey(config)
    path = folder_of(config) / f"{config.gate_id}.vkey"
    try:
        durable.make_folder(path.parent, mode=0o750)
        durable.write(path, f"{vkey}\n".encode(), mode=0o644)
    except OSError as error:
        raise StepError(f"cannot write {path}: {error.strerror}") from error
    return Finding(
        f"give {path} to each of {len(config.audit.recipients)} auditors, and have them read out {fingerprint(vkey)}"
    )


def log_vkey(config: Config) -> str:
    """The public half of the log's key. Raises StepError."""
    try:
        return keys.load(Path(config.paths.keys) / "log.key", config.origin).verifier.vkey
    except AuditError as error:
        raise StepError(str(error)) from error


def fingerprint(vkey: str) -> str:
    """What two persons compare by telephone: the first 16 bytes of the SHA-256 of the line, in groups of four digits."""
    import hashlib  # noqa: PLC0415 - here alone

    digits = hashlib.sha256(vkey.encode()).hexdigest()[:32]
    return " ".join(digits[at : at + 4] for at in range(0, len(digits), 4))

"""The technician's steps after installation: they check the machine, the lists and each device, enrol the gate, and check its approval.

A step at a device needs the lane program stopped, because devices are opened exclusively.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from gate.face.chain import FaceModels, open_models
from gate.programs import selftest
from gate.programs.shared.approval import approved
from gate.programs.shared.config import Config
from gate.programs.shared.devices import mrz_readers, sensors
from gate.programs.shared.devices.chip_readers import chip_reader
from gate.provision import simulation
from gate.provision.barrier import barrier_steps
from gate.provision.camera import control_lag, exposure, height, lighting, stand_before
from gate.provision.display_lag import measure
from gate.provision.enrolment import Central, enrolment_steps
from gate.provision.log_key import fingerprint, log_vkey
from gate.provision.progress import folder_of
from gate.provision.site import DEVICE_S, Site, amend, at_device, require_unit_access, run
from gate.provision.steps import Finding, Step, StepError, StepState, Verified, carry_out, step_errors
from gate.trust.errors import TrustError
from gate.trust.folder import read_paths
from gate.trust.list_import import import_sources
from gate.trust.sources import Way
from gate_core import durable
from gate_core.errors import NoReplyError
from gate_core.ports.drivers import SensorDriver
from gate_core.programs import clock
from gate_core.settings.base import Settings
from gate_core.settings.config_file import ConfigError
from gate_documents.errors import DocumentError
from gate_documents.pki.certificate import parse_certificate
from models.errors import ModelError

LIST_BYTES_MAX: Final = 16 << 20


def gate_steps(site: Site) -> Iterator[Step]:
    """Every step, in order. Raises ConfigurationStepError."""
    config = site.config
    for name, test in (("disk", "disk"), ("clock", "clock"), ("golden_vectors", "models")):
        yield Step(name, partial(_tested, site, test), fresh=True)
    yield Step("lists", partial(_import_lists, site), fresh=True)
    yield from _reader_steps(site, config)
    for name, do in _CAMERA_STEPS.items():
        yield Step(name, at_device(site, partial(do, site)), manual=True)
    if (pad := config.camera.pad) is not None:
        sensor = simulation.of_line(pad)
        yield Step("liveness_sensor", at_device(site, lambda now: Finding(run(selftest.TESTS["pad"](now)), {}, sensor)))
    for prefix, settings in (("first_", config.first_driven), ("", config.driven)):
        if settings is not None:
            yield from barrier_steps(site, prefix, settings)
    if config.sensors is not None:
        yield Step("left_bag", at_device(site, partial(_left_bag, site)), manual=True)
    nowhere = not site.answers.central.address and config.sync is None
    missing = "no central server was named: the log stays on this machine alone" if nowhere else ""
    yield Step("enrolment", partial(_enrol, site), missing=missing)
    yield Step("recipients", partial(_write_vkey, site), fresh=True)
    yield Step("approval", partial(_approved, site), fresh=True)


def _tested(site: Site, name: str) -> str:
    """Run a test of the self-test as a step."""
    return run(selftest.TESTS[name](site.config))


# ── lists ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _import_lists(site: Site) -> str:
    """Import the technician's certificates and lists, if there are any. Raises StepError; the store is then unchanged."""
    wanted = site.answers.lists
    if not wanted.files:
        return _tested(site, "trust")
    files, store = [Path(name) for name in wanted.files], Path(site.config.paths.trust)
    try:
        sources = read_paths(files, _bytes).sources
        vouching = parse_certificate(_bytes(Path(wanted.signer))) if wanted.signer else None
        way = Way.DOWNLOADED if any(path.is_dir() for path in files) else Way.HANDED
        taken = import_sources(store, sources, signer=vouching, test=wanted.test, now=clock.now(), way=way)
    except (TrustError, DocumentError) as error:
        raise StepError(str(error)) from error
    except OSError as error:
        raise StepError(f"cannot read {error.filename}: {error.strerror}") from error
    left_out = f", {len(taken.rejected)} left out" if taken.rejected else ""
    said = (
        f"{taken.accepted} of {taken.certificates} certificates and {taken.revocation_lists} revocation lists{left_out}"
    )
    return f"{said}; {_tested(site, 'trust')}"


def _bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        raw = file.read(LIST_BYTES_MAX + 1)
    if len(raw) > LIST_BYTES_MAX:
        raise StepError(f"{path} is larger than {LIST_BYTES_MAX >> 20} MiB")
    return raw


# ── readers, sensors ─────────────────────────────────────────────────────────────────────────────────────────────────


def _reader_steps(site: Site, config: Config) -> Iterator[Step]:
    def answers(
        name: str, verified: Callable[[], Verified], program: str = "lane", settings: Settings | None = None
    ) -> Step:
        def look(now: Config) -> Finding:
            found = Finding(run(selftest.TESTS[name](now)), {}, verified())
            if settings is not None:
                require_unit_access(site, program, settings)
            return found

        return Step(name, at_device(site, look))

    swipe, page, chip, unit = config.swipe, config.page, config.chip, config.sensors
    if swipe is not None:
        yield answers("swipe", partial(simulation.of_line, swipe), settings=swipe)
    if page is not None:
        yield answers("page", partial(simulation.of_page, page), "vision", page)
    yield answers("chip", partial(simulation.of_chip, chip))
    if swipe is not None:
        yield Step("document", at_device(site, partial(_document, site)), manual=True, after=("swipe", "chip"))
    if unit is not None:
        yield answers("sensors", partial(simulation.of_line, unit), settings=unit)


def _document(site: Site, config: Config) -> Finding:
    site.tell("Lay a travel document on the reader and leave it there")
    settings = config.swipe
    assert settings is not None, "there is a reader"
    began_s = time.monotonic()

    async def read() -> str:
        reader, chips = mrz_readers.mrz_reader(settings), chip_reader(config.chip)
        try:
            await reader.connect()
            rows = len((await reader.next_lines()).lines)
        finally:
            reader.close()
        zone_s, chip = time.monotonic(), "no chip answered"
        with contextlib.suppress(NoReplyError):
            try:
                await chips.wait_for_card(DEVICE_S)
                chip = f"its chip answered {(time.monotonic() - zone_s) * 1000:.0f} ms later"
            finally:
                await chips.close()
        return f"a zone of {rows} lines was read after {time.monotonic() - began_s:.1f} s; {chip}"

    said = run(read(), within_s=site.wait_s)
    if "no chip" in said:
        raise StepError(said)
    both = {simulation.of_line(settings), simulation.of_chip(config.chip)}
    least_real = next(one for one in (Verified.NO, Verified.SIMULATOR, Verified.HARDWARE) if one in both)
    return Finding(said, {}, least_real)


# ── the camera ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _exposure(site: Site, config: Config) -> Finding:
    site.tell("Nobody stands before the camera now")
    found, calibration = exposure(config.camera, _models(config))
    require_unit_access(site, "vision", config.camera)
    if calibration is not None:
        amend(site.path, {"camera": {"calibration": msgspec.to_builtins(calibration)}})
    return found


def _control_lag(site: Site, config: Config) -> Finding:
    site.tell("Nobody stands before the camera now; its exposure changes for ten seconds")
    found, lag_ms = control_lag(config.camera, site.dice)
    if lag_ms is None and config.camera.is_challenged:
        raise StepError(
            f"{found.detail}, so that everybody would be referred: take a camera that obeys, or one with https"
        )
    if lag_ms is not None:
        amend(site.path, {"camera": {"control_lag_ms": lag_ms, "challenge": True}})
    return found


def _display_lag(site: Site, config: Config) -> Finding:
    async def measured() -> tuple[Finding, int]:
        return await measure(config, _models(config), wait_s=site.wait_s, tell=site.tell, dice=site.dice)

    found, lag_ms = asyncio.run(measured())
    amend(site.path, {"camera": {"lag_ms": lag_ms}, "screens": {"challenge": True}})
    return found


def _height(site: Site, config: Config) -> Finding:
    site.tell(f"Your eyes are taken to be {site.answers.eyes_cm} cm above the floor (eyes_cm in the answers)")
    stood = stand_before(config.camera, _models(config), wait_s=site.wait_s, tell=site.tell)
    return height(stood, config.camera, eyes_cm=site.answers.eyes_cm)


def _lighting(site: Site, config: Config) -> Finding:
    stood = stand_before(config.camera, _models(config), wait_s=site.wait_s, tell=site.tell)
    return lighting(stood, config.camera)


_CAMERA_STEPS: Final = {
    "camera_exposure": _exposure,
    "camera_control_lag": _control_lag,
    "camera_lag": _display_lag,
    "camera_height": _height,
    "lighting": _lighting,
}


def _models(config: Config) -> FaceModels:
    with step_errors(ModelError):
        return open_models(Path(config.paths.models), profile=config.face.profile, providers=config.face.providers)


# ── bags, enrolment, approval ────────────────────────────────────────────────────────────────────────────────────────


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

    detail = run(watch(), within_s=2 * site.wait_s + DEVICE_S)
    return Finding(detail, {}, simulation.of_line(settings))


async def _until(unit: SensorDriver, *, left: bool, within_s: float) -> float:
    began_s = time.monotonic()
    while time.monotonic() - began_s <= within_s:
        with contextlib.suppress(NoReplyError):
            if (await unit.status()).object_left is left:
                return time.monotonic() - began_s
        await asyncio.sleep(0.1)
    raise StepError(f"the unit does not say that {'something was left' if left else 'nothing is left any more'}")


def _enrol(site: Site) -> str:
    config, central = site.config, site.answers.central
    if not central.address:
        if config.sync is not None:
            return "enrolled before"
        raise StepError("no central server is named any more: leave this step out")
    server = Central(central.address, Path(central.ca), site.token)
    done = list(carry_out(enrolment_steps(site.path, config, server)))
    if failed := [one.detail for one in done if one.state is StepState.FAILED]:
        raise StepError(failed[0])
    return "; ".join(one.detail for one in done if one.detail) or f"enrolled at {central.address} before"


def _write_vkey(site: Site) -> str:
    config = site.config
    vkey = log_vkey(config)
    path = folder_of(config) / f"{config.gate_id}.vkey"
    with step_errors(OSError, doing=f"cannot write {path}"):
        durable.make_folder(path.parent, mode=0o750)
        durable.write(path, f"{vkey}\n".encode(), mode=0o644)
    return f"give {path} to each of {len(config.audit.recipients)} auditors, and have them read out {fingerprint(vkey)}"


def _approved(site: Site) -> str:
    """The last step: every earlier one may have changed the configuration."""
    try:
        found = approved(site.config)
    except ConfigError as error:
        raise StepError(f"{error}; then gate config install, and gate provision again") from error
    if found is None:
        return "a demo needs no approval"
    return f"serial {found.approval.serial}, signed by {' and '.join(found.signers)}"

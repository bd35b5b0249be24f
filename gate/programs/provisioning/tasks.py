"""The technician's steps at one gate, behind those that make it (`gate.provision.init_steps`): the plan with its devices.

A step at a device wants the lane stopped, since devices are opened exclusively. What each rests on is `resting`'s.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from drivers.pad.settings import PadSensor
from gate.programs import selftest
from gate.programs.provisioning import genuine
from gate.programs.provisioning.barrier_tasks import barrier_tasks
from gate.programs.provisioning.camera_tasks import camera_tasks
from gate.programs.provisioning.log_key import vkey_of
from gate.programs.provisioning.site import DEVICE_S, Site, at_device, require_unit_access, run
from gate.programs.shared.approval import approved
from gate.programs.shared.config import Config
from gate.programs.shared.devices import mrz_readers, sensors
from gate.programs.shared.devices.chip_readers import chip_reader
from gate.provision.course import FOLDER, Finding, Task, Verified
from gate.provision.enrol_steps import Central, enrol_steps
from gate.provision.sealing import device_passphrase
from gate.provision.steps import StepError, StepState
from gate.provision.steps import carry_out as carry_out_steps
from gate.trust.errors import TrustError
from gate.trust.folder import read_folder
from gate.trust.importing import import_sources
from gate.trust.known import Way
from gate.trust.sources import Source, parts_of, read_source
from gate_core import durable
from gate_core.errors import NoReplyError
from gate_core.programs import clock
from gate_core.settings.base import Settings
from gate_core.settings.config_file import ConfigError
from gate_documents.errors import DocumentError
from gate_documents.pki.certificate import parse_certificate

LIST_BYTES_MAX: Final = 16 << 20


def folder_of(config: Config) -> Path:
    """Where what is kept of the way lies."""
    return Path(config.paths.state) / FOLDER


def tasks_of(site: Site) -> Iterator[Task]:
    """Every step, in order. Raises ConfigurationStepError."""
    config = site.config
    yield Task("disk", _tested(site, "disk"), fresh=True)
    yield Task("clock", _tested(site, "clock"), fresh=True)
    yield Task("golden_vectors", _tested(site, "models"), fresh=True)
    yield Task("lists", partial(_import_lists, site), fresh=True)
    yield from _reader_tasks(site, config)
    yield from camera_tasks(site)
    if config.camera.pad is not None:
        yield Task("liveness_sensor", at_device(site, partial(_liveness_sensor, config.camera.pad)))
    for prefix, settings in (("first_", config.first_driven), ("", config.driven)):
        if settings is not None:
            yield from barrier_tasks(site, prefix, settings)
    if config.sensors is not None:
        look = partial(_left_bag, site)
        yield Task("left_bag", at_device(site, look), acts=True)
    yield _enrolment(site, config)
    yield Task("recipients", partial(_write_vkey, site), fresh=True)
    yield Task("approval", partial(_approved, site), fresh=True)


def _approved(site: Site) -> Finding:
    """Last: every step before may have changed the configuration."""
    try:
        found = approved(site.config)
    except ConfigError as error:
        raise StepError(f"{error}; then gate config install, and gate provision again") from error
    if found is None:
        return Finding("a demo needs no approval")
    return Finding(f"serial {found.approval.serial}, signed by {' and '.join(found.signers)}")


def _tested(site: Site, name: str) -> Callable[[], Finding]:
    """A test of the self-test as a step."""

    def do_it() -> Finding:
        return Finding(run(selftest.TESTS[name](site.config)))

    return do_it


# ── lists, readers ───────────────────────────────────────────────────────────────────────────────────────────────────


def _import_lists(site: Site) -> Finding:
    config, wanted = site.config, site.answers.lists
    taken = ""
    if wanted.files:
        signer = Path(wanted.signer) if wanted.signer else None
        taken = _take_in(
            Path(config.paths.trust), [Path(name) for name in wanted.files], signer=signer, test=wanted.test
        )
    state = run(selftest.TESTS["trust"](config))
    return Finding(f"{taken}{state}")


def _reader_tasks(site: Site, config: Config) -> Iterator[Task]:
    def tested(
        name: str, verified: Callable[[Config], Verified], program: str = "lane", settings: Settings | None = None
    ) -> Callable[[], Finding]:
        def look(now: Config) -> Finding:
            found = Finding(run(selftest.TESTS[name](now)), {}, verified(now))
            if settings is not None:
                require_unit_access(site, program, settings)
            return found

        return at_device(site, look)

    swipe, page, unit = config.swipe, config.page, config.sensors
    if swipe is not None:
        yield Task("swipe", tested("swipe", lambda _: genuine.of_line(swipe), settings=swipe))
    if page is not None:
        yield Task("page", tested("page", lambda _: genuine.of_page(page), "vision", page))
    chip = config.chip
    yield Task("chip", tested("chip", lambda _: genuine.of_chip(chip)))
    if swipe is not None:
        read = at_device(site, partial(_document, site))
        yield Task("document", read, acts=True, after=("swipe", "chip"))
    if unit is not None:
        yield Task("sensors", tested("sensors", lambda _: genuine.of_line(unit), settings=unit))


def _liveness_sensor(settings: PadSensor, config: Config) -> Finding:
    verified = Verified.SIMULATOR if settings.simulated() else Verified.HARDWARE
    return Finding(run(selftest.TESTS["pad"](config)), {}, verified)


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

    said = run(timed(), within_s=site.wait_s)
    if "no chip" in said:
        raise StepError(said)
    both = {genuine.of_line(settings), genuine.of_chip(config.chip)}
    return Finding(said, {}, _least(both))


def _least(seen: set[Verified]) -> Verified:
    """Several devices are as real as the least real of them."""
    return next(one for one in (Verified.NO, Verified.SIMULATOR, Verified.HARDWARE) if one in seen)


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

    detail = run(watch(), within_s=2 * site.wait_s + DEVICE_S)
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
    return Task("enrolment", partial(_enrol, site))


def _enrol(site: Site) -> Finding:
    config, central = site.config, site.answers.central
    if not central.address:
        raise StepError("no central server is named any more: leave this step out")
    steps = enrol_steps(
        site.path,
        Central(central.address, Path(central.ca), site.token),
        gate_id=config.gate_id,
        home=Path(config.paths.identity),
        again=False,
        log_vkey=partial(log_vkey, config),
        check=site.check,
        now=clock.now,
        passphrase=partial(device_passphrase, Path(config.paths.keys)),
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
    return vkey_of(Path(config.paths.keys) / "log.key", config.origin)


def fingerprint(vkey: str) -> str:
    """What two persons compare by telephone: the first 16 bytes of the SHA-256 of the line, in groups of four digits."""
    import hashlib  # noqa: PLC0415 - here alone

    digits = hashlib.sha256(vkey.encode()).hexdigest()[:32]
    return " ".join(digits[at : at + 4] for at in range(0, len(digits), 4))


def _take_in(store: Path, files: Sequence[Path], *, signer: Path | None, test: bool) -> str:
    """Import the certificates and lists that a technician brings along, and say what was taken. Raises StepError, after which the store is as it was."""
    try:
        sources: list[Source] = []
        for path in files:
            sources += read_folder(path).sources if path.is_dir() else _sources_in(path)
        vouching = None if signer is None else parse_certificate(_bytes(signer))
        way = Way.DOWNLOADED if any(path.is_dir() for path in files) else Way.HANDED
        taken = import_sources(store, sources, signer=vouching, test=test, now=clock.now(), way=way)
    except (TrustError, DocumentError) as error:
        raise StepError(str(error)) from error
    except OSError as error:
        raise StepError(f"cannot read {error.filename}: {error.strerror}") from error
    left_out = f", {len(taken.rejected)} left out" if taken.rejected else ""
    return f"{taken.accepted} of {taken.certificates} certificates and {taken.revocation_lists} revocation lists{left_out}; "


def _sources_in(path: Path) -> list[Source]:
    return [read_source(name, part) for name, part in parts_of(str(path), _bytes(path))]


def _bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        raw = file.read(LIST_BYTES_MAX + 1)
    if len(raw) > LIST_BYTES_MAX:
        raise StepError(f"{path} is larger than {LIST_BYTES_MAX >> 20} MiB")
    return raw

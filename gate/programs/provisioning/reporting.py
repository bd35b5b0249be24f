"""Makes the acceptance report of a gate from what is kept of its way and from its configuration as it is now, and signs it with the log's key."""

from __future__ import annotations

import base64
import platform
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Final

import msgspec

from drivers.barrier.settings import BarrierSettings, Board
from gate.programs.provisioning import genuine
from gate.programs.provisioning.log_key import signer_of
from gate.programs.provisioning.proofs import missing_for_service
from gate.programs.provisioning.resting import standing
from gate.programs.provisioning.tasks import fingerprint, folder_of, log_vkey
from gate.programs.shared.basis import basis_of
from gate.programs.shared.config import Config, load
from gate.programs.shared.consoles import known_fingerprint
from gate.programs.shared.devices import barriers, mrz_readers, sensors
from gate.provision.acceptance import Claimed, line, unsigned
from gate.provision.acceptance_values import (
    Configuration,
    Gate,
    Key,
    Missing,
    Model,
    Picture,
    Profile,
    Report,
    Software,
)
from gate.provision.course import Ending, Outcome, Store, Verified
from gate.provision.steps import ConfigurationStepError, StepError
from gate.provision.way import BARRIER_TITLES, SEALING, TITLES
from gate_core import durable
from gate_core.approval.canonical import digest
from gate_core.audit_format.errors import BadFormatError, BadSignatureError
from gate_core.audit_format.note import Note, Verifier
from gate_core.errors import DriverError
from gate_core.evidence.screen import Purpose
from gate_core.programs import clock
from gate_core.settings.config_file import ConfigError
from models.errors import ModelError
from models.site import load_for

NAME = "acceptance"
_REAL: Final = {
    Verified.HARDWARE: "a real device",
    Verified.SIMULATOR: "a simulator",
    Verified.NO: "not there, or not to be told from a simulator",
}


@dataclass(frozen=True, slots=True)
class Made:
    """The report's two files."""

    page: Path
    document: Path


def configuration_of(path: Path) -> Config:
    """The configuration, also one that service refuses. Raises ConfigurationStepError, and StepError when it cannot be read."""
    try:
        return load(path, refuse_in_service=False)
    except ConfigError as error:
        failure = StepError if error.is_unreadable else ConfigurationStepError
        raise failure(str(error)) from error


def describe(path: Path) -> Report:
    """The report as it is to be signed. Raises StepError."""
    config = configuration_of(path)
    return _report(path, config, Store(folder_of(config)))


def sign(path: Path, report: Report, *, out: Path | None = None) -> Made:
    """Sign the report and write it, into `out` or beside what is kept. Raises StepError, also when the log's key is of another purpose."""
    config = configuration_of(path)
    whole = unsigned(report, origin=config.origin)
    signer = signer_of(Path(config.paths.keys), config.origin)
    note = Note(whole.note_text, (signer.sign(whole.note_text),))
    files = whole.signed(note.to_bytes().decode())
    place = out or folder_of(config)
    made = Made(place / f"{NAME}.html", place / f"{NAME}.json")
    try:
        durable.make_folder(place, mode=0o750)
        durable.write(made.document, files.document)
        durable.write(made.page, files.page)
    except OSError as error:
        raise StepError(f"cannot write the report into {place}: {error.strerror}") from error
    return made


def is_signed(claimed: Claimed, vkey: str) -> bool:
    """True when the file is what its note is about, and this key signed the note. Raises BadFormatError for a key that is none."""
    verifier = Verifier.parse(vkey)
    try:
        Note.parse(claimed.note.encode()).verify(verifier)
    except (BadFormatError, BadSignatureError):
        return False
    return claimed.holds and claimed.origin == verifier.name


def steps_of(config: Config) -> list[str]:
    """The steps of this gate's way: those of devices that it does not have are none."""
    has = {
        "swipe": config.swipe is not None,
        "document": config.swipe is not None,
        "page": config.page is not None,
        "sensors": config.sensors is not None,
        "left_bag": config.sensors is not None,
        **dict.fromkeys(SEALING, False),  # where there is a TPM alone
        "units": False,  # of an installed gate alone
        **dict.fromkeys(BARRIER_TITLES, config.driven is not None),
        **{f"first_{name}": config.first_driven is not None for name in BARRIER_TITLES},
    }
    return [step for step in TITLES if has.get(step, True)]


def _report(path: Path, config: Config, store: Store) -> Report:
    outcomes, void = standing(store.outcomes, config, store.answers)
    steps = [step for step in TITLES if step in outcomes or step in steps_of(config)]
    lines = [line(step, TITLES[step], outcomes.get(step), why_not=void.get(step, "")) for step in steps]
    missing = missing_for_service(config, outcomes, void, steps)
    vkey = _vkey(config)
    in_service = msgspec.structs.replace(config, purpose=Purpose.SERVICE)
    if not _vkey(in_service):
        why = f"there is no key of the log {in_service.origin}: a gate in service begins a log of its own (technician's guide, From trial to service)"
        missing.append(Missing(id="log_key", why=why))
    return Report(
        gate=Gate(
            id=config.gate_id,
            operator=config.operator,
            origin=config.origin,
            purpose=str(config.purpose),
            mode=config.mode,
            time_zone=config.time_zone,
        ),
        by=str(store.answers.get("by", "")),
        made_at=clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
        software=_software(config),
        configuration=Configuration(path=str(path), digest=_digest(config)),
        profiles=tuple(_profiles(config)),
        key=Key(vkey=vkey, fingerprint=fingerprint(vkey)),
        console_key=known_fingerprint(config) if config.console else "",
        auditors=config.audit.recipients,
        verdict=_verdict(outcomes, steps, len(missing)),
        lines=tuple(lines),
        missing_for_service=tuple(missing),
        pictures=tuple(
            Picture(id=step, caption=caption, jpeg=base64.b64encode(jpeg).decode())
            for step in steps
            if (outcome := outcomes.get(step)) is not None
            for caption, jpeg in outcome.pictures
        ),
    )


def _digest(config: Config) -> str:
    """Of what decisions rest on, as approvers sign it; empty where it cannot be had."""
    try:
        return digest(basis_of(config))
    except ConfigError:
        return ""


def _verdict(outcomes: Mapping[str, Outcome], steps: list[str], missing: int) -> str:
    done = sum(1 for step in steps if step in outcomes and outcomes[step].state is Ending.DONE)
    real = sum(1 for one in outcomes.values() if one.state is Ending.DONE and one.verified is Verified.HARDWARE)
    for_service = f"{missing} proofs are missing for service" if missing else "no proof is missing for service"
    return f"{done} of {len(steps)} steps done, {real} verified on hardware; {for_service}."


def _vkey(config: Config) -> str:
    """Empty where there is no key that can be used, or one of another purpose."""
    try:
        return log_vkey(config)
    except StepError:
        return ""


def _software(config: Config) -> Software:
    try:
        models = load_for(Path(config.paths.models)).needed_for(config.face.profile)
    except ModelError as error:
        raise StepError(str(error)) from error
    return Software(
        portcullis=metadata.version("portcullis"),
        python=platform.python_version(),
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        models=tuple(Model(name=one.name, version=str(one.version), sha256=one.sha256) for one in models),
    )


def _profile_of(settings: BarrierSettings) -> str:
    """Its name or path; empty for a protocol without profiles."""
    if isinstance(settings, Board):
        return settings.profile
    return ""


def _profiles(config: Config) -> Iterator[Profile]:
    for name, settings in (("barrier", config.driven), ("first_barrier", config.first_driven)):
        if settings is not None:
            said = _said(partial(barriers.is_verified, settings))
            yield Profile(device=name, driver=settings.driver, profile=_profile_of(settings), said=said)
    if (unit := config.sensors) is not None:
        said = _said(partial(sensors.is_verified, unit))
        yield Profile(device="sensors", driver=unit.driver, profile=unit.profile, said=said)
    if (swipe := config.swipe) is not None:
        said = _said(partial(mrz_readers.is_verified, swipe))
        yield Profile(device="swipe", driver=swipe.driver, profile=mrz_readers.profile_of(swipe) or "", said=said)
    if (page := config.page) is not None:
        yield Profile(device="page", driver=page.driver, profile="", said=_REAL[genuine.of_page(page)])
    yield Profile(device="chip", driver=config.chip.driver, profile="", said=_REAL[genuine.of_chip(config.chip)])
    yield Profile(
        device="camera", driver=config.camera.driver, profile="", said=_REAL[genuine.of_camera(config.camera)]
    )


def _said(is_verified: Callable[[], bool]) -> str:
    try:
        return "verified on hardware" if is_verified() else "not tried on hardware, by its own word"
    except DriverError as error:
        return str(error)
